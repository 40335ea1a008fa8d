package org.coreinfer.chat.jinja;

/** A template is broken, needs what this package lacks, or refuses its values; a sentence. */
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final int UNKNOWN = 0;

  private final int line;

  JinjaException(String message) {
    this(message, UNKNOWN);
  }

  JinjaException(String message, int line) {
    super(message);
    this.line = line;
  }

  /** The template's line, counted from 1; 0 if it is not known. */
  public int line() {
    return line;
  }

  /** The same at a line, unless one is known already. */
  JinjaException at(int number) {
    if (line != UNKNOWN) {
      return this;
    }
    JinjaException located = new JinjaException(String.valueOf(getMessage()), number);
    located.setStackTrace(getStackTrace());
    return located;
  }
}
