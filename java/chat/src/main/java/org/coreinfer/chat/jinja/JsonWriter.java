package org.coreinfer.chat.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON as Python's {@code json.dumps} writes it. */
final class JsonWriter {
  private final @Nullable Text indent;
  private final Text itemSeparator;
  private final Text keySeparator;
  private final boolean isAscii;
  private final boolean isSorted;
  private final TextBuilder out = new TextBuilder();
  private final Budget budget;
  private int counted;

  private JsonWriter(Arguments arguments, Budget budget) {
    this.budget = budget;
    Object space = arguments.get(1, "indent", None.NONE);
    if (space instanceof Text text) {
      this.indent = text;
    } else if (space == None.NONE) {
      this.indent = null;
    } else {
      int width = Math.max(0, Values.requireInt(space, "tojson's indent"));
      budget.make(width);
      this.indent = Text.trusted(" ".repeat(width));
    }
    Object separators = arguments.get(2, "separators", None.NONE);
    if (separators instanceof List<?> pair && pair.size() == 2) {
      this.itemSeparator = Values.requireText(pair.get(0), "tojson's separator");
      this.keySeparator = Values.requireText(pair.get(1), "tojson's separator");
    } else {
      this.itemSeparator = Text.trusted(indent == null ? ", " : ",");
      this.keySeparator = Text.trusted(": ");
    }
    this.isAscii = arguments.flag(0, "ensure_ascii", false);
    this.isSorted = arguments.flag(3, "sort_keys", false);
  }

  /** The filter {@code tojson} as Transformers defines it. */
  static Text write(Object value, Arguments arguments, Budget budget) {
    arguments.only("ensure_ascii", "indent", "separators", "sort_keys");
    JsonWriter writer = new JsonWriter(arguments, budget);
    writer.value(value, 0);
    writer.count();
    return writer.out.toText();
  }

  private void count() {
    budget.make((long) out.length() - counted);
    counted = out.length();
  }

  private void value(Object value, int depth) {
    if (depth > JinjaTemplate.DEEPEST) {
      throw new JinjaException("tojson: the value is nested too deep");
    }
    if (value instanceof Text text) {
      string(text);
    } else if (value instanceof Boolean flag) {
      out.append(flag ? "true" : "false");
    } else if (value instanceof Long || value instanceof BigInteger) {
      out.append(value.toString());
    } else if (value instanceof Double number) {
      out.append(number(number));
    } else if (value == None.NONE) {
      out.append("null");
    } else if (value instanceof List<?> list) {
      list(list, depth);
    } else if (value instanceof Map<?, ?> map) {
      map(map, depth);
    } else {
      Values.requireDefined(value);
      throw new JinjaException("tojson: '" + Values.type(value) + "' can't be JSON");
    }
    count();
  }

  private static String number(double number) {
    String shown = PythonNumbers.repr(number);
    return switch (shown) {
      case "nan" -> "NaN";
      case "inf" -> "Infinity";
      case "-inf" -> "-Infinity";
      default -> shown;
    };
  }

  private void list(List<?> list, int depth) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append("[");
    for (int i = 0; i < list.size(); i++) {
      between(i, depth + 1);
      value(list.get(i), depth + 1);
    }
    lineBreak(depth);
    out.append("]");
  }

  private void map(Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    List<Object> keys = new ArrayList<>(map.keySet());
    if (isSorted) {
      keys.sort(Values::compare);
    }
    out.append("{");
    for (int i = 0; i < keys.size(); i++) {
      between(i, depth + 1);
      Object key = keys.get(i);
      Object value = map.get(key);
      if (value == null) {
        throw new AssertionError(key);
      }
      string(key instanceof Text text ? text : key(key));
      out.append(keySeparator);
      value(value, depth + 1);
    }
    lineBreak(depth);
    out.append("}");
  }

  private static Text key(Object key) {
    return key == None.NONE ? Text.trusted("null") : Values.str(key);
  }

  private void between(int index, int depth) {
    if (index > 0) {
      out.append(itemSeparator);
    }
    lineBreak(depth);
  }

  private void lineBreak(int depth) {
    if (indent != null) {
      out.append("\n");
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private void string(Text text) {
    String string = text.string();
    out.append("\"");
    int plain = 0;
    for (int i = 0; i < string.length(); i++) {
      String escape = escape(string.charAt(i));
      if (escape != null) {
        out.append(text, plain, i);
        out.append(escape, text, i, i + 1);
        plain = i + 1;
      }
    }
    out.append(text, plain, string.length());
    out.append("\"");
  }

  private @Nullable String escape(char c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      default -> c < 0x20 || (isAscii && c > 0x7e) ? String.format("\\u%04x", (int) c) : null;
    };
  }
}
