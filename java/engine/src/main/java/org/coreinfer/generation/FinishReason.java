package org.coreinfer.generation;

import java.util.Locale;

/** Why an answer ended. */
public enum FinishReason {
  /** The most tokens that were asked for, or a full context. */
  LENGTH,
  /** The model's end-of-sequence token, which is not part of the text. */
  EOS,
  /** A stop string, which is not part of the text. */
  STOP,
  /** The caller's wish. */
  CANCELLED,
  /** The caller gave it no more time. */
  TIMED_OUT;

  /** As JSON output names it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
