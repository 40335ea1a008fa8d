package org.coreinfer.calibration;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.LinearMap;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * Fits linear maps to what core decoding leaves out. The first half of a document chooses core
 * neurons; the tokens of the second half show what goes into each FFN and what its other neurons
 * give. Documents are read twice: first to find the directions of the input that matter (a
 * randomised range finder, arXiv 0909.4061), then for the least squares in them. For one thread.
 */
final class MapFitter implements AutoCloseable {
  private static final double RIDGE = 1e-2;
  private static final int LEAST_DIRECTIONS = 128;

  private final int rank;
  private final Decoder decoder;
  private final ModelConfig config;
  private final DecoderState state;
  private final Backend queue;
  private final List<NeuronScores> choosers = new ArrayList<>();
  private final List<int[][]> listed = new ArrayList<>(); // by chooser, the core neurons of layers
  private final List<LayerFit[]> fits = new ArrayList<>(); // by chooser
  private final Resources resources = new Resources();
  private final NativeMemory ids;
  private final NativeMemory count;

  /**
   * @param options one for each map, that choose what is kept
   * @param rank of the maps
   * @param capacity the most tokens of a document
   */
  MapFitter(Decoder decoder, List<CoreOptions> options, int rank, int capacity, DType cacheDtype) {
    this.rank = rank;
    this.decoder = decoder;
    this.config = decoder.config();
    this.state = decoder.newState(capacity, Sequence.CHUNK, cacheDtype);
    resources.onClose(state::close);
    try {
      this.queue = state.queue();
      this.ids = resources.own(queue.allocateInts("neuron lists", config.neurons()));
      this.count = resources.own(queue.allocateInts("neuron counts", 1));
      int directions = Math.min(config.dim(), Math.max(LEAST_DIRECTIONS, 2 * rank));
      for (CoreOptions option : options) {
        NeuronScores chooser = new NeuronScores(decoder, queue, option);
        resources.onClose(chooser::close);
        choosers.add(chooser);
        listed.add(new int[config.layers()][]);
        LayerFit[] layers = new LayerFit[config.layers()];
        for (int layer = 0; layer < layers.length; layer++) {
          layers[layer] = new LayerFit(queue, config.dim(), directions);
          resources.onClose(layers[layer]::close);
        }
        fits.add(layers);
      }
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /** A map for each of the options. */
  List<LinearMap> fit(List<int[]> documents, DoubleConsumer progress) {
    read(documents, fraction -> progress.accept(fraction / 2));
    fits.forEach(layers -> List.of(layers).forEach(LayerFit::findDirections));
    read(documents, fraction -> progress.accept((1 + fraction) / 2));
    return fits.stream().map(this::map).toList();
  }

  private LinearMap map(LayerFit[] layers) {
    short[][] in = new short[layers.length][];
    short[][] out = new short[layers.length][];
    float[][] constant = new float[layers.length][];
    for (int layer = 0; layer < layers.length; layer++) {
      LayerFit.Solution solution = layers[layer].solve(rank, RIDGE);
      in[layer] = solution.in();
      out[layer] = solution.out();
      constant[layer] = solution.constant();
    }
    return new LinearMap(rank, in, out, constant);
  }

  private void read(List<int[]> documents, DoubleConsumer progress) {
    for (int i = 0; i < documents.size(); i++) {
      progress.accept((double) i / documents.size());
      int[] document = documents.get(i);
      int prompt = Evaluator.promptTokens(document.length, 0.5);
      state.truncate(0);
      for (NeuronScores chooser : choosers) {
        chooser.forget();
      }
      prefill(Arrays.copyOf(document, prompt), new Choosing());
      prefill(Arrays.copyOfRange(document, prompt, document.length), new Fitting());
    }
  }

  private void prefill(int[] tokens, ActivationListener listener) {
    decoder.prefill(state, tokens, Sequence.CHUNK, listener, null, fraction -> {});
  }

  /** Lets all choosers see a prompt, and keeps what they choose from the sequence. */
  private final class Choosing implements ActivationListener {
    @Override
    public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
      choosers.forEach(chooser -> chooser.observe(layer, ffn, activations, tokens));
    }

    @Override
    public boolean needsWholePrompt() {
      return choosers.stream().anyMatch(NeuronScores::needsWholePrompt);
    }

    @Override
    public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
      for (int i = 0; i < choosers.size(); i++) {
        int most = choosers.get(i).choose(layer, ffn, ids, count);
        listed.get(i)[layer] =
            most > 0
                ? queue.downloadInts(ids, queue.downloadInts(count, 1)[0])
                : IntStream.range(0, ffn.neurons()).toArray();
      }
      return 0;
    }
  }

  /** Hands what goes into a layer, and what its left-out neurons give, to the fits. */
  private final class Fitting implements ActivationListener {
    private int entered = -1; // the latest layer
    private @Nullable NativeMemory input; // (tokens, dim) of its FFN

    @Override
    public void enter(int layer, NativeMemory x, int tokens) {
      entered = layer;
      input = x;
    }

    @Override
    public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
      NativeMemory x = input;
      if (x == null || layer != entered) {
        throw new IllegalStateException("layer " + layer + " was not entered");
      }
      int neurons = config.neurons();
      float[] all = queue.downloadFloats(activations, Math.multiplyExact(tokens, neurons));
      try (NativeMemory others = queue.allocateFloats("activations", all.length);
          NativeMemory y = queue.allocateFloats("what is left out", (long) tokens * config.dim())) {
        for (int i = 0; i < fits.size(); i++) {
          float[] left = all.clone();
          for (int neuron : listed.get(i)[layer]) {
            for (int t = 0; t < tokens; t++) {
              left[t * neurons + neuron] = 0;
            }
          }
          queue.upload(left, others);
          queue.upload(new float[tokens * config.dim()], y);
          queue.matmulTransposed(ffn.down(), others, tokens, y);
          fits.get(i)[layer].observe(x, y, tokens);
        }
      }
    }
  }

  @Override
  public void close() {
    resources.close();
  }
}
