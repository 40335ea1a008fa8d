package org.coreinfer.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.model.BatchEntry;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.NativeMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A scheduler whose requests end early, fail, or are too many. */
@Timeout(60)
class SchedulerLimitsTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.4);

  @SuppressWarnings("NullAway.Init")
  private Model model;

  @BeforeEach
  void load() {
    model = Model.embedded().device(ComputeDevice.CPU).contextLength(512).threads(1).load();
  }

  @AfterEach
  void close() {
    model.close();
  }

  private static GenerationRequest request(int seed, int promptTokens, int maxTokens) {
    List<Integer> prompt = new Random(seed).ints(promptTokens, 3, 4000).boxed().toList();
    return GenerationRequest.ofTokens(prompt).maxTokens(maxTokens).ignoreEos(true).build();
  }

  private static GenerationRequest endless(int seed) {
    return request(seed, 8, 504);
  }

  private static ServingRequest core(GenerationRequest request) {
    return ServingRequest.of(request).core(CORE).build();
  }

  private static Ticket submit(Scheduler scheduler, GenerationRequest request, Collected heard) {
    return scheduler.submit(core(request), heard);
  }

  private static void awaitTokens(Collected heard, int count) {
    while (heard.tokens().size() < count) {
      Thread.onSpinWait();
    }
  }

  /** A listener that stands still at its first token until it is let go or interrupted. */
  private static final class Stuck extends Collected {
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch letGo = new CountDownLatch(1);
    private volatile boolean isInterrupted;

    @Override
    public void onToken(ServedToken token) {
      super.onToken(token);
      reached.countDown();
      try {
        letGo.await();
      } catch (InterruptedException e) {
        isInterrupted = true;
        letGo.countDown();
      }
    }
  }

  @Test
  void aWaitingRequestIsCancelledAtOnce() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(1).build()) {
      Collected first = new Collected();
      Ticket running = submit(scheduler, endless(1), first);
      awaitTokens(first, 1);
      Collected second = new Collected();
      Ticket waiting = submit(scheduler, endless(2), second);
      waiting.cancel();
      GenerationResult result = second.result();
      assertEquals(FinishReason.CANCELLED, result.finishReason());
      assertEquals(List.of(), result.tokens());
      assertEquals(8, result.promptTokens().size());
      assertFalse(first.hasEnded());
      running.cancel();
      running.cancel();
      assertEquals(FinishReason.CANCELLED, first.result().finishReason());
      assertEquals(2, scheduler.status().counters().cancelled());
    }
  }

  @Test
  void cancellingDuringPrefillEndsItWithoutAToken() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(1).prefillChunk(64).build()) {
      boolean isEndedInPrefill = false;
      for (int attempt = 0; attempt < 20 && !isEndedInPrefill; attempt++) {
        CountDownLatch begun = new CountDownLatch(1);
        Collected heard =
            new Collected() {
              @Override
              public void onPrefill(double fraction) {
                begun.countDown();
              }
            };
        Ticket ticket = submit(scheduler, request(attempt, 500, 12), heard);
        begun.await();
        ticket.cancel();
        GenerationResult result = heard.result();
        isEndedInPrefill = result.tokens().isEmpty();
        assertTrue(!isEndedInPrefill || result.finishReason() == FinishReason.CANCELLED);
      }
      assertTrue(isEndedInPrefill, "the prompt was always read before it was cancelled");
      Collected after = new Collected();
      submit(scheduler, request(1, 30, 5), after);
      assertEquals(5, after.result().tokens().size());
    }
  }

  @Test
  void timeoutsEndRunningAndWaitingRequests() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(1).build()) {
      Collected first = new Collected();
      Collected second = new Collected();
      scheduler.submit(ServingRequest.of(endless(1)).timeout(Duration.ofMillis(60)).build(), first);
      scheduler.submit(ServingRequest.of(endless(2)).timeout(Duration.ofMillis(1)).build(), second);
      assertEquals(FinishReason.TIMED_OUT, second.result().finishReason());
      assertEquals(List.of(), second.result().tokens());
      GenerationResult result = first.result();
      if (result.tokens().size() < 504) { // else the machine was quick
        assertEquals(FinishReason.TIMED_OUT, result.finishReason());
        assertEquals(2, scheduler.status().counters().timedOut());
      }
    }
  }

  @Test
  void aFullQueueRefusesWithAnEstimate() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(1).queue(2).build()) {
      List<Collected> taken = new ArrayList<>();
      List<Ticket> tickets = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Collected heard = new Collected();
        tickets.add(submit(scheduler, endless(i), heard));
        taken.add(heard);
      }
      Collected refused = new Collected();
      QueueFullException full =
          assertThrows(QueueFullException.class, () -> submit(scheduler, endless(3), refused));
      assertTrue(full.retryAfter().toSeconds() >= 1);
      assertEquals(
          "2 requests are waiting, which is the most: try again in 1 s", full.getMessage());
      assertEquals(1, scheduler.status().counters().refused());
      tickets.forEach(Ticket::cancel);
      for (Collected each : taken) {
        assertEquals(FinishReason.CANCELLED, each.result().finishReason());
      }
      assertFalse(refused.hasEnded());
    }
  }

  @Test
  void aBlockedListenerDelaysNobodyAndIsCancelledInTheEnd() throws Exception {
    try (Scheduler scheduler =
        Scheduler.builder(model).slots(2).buffer(4).patience(Duration.ofMillis(500)).build()) {
      Stuck stuck = new Stuck();
      submit(scheduler, endless(1), stuck);
      stuck.reached.await();
      for (int i = 0; i < 3; i++) {
        Collected other = new Collected();
        submit(scheduler, request(i, 10, 15), other);
        assertEquals(15, other.result().tokens().size());
      }
      GenerationResult result = stuck.result();
      assertEquals(FinishReason.CANCELLED, result.finishReason());
      assertTrue(stuck.isInterrupted);
      assertTrue(result.tokens().size() < 20, "tokens computed ahead: " + result.tokens().size());
    }
  }

  @Test
  void aSlowListenerPausesItsAnswerAndMissesNothing() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).buffer(2).build()) {
      Stuck slow = new Stuck();
      submit(scheduler, request(1, 10, 40), slow);
      slow.reached.await();
      Collected other = new Collected();
      submit(scheduler, request(2, 10, 40), other);
      assertEquals(40, other.result().tokens().size());
      assertFalse(slow.hasEnded());
      slow.letGo.countDown();
      GenerationResult result = slow.result();
      assertEquals(40, result.tokens().size());
      assertEquals(result.text(), slow.text());
    }
  }

  @Test
  void whatAListenerThrowsEndsItsAnswerOnly() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).build()) {
      Collected failing =
          new Collected() {
            @Override
            public void onToken(ServedToken token) {
              super.onToken(token);
              if (tokens().size() == 3) {
                throw new IllegalArgumentException("enough");
              }
            }
          };
      Collected other = new Collected();
      submit(scheduler, endless(1), failing);
      submit(scheduler, request(2, 10, 30), other);
      ExecutionException failure = assertThrows(ExecutionException.class, failing::result);
      Throwable cause = assertInstanceOf(IllegalArgumentException.class, failure.getCause());
      assertEquals("enough", cause.getMessage());
      assertEquals(30, other.result().tokens().size());
      assertEquals(3, failing.tokens().size());
    }
  }

  @Test
  void drainingLetsAnswersEndAndRefusesOthers() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(1).build()) {
      List<Collected> taken = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Collected heard = new Collected();
        submit(scheduler, request(i, 10, 20), heard);
        taken.add(heard);
      }
      scheduler.drain(Duration.ofSeconds(20));
      for (Collected each : taken) {
        assertEquals(FinishReason.LENGTH, each.result().finishReason());
      }
      assertThrows(
          IllegalStateException.class,
          () -> submit(scheduler, request(9, 10, 20), new Collected()));
    }
  }

  @Test
  void closingCancelsEverythingAndLeavesNoThread() throws Exception {
    Scheduler scheduler = Scheduler.builder(model).slots(2).build();
    List<Collected> taken = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Collected heard = new Collected();
      submit(scheduler, endless(i), heard);
      taken.add(heard);
    }
    awaitTokens(taken.get(0), 1);
    scheduler.close();
    for (Collected each : taken) {
      assertTrue(each.hasEnded());
      assertEquals(FinishReason.CANCELLED, each.result().finishReason());
    }
    assertThrows(IllegalStateException.class, () -> submit(scheduler, endless(9), new Collected()));
    scheduler.close();
    assertNoThreadIsLeft();
  }

  private static void assertNoThreadIsLeft() throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(3).toNanos();
    while (!threads().isEmpty() && System.nanoTime() < end) {
      Thread.sleep(5); // a thread that has left its pool is alive for some more instructions
    }
    assertEquals(List.of(), threads());
  }

  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .map(Thread::getName)
        .filter(name -> name.startsWith("coreinfer-"))
        .toList();
  }

  @Test
  void closingTheModelFailsWhatIsInProgress() throws Exception {
    try (Scheduler scheduler = Scheduler.builder(model).slots(2).build()) {
      List<Collected> taken = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Collected heard = new Collected();
        submit(scheduler, endless(i), heard);
        taken.add(heard);
      }
      awaitTokens(taken.get(0), 1);
      model.close();
      for (Collected each : taken) {
        ExecutionException failure = assertThrows(ExecutionException.class, each::result);
        assertInstanceOf(IllegalStateException.class, failure.getCause());
      }
      assertThrows(
          IllegalStateException.class, () -> submit(scheduler, endless(9), new Collected()));
    }
    assertNoThreadIsLeft();
  }

  @Test
  void memoryStaysFlatOverManyAnswers() throws Exception {
    System.setProperty("coreinfer.pack", "off"); // packs come and grow with the lists
    try {
      model.close();
      load();
    } finally {
      System.clearProperty("coreinfer.pack");
    }
    decodeManyGroups();
    try (Scheduler scheduler = Scheduler.builder(model).build()) {
      answer(scheduler, 1); // the rule's norms of rows
    }
    long before = NativeMemory.ownedBytes();
    try (Scheduler scheduler = Scheduler.builder(model).slots(3).queue(600).build()) {
      lendEverySlot(scheduler);
      answer(scheduler, 60); // after which the scheduler has all that it keeps
      long warm = NativeMemory.ownedBytes();
      answer(scheduler, 500);
      assertEquals(warm, NativeMemory.ownedBytes());
      assertEquals(560, scheduler.status().counters().completed());
      assertTrue(scheduler.status().cacheTokensUsed() <= 3 * 512);
    }
    assertEquals(before, NativeMemory.ownedBytes());
  }

  /** Steps over more groups of sequences than the model keeps room for. */
  private void decodeManyGroups() {
    Decoder decoder = model.decoder();
    try (DecoderState first = decoder.newState(8, 8, model.cacheDtype());
        DecoderState second = decoder.newState(8, 8, model.cacheDtype())) {
      for (int i = 0; i < 8; i++) {
        NeuronSet own = NeuronSet.all(decoder.config());
        decoder.decodeTogether(
            List.of(new BatchEntry(first, 3, own), new BatchEntry(second, 4, own)));
      }
    }
  }

  private static void lendEverySlot(Scheduler scheduler) throws Exception {
    List<Collected> answers = new ArrayList<>();
    List<Ticket> tickets = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Collected heard = new Collected();
      tickets.add(submit(scheduler, endless(1000 + i), heard));
      answers.add(heard);
    }
    answers.forEach(each -> awaitTokens(each, 1));
    tickets.forEach(Ticket::cancel);
    for (Collected each : answers) {
      each.result();
    }
  }

  private static void answer(Scheduler scheduler, int count) throws Exception {
    List<Collected> answers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Collected heard = new Collected();
      submit(scheduler, request(i, 12, 2), heard);
      answers.add(heard);
    }
    for (Collected each : answers) {
      assertEquals(2, each.result().tokens().size());
    }
    while (scheduler.status().running() > 0) {
      Thread.onSpinWait(); // the last result is heard before its text is given back
    }
  }
}
