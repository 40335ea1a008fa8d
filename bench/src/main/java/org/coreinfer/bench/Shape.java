package org.coreinfer.bench;

import java.util.List;
import java.util.stream.Collectors;
import org.coreinfer.backend.Activation;
import org.coreinfer.backend.AttentionShape;

/**
 * The sizes of a known model, by its name. {@code tiny} is no model, but quick.
 *
 * @param architecture as GGUF names it
 * @param neurons of each layer's FFN
 * @param activation SILU in a gated FFN, RELU in an ungated one
 */
record Shape(
    String name,
    String architecture,
    int vocabulary,
    int layers,
    int dim,
    int neurons,
    int heads,
    int kvHeads,
    Activation activation) {

  private static final List<Shape> ALL =
      List.of(
          new Shape("llama-2-7b", "llama", 32000, 32, 4096, 11008, 32, 32, Activation.SILU),
          new Shape("llama-3.1-8b", "llama", 128256, 32, 4096, 14336, 32, 8, Activation.SILU),
          new Shape("tinyllama-1.1b", "llama", 32000, 22, 2048, 5632, 32, 4, Activation.SILU),
          new Shape("opt-6.7b", "opt", 50272, 32, 4096, 16384, 32, 32, Activation.RELU),
          new Shape("tiny", "llama", 96, 2, 64, 160, 4, 2, Activation.SILU));

  /**
   * The shape called {@code name}.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Shape of(String name) {
    return ALL.stream()
        .filter(shape -> shape.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown shape \"%s\"; expected one of %s".formatted(name, names())));
  }

  private static String names() {
    return ALL.stream().map(Shape::name).collect(Collectors.joining(", "));
  }

  /** The same with fewer or more layers; 0 for as many as it has. */
  Shape withLayers(int count) {
    int others = count == 0 ? layers : count;
    return new Shape(
        name, architecture, vocabulary, others, dim, neurons, heads, kvHeads, activation);
  }

  boolean isGated() {
    return activation == Activation.SILU;
  }

  int headDim() {
    return dim / heads;
  }

  /** Attention that sees every position. */
  AttentionShape attention() {
    return new AttentionShape(heads, kvHeads, headDim(), 0, (float) (1 / Math.sqrt(headDim())));
  }

  /** How many neurons a fraction is. */
  int listed(double keep) {
    return (int) Math.max(1, Math.round(keep * neurons));
  }
}
