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

  /**
   * @param queue the backend on which prompts are read
   */
  public NeuronScores(Decoder decoder, Backend queue, CoreOptions options) {
    ModelConfig config = decoder.config();
    this.decoder = decoder;
    this.queue = queue;
    this.options = options;
    this.rule = Rules.of(options.rule(), options.alpha());
    long bytes = (long) config.neurons() * Float.BYTES;
    this.scores = queue.allocate("neuron scores", config.layers() * bytes);
    this.layers = new NativeMemory[config.layers()];
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = scores.slice(layer * bytes, bytes);
    }
  }

  /** The most neurons of a layer that these options choose; all of a layer that stays dense. */
  public static int mostChosen(CoreOptions options, ModelConfig config, int layer) {
    return options.isSparse(layer)
        ? Rules.of(options.rule(), options.alpha()).count(options.keep(), config.neurons())
        : config.neurons();
  }

  @Override
  public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
    if (options.isSparse(layer)) {
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
    int count = mostChosen(options, decoder.config(), layer);
    if (count == neurons) {
      return 0;
    }
    NativeMemory weights =
        rule.weighsDownRows() ? decoder.downNorms().squared(queue, layer, ffn) : null;
    queue.scoreSelect(
        layers[layer], weights, neurons, count, rule.choosesOnlySeen(), coreIds, core);
    return count;
  }

  /** A copy of one layer's scores. */
  public float[] scores(int layer) {
    return queue.downloadFloats(layers[layer], decoder.config().neurons());
  }

  /** A copy of all scores, for {@link #restore}. */
  public float[] snapshot() {
    return queue.downloadFloats(scores, Math.toIntExact(scores.bytes() / Float.BYTES));
  }

  /**
   * Takes back everything that was scored after {@code snapshot}.
   *
   * @param snapshot null for nothing at all
   */
  public void restore(float @Nullable [] snapshot) {
    queue.upload(
        snapshot == null ? new float[Math.toIntExact(scores.bytes() / Float.BYTES)] : snapshot,
        scores);
  }

  @Override
  public void close() {
    scores.close();
  }
}
