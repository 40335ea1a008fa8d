package org.coreinfer.bench.compare;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.coreinfer.synthesis.PowerInferModel;

/**
 * PowerInfer's main. Its fraction of active neurons is the threshold of the predictors, which an
 * environment variable overrides, so that one file serves all fractions. Reading and decoding are
 * runs of their own, so that decoding begins where that of the others does.
 *
 * @param binary the program, and arguments of the user's
 */
record PowerInferContender(List<String> binary, double fraction) implements Contender {
  private static final String THRESHOLD = "LLAMA_SPARSE_PRED_THRESHOLD";
  private static final int SHORT_PROMPT = 2;
  private static final Pattern PROMPT = rate("prompt eval");
  private static final Pattern DECODE = rate("\\n[^\\n]*: +eval");
  private static final Pattern BUILD = Pattern.compile("main: build = ([^\\n]+)");

  private static Pattern rate(String what) {
    return Pattern.compile(what + " time = +[^\\n]*?([0-9.]+) tokens per second");
  }

  @Override
  public String label() {
    return "PowerInfer";
  }

  @Override
  public Double keep() {
    return fraction;
  }

  @Override
  public String command(Trial trial) {
    return "%s=%s %s"
        .formatted(
            THRESHOLD,
            threshold(),
            String.join(" ", arguments(trial, SHORT_PROMPT, trial.tokens())));
  }

  private String threshold() {
    return Double.toString(PowerInferModel.threshold(fraction));
  }

  private List<String> arguments(Trial trial, int promptTokens, int tokens) {
    Path model = trial.files().powerInferModel();
    return Stream.concat(
            binary.stream(),
            Stream.of(
                "-m",
                model == null ? "(no file)" : model.toString(),
                "-p",
                Trial.text(promptTokens),
                "-n",
                Integer.toString(tokens),
                "-c",
                Integer.toString(promptTokens + tokens + 8),
                "-t",
                Integer.toString(trial.threads()),
                "--temp",
                "0",
                "--ignore-eos"))
        .toList();
  }

  @Override
  public Measured run(Trial trial) throws EngineFailure, InterruptedException {
    if (trial.files().powerInferModel() == null) {
      throw new EngineFailure(
          label() + " reads f16 and q4_0 Llamas only: it is left out for this shape and dtype");
    }
    Double prompt = null;
    if (trial.promptTokens() > 0) {
      prompt = find(PROMPT, start(trial, trial.promptTokens(), 1));
    }
    ProcessRun ran = start(trial, SHORT_PROMPT, trial.tokens());
    Matcher build = BUILD.matcher(ran.all());
    String version = build.find() ? "build " + build.group(1).strip() : null;
    return new Measured(
        prompt, find(DECODE, ran), trial.files().powerInferBytesPerToken(fraction), null, version);
  }

  private ProcessRun start(Trial trial, int promptTokens, int tokens)
      throws EngineFailure, InterruptedException {
    return ProcessRun.of(
        label(),
        arguments(trial, promptTokens, tokens),
        Map.of(THRESHOLD, threshold()),
        trial.timeoutSeconds());
  }

  private double find(Pattern pattern, ProcessRun ran) throws EngineFailure {
    Matcher found = pattern.matcher(ran.all());
    if (!found.find()) {
      throw new EngineFailure(label() + " printed no timings: " + ran.lastWords());
    }
    return Double.parseDouble(found.group(1));
  }
}
