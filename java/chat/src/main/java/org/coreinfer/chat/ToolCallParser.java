package org.coreinfer.chat;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds tool calls in an answer while it grows. Text that may be the start of a call is held back;
 * what turns out to be none, broken JSON among it, is text after all. Decoders leave special tokens
 * out, so a JSON value with which an answer begins counts without the mark before it, if it has the
 * form of a call. For one answer and one thread.
 */
public interface ToolCallParser {
  /**
   * Takes more of the answer.
   *
   * @return what of it may be shown now
   */
  String accept(String text);

  /**
   * The end of the answer.
   *
   * @return what was held back and is no call
   */
  String finish();

  /** The calls that are complete so far. */
  List<ToolCall> calls();

  /** A parser of the form in which the template asks for calls, of whatever function. */
  static ToolCallParser of(ChatTemplate template) {
    return new CallScanner(template.toolCallFormat(), name -> true);
  }

  /** As the other one; what names none of these tools is text. */
  static ToolCallParser of(ChatTemplate template, List<ToolDefinition> tools) {
    Set<String> names = tools.stream().map(ToolDefinition::name).collect(Collectors.toSet());
    return new CallScanner(template.toolCallFormat(), names::contains);
  }
}
