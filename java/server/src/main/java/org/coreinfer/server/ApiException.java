package org.coreinfer.server;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request that is refused: what its answer says instead, in OpenAI's form. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final int LONGEST = 1000;
  private static final String INVALID = "invalid_request_error";
  private static final String SERVER = "server_error";

  private final int status;
  private final String type;
  private final @Nullable String param;
  private final @Nullable String code;
  private final transient Map<String, String> headers;

  private ApiException(
      int status,
      String type,
      @Nullable String param,
      @Nullable String code,
      String message,
      Map<String, String> headers) {
    super(shortened(message), null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.headers = headers;
  }

  /** Messages may quote what was sent. */
  private static String shortened(String message) {
    return message.length() <= LONGEST ? message : message.substring(0, LONGEST) + "...";
  }

  /** 400: a field, or with null the request as a whole, is not what it should be. */
  static ApiException invalid(@Nullable String param, String message) {
    return new ApiException(400, INVALID, param, "invalid_value", message, Map.of());
  }

  /** 400: a field asks for what this server does not do. */
  static ApiException unsupported(String param, String message) {
    return new ApiException(400, INVALID, param, "unsupported_value", message, Map.of());
  }

  /** 400: the prompt leaves no room for an answer. */
  static ApiException tooLong(String param, String message) {
    return new ApiException(400, INVALID, param, "context_length_exceeded", message, Map.of());
  }

  static ApiException unauthorized(String message) {
    Map<String, String> headers = Map.of("WWW-Authenticate", "Bearer realm=\"coreinfer\"");
    return new ApiException(401, INVALID, null, "invalid_api_key", message, headers);
  }

  static ApiException forbidden(String code, String message) {
    return new ApiException(403, INVALID, null, code, message, Map.of());
  }

  static ApiException notFound(@Nullable String param, String code, String message) {
    return new ApiException(404, INVALID, param, code, message, Map.of());
  }

  static ApiException methodNotAllowed(String message, String allowed) {
    Map<String, String> headers = Map.of("Allow", allowed);
    return new ApiException(405, INVALID, null, "method_not_allowed", message, headers);
  }

  static ApiException tooLarge(String message) {
    return new ApiException(413, INVALID, null, "body_too_large", message, Map.of());
  }

  /** 429: the queue is full. */
  static ApiException busy(long retryAfterSeconds, String message) {
    Map<String, String> headers = Map.of("Retry-After", Long.toString(retryAfterSeconds));
    return new ApiException(429, "rate_limit_error", null, "queue_full", message, headers);
  }

  static ApiException failed(String message) {
    return new ApiException(500, SERVER, null, "internal_error", message, Map.of());
  }

  static ApiException unavailable(String code, String message) {
    Map<String, String> headers = Map.of("Retry-After", "1");
    return new ApiException(503, SERVER, null, code, message, headers);
  }

  /** 504: the request's time was over before it was answered. */
  static ApiException timedOut(String message) {
    return new ApiException(504, SERVER, null, "timeout", message, Map.of());
  }

  int status() {
    return status;
  }

  Map<String, String> headers() {
    return headers;
  }

  String message() {
    return String.valueOf(getMessage());
  }

  /** The answer's body. */
  JsonOut body() {
    return new JsonOut()
        .put(
            "error",
            new JsonOut()
                .put("message", message())
                .put("type", type)
                .put("param", param)
                .put("code", code));
  }
}
