package org.coreinfer.grammar;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.grammar.Expression.Repeat;
import org.jspecify.annotations.Nullable;

/** Reads llama.cpp's GBNF. */
final class GbnfParser {
  private static final int MOST_DEPTH = 100;
  private static final int MOST_DIGITS = 6; // of a count
  private static final String WHAT_MAY_COME =
      "expected a text in quotes, a class in [], a rule's name, ( or .";

  private final GbnfText text;
  private final GbnfRules rules;
  private int depth;

  GbnfParser(GbnfText text, GbnfRules rules) {
    this.text = text;
    this.rules = rules;
  }

  /**
   * Defines all rules.
   *
   * @throws GbnfException if something is broken
   */
  void parse() {
    text.skip(true);
    while (text.next() != GbnfText.END) {
      rule();
      text.skip(true);
    }
  }

  private void rule() {
    int start = text.at();
    String name = name();
    if (name.isEmpty()) {
      throw text.wrong("expected a rule's name, found " + text.found());
    }
    text.skip(false);
    if (!text.take("::=")) {
      throw text.wrong("expected ::= after the rule's name, found " + text.found());
    }
    text.skip(true);
    Expression body = alternatives(false);
    rules.define(name, start, body);
    if (text.next() != GbnfText.END && !GbnfText.isLineEnd(text.next())) {
      throw text.wrong(
          text.next() == ')'
              ? "a ) without a ("
              : WHAT_MAY_COME + ", or the end of the line, found " + text.found());
    }
  }

  private String name() {
    StringBuilder name = new StringBuilder();
    while (isOfName(text.next())) {
      name.appendCodePoint(text.take());
    }
    return name.toString();
  }

  private static boolean isOfName(int point) {
    return (point >= 'a' && point <= 'z')
        || (point >= 'A' && point <= 'Z')
        || (point >= '0' && point <= '9')
        || point == '-'
        || point == '_';
  }

  /**
   * @param isNested whether lines may end anywhere, as within parentheses
   */
  private Expression alternatives(boolean isNested) {
    List<Expression> options = new ArrayList<>();
    options.add(sequence(isNested));
    text.skipToAlternative();
    while (text.take("|")) {
      text.skip(true);
      options.add(sequence(isNested));
      text.skipToAlternative();
    }
    return options.size() == 1 ? options.get(0) : new Expression.Choice(List.copyOf(options));
  }

  private Expression sequence(boolean isNested) {
    List<Expression> parts = new ArrayList<>();
    while (true) {
      Expression part = part();
      if (part == null) {
        return new Expression.Sequence(List.copyOf(parts));
      }
      parts.add(repeated(part));
      text.skip(isNested);
    }
  }

  private @Nullable Expression part() {
    int point = text.next();
    if (point == '"') {
      return literal();
    }
    if (point == '[') {
      return characterClass();
    }
    if (text.take(".")) {
      return character(CodePoints.ALL);
    }
    if (point == '(') {
      return group();
    }
    if (isOfName(point)) {
      int start = text.at();
      return new Expression.Call(rules.used(name(), start));
    }
    if (point == '<' || point == '!') {
      throw text.wrong("single tokens, as in <think>, are not supported: spell their text");
    }
    if (point == '*' || point == '+' || point == '?' || point == '{') {
      throw text.wrong("nothing stands before " + text.found() + " that it could repeat");
    }
    return null;
  }

  private Expression group() {
    int start = text.at();
    text.take();
    if (++depth > MOST_DEPTH) {
      throw text.wrong(start, "more than " + MOST_DEPTH + " parentheses within each other");
    }
    text.skip(true);
    Expression inner = alternatives(true);
    depth--;
    text.skip(true);
    if (!text.take(")")) {
      throw text.next() == GbnfText.END
          ? text.wrong(start, "a ( without a )")
          : text.wrong(WHAT_MAY_COME + ", or ), found " + text.found());
    }
    return inner;
  }

