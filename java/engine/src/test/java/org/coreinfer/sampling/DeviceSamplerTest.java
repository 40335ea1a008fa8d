package org.coreinfer.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.model.Logits;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A device draws the tokens that Java draws. */
class DeviceSamplerTest {
  private static final int DRAWS = 12;

  static Stream<Arguments> optionsAndDevices() {
    SamplingOptions warm = SamplingOptions.GREEDY.withTemperature(0.8).withSeed(4);
    List<SamplingOptions> options =
        List.of(
            SamplingOptions.GREEDY,
            SamplingOptions.GREEDY.withRepeatPenalty(1.7),
            warm,
            warm.withTopK(1),
            warm.withTopK(5),
            warm.withTopP(0.3),
            warm.withTopP(0.9).withMinP(0.05),
            warm.withTemperature(3).withRepeatPenalty(1.3).withTopK(40),
            warm.withTemperature(1e-3));
    return options.stream()
        .flatMap(
            option ->
                Stream.of(TestBackend.SIMULATED_CUDA, TestBackend.CUDA)
                    .map(device -> Arguments.of(option, device)));
  }

  @ParameterizedTest
  @MethodSource("optionsAndDevices")
  void theSameSeedDrawsTheSameTokens(SamplingOptions options, TestBackend where) {
    for (int vocabulary : new int[] {1, 7, 1000}) {
      Random random = new Random(vocabulary);
      HostSampler expected = new HostSampler(options);
      try (Backend backend = where.open();
          Samplers samplers = new Samplers(backend);
          Logits logits = new Logits(backend, vocabulary)) {
        Sampler sampler = samplers.start(options);
        for (int draw = 0; draw < DRAWS; draw++) {
          float[] values = new float[vocabulary];
          for (int i = 0; i < vocabulary; i++) {
            values[i] = (float) Math.rint(random.nextGaussian() * 20) / 8; // with equal ones
          }
          backend.upload(values, logits.memory());
          int token = sampler.sample(logits);
          assertEquals(expected.sample(FloatBuffer.wrap(values)), token, "draw " + draw);
          sampler.accept(token);
          expected.accept(token);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"SIMULATED_CUDA", "CUDA"})
  void brokenLogitsAreAClearFailure(TestBackend where) {
    for (SamplingOptions options :
        List.of(SamplingOptions.GREEDY, SamplingOptions.GREEDY.withTemperature(1))) {
      try (Backend backend = where.open();
          Samplers samplers = new Samplers(backend);
          Logits logits = new Logits(backend, 3)) {
        float[] values = new float[3];
        Arrays.fill(values, Float.NaN);
        backend.upload(values, logits.memory());
        assertThrows(CoreInferException.class, () -> samplers.start(options).sample(logits));
        backend.upload(new float[] {Float.NaN, 1, Float.NEGATIVE_INFINITY}, logits.memory());
        assertEquals(1, samplers.start(options).sample(logits));
        backend.upload(new float[] {1, Float.POSITIVE_INFINITY, 2}, logits.memory());
        assertEquals(1, samplers.start(options).sample(logits));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"SIMULATED_CUDA", "CUDA"})
  void aLargerWindowOfThePenaltyGetsMoreMemory(TestBackend where) {
    SamplingOptions narrow = new SamplingOptions(0, 0, 1, 0, 2, 2, 0);
    SamplingOptions wide = new SamplingOptions(0, 0, 1, 0, 2, 500, 0);
    try (Backend backend = where.open();
        Samplers samplers = new Samplers(backend);
        Logits logits = new Logits(backend, 4)) {
      for (SamplingOptions options : List.of(narrow, wide, narrow)) {
        Sampler sampler = samplers.start(options);
        for (int i = 0; i < 400; i++) {
          sampler.accept(i == 0 ? 3 : i % 2);
        }
        backend.upload(new float[] {1, 2, 3, 5}, logits.memory());
        assertEquals(options.repeatWindow() == 500 ? 2 : 3, sampler.sample(logits));
      }
    }
  }
}
