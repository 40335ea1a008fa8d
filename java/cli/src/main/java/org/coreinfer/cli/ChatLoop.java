package org.coreinfer.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ChatSession;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.sampling.SamplingOptions;
import org.jspecify.annotations.Nullable;

/** Turns and answers, one after the other, until the input ends. */
final class ChatLoop implements AutoCloseable {
  private static final String DIM = "\u001b[2m";
  private static final String PLAIN = "\u001b[0m";

  private final Streams streams;
  private final ChatInput input;
  private final Cancellation ending;
  private final Model model;
  private final ChatTemplate template;
  private final ChatTotals totals = new ChatTotals();
  private CoreOptions core;
  private ChatSession session;
  private UnaryOperator<GenerationRequest.Builder> settings = UnaryOperator.identity();
  private SamplingOptions sampling = SamplingOptions.GREEDY;

  /**
   * @param ending cancelled when the process is to end
   */
  ChatLoop(
      Streams streams,
      ChatInput input,
      Cancellation ending,
      Model model,
      ChatTemplate template,
      CoreOptions core) {
    this.streams = streams;
    this.input = input;
    this.ending = ending;
    this.model = model;
    this.template = template;
    this.core = core;
    this.session = new ChatSession(model, template, core, Map.of());
  }

  /** How to answer: settings of each request, and how it draws. */
  void answersWith(UnaryOperator<GenerationRequest.Builder> requests, SamplingOptions draws) {
    settings = requests;
    sampling = draws;
  }

  /** Begins anew with a message. */
  void begin(ChatMessage first) {
    session.replace(List.of(first));
  }

  /** Begins anew with the messages of a file. */
  void load(Path file) {
    session.replace(ConversationFile.parse(file.toString(), TextInput.ofFile(file)).messages());
  }

  /**
   * Answers turn by turn.
   *
   * @param modelPath beside which a calibration may lie; null for the embedded model
   */
  void run(@Nullable Path modelPath) {
    if (streams.isInputTerminal()) {
      streams.note(
          "coreinfer: " + model.name() + ", " + model.backend() + "; /help lists commands");
    }
    while (true) {
      String turn = input.readTurn();
      if (turn == null) {
        return;
      }
      if (turn.startsWith("/") && !turn.startsWith("//")) {
        if (!command(turn, modelPath)) {
          return;
        }
      } else if (!turn.isBlank()) {
        say(turn.startsWith("//") ? turn.substring(1) : turn);
      }
    }
  }

  private void say(String turn) {
    session.add(ChatMessage.user(turn));
    attempt(this::answer);
  }

  /** Does what may fail for a reason that lies in the conversation; a person can go on then. */
  private void attempt(Runnable work) {
    int before = session.messages().size();
    try {
      work.run();
    } catch (CoreInferException | IllegalArgumentException e) {
      if (e instanceof GenerationCancelledException || !streams.isInputTerminal()) {
        throw e instanceof CoreInferException
            ? e
            : new CoreInferException(String.valueOf(e.getMessage()), e);
      }
      takeBackQuestion(before);
      streams.note("coreinfer: " + e.getMessage());
    }
  }

  /** A question without an answer would stand before the next one, which many models refuse. */
  private void takeBackQuestion(int messages) {
    List<ChatMessage> all = session.messages();
    if (all.size() == messages && isUser(all)) {
      session.removeLast();
    }
  }

  private static boolean isUser(List<ChatMessage> messages) {
    return !messages.isEmpty() && messages.get(messages.size() - 1).role().equals("user");
  }

  private void answer() {
    Cancellation cancellation = streams.isInputTerminal() ? new Cancellation() : ending;
    input.interrupts(cancellation);
    String[] last = {""};
    GenerationResult result;
    try (Progress reading = new Progress(streams, cancellation, "Reading")) {
      result =
          session.answer(
              request ->
                  settings
                      .apply(request)
                      .sampling(sampling)
                      .cancellation(cancellation)
                      .prefillProgress(reading::update),
              text -> {
                reading.end();
                streams.print(text);
                last[0] = text;
              });
    }
    if (!last[0].endsWith("\n")) {
      streams.println("");
    }
    totals.add(result, session.reusedTokens());
    if (result.finishReason() == FinishReason.CANCELLED) {
      if (ending.isCancelled()) {
        throw new GenerationCancelledException("cancelled");
      }
      takeBackQuestion(session.messages().size());
      streams.note("(ended; /regen answers anew)");
    }
    if (streams.isErrorTerminal()) {
      streams.note(DIM + ChatTotals.line(result, session.reusedTokens()) + PLAIN);
    }
  }

