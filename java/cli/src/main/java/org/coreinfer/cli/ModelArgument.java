package org.coreinfer.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Parameters;

/** The model that a command works with. */
final class ModelArgument {
  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      converter = ModelPath.class,
      description = ModelPath.HELP)
  private @Nullable Path path;

  /** Where it is; null for the embedded one. */
  @Nullable Path path() {
    return path;
  }

  /** What messages call it. */
  String name() {
    return path == null ? "the embedded model" : path.toString();
  }
}
