package org.coreinfer.model;

import java.util.Set;
import org.coreinfer.weights.WeightFile;

/** How one family of models is stored and built. */
public interface Family {
  /** Names that model files give to this family: GGUF's architecture, Hugging Face's model_type. */
  Set<String> architectures();

  /** The sizes, read from the file's metadata. */
  ModelConfig config(WeightFile file);

  /** The file's name for a tensor that GGUF calls {@code name}. */
  String tensorName(WeightFile file, String name);

  /** What surrounds the layers' matrices: norms, positions, the scale of attention. */
  Architecture architecture(WeightFile file, ModelConfig config);

  /**
   * The parts in which families differ.
   *
   * @param epsilon of every norm
   * @param positions rotary or learned
   */
  record Architecture(NormKind norm, float epsilon, Positions positions) {}

  /** Which norm all layers use. */
  enum NormKind {
    RMS,
    LAYER
  }

  /** How tokens learn their place. */
  sealed interface Positions {
    /**
     * Rotary positions.
     *
     * @param pairs how many pairs of each head turn
     * @param adjacent whether elements 2i and 2i+1 are a pair
     */
    record RotaryPositions(RopeScaling scaling, double base, int pairs, boolean adjacent)
        implements Positions {}

    /**
     * A learned vector per position.
     *
     * @param offset the row of the first position
     */
    record LearnedPositions(int offset) implements Positions {}
  }
}
