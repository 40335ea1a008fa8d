package org.coreinfer.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.NativeMemory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests at the same time that begin alike: what they begin with is read and kept once. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SharedPromptTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.4);
  private static final int PAGE = KvLayer.PAGE;

  /** A page, and a quarter of the second and last one. */
  private static final int COMMON = PAGE + 64;

  private static final int OWN = 70;
  private static final int REQUESTS = 5;

  private final Model model =
      Model.embedded().device(ComputeDevice.CPU).contextLength(512).threads(1).load();

  @AfterAll
  void close() {
    model.close();
  }

  static List<CoreOptions> options() {
    return List.of(
        CoreOptions.dense(),
        CORE,
        CORE.withUpkeep(new Upkeep(6, true, false)),
        CORE.withUpkeep(new Upkeep(0, false, true)));
  }

  private List<Integer> prompt(int own, int length) {
    List<Integer> prompt = new ArrayList<>(tokens(1, COMMON));
    prompt.addAll(tokens(100 + own, length));
    return prompt;
  }

  private List<Integer> tokens(int seed, int count) {
    return new Random(seed).ints(count, 3, model.config().vocabulary()).boxed().toList();
  }

  private static GenerationRequest.Builder request(List<Integer> prompt) {
    return GenerationRequest.ofTokens(prompt).maxTokens(12).ignoreEos(true);
  }

  /** An answer, and the neurons that its prompt chose. */
  private static class Heard extends Collected {
    private final List<NeuronSet> chosen = new ArrayList<>();
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch answered = new CountDownLatch(1);

    @Override
    public void onPrefill(double fraction) {
      super.onPrefill(fraction);
      begun.countDown();
    }

    @Override
    public void onNeurons(NeuronSet neurons) {
      chosen.add(neurons);
    }

    @Override
    public void onToken(ServedToken token) {
      super.onToken(token);
      answered.countDown();
    }
  }

  private void assertIsAsAlone(CoreOptions core, List<Integer> prompt, Heard heard)
      throws Exception {
    try (Session session = model.newSession(core)) {
      assertEquals(session.generate(request(prompt).build()).tokens(), heard.result().tokens());
    }
    try (Session session = model.newSession(core)) {
      session.generate(request(prompt).maxTokens(1).build());
      for (int layer = 0; layer < model.config().layers(); layer++) {
        assertArrayEquals(session.neurons().ids(layer), heard.chosen.get(0).ids(layer));
      }
    }
  }

  private static Ticket submit(
      Scheduler scheduler, CoreOptions core, GenerationRequest request, AnswerListener heard) {
    return scheduler.submit(ServingRequest.of(request).core(core).neurons(true).build(), heard);
  }

  @ParameterizedTest
  @MethodSource("options")
  void whatTheyBeginWithIsReadOnceAndChoosesTheSameNeurons(CoreOptions core) throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(REQUESTS).prefillChunk(128).build()) {
      List<Heard> all = new ArrayList<>();
      for (int i = 0; i < REQUESTS; i++) {
        Heard heard = new Heard();
        submit(scheduler, core, request(prompt(i, OWN)).build(), heard);
        all.add(heard);
      }
      int read = 0;
      for (Heard each : all) {
        read += each.result().timings().promptTokens();
      }
      assertEquals(COMMON + REQUESTS * OWN, read);
      SchedulerStatus.Counters counters = scheduler.status().counters();
      assertEquals((REQUESTS - 1) * COMMON, counters.cachedTokens());
      assertEquals(read, counters.promptTokens() - counters.cachedTokens());
      for (int i = 0; i < REQUESTS; i++) {
        assertIsAsAlone(core, prompt(i, OWN), all.get(i));
      }
    }
  }

  @Test
  void pagesAreSharedWhileAnswersGoOn() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(REQUESTS).buffer(100_000).build()) {
      List<Heard> all = new ArrayList<>();
      for (int i = 0; i < REQUESTS; i++) {
        Heard heard = new Heard();
        submit(scheduler, CORE, request(prompt(i, OWN)).maxTokens(100).build(), heard);
        all.add(heard);
      }
      for (Heard each : all) {
        each.answered.await();
        assertTrue(scheduler.status().cacheTokensUsed() <= (1L + REQUESTS) * PAGE);
      }
      for (Heard each : all) {
        assertEquals(100, each.result().tokens().size());
      }
      assertEquals((1L + REQUESTS) * PAGE, scheduler.status().cacheTokensUsed());
    }
  }

  @Test
  void aKeptTextServesOthersWhileOneGoesOnFromIt() throws Exception {
    List<Integer> first = prompt(1, 20);
    try (Scheduler scheduler = Scheduler.builder(model).slots(3).build()) {
      Heard heard = new Heard();
      submit(scheduler, CORE, request(first).build(), heard);
      List<Integer> turn = new ArrayList<>(first);
      turn.addAll(heard.result().tokens());
      int known = turn.size() - 1; // the last token was drawn, but not decoded
      turn.addAll(tokens(7, 90));
      List<Heard> both = List.of(new Heard(), new Heard());
      for (Heard each : both) {
        submit(scheduler, CORE, request(turn).build(), each);
      }
      assertEquals(known, both.get(0).result().cachedTokens());
      assertTrue(both.get(1).result().cachedTokens() >= known);
      assertEquals(both.get(0).result().tokens(), both.get(1).result().tokens());
    }
  }

  @Test
  void keptTextsGoWhereTheirPagesAreNeeded() throws Exception {
    long room = 2L * 512;
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).cacheTokens(room).build()) {
      for (int i = 0; i < 4; i++) {
        Heard heard = new Heard();
        submit(scheduler, CORE, request(tokens(i, 400)).build(), heard);
        heard.result();
      }
      List<Heard> both = List.of(new Heard(), new Heard());
      for (int i = 0; i < 2; i++) {
        submit(scheduler, CORE, request(tokens(10 + i, 450)).build(), both.get(i));
      }
      for (int i = 0; i < 2; i++) {
        assertIsAsAlone(CORE, tokens(10 + i, 450), both.get(i));
      }
      assertTrue(scheduler.status().cacheTokensUsed() <= room);
      assertEquals(room, scheduler.status().cacheTokens());
    }
  }

  @Test
  void endingInTheMiddleLeavesOthersAloneAndGivesAllMemoryBack() throws Exception {
    long before = NativeMemory.ownedBytes();
    try (Scheduler scheduler = Scheduler.builder(model).slots(REQUESTS).prefillChunk(64).build()) {
      List<Heard> all = new ArrayList<>();
      List<Ticket> tickets = new ArrayList<>();
      for (int i = 0; i < REQUESTS; i++) {
        Heard heard = new Heard();
        GenerationRequest request = request(prompt(i, OWN)).maxTokens(i == 2 ? 100 : 12).build();
        tickets.add(submit(scheduler, CORE, request, heard));
        all.add(heard);
      }
      all.get(0).begun.await();
      tickets.get(1).cancel(); // which waits for the first one, most likely
      tickets.get(0).cancel(); // which reads for the others
      all.get(2).answered.await();
      tickets.get(2).cancel();
      for (int i = 0; i < 3; i++) {
        GenerationResult result = all.get(i).result();
        boolean isCancelled = result.finishReason() == FinishReason.CANCELLED;
        assertTrue(isCancelled || i < 2 || result.tokens().size() == 100);
      }
      for (int i = 3; i < REQUESTS; i++) {
        assertIsAsAlone(CORE, prompt(i, OWN), all.get(i));
      }
      Heard after = new Heard();
      submit(scheduler, CORE, request(prompt(0, OWN)).build(), after);
      assertTrue(after.result().cachedTokens() >= COMMON);
      assertIsAsAlone(CORE, prompt(0, OWN), after);
    }
    assertEquals(before, NativeMemory.ownedBytes());
  }
}
