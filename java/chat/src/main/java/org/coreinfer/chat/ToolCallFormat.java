package org.coreinfer.chat;

/** How a model writes tool calls. */
public enum ToolCallFormat {
  /** JSON between {@code <tool_call>} and {@code </tool_call>}: Hermes, Qwen. */
  TAGGED("<tool_call>", "</tool_call>"),
  /**
   * JSON with {@code name} and {@code parameters}, perhaps after {@code <|python_tag|>}: Llama 3.
   */
  LLAMA("<|python_tag|>", ""),
  /** A JSON list after {@code [TOOL_CALLS]}: Mistral. */
  MISTRAL("[TOOL_CALLS]", ""),
  /** The answer is JSON, one object or a list, with {@code name} and {@code arguments}. */
  JSON("", "");

  private final String begin;
  private final String end;

  ToolCallFormat(String begin, String end) {
    this.begin = begin;
    this.end = end;
  }

  /** What stands before a call; empty if nothing does. */
  String begin() {
    return begin;
  }

  /** What stands after a call. */
  String end() {
    return end;
  }

  /** The form that a template's text shows. */
  static ToolCallFormat of(String template) {
    for (ToolCallFormat format : new ToolCallFormat[] {MISTRAL, TAGGED, LLAMA}) {
      if (template.contains(format.begin)) {
        return format;
      }
    }
    return template.contains("\"parameters\"") ? LLAMA : JSON;
  }
}
