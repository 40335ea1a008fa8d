package org.coreinfer.model;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.IntUnaryOperator;
import org.coreinfer.backend.AttentionShape;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A decoder-only transformer with norms before attention and FFN. Prefill reads a prompt with every
 * neuron; decode appends one token with the neurons it is given. Thread-safe, as all state is an
 * argument.
 */
public final class Decoder implements AutoCloseable {
  private final Backend backend;
  private final ModelConfig config;
  private final Parts parts;
  private final DecodeStep step;
  private final PrefillStep reading;
  private final BatchStep together;
  private final NeuronSet allNeurons;
  private final DownNorms downNorms;
  private final LinearPacks packs;

  /**
   * What a decoder is made of.
   *
   * @param embedding (vocabulary, dim)
   * @param positions learned position vectors, added to the embedding
   * @param positionOffset the row of the first position
   * @param rotary rotary positions, applied to queries and keys
   * @param head (vocabulary, dim)
   * @param scale factor of attention scores
   * @param maxPositions positions that the tables above hold
   * @param memory what {@link #close} gives back
   */
  record Parts(
      Tensor embedding,
      @Nullable Tensor positions,
      int positionOffset,
      @Nullable Rotary rotary,
      List<Block> blocks,
      FfnLayers ffn,
      Norm finalNorm,
      Linear head,
      float scale,
      int maxPositions,
      Resources memory) {

    /** What every token reads beside the FFN: attention's projections and the head. */
    List<Linear> linears() {
      List<Linear> all = new ArrayList<>();
      for (Block block : blocks) {
        all.addAll(List.of(block.query(), block.key(), block.value(), block.output()));
      }
      all.add(head);
      return all;
    }
  }

  Decoder(Backend backend, ModelConfig config, Parts parts) {
    this.backend = backend;
    this.config = config;
    this.parts = parts;
    AttentionShape attention =
        new AttentionShape(
            config.heads(), config.kvHeads(), config.headDim(), config.window(), parts.scale());
    this.step = new DecodeStep(config, parts, attention);
    this.reading = new PrefillStep(config, parts, attention, step);
    this.packs = new LinearPacks(backend, parts.linears());
    this.together = new BatchStep(backend, config, parts, attention, step, packs);
    this.allNeurons = NeuronSet.all(config);
    this.downNorms = new DownNorms(backend, config.layers());
  }

  public ModelConfig config() {
    return config;
  }

  /** The backend that holds the weights. */
  public Backend backend() {
    return backend;
  }

  /** The set with which decoding is dense. */
  public NeuronSet allNeurons() {
    return allNeurons;
  }

  /** What it takes from the output, squared, to drop neurons: for rules that weigh by it. */
  public DownNorms downNorms() {
    return downNorms;
  }

  /** The most positions that a sequence may have. */
  public int maxPositions() {
    return parts.maxPositions();
  }

  /** The bytes of weights that decoding one token reads with these neurons. */
  public long bytesPerToken(NeuronSet neurons) {
    long bytes = parts.linears().stream().mapToLong(linear -> linear.weight().bytes()).sum();
    for (int layer = 0; layer < config.layers(); layer++) {
      bytes += neurons.count(layer) * parts.ffn().weights(layer).bytesPerNeuron();
      bytes += neurons.tail() == null ? 0 : neurons.tail().bytes(layer);
    }
    return bytes;
  }

  /** The bytes of all layers' FFN weights that decoding may read. */
  public long ffnBytes() {
    return parts.ffn().all().stream().mapToLong(ffn -> ffn.neurons() * ffn.bytesPerNeuron()).sum();
  }

  /**
   * State for a new sequence.
   *
   * @param capacity the most tokens of the sequence, at most {@link #maxPositions}
   * @param chunk the most tokens that prefill takes at once
   * @param cacheDtype F32 or F16
   */
  public DecoderState newState(int capacity, int chunk, DType cacheDtype) {
    return newState(capacity, chunk, cacheDtype, layer -> config.neurons());
  }

