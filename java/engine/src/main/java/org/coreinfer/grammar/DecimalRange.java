package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.EMPTY;
import static org.coreinfer.grammar.Expression.NOTHING;
import static org.coreinfer.grammar.Expression.choice;
import static org.coreinfer.grammar.Expression.range;
import static org.coreinfer.grammar.Expression.sequence;
import static org.coreinfer.grammar.Expression.text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.coreinfer.grammar.Expression.Choice;
import org.coreinfer.grammar.Expression.Repeat;
import org.jspecify.annotations.Nullable;

/**
 * Decimal numbers within bounds, digit by digit: as long as the digits are those of a bound the
 * next one must not pass it, and from the first that differs on all are free.
 */
final class DecimalRange {
  private static final int MOST_DIGITS = 16; // before the point, unless a bound has more
  private static final int MOST_DECIMALS = 16; // free ones
  private static final Expression DIGIT = range('0', '9');

  private DecimalRange() {}

  /** Whole numbers from {@code low} to {@code high}; null for no bound. */
  static Expression integers(@Nullable BigDecimal low, @Nullable BigDecimal high) {
    BigInteger zero = BigInteger.ZERO;
    BigInteger least = low == null ? null : low.toBigIntegerExact();
    BigInteger most = high == null ? null : high.toBigIntegerExact();
    Expression positive =
        most != null && most.signum() < 0
            ? NOTHING
            : magnitudes(least == null ? zero : least.max(zero), most);
    Expression negative =
        least != null && least.signum() >= 0
            ? NOTHING
            : magnitudes(
                most == null || most.signum() >= 0 ? BigInteger.ONE : most.negate(),
                least == null ? null : least.negate());
    return choice(positive, sequence(text("-"), negative));
  }

  /** Numbers without an exponent; null for no bound. */
  static Expression decimals(
      @Nullable BigDecimal low,
      boolean isLowIncluded,
      @Nullable BigDecimal high,
      boolean isHighIncluded) {
    BigDecimal zero = BigDecimal.ZERO;
    boolean startsAboveZero = low != null && low.signum() > 0;
    boolean endsBelowZero = high != null && high.signum() < 0;
    Expression positive = NOTHING;
    if (!endsBelowZero) {
      boolean isZeroLow = low == null || low.signum() < 0;
      BigDecimal from = startsAboveZero ? Objects.requireNonNull(low) : zero;
      positive = magnitudes(from, isZeroLow || isLowIncluded, high, isHighIncluded);
    }
    Expression negative = NOTHING;
    if (low == null || low.signum() < 0) {
      boolean isZeroHigh = high == null || high.signum() > 0;
      BigDecimal from = endsBelowZero ? Objects.requireNonNull(high).negate() : zero;
      BigDecimal to = low == null ? null : low.negate();
      negative = magnitudes(from, isZeroHigh || isHighIncluded, to, isLowIncluded);
    }
    return choice(positive, sequence(text("-"), negative));
  }

  /** Whole numbers of at least 0. */
  private static Expression magnitudes(BigInteger low, @Nullable BigInteger high) {
    if (high != null && low.compareTo(high) > 0) {
      return NOTHING;
    }
    int fewest = low.toString().length();
    int most = high == null ? Math.max(fewest, MOST_DIGITS) : high.toString().length();
    List<Expression> options = new ArrayList<>();
    for (int length = fewest; length <= most; length++) {
      String first = length == 1 ? "0" : "1" + "0".repeat(length - 1);
      String from = length == fewest ? low.toString() : first;
      String to =
          high != null && length == high.toString().length() ? high.toString() : "9".repeat(length);
      options.add(sameLength(from, to));
    }
    return new Choice(options);
  }

  /** Strings of digits between two of the same length. */
  private static Expression sameLength(String from, String to) {
    int length = from.length();
    if (from.equals("0".repeat(length)) && to.equals("9".repeat(length))) {
      return new Repeat(DIGIT, length, length);
    }
    char low = from.charAt(0);
    char high = to.charAt(0);
    String zeros = "0".repeat(length - 1);
    String nines = "9".repeat(length - 1);
    if (low == high) {
      return sequence(range(low, low), sameLength(from.substring(1), to.substring(1)));
    }
    List<Expression> options = new ArrayList<>();
    options.add(sequence(range(low, low), sameLength(from.substring(1), nines)));
    if (low + 1 < high) {
      Expression free = new Repeat(DIGIT, length - 1, length - 1);
      options.add(sequence(range((char) (low + 1), (char) (high - 1)), free));
    }
    options.add(sequence(range(high, high), sameLength(zeros, to.substring(1))));
    return new Choice(options);
  }

