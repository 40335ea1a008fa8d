package org.coreinfer.backend;

import org.coreinfer.binding.NativeKernels;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A context's kernels, in the order of include/coreinfer/kernels.h, which has shapes and formulas;
 * those of the FFN and those that score neurons are inherited. Each method checks its arguments'
 * sizes before native code sees an address, and turns a status into an exception. What changes from
 * token to token (ids, positions, neuron lists) is read from memory when the kernel runs; the
 * caller answers for its range.
 */
public abstract class Kernels extends FfnKernels {
  /**
   * @param deviceName for messages
   */
  protected Kernels(String deviceName, NativeKernels kernels, long context) {
    super(deviceName, kernels, context);
  }

  /** y[t] = table[tokens[t]] for {@code count} tokens. */
  public void embed(Tensor table, NativeMemory tokens, int count, NativeMemory y) {
    int status =
        kernels()
            .ci_embedding_lookup(
                context(),
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
    int status = kernels().ci_add(context(), floats(x, count), count, floats(y, count));
    if (status != OK) {
      throw failure(status, "ci_add", "count=%d", count);
    }
  }

  public void rmsNorm(
      NativeMemory x, NativeMemory weight, int rows, int dim, float epsilon, NativeMemory y) {
    long count = (long) rows * dim;
    int status =
        kernels()
            .ci_rms_norm(
                context(),
                floats(x, count),
                floats(weight, dim),
                rows,
                dim,
                epsilon,
                floats(y, count));
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
        kernels()
            .ci_layer_norm(
                context(),
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

  /**
   * Decode, for up to {@link #DECODE_TOKENS} tokens: y = weight x + bias, or y += with {@code
   * accumulate}, for each row of x. As with all functions of decode, a token gets the same bits
   * alone and beside others.
   */
  public void matvec(
      Tensor weight,
      @Nullable NativeMemory bias,
      NativeMemory x,
      int tokens,
      boolean accumulate,
      NativeMemory y) {
    int status =
        kernels()
            .ci_matvec(
                context(),
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
      throw failure(status, "ci_matvec", "weight=%s tokens=%d", weight, tokens);
    }
  }

  /** Prefill: the same for any number of tokens, to other bits. */
  public void matmul(
      Tensor weight,
      @Nullable NativeMemory bias,
      NativeMemory x,
      int tokens,
      boolean accumulate,
      NativeMemory y) {
    int status =
        kernels()
            .ci_matmul(
                context(),
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

  /** y += x weight. x (tokens, rows); y (tokens, columns). */
  public void matmulTransposed(Tensor weight, NativeMemory x, int tokens, NativeMemory y) {
    int status =
        kernels()
            .ci_matmul_transposed(
                context(),
                weight.dtype().code(),
                address(weight),
                floats(x, (long) tokens * weight.rows()),
                tokens,
                weight.rows(),
                weight.columns(),
                floats(y, (long) tokens * weight.columns()));
    if (status != OK) {
      throw failure(status, "ci_matmul_transposed", "weight=%s tokens=%d", weight, tokens);
    }
  }

  /**
   * Rotates queries or keys in place.
   *
   * @param rotations (positions, pairs, 2)
   * @param adjacent whether elements 2i and 2i+1 form a pair, rather than i and i+pairs
   * @param firstPosition int32, as below
   */
  public void rope(
      NativeMemory rotations,
      int pairs,
      boolean adjacent,
      int tokens,
      int heads,
      int headDim,
      NativeMemory firstPosition,
      NativeMemory x) {
    int positions = Math.toIntExact(rotations.bytes() / (2L * Float.BYTES * pairs));
    int status =
        kernels()
            .ci_rope(
                context(),
                rotations.address(),
                positions,
                pairs,
                adjacent ? 1 : 0,
                tokens,
                heads,
                headDim,
                ints(firstPosition, 1),
                floats(x, (long) tokens * heads * headDim));
    if (status != OK) {
      throw failure(
          status,
          "ci_rope",
          "pairs=%d tokens=%d heads=%d head_dim=%d",
          pairs,
          tokens,
          heads,
          headDim);
    }
  }

  /** Stores the keys and values of {@code tokens} tokens. */
  public void attentionAppend(
      AttentionShape shape,
      NativeMemory keys,
      NativeMemory values,
      int tokens,
      NativeMemory firstPosition,
      KvLayer cache) {
    int status =
        kernels()
            .ci_attention_append(
                context(),
                floats(keys, (long) tokens * shape.kvDim()),
                floats(values, (long) tokens * shape.kvDim()),
                tokens,
                shape.kvHeads(),
                shape.headDim(),
                ints(firstPosition, 1),
                cache.capacity(),
                cache.dtype().code(),
                pages(cache));
    if (status != OK) {
      throw failure(status, "ci_attention_append", "shape=%s tokens=%d", shape, tokens);
    }
  }

  /** Causal attention of {@code tokens} queries whose keys the cache already holds. */
  public void attentionPrefill(
      AttentionShape shape,
      NativeMemory queries,
      int tokens,
      NativeMemory firstPosition,
      KvLayer cache,
      NativeMemory y) {
    long count = (long) tokens * shape.queryDim();
    int status =
        kernels()
            .ci_attention_prefill(
                context(),
                floats(queries, count),
                tokens,
                shape.heads(),
                shape.kvHeads(),
                shape.headDim(),
                ints(firstPosition, 1),
                shape.window(),
                shape.scale(),
                cache.capacity(),
                cache.dtype().code(),
                pages(cache),
                floats(y, count));
    if (status != OK) {
      throw failure(status, "ci_attention_prefill", "shape=%s tokens=%d", shape, tokens);
    }
  }

  /** Decode: the same for up to {@link #DECODE_TOKENS} tokens. */
  public void attentionDecode(
      AttentionShape shape,
      NativeMemory queries,
      int tokens,
      NativeMemory firstPosition,
      KvLayer cache,
      NativeMemory y) {
    long count = (long) tokens * shape.queryDim();
    int status =
        kernels()
            .ci_attention_decode(
                context(),
                floats(queries, count),
                tokens,
                shape.heads(),
                shape.kvHeads(),
                shape.headDim(),
                ints(firstPosition, 1),
                shape.window(),
                shape.scale(),
                cache.capacity(),
                cache.dtype().code(),
                pages(cache),
                floats(y, count));
    if (status != OK) {
      throw failure(status, "ci_attention_decode", "shape=%s tokens=%d", shape, tokens);
    }
  }

  private static long pages(KvLayer cache) {
    return sized(cache.pages(), (long) Long.BYTES * KvLayer.pages(cache.capacity()));
  }
}
