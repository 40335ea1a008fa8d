package org.coreinfer.server;

import com.sun.net.httpserver.Headers;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask. With a key, whoever sends it. Without one, whoever reaches the server, save for the
 * pages of other sites in a browser on the same machine. Immutable.
 */
final class Access {
  private final byte @Nullable [] keyDigest;
  private final @Nullable String corsOrigin;
  private final boolean isLoopback;

  /**
   * @param key null for none
   * @param corsOrigin whose pages may read answers, or {@code *} for anybody's; null for nobody's
   * @param isLoopback whether only this machine reaches the server
   */
  Access(@Nullable String key, @Nullable String corsOrigin, boolean isLoopback) {
    this.keyDigest = key == null ? null : digest(key);
    this.corsOrigin = corsOrigin;
    this.isLoopback = isLoopback;
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /**
   * Refuses requests without the right key, in a time that tells nothing of it.
   *
   * @throws ApiException if the key is missing or wrong
   */
  void requireKey(Call call) {
    if (keyDigest == null) {
      return;
    }
    String header = call.header("Authorization");
    if (header == null) {
      throw ApiException.unauthorized(
          "an API key is missing: send it in a header Authorization: Bearer KEY");
    }
    boolean isBearer = header.regionMatches(true, 0, "Bearer ", 0, "Bearer ".length());
    String given = isBearer ? header.substring("Bearer ".length()).strip() : "";
    if (!MessageDigest.isEqual(digest(given), keyDigest)) {
      throw ApiException.unauthorized("the API key is wrong");
    }
  }

  /**
   * Refuses what a browser sends for another site's page, where no key keeps it off.
   *
   * @throws ApiException if it does
   */
  void requireOwnSite(Call call) {
    if (keyDigest != null) {
      return;
    }
    String host = call.header("Host");
    if (isLoopback && host != null && !isLoopbackName(host)) {
      throw ApiException.forbidden(
          "foreign_host",
          "the host "
              + PlainText.of(host)
              + " is not this machine: a server without an API key answers to localhost only");
    }
    String origin = call.header("Origin");
    if (origin != null && !isAllowed(origin) && !isOf(origin, host)) {
      throw ApiException.forbidden(
          "foreign_origin",
          "the page of "
              + PlainText.of(origin)
              + " may not ask: the server was started without --cors-origin for it");
    }
  }

  private static boolean isLoopbackName(String hostAndPort) {
    String host = hostAndPort.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
    return host.equals("localhost")
        || host.equals("[::1]")
        || host.matches("127(\\.\\d{1,3}){3}")
        || host.endsWith(".localhost");
  }

  private static boolean isOf(String origin, @Nullable String host) {
    try {
      return host != null && host.equalsIgnoreCase(new URI(origin).getRawAuthority());
    } catch (URISyntaxException e) {
      return false;
    }
  }

  private boolean isAllowed(String origin) {
    return corsOrigin != null && (corsOrigin.equals("*") || corsOrigin.equals(origin));
  }

  /** Tells browsers whose pages may read the answer, if anybody's. */
  void addCorsHeaders(Call call, String methods) {
    String allowed = corsOrigin;
    String origin = call.header("Origin");
    if (allowed == null || origin == null || !isAllowed(origin)) {
      return;
    }
    Headers headers = call.answerHeaders();
    headers.set("Access-Control-Allow-Origin", allowed);
    headers.set("Access-Control-Expose-Headers", "X-Coreinfer-Ignored, Retry-After");
    headers.set("Vary", "Origin");
    if (call.method().equals("OPTIONS")) {
      headers.set("Access-Control-Allow-Methods", methods);
      headers.set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Stainless-Os, *");
      headers.set("Access-Control-Max-Age", "600");
    }
  }
}
