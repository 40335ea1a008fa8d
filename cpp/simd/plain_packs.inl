// Rows of F16 and BF16 that decoding reads again and again, packed: some stand side by side, as many columns of one row
// as a vector has lanes beside those of the next, so that memory is one stream, and of a vector 64 bytes are read for
// 512 of weights (32 for 64 with AVX2). Rows as they are take a whole vector for every four of them, which leaves too
// little room in the first level cache beside the stream. Behind the rows of a pack that stand side by side are the
// next ones. Columns behind the last are 0.
#pragma once

#include "simd/few_tokens.inl"
#include "simd/rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Rows side by side: as many as have their sums in registers, for several tokens too where these are few. To go through
// some columns of more rows again would be a step back in memory.
constexpr int kPlainRows = kLanes == 16 ? 16 : 4;

// Tokens that have their sums in registers, for four rows.
constexpr int kTokensOfPlain = kLanes == 16 ? 4 : 2;

// A vector's columns of these rows, two bytes each.
constexpr int64_t kStepBytes = 2 * kLanes * kPlainRows;

// ---- packing ----

// The columns of two vectors.
inline void PackTwoSteps(const uint8_t* const* rows, int64_t at, uint8_t* pack) {
  for (int64_t r = 0; r < kPlainRows; r += 2, pack += 4 * kLanes) {
    StoreHalvesPast(rows[r] + at, rows[r + 1] + at, pack, pack + kStepBytes);
  }
}

// The last columns, fewer than two vectors of them.
inline void PackRest(const uint8_t* const* rows, int64_t at, int64_t columns, uint8_t* pack) {
  uint8_t copies[kPlainRows][4 * kLanes] = {};
  const uint8_t* padded[kPlainRows];
  for (int r = 0; r < kPlainRows; ++r) {
    memcpy(copies[r], rows[r] + at, static_cast<size_t>(2 * columns));
    padded[r] = copies[r];
  }
  alignas(64) uint8_t steps[2 * kStepBytes];
  PackTwoSteps(padded, 0, steps);
  memcpy(pack, steps, static_cast<size_t>((columns + kLanes - 1) / kLanes * kStepBytes));
}

inline uint8_t* PackRowsBeside(const uint8_t* const* rows, const uint8_t* const* next, int64_t columns, uint8_t* pack) {
  int64_t i = 0;
  for (; i + 2 * kLanes <= columns; i += 2 * kLanes, pack += 2 * kStepBytes) {
    for (int r = 0; r < kPlainRows; ++r) Prefetch(next[r] + 2 * i);
    PackTwoSteps(rows, 2 * i, pack);
  }
  PackRest(rows, 2 * i, columns - i, pack);
  return pack + (columns - i + kLanes - 1) / kLanes * kStepBytes;
}

inline void PackPlainRows(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, bool,
                          uint8_t* pack) {
  for (int r = 0; r < kPackedRows; r += kPlainRows) {
    pack = PackRowsBeside(rows + r, r + kPlainRows < kPackedRows ? rows + r + kPlainRows : next, columns, pack);
  }
}

// ---- products ----

template <class Reader>
void TakeDotsBeside(const uint8_t* pack, const float* x, int64_t columns, int64_t ahead, float* out) {
  Vec sum[kPlainRows];
  for (Vec& row : sum) row = Zero();
  for (int64_t i = 0; i < columns; i += kLanes, pack += kStepBytes) {
    if (ahead > 0) PrefetchLines<kStepBytes>(pack + ahead);
    const Vec values = LoadValues(x, i, columns);
#pragma GCC unroll 16
    for (int r = 0; r < kPlainRows; ++r) {
      sum[r] = Fma(Reader::Read(pack + r * kLanes * Reader::kBytes), values, sum[r]);
    }
  }
  for (int r = 0; r < kPlainRows; ++r) out[r] = Sum(sum[r]);
}

using PlainRowSums = Vec[kPlainRows];

// Adds columns begin..end-1 of four rows, the first of which is `row` of those side by side.
template <class Reader, int kTokens>
void AddFourDots(const uint8_t* pack, int row, const float* const* x, int64_t begin, int64_t end, int64_t columns,
                 int64_t ahead, PlainRowSums* sums) {
  Vec sum[kTokens][4];
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 4; ++r) sum[t][r] = sums[t][row + r];
  }
  pack += begin / kLanes * kStepBytes + row * kLanes * Reader::kBytes;
  for (int64_t i = begin; i < end; i += kLanes, pack += kStepBytes) {
    if (ahead > 0) PrefetchLines<4 * kLanes * Reader::kBytes>(pack + ahead);
    Vec weights[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) weights[r] = Reader::Read(pack + r * kLanes * Reader::kBytes);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const Vec values = LoadValues(x[t], i, columns);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) sum[t][r] = Fma(weights[r], values, sum[t][r]);
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 4; ++r) sums[t][row + r] = sum[t][r];
  }
}

// So many columns at once as stay in the first level cache for all tokens.
template <class Reader>
void TakeDotsOfTokens(const uint8_t* pack, const float* const* x, int32_t tokens, int64_t columns, int64_t ahead,
                      float* out) {
  constexpr int64_t kBlock = 256;
  PlainRowSums sums[CI_DECODE_TOKENS];
  for (int32_t t = 0; t < tokens; ++t) {
    for (Vec& row : sums[t]) row = Zero();
  }
  for (int64_t begin = 0; begin < columns; begin += kBlock) {
    const int64_t end = begin + kBlock < columns ? begin + kBlock : columns;
    ForFewTokens<kTokensOfPlain>(tokens, [&](auto few, int32_t t) {
      for (int row = 0; row < kPlainRows; row += 4) {
        AddFourDots<Reader, decltype(few)::kTokens>(pack, row, x + t, begin, end, columns, t == 0 ? ahead : 0,
                                                    sums + t);
      }
    });
  }
  for (int32_t t = 0; t < tokens; ++t) {
    for (int r = 0; r < kPlainRows; ++r) out[t * kPackedRows + r] = Sum(sums[t][r]);
  }
}

template <class Reader>
void TakePlainPack(const uint8_t* pack, const float* const* x, int32_t tokens, int64_t columns, int64_t ahead,
                   float* out) {
  const int64_t bytes = (columns + kLanes - 1) / kLanes * kStepBytes;
  for (int r = 0; r < kPackedRows; r += kPlainRows, pack += bytes, out += kPlainRows) {
    if (tokens == 1) {
      TakeDotsBeside<Reader>(pack, x[0], columns, ahead, out);
    } else {
      TakeDotsOfTokens<Reader>(pack, x, tokens, columns, ahead, out);
    }
  }
}

template <class Reader>
constexpr RowPack kPlainPack = {kLanes, int64_t{kPackedRows / kPlainRows} * kStepBytes, PackPlainRows, nullptr,
                                TakePlainPack<Reader>};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
