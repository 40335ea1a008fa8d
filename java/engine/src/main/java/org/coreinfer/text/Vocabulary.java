package org.coreinfer.text;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.error.ModelFormatException;
import org.jspecify.annotations.Nullable;

/** The pieces of a model by id, and the ids by piece. Ids may have holes. */
final class Vocabulary {
  /** Ids from here on are refused, so that a broken file cannot claim the whole heap. */
  static final int MAX_SIZE = 1 << 22;

  private final Map<String, Integer> ids;
  private @Nullable String[] pieces;
  private int size;

  Vocabulary(int expected) {
    this.ids = new HashMap<>(expected * 2);
    this.pieces = new @Nullable String[expected];
  }

  /**
   * Pieces in id order; of equal pieces the first one owns the text.
   *
   * @param source the file and field, for messages
   */
  static Vocabulary of(String source, List<String> pieces) {
    Vocabulary vocabulary = new Vocabulary(pieces.size());
    for (int id = 0; id < pieces.size(); id++) {
      vocabulary.place(source, pieces.get(id), id);
      vocabulary.ids.putIfAbsent(pieces.get(id), id);
    }
    return vocabulary;
  }

  /**
   * Adds a piece; adding it again with the same id changes nothing.
   *
   * @param source the file and field, for messages
   */
  void add(String source, String piece, int id) {
    Integer known = ids.get(piece);
    if (known != null && known == id) {
      return;
    }
    if (known != null) {
      throw new ModelFormatException(
          source + ": the piece " + quote(piece) + " has the ids " + known + " and " + id);
    }
    place(source, piece, id);
    ids.put(piece, id);
  }

  private void place(String source, String piece, int id) {
    if (id < 0 || id >= MAX_SIZE) {
      throw new ModelFormatException(
          source
              + ": the piece "
              + quote(piece)
              + " has the id "
              + id
              + ", expected 0 to "
              + (MAX_SIZE - 1));
    }
    if (id >= pieces.length) {
      pieces = Arrays.copyOf(pieces, Math.min(MAX_SIZE, Math.max(id + 1, 2 * pieces.length)));
    }
    String other = pieces[id];
    if (other != null) {
      throw new ModelFormatException(
          source + ": the id " + id + " belongs to both " + quote(other) + " and " + quote(piece));
    }
    pieces[id] = piece;
    size = Math.max(size, id + 1);
  }

  /** The highest id plus one. */
  int size() {
    return size;
  }

  /** The id, or -1. */
  int id(String piece) {
    Integer id = ids.get(piece);
    return id == null ? -1 : id;
  }

  @Nullable String piece(int id) {
    return id < 0 || id >= size ? null : pieces[id];
  }

  /** A piece shortened and escaped for a message. */
  static String quote(String piece) {
    String shown = piece.length() > 60 ? piece.substring(0, 60) + "…" : piece;
    return '"' + shown.replace("\n", "\\n").replace("\r", "\\r") + '"';
  }
}
