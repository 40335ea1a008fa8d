package org.coreinfer.grammar;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The keywords of JSON schemas that are understood, and their values as Java has them. */
final class SchemaKeywords {
  static final Set<String> OF_OBJECTS = Set.of("properties", "required", "additionalProperties");
  static final Set<String> OF_ARRAYS =
      Set.of("items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems");
  static final Set<String> OF_STRINGS = Set.of("minLength", "maxLength", "pattern", "format");
  static final Set<String> OF_NUMBERS =
      Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
  static final Set<String> OF_LITERALS = Set.of("enum", "const");
  private static final Set<String> OF_TYPES = Set.of("type", "nullable");
  private static final Set<String> OF_OTHER_SCHEMAS = Set.of("$ref", "allOf", "anyOf", "oneOf");

  /** Those that say nothing about which values are valid. */
  private static final Set<String> ANNOTATIONS =
      Set.of(
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "$anchor",
          "definitions",
          "title",
          "description",
          "default",
          "example",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "contentEncoding",
          "contentMediaType",
          "contentSchema",
          "discriminator",
          "externalDocs",
          "xml");

  private static final List<Set<String>> ASSERTIONS =
      List.of(OF_OBJECTS, OF_ARRAYS, OF_STRINGS, OF_NUMBERS, OF_LITERALS, OF_TYPES);

  private SchemaKeywords() {}

  /**
   * The schema as an object.
   *
   * @throws JsonSchemaException if it is none, or has a keyword that is not supported
   */
  static JsonObject checked(SchemaPart part) {
    if (!(part.value() instanceof JsonObject object)) {
      throw part.wrong("expected a schema: an object, true or false");
    }
    for (String keyword : object.keySet()) {
      boolean isKnown =
          isAssertion(keyword)
              || OF_OTHER_SCHEMAS.contains(keyword)
              || ANNOTATIONS.contains(keyword)
              || keyword.startsWith("x-");
      if (!isKnown) {
        throw part.wrong("the keyword \"" + keyword + "\" is not supported");
      }
    }
    return object;
  }

  private static boolean isAssertion(String keyword) {
    return ASSERTIONS.stream().anyMatch(set -> set.contains(keyword));
  }

  /** Whether a schema itself asks something of a value. */
  static boolean hasAssertion(JsonObject schema) {
    return schema.keySet().stream().anyMatch(SchemaKeywords::isAssertion);
  }

  /** Whether a schema has one of these keywords. */
  static boolean hasAny(List<SchemaPart> own, Set<String> keywords) {
    return own.stream().anyMatch(part -> keywords.stream().anyMatch(k -> value(part, k) != null));
  }

  /** A keyword's value, or null. */
  static @Nullable JsonElement value(SchemaPart own, String keyword) {
    boolean isHidden =
        own.kind() == SchemaPart.Kind.OWN_WITHOUT_LITERALS && OF_LITERALS.contains(keyword);
    return isHidden ? null : own.value().getAsJsonObject().get(keyword);
  }

  /** The entries of a list, or null where the keyword is absent. */
  static @Nullable List<JsonElement> list(SchemaPart own, String keyword) {
    JsonElement value = value(own, keyword);
    if (value == null) {
      return null;
    }
    if (!value.isJsonArray()) {
      throw own.wrong("\"" + keyword + "\" is no list");
    }
    return value.getAsJsonArray().asList();
  }

  /** The texts of a list; none where the keyword is absent. */
  static List<String> texts(SchemaPart own, String keyword) {
    List<JsonElement> list = list(own, keyword);
    List<String> texts = new ArrayList<>();
    for (JsonElement entry : list == null ? List.<JsonElement>of() : list) {
      texts.add(string(own, keyword, entry));
    }
    return texts;
  }

  /** A text, or null where the keyword is absent. */
  static @Nullable String text(SchemaPart own, String keyword) {
    JsonElement value = value(own, keyword);
    return value == null ? null : string(own, keyword, value);
  }

  static String string(SchemaPart own, String keyword, JsonElement value) {
    if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw own.wrong("\"" + keyword + "\" holds what is no string");
  }

  /** A truth value; false where the keyword is absent. */
  static boolean flag(SchemaPart own, String keyword) {
    JsonElement value = value(own, keyword);
    if (value == null) {
      return false;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw own.wrong("\"" + keyword + "\" is neither true nor false");
  }

  /** A number, or null where the keyword is absent. */
  static @Nullable BigDecimal number(SchemaPart own, String keyword) {
    JsonElement value = value(own, keyword);
    if (value == null) {
      return null;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isNumber()) {
      BigDecimal number = primitive.getAsBigDecimal();
      if (Math.abs((long) number.precision() - number.scale()) > 400 || number.scale() > 400) {
        throw own.wrong("\"" + keyword + "\" is too large or too small");
      }
      return number;
    }
    throw own.wrong("\"" + keyword + "\" is no number");
  }

  /** The largest of several counts, at least 0. */
  static int most(List<SchemaPart> own, String keyword) {
    return own.stream().mapToInt(part -> count(part, keyword, 0)).max().orElse(0);
  }

  /** The smallest of several counts, {@link Expression#UNLIMITED} where all are absent. */
  static int least(List<SchemaPart> own, String keyword) {
    int least =
        own.stream()
            .mapToInt(part -> count(part, keyword, Integer.MAX_VALUE))
            .min()
            .orElse(Integer.MAX_VALUE);
    return least == Integer.MAX_VALUE ? Expression.UNLIMITED : least;
  }

  private static int count(SchemaPart own, String keyword, int absent) {
    BigDecimal value = number(own, keyword);
    if (value == null) {
      return absent;
    }
    if (value.signum() < 0 || value.stripTrailingZeros().scale() > 0) {
      throw own.wrong("\"" + keyword + "\" is " + value + ", expected a whole number from 0 on");
    }
    BigDecimal most = BigDecimal.valueOf(Network.MOST_NODES);
    return value.min(most).intValueExact();
  }

  /** The entries of an object of schemas; none where the keyword is absent. */
  static Map<String, JsonElement> schemas(SchemaPart own, String keyword) {
    JsonElement value = value(own, keyword);
    if (value == null) {
      return Map.of();
    }
    if (!value.isJsonObject()) {
      throw own.wrong("\"" + keyword + "\" is no object");
    }
    return value.getAsJsonObject().asMap();
  }
}
