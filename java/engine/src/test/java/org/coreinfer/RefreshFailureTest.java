package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.backend.cuda.SimulatedCuda;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.generation.Sequence;
import org.coreinfer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Renewals of core neurons that are cancelled, or fail, leave what was before. */
@Timeout(120)
@ParameterizedClass
@EnumSource(TestBackend.class)
class RefreshFailureTest extends RefreshFixture {
  private static final int DEVICE_ERROR = 5;

  RefreshFailureTest(TestBackend where) {
    super(where);
  }

  @Test
  void aCancelledRefreshCanBeMadeAgain() {
    List<CoreOptions> options = everyThird();
    aCancelledRefreshCanBeMadeAgain(options.get(0), 0.1, 1);
    aCancelledRefreshCanBeMadeAgain(options.get(1), 1, 0.1);
  }

  /** Cancels each refresh where it says. */
  private void aCancelledRefreshCanBeMadeAgain(CoreOptions options, double... ends) {
    float[][] expected = decodeAll(options);
    afterPrompt(
        options,
        sequence -> {
          for (int i = 0; i < NEXT.length; i++) {
            int position = sequence.position();
            sequence.accept(NEXT[i]);
            if (i % 3 == 2) {
              double end = ends[i / 3];
              assertThrows(
                  GenerationCancelledException.class,
                  () -> sequence.decode(fraction -> cancelAt(end, fraction)));
            }
            assertEquals(position, sequence.position());
            assertArrayEquals(expected[i], copy(sequence.decode()), 0f, "token " + i);
          }
        });
  }

  private static void cancelAt(double end, double fraction) {
    if (fraction >= end) {
      throw new GenerationCancelledException("enough");
    }
  }

  @Test
  void aPromptThatIsCancelledAfterARefreshLeavesTheSet() {
    for (CoreOptions options : everyThird()) {
      float[][] expected = decodeAll(options);
      afterPrompt(
          options,
          sequence -> {
            decode(sequence, 0, 4);
            assertThrows(
                GenerationCancelledException.class,
                () -> sequence.prefill(new int[] {4, 6}, fraction -> cancelAt(0.5, fraction)));
            assertArrayEquals(expected[4], decode(sequence, 4, 5)[0], 0f);
          });
    }
  }

  @Test
  void aFailedRefreshOnADeviceCanBeMadeAgain() {
    assumeTrue(where == TestBackend.SIMULATED_CUDA, "only the simulated device fails on demand");
    SimulatedCuda cuda = SimulatedCuda.plain();
    Path file = folder.resolve(DType.F16 + ".gguf");
    try (Model failing = TestModels.on(cuda, Model.builder(file)).contextLength(64).load()) {
      for (CoreOptions options : everyThird()) {
        float[][] expected = decodeAll(options);
        for (List<String> kernels :
            List.of(List.of("ci_score_energy", "ci_score_select"), List.of("ci_memory_download"))) {
          afterPrompt(
              failing, options, sequence -> decodeFailing(sequence, cuda, kernels, expected));
        }
      }
    }
  }

  /** Lets a kernel fail in each refresh, as far as there are some. */
  private static void decodeFailing(
      Sequence sequence, SimulatedCuda cuda, List<String> kernels, float[][] expected) {
    for (int i = 0; i <= 3 * kernels.size(); i++) {
      sequence.accept(NEXT[i]);
      if (i % 3 == 2) {
        String kernel = kernels.get(i / 3);
        cuda.failWith((name, arguments) -> name.equals(kernel) ? DEVICE_ERROR : 0);
        assertThrows(BackendException.class, sequence::decode);
        cuda.repair();
      }
      assertArrayEquals(expected[i], copy(sequence.decode()), 0f, kernels + " token " + i);
    }
  }
}
