package org.coreinfer.grammar;

import com.google.gson.JsonElement;

/**
 * A part of a schema document that a value must satisfy.
 *
 * @param pointer where it stands, as a JSON pointer
 */
record SchemaPart(JsonElement value, String pointer, Kind kind) {
  enum Kind {
    /** A schema. */
    WHOLE,
    /** The keywords of a schema that speak of the value without naming other schemas for it. */
    OWN,
    /** The same without {@code enum} and {@code const}. */
    OWN_WITHOUT_LITERALS,
    /** A list of schemas, of which the value must satisfy one. */
    ANY_OF,
    /** A list of schemas, of which the value must satisfy exactly one. */
    ONE_OF
  }

  /** The schema of a keyword, or of an entry below a keyword. */
  SchemaPart below(String name, JsonElement schema) {
    return new SchemaPart(schema, pointer + "/" + escape(name), Kind.WHOLE);
  }

  SchemaPart as(Kind other) {
    return new SchemaPart(value, pointer, other);
  }

  JsonSchemaException wrong(String problem) {
    return new JsonSchemaException(pointer, problem);
  }

  /** Equal for equal parts of one document. */
  String key() {
    return kind + pointer;
  }

  private static String escape(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }
}
