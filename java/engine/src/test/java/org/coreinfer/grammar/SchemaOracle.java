package org.coreinfer.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.List;

/** Judges texts by validators of other makers. */
final class SchemaOracle {
  private static final Gson STRICT = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  private final Schema schema;

  SchemaOracle(String schema) {
    this.schema =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(schema, InputFormat.JSON);
  }

  static JsonElement parse(String text) {
    try {
      return STRICT.fromJson(text, JsonElement.class);
    } catch (JsonParseException e) {
      throw new AssertionError(text, e);
    }
  }

  void requireValid(String text) {
    parse(text);
    List<Error> errors =
        schema.validate(
            text,
            InputFormat.JSON,
            context -> context.executionConfig(c -> c.formatAssertionsEnabled(true)));
    assertEquals(List.of(), errors, text);
  }
}
