package org.coreinfer.chat;

import java.time.Clock;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.Model;
import org.coreinfer.chat.jinja.JinjaException;
import org.coreinfer.chat.jinja.JinjaTemplate;
import org.coreinfer.chat.jinja.JinjaValues;
import org.coreinfer.chat.jinja.Text;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.text.ChatTemplateTexts;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * How a model wants conversations to be written: its own Jinja template, or one of {@link
 * BuiltInTemplates}. Rendering gives the text that Hugging Face Transformers gives; templates reach
 * nothing but the values that they are given, and end with an exception where they take too long.
 * Immutable, and safe for use by many threads.
 */
public final class ChatTemplate {
  /** The name that Transformers knows a template for conversations with tools by. */
  private static final String FOR_TOOLS = "tool_use";

  private final String source;
  private final JinjaTemplate jinja;
  private final Map<String, String> specialTokens;
  private final Conversation conversation;
  private final ToolCallFormat toolCallFormat;
  private final @Nullable ChatTemplate forTools;

  /**
   * @param forTools takes the place of this one where tools are given; null if this one is for both
   */
  private ChatTemplate(
      String source, Map<String, String> specialTokens, @Nullable ChatTemplate forTools) {
    this.source = source;
    this.forTools = forTools;
    this.specialTokens = Map.copyOf(specialTokens);
    this.conversation = Conversation.suiting(source);
    this.toolCallFormat = forTools == null ? ToolCallFormat.of(source) : forTools.toolCallFormat();
    try {
      this.jinja = JinjaTemplate.parse(source);
    } catch (JinjaException e) {
      throw failure("is broken or not supported", e);
    }
  }

  /**
   * The template in a model's file.
   *
   * @throws ChatTemplateException if it has none, or it is broken
   */
  public static ChatTemplate of(Model model) {
    return of(model.name(), model.chatTemplateTexts(), null);
  }

  /**
   * One of a model's templates.
   *
   * @param modelName for messages
   * @param name which, where the model has several; null for the usual one, and for that named
   *     {@code tool_use} where tools are given
   * @throws ChatTemplateException if there is none, or it is broken
   */
  public static ChatTemplate of(String modelName, ChatTemplateTexts texts, @Nullable String name) {
    Map<String, String> templates = texts.templates();
    String chosen = name == null ? usual(templates) : name;
    String source = templates.get(chosen);
    if (source == null) {
      String others =
          templates.isEmpty()
              ? ""
              : ", but " + String.join(", ", templates.keySet().stream().sorted().toList());
      throw new ChatTemplateException(
          "%s has no chat template%s%s: it may not be made to chat; name a template (%s) or a file with one"
              .formatted(
                  modelName,
                  name == null ? "" : " named " + name,
                  others,
                  String.join(", ", BuiltInTemplates.names())));
    }
    String toolSource = name == null ? templates.get(FOR_TOOLS) : null;
    ChatTemplate forTools =
        toolSource == null || toolSource.equals(source)
            ? null
            : parse(toolSource, texts.specialTokens());
    return new ChatTemplate(source, texts.specialTokens(), forTools);
  }

  /** The default, or the only one there is. */
  private static String usual(Map<String, String> templates) {
    return templates.size() == 1 ? templates.keySet().iterator().next() : ChatTemplateTexts.DEFAULT;
  }

  /**
   * A template of one's own.
   *
   * @param specialTokens texts of special tokens by the names that templates know them by, such as
   *     {@code bos_token}
   * @throws ChatTemplateException if it is broken, or needs what this engine lacks
   */
  public static ChatTemplate parse(String jinja, Map<String, String> specialTokens) {
    return new ChatTemplate(jinja, specialTokens, null);
  }

  /** The Jinja text. */
  public String source() {
    return source;
  }

  /** How the model writes tool calls, as far as the template tells. */
  public ToolCallFormat toolCallFormat() {
    return toolCallFormat;
  }

