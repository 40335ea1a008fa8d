package org.coreinfer.cli;

import org.coreinfer.evaluation.Evaluator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How much of a document is its prompt. */
final class PromptOptions {
  private static final double DEFAULT_FRACTION = 0.5;

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--prompt-fraction",
      paramLabel = "F",
      description =
          "Share of a document's tokens that is its prompt (default: " + DEFAULT_FRACTION + ").")
  private @Nullable Double fraction;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      description =
          "Tokens of each document that are its prompt, instead of a share; documents without two"
              + " more are left out.")
  private @Nullable Integer tokens;

  /** Refuses what cannot be. */
  void check() {
    if (fraction != null && !(fraction > 0 && fraction < 1)) {
      throw Usage.error(command, "--prompt-fraction=" + fraction + ": expected above 0, below 1");
    }
    if (tokens != null && tokens < 1) {
      throw Usage.error(command, "--prompt-tokens=" + tokens + ": expected 1 or more");
    }
    if (fraction != null && tokens != null) {
      throw Usage.error(command, "give --prompt-fraction or --prompt-tokens, not both");
    }
  }

  /** Tokens that a document must have. */
  int least() {
    return tokens == null ? 2 : Math.addExact(tokens, 2);
  }

  /** How many of a document's tokens are its prompt. */
  int of(int documentTokens) {
    if (tokens != null) {
      return tokens;
    }
    return Evaluator.promptTokens(documentTokens, fraction == null ? DEFAULT_FRACTION : fraction);
  }
}