  /** The same expression if nothing repeats it. */
  private Expression repeated(Expression body) {
    if (text.take("*")) {
      return new Repeat(body, 0, Expression.UNLIMITED);
    }
    if (text.take("+")) {
      return new Repeat(body, 1, Expression.UNLIMITED);
    }
    if (text.take("?")) {
      return new Repeat(body, 0, 1);
    }
    int start = text.at();
    if (!text.take("{")) {
      return body;
    }
    text.skip(false);
    int least = text.next() == ',' ? 0 : count();
    int most = least;
    text.skip(false);
    if (text.take(",")) {
      text.skip(false);
      most = text.next() == '}' ? Expression.UNLIMITED : count();
      text.skip(false);
    }
    if (!text.take("}")) {
      throw text.wrong("expected } after a count, found " + text.found());
    }
    if (most != Expression.UNLIMITED && most < least) {
      throw text.wrong(start, "at most %d of what comes at least %d times".formatted(most, least));
    }
    return new Repeat(body, least, most);
  }

  private int count() {
    int start = text.at();
    int value = 0;
    while (text.next() >= '0' && text.next() <= '9') {
      value = 10 * value + text.take() - '0';
      if (text.at() - start > MOST_DIGITS) {
        throw text.wrong(start, "a count of more than " + MOST_DIGITS + " digits");
      }
    }
    if (text.at() == start) {
      throw text.wrong("expected a count, such as 3, found " + text.found());
    }
    return value;
  }

  private static Expression character(CodePoints set) {
    return new Expression.Symbol(set.utf8());
  }

  private Expression literal() {
    int start = text.at();
    text.take();
    StringBuilder content = new StringBuilder();
    while (!text.take("\"")) {
      requireMore(start, "a text without its second quote");
      content.appendCodePoint(point());
    }
    return content.codePointCount(0, content.length()) == 1
        ? character(CodePoints.of(content.toString()))
        : Expression.text(content.toString());
  }

  private void requireMore(int start, String problem) {
    if (text.next() == GbnfText.END || GbnfText.isLineEnd(text.next())) {
      throw text.wrong(start, problem);
    }
  }

  private Expression characterClass() {
    int start = text.at();
    text.take();
    boolean isNegated = text.take("^");
    CodePoints set = CodePoints.NONE;
    while (!text.take("]")) {
      requireMore(start, "a class without its ]");
      int rangeStart = text.at();
      int first = point();
      int last = first;
      if (text.next() == '-') {
        text.take();
        if (text.next() == ']') {
          set = set.or(CodePoints.of('-', '-')); // a dash at the end stands for itself
        } else {
          requireMore(start, "a class without its ]");
          last = point();
        }
        if (last < first) {
          throw text.wrong(rangeStart, "the range ends before it begins");
        }
      }
      set = set.or(CodePoints.of(first, last));
    }
    set = isNegated ? set.not() : set;
    if (set.isEmpty()) {
      throw text.wrong(start, "a class of no character");
    }
    return character(set);
  }

  /** A character of a text or class, or what an escape stands for. */
  private int point() {
    int start = text.at();
    int point = text.take();
    if (point == '\\') {
      point = escaped(start);
    }
    if (point > Character.MAX_CODE_POINT
        || (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE)) {
      throw text.wrong(start, "this is no Unicode character");
    }
    return point;
  }

  private int escaped(int start) {
    int kind = text.next() == GbnfText.END ? GbnfText.END : text.take();
    return switch (kind) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'x' -> text.hex(2);
      case 'u' -> text.hex(4);
      case 'U' -> text.hex(8) & Integer.MAX_VALUE;
      case '\\', '"', '[', ']', '-', '^', '/', '\'', '.', '{', '}', '(', ')', '|', '*', '+', '?' ->
          kind;
      default ->
          throw text.wrong(
              start,
              "an unknown escape: expected \\n \\r \\t \\\\ \\\" \\[ \\] \\xHH \\uHHHH or \\UHHHHHHHH");
    };
  }
}
