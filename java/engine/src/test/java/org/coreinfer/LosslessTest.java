package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Token;
import org.coreinfer.generation.TokenStream;
import org.coreinfer.sampling.SamplingOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Drafting with core neurons and verifying with all gives what dense decoding gives. */
@Timeout(600)
class LosslessTest {
  private static final List<String> PROMPTS =
      List.of("Once upon a time", "The old man", "One day, Lily and Tom went to the park.", "Why");

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static CoreOptions lossless(double keep) {
    return CoreOptions.stability(keep).withUpkeep(new Upkeep(0, false, true));
  }

  private static GenerationResult answer(Model model, CoreOptions core, GenerationRequest request) {
    try (Session session = model.newSession(core)) {
      return session.generate(request);
    }
  }

  private static void assertSameAnswer(GenerationResult dense, GenerationResult lossless) {
    assertEquals(dense.tokens(), lossless.tokens());
    assertEquals(dense.text(), lossless.text());
    assertEquals(dense.finishReason(), lossless.finishReason());
    assertEquals(dense.timings().decodeSteps(), lossless.timings().decodeSteps());
  }

  @ParameterizedTest
  @ValueSource(strings = {"opt-tiny-relu", "relu-llama-656k", "stories260k-hf"})
  void greedyAnswersAreThoseOfDenseDecoding(String name) {
    try (Model model = Model.load(TestData.shared("models/" + name))) {
      for (String prompt : PROMPTS) {
        GenerationRequest request =
            GenerationRequest.of(prompt).maxTokens(30).ignoreEos(true).build();
        GenerationResult dense = answer(model, CoreOptions.dense(), request);
        assertNull(dense.drafts());
        for (double keep : new double[] {0.1, 0.8}) {
          GenerationResult lossless = answer(model, lossless(keep), request);
          assertSameAnswer(dense, lossless);
          Drafts drafts = lossless.drafts();
          assertNotNull(drafts);
          assertTrue(drafts.accepted() <= drafts.drafted());
          assertTrue(drafts.passes() + drafts.accepted() >= 29, drafts.toString());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"CPU", "SIMULATED_CUDA", "CUDA"})
  void everyBackendVerifies(TestBackend where) {
    // Each with each, or in pairs where it is slow.
    Deque<String> rules = new ArrayDeque<>(List.of("relative", "reference", "paper"));
    try (Model model = TestModels.quick(where, folder).load()) {
      for (SamplingOptions sampling :
          List.of(
              SamplingOptions.GREEDY,
              SamplingOptions.GREEDY.withRepeatPenalty(1.4),
              SamplingOptions.GREEDY.withFrequencyPenalty(0.8).withPresencePenalty(0.5))) {
        GenerationRequest request =
            GenerationRequest.of("Once upon a time")
                .maxTokens(where.isSimulated() ? 8 : 60)
                .sampling(sampling)
                .ignoreEos(true)
                .build();
        GenerationResult dense = answer(model, CoreOptions.dense(), request);
        for (String rule : where.isSimulated() ? List.of(rules.remove()) : rules) {
          assertSameAnswer(dense, answer(model, lossless(0.6).withRule(rule), request));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"0.8, 0, 1, 0, 1", "1, 40, 0.9, 0.02, 1.2"})
  void theSameSeedGivesTheSameText(
      double temperature, int topK, double topP, double minP, double penalty) {
    SamplingOptions sampling = new SamplingOptions(temperature, topK, topP, minP, penalty, 64, 0);
    try (Model model = Model.embedded().load()) {
      List<String> texts = new ArrayList<>();
      for (long seed : new long[] {1, 2, 1, 2}) {
        GenerationRequest request =
            GenerationRequest.of("Once upon a time")
                .maxTokens(50)
                .sampling(sampling.withSeed(seed))
                .build();
        GenerationResult result = answer(model, lossless(0.4), request);
        Drafts drafts = result.drafts();
        assertNotNull(drafts);
        texts.add(result.text() + drafts);
      }
      assertEquals(texts.get(0), texts.get(2));
      assertEquals(texts.get(1), texts.get(3));
      assertTrue(!texts.get(0).equals(texts.get(1)));
    }
  }

  /** Prompt after prompt, each answer ended in another way in the middle of a round. */
  @Test
  void answersThatEndWithinARoundLeaveTheSessionAsDenseOnesDo() {
    try (Model model = Model.embedded().load();
        Session dense = model.newSession(CoreOptions.dense());
        Session lossless = model.newSession(lossless(0.8))) {
      GenerationRequest base = GenerationRequest.of("Once upon a time").maxTokens(40).build();
      String text = answer(model, CoreOptions.dense(), base).text();
      for (int length = 1; length < 12; length++) {
        GenerationRequest.Builder cut =
            GenerationRequest.of(length == 1 ? "Once upon a time" : " Then one day")
                .maxTokens(length)
                .ignoreEos(true);
        assertSameAnswer(dense.generate(cut.build()), lossless.generate(cut.build()));
        assertEquals(dense.position(), lossless.position());
      }
      for (int at = 5; at < 60; at += 11) {
        GenerationRequest stopped =
            GenerationRequest.of("Once upon a time")
                .maxTokens(40)
                .stop(text.substring(at, at + 3))
                .build();
        GenerationResult wanted = answer(model, CoreOptions.dense(), stopped);
        assertEquals(FinishReason.STOP, wanted.finishReason());
        assertSameAnswer(wanted, answer(model, lossless(0.8), stopped));
        assertSameAnswer(dense.generate(stopped), lossless.generate(stopped));
        assertEquals(dense.position(), lossless.position());
      }
    }
  }

  @Test
  void answersEndAtTheEndOfTheTextAndOfTheContext() {
    int ended = 0;
    try (Model model = Model.embedded().contextLength(256).load()) {
      for (String prompt : PROMPTS) {
        GenerationRequest.Builder request = GenerationRequest.of(prompt).maxTokens(100_000);
        GenerationResult dense = answer(model, CoreOptions.dense(), request.build());
        ended += dense.finishReason() == FinishReason.EOS ? 1 : 0;
        assertSameAnswer(dense, answer(model, lossless(0.6), request.build()));
      }
      GenerationRequest full =
          GenerationRequest.of("Once").maxTokens(100_000).ignoreEos(true).build();
      GenerationResult filled = answer(model, CoreOptions.dense(), full);
      assertEquals(FinishReason.LENGTH, filled.finishReason());
      assertSameAnswer(filled, answer(model, lossless(0.6), full));
    }
    assertTrue(ended > 0, "no text ended by itself");
  }

  @Test
  void tokensComeOneByOneAndCancellingEndsThem() {
    Cancellation cancellation = new Cancellation();
    try (Model model = Model.embedded().load();
        Session session = model.newSession(lossless(0.8));
        Session dense = model.newSession(CoreOptions.dense())) {
      GenerationRequest request =
          GenerationRequest.of("Once upon a time")
              .maxTokens(100)
              .ignoreEos(true)
              .cancellation(cancellation)
              .build();
      List<Integer> seen = new ArrayList<>();
      GenerationResult result;
      try (TokenStream stream = session.stream(request)) {
        for (Token token : stream) {
          if (!seen.isEmpty() && token.text().isEmpty()) {
            continue;
          }
          seen.add(token.id());
          if (seen.size() == 7) {
            cancellation.cancel();
          }
        }
        result = stream.result();
      }
      assertEquals(FinishReason.CANCELLED, result.finishReason());
      List<Integer> tokens = result.tokens();
      dense.generate(
          GenerationRequest.of("Once upon a time")
              .maxTokens(tokens.size())
              .ignoreEos(true)
              .build());
      assertEquals(dense.position(), session.position());
      GenerationRequest next =
          GenerationRequest.of(" The end").maxTokens(20).ignoreEos(true).build();
      assertSameAnswer(dense.generate(next), session.generate(next));
    }
  }

  @Test
  void denseDecodingDraftsNothing() {
    CoreOptions options = CoreOptions.dense().withUpkeep(new Upkeep(0, false, true));
    try (Model model = Model.embedded().load()) {
      GenerationRequest request = GenerationRequest.of("Once").maxTokens(10).build();
      assertNull(answer(model, options, request).drafts());
    }
  }
}
