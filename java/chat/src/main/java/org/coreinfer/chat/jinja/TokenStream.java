package org.coreinfer.chat.jinja;

import java.util.List;
import org.coreinfer.chat.jinja.Token.Kind;

/** A template's tokens, read from the first to the last. */
final class TokenStream {
  private final List<Token> tokens;
  private int at;
  private int depth;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(at);
  }

  Token following() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  Token next() {
    Token token = tokens.get(at);
    at = Math.min(at + 1, tokens.size() - 1);
    return token;
  }

  int line() {
    return current().line();
  }

  boolean isOperator(String operator) {
    return current().isOperator(operator);
  }

  boolean isName(String name) {
    return current().isName(name);
  }

  boolean skipOperator(String operator) {
    boolean isThere = isOperator(operator);
    if (isThere) {
      next();
    }
    return isThere;
  }

  boolean skipName(String name) {
    boolean isThere = isName(name);
    if (isThere) {
      next();
    }
    return isThere;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw unexpected("'" + name + "'");
    }
  }

  Token expect(Kind kind, String what) {
    if (current().kind() != kind) {
      throw unexpected(what);
    }
    return next();
  }

  JinjaException unexpected(String expected) {
    return new JinjaException("expected " + expected + ", found " + current().shown(), line());
  }

  JinjaException wrong(String what) {
    return new JinjaException(what, line());
  }

  /** Goes into a part of the template that may hold parts of its own kind. */
  void enter() {
    if (++depth > JinjaTemplate.DEEPEST) {
      throw wrong("the template is nested more than " + JinjaTemplate.DEEPEST + " deep");
    }
  }

  void exit() {
    depth--;
  }
}
