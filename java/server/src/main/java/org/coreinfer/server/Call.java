package org.coreinfer.server;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.stream.Collectors;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.weights.StrictJson;
import org.jspecify.annotations.Nullable;

/** One request and the answer to it. For one thread. */
final class Call {
  static final String JSON = "application/json";

  private static final int MOST_DISCARDED = 16 << 20;
  private static final int MOST_NAMED = 20;

  private final HttpExchange exchange;
  private final Limits limits;
  private final WriteGuard guard;
  private @Nullable Fields fields;
  private int status;

  Call(HttpExchange exchange, Limits limits, WriteGuard guard) {
    this.exchange = exchange;
    this.limits = limits;
    this.guard = guard;
  }

  String method() {
    return exchange.getRequestMethod();
  }

  /** As it was sent, percent signs and all, without the query. */
  String rawPath() {
    String path = exchange.getRequestURI().getRawPath();
    return path == null ? "" : path;
  }

  /** A header of the request; null if it is absent. */
  @Nullable String header(String name) {
    return exchange.getRequestHeaders().getFirst(name);
  }

  Headers answerHeaders() {
    return exchange.getResponseHeaders();
  }

  Limits limits() {
    return limits;
  }

  /** The status that was sent; 0 before. */
  int status() {
    return status;
  }

  /** The fields of the body's JSON object. */
  Fields fields() {
    Fields read = fields;
    if (read == null) {
      read = Fields.of(parse(body()));
      fields = read;
    }
    return read;
  }

  private static JsonObject parse(byte[] body) {
    try {
      return StrictJson.parse(body, "the body");
    } catch (ModelFormatException e) {
      throw ApiException.invalid(null, String.valueOf(e.getMessage()));
    }
  }

  private byte[] body() {
    int most = limits.bodyBytes();
    InputStream in = exchange.getRequestBody();
    try {
      byte[] bytes = in.readNBytes(most);
      if (bytes.length == most && in.read() >= 0) {
        discard(in); // as a client that still sends would not see an answer
        throw ApiException.tooLarge("the body is larger than " + most + " bytes");
      }
      return bytes;
    } catch (IOException e) {
      throw new ConnectionLostException(e);
    }
  }

  /** The stream's own skip would go on into the next request. */
  private static void discard(InputStream in) throws IOException {
    byte[] buffer = new byte[1 << 16];
    int discarded = 0;
    int read = 0;
    while (read >= 0 && discarded < MOST_DISCARDED) {
      discarded += read;
      read = in.read(buffer);
    }
  }

  void send(JsonOut body) {
    send(200, JSON, body.bytes());
  }

  void send(int code, JsonOut body) {
    send(code, JSON, body.bytes());
  }

  /** Answers as a whole; to HEAD, with the length alone. */
  void send(int code, String type, byte[] body) {
    Headers headers = answerHeaders();
    headers.set("Content-Type", type);
    boolean isHead = method().equals("HEAD");
    if (isHead) {
      headers.set("Content-Length", Integer.toString(body.length));
    }
    begin(code, isHead || body.length == 0 ? -1 : body.length);
    if (!isHead && body.length > 0) {
      guard.run(
          () -> {
            try (OutputStream out = exchange.getResponseBody()) {
              out.write(body);
            }
          });
    }
  }

  /** Answers with no body at all. */
  void send(int code) {
    begin(code, -1);
  }

  /** Begins an answer whose length nobody knows yet. */
  Outflow open(String type) {
    answerHeaders().set("Content-Type", type);
    answerHeaders().set("Cache-Control", "no-store");
    begin(200, 0);
    return new Outflow(exchange.getResponseBody(), guard);
  }

  private void begin(int code, long length) {
    nameIgnored();
    status = code;
    guard.run(() -> exchange.sendResponseHeaders(code, length));
  }

  /** Says which fields of the request changed nothing. */
  private void nameIgnored() {
    List<String> ignored = fields == null ? List.of() : fields.ignored();
    if (!ignored.isEmpty()) {
      String names =
          ignored.stream().limit(MOST_NAMED).map(PlainText::of).collect(Collectors.joining(", "));
      int more = ignored.size() - MOST_NAMED;
      answerHeaders().set("X-Coreinfer-Ignored", more > 0 ? names + ", and " + more : names);
    }
  }
}
