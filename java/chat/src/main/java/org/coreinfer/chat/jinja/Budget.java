package org.coreinfer.chat.jinja;

/** What a template may use up while it renders; past it, rendering ends with an exception. */
final class Budget {
  private static final int STEPS_BETWEEN_LOOKS = 256;

  private final JinjaTemplate.Limits limits;
  private final long end;
  private long characters;
  private long steps;
  private int depth;

  Budget(JinjaTemplate.Limits limits) {
    this.limits = limits;
    this.end = System.nanoTime() + limits.time().toNanos();
  }

  /** Counts a statement, a loop's turn or a call. */
  void step() {
    if (++steps % STEPS_BETWEEN_LOOKS == 0 && System.nanoTime() - end > 0) {
      throw new JinjaException(
          "the template takes longer than " + limits.time().toMillis() + " ms");
    }
  }

  /** Counts characters, or elements of lists, before they are made. */
  void make(long size) {
    characters += size;
    if (characters > limits.characters()) {
      throw new JinjaException(
          "the template makes more than " + limits.characters() + " characters of text");
    }
    step();
  }

  /** A call within a call. */
  void enter() {
    if (++depth > limits.depth()) {
      throw new JinjaException(
          "the template's calls are nested more than " + limits.depth() + " deep");
    }
    step();
  }

  void exit() {
    depth--;
  }
}
