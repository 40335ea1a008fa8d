package org.coreinfer.generation;

import java.util.List;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Stopwatch;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.sampling.DraftSampler;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.Samplers;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;

/**
 * Tokens that were read or decoded so far, with their keys and values, the scores that prompts gave
 * to neurons, and the core neurons chosen after the latest prompt. For one thread at a time.
 */
public final class Sequence implements AutoCloseable {
  /** Tokens that prefill takes through the layers at once. */
  public static final int CHUNK = 512;

  private static final int NONE = -1;

  private final Decoder decoder;
  private final CoreOptions options;
  private final Resources resources = new Resources();
  private final DecoderState state;
  private final NeuronScores scores;
  private final Samplers samplers;
  private final Stopwatch choosing;
  private NeuronSet neurons;
  private int pending = NONE;
  private long selectNanos;

  /**
   * @param capacity the most tokens of the sequence
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Sequence(Decoder decoder, CoreOptions options, int capacity, DType cacheDtype) {
    this.decoder = decoder;
    this.options = options;
    this.neurons = decoder.allNeurons();
    try {
      this.state =
          decoder.newState(
              capacity, CHUNK, cacheDtype, layer -> options.mostChosen(layer, decoder.config()));
      resources.onClose(state::close);
      this.scores = new NeuronScores(decoder, state.queue(), options);
      resources.onClose(scores::close);
      this.samplers = new Samplers(state.queue());
      resources.onClose(samplers::close);
      this.choosing = state.queue().newStopwatch();
      resources.onClose(choosing::close);
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  public int position() {
    return state.position();
  }

  public int capacity() {
    return state.capacity();
  }

  public CoreOptions options() {
    return options;
  }

  /** The neurons that the next decoded token computes. */
  public NeuronSet neurons() {
    return neurons;
  }

  /** Time that the latest prefill spent on scoring and choosing. */
  public long selectNanos() {
    return selectNanos;
  }

  /** Samplers for drafts and what verifies them. */
  DraftSampler newDraftSampler(SamplingOptions sampling) {
    return samplers.startDrafts(sampling);
  }

  /** A sampler for the next answer, on the device that computes the logits. */
  public Sampler newSampler(SamplingOptions sampling) {
    return samplers.start(sampling);
  }

  /** Whether nothing was read or decoded yet. */
  public boolean isEmpty() {
    return state.position() == 0 && pending == NONE;
  }

  /** Whether no further token can be decoded. */
  public boolean isFull() {
    return state.position() + (pending == NONE ? 0 : 1) > state.capacity();
  }

  /**
   * Reads a prompt, after the accepted token if there is one, and chooses the core neurons anew,
   * from the prompt's scores and all before. If it fails or is cancelled the sequence is as it was
   * before.
   *
   * @return the logits after the last token, valid until the next call
   */
  public Logits prefill(int[] prompt, Decoder.Monitor monitor) {
    int[] tokens = prompt;
    if (pending != NONE) {
      tokens = new int[prompt.length + 1];
      tokens[0] = pending;
      System.arraycopy(prompt, 0, tokens, 1, prompt.length);
    }
    int start = state.position();
    boolean isDense = options.method() == CoreOptions.Method.DENSE;
    NeuronScores.Snapshot snapshot = isDense ? null : scores.snapshot();
    choosing.takeNanos();
    try {
      ActivationListener listener = isDense ? ActivationListener.NONE : timed(scores);
      Logits logits = decoder.prefill(state, tokens, CHUNK, listener, null, monitor);
      if (!isDense) {
        choosing.start();
        neurons = scores.chosen(state);
        choosing.stop();
      }
      selectNanos = choosing.takeNanos();
      pending = NONE;
      return logits;
    } catch (RuntimeException e) {
      state.truncate(start);
      if (snapshot != null) {
        scores.restore(snapshot);
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

  /** Takes the next token, which is computed by {@link #decode} or with the next prompt. */
  public void accept(int token) {
    if (pending != NONE) {
      throw new IllegalStateException("the token before was not decoded yet");
    }
    pending = token;
  }

  /**
   * Computes the accepted token with the core neurons.
   *
   * @return the logits after it, valid until the next call
   */
  public Logits decode() {
    Logits logits = decoder.decode(state, pending, neurons);
    pending = NONE;
    return logits;
  }

  /**
   * Computes the accepted token with every neuron; those of {@link #decode} stay chosen.
   *
   * @return the logits after it, valid until the next call
   */
  public Logits decodeDensely() {
    Logits logits = decoder.decode(state, pending, decoder.allNeurons());
    pending = NONE;
    return logits;
  }

  /**
   * Goes back to where the first {@code tokens} tokens had been read or decoded. The core neurons
   * stay chosen, and the scores of prompts count on, unless {@code tokens} is 0: then the sequence
   * is as a new one.
   */
  public void rewind(int tokens) {
    state.truncate(tokens);
    pending = NONE;
    if (tokens == 0) {
      scores.forget();
      neurons = decoder.allNeurons();
    }
  }

  // ---- drafting ----

  /** Whether core neurons only draft tokens. */
  boolean isLossless() {
    return options.method() != CoreOptions.Method.DENSE && options.upkeep().isLossless();
  }

  /** The weights that drafting a token reads, relative to decoding it densely. */
  double draftCost() {
    return (double) decoder.bytesPerToken(neurons) / decoder.bytesPerToken(decoder.allNeurons());
  }

  /** The accepted token that was not decoded yet. */
  int pending() {
    return pending;
  }

  /**
   * Computes a token with the core neurons, for now: {@link #takeBack} must follow.
   *
   * @return the logits after it, valid until the next call
   */
  Logits draft(int token) {
    return decoder.decode(state, token, neurons);
  }

  /** Goes back to the first {@code position} tokens. */
  void takeBack(int position) {
    state.truncate(position);
  }

  /**
   * Computes the accepted token, and drafts after it, with every neuron. Where there are drafts it
   * also chooses the core neurons anew from what that shows: more drafts are accepted then. They
   * are not part of the sequence yet: those that are accepted, from the first one on, are added by
   * {@link #skip}.
   *
   * @return the logits after each of them, valid until the next call
   */
  List<Logits> verify(int[] drafts) {
    int[] tokens = new int[drafts.length + 1];
    tokens[0] = pending;
    System.arraycopy(drafts, 0, tokens, 1, drafts.length);
    List<Logits> logits;
    if (drafts.length == 0) { // nothing is drafted, so nobody needs other neurons
      logits = decoder.append(state, tokens, ActivationListener.NONE);
    } else {
      logits = decoder.append(state, tokens, scores);
      neurons = scores.chosen(state);
    }
    pending = NONE;
    state.truncate(state.position() - drafts.length);
    return logits;
  }

  /** Takes the accepted token, which was verified, as decoded. */
  void skip() {
    state.restore(1);
    pending = NONE;
  }

  @Override
  public void close() {
    resources.close();
  }
}
