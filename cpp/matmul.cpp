// Dense products of decode with weights of any dtype: each row's dot products, one per token, are taken whole by one
// thread, threads ask for blocks of rows; memory bounds it.
#include "context.h"
#include "coreinfer/kernels.h"
#include "dtype.h"

namespace coreinfer {
namespace {

// Long enough for the prefetcher to run, short enough that no thread waits long for the last block.
constexpr int64_t kBlockBytes = int64_t{32} * 1024;

int64_t RowsPerBlock(int64_t row_bytes) { return row_bytes >= kBlockBytes ? 1 : kBlockBytes / row_bytes; }

}  // namespace
}  // namespace coreinfer

int32_t ci_matvec(ci_context* context, int32_t dtype, const void* weight, const float* bias, const float* x,
                  int32_t tokens, int32_t rows, int32_t columns, int32_t accumulate, float* y) {
  return coreinfer::Call("ci_matvec", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequirePointer("x", x);
    coreinfer::RequireRange("tokens", tokens, 1, CI_DECODE_TOKENS);
    coreinfer::RequireRange("accumulate", accumulate, 0, 1);
    coreinfer::RequirePointer("y", y);
    const auto dot = c.simd.dot[dtype];
    const coreinfer::Vectors vectors{x, tokens, columns};
    const int64_t step = coreinfer::RowsPerBlock(matrix.row_bytes);
    coreinfer::ParallelRanges(c, rows, step, [&](int64_t begin, int64_t end, int32_t) {
      float values[CI_DECODE_TOKENS];
      for (int64_t r = begin; r < end; ++r) {
        const uint8_t* row = matrix.data + r * matrix.row_bytes;
        dot(row, row, vectors, values);
        for (int64_t t = 0; t < tokens; ++t) {
          float value = values[t];
          if (bias != nullptr) value += bias[r];
          float* out = y + t * rows + r;
          *out = accumulate == 1 ? *out + value : value;
        }
      }
    });
  });
}
