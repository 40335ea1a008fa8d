package org.coreinfer.chat.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.coreinfer.chat.jinja.Token.Kind;

/**
 * Cuts a template into tokens. Like Transformers it drops the line break after a block and the
 * spaces before one that begins its line.
 */
final class Lexer {
  private static final String[] OPERATORS = {
    "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";"
  };

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private int counted; // line breaks before here are in line
  private boolean isLineStart = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    return new Lexer(source).run();
  }

  private List<Token> run() {
    while (at < source.length()) {
      int begin = nextTag();
      char sign = begin + 2 < source.length() ? source.charAt(begin + 2) : ' ';
      boolean isVariable = source.startsWith("{{", begin);
      data(begin, sign, isVariable);
      if (begin == source.length()) {
        break;
      }
      at = begin + (sign == '-' || sign == '+' ? 3 : 2);
      if (isVariable) {
        tag(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, "}}");
      } else if (source.startsWith("{#", begin)) {
        comment(begin);
      } else if (!raw()) {
        tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
      }
      isLineStart = source.charAt(at - 1) == '\n';
    }
    add(Kind.END, "", at);
    return tokens;
  }

  private int nextTag() {
    for (int i = at; i + 1 < source.length(); i++) {
      if (source.charAt(i) == '{' && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return source.length();
  }

  /** The text before a tag, without what the tag takes away. */
  private void data(int end, char sign, boolean isVariable) {
    int kept = end;
    if (end < source.length()) {
      if (sign == '-') {
        kept = withoutSpaces(at, end);
      } else if (sign != '+' && !isVariable) {
        int lineStart = end;
        while (lineStart > at && source.charAt(lineStart - 1) != '\n') {
          lineStart--;
        }
        boolean begins = lineStart > at || isLineStart;
        if (begins && withoutSpaces(lineStart, end) == lineStart) {
          kept = lineStart;
        }
      }
    }
    if (kept > at) {
      add(Kind.DATA, source.substring(at, kept), at);
    }
  }

  private int withoutSpaces(int from, int end) {
    int kept = end;
    while (kept > from && Characters.isSpace(source.charAt(kept - 1))) {
      kept--;
    }
    return kept;
  }

  private void comment(int begin) {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw new JinjaException("a comment is not closed", lineAt(begin));
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    at = end + 2;
    skipAfter(sign, true);
  }

  /** What a tag takes of the text after it. */
  private void skipAfter(char sign, boolean takesLineBreak) {
    if (sign == '-') {
      skipSpaces();
    } else if (sign != '+' && takesLineBreak && source.startsWith("\n", at)) {
      at++;
    }
  }

  private void skipSpaces() {
    while (at < source.length() && Characters.isSpace(source.charAt(at))) {
      at++;
    }
  }

  /** Reads a raw block, if one begins here. */
  private boolean raw() {
    int begin = at;
    skipSpaces();
    if (!source.startsWith("raw", at)) {
      at = begin;
      return false;
    }
    at += 3;
    skipSpaces();
    boolean isStripped = source.startsWith("-%}", at);
    if (!isStripped && !source.startsWith("%}", at)) {
      at = begin;
      return false;
    }
    at += isStripped ? 3 : 2;
    skipAfter(isStripped ? '-' : ' ', false);
    int text = at;
    for (int i = source.indexOf("{%", at); i >= 0; i = source.indexOf("{%", i + 1)) {
      at = i + 2;
      char sign = at < source.length() ? source.charAt(at) : ' ';
      at += sign == '-' || sign == '+' ? 1 : 0;
      skipSpaces();
      if (source.startsWith("endraw", at)) {
        at += 6;
        skipSpaces();
        endRaw(text, i, sign);
        return true;
      }
    }
    throw new JinjaException("a raw block is not closed", lineAt(begin));
  }

  private void endRaw(int text, int end, char signBefore) {
    char sign = at < source.length() ? source.charAt(at) : ' ';
    at += sign == '-' || sign == '+' ? 1 : 0;
    if (!source.startsWith("%}", at)) {
      throw new JinjaException("endraw is not closed", lineAt(end));
    }
    int after = at + 2;
    at = text;
    isLineStart = text > 0 && source.charAt(text - 1) == '\n';
    data(end, signBefore, false);
    at = after;
    skipAfter(sign, true);
  }

  /** Reads a tag up to its end. */
  private void tag(Kind begin, Kind end, String close) {
    int start = at;
    add(begin, "", start);
    Deque<String> open = new ArrayDeque<>();
    while (true) {
      skipSpaces();
      if (at >= source.length()) {
        throw new JinjaException("a tag is not closed", lineAt(start));
      }
      if (open.isEmpty() && isClose(close)) {
        char sign = source.charAt(at);
        add(end, "", at);
        at += sign == '-' || sign == '+' ? 3 : 2;
        skipAfter(sign, end == Kind.BLOCK_END);
        return;
      }
      char c = source.charAt(at);
      if (c == '"' || c == '\'') {
        string(c);
      } else if (Characters.isDigit(c)) {
        number();
      } else if (Characters.isNameStart(c)) {
        int from = at;
        while (at < source.length() && Characters.isNamePart(source.charAt(at))) {
          at++;
        }
        add(Kind.NAME, source.substring(from, at), from);
      } else {
        operator(open);
      }
    }
  }

  private boolean isClose(String close) {
    return source.startsWith(close, at)
        || source.startsWith("-" + close, at)
        || (close.equals("%}") && source.startsWith("+" + close, at));
  }

  private void operator(Deque<String> open) {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        add(Kind.OPERATOR, operator, at);
        balance(operator, open);
        at += operator.length();
        return;
      }
    }
    throw new JinjaException("unexpected character '" + source.charAt(at) + "'", lineAt(at));
  }

  private void balance(String operator, Deque<String> open) {
    switch (operator) {
      case "(" -> open.push(")");
      case "[" -> open.push("]");
      case "{" -> open.push("}");
      case ")", "]", "}" -> {
        if (open.isEmpty() || !open.pop().equals(operator)) {
          throw new JinjaException("unexpected '" + operator + "'", lineAt(at));
        }
      }
      default -> {}
    }
  }

  private void number() {
    int from = at;
    boolean isHex = source.startsWith("0x", at) || source.startsWith("0X", at);
    at += isHex ? 2 : 0;
    while (at < source.length() && isDigit(source.charAt(at), isHex)) {
      at++;
    }
    boolean isFloat = false;
    if (!isHex && at + 1 < source.length() && source.charAt(at) == '.') {
      if (Characters.isDigit(source.charAt(at + 1))) {
        isFloat = true;
        at++;
        digits();
      }
    }
    if (!isHex && at < source.length() && (source.charAt(at) | 0x20) == 'e') {
      int mark = at++;
      if (at < source.length() && "+-".indexOf(source.charAt(at)) >= 0) {
        at++;
      }
      if (at < source.length() && Characters.isDigit(source.charAt(at))) {
        isFloat = true;
        digits();
      } else {
        at = mark;
      }
    }
    String digits = source.substring(from, at).replace("_", "");
    add(isFloat ? Kind.FLOAT : Kind.INTEGER, digits, from);
  }

  private void digits() {
    while (at < source.length() && isDigit(source.charAt(at), false)) {
      at++;
    }
  }

  private static boolean isDigit(char c, boolean isHex) {
    return c == '_' || (isHex ? Character.digit(c, 16) >= 0 : Characters.isDigit(c));
  }

  private void string(char quote) {
    int from = at++;
    StringBuilder raw = new StringBuilder();
    while (at < source.length() && source.charAt(at) != quote) {
      if (source.charAt(at) == '\\' && at + 1 < source.length()) {
        raw.append(source.charAt(at++));
      }
      raw.append(source.charAt(at++));
    }
    if (at >= source.length()) {
      throw new JinjaException("a string is not closed", lineAt(from));
    }
    at++;
    int begin = lineAt(from);
    tokens.add(new Token(Kind.STRING, StringEscapes.unescape(raw.toString(), begin), begin));
  }

  private void add(Kind kind, String text, int where) {
    tokens.add(new Token(kind, text, lineAt(where)));
  }

  /** The line of a place that is not before the last one asked for, or this scans anew. */
  private int lineAt(int where) {
    if (where < counted) {
      line = 1;
      counted = 0;
    }
    while (counted < where) {
      line += source.charAt(counted++) == '\n' ? 1 : 0;
    }
    return line;
  }
}
