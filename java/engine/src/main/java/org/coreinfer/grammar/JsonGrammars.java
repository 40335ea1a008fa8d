package org.coreinfer.grammar;

import java.util.LinkedHashMap;
import java.util.Map;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * The JSON grammars of one model, of which the latest are kept. Safe for use by many threads.
 *
 * @see JsonGrammar
 */
public final class JsonGrammars {
  private static final int MOST_KEPT = 16;

  private final TokenTrie trie;
  private final Map<String, JsonGrammar> ofSchemas =
      new LinkedHashMap<>(MOST_KEPT, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, JsonGrammar> eldest) {
          return size() > MOST_KEPT;
        }
      };
  private @Nullable JsonGrammar anyJson;
  private @Nullable JsonGrammar anyObject;

  /**
   * @throws IllegalArgumentException if the tokenizer has no end token, or puts text between tokens
   */
  public JsonGrammars(Tokenizer tokenizer) {
    this.trie = new TokenTrie(tokenizer);
  }

  /**
   * Refuses what no grammar can be made of, before there is a model.
   *
   * @throws JsonSchemaException if the schema is broken or has a keyword that is not supported
   */
  public static void requireSupported(String schema) {
    SchemaCompiler.compile(schema);
  }

  /** Any JSON value (RFC 8259). */
  public synchronized JsonGrammar anyJson() {
    JsonGrammar known = anyJson;
    if (known == null) {
      known = new JsonGrammar(JsonText.document(JsonText.VALUE), trie);
      anyJson = known;
    }
    return known;
  }

  /** Any JSON object. */
  public synchronized JsonGrammar anyObject() {
    JsonGrammar known = anyObject;
    if (known == null) {
      known = new JsonGrammar(JsonText.document(JsonText.OBJECT), trie);
      anyObject = known;
    }
    return known;
  }

  /**
   * JSON that a schema accepts.
   *
   * @throws JsonSchemaException if the schema is broken or has a keyword that is not supported
   */
  public synchronized JsonGrammar ofSchema(String schema) {
    JsonGrammar known = ofSchemas.get(schema);
    if (known == null) {
      known = new JsonGrammar(SchemaCompiler.compile(schema), trie);
      ofSchemas.put(schema, known);
    }
    return known;
  }
}
