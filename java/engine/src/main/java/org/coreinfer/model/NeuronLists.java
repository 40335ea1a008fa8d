package org.coreinfer.model;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnPacks;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.PackedFfn;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * One sequence's neuron lists where kernels read them, always at the same addresses, so that a
 * recorded step serves any set. Of streamed layers it also holds the listed rows, packed. For one
 * thread at a time.
 */
final class NeuronLists implements AutoCloseable {
  /** Marks a layer whose list was written by the device, or is not known. */
  private static final int[] UNKNOWN = {};

  private final Backend queue;
  private final ModelConfig config;
  private final FfnLayers ffn;
  private final NativeMemory ids; // (layers, neurons)
  private final NativeMemory counts; // (layers + 1), the last one being all neurons
  private final NativeMemory all;
  private final NativeMemory[] layerIds;
  private final NativeMemory[] layerCounts;
  private final @Nullable PackedFfn[] packed;
  private final boolean[] isPacked;
  private final CorePacks packs;
  private final int[] @Nullable [] held; // null for all neurons
  private @Nullable NeuronSet current;

  /**
   * @param mostListed for each layer the most neurons that sets list, short of all of them: rows of
   *     streamed layers are packed up to there
   */
  NeuronLists(Backend queue, ModelConfig config, FfnLayers ffn, IntUnaryOperator mostListed) {
    int layers = config.layers();
    long listBytes = (long) config.neurons() * Integer.BYTES;
    this.queue = queue;
    this.config = config;
    this.ffn = ffn;
    this.packed = new PackedFfn[layers];
    this.isPacked = new boolean[layers];
    this.held = new int[layers][];
    this.packs = ffn.newPacks();
    Arrays.fill(held, UNKNOWN);
    this.ids = queue.allocate("neuron lists", layers * listBytes);
    try {
      this.counts = queue.allocateInts("neuron counts", layers + 1L);
    } catch (RuntimeException e) {
      ids.close();
      throw e;
    }
    this.layerIds = slices(ids, layers, listBytes);
    this.layerCounts = slices(counts, layers, Integer.BYTES);
    this.all = counts.slice((long) layers * Integer.BYTES, Integer.BYTES);
    try {
      queue.upload(new int[] {config.neurons()}, all);
      for (int layer = 0; layer < layers; layer++) {
        int most = mostListed.applyAsInt(layer);
        if (ffn.isStreamed(layer) && most < config.neurons()) {
          packed[layer] = PackedFfn.allocate(queue, ffn.weights(layer), most);
        }
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private static NativeMemory[] slices(NativeMemory memory, int count, long bytes) {
    return IntStream.range(0, count)
        .mapToObj(i -> memory.slice(i * bytes, bytes))
        .toArray(NativeMemory[]::new);
  }

  NativeMemory ids(int layer) {
    return layerIds[layer];
  }

  /** The list, or null where all neurons are computed and no recording needs an address. */
  @Nullable NativeMemory idsOrNull(int layer) {
    return held[layer] == null && queue.isHost() ? null : layerIds[layer];
  }

  NativeMemory count(int layer) {
    return layerCounts[layer];
  }

  /** How many neurons a layer has, where kernels read it. */
  NativeMemory all() {
    return all;
  }

  /** The listed rows, of a layer whose weights the next token need not stream; null of others. */
  @Nullable PackedFfn packed(int layer) {
    return isPacked[layer] ? packed[layer] : null;
  }

  /** The listed rows on the host for one more token; null where they are not packed. */
  @Nullable FfnPacks nextPacks(int layer) {
    return held[layer] == null
        ? ffn.dense().next(layer, null, all, null)
        : packs.next(layer, layerIds[layer], layerCounts[layer], null);
  }

  /** Whether the listed rows are packed on the host. */
  boolean hasPacks(int layer) {
    return (held[layer] == null ? ffn.dense() : packs).get(layer) != null;
  }

  /** Whether the next token must stream a layer. */
  boolean mustStream(int layer) {
    return ffn.isStreamed(layer) && !isPacked[layer];
  }

  boolean mustStream() {
    return IntStream.range(0, held.length).anyMatch(this::mustStream);
  }

  /**
   * Says that the device wrote a layer's list.
   *
   * @param weights where the device reads them now
   * @param most the most neurons that are listed
   */
  void wrote(int layer, FfnWeights weights, int most) {
    packs.renewed(layer);
    current = null;
    held[layer] = UNKNOWN;
    pack(layer, weights, most);
  }

  private void pack(int layer, FfnWeights weights, int most) {
    PackedFfn rows = packed[layer];
    isPacked[layer] = false;
    if (rows != null && most <= rows.capacity()) {
      queue.device().pack(weights, layerIds[layer], layerCounts[layer], rows);
      isPacked[layer] = true;
    }
  }

  /**
   * What the device wrote, and all neurons of other layers.
   *
   * @param isWritten by layer
   */
  NeuronSet read(boolean[] isWritten) {
    int layers = config.layers();
    int[] sizes = queue.downloadInts(counts, layers);
    int[] all = queue.downloadInts(ids, Math.multiplyExact(layers, config.neurons()));
    int[][] lists = new int[layers][];
    for (int layer = 0; layer < layers; layer++) {
      if (isWritten[layer]) {
        int start = layer * config.neurons();
        lists[layer] = Arrays.copyOfRange(all, start, start + sizes[layer]);
      }
    }
    NeuronSet set = NeuronSet.of(config, lists);
    for (int layer = 0; layer < layers; layer++) {
      if (isWritten[layer]) {
        held[layer] = set.list(layer);
      }
    }
    return set;
  }

  /** Brings a set where kernels read it, unless it is there. */
  void use(NeuronSet set) {
    if (set == current) {
      return;
    }
    current = null;
    boolean[] isChanged = new boolean[held.length];
    boolean isAnyChanged = false;
    for (int layer = 0; layer < held.length; layer++) {
      if (held[layer] != set.list(layer)) {
        write(layer, set);
        isChanged[layer] = true;
        isAnyChanged = true;
      }
    }
    if (isAnyChanged) {
      queue.upload(IntStream.range(0, held.length).map(set::count).toArray(), counts);
      packChanged(set, isChanged);
    }
    current = set;
  }

  /**
   * Keeps what the device wrote, and lists all neurons of other layers.
   *
   * @param isWritten by layer
   */
  void useWritten(boolean[] isWritten) {
    for (int layer = 0; layer < held.length; layer++) {
      if (!isWritten[layer] && held[layer] != null) {
        NeuronSet all = NeuronSet.all(config);
        current = null;
        write(layer, all);
        queue.upload(new int[] {all.count(layer)}, layerCounts[layer]);
        isPacked[layer] = false;
      }
    }
  }

  private void write(int layer, NeuronSet set) {
    packs.renewed(layer);
    int[] list = set.list(layer);
    held[layer] = UNKNOWN;
    if (list != null || !queue.isHost()) {
      queue.upload(list != null ? list : set.ids(layer), layerIds[layer]);
    }
    held[layer] = list;
  }

  private void packChanged(NeuronSet set, boolean[] isChanged) {
    for (int layer = 0; layer < isChanged.length; layer++) {
      PackedFfn rows = packed[layer];
      if (isChanged[layer]) {
        isPacked[layer] = false;
      }
      isChanged[layer] &= rows != null && set.count(layer) <= rows.capacity();
    }
    try (FfnLayers.Pass pass = ffn.open(queue, layer -> isChanged[layer])) {
      for (int layer = 0; layer < isChanged.length; layer++) {
        if (isChanged[layer]) {
          pack(layer, pass.layer(layer), set.count(layer));
          pass.done(layer);
        }
      }
    }
  }

  /** Forgets what the device may have written. */
  void forget() {
    current = null;
    Arrays.fill(held, UNKNOWN);
    packs.renewed();
    Arrays.fill(isPacked, false);
  }

  @Override
  public void close() {
    for (PackedFfn rows : packed) {
      if (rows != null) {
        rows.close();
      }
    }
    packs.close();
    counts.close();
    ids.close();
  }
}
