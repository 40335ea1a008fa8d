package org.coreinfer.bench;

import java.util.concurrent.TimeUnit;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.RandomNumbers;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Resources;
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
 * Reading a prompt with a whole model, up to its last token's logits, with or without selecting
 * core neurons. The counter {@code tokens} is tokens/s, although JMH's table says ops/s.
 *
 * <p>Arithmetic bounds it: 2 operations for each token and weight, of llama-2-7b 6.6 TFLOP for 512
 * tokens; the weights are read once for each 512 tokens. What {@code scoring=norm} takes longer
 * than {@code scoring=none} is scoring and choosing.
 *
 * <p>The model is a temporary file, or one that stays ({@link RandomModel}).
 *
 * <pre>
 * bench/jmh.sh PrefillBenchmark -p shape=tinyllama-1.1b -p dtype=F16 -p tokens=512
 * bench/jmh.sh PrefillBenchmark -p backend=cuda -p shape=llama-3.1-8b -p scoring=none,paper
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1, time = 2)
@Measurement(iterations = 3, time = 5)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class PrefillBenchmark extends OnBackend {
  static final String UNSCORED = "none";

  @Param("tinyllama-1.1b")
  public String shape;

  /** 0 for as many as the shape has. */
  @Param("0")
  public int layers;

  @Param({"F16", "Q8_0", "Q4_0"})
  public DType dtype;

  /** Of the prompt. */
  @Param({"128", "512"})
  public int tokens;

  /** The rule by which neurons are scored; none for dense decoding. */
  @Param({UNSCORED, "norm"})
  public String scoring;

  private final Resources resources = new Resources();
  private Decoder decoder;
  private DecoderState state;
  private ActivationListener listener;
  private int[] prompt;

  @Setup
  public void open() {
    ModelShape sizes = ModelShape.of(shape).withLayers(layers);
    CoreOptions options =
        scoring.equals(UNSCORED)
            ? CoreOptions.dense()
            : CoreOptions.stability(0.4).withRule(scoring);
    RandomModel model = RandomModel.load(this, sizes, dtype, tokens, options);
    resources.onClose(model::close);
    decoder = model.model().decoder();
    state =
        decoder.newState(
            tokens,
            Sequence.CHUNK,
            model.model().cacheDtype(),
            layer -> options.mostChosen(layer, decoder.config()));
    resources.onClose(state::close);
    listener = ActivationListener.NONE;
    if (options.method() != CoreOptions.Method.DENSE) {
      NeuronScores scores = new NeuronScores(decoder, state.queue(), options);
      resources.onClose(scores::close);
      listener = scores;
    }
    prompt = RandomNumbers.tokens(sizes.vocabulary(), tokens);
  }

  @Benchmark
  public float prefill(Read read) {
    state.truncate(0);
    read.tokens += tokens;
    return decoder
        .prefill(state, prompt, Sequence.CHUNK, listener, null, fraction -> {})
        .read()
        .get(0);
  }

  @TearDown
  public void close() {
    resources.close();
  }

  /** Tokens, which JMH divides by the time. */
  @AuxCounters
  @State(Scope.Thread)
  public static class Read {
    public long tokens;
  }
}
