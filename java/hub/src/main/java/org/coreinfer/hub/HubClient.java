package org.coreinfer.hub;

import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Asks a Hugging Face server. Follows redirects itself, because the token must not go to the hosts
 * to which files are redirected.
 */
final class HubClient {
  private static final int MOST_REDIRECTS = 8;
  private static final int MOST_JSON = 64 << 20; // bytes
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);

  private final HubSettings settings;
  private final HttpClient http =
      HttpClient.newBuilder()
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(CONNECT_TIMEOUT)
          .build();

  HubClient(HubSettings settings) {
    this.settings = settings;
  }

  /** How long a connection may be silent. */
  Duration stall() {
    return settings.stall();
  }

  /** The files of a repository; fails for now where the answer is broken off. */
  RemoteRepository list(ModelReference reference, String revision)
      throws IOException, InterruptedException {
    URI uri =
        URI.create(
            "%s/api/models/%s/revision/%s?blobs=true"
                .formatted(settings.endpoint(), reference.repository(), encoded(revision)));
    HttpResponse<InputStream> response = get(uri, Map.of(), reference);
    try (StallGuard body = new StallGuard(response.body(), settings.stall())) {
      byte[] json = body.readNBytes(MOST_JSON);
      return RemoteRepository.parse(new String(json, StandardCharsets.UTF_8), revision);
    } catch (JsonParseException e) {
      throw new RetryableException("the server's list of files is broken", null);
    }
  }

  /**
   * A file's content, or a part of it.
   *
   * @param headers that say which part
   * @return a response with status 200, 206 or 416
   */
  HttpResponse<InputStream> open(
      ModelReference reference, String commit, String file, Map<String, String> headers)
      throws IOException, InterruptedException {
    StringBuilder path = new StringBuilder();
    for (String part : file.split("/", -1)) {
      path.append('/').append(encoded(part));
    }
    URI uri =
        URI.create(
            "%s/%s/resolve/%s%s"
                .formatted(settings.endpoint(), reference.repository(), encoded(commit), path));
    return get(uri, headers, reference);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private HttpResponse<InputStream> get(
      URI start, Map<String, String> headers, ModelReference reference)
      throws IOException, InterruptedException {
    URI uri = start;
    for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      HttpResponse<InputStream> response = send(uri, headers);
      int status = response.statusCode();
      if (status == 200 || status == 206 || status == 416) {
        return response;
      }
      response.body().close();
      if (status < 300 || status >= 400) {
        throw failure(response, reference);
      }
      uri = redirected(uri, response);
    }
    throw new HubException(start.getHost() + " redirects without end");
  }

  private HttpResponse<InputStream> send(URI uri, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).timeout(settings.stall()).header("User-Agent", "coreinfer");
    headers.forEach(request::header);
    String token = settings.token();
    if (token != null && isOwn(uri)) {
      request.header("Authorization", "Bearer " + token);
    }
    try {
      return http.send(request.build(), BodyHandlers.ofInputStream());
    } catch (ConnectException e) {
      throw new RetryableException("no connection to " + uri.getHost(), null);
    }
  }

  /** Whether an address is the endpoint's own, which may see the token. */
  private boolean isOwn(URI uri) {
    URI own = settings.endpoint();
    return own.getScheme().equalsIgnoreCase(uri.getScheme())
        && own.getHost().equalsIgnoreCase(uri.getHost())
        && own.getPort() == uri.getPort();
  }

  private static URI redirected(URI from, HttpResponse<?> response) {
    String location = response.headers().firstValue("Location").orElse("");
    URI to;
    try {
      to = from.resolve(URI.create(location));
    } catch (IllegalArgumentException e) {
      throw new HubException(from.getHost() + " redirects to what is no address", e);
    }
    String scheme = String.valueOf(to.getScheme());
    boolean isWeaker = from.getScheme().equals("https") && !scheme.equals("https");
    if (location.isEmpty() || to.getHost() == null || !scheme.matches("https?") || isWeaker) {
      throw new HubException(from.getHost() + " redirects to an address that is not safe");
    }
    return to;
  }

  /** What went wrong; thrown itself where trying again cannot help. */
  private IOException failure(HttpResponse<?> response, ModelReference reference) {
    int status = response.statusCode();
    String repository = reference.repository();
    String page = settings.endpoint() + "/" + repository;
    boolean isGated = response.headers().firstValue("X-Error-Code").orElse("").equals("GatedRepo");
    boolean hasToken = settings.token() != null;
    switch (status) {
      case 401 ->
          throw new HubException(
              hasToken && !isGated
                  ? repository + ": the token is not accepted, or there is no such model"
                  : repository
                      + (isGated ? " is gated" : " does not exist, or is private or gated")
                      + ": set HF_TOKEN to a token of an account that may read it, see "
                      + page);
      case 403 ->
          throw new HubException(
              repository + ": your account may not read it: ask for access at " + page);
      case 404 ->
          throw new HubException(
              repository + ": there is no such model, revision or file at " + settings.endpoint());
      default -> {
        String answer = response.uri().getHost() + " answers with status " + status;
        if (status == 429 || status == 408 || status >= 500) {
          return new RetryableException(answer, retryAfter(response));
        }
        throw new HubException(repository + ": " + answer);
      }
    }
  }

  private static @Nullable Duration retryAfter(HttpResponse<?> response) {
    String value = response.headers().firstValue("Retry-After").orElse("").strip();
    if (value.matches("[0-9]{1,6}")) {
      return Duration.ofSeconds(Long.parseLong(value));
    }
    try {
      Instant at = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      Duration wait = Duration.between(Instant.now(), at);
      return wait.isNegative() ? Duration.ZERO : wait;
    } catch (DateTimeParseException e) {
      return null; // no wish that can be understood
    }
  }
}
