package org.coreinfer.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.coreinfer.Model;
import org.coreinfer.chat.BuiltInTemplates;
import org.coreinfer.chat.ChatTemplate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option that says how conversations are written. */
final class ServedTemplate {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--chat-template",
      paramLabel = "NAME|FILE",
      description =
          "How conversations are written: a usual form, such as chatml, or a file with Jinja"
              + " (default: the model's own).")
  private @Nullable String template;

  /** The template that was asked for; null for the model's own. */
  @Nullable ChatTemplate of(Model model) {
    String asked = template;
    if (asked == null) {
      return null;
    }
    Map<String, String> specialTokens = model.chatTemplateTexts().specialTokens();
    if (BuiltInTemplates.names().contains(asked)) {
      return BuiltInTemplates.get(asked, specialTokens);
    }
    Path file = Path.of(asked);
    if (!Files.exists(file)) {
      throw Usage.error(
          command,
          "--chat-template: there is no file '%s', and the usual forms are %s"
              .formatted(asked, String.join(", ", BuiltInTemplates.names())));
    }
    return ChatTemplate.parse(TextInput.ofFile(file), specialTokens);
  }
}
