package org.coreinfer.bench;

import java.util.concurrent.TimeUnit;
import org.coreinfer.binding.CpuKernels;
import org.coreinfer.tensor.NativeMemory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The cost of calling native code on the CPU, where nothing is computed. No memory is read: the way
 * through JNI bounds it, some tens of nanoseconds. Decoding makes about 15 calls per layer.
 *
 * <pre>
 * bench/jmh.sh JniBenchmark
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class JniBenchmark {
  private Workbench bench;
  private CpuKernels kernels;
  private long context;
  private NativeMemory x;
  private NativeMemory y;

  @Setup
  public void open() {
    bench = Workbench.open(Workbench.CPU);
    kernels = new CpuKernels();
    long[] created = new long[1];
    if (kernels.ci_context_create(1, created) != 0) {
      throw new IllegalStateException(kernels.ci_error_message());
    }
    context = created[0];
    x = bench.zeros(1);
    y = bench.zeros(1);
  }

  /** The binding's cheapest function, which looks at one argument. */
  @Benchmark
  public int binding() {
    return kernels.ci_context_synchronize(context);
  }

  /** The same through the engine, which checks the status. */
  @Benchmark
  public void engine() {
    bench.device().synchronize();
  }

  /** An addition of one number: with checks of memory on both sides, and the context's lock. */
  @Benchmark
  public void kernel() {
    bench.device().add(x, 1, y);
  }

  @TearDown
  public void close() {
    kernels.ci_context_destroy(context);
    bench.close();
  }
}
