package org.coreinfer.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationResult;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChatSessionTest {
  private static Model model;

  @BeforeAll
  static void load() {
    model = Model.embedded().contextLength(256).load();
  }

  @AfterAll
  static void unload() {
    model.close();
  }

  private static ChatSession session(CoreOptions options) {
    return new ChatSession(model, BuiltInTemplates.get("plain", Map.of()), options, Map.of());
  }

  private static GenerationResult ask(ChatSession session, String question) {
    session.add(ChatMessage.user(question));
    return session.answer(request -> request.maxTokens(12), text -> {});
  }

  @Test
  void readsOnlyWhatIsNewAndAnswersAsIfItHadReadAll() {
    try (ChatSession growing = session(CoreOptions.dense());
        ChatSession fresh = session(CoreOptions.dense())) {
      ask(growing, "Once upon a time there was a cat.");
      GenerationResult second = ask(growing, "One day it met a dog.");
      assertTrue(growing.reusedTokens() > 10, "reused " + growing.reusedTokens());
      assertTrue(second.promptTokens().size() < growing.reusedTokens());

      List<ChatMessage> same = growing.messages();
      fresh.replace(same.subList(0, same.size() - 1));
      GenerationResult whole = fresh.answer(request -> request.maxTokens(12), text -> {});
      assertEquals(0, fresh.reusedTokens());
      assertEquals(whole.text(), second.text());
    }
  }

  @Test
  void whatWasTakenBackIsForgotten() {
    try (ChatSession session = session(CoreOptions.dense())) {
      String first = ask(session, "Once upon a time there was a cat.").text();
      ask(session, "It could fly.");
      session.removeLast();
      session.removeLast();
      String dog = ask(session, "It met a dog.").text();
      session.replace(session.messages().subList(0, 1));
      assertEquals(first, session.answer(request -> request.maxTokens(12), text -> {}).text());
      assertEquals(dog, ask(session, "It met a dog.").text());
      assertEquals(4, session.messages().size());
    }
  }

  @Test
  void answersTheSameQuestionAnew() {
    try (ChatSession session = session(CoreOptions.dense())) {
      String first = ask(session, "Once upon a time").text();
      session.removeLast();
      assertEquals(first, session.answer(request -> request.maxTokens(12), text -> {}).text());
    }
  }

  @Test
  void coreNeuronsAndDraftsContinueToo() {
    CoreOptions core = CoreOptions.stability(0.4);
    CoreOptions lossless = core.withUpkeep(new CoreOptions.Upkeep(0, false, true));
    for (CoreOptions options : List.of(core, lossless)) {
      try (ChatSession session = session(options)) {
        ask(session, "Once upon a time there was a cat.");
        GenerationResult second = ask(session, "One day it met a dog.");
        assertTrue(session.reusedTokens() > 10);
        assertEquals(12, second.tokens().size());
      }
    }
  }

  @Test
  void aCancelledAnswerIsKeptAsFarAsItCame() {
    try (ChatSession session = session(CoreOptions.dense());
        ChatSession fresh = session(CoreOptions.dense())) {
      session.add(ChatMessage.user("Once upon a time there was a cat."));
      Cancellation cancellation = new Cancellation();
      List<String> texts = new ArrayList<>();
      GenerationResult cancelled =
          session.answer(
              request -> request.maxTokens(50).cancellation(cancellation),
              text -> {
                texts.add(text);
                if (texts.size() == 3) {
                  cancellation.cancel();
                }
              });
      assertEquals(FinishReason.CANCELLED, cancelled.finishReason());
      assertEquals(String.join("", texts), session.messages().get(1).content());

      GenerationResult next = ask(session, "It met a dog.");
      fresh.replace(session.messages().subList(0, 3));
      assertEquals(fresh.answer(request -> request.maxTokens(12), text -> {}).text(), next.text());
    }
  }

  @Test
  void cancellingWhileReadingLosesNothing() {
    try (ChatSession session = session(CoreOptions.dense());
        ChatSession fresh = session(CoreOptions.dense())) {
      ask(session, "Once upon a time there was a cat.");
      session.add(ChatMessage.user("It met a dog."));
      Cancellation cancellation = new Cancellation();
      cancellation.cancel();
      GenerationResult nothing =
          session.answer(request -> request.cancellation(cancellation), text -> {});
      assertEquals(FinishReason.CANCELLED, nothing.finishReason());
      assertEquals(3, session.messages().size());

      String answer = session.answer(request -> request.maxTokens(12), text -> {}).text();
      fresh.replace(session.messages().subList(0, 3));
      assertEquals(answer, fresh.answer(request -> request.maxTokens(12), text -> {}).text());
    }
  }

  @Test
  void anAnswerEndsAtATokenThatWasAskedFor() {
    try (ChatSession session = session(CoreOptions.dense())) {
      GenerationResult whole = ask(session, "Once upon a time");
      int last = whole.tokens().get(5);
      session.removeLast();
      GenerationResult shorter =
          session.answer(request -> request.maxTokens(12).endToken(last), text -> {});
      assertEquals(FinishReason.EOS, shorter.finishReason());
      assertEquals(whole.tokens().subList(0, whole.tokens().indexOf(last) + 1), shorter.tokens());
    }
  }

  @Test
  void aConversationThatIsTooLongIsRefusedAndCanGoOnShorter() {
    try (ChatSession session = session(CoreOptions.dense())) {
      session.add(ChatMessage.user("word ".repeat(400)));
      CoreInferException e =
          assertThrows(
              CoreInferException.class, () -> session.answer(request -> request, text -> {}));
      assertTrue(String.valueOf(e.getMessage()).contains("more than the context's 256"));
      session.removeLast();
      assertEquals(12, ask(session, "Once upon a time").tokens().size());
    }
  }

  @Test
  void aModelWithoutATemplateSaysWhatToDo() {
    ChatTemplateException e =
        assertThrows(ChatTemplateException.class, () -> ChatTemplate.of(model));
    assertEquals(
        "embedded has no chat template: it may not be made to chat; name a template (alpaca,"
            + " chatml, command-r, deepseek, gemma, llama2, llama3, mistral, phi3, plain, vicuna,"
            + " zephyr) or a file with one",
        e.getMessage());
  }
}
