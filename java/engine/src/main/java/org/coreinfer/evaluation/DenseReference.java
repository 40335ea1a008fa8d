package org.coreinfer.evaluation;

import java.util.Arrays;
import org.coreinfer.tensor.NativeMemory;

/**
 * A document and what dense decoding predicts in it, for comparisons with any number of options.
 * For one thread at a time.
 */
public final class DenseReference implements AutoCloseable {
  private final int[] ids;
  private final int promptTokens;
  private final NativeMemory logits; // (scored tokens, vocabulary)
  private final long rowBytes;

  /**
   * @param logits (scored tokens, vocabulary), owned
   */
  DenseReference(int[] ids, int promptTokens, NativeMemory logits) {
    this.ids = ids;
    this.promptTokens = promptTokens;
    this.logits = logits;
    this.rowBytes = logits.bytes() / (ids.length - promptTokens);
  }

  /** Tokens whose prediction is compared: all that follow the prompt. */
  public int scoredTokens() {
    return ids.length - promptTokens;
  }

  int[] ids() {
    return ids;
  }

  int promptTokens() {
    return promptTokens;
  }

  int[] prompt() {
    return Arrays.copyOf(ids, promptTokens);
  }

  int[] continuation() {
    return Arrays.copyOfRange(ids, promptTokens, ids.length);
  }

  /** Where the logits before a scored token are kept. */
  NativeMemory row(int scored) {
    return logits.slice(scored * rowBytes, rowBytes);
  }

  @Override
  public void close() {
    logits.close();
  }
}
