// Rows of plain elements times the vectors of many tokens, for prefill. No weight is converted to memory or moved, as a
// BLAS would: four rows and six tokens have their sums in registers, and arithmetic bounds the time.
#pragma once

#include "simd/rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int32_t kRowsTogether = 4;
constexpr int32_t kTokensTogether = 6;

template <int kTokens>
struct RowProducts {
  RowProducts() {
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 4
      for (int r = 0; r < kRowsTogether; ++r) sum[t][r] = Zero();
    }
  }

  __attribute__((always_inline)) void Add(const Vec (&weights)[kRowsTogether], const Vec (&values)[kTokens]) {
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 4
      for (int r = 0; r < kRowsTogether; ++r) sum[t][r] = Fma(weights[r], values[t], sum[t][r]);
    }
  }

  void Finish(float (&out)[kTokens][kRowsTogether]) const {
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 4
      for (int r = 0; r < kRowsTogether; ++r) out[t][r] = Sum(sum[t][r]);
    }
  }

  Vec sum[kTokens][kRowsTogether];
};

// Adds `count` rows' products; the last row stands for those past it.
template <class Reader, int kTokens>
void MultiplyFourRows(const uint8_t* rows, int64_t row_bytes, int32_t count, const float* x, int64_t columns, float* y,
                      int64_t y_stride) {
  const uint8_t* row[kRowsTogether];
  for (int32_t r = 0; r < kRowsTogether; ++r) row[r] = rows + (r < count ? r : count - 1) * row_bytes;
  RowProducts<kTokens> products;
  Vec weights[kRowsTogether];
  Vec values[kTokens];
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) {
#pragma GCC unroll 4
    for (int r = 0; r < kRowsTogether; ++r) weights[r] = Reader::Read(row[r] + i * Reader::kBytes);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      values[t] = Load(x + t * columns + i);
      // Keeps the compiler from loading it again for each row, which halves the speed.
      asm("" : "+v"(values[t]));
    }
    products.Add(weights, values);
  }
  if (i < columns) {
#pragma GCC unroll 4
    for (int r = 0; r < kRowsTogether; ++r) {
      weights[r] = ReadPartial<Reader>(row[r] + i * Reader::kBytes, columns - i);
    }
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) values[t] = LoadPartial(x + t * columns + i, columns - i);
    products.Add(weights, values);
  }
  float sums[kTokens][kRowsTogether];
  products.Finish(sums);
  for (int64_t t = 0; t < kTokens; ++t) {
    for (int32_t r = 0; r < count && r < kRowsTogether; ++r) y[t * y_stride + r] += sums[t][r];
  }
}

template <class Reader, int kTokens>
void MultiplyRowsBy(const uint8_t* rows, int64_t row_bytes, int32_t count, const float* x, int64_t columns, float* y,
                    int64_t y_stride) {
  for (int32_t r = 0; r < count; r += kRowsTogether) {
    MultiplyFourRows<Reader, kTokens>(rows + r * row_bytes, row_bytes, count - r, x, columns, y + r, y_stride);
  }
}

template <class Reader>
void MultiplyRows(const uint8_t* rows, int64_t row_bytes, int32_t count, const Vectors& x, float* y, int64_t y_stride) {
  const int64_t columns = x.columns;
  const auto multiply = [&](auto kernel, int32_t t) {
    kernel(rows, row_bytes, count, x.x + t * columns, columns, y + t * y_stride, y_stride);
  };
  int32_t t = 0;
  for (; t + kTokensTogether <= x.tokens; t += kTokensTogether) {
    multiply(MultiplyRowsBy<Reader, kTokensTogether>, t);
  }
  for (; t + 3 <= x.tokens; t += 3) multiply(MultiplyRowsBy<Reader, 3>, t);
  for (; t < x.tokens; ++t) multiply(MultiplyRowsBy<Reader, 1>, t);
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
