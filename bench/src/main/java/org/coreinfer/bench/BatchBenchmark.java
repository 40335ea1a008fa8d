package org.coreinfer.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.BatchEntry;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.Logits;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.RandomNumbers;
import org.coreinfer.tensor.DType;
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
 * Steps of decoding over several sequences, each with core neurons of its own ({@link
 * Decoder#decodeTogether}), and dense steps over the same sequences, in turn, so that both meet the
 * same machine. The results are the tokens of all sequences together and the time of both kinds of
 * steps; the ratio of the times is what core neurons gain.
 *
 * <p>Memory bounds one sequence, computing several. The sets share {@code shared} of their neurons:
 * all if they are answers to one prompt, 0.9 if prompts have most of their text in common, 0.7 if
 * they are of one topic, 0.5 if they are of different ones (bench/results/batch.md).
 *
 * <pre>
 * bench/jmh.sh BatchBenchmark -p shape=tinyllama-1.1b -p dtype=Q4_0 -p sequences=1,2,4,8
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class BatchBenchmark extends OnBackend {
  private static final int STEPS = 32;

  @Param("tinyllama-1.1b")
  public String shape;

  /** 0 for as many as the shape has. */
  @Param("0")
  public int layers;

  @Param({"F16", "Q8_0", "Q4_0"})
  public DType dtype;

  @Param({"1", "2", "4", "8"})
  public int sequences;

  /** The fraction of neurons that is computed. */
  @Param("0.4")
  public double keep;

  /** The fraction of a set's neurons that another set has, too. */
  @Param({"1", "0.9", "0.7", "0.5"})
  public double shared;

  /** Tokens before the decoded ones. */
  @Param("128")
  public int position;

  private RandomModel model;
  private Decoder decoder;
  private final List<DecoderState> states = new ArrayList<>();
  private final List<BatchEntry> core = new ArrayList<>();
  private final List<BatchEntry> dense = new ArrayList<>();

  /** Sums over a run, which JMH calls events. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Times {
    public long tokens;
    public double coreMillis;
    public double denseMillis;
  }

  @Setup
  public void open() {
    ModelShape sizes = ModelShape.of(shape).withLayers(layers);
    int capacity = position + STEPS;
    model = RandomModel.load(this, sizes, dtype, capacity, CoreOptions.stability(keep));
    decoder = model.model().decoder();
    int[] prompt = RandomNumbers.tokens(sizes.vocabulary(), position);
    for (int i = 0; i < sequences; i++) {
      core.add(new BatchEntry(read(prompt), i, neurons(i)));
      dense.add(new BatchEntry(read(prompt), i, decoder.allNeurons()));
    }
  }

  // Of its own for either kind: a state whose neurons change has no packed rows.
  private DecoderState read(int[] prompt) {
    DecoderState state =
        decoder.newState(prompt.length + STEPS, Sequence.CHUNK, model.model().cacheDtype());
    states.add(state);
    decoder.prefill(state, prompt, Sequence.CHUNK, ActivationListener.NONE, null, fraction -> {});
    return state;
  }

  private NeuronSet neurons(int sequence) {
    ModelConfig config = decoder.config();
    int[][] lists = new int[config.layers()][];
    int count = NeuronSample.count(config.neurons(), keep);
    for (int layer = 0; layer < lists.length; layer++) {
      lists[layer] = NeuronSample.alike(config.neurons(), count, shared, layer, sequence);
    }
    return NeuronSet.of(config, lists);
  }

  @Benchmark
  public Logits step(Times times) {
    if (states.get(0).position() == states.get(0).capacity()) {
      states.forEach(state -> state.truncate(position));
    }
    long start = System.nanoTime();
    decoder.decodeTogether(core);
    states.forEach(state -> state.queue().synchronize());
    long middle = System.nanoTime();
    Logits last = decoder.decodeTogether(dense).get(0);
    states.forEach(state -> state.queue().synchronize());
    times.denseMillis += (System.nanoTime() - middle) * 1e-6;
    times.coreMillis += (middle - start) * 1e-6;
    times.tokens += sequences;
    return last;
  }

  @TearDown
  public void close() {
    states.forEach(DecoderState::close);
    model.close();
  }
}
