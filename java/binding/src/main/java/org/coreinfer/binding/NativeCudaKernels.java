package org.coreinfer.binding;

/**
 * The functions of include/coreinfer/cuda.h, which only the CUDA library has; see there for shapes
 * and meaning.
 */
@SuppressWarnings("MemberName") // the names of the C functions
public interface NativeCudaKernels extends NativeKernels {
  int ci_cuda_context_create(int device, long stream, long[] context);

  int ci_cuda_arrange(int dtype, long hostSource, int rows, int columns, long hostTarget);

  int ci_cuda_upload_async(long context, long stream, long host, long bytes, long memory);

  int ci_cuda_convert(
      long context,
      int dtype,
      long weight,
      int rows,
      int columns,
      int firstRow,
      int count,
      int targetDtype,
      long target);

  int ci_cuda_to_half(long context, long x, long count, long target, long scale);

  int ci_cuda_bias(long context, long bias, int tokens, int dim, int accumulate, long y);

  int ci_cuda_activate(
      long context,
      int activation,
      long gate,
      long gateBias,
      long upBias,
      int tokens,
      int neurons,
      long up);

  int ci_cuda_ffn_pack(
      long context,
      int dtype,
      long weight,
      int rows,
      int columns,
      long coreIds,
      long core,
      int capacity,
      long packed);

  int ci_cuda_ffn_decode_packed(
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
      long coreIds,
      long core,
      int neurons,
      int capacity,
      int dim,
      long activations,
      long y);

  int ci_cuda_sample_penalize(
      long context, long recent, long count, float penalty, int vocabulary, long logits);

  int ci_cuda_sample_greedy(long context, long logits, int vocabulary, long token);

  int ci_cuda_sample_draw(
      long context,
      long logits,
      int vocabulary,
      float temperature,
      int topK,
      float topP,
      float minP,
      long uniform,
      long token);
}
