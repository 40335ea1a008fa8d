/*
 * What only the CUDA library offers: contexts on a given stream, the device's layout of weights, the steps around a
 * GEMM of cuBLAS, packed core neurons for models that do not fit, and tokens chosen on the device. Conventions as in
 * kernels.h.
 */
#ifndef COREINFER_CUDA_H_
#define COREINFER_CUDA_H_

#include "coreinfer/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A context on `device` that queues its work on `stream` (a cudaStream_t of that device), which it does not own. */
int32_t ci_cuda_context_create(int32_t device, ci_address stream, ci_address* context);

/*
 * Arranges a (rows, columns) matrix of any dtype as types.h says for device memory. host_source, host_target: host
 * memory of the matrix's size, different. Runs on the calling thread. For the shared dtypes rows counts neurons.
 */
int32_t ci_cuda_arrange(int32_t dtype, const void* host_source, int32_t rows, int32_t columns, void* host_target);

/*
 * ci_memory_upload that returns at once and queues the copy on `stream`, another stream of the device; the order
 * between streams is the caller's to keep. host: pinned memory, unchanged until the copy is done.
 */
int32_t ci_cuda_upload_async(ci_context* context, ci_address stream, const void* host, int64_t bytes, void* memory);

/* ---- around a GEMM of cuBLAS ---- */

/*
 * target = rows first_row..first_row+count-1 of a matrix as plain rows. weight (rows, columns); target (count, columns)
 * of target_dtype F32, F16 or BF16. For the shared dtypes first_row and count are multiples of 32.
 */
int32_t ci_cuda_convert(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                        int32_t first_row, int32_t count, int32_t target_dtype, void* target);

/*
 * target = x / *scale as F16, with *scale the power of two that brings the largest |x| just under 2^14 (1 when x is all
 * 0): nothing overflows, and a GEMM with alpha = *scale gives the product. x (count); target (count); scale (1).
 */
int32_t ci_cuda_to_half(ci_context* context, const float* x, int64_t count, void* target, float* scale);

/* y[t] += bias, or y[t] = bias when accumulate is 0. bias (dim) or NULL for 0; y (tokens, dim). */
int32_t ci_cuda_bias(ci_context* context, const float* bias, int32_t tokens, int32_t dim, int32_t accumulate, float* y);

/*
 * up = activation(gate + gate_bias, up + up_bias), in place. gate (tokens, neurons) or NULL for an ungated layer; up
 * (tokens, neurons); biases (neurons) or NULL.
 */
int32_t ci_cuda_activate(ci_context* context, int32_t activation, const float* gate, const float* gate_bias,
                         const float* up_bias, int32_t tokens, int32_t neurons, float* up);

/* ---- packed core neurons ---- */

/*
 * Copies the listed rows of a matrix to the front of `packed`, which has the matrix's layout with `capacity` rows (of
 * the shared dtypes only q is by row: all d are copied). weight (rows, columns); core_ids (*core); *core <= capacity.
 */
int32_t ci_cuda_ffn_pack(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                         const int32_t* core_ids, const int32_t* core, int32_t capacity, void* packed);

/*
 * ci_ffn_decode over matrices of ci_cuda_ffn_pack with `capacity` rows: row i belongs to neuron core_ids[i], which
 * still chooses its biases and shared scales. The result has the same bits as ci_ffn_decode's over the whole matrices.
 */
int32_t ci_cuda_ffn_decode_packed(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate,
                                  const void* up, const float* gate_bias, const float* up_bias, int32_t down_dtype,
                                  const void* down, const float* down_bias, const float* x, const int32_t* core_ids,
                                  const int32_t* core, int32_t neurons, int32_t capacity, int32_t dim,
                                  float* activations, float* y);

/* ---- sample ---- */

/*
 * Makes tokens that occurred less likely: logits[t] becomes logits[t] / penalty when positive, else logits[t] *
 * penalty, once for each different token of recent. recent (*count); count (1); logits (vocabulary), in place.
 */
int32_t ci_cuda_sample_penalize(ci_context* context, const int32_t* recent, const int32_t* count, float penalty,
                                int32_t vocabulary, float* logits);

/*
 * *token = the highest logit's, the lower of equals, never a NaN's; -1 when all are NaN. logits (vocabulary).
 */
int32_t ci_cuda_sample_greedy(ci_context* context, const float* logits, int32_t vocabulary, int32_t* token);

/*
 * *token = a draw: logits / temperature, the top_k most likely (0: all), of these the fewest that reach top_p, of these
 * the ones at least min_p as likely as the best; then the point *uniform (in [0, 1)) of what is left, tokens standing
 * in falling order of their logits, of equals the lower first. -1 when all logits are NaN.
 */
int32_t ci_cuda_sample_draw(ci_context* context, const float* logits, int32_t vocabulary, float temperature,
                            int32_t top_k, float top_p, float min_p, const double* uniform, int32_t* token);

#ifdef __cplusplus
}
#endif

#endif /* COREINFER_CUDA_H_ */
