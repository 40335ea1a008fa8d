// RMS and layer normalisation. Threads take blocks of rows, each row is summed by one of them in F32 with many partial
// sums. A single row is too short to share; prefill is bound by memory.
#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

// Rows that are worth waking a thread for.
int64_t RowsPerItem(int32_t dim) { return dim >= 8192 ? 1 : 8192 / dim; }

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
    coreinfer::ParallelRanges(c, rows, coreinfer::RowsPerItem(dim), [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t r = begin; r < end; ++r) c.simd.rms_norm(x + r * dim, weight, dim, epsilon, y + r * dim);
    });
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
    coreinfer::ParallelRanges(c, rows, coreinfer::RowsPerItem(dim), [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t r = begin; r < end; ++r) c.simd.layer_norm(x + r * dim, weight, bias, dim, epsilon, y + r * dim);
    });
  });
}
