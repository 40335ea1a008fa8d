package org.coreinfer.generation;

import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Stopwatch;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.core.Refresh;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * Reads prompts and decodes tokens of one sequence as {@link CoreOptions} say: prompts choose the
 * core neurons, decoding computes them, and now and then renews them. If a call fails or is
 * cancelled the sequence is as it was before. For one thread at a time.
 */
public final class CoreDecoding implements AutoCloseable {
  private final Decoder decoder;
  private final DecoderState state;
  private final boolean isDense;
  private final Resources resources = new Resources();
  private final NeuronScores scores;
  private final @Nullable Refresh refresh;
  private final RefreshSchedule schedule;
  private final Stopwatch choosing;
  private @Nullable NeuronSet neurons; // null while only the device has the lists
  private boolean isScored;
  private boolean isSetLost;
  private long selectNanos;
  private Refreshes refreshes = Refreshes.NONE;

  /**
   * @param state of a new sequence, which the caller closes after this
   */
  public CoreDecoding(Decoder decoder, DecoderState state, CoreOptions options) {
    this.decoder = decoder;
    this.state = state;
    this.isDense = options.method() == CoreOptions.Method.DENSE;
    this.neurons = decoder.allNeurons();
    int interval = isDense ? 0 : options.upkeep().refresh();
    this.schedule = new RefreshSchedule(interval);
    try {
      this.scores = new NeuronScores(decoder, state.queue(), options);
      resources.onClose(scores::close);
      this.refresh = interval == 0 ? null : new Refresh(decoder, state, scores);
      if (refresh != null) {
        resources.onClose(refresh::close);
      }
      this.choosing = state.queue().newStopwatch();
      resources.onClose(choosing::close);
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /** The neurons that the next decoded token computes, unless it renews them. */
  public NeuronSet neurons() {
    NeuronSet known = neurons;
    if (known == null) {
      recoverSet();
      known = state.chosen();
      neurons = known;
    }
    return known;
  }

  /** Time that the latest prompt spent on scoring and choosing. */
  public long selectNanos() {
    return selectNanos;
  }

  /** Since the latest prompt. */
  public Refreshes refreshes() {
    return refreshes;
  }

  /**
   * Reads a prompt and chooses the core neurons anew, from its scores and all before.
   *
   * @return the logits after the last token, valid until the next call
   */
  public Logits prefill(int[] tokens, Decoder.Monitor monitor) {
    int start = state.position();
    float @Nullable [] snapshot = isScored ? scores.snapshot() : null;
    choosing.takeNanos();
    try {
      ActivationListener listener = isDense ? ActivationListener.NONE : timed(scores);
      Logits logits = decoder.prefill(state, tokens, Sequence.CHUNK, listener, null, monitor);
      if (!isDense) {
        choosing.start();
        neurons = state.chosen();
        choosing.stop();
        isScored = true;
        isSetLost = false;
      }
      selectNanos = choosing.takeNanos();
      schedule.restart();
      refreshes = Refreshes.NONE;
      return logits;
    } catch (RuntimeException e) {
      state.truncate(start);
      if (!isDense) {
        scores.restore(snapshot);
        isSetLost = neurons == null;
      }
      throw e;
    }
  }

  private ActivationListener timed(ActivationListener listener) {
    return new ActivationListener() {
      @Override
      public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
        choosing.start();
        listener.observe(layer, ffn, activations, tokens);
        choosing.stop();
      }

      @Override
      public boolean needsWholePrompt() {
        return listener.needsWholePrompt();
      }

      @Override
      public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
        choosing.start();
        int most = listener.choose(layer, ffn, coreIds, core);
        choosing.stop();
        return most;
      }
    };
  }

  /**
   * Appends a token, computing the core neurons, or all of them if the set is to be renewed.
   *
   * @param monitor hears of a refresh's progress; may throw to end it
   * @return the logits after it, valid until the next call
   */
  public Logits decode(int token, Decoder.Monitor monitor) {
    if (refresh != null && schedule.isDue()) {
      return renew(token, refresh, monitor);
    }
    NeuronSet known = neurons;
    recoverSet();
    Logits logits =
        known == null ? decoder.decode(state, token) : decoder.decode(state, token, known);
    schedule.decoded();
    return logits;
  }

  private Logits renew(int token, Refresh listener, Decoder.Monitor monitor) {
    long begin = System.nanoTime();
    int start = state.position();
    recoverSet();
    if (neurons != null) {
      state.list(neurons);
    }
    try {
      listener.begin();
      Logits logits = decodeDensely(token, listener, monitor);
      Refresh.Drift drift = listener.end();
      neurons = null;
      schedule.refreshed(drift);
      refreshes = refreshes.with(drift.before(), System.nanoTime() - begin);
      return logits;
    } catch (RuntimeException e) {
      state.truncate(start);
      isSetLost = neurons == null;
      throw e;
    }
  }

  /** One token with every neuron, of which {@code listener} hears. */
  private Logits decodeDensely(int token, ActivationListener listener, Decoder.Monitor monitor) {
    return decoder.prefill(state, new int[] {token}, 1, listener, null, monitor);
  }

  /** Chooses the set anew, by the scores, if it went with something that failed. */
  private void recoverSet() {
    if (isSetLost) {
      decoder.choose(state, scores);
      isSetLost = false;
    }
  }

  @Override
  public void close() {
    resources.close();
  }
}
