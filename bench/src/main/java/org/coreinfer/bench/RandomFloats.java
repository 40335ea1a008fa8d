package org.coreinfer.bench;

import java.util.SplittableRandom;

/**
 * Normally distributed numbers, always the same, read from a ring: as quick as copying. For one
 * thread at a time.
 */
final class RandomFloats {
  private static final int LENGTH = 65521; // prime, so that rows start at different places
  private static final float[] RING = ring();

  private int next;

  private static float[] ring() {
    SplittableRandom random = new SplittableRandom(17);
    float[] values = new float[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Fills an array with numbers of this mean and standard deviation. */
  void fill(double mean, double deviation, float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (mean + deviation * RING[next]);
      next = next + 1 == LENGTH ? 0 : next + 1;
    }
  }

  /** As many numbers of this mean and standard deviation. */
  float[] take(double mean, double deviation, int count) {
    float[] values = new float[count];
    fill(mean, deviation, values);
    return values;
  }
}
