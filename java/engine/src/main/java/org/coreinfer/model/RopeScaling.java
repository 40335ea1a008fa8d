package org.coreinfer.model;

/**
 * How rotary frequencies are stretched for contexts longer than the model was trained on.
 * Frequencies are those of Hugging Face Transformers' rope utilities, in double precision.
 */
public sealed interface RopeScaling {

  /** The factor of each cosine and sine. */
  default double magnitude() {
    return 1;
  }

  /** The frequency of pair {@code i} of {@code pairs}, in radians per position. */
  double frequency(int i, int pairs, double base);

  private static double plain(int i, int pairs, double base) {
    return Math.pow(base, -(double) i / pairs);
  }

  /** No scaling. */
  record None() implements RopeScaling {
    @Override
    public double frequency(int i, int pairs, double base) {
      return plain(i, pairs, base);
    }
  }

  /** All positions divided by {@code factor} (arXiv 2306.15595). */
  record LinearScaling(double factor) implements RopeScaling {
    @Override
    public double frequency(int i, int pairs, double base) {
      return plain(i, pairs, base) / factor;
    }
  }

  /**
   * Each frequency divided by its own factor, as GGUF's {@code rope_freqs.weight} stores llama 3's
   * scaling.
   */
  record PerPair(float[] factors) implements RopeScaling {
    @Override
    public double frequency(int i, int pairs, double base) {
      return plain(i, pairs, base) / factors[i];
    }
  }

  /** Long waves are stretched, short ones kept, those between blended (Llama 3.1). */
  record Llama3(double factor, double lowFactor, double highFactor, double originalContext)
      implements RopeScaling {
    @Override
    public double frequency(int i, int pairs, double base) {
      double frequency = plain(i, pairs, base);
      double turns = originalContext * frequency / (2 * Math.PI);
      if (turns < lowFactor) {
        return frequency / factor;
      }
      if (turns > highFactor) {
        return frequency;
      }
      double kept = (turns - lowFactor) / (highFactor - lowFactor);
      return (1 - kept) * frequency / factor + kept * frequency;
    }
  }

  /**
   * Stretching by parts (arXiv 2309.00071).
   *
   * @param magnitude factor of cosines and sines, the paper's attention temperature
   */
  record Yarn(
      double factor,
      double magnitude,
      double betaFast,
      double betaSlow,
      double originalContext,
      boolean truncate)
      implements RopeScaling {

    /** The usual magnitude for a factor. */
    public static double magnitudeOf(double factor) {
      return factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
    }

    @Override
    public double frequency(int i, int pairs, double base) {
      double low = pairThatTurns(betaFast, pairs, base);
      double high = pairThatTurns(betaSlow, pairs, base);
      if (truncate) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(low, 0);
      high = Math.min(high, 2.0 * pairs - 1);
      if (low == high) {
        high += 0.001;
      }
      double stretched = Math.min(Math.max((i - low) / (high - low), 0), 1);
      double frequency = plain(i, pairs, base);
      return frequency / factor * stretched + frequency * (1 - stretched);
    }

    private double pairThatTurns(double turns, int pairs, double base) {
      return pairs * Math.log(originalContext / (turns * 2 * Math.PI)) / Math.log(base);
    }
  }
}
