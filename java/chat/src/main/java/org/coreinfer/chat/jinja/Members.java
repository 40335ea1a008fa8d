package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@code value.name}, {@code value[key]} and {@code value[a:b]} give. */
final class Members {
  private static final Set<String> CHANGING_DICTS =
      Set.of("clear", "pop", "popitem", "setdefault", "update");
  private static final Set<String> CHANGING_LISTS =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private Members() {}

  /** {@code value.name}: Python's attribute, else the item. */
  static Object attribute(Object value, String name) {
    Values.requireDefined(value);
    Object attribute = ownAttribute(value, name);
    if (attribute != null) {
      return attribute;
    }
    if (value instanceof Map<?, ?> map) {
      Object item = map.get(Text.trusted(name));
      if (item != null) {
        return item;
      }
    }
    return missing(value, "attribute '" + name + "'");
  }

  /** {@code value[key]}: the item, else Python's attribute. */
  static Object item(Object value, Object key) {
    Values.requireDefined(value);
    if (value instanceof Map<?, ?> map) {
      if (key instanceof Undefined) {
        return missing(value, "undefined item");
      }
      Object item = map.get(Values.key(key));
      if (item != null) {
        return item;
      }
    } else if (key instanceof Long || key instanceof Boolean) {
      Object item = element(value, Values.requireInt(key, "an index"));
      if (item != null) {
        return item;
      }
    }
    if (key instanceof Text name) {
      Object attribute = ownAttribute(value, name.string());
      if (attribute != null) {
        return attribute;
      }
    }
    return missing(value, "item " + Values.repr(key));
  }

  private static Undefined missing(Object value, String what) {
    return new Undefined("'" + Values.type(value) + "' has no " + what);
  }

  private static @Nullable Object element(Object value, int index) {
    if (value instanceof List<?> list) {
      int at = index < 0 ? index + list.size() : index;
      return at < 0 || at >= list.size() ? null : list.get(at);
    }
    if (value instanceof Text text) {
      int length = text.codePoints();
      int at = index < 0 ? index + length : index;
      if (at < 0 || at >= length) {
        return null;
      }
      int start = text.offset(at);
      return text.slice(start, start + Character.charCount(text.string().codePointAt(start)));
    }
    return null;
  }

  private static @Nullable Object ownAttribute(Object value, String name) {
    if (value instanceof Text text) {
      return TextMethods.find(text, name);
    }
    if (value instanceof Map<?, ?>) {
      return dictMethod(Values.requireMap(value, "a mapping"), name);
    }
    if (value instanceof List<?>) {
      return listMethod(Values.iterate(value), name);
    }
    if (value instanceof Namespace namespace) {
      return namespace.get(name);
    }
    if (value instanceof Loop loop) {
      return loop.attribute(name);
    }
    return null;
  }

  private static @Nullable Callable dictMethod(Map<Object, Object> map, String name) {
    if (CHANGING_DICTS.contains(name)) {
      throw new JinjaException(
          "the method '" + name + "' would change a value, which templates may not");
    }
    return switch (name) {
      case "items" -> (arguments, scope) -> items(map);
      case "keys" -> (arguments, scope) -> new ArrayList<>(map.keySet());
      case "values" -> (arguments, scope) -> new ArrayList<>(map.values());
      case "copy" -> (arguments, scope) -> map;
      case "get" ->
          (arguments, scope) -> {
            arguments.only("key", "default");
            Object found = map.get(Values.key(arguments.get(0, "key")));
            return found == null ? arguments.get(1, "default", None.NONE) : found;
          };
      default -> null;
    };
  }

  /** The pairs of a mapping. */
  static List<Object> items(Map<Object, Object> map) {
    List<Object> items = new ArrayList<>();
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  private static @Nullable Callable listMethod(List<Object> list, String name) {
    if (CHANGING_LISTS.contains(name)) {
      throw new JinjaException(
          "the method '" + name + "' would change a value, which templates may not");
    }
    return switch (name) {
      case "copy" -> (arguments, scope) -> list;
      case "count" ->
          (arguments, scope) ->
              list.stream().filter(item -> Values.equal(item, arguments.get(0, "x"))).count();
      case "index" ->
          (arguments, scope) -> {
            for (int i = 0; i < list.size(); i++) {
              if (Values.equal(list.get(i), arguments.get(0, "x"))) {
                return (long) i;
              }
            }
            throw new JinjaException("index: the list has no such item");
          };
      default -> null;
    };
  }

  /** A slice; None stands for an end that was left out. */
  static Object slice(Object value, Object from, Object to, Object by, Budget budget) {
    Values.requireDefined(value);
    if (!(value instanceof Text) && !(value instanceof List)) {
      throw new JinjaException("'" + Values.type(value) + "' can't be sliced");
    }
    int length = (int) Values.length(value);
    int step = by == None.NONE ? 1 : Values.requireInt(by, "a slice's step");
    if (step == 0) {
      throw new JinjaException("a slice's step is 0");
    }
    int start = bound(from, step > 0 ? 0 : length - 1, length, step);
    int end = bound(to, step > 0 ? length : -1, length, step);
    budget.make(length);
    if (value instanceof Text text && step == 1) {
      return start >= end ? Text.EMPTY : text.slice(text.offset(start), text.offset(end));
    }
    List<Object> items = Values.iterate(value);
    List<Object> chosen = new ArrayList<>();
    for (long i = start; step > 0 ? i < end : i > end; i += step) {
      chosen.add(items.get((int) i));
    }
    if (value instanceof Text) {
      return TextMethods.join(Text.EMPTY, chosen, budget);
    }
    return value instanceof Tuple ? new Tuple(chosen) : chosen;
  }

  private static int bound(Object given, int fallback, int length, int step) {
    if (given == None.NONE) {
      return fallback;
    }
    int bound = Values.requireInt(given, "a slice's end");
    int least = step > 0 ? 0 : -1;
    return bound < 0
        ? Math.max(least, bound + length)
        : Math.min(step > 0 ? length : length - 1, bound);
  }
}
