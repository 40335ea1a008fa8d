package org.coreinfer.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.coreinfer.backend.AttentionShape;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
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
 * Attention of decoding: one layer, the query at {@code position} over all keys and values before
 * it ({@code ci_attention_decode}).
 *
 * <p>Memory bounds it where the context is long: {@code 2 x (position + 1) x kv_heads x head_dim}
 * elements of {@code cache} are read, and counted. At position 4096 those are 67 MB in F16 for
 * llama-2-7b, whose 32 heads have keys of their own, and 17 MB for llama-3.1-8b, where 4 query
 * heads share them. Caches are visited in turn ({@link Rotation}).
 *
 * <pre>
 * bench/jmh.sh AttentionBenchmark -p shape=llama-3.1-8b -p position=128,16384
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class AttentionBenchmark extends OnBackend {
  @Param({"llama-2-7b", "llama-3.1-8b", "tinyllama-1.1b"})
  public String shape;

  /** Of keys and values: F32 or F16. */
  @Param("F16")
  public DType cache;

  /** The query's own, counted from 0. */
  @Param({"128", "1024", "4096"})
  public int position;

  private Workbench bench;
  private AttentionShape attention;
  private List<KvLayer> layers;
  private Rotation rotation;
  private NativeMemory query;
  private NativeMemory place;
  private NativeMemory y;
  private long bytes;

  @Setup
  public void open() {
    attention = ModelShape.of(shape).attention();
    bench = Workbench.open(this);
    int capacity = position + 1;
    bytes = 2 * cache.bytes((long) capacity * attention.kvDim());
    int count = Rotation.count(bytes);
    layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      layers.add(layer(capacity));
    }
    rotation = new Rotation(bench.device(), count);
    query = bench.floats(0, 1, attention.queryDim());
    place = bench.ints(position);
    y = bench.zeros(attention.queryDim());
  }

  private KvLayer layer(int capacity) {
    int count = KvLayer.pages(capacity);
    long rows = 2L * KvLayer.PAGE * attention.kvHeads() * count;
    long address = bench.stored(cache, rows, attention.headDim()).address();
    int[] addresses = new int[2 * count];
    for (int i = 0; i < count; i++) {
      addresses[2 * i] = (int) address;
      addresses[2 * i + 1] = (int) (address >>> Integer.SIZE);
      address += KvLayer.pageBytes(attention.kvDim(), cache);
    }
    return new KvLayer(bench.ints(addresses), capacity, cache);
  }

  @Benchmark
  public void decode(Traffic traffic) {
    KvLayer layer = layers.get(rotation.next());
    bench.device().attentionDecode(attention, query, 1, place, layer, y);
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
