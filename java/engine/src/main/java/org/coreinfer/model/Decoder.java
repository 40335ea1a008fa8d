package org.coreinfer.model;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Objects;
import org.coreinfer.backend.AttentionShape;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.model.DecoderState.Scratch;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
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
  private final AttentionShape attention;
  private final NeuronSet allNeurons;

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
      Norm finalNorm,
      Linear head,
      float scale,
      int maxPositions,
      List<NativeMemory> memory) {}

  Decoder(Backend backend, ModelConfig config, Parts parts) {
    this.backend = backend;
    this.config = config;
    this.parts = parts;
    this.attention =
        new AttentionShape(
            config.heads(), config.kvHeads(), config.headDim(), config.window(), parts.scale());
    this.allNeurons = NeuronSet.all(config);
  }

  public ModelConfig config() {
    return config;
  }

  public Backend backend() {
    return backend;
  }

  public List<FfnWeights> ffnLayers() {
    return parts.blocks().stream().map(Block::ffn).toList();
  }

  /** The set with which decoding is dense. */
  public NeuronSet allNeurons() {
    return allNeurons;
  }

  /** The most positions that a sequence may have. */
  public int maxPositions() {
    return parts.maxPositions();
  }

  /** The bytes of weights that decoding one token reads with these neurons. */
  public long bytesPerToken(NeuronSet neurons) {
    long bytes = parts.head().weight().bytes();
    for (int layer = 0; layer < config.layers(); layer++) {
      Block block = parts.blocks().get(layer);
      for (Linear linear : List.of(block.query(), block.key(), block.value(), block.output())) {
        bytes += linear.weight().bytes();
      }
      bytes += neurons.count(layer) * block.ffn().bytesPerNeuron();
    }
    return bytes;
  }

  /**
   * State for a new sequence.
   *
   * @param capacity the most tokens of the sequence, at most {@link #maxPositions}
   * @param chunk the most tokens that prefill takes at once
   * @param cacheDtype F32 or F16
   */
  public DecoderState newState(int capacity, int chunk, DType cacheDtype) {
    if (capacity < 1 || capacity > maxPositions()) {
      throw new IllegalArgumentException(
          "capacity=" + capacity + ": expected 1 to " + maxPositions());
    }
    return new DecoderState(backend, config, capacity, chunk, cacheDtype);
  }

  /**
   * Hears of prefill's progress; may throw to end it, which leaves the sequence as it was before
   * the chunk.
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
   * @param chunk tokens per pass through the layers
   * @param everyToken receives the logits after each token; null when only the last are of interest
   * @return the logits after the last token, valid until the next call with this state
   */
  public FloatBuffer prefill(
      DecoderState state,
      int[] tokens,
      int chunk,
      ActivationListener listener,
      @Nullable LogitsListener everyToken,
      Monitor monitor) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("there are no tokens to prefill");
    }
    checkTokens(tokens);
    checkRoom(state, tokens.length);
    int step = listener.needsWholePrompt() ? tokens.length : Math.min(chunk, tokens.length);
    Scratch scratch = state.scratch(step);
    for (int start = 0; start < tokens.length; start += step) {
      int count = Math.min(step, tokens.length - start);
      double done = start;
      prefillChunk(
          state,
          scratch,
          tokens,
          start,
          count,
          listener,
          fraction -> monitor.progress((done + fraction * count) / tokens.length));
      state.advance(count);
      if (everyToken != null) {
        for (int i = 0; i < count; i++) {
          head(state, scratch, i);
          everyToken.logits(start + i, state.logitsView());
        }
      } else if (start + count == tokens.length) {
        head(state, scratch, count - 1);
      }
    }
    return state.logitsView();
  }

  private void prefillChunk(
      DecoderState state,
      Scratch s,
      int[] tokens,
      int start,
      int count,
      ActivationListener listener,
      Monitor monitor) {
    int position = state.position();
    embed(s, tokens, start, count, position);
    for (int layer = 0; layer < config.layers(); layer++) {
      Block block = parts.blocks().get(layer);
      KvLayer cache = state.cache(layer);
      block.attentionNorm().apply(backend, s.x(), count, s.normed());
      block.query().prefill(backend, s.normed(), count, s.query());
      block.key().prefill(backend, s.normed(), count, s.key());
      block.value().prefill(backend, s.normed(), count, s.value());
      placeHeads(block, s, count, position);
      backend.attentionAppend(attention, s.key(), s.value(), count, position, cache);
      backend.attentionPrefill(attention, s.query(), count, position, cache, s.attention());
      block.output().prefillAdding(backend, s.attention(), count, s.x());
      block.ffnNorm().apply(backend, s.x(), count, s.normed());
      backend.ffnPrefill(block.ffn(), s.normed(), count, s.activations(), s.x());
      listener.observe(layer, block.ffn(), s.activations(), count);
      monitor.progress((layer + 1.0) / config.layers());
    }
  }

  /**
   * Appends {@code token}, computing the given neurons only.
   *
   * @return the logits after it, valid until the next call with this state
   */
  public FloatBuffer decode(DecoderState state, int token, NeuronSet neurons) {
    Objects.checkIndex(token, config.vocabulary());
    checkRoom(state, 1);
    Scratch s = state.scratch(1);
    int position = state.position();
    s.ids().buffer(0, Integer.BYTES).putInt(0, token);
    embedPrepared(s, 1, position);
    for (int layer = 0; layer < config.layers(); layer++) {
      Block block = parts.blocks().get(layer);
      KvLayer cache = state.cache(layer);
      block.attentionNorm().apply(backend, s.x(), 1, s.normed());
      block.query().decode(backend, s.normed(), s.query());
      block.key().decode(backend, s.normed(), s.key());
      block.value().decode(backend, s.normed(), s.value());
      placeHeads(block, s, 1, position);
      backend.attentionAppend(attention, s.key(), s.value(), 1, position, cache);
      backend.attentionDecode(attention, s.query(), position, cache, s.attention());
      block.output().decodeAdding(backend, s.attention(), s.x());
      block.ffnNorm().apply(backend, s.x(), 1, s.normed());
      backend.ffnDecode(
          block.ffn(),
          s.normed(),
          neurons.memory(layer),
          neurons.count(layer),
          s.activations(),
          s.x());
    }
    state.advance(1);
    head(state, s, 0);
    return state.logitsView();
  }

  private void embed(Scratch s, int[] tokens, int start, int count, int position) {
    s.ids().ints().put(tokens, start, count);
    embedPrepared(s, count, position);
  }

  private void embedPrepared(Scratch s, int count, int position) {
    backend.embed(parts.embedding(), s.ids(), count, s.x());
    if (parts.positions() != null) {
      for (int i = 0; i < count; i++) {
        s.positions().ints().put(i, position + i + parts.positionOffset());
      }
      backend.embed(parts.positions(), s.positions(), count, s.normed());
      backend.add(s.normed(), (long) count * config.dim(), s.x());
    }
  }

  /** Norms of heads and rotary positions, where the family has them. */
  private void placeHeads(Block block, Scratch s, int count, int position) {
    if (block.queryNorm() != null) {
      block.queryNorm().apply(backend, s.query(), count * config.heads(), s.query());
    }
    if (block.keyNorm() != null) {
      block.keyNorm().apply(backend, s.key(), count * config.kvHeads(), s.key());
    }
    if (parts.rotary() != null) {
      parts.rotary().apply(backend, count, config.heads(), config.headDim(), position, s.query());
      parts.rotary().apply(backend, count, config.kvHeads(), config.headDim(), position, s.key());
    }
  }

  private void head(DecoderState state, Scratch s, int row) {
    long rowBytes = (long) config.dim() * Float.BYTES;
    NativeMemory x = s.x().slice(row * rowBytes, rowBytes);
    parts.finalNorm().apply(backend, x, 1, s.normed());
    parts.head().decode(backend, s.normed(), state.logits());
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
    parts.memory().forEach(NativeMemory::close);
  }
}
