package org.coreinfer.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.coreinfer.text.ChatTemplateTexts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  private static final ToolDefinition TOOL =
      ToolDefinition.of("f", "does", "{\"type\": \"object\", \"properties\": {}}");

  private static String message(Runnable work) {
    return String.valueOf(assertThrows(ChatTemplateException.class, work::run).getMessage());
  }

  @Test
  void takesTheTemplateForToolsWhereToolsAreGiven() {
    ChatTemplateTexts texts =
        new ChatTemplateTexts(
            Map.of("default", "plain", "tool_use", "{{ tools | length }} <tool_call>"), Map.of());
    ChatTemplate template = ChatTemplate.of("m", texts, null);
    List<ChatMessage> messages = List.of(ChatMessage.user("u"));
    assertEquals("plain", template.render(messages, List.of(), true, Map.of()));
    assertEquals("1 <tool_call>", template.render(messages, List.of(TOOL), true, Map.of()));
    assertTrue(template.supportsTools());
    assertEquals(ToolCallFormat.TAGGED, template.toolCallFormat());
    assertFalse(ChatTemplate.of("m", texts, "default").supportsTools());
  }

  @Test
  void namesTheTemplatesThatThereAreWhereTheOneAskedForIsNot() {
    ChatTemplateTexts texts = new ChatTemplateTexts(Map.of("a", "x", "b", "y"), Map.of());
    assertTrue(
        message(() -> ChatTemplate.of("m", texts, "c"))
            .startsWith("m has no chat template named c, but a, b"));
    assertTrue(message(() -> ChatTemplate.of("m", texts, null)).contains("but a, b"));
  }

  @Test
  void aBrokenTemplateAndOneThatRefusesSayTheirLine() {
    assertEquals(
        "the chat template is broken or not supported, line 2: the filter 'x' is not supported",
        message(() -> ChatTemplate.parse("\n{{ 1 | x }}", Map.of())));
    ChatTemplate refusing = ChatTemplate.parse("a\n\n{{ raise_exception('no') }}", Map.of());
    assertEquals(
        "the chat template does not take this conversation, line 3: no",
        message(() -> refusing.render(List.of(), List.of(), true, Map.of())));
  }

  @Test
  void furtherVariablesReachTheTemplateAndDoNotReplaceTheConversation() {
    ChatTemplate template =
        ChatTemplate.parse(
            "{{ a }} {{ b.c[1] }} {{ d is none }} {{ messages | length }}", Map.of());
    String text =
        template.render(
            List.of(ChatMessage.user("u")),
            List.of(),
            true,
            Map.of("a", true, "b", Map.of("c", List.of(1, 2.5)), "messages", List.of()));
    assertEquals("True 2.5 False 1", text);
    assertThrows(
        IllegalArgumentException.class,
        () -> template.render(List.of(), List.of(), true, Map.of("a", new Object())));
  }

  @Test
  void argumentsAreValuesOrTextAsTheTemplateWants() {
    List<ChatMessage> call =
        List.of(ChatMessage.assistant("", List.of(new ToolCall("i", "f", "{\"a\": [1]}"))));
    String path = "messages[0].tool_calls[0].function.arguments";
    ChatTemplate values = ChatTemplate.parse("{{ " + path + ".a[0] }}", Map.of());
    assertEquals("1", values.render(call, List.of(), true, Map.of()));
    ChatTemplate text = ChatTemplate.parse("{{ '<' + " + path + " + '>' }}", Map.of());
    assertEquals("<{\"a\": [1]}>", text.render(call, List.of(), true, Map.of()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "[]", "{", "{}", "{\"name\": 1}", "{\"function\": 1}", "{\"name\": \"a\"} x"})
  void aToolThatIsNoneIsRefused(String json) {
    assertThrows(IllegalArgumentException.class, () -> ToolDefinition.parse(json));
  }

  @Test
  void deepJsonIsRefusedWithoutASmashedStack() {
    String deep = "[".repeat(100_000) + "]".repeat(100_000);
    assertThrows(
        IllegalArgumentException.class,
        () -> ToolDefinition.parse("{\"name\": \"f\", \"parameters\": " + deep + "}"));
  }

  @Test
  void everyBuiltInTemplateIsThere() {
    for (String name : BuiltInTemplates.names()) {
      ChatTemplate template = BuiltInTemplates.get(name, Map.of());
      String text = template.render(List.of(ChatMessage.user("what?")), List.of(), true, Map.of());
      assertTrue(text.contains("what?"), name);
    }
    assertTrue(message(() -> BuiltInTemplates.get("x", Map.of())).contains("known are alpaca"));
  }
}
