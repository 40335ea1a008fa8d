// Norms: one block per row, sums by warp shuffles and then through shared memory, always in the same order. The row is
// read twice, the second time from cache. Memory bounds the time.
#include "context.h"
#include "coreinfer/kernels.h"

using coreinfer::Fail;
using coreinfer::Launched;

namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

// The sum over the block's threads, the same in all of them.
__device__ float BlockSum(float value) {
  __shared__ float sums[kWarps];
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  __syncthreads();  // the sums of an earlier call were read
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  float total = 0.0f;
  for (int warp = 0; warp < kWarps; ++warp) total += sums[warp];
  return total;
}

__global__ void rms_norm_kernel(const float* x, const float* __restrict__ weight, int dim, float epsilon, float* y) {
  const float* row = x + static_cast<int64_t>(blockIdx.x) * dim;
  float* out = y + static_cast<int64_t>(blockIdx.x) * dim;
  float squares = 0.0f;
  for (int i = threadIdx.x; i < dim; i += kThreads) squares += row[i] * row[i];
  const float scale = rsqrtf(BlockSum(squares) / static_cast<float>(dim) + epsilon);
  for (int i = threadIdx.x; i < dim; i += kThreads) out[i] = row[i] * scale * weight[i];
}

__global__ void layer_norm_kernel(const float* x, const float* __restrict__ weight, const float* __restrict__ bias,
                                  int dim, float epsilon, float* y) {
  const float* row = x + static_cast<int64_t>(blockIdx.x) * dim;
  float* out = y + static_cast<int64_t>(blockIdx.x) * dim;
  float sum = 0.0f;
  for (int i = threadIdx.x; i < dim; i += kThreads) sum += row[i];
  const float mean = BlockSum(sum) / static_cast<float>(dim);
  float squares = 0.0f;
  for (int i = threadIdx.x; i < dim; i += kThreads) squares += (row[i] - mean) * (row[i] - mean);
  const float scale = rsqrtf(BlockSum(squares) / static_cast<float>(dim) + epsilon);
  for (int i = threadIdx.x; i < dim; i += kThreads) out[i] = (row[i] - mean) * scale * weight[i] + bias[i];
}

bool IsUsable(const ci_context* context, const float* x, const float* weight, int32_t rows, int32_t dim, float* y) {
  return context != nullptr && x != nullptr && weight != nullptr && y != nullptr && rows > 0 && dim > 0;
}

}  // namespace

int32_t ci_rms_norm(ci_context* context, const float* x, const float* weight, int32_t rows, int32_t dim, float epsilon,
                    float* y) {
  if (!IsUsable(context, x, weight, rows, dim, y)) {
    return Fail(CI_INVALID_ARGUMENT, "ci_rms_norm: rows=%d dim=%d", rows, dim);
  }
  rms_norm_kernel<<<rows, kThreads, 0, context->stream>>>(x, weight, dim, epsilon, y);
  return Launched("ci_rms_norm");
}

int32_t ci_layer_norm(ci_context* context, const float* x, const float* weight, const float* bias, int32_t rows,
                      int32_t dim, float epsilon, float* y) {
  if (!IsUsable(context, x, weight, rows, dim, y) || bias == nullptr) {
    return Fail(CI_INVALID_ARGUMENT, "ci_layer_norm: rows=%d dim=%d", rows, dim);
  }
  layer_norm_kernel<<<rows, kThreads, 0, context->stream>>>(x, weight, bias, dim, epsilon, y);
  return Launched("ci_layer_norm");
}
