package org.coreinfer;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.function.IntPredicate;
import java.util.function.LongFunction;
import java.util.stream.Collectors;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.cuda.Cuda;
import org.coreinfer.backend.cuda.CudaBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Embedder;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.GpuPlan;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.text.ChatTemplateTexts;
import org.coreinfer.text.Tokenizer;
import org.coreinfer.text.Tokenizers;
import org.coreinfer.weights.Fingerprint;
import org.coreinfer.weights.ReadAhead;
import org.coreinfer.weights.WeightFile;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model: weights and tokenizer. Thread-safe; any number of sessions may answer with it at
 * once. Closing it ends their answers with an exception, and frees the weights when the last step
 * has ended.
 */
public final class Model implements AutoCloseable {
  private final WeightFile file;
  private final @Nullable ReadAhead readAhead; // null if memory is too small for the file
  private final Backend backend;
  private final Decoder decoder;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final DType cacheDtype;
  private final MemoryPlan memoryPlan;
  private final @Nullable GpuPlan gpuPlan;
  private final long loadNanos;
  private final Lifetime lifetime;

  private Model(Builder builder, long begin) {
    WeightFile opened = builder.source.open();
    Backend device = null;
    ReadAhead reading = null;
    try {
      ModelLoader loader = new ModelLoader(opened, Families.of(opened));
      int positions = builder.positions(loader.config());
      this.cacheDtype = builder.cacheDtype(loader);
      this.tokenizer = Tokenizers.of(opened);
      this.endTokens =
          Arrays.stream(tokenizer.endTokens()).boxed().collect(Collectors.toUnmodifiableSet());
      ModelPlacement placement = ModelPlacement.of(opened, loader, builder.wish(loader, positions));
      device = placement.backend();
      this.memoryPlan = placement.memoryPlan();
      GpuPlan plan = placement.gpuPlan();
      this.gpuPlan = plan;
      if (plan != null) {
        builder.onGpuPlan.accept(plan);
      }
      if (memoryPlan.keepsFile()) {
        reading = new ReadAhead(opened, Host::readAhead);
      }
      IntPredicate isStreamed = layer -> plan != null && plan.isStreamed(layer);
      this.decoder = loader.load(device, positions, isStreamed, builder.onLoad);
    } catch (RuntimeException e) {
      if (reading != null) {
        reading.close();
      }
      if (device != null) {
        device.close();
      }
      opened.close();
      throw e;
    }
    this.file = opened;
    this.readAhead = reading;
    this.backend = device;
    this.lifetime = new Lifetime("the model " + opened.name(), this::release);
    this.loadNanos = System.nanoTime() - begin;
  }

  private void release() {
    decoder.close();
    backend.close();
    if (readAhead != null) {
      readAhead.close();
    }
    file.close();
  }

  /** Loads a GGUF file or a Hugging Face folder with the usual settings. */
  public static Model load(Path path) {
    return builder(path).load();
  }

  /** The small model that comes with the library. */
  public static Builder embedded() {
    return new Builder(EmbeddedModel::open);
  }

  public static Builder builder(Path path) {
    return new Builder(() -> WeightFile.open(path, Host::map));
  }

  /** The file's or folder's name. */
  public String name() {
    return file.name();
  }

  /** Tells these weights from others: see {@link Fingerprint}. */
  public byte[] fingerprint() {
    lifetime.enter();
    try {
      return Fingerprint.of(file);
    } finally {
      lifetime.exit();
    }
  }

