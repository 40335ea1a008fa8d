package org.coreinfer.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.coreinfer.Calibrations;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.Scheduler.Reuse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Prompts that begin like texts before. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReuseTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.4);

  private final Model model =
      Model.embedded().device(ComputeDevice.CPU).contextLength(512).threads(1).load();

  @AfterAll
  void close() {
    model.close();
  }

  Stream<CoreOptions> options() {
    return Stream.of(
        CoreOptions.dense(),
        CORE,
        CORE.withRule("paper"),
        CORE.withUpkeep(new Upkeep(6, true, false)),
        CORE.withUpkeep(new Upkeep(0, false, true)),
        CoreOptions.auto(0.4, Objects.requireNonNull(Calibrations.of(null))));
  }

  private List<Integer> tokens(int seed, int count) {
    return new Random(seed).ints(count, 3, model.config().vocabulary()).boxed().toList();
  }

  private static List<Integer> joined(List<Integer> first, List<Integer> second) {
    List<Integer> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }

  private static GenerationRequest request(List<Integer> prompt) {
    return GenerationRequest.ofTokens(prompt).maxTokens(16).ignoreEos(true).build();
  }

  private GenerationResult alone(CoreOptions core, List<Integer> prompt) {
    try (Session session = model.newSession(core)) {
      return session.generate(request(prompt));
    }
  }

  private static GenerationResult answer(
      Scheduler scheduler, CoreOptions core, List<Integer> prompt) throws Exception {
    Collected heard = new Collected();
    scheduler.submit(ServingRequest.of(request(prompt)).core(core).build(), heard);
    return heard.result();
  }

  @ParameterizedTest
  @MethodSource("options")
  void answersAreAsIfAllOfThePromptHadBeenRead(CoreOptions core) throws Exception {
    List<Integer> beginning = tokens(1, 200);
    List<Integer> other = joined(beginning, tokens(2, 100));
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).build()) {
      GenerationResult first = answer(scheduler, core, joined(beginning, tokens(3, 40)));
      assertEquals(0, first.cachedTokens());
      GenerationResult again = answer(scheduler, core, joined(beginning, tokens(3, 40)));
      assertEquals(128, again.cachedTokens());
      assertEquals(first.tokens(), again.tokens());
      GenerationResult second = answer(scheduler, core, other);
      assertEquals(192, second.cachedTokens());
      assertEquals(alone(core, other).tokens(), second.tokens());
      assertEquals(108, second.timings().promptTokens());
      assertEquals(
          128 + 192, scheduler.status().counters().cachedTokens(), "of all three together");
    }
  }

  @ParameterizedTest
  @MethodSource("options")
  void theNextTurnIsThatOfASession(CoreOptions core) throws Exception {
    List<Integer> question = tokens(4, 100);
    List<Integer> reply = tokens(5, 30);
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).build();
        Session session = model.newSession(core)) {
      GenerationResult first = answer(scheduler, core, question);
      assertEquals(session.generate(request(question)).tokens(), first.tokens());
      GenerationResult second =
          answer(scheduler, core, joined(joined(question, first.tokens()), reply));
      assertEquals(100 + 15, second.cachedTokens());
      assertEquals(session.generate(request(reply)).tokens(), second.tokens());
    }
  }

  @Test
  void aTurnCanBeAnsweredAgain() throws Exception {
    List<Integer> question = tokens(6, 100);
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).build()) {
      GenerationResult first = answer(scheduler, CORE, question);
      List<Integer> turn = joined(joined(question, first.tokens()), tokens(7, 200));
      GenerationResult second = answer(scheduler, CORE, turn);
      GenerationResult again = answer(scheduler, CORE, turn);
      assertEquals(192, again.cachedTokens());
      assertEquals(second.tokens(), again.tokens());
    }
  }

  @Test
  void onlyPromptsAreReusedIfThatIsAskedFor() throws Exception {
    List<Integer> question = tokens(8, 150);
    for (CoreOptions core : List.of(CORE, CoreOptions.dense())) {
      try (Scheduler scheduler = Scheduler.builder(model).slots(2).reuse(Reuse.PROMPTS).build()) {
        GenerationResult first = answer(scheduler, core, question);
        List<Integer> turn = joined(joined(question, first.tokens()), tokens(9, 90));
        GenerationResult second = answer(scheduler, core, turn);
        assertEquals(128, second.cachedTokens());
        assertEquals(alone(core, turn).tokens(), second.tokens());
      }
      try (Scheduler scheduler = Scheduler.builder(model).slots(2).reuse(Reuse.NONE).build()) {
        answer(scheduler, core, question);
        assertEquals(0, answer(scheduler, core, question).cachedTokens());
      }
    }
  }

  @Test
  void theLeastRecentlyUsedTextGoesFirst() throws Exception {
    List<Integer> one = tokens(10, 150);
    List<Integer> two = tokens(11, 150);
    List<Integer> three = tokens(12, 150);
    try (Scheduler scheduler = Scheduler.builder(model).slots(1).cacheTokens(1024).build()) {
      answer(scheduler, CORE, one);
      answer(scheduler, CORE, two);
      assertEquals(64, answer(scheduler, CORE, one).cachedTokens());
      answer(scheduler, CORE, three);
      assertEquals(0, answer(scheduler, CORE, two).cachedTokens());
      assertEquals(64, answer(scheduler, CORE, three).cachedTokens());
      assertTrue(scheduler.status().cacheTokensUsed() <= 1024);
    }
  }

  /** What is shared with other options is what a prompt leaves, whatever is asked of it. */
  @Test
  void promptsOfOtherOptionsAreReusedWhereThatChangesNothing() throws Exception {
    List<Integer> prompt = tokens(13, 150);
    List<Integer> answered = joined(prompt, alone(CORE, prompt).tokens());
    List<Integer> turn = joined(answered, tokens(14, 80));
    for (CoreOptions core :
        List.of(
            CoreOptions.dense(),
            CoreOptions.dense().withRule("paper"),
            CORE.withKeep(0.5),
            CORE.withUpkeep(new Upkeep(0, false, true)),
            CORE.withUpkeep(Upkeep.refreshing(5)))) {
      try (Scheduler scheduler = Scheduler.builder(model).slots(2).build()) {
        answer(scheduler, CORE, prompt);
        GenerationResult result = answer(scheduler, core, turn);
        assertEquals(128, result.cachedTokens(), core.toString());
        assertEquals(alone(core, turn).tokens(), result.tokens(), core.toString());
      }
    }
  }

  @Test
  void promptsWhoseScoresWouldDifferAreNotReused() throws Exception {
    List<Integer> prompt = tokens(13, 150);
    try (Scheduler scheduler = Scheduler.builder(model).slots(3).build()) {
      answer(scheduler, CoreOptions.dense(), prompt);
      answer(scheduler, CORE, prompt);
      for (CoreOptions core :
          List.of(
              CORE.withRule("paper"),
              CORE.withAlpha(0.3),
              CORE.withLayers(new CoreOptions.LayerRange(1, 2)),
              CORE.withUpkeep(new Upkeep(6, true, false)))) {
        GenerationResult result = answer(scheduler, core, prompt);
        assertEquals(0, result.cachedTokens(), core.toString());
        assertEquals(alone(core, prompt).tokens(), result.tokens(), core.toString());
      }
    }
  }

  @Test
  void aPromptThatWasCancelledLeavesNothingWrong() throws Exception {
    List<Integer> prompt = tokens(14, 480);
    List<Integer> wanted = alone(CORE, prompt).tokens();
    try (Scheduler scheduler = Scheduler.builder(model).slots(1).prefillChunk(64).build()) {
      for (int attempt = 0; attempt < 4; attempt++) {
        CountDownLatch begun = new CountDownLatch(1 + attempt);
        Collected heard =
            new Collected() {
              @Override
              public void onPrefill(double fraction) {
                begun.countDown();
              }

              @Override
              public void onToken(ServedToken token) {
                super.onToken(token);
                begun.countDown();
              }
            };
        Ticket ticket =
            scheduler.submit(ServingRequest.of(request(prompt)).core(CORE).build(), heard);
        begun.await();
        ticket.cancel();
        heard.result();
        assertEquals(wanted, answer(scheduler, CORE, prompt).tokens());
        answer(scheduler, CORE, tokens(15 + attempt, 20)); // takes the text's memory
      }
    }
  }
}
