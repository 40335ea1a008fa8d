// Dense products of decode with weights of any dtype: each row's dot products, one per token, are taken whole by one
// thread, threads ask for blocks of rows; memory bounds it.
#include "context.h"
#include "coreinfer/kernels.h"
#include "dtype.h"
#include "row_dots.h"

namespace coreinfer {
namespace {

// Blocks are long enough that their beginning, which nobody fetches ahead, counts little, and short enough that no
// thread waits long for the last one.
int64_t RowsPerBlock(const Matrix& matrix, int32_t threads) {
  constexpr int64_t kLeastBytes = int64_t{4} * 1024;
  constexpr int64_t kMostBytes = int64_t{64} * 1024;
  const int64_t share = matrix.rows * matrix.row_bytes / (int64_t{8} * threads);
  const int64_t bytes = share < kLeastBytes ? kLeastBytes : share < kMostBytes ? share : kMostBytes;
  const int64_t groups = bytes / (matrix.row_bytes * RowGroup::kRows);
  return (groups < 1 ? 1 : groups) * RowGroup::kRows;
}

struct Product {
  const Matrix& matrix;
  const float* bias;  // or NULL
  bool accumulate;
  float* y;
};

// Rows begin..end-1; `following` is where this thread goes on.
void MultiplyRows(const Product& p, const RowDots& dots, int64_t begin, int64_t end, int64_t following) {
  const auto group_at = [&](int64_t first) {
    return RowGroup::Of(p.matrix, p.matrix.rows - first, [&](int64_t r) { return first + r; });
  };
  RowDots::Out values;
  for (int64_t first = begin; first < end; first += RowGroup::kRows) {
    const int64_t count = end - first < RowGroup::kRows ? end - first : RowGroup::kRows;
    const int64_t next = first + RowGroup::kRows < end ? first + RowGroup::kRows : following;
    dots.Take(group_at(first), count, group_at(next), values);
    for (int64_t t = 0; t < dots.vectors().tokens; ++t) {
      for (int64_t r = 0; r < count; ++r) {
        float value = values[t][r];
        if (p.bias != nullptr) value += p.bias[first + r];
        float* out = p.y + t * p.matrix.rows + first + r;
        *out = p.accumulate ? *out + value : value;
      }
    }
  }
}
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
    const coreinfer::RowDots dots(c, dtype, {x, tokens, columns});
    const coreinfer::Product product{matrix, bias, accumulate == 1, y};
    const int64_t step = coreinfer::RowsPerBlock(matrix, c.pool.size());
    coreinfer::ParallelForAhead(c, (rows + step - 1) / step, [&](int64_t block, int64_t following) {
      const int64_t end = (block + 1) * step < rows ? (block + 1) * step : rows;
      coreinfer::MultiplyRows(product, dots, block * step, end, following * step);
    });
  });
}