  /** Numbers of at least 0: by their whole part, which may be that of a bound. */
  private static Expression magnitudes(
      BigDecimal low, boolean isLowIncluded, @Nullable BigDecimal high, boolean isHighIncluded) {
    if (high != null && low.compareTo(high) > 0) {
      return NOTHING;
    }
    BigInteger lowWhole = low.toBigInteger();
    Fraction lower = new Fraction(digits(low), isLowIncluded, null, true);
    if (high == null) {
      return choice(
          sequence(text(lowWhole.toString()), lower.expression()),
          sequence(magnitudes(lowWhole.add(BigInteger.ONE), null), Fraction.FREE.expression()));
    }
    BigInteger highWhole = high.toBigInteger();
    if (lowWhole.equals(highWhole)) {
      Fraction both = new Fraction(digits(low), isLowIncluded, digits(high), isHighIncluded);
      return sequence(text(lowWhole.toString()), both.expression());
    }
    Fraction upper = new Fraction(null, true, digits(high), isHighIncluded);
    Expression between =
        magnitudes(lowWhole.add(BigInteger.ONE), highWhole.subtract(BigInteger.ONE));
    return choice(
        sequence(text(lowWhole.toString()), lower.expression()),
        sequence(between, Fraction.FREE.expression()),
        sequence(text(highWhole.toString()), upper.expression()));
  }

  /** The digits after the point, without zeros at the end. */
  private static String digits(BigDecimal value) {
    BigDecimal fraction = value.subtract(value.setScale(0, RoundingMode.DOWN)).stripTrailingZeros();
    String plain = fraction.toPlainString();
    return plain.contains(".") ? plain.substring(plain.indexOf('.') + 1) : "";
  }

  /** What may follow a whole part; digits of null are no bound. */
  private record Fraction(
      @Nullable String low, boolean isLowIncluded, @Nullable String high, boolean isHighIncluded) {
    static final Fraction FREE = new Fraction(null, true, null, true);

    Expression expression() {
      Expression decimals = sequence(text("."), digits(0, low != null, high != null, false));
      return mayStop(0, low != null, high != null) ? choice(decimals, EMPTY) : decimals;
    }

    /** The digits from an index on. */
    private Expression digits(int index, boolean isLow, boolean isHigh, boolean mayBeNone) {
      int bounded = Math.max(isLow ? length(low) : 0, isHigh ? length(high) : 0);
      List<Expression> options = new ArrayList<>();
      if (mayBeNone && mayStop(index, isLow, isHigh)) {
        options.add(EMPTY);
      }
      if (!isLow && !isHigh) {
        options.add(new Repeat(DIGIT, 1, MOST_DECIMALS));
      } else if (index >= bounded) {
        options.add(pastBounds(isLow, isHigh));
      } else {
        char from = isLow ? digit(low, index) : '0';
        char to = isHigh ? digit(high, index) : '9';
        for (char digit = from; digit <= to; digit++) {
          boolean staysLow = isLow && digit == from;
          boolean staysHigh = isHigh && digit == to;
          options.add(sequence(range(digit, digit), digits(index + 1, staysLow, staysHigh, true)));
        }
      }
      return new Choice(options);
    }

    /** At least one more digit after exactly those of a bound. */
    private Expression pastBounds(boolean isLow, boolean isHigh) {
      Expression zeros = new Repeat(text("0"), 1, MOST_DECIMALS);
      if (isHigh) {
        boolean isAllowed = isHighIncluded && (!isLow || isLowIncluded);
        return isAllowed ? zeros : NOTHING;
      }
      return isLowIncluded
          ? new Repeat(DIGIT, 1, MOST_DECIMALS)
          : sequence(
              new Repeat(text("0"), 0, MOST_DECIMALS),
              range('1', '9'),
              new Repeat(DIGIT, 0, MOST_DECIMALS));
    }

    /** Whether zeros from an index on are within the bounds. */
    private boolean mayStop(int index, boolean isLow, boolean isHigh) {
      boolean isHighEnough = !isLow || (length(low) <= index && isLowIncluded);
      boolean isLowEnough = !isHigh || length(high) > index || isHighIncluded;
      return isHighEnough && isLowEnough;
    }

    private static int length(@Nullable String digits) {
      return digits == null ? 0 : digits.length();
    }

    private static char digit(@Nullable String digits, int index) {
      return index < length(digits) ? String.valueOf(digits).charAt(index) : '0';
    }
  }
}
