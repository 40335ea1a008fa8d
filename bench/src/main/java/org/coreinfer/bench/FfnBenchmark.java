package org.coreinfer.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
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
 * The fused FFN step of decoding: one layer, one token, the listed neurons ({@code ci_ffn_decode}).
 *
 * <p>Memory bounds it: a step reads the gate, up and down rows of {@code keep} of the neurons, each
 * {@code dim} long, in {@code dtype}; that many bytes are counted. One layer of llama-2-7b has
 * 11008 neurons of 24 KB in F16, 271 MB, or 6.9 KB in Q4_0, 76 MB. Neurons are scattered at random,
 * so {@code keep} below 1 shows what gathering costs. Layers are visited in turn ({@link
 * Rotation}).
 *
 * <pre>
 * bench/jmh.sh FfnBenchmark -p shape=llama-2-7b -p dtype=Q4_0 -p keep=1,0.4,0.2
 * bench/jmh.sh FfnBenchmark -p backend=cuda
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class FfnBenchmark extends OnBackend {
  @Param({"llama-2-7b", "llama-3.1-8b", "tinyllama-1.1b", "opt-6.7b"})
  public String shape;

  @Param({"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  public DType dtype;

  /** The fraction of neurons that is listed. */
  @Param({"1", "0.4", "0.2"})
  public double keep;

  private Workbench bench;
  private List<Layer> layers;
  private Rotation rotation;
  private NativeMemory listed;
  private NativeMemory x;
  private NativeMemory activations;
  private NativeMemory y;
  private long bytes;

  private record Layer(FfnWeights weights, @Nullable NativeMemory ids) {}

  @Setup
  public void open() {
    ModelShape sizes = ModelShape.of(shape);
    int neurons = sizes.neurons();
    int count = NeuronSample.count(sizes.neurons(), keep);
    bench = Workbench.open(this);
    layers = new ArrayList<>();
    int needed;
    do {
      FfnWeights weights = bench.ffn(sizes, dtype);
      int[] ids = NeuronSample.of(neurons, count, layers.size());
      layers.add(new Layer(weights, bench.list(ids, neurons)));
      bytes = count * weights.bytesPerNeuron();
      needed = Rotation.count(bytes);
    } while (layers.size() < needed);
    bench.device().endPlacing();
    rotation = new Rotation(bench.device(), layers.size());
    listed = bench.ints(count);
    x = bench.floats(0, 1, sizes.dim());
    activations = bench.zeros(neurons);
    y = bench.zeros(sizes.dim());
  }

  @Benchmark
  public void decode(Traffic traffic) {
    Layer layer = layers.get(rotation.next());
    bench.device().ffnDecode(layer.weights, x, 1, layer.ids, listed, activations, y);
    traffic.read(bytes);
  }

  @TearDown(Level.Iteration)
  public void await() {
    bench.device().synchronize();
  }

  @TearDown
  public void close() {
    bench.close();
  }
}
