package org.coreinfer.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.text.StreamDecoder;
import org.coreinfer.text.Tokenizer;

/**
 * The tokens that stand for text, as a tree over their bytes. Nodes are numbered so that each one's
 * descendants follow it; node 0 is the root. Immutable.
 */
final class TokenTrie {
  private static final int TOKENS_TO_TRY = 64;

  private final int vocabulary;
  private final int[] endTokens;
  private final byte[][] tokens; // empty for special tokens
  private byte[] values = new byte[1024]; // the last byte of each node
  private int[] depths = new int[1024];
  private int[] ends = new int[1024];
  private int[] firstTokens = new int[1024]; // -1 where no token ends
  private final int[] sameTokens; // the next token with the same bytes, or -1
  private int size;
  private ByteSet singleBytes = ByteSet.NONE;

  /**
   * @throws IllegalArgumentException if the tokenizer has no end token, or its tokens' bytes joined
   *     are not the text
   */
  TokenTrie(Tokenizer tokenizer) {
    this.vocabulary = tokenizer.vocabularySize();
    this.endTokens = tokenizer.endTokens();
    if (endTokens.length == 0) {
      throw new IllegalArgumentException(
          "this model has no end-of-sequence token, with which constrained answers end");
    }
    requireJoined(tokenizer);
    this.tokens = new byte[vocabulary][];
    this.sameTokens = new int[vocabulary];
    Arrays.fill(sameTokens, -1);
    List<Integer> order = new ArrayList<>();
    for (int token = 0; token < vocabulary; token++) {
      tokens[token] = isEnd(token) ? new byte[0] : tokenizer.bytes(token);
      if (tokens[token].length > 0) {
        order.add(token);
      }
    }
    order.sort((one, other) -> Arrays.compareUnsigned(tokens[one], tokens[other]));
    build(order);
  }

  private static void requireJoined(Tokenizer tokenizer) {
    int tried = 0;
    for (int token = 0; token < tokenizer.vocabularySize() && tried < TOKENS_TO_TRY; token++) {
      byte[] bytes = tokenizer.bytes(token);
      if (bytes.length == 0 || bytes[0] <= ' ') {
        continue;
      }
      StreamDecoder decoder = tokenizer.newStreamDecoder(false);
      String text = decoder.next(token) + decoder.flush();
      if (!text.equals(new String(bytes, StandardCharsets.UTF_8))) {
        throw new IllegalArgumentException(
            "this model's tokenizer puts text between tokens, so that answers can't be constrained");
      }
      tried++;
    }
  }

  private void build(List<Integer> order) {
    add(0, 0);
    int[] path = new int[1]; // nodes of the token before, by depth
    byte[] before = {};
    for (int token : order) {
      byte[] bytes = tokens[token];
      int mismatch = Arrays.mismatch(before, bytes);
      if (mismatch < 0) {
        int last = path[bytes.length];
        sameTokens[token] = firstTokens[last];
        firstTokens[last] = token;
        continue;
      }
      for (int depth = mismatch + 1; depth <= before.length; depth++) {
        ends[path[depth]] = size;
      }
      if (path.length <= bytes.length) {
        path = Arrays.copyOf(path, 2 * bytes.length + 1);
      }
      for (int depth = mismatch + 1; depth <= bytes.length; depth++) {
        path[depth] = add(bytes[depth - 1], depth);
      }
      firstTokens[path[bytes.length]] = token;
      if (bytes.length == 1) {
        singleBytes = singleBytes.with(bytes[0] & 0xff);
      }
      before = bytes;
    }
    for (int depth = 0; depth <= before.length; depth++) {
      ends[path[depth]] = size;
    }
  }

  private int add(int value, int depth) {
    if (size == values.length) {
      int larger = 2 * size;
      values = Arrays.copyOf(values, larger);
      depths = Arrays.copyOf(depths, larger);
      ends = Arrays.copyOf(ends, larger);
      firstTokens = Arrays.copyOf(firstTokens, larger);
    }
    values[size] = (byte) value;
    depths[size] = depth;
    firstTokens[size] = -1;
    return size++;
  }

  /** The highest id plus one. */
  int vocabulary() {
    return vocabulary;
  }

  int[] endTokens() {
    return endTokens;
  }

  boolean isEnd(int token) {
    for (int end : endTokens) {
      if (end == token) {
        return true;
      }
    }
    return false;
  }

  /** What a token stands for; empty for those that are no text. */
  byte[] bytes(int token) {
    return token < 0 || token >= vocabulary ? new byte[0] : tokens[token];
  }

  /** The bytes that are a token of their own. */
  ByteSet singleBytes() {
    return singleBytes;
  }

  /** The last byte of a node's string, 0 to 255. */
  int value(int node) {
    return values[node] & 0xff;
  }

  /** The length of a node's string. */
  int depth(int node) {
    return depths[node];
  }

  /** The first node after a node's descendants. */
  int end(int node) {
    return ends[node];
  }

  /** Whether a node's string is a token. */
  boolean endsToken(int node) {
    return firstTokens[node] >= 0;
  }

  /** Sets the bits of the tokens whose string is a node's. */
  void addTokens(int node, long[] bits) {
    for (int token = firstTokens[node]; token >= 0; token = sameTokens[token]) {
      bits[token >> 6] |= 1L << token;
    }
  }

  /** The most bytes of a token. */
  int mostDepth() {
    return Arrays.stream(depths, 0, size).max().orElse(0);
  }
}
