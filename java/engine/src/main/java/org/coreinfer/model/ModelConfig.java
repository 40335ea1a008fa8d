package org.coreinfer.model;

import org.coreinfer.backend.Activation;
import org.coreinfer.error.ModelFormatException;

/**
 * The sizes and constants of a decoder-only transformer.
 *
 * @param architecture the family's name in the model file
 * @param contextLength positions that the model was made for
 * @param neurons FFN neurons per layer
 * @param window positions that attention sees; 0 for all
 */
public record ModelConfig(
    String architecture,
    int vocabulary,
    int contextLength,
    int layers,
    int dim,
    int heads,
    int kvHeads,
    int headDim,
    int neurons,
    Activation activation,
    boolean isGated,
    int window) {

  private static final int LARGEST = 1 << 24;

  public ModelConfig {
    positive("vocabulary", vocabulary);
    positive("context length", contextLength);
    positive("layers", layers);
    positive("embedding length", dim);
    positive("attention heads", heads);
    positive("key-value heads", kvHeads);
    positive("head dimension", headDim);
    positive("feed-forward length", neurons);
    if (heads % kvHeads != 0) {
      throw new ModelFormatException(
          heads + " attention heads are not a multiple of " + kvHeads + " key-value heads");
    }
    if (layers > 4096 || headDim > 4096) {
      throw new ModelFormatException(
          "layers=" + layers + " head dimension=" + headDim + ": at most 4096 are supported");
    }
    if (window < 0) {
      throw new ModelFormatException("sliding window=" + window + ": expected 0 or more");
    }
  }

  private static void positive(String name, int value) {
    if (value < 1 || value > LARGEST) {
      throw new ModelFormatException(name + "=" + value + ": expected 1 to " + LARGEST);
    }
  }

  /** The same sizes with another activation. */
  public ModelConfig withActivation(Activation other) {
    return new ModelConfig(
        architecture,
        vocabulary,
        contextLength,
        layers,
        dim,
        heads,
        kvHeads,
        headDim,
        neurons,
        other,
        isGated,
        window);
  }

  public int queryDim() {
    return heads * headDim;
  }

  public int kvDim() {
    return kvHeads * headDim;
  }
}
