package org.coreinfer.cli;

import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Method;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Options that say which neurons decoding computes. */
final class NeuronOptions {
  static final String KEEP_HELP =
      "Fraction of FFN neurons that decoding computes; 1 is dense (default: ${DEFAULT-VALUE}).";
  static final String LAYERS_HELP =
      "Decode only these layers sparsely, counted from 0, both included (default: all).";

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--method",
      paramLabel = "NAME",
      converter = MethodConverter.class,
      defaultValue = "stability",
      description =
          "stability: the prompt's own core neurons; dense: every neuron, whatever --keep says"
              + " (default: ${DEFAULT-VALUE}).")
  private Method method = Method.STABILITY;

  @Option(
      names = "--rule",
      paramLabel = "NAME",
      defaultValue = CoreOptions.DEFAULT_RULE,
      description =
          "How neurons are ranked: paper, reference, magnitude, norm or impact (default:"
              + " ${DEFAULT-VALUE}).")
  private String rule = CoreOptions.DEFAULT_RULE;

  @Option(
      names = "--alpha",
      paramLabel = "SHARE",
      defaultValue = "" + CoreOptions.DEFAULT_ALPHA,
      description =
          "Share of a token's activations that count, for the rules that count (default:"
              + " ${DEFAULT-VALUE}).")
  private double alpha;

  @Option(
      names = "--keep",
      paramLabel = "FRACTION",
      defaultValue = "" + CoreOptions.DEFAULT_KEEP,
      description = KEEP_HELP)
  private double keep;

  @Option(names = "--layers", paramLabel = "A..B", description = LAYERS_HELP)
  private @Nullable String layers;

  /** The options as the library takes them; wrong values are usage errors. */
  CoreOptions toCoreOptions() {
    CoreOptions options = sparse(command, keep, layers);
    options = change(options, "--rule", o -> o.withRule(rule));
    options = change(options, "--alpha", o -> o.withAlpha(alpha));
    return method == Method.DENSE ? new CoreOptions(Method.DENSE, rule, alpha, 1, null) : options;
  }

  /** The prompt's core neurons, chosen by the default rule. */
  static CoreOptions sparse(CommandSpec command, double keep, @Nullable String layers) {
    CoreOptions options = Usage.checked(command, () -> CoreOptions.stability(keep), "--keep");
    if (layers == null) {
      return options;
    }
    return Usage.checked(command, () -> options.withLayers(LayerRange.parse(layers)), "--layers");
  }

  /** Does what depends on the layers of a model. */
  <T> T suitedLayers(Supplier<T> work) {
    return Usage.suited(command, work, "--layers");
  }

  private CoreOptions change(CoreOptions options, String option, UnaryOperator<CoreOptions> step) {
    return Usage.checked(command, () -> step.apply(options), option);
  }

  private static final class MethodConverter implements ITypeConverter<Method> {
    @Override
    public Method convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "stability" -> Method.STABILITY;
        case "dense" -> Method.DENSE;
        default ->
            throw new TypeConversionException(
                "this build knows stability and dense, not '" + value + "'");
      };
    }
  }
}
