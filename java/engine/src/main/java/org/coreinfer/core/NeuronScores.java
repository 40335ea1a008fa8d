package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * One sequence's scores of every neuron, collected while prompts are read, after which the highest
 * ones are chosen. A further prompt adds to what was counted so far.
 */
public final class NeuronScores implements ActivationListener, AutoCloseable {
  private final Decoder decoder;
  private final Backend queue;
  private final CoreOptions options;
  private final Rule rule;
  private final NativeMemory scores; // (layers, neurons)
  private final NativeMemory[] layers;
  private final @Nullable Prior prior;
  private final NativeMemory fused; // (neurons), with the prior
  private int observedLayers;

  /**
   * @param queue the backend on which prompts are read
   */
  public NeuronScores(Decoder decoder, Backend queue, CoreOptions options) {
    ModelConfig config = decoder.config();
    this.decoder = decoder;
    this.queue = queue;
    this.options = options;
    this.rule = Rules.of(options.rule(), options.alpha());
    this.prior = priorOf(options);
    long bytes = (long) config.neurons() * Float.BYTES;
    this.scores = queue.allocate("neuron scores", (config.layers() + 1) * bytes);
    this.fused = scores.slice(config.layers() * bytes, bytes);
    this.layers = new NativeMemory[config.layers()];
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = scores.slice(layer * bytes, bytes);
    }
  }

  private static @Nullable Prior priorOf(CoreOptions options) {
    Calibration calibration = options.calibration();
    boolean usesPrior =
        options.method() == CoreOptions.Method.SIMILARITY
            || options.method() == CoreOptions.Method.AUTO;
    return usesPrior && calibration != null ? new Prior(calibration) : null;
  }

  @Override
  public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
    if (layer == 0 && prior != null) {
      prior.reset();
    }
    observedLayers = layer + 1;
    if (prior != null || options.isSparse(layer)) {
      rule.score(queue, activations, tokens, ffn.neurons(), layers[layer]);
    }
  }

  @Override
  public boolean needsWholePrompt() {
    return rule.needsWholePrompt();
  }

  @Override
  public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
    int neurons = ffn.neurons();
    int count = options.mostChosen(layer, decoder.config());
    if (count == neurons) {
      return 0;
    }
    NativeMemory weights =
        rule.weighsDownRows() ? decoder.downNorms().squared(queue, layer, ffn) : null;
    NativeMemory ranked = prior == null ? layers[layer] : fused(prior, layer, neurons);
    queue.scoreSelect(ranked, weights, neurons, count, rule.choosesOnlySeen(), coreIds, core);
    return count;
  }

  /** A layer's scores with the prior, which hears what all layers observed so far say. */
  private NativeMemory fused(Prior clusters, int layer, int neurons) {
    while (clusters.seenLayers() < observedLayers) {
      clusters.see(scores(clusters.seenLayers()));
    }
    queue.upload(clusters.scores(layer, priorTokens()), fused);
    if (options.method() == CoreOptions.Method.AUTO) {
      queue.add(layers[layer], neurons, fused);
    }
    return fused;
  }

  private int priorTokens() {
    Calibration calibration = options.calibration();
    return calibration == null ? 0 : calibration.priorTokens();
  }

  /** The calibration's cluster that is nearest to what was read; -1 if none is asked for. */
  public int cluster() {
    return prior == null ? -1 : prior.cluster();
  }

  /** A copy of one layer's scores. */
  public float[] scores(int layer) {
    return queue.downloadFloats(layers[layer], decoder.config().neurons());
  }

  /** A copy of all scores, for {@link #restore}. */
  public float[] snapshot() {
    return queue.downloadFloats(scores, Math.multiplyExact(layers.length, neurons()));
  }

  private int neurons() {
    return decoder.config().neurons();
  }

  /**
   * Takes back everything that was scored after {@code snapshot}.
   *
   * @param snapshot null for nothing at all
   */
  public void restore(float @Nullable [] snapshot) {
    queue.upload(
        snapshot == null ? new float[Math.multiplyExact(layers.length, neurons())] : snapshot,
        scores);
  }

  @Override
  public void close() {
    scores.close();
  }
}
