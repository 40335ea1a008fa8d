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

  /** Tells a server; wrong values are usage errors. */
  void addTo(Server.Builder server) {
    if (apiKey != null && apiKeyFile != null) {
      throw Usage.error(command, "give --api-key or --api-key-file, not both");
    }
    String key = apiKeyFile == null ? apiKey : TextInput.ofFile(apiKeyFile).strip();
    String given = key == null ? System.getenv(VARIABLE) : key;
    Usage.checked(command, () -> server.apiKey(given), "--api-key");
    server.allowNoKey(isKeyless).corsOrigin(corsOrigin);
  }
}
