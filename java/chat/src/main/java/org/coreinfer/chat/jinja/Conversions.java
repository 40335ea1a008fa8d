package org.coreinfer.chat.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/** The filters that make numbers. */
final class Conversions {
  private static final int MOST_DIGITS = 300;

  private Conversions() {}

  static Object toInteger(Object value, Arguments arguments) {
    arguments.only("default", "base");
    Object fallback = arguments.get(0, "default", 0L);
    if (value instanceof Double number) {
      boolean isFinite = !number.isNaN() && !number.isInfinite();
      return isFinite && Math.abs(number) < Long.MAX_VALUE ? (Object) number.longValue() : fallback;
    }
    if (Values.isNumber(value)) {
      return Numbers.plus(value);
    }
    if (!(value instanceof Text text)) {
      return fallback;
    }
    String digits = stripped(text).replace("_", "");
    try {
      return Long.parseLong(digits, arguments.integer(1, "base", 10));
    } catch (NumberFormatException e) {
      return fromFloat(digits, fallback);
    }
  }

  /** As Python's int filter does it: by way of a float. */
  private static Object fromFloat(String digits, Object fallback) {
    try {
      double number = Double.parseDouble(digits);
      return Math.abs(number) < Long.MAX_VALUE ? (Object) (long) number : fallback;
    } catch (NumberFormatException e) {
      return fallback;
    }
  }

  static Object toFloat(Object value, Arguments arguments) {
    Object fallback = arguments.only("default").get(0, "default", 0.0);
    if (Values.isNumber(value)) {
      return Numbers.toDouble(value);
    }
    if (!(value instanceof Text text)) {
      return fallback;
    }
    try {
      return Double.parseDouble(stripped(text));
    } catch (NumberFormatException e) {
      return fallback;
    }
  }

  private static String stripped(Text text) {
    return TextMethods.strip(text, None.NONE, true, true).string();
  }

  static Object round(Object value, Arguments arguments) {
    arguments.only("precision", "method");
    int digits = arguments.integer(0, "precision", 0);
    String method = arguments.text(1, "method", "common").string();
    if (!Values.isNumber(value) || Math.abs(digits) > MOST_DIGITS) {
      Values.requireDefined(value);
      throw new JinjaException("round: '" + Values.type(value) + "' can't be rounded so");
    }
    RoundingMode mode =
        switch (method) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw new JinjaException("round: unknown method '" + method + "'");
        };
    BigDecimal exact =
        value instanceof BigInteger big
            ? new BigDecimal(big)
            : new BigDecimal(Numbers.toDouble(value));
    double rounded = exact.setScale(digits, mode).doubleValue();
    boolean isWhole = method.equals("common") && !(value instanceof Double);
    return isWhole ? (Object) (long) rounded : rounded;
  }
}
