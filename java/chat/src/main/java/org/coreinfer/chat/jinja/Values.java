package org.coreinfer.chat.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What Python's built-in functions say of values. */
final class Values {
  private Values() {}

  static boolean isTrue(Object value) {
    if (value instanceof Boolean b) {
      return b;
    }
    if (value instanceof Text text) {
      return !text.isEmpty();
    }
    if (value instanceof List<?> list) {
      return !list.isEmpty();
    }
    if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    if (value instanceof Number number) {
      return number.doubleValue() != 0;
    }
    return value != None.NONE && !(value instanceof Undefined);
  }

  /** The type as Python names it. */
  static String type(Object value) {
    if (value instanceof Text) {
      return "str";
    }
    if (value instanceof Boolean) {
      return "bool";
    }
    if (value instanceof Long || value instanceof BigInteger) {
      return "int";
    }
    if (value instanceof Double) {
      return "float";
    }
    if (value instanceof Tuple) {
      return "tuple";
    }
    if (value instanceof List) {
      return "list";
    }
    if (value instanceof Map) {
      return "dict";
    }
    if (value == None.NONE) {
      return "None";
    }
    return value instanceof Callable ? "function" : "object";
  }

  /** Python's {@code str}. */
  static Text str(Object value) {
    if (value instanceof Text text) {
      return text;
    }
    if (value instanceof Undefined) {
      return Text.EMPTY;
    }
    TextBuilder out = new TextBuilder();
    repr(value, out, 0);
    return out.toText();
  }

  /** Python's {@code repr}. */
  static Text repr(Object value) {
    TextBuilder out = new TextBuilder();
    repr(value, out, 0);
    return out.toText();
  }

