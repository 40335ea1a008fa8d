// The matrix product of prefill where no library's is used.
#ifndef COREINFER_CUDA_GEMM_H_
#define COREINFER_CUDA_GEMM_H_

#include "context.h"
#include "matrix.h"

namespace coreinfer {

/// What an output is the product with: a row of the weights, or a column of them.
enum class GemmWeight { kRows, kColumns };

/// y = x weight^T + bias, or y = x weight + bias; y += when `accumulate` is 1.
struct Gemm {
  DeviceMatrix weight;  // (outputs, depth), or (depth, outputs) for kColumns
  GemmWeight by;
  const float* bias;  // (outputs) or NULL
  const float* x;     // (tokens, depth)
  int32_t tokens;
  int32_t accumulate;
  float* y;  // (tokens, outputs)
};

/// Queues the product.
int32_t LaunchGemm(ci_context& context, const char* function, const Gemm& gemm);

}  // namespace coreinfer

#endif  // COREINFER_CUDA_GEMM_H_
