package org.coreinfer.bench;

import java.util.concurrent.TimeUnit;
import org.coreinfer.model.Logits;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.Samplers;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.synthesis.RandomNumbers;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Drawing one token from logits: the most likely one, or at temperature 0.8 one of the 40 most
 * likely, one of those that together have a probability of 0.95, or both.
 *
 * <p>A draw reads {@code 4 x vocabulary} bytes, 128 kB to 513 kB, which stay in cache: comparing
 * bounds the greedy draw, sorting the others. On a device that is a kernel or two and a wait for
 * the token. Logits are normally distributed with a deviation of 3, a flatter choice than most
 * models leave.
 *
 * <pre>
 * bench/jmh.sh SamplerBenchmark -p draw=top-p
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SamplerBenchmark {
  @Param("cpu")
  public String backend;

  @Param({"32000", "128256"})
  public int vocabulary;

  @Param({"greedy", "top-k", "top-p", "top-k-top-p"})
  public String draw;

  private Workbench bench;
  private Logits logits;
  private Samplers samplers;
  private Sampler sampler;

  @Setup
  public void open() {
    SamplingOptions options = options(draw);
    bench = Workbench.open(backend);
    logits = new Logits(bench.device(), vocabulary);
    bench.device().upload(new RandomNumbers(17).take(0, 3, vocabulary), logits.memory());
    samplers = new Samplers(bench.device());
    sampler = samplers.start(options);
  }

  /** What a name of {@link #draw} stands for. */
  static SamplingOptions options(String draw) {
    SamplingOptions warm = SamplingOptions.GREEDY.withTemperature(0.8).withSeed(1);
    return switch (draw) {
      case "greedy" -> SamplingOptions.GREEDY;
      case "top-k" -> warm.withTopK(40);
      case "top-p" -> warm.withTopP(0.95);
      case "top-k-top-p" -> warm.withTopK(40).withTopP(0.95);
      default ->
          throw new IllegalArgumentException(
              "unknown draw \"" + draw + "\"; expected greedy, top-k, top-p or top-k-top-p");
    };
  }

  @Benchmark
  public int sample() {
    return sampler.sample(logits);
  }

  @TearDown
  public void close() {
    samplers.close();
    logits.close();
    bench.close();
  }
}
