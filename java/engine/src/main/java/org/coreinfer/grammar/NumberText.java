package org.coreinfer.grammar;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The text of numbers within bounds. */
final class NumberText {
  private NumberText() {}

  /** A bound of numbers. */
  private record Bound(BigDecimal value, boolean isInclusive) {}

  static Expression integer(List<SchemaPart> own) {
    Bound low = low(own);
    Bound high = high(own);
    if (low == null && high == null) {
      return JsonText.INTEGER;
    }
    return DecimalRange.integers(least(low), most(high));
  }

  private static @Nullable BigDecimal least(@Nullable Bound low) {
    if (low == null) {
      return null;
    }
    BigDecimal whole = low.value.setScale(0, RoundingMode.CEILING);
    boolean isNext = !low.isInclusive && whole.compareTo(low.value) == 0;
    return isNext ? whole.add(BigDecimal.ONE) : whole;
  }

  private static @Nullable BigDecimal most(@Nullable Bound high) {
    if (high == null) {
      return null;
    }
    BigDecimal whole = high.value.setScale(0, RoundingMode.FLOOR);
    boolean isBefore = !high.isInclusive && whole.compareTo(high.value) == 0;
    return isBefore ? whole.subtract(BigDecimal.ONE) : whole;
  }

  static Expression number(List<SchemaPart> own) {
    Bound low = low(own);
    Bound high = high(own);
    if (low == null && high == null) {
      return JsonText.NUMBER;
    }
    return DecimalRange.decimals(
        low == null ? null : low.value,
        low != null && low.isInclusive,
        high == null ? null : high.value,
        high != null && high.isInclusive);
  }

  private static @Nullable Bound low(List<SchemaPart> own) {
    Bound best = null;
    for (SchemaPart part : own) {
      for (boolean isInclusive : new boolean[] {true, false}) {
        BigDecimal value =
            SchemaKeywords.number(part, isInclusive ? "minimum" : "exclusiveMinimum");
        boolean isTighter =
            value != null && (best == null || value.compareTo(best.value) >= (isInclusive ? 1 : 0));
        if (value != null && isTighter) {
          best = new Bound(value, isInclusive);
        }
      }
    }
    return best;
  }

  private static @Nullable Bound high(List<SchemaPart> own) {
    Bound best = null;
    for (SchemaPart part : own) {
      for (boolean isInclusive : new boolean[] {true, false}) {
        BigDecimal value =
            SchemaKeywords.number(part, isInclusive ? "maximum" : "exclusiveMaximum");
        boolean isTighter =
            value != null && (best == null || best.value.compareTo(value) >= (isInclusive ? 1 : 0));
        if (value != null && isTighter) {
          best = new Bound(value, isInclusive);
        }
      }
    }
    return best;
  }
}
