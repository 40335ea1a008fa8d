package org.coreinfer.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Which byte strings a part of a grammar takes. Immutable, but for what rules are defined as. */
sealed interface Expression {
  /** Repeats without end. */
  int UNLIMITED = -1;

  /** Nothing but the empty string. */
  Expression EMPTY = new Sequence(List.of());

  /** No string at all. */
  Expression NOTHING = new Choice(List.of());

  /** One byte of a set. */
  record Bytes(ByteSet set) implements Expression {}

  /** One character of text: nothing that the body takes begins another such text. */
  record Symbol(Expression body) implements Expression {}

  /** One part after another. */
  record Sequence(List<Expression> parts) implements Expression {}

  /** One of the options. */
  record Choice(List<Expression> options) implements Expression {}

  /**
   * The body several times.
   *
   * @param max {@link #UNLIMITED} or at least {@code min}
   */
  record Repeat(Expression body, int min, int max) implements Expression {}

  /** What a rule takes. */
  record Call(Rule rule) implements Expression {}

  /** A named part, which can be called before it is defined, and within itself. */
  final class Rule {
    private final String name;
    private Expression body = NOTHING;

    Rule(String name) {
      this.name = name;
    }

    Rule(String name, Expression body) {
      this.name = name;
      this.body = body;
    }

    void define(Expression value) {
      body = value;
    }

    Expression body() {
      return body;
    }

    @Override
    public String toString() {
      return "rule=" + name;
    }
  }

  /** The UTF-8 of a text. */
  static Expression text(String text) {
    List<Expression> parts = new ArrayList<>();
    for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
      parts.add(new Bytes(ByteSet.NONE.with(value & 0xff)));
    }
    return new Sequence(parts);
  }

  /** One of these ASCII characters. */
  static Expression anyOf(String characters) {
    return new Bytes(ByteSet.of(characters));
  }

  static Expression range(char first, char last) {
    return new Bytes(ByteSet.of(first, last));
  }

  static Expression sequence(Expression... parts) {
    return new Sequence(List.of(parts));
  }

  static Expression choice(Expression... options) {
    return new Choice(List.of(options));
  }

  static Expression optional(Expression body) {
    return choice(body, EMPTY);
  }
}
