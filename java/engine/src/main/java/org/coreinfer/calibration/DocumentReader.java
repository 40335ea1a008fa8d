package org.coreinfer.calibration;

import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.core.Rules;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;

/** Reads documents for the mean score of each neuron. For one thread. */
final class DocumentReader implements AutoCloseable {
  private final Decoder decoder;
  private final CoreOptions options;
  private final DecoderState state;

  /**
   * @param capacity the most tokens of a document
   */
  DocumentReader(Decoder decoder, CoreOptions options, int capacity, DType cacheDtype) {
    this.decoder = decoder;
    this.options = options;
    this.state = decoder.newState(capacity, Sequence.CHUNK, cacheDtype);
  }

  /** (layers, neurons): what a token of the document gives on average. */
  float[][] meanScores(int[] ids) {
    state.truncate(0);
    float[][] means = new float[decoder.config().layers()][];
    try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
      decoder.prefill(state, ids, Sequence.CHUNK, scores, null, fraction -> {});
      for (int layer = 0; layer < means.length; layer++) {
        means[layer] = scores.scores(layer);
        for (int i = 0; i < means[layer].length; i++) {
          means[layer][i] /= ids.length;
        }
      }
    }
    return means;
  }

  /** (layers, neurons): what scores count times, which are the squared norms of down rows, or 1. */
  float[][] rowWeights() {
    ModelConfig config = decoder.config();
    float[][] weights = new float[config.layers()][config.neurons()];
    for (float[] layer : weights) {
      Arrays.fill(layer, 1);
    }
    if (Rules.of(options.rule(), options.alpha()).weighsDownRows()) {
      state.truncate(0);
      decoder.prefill(state, new int[1], 1, new Norms(weights), null, fraction -> {});
    }
    return weights;
  }

  /** Meets every layer's weights while they are on the device. */
  private final class Norms implements ActivationListener {
    private final float[][] norms;

    Norms(float[][] norms) {
      this.norms = norms;
    }

    @Override
    public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
      Backend queue = state.queue();
      NativeMemory squared = decoder.downNorms().squared(queue, layer, ffn);
      norms[layer] = queue.downloadFloats(squared, ffn.neurons());
    }
  }

  @Override
  public void close() {
    state.close();
  }
}
