package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Holds a conversation. */
@Command(
    name = "chat",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Hold a conversation in the terminal, or with lines of a pipe.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer chat model.gguf",
      "  coreinfer chat model.gguf --system \"Answer in one sentence.\" --temperature 0.7",
      "  printf 'Hello\\nAnd in French?\\n' | coreinfer chat model.gguf --keep 0.4",
      "  coreinfer chat --chat-template plain            go on with texts, without a format",
      "",
      "Answers go to stdout as they come, all else to stderr. Each line is a turn; one that ends",
      "with \\ goes on in the next, and \"\"\" alone begins and ends one of many lines. /help",
      "lists the commands; Ctrl-C ends an answer, Ctrl-D the conversation."
    })
final class ChatCommand implements Callable<Integer> {
  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(names = "--system", paramLabel = "TEXT", description = "The system prompt.")
  private @Nullable String system;

  @Option(
      names = "--load",
      paramLabel = "FILE",
      description = "Go on with a conversation that /save or someone else wrote as JSON.")
  private @Nullable Path loaded;

  @Mixin private TemplateOptions templates = new TemplateOptions();
  @Mixin private AnswerOptions answer = new AnswerOptions();
  @Mixin private NeuronOptions neurons = new NeuronOptions();
  @Mixin private ModelOptions models = new ModelOptions();

  ChatCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() {
    if (system != null && loaded != null) {
      throw Usage.error(spec, "give --system or --load, not both: a file holds its own");
    }
    Model.Builder file = ModelOptions.builder(spec, argument.path(), null);
    String name = argument.name();
    ChatTemplate template = templates.choose(name, file.readChatTemplateTexts());
    CoreOptions core = neurons.toCoreOptions(argument.path(), streams);
    answer.toRequest("");
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Model model = models.load(argument.path(), core, streams, interrupt.cancellation());
        ChatInput input = input()) {
      ChatLoop loop =
          neurons.suitedLayers(
              () -> new ChatLoop(streams, input, cancellation, model, template, core));
      try (loop) {
        loop.answersWith(answer::applyTo, answer.sampling());
        if (system != null) {
          loop.begin(ChatMessage.system(system));
        }
        if (loaded != null) {
          loop.load(loaded);
        }
        loop.run(argument.path());
      }
    }
    return 0;
  }

  private ChatInput input() {
    return streams.isInputTerminal()
        ? TerminalInput.open(ChatWord.names())
        : ChatInput.ofStream(streams.in());
  }
}
