package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.chat.jinja.Numbers.Operation;

/** What operators do with values of all kinds. */
final class Operators {
  private Operators() {}

  static Object calculate(Operation operation, Object a, Object b, Budget budget) {
    if (a instanceof Text text && operation == Operation.REMAINDER) {
      return PercentFormat.format(text, b, budget);
    }
    if (Values.isNumber(a) && Values.isNumber(b)) {
      return Numbers.calculate(operation, a, b);
    }
    if (operation == Operation.ADD) {
      if (a instanceof Text left && b instanceof Text right) {
        budget.make((long) left.length() + right.length());
        return left.isMarkup() || right.isMarkup()
            ? escaped(left, budget).plus(escaped(right, budget)).asMarkup()
            : left.plus(right);
      }
      if (a instanceof List<?> left
          && b instanceof List<?> right
          && (a instanceof Tuple) == (b instanceof Tuple)) {
        budget.make((long) left.size() + right.size());
        List<Object> all = new ArrayList<>(left);
        all.addAll(right);
        return a instanceof Tuple ? new Tuple(all) : all;
      }
    }
    if (operation == Operation.MULTIPLY) {
      if (isSequence(a) && isInteger(b)) {
        return repeat(a, b, budget);
      }
      if (isSequence(b) && isInteger(a)) {
        return repeat(b, a, budget);
      }
    }
    Values.requireDefined(a);
    Values.requireDefined(b);
    throw new JinjaException(
        "'%s' %s '%s' has no meaning".formatted(Values.type(a), operation.sign, Values.type(b)));
  }

  private static Text escaped(Text text, Budget budget) {
    return text.isMarkup() ? text : TextFilters.escape(text, budget);
  }

  private static boolean isSequence(Object value) {
    return value instanceof Text || value instanceof List;
  }

  private static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  private static Object repeat(Object value, Object times, Budget budget) {
    int count = Math.max(0, Values.requireInt(times, "a repetition"));
    if (value instanceof Text text) {
      budget.make((long) text.length() * count);
      TextBuilder out = new TextBuilder();
      for (int i = 0; i < count && !text.isEmpty(); i++) {
        out.append(text);
      }
      return out.toText();
    }
    List<Object> items = Values.iterate(value);
    budget.make((long) items.size() * count);
    List<Object> all = new ArrayList<>();
    for (int i = 0; i < count && !items.isEmpty(); i++) {
      all.addAll(items);
    }
    return value instanceof Tuple ? new Tuple(all) : all;
  }

  /** The operator {@code ~}. */
  static Text join(Object a, Object b, Budget budget) {
    Text left = Values.str(a);
    Text right = Values.str(b);
    budget.make((long) left.length() + right.length());
    return left.plus(right);
  }

  static boolean compare(String operator, Object a, Object b) {
    return switch (operator) {
      case "==" -> Values.equal(a, b);
      case "!=" -> !Values.equal(a, b);
      case "<" -> Values.compare(a, b) < 0;
      case "<=" -> Values.compare(a, b) <= 0;
      case ">" -> Values.compare(a, b) > 0;
      case ">=" -> Values.compare(a, b) >= 0;
      case "in" -> Values.contains(b, a);
      case "not in" -> !Values.contains(b, a);
      default -> throw new AssertionError(operator);
    };
  }
}
