package org.coreinfer.core;

import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;

/**
 * Renews a sequence's core neurons from one decoded token that is computed with all of them. It
 * counts for some tokens of a prompt, as it stands for others beside it that were not observed.
 * Until {@link #end} the scores stay as they were.
 *
 * <p>Drift is measured on the same token: of its squared activations, weighted as the rule weighs
 * neurons, the share that lies outside of the set, the mean over the layers that compute a part of
 * their neurons. For one thread.
 */
public final class Refresh implements ActivationListener, AutoCloseable {
  /** As many tokens of a prompt the token counts for. */
  private static final double WEIGHT = 4;

  private final Backend queue;
  private final DecoderState state;
  private final NeuronScores scores;
  private final Resources resources = new Resources();
  private final ScoreTable energies; // of the token, their sum 1 in each layer
  private final NativeMemory shares; // (2, layers) outside of the set before and after
  private final int layers;
  private ScoreTable next;

  /**
   * Drift of one token.
   *
   * @param before with the set that was chosen earlier
   * @param after with the set that was chosen now
   */
  public record Drift(double before, double after) {}

  /**
   * @param state the sequence, on whose queue the scores are
   */
  public Refresh(Decoder decoder, DecoderState state, NeuronScores scores) {
    int neurons = decoder.config().neurons();
    this.layers = decoder.config().layers();
    this.queue = state.queue();
    this.state = state;
    this.scores = scores;
    this.next = new ScoreTable(queue, "neuron scores", layers, neurons);
    resources.onClose(() -> next.close());
    try {
      this.energies = new ScoreTable(queue, "activations of a token", layers, neurons);
      resources.onClose(energies::close);
      this.shares = resources.own(queue.allocateFloats("drift", 2L * layers));
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /** To be called before the token is computed, with the set where kernels read it. */
  public void begin() {
    next.copy(scores.table());
    next.scale(1 / WEIGHT);
    energies.scale(0);
  }

  @Override
  public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
    if (!scores.isSparse(layer)) {
      return;
    }
    int neurons = ffn.neurons();
    scores.rule().score(queue, activations, tokens, neurons, next.layer(layer));
    queue.scoreEnergy(activations, tokens, neurons, true, energies.layer(layer));
    measure(layer, ffn, state.coreIds(layer), state.core(layer), layer);
  }

  @Override
  public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
    int most = scores.choose(next, layer, ffn, coreIds, core);
    if (most > 0) {
      measure(layer, ffn, coreIds, core, layers + layer);
    }
    return most;
  }

  private void measure(
      int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core, int index) {
    NativeMemory share = shares.slice((long) index * Float.BYTES, Float.BYTES);
    queue.scoreOutside(
        energies.layer(layer), scores.weights(layer, ffn), ffn.neurons(), coreIds, core, share);
  }

  /** Takes what the token showed into the scores. */
  public Drift end() {
    float[] measured = queue.downloadFloats(shares, 2 * layers);
    next.scale(WEIGHT);
    next = scores.swap(next);
    double before = 0;
    double after = 0;
    int sparse = 0;
    for (int layer = 0; layer < layers; layer++) {
      if (scores.isSparse(layer)) {
        before += measured[layer];
        after += measured[layers + layer];
        sparse++;
      }
    }
    return sparse == 0 ? new Drift(0, 0) : new Drift(before / sparse, after / sparse);
  }

  @Override
  public void close() {
    resources.close();
  }
}
