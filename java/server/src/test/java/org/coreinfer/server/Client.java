package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Asks a server as anybody would. */
record Client(Server server) {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** What came back. */
  record Reply(HttpResponse<String> response) {
    int status() {
      return response.statusCode();
    }

    String body() {
      return response.body();
    }

    Optional<String> header(String name) {
      return response.headers().firstValue(name);
    }

    /** The object of a request that was answered. */
    JsonObject json() {
      assertEquals(200, status(), body());
      return JsonParser.parseString(body()).getAsJsonObject();
    }

    JsonObject choice() {
      return json().getAsJsonArray("choices").get(0).getAsJsonObject();
    }

    String text() {
      return choice().get("text").getAsString();
    }

    String content() {
      return choice().getAsJsonObject("message").get("content").getAsString();
    }

    /** The error of a request that was refused so; its form is OpenAI's. */
    JsonObject error(int expected) {
      assertEquals(expected, status(), body());
      assertEquals("application/json", header("Content-Type").orElse(""));
      JsonObject error = JsonParser.parseString(body()).getAsJsonObject().getAsJsonObject("error");
      assertEquals(List.of("message", "type", "param", "code"), List.copyOf(error.keySet()));
      return error;
    }

    /** The chunks of a stream that came to its end. */
    List<JsonObject> chunks() {
      assertEquals(200, status(), body());
      assertEquals("text/event-stream; charset=utf-8", header("Content-Type").orElse(""));
      List<JsonObject> chunks = new ArrayList<>();
      List<String> data = body().lines().filter(line -> line.startsWith("data: ")).toList();
      assertEquals("data: [DONE]", data.get(data.size() - 1));
      for (String line : data.subList(0, data.size() - 1)) {
        chunks.add(JsonParser.parseString(line.substring("data: ".length())).getAsJsonObject());
      }
      return chunks;
    }
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Duration.ofSeconds(30));
  }

  static Reply send(HttpRequest.Builder request) {
    try {
      return new Reply(HTTP.send(request.build(), BodyHandlers.ofString()));
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  Reply get(String path) {
    return send(request(path).GET());
  }

  Reply post(String path, String body) {
    return send(request(path).POST(BodyPublishers.ofString(body)));
  }

  /** Posts with single quotes in place of double ones. */
  Reply ask(String path, String body) {
    return post(path, body.replace('\'', '"'));
  }

  /** A connection on which a request of this body was sent, and no answer read yet. */
  Socket openRaw(String path, String body) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    byte[] bytes = body.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    OutputStream out = socket.getOutputStream();
    String head =
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            .formatted(path, bytes.length);
    out.write(head.getBytes(StandardCharsets.US_ASCII));
    out.write(bytes);
    out.flush();
    return socket;
  }

  /** What a request without any help from a library gets, up to the connection's end. */
  String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      socket.getOutputStream().flush();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** The value of a metric without labels. */
  double metric(String name) {
    return get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no metric " + name));
  }

  /** Waits for what must come to pass. */
  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "this never came: " + what);
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  static List<Double> numbers(JsonArray array) {
    List<Double> numbers = new ArrayList<>();
    array.forEach(item -> numbers.add(item.isJsonNull() ? Double.NaN : item.getAsDouble()));
    return numbers;
  }
}