  /** Obeys a command; false if it ends the conversation. */
  private boolean command(String line, @Nullable Path modelPath) {
    String[] parts = line.strip().split("\\s+", 2);
    String argument = parts.length > 1 ? parts[1] : "";
    ChatWord word = ChatWord.of(parts[0]);
    if (word == ChatWord.EXIT) {
      return false;
    }
    if (word == null) {
      complain("there is no command " + parts[0] + "; /help lists them");
    } else {
      attempt(() -> obey(word, argument, modelPath));
    }
    return true;
  }

  /** In a pipe nobody would see that a command was not understood. */
  private void complain(String what) {
    if (!streams.isInputTerminal()) {
      throw new CoreInferException(what);
    }
    streams.note("coreinfer: " + what);
  }

  private void obey(ChatWord word, String argument, @Nullable Path modelPath) {
    switch (word) {
      case HELP -> streams.note(ChatWord.help());
      case SYSTEM -> system(argument);
      case KEEP, METHOD -> neurons(word, argument, modelPath);
      case TEMPERATURE -> temperature(argument);
      case REGEN -> regenerate();
      case UNDO -> undo();
      case CLEAR ->
          session.replace(session.messages().stream().filter(ChatLoop::isSystem).toList());
      case SAVE -> save(argument);
      case LOAD -> load(file(argument));
      case STATS -> streams.note(totals.report(session.position(), model.contextLength()));
      case EXIT -> throw new AssertionError(word);
    }
  }

  private static boolean isSystem(ChatMessage message) {
    return message.role().equals("system");
  }

  private void system(String text) {
    List<ChatMessage> rest =
        session.messages().stream().filter(message -> !isSystem(message)).toList();
    session.replace(text.isEmpty() ? List.of() : List.of(ChatMessage.system(text)));
    rest.forEach(session::add);
  }

  private void neurons(ChatWord word, String argument, @Nullable Path modelPath) {
    if (!argument.isEmpty()) {
      CoreOptions changed =
          word == ChatWord.KEEP
              ? ChatNeurons.withKeep(core, argument)
              : ChatNeurons.withMethod(core, argument, modelPath);
      ChatSession next = new ChatSession(model, template, changed, Map.of());
      next.replace(session.messages());
      session.close();
      session = next;
      core = changed;
    }
    streams.note(ChatNeurons.sentence(core));
  }

  private void temperature(String argument) {
    if (!argument.isEmpty()) {
      try {
        sampling = sampling.withTemperature(Double.parseDouble(argument));
      } catch (NumberFormatException e) {
        throw new CoreInferException("/temperature takes a number, found '" + argument + "'", e);
      }
    }
    streams.note(String.format(Locale.ROOT, "temperature %.3g", sampling.temperature()));
  }

  private void regenerate() {
    List<ChatMessage> all = session.messages();
    if (!all.isEmpty() && all.get(all.size() - 1).role().equals("assistant")) {
      session.removeLast();
    }
    if (!isUser(session.messages())) {
      complain("there is no turn to answer anew");
      return;
    }
    sampling = sampling.withSeed(sampling.seed() + 1);
    answer();
  }

  private void undo() {
    while (!session.messages().isEmpty() && !isUser(session.messages())) {
      if (isSystem(session.messages().get(session.messages().size() - 1))) {
        return;
      }
      session.removeLast();
    }
    session.removeLast();
  }

  private void save(String argument) {
    Path file = file(argument);
    try {
      Files.writeString(file, ConversationFile.write(session.messages()), StandardCharsets.UTF_8);
      streams.note("saved " + session.messages().size() + " messages to " + file);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be written: " + e.getMessage(), e);
    }
  }

  private static Path file(String argument) {
    if (argument.isEmpty()) {
      throw new CoreInferException("name a file");
    }
    try {
      return Path.of(argument);
    } catch (InvalidPathException e) {
      throw new CoreInferException("'" + argument + "' can't be a file's name", e);
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
