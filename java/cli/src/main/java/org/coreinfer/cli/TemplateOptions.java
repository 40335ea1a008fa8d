package org.coreinfer.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.coreinfer.chat.BuiltInTemplates;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.text.ChatTemplateTexts;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which chat template writes a conversation. */
final class TemplateOptions {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--chat-template",
      paramLabel = "NAME|FILE",
      description = {
        "Another template than the model's: alpaca, chatml, command-r, deepseek, gemma, llama2,",
        "llama3, mistral, phi3, plain (no format, the text goes on), vicuna or zephyr; one of the",
        "model's own by name; or a file with Jinja."
      })
  private @Nullable String name;

  /** Whether a template was asked for. */
  boolean isGiven() {
    return name != null;
  }

  /**
   * The template that was asked for, or the model's.
   *
   * @param modelName for messages
   * @throws org.coreinfer.chat.ChatTemplateException if there is none
   */
  ChatTemplate choose(String modelName, ChatTemplateTexts texts) {
    if (name == null) {
      return ChatTemplate.of(modelName, texts, null);
    }
    if (texts.templates().containsKey(name)) {
      return ChatTemplate.of(modelName, texts, name);
    }
    if (BuiltInTemplates.names().contains(name)) {
      return BuiltInTemplates.get(name, texts.specialTokens());
    }
    Path file = file(name);
    if (!Files.isRegularFile(file)) {
      throw Usage.error(
          command,
          "--chat-template '%s': neither a file nor one of %s"
              .formatted(name, String.join(", ", BuiltInTemplates.names())));
    }
    return ChatTemplate.parse(TextInput.ofFile(file), texts.specialTokens());
  }

  private Path file(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw Usage.error(
          command, "--chat-template '" + text + "' can't be a file's name: " + e.getReason());
    }
  }
}
