package org.coreinfer.text;

import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import org.coreinfer.text.PreTokenizer.Sink;
import org.jspecify.annotations.Nullable;

/** A tokenizer put together from its stages, which are described in {@link Parts}. */
final class BpeTokenizer implements Tokenizer {
  /**
   * The stages, and the tokens that have a part of their own.
   *
   * @param special ids that decoding skips and that text from people must not spell
   */
  record Parts(
      Vocabulary vocabulary,
      List<AddedToken> addedTokens,
      Normalizer normalizer,
      PreTokenizer preTokenizer,
      BpeModel model,
      DecodingRule decoding,
      BitSet special,
      SequenceTokens sequence) {}

  private final Parts parts;
  private final AddedTokenSplitter rawTokens = new AddedTokenSplitter();
  private final AddedTokenSplitter normalizedTokens = new AddedTokenSplitter();

  BpeTokenizer(Parts parts) {
    this.parts = parts;
    for (boolean special : new boolean[] {true, false}) {
      for (AddedToken token : parts.addedTokens()) {
        if (token.special() != special) {
          continue;
        }
        if (token.normalized()) {
          normalizedTokens.add(parts.normalizer().normalize(token.content()), token);
        } else {
          rawTokens.add(token.content(), token);
        }
      }
    }
  }

  @Override
  public int vocabularySize() {
    return parts.vocabulary().size();
  }

  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    WrittenTokens written = (token, isSpecial, start, end) -> parseSpecial || !isSpecial;
    return encode(text, addSpecial, written, (stretch, start) -> written);
  }

  @Override
  public int[] encode(String text, boolean addSpecial, WrittenTokens written) {
    return encode(
        text,
        addSpecial,
        written,
        (stretch, start) -> new NormalizedTokens(parts.normalizer(), stretch, start, written));
  }

  /** Who decides about the tokens of a stretch that begins at {@code start}, once normalized. */
  private interface Origins {
    WrittenTokens of(String stretch, int start);
  }

  private int[] encode(String text, boolean addSpecial, WrittenTokens written, Origins origins) {
    BpeModel.Encoding encoding = parts.model().newEncoding();
    if (addSpecial) {
      encoding.ids.addAll(parts.sequence().prefix());
    }
    Sink words = (piece, start, end, first) -> parts.model().encode(piece, start, end, encoding);
    String sound = wellFormed(text);
    rawTokens.split(
        sound,
        written,
        (token, start, end) -> {
          if (token != null) {
            encoding.ids.add(token.id());
          } else {
            String stretch = sound.substring(start, end);
            String normalized = parts.normalizer().normalize(stretch);
            encodeNormalized(
                normalized, start == 0, origins.of(stretch, start), encoding.ids, words);
          }
        });
    if (addSpecial) {
      encoding.ids.addAll(parts.sequence().suffix());
    }
    return encoding.ids.toArray();
  }

  private void encodeNormalized(
      String text, boolean first, WrittenTokens written, IntList ids, Sink words) {
    normalizedTokens.split(
        text,
        written,
        (token, start, end) -> {
          if (token != null) {
            ids.add(token.id());
          } else {
            parts.preTokenizer().split(text, start, end, first && start == 0, words);
          }
        });
  }

  /** The text with U+FFFD for every unpaired surrogate. */
  private static String wellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        int[] codePoints =
            text.codePoints()
                .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xfffd : c)
                .toArray();
        return new String(codePoints, 0, codePoints.length);
      }
    }
    return text;
  }

  @Override
  public String decode(int[] ids) {
    StreamDecoder decoder = newStreamDecoder(true);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.next(id));
    }
    return text.append(decoder.flush()).toString();
  }

  @Override
  public StreamDecoder newStreamDecoder(boolean startOfText) {
    return new StreamDecoder(parts.decoding(), this::shownPiece, startOfText);
  }

  private @Nullable String shownPiece(int id) {
    return isSpecial(id) ? null : parts.vocabulary().piece(id);
  }

  @Override
  public String piece(int id) {
    String piece = parts.vocabulary().piece(id);
    return piece == null ? "" : piece;
  }

  @Override
  public byte[] bytes(int id) {
    String piece = shownPiece(id);
    return piece == null ? new byte[0] : parts.decoding().bytes(piece);
  }

  @Override
  public OptionalInt bosToken() {
    int bos = parts.sequence().bos();
    return bos < 0 ? OptionalInt.empty() : OptionalInt.of(bos);
  }

  @Override
  public OptionalInt eosToken() {
    List<Integer> ends = parts.sequence().ends();
    return ends.isEmpty() ? OptionalInt.empty() : OptionalInt.of(ends.get(0));
  }

  @Override
  public int[] endTokens() {
    return parts.sequence().ends().stream().mapToInt(Integer::intValue).toArray();
  }

  @Override
  public boolean isSpecial(int id) {
    return id >= 0 && parts.special().get(id);
  }

  @Override
  public boolean addsBos() {
    List<Integer> prefix = parts.sequence().prefix();
    return !prefix.isEmpty() && prefix.get(0) == parts.sequence().bos();
  }

  @Override
  public OptionalInt idOf(String piece) {
    int id = parts.vocabulary().id(piece);
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }
}
