package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ChatPrompt;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows what a model reads of a conversation. */
@Command(
    name = "template",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Show a conversation as the model's chat template writes it.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer template model.gguf -p \"Why is the sky blue?\" --system \"Be brief.\"",
      "  coreinfer template model.gguf -f conversation.json --json",
      "  coreinfer template model.gguf --source > template.jinja",
      "  coreinfer template --chat-template chatml -p \"Hello\"",
      "",
      "A conversation is JSON in OpenAI's form: {\"messages\": [{\"role\", \"content\"}], \"tools\": []}.",
      "No weight is read. Special tokens that a message spells stay text: see --json's tokens."
    })
final class TemplateCommand implements Runnable {
  private final Streams streams;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      description = "What the user says.")
  private @Nullable String prompt;

  @Option(names = "--system", paramLabel = "TEXT", description = "The system prompt before it.")
  private @Nullable String system;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "File with a conversation as JSON; stdin when neither is given.")
  private @Nullable Path file;

  @Option(
      names = "--no-answer",
      description = "Leave out the beginning of an answer that follows the conversation.")
  private boolean isWithoutAnswer;

  @Option(names = "--source", description = "Print the template itself.")
  private boolean isSourceAsked;

  @Option(names = "--json", description = "Print one JSON object: text, tokens and pieces.")
  private boolean isJson;

  @Mixin private TemplateOptions templates = new TemplateOptions();

  TemplateCommand(Streams streams) {
    this.streams = streams;
  }

  private record Report(String text, List<Integer> tokens, List<String> pieces) {}

  @Override
  public void run() {
    Model.Builder model = ModelOptions.builder(spec, argument.path(), null);
    String name = argument.name();
    ChatTemplate template = templates.choose(name, model.readChatTemplateTexts());
    if (isSourceAsked) {
      print(template.source());
      return;
    }
    ConversationFile conversation = conversation();
    ChatPrompt rendered =
        template.prompt(
            conversation.messages(),
            conversation.tools(),
            !isWithoutAnswer,
            conversation.variables());
    if (isJson) {
      Tokenizer tokenizer = model.readTokenizer();
      List<Integer> tokens = rendered.tokens(tokenizer);
      List<String> pieces = tokens.stream().map(tokenizer::piece).toList();
      streams.println(Json.of(new Report(rendered.text(), tokens, pieces)));
    } else {
      print(rendered.text());
    }
  }

  private void print(String text) {
    streams.print(text.endsWith("\n") ? text : text + "\n");
  }

  private ConversationFile conversation() {
    if (prompt != null) {
      if (file != null) {
        throw Usage.error(spec, "give --prompt or --file, not both");
      }
      List<ChatMessage> messages = new ArrayList<>();
      if (system != null) {
        messages.add(ChatMessage.system(system));
      }
      messages.add(ChatMessage.user(prompt));
      return new ConversationFile(messages, List.of(), Map.of());
    }
    if (system != null) {
      throw Usage.error(spec, "--system goes with --prompt; a file holds its own system prompt");
    }
    if (file != null) {
      return ConversationFile.parse(file.toString(), TextInput.ofFile(file));
    }
    if (streams.isInputTerminal()) {
      throw Usage.error(spec, "there is no conversation: give -p TEXT or -f FILE, or pipe JSON in");
    }
    return ConversationFile.parse("stdin", TextInput.ofStream(streams.in()));
  }
}
