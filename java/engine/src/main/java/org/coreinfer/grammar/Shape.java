package org.coreinfer.grammar;

import com.google.gson.JsonElement;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What tells the values of one schema from those of others.
 *
 * @param types those that values may have
 * @param literals all values; null if they are not listed
 * @param required the constants of required properties that have some
 */
record Shape(
    Set<SchemaType> types,
    @Nullable List<JsonElement> literals,
    Map<String, List<JsonElement>> required) {

  /** Of a schema without values. */
  static final Shape IMPOSSIBLE = new Shape(EnumSet.noneOf(SchemaType.class), null, Map.of());

  /**
   * @param constants the constants of a schema, or null
   */
  static Shape of(
      List<SchemaPart> own, Function<SchemaPart, @Nullable List<JsonElement>> constants) {
    Map<String, List<JsonElement>> required = new HashMap<>();
    for (SchemaPart part : own) {
      List<String> names = SchemaKeywords.texts(part, "required");
      SchemaPart properties = part.below("properties", part.value());
      SchemaKeywords.schemas(part, "properties")
          .forEach(
              (name, schema) -> {
                List<JsonElement> values = constants.apply(properties.below(name, schema));
                if (values != null && names.contains(name)) {
                  required.put(name, values);
                }
              });
    }
    return new Shape(SchemaType.allowed(own), Literals.of(own), required);
  }

  /** Whether no value can be of both shapes. */
  boolean isDisjoint(Shape other) {
    if (Collections.disjoint(types, other.types)) {
      return true;
    }
    if (literals != null && other.literals != null) {
      return Collections.disjoint(literals, other.literals);
    }
    boolean areObjects =
        types.equals(EnumSet.of(SchemaType.OBJECT))
            && other.types.equals(EnumSet.of(SchemaType.OBJECT));
    return areObjects
        && required.entrySet().stream()
            .anyMatch(
                entry -> {
                  List<JsonElement> theirs = other.required.get(entry.getKey());
                  return theirs != null && Collections.disjoint(entry.getValue(), theirs);
                });
  }
}