  public ModelConfig config() {
    return decoder.config();
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The chat templates that the model file holds; none, for a model that was not made to chat. */
  public ChatTemplateTexts chatTemplateTexts() {
    lifetime.enter();
    try {
      return ChatTemplateTexts.of(file);
    } finally {
      lifetime.exit();
    }
  }

  /** One line for people: backend, instruction set, threads. */
  public String backend() {
    return backend.description();
  }

  /** {@code cpu} or {@code cuda}. */
  public String backendName() {
    return backend.name();
  }

  /** The most tokens of a session. */
  public int contextLength() {
    return decoder.maxPositions();
  }

  public MemoryPlan memoryPlan() {
    return memoryPlan;
  }

  /** Where the weights are on the GPU; null if the model computes on the CPU. */
  public @Nullable GpuPlan gpuPlan() {
    return gpuPlan;
  }

  /** Of a session's keys and values. */
  public DType cacheDtype() {
    return cacheDtype;
  }

  /** How long loading took. */
  public long loadNanos() {
    return loadNanos;
  }

  /** The layers themselves, for measurements; valid until the model is closed. */
  public Decoder decoder() {
    return decoder;
  }

  Set<Integer> endTokens() {
    return endTokens;
  }

  /** To be entered while {@link #decoder} computes, so that nothing is freed below it. */
  public Lifetime lifetime() {
    return lifetime;
  }

  /** A new, empty session, which the caller closes. */
  public Session newSession(CoreOptions options) {
    lifetime.enter();
    try {
      return new Session(this, options, cacheDtype);
    } finally {
      lifetime.exit();
    }
  }

  /**
   * A text as a vector (dim) of length 1: the mean of its tokens' final hidden states, after the
   * final norm. From any thread, beside other work.
   *
   * @param tokens at least one, at most {@link #contextLength}, with the token that begins a text
   *     if the model wants one, as {@link Tokenizer#encode} adds it
   */
  public float[] embed(List<Integer> tokens) {
    int[] ids = tokens.stream().mapToInt(Integer::intValue).toArray();
    if (ids.length > contextLength()) {
      throw new IllegalArgumentException(
          "the text has %d tokens, but the context has only %d: shorten it or use a larger context"
              .formatted(ids.length, contextLength()));
    }
    lifetime.enter();
    try {
      return Embedder.embed(decoder, ids, cacheDtype, this::checkOpen);
    } finally {
      lifetime.exit();
    }
  }

  private void checkOpen(double progress) {
    if (lifetime.isClosed()) {
      throw new IllegalStateException("the model was closed while a text was embedded");
    }
  }

  /** Forbids further work. An answer in progress ends with an {@link IllegalStateException}. */
  @Override
  public void close() {
    lifetime.close();
  }

  @FunctionalInterface
  interface Source {
    WeightFile open();
  }

  /** Collects how a model is loaded; all settings have defaults. */
  public static final class Builder {
    private final Source source;
    private int threads;
    private int activationBits = Host.USUAL_ACTIVATION_BITS;
    private int context;
    private @Nullable DType cache;
    private DoubleConsumer onLoad = fraction -> {};
    private ComputeDevice device = ComputeDevice.AUTO;
    private long gpuMemory;
    private CoreOptions core = CoreOptions.dense();
    private Consumer<GpuPlan> onGpuPlan = plan -> {};
    private Consumer<String> onCpuFallback = reason -> {};
    private LongFunction<CudaBackend> cuda = Cuda::open;

    private Builder(Source source) {
      this.source = source;
    }

    /** Threads of the CPU backend; 0, the default, for all processors. */
    public Builder threads(int value) {
      threads = value;
      return this;
    }

    /**
     * How exactly the CPU multiplies: the bits that it keeps of an activation, with quantised
     * weights in groups of 32 that share a scale. 16 is the default; 8 is as exact as llama.cpp,
     * reads prompts faster, also those of F16 and BF16 weights where the processor multiplies
     * bfloat16, and decodes faster where arithmetic bounds it.
     */
    public Builder activationBits(int value) {
      activationBits = Host.requireActivationBits(value);
      return this;
    }

    /** The most tokens of a session; by default the model's own limit, up to 4096. */
    public Builder contextLength(int value) {
      if (value < 1) {
        throw new IllegalArgumentException("context=" + value + ": expected 1 or more");
      }
      context = value;
      return this;
    }

    /** F32 or F16 for keys and values; by default F32 for F32 models and F16 for all others. */
    public Builder cacheDtype(DType value) {
      if (value != DType.F32 && value != DType.F16) {
        throw new IllegalArgumentException("cache dtype " + value + ": expected F32 or F16");
      }
      cache = value;
      return this;
    }

    /** Where to compute; by default on a GPU where there is one. */
    public Builder device(ComputeDevice value) {
      device = value;
      return this;
    }

    /**
     * The bytes of GPU memory that may be used; by default what is free. Of a model that does not
     * fit, FFN layers stay in host memory.
     */
    public Builder gpuMemory(long bytes) {
      if (bytes < 1) {
        throw new IllegalArgumentException("gpu memory=" + bytes + ": expected 1 or more");
      }
      gpuMemory = bytes;
      return this;
    }

    /**
     * Which GPU to use where there are several, as CUDA counts them; by default the first that has
     * kernels.
     */
    public Builder gpu(int number) {
      if (number < 0) {
        throw new IllegalArgumentException("gpu=" + number + ": expected 0 or more");
      }
      cuda = limit -> Cuda.open(number, limit);
      return this;
    }

    /**
     * What sessions will most likely ask for: GPU memory is planned for one such session. By
     * default core neurons with the usual keep.
     */
    public Builder plannedFor(CoreOptions options) {
      core = options;
      return this;
    }

    /** Receives the plan of the GPU's memory before anything is loaded. */
    public Builder onGpuPlan(Consumer<GpuPlan> listener) {
      onGpuPlan = listener;
      return this;
    }

    /** Hears, in a sentence, why the CPU computes although {@link ComputeDevice#AUTO} was asked. */
    public Builder onCpuFallback(Consumer<String> listener) {
      onCpuFallback = listener;
      return this;
    }

    /** For tests: how to open the GPU. */
    Builder cuda(LongFunction<CudaBackend> opener) {
      cuda = opener;
      return this;
    }

    /** Receives the fraction that is loaded. */
    public Builder onLoad(DoubleConsumer progress) {
      onLoad = progress;
      return this;
    }

    /**
     * Loads the model.
     *
     * @throws org.coreinfer.error.CoreInferException if the file is broken, unsupported or too
     *     large
     */
    public Model load() {
      return new Model(this, System.nanoTime());
    }

    /** What the file holds, and what loading it would need; no weight is read. */
    public ModelSummary summarize() {
      try (WeightFile file = source.open()) {
        ModelLoader loader = new ModelLoader(file, Families.of(file));
        int positions = positions(loader.config());
        DType dtype = cacheDtype(loader);
        MemoryPlan plan = ModelPlacement.cpuPlan(file, loader, positions, dtype);
        return ModelSummary.of(file, loader, dtype, plan, gpuPlan(file, loader, positions));
      }
    }

    /** The plan for the GPU memory that was named; null if none was. */
    private @Nullable GpuPlan gpuPlan(WeightFile file, ModelLoader loader, int positions) {
      if (gpuMemory == 0) {
        return null;
      }
      ModelPlacement.requireCudaDtypes(file);
      ModelConfig config = loader.config();
      int widest = Math.max(config.dim(), config.queryDim());
      long workspace = CudaBackend.usualWorkspace(Sequence.CHUNK, widest, config.neurons());
      return ModelPlacement.gpuPlan(
          loader, wish(loader, positions), gpuMemory, workspace, ModelPlacement.usualRates());
    }

    private ModelPlacement.Wish wish(ModelLoader loader, int positions) {
      return new ModelPlacement.Wish(
          device,
          threads,
          activationBits,
          positions,
          cacheDtype(loader),
          gpuMemory,
          core,
          cuda,
          onCpuFallback);
    }

    /** The model's tokenizer alone; no weight is read. */
    public Tokenizer readTokenizer() {
      try (WeightFile file = source.open()) {
        return Tokenizers.of(file);
      }
    }

    /** The model's chat templates alone; no weight is read. */
    public ChatTemplateTexts readChatTemplateTexts() {
      try (WeightFile file = source.open()) {
        return ChatTemplateTexts.of(file);
      }
    }

    private int positions(ModelConfig config) {
      if (context > config.contextLength()) {
        throw new IllegalArgumentException(
            "context="
                + context
                + ": the model was made for "
                + config.contextLength()
                + " tokens");
      }
      return context > 0 ? context : Math.min(config.contextLength(), 4096);
    }

    private DType cacheDtype(ModelLoader loader) {
      if (cache != null) {
        return cache;
      }
      return loader.ffnDtype() == DType.F32 ? DType.F32 : DType.F16;
    }
  }
}
