package org.coreinfer.serving;

import java.util.List;

/**
 * How likely a token was, by the model alone: before penalties, temperature and any other choice of
 * sampling.
 *
 * @param piece the token as text, U+FFFD for a part of a character; special tokens as the model
 *     file writes them
 * @param utf8 what the token contributes to a text; empty for special ones
 * @param logprob natural logarithm of its probability; NaN for the first token of a prompt, which
 *     nothing predicts
 * @param top the likeliest tokens at its place, as many as were asked for, the likeliest first,
 *     without alternatives of their own
 */
public record TokenLogprob(
    int token, String piece, List<Byte> utf8, float logprob, List<TokenLogprob> top) {
  public TokenLogprob {
    utf8 = List.copyOf(utf8);
    top = List.copyOf(top);
  }

  /** Whether something predicted the token. */
  public boolean hasValue() {
    return !Float.isNaN(logprob);
  }

  /** The bytes of {@link #utf8}. */
  public byte[] bytes() {
    byte[] bytes = new byte[utf8.size()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = utf8.get(i);
    }
    return bytes;
  }
}
