package org.coreinfer.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server of one repository, o/m, that misbehaves as it is told, once for each misdeed. */
final class BadServer implements AutoCloseable {
  /** Answers one request instead of the server itself. */
  interface Misdeed {
    void answer(HttpExchange exchange) throws IOException;
  }

  /** A request that came, for a file or for the list. */
  record Request(String path, String range, String ifRange, String authorization) {}

  final Map<String, byte[]> files = new TreeMap<>();
  final Map<String, String> claims = new TreeMap<>(); // JSON members of a file, by name
  final Deque<Misdeed> onList = new ArrayDeque<>();
  final Deque<Misdeed> onFile = new ArrayDeque<>();
  final List<Request> requests = new CopyOnWriteArrayList<>();
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  BadServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  List<Request> fileRequests() {
    return requests.stream().filter(request -> request.path.contains("/resolve/")).toList();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      requests.add(
          new Request(
              path,
              header(exchange, "Range"),
              header(exchange, "If-Range"),
              header(exchange, "Authorization")));
      boolean isList = path.startsWith("/api/models/o/m/revision/");
      Misdeed misdeed = isList ? onList.poll() : onFile.poll();
      if (misdeed != null) {
        misdeed.answer(exchange);
      } else if (isList) {
        send(exchange, 200, list().getBytes(StandardCharsets.UTF_8));
      } else {
        sendFile(exchange);
      }
    }
  }

  private static String header(HttpExchange exchange, String name) {
    String value = exchange.getRequestHeaders().getFirst(name);
    return value == null ? "" : value;
  }

  String list() {
    List<String> siblings = new ArrayList<>();
    files.forEach(
        (name, content) ->
            siblings.add(
                "{\"rfilename\":\"%s\",%s}"
                    .formatted(name, claims.getOrDefault(name, claim(content)))));
    return "{\"sha\":\"0123456789abcdef\",\"siblings\":[" + String.join(",", siblings) + "]}";
  }

  /** What an honest list says of a file. */
  static String claim(byte[] content) {
    return "\"size\":%d,\"lfs\":{\"size\":%1$d,\"sha256\":\"%s\"}"
        .formatted(content.length, sha256(content));
  }

  static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Sends a file, or the part that is asked for, as a sound server does. */
  void sendFile(HttpExchange exchange) throws IOException {
    byte[] content = content(exchange);
    String etag = "\"" + sha256(content) + "\"";
    exchange.getResponseHeaders().set("ETag", etag);
    String range = header(exchange, "Range");
    if (range.isEmpty() || !header(exchange, "If-Range").equals(etag)) {
      send(exchange, 200, content);
      return;
    }
    int start = Integer.parseInt(range.replaceAll("\\D", ""));
    exchange
        .getResponseHeaders()
        .set(
            "Content-Range", "bytes %d-%d/%d".formatted(start, content.length - 1, content.length));
    send(exchange, 206, Arrays.copyOfRange(content, start, content.length));
  }

  byte[] content(HttpExchange exchange) {
    String path = exchange.getRequestURI().getPath();
    String name = path.substring(path.indexOf('/', path.indexOf("/resolve/") + 9) + 1);
    return Objects.requireNonNull(files.get(name), name);
  }

  static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }

  /** Sends the first bytes of a whole file, then ends the connection. */
  Misdeed dropsAfter(int bytes) {
    return exchange -> {
      byte[] content = content(exchange);
      exchange.getResponseHeaders().set("ETag", "\"" + sha256(content) + "\"");
      exchange.sendResponseHeaders(200, content.length);
      exchange.getResponseBody().write(content, 0, bytes);
      exchange.getResponseBody().flush();
    };
  }

  /** Answers with a status and a header. */
  static Misdeed status(int status, String header, String value) {
    return exchange -> {
      exchange.getResponseHeaders().set(header, value);
      exchange.sendResponseHeaders(status, -1);
    };
  }

  /** Waits between the parts of a file. */
  Misdeed drips(int parts, long millis) {
    return exchange -> {
      byte[] content = content(exchange);
      exchange.sendResponseHeaders(200, content.length);
      int step = content.length / parts + 1;
      for (int at = 0; at < content.length; at += step) {
        exchange.getResponseBody().write(content, at, Math.min(step, content.length - at));
        exchange.getResponseBody().flush();
        pause(millis);
      }
    };
  }

  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new IOException(e));
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
