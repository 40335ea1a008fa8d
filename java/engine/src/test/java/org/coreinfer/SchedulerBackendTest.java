package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.serving.AnswerListener;
import org.coreinfer.serving.Scheduler;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.ServingRequest;
import org.coreinfer.tensor.DType;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several answers at once on devices. */
@Timeout(120)
class SchedulerBackendTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.4);
  private static final SamplingOptions SAMPLED =
      SamplingOptions.GREEDY.withTemperature(0.8).withRepeatPenalty(1.2);

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  /** Waits for one answer. */
  private static final class Waiting implements AnswerListener {
    private final CompletableFuture<GenerationResult> end = new CompletableFuture<>();

    @Override
    public void onToken(ServedToken token) {}

    @Override
    public void onEnd(GenerationResult result) {
      end.complete(result);
    }

    @Override
    public void onFailure(RuntimeException failure) {
      end.completeExceptionally(failure);
    }
  }

  private static GenerationRequest request(int seed, int tokens, SamplingOptions sampling) {
    List<Integer> prompt =
        new Random(seed).ints(tokens, 3, RandomModel.VOCABULARY).boxed().toList();
    return GenerationRequest.ofTokens(prompt)
        .maxTokens(4)
        .ignoreEos(true)
        .sampling(sampling)
        .build();
  }

  @ParameterizedTest
  @EnumSource(names = {"SIMULATED_CUDA", "CUDA"})
  void answersAreThoseOfSessions(TestBackend where) throws Exception {
    Path file = RandomModel.write(folder, DType.F16);
    try (Model model = TestModels.on(where, Model.builder(file)).contextLength(256).load();
        Scheduler scheduler = Scheduler.builder(model).slots(3).prefillChunk(64).build()) {
      List<GenerationRequest> requests =
          List.of(
              request(1, 9, SamplingOptions.GREEDY),
              request(2, 20, SAMPLED.withSeed(7)),
              request(3, where.isSimulated() ? 24 : 140, SamplingOptions.GREEDY));
      List<Waiting> answers = new ArrayList<>();
      for (int i = 0; i < requests.size(); i++) {
        Waiting answer = new Waiting();
        CoreOptions core = i == 1 ? CoreOptions.dense() : CORE;
        scheduler.submit(ServingRequest.of(requests.get(i)).core(core).build(), answer);
        answers.add(answer);
      }
      for (int i = 0; i < requests.size(); i++) {
        GenerationResult result = answers.get(i).end.get(60, TimeUnit.SECONDS);
        try (Session session = model.newSession(i == 1 ? CoreOptions.dense() : CORE)) {
          assertEquals(session.generate(requests.get(i)).tokens(), result.tokens());
        }
      }
      assertTrue(scheduler.status().cacheTokensUsed() >= 9 + 20 + 24);
    }
  }

  /** On a GPU the pieces of a prompt decide on some bits, so there the answers may differ. */
  @ParameterizedTest
  @EnumSource(names = {"SIMULATED_CUDA", "CUDA"})
  void promptsShareWhatTheyBeginWith(TestBackend where) throws Exception {
    Path file = RandomModel.write(folder, DType.F16);
    int common = where.isSimulated() ? 64 : 320;
    List<Integer> beginning = new Random(5).ints(common, 3, 96).boxed().toList();
    try (Model model = TestModels.on(where, Model.builder(file)).contextLength(512).load();
        Scheduler scheduler = Scheduler.builder(model).slots(2).prefillChunk(64).build()) {
      List<Waiting> answers = List.of(new Waiting(), new Waiting());
      List<GenerationRequest> requests = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        List<Integer> prompt = new ArrayList<>(beginning);
        prompt.addAll(new Random(6 + i).ints(64, 3, 96).boxed().toList());
        GenerationRequest request =
            GenerationRequest.ofTokens(prompt).maxTokens(3).ignoreEos(true).build();
        requests.add(request);
        scheduler.submit(ServingRequest.of(request).build(), answers.get(i));
      }
      assertEquals(0, answers.get(0).end.get(100, TimeUnit.SECONDS).cachedTokens());
      GenerationResult second = answers.get(1).end.get(100, TimeUnit.SECONDS);
      assertEquals(common, second.cachedTokens());
      if (where.isSimulated()) {
        try (Session session = model.newSession(CoreOptions.dense())) {
          assertEquals(session.generate(requests.get(1)).tokens(), second.tokens());
        }
      }
    }
  }
}
