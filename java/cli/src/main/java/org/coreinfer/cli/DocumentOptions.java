package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.error.CoreInferException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How many documents of text files are read, and their tokens. */
final class DocumentOptions {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--max-documents",
      paramLabel = "N",
      description = "Read only the first N documents of a file (default: all).")
  private int most = Integer.MAX_VALUE;

  /** How many documents of a file are read; a wrong number is a usage error. */
  int most() {
    if (most < 1) {
      throw Usage.error(command, "--max-documents=" + most + ": expected 1 or more");
    }
    return most;
  }

  /**
   * The tokens of a file's documents, cut to the model's context; those with fewer than {@code
   * least} tokens are left out.
   *
   * @param text the file's name, for messages
   * @throws CoreInferException if none is left
   */
  static List<int[]> tokens(
      Model model, Path text, List<String> documents, int least, Streams streams) {
    List<int[]> tokens = new ArrayList<>();
    for (String document : documents) {
      int[] ids = model.tokenizer().encode(document, true, false);
      if (ids.length >= least) {
        tokens.add(Arrays.copyOf(ids, Math.min(ids.length, model.contextLength())));
      }
    }
    String number = least == 2 ? "two" : Integer.toString(least);
    if (tokens.isEmpty()) {
      throw new CoreInferException(text + ": has no document of " + number + " tokens or more");
    }
    int skipped = documents.size() - tokens.size();
    if (skipped > 0) {
      streams.note("coreinfer: documents shorter than " + number + " tokens, skipped: " + skipped);
    }
    return tokens;
  }
}