  /**
   * State for a new sequence.
   *
   * @param mostListed for each layer the most neurons that sets will list, short of all: of a model
   *     that does not fit into the device, so many are kept there
   */
  public DecoderState newState(
      int capacity, int chunk, DType cacheDtype, IntUnaryOperator mostListed) {
    return newState(capacity, chunk, newPool(cacheDtype, Long.MAX_VALUE), mostListed);
  }

  /**
   * What sequences may have of keys and values together.
   *
   * @param cacheDtype F32 or F16
   * @param tokens of all of them, in whole pages
   */
  public KvPool newPool(DType cacheDtype, long tokens) {
    return newPool(cacheDtype, tokens, () -> false);
  }

  /**
   * What sequences may have of keys and values together.
   *
   * @param reclaim called where there is no further page or no memory for it, on the thread that
   *     wants one: gives some back that nobody needs, as {@link KvBeginning}s, or returns false
   */
  public KvPool newPool(DType cacheDtype, long tokens, BooleanSupplier reclaim) {
    return new KvPool(backend, config, cacheDtype, tokens, reclaim);
  }

  /**
   * State for a new sequence, whose pages of keys and values come from a pool of this decoder's as
   * it grows.
   */
  public DecoderState newState(int capacity, int chunk, KvPool pool, IntUnaryOperator mostListed) {
    if (capacity < 1 || capacity > maxPositions()) {
      throw new IllegalArgumentException(
          "capacity=" + capacity + ": expected 1 to " + maxPositions());
    }
    return new DecoderState(
        backend, config, parts.ffn(), capacity, chunk, pool, mostListed, step::run);
  }

  /**
   * Hears of prefill's progress; may throw to end it, which leaves the sequence as it was before
   * the stretch of up to 4096 tokens.
   */
  public interface Monitor {
    /** Called after each layer of each chunk; {@code fraction} is in 0..1. */
    void progress(double fraction);
  }

  /** Receives the logits that follow one token of the prompt. */
  public interface LogitsListener {
    /** {@code logits} (vocabulary) is valid during the call. */
    void logits(int token, FloatBuffer logits);
  }

