package org.coreinfer.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The parser of every form: they differ in what stands around the JSON. */
final class CallScanner implements ToolCallParser {
  /** What the text that was held back may be. */
  private enum State {
    /** Nothing but the start of a mark. */
    TEXT,
    /** Spaces with which the answer begins, or which follow a call. */
    START,
    /** What follows a mark. */
    MARKED,
    /** A JSON value without a mark, or with one. */
    VALUE,
    /** What follows a value: the mark of its end. */
    AFTER
  }

  private final ToolCallFormat format;
  private final Predicate<String> isKnown;
  private final List<ToolCall> calls = new ArrayList<>();
  private final StringBuilder held = new StringBuilder();
  private State state = State.START;
  private boolean isMarked;
  private int valueStart;
  private int scanned;
  private JsonSpan span = new JsonSpan();

  CallScanner(ToolCallFormat format, Predicate<String> isKnown) {
    this.format = format;
    this.isKnown = isKnown;
  }

  @Override
  public List<ToolCall> calls() {
    return List.copyOf(calls);
  }

  @Override
  public String accept(String text) {
    held.append(text);
    StringBuilder shown = new StringBuilder();
    while (step(shown)) {
      // each step reads some of what is held
    }
    return shown.toString();
  }

  @Override
  public String finish() {
    String rest = held.toString();
    held.setLength(0);
    boolean isOnlySpace = state == State.AFTER || (state == State.START && !calls.isEmpty());
    state = State.TEXT;
    return isOnlySpace && rest.isBlank() ? "" : rest;
  }

  /** Reads on; false if more text is needed for that. */
  private boolean step(StringBuilder shown) {
    return switch (state) {
      case TEXT -> text(shown);
      case START -> start();
      case MARKED -> marked(shown);
      case VALUE -> value(shown);
      case AFTER -> after();
    };
  }

  private boolean text(StringBuilder shown) {
    String mark = format.begin();
    int at = mark.isEmpty() ? -1 : held.indexOf(mark);
    if (at >= 0) {
      show(shown, at);
      mark();
      return true;
    }
    int kept = 0;
    for (int length = Math.min(mark.length() - 1, held.length()); length > kept; length--) {
      if (mark.startsWith(held.substring(held.length() - length))) {
        kept = length;
      }
    }
    show(shown, held.length() - kept);
    return false;
  }

  private void show(StringBuilder shown, int length) {
    shown.append(held, 0, length);
    held.delete(0, length);
  }

  private void mark() {
    isMarked = true;
    valueStart = skipSpaces(format.begin().length());
    state = State.MARKED;
  }

  private boolean start() {
    int at = skipSpaces(0);
    if (!calls.isEmpty() && at < held.length() && held.charAt(at) == ';') {
      at = skipSpaces(at + 1);
    }
    if (at == held.length()) {
      return false;
    }
    String rest = held.substring(at);
    String mark = format.begin();
    if (!mark.isEmpty() && rest.startsWith(mark)) {
      held.delete(0, at);
      mark();
      return true;
    }
    if (!mark.isEmpty() && mark.startsWith(rest)) {
      return false;
    }
    char opening = held.charAt(at);
    int inside = skipSpaces(at + 1);
    if (opening == '{' || opening == '[') {
      if (inside == held.length()) {
        return false;
      }
      if (held.charAt(inside) == (opening == '{' ? '"' : '{')) {
        isMarked = false;
        begin(at);
        return true;
      }
    }
    state = State.TEXT;
    return true;
  }

  private void begin(int at) {
    valueStart = at;
    scanned = at;
    span = new JsonSpan();
    state = State.VALUE;
  }

  private boolean marked(StringBuilder shown) {
    valueStart = skipSpaces(valueStart);
    if (valueStart == held.length()) {
      return false;
    }
    char opening = held.charAt(valueStart);
    if (opening == '{' || opening == '[') {
      begin(valueStart);
    } else {
      show(shown, format.begin().length());
      state = State.TEXT;
    }
    return true;
  }

  private boolean value(StringBuilder shown) {
    while (scanned < held.length()) {
      if (span.accept(held.charAt(scanned++))) {
        List<ToolCall> found = read(held.substring(valueStart, scanned));
        if (found == null) {
          show(shown, scanned);
          state = State.TEXT;
        } else {
          calls.addAll(found);
          held.delete(0, scanned);
          state = State.AFTER;
        }
        return true;
      }
    }
    return false;
  }

  private @Nullable List<ToolCall> read(String json) {
    return CallJson.read(json, isMarked, isKnown);
  }

  private boolean after() {
    String end = format.end();
    if (!isMarked || end.isEmpty()) {
      state = State.START;
      return true;
    }
    int at = skipSpaces(0);
    String rest = held.substring(at);
    if (rest.startsWith(end)) {
      held.delete(0, at + end.length());
      state = State.START;
      return true;
    }
    if (end.startsWith(rest)) {
      return false;
    }
    state = State.START;
    return true;
  }

  private int skipSpaces(int from) {
    int at = from;
    while (at < held.length() && Character.isWhitespace(held.charAt(at))) {
      at++;
    }
    return at;
  }
}
