package org.coreinfer.generation;

import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.KvBeginning;

/**
 * What a sequence held at one moment: keys and values, in pages that it shares with whoever begins
 * as it, and the scores of neurons. Many sequences may begin as one, also while it is gone on with.
 * For one thread at a time.
 */
public final class Beginning implements AutoCloseable {
  private final KvBeginning keys;
  private final Noted noted;

  Beginning(KvBeginning keys, Noted noted) {
    this.keys = keys;
    this.noted = noted;
  }

  /** The options of the sequence. */
  public CoreOptions options() {
    return noted.options();
  }

  /** How many tokens, from the first on, are as reading them as one prompt leaves them. */
  public int promptEnd() {
    return noted.promptEnd();
  }

  /**
   * How many tokens a sequence takes over that begins as this.
   *
   * @param most the most that it wants
   * @param options of that sequence
   */
  public int usable(int most, CoreOptions options) {
    return noted.usable(most, options);
  }

  KvBeginning keys() {
    return keys;
  }

  Noted noted() {
    return noted;
  }

  /** Gives back what nobody else uses. */
  @Override
  public void close() {
    keys.close();
  }
}
