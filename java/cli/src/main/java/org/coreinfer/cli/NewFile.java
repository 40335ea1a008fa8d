package org.coreinfer.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.model.MemoryPlan;
import picocli.CommandLine.Option;

/** Option of verbs that write a file, which may be there already. */
final class NewFile {
  @Option(names = "--overwrite", description = "Replace the file if it is there.")
  private boolean isOverwriting;

  /**
   * Checks that a file may be written.
   *
   * @throws CoreInferException if it is there and is not to be replaced
   */
  void requireFree(Path file) {
    if (Files.isDirectory(file)) {
      throw new CoreInferException(file + " is a folder: give the name of a file");
    }
    if (Files.exists(file) && !isOverwriting) {
      throw new CoreInferException(file + " exists: --overwrite replaces it");
    }
  }

  /** A written file's size, for people. */
  static String size(Path file) {
    try {
      return MemoryPlan.size(Files.size(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
