package org.coreinfer.chat.jinja;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tests by name. */
final class Tests {
  /** {@code value is name(arguments)}. */
  interface Test {
    boolean holds(Object value, Arguments arguments);
  }

  private static final Map<String, Test> ALL = new HashMap<>();

  static {
    ALL.put("boolean", (v, a) -> v instanceof Boolean);
    ALL.put("callable", (v, a) -> v instanceof Callable);
    ALL.put("defined", (v, a) -> !(v instanceof Undefined));
    ALL.put("divisibleby", (v, a) -> isDivisible(v, a.only("num").get(0, "num")));
    ALL.put("even", (v, a) -> isDivisible(v, 2L));
    ALL.put("false", (v, a) -> Boolean.FALSE.equals(v));
    ALL.put(
        "filter",
        (v, a) -> Filters.find(Values.requireText(v, "a filter's name").string()) != null);
    ALL.put("float", (v, a) -> v instanceof Double);
    ALL.put("in", (v, a) -> Values.contains(a.only("seq").get(0, "seq"), v));
    ALL.put("integer", (v, a) -> v instanceof Long || v instanceof BigInteger);
    ALL.put(
        "iterable",
        (v, a) ->
            v instanceof Text || v instanceof List || v instanceof Map || v instanceof Undefined);
    ALL.put("lower", (v, a) -> TextMethods.isCased(Values.str(v), Character::isLowerCase));
    ALL.put("mapping", (v, a) -> v instanceof Map);
    ALL.put("none", (v, a) -> v == None.NONE);
    ALL.put("number", (v, a) -> Values.isNumber(v));
    ALL.put("odd", (v, a) -> !isDivisible(v, 2L));
    ALL.put(
        "sameas", (v, a) -> v == a.get(0, "other") || (isSingle(v) && v.equals(a.get(0, "other"))));
    ALL.put(
        "sequence",
        (v, a) ->
            v instanceof Text || v instanceof List || v instanceof Map || v instanceof Undefined);
    ALL.put("string", (v, a) -> v instanceof Text);
    ALL.put("test", (v, a) -> find(Values.requireText(v, "a test's name").string()) != null);
    ALL.put("true", (v, a) -> Boolean.TRUE.equals(v));
    ALL.put("undefined", (v, a) -> v instanceof Undefined);
    ALL.put("upper", (v, a) -> TextMethods.isCased(Values.str(v), Character::isUpperCase));
    comparison("==", "eq", "equalto");
    comparison("!=", "ne");
    comparison("<", "lt", "lessthan");
    comparison("<=", "le");
    comparison(">", "gt", "greaterthan");
    comparison(">=", "ge");
  }

  private Tests() {}

  private static void comparison(String operator, String... names) {
    Test test = (v, a) -> Operators.compare(operator, v, a.only("other").get(0, "other"));
    ALL.put(operator, test);
    for (String name : names) {
      ALL.put(name, test);
    }
  }

  static @Nullable Test find(String name) {
    return ALL.get(name);
  }

  /** Whether equal values are the same object in Python. */
  private static boolean isSingle(Object value) {
    return value instanceof Boolean || value == None.NONE;
  }

  private static boolean isDivisible(Object value, Object by) {
    Object rest = Numbers.calculate(Numbers.Operation.REMAINDER, number(value), number(by));
    return Numbers.compare(rest, 0L) == 0;
  }

  private static Object number(Object value) {
    if (!Values.isNumber(value)) {
      Values.requireDefined(value);
      throw new JinjaException("'" + Values.type(value) + "' is no number");
    }
    return value;
  }
}
