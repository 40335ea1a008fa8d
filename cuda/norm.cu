// Norms: one block per row, sums by warp shuffles and then through shared memory, always in the same order. The row is
// read twice or thrice, from cache after the first time. Memory bounds the time.
#include "context.h"
#include "coreinfer/kernels.h"
#include "device.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;

__global__ void rms_norm_kernel(const float* x, const float* __restrict__ weight, int dim, float epsilon, float* y) {
  const float* row = x + static_cast<int64_t>(blockIdx.x) * dim;
  float* out = y + static_cast<int64_t>(blockIdx.x) * dim;
  float squares = 0.0f;
  for (int i = threadIdx.x; i < dim; i += kThreads) squares += row[i] * row[i];
  const float scale = rsqrtf(BlockSum<kThreads>(squares) / static_cast<float>(dim) + epsilon);
  for (int i = threadIdx.x; i < dim; i += kThreads) out[i] = row[i] * scale * weight[i];
}

__global__ void layer_norm_kernel(const float* x, const float* __restrict__ weight, const float* __restrict__ bias,
                                  int dim, float epsilon, float* y) {
  const float* row = x + static_cast<int64_t>(blockIdx.x) * dim;
  float* out = y + static_cast<int64_t>(blockIdx.x) * dim;
  float sum = 0.0f;
  for (int i = threadIdx.x; i < dim; i += kThreads) sum += row[i];
  const float mean = BlockSum<kThreads>(sum) / static_cast<float>(dim);
  float squares = 0.0f;
  for (int i = threadIdx.x; i < dim; i += kThreads) squares += (row[i] - mean) * (row[i] - mean);
  const float scale = rsqrtf(BlockSum<kThreads>(squares) / static_cast<float>(dim) + epsilon);
  for (int i = threadIdx.x; i < dim; i += kThreads) out[i] = (row[i] - mean) * scale * weight[i] + bias[i];
}

void RequireEpsilon(float epsilon) {
  if (!(epsilon >= 0.0f)) Fail(CI_INVALID_ARGUMENT, "epsilon must not be negative: epsilon=%g", double{epsilon});
}

}  // namespace
}  // namespace coreinfer

int32_t ci_rms_norm(ci_context* context, const float* x, const float* weight, int32_t rows, int32_t dim, float epsilon,
                    float* y) {
  return coreinfer::Call("ci_rms_norm", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {rows, dim});
    coreinfer::RequirePointer("weight", weight);
    coreinfer::RequireEpsilon(epsilon);
    coreinfer::RequirePointer("y", y);
    return coreinfer::Launch(c, "ci_rms_norm", coreinfer::rms_norm_kernel, rows, coreinfer::kThreads, 0, x, weight, dim,
                             epsilon, y);
  });
}

int32_t ci_layer_norm(ci_context* context, const float* x, const float* weight, const float* bias, int32_t rows,
                      int32_t dim, float epsilon, float* y) {
  return coreinfer::Call("ci_layer_norm", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {rows, dim});
    coreinfer::RequirePointer("weight", weight);
    coreinfer::RequirePointer("bias", bias);
    coreinfer::RequireEpsilon(epsilon);
    coreinfer::RequirePointer("y", y);
    return coreinfer::Launch(c, "ci_layer_norm", coreinfer::layer_norm_kernel, rows, coreinfer::kThreads, 0, x, weight,
                             bias, dim, epsilon, y);
  });
}
