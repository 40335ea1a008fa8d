package org.coreinfer.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.sampling.SamplingOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LogprobsTest {
  private static final String STORY =
      "Once upon a time, there was a little girl named Lily. She loved to play outside in the"
          + " park with her dog Max. One day, they found a big red ball under a tree.";

  private final Model model =
      Model.embedded().device(ComputeDevice.CPU).contextLength(512).threads(1).load();
  private final int[] story = model.tokenizer().encode(STORY, true, false);

  @AfterAll
  void close() {
    model.close();
  }

  private Collected answer(ServingRequest request) throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).prefillChunk(64).build()) {
      Collected heard = new Collected();
      scheduler.submit(request, heard);
      heard.result();
      return heard;
    }
  }

  private static GenerationRequest.Builder request(int[] prompt) {
    return GenerationRequest.ofTokens(IntStream.of(prompt).boxed().toList()).ignoreEos(true);
  }

  /** What {@code coreinfer eval} says of the tokens after the first {@code prompt}, densely. */
  private double nll(int[] ids, int prompt) {
    Evaluator evaluator =
        new Evaluator(model.decoder(), List.of(CoreOptions.dense()), model.cacheDtype());
    evaluator.add(ids, prompt, part -> {});
    return evaluator.result().dense().nll().value();
  }

  private static double nll(Stream<TokenLogprob> logprobs) {
    return -logprobs.mapToDouble(TokenLogprob::logprob).average().orElseThrow();
  }

  private static List<TokenLogprob> ofAnswer(Collected heard) {
    return heard.tokens().stream().map(ServedToken::logprob).map(Objects::requireNonNull).toList();
  }

  @Test
  void answersAreAsLikelyAsEvaluationSays() throws Exception {
    SamplingOptions sampling = // none of which the log probabilities know
        SamplingOptions.GREEDY.withTemperature(1.5).withTopK(50).withRepeatPenalty(1.2);
    Collected heard =
        answer(
            ServingRequest.of(request(story).maxTokens(30).sampling(sampling).build())
                .topLogprobs(5)
                .build());
    GenerationResult result = heard.result();
    int[] whole =
        Stream.concat(result.promptTokens().stream(), result.tokens().stream())
            .mapToInt(Integer::intValue)
            .toArray();
    List<TokenLogprob> logprobs = ofAnswer(heard);
    assertEquals(result.tokens(), logprobs.stream().map(TokenLogprob::token).toList());
    assertEquals(nll(whole, story.length), nll(logprobs.stream()), 1e-6);
    for (TokenLogprob each : logprobs) {
      assertEquals(5, each.top().size());
      assertTrue(each.top().get(0).logprob() >= each.logprob());
      double known = each.top().stream().mapToDouble(t -> Math.exp(t.logprob())).sum();
      assertTrue(known <= 1 + 1e-6, "probability of the likeliest: " + known);
    }
  }

  @Test
  void promptsAreAsLikelyAsEvaluationSays() throws Exception {
    int[] twice = IntStream.concat(IntStream.of(story), IntStream.of(story)).toArray();
    for (CoreOptions core : List.of(CoreOptions.dense(), CoreOptions.stability(0.3))) {
      Collected heard =
          answer(
              ServingRequest.of(request(twice).maxTokens(1).build())
                  .core(core)
                  .promptLogprobs(true)
                  .build());
      List<TokenLogprob> logprobs = heard.prompt();
      assertEquals(
          IntStream.of(twice).boxed().toList(),
          logprobs.stream().map(TokenLogprob::token).toList());
      assertFalse(logprobs.get(0).hasValue());
      assertTrue(logprobs.stream().skip(1).allMatch(TokenLogprob::hasValue));
      int prompt = 20;
      assertEquals(nll(twice, prompt), nll(logprobs.stream().skip(prompt)), 2e-3);
      assertNull(heard.tokens().get(0).logprob());
    }
  }

  @Test
  void allOfThePromptIsReadForThem() throws Exception {
    int[] twice = IntStream.concat(IntStream.of(story), IntStream.of(story)).toArray();
    try (Scheduler scheduler = Scheduler.builder(model).build()) {
      for (int i = 0; i < 2; i++) {
        Collected heard = new Collected();
        scheduler.submit(
            ServingRequest.of(request(twice).maxTokens(2).build()).promptLogprobs(true).build(),
            heard);
        assertEquals(0, heard.result().cachedTokens());
        assertEquals(twice.length, heard.prompt().size());
      }
    }
  }

  @Test
  void losslessAnswersHaveThoseOfDenseOnes() throws Exception {
    CoreOptions lossless = CoreOptions.stability(0.5).withUpkeep(new Upkeep(0, false, true));
    GenerationRequest request = request(story).maxTokens(25).build();
    Collected dense = answer(ServingRequest.of(request).topLogprobs(3).build());
    Collected drafted = answer(ServingRequest.of(request).core(lossless).topLogprobs(3).build());
    assertEquals(ofAnswer(dense), ofAnswer(drafted));
    assertNotNull(drafted.result().drafts());
  }

  @Test
  void piecesAreTheTokensBytes() throws Exception {
    Collected heard =
        answer(ServingRequest.of(request(story).maxTokens(12).build()).topLogprobs(0).build());
    StringBuilder text = new StringBuilder();
    for (TokenLogprob each : ofAnswer(heard)) {
      assertEquals(each.piece(), new String(each.bytes(), StandardCharsets.UTF_8));
      assertEquals(List.of(), each.top());
      text.append(each.piece());
    }
    assertEquals(heard.result().text(), text.toString());
  }
}
