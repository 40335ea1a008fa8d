package org.coreinfer.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.FinishReason;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.chat.BuiltInTemplates;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ChatTemplateException;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.Scheduler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Embedded.class)
@Timeout(60)
class ChatModelTest {
  private static final String STORY = "Tell me a story about a dog.";
  private static final ChatRequestParameters SHORT =
      ChatRequestParameters.builder().maxOutputTokens(12).build();

  private static GenerationResult session(CoreOptions core) {
    Model model = Embedded.model();
    List<Integer> prompt =
        BuiltInTemplates.get("chatml", model.chatTemplateTexts().specialTokens())
            .prompt(List.of(ChatMessage.user(STORY)), List.of(), true, Map.of())
            .tokens(model.tokenizer());
    try (Session session = model.newSession(core)) {
      return session.generate(GenerationRequest.ofTokens(prompt).maxTokens(12).build());
    }
  }

  private static ChatRequest request(ChatRequestParameters parameters) {
    return ChatRequest.builder().messages(UserMessage.from(STORY)).parameters(parameters).build();
  }

  private static GenerationResult generation(ChatResponse response) {
    return Objects.requireNonNull(
        assertInstanceOf(CoreInferChatResponseMetadata.class, response.metadata()).generation());
  }

  private static <E extends RuntimeException> void refuses(
      Class<E> type, ChatRequestParameters parameters, String part) {
    try (CoreInferChatModel model = Embedded.whole().build()) {
      E refusal = assertThrows(type, () -> model.chat(request(parameters)));
      String message = String.valueOf(refusal.getMessage());
      assertTrue(message.contains(part), message);
    }
  }

  private static void awaitIdle(Scheduler scheduler) throws InterruptedException {
    while (scheduler.status().running() + scheduler.status().waiting() > 0) {
      Thread.sleep(1);
    }
  }

  @Test
  void anAnswerIsThatOfASessionWithEveryNeuron() {
    GenerationResult alone = session(CoreOptions.dense());
    try (CoreInferChatModel model = Embedded.whole().build()) {
      ChatResponse response = model.chat(request(SHORT));
      assertEquals(alone.text(), response.aiMessage().text());
      assertEquals(alone.promptTokens().size(), response.tokenUsage().inputTokenCount());
      assertEquals(12, response.tokenUsage().outputTokenCount());
      assertEquals(FinishReason.LENGTH, response.finishReason());
      assertEquals(alone.neuronsPerLayer(), generation(response).neuronsPerLayer());
    }
  }

  @Test
  void anAnswerIsThatOfASessionWithCoreNeurons() {
    GenerationResult alone = session(CoreOptions.stability(0.3));
    try (CoreInferChatModel model = Embedded.whole().keep(0.3).build()) {
      ChatResponse response = model.chat(request(SHORT));
      assertEquals(alone.text(), response.aiMessage().text());
      assertEquals(alone.neuronsPerLayer(), generation(response).neuronsPerLayer());
    }
  }

  @Test
  void losslessTextIsThatOfEveryNeuron() {
    try (CoreInferChatModel model =
        Embedded.whole()
            .method(CoreOptions.Method.STABILITY)
            .rule("norm")
            .keep(0.5)
            .lossless(true)
            .build()) {
      ChatResponse response = model.chat(request(SHORT));
      assertEquals(session(CoreOptions.dense()).text(), response.aiMessage().text());
      assertTrue(generation(response).core().upkeep().isLossless());
      assertEquals("norm", generation(response).core().rule());
    }
  }

  @Test
  void theSameSeedDrawsTheSameText() {
    try (CoreInferChatModel model =
        Embedded.whole()
            .coreOptions(CoreOptions.dense())
            .temperature(1.5)
            .topK(50)
            .topP(0.95)
            .minP(0.01)
            .repeatPenalty(1.1)
            .seed(7)
            .maxOutputTokens(12)
            .build()) {
      assertEquals(model.chat(STORY), model.chat(STORY));
    }
    try (CoreInferChatModel model = Embedded.whole().temperature(3).maxOutputTokens(40).build()) {
      assertFalse(model.chat(STORY).equals(model.chat(STORY)));
    }
  }

