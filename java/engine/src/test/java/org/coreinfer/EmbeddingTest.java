package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.HiddenStates;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EmbeddingTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static List<Integer> tokens(int seed, int count) {
    return new Random(seed).ints(count, 0, RandomModel.VOCABULARY).boxed().toList();
  }

  private static int[] ints(List<Integer> tokens) {
    return tokens.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The hidden states of a text, in pieces of a few tokens. */
  private static List<float[]> hidden(Model model, List<Integer> tokens) {
    int dim = model.config().dim();
    List<float[]> states = new ArrayList<>();
    try (DecoderState state = model.decoder().newState(tokens.size(), 16, DType.F32)) {
      HiddenStates.read(
          model.decoder(),
          state,
          ints(tokens),
          16,
          (values, count) -> {
            for (int i = 0; i < count; i++) {
              states.add(Arrays.copyOfRange(values, i * dim, (i + 1) * dim));
            }
          },
          part -> {});
    }
    return states;
  }

  @ParameterizedTest
  @EnumSource(names = {"CPU", "SIMULATED_CUDA"})
  void theHeadMakesLogitsOfTheHiddenStates(TestBackend where) {
    Path file = RandomModel.write(folder, DType.F32);
    List<Integer> tokens = tokens(1, 20);
    try (WeightFile weights = WeightFile.open(file, Host::map);
        Model model = TestModels.on(where, Model.builder(file)).contextLength(64).load();
        DecoderState state = model.decoder().newState(64, 64, DType.F32)) {
      RowSource head = RowSource.of(weights.tensor("output.weight"));
      List<float[]> states = hidden(model, tokens);
      assertEquals(20, states.size());
      float[] row = new float[model.config().dim()];
      List<Double> errors = new ArrayList<>();
      model
          .decoder()
          .prefill(
              state,
              ints(tokens),
              64,
              ActivationListener.NONE,
              (token, logits) -> {
                for (int id = 0; id < RandomModel.VOCABULARY; id++) {
                  head.read(id, row);
                  double sum = 0;
                  for (int i = 0; i < row.length; i++) {
                    sum += (double) row[i] * states.get(token)[i];
                  }
                  errors.add(Math.abs(sum - logits.get(id)));
                }
              },
              part -> {});
      assertEquals(20 * RandomModel.VOCABULARY, errors.size());
      assertTrue(Collections.max(errors) < 1e-3, "largest error: " + Collections.max(errors));
    }
  }

  @Test
  void aVectorIsTheMeanOfTheHiddenStatesWithLengthOne() {
    Path file = RandomModel.write(folder, DType.F32);
    try (Model model = Model.builder(file).device(ComputeDevice.CPU).threads(1).load()) {
      for (int count : new int[] {1, 5, 40}) {
        List<Integer> tokens = tokens(count, count);
        double[] mean = new double[model.config().dim()];
        for (float[] state : hidden(model, tokens)) {
          for (int i = 0; i < mean.length; i++) {
            mean[i] += state[i] / count;
          }
        }
        double length = 0;
        for (double each : mean) {
          length += each * each;
        }
        float[] wanted = new float[mean.length];
        for (int i = 0; i < mean.length; i++) {
          wanted[i] = (float) (mean[i] / Math.sqrt(length));
        }
        assertArrayEquals(wanted, model.embed(tokens), 1e-4f);
      }
    }
  }

  @Test
  void textsThatCannotBeEmbeddedAreRefused() {
    Model model = Model.embedded().device(ComputeDevice.CPU).contextLength(256).load();
    try (model) {
      assertThrows(IllegalArgumentException.class, () -> model.embed(List.of()));
      assertThrows(IllegalArgumentException.class, () -> model.embed(tokens(1, 257)));
      assertThrows(IllegalArgumentException.class, () -> model.embed(List.of(1, 4096)));
    }
    assertThrows(IllegalStateException.class, () -> model.embed(List.of(1)));
  }
}
