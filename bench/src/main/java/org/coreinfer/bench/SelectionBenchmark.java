package org.coreinfer.bench;

import java.util.concurrent.TimeUnit;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Stopwatch;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.Rule;
import org.coreinfer.core.Rules;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.RandomNumbers;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * Selecting core neurons: scoring one layer's activations of a chunk of {@value #TOKENS} tokens,
 * and choosing {@code keep} of the neurons from the scores.
 *
 * <p>Scoring reads {@code 512 x neurons} floats, 22.5 MB of llama-2-7b; it is bound by memory where
 * rules sum, by some passes through cache where they count each token's strongest neurons. Choosing
 * reads two floats per neuron. {@code chunk} does both after the FFN that makes the activations, as
 * prefill does: its {@code selectionShare} is selection's part of that whole time, from 0 to 1,
 * although JMH's table says ops/s. It should stay below 0.02.
 *
 * <pre>
 * bench/jmh.sh SelectionBenchmark.score -p shape=llama-3.1-8b
 * bench/jmh.sh SelectionBenchmark.chunk -p rule=paper -p dtype=Q4_0
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class SelectionBenchmark extends OnBackend {
  static final int TOKENS = 512;

  @Param({"llama-2-7b", "llama-3.1-8b", "tinyllama-1.1b", "opt-6.7b"})
  public String shape;

  /** Of the weights in {@code chunk}. */
  @Param("F16")
  public DType dtype;

  @Param({"paper", "reference", "magnitude", "norm", "impact", "relative"})
  public String rule;

  /** The fraction of neurons that is chosen. */
  @Param("0.4")
  public double keep;

  private Workbench bench;
  private Rule scoring;
  private int neurons;
  private int count;
  private NativeMemory activations;
  private NativeMemory scores;
  private @Nullable NativeMemory downNorms;
  private NativeMemory ids;
  private NativeMemory core;

  @Setup
  public void open() {
    ModelShape sizes = ModelShape.of(shape);
    scoring = Rules.of(rule, CoreOptions.DEFAULT_ALPHA);
    neurons = sizes.neurons();
    count = scoring.count(keep, neurons);
    bench = Workbench.open(this);
    activations = bench.floats(activations(sizes));
    scores = bench.zeros(neurons);
    downNorms = scoring.weighsDownRows() ? bench.floats(1, 0.1, neurons) : null;
    ids = bench.ints(new int[neurons]);
    core = bench.ints(0);
    scoring.score(bench.device(), activations, TOKENS, neurons, scores);
  }

  /** As an FFN makes them from normally distributed products. */
  private static float[] activations(ModelShape sizes) {
    RandomNumbers random = new RandomNumbers(17);
    int length = TOKENS * sizes.neurons();
    float[] values = random.take(0, 1, length);
    float[] ups = random.take(0, 1, length);
    for (int i = 0; i < length; i++) {
      values[i] =
          sizes.isGated()
              ? (float) (ups[i] * values[i] / (1 + Math.exp(-values[i])))
              : Math.max(0, values[i]);
    }
    return values;
  }

  /** Adds a chunk to the scores. */
  @Benchmark
  public void score() {
    scoring.score(bench.device(), activations, TOKENS, neurons, scores);
    bench.device().synchronize();
  }

  /** Chooses from the scores. */
  @Benchmark
  public void choose() {
    select();
    bench.device().synchronize();
  }

  private void select() {
    bench
        .device()
        .scoreSelect(scores, downNorms, neurons, count, scoring.choosesOnlySeen(), ids, core);
  }

  /** The FFN of a chunk, scoring and choosing. */
  @Benchmark
  @BenchmarkMode(Mode.Throughput)
  @OutputTimeUnit(TimeUnit.SECONDS)
  public void chunk(Layer layer, Share share) {
    Backend device = bench.device();
    device.ffnPrefill(layer.weights, layer.x, TOKENS, layer.made, layer.y);
    layer.selecting.start();
    scoring.score(device, layer.made, TOKENS, neurons, scores);
    select();
    layer.selecting.stop();
    share.selectionShare += layer.selecting.takeNanos() * 1e-9;
  }

  @TearDown
  public void close() {
    bench.close();
  }

  /** What {@code chunk} needs beside the rest. */
  @State(Scope.Thread)
  public static class Layer {
    private FfnWeights weights;
    private NativeMemory x;
    private NativeMemory made;
    private NativeMemory y;
    private Stopwatch selecting;

    @Setup
    public void open(SelectionBenchmark rest) {
      ModelShape sizes = ModelShape.of(rest.shape);
      Workbench bench = rest.bench;
      weights = bench.ffn(sizes, rest.dtype);
      bench.device().endPlacing();
      x = bench.floats(0, 1, TOKENS * sizes.dim());
      made = bench.zeros((long) TOKENS * sizes.neurons());
      y = bench.zeros((long) TOKENS * sizes.dim());
      selecting = bench.device().newStopwatch();
    }

    @TearDown
    public void close() {
      selecting.close();
    }
  }

  /** Seconds of selection, which JMH divides by the seconds of everything. */
  @AuxCounters
  @State(Scope.Thread)
  public static class Share {
    public double selectionShare;
  }
}
