package org.coreinfer.generation;

import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.HiddenStates;
import org.coreinfer.tensor.DType;

/**
 * Texts as vectors: the mean of all tokens' final hidden states, after the final norm, scaled to
 * length 1. Of a decoder a token's state says what is to come after all tokens up to it, which is
 * less than what models made for embeddings give.
 */
public final class Embedder {
  private Embedder() {}

  /**
   * The vector (dim) of a text.
   *
   * @param tokens at least one, with the tokens that begin a text, if the model wants some
   * @param cacheDtype of keys and values, F32 or F16
   * @param monitor may throw to end the work
   */
  public static float[] embed(
      Decoder decoder, int[] tokens, DType cacheDtype, Decoder.Monitor monitor) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("there are no tokens to embed");
    }
    int dim = decoder.config().dim();
    int chunk = Math.min(Sequence.CHUNK, tokens.length);
    double[] sums = new double[dim];
    try (DecoderState state = decoder.newState(tokens.length, chunk, cacheDtype)) {
      HiddenStates.read(
          decoder,
          state,
          tokens,
          chunk,
          (hidden, count) -> {
            for (int i = 0; i < count * dim; i++) {
              sums[i % dim] += hidden[i];
            }
          },
          monitor);
    }
    return normalized(sums);
  }

  private static float[] normalized(double[] sums) {
    double squares = 0;
    for (double sum : sums) {
      squares += sum * sum;
    }
    double length = Math.sqrt(squares);
    float[] vector = new float[sums.length];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = length > 0 ? (float) (sums[i] / length) : 0;
    }
    return vector;
  }
}
