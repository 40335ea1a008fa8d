package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.coreinfer.Calibrations;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.core.CoreWish;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Options that say which neurons decoding computes. */
final class NeuronOptions {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--method",
      paramLabel = "METHOD", // completion wants labels with values to differ
      split = ",",
      hideParamSyntax = true,
      converter = MethodConverter.class,
      description = {
        "auto: the prompt's core neurons, its calibrated cluster a prior that fades;",
        "similarity: the cluster's; stability: the prompt's own; dense: every neuron",
        "(default: auto with a calibration; else stability if --keep is given, else dense)."
      })
  private List<Method> methods = List.of();

  @Option(
      names = "--keep",
      paramLabel = "FRACTION",
      split = ",",
      hideParamSyntax = true,
      description = "Fraction of FFN neurons that decoding computes; 1 is dense.")
  private List<Double> keeps = List.of();

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
      split = ",",
      hideParamSyntax = true,
      description =
          "How neurons are ranked: paper, reference, magnitude, norm, impact or relative (default:"
              + " the calibration's, or "
              + CoreOptions.DEFAULT_RULE
              + ").")
  private List<String> rules = List.of();

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
      split = ",",
      hideParamSyntax = true,
      converter = RefreshConverter.class,
      description =
          "Compute every K-th token with all neurons, and choose the core neurons anew from what it"
              + " shows; auto: as often as their drift demands, 8 to 256; 0: never (default: 0). Not with --lossless, whose verification renews them anyway."
              + " Under --gpu-memory such a token streams all layers.")
  private List<Integer> refreshes = List.of();

  @Option(
      names = "--compensate",
      negatable = true,
      description = {
        "Add back an estimate of what the left-out neurons give: the calibration's, or their mean",
        "over the prompt (default: if the calibration found that it helps)."
      })
  private @Nullable Boolean compensates;

  @Option(
      names = "--lossless",
      description =
          "Let core neurons draft tokens and all neurons verify them: the text is that of dense"
              + " decoding. Needs core neurons: --keep, or a calibration.")
  private boolean isLossless;

  private Runnable whenSuited = () -> {};

  /**
   * The options as the library takes them; wrong values are usage errors.
   *
   * @param model beside which a calibration may lie; null for the embedded model
   * @param streams where {@link #suitedLayers} notes it if nothing sparse was chosen
   */
  CoreOptions toCoreOptions(@Nullable Path model, Streams streams) {
    requireOneOfEach();
    return toCombinations(model, streams).get(0);
  }

  private void requireOneOfEach() {
    requireOne("--method", methods);
    requireOne("--rule", rules);
    requireOne("--keep", keeps);
    requireOne("--refresh", refreshes);
  }

  private void requireOne(String option, List<?> values) {
    if (values.size() > 1) {
      throw Usage.error(
          command, option + ": takes one value here, found " + values + "; eval compares several");
    }
  }

  /**
   * Every combination of the methods, rules, keep fractions and refreshes that were given, without
   * repetition: dense decoding is one, whatever it is combined with.
   *
   * @param model as for {@link #toCoreOptions}
   */
  List<CoreOptions> toCombinations(@Nullable Path model, Streams streams) {
    Calibration calibration = calibration(model);
    Set<CoreOptions> combinations = new LinkedHashSet<>();
    for (CoreWish wish : wishes()) {
      CoreOptions options = resolve(wish, calibration);
      boolean isDense = options.method() == Method.DENSE;
      if (!isDense || combinations.stream().noneMatch(o -> o.method() == Method.DENSE)) {
        combinations.add(options);
      }
    }
    List<CoreOptions> all = List.copyOf(combinations);
    whenSuited = () -> noteDense(all, calibration, streams);
    return all;
  }

  /** What was asked for, one value of each option, before anything is known of the model. */
  CoreWish toWish() {
    requireOneOfEach();
    return wishes().get(0);
  }

  private List<CoreWish> wishes() {
    LayerRange range =
        layers == null
            ? null
            : Usage.checked(command, () -> LayerRange.parse(String.valueOf(layers)), "--layers");
    Boolean drafts = isLossless ? true : null;
    List<CoreWish> wishes = new ArrayList<>();
    for (Optional<Method> method : orNone(methods)) {
      for (Optional<String> rule : orNone(rules)) {
        for (Optional<Double> keep : orNone(keeps)) {
          for (Optional<Integer> refresh : orNone(refreshes)) {
            wishes.add(
                new CoreWish(
                    method.orElse(null),
                    rule.orElse(null),
                    alpha,
                    keep.orElse(null),
                    maxKl,
                    range,
                    refresh.orElse(null),
                    compensates,
                    drafts));
          }
        }
      }
    }
    return wishes;
  }

  private static <T> List<Optional<T>> orNone(List<T> values) {
    return values.isEmpty()
        ? List.of(Optional.empty())
        : values.stream().map(Optional::of).toList();
  }

  private CoreOptions resolve(CoreWish wish, @Nullable Calibration calibration) {
    try {
      return wish.resolve(calibration, part -> "--" + part);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * What is known of the model's neurons; null if nothing is.
   *
   * @param model as for {@link #toCoreOptions}
   */
  @Nullable Calibration calibration(@Nullable Path model) {
    if (calibrationFile != null) {
      return Calibrations.read(calibrationFile);
    }
    return Calibrations.of(model);
  }

  private void noteDense(
      List<CoreOptions> combinations, @Nullable Calibration calibration, Streams streams) {
    CoreOptions first = combinations.get(0);
    if (combinations.size() > 1) {
      return;
    }
    if (first.method() == Method.DENSE && methods.isEmpty() && calibration == null) {
      streams.note(
          "coreinfer: decoding densely, as nothing is known of this model's neurons: run"
              + " 'coreinfer calibrate', or choose with --keep");
    } else if (first.method() != Method.DENSE && maxKl != null && first.keep() == 1) {
      streams.note(
          "coreinfer: decoding densely: no share of the neurons was measured within --max-kl "
              + maxKl);
    }
  }

  /** The calibration's file, if one was named. */
  @Nullable Path calibrationFile() {
    return calibrationFile;
  }

  /** Whether core neurons only draft. */
  boolean isLossless() {
    return isLossless;
  }

  /** Does what depends on the layers of a model; what is to be noted of the options comes after. */
  <T> T suitedLayers(Supplier<T> work) {
    T result = Usage.suited(command, work, "--layers", "--calibration");
    whenSuited.run();
    return result;
  }

  private static final class RefreshConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
      if (value.equalsIgnoreCase("auto")) {
        return Upkeep.AUTO;
      }
      try {
        return Integer.parseUnsignedInt(value);
      } catch (NumberFormatException e) {
        throw new TypeConversionException(
            "expected auto, or a number of tokens from 0 on, found '" + value + "'");
      }
    }
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
