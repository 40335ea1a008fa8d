package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.model.Tail;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
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
  private final @Nullable MeanTail means;
  private final @Nullable LinearTail estimate;
  private final Resources memory = new Resources();
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
    LinearMap map = mapOf(options);
    long bytes = (long) config.neurons() * Float.BYTES;
    try {
      this.scores = memory.own(queue.allocate("neuron scores", config.layers() * bytes));
      this.fused = memory.own(queue.allocate("neuron scores", bytes));
      this.estimate = map == null ? null : new LinearTail(queue, map);
      if (estimate != null) {
        memory.onClose(estimate::close);
      }
      boolean isMean = options.upkeep().compensates() && estimate == null;
      this.means = isMean ? new MeanTail(queue, config) : null;
      if (means != null) {
        memory.onClose(means::close);
      }
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    this.layers = new NativeMemory[config.layers()];
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = scores.slice(layer * bytes, bytes);
    }
  }

  private static @Nullable LinearMap mapOf(CoreOptions options) {
    Calibration calibration = options.calibration();
    return calibration != null && options.upkeep().compensates() && options.sharesKeep()
        ? calibration.mapFor(options.keep())
        : null;
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
    if (means != null && options.isSparse(layer)) {
      means.observe(layer, activations, tokens);
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
    if (means != null) {
      means.leaveOut(layer, ffn, queue.downloadInts(coreIds, queue.downloadInts(core, 1)[0]));
    }
    return count;
  }

  /** What stands for the neurons that are left out; null for nothing. */
  public @Nullable Tail tail() {
    return estimate != null ? estimate : means;
  }

  /** The neurons that were chosen for a sequence, with what stands for the others. */
  public NeuronSet chosen(DecoderState state) {
    return state.chosen().withTail(tail());
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

  /** What was scored so far, for {@link #restore}. */
  public static final class Snapshot {
    private final float[] scores;
    private final MeanTail.@Nullable Snapshot means;

    private Snapshot(float[] scores, MeanTail.@Nullable Snapshot means) {
      this.scores = scores;
      this.means = means;
    }
  }

  public Snapshot snapshot() {
    int count = Math.multiplyExact(layers.length, decoder.config().neurons());
    return new Snapshot(
        queue.downloadFloats(scores, count), means == null ? null : means.snapshot());
  }

  /** Takes back everything that was scored. */
  public void forget() {
    queue.upload(new float[Math.multiplyExact(layers.length, decoder.config().neurons())], scores);
    if (means != null) {
      means.forget();
    }
  }

  /** Takes back everything that was scored after {@code snapshot}. */
  public void restore(Snapshot snapshot) {
    queue.upload(snapshot.scores, scores);
    if (means != null && snapshot.means != null) {
      means.restore(snapshot.means);
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