  /**
   * Appends {@code tokens} to the sequence with every neuron.
   *
   * @param chunk tokens per pass through a layer
   * @param everyToken receives the logits after each token; null when only the last are of interest
   * @return the logits after the last token, valid until the next call with this state
   */
  public Logits prefill(
      DecoderState state,
      int[] tokens,
      int chunk,
      ActivationListener listener,
      @Nullable LogitsListener everyToken,
      Monitor monitor) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("there are no tokens to prefill");
    }
    if (tokens.length <= Backend.DECODE_TOKENS && state.queue().isHost()) {
      return prefillShort(state, tokens, listener, everyToken, monitor);
    }
    checkTokens(tokens);
    checkRoom(state, tokens.length);
    int step = listener.needsWholePrompt() ? tokens.length : Math.min(chunk, tokens.length);
    int most = Math.max(step, Math.min(Stretch.TOKENS, tokens.length));
    Arrays.fill(state.isChosen(), false);
    try {
      for (int start = 0; start < tokens.length; start += most) {
        int[] part = Arrays.copyOfRange(tokens, start, Math.min(start + most, tokens.length));
        double done = start;
        Monitor whole =
            fraction -> monitor.progress((done + fraction * part.length) / tokens.length);
        boolean isLast = start + part.length == tokens.length;
        prefillStretch(state, part, step, listener, isLast, whole);
        state.queue().synchronize();
        state.advance(part.length);
        heads(state, start, part.length, isLast, everyToken);
      }
    } catch (RuntimeException e) {
      state.forgetChosen();
      throw e;
    }
    return state.logits();
  }

  /**
   * Appends {@code tokens}, up to {@link Stretch#TOKENS}, with every neuron; what the layers made
   * of them is left in the state's stretch.
   */
  void encode(DecoderState state, int[] tokens, int chunk, Monitor monitor) {
    checkTokens(tokens);
    checkRoom(state, tokens.length);
    Arrays.fill(state.isChosen(), false);
    prefillStretch(state, tokens, chunk, ActivationListener.NONE, false, monitor);
    state.queue().synchronize();
    state.advance(tokens.length);
  }

  Norm finalNorm() {
    return parts.finalNorm();
  }

  /** On the CPU a few tokens are read by decode's kernels in less time. */
  private Logits prefillShort(
      DecoderState state,
      int[] tokens,
      ActivationListener listener,
      @Nullable LogitsListener everyToken,
      Monitor monitor) {
    List<Logits> logits = append(state, tokens, listener, monitor);
    for (int i = 0; everyToken != null && i < tokens.length; i++) {
      everyToken.logits(i, logits.get(i).read());
    }
    return logits.get(tokens.length - 1);
  }

  private void heads(
      DecoderState state,
      int start,
      int count,
      boolean isLast,
      @Nullable LogitsListener everyToken) {
    NativeMemory x = state.stretch(count).x();
    long rowBytes = (long) config.dim() * Float.BYTES;
    for (int i = everyToken == null ? count - 1 : 0; i < count; i++) {
      if (everyToken != null || isLast) {
        state.logits().renew();
        NativeMemory row = x.slice(i * rowBytes, rowBytes);
        step.head(state.queue(), row, 1, state.one(), state.logits().memory());
      }
      if (everyToken != null) {
        everyToken.logits(start + i, state.logits().read());
      }
    }
  }

  /** Layer by layer, so that weights which are not in the device's memory come once for all. */
  private void prefillStretch(
      DecoderState state,
      int[] tokens,
      int chunk,
      ActivationListener listener,
      boolean isLast,
      Monitor monitor) {
    Backend on = state.queue();
    Scratch s = state.scratch(chunk);
    Stretch stretch = state.stretch(tokens.length);
    state.reserve(tokens.length);
    reading.embed(on, state.position(), tokens, chunk, s, stretch);
    try (FfnLayers.Pass ffns = parts.ffn().open(on, layer -> true)) {
      for (int layer = 0; layer < config.layers(); layer++) {
        FfnWeights ffn = ffns.layer(layer);
        for (int first = 0; first < tokens.length; first += chunk) {
          int count = Math.min(chunk, tokens.length - first);
          reading.chunk(on, layer, ffn, state.cache(layer), first, count, s, stretch, listener);
          listener.observe(layer, ffn, s.activations(), count);
          double seen = layer + (double) (first + count) / tokens.length;
          monitor.progress(seen / config.layers());
        }
        if (isLast && parts.ffn().isStreamed(layer)) {
          choose(state, layer, ffn, listener); // while its weights are on the device
        }
        ffns.done(layer);
      }
    }
    if (isLast) {
      chooseResident(state, listener);
    }
  }

  private void chooseResident(DecoderState state, ActivationListener listener) {
    for (int layer = 0; layer < config.layers(); layer++) {
      if (!parts.ffn().isStreamed(layer)) {
        choose(state, layer, parts.ffn().weights(layer), listener);
      }
    }
  }

  private static void choose(
      DecoderState state, int layer, FfnWeights ffn, ActivationListener listener) {
    NeuronLists lists = state.neurons();
    int most = listener.choose(layer, ffn, lists.ids(layer), lists.count(layer));
    if (most > 0) {
      state.isChosen()[layer] = true;
      lists.wrote(layer, ffn, most);
    }
  }

  /** Has a listener choose neurons again, by what it has observed. */
  public void choose(DecoderState state, ActivationListener listener) {
    Arrays.fill(state.isChosen(), false);
    try (FfnLayers.Pass ffns = parts.ffn().open(state.queue(), layer -> true)) {
      for (int layer = 0; layer < config.layers(); layer++) {
        choose(state, layer, ffns.layer(layer), listener);
        ffns.done(layer);
      }
    } catch (RuntimeException e) {
      state.forgetChosen();
      throw e;
    }
  }

  /**
   * Appends {@code token}, computing the given neurons only.
   *
   * @return the logits after it, valid until the next call with this state
   */
  public Logits decode(DecoderState state, int token, NeuronSet neurons) {
    checkStep(state, token);
    state.neurons().use(neurons);
    return decodeListed(state, token, neurons.tail());
  }

  /**
   * Appends {@code token}, computing the neurons that a listener chose last, wherever the lists
   * are: nothing is copied for it.
   *
   * @param tail what stands for the other neurons; null for nothing
   * @return the logits after it, valid until the next call with this state
   */
  public Logits decode(DecoderState state, int token, @Nullable Tail tail) {
    checkStep(state, token);
    state.neurons().useWritten(state.isChosen());
    return decodeListed(state, token, tail);
  }

  /**
   * Appends a token to each of several sequences, reading the weights once for all of them where
   * this is the CPU. Each gets the bits of {@link #decode(DecoderState, int, NeuronSet)}. If it
   * fails the sequences are as they were before.
   *
   * @param entries 1 to {@link Backend#DECODE_TOKENS}, of different states
   * @return for each entry the logits after its token, valid until the next call with its state
   */
  public List<Logits> decodeTogether(List<BatchEntry> entries) {
    return together.decode(this, entries);
  }

  /** Fails unless a token can be appended, and waits for the logits before it. */
  void checkStep(DecoderState state, int token) {
    Objects.checkIndex(token, config.vocabulary());
    checkRoom(state, 1);
    state.logits().await();
  }

  private Logits decodeListed(DecoderState state, int token, @Nullable Tail tail) {
    int position = state.position();
    state.reserve(1);
    packs.next();
    state.inputs().set(token, position, position + parts.positionOffset());
    state.logits().renew();
    if (state.neurons().mustStream()) {
      step.run(state.queue(), state, tail);
    } else {
      state.step(tail).run();
    }
    state.advance(1);
    return state.logits();
  }

  /** As the other one, unheard. */
  public List<Logits> append(DecoderState state, int[] tokens, ActivationListener listener) {
    return append(state, tokens, listener, fraction -> {});
  }

  /**
   * Appends up to {@link Backend#DECODE_TOKENS} tokens with every neuron, as decoding them one by
   * one with {@link #allNeurons} would, bit for bit, but reading the weights once for all.
   *
   * @param listener hears of each layer, then may choose the neurons for what follows
   * @return the logits after each token, valid until the next call with this state
   */
  public List<Logits> append(
      DecoderState state, int[] tokens, ActivationListener listener, Monitor monitor) {
    int count = tokens.length;
    if (count < 1 || count > Backend.DECODE_TOKENS) {
      throw new IllegalArgumentException(
          "%d tokens to append: expected 1 to %d".formatted(count, Backend.DECODE_TOKENS));
    }
    checkTokens(tokens);
    checkRoom(state, count);
    state.logits().await();
    Arrays.fill(state.isChosen(), false);
    state.reserve(count);
    Backend on = state.queue();
    Stretch stretch = state.stretch(count);
    LogitsRows rows = state.rows(count);
    List<Logits> logits = rows.renew(count);
    try {
      reading.embed(on, state.position(), tokens, count, state.scratch(count), stretch);
      DecodeStep.LayerListener layers =
          new DecodeStep.LayerListener() {
            @Override
            public void enter(int layer, NativeMemory x) {
              listener.enter(layer, x, count);
            }

            @Override
            public void done(int layer, FfnWeights ffn, NativeMemory activations) {
              listener.observe(layer, ffn, activations, count);
              if (parts.ffn().isStreamed(layer)) {
                choose(state, layer, ffn, listener); // while its weights are on the device
              }
              monitor.progress((layer + 1.0) / config.layers());
            }
          };
      packs.next();
      step.runDense(on, state, stretch, count, rows.memory(), layers);
      chooseResident(state, listener);
    } catch (RuntimeException e) {
      state.forgetChosen();
      throw e;
    }
    state.advance(count);
    return logits;
  }

  private void checkTokens(int[] tokens) {
    for (int token : tokens) {
      if (token < 0 || token >= config.vocabulary()) {
        throw new IllegalArgumentException(
            "token " + token + " is outside of the vocabulary of " + config.vocabulary());
      }
    }
  }

  private static void checkRoom(DecoderState state, int tokens) {
    if (tokens > state.capacity() - state.position()) {
      throw new IllegalArgumentException(
          "the context of %d tokens is full: %d are used, %d more were given"
              .formatted(state.capacity(), state.position(), tokens));
    }
  }

  @Override
  public void close() {
    downNorms.close();
    together.close();
    packs.close();
    parts.memory().close();
  }
}
