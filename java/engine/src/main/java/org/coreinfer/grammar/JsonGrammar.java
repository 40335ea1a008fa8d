package org.coreinfer.grammar;

import java.util.function.Supplier;
import org.coreinfer.grammar.Expression.Rule;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.Tokenizer;

/**
 * Texts that are JSON, in a model's tokens. A grammar serves any number of answers, one after
 * another or at once, and remembers what it found out; {@link #get} makes the constraint of one
 * answer. {@link JsonGrammars} makes grammars of one model cheaply. Safe for use by many threads.
 */
public final class JsonGrammar implements Supplier<TokenConstraint> {
  private final TokenGrammar grammar;

  JsonGrammar(Rule document, TokenTrie trie) {
    this.grammar = new TokenGrammar(document, trie);
  }

  /** Any JSON value (RFC 8259). */
  public static JsonGrammar anyJson(Tokenizer tokenizer) {
    return new JsonGrammars(tokenizer).anyJson();
  }

  /** Any JSON object. */
  public static JsonGrammar anyObject(Tokenizer tokenizer) {
    return new JsonGrammars(tokenizer).anyObject();
  }

  /**
   * JSON that a schema accepts.
   *
   * @throws JsonSchemaException if the schema is broken or has a keyword that is not supported
   */
  public static JsonGrammar ofSchema(String schema, Tokenizer tokenizer) {
    return new JsonGrammars(tokenizer).ofSchema(schema);
  }

  /** The constraint of one answer. */
  @Override
  public TokenConstraint get() {
    return new GrammarConstraint(grammar);
  }
}
