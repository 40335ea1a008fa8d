package org.coreinfer.chat.jinja;

import java.util.List;
import java.util.Map;

/**
 * What a call passes on.
 *
 * @param named in the order in which they were written
 */
record Arguments(String callee, List<Object> positional, Map<String, Object> named) {

  static Arguments none(String callee) {
    return new Arguments(callee, List.of(), Map.of());
  }

  int size() {
    return positional.size() + named.size();
  }

  boolean has(int index, String name) {
    return index < positional.size() || named.containsKey(name);
  }

  /** The argument of this position or name, or what stands for it. */
  Object get(int index, String name, Object fallback) {
    if (index < positional.size()) {
      return positional.get(index);
    }
    return named.getOrDefault(name, fallback);
  }

  Object get(int index, String name) {
    if (!has(index, name)) {
      throw new JinjaException(callee + ": the argument '" + name + "' is missing");
    }
    return get(index, name, None.NONE);
  }

  Text text(int index, String name) {
    return Values.requireText(get(index, name), callee + ": the argument '" + name + "'");
  }

  Text text(int index, String name, String fallback) {
    return has(index, name) ? text(index, name) : Text.trusted(fallback);
  }

  int integer(int index, String name, int fallback) {
    return has(index, name)
        ? Values.requireInt(get(index, name), callee + ": the argument '" + name + "'")
        : fallback;
  }

  boolean flag(int index, String name, boolean fallback) {
    return has(index, name) ? Values.isTrue(get(index, name)) : fallback;
  }

  /** Checks that there is nothing but these, in this order. */
  Arguments only(String... names) {
    if (positional.size() > names.length) {
      throw new JinjaException(
          callee + ": takes at most " + names.length + " arguments, found " + positional.size());
    }
    List<String> known = List.of(names);
    for (String name : named.keySet()) {
      if (!known.contains(name)) {
        throw new JinjaException(callee + ": the argument '" + name + "' is not supported");
      }
      if (known.indexOf(name) < positional.size()) {
        throw new JinjaException(callee + ": the argument '" + name + "' is there twice");
      }
    }
    return this;
  }

  /** Without the first one. */
  Arguments rest() {
    return new Arguments(callee, positional.subList(1, positional.size()), named);
  }
}
