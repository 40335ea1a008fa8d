package org.coreinfer.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns one piece of text into ids by byte-pair encoding. A piece starts as one symbol per byte
 * (byte-level models) or per character; a character without a symbol becomes byte tokens or the
 * unknown token.
 */
final class BpeModel {
  /** What one encoding works with; made for each text, since models are shared. */
  final class Encoding {
    private final SymbolMerger merger = new SymbolMerger(merges);
    final IntList ids = new IntList();
  }

  private final MergeTable merges;
  private final @Nullable Map<String, Integer> wholeWords;
  private final int @Nullable [] byteSymbols;
  private final CodePointMap symbols;
  private final int @Nullable [] byteTokens;
  private final int unknown;
  private final boolean fusesUnknown;
  private final int firstVirtual;
  private final int[] virtualCodePoints;
  private final WordCache cache = new WordCache();

  private BpeModel(Builder builder) {
    this.merges = builder.merges;
    this.wholeWords = builder.wholeWords;
    this.byteSymbols = builder.byteSymbols;
    this.symbols = builder.symbols;
    this.byteTokens = builder.byteTokens;
    this.unknown = builder.unknown;
    this.fusesUnknown = builder.fusesUnknown;
    this.firstVirtual = builder.firstVirtual;
    this.virtualCodePoints = builder.virtualCodePoints.toArray();
  }

  /** The parts of a model; the merges come first. */
  static final class Builder {
    private final MergeTable merges;
    private @Nullable Map<String, Integer> wholeWords;
    private int @Nullable [] byteSymbols;
    private final CodePointMap symbols = new CodePointMap();
    private int @Nullable [] byteTokens;
    private int unknown = -1;
    private boolean fusesUnknown;
    private int firstVirtual = Integer.MAX_VALUE;
    private final IntList virtualCodePoints = new IntList();

    Builder(MergeTable merges) {
      this.merges = merges;
    }

    /**
     * Starts from bytes; {@code symbols} has the id of each, or -1 where a byte is to be dropped.
     */
    Builder byteLevel(int[] symbols) {
      byteSymbols = symbols;
      return this;
    }

    /** Gives a character its symbol. */
    Builder symbol(int codePoint, int id) {
      symbols.put(codePoint, id);
      return this;
    }

    /**
     * Gives a character that is no vocabulary entry the next symbol from {@code firstVirtual} on,
     * so that merges can name it; where it stays unmerged it counts as unknown.
     */
    int virtualSymbol(int codePoint, int firstVirtual) {
      this.firstVirtual = firstVirtual;
      int id = firstVirtual + virtualCodePoints.size();
      virtualCodePoints.add(codePoint);
      symbols.put(codePoint, id);
      return id;
    }

    /** Spells unknown characters in UTF-8; {@code tokens} has the id of each byte, or -1. */
    Builder byteFallback(int[] tokens) {
      byteTokens = tokens;
      return this;
    }

    /**
     * Replaces what is still unknown.
     *
     * @param fused whether a run of unknown characters is one token
     */
    Builder unknown(int id, boolean fused) {
      unknown = id;
      fusesUnknown = fused;
      return this;
    }

    /** Takes a piece that is a vocabulary entry as it is, before any merge. */
    Builder wholeWords(Map<String, Integer> ids) {
      wholeWords = new HashMap<>(ids);
      return this;
    }

    BpeModel build() {
      return new BpeModel(this);
    }
  }

  Encoding newEncoding() {
    return new Encoding();
  }

  /** Whether a character is a vocabulary entry by itself. */
  boolean isSymbol(int codePoint) {
    int symbol = symbols.get(codePoint);
    return symbol >= 0 && symbol < firstVirtual;
  }

