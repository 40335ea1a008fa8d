package org.coreinfer.chat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * Templates for models whose files hold none, by the name of their format. One is no format at all:
 * {@code plain} lets the model go on with what was said, without a mark of who said it.
 */
public final class BuiltInTemplates {
  private static final List<String> NAMES =
      List.of(
          "alpaca",
          "chatml",
          "command-r",
          "deepseek",
          "gemma",
          "llama2",
          "llama3",
          "mistral",
          "phi3",
          "plain",
          "vicuna",
          "zephyr");

  private BuiltInTemplates() {}

  /** The names, in order. */
  public static List<String> names() {
    return NAMES;
  }

  /**
   * The template of this name.
   *
   * @param specialTokens the model's, as for {@link ChatTemplate#parse}
   * @throws ChatTemplateException if there is none
   */
  public static ChatTemplate get(String name, Map<String, String> specialTokens) {
    if (!NAMES.contains(name)) {
      throw new ChatTemplateException(
          "there is no chat template '%s'; known are %s".formatted(name, String.join(", ", NAMES)));
    }
    return ChatTemplate.parse(source(name), specialTokens);
  }

  private static String source(String name) {
    try (InputStream in =
        BuiltInTemplates.class.getResourceAsStream("templates/" + name + ".jinja")) {
      if (in == null) {
        throw new IllegalStateException("the chat template " + name + " is missing in this build");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new ChatTemplateException("the chat template " + name + " can't be read", e);
    }
  }
}
