package org.coreinfer.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Token;
import org.coreinfer.generation.TokenStream;

/**
 * A conversation that goes on. Before each answer the whole of it is written anew by the template,
 * and of its tokens only those are read that follow what the model has read already; so messages
 * may be added, taken away and replaced at will. For one thread at a time.
 */
public final class ChatSession implements AutoCloseable {
  private final Model model;
  private final ChatTemplate template;
  private final Session session;
  private final Map<String, Object> extra;
  private final List<ChatMessage> messages = new ArrayList<>();
  private final List<Integer> read = new ArrayList<>(); // in order, the last one perhaps not yet
  private int reused;

  /**
   * Begins a conversation.
   *
   * @param extra further variables of the template, as for {@link ChatTemplate#prompt}
   */
  public ChatSession(
      Model model, ChatTemplate template, CoreOptions options, Map<String, Object> extra) {
    this.model = model;
    this.template = template;
    this.session = model.newSession(options);
    this.extra = Map.copyOf(extra);
  }

  /** What was said so far. */
  public List<ChatMessage> messages() {
    return List.copyOf(messages);
  }

  public void add(ChatMessage message) {
    messages.add(message);
  }

  /** Takes the latest message away, if there is one. */
  public void removeLast() {
    if (!messages.isEmpty()) {
      messages.remove(messages.size() - 1);
    }
  }

  /** Begins anew with these messages. */
  public void replace(List<ChatMessage> others) {
    List<ChatMessage> kept = List.copyOf(others);
    messages.clear();
    messages.addAll(kept);
  }

  /** How many tokens of the latest prompt had been read before. */
  public int reusedTokens() {
    return reused;
  }

  /** Tokens that the model has read or written. */
  public int position() {
    return session.position();
  }

  /**
   * Answers the messages so far; what was answered becomes a message, cancelled or not, if it is
   * not empty.
   *
   * @param settings how, of a request that has its prompt already
   * @param onText takes the answer as it comes
   * @throws ChatTemplateException if the template refuses the conversation
   * @throws CoreInferException if the conversation does not fit the context
   */
  public GenerationResult answer(
      UnaryOperator<GenerationRequest.Builder> settings, Consumer<String> onText) {
    List<Integer> prompt =
        template.prompt(messages, List.of(), true, extra).tokens(model.tokenizer());
    List<Integer> rest = continuation(prompt);
    GenerationRequest.Builder request = settings.apply(GenerationRequest.ofTokens(rest));
    template.endTurn(request, model.tokenizer());
    boolean hasPending = false;
    try (TokenStream stream = open(request.build(), prompt.size())) {
      for (Token token : stream) {
        if (!token.text().isEmpty()) {
          onText.accept(token.text());
        }
      }
      GenerationResult result = stream.result();
      read.addAll(rest);
      read.addAll(result.tokens());
      hasPending = !result.tokens().isEmpty();
      if (!result.text().isEmpty() || result.finishReason() != FinishReason.CANCELLED) {
        messages.add(ChatMessage.assistant(result.text()));
      }
      return result;
    } finally {
      forgetUnread(hasPending);
    }
  }

  /** The prompt's tokens that the session must read; goes back to what both have in common. */
  private List<Integer> continuation(List<Integer> prompt) {
    int common = 0;
    while (common < Math.min(read.size(), prompt.size() - 1)
        && read.get(common).equals(prompt.get(common))) {
      common++;
    }
    if (common < read.size()) {
      common = Math.min(common, session.position());
      session.rewind(common);
      read.subList(common, read.size()).clear();
    }
    reused = common;
    return prompt.subList(common, prompt.size());
  }

  private TokenStream open(GenerationRequest request, int promptTokens) {
    int context = model.contextLength();
    if (promptTokens > context) {
      throw new CoreInferException(
          "the conversation has %d tokens, more than the context's %d: leave the oldest turns out, or use a larger context"
              .formatted(promptTokens, context));
    }
    return session.stream(request);
  }

  /**
   * After an answer: one that was cut short has read less than it was given.
   *
   * @param hasPending whether the last token is only read with the next prompt
   */
  private void forgetUnread(boolean hasPending) {
    int position = session.position();
    if (position != read.size() - (hasPending ? 1 : 0)) {
      int known = Math.min(position, read.size());
      session.rewind(known);
      read.subList(known, read.size()).clear();
    }
  }

  @Override
  public void close() {
    session.close();
  }
}
