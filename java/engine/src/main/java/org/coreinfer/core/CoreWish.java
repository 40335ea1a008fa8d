package org.coreinfer.core;

import java.io.Serializable;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.jspecify.annotations.Nullable;

/**
 * Which neurons somebody asks for, as far as they say: what is null follows from the model's
 * calibration and from the rest. Immutable; {@link #resolve} makes {@link CoreOptions} of it.
 *
 * @param keep fraction of FFN neurons that decoding computes; excludes {@code maxKl}
 * @param maxKl nats per token by which predictions may diverge from dense ones
 * @param refresh as {@link Upkeep#refresh}
 */
public record CoreWish(
    @Nullable Method method,
    @Nullable String rule,
    @Nullable Double alpha,
    @Nullable Double keep,
    @Nullable Double maxKl,
    @Nullable LayerRange layers,
    @Nullable Integer refresh,
    @Nullable Boolean compensates,
    @Nullable Boolean isLossless)
    implements Serializable {

  /** Nothing is asked for: the model's defaults. */
  public static final CoreWish NONE =
      new CoreWish(null, null, null, null, null, null, null, null, null);

  /**
   * This wish where it says something, the other elsewhere. What contradicts this one is left out
   * of the other: its keep beside a divergence, and all that dense decoding has no use for.
   */
  public CoreWish over(CoreWish other) {
    boolean isDense = method == Method.DENSE;
    boolean saysKeep = keep != null || maxKl != null;
    return new CoreWish(
        first(method, other.method),
        first(rule, other.rule),
        first(alpha, other.alpha),
        saysKeep || isDense ? keep : other.keep,
        saysKeep || isDense ? maxKl : other.maxKl,
        first(layers, other.layers),
        isDense || Boolean.TRUE.equals(isLossless) ? refresh : first(refresh, other.refresh),
        first(compensates, other.compensates),
        isDense ? isLossless : first(isLossless, other.isLossless));
  }

  private static <T> @Nullable T first(@Nullable T one, @Nullable T other) {
    return one != null ? one : other;
  }

  /**
   * What to compute.
   *
   * @param calibration of the model; null if there is none
   * @param spelled how a part is written where the wish comes from, such as {@code --max-kl} for
   *     {@code max-kl}; refusals name it so
   * @throws IllegalArgumentException if parts are out of range, contradict each other, or need a
   *     calibration that is not there
   */
  public CoreOptions resolve(@Nullable Calibration calibration, UnaryOperator<String> spelled) {
    if (keep != null && maxKl != null) {
      throw new IllegalArgumentException(
          "give %s or %s, not both".formatted(spelled.apply("keep"), spelled.apply("max-kl")));
    }
    Method chosen = methodFor(calibration);
    CoreOptions options =
        checked("rule", spelled, () -> CoreOptions.dense().withRule(ruleFor(calibration)));
    options = step("alpha", spelled, options, o -> o.withAlpha(alphaFor(calibration)));
    options = options.withLayers(layers);
    if (chosen == Method.DENSE) {
      requireNoDrafts(spelled);
      return options;
    }
    options = options.withCalibration(calibration);
    options = step("method", spelled, options, o -> o.withMethod(chosen));
    options = step("keep", spelled, options, o -> o.withKeep(keepFor(calibration, spelled)));
    return step("refresh", spelled, options, o -> o.withUpkeep(upkeep(o, calibration)));
  }

  private void requireNoDrafts(UnaryOperator<String> spelled) {
    if (Boolean.TRUE.equals(isLossless)) {
      throw new IllegalArgumentException(
          "%s drafts with core neurons: say with %s how many, and leave out %s dense"
              .formatted(
                  spelled.apply("lossless"), spelled.apply("keep"), spelled.apply("method")));
    }
  }

  private Method methodFor(@Nullable Calibration calibration) {
    if (method != null) {
      return method;
    }
    if (calibration != null) {
      return rule == null || rule.equals(calibration.source().rule())
          ? Method.AUTO
          : Method.STABILITY; // whose scores the calibration does not know
    }
    return keep == null && maxKl == null ? Method.DENSE : Method.STABILITY;
  }

  private String ruleFor(@Nullable Calibration calibration) {
    if (rule != null) {
      return rule;
    }
    return calibration == null ? CoreOptions.DEFAULT_RULE : calibration.source().rule();
  }

  private double alphaFor(@Nullable Calibration calibration) {
    if (alpha != null) {
      return alpha;
    }
    return calibration == null ? CoreOptions.DEFAULT_ALPHA : calibration.source().alpha();
  }

  private double keepFor(@Nullable Calibration calibration, UnaryOperator<String> spelled) {
    if (keep != null) {
      return keep;
    }
    if (calibration == null) {
      throw new Refusal(
          maxKl != null
              ? spelled.apply("max-kl")
                  + ": the model has no calibration; make one with: coreinfer calibrate"
              : "say with "
                  + spelled.apply("keep")
                  + " how many neurons to compute: the model has no calibration");
    }
    double most = maxKl == null ? CoreOptions.DEFAULT_MAX_KL : maxKl;
    return checked("max-kl", spelled, () -> CoreOptions.within(most, calibration).keep());
  }

  private Upkeep upkeep(CoreOptions options, @Nullable Calibration calibration) {
    boolean helps =
        calibration != null && layers == null && calibration.mapFor(options.keep()) != null;
    return new Upkeep(
        Optional.ofNullable(refresh).orElse(0),
        Optional.ofNullable(compensates).orElse(helps),
        Boolean.TRUE.equals(isLossless));
  }

  private static CoreOptions step(
      String part,
      UnaryOperator<String> spelled,
      CoreOptions options,
      UnaryOperator<CoreOptions> change) {
    return checked(part, spelled, () -> change.apply(options));
  }

  private static <T> T checked(String part, UnaryOperator<String> spelled, Supplier<T> value) {
    try {
      return value.get();
    } catch (Refusal e) {
      throw e;
    } catch (IllegalArgumentException e) {
      String refusal = String.valueOf(e.getMessage());
      boolean isAbout = refusal.matches("(?s)" + part + "[= ].*");
      String said = isAbout ? refusal.substring(part.length()) : ": " + refusal;
      throw new Refusal(spelled.apply(part) + said, e);
    }
  }

  /** Names its part already. */
  private static final class Refusal extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }

    Refusal(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
