package org.coreinfer.model;

import java.io.IOException;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.backend.Recording;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * What one sequence needs beside the weights: a queue of the device, keys and values of the tokens
 * so far, the neurons that are computed, and scratch memory. For one thread at a time.
 */
public final class DecoderState implements AutoCloseable {
  private final ModelConfig config;
  private final int capacity;
  private final Backend queue;
  private final Resources resources = new Resources();
  private final KvCache cache;
  private final Logits logits;
  private final NeuronLists neurons;
  private final StepInputs inputs;
  private final NativeMemory x; // of the decoded token
  private final Scratch one; // of the decoded token; recordings refer to it
  private final StepWork decode;
  private final Recording plainStep;
  private @Nullable Recording tailedStep;
  private @Nullable Tail recordedTail; // by tailedStep
  private Scratch scratch;
  private Stretch stretch;
  private @Nullable LogitsRows rows;
  private boolean[] isChosen;
  private int position;
  private int computed; // tokens whose keys and values the cache holds

  /**
   * @param capacity the most tokens of the sequence
   * @param chunk the most tokens that prefill takes at once
   * @param pool where keys and values come from
   * @param mostListed for each layer the most neurons that sets list, short of all
   * @param decode one step of this state, on the backend that it is given
   */
  DecoderState(
      Backend backend,
      ModelConfig config,
      FfnLayers ffn,
      int capacity,
      int chunk,
      KvPool pool,
      IntUnaryOperator mostListed,
      StepWork decode) {
    this.config = config;
    this.capacity = capacity;
    this.isChosen = new boolean[config.layers()];
    this.queue = backend.newQueue();
    resources.onClose(queue::close);
    try {
      this.cache = new KvCache(queue, pool, capacity);
      resources.onClose(cache::close);
      this.logits = new Logits(queue, config.vocabulary());
      resources.onClose(logits::close);
      resources.onClose(this::closeRows);
      this.neurons = new NeuronLists(queue, config, ffn, mostListed);
      resources.onClose(neurons::close);
      this.inputs = new StepInputs(queue);
      resources.onClose(inputs::close);
      this.x = resources.own(queue.allocateFloats("a token", config.dim()));
      this.one = Scratch.allocate(queue, config, 1);
      resources.onClose(one::close);
      this.scratch = Scratch.allocate(queue, config, Math.min(chunk, capacity));
      resources.onClose(() -> scratch.close());
      this.stretch = Stretch.allocate(queue, config, Math.min(Stretch.TOKENS, capacity));
      resources.onClose(() -> stretch.close());
      this.decode = decode;
      this.plainStep = queue.record(on -> decode.run(on, this, null));
      resources.onClose(plainStep::close);
      resources.onClose(this::closeTailedStep);
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /** One step of decoding. */
  interface StepWork {
    void run(Backend on, DecoderState state, @Nullable Tail tail);
  }

  /** The bytes of all keys and values of a sequence that is as long as it can be. */
  static long cacheBytes(ModelConfig config, int capacity, DType cacheDtype) {
    long pages = Math.multiplyExact(KvLayer.pages(capacity), KvPool.pageBytes(config, cacheDtype));
    return pages + KvCache.tableBytes(config, capacity);
  }

  /** The bytes of activations that a state allocates. */
  static long scratchBytes(ModelConfig config, int capacity, int chunk) {
    return Scratch.bytes(config, Math.min(chunk, capacity) + 1)
        + Stretch.bytes(config, Math.min(Stretch.TOKENS, capacity));
  }

  /**
   * The bytes of lists and results that a state allocates, those of its longest append included.
   */
  static long listBytes(ModelConfig config) {
    long listed = (long) config.layers() * (config.neurons() + 1) * Integer.BYTES;
    long logits = (1L + Backend.DECODE_TOKENS) * config.vocabulary();
    return listed + (logits + config.dim() + 1) * Float.BYTES;
  }

  /** The backend on which everything of this state is queued. */
  public Backend queue() {
    return queue;
  }

  /** Scratch memory for at least {@code tokens} tokens at once. */
  Scratch scratch(int tokens) {
    if (scratch.tokens() < tokens) {
      Scratch larger = Scratch.allocate(queue, config, tokens);
      scratch.close();
      scratch = larger;
    }
    return scratch;
  }

  /** Room for at least {@code tokens} tokens that go through the layers together. */
  Stretch stretch(int tokens) {
    if (stretch.tokens() < tokens) {
      Stretch larger = Stretch.allocate(queue, config, tokens);
      stretch.close();
      stretch = larger;
    }
    return stretch;
  }

  /** Room for the logits after each of at least {@code tokens} tokens. */
  LogitsRows rows(int tokens) {
    LogitsRows held = rows;
    if (held == null || held.tokens() < tokens) {
      closeRows();
      held = new LogitsRows(queue, tokens, config.vocabulary());
      rows = held;
    }
    return held;
  }

  private void closeRows() {
    if (rows != null) {
      rows.close();
      rows = null;
    }
  }

  Scratch one() {
    return one;
  }

  NativeMemory x() {
    return x;
  }

  StepInputs inputs() {
    return inputs;
  }

  NeuronLists neurons() {
    return neurons;
  }

  /** One step, with a tail where the set has one. */
  Recording step(@Nullable Tail tail) {
    if (tail == null) {
      return plainStep;
    }
    Recording recorded = tailedStep;
    if (recorded == null || recordedTail != tail) {
      closeTailedStep();
      recorded = queue.record(on -> decode.run(on, this, tail));
      tailedStep = recorded;
      recordedTail = tail;
    }
    return recorded;
  }

  private void closeTailedStep() {
    if (tailedStep != null) {
      tailedStep.close();
      tailedStep = null;
      recordedTail = null;
    }
  }

  KvLayer cache(int layer) {
    return cache.layer(layer);
  }

  Logits logits() {
    return logits;
  }

  /** Layers for which the latest prefill's or append's listener chose neurons. */
  boolean[] isChosen() {
    return isChosen;
  }

  /**
   * The neurons that the listener of the latest prefill or append chose, and all neurons of layers
   * for which it chose none.
   */
  public NeuronSet chosen() {
    return neurons.read(isChosen);
  }

  /** Where kernels read the listed neurons of a layer: ascending numbers, int32. */
  public NativeMemory coreIds(int layer) {
    return neurons.ids(layer);
  }

  /** Where kernels read how many neurons of a layer are listed, int32. */
  public NativeMemory core(int layer) {
    return neurons.count(layer);
  }

  /** Brings a set where kernels read it, for the tokens that follow. */
  public void list(NeuronSet set) {
    neurons.use(set);
  }

  /** Forgets lists that are broken off: until others come, every neuron is computed. */
  void forgetChosen() {
    Arrays.fill(isChosen, false);
    neurons.forget();
  }

  /** The most tokens of the sequence. */
  public int capacity() {
    return capacity;
  }

  /** Tokens that the cache holds. */
  public int position() {
    return position;
  }

  /** Makes room for keys and values of the next {@code tokens} tokens. */
  void reserve(int tokens) {
    cache.reserve(position, position + tokens);
  }

  void advance(int tokens) {
    position += tokens;
    computed = position;
  }

  /** Forgets everything after the first {@code tokens} tokens, and gives back their pages. */
  public void truncate(int tokens) {
    if (tokens < 0 || tokens > position) {
      throw new IllegalArgumentException(
          "tokens=" + tokens + ": the sequence has " + position + " tokens");
    }
    position = tokens;
    if (position == 0 || computed - position > Backend.DECODE_TOKENS) {
      computed = position;
      cache.truncate(position);
    }
  }

  /**
   * Brings tokens back that {@link #truncate} forgot, of the latest {@link Backend#DECODE_TOKENS}.
   *
   * @throws IllegalStateException if others were computed since, or there were not so many
   */
  public void restore(int tokens) {
    if (tokens < 0 || tokens > computed - position) {
      throw new IllegalStateException(
          "tokens=%d: %d were forgotten".formatted(tokens, computed - position));
    }
    position += tokens;
  }

  /**
   * Begins as the first tokens of another sequence of the same model, whose keys and values both
   * then share: nothing is computed or copied, but for the page that either goes on writing to.
   *
   * @param tokens how many, at most what the other has
   * @throws IllegalStateException if this sequence is not empty
   */
  public void beginAs(DecoderState other, int tokens) {
    try (KvBeginning beginning = other.beginning(other.position)) {
      beginAs(beginning, tokens);
    }
  }

  /** As the other one, from keys and values that were held. */
  public void beginAs(KvBeginning beginning, int tokens) {
    if (position > 0) {
      throw new IllegalStateException("the sequence has " + position + " tokens already");
    }
    if (tokens < 0 || tokens > beginning.tokens() || tokens > capacity) {
      throw new IllegalArgumentException(
          "tokens=%d: the other sequence has %d, this one has room for %d"
              .formatted(tokens, beginning.tokens(), capacity));
    }
    if (!beginning.isOf(config, cache.pool().dtype())) {
      throw new IllegalArgumentException("the other sequence is of another model or cache dtype");
    }
    cache.truncate(0);
    cache.begin(beginning, tokens);
    position = tokens;
    computed = tokens;
  }

  /**
   * Holds keys and values of the first tokens for others that begin alike.
   *
   * @param tokens at most {@link #position}
   * @return the caller's, to be closed
   */
  public KvBeginning beginning(int tokens) {
    if (tokens < 0 || tokens > position) {
      throw new IllegalArgumentException(
          "tokens=" + tokens + ": the sequence has " + position + " tokens");
    }
    return cache.beginning(tokens);
  }

  /** Writes the tokens' keys and values, with the sizes that {@link #load} compares. */
  public void save(StateWriter writer) throws IOException {
    for (int size : sizes()) {
      writer.put(size);
    }
    writer.put(position);
    cache.save(writer, position);
  }

  /**
   * Takes keys and values that were saved, in place of what is there; if it fails the sequence is
   * empty.
   */
  public void load(StateReader reader) throws IOException {
    position = 0;
    computed = 0;
    for (int size : sizes()) {
      reader.require("a size of the model or the cache", size);
    }
    int tokens = reader.getInt("the number of tokens", 0, capacity);
    boolean isLoaded = false;
    try {
      cache.load(reader, tokens);
      isLoaded = true;
    } finally {
      if (!isLoaded) {
        cache.truncate(0);
      }
    }
    position = tokens;
    computed = tokens;
  }

  private int[] sizes() {
    return new int[] {
      config.layers(), config.kvHeads(), config.headDim(), cache.pool().dtype().code(), KvLayer.PAGE
    };
  }

  @Override
  public void close() {
    resources.close();
  }
}
