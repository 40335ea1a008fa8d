package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.coreinfer.backend.cuda.SimulatedCuda;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Token;
import org.coreinfer.generation.TokenStream;
import org.coreinfer.model.GpuPlan;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.Quantization;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models under a limit of GPU memory, on the simulated device. */
@Timeout(120)
class GpuMemoryTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.2);
  private static final List<Integer> PROMPT = List.of(1, 7, 30, 20, 12, 90, 5, 61);
  private static final int TOKENS = 6;

  /** A layer's neurons in F16. */
  private static final long LAYER_BYTES = 2L * 3 * RandomModel.NEURONS * RandomModel.DIM;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static Model load(SimulatedCuda cuda, Path file, CoreOptions core, long limit) {
    Model.Builder builder = TestModels.on(cuda, Model.builder(file));
    return builder.contextLength(32).plannedFor(core).gpuMemory(limit).load();
  }

  private static Model load(SimulatedCuda cuda, Path file, CoreOptions core) {
    return load(cuda, file, core, 1L << 28);
  }

  /** The least limit with which a model loads. */
  private static long least(Path file, CoreOptions core) {
    SimulatedCuda cuda = SimulatedCuda.plain();
    return assertThrows(OutOfNativeMemoryException.class, () -> load(cuda, file, core, 100).close())
        .enough();
  }

  private static GenerationRequest request(List<Integer> prompt) {
    return GenerationRequest.ofTokens(prompt).maxTokens(TOKENS).ignoreEos(true).build();
  }

  private static List<Integer> answer(Model model, CoreOptions options) {
    try (Session session = model.newSession(options)) {
      return session.generate(request(PROMPT)).tokens();
    }
  }

  private static GpuPlan plan(Model model) {
    return Objects.requireNonNull(model.gpuPlan());
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void aStreamedModelGivesTheTextOfAResidentOneAndDecodesWithoutTheBus(DType dtype) {
    Path file = RandomModel.write(folder, dtype);
    List<Integer> expected;
    try (Model resident = load(SimulatedCuda.plain(), file, CORE)) {
      assertFalse(plan(resident).isStreaming());
      expected = answer(resident, CORE);
    }
    SimulatedCuda cuda = SimulatedCuda.plain();
    try (Model streamed = load(cuda, file, CORE, least(file, CORE));
        Session session = streamed.newSession(CORE)) {
      assertEquals(RandomModel.LAYERS, plan(streamed).streamedLayers().size());
      List<Integer> tokens = new ArrayList<>();
      try (TokenStream stream = session.stream(request(PROMPT))) {
        for (Token token : stream) {
          if (tokens.isEmpty()) {
            cuda.forgetCalls(); // of the prompt
          }
          tokens.add(token.id());
        }
      }
      assertEquals(expected, tokens);
      assertTrue(cuda.uploadedBytes() < TOKENS * 100, cuda.uploadedBytes() + " bytes uploaded");
      assertEquals(0, cuda.calls("ci_ffn_decode"));
      assertEquals(1, cuda.captures());
    }
  }

  @Test
  void moreMemoryKeepsMoreLayersAndTheSameText() {
    Path file = RandomModel.write(folder, DType.F16);
    long least = least(file, CORE);
    List<Integer> texts = null;
    List<Integer> streamed = new ArrayList<>();
    for (long limit = least; streamed.isEmpty() || streamed.get(streamed.size() - 1) > 0; ) {
      try (Model model = load(SimulatedCuda.plain(), file, CORE, limit)) {
        assertTrue(plan(model).needed() <= limit);
        streamed.add(plan(model).streamedLayers().size());
        List<Integer> tokens = answer(model, CORE);
        assertEquals(texts == null ? tokens : texts, tokens);
        texts = tokens;
      }
      limit += LAYER_BYTES / 2;
    }
    assertEquals(streamed.stream().sorted(Comparator.reverseOrder()).toList(), streamed);
    assertTrue(Set.copyOf(streamed).size() > 2, streamed.toString());
  }

  @Test
  void draftsOfAStreamedModelAreVerified() {
    Path file = RandomModel.write(folder, DType.Q8_0);
    CoreOptions lossless = CORE.withUpkeep(new CoreOptions.Upkeep(0, false, true));
    List<Integer> expected;
    try (Model resident = load(SimulatedCuda.plain(), file, CORE)) {
      expected = answer(resident, CoreOptions.dense());
      assertEquals(expected, answer(resident, lossless));
    }
    try (Model streamed = load(SimulatedCuda.plain(), file, lossless, least(file, lossless))) {
      assertTrue(plan(streamed).isStreaming());
      assertEquals(expected, answer(streamed, lossless));
    }
  }

  @Test
  void denseDecodingUnderALimitStreamsEveryLayerForEachToken() {
    Path file = RandomModel.write(folder, DType.F16);
    CoreOptions dense = CoreOptions.dense();
    List<Integer> expected;
    try (Model resident = load(SimulatedCuda.plain(), file, dense)) {
      expected = answer(resident, dense);
    }
    SimulatedCuda cuda = SimulatedCuda.plain();
    try (Model streamed = load(cuda, file, dense, least(file, dense))) {
      GpuPlan plan = plan(streamed);
      assertEquals(plan.streamedFfn(), plan.tokenStreams());
      assertTrue(plan.sentence().contains("tokens/s"), plan.sentence());
      cuda.forgetCalls();
      assertEquals(expected, answer(streamed, dense));
      assertTrue(cuda.uploadedBytes() > TOKENS * plan.streamedFfn());
      assertEquals(0, cuda.captures());
    }
  }

  @Test
  void layersThatStayDenseAreTheFirstToBeResident() {
    Path file = RandomModel.write(folder, DType.F16);
    CoreOptions core = CORE.withLayers(new CoreOptions.LayerRange(0, 2));
    List<Integer> expected;
    try (Model resident = load(SimulatedCuda.plain(), file, core)) {
      expected = answer(resident, core);
    }
    long more = least(file, core);
    Model model = load(SimulatedCuda.plain(), file, core, more);
    while (plan(model).streamedLayers().size() > 3) {
      assertEquals(expected, answer(model, core));
      model.close();
      more += LAYER_BYTES / 2;
      model = load(SimulatedCuda.plain(), file, core, more);
    }
    assertEquals(List.of(0, 1, 2), plan(model).streamedLayers());
    assertEquals(0, plan(model).tokenStreams());
    assertEquals(expected, answer(model, core));
    model.close();
  }

  @Test
  void refreshesStreamEveryLayerAndOtherTokensNone() {
    Path file = RandomModel.write(folder, DType.F16);
    CoreOptions core = CORE.withUpkeep(Upkeep.refreshing(3));
    List<Integer> expected;
    try (Model resident = load(SimulatedCuda.plain(), file, core)) {
      expected = answer(resident, core);
    }
    SimulatedCuda cuda = SimulatedCuda.plain();
    try (Model streamed = load(cuda, file, core, least(file, core));
        Session session = streamed.newSession(core);
        TokenStream stream = session.stream(request(PROMPT))) {
      List<Integer> tokens = new ArrayList<>();
      for (Token token : stream) {
        long uploaded = cuda.uploadedBytes();
        cuda.forgetCalls();
        tokens.add(token.id());
        boolean isRefresh = tokens.size() == 1 || tokens.size() == 4; // or the prompt
        assertEquals(isRefresh, uploaded > plan(streamed).streamedFfn(), "token " + tokens.size());
        assertTrue(isRefresh || uploaded < 100, uploaded + " bytes uploaded");
      }
      assertEquals(expected, tokens);
      assertEquals(1, stream.result().refreshes().count());
      assertEquals(1, cuda.captures());
    }
  }

  @Test
  void whatCannotFitIsRefusedWithTheNumberThatWould() {
    Path file = RandomModel.write(folder, DType.F16);
    long least = least(file, CORE);
    SimulatedCuda cuda = SimulatedCuda.plain();
    OutOfNativeMemoryException e =
        assertThrows(
            OutOfNativeMemoryException.class, () -> load(cuda, file, CORE, least - 1).close());
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("needs at least " + MemoryPlan.size(least)), message);
    assertEquals(0, cuda.openHandles());
  }

  @Test
  void aSecondPromptAndACancelledOneChooseNeuronsAsUsual() {
    Path file = RandomModel.write(folder, DType.Q8_0);
    List<List<Integer>> resident = conversation(load(SimulatedCuda.plain(), file, CORE));
    assertEquals(
        resident, conversation(load(SimulatedCuda.plain(), file, CORE, least(file, CORE))));
  }

  /** The answers to a prompt, to one that is cancelled in the middle, and to another one. */
  private static List<List<Integer>> conversation(Model model) {
    try (model;
        Session session = model.newSession(CORE)) {
      List<List<Integer>> answers = new ArrayList<>();
      answers.add(session.generate(request(PROMPT)).tokens());
      Cancellation cancellation = new Cancellation();
      GenerationResult cancelled =
          session.generate(
              GenerationRequest.ofTokens(List.of(3, 4))
                  .cancellation(cancellation)
                  .prefillProgress(
                      fraction -> {
                        if (fraction > 0.6) {
                          cancellation.cancel();
                        }
                      })
                  .build());
      assertEquals(FinishReason.CANCELLED, cancelled.finishReason());
      answers.add(session.generate(request(List.of(44, 9))).tokens());
      return answers;
    }
  }

  @Test
  void aSessionThatNeedsMoreThanWasPlannedIsRefusedAndOthersGoOn() {
    Path file = RandomModel.writeWide(folder, Quantization.F16);
    SimulatedCuda cuda = SimulatedCuda.plain();
    try (Model model = load(cuda, file, CORE, least(file, CORE))) {
      List<Integer> expected = answer(model, CORE);
      assertThrows(
          OutOfNativeMemoryException.class, () -> model.newSession(CoreOptions.stability(0.9)));
      assertEquals(expected, answer(model, CORE));
    }
  }

  @Test
  void everythingIsGivenBack() {
    Path file = RandomModel.write(folder, DType.F16);
    SimulatedCuda cuda = SimulatedCuda.plain();
    long free = cuda.freeBytes();
    try (Model model = load(cuda, file, CORE, least(file, CORE))) {
      answer(model, CORE);
      assertTrue(cuda.freeBytes() < free);
    }
    assertEquals(free, cuda.freeBytes());
    assertEquals(0, cuda.openHandles());
  }
}
