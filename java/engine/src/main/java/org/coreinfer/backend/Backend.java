package org.coreinfer.backend;

import java.util.Locale;
import java.util.Objects;
import org.coreinfer.binding.NativeKernels;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One device's kernels. Every method checks its arguments' sizes before native code sees an
 * address, blocks until its result is written, and may be called from any thread; calls run one
 * after another. Shapes and formulas: include/coreinfer/kernels.h. Memory outlives {@link #close}:
 * the device is let go when the last of it is closed.
 */
public final class Backend implements AutoCloseable {
  // enum ci_status
  private static final int OK = 0;
  private static final int OUT_OF_MEMORY = 2;

  private final String name;
  private final NativeKernels kernels;
  private final long context;
  private final String description;
  private final Lifetime lifetime;

  Backend(String name, NativeKernels kernels, int threads) {
    this.name = name;
    this.kernels = kernels;
    long[] handle = new long[1];
    int status = kernels.ci_context_create(threads, handle);
    if (status != OK) {
      throw failure(status, "ci_context_create", "threads=%d", threads);
    }
    this.context = handle[0];
    this.description = kernels.ci_context_description(context);
    this.lifetime = new Lifetime(name, () -> kernels.ci_context_destroy(handle[0]));
  }

  /** {@code cpu}. */
  public String name() {
    return name;
  }

  /** One line for people: instruction set, threads. */
  public String description() {
    return description;
  }

  /**
   * Zeroed memory.
   *
   * @param use what it will hold, for messages
   * @throws OutOfNativeMemoryException if the system refuses
   */
  public NativeMemory allocate(String use, long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException(use + ": bytes=" + bytes);
    }
    lifetime.enter();
    try {
      long[] address = new long[1];
      int status = kernels.ci_memory_allocate(context, bytes, address);
      if (status == OUT_OF_MEMORY) {
        throw new OutOfNativeMemoryException(
            String.format(
                Locale.ROOT,
                "no memory for %s: %.1f MiB were refused (%s); use a smaller context or model",
                use,
                bytes / 1048576.0,
                kernels.ci_error_message()));
      }
      if (status != OK) {
        throw failure(status, "ci_memory_allocate", "bytes=%d", bytes);
      }
      return new NativeMemory(use, address[0], bytes, new Release(this, address[0], bytes));
    } catch (RuntimeException e) {
      lifetime.exit();
      throw e;
    }
  }

  /** Memory for {@code count} floats. */
  public NativeMemory allocateFloats(String use, long count) {
    return allocate(use, Math.multiplyExact(count, Float.BYTES));
  }

  private record Release(Backend backend, long address, long bytes) implements Runnable {
    @Override
    public void run() {
      int status = backend.kernels.ci_memory_free(backend.context, address, bytes);
      backend.lifetime.exit();
      if (status != OK) {
        throw backend.failure(status, "ci_memory_free", "bytes=%d", bytes);
      }
    }
  }

  /** y[t] = table[tokens[t]] for {@code count} tokens. */
  public void embed(Tensor table, NativeMemory tokens, int count, NativeMemory y) {
    int status =
        kernels.ci_embedding_lookup(
            context,
            table.dtype().code(),
            address(table),
            table.rows(),
            table.columns(),
            ints(tokens, count),
            count,
            floats(y, (long) count * table.columns()));
    if (status != OK) {
      throw failure(status, "ci_embedding_lookup", "table=%s count=%d", table, count);
    }
  }

  /** y += x. */
  public void add(NativeMemory x, long count, NativeMemory y) {
    int status = kernels.ci_add(context, floats(x, count), count, floats(y, count));
    if (status != OK) {
      throw failure(status, "ci_add", "count=%d", count);
    }
  }

  public void rmsNorm(
      NativeMemory x, NativeMemory weight, int rows, int dim, float epsilon, NativeMemory y) {
    long count = (long) rows * dim;
    int status =
        kernels.ci_rms_norm(
            context, floats(x, count), floats(weight, dim), rows, dim, epsilon, floats(y, count));
    if (status != OK) {
      throw failure(status, "ci_rms_norm", "rows=%d dim=%d", rows, dim);
    }
  }

  public void layerNorm(
      NativeMemory x,
      NativeMemory weight,
      NativeMemory bias,
      int rows,
      int dim,
      float epsilon,
      NativeMemory y) {
    long count = (long) rows * dim;
    int status =
        kernels.ci_layer_norm(
            context,
            floats(x, count),
            floats(weight, dim),
            floats(bias, dim),
            rows,
            dim,
            epsilon,
            floats(y, count));
    if (status != OK) {
      throw failure(status, "ci_layer_norm", "rows=%d dim=%d", rows, dim);
    }
  }

  /** Decode: y = weight x + bias, or y += with {@code accumulate}. */
  public void matvec(
      Tensor weight,
      @Nullable NativeMemory bias,
      NativeMemory x,
      boolean accumulate,
      NativeMemory y) {
    int status =
        kernels.ci_matvec(
            context,
            weight.dtype().code(),
            address(weight),
            floatsOrNull(bias, weight.rows()),
            floats(x, weight.columns()),
            weight.rows(),
            weight.columns(),
            accumulate ? 1 : 0,
            floats(y, weight.rows()));
    if (status != OK) {
      throw failure(status, "ci_matvec", "weight=%s", weight);
    }
  }

  /** Prefill: the same for each of {@code tokens} rows of x. */
  public void matmul(
      Tensor weight,
      @Nullable NativeMemory bias,
      NativeMemory x,
      int tokens,
      boolean accumulate,
      NativeMemory y) {
    int status =
        kernels.ci_matmul(
            context,
            weight.dtype().code(),
            address(weight),
            floatsOrNull(bias, weight.rows()),
            floats(x, (long) tokens * weight.columns()),
            tokens,
            weight.rows(),
            weight.columns(),
            accumulate ? 1 : 0,
            floats(y, (long) tokens * weight.rows()));
    if (status != OK) {
      throw failure(status, "ci_matmul", "weight=%s tokens=%d", weight, tokens);
    }
  }

  /**
   * Rotates queries or keys in place.
   *
   * @param rotations (positions, pairs, 2)
   * @param adjacent whether elements 2i and 2i+1 form a pair, rather than i and i+pairs
   */
  public void rope(
      NativeMemory rotations,
      int pairs,
      boolean adjacent,
      int tokens,
      int heads,
      int headDim,
      int firstPosition,
      NativeMemory x) {
    int positions = Math.toIntExact(rotations.bytes() / (2L * Float.BYTES * pairs));
    Objects.checkFromIndexSize(firstPosition, tokens, positions);
    int status =
        kernels.ci_rope(
            context,
            rotations.address(),
            positions,
            pairs,
            adjacent ? 1 : 0,
            tokens,
            heads,
            headDim,
            firstPosition,
            floats(x, (long) tokens * heads * headDim));
    if (status != OK) {
      throw failure(
          status,
          "ci_rope",
          "pairs=%d tokens=%d heads=%d head_dim=%d first_position=%d",
          pairs,
          tokens,
          heads,
          headDim,
          firstPosition);
    }
  }

  /** Stores the keys and values of {@code tokens} tokens. */
  public void attentionAppend(
      AttentionShape shape,
      NativeMemory keys,
      NativeMemory values,
      int tokens,
      int firstPosition,
      KvLayer cache) {
    Objects.checkFromIndexSize(firstPosition, tokens, cache.capacity());
    int status =
        kernels.ci_attention_append(
            context,
            floats(keys, (long) tokens * shape.kvDim()),
            floats(values, (long) tokens * shape.kvDim()),
            tokens,
            shape.kvHeads(),
            shape.headDim(),
            firstPosition,
            cache.capacity(),
            cache.dtype().code(),
            cached(shape, cache, cache.keys()),
            cached(shape, cache, cache.values()));
    if (status != OK) {
      throw failure(
          status,
          "ci_attention_append",
          "shape=%s tokens=%d first_position=%d",
          shape,
          tokens,
          firstPosition);
    }
  }

  /** Causal attention of {@code tokens} queries whose keys the cache already holds. */
  public void attentionPrefill(
      AttentionShape shape,
      NativeMemory queries,
      int tokens,
      int firstPosition,
      KvLayer cache,
      NativeMemory y) {
    Objects.checkFromIndexSize(firstPosition, tokens, cache.capacity());
    long count = (long) tokens * shape.queryDim();
    int status =
        kernels.ci_attention_prefill(
            context,
            floats(queries, count),
            tokens,
            shape.heads(),
            shape.kvHeads(),
            shape.headDim(),
            firstPosition,
            shape.window(),
            shape.scale(),
            cache.capacity(),
            cache.dtype().code(),
            cached(shape, cache, cache.keys()),
            cached(shape, cache, cache.values()),
            floats(y, count));
    if (status != OK) {
      throw failure(
          status,
          "ci_attention_prefill",
          "shape=%s tokens=%d first_position=%d",
          shape,
          tokens,
          firstPosition);
    }
  }

  /** Attention of the single query at {@code position}. */
  public void attentionDecode(
      AttentionShape shape, NativeMemory query, int position, KvLayer cache, NativeMemory y) {
    Objects.checkIndex(position, cache.capacity());
    int status =
        kernels.ci_attention_decode(
            context,
            floats(query, shape.queryDim()),
            shape.heads(),
            shape.kvHeads(),
            shape.headDim(),
            position,
            shape.window(),
            shape.scale(),
            cache.capacity(),
            cache.dtype().code(),
            cached(shape, cache, cache.keys()),
            cached(shape, cache, cache.values()),
            floats(y, shape.queryDim()));
    if (status != OK) {
      throw failure(status, "ci_attention_decode", "shape=%s position=%d", shape, position);
    }
  }

  /** Stores a down projection (dim, neurons) as (neurons, dim), without loss. */
  public Tensor transposeDown(Tensor down) {
    NativeMemory target = allocate(down.name(), down.bytes());
    try {
      int status =
          kernels.ci_ffn_transpose_down(
              context,
              down.dtype().code(),
              address(down),
              down.columns(),
              down.rows(),
              target.address());
      if (status != OK) {
        throw failure(status, "ci_ffn_transpose_down", "down=%s", down);
      }
      return new Tensor(
          down.name(), down.dtype().transposed(), down.columns(), down.rows(), target);
    } catch (RuntimeException e) {
      target.close();
      throw e;
    }
  }

  /**
   * Dense FFN of {@code tokens} rows of x, added to y; activations (tokens, neurons) stay to be
   * scored.
   */
  public void ffnPrefill(
      FfnWeights weights, NativeMemory x, int tokens, NativeMemory activations, NativeMemory y) {
    int neurons = weights.neurons();
    int dim = weights.dim();
    int status =
        kernels.ci_ffn_prefill(
            context,
            weights.activation().code(),
            weights.up().dtype().code(),
            addressOrNull(weights.gate()),
            address(weights.up()),
            floatsOrNull(weights.gateBias(), neurons),
            floatsOrNull(weights.upBias(), neurons),
            weights.down().dtype().code(),
            address(weights.down()),
            floatsOrNull(weights.downBias(), dim),
            floats(x, (long) tokens * dim),
            tokens,
            neurons,
            dim,
            floats(activations, (long) tokens * neurons),
            floats(y, (long) tokens * dim));
    if (status != OK) {
      throw failure(status, "ci_ffn_prefill", "up=%s tokens=%d", weights.up(), tokens);
    }
  }

  /**
   * FFN of one token over the listed neurons only, added to y.
   *
   * @param coreIds ascending neuron numbers, int32; null for all neurons
   * @param core how many; all of them when {@code coreIds} is null
   * @param activations receives (core) activations
   */
  public void ffnDecode(
      FfnWeights weights,
      NativeMemory x,
      @Nullable NativeMemory coreIds,
      int core,
      NativeMemory activations,
      NativeMemory y) {
    int neurons = weights.neurons();
    int dim = weights.dim();
    Objects.checkFromToIndex(1, core, neurons);
    int status =
        kernels.ci_ffn_decode(
            context,
            weights.activation().code(),
            weights.up().dtype().code(),
            addressOrNull(weights.gate()),
            address(weights.up()),
            floatsOrNull(weights.gateBias(), neurons),
            floatsOrNull(weights.upBias(), neurons),
            weights.down().dtype().code(),
            address(weights.down()),
            floatsOrNull(weights.downBias(), dim),
            floats(x, dim),
            coreIds == null ? 0 : ints(coreIds, core),
            core,
            neurons,
            dim,
            floats(activations, core),
            floats(y, dim));
    if (status != OK) {
      throw failure(status, "ci_ffn_decode", "up=%s core=%d", weights.up(), core);
    }
  }

  /** norms[n] = L2 norm of row n. */
  public void rowNorms(Tensor weight, NativeMemory norms) {
    int status =
        kernels.ci_ffn_row_norms(
            context,
            weight.dtype().code(),
            address(weight),
            weight.rows(),
            weight.columns(),
            floats(norms, weight.rows()));
    if (status != OK) {
      throw failure(status, "ci_ffn_row_norms", "weight=%s", weight);
    }
  }

  /**
   * Each token's strongest share {@code alpha} of positive (or, with magnitude, non-zero)
   * activations scores 1.
   */
  public void scoreTopShare(
      NativeMemory activations,
      int tokens,
      int neurons,
      boolean magnitude,
      double alpha,
      NativeMemory scores) {
    int status =
        kernels.ci_score_top_share(
            context,
            floats(activations, (long) tokens * neurons),
            tokens,
            neurons,
            magnitude ? 1 : 0,
            alpha,
            floats(scores, neurons));
    if (status != OK) {
      throw failure(
          status, "ci_score_top_share", "tokens=%d neurons=%d alpha=%s", tokens, neurons, alpha);
    }
  }

  /** Each token's {@code limit} largest activations score 1. */
  public void scoreTopK(
      NativeMemory activations, int tokens, int neurons, int limit, NativeMemory scores) {
    int status =
        kernels.ci_score_top_k(
            context,
            floats(activations, (long) tokens * neurons),
            tokens,
            neurons,
            limit,
            floats(scores, neurons));
    if (status != OK) {
      throw failure(
          status, "ci_score_top_k", "tokens=%d neurons=%d limit=%d", tokens, neurons, limit);
    }
  }

  /** The number of activations above 0. */
  public long countPositives(NativeMemory activations, long count) {
    long[] positives = new long[1];
    int status = kernels.ci_score_positives(context, floats(activations, count), count, positives);
    if (status != OK) {
      throw failure(status, "ci_score_positives", "count=%d", count);
    }
    return positives[0];
  }

  /**
   * Adds squared activations, each token's divided by its sum of squares with {@code normalize}.
   */
  public void scoreEnergy(
      NativeMemory activations, int tokens, int neurons, boolean normalize, NativeMemory scores) {
    int status =
        kernels.ci_score_energy(
            context,
            floats(activations, (long) tokens * neurons),
            tokens,
            neurons,
            normalize ? 1 : 0,
            floats(scores, neurons));
    if (status != OK) {
      throw failure(status, "ci_score_energy", "tokens=%d neurons=%d", tokens, neurons);
    }
  }

  @Override
  public void close() {
    lifetime.close();
  }

  @Override
  public String toString() {
    return description;
  }

  private static long address(Tensor tensor) {
    return tensor.memory().address();
  }

  private static long addressOrNull(@Nullable Tensor tensor) {
    return tensor == null ? 0 : address(tensor);
  }

  private static long floats(NativeMemory memory, long count) {
    return sized(memory, Math.multiplyExact(count, Float.BYTES));
  }

  private static long floatsOrNull(@Nullable NativeMemory memory, long count) {
    return memory == null ? 0 : floats(memory, count);
  }

  private static long ints(NativeMemory memory, long count) {
    return sized(memory, Math.multiplyExact(count, Integer.BYTES));
  }

  private static long cached(AttentionShape shape, KvLayer cache, NativeMemory memory) {
    DType dtype = cache.dtype();
    return sized(memory, dtype.bytes((long) shape.kvDim() * cache.capacity()));
  }

  private static long sized(NativeMemory memory, long needed) {
    if (needed < 1 || memory.bytes() < needed) {
      throw new IllegalArgumentException(memory + " is too small: " + needed + " bytes are needed");
    }
    return memory.address();
  }

  private CoreInferException failure(int status, String call, String sizes, Object... values) {
    String message =
        "%s: %s failed with status %d: %s (%s)"
            .formatted(name, call, status, kernels.ci_error_message(), sizes.formatted(values));
    return status == OUT_OF_MEMORY
        ? new OutOfNativeMemoryException(message)
        : new BackendException(message);
  }
}
