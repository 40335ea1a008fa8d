package org.coreinfer.chat.jinja;

/** A part of a template that writes text or changes variables. */
@FunctionalInterface
interface Statement {
  /** How the statements after it go on. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Flow run(Scope scope, TextBuilder out);
}
