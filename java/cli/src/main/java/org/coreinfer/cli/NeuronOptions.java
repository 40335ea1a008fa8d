package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.coreinfer.Calibrations;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Options that say which neurons decoding computes. */
final class NeuronOptions {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--method",
      paramLabel = "NAME",
      converter = MethodConverter.class,
      description = {
        "auto: the prompt's core neurons, its calibrated cluster a prior that fades;",
        "similarity: the cluster's; stability: the prompt's own; dense: every neuron",
        "(default: auto with a calibration; else stability if --keep is given, else dense)."
      })
  private @Nullable Method method;

  @Option(
      names = "--keep",
      paramLabel = "FRACTION",
      description = "Fraction of FFN neurons that decoding computes; 1 is dense.")
  private @Nullable Double keep;

  @Option(
      names = "--max-kl",
      paramLabel = "NATS",
      description =
          "Choose --keep from the calibration, so that predictions diverge from dense ones by no"
              + " more on average (default: "
              + CoreOptions.DEFAULT_MAX_KL
              + ", without --keep).")
  private @Nullable Double maxKl;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description =
          "What 'coreinfer calibrate' learned of the model (default: MODEL.calibration, if it is"
              + " there).")
  private @Nullable Path calibrationFile;

  @Option(
      names = "--rule",
      paramLabel = "NAME",
      description =
          "How neurons are ranked: paper, reference, magnitude, norm, impact or relative (default:"
              + " the calibration's, or "
              + CoreOptions.DEFAULT_RULE
              + ").")
  private @Nullable String rule;

  @Option(
      names = "--alpha",
      paramLabel = "SHARE",
      description =
          "Share of a token's activations that count, for the rules that count (default: "
              + CoreOptions.DEFAULT_ALPHA
              + ").")
  private @Nullable Double alpha;

  @Option(
      names = "--layers",
      paramLabel = "A..B",
      description =
          "Decode only these layers sparsely, counted from 0, both included (default: all).")
  private @Nullable String layers;

  @Option(
      names = "--refresh",
      paramLabel = "K",
      description =
          "Compute every K-th token with all neurons, and choose the core neurons anew from what it"
              + " shows; 0: never (default: ${DEFAULT-VALUE}).")
  private int refresh;

  @Option(
      names = "--compensate",
      negatable = true,
      description = "Add back what the left-out neurons gave on average over the prompt.")
  private boolean compensates;

  @Option(
      names = "--lossless",
      description =
          "Let core neurons draft tokens and all neurons verify them: the text is that of dense"
              + " decoding. Needs core neurons: --keep, or a calibration.")
  private boolean isLossless;

  /**
   * The options as the library takes them; wrong values are usage errors.
   *
   * @param model beside which a calibration may lie; null for the embedded model
   * @param streams where it is noted if nothing sparse can be chosen
   */
  CoreOptions toCoreOptions(@Nullable Path model, Streams streams) {
    if (keep != null && maxKl != null) {
      throw Usage.error(command, "give --keep or --max-kl, not both");
    }
    Calibration calibration = calibration(model);
    Method chosen = method != null ? method : methodFor(calibration);
    CoreOptions options = change(CoreOptions.dense(), "--rule", o -> o.withRule(rule(calibration)));
    options = change(options, "--alpha", o -> o.withAlpha(alpha(calibration)));
    if (chosen == Method.DENSE) {
      if (isLossless) {
        throw Usage.error(
            command,
            "--lossless drafts with core neurons: say with --keep how many, and leave out --method"
                + " dense");
      }
      noteDense(calibration, streams);
      return options;
    }
    options = options.withCalibration(calibration);
    options = withKeep(options, calibration);
    options = change(options, "--layers", o -> o.withLayers(layerRange(layers)));
    options = change(options, "--method", o -> o.withMethod(chosen));
    options =
        change(
            options, "--refresh", o -> o.withUpkeep(new Upkeep(refresh, compensates, isLossless)));
    if (maxKl != null && options.keep() == 1) {
      streams.note(
          "coreinfer: decoding densely: no share of the neurons was measured within --max-kl "
              + maxKl);
    }
    return options;
  }

  private @Nullable Calibration calibration(@Nullable Path model) {
    if (calibrationFile != null) {
      return Calibrations.read(calibrationFile);
    }
    return Calibrations.of(model);
  }

  private Method methodFor(@Nullable Calibration calibration) {
    if (calibration != null) {
      return rule == null || rule.equals(calibration.source().rule())
          ? Method.AUTO
          : Method.STABILITY; // whose scores the calibration does not know
    }
    return keep == null && maxKl == null ? Method.DENSE : Method.STABILITY;
  }

  private void noteDense(@Nullable Calibration calibration, Streams streams) {
    if (method == null && calibration == null) {
      streams.note(
          "coreinfer: decoding densely, as nothing is known of this model's neurons: run"
              + " 'coreinfer calibrate', or choose with --keep");
    }
  }

  private String rule(@Nullable Calibration calibration) {
    if (rule != null) {
      return rule;
    }
    return calibration == null ? CoreOptions.DEFAULT_RULE : calibration.source().rule();
  }

  private double alpha(@Nullable Calibration calibration) {
    if (alpha != null) {
      return alpha;
    }
    return calibration == null ? CoreOptions.DEFAULT_ALPHA : calibration.source().alpha();
  }

  private CoreOptions withKeep(CoreOptions options, @Nullable Calibration calibration) {
    Double given = keep;
    if (given != null) {
      return change(options, "--keep", o -> o.withKeep(given));
    }
    if (calibration == null) {
      throw Usage.error(
          command,
          maxKl != null
              ? "--max-kl: the model has no calibration; make one with: coreinfer calibrate"
              : "say with --keep how many neurons to compute: the model has no calibration");
    }
    double most = maxKl == null ? CoreOptions.DEFAULT_MAX_KL : maxKl;
    return change(
        options, "--max-kl", o -> o.withKeep(CoreOptions.within(most, calibration).keep()));
  }

  private static @Nullable LayerRange layerRange(@Nullable String layers) {
    return layers == null ? null : LayerRange.parse(layers);
  }

  /** Does what depends on the layers of a model. */
  <T> T suitedLayers(Supplier<T> work) {
    return Usage.suited(command, work, "--layers", "--calibration");
  }

  private CoreOptions change(CoreOptions options, String option, UnaryOperator<CoreOptions> step) {
    return Usage.checked(command, () -> step.apply(options), option);
  }

  private static final class MethodConverter implements ITypeConverter<Method> {
    @Override
    public Method convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "auto" -> Method.AUTO;
        case "similarity" -> Method.SIMILARITY;
        case "stability" -> Method.STABILITY;
        case "dense" -> Method.DENSE;
        default ->
            throw new TypeConversionException(
                "expected auto, similarity, stability or dense, found '" + value + "'");
      };
    }
  }
}
