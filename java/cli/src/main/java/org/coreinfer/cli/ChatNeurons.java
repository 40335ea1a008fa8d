package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Locale;
import org.coreinfer.Calibrations;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/** Changes which neurons a conversation computes from now on. */
final class ChatNeurons {
  private static final double USUAL_KEEP = 0.4;

  private ChatNeurons() {}

  /** The same with another share; what was dense takes the prompt's own core neurons. */
  static CoreOptions withKeep(CoreOptions core, String argument) {
    double keep;
    try {
      keep = Double.parseDouble(argument);
    } catch (NumberFormatException e) {
      throw new CoreInferException("/keep takes a fraction, found '" + argument + "'", e);
    }
    boolean isDense = core.method() == Method.DENSE;
    return isDense ? CoreOptions.stability(keep) : core.withKeep(keep);
  }

  /** The same with another method, and the calibration that it needs. */
  static CoreOptions withMethod(CoreOptions core, String argument, @Nullable Path modelPath) {
    double keep = core.method() == Method.DENSE ? USUAL_KEEP : core.keep();
    return switch (argument.toLowerCase(Locale.ROOT)) {
      case "dense" -> CoreOptions.dense();
      case "stability" -> CoreOptions.stability(keep);
      case "similarity" -> CoreOptions.similarity(keep, calibration(core, modelPath));
      case "auto" -> CoreOptions.auto(keep, calibration(core, modelPath));
      default ->
          throw new CoreInferException(
              "/method takes auto, similarity, stability or dense, found '" + argument + "'");
    };
  }

  private static Calibration calibration(CoreOptions core, @Nullable Path modelPath) {
    Calibration known = core.calibration();
    Calibration calibration = known == null ? Calibrations.of(modelPath) : known;
    if (calibration == null) {
      throw new CoreInferException(
          "this method needs a calibration of the model; make one with coreinfer calibrate");
    }
    return calibration;
  }

  /** For people. */
  static String sentence(CoreOptions core) {
    return core.method() == Method.DENSE
        ? "every neuron is computed"
        : String.format(
            Locale.ROOT,
            "method %s, keep %.3g, rule %s",
            core.method().name().toLowerCase(Locale.ROOT),
            core.keep(),
            core.rule());
  }
}
