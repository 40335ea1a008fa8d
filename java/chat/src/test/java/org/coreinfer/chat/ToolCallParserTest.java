package org.coreinfer.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ToolCallParserTest {
  private static final ChatTemplate QWEN = template("{{ tools }}<tool_call>");
  private static final ChatTemplate LLAMA = template("{{ tools }}<|python_tag|>");
  private static final ChatTemplate MISTRAL = template("{{ tools }}[TOOL_CALLS]");
  private static final ChatTemplate OTHER = template("{{ tools }}");

  private static ChatTemplate template(String source) {
    return ChatTemplate.parse(source, Map.of());
  }

  /** What is shown of an answer that comes in pieces of some size, and the calls in it. */
  private record Parsed(String text, List<ToolCall> calls) {
    static Parsed of(ChatTemplate template, String answer, int pieces) {
      ToolCallParser parser = ToolCallParser.of(template);
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < answer.length(); i += pieces) {
        text.append(parser.accept(answer.substring(i, Math.min(answer.length(), i + pieces))));
      }
      return new Parsed(text.append(parser.finish()).toString(), parser.calls());
    }

    String shownCalls() {
      return String.join(" ", calls.stream().map(call -> call.name() + call.arguments()).toList());
    }
  }

  private static ChatTemplate of(String name) {
    return switch (name) {
      case "qwen" -> QWEN;
      case "llama" -> LLAMA;
      case "mistral" -> MISTRAL;
      default -> OTHER;
    };
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '¦',
      quoteCharacter = '`',
      value = {
        "qwen ¦ Well.{NL}<tool_call>{NL}{\"name\": \"f\", \"arguments\": {\"a\": \"x}y\"}}{NL}</tool_call> ¦ Well.{NL} ¦ f{\"a\":\"x}y\"}",
        "qwen ¦ <tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>{NL}<tool_call>{\"name\":\"g\",\"arguments\":{\"n\":[1,2.50]}}</tool_call> ¦ `` ¦ f{} g{\"n\":[1,2.50]}",
        "qwen ¦ {\"name\": \"f\", \"arguments\": {\"a\": 1}} ¦ `` ¦ f{\"a\":1}",
        "qwen ¦ <tool_call>{\"name\": \"f\"}</tool_call> ¦ `` ¦ f{}",
        "qwen ¦ <tool_call>{\"name\": \"f\", \"arguments\": {}} ¦ `` ¦ f{}",
        "qwen ¦ <tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": \\\"</tool_call>\\\"}\"}</tool_call> ¦ `` ¦ f{\"a\":\"</tool_call>\"}",
        "llama ¦ {\"name\": \"f\", \"parameters\": {\"a\": \"ü\"}} ¦ `` ¦ f{\"a\":\"ü\"}",
        "llama ¦ <|python_tag|>{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}} ¦ `` ¦ f{}",
        "llama ¦ {\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}} ¦ `` ¦ f{} g{}",
        "mistral ¦ [TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": {}}}, {\"name\": \"g\", \"arguments\": {}}] ¦ `` ¦ f{\"a\":{}} g{}",
        "mistral ¦ [{\"name\": \"f\", \"arguments\": {}}] ¦ `` ¦ f{}",
        "other ¦ {\"function\": {\"name\": \"f\", \"arguments\": {}}} ¦ `` ¦ f{}"
      })
  void findsCallsHoweverTheyArrive(String format, String answer, String text, String calls) {
    for (int pieces : new int[] {1, 2, 3, 7, 1000}) {
      Parsed parsed = Parsed.of(of(format), answer.replace("{NL}", "\n"), pieces);
      assertEquals(text.replace("{NL}", "\n"), parsed.text());
      assertEquals(calls, parsed.shownCalls());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Just words.",
        "",
        "   ",
        "a < b <tool and [TOOL and <|python",
        "<tool_call>{\"name\": \"f\", \"arguments\": {</tool_call> and more",
        "<tool_call>not JSON</tool_call>",
        "[TOOL_CALLS] none",
        "<|python_tag|>print(1)",
        "[1] says the source, {\"a\": 1} too",
        "{\"answer\": 42}",
        "{\"name\": \"f\"}",
        "{\"name\": 1, \"arguments\": {}}",
        "{\"name\": \"f\", \"arguments\": [1]}",
        "[{\"name\": \"f\", \"arguments\": {}}, 1]",
        "{ braces } and [ brackets",
        "{\"name\": \"f\", \"arguments\": {\"a\": \"never closed",
        "<tool_call>",
        "The form is {\"name\": \"f\", \"arguments\": {}}."
      })
  void whatIsNoCallStaysText(String answer) {
    for (ChatTemplate template : List.of(QWEN, LLAMA, MISTRAL, OTHER)) {
      for (int pieces : new int[] {1, 4, 1000}) {
        Parsed parsed = Parsed.of(template, answer, pieces);
        assertEquals(answer, parsed.text());
        assertEquals(List.of(), parsed.calls());
      }
    }
  }

  @Test
  void holdsBackOnlyWhatMayBecomeACall() {
    ToolCallParser parser = ToolCallParser.of(QWEN);
    assertEquals("Well, ", parser.accept("Well, <too"));
    assertEquals("<tool box", parser.accept("l box"));
    assertEquals(" ", parser.accept(" <tool_call>{\"name\""));
    assertEquals("", parser.accept(": \"f\", \"arguments\": {}}"));
    assertEquals(1, parser.calls().size());
    assertEquals("", parser.accept("</tool_call>"));
    assertEquals("Done.", parser.accept("Done."));
    assertEquals("", parser.finish());
  }

  @Test
  void aCallOfAnUnknownToolIsText() {
    ToolDefinition known = ToolDefinition.of("f", "does", "{\"type\": \"object\"}");
    String answer = "{\"name\": \"g\", \"arguments\": {}}";
    ToolCallParser parser = ToolCallParser.of(QWEN, List.of(known));
    assertEquals(answer, parser.accept(answer) + parser.finish());
    assertEquals(List.of(), parser.calls());
  }

  @Test
  void idsHaveNineLettersAndDigitsAndDiffer() {
    List<ToolCall> calls =
        Parsed.of(
                MISTRAL, "[{\"name\":\"f\",\"arguments\":{}},{\"name\":\"f\",\"arguments\":{}}]", 5)
            .calls();
    assertTrue(calls.get(0).id().matches("[A-Za-z0-9]{9}"), calls.get(0).id());
    assertNotEquals(calls.get(0).id(), calls.get(1).id());
  }

  @Test
  void aLongCallTakesNoLongerPerCharacterThanAShortOne() {
    String argument = "x".repeat(300_000);
    String answer =
        "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"" + argument + "\"}}</tool_call>";
    assertEquals(1, Parsed.of(QWEN, answer, 3).calls().size());
  }
}
