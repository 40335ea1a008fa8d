package org.coreinfer.generation;

import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.Samplers;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Resources;

/**
 * Tokens that were read or decoded so far, with their keys and values, and how they are decoded.
 * For one thread at a time.
 */
public final class Sequence implements AutoCloseable {
  /** Tokens that prefill takes through the layers at once. */
  public static final int CHUNK = 512;

  private static final int NONE = -1;

  private final CoreOptions options;
  private final Resources resources = new Resources();
  private final DecoderState state;
  private final CoreDecoding decoding;
  private final Samplers samplers;
  private int pending = NONE;

  /**
   * @param capacity the most tokens of the sequence
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Sequence(Decoder decoder, CoreOptions options, int capacity, DType cacheDtype) {
    this.options = options;
    try {
      this.state =
          decoder.newState(
              capacity, CHUNK, cacheDtype, layer -> options.mostChosen(layer, decoder.config()));
      resources.onClose(state::close);
      this.decoding = new CoreDecoding(decoder, state, options);
      resources.onClose(decoding::close);
      this.samplers = new Samplers(state.queue());
      resources.onClose(samplers::close);
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

  /** The neurons that the next decoded token computes, unless it renews them. */
  public NeuronSet neurons() {
    return decoding.neurons();
  }

  /** Time that the latest prefill spent on scoring and choosing. */
  public long selectNanos() {
    return decoding.selectNanos();
  }

  /** How often the set was renewed since the latest prompt. */
  public Refreshes refreshes() {
    return decoding.refreshes();
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
    Logits logits = decoding.prefill(tokens, monitor);
    pending = NONE;
    return logits;
  }

  /** Takes the next token, which is computed by {@link #decode} or with the next prompt. */
  public void accept(int token) {
    if (pending != NONE) {
      throw new IllegalStateException("the token before was not decoded yet");
    }
    pending = token;
  }

  /**
   * Computes the accepted token with the core neurons, or with all of them if the core neurons are
   * to be renewed. If it fails or is cancelled the sequence is as it was before.
   *
   * @param monitor hears of a renewal's progress; may throw to end it
   * @return the logits after it, valid until the next call
   */
  public Logits decode(Decoder.Monitor monitor) {
    Logits logits = decoding.decode(pending, monitor);
    pending = NONE;
    return logits;
  }

  @Override
  public void close() {
    resources.close();
  }
}