  /** Whether the template looks at {@code tools}; others would not show them to the model. */
  public boolean supportsTools() {
    return forTools != null || source.contains("tools");
  }

  /** As {@link #prompt}, its text alone. */
  public String render(
      List<ChatMessage> messages,
      List<ToolDefinition> tools,
      boolean addGenerationPrompt,
      Map<String, Object> extra) {
    return prompt(messages, tools, addGenerationPrompt, extra).text();
  }

  /**
   * Writes a conversation as the model reads it.
   *
   * @param tools what the model may call
   * @param addGenerationPrompt whether to end with the beginning of an answer
   * @param extra further variables of the template, such as {@code enable_thinking}: strings,
   *     numbers, booleans, lists, maps with strings as keys, or JSON
   * @throws ChatTemplateException if the template refuses the conversation, or fails
   */
  public ChatPrompt prompt(
      List<ChatMessage> messages,
      List<ToolDefinition> tools,
      boolean addGenerationPrompt,
      Map<String, Object> extra) {
    return prompt(
        messages, tools, addGenerationPrompt, extra, Clock.system(ZoneId.systemDefault()));
  }

  /**
   * As the other one.
   *
   * @param clock tells templates the date
   */
  ChatPrompt prompt(
      List<ChatMessage> messages,
      List<ToolDefinition> tools,
      boolean addGenerationPrompt,
      Map<String, Object> extra,
      Clock clock) {
    if (forTools != null && !tools.isEmpty()) {
      return forTools.prompt(messages, tools, addGenerationPrompt, extra, clock);
    }
    Map<String, Object> values = new LinkedHashMap<>();
    specialTokens.forEach((name, text) -> values.put(name, Text.trusted(text)));
    extra.forEach((name, value) -> values.put(name, JinjaValues.of(value)));
    values.put("tools", Conversation.tools(tools));
    values.putIfAbsent("documents", JinjaValues.none());
    values.put("add_generation_prompt", addGenerationPrompt);
    return new ChatPrompt(render(messages, values, clock), source);
  }

  /**
   * Lets an answer end where the template would end it, also where the model's file does not name
   * that token, or where it is no token but text.
   */
  public void endTurn(GenerationRequest.Builder request, Tokenizer tokenizer) {
    String end = endOfTurn();
    int[] tokens = tokenizer.encode(end, false, true);
    if (tokens.length > 0 && tokenizer.isSpecial(tokens[0])) {
      request.endToken(tokens[0]);
    } else if (!end.isEmpty()) {
      request.stop(end);
    }
  }

  /** What the template writes after an answer; empty if it can't be told. */
  private String endOfTurn() {
    String answer = "answer";
    List<ChatMessage> turn = List.of(ChatMessage.user("question"), ChatMessage.assistant(answer));
    try {
      String text = render(turn, List.of(), false, Map.of());
      int at = text.lastIndexOf(answer);
      return at < 0 ? "" : text.substring(at + answer.length()).strip();
    } catch (ChatTemplateException e) {
      return ""; // it wants other conversations than this one
    }
  }

  private Text render(List<ChatMessage> messages, Map<String, Object> values, Clock clock) {
    values.put("messages", conversation.messages(messages));
    try {
      return jinja.render(values, JinjaTemplate.Limits.DEFAULT, clock);
    } catch (JinjaException e) {
      if (messages.stream().allMatch(message -> message.toolCalls().isEmpty())) {
        throw failure("does not take this conversation", e);
      }
    }
    try {
      values.put("messages", conversation.withArgumentsAsText().messages(messages));
      return jinja.render(values, JinjaTemplate.Limits.DEFAULT, clock);
    } catch (JinjaException e) {
      throw failure("does not take this conversation", e);
    }
  }

  private static ChatTemplateException failure(String what, JinjaException e) {
    String where = e.line() > 0 ? ", line " + e.line() : "";
    return new ChatTemplateException(
        "the chat template " + what + where + ": " + e.getMessage(), e);
  }
}
