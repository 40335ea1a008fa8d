package org.coreinfer.core;

import java.util.List;

/** Every rule, by the name that {@code --rule} gives it. */
public final class Rules {
  static final String PAPER = "paper";
  static final String REFERENCE = "reference";
  static final String MAGNITUDE = "magnitude";
  static final String NORM = "norm";
  static final String IMPACT = "impact";
  static final String RELATIVE = "relative";

  /** All names, as {@code --rule} lists them. */
  public static final List<String> NAMES =
      List.of(PAPER, REFERENCE, MAGNITUDE, NORM, IMPACT, RELATIVE);

  private Rules() {}

  /**
   * The rule called {@code name}.
   *
   * @param alpha share of a token's activations that count, in (0, 1]; only the counting rules use
   *     it, but every rule refuses one out of range
   */
  public static Rule of(String name, double alpha) {
    checkAlpha(alpha);
    return switch (name) {
      case PAPER -> new TopShareRule(alpha, false);
      case MAGNITUDE -> new TopShareRule(alpha, true);
      case REFERENCE -> new ReferenceRule(alpha);
      case NORM -> new EnergyRule(NORM, true, false);
      case IMPACT -> new EnergyRule(IMPACT, false, true);
      case RELATIVE -> new EnergyRule(RELATIVE, true, true);
      default ->
          throw new IllegalArgumentException(
              "unknown rule \"" + name + "\"; expected one of " + String.join(", ", NAMES));
    };
  }

  /**
   * A rule whose scores of single tokens add up to those of a text, as calibrations need it.
   *
   * @throws IllegalArgumentException if it judges whole prompts
   */
  public static Rule addable(String name, double alpha) {
    Rule rule = of(name, alpha);
    if (rule.needsWholePrompt()) {
      throw new IllegalArgumentException(
          "rule " + name + " judges whole prompts, of which no corpus can be a sum");
    }
    return rule;
  }

  static void checkAlpha(double alpha) {
    if (!(alpha > 0 && alpha <= 1)) {
      throw new IllegalArgumentException("alpha=" + alpha + ": expected above 0, at most 1");
    }
  }
}
