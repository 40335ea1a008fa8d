// Rows of F16 and BF16 that decoding reads again and again, packed: sixteen at a time, of which 16 columns of one row
// stand beside those of the next, so that memory is one stream and of a vector 64 bytes are read for 512 of weights.
// Rows as they are take a whole vector for every four of them, which leaves too little room in the first level cache
// beside the stream. A pack has sixteen rows and behind them the other sixteen. Columns behind the last are 0.
#pragma once

#include "simd/few_tokens.inl"
#include "simd/rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int kSixteen = 16;
static_assert(kPackedRows == 2 * kSixteen && kLanes == kSixteen);

// Sixteen columns of sixteen rows.
template <class Reader>
constexpr int64_t kStepBytes = 256 * Reader::kBytes;

// ---- packing ----

// 32 columns of sixteen rows of two bytes.
inline void PackTwoSteps(const uint8_t* const* rows, int64_t at, uint8_t* pack) {
  for (int64_t r = 0; r < kSixteen; r += 2) {
    const __m512i even = _mm512_loadu_si512(rows[r] + at);
    const __m512i odd = _mm512_loadu_si512(rows[r + 1] + at);
    StorePast(pack + 32 * r, _mm512_shuffle_i64x2(even, odd, 0x44));
    StorePast(pack + 512 + 32 * r, _mm512_shuffle_i64x2(even, odd, 0xee));
  }
}

// The last columns, fewer than 32.
inline void PackRest(const uint8_t* const* rows, int64_t at, int64_t columns, uint8_t* pack) {
  uint8_t copies[kSixteen][64] = {};
  for (int r = 0; r < kSixteen; ++r) memcpy(copies[r], rows[r] + at, static_cast<size_t>(2 * columns));
  for (int64_t i = 0; i < columns; i += kLanes) {
    for (int r = 0; r < kSixteen; r += 2, pack += 64) {
      const __m512i even = _mm512_castsi256_si512(Load32Bytes(copies[r] + 2 * i));
      StorePast(pack, _mm512_inserti64x4(even, Load32Bytes(copies[r + 1] + 2 * i), 1));
    }
  }
}

inline uint8_t* PackSixteenPlain(const uint8_t* const* rows, const uint8_t* const* next, int64_t columns,
                                 uint8_t* pack) {
  int64_t i = 0;
  for (; i + 2 * kLanes <= columns; i += 2 * kLanes, pack += 1024) {
    for (int r = 0; r < kSixteen; ++r) Prefetch(next[r] + 2 * i);
    PackTwoSteps(rows, 2 * i, pack);
  }
  PackRest(rows, 2 * i, columns - i, pack);
  return pack + (columns - i + kLanes - 1) / kLanes * 512;
}

inline void PackPlainRows(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, uint8_t* pack) {
  pack = PackSixteenPlain(rows, rows + kSixteen, columns, pack);
  PackSixteenPlain(rows + kSixteen, next, columns, pack);
}

// ---- products ----

template <class Reader>
void TakeSixteenDots(const uint8_t* pack, const float* x, int64_t columns, float* out) {
  Vec sum[kSixteen];
  for (Vec& row : sum) row = Zero();
  for (int64_t i = 0; i < columns; i += kLanes, pack += kStepBytes<Reader>) {
    const Vec values = LoadValues(x, i, columns);
#pragma GCC unroll 16
    for (int r = 0; r < kSixteen; ++r) {
      sum[r] = Fma(Reader::Read(pack + r * kLanes * Reader::kBytes), values, sum[r]);
    }
  }
  for (int r = 0; r < kSixteen; ++r) out[r] = Sum(sum[r]);
}

using SixteenSums = Vec[kSixteen];

// Adds columns begin..end-1 of four rows, the first of which is `row` of sixteen.
template <class Reader, int kTokens>
void AddFourDots(const uint8_t* pack, int row, const float* const* x, int64_t begin, int64_t end, int64_t columns,
                 SixteenSums* sums) {
  Vec sum[kTokens][4];
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 4; ++r) sum[t][r] = sums[t][row + r];
  }
  pack += begin / kLanes * kStepBytes<Reader> + row * kLanes * Reader::kBytes;
  for (int64_t i = begin; i < end; i += kLanes, pack += kStepBytes<Reader>) {
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
void TakeSixteenDotsOfTokens(const uint8_t* pack, const float* const* x, int32_t tokens, int64_t columns, float* out) {
  constexpr int64_t kBlock = 256;
  SixteenSums sums[CI_DECODE_TOKENS];
  for (int32_t t = 0; t < tokens; ++t) {
    for (Vec& row : sums[t]) row = Zero();
  }
  for (int64_t begin = 0; begin < columns; begin += kBlock) {
    const int64_t end = begin + kBlock < columns ? begin + kBlock : columns;
    ForFewTokens(tokens, [&](auto few, int32_t t) {
      for (int row = 0; row < kSixteen; row += 4) {
        AddFourDots<Reader, decltype(few)::kTokens>(pack, row, x + t, begin, end, columns, sums + t);
      }
    });
  }
  for (int32_t t = 0; t < tokens; ++t) {
    for (int r = 0; r < kSixteen; ++r) out[t * kPackedRows + r] = Sum(sums[t][r]);
  }
}

template <class Reader>
void TakePlainPack(const uint8_t* pack, const float* const* x, int32_t tokens, int64_t columns, float* out) {
  const int64_t bytes = (columns + kLanes - 1) / kLanes * kStepBytes<Reader>;
  for (int sixteen = 0; sixteen < 2; ++sixteen, pack += bytes, out += kSixteen) {
    if (tokens == 1) {
      TakeSixteenDots<Reader>(pack, x[0], columns, out);
    } else {
      TakeSixteenDotsOfTokens<Reader>(pack, x, tokens, columns, out);
    }
  }
}

template <class Reader>
constexpr RowPack kPlainPack = {
    kLanes, 2 * kStepBytes<Reader>, {PackPlainRows, nullptr}, nullptr, TakePlainPack<Reader>};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
