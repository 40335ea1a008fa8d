package org.coreinfer.core;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.tensor.NativeMemory;

/**
 * One sequence's scores of every neuron, collected while prompts are read. A further prompt adds to
 * what was counted so far.
 */
public final class NeuronScores implements ActivationListener, AutoCloseable {
  private final Backend backend;
  private final ModelConfig config;
  private final CoreOptions options;
  private final Rule rule;
  private final List<NativeMemory> layers = new ArrayList<>();

  public NeuronScores(Backend backend, ModelConfig config, CoreOptions options) {
    this.backend = backend;
    this.config = config;
    this.options = options;
    this.rule = Rules.of(options.rule(), options.alpha());
    try {
      for (int layer = 0; layer < config.layers(); layer++) {
        layers.add(backend.allocateFloats("neuron scores", config.neurons()));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  @Override
  public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
    if (options.isSparse(layer)) {
      rule.score(backend, activations, tokens, config.neurons(), layers.get(layer));
    }
  }

  @Override
  public boolean needsWholePrompt() {
    return rule.needsWholePrompt();
  }

  Rule rule() {
    return rule;
  }

  CoreOptions options() {
    return options;
  }

  /** A copy of one layer's scores. */
  public float[] scores(int layer) {
    float[] copy = new float[config.neurons()];
    layers.get(layer).floats().get(copy);
    return copy;
  }

  /** A copy of all scores, for {@link #restore}. */
  public float[][] snapshot() {
    float[][] copy = new float[config.layers()][];
    for (int layer = 0; layer < copy.length; layer++) {
      copy[layer] = scores(layer);
    }
    return copy;
  }

  /** Takes back everything that was scored after {@code snapshot}. */
  public void restore(float[][] snapshot) {
    for (int layer = 0; layer < snapshot.length; layer++) {
      layers.get(layer).floats().put(snapshot[layer]);
    }
  }

  @Override
  public void close() {
    layers.forEach(NativeMemory::close);
  }
}
