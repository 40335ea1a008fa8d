package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.UNLIMITED;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads the regular expressions of JSON schemas (ECMA 262), without what looks around, back or at
 * word boundaries. As there, an expression may match anywhere within a string unless {@code ^} and
 * {@code $} hold it to the ends. Where engines differ only what all of them match is allowed.
 */
final class PatternParser {
  private static final int MOST_DEPTH = 100;
  private static final int MOST_DIGITS = 6; // of a count

  private final String source;
  private int at;
  private int depth;

  /** An expression that is broken or not supported. */
  static final class PatternException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    PatternException(String problem) {
      super(problem);
    }
  }

  private PatternParser(String source) {
    this.source = source;
  }

  /**
   * @throws PatternException if the expression is broken or not supported
   */
  static Pattern parse(String source) {
    PatternParser parser = new PatternParser(source);
    Pattern pattern = parser.alternatives(true);
    if (parser.at < source.length()) {
      throw parser.wrong("an unmatched )");
    }
    return pattern;
  }

  private PatternException wrong(String problem) {
    return new PatternException(problem + " at character " + at + " is not supported");
  }

  private boolean isNext(char c) {
    return at < source.length() && source.charAt(at) == c;
  }

  private boolean take(char c) {
    boolean isTaken = isNext(c);
    at += isTaken ? 1 : 0;
    return isTaken;
  }

  private int point() {
    if (at == source.length()) {
      throw wrong("the end of the pattern");
    }
    int point = source.codePointAt(at);
    at += Character.charCount(point);
    return point;
  }

  private Pattern alternatives(boolean isOutermost) {
    List<Pattern> options = new ArrayList<>();
    do {
      options.add(isOutermost ? anchored() : sequence());
    } while (take('|'));
    return Pattern.oneOf(source, options);
  }

  private Pattern anchored() {
    Pattern before = take('^') ? Pattern.empty(source) : Pattern.anything(source);
    Pattern middle = sequence();
    Pattern after = take('$') ? Pattern.empty(source) : Pattern.anything(source);
    if (at < source.length() && !isNext('|') && !isNext(')')) {
      throw wrong("a $ that does not end the pattern");
    }
    return before.then(middle).then(after);
  }

  private Pattern sequence() {
    Pattern all = Pattern.empty(source);
    while (at < source.length() && !isNext('|') && !isNext(')') && !isNext('$')) {
      all = all.then(quantified(atom()));
    }
    return all;
  }

  private Pattern atom() {
    if (isNext('^') || isNext('*') || isNext('+') || isNext('?')) {
      throw wrong("the " + source.charAt(at));
    }
    if (take('(')) {
      return group();
    }
    if (take('.')) {
      return Pattern.character(source, CharacterEscapes.NO_LINE_END);
    }
    if (take('[')) {
      return Pattern.character(source, characterClass());
    }
    if (take('\\')) {
      return Pattern.character(source, escape());
    }
    int point = point();
    return Pattern.character(source, CodePoints.of(point, point));
  }

  private Pattern group() {
    if (take('?')) {
      boolean isNamed = take('<');
      if (isNamed && !isNext('=') && !isNext('!')) {
        at = source.indexOf('>', at) + 1;
        if (at == 0) {
          throw wrong("a group's name without an end");
        }
      } else if (isNamed || !take(':')) {
        throw wrong("looking around");
      }
    }
    if (++depth > MOST_DEPTH) {
      throw wrong("nesting this deep");
    }
    Pattern inner = alternatives(false);
    depth--;
    if (!take(')')) {
      throw wrong(isNext('$') ? "a $ within a group" : "a ( without an end");
    }
    return inner;
  }

  private Pattern quantified(Pattern body) {
    int least;
    int most;
    if (take('*')) {
      least = 0;
      most = UNLIMITED;
    } else if (take('+')) {
      least = 1;
      most = UNLIMITED;
    } else if (take('?')) {
      least = 0;
      most = 1;
    } else if (take('{')) {
      least = count();
      most = least;
      if (take(',')) {
        most = isNext('}') ? UNLIMITED : count();
      }
      if (!take('}') || (most != UNLIMITED && most < least)) {
        throw wrong("this count");
      }
    } else {
      return body;
    }
    take('?'); // which of several matches is found does not matter
    return body.repeated(least, most);
  }

  private int count() {
    int start = at;
    while (at < source.length() && source.charAt(at) >= '0' && source.charAt(at) <= '9') {
      at++;
    }
    if (at == start || at - start > MOST_DIGITS) {
      throw wrong("this count");
    }
    return Integer.parseInt(source.substring(start, at));
  }

  private CodePoints characterClass() {
    boolean isNegated = take('^');
    CodePoints set = CodePoints.NONE;
    while (!take(']')) {
      int start = at;
      CodePoints first = classMember(isNegated);
      boolean isRange = isNext('-') && at + 1 < source.length() && source.charAt(at + 1) != ']';
      if (isRange) {
        take('-');
        int low = first.only();
        int high = classMember(isNegated).only();
        if (low < 0 || high < low) {
          at = start;
          throw wrong("this range");
        }
        first = CodePoints.of(low, high);
      }
      set = set.or(first);
    }
    return isNegated ? set.not() : set;
  }

  private CodePoints classMember(boolean isNegated) {
    if (!take('\\')) {
      int point = point();
      return CodePoints.of(point, point);
    }
    if (take('b')) {
      return CodePoints.of('\b', '\b');
    }
    if (isNegated && take('s')) {
      return CharacterEscapes.ANY_SPACE; // what any engine takes for a space is left out
    }
    return escape();
  }

  /** What an escape stands for, after its backslash. */
  private CodePoints escape() {
    int point = point();
    CodePoints known = CharacterEscapes.find(point);
    if (known != null) {
      return known;
    }
    if (point == 'x' || point == 'u') {
      int digits = point == 'x' ? 2 : 4;
      String hex = source.substring(at, Math.min(source.length(), at + digits));
      if (!hex.matches("[0-9a-fA-F]{" + digits + "}")) {
        throw wrong("this escape");
      }
      at += digits;
      int value = Integer.parseInt(hex, 16);
      return CodePoints.of(value, value);
    }
    if (point < 0x80 && Character.isLetterOrDigit(point)) {
      at--;
      throw wrong("the escape \\" + (char) point);
    }
    return CodePoints.of(point, point);
  }
}
