# The server and the command, for CPUs:
#   docker build -t coreinfer .
#   docker run -p 8080:8080 -e COREINFER_API_KEY=secret -v "$PWD/models:/models:ro" coreinfer serve --host 0.0.0.0 model.gguf
FROM maven:3.9-eclipse-temurin-17 AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake g++ make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN mvn -B -ntp -pl java/cli -am -DskipTests -Dspotless.check.skip=true -Dnative.target=libraries package

FROM eclipse-temurin:17-jre
RUN useradd --system --home-dir /opt/coreinfer --shell /usr/sbin/nologin coreinfer
# The launcher looks for the jar where the build leaves it, and lets JavaCPP unpack the native libraries into build.
COPY --from=build /src/coreinfer /opt/coreinfer/coreinfer
COPY --from=build /src/java/cli/target/coreinfer-cli-0.1.0.jar /opt/coreinfer/java/cli/target/
COPY --from=build /src/java/cli/target/lib /opt/coreinfer/java/cli/target/lib
RUN ln -s /opt/coreinfer/coreinfer /usr/local/bin/coreinfer \
 && mkdir -p /models /opt/coreinfer/build \
 && chown coreinfer /opt/coreinfer/build
USER coreinfer
WORKDIR /models
EXPOSE 8080
# Neither curl nor wget is needed for this.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["coreinfer"]
CMD ["serve", "--host", "0.0.0.0"]
