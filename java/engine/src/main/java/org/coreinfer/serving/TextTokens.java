package org.coreinfer.serving;

import java.util.Arrays;
import java.util.BitSet;
import org.coreinfer.generation.Sequence;

/** Tokens of a text, and which of them were read rather than decoded. Immutable. */
final class TextTokens {
  static final TextTokens NONE = new TextTokens(new int[0], new BitSet());

  private final int[] tokens;
  private final BitSet isPrompt;

  private TextTokens(int[] tokens, BitSet isPrompt) {
    this.tokens = tokens;
    this.isPrompt = isPrompt;
  }

  int length() {
    return tokens.length;
  }

  /**
   * A text that begins as this one.
   *
   * @param text its tokens, and maybe more
   * @param length how many there are
   * @param shared how many of them are this one's
   * @param readEnd the token after the last one that was read as a prompt then
   */
  TextTokens goneOn(int[] text, int length, int shared, int readEnd) {
    BitSet read = isPrompt.get(0, shared);
    read.set(shared, Math.max(shared, Math.min(readEnd, length)));
    return new TextTokens(Arrays.copyOf(text, length), read);
  }

  /** How many tokens another text begins with as this one does. */
  int common(int[] other) {
    int mismatch = Arrays.mismatch(tokens, other);
    return mismatch < 0 ? tokens.length : mismatch;
  }

  /** Whether all of this is a beginning of another text. */
  boolean begins(TextTokens other) {
    return common(other.tokens) == tokens.length;
  }

  /**
   * The most tokens of a prompt that need not be read again; at least one must. A prompt that goes
   * on after everything shares all of it. Else it shares what was read of prompts, up to where they
   * can be cut.
   *
   * @param promptEnd tokens from the first on that are as reading them at once leaves them
   * @param answersToo whether answers may be shared; if not, the prompt's answer will be as if all
   *     of it had been read
   */
  int shared(int[] prompt, int promptEnd, boolean answersToo) {
    int common = common(prompt);
    if (answersToo && common == tokens.length && common < prompt.length) {
      return common;
    }
    int most = Math.min(common, prompt.length - Sequence.GRAIN);
    most = answersToo ? most : Math.min(most, promptEnd);
    int cut = Math.max(0, most) / Sequence.GRAIN * Sequence.GRAIN;
    while (cut > 0 && !isPrompt.get(cut - 1)) {
      cut -= Sequence.GRAIN;
    }
    return cut;
  }
}
