package org.coreinfer.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The web page: resources below the folder {@code web} of the class path, and nothing else. A name
 * is letters, digits, dots, hyphens and underscores between slashes, no part begins with a dot, and
 * its ending is one of those below. Thread-safe.
 */
final class StaticFiles implements Endpoint {
  private static final Pattern NAME =
      Pattern.compile("(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+\\.([a-z0-9]+)");

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "json", "application/json",
          "svg", "image/svg+xml",
          "png", "image/png",
          "ico", "image/x-icon",
          "txt", "text/plain; charset=utf-8",
          "woff2", "font/woff2");

  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
          + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final Map<String, Found> cache = new ConcurrentHashMap<>();

  private record Found(byte[] content, String type, String tag) {}

  @Override
  public void answer(Call call) {
    Found file = find(call.rawPath().equals("/") ? "/index.html" : call.rawPath());
    if (file == null) {
      throw ApiException.notFound(
          null, "unknown_url", "there is no " + PlainText.of(call.rawPath()));
    }
    call.answerHeaders().set("ETag", file.tag());
    call.answerHeaders().set("Cache-Control", "no-cache");
    call.answerHeaders().set("Content-Security-Policy", POLICY);
    call.answerHeaders().set("Referrer-Policy", "no-referrer");
    if (file.tag().equals(call.header("If-None-Match"))) {
      call.send(304);
    } else {
      call.send(200, file.type(), file.content());
    }
  }

  private @Nullable Found find(String path) {
    var name = NAME.matcher(path);
    if (!name.matches() || !TYPES.containsKey(name.group(2))) {
      return null;
    }
    String type = String.valueOf(TYPES.get(name.group(2)));
    return cache.computeIfAbsent(path, p -> read(p, type)); // which remembers no failures
  }

  private static @Nullable Found read(String path, String type) {
    try (InputStream in = StaticFiles.class.getResourceAsStream("web" + path)) {
      if (in == null) {
        return null;
      }
      byte[] content = in.readAllBytes();
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      String tag = Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
      return new Found(content, type, "\"" + tag.substring(0, 22) + "\"");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
