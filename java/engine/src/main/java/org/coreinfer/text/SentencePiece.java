package org.coreinfer.text;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.text.DecodingRule.ByteRuns;
import org.coreinfer.text.DecodingRule.Replacement;

/**
 * A SentencePiece BPE model, from its own file or from GGUF metadata. Pieces of type {@link
 * #UNUSED} are never produced.
 *
 * @param source the file, for messages
 * @param pieces by id
 * @param unknown the id for characters that nothing else covers, or -1
 * @param byteFallback whether byte tokens cover those characters first
 * @param spaceBefore whether a text begins with a word mark
 * @param removesExtraSpaces whether spaces are dropped at both ends and joined between words
 * @param normalizedUserPieces whether user-defined pieces are written with word marks, and looked
 *     for after normalizing
 */
record SentencePiece(
    String source,
    List<Piece> pieces,
    int unknown,
    boolean byteFallback,
    boolean spaceBefore,
    boolean removesExtraSpaces,
    boolean normalizedUserPieces,
    SequenceTokens sequence) {

  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int UNUSED = 5;
  static final int BYTE = 6;

  static final String WORD_MARK = "▁";

  /**
   * A vocabulary entry.
   *
   * @param score higher ones merge first
   * @param type {@link #NORMAL} and so on
   */
  record Piece(String text, double score, int type) {}

  Tokenizer tokenizer() {
    if (unknown >= pieces.size()) {
      throw new ModelFormatException(
          source + ": the unknown token is " + unknown + " of " + pieces.size() + " pieces");
    }
    Vocabulary vocabulary = Vocabulary.of(source, pieces.stream().map(Piece::text).toList());
    List<AddedToken> addedTokens = new ArrayList<>();
    BitSet special = new BitSet();
    for (int id = 0; id < pieces.size(); id++) {
      String piece = pieces.get(id).text();
      switch (pieces.get(id).type()) {
        case NORMAL, UNUSED, BYTE -> {}
        case UNKNOWN, CONTROL -> {
          special.set(id);
          addedTokens.add(AddedToken.plain(id, piece, true));
        }
        case USER_DEFINED ->
            addedTokens.add(
                new AddedToken(id, piece, false, normalizedUserPieces, false, false, false));
        default ->
            throw new ModelFormatException(
                source
                    + ": the piece "
                    + id
                    + " has the type "
                    + pieces.get(id).type()
                    + ", expected 1 to 6");
      }
    }
    ScoredMerges merges = new ScoredMerges(source, vocabulary, pieces);
    BpeModel.Builder model = merges.model();
    if (byteFallback) {
      model.byteFallback(BpeJson.byteTokens(vocabulary));
    }
    if (unknown >= 0) {
      model.unknown(unknown, true);
    }
    BpeModel built = model.build();
    return new BpeTokenizer(
        new BpeTokenizer.Parts(
            vocabulary,
            addedTokens,
            normalizer(),
            PreTokenizer.of(merges.boundaries().pattern(built::isSymbol)),
            built,
            decoding(),
            special,
            sequence));
  }

  private Normalizer normalizer() {
    Normalizer spaces = removesExtraSpaces ? Normalizer.withoutExtraSpaces() : Normalizer.NONE;
    Normalizer mark = spaceBefore ? Normalizer.prepend(WORD_MARK) : Normalizer.NONE;
    return spaces.then(mark).then(Normalizer.replace(" ", WORD_MARK));
  }

  private DecodingRule decoding() {
    return DecodingRule.characters(
        byteFallback ? ByteRuns.EACH_CHARACTER : ByteRuns.NONE,
        List.of(new Replacement(WORD_MARK, " ")),
        spaceBefore ? 1 : 0,
        ' ');
  }
}
