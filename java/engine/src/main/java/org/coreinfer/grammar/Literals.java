package org.coreinfer.grammar;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The values that {@code enum} and {@code const} allow. */
final class Literals {
  private Literals() {}

  /** Those that all of the schemas allow; null if none of them has either keyword. */
  static @Nullable List<JsonElement> of(List<SchemaPart> own) {
    List<JsonElement> literals = null;
    for (SchemaPart part : own) {
      List<JsonElement> values = SchemaKeywords.list(part, "enum");
      JsonElement constant = SchemaKeywords.value(part, "const");
      if (values != null) {
        literals = common(literals, values);
      }
      if (constant != null) {
        literals = common(literals, List.of(constant));
      }
    }
    return literals;
  }

  private static List<JsonElement> common(
      @Nullable List<JsonElement> known, List<JsonElement> values) {
    List<JsonElement> common = new ArrayList<>(known == null ? values : known);
    common.removeIf(value -> !values.contains(value));
    return common;
  }
}
