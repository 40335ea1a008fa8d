package org.coreinfer.grammar;

import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.StreamDecoder;
import org.coreinfer.text.Tokenizer;

/**
 * Answers of a model that draws any of the allowed tokens, and ends what it began once its answer
 * is long.
 */
final class RandomAnswers {
  private static final int LONG = 40; // tokens
  private static final int MOST = 20_000;
  private static final String ENDINGS = "\"}]0ntf";

  private final Tokenizer tokenizer;
  private final Random random;
  private final FloatBuffer logits;
  private final int[] ranks; // of tokens that end something, the best first

  RandomAnswers(Tokenizer tokenizer, long seed) {
    this.tokenizer = tokenizer;
    this.random = new Random(seed);
    this.logits = FloatBuffer.allocate(tokenizer.vocabularySize() + 7); // as models pad theirs
    this.ranks = new int[logits.capacity()];
    for (int token = 0; token < ranks.length; token++) {
      ranks[token] = isEnd(token) ? -1 : rank(tokenizer.bytes(token));
    }
  }

  /** The whole text of an answer. */
  String next(JsonGrammar grammar) {
    TokenConstraint constraint = grammar.get();
    StreamDecoder decoder = tokenizer.newStreamDecoder(false);
    StringBuilder text = new StringBuilder();
    for (int count = 0; count < MOST; count++) {
      int token = draw(constraint, count > LONG);
      constraint.accept(token);
      if (isEnd(token)) {
        return text.append(decoder.flush()).toString();
      }
      text.append(decoder.next(token));
    }
    throw new AssertionError("no end after " + MOST + " tokens: " + text.substring(0, 400));
  }

  private int draw(TokenConstraint constraint, boolean isLong) {
    Arrays.fill(logits.array(), 0);
    constraint.mask(logits);
    int[] allowed = new int[logits.capacity()];
    int count = 0;
    for (int token = 0; token < allowed.length; token++) {
      if (logits.get(token) == 0) {
        allowed[count++] = token;
      }
    }
    if (count == 0) {
      throw new AssertionError("no token may come next");
    }
    allowed = Arrays.copyOf(allowed, count);
    if (isLong && random.nextInt(8) > 0) {
      int best = allowed[random.nextInt(allowed.length)];
      int bestRank = ENDINGS.length();
      for (int token : allowed) {
        if (ranks[token] < bestRank) {
          best = token;
          bestRank = ranks[token];
        }
      }
      return best;
    }
    return allowed[random.nextInt(allowed.length)];
  }

  private static int rank(byte[] bytes) {
    int rank =
        bytes.length == 1 ? ENDINGS.indexOf(new String(bytes, StandardCharsets.ISO_8859_1)) : -1;
    return rank < 0 ? ENDINGS.length() : rank;
  }

  private boolean isEnd(int token) {
    return IntStream.of(tokenizer.endTokens()).anyMatch(end -> end == token);
  }
}