  private static void repr(Object value, TextBuilder out, int depth) {
    Budget.walk();
    if (depth > JinjaTemplate.DEEPEST) {
      throw new JinjaException("a value is nested too deep to be shown");
    }
    if (value instanceof Text text) {
      quote(text, out);
    } else if (value instanceof Boolean b) {
      out.append(b ? "True" : "False");
    } else if (value instanceof Long || value instanceof BigInteger) {
      out.append(value.toString());
    } else if (value instanceof Double number) {
      out.append(PythonNumbers.repr(number));
    } else if (value == None.NONE) {
      out.append("None");
    } else if (value instanceof Undefined) {
      out.append("Undefined");
    } else if (value instanceof List<?> list) {
      boolean isTuple = value instanceof Tuple;
      out.append(isTuple ? "(" : "[");
      for (int i = 0; i < list.size(); i++) {
        out.append(i > 0 ? ", " : "");
        repr(list.get(i), out, depth + 1);
      }
      out.append(isTuple ? (list.size() == 1 ? ",)" : ")") : "]");
    } else if (value instanceof Map<?, ?> map) {
      out.append("{");
      int i = 0;
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        out.append(i++ > 0 ? ", " : "");
        repr(entry.getKey(), out, depth + 1);
        out.append(": ");
        repr(entry.getValue(), out, depth + 1);
      }
      out.append("}");
    } else {
      throw new JinjaException("a function or a namespace can't be shown as text");
    }
  }

  private static void quote(Text text, TextBuilder out) {
    String string = text.string();
    char quote = string.indexOf('\'') >= 0 && string.indexOf('"') < 0 ? '"' : '\'';
    out.append(String.valueOf(quote));
    int i = 0;
    while (i < string.length()) {
      int c = string.codePointAt(i);
      int end = i + Character.charCount(c);
      out.append(quoted(c, quote), text, i, end);
      i = end;
    }
    out.append(String.valueOf(quote));
  }

  private static String quoted(int c, char quote) {
    return switch (c) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\\' -> "\\\\";
      default -> {
        if (c == quote) {
          yield "\\" + quote;
        }
        if (c < 0x20 || (c >= 0x7f && c < 0xa1) || c == 0xad) {
          yield String.format("\\x%02x", c);
        }
        boolean isShown = c == ' ' || isPrintable(c);
        yield isShown
            ? Character.toString(c)
            : String.format(c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
      }
    };
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR ->
          false;
      default -> true;
    };
  }

  static boolean equal(Object a, Object b) {
    Budget.walk();
    if (isNumber(a) && isNumber(b)) {
      return Numbers.compare(a, b) == 0;
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      if (left.size() != right.size() || (a instanceof Tuple) != (b instanceof Tuple)) {
        return false;
      }
      for (int i = 0; i < left.size(); i++) {
        if (!equal(left.get(i), right.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      if (left.size() != right.size()) {
        return false;
      }
      for (Map.Entry<?, ?> entry : left.entrySet()) {
        Object other = right.get(entry.getKey());
        if (other == null || !equal(entry.getValue(), other)) {
          return false;
        }
      }
      return true;
    }
    return (a instanceof Undefined && b instanceof Undefined) || a.equals(b);
  }

  /** Numbers, and what Python takes for such. */
  static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  static int compare(Object a, Object b) {
    Budget.walk();
    if (isNumber(a) && isNumber(b)) {
      return Numbers.compare(a, b);
    }
    if (a instanceof Text left && b instanceof Text right) {
      return left.compareTo(right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
        if (!equal(left.get(i), right.get(i))) {
          return compare(left.get(i), right.get(i));
        }
      }
      return Integer.compare(left.size(), right.size());
    }
    requireDefined(a);
    requireDefined(b);
    throw new JinjaException("'" + type(a) + "' and '" + type(b) + "' have no order");
  }

  static void requireDefined(Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
  }

  /** What a loop goes through. */
  static List<Object> iterate(Object value) {
    if (value instanceof List<?> list) {
      @SuppressWarnings("unchecked") // lists of templates hold anything
      List<Object> items = (List<Object>) list;
      return items;
    }
    if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    }
    if (value instanceof Text text) {
      return characters(text);
    }
    if (value instanceof Undefined) {
      return List.of();
    }
    throw new JinjaException("'" + type(value) + "' can't be looped over");
  }

  private static List<Object> characters(Text text) {
    List<Object> characters = new ArrayList<>();
    int i = 0;
    while (i < text.length()) {
      int end = i + Character.charCount(text.string().codePointAt(i));
      characters.add(text.slice(i, end));
      i = end;
    }
    return characters;
  }

  static long length(Object value) {
    if (value instanceof Text text) {
      return text.codePoints();
    }
    if (value instanceof List<?> list) {
      return list.size();
    }
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof Undefined) {
      return 0;
    }
    throw new JinjaException("'" + type(value) + "' has no length");
  }

  static boolean contains(Object container, Object value) {
    if (container instanceof Text text) {
      return text.string().contains(requireText(value, "the left side of 'in'").string());
    }
    if (container instanceof Map<?, ?> map) {
      return map.containsKey(value);
    }
    return iterate(container).stream().anyMatch(item -> equal(item, value));
  }

  /** Text, and nothing that would have to become text first. */
  static Text requireText(Object value, String what) {
    if (value instanceof Text text) {
      return text;
    }
    requireDefined(value);
    throw new JinjaException(what + " should be a string, found '" + type(value) + "'");
  }

  static int requireInt(Object value, String what) {
    if (value instanceof Long number && number == number.intValue()) {
      return number.intValue();
    }
    if (value instanceof Boolean flag) {
      return flag ? 1 : 0;
    }
    requireDefined(value);
    throw new JinjaException(what + " should be an integer, found '" + type(value) + "'");
  }

  @SuppressWarnings("unchecked") // maps of templates hold anything
  static Map<Object, Object> requireMap(Object value, String what) {
    if (value instanceof Map<?, ?> map) {
      return (Map<Object, Object>) map;
    }
    requireDefined(value);
    throw new JinjaException(what + " should be a mapping, found '" + type(value) + "'");
  }

  /** A key of a mapping; numbers that are equal are one key. */
  static Object key(Object value) {
    if (value instanceof Boolean flag) {
      return flag ? 1L : 0L;
    }
    if (value instanceof Text
        || value instanceof Number
        || value instanceof Tuple
        || value == None.NONE) {
      return value;
    }
    requireDefined(value);
    throw new JinjaException("'" + type(value) + "' can't be a key");
  }
}
