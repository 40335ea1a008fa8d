package org.coreinfer.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark that JMH finds, once, with small sizes and in this process. */
@Timeout(60)
class BenchmarksTest {
  /** What benchmarks report beside their rate, by class. */
  private static final Map<String, Set<String>> COUNTERS =
      Map.of(
          "FfnBenchmark", Set.of("megabytes"),
          "MatVecBenchmark", Set.of("megabytes"),
          "AttentionBenchmark", Set.of("megabytes"),
          "TokenizerBenchmark", Set.of("megabytes"),
          "DecodeBenchmark", Set.of("megabytes"),
          "PrefillBenchmark", Set.of("tokens"),
          "SelectionBenchmark", Set.of("selectionShare"),
          "BatchBenchmark", Set.of("tokens", "coreMillis", "denseMillis"),
          "SchedulerBenchmark",
              Set.of(
                  "tokens", "coreMillis", "denseMillis", "coreDecodeMillis", "denseDecodeMillis"));

  static List<String> classes() {
    return benchmarks().map(BenchmarkListEntry::getUserClassQName).distinct().sorted().toList();
  }

  private static Stream<BenchmarkListEntry> benchmarks() {
    return BenchmarkList.defaultList()
        .getAll(OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT), List.of())
        .stream();
  }

  @ParameterizedTest
  @MethodSource("classes")
  void givesAResultAndItsCounterForEachMethod(String name) throws RunnerException {
    Collection<RunResult> results = new Runner(small(name)).run();
    Set<String> expected =
        benchmarks()
            .filter(benchmark -> benchmark.getUserClassQName().equals(name))
            .map(BenchmarkListEntry::getUsername)
            .collect(Collectors.toSet());
    Set<String> found =
        results.stream()
            .map(result -> result.getParams().getBenchmark())
            .collect(Collectors.toSet());
    assertEquals(expected, found);
    for (RunResult result : results) {
      assertPositive(result.getPrimaryResult(), result);
      result.getSecondaryResults().values().forEach(counted -> assertPositive(counted, result));
    }
    Set<String> wanted = COUNTERS.getOrDefault(name.substring(name.lastIndexOf('.') + 1), Set.of());
    Set<String> counters =
        results.stream()
            .flatMap(result -> result.getSecondaryResults().keySet().stream())
            .collect(Collectors.toSet());
    assertEquals(wanted, counters);
  }

  private static void assertPositive(Result<?> measured, RunResult of) {
    double score = measured.getScore();
    assertTrue(
        score > 0 && score < Double.POSITIVE_INFINITY,
        () -> of.getParams() + ": " + measured.getLabel() + " is " + score);
  }

  private static Options small(String name) {
    return new OptionsBuilder()
        .include(Pattern.quote(name) + "\\.")
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(1))
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT)
        .param("backend", "cpu")
        .param("threads", "2")
        .param("shape", "tiny")
        .param("position", "20")
        .param("sequences", "2")
        .param("tokens", "30")
        .param("rows", "70")
        .param("columns", "64")
        .build();
  }
}
