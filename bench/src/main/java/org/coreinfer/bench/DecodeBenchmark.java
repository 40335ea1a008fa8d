package org.coreinfer.bench;

import java.util.concurrent.TimeUnit;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.Samplers;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.RandomNumbers;
import org.coreinfer.tensor.DType;
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
 * Decoding one token after another with a whole model: every layer, the head and the greedy draw.
 * The result is tokens/s.
 *
 * <p>Memory bounds it: a token reads attention's matrices, the head, and {@code keep} of the FFN's
 * neurons, which are counted ({@link Decoder#bytesPerToken}); keys and values come on top. Dense
 * llama-2-7b reads 13.2 GB in F16 and 3.7 GB in Q4_0. Neurons are random, others in each layer.
 * After {@value #STEPS} tokens the sequence goes back to {@code position}.
 *
 * <p>The model is a temporary file, or one that stays ({@link RandomModel}).
 *
 * <pre>
 * bench/jmh.sh DecodeBenchmark -p shape=tinyllama-1.1b -p dtype=Q4_0 -p keep=1,0.4
 * bench/jmh.sh DecodeBenchmark -p shape=llama-2-7b -p layers=4 -p position=2048
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class DecodeBenchmark extends OnBackend {
  private static final int STEPS = 64;

  @Param("tinyllama-1.1b")
  public String shape;

  /** 0 for as many as the shape has. */
  @Param("0")
  public int layers;

  @Param({"F16", "Q8_0", "Q4_0"})
  public DType dtype;

  /** The fraction of neurons that is computed. */
  @Param({"1", "0.4", "0.2"})
  public double keep;

  /** Tokens before the decoded ones. */
  @Param("128")
  public int position;

  private RandomModel model;
  private Decoder decoder;
  private NeuronSet neurons;
  private DecoderState state;
  private Samplers samplers;
  private Sampler sampler;
  private int token;
  private long bytes;

  @Setup
  public void open() {
    ModelShape sizes = ModelShape.of(shape).withLayers(layers);
    CoreOptions options = CoreOptions.stability(keep);
    int capacity = position + STEPS;
    model = RandomModel.load(this, sizes, dtype, capacity, options);
    decoder = model.model().decoder();
    neurons = neurons(sizes, decoder.config());
    bytes = decoder.bytesPerToken(neurons);
    state =
        decoder.newState(
            capacity, Sequence.CHUNK, model.model().cacheDtype(), layer -> neurons.count(layer));
    samplers = new Samplers(state.queue());
    sampler = samplers.start(SamplingOptions.GREEDY);
    int[] prompt = RandomNumbers.tokens(sizes.vocabulary(), position);
    token =
        sampler.sample(
            decoder.prefill(
                state, prompt, Sequence.CHUNK, ActivationListener.NONE, null, fraction -> {}));
  }

  private NeuronSet neurons(ModelShape sizes, ModelConfig config) {
    if (keep == 1) {
      return decoder.allNeurons();
    }
    int[][] lists = new int[config.layers()][];
    for (int layer = 0; layer < lists.length; layer++) {
      lists[layer] =
          NeuronSample.of(config.neurons(), NeuronSample.count(sizes.neurons(), keep), layer);
    }
    return NeuronSet.of(config, lists);
  }

  @Benchmark
  public int decode(Traffic traffic) {
    if (state.position() == state.capacity()) {
      state.truncate(position);
    }
    token = sampler.sample(decoder.decode(state, token, neurons));
    traffic.read(bytes);
    return token;
  }

  @TearDown
  public void close() {
    samplers.close();
    state.close();
    model.close();
  }
}
