package org.coreinfer.grammar;

import java.util.function.Supplier;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.Tokenizer;

/**
 * Texts that are JSON, in a model's tokens. A grammar serves any number of answers, one after
 * another or at once, and remembers what it found out; {@link #get} makes the constraint of one
 * answer. Safe for use by many threads.
 */
public final class JsonGrammar implements Supplier<TokenConstraint> {
  private JsonGrammar() {}

  /** Any JSON value (RFC 8259). */
  public static JsonGrammar anyJson(Tokenizer tokenizer) {
    throw new UnsupportedOperationException();
  }

  /** Any JSON object. */
  public static JsonGrammar anyObject(Tokenizer tokenizer) {
    throw new UnsupportedOperationException();
  }

  /**
   * JSON that a schema accepts.
   *
   * @throws JsonSchemaException if the schema is broken or has a keyword that is not supported
   */
  public static JsonGrammar ofSchema(String schema, Tokenizer tokenizer) {
    throw new UnsupportedOperationException();
  }

  /** The constraint of one answer. */
  @Override
  public TokenConstraint get() {
    throw new UnsupportedOperationException();
  }
}
