package org.coreinfer.chat.jinja;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters by name. */
final class Filters {
  /** {@code value|name(arguments)}. */
  interface Filter {
    Object apply(Object value, Arguments arguments, Scope scope);
  }

  private static final Map<String, Filter> ALL = new HashMap<>();

  static {
    ALL.put(
        "abs",
        (v, a, s) ->
            Numbers.compare(Numbers.plus(v), 0L) < 0 ? Numbers.negate(v) : Numbers.plus(v));
    ALL.put(
        "capitalize", (v, a, s) -> changed(v, TextMethods.capitalized(Values.str(v).string()), s));
    ALL.put("default", Filters::fallback);
    ALL.put("d", Filters::fallback);
    ALL.put("float", (v, a, s) -> Conversions.toFloat(v, a));
    ALL.put("format", Filters::format);
    ALL.put("indent", (v, a, s) -> TextFilters.indent(Values.str(v), a, s.budget()));
    ALL.put("int", (v, a, s) -> Conversions.toInteger(v, a));
    ALL.put("lower", (v, a, s) -> changed(v, Values.str(v).string().toLowerCase(Locale.ROOT), s));
    ALL.put(
        "replace",
        (v, a, s) -> TextMethods.replace(Values.str(v), TextFilters.asText(a), s.budget()));
    ALL.put("round", (v, a, s) -> Conversions.round(v, a));
    ALL.put("safe", (v, a, s) -> Values.str(v).asMarkup());
    ALL.put("string", (v, a, s) -> charged(Values.str(v), s));
    ALL.put("title", (v, a, s) -> changed(v, TextFilters.title(Values.str(v).string()), s));
    ALL.put("tojson", (v, a, s) -> JsonWriter.write(v, a, s.budget()));
    ALL.put(
        "trim",
        (v, a, s) ->
            TextMethods.strip(
                Values.str(v), a.only("chars").get(0, "chars", None.NONE), true, true));
    ALL.put("truncate", (v, a, s) -> TextFilters.truncate(Values.str(v), a));
    ALL.put("escape", (v, a, s) -> escaped(Values.str(v), s));
    ALL.put("e", (v, a, s) -> escaped(Values.str(v), s));
    ALL.put("forceescape", (v, a, s) -> TextFilters.escape(Values.str(v), s.budget()).asMarkup());
    ALL.put("upper", (v, a, s) -> changed(v, Values.str(v).string().toUpperCase(Locale.ROOT), s));
    ALL.put("wordcount", (v, a, s) -> TextFilters.words(Values.str(v).string()));
    ListFilters.addTo(ALL);
    PickFilters.addTo(ALL);
  }

  private Filters() {}

  static @Nullable Filter find(String name) {
    return ALL.get(name);
  }

  private static Text changed(Object value, String result, Scope scope) {
    return charged(Values.str(value).changed(result), scope);
  }

  private static Text charged(Text text, Scope scope) {
    scope.budget().make(text.length());
    return text;
  }

  private static Text escaped(Text text, Scope scope) {
    return text.isMarkup() ? text : TextFilters.escape(text, scope.budget()).asMarkup();
  }

  private static Object fallback(Object value, Arguments arguments, Scope scope) {
    arguments.only("default_value", "boolean");
    boolean isMissing =
        value instanceof Undefined
            || (arguments.flag(1, "boolean", false) && !Values.isTrue(value));
    return isMissing ? arguments.get(0, "default_value", Text.EMPTY) : value;
  }

  private static Object format(Object value, Arguments arguments, Scope scope) {
    Object values =
        arguments.named().isEmpty() ? new Tuple(arguments.positional()) : Globals.dict(arguments);
    return PercentFormat.format(Values.str(value), values, scope.budget());
  }
}
