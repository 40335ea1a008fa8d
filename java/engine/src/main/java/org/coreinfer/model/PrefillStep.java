package org.coreinfer.model;

import java.util.Arrays;
import org.coreinfer.backend.AttentionShape;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.tensor.NativeMemory;

/**
 * The calls that read a stretch of tokens: its embedding, and a chunk of it through one layer with
 * every neuron. Thread-safe.
 */
final class PrefillStep {
  private final ModelConfig config;
  private final Decoder.Parts parts;
  private final AttentionShape attention;
  private final DecodeStep step;

  PrefillStep(ModelConfig config, Decoder.Parts parts, AttentionShape attention, DecodeStep step) {
    this.config = config;
    this.parts = parts;
    this.attention = attention;
    this.step = step;
  }

  /**
   * Embeds tokens, with their positions where the family has learned ones.
   *
   * @param position of the first one
   * @param chunk tokens that {@code s} has room for
   */
  void embed(Backend on, int position, int[] tokens, int chunk, Scratch s, Stretch stretch) {
    int count = tokens.length;
    int[] positions = new int[count];
    Arrays.setAll(positions, i -> position + i);
    on.upload(positions, stretch.firsts());
    on.upload(tokens, stretch.ids());
    on.embed(parts.embedding(), stretch.ids(), count, stretch.x());
    if (parts.positions() == null) {
      return;
    }
    Arrays.setAll(positions, i -> position + i + parts.positionOffset());
    on.upload(positions, stretch.rows());
    for (int first = 0; first < count; first += chunk) {
      int some = Math.min(chunk, count - first);
      NativeMemory rows =
          stretch.rows().slice((long) first * Integer.BYTES, (long) some * Integer.BYTES);
      on.embed(parts.positions(), rows, some, s.normed());
      on.add(s.normed(), (long) some * config.dim(), rows(stretch, first, some));
    }
  }

  /**
   * Takes {@code count} tokens of a stretch, from {@code first} on, through a layer.
   *
   * @param listener hears of the FFN's input
   */
  void chunk(
      Backend on,
      int layer,
      FfnWeights ffn,
      KvLayer cache,
      int first,
      int count,
      Scratch s,
      Stretch stretch,
      ActivationListener listener) {
    Block block = parts.blocks().get(layer);
    NativeMemory x = rows(stretch, first, count);
    NativeMemory position = stretch.firsts().slice((long) first * Integer.BYTES, Integer.BYTES);
    block.attentionNorm().apply(on, x, count, s.normed());
    block.query().prefill(on, s.normed(), count, s.query());
    block.key().prefill(on, s.normed(), count, s.key());
    block.value().prefill(on, s.normed(), count, s.value());
    step.placeHeads(on, block, s, count, position);
    on.attentionAppend(attention, s.key(), s.value(), count, position, cache);
    on.attentionPrefill(attention, s.query(), count, position, cache, s.attention());
    block.output().prefillAdding(on, s.attention(), count, x);
    block.ffnNorm().apply(on, x, count, s.normed());
    listener.enter(layer, s.normed(), count);
    on.ffnPrefill(ffn, s.normed(), count, s.activations(), x);
  }

  /** (count, dim) of the residual stream. */
  private NativeMemory rows(Stretch stretch, int first, int count) {
    long rowBytes = (long) config.dim() * Float.BYTES;
    return stretch.x().slice(first * rowBytes, count * rowBytes);
  }
}
