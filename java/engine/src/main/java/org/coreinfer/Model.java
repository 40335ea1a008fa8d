package org.coreinfer;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.function.DoubleConsumer;
import java.util.stream.Collectors;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.text.Tokenizer;
import org.coreinfer.text.Tokenizers;
import org.coreinfer.weights.WeightFile;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model: weights and tokenizer. Thread-safe; any number of sessions may answer with it at
 * once. Closing it ends their answers with an exception, and frees the weights when the last step
 * has ended.
 */
public final class Model implements AutoCloseable {
  private final WeightFile file;
  private final Backend backend;
  private final Decoder decoder;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final DType cacheDtype;
  private final MemoryPlan memoryPlan;
  private final long loadNanos;
  private final Lifetime lifetime;

  private Model(Builder builder, long begin) {
    WeightFile opened = builder.source.open();
    Backend device = null;
    try {
      ModelLoader loader = new ModelLoader(opened, Families.of(opened));
      int positions = builder.positions(loader.config());
      this.cacheDtype = builder.cacheDtype(loader);
      this.memoryPlan = MemoryPlan.of(opened, loader, positions, Sequence.CHUNK, cacheDtype);
      memoryPlan.refuseIfTooLarge();
      this.tokenizer = Tokenizers.of(opened);
      this.endTokens =
          Arrays.stream(tokenizer.endTokens()).boxed().collect(Collectors.toUnmodifiableSet());
      device = Host.cpu(builder.threads);
      this.decoder = loader.load(device, positions, builder.onLoad);
    } catch (RuntimeException e) {
      if (device != null) {
        device.close();
      }
      opened.close();
      throw e;
    }
    this.file = opened;
    this.backend = device;
    this.lifetime = new Lifetime("the model " + opened.name(), this::release);
    this.loadNanos = System.nanoTime() - begin;
  }

  private void release() {
    decoder.close();
    backend.close();
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

  public ModelConfig config() {
    return decoder.config();
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** One line for people: backend, instruction set, threads. */
  public String backend() {
    return backend.description();
  }

  /** {@code cpu}. */
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

  Lifetime lifetime() {
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
    private int context;
    private @Nullable DType cache;
    private DoubleConsumer onLoad = fraction -> {};

    private Builder(Source source) {
      this.source = source;
    }

    /** Threads of the CPU backend; 0, the default, for all processors. */
    public Builder threads(int value) {
      threads = value;
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
        MemoryPlan plan =
            MemoryPlan.of(
                file, loader, positions(loader.config()), Sequence.CHUNK, cacheDtype(loader));
        return ModelSummary.of(file, loader, cacheDtype(loader), plan);
      }
    }

    /** The model's tokenizer alone; no weight is read. */
    public Tokenizer readTokenizer() {
      try (WeightFile file = source.open()) {
        return Tokenizers.of(file);
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
