package org.coreinfer.chat.jinja;

import org.jspecify.annotations.Nullable;

/** What a template may use up while it renders; past it, rendering ends with an exception. */
final class Budget {
  private static final int STEPS_BETWEEN_LOOKS = 256;

  private static final ThreadLocal<@Nullable Budget> RENDERING = new ThreadLocal<>();

  private final JinjaTemplate.Limits limits;
  private final long end;
  private long characters;
  private long steps;
  private int depth;

  Budget(JinjaTemplate.Limits limits) {
    this.limits = limits;
    this.end = System.nanoTime() + limits.time().toNanos();
  }

  /** From now on {@link #walk} counts here, on this thread; null ends that. */
  static void begin(@Nullable Budget budget) {
    if (budget == null) {
      RENDERING.remove();
    } else {
      RENDERING.set(budget);
    }
  }

  /**
   * Counts a value that is looked at on the way through another: lists that hold a list twice,
   * again and again, are small but have no end.
   */
  static void walk() {
    Budget budget = RENDERING.get();
    if (budget != null) {
      budget.make(1);
    }
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
