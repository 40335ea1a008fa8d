package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Token;
import org.coreinfer.generation.TokenStream;
import org.coreinfer.sampling.SamplingOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"CPU", "SIMULATED_CUDA", "CUDA"})
class SessionTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.4);

  private final TestBackend where;

  @SuppressWarnings("NullAway.Init")
  private Model model;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  SessionTest(TestBackend where) {
    this.where = where;
  }

  private Model.Builder quick() {
    return TestModels.quick(where, folder).threads(2);
  }

  @BeforeEach
  void load() {
    model = quick().load();
  }

  @AfterEach
  void close() {
    if (model != null) { // else the backend is not here
      model.close();
    }
  }

  private GenerationRequest.Builder request() {
    String prompt = where.isSimulated() ? "Once" : "Once upon a time";
    return GenerationRequest.of(prompt).maxTokens(length()).ignoreEos(true);
  }

  private int length() {
    return where.isSimulated() ? 8 : 30;
  }

  @Test
  void streamingGivesTheTextOfTheWholeAnswer() {
    try (Session one = model.newSession(CORE);
        Session other = model.newSession(CORE)) {
      StringBuilder text = new StringBuilder();
      List<Integer> tokens = new ArrayList<>();
      try (TokenStream stream = one.stream(request().build())) {
        for (Token token : stream) {
          text.append(token.text());
          tokens.add(token.id());
        }
      }
      GenerationResult whole = other.generate(request().build());
      assertEquals(whole.text(), text.toString());
      assertEquals(whole.tokens(), tokens);
      assertEquals(FinishReason.LENGTH, whole.finishReason());
      assertEquals(length(), whole.tokens().size());
    }
  }

  @Test
  void coreNeuronsAreFewerAndStayFixedDuringAnAnswer() {
    try (Session session = model.newSession(CORE)) {
      GenerationResult result = session.generate(request().build());
      int neurons = model.config().neurons();
      assertEquals(model.config().layers(), result.neuronsPerLayer().size());
      for (int count : result.neuronsPerLayer()) {
        assertEquals(Math.round(0.4 * neurons), count);
      }
    }
    try (Session few = model.newSession(CoreOptions.stability(0.02));
        Session dense = model.newSession(CoreOptions.dense())) {
      GenerationRequest request = request().build();
      assertNotEquals(few.generate(request).tokens(), dense.generate(request).tokens());
    }
  }

  @Test
  void onlyTheGivenLayersAreSparse() {
    CoreOptions options = CORE.withLayers(new CoreOptions.LayerRange(1, 2));
    try (Session session = model.newSession(options)) {
      List<Integer> counts = session.generate(request().build()).neuronsPerLayer();
      int neurons = model.config().neurons();
      assertEquals(neurons, counts.get(0));
      assertTrue(counts.get(1) < neurons && counts.get(2) < neurons);
      assertEquals(neurons, counts.get(3));
    }
    int layers = model.config().layers();
    CoreOptions outside = CORE.withLayers(new CoreOptions.LayerRange(0, layers));
    assertThrows(IllegalArgumentException.class, () -> model.newSession(outside));
  }

  @Test
  void aSecondPromptContinuesTheText() {
    List<Integer> first = List.of(1, 30, 31, 32);
    List<Integer> second = List.of(33, 34);
    try (Session turns = model.newSession(CoreOptions.dense());
        Session whole = model.newSession(CoreOptions.dense())) {
      GenerationResult one = turns.generate(tokens(first, 5));
      GenerationResult two = turns.generate(tokens(second, 5));
      assertEquals(4 + 5 + 2 + 4, turns.position()); // the last token is read with the next prompt
      List<Integer> all = new ArrayList<>(first);
      all.addAll(one.tokens());
      all.addAll(second);
      assertEquals(two.tokens(), whole.generate(tokens(all, 5)).tokens());
    }
  }

  private static GenerationRequest tokens(List<Integer> tokens, int count) {
    return GenerationRequest.ofTokens(tokens).maxTokens(count).ignoreEos(true).build();
  }

  @Test
  void aSecondPromptChoosesNeuronsAnew() {
    try (Session session = model.newSession(CORE)) {
      session.generate(request().build());
      int[] before = session.neurons().ids(2);
      session.generate(GenerationRequest.of("int main() { return 0; }").maxTokens(3).build());
      assertFalse(java.util.Arrays.equals(before, session.neurons().ids(2)));
    }
  }

  @Test
  void stopStringsEndTheTextAndAreNoPartOfIt() {
    try (Session session = model.newSession(CORE);
        Session stopped = model.newSession(CORE)) {
      String text = session.generate(request().build()).text();
      String stop = text.substring(length() / 3, length() / 3 + 4);
      GenerationResult result = stopped.generate(request().stop(stop).build());
      assertEquals(FinishReason.STOP, result.finishReason());
      assertEquals(text.substring(0, text.indexOf(stop)), result.text());
    }
  }

  @Test
  void theSameSeedGivesTheSameTextForAnyNumberOfThreads() {
    SamplingOptions warm = SamplingOptions.GREEDY.withTemperature(0.9).withSeed(11);
    List<Integer> expected = null;
    for (int threads : where.isSimulated() ? new int[] {1, 2} : new int[] {1, 2, 5}) {
      try (Model again = quick().threads(threads).load();
          Session session = again.newSession(CORE)) {
        List<Integer> drawn = session.generate(request().sampling(warm).build()).tokens();
        assertEquals(expected == null ? drawn : expected, drawn);
        expected = drawn;
      }
    }
  }

  @Test
  void cancellingEndsAnAnswerWithItsTextSoFar() {
    Cancellation cancellation = new Cancellation();
    try (Session session = model.newSession(CORE)) {
      List<Token> seen = new ArrayList<>();
      GenerationResult result =
          session.generate(
              request().cancellation(cancellation).maxTokens(200).build(),
              token -> {
                seen.add(token);
                if (seen.size() == 5) {
                  cancellation.cancel();
                }
              });
      assertEquals(FinishReason.CANCELLED, result.finishReason());
      assertEquals(5, result.tokens().size());
    }
  }

  @Test
  void cancellingDuringPrefillLeavesTheSessionAsItWas() {
    Cancellation cancellation = new Cancellation();
    try (Session session = model.newSession(CORE);
        Session untouched = model.newSession(CORE)) {
      GenerationResult result =
          session.generate(
              request()
                  .cancellation(cancellation)
                  .prefillProgress(fraction -> cancellation.cancel())
                  .build());
      assertEquals(FinishReason.CANCELLED, result.finishReason());
      assertEquals(List.of(), result.tokens());
      assertEquals(0, session.position());
      assertEquals(
          untouched.generate(request().build()).tokens(),
          session.generate(request().build()).tokens());
    }
  }

  @Test
  void aSessionAnswersOneRequestAtATime() {
    try (Session session = model.newSession(CORE)) {
      TokenStream stream = session.stream(request().build());
      stream.iterator().next();
      assertThrows(IllegalStateException.class, () -> session.generate("more"));
      stream.close();
      stream.close();
      assertEquals(FinishReason.CANCELLED, stream.result().finishReason());
      session.generate(request().build());
    }
  }

  @Test
  void aPromptLongerThanTheContextIsRefusedWithTheNumbers() {
    try (Model small = quick().contextLength(16).load();
        Session session = small.newSession(CORE)) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> session.generate("one two ".repeat(50)));
      assertTrue(String.valueOf(e.getMessage()).contains("16"), e.getMessage());
      GenerationResult result =
          session.generate(GenerationRequest.of("one two").ignoreEos(true).build());
      assertEquals(FinishReason.LENGTH, result.finishReason());
      assertTrue(session.position() <= 16);
    }
  }

  @Test
  void everythingCanBeClosedTwiceAndSaysSoWhenUsedAfterwards() {
    Session session = model.newSession(CORE);
    session.generate(request().maxTokens(2).build());
    session.close();
    session.close();
    assertThrows(IllegalStateException.class, () -> session.generate("x"));
    model.close();
    model.close();
    assertThrows(IllegalStateException.class, () -> model.newSession(CORE));
  }

  @Test
  void aModelClosedDuringAnAnswerEndsItWithAnException() throws Exception {
    assertEndsWhenClosed(model::close);
  }

  @Test
  void sessionsOfAClosedModelCanStillBeClosed() {
    Session session = model.newSession(CORE);
    session.generate(request().maxTokens(2).build());
    model.close();
    assertThrows(IllegalStateException.class, () -> session.generate("x"));
    session.close();
  }

  private void assertEndsWhenClosed(Runnable close) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(3);
    try {
      List<Future<GenerationResult>> answers = new ArrayList<>();
      CountDownLatch started = new CountDownLatch(3);
      for (int i = 0; i < 3; i++) {
        answers.add(executor.submit(() -> answerForever(started)));
      }
      assertTrue(started.await(30, TimeUnit.SECONDS));
      close.run();
      for (Future<GenerationResult> answer : answers) {
        ExecutionException e =
            assertThrows(ExecutionException.class, () -> answer.get(30, TimeUnit.SECONDS));
        assertTrue(e.getCause() instanceof IllegalStateException, String.valueOf(e.getCause()));
      }
    } finally {
      executor.shutdownNow();
    }
  }

  private GenerationResult answerForever(CountDownLatch started) {
    try (Session session = model.newSession(CORE)) {
      while (true) {
        session.generate(request().maxTokens(3).build());
        started.countDown();
        if (session.position() > 400) {
          return answerForever(started);
        }
      }
    }
  }

  @Test
  void manyThreadsShareAModel() throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(4);
    try (Session alone = model.newSession(CORE)) {
      List<Integer> expected = alone.generate(request().build()).tokens();
      List<Future<List<Integer>>> answers = new ArrayList<>();
      int sessions = where.isSimulated() ? 4 : 12;
      for (int i = 0; i < sessions; i++) {
        answers.add(
            executor.submit(
                () -> {
                  try (Session session = model.newSession(CORE)) {
                    return session.generate(request().build()).tokens();
                  }
                }));
      }
      for (Future<List<Integer>> answer : answers) {
        assertEquals(expected, answer.get(30, TimeUnit.SECONDS));
      }
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void aStreamClosedByAnotherThreadEndsSoon() throws Exception {
    try (Session session = model.newSession(CORE)) {
      TokenStream stream = session.stream(request().maxTokens(400).build());
      stream.iterator().next();
      Thread closer = new Thread(stream::close);
      closer.start();
      closer.join(Duration.ofSeconds(10).toMillis());
      assertFalse(closer.isAlive());
      stream.forEach(token -> {});
      assertEquals(FinishReason.CANCELLED, stream.result().finishReason());
    }
  }
}
