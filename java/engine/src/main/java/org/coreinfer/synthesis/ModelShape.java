package org.coreinfer.synthesis;

import java.util.List;
import java.util.stream.Collectors;
import org.coreinfer.backend.Activation;
import org.coreinfer.backend.AttentionShape;

/**
 * The sizes of a model, and what follows from its kind.
 *
 * @param neurons of each layer's FFN
 * @param kvHeads heads of keys and values, a divisor of {@code heads}
 * @param context the most tokens of a text
 */
public record ModelShape(
    String name,
    Kind kind,
    int vocabulary,
    int layers,
    int dim,
    int neurons,
    int heads,
    int kvHeads,
    int context) {

  /** The smallest vocabulary: a token for each byte, the special ones, and a few words. */
  public static final int LEAST_VOCABULARY = 320;

  /** Whose architecture and tokenizer a model has. */
  public enum Kind {
    LLAMA_2("llama", Activation.SILU),
    LLAMA_3("llama", Activation.SILU),
    OPT("opt", Activation.RELU);

    private final String architecture;
    private final Activation activation;

    Kind(String architecture, Activation activation) {
      this.architecture = architecture;
      this.activation = activation;
    }
  }

  private static final List<ModelShape> KNOWN =
      List.of(
          new ModelShape("llama-2-7b", Kind.LLAMA_2, 32000, 32, 4096, 11008, 32, 32, 4096),
          new ModelShape("llama-3.1-8b", Kind.LLAMA_3, 128256, 32, 4096, 14336, 32, 8, 131072),
          new ModelShape("tinyllama-1.1b", Kind.LLAMA_2, 32000, 22, 2048, 5632, 32, 4, 2048),
          new ModelShape("opt-1.3b", Kind.OPT, 50272, 24, 2048, 8192, 32, 32, 2048),
          new ModelShape("opt-6.7b", Kind.OPT, 50272, 32, 4096, 16384, 32, 32, 2048),
          new ModelShape("tiny", Kind.LLAMA_2, LEAST_VOCABULARY, 2, 64, 160, 4, 2, 2048));

  /**
   * @throws IllegalArgumentException if no model can have these sizes
   */
  public ModelShape {
    require(vocabulary >= LEAST_VOCABULARY, "vocab", vocabulary, LEAST_VOCABULARY + " or more");
    require(layers >= 1, "layers", layers, "1 or more");
    require(dim >= 1, "dim", dim, "1 or more");
    require(neurons >= 1, "neurons", neurons, "1 or more");
    require(heads >= 1 && dim % heads == 0, "heads", heads, "a divisor of dim=" + dim);
    require(
        kvHeads >= 1 && heads % kvHeads == 0, "kv-heads", kvHeads, "a divisor of heads=" + heads);
    require(context >= 1, "context", context, "1 or more");
    if (kind == Kind.OPT) {
      require(kvHeads == heads, "kv-heads", kvHeads, heads + ", as OPT shares none");
    } else {
      require(
          dim / heads % 2 == 0,
          "heads",
          heads,
          "dim=" + dim + " over twice a whole number, as pairs of elements rotate");
    }
  }

  private static void require(boolean isGiven, String name, int value, String expected) {
    if (!isGiven) {
      throw new IllegalArgumentException(name + "=" + value + ": expected " + expected);
    }
  }

  /**
   * The shape called {@code name}; {@code tiny} is no model, but quick.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static ModelShape of(String name) {
    return KNOWN.stream()
        .filter(shape -> shape.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown shape \"%s\"; expected one of %s"
                        .formatted(name, String.join(", ", names()))));
  }

  /** The names that {@link #of} knows. */
  public static List<String> names() {
    return KNOWN.stream().map(ModelShape::name).collect(Collectors.toUnmodifiableList());
  }

  /** The same with fewer or more layers; 0 for as many as it has. */
  public ModelShape withLayers(int count) {
    int others = count == 0 ? layers : count;
    return new ModelShape(name, kind, vocabulary, others, dim, neurons, heads, kvHeads, context);
  }

  /** The same for longer or shorter texts. */
  public ModelShape withContext(int tokens) {
    return new ModelShape(name, kind, vocabulary, layers, dim, neurons, heads, kvHeads, tokens);
  }

  /** As GGUF names it. */
  public String architecture() {
    return kind.architecture;
  }

  /** SILU in a gated FFN, RELU in an ungated one. */
  public Activation activation() {
    return kind.activation;
  }

  public boolean isGated() {
    return kind != Kind.OPT;
  }

  public int headDim() {
    return dim / heads;
  }

  /** Attention that sees every position. */
  public AttentionShape attention() {
    return new AttentionShape(heads, kvHeads, headDim(), 0, (float) (1 / Math.sqrt(headDim())));
  }
}
