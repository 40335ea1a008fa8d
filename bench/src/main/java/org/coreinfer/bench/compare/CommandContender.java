package org.coreinfer.bench.compare;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Any command that prints tokens per second, run where the user is.
 *
 * @param template a line for the shell; {@code {model}}, {@code {threads}}, {@code {prompt}} (a
 *     text), {@code {prompt_tokens}} and {@code {tokens}} are replaced; without {@code {model}} it
 *     reads weights of its own, so that nothing is known of their bytes
 * @param rate finds tokens per second as its first group; the last place counts
 */
record CommandContender(String label, String template, Pattern rate) implements Contender {
  /** What most programs print. */
  static final Pattern USUAL_RATE =
      Pattern.compile("([0-9]+(?:\\.[0-9]+)?) *(?:tokens?/s|tok/s|t/s|tokens per second)");

  @Override
  public @Nullable Double keep() {
    return null;
  }

  @Override
  public String command(Trial trial) {
    return template
        .replace("{model}", quoted(trial.files().model().toString()))
        .replace("{threads}", Integer.toString(trial.threads()))
        .replace("{prompt_tokens}", Integer.toString(trial.promptTokens()))
        .replace("{prompt}", quoted(Trial.text(Math.max(2, trial.promptTokens()))))
        .replace("{tokens}", Integer.toString(trial.tokens()));
  }

  private static String quoted(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }

  @Override
  public Measured run(Trial trial) throws EngineFailure, InterruptedException {
    ProcessRun ran = ProcessRun.ofShell(label, command(trial), trial.timeoutSeconds());
    Matcher found = rate.matcher(ran.all());
    String last = null;
    while (found.find()) {
      last = found.group(1);
    }
    if (last == null) {
      throw new EngineFailure(
          label + " printed nothing that --pattern " + rate + " finds: " + ran.lastWords());
    }
    try {
      Long bytes = template.contains("{model}") ? trial.files().bytesPerToken() : null;
      return new Measured(null, Double.parseDouble(last), bytes, null, null);
    } catch (NumberFormatException e) {
      throw new EngineFailure(label + ": --pattern " + rate + " found no number: " + last, e);
    }
  }
}
