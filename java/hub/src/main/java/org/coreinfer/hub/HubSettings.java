package org.coreinfer.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where models come from and where they are kept.
 *
 * @param endpoint of Hugging Face or of a mirror
 * @param token that is sent to the endpoint alone; null for none
 * @param folder in which models are kept
 * @param stall how long a connection may be silent
 * @param firstPause before the first retry; each further one is twice as long
 * @param retries of a request that fails without any progress
 */
public record HubSettings(
    URI endpoint,
    @Nullable String token,
    Path folder,
    Duration stall,
    Duration firstPause,
    int retries) {

  private static final String HUGGING_FACE = "https://huggingface.co";

  public HubSettings {
    String scheme = String.valueOf(endpoint.getScheme());
    if (!scheme.matches("https?") || endpoint.getHost() == null) {
      throw new HubException(
          "HF_ENDPOINT=" + endpoint + ": expected an address such as " + HUGGING_FACE);
    }
  }

  /** As the environment says: HF_ENDPOINT, HF_TOKEN, HF_HOME and their defaults. */
  public static HubSettings ofEnvironment() {
    return of(System.getenv(), Path.of(System.getProperty("user.home", ".")));
  }

  static HubSettings of(Map<String, String> environment, Path home) {
    String cache = value(environment, "XDG_CACHE_HOME");
    Path caches = cache == null ? home.resolve(".cache") : Path.of(cache);
    String own = value(environment, "HF_HOME");
    Path root = own == null ? caches.resolve("huggingface") : Path.of(own);
    String endpoint = value(environment, "HF_ENDPOINT");
    return new HubSettings(
        address(endpoint == null ? HUGGING_FACE : endpoint),
        token(environment, root),
        root.resolve("coreinfer"),
        Duration.ofSeconds(60),
        Duration.ofSeconds(1),
        5);
  }

  private static @Nullable String value(Map<String, String> environment, String name) {
    String value = environment.get(name);
    return value == null || value.isBlank() ? null : value.strip();
  }

  private static URI address(String text) {
    try {
      return URI.create(text.replaceFirst("/+$", ""));
    } catch (IllegalArgumentException e) {
      throw new HubException("HF_ENDPOINT=" + text + " is no address: " + e.getMessage(), e);
    }
  }

  /** HF_TOKEN, or the one that Hugging Face's own command has saved. */
  private static @Nullable String token(Map<String, String> environment, Path root) {
    String token = value(environment, "HF_TOKEN");
    Path saved = root.resolve("token");
    try {
      if (token == null && Files.isReadable(saved)) {
        token = Files.readString(saved).strip();
      }
    } catch (IOException e) {
      throw new HubException(saved + ": cannot be read: " + e.getMessage(), e);
    }
    if (token != null && !token.matches("[\\x21-\\x7e]+")) {
      throw new HubException("the token of Hugging Face (HF_TOKEN) has characters that none has");
    }
    return token == null || token.isEmpty() ? null : token;
  }

  @Override
  public String toString() {
    return "endpoint=" + endpoint + " folder=" + folder; // the token is a secret
  }
}
