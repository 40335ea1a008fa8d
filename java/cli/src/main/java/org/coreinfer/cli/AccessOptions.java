package org.coreinfer.cli;

import java.nio.file.Path;
import org.coreinfer.server.Server;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options that say who may use a server. */
final class AccessOptions {
  private static final String VARIABLE = "COREINFER_API_KEY";

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      description =
          "What clients must send as a bearer token; others on this machine see it, so better:")
  private @Nullable String apiKey;

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      description =
          "File that holds the key (default: the environment variable " + VARIABLE + ", if any).")
  private @Nullable Path apiKeyFile;

  @Option(
      names = "--allow-no-key",
      description = "Let other machines in without a key, where --host lets them reach the server.")
  private boolean isKeyless;

  @Option(
      names = "--cors-origin",
      paramLabel = "ORIGIN",
      description =
          "Let this site's pages use the server from browsers, such as https://example.org, or *"
              + " for every site (default: none).")
  private @Nullable String corsOrigin;

  /** The key that clients must send; null for none. */
  @Nullable String key() {
    if (apiKey != null && apiKeyFile != null) {
      throw Usage.error(command, "give --api-key or --api-key-file, not both");
    }
    if (apiKeyFile != null) {
      return TextInput.ofFile(apiKeyFile).strip();
    }
    return apiKey != null ? apiKey : System.getenv(VARIABLE);
  }

  /**
   * Tells a server; wrong values are usage errors.
   *
   * @param key as {@link #key} gives it
   */
  void addTo(Server.Builder server, @Nullable String key) {
    Usage.checked(command, () -> server.apiKey(key), "--api-key");
    server.allowNoKey(isKeyless).corsOrigin(corsOrigin);
  }
}
