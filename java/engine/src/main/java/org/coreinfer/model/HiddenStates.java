package org.coreinfer.model;

import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/** What all layers of a decoder make of each token of a text, after the final norm. */
public final class HiddenStates {
  private HiddenStates() {}

  /** Receives the hidden states of some tokens. */
  public interface Listener {
    /**
     * Called for some tokens, in order.
     *
     * @param hidden (tokens, dim)
     */
    void hidden(float[] hidden, int tokens);
  }

  /**
   * Appends {@code tokens} to a sequence with every neuron, for their hidden states.
   *
   * @param chunk tokens per pass through a layer
   * @param monitor may throw to end it
   */
  public static void read(
      Decoder decoder,
      DecoderState state,
      int[] tokens,
      int chunk,
      Listener listener,
      Decoder.Monitor monitor) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("there are no tokens to read");
    }
    for (int start = 0; start < tokens.length; start += Stretch.TOKENS) {
      int end = Math.min(tokens.length, start + Stretch.TOKENS);
      int[] part = Arrays.copyOfRange(tokens, start, end);
      double done = start;
      decoder.encode(
          state,
          part,
          chunk,
          fraction -> monitor.progress((done + fraction * part.length) / tokens.length));
      tell(decoder, state, part.length, chunk, listener);
    }
  }

  private static void tell(
      Decoder decoder, DecoderState state, int count, int chunk, Listener listener) {
    Backend on = state.queue();
    int dim = decoder.config().dim();
    long rowBytes = (long) dim * Float.BYTES;
    NativeMemory normed = state.scratch(Math.min(chunk, count)).normed();
    for (int first = 0; first < count; first += chunk) {
      int some = Math.min(chunk, count - first);
      NativeMemory rows = state.stretch(count).x().slice(first * rowBytes, some * rowBytes);
      decoder.finalNorm().apply(on, rows, some, normed);
      listener.hidden(on.downloadFloats(normed, Math.multiplyExact(some, dim)), some);
    }
  }
}
