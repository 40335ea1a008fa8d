package org.coreinfer.generation;

import java.nio.FloatBuffer;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.core.CoreNeurons;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;

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
  private final DecoderState state;
  private final NeuronScores scores;
  private NeuronSet neurons;
  private int pending = NONE;
  private long scoreNanos;
  private long selectNanos;

  /**
   * @param capacity the most tokens of the sequence
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Sequence(Decoder decoder, CoreOptions options, int capacity, DType cacheDtype) {
    this.decoder = decoder;
    this.options = options;
    this.neurons = decoder.allNeurons();
    this.state = decoder.newState(capacity, CHUNK, cacheDtype);
    try {
      this.scores = new NeuronScores(decoder.backend(), decoder.config(), options);
    } catch (RuntimeException e) {
      state.close();
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

  /** Time that the latest prefill spent on scoring. */
  public long scoreNanos() {
    return scoreNanos;
  }

  /** Time that the latest prefill spent on choosing. */
  public long selectNanos() {
    return selectNanos;
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
  public FloatBuffer prefill(int[] prompt, Decoder.Monitor monitor) {
    int[] tokens = prompt;
    if (pending != NONE) {
      tokens = new int[prompt.length + 1];
      tokens[0] = pending;
      System.arraycopy(prompt, 0, tokens, 1, prompt.length);
    }
    int start = state.position();
    boolean isDense = options.method() == CoreOptions.Method.DENSE;
    float[][] snapshot = isDense ? new float[0][] : scores.snapshot();
    scoreNanos = 0;
    selectNanos = 0;
    try {
      ActivationListener listener = isDense ? ActivationListener.NONE : timed(scores);
      FloatBuffer logits = decoder.prefill(state, tokens, CHUNK, listener, null, monitor);
      if (!isDense) {
        select();
      }
      pending = NONE;
      return logits;
    } catch (RuntimeException e) {
      state.truncate(start);
      scores.restore(snapshot);
      throw e;
    }
  }

  private void select() {
    long begin = System.nanoTime();
    NeuronSet chosen = CoreNeurons.select(decoder, scores);
    closeChosen();
    neurons = chosen;
    selectNanos = System.nanoTime() - begin;
  }

  private ActivationListener timed(ActivationListener listener) {
    return new ActivationListener() {
      @Override
      public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
        long begin = System.nanoTime();
        listener.observe(layer, ffn, activations, tokens);
        scoreNanos += System.nanoTime() - begin;
      }

      @Override
      public boolean needsWholePrompt() {
        return listener.needsWholePrompt();
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
  public FloatBuffer decode() {
    FloatBuffer logits = decoder.decode(state, pending, neurons);
    pending = NONE;
    return logits;
  }

  private void closeChosen() {
    if (neurons != decoder.allNeurons()) {
      neurons.close();
    }
  }

  @Override
  public void close() {
    closeChosen();
    scores.close();
    state.close();
  }
}