  /** Appends the ids of {@code text[start, end)}. */
  void encode(String text, int start, int end, Encoding encoding) {
    if (start == end) {
      return;
    }
    IntList ids = encoding.ids;
    if (end - start > WordCache.LONGEST_WORD) {
      encodeUncached(text, start, end, encoding);
      return;
    }
    int place = WordCache.place(text, start, end);
    int[] known = cache.find(text, start, end, place);
    if (known != null) {
      ids.addAll(known);
      return;
    }
    int before = ids.size();
    encodeUncached(text, start, end, encoding);
    cache.put(text.substring(start, end), place, ids.tail(before));
  }

  private void encodeUncached(String text, int start, int end, Encoding encoding) {
    if (wholeWords != null) {
      String word = text.substring(start, end);
      Integer id = wholeWords.get(byteSymbols == null ? word : ByteAlphabet.encode(word));
      if (id != null) {
        encoding.ids.add(id);
        return;
      }
    }
    SymbolMerger merger = encoding.merger;
    merger.clear();
    if (byteSymbols != null) {
      addBytes(text, start, end, byteSymbols, merger);
    } else {
      addCharacters(text, start, end, merger);
    }
    merger.merge();
    emit(merger, encoding.ids);
  }

  private static void addBytes(
      String text, int start, int end, int[] byteSymbols, SymbolMerger merger) {
    for (int i = start; i < end; ) {
      int c = text.charAt(i);
      if (c < 0x80) {
        addByte(byteSymbols[c], merger);
        i++;
        continue;
      }
      int codePoint = text.codePointAt(i);
      i += Character.charCount(codePoint);
      for (byte unit : utf8(codePoint)) {
        addByte(byteSymbols[unit & 0xff], merger);
      }
    }
  }

  private static void addByte(int symbol, SymbolMerger merger) {
    if (symbol >= 0) {
      merger.add(symbol);
    }
  }

  /**
   * The unknown token is held back until a known character follows, as Hugging Face does, bytes or
   * not.
   */
  private void addCharacters(String text, int start, int end, SymbolMerger merger) {
    boolean pending = false;
    for (int i = start; i < end; ) {
      int codePoint = text.codePointAt(i);
      i += Character.charCount(codePoint);
      int symbol = symbols.get(codePoint);
      if (symbol >= 0) {
        if (pending) {
          merger.add(unknown);
          pending = false;
        }
        merger.add(symbol);
      } else if (!addByteTokens(codePoint, merger) && unknown >= 0) {
        if (pending && !fusesUnknown) {
          merger.add(unknown);
        }
        pending = true;
      }
    }
    if (pending) {
      merger.add(unknown);
    }
  }

  private boolean addByteTokens(int codePoint, SymbolMerger merger) {
    int[] tokens = bytesOf(codePoint);
    for (int token : tokens) {
      merger.add(token);
    }
    return tokens.length > 0;
  }

  /** The byte tokens of a character; none if there are no byte tokens, or not all. */
  private int[] bytesOf(int codePoint) {
    if (byteTokens == null) {
      return new int[0];
    }
    byte[] bytes = utf8(codePoint);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = byteTokens[bytes[i] & 0xff];
    }
    return Arrays.stream(tokens).allMatch(token -> token >= 0) ? tokens : new int[0];
  }

  private void emit(SymbolMerger merger, IntList ids) {
    boolean afterUnknown = false;
    for (int i = 0; i < merger.count(); i++) {
      int symbol = merger.symbol(i);
      boolean isVirtual = symbol >= firstVirtual;
      int[] bytes = isVirtual ? bytesOf(virtualCodePoints[symbol - firstVirtual]) : new int[0];
      boolean isUnknown = isVirtual ? bytes.length == 0 : symbol == unknown;
      if (bytes.length > 0) {
        ids.addAll(bytes);
      } else if (!isUnknown) {
        ids.add(symbol);
      } else if (unknown >= 0 && !(afterUnknown && fusesUnknown)) {
        ids.add(unknown);
      }
      afterUnknown = isUnknown;
    }
  }

  private static byte[] utf8(int codePoint) {
    return Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
  }
}
