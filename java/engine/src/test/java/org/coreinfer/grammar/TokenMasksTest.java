package org.coreinfer.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.Random;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What masks say from places and counts is what following each token's bytes says. */
class TokenMasksTest {
  private static final int STEPS = 12;

  private final Tokenizer tokenizer = TestTokenizers.LLAMA_2.load();
  private final TokenTrie trie = new TokenTrie(tokenizer);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"type\":\"string\",\"minLength\":3,\"maxLength\":9}",
        "{\"type\":\"string\",\"minLength\":2}",
        "{\"type\":\"string\",\"pattern\":\"^[a-c]{2,5}[b-z]{1,3}é{0,2}$\"}",
        "{\"type\":\"string\",\"pattern\":\"^(x?.{1,3}\\\\w{2}){1,2}$\"}",
        "{\"type\":\"number\",\"minimum\":-1.5,\"maximum\":22.75}",
        "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":4}}",
        "{\"properties\":{\"ab\":{\"enum\":[1,11,\"1\"]}},\"additionalProperties\":{\"$ref\":\"#\"}}"
      })
  void masksAreWhatTheBytesSay(String schema) {
    TokenGrammar grammar = new TokenGrammar(SchemaCompiler.compile(schema), trie);
    Random random = new Random(3);
    State state = grammar.start();
    for (int step = 0; step < STEPS; step++) {
      long[] mask = grammar.mask(state);
      int[] allowed = new int[trie.vocabulary()];
      int count = 0;
      for (int token = 0; token < trie.vocabulary(); token++) {
        boolean isAllowed = (mask[token >> 6] >>> token & 1) != 0;
        assertEquals(grammar.next(state, token) != State.DEAD, isAllowed, tokenizer.piece(token));
        if (isAllowed) {
          allowed[count++] = token;
        }
      }
      assertTrue(count > 0);
      int token = allowed[random.nextInt(count)];
      state = trie.isEnd(token) ? grammar.start() : grammar.next(state, token);
    }
  }

  @Test
  void constraintsTakeOnlyWhatTheyAllow() {
    TokenConstraint constraint = JsonGrammar.ofSchema("{\"enum\":[true,[]]}", tokenizer).get();
    int end = tokenizer.endTokens()[0];
    assertThrows(IllegalArgumentException.class, () -> constraint.accept(end));
    assertThrows(IllegalArgumentException.class, () -> constraint.accept(-1));
    assertThrows(IllegalArgumentException.class, () -> constraint.accept(1 << 30));
    assertThrows(
        IllegalArgumentException.class,
        () -> constraint.accept(tokenizer.bosToken().orElseThrow()));
    constraint.mark();
    constraint.accept(tokenizer.idOf("true").orElseThrow());
    assertTrue(constraint.isComplete());
    FloatBuffer logits = FloatBuffer.allocate(tokenizer.vocabularySize() + 100);
    constraint.mask(logits);
    for (int token = 0; token < logits.capacity(); token++) {
      assertEquals(token == end ? 0 : Float.NEGATIVE_INFINITY, logits.get(token));
    }
    constraint.accept(end);
    constraint.rewind();
    assertFalse(constraint.isComplete());
    constraint.accept(tokenizer.idOf("[]").orElseThrow());
    assertTrue(constraint.isComplete());
  }
}
