// Table rows of tokens, converted to F32, and the residual addition. Threads take whole tokens of a lookup and ranges
// of an addition; memory bounds both.
#include "context.h"
#include "coreinfer/kernels.h"
#include "dtype.h"

namespace coreinfer {
namespace {

constexpr int64_t kAddStep = 16384;

}  // namespace
}  // namespace coreinfer

int32_t ci_embedding_lookup(ci_context* context, int32_t dtype, const void* table, int32_t vocabulary, int32_t dim,
                            const int32_t* tokens, int32_t count, float* y) {
  return coreinfer::Call("ci_embedding_lookup", context, [&](ci_context& c) {
    const coreinfer::Matrix rows = coreinfer::RequireMatrix("table", dtype, table, vocabulary, dim);
    coreinfer::RequireArray("tokens", tokens, {count});
    coreinfer::RequireArray("y", y, {count, dim});
    for (int32_t t = 0; t < count; ++t) coreinfer::RequireRange("token", tokens[t], 0, vocabulary - 1);
    coreinfer::ParallelFor(c, count,
                           [&](int64_t t, int32_t) { c.simd.dequantize(&rows, tokens[t], 1, 0, dim, y + t * dim, 0); });
  });
}

int32_t ci_add(ci_context* context, const float* x, int64_t count, float* y) {
  return coreinfer::Call("ci_add", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {count});
    coreinfer::RequirePointer("y", y);
    coreinfer::ParallelRanges(c, count, coreinfer::kAddStep, [&](int64_t begin, int64_t end, int32_t) {
      c.simd.add(x + begin, end - begin, y + begin);
    });
  });
}
