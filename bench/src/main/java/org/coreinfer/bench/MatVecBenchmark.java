package org.coreinfer.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
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
 * A dense product of decoding, one matrix and one vector ({@code ci_matvec}): the projections of
 * attention, and the head.
 *
 * <p>Memory bounds it: a product reads the matrix once, {@code rows x columns} elements of {@code
 * dtype}; that many bytes are counted. 4096 x 4096 are 33.6 MB in F16 and 9.4 MB in Q4_0. Matrices
 * are visited in turn ({@link Rotation}).
 *
 * <pre>
 * bench/jmh.sh MatVecBenchmark -p dtype=F16,Q4_0 -p rows=32000 -p columns=4096
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class MatVecBenchmark extends OnBackend {
  @Param({"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  public DType dtype;

  @Param({"1024", "4096", "32000"})
  public int rows;

  /** A multiple of 32. */
  @Param({"2048", "4096"})
  public int columns;

  private Workbench bench;
  private List<Tensor> matrices;
  private Rotation rotation;
  private NativeMemory x;
  private NativeMemory y;
  private long bytes;

  @Setup
  public void open() {
    bench = Workbench.open(this);
    bytes = dtype.bytes((long) rows * columns);
    int count = Rotation.count(bytes);
    matrices = Stream.generate(() -> bench.matrix(dtype, rows, columns)).limit(count).toList();
    bench.device().endPlacing();
    rotation = new Rotation(bench.device(), count);
    x = bench.floats(0, 1, columns);
    y = bench.zeros(rows);
  }

  @Benchmark
  public void multiply(Traffic traffic) {
    bench.device().matvec(matrices.get(rotation.next()), null, x, 1, false, y);
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
