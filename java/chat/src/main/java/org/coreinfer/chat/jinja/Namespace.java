package org.coreinfer.chat.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** Variables that inner scopes may change: what {@code namespace()} makes. */
final class Namespace {
  private final Map<String, Object> values = new LinkedHashMap<>();

  void set(String name, Object value) {
    values.put(name, value);
  }

  Object get(String name) {
    Object value = values.get(name);
    return value == null ? new Undefined("the namespace has no attribute '" + name + "'") : value;
  }
}
