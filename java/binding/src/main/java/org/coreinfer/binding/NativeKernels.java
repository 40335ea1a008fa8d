package org.coreinfer.binding;

/**
 * The functions of include/coreinfer/kernels.h, one for one and in its order; see there for shapes
 * and meaning. Addresses are {@code long}, 0 for NULL; results of one element are arrays.
 */
@SuppressWarnings("MemberName") // the names of the C functions
public interface NativeKernels {
  int ci_context_create(int threads, long[] context);

  int ci_context_destroy(long context);

  int ci_context_synchronize(long context);

  String ci_context_description(long context);

  String ci_error_message();

  int ci_memory_allocate(long context, long bytes, long[] memory);

  int ci_memory_free(long context, long memory, long bytes);

  int ci_memory_upload(long context, long host, long bytes, long memory);

  int ci_memory_download(long context, long memory, long bytes, long host);

  int ci_embedding_lookup(
      long context, int dtype, long table, int vocabulary, int dim, long tokens, int count, long y);

  int ci_add(long context, long x, long count, long y);

  int ci_rms_norm(long context, long x, long weight, int rows, int dim, float epsilon, long y);

  int ci_layer_norm(
      long context, long x, long weight, long bias, int rows, int dim, float epsilon, long y);

  int ci_matvec(
      long context,
      int dtype,
      long weight,
      long bias,
      long x,
      int tokens,
      int rows,
      int columns,
      int accumulate,
      long y);

  int ci_matmul(
      long context,
      int dtype,
      long weight,
      long bias,
      long x,
      int tokens,
      int rows,
      int columns,
      int accumulate,
      long y);

  int ci_matmul_transposed(
      long context, int dtype, long weight, long x, int tokens, int rows, int columns, long y);

  int ci_rope(
      long context,
      long rotations,
      int positions,
      int pairs,
      int adjacent,
      int tokens,
      int heads,
      int headDim,
      long firstPosition,
      long x);

  int ci_attention_append(
      long context,
      long keys,
      long values,
      int tokens,
      int kvHeads,
      int headDim,
      long firstPosition,
      int capacity,
      int cacheDtype,
      long pages);

  int ci_attention_prefill(
      long context,
      long queries,
      int tokens,
      int heads,
      int kvHeads,
      int headDim,
      long firstPosition,
      int window,
      float scale,
      int capacity,
      int cacheDtype,
      long pages,
      long y);

  int ci_attention_decode(
      long context,
      long queries,
      int tokens,
      int heads,
      int kvHeads,
      int headDim,
      long firstPosition,
      int window,
      float scale,
      int capacity,
      int cacheDtype,
      long pages,
      long y);

  int ci_ffn_transpose_down(
      long context, int dtype, long source, int neurons, int dim, long target);

  int ci_ffn_prefill(
      long context,
      int activation,
      int upDtype,
      long gate,
      long up,
      long gateBias,
      long upBias,
      int downDtype,
      long down,
      long downBias,
      long x,
      int tokens,
      int neurons,
      int dim,
      long activations,
      long y);

  int ci_ffn_decode(
      long context,
      int activation,
      int upDtype,
      long gate,
      long up,
      long gateBias,
      long upBias,
      int downDtype,
      long down,
      long downBias,
      long x,
      int tokens,
      long coreIds,
      long core,
      long users,
      int neurons,
      int dim,
      long activations,
      long y);

  int ci_ffn_row_norms(long context, int dtype, long weight, int rows, int columns, long norms);

  int ci_score_top_share(
      long context,
      long activations,
      int tokens,
      int neurons,
      int magnitude,
      double alpha,
      long scores);

  int ci_score_top_k(
      long context, long activations, int tokens, int neurons, int limit, long scores);

  int ci_score_positives(long context, long activations, long count, long[] positives);

  int ci_score_energy(
      long context, long activations, int tokens, int neurons, int normalize, long scores);

  int ci_score_select(
      long context,
      long scores,
      long weights,
      int neurons,
      int count,
      int onlySeen,
      long coreIds,
      long core);

  int ci_score_scale(long context, double factor, long count, long scores);

  int ci_score_outside(
      long context, long scores, long weights, int neurons, long coreIds, long core, long share);
}
