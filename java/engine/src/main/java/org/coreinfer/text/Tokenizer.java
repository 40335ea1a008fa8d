package org.coreinfer.text;

import java.util.OptionalInt;

/**
 * A model's mapping between text and token ids; immutable, and safe for use by many threads.
 *
 * <p>An unpaired surrogate in a text counts as U+FFFD. An id that the vocabulary lacks stands for
 * nothing: its piece and its bytes are empty, and decoding skips it.
 */
public interface Tokenizer {
  /** The highest id plus one. */
  int vocabularySize();

  /**
   * The ids of a text.
   *
   * @param addSpecial whether to add the tokens that the model wants around every text, such as the
   *     begin-of-sequence token
   * @param parseSpecial whether special tokens written out in the text become those tokens; false
   *     for text from people who must not be able to forge them. Added tokens that are not special
   *     are always recognised.
   */
  int[] encode(String text, boolean addSpecial, boolean parseSpecial);

  /** Decides whether an added token that is written out in a text becomes that token. */
  @FunctionalInterface
  interface WrittenTokens {
    /**
     * Whether it does.
     *
     * @param token as it is written in the model file
     * @param isSpecial whether it is for the model rather than for the reader
     * @param start where it begins in the text
     * @param end where it ends
     */
    boolean count(String token, boolean isSpecial, int start, int end);
  }

  /**
   * The ids of a text that is only partly to be trusted. Where no added token is written out the
   * ids are those of the other method, so that who may spell which token changes nothing else.
   *
   * @param written asked about each added token that the text spells; what it declines is text
   * @throws IllegalArgumentException if the text spells so many that asking takes too long
   */
  int[] encode(String text, boolean addSpecial, WrittenTokens written);

  /**
   * The text of a whole sequence, without special tokens; bytes that are not UTF-8 become U+FFFD.
   */
  String decode(int[] ids);

  /** The vocabulary entry as it is written in the model file, for people. */
  String piece(int id);

  /**
   * What a token contributes to running text, in UTF-8; one character may be spread over several
   * tokens. Empty for special ones.
   */
  byte[] bytes(int id);

  /**
   * A decoder of one sequence, token by token.
   *
   * @param startOfText whether the sequence begins a text, so that the space which some models put
   *     before it is dropped
   */
  StreamDecoder newStreamDecoder(boolean startOfText);

  /** A decoder of a sequence that begins a text. */
  default StreamDecoder newStreamDecoder() {
    return newStreamDecoder(true);
  }

  /** The begin-of-sequence token, whether or not {@link #encode} adds it. */
  OptionalInt bosToken();

  /** The end-of-sequence token. */
  OptionalInt eosToken();

  /** Every id that ends a generation, the end-of-sequence token first. */
  int[] endTokens();

  /** Whether a token is for the model rather than for the reader, so that decoding skips it. */
  boolean isSpecial(int id);

  /** Whether {@link #encode} with {@code addSpecial} begins with {@link #bosToken}. */
  boolean addsBos();

  /** The id of a vocabulary entry, as it is written in the model file. */
  OptionalInt idOf(String piece);
}
