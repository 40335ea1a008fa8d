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
  if (matrix.row_bytes >= bytes) return 1;
  const int64_t rows = bytes / matrix.row_bytes;
  return rows < RowList::kMost ? rows : rows / RowList::kMost * RowList::kMost;
}

struct Product {
  const Matrix& matrix;
  const float* bias;  // or NULL
  bool accumulate;
  float* y;
};

RowList RowsFrom(const Matrix& matrix, int64_t begin, int64_t end, uint32_t users) {
  RowList list;
  for (int64_t r = begin; r < end && list.count < RowList::kMost; ++r) {
    list.Add(matrix.data + r * matrix.row_bytes, users);
  }
  return list;
}

// Rows begin..end-1; `following` is where this thread goes on.
void MultiplyRows(const Product& p, const RowDots& dots, int64_t begin, int64_t end, int64_t following) {
  RowDots::Out values;
  RowList list = RowsFrom(p.matrix, begin, end, dots.all());
  for (int64_t first = begin; first < end; first += RowList::kMost) {
    const bool is_last = first + RowList::kMost >= end;
    const RowList next =
        RowsFrom(p.matrix, is_last ? following : first + RowList::kMost, is_last ? p.matrix.rows : end, dots.all());
    dots.Take(list, next, values);
    for (int64_t t = 0; t < dots.vectors().tokens; ++t) {
      for (int64_t r = 0; r < list.count; ++r) {
        float value = values[t][r];
        if (p.bias != nullptr) value += p.bias[first + r];
        float* out = p.y + t * p.matrix.rows + first + r;
        *out = p.accumulate ? *out + value : value;
      }
    }
    list = next;
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
