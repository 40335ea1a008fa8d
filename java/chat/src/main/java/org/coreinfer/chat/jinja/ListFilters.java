package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coreinfer.chat.jinja.Filters.Filter;
import org.coreinfer.chat.jinja.Numbers.Operation;

/** The filters on lists and mappings as a whole. */
final class ListFilters {
  private ListFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put("batch", ListFilters::batch);
    all.put("count", (v, a, s) -> Values.length(v));
    all.put("dictsort", ListFilters::dictSort);
    all.put("first", (v, a, s) -> end(Values.iterate(v), true));
    all.put("groupby", ListFilters::groupBy);
    all.put(
        "items",
        (v, a, s) ->
            v instanceof Undefined
                ? List.of()
                : Members.items(Values.requireMap(v, "items: the value")));
    all.put("join", ListFilters::join);
    all.put("last", (v, a, s) -> end(Values.iterate(v), false));
    all.put("length", (v, a, s) -> Values.length(v));
    all.put("list", (v, a, s) -> charged(new ArrayList<>(Values.iterate(v)), s));
    all.put("max", (v, a, s) -> extreme(v, a, 1));
    all.put("min", (v, a, s) -> extreme(v, a, -1));
    all.put("reverse", ListFilters::reverse);
    all.put("sort", ListFilters::sort);
    all.put("sum", ListFilters::sum);
    all.put("unique", ListFilters::unique);
  }

  private static List<Object> charged(List<Object> list, Scope scope) {
    scope.budget().make(list.size());
    return list;
  }

  private static Object end(List<Object> items, boolean first) {
    if (items.isEmpty()) {
      return new Undefined("an empty list has no " + (first ? "first" : "last") + " item");
    }
    return items.get(first ? 0 : items.size() - 1);
  }

  private static Object join(Object value, Arguments arguments, Scope scope) {
    arguments.only("d", "attribute");
    Text separator = Values.str(arguments.get(0, "d", Text.EMPTY));
    List<Object> parts = new ArrayList<>();
    for (Object item : Values.iterate(value)) {
      Object part = item;
      if (arguments.has(1, "attribute")) {
        part = PickFilters.path(item, arguments.get(1, "attribute"));
      }
      parts.add(Values.str(part));
    }
    return TextMethods.join(separator, parts, scope.budget());
  }

  private static Object reverse(Object value, Arguments arguments, Scope scope) {
    List<Object> items = charged(new ArrayList<>(Values.iterate(value)), scope);
    Collections.reverse(items);
    return value instanceof Text ? TextMethods.join(Text.EMPTY, items, scope.budget()) : items;
  }

  /** What to sort by: text without its case, unless that counts. */
  private static Object sortKey(Object value, boolean hasCase) {
    return value instanceof Text text && !hasCase
        ? Text.trusted(text.string().toLowerCase(Locale.ROOT))
        : value;
  }

  private static Object sort(Object value, Arguments arguments, Scope scope) {
    arguments.only("reverse", "case_sensitive", "attribute");
    boolean hasCase = arguments.flag(1, "case_sensitive", false);
    Object attribute = arguments.get(2, "attribute", None.NONE);
    List<Object> items = charged(new ArrayList<>(Values.iterate(value)), scope);
    Comparator<Object> order =
        (a, b) ->
            Values.compare(
                sortKey(picked(a, attribute), hasCase), sortKey(picked(b, attribute), hasCase));
    items.sort(arguments.flag(0, "reverse", false) ? order.reversed() : order);
    return items;
  }

  private static Object picked(Object item, Object attribute) {
    return attribute == None.NONE ? item : PickFilters.path(item, attribute);
  }

  private static Object dictSort(Object value, Arguments arguments, Scope scope) {
    arguments.only("case_sensitive", "by", "reverse");
    boolean hasCase = arguments.flag(0, "case_sensitive", false);
    String by = arguments.text(1, "by", "key").string();
    if (!by.equals("key") && !by.equals("value")) {
      throw new JinjaException("dictsort: by should be 'key' or 'value', found '" + by + "'");
    }
    int index = by.equals("key") ? 0 : 1;
    List<Object> items = Members.items(Values.requireMap(value, "dictsort: the value"));
    Comparator<Object> order =
        (a, b) ->
            Values.compare(
                sortKey(((Tuple) a).get(index), hasCase), sortKey(((Tuple) b).get(index), hasCase));
    items.sort(arguments.flag(2, "reverse", false) ? order.reversed() : order);
    return charged(items, scope);
  }

  private static Object extreme(Object value, Arguments arguments, int sign) {
    arguments.only("case_sensitive", "attribute");
    boolean hasCase = arguments.flag(0, "case_sensitive", false);
    Object attribute = arguments.get(1, "attribute", None.NONE);
    List<Object> items = Values.iterate(value);
    if (items.isEmpty()) {
      return new Undefined("an empty list has no greatest or least item");
    }
    Object best = items.get(0);
    for (Object item : items) {
      int order =
          Values.compare(
              sortKey(picked(item, attribute), hasCase), sortKey(picked(best, attribute), hasCase));
      best = order * sign > 0 ? item : best;
    }
    return best;
  }

  private static Object sum(Object value, Arguments arguments, Scope scope) {
    arguments.only("attribute", "start");
    Object attribute = arguments.get(0, "attribute", None.NONE);
    Object total = arguments.get(1, "start", 0L);
    for (Object item : Values.iterate(value)) {
      total = Operators.calculate(Operation.ADD, total, picked(item, attribute), scope.budget());
    }
    return total;
  }

  private static Object unique(Object value, Arguments arguments, Scope scope) {
    arguments.only("case_sensitive", "attribute");
    boolean hasCase = arguments.flag(0, "case_sensitive", false);
    Object attribute = arguments.get(1, "attribute", None.NONE);
    Map<Object, Object> first = new LinkedHashMap<>();
    for (Object item : Values.iterate(value)) {
      first.putIfAbsent(Values.key(sortKey(picked(item, attribute), hasCase)), item);
    }
    return charged(new ArrayList<>(first.values()), scope);
  }

  private static Object groupBy(Object value, Arguments arguments, Scope scope) {
    arguments.only("attribute");
    Object attribute = arguments.get(0, "attribute");
    List<Object> items = Values.iterate(sort(value, sortBy(attribute), scope));
    List<Object> groups = new ArrayList<>();
    Map<Object, List<Object>> byKey = new LinkedHashMap<>();
    for (Object item : items) {
      byKey.computeIfAbsent(picked(item, attribute), k -> new ArrayList<>()).add(item);
    }
    byKey.forEach((key, group) -> groups.add(Tuple.of(key, group)));
    return groups;
  }

  private static Arguments sortBy(Object attribute) {
    return new Arguments("groupby", List.of(), Map.of("attribute", attribute));
  }

  private static Object batch(Object value, Arguments arguments, Scope scope) {
    arguments.only("linecount", "fill_with");
    int size = arguments.integer(0, "linecount", 1);
    if (size < 1) {
      throw new JinjaException("batch: the size should be 1 or more, found " + size);
    }
    List<Object> items = charged(new ArrayList<>(Values.iterate(value)), scope);
    Object fill = arguments.get(1, "fill_with", None.NONE);
    List<Object> batches = new ArrayList<>();
    for (int i = 0; i < items.size(); i += size) {
      List<Object> batch = new ArrayList<>(items.subList(i, Math.min(items.size(), i + size)));
      if (fill != None.NONE) {
        scope.budget().make(size);
        while (batch.size() < size) {
          batch.add(fill);
        }
      }
      batches.add(batch);
    }
    return batches;
  }
}
