package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.UNLIMITED;

import java.util.ArrayList;
import java.util.List;

/**
 * The strings that match a regular expression.
 *
 * @param source the expression
 * @param content their characters as they stand in JSON between the quotes
 * @param min the fewest characters
 * @param max the most characters, or {@link Expression#UNLIMITED}
 */
record Pattern(String source, Expression content, int min, int max) {
  private static final int LONG = 1 << 24; // lengths from here on count as unlimited

  static Pattern empty(String source) {
    return new Pattern(source, Expression.EMPTY, 0, 0);
  }

  static Pattern character(String source, CodePoints points) {
    return new Pattern(source, JsonText.escaped(points), 1, 1);
  }

  /** Any number of any characters. */
  static Pattern anything(String source) {
    Expression content = new Expression.Repeat(JsonText.CHARACTER, 0, UNLIMITED);
    return new Pattern(source, content, 0, UNLIMITED);
  }

  Pattern then(Pattern next) {
    return new Pattern(
        source,
        Expression.sequence(content, next.content),
        limited((long) min + next.min),
        max == UNLIMITED || next.max == UNLIMITED ? UNLIMITED : bounded((long) max + next.max));
  }

  Pattern repeated(int least, int most) {
    boolean isEndless = max == UNLIMITED || (most == UNLIMITED && max > 0);
    return new Pattern(
        source,
        new Expression.Repeat(content, least, most),
        limited((long) min * least),
        isEndless ? UNLIMITED : bounded((long) max * Math.max(most, 0)));
  }

  static Pattern oneOf(String source, List<Pattern> options) {
    List<Expression> contents = new ArrayList<>();
    int min = LONG;
    int max = 0;
    for (Pattern option : options) {
      contents.add(option.content);
      min = Math.min(min, option.min);
      max = max == UNLIMITED || option.max == UNLIMITED ? UNLIMITED : Math.max(max, option.max);
    }
    return new Pattern(source, new Expression.Choice(contents), min, max);
  }

  private static int limited(long length) {
    return (int) Math.min(LONG, length);
  }

  private static int bounded(long length) {
    return length >= LONG ? UNLIMITED : (int) length;
  }
}
