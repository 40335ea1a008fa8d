package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.coreinfer.chat.jinja.Filters.Filter;
import org.jspecify.annotations.Nullable;

/** The filters that take items of a list by a test, or something of each. */
final class PickFilters {
  private PickFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put("attr", (v, a, s) -> Members.attribute(v, a.only("name").text(0, "name").string()));
    all.put("map", PickFilters::map);
    all.put("select", (v, a, s) -> pick(v, s, itemTest(a)));
    all.put("reject", (v, a, s) -> pick(v, s, itemTest(a).negate()));
    all.put("selectattr", (v, a, s) -> pick(v, s, attributeTest(a)));
    all.put("rejectattr", (v, a, s) -> pick(v, s, attributeTest(a).negate()));
  }

  private static List<Object> pick(Object value, Scope scope, Predicate<Object> isPicked) {
    List<Object> picked = new ArrayList<>();
    for (Object item : items(value)) {
      scope.budget().make(1);
      if (isPicked.test(item)) {
        picked.add(item);
      }
    }
    return picked;
  }

  /** What is false, None among it, has no items here. */
  private static List<Object> items(Object value) {
    return Values.isTrue(value) ? Values.iterate(value) : List.of();
  }

  private static Predicate<Object> itemTest(Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      return Values::isTrue;
    }
    String name = arguments.text(0, "test").string();
    Tests.Test test = Tests.find(name);
    if (test == null) {
      throw new JinjaException("there is no test '" + name + "'");
    }
    Arguments rest = new Arguments(name, arguments.rest().positional(), arguments.named());
    return item -> test.holds(item, rest);
  }

  private static Predicate<Object> attributeTest(Arguments arguments) {
    Object attribute = arguments.get(0, "attribute");
    Predicate<Object> test = itemTest(arguments.rest());
    return item -> test.test(path(item, attribute));
  }

  private static Object map(Object value, Arguments arguments, Scope scope) {
    List<Object> results = new ArrayList<>();
    if (arguments.positional().isEmpty()) {
      arguments.only("attribute", "default");
      Object attribute = arguments.get(0, "attribute");
      @Nullable Object fallback = arguments.named().get("default");
      for (Object item : items(value)) {
        scope.budget().make(1);
        Object result = path(item, attribute);
        results.add(result instanceof Undefined && fallback != null ? fallback : result);
      }
      return results;
    }
    String name = arguments.text(0, "filter").string();
    Filter filter = Filters.find(name);
    if (filter == null) {
      throw new JinjaException("there is no filter '" + name + "'");
    }
    Arguments rest = new Arguments(name, arguments.rest().positional(), arguments.named());
    for (Object item : items(value)) {
      scope.budget().make(1);
      results.add(filter.apply(item, rest, scope));
    }
    return results;
  }

  /** The value at a path such as {@code function.name}, or at an index. */
  static Object path(Object item, Object path) {
    if (!(path instanceof Text text)) {
      return Members.item(item, path);
    }
    Object value = item;
    for (String part : text.string().split("\\.", -1)) {
      boolean isIndex =
          !part.isEmpty() && part.length() < 10 && part.chars().allMatch(Characters::isDigit);
      value = Members.item(value, isIndex ? (Object) Long.parseLong(part) : Text.trusted(part));
    }
    return value;
  }
}
