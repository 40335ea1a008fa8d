package org.coreinfer.text;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.text.SentencePiece.Piece;

/**
 * The merges of SentencePiece BPE: any two neighbours whose joined text is a piece become it, the
 * highest score first. Every way to cut a piece in two is one merge, so that merging by table gives
 * what SentencePiece gets by looking up texts. Characters that occur only within pieces take part
 * as virtual symbols.
 */
final class ScoredMerges {
  /**
   * Bounds the work that a broken file can ask for: the sum of the squares of the pieces' lengths.
   */
  private static final long MOST_CUT_CHARACTERS = 1L << 28;

  private final Vocabulary vocabulary;
  private final MergeTable merges;
  private final MergeBoundaries boundaries = new MergeBoundaries();
  private final BpeModel.Builder model;
  private final Map<Integer, Integer> virtualSymbols = new HashMap<>();
  private final List<Piece> pieces;

  /**
   * @param source the file, for messages
   * @param pieces by id
   */
  ScoredMerges(String source, Vocabulary vocabulary, List<Piece> pieces) {
    this.vocabulary = vocabulary;
    this.pieces = pieces;
    this.merges = new MergeTable(2 * pieces.size());
    this.model = new BpeModel.Builder(merges);
    double[] scores = scores(source, pieces);
    long cutCharacters = 0;
    for (int id = 0; id < pieces.size(); id++) {
      String piece = vocabulary.piece(id);
      if (piece == null || piece.isEmpty() || mergeableId(piece) != id) {
        continue;
      }
      cutCharacters += (long) piece.length() * piece.length();
      if (cutCharacters > MOST_CUT_CHARACTERS) {
        throw new ModelFormatException(source + ": the pieces are too long, up to id " + id);
      }
      int rank = scores.length - 1 - Arrays.binarySearch(scores, pieces.get(id).score());
      addPiece(piece, id, rank);
    }
  }

  /** All scores that occur, each once, ascending. */
  private static double[] scores(String source, List<Piece> pieces) {
    double[] scores = pieces.stream().mapToDouble(Piece::score).sorted().toArray();
    int distinct = 0;
    for (double score : scores) {
      if (Double.isNaN(score)) {
        throw new ModelFormatException(source + ": a score is not a number");
      }
      if (distinct == 0 || Double.compare(score, scores[distinct - 1]) != 0) {
        scores[distinct++] = score;
      }
    }
    return Arrays.copyOf(scores, distinct);
  }

  private void addPiece(String piece, int id, int rank) {
    if (piece.codePointCount(0, piece.length()) == 1) {
      model.symbol(piece.codePointAt(0), id);
      return;
    }
    boundaries.addPiece(piece);
    for (int cut = piece.offsetByCodePoints(0, 1);
        cut < piece.length();
        cut = piece.offsetByCodePoints(cut, 1)) {
      int left = part(piece.substring(0, cut));
      int right = part(piece.substring(cut));
      if (left >= 0 && right >= 0) {
        merges.put(left, right, rank, id);
      }
    }
  }

  /** The symbol of a part of a piece, or -1. */
  private int part(String text) {
    int id = mergeableId(text);
    if (id >= 0 || text.codePointCount(0, text.length()) > 1) {
      return id;
    }
    return virtualSymbols.computeIfAbsent(
        text.codePointAt(0), c -> model.virtualSymbol(c, vocabulary.size()));
  }

  private int mergeableId(String text) {
    int id = vocabulary.id(text);
    return id >= 0 && pieces.get(id).type() == SentencePiece.NORMAL ? id : -1;
  }

  /** The merges as a model under construction. */
  BpeModel.Builder model() {
    return model;
  }

  /** Where no merge reaches across. */
  MergeBoundaries boundaries() {
    return boundaries;
  }
}
