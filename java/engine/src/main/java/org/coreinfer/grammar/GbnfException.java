package org.coreinfer.grammar;

/** A grammar in GBNF that is broken, or that no text can be made of; the message says where. */
public final class GbnfException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final int line;
  private final int column;

  GbnfException(int line, int column, String problem) {
    super("grammar, line %d, column %d: %s".formatted(line, column, problem));
    this.line = line;
    this.column = column;
  }

  /** Counted from 1. */
  public int line() {
    return line;
  }

  /** Characters from the line's beginning, counted from 1. */
  public int column() {
    return column;
  }
}
