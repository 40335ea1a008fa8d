package org.coreinfer.chat.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;

/** Python's arithmetic; integers beyond 64 bits can only be shown and compared. */
final class Numbers {
  private Numbers() {}

  /** An operation on two numbers. */
  enum Operation {
    ADD("+"),
    SUBTRACT("-"),
    MULTIPLY("*"),
    DIVIDE("/"),
    DIVIDE_DOWN("//"),
    REMAINDER("%"),
    POWER("**");

    final String sign;

    Operation(String sign) {
      this.sign = sign;
    }
  }

  static int compare(Object a, Object b) {
    if (isFractional(a) || isFractional(b)) {
      return Double.compare(toDouble(a) + 0.0, toDouble(b) + 0.0);
    }
    return decimal(a).compareTo(decimal(b));
  }

  private static boolean isFractional(Object value) {
    return value instanceof Double;
  }

  private static BigDecimal decimal(Object value) {
    return value instanceof BigInteger big
        ? new BigDecimal(big)
        : BigDecimal.valueOf(integer(value));
  }

  static double toDouble(Object value) {
    return value instanceof Boolean flag ? (flag ? 1 : 0) : ((Number) value).doubleValue();
  }

  private static long integer(Object value) {
    if (value instanceof Boolean flag) {
      return flag ? 1 : 0;
    }
    if (value instanceof Long number) {
      return number;
    }
    throw new JinjaException("the integer " + value + " is too large to calculate with");
  }

  static Object calculate(Operation operation, Object a, Object b) {
    try {
      boolean isFloat = isFractional(a) || isFractional(b) || operation == Operation.DIVIDE;
      return isFloat
          ? (Object) floats(operation, toDouble(a), toDouble(b))
          : integers(operation, integer(a), integer(b));
    } catch (ArithmeticException e) {
      throw new JinjaException(
          "%s %s %s can't be calculated".formatted(Values.str(a), operation.sign, Values.str(b)));
    }
  }

  private static Object integers(Operation operation, long a, long b) {
    return switch (operation) {
      case ADD -> Math.addExact(a, b);
      case SUBTRACT -> Math.subtractExact(a, b);
      case MULTIPLY -> Math.multiplyExact(a, b);
      case DIVIDE_DOWN -> Math.floorDiv(a, b);
      case REMAINDER -> Math.floorMod(a, b);
      case POWER -> power(a, b);
      case DIVIDE -> throw new AssertionError(operation);
    };
  }

  private static Object power(long a, long b) {
    if (b < 0) {
      return floats(Operation.POWER, (double) a, (double) b);
    }
    if (b > Long.SIZE && a != 0 && Math.abs(a) != 1) {
      throw new ArithmeticException("too large");
    }
    long result = 1;
    for (long i = Math.abs(a) < 2 ? (b == 0 ? 0 : 2 - b % 2) : b; i > 0; i--) {
      result = Math.multiplyExact(result, a);
    }
    return result;
  }

  private static double floats(Operation operation, double a, double b) {
    boolean divides =
        operation == Operation.DIVIDE
            || operation == Operation.DIVIDE_DOWN
            || operation == Operation.REMAINDER;
    if (divides && b == 0) {
      throw new ArithmeticException("division by zero");
    }
    return switch (operation) {
      case ADD -> a + b;
      case SUBTRACT -> a - b;
      case MULTIPLY -> a * b;
      case DIVIDE -> a / b;
      case DIVIDE_DOWN -> Math.floor(a / b);
      case REMAINDER -> a - b * Math.floor(a / b);
      case POWER -> Math.pow(a, b);
    };
  }

  static Object negate(Object value) {
    if (!Values.isNumber(value)) {
      Values.requireDefined(value);
      throw new JinjaException("'" + Values.type(value) + "' can't be negated");
    }
    return value instanceof Double number
        ? (Object) (-number)
        : calculate(Operation.SUBTRACT, 0L, value);
  }

  static Object plus(Object value) {
    if (!Values.isNumber(value)) {
      Values.requireDefined(value);
      throw new JinjaException("'" + Values.type(value) + "' is no number");
    }
    return value instanceof Boolean ? integer(value) : value;
  }
}
