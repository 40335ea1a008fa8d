package org.coreinfer.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.coreinfer.backend.cuda.Cuda;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchmarkCommandTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  private int refuse(String... args) {
    return BenchmarkCommand.refuse(args, new PrintStream(bytes, true, StandardCharsets.UTF_8));
  }

  private String said() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "shape=gpt-5        | expected one of llama-2-7b, llama-3.1-8b",
        "shap=tiny          | -p shap: no benchmark has it; there are activationBits, backend, cache",
        "shape              | expected NAME=VALUE",
        "dtype=Q4_0_SHARED  | -p dtype=Q4_0_SHARED: expected one of F32, F16",
        "keep=0.4,0         | -p keep=0: expected above 0, at most 1",
        "keep=much          | -p keep=much: expected a number",
        "rows=-1            | -p rows=-1: expected 0 or more",
        "backend=gpu        | expected cpu or cuda",
        "activationBits=12  | expected 8 or 16",
        "rule=none          | expected one of paper",
        "scoring=best       | expected one of paper",
        "draw=beam          | expected greedy, top-k"
      })
  void refusesWrongParametersInOneSentence(String parameter, String reason) {
    assertEquals(2, refuse("FfnBenchmark", "-p", parameter));
    assertTrue(said().contains(reason), said());
    assertEquals(1, said().lines().count(), said());
  }

  @Test
  void refusesUnknownOptions() {
    assertEquals(2, refuse("--frobnicate"));
    assertEquals(1, said().lines().count(), said());
  }

  @Test
  void takesWhatCanBeRun() {
    assertEquals(
        0, refuse("Ffn", "-p", "shape=tiny,opt-6.7b", "-p", "keep=1,0.2", "-p", "dtype=BF16"));
    assertEquals(0, refuse("Prefill", "-p", "scoring=none,paper", "-p", "backend=cpu", "-f", "1"));
    assertEquals("", said());
  }

  @Test
  void saysWhyThereIsNoCuda() {
    Cuda.Status status = Cuda.status();
    assumeFalse(status.isUsable(), "skipped: this machine has CUDA");
    assertEquals(1, refuse("FfnBenchmark", "-p", "backend=cpu,cuda"));
    assertTrue(said().contains("CUDA can't be used: " + status.failure()), said());
    assertEquals(1, said().lines().count(), said());
  }
}
