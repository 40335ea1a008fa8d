package org.coreinfer.model;

import org.coreinfer.backend.AttentionShape;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnPacks;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.backend.PackedFfn;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The calls of one step of decoding, from embedded tokens to logits: of one token with the listed
 * neurons, or of a few with all. A token gets the same bits either way. Thread-safe.
 */
final class DecodeStep {
  private final ModelConfig config;
  private final Decoder.Parts parts;
  private final AttentionShape attention;

  DecodeStep(ModelConfig config, Decoder.Parts parts, AttentionShape attention) {
    this.config = config;
    this.parts = parts;
    this.attention = attention;
  }

  /** Tokens on their way through the layers: {@code x} (count, dim) is the residual stream. */
  private record Tokens(int count, NativeMemory x, NativeMemory firstPosition, Scratch scratch) {}

  /**
   * One token with the listed neurons: always the same calls with the same arguments.
   *
   * @param tail what stands for the other neurons; null for nothing
   */
  void run(Backend on, DecoderState state, @Nullable Tail tail) {
    Tokens one = new Tokens(1, state.x(), state.inputs().position(), state.one());
    NeuronLists lists = state.neurons();
    on.embed(parts.embedding(), state.inputs().token(), 1, one.x);
    if (parts.positions() != null) {
      on.embed(parts.positions(), state.inputs().row(), 1, one.scratch.normed());
      on.add(one.scratch.normed(), config.dim(), one.x);
    }
    try (FfnLayers.Pass ffns = parts.ffn().open(on, lists::mustStream)) {
      for (int layer = 0; layer < config.layers(); layer++) {
        attend(on, layer, state.cache(layer), one);
        ffn(on, layer, ffns, lists, one);
        if (tail != null) {
          tail.add(on, layer, one.scratch.normed(), one.x);
        }
      }
    }
    head(on, one, state.logits().memory());
  }

  /** Hears of each layer. */
  interface LayerListener {
    /** The FFN is about to be given x (tokens, dim). */
    void enter(int layer, NativeMemory x);

    /** The FFN is computed, and its weights are still there. */
    void done(int layer, FfnWeights ffn, NativeMemory activations);
  }

  /**
   * The first {@code count} embedded tokens of a stretch with all neurons.
   *
   * @param logits (count, vocabulary)
   */
  void runDense(
      Backend on,
      DecoderState state,
      Stretch stretch,
      int count,
      NativeMemory logits,
      LayerListener listener) {
    Tokens tokens = new Tokens(count, stretch.x(), stretch.firsts(), state.scratch(count));
    NativeMemory all = state.neurons().all();
    Scratch s = tokens.scratch;
    try (FfnLayers.Pass ffns = parts.ffn().open(on, layer -> true)) {
      for (int layer = 0; layer < config.layers(); layer++) {
        attend(on, layer, state.cache(layer), tokens);
        listener.enter(layer, s.normed());
        FfnWeights weights = ffns.layer(layer);
        @Nullable FfnPacks packs = parts.ffn().dense().get(layer);
        if (packs != null) {
          packs.decode(s.normed(), count, null, all, null, s.activations(), tokens.x);
        } else {
          on.ffnDecode(weights, s.normed(), count, null, all, s.activations(), tokens.x);
        }
        listener.done(layer, weights, s.activations());
        ffns.done(layer);
      }
    }
    head(on, tokens, logits);
  }

  /** Attention, and the norm before the FFN. */
  private void attend(Backend on, int layer, KvLayer cache, Tokens tokens) {
    Block block = parts.blocks().get(layer);
    Scratch s = tokens.scratch;
    int count = tokens.count;
    block.attentionNorm().apply(on, tokens.x, count, s.normed());
    block.decodeInputs(on, count, s);
    placeHeads(on, block, s, count, tokens.firstPosition);
    on.attentionAppend(attention, s.key(), s.value(), count, tokens.firstPosition, cache);
    on.attentionDecode(attention, s.query(), count, tokens.firstPosition, cache, s.attention());
    block.output().decodeAdding(on, s.attention(), count, tokens.x);
    block.ffnNorm().apply(on, tokens.x, count, s.normed());
  }

  private void ffn(Backend on, int layer, FfnLayers.Pass ffns, NeuronLists lists, Tokens tokens) {
    Scratch s = tokens.scratch;
    NativeMemory core = lists.count(layer);
    @Nullable FfnPacks packs = lists.nextPacks(layer);
    @Nullable PackedFfn packed = lists.packed(layer);
    if (packs != null) {
      @Nullable NativeMemory ids = lists.idsOrNull(layer);
      packs.decode(s.normed(), tokens.count, ids, core, null, s.activations(), tokens.x);
    } else if (packed != null) {
      FfnWeights weights = parts.ffn().weights(layer);
      NativeMemory ids = lists.ids(layer);
      on.device()
          .ffnDecodePacked(weights, packed, s.normed(), ids, core, s.activations(), tokens.x);
    } else {
      FfnWeights weights = ffns.layer(layer);
      @Nullable NativeMemory ids = lists.idsOrNull(layer);
      on.ffnDecode(weights, s.normed(), tokens.count, ids, core, s.activations(), tokens.x);
      ffns.done(layer);
    }
  }

  /** Norms of heads and rotary positions, where the family has them. */
  void placeHeads(Backend on, Block block, Scratch s, int count, NativeMemory position) {
    if (block.queryNorm() != null) {
      block.queryNorm().apply(on, s.query(), count * config.heads(), s.query());
    }
    if (block.keyNorm() != null) {
      block.keyNorm().apply(on, s.key(), count * config.kvHeads(), s.key());
    }
    if (parts.rotary() != null) {
      parts.rotary().apply(on, count, config.heads(), config.headDim(), position, s.query());
      parts.rotary().apply(on, count, config.kvHeads(), config.headDim(), position, s.key());
    }
  }

  private void head(Backend on, Tokens tokens, NativeMemory logits) {
    head(on, tokens.x, tokens.count, tokens.scratch, logits);
  }

  /** logits (count, vocabulary) of the rows of x. */
  void head(Backend on, NativeMemory x, int count, Scratch s, NativeMemory logits) {
    parts.finalNorm().apply(on, x, count, s.normed());
    parts.head().decode(on, s.normed(), count, logits);
  }
}
