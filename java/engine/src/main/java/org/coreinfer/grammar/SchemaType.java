package org.coreinfer.grammar;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The types of JSON schemas. */
enum SchemaType {
  OBJECT,
  ARRAY,
  STRING,
  NUMBER,
  INTEGER,
  BOOLEAN,
  NULL;

  /** The types that all of these schemas allow by {@code type} and {@code nullable}. */
  static Set<SchemaType> allowed(List<SchemaPart> own) {
    Set<SchemaType> allowed = EnumSet.allOf(SchemaType.class);
    for (SchemaPart part : own) {
      JsonElement type = SchemaKeywords.value(part, "type");
      if (type != null) {
        allowed.retainAll(named(part, type));
      }
    }
    return allowed;
  }

  /**
   * The same, and where no type is named those that the other keywords speak of, as their author
   * surely means.
   */
  static Set<SchemaType> meant(List<SchemaPart> own) {
    Set<SchemaType> meant = EnumSet.noneOf(SchemaType.class);
    if (!SchemaKeywords.hasAny(own, Set.of("type"))) {
      addIf(SchemaKeywords.hasAny(own, SchemaKeywords.OF_OBJECTS), OBJECT, meant);
      addIf(SchemaKeywords.hasAny(own, SchemaKeywords.OF_ARRAYS), ARRAY, meant);
      addIf(SchemaKeywords.hasAny(own, SchemaKeywords.OF_STRINGS), STRING, meant);
      addIf(SchemaKeywords.hasAny(own, SchemaKeywords.OF_NUMBERS), NUMBER, meant);
    }
    return meant.isEmpty() ? allowed(own) : meant;
  }

  private static void addIf(boolean condition, SchemaType type, Set<SchemaType> types) {
    if (condition) {
      types.add(type);
    }
  }

  private static Set<SchemaType> named(SchemaPart part, JsonElement value) {
    Set<SchemaType> types = EnumSet.noneOf(SchemaType.class);
    for (JsonElement entry : value.isJsonArray() ? value.getAsJsonArray() : List.of(value)) {
      String name = SchemaKeywords.string(part, "type", entry);
      SchemaType type = of(name);
      if (type == null) {
        throw part.wrong("the type \"" + name + "\" is none of JSON's");
      }
      types.add(type);
    }
    if (types.contains(NUMBER)) {
      types.add(INTEGER);
    }
    if (SchemaKeywords.flag(part, "nullable")) {
      types.add(NULL);
    }
    return types;
  }

  private static @Nullable SchemaType of(String name) {
    for (SchemaType type : values()) {
      if (type.name().toLowerCase(Locale.ROOT).equals(name)) {
        return type;
      }
    }
    return null;
  }

  /** The narrowest type of a value. */
  static SchemaType of(JsonElement value) {
    if (value instanceof JsonObject) {
      return OBJECT;
    }
    if (value.isJsonArray()) {
      return ARRAY;
    }
    if (!(value instanceof JsonPrimitive primitive)) {
      return NULL;
    }
    if (primitive.isString()) {
      return STRING;
    }
    if (primitive.isBoolean()) {
      return BOOLEAN;
    }
    boolean isWhole = primitive.getAsBigDecimal().stripTrailingZeros().scale() <= 0;
    return isWhole ? INTEGER : NUMBER;
  }
}
