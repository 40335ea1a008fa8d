package org.coreinfer.serving;

import java.util.Arrays;
import java.util.BitSet;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Sequence;

/** Tokens whose keys and values are kept. For one thread. */
final class KeptText implements AutoCloseable {
  private final Sequence sequence;
  private final BitSet isPrompt = new BitSet(); // tokens that were read rather than decoded
  private int[] tokens = {};

  /**
   * @param sequence an empty one, owned
   */
  KeptText(Sequence sequence) {
    this.sequence = sequence;
  }

  Sequence sequence() {
    return sequence;
  }

  CoreOptions options() {
    return sequence.options();
  }

  int length() {
    return tokens.length;
  }

  /**
   * Says what its tokens are.
   *
   * @param text begins with all that the sequence holds
   * @param promptStart the first token that was read as a prompt since {@link #resume}
   * @param promptEnd the token after the last of them
   */
  void holds(int[] text, int promptStart, int promptEnd) {
    tokens = Arrays.copyOf(text, sequence.position());
    isPrompt.set(promptStart, Math.min(promptEnd, tokens.length));
  }

  /** How many tokens a prompt begins with as this text does. */
  int common(int[] prompt) {
    int mismatch = Arrays.mismatch(tokens, prompt);
    return mismatch < 0 ? tokens.length : mismatch;
  }

  /**
   * The most tokens of a prompt that need not be read again; at least one must. A prompt that goes
   * on after everything that is kept shares all of it. Else it shares what was read of prompts, up
   * to where they can be cut.
   *
   * @param answersToo whether answers may be shared; if not, the prompt's answer will be as if all
   *     of it had been read
   */
  int shared(int[] prompt, boolean answersToo) {
    int common = common(prompt);
    if (answersToo && common == tokens.length && common < prompt.length) {
      return common;
    }
    int most = Math.min(common, prompt.length - Sequence.GRAIN);
    most = answersToo ? most : Math.min(most, sequence.promptEnd());
    int cut = Math.max(0, most) / Sequence.GRAIN * Sequence.GRAIN;
    while (cut > 0 && !isPrompt.get(cut - 1)) {
      cut -= Sequence.GRAIN;
    }
    return cut;
  }

  /**
   * Goes back to where a prompt goes on.
   *
   * @param most from {@link #shared}
   * @return the tokens that are left
   */
  int resume(int most) {
    int left = sequence.resume(most);
    tokens = Arrays.copyOf(tokens, left);
    isPrompt.clear(left, Math.max(left, isPrompt.length()));
    return left;
  }

  @Override
  public void close() {
    sequence.close();
  }
}
