package org.coreinfer.bench;

import java.util.SplittableRandom;

/** A text without sense. */
final class TokenSample {
  private TokenSample() {}

  /** Random token ids, always the same. */
  static int[] of(int vocabulary, int count) {
    return new SplittableRandom(3).ints(count, 0, vocabulary).toArray();
  }
}
