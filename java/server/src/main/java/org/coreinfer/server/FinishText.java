package org.coreinfer.server;

import org.coreinfer.generation.FinishReason;

/** Why an answer ended, in OpenAI's words; {@code usage.coreinfer} has the engine's own. */
final class FinishText {
  private FinishText() {}

  static String of(FinishReason reason) {
    return switch (reason) {
      case EOS, STOP -> "stop";
      case LENGTH, CANCELLED, TIMED_OUT -> "length";
    };
  }
}
