package org.coreinfer.grammar;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The text of a JSON schema, in which references are looked up. */
final class SchemaDocument {
  private static final Gson STRICT =
      new GsonBuilder().setStrictness(Strictness.STRICT).create(); // which bounds the depth, too

  private final JsonElement root;

  private SchemaDocument(JsonElement root) {
    this.root = root;
  }

  static SchemaDocument parse(String text) {
    try {
      JsonElement root = STRICT.fromJson(text, JsonElement.class);
      if (root == null) {
        throw new JsonSchemaException("", "it is empty, expected a JSON object");
      }
      return new SchemaDocument(root);
    } catch (JsonParseException e) {
      throw new JsonSchemaException("", "it is not JSON: " + firstLine(e.getMessage()));
    }
  }

  private static String firstLine(@Nullable String message) {
    return String.valueOf(message).lines().findFirst().orElse("");
  }

  SchemaPart root() {
    return new SchemaPart(root, "", SchemaPart.Kind.WHOLE);
  }

  /**
   * What a {@code $ref} names.
   *
   * @param from the part that holds the reference
   */
  SchemaPart resolve(String reference, SchemaPart from) {
    if (!reference.startsWith("#")) {
      throw from.wrong(
          "the $ref \""
              + reference
              + "\" is outside of the schema; expected one such as #/$defs/x");
    }
    String pointer = decoded(reference.substring(1), from);
    if (!pointer.isEmpty() && !pointer.startsWith("/")) {
      throw from.wrong("the $ref \"" + reference + "\" names an anchor, which is not supported");
    }
    JsonElement at = root;
    for (String step : pointer.isEmpty() ? new String[0] : pointer.substring(1).split("/", -1)) {
      at = step(at, step.replace("~1", "/").replace("~0", "~"));
      if (at == null) {
        throw from.wrong("the $ref \"" + reference + "\" names nothing in the schema");
      }
    }
    return new SchemaPart(at, pointer, SchemaPart.Kind.WHOLE);
  }

  private static String decoded(String fragment, SchemaPart from) {
    try {
      return URLDecoder.decode(fragment.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw from.wrong("the $ref \"#" + fragment + "\" is not a URI: " + e.getMessage());
    }
  }

  private static @Nullable JsonElement step(JsonElement at, String name) {
    if (at instanceof JsonObject object) {
      return object.get(name);
    }
    boolean isIndex = name.matches("[0-9]{1,9}");
    if (at instanceof JsonArray array && isIndex && Integer.parseInt(name) < array.size()) {
      return array.get(Integer.parseInt(name));
    }
    return null;
  }
}