  @Test
  void saysThatItFollowsSchemas() {
    try (CoreInferChatModel model = Embedded.whole().build()) {
      assertEquals(Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA), model.supportedCapabilities());
    }
  }

  @Test
  void refusesWhatIsNotDoneHere() {
    try (CoreInferChatModel model = Embedded.whole().build()) {
      assertThrows(
          UnsupportedFeatureException.class,
          () -> model.chat(CustomMessage.from(Map.of("mood", "odd"))));
      assertEquals(
          12,
          model
              .chat(
                  request(
                      SHORT.overrideWith(
                          ChatRequestParameters.builder()
                              .frequencyPenalty(0.5)
                              .modelName(Embedded.model().name())
                              .build())))
              .tokenUsage()
              .outputTokenCount());
    }
  }

  @Test
  void refusesWhatIsOutOfRange() {
    refuses(
        InvalidRequestException.class,
        ChatRequestParameters.builder().frequencyPenalty(3.0).build(),
        "frequency penalty=3.0");
    refuses(
        InvalidRequestException.class,
        ChatRequestParameters.builder().temperature(-1.0).build(),
        "temperature=-1.0");
    refuses(
        InvalidRequestException.class,
        ChatRequestParameters.builder().maxOutputTokens(0).build(),
        "max tokens=0");
    refuses(
        InvalidRequestException.class,
        ChatRequestParameters.builder().toolChoice(ToolChoice.REQUIRED).build(),
        "no tools");
    refuses(
        InvalidRequestException.class,
        ChatRequestParameters.builder().responseFormat(Embedded.json("{\"not\": {}}")).build(),
        "not");
    refuses(
        InvalidRequestException.class,
        ChatRequestParameters.builder().responseFormat(Embedded.json("{")).build(),
        "");
    try (CoreInferChatModel model = Embedded.whole().build()) {
      InvalidRequestException refusal =
          assertThrows(InvalidRequestException.class, () -> model.chat("word ".repeat(1000)));
      String message = String.valueOf(refusal.getMessage());
      assertTrue(message.contains("the context has only"), message);
    }
  }

  @Test
  void refusesJsonTogetherWithTools() {
    try (CoreInferChatModel model =
        CoreInferChatModel.builder()
            .model(Embedded.model())
            .chatTemplate(Embedded.toolTemplate())
            .build()) {
      assertThrows(
          UnsupportedFeatureException.class,
          () ->
              model.chat(
                  request(
                      ChatRequestParameters.builder()
                          .toolSpecifications(Conformance.WEATHER)
                          .responseFormat(ResponseFormat.JSON)
                          .build())));
      ChatResponse response =
          model.chat(
              request(
                  SHORT.overrideWith(
                      ChatRequestParameters.builder()
                          .toolSpecifications(Conformance.WEATHER)
                          .toolChoice(ToolChoice.NONE)
                          .build())));
      assertEquals(FinishReason.LENGTH, response.finishReason());
    }
  }

  @Test
  void aBuilderSaysWhatIsMissingOrTooMuch() {
    assertThrows(IllegalArgumentException.class, () -> CoreInferChatModel.builder().build());
    assertThrows(
        ChatTemplateException.class,
        () -> CoreInferChatModel.builder().model(Embedded.model()).build());
    assertThrows(
        ChatTemplateException.class, () -> Embedded.whole().chatTemplate("klingon").build());
    assertThrows(
        IllegalArgumentException.class,
        () -> Embedded.whole().chatTemplate(Embedded.toolTemplate()).build());
    assertThrows(
        IllegalArgumentException.class,
        () -> Embedded.whole().keep(0.4).coreOptions(CoreOptions.dense()).build());
    assertThrows(IllegalArgumentException.class, () -> Embedded.whole().temperature(-1).build());
    assertThrows(IllegalArgumentException.class, () -> Embedded.whole().keep(2).build());
  }

  @Test
  void cancellingAFutureOrAnInterruptEndsTheAnswer() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(Embedded.model()).build();
        CoreInferChatModel model = Embedded.whole().scheduler(scheduler).build()) {
      CompletableFuture<ChatResponse> answer = model.chatAsync(request(Embedded.endless()));
      assertTrue(answer.cancel(true));
      awaitIdle(scheduler);
      Thread.currentThread().interrupt();
      assertThrows(NonRetriableException.class, () -> model.chat(request(Embedded.endless())));
      assertTrue(Thread.interrupted());
      awaitIdle(scheduler);
      assertEquals(2, scheduler.status().counters().cancelled());
    }
  }

  @Test
  void limitsAreExceptionsThatSayWhetherToTryAgain() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(Embedded.model()).slots(1).queue(0).build();
        CoreInferStreamingChatModel first = Embedded.streaming().scheduler(scheduler).build();
        CoreInferChatModel second = Embedded.whole().scheduler(scheduler).build()) {
      HandlerLog blocked = new HandlerLog();
      blocked.blockAtFirst();
      StreamingHandle handle = first.start(request(Embedded.endless()), blocked);
      assertThrows(RateLimitException.class, () -> second.chat(STORY));
      handle.cancel();
      blocked.unblock();
      awaitIdle(scheduler);
    }
    try (CoreInferChatModel model = Embedded.whole().timeout(Duration.ofNanos(1)).build()) {
      assertThrows(TimeoutException.class, () -> model.chat(STORY));
    }
  }

  @Test
  void aClosedModelAnswersNoMore() {
    Model model = Model.embedded().contextLength(256).load();
    CoreInferChatModel chat =
        CoreInferChatModel.builder().model(model).chatTemplate("chatml").build();
    CompletableFuture<ChatResponse> answer = chat.chatAsync(request(Embedded.endless()));
    model.close();
    Exception failure = assertThrows(Exception.class, answer::get);
    assertInstanceOf(NonRetriableException.class, failure.getCause());
    assertThrows(NonRetriableException.class, () -> chat.chat(STORY));
    chat.close();
  }
}
