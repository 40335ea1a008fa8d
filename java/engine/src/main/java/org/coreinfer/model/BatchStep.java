package org.coreinfer.model;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.coreinfer.backend.AttentionShape;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnPacks;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * One step over several sequences. On the host weights are read once for all, keys and values are
 * each one's own, and the FFN computes the union of their neurons, of which each uses its own: so
 * each gets the bits of {@link DecodeStep}. On a device they take their turns. Thread-safe.
 */
final class BatchStep implements AutoCloseable {
  private final Backend backend;
  private final ModelConfig config;
  private final Decoder.Parts parts;
  private final AttentionShape attention;
  private final DecodeStep step;
  private final LinearPacks packs;

  /** As many groups of sequences may take turns without renewing each other's lists. */
  private static final int MOST_IDLE = 4;

  private final List<BatchScratch> idle = new ArrayList<>();

  BatchStep(
      Backend backend,
      ModelConfig config,
      Decoder.Parts parts,
      AttentionShape attention,
      DecodeStep step,
      LinearPacks packs) {
    this.backend = backend;
    this.config = config;
    this.parts = parts;
    this.attention = attention;
    this.step = step;
    this.packs = packs;
  }

  /** {@link Decoder#decodeTogether}. */
  List<Logits> decode(Decoder decoder, List<BatchEntry> entries) {
    check(decoder, entries);
    if (entries.size() == 1 || !backend.isHost()) {
      return decodeInTurn(decoder, entries);
    }
    run(entries);
    List<Logits> logits = new ArrayList<>(entries.size());
    for (BatchEntry entry : entries) {
      entry.state().advance(1);
      logits.add(entry.state().logits());
    }
    return logits;
  }

  private static void check(Decoder decoder, List<BatchEntry> entries) {
    int count = entries.size();
    if (count < 1 || count > Backend.DECODE_TOKENS) {
      throw new IllegalArgumentException(
          "%d sequences to decode together: expected 1 to %d"
              .formatted(count, Backend.DECODE_TOKENS));
    }
    for (int i = 0; i < count; i++) {
      DecoderState state = entries.get(i).state();
      for (int j = 0; j < i; j++) {
        if (entries.get(j).state() == state) {
          throw new IllegalArgumentException(
              "entries %d and %d have the same state".formatted(j, i));
        }
      }
    }
    for (BatchEntry entry : entries) {
      decoder.checkStep(entry.state(), entry.token());
    }
    for (BatchEntry entry : entries) {
      entry.state().reserve(1);
    }
  }

  private static List<Logits> decodeInTurn(Decoder decoder, List<BatchEntry> entries) {
    List<Logits> logits = new ArrayList<>(entries.size());
    try {
      for (BatchEntry entry : entries) {
        logits.add(decoder.decode(entry.state(), entry.token(), entry.neurons()));
      }
      return logits;
    } catch (RuntimeException e) {
      for (int i = 0; i < logits.size(); i++) {
        DecoderState state = entries.get(i).state();
        state.truncate(state.position() - 1);
      }
      throw e;
    }
  }

  private void run(List<BatchEntry> entries) {
    packs.next();
    BatchScratch scratch = take(entries);
    try {
      scratch.union().use(entries);
      embed(entries, scratch);
      for (int layer = 0; layer < config.layers(); layer++) {
        attend(layer, entries, scratch);
        ffn(layer, entries, scratch);
      }
      head(entries, scratch);
    } finally {
      giveBack(scratch);
    }
  }

  /** Room that nobody uses, best with these entries' neurons, else new or what waited longest. */
  private BatchScratch take(List<BatchEntry> entries) {
    synchronized (idle) {
      Iterator<BatchScratch> each = idle.iterator();
      while (each.hasNext()) {
        BatchScratch scratch = each.next();
        if (scratch.union().isOf(entries)) {
          each.remove();
          return scratch;
        }
      }
      if (idle.size() >= MOST_IDLE) {
        return idle.remove(0);
      }
    }
    return new BatchScratch(backend, config, parts.ffn());
  }

  private void giveBack(BatchScratch scratch) {
    synchronized (idle) {
      idle.add(scratch);
    }
  }

  private void embed(List<BatchEntry> entries, BatchScratch scratch) {
    int count = entries.size();
    int[] tokens = new int[count];
    int[] rows = new int[count];
    for (int i = 0; i < count; i++) {
      BatchEntry entry = entries.get(i);
      int position = entry.state().position();
      tokens[i] = entry.token();
      rows[i] = position + parts.positionOffset();
      entry.state().inputs().set(tokens[i], position, rows[i]);
    }
    Stretch stretch = scratch.stretch();
    backend.upload(tokens, stretch.ids());
    backend.embed(parts.embedding(), stretch.ids(), count, stretch.x());
    if (parts.positions() != null) {
      NativeMemory learned = scratch.all().normed();
      backend.upload(rows, stretch.rows());
      backend.embed(parts.positions(), stretch.rows(), count, learned);
      backend.add(learned, (long) count * config.dim(), stretch.x());
    }
  }

  private void attend(int layer, List<BatchEntry> entries, BatchScratch scratch) {
    Block block = parts.blocks().get(layer);
    Scratch s = scratch.all();
    NativeMemory x = scratch.stretch().x();
    int count = entries.size();
    block.attentionNorm().apply(backend, x, count, s.normed());
    block.decodeInputs(backend, count, s);
    for (int i = 0; i < count; i++) {
      DecoderState state = entries.get(i).state();
      KvLayer cache = state.cache(layer);
      NativeMemory position = state.inputs().position();
      Scratch own = scratch.own(i);
      step.placeHeads(backend, block, own, 1, position);
      backend.attentionAppend(attention, own.key(), own.value(), 1, position, cache);
      backend.attentionDecode(attention, own.query(), 1, position, cache, own.attention());
    }
    block.output().decodeAdding(backend, s.attention(), count, x);
    block.ffnNorm().apply(backend, x, count, s.normed());
  }

  private void ffn(int layer, List<BatchEntry> entries, BatchScratch scratch) {
    Scratch s = scratch.all();
    NeuronUnion union = scratch.union();
    int count = entries.size();
    NativeMemory x = scratch.stretch().x();
    @Nullable NativeMemory ids = union.ids(layer);
    @Nullable NativeMemory users = union.users(layer);
    NativeMemory core = union.count(layer);
    @Nullable FfnPacks packs = union.nextPacks(layer);
    if (packs != null) {
      packs.decode(s.normed(), count, ids, core, users, s.activations(), x);
    } else {
      FfnWeights ffn = parts.ffn().weights(layer);
      backend.ffnDecode(ffn, s.normed(), count, ids, core, users, s.activations(), x);
    }
    for (int i = 0; i < count; i++) {
      @Nullable Tail tail = entries.get(i).neurons().tail();
      if (tail != null) {
        tail.add(backend, layer, scratch.own(i).normed(), scratch.ownX(i));
      }
    }
  }

  private void head(List<BatchEntry> entries, BatchScratch scratch) {
    step.head(backend, scratch.stretch().x(), entries.size(), scratch.all(), scratch.logits());
    for (int i = 0; i < entries.size(); i++) {
      Logits logits = entries.get(i).state().logits();
      logits.renew();
      backend.upload(scratch.ownLogits(i), logits.memory());
    }
  }

  @Override
  public void close() {
    synchronized (idle) {
      idle.forEach(BatchScratch::close);
      idle.clear();
    }
  }
}
