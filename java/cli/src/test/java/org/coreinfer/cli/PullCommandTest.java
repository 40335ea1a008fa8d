package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.hub.Hub;
import org.coreinfer.hub.HubSettings;
import org.coreinfer.hub.ModelReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PullCommandTest {
  private static final String LIST =
      "{\"sha\":\"0123456789ab\",\"siblings\":[{\"rfilename\":\"m.Q4_0.gguf\",\"size\":4}]}";

  @TempDir private Path folder;
  private HttpServer server;
  private HubSettings settings;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeEach
  void open() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          boolean isList = exchange.getRequestURI().getPath().startsWith("/api/");
          byte[] body = (isList ? LIST : "GGUF").getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    settings = new HubSettings(uri, null, folder, Duration.ofSeconds(10), Duration.ofMillis(5), 1);
  }

  @AfterEach
  void close() {
    server.stop(0);
  }

  private Streams streams() {
    out.reset();
    err.reset();
    PrintStream notes = new PrintStream(err, true, StandardCharsets.UTF_8);
    return new Streams(new ByteArrayInputStream(new byte[0]), out, notes, false, false);
  }

  private int run(Runnable command, Streams streams, String... arguments) {
    Failures failures = new Failures(streams, () -> false);
    return new CommandLine(command)
        .setParameterExceptionHandler(failures)
        .setExecutionExceptionHandler(failures)
        .execute(arguments);
  }

  private int pull(String... arguments) {
    Streams streams = streams();
    return run(new PullCommand(streams, new Cancellation(), () -> settings), streams, arguments);
  }

  private JsonObject list() {
    Streams streams = streams();
    assertEquals(0, run(new LsCommand(streams, () -> settings), streams, "--json"));
    return JsonParser.parseString(out.toString(StandardCharsets.UTF_8)).getAsJsonObject();
  }

  private int remove(String name) {
    Streams streams = streams();
    return run(new RmCommand(streams, () -> settings), streams, name);
  }

  @Test
  void whatIsPulledIsListedFoundAndRemoved() throws IOException {
    assertEquals(0, pull("o/m"), err.toString(StandardCharsets.UTF_8));
    Path path = folder.resolve("o/m/m.Q4_0.gguf");
    assertEquals(path + "\n", out.toString(StandardCharsets.UTF_8));
    assertEquals("GGUF", Files.readString(path));
    assertEquals(4, list().get("bytes").getAsLong());
    assertEquals(1, list().getAsJsonArray("models").size());
    ModelReference name = ModelReference.parse("o/m:Q4_0");
    assertEquals(path, ModelPath.find(name, new Hub(settings).store()).orElseThrow());
    assertEquals(0, remove("o/m:q4_0"));
    assertEquals(0, list().getAsJsonArray("models").size());
    assertTrue(ModelPath.find(name, new Hub(settings).store()).isEmpty());
  }

  @Test
  void aNameThatWasNotPulledIsAFailureThatSaysHowToGetIt() {
    assertEquals(
        "coreinfer: no-such/model: no such file, and no model of that name was pulled;"
            + " coreinfer pull no-such/model downloads it",
        Command.run("show", "no-such/model").sentence(1));
  }

  @Test
  void wrongNamesAreWrongUsageAndAbsentModelsFailures() {
    assertEquals(2, pull("m"));
    assertTrue(err.toString(StandardCharsets.UTF_8).contains("'m': expected owner/name"));
    assertEquals(2, remove("../m"));
    assertEquals(1, remove("o/m"));
    assertTrue(err.toString(StandardCharsets.UTF_8).contains("o/m is not here"));
  }
}
