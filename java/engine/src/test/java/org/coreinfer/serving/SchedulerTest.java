package org.coreinfer.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.serving.SchedulerStatus.Counters;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SchedulerTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.4);
  private static final SamplingOptions PLAYFUL =
      SamplingOptions.GREEDY.withTemperature(0.9).withTopK(40).withTopP(0.95);

  private final Model model =
      Model.embedded().device(ComputeDevice.CPU).contextLength(512).threads(1).load();

  @BeforeAll
  void warmUp() {
    alone(CORE, request(prompt(1, 20)).build());
  }

  @AfterAll
  void close() {
    model.close();
  }

  private List<Integer> prompt(int seed, int tokens) {
    return new Random(seed).ints(tokens, 3, model.config().vocabulary()).boxed().toList();
  }

  private static GenerationRequest.Builder request(List<Integer> prompt) {
    return GenerationRequest.ofTokens(prompt).maxTokens(20).ignoreEos(true);
  }

  private GenerationResult alone(CoreOptions core, GenerationRequest request) {
    try (Session session = model.newSession(core)) {
      return session.generate(request);
    }
  }

  private static Collected submit(
      Scheduler scheduler, CoreOptions core, GenerationRequest request) {
    Collected heard = new Collected();
    scheduler.submit(ServingRequest.of(request).core(core).build(), heard);
    return heard;
  }

  /** Greedy requests, sampled ones and penalties, with prompts of all lengths. */
  private List<GenerationRequest> mixture() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      int length = i < 12 ? 3 + 7 * i : 70 * (i - 9);
      SamplingOptions sampling =
          switch (i % 4) {
            case 0 -> PLAYFUL.withSeed(i);
            case 1 -> PLAYFUL.withSeed(i).withRepeatPenalty(1.3);
            case 2 -> SamplingOptions.GREEDY.withRepeatPenalty(1.2);
            default -> SamplingOptions.GREEDY;
          };
      requests.add(request(prompt(i, length)).sampling(sampling).build());
    }
    return requests;
  }

  private void sixteenAtOnceAreAsAlone(CoreOptions core) throws Exception {
    List<GenerationRequest> requests = mixture();
    try (Scheduler scheduler =
        Scheduler.builder(model).slots(16).prefillChunk(64).cacheTokens(16 * 512).build()) {
      List<Collected> answers = requests.stream().map(r -> submit(scheduler, core, r)).toList();
      for (int i = 0; i < answers.size(); i++) {
        GenerationResult result = answers.get(i).result();
        GenerationResult wanted = alone(core, requests.get(i));
        assertEquals(wanted.tokens(), result.tokens(), "answer " + i);
        assertEquals(wanted.text(), answers.get(i).text());
        assertEquals(wanted.neuronsPerLayer(), result.neuronsPerLayer());
        assertEquals(wanted.promptTokens(), result.promptTokens());
        assertEquals(0, result.cachedTokens());
      }
    }
  }

  @Test
  void sixteenDenseAnswersAtOnceAreThoseOfSessions() throws Exception {
    sixteenAtOnceAreAsAlone(CoreOptions.dense());
  }

  @Test
  void sixteenCoreAnswersAtOnceAreThoseOfSessions() throws Exception {
    sixteenAtOnceAreAsAlone(CORE);
  }

  @Test
  void upkeepWorksBesideOtherAnswers() throws Exception {
    List<CoreOptions> options =
        List.of(
            CORE.withUpkeep(new Upkeep(0, false, true)),
            CORE.withUpkeep(Upkeep.refreshing(5)),
            CORE.withUpkeep(new Upkeep(8, true, false)),
            CORE.withRule("reference"),
            CoreOptions.dense());
    try (Scheduler scheduler = Scheduler.builder(model).slots(5).prefillChunk(64).build()) {
      GenerationRequest request = request(prompt(5, 150)).build();
      List<Collected> answers = options.stream().map(o -> submit(scheduler, o, request)).toList();
      for (int i = 0; i < answers.size(); i++) {
        GenerationResult wanted = alone(options.get(i), request);
        GenerationResult result = answers.get(i).result();
        assertEquals(wanted.tokens(), result.tokens(), options.get(i).toString());
        assertEquals(wanted.refreshes().count(), result.refreshes().count());
        assertEquals(wanted.drafts() == null, result.drafts() == null);
      }
    }
  }

  @Test
  void requestsBeginInOrderAndAllGetTheirTurn() throws Exception {
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger mostRunning = new AtomicInteger();
    try (Scheduler scheduler = Scheduler.builder(model).slots(3).build()) {
      List<Collected> answers = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        int number = i;
        Collected heard =
            new Collected() {
              @Override
              public void onToken(ServedToken token) {
                if (tokens().isEmpty()) {
                  order.add(number);
                  mostRunning.accumulateAndGet(scheduler.status().running(), Math::max);
                }
                super.onToken(token);
              }
            };
        scheduler.submit(ServingRequest.of(request(prompt(i, 9)).build()).build(), heard);
        answers.add(heard);
      }
      for (Collected each : answers) {
        assertEquals(20, each.result().tokens().size());
      }
      for (int place = 0; place < order.size(); place++) {
        assertTrue(Math.abs(order.get(place) - place) < 3, order.toString());
      }
      assertTrue(mostRunning.get() <= 3);
    }
  }

  @Test
  void aLongPromptDoesNotStopAnswersInProgress() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).prefillChunk(64).build()) {
      AtomicInteger during = new AtomicInteger();
      Collected reader = new Collected();
      Collected writer =
          new Collected() {
            @Override
            public void onToken(ServedToken token) {
              super.onToken(token);
              List<Double> progress = reader.progress();
              if (!progress.isEmpty() && reader.tokens().isEmpty()) {
                during.incrementAndGet();
              }
            }
          };
      GenerationRequest endless = request(prompt(1, 5)).maxTokens(500).build();
      Ticket ticket = scheduler.submit(ServingRequest.of(endless).build(), writer);
      while (writer.tokens().isEmpty()) {
        Thread.onSpinWait();
      }
      GenerationRequest large = request(prompt(2, 500)).maxTokens(1).build();
      scheduler.submit(ServingRequest.of(large).core(CORE).build(), reader);
      assertEquals(alone(CORE, large).tokens(), reader.result().tokens());
      ticket.cancel();
      assertEquals(FinishReason.CANCELLED, writer.result().finishReason());
      assertTrue(during.get() >= 2, "tokens while the prompt was read: " + during.get());
    }
  }

  @Test
  void statusAndTimesAreCounted() throws Exception {
    AtomicInteger firsts = new AtomicInteger();
    AtomicInteger nexts = new AtomicInteger();
    AtomicInteger ends = new AtomicInteger();
    SchedulerListener times =
        new SchedulerListener() {
          @Override
          public void onFirstToken(Duration waited, Duration read) {
            firsts.incrementAndGet();
          }

          @Override
          public void onNextToken(Duration sinceLast) {
            nexts.incrementAndGet();
          }

          @Override
          public void onEnd(GenerationResult result, Duration took) {
            ends.incrementAndGet();
            throw new IllegalStateException("which changes nothing");
          }
        };
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).listener(times).build()) {
      CoreOptions lossless = CORE.withUpkeep(new Upkeep(0, false, true));
      GenerationResult one = submit(scheduler, lossless, request(prompt(1, 9)).build()).result();
      GenerationResult two = submit(scheduler, CORE, request(prompt(2, 11)).build()).result();
      Counters counters = scheduler.status().counters();
      assertEquals(2, counters.completed());
      assertEquals(20, counters.promptTokens());
      assertEquals(one.tokens().size() + two.tokens().size(), counters.generatedTokens());
      assertEquals(2, firsts.get());
      assertEquals(38, nexts.get());
      assertEquals(2, ends.get());
      assertTrue(one.drafts() != null && counters.draftedTokens() == one.drafts().drafted());
      assertEquals(2 * 512, scheduler.status().cacheTokens());
      assertTrue(scheduler.status().cacheTokensUsed() >= 20 + 2 * 19);
    }
  }

  @Test
  void requestsThatCannotBeAnsweredAreRefusedAtOnce() {
    try (Scheduler scheduler = Scheduler.builder(model).build()) {
      Collected nobody = new Collected();
      for (GenerationRequest bad :
          List.of(
              request(prompt(1, 513)).build(),
              request(List.of()).build(),
              request(List.of(1, -1)).build(),
              request(List.of(1, model.config().vocabulary())).build())) {
        ServingRequest request = ServingRequest.of(bad).build();
        assertThrows(IllegalArgumentException.class, () -> scheduler.submit(request, nobody));
      }
      ServingRequest layers =
          ServingRequest.of(request(List.of(1)).build())
              .core(CORE.withLayers(new CoreOptions.LayerRange(0, 99)))
              .build();
      assertThrows(IllegalArgumentException.class, () -> scheduler.submit(layers, nobody));
      assertEquals(0, scheduler.status().waiting());
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> Scheduler.builder(model).slots(4).cacheTokens(2000).build());
  }
}
