// Dot products of quantised rows with split vectors for AVX2: four rows with one token to
// one row with four. Codes of at most
// six bits, so that a pair's products fit 16 bits.
#pragma once

#include "simd/quants.inl"
#include "simd/rows.inl"
#include "simd/split_avx2.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// ---- codes of 32 elements, in their order ----

inline __m256i LowNibbles(__m256i pairs) { return _mm256_and_si256(pairs, _mm256_set1_epi8(15)); }
inline __m256i HighNibbles(__m256i pairs) { return LowNibbles(_mm256_srli_epi16(pairs, 4)); }

// The low nibbles of 16 bytes, then the high ones.
inline __m256i NibblesOf(const uint8_t* packed) {
  const __m256i twice = _mm256_broadcastsi128_si256(Load16Bytes(packed));
  return LowNibbles(_mm256_srlv_epi64(twice, _mm256_setr_epi64x(0, 0, 4, 4)));
}

// 16 in each byte whose bit is set.
inline __m256i SixteensWhere(const uint8_t* bits) {
  const __m256i bytes = _mm256_shuffle_epi8(
      _mm256_set1_epi32(static_cast<int32_t>(LoadBits32(bits))),
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
  const __m256i own = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, own), own), _mm256_set1_epi8(16));
}

// A block's scale stands first; a value is scale * (code - kMiddle), or scale * code + offset.
struct Q4Split {
  static constexpr int64_t kBytes = 18;
  static constexpr bool kHasOffset = false;
  static __m256i Read(const uint8_t* block) { return NibblesOf(block + 2); }
};
struct Q4_1Split {
  static constexpr int64_t kBytes = 20;
  static constexpr bool kHasOffset = true;
  static __m256i Read(const uint8_t* block) { return NibblesOf(block + 4); }
};
struct Q5_0Split {
  static constexpr int64_t kBytes = 22;
  static constexpr bool kHasOffset = false;
  static __m256i Read(const uint8_t* block) { return _mm256_or_si256(NibblesOf(block + 6), SixteensWhere(block + 2)); }
};
struct Q5_1Split {
  static constexpr int64_t kBytes = 24;
  static constexpr bool kHasOffset = true;
  static __m256i Read(const uint8_t* block) { return _mm256_or_si256(NibblesOf(block + 8), SixteensWhere(block + 4)); }
};

// ---- rows ----

// Where the vectors of several tokens are: units `stride` apart.
struct SplitTokens {
  SplitGroupOf Group(int64_t token, int64_t group) const { return {units + token * stride, group}; }

  const SplitUnit* units;
  int64_t stride;
};

// What a row's dots with kTokens tokens have added up.
template <int kTokens>
struct SplitSums {
  SplitSums() {
    for (Vec& v : sum) v = Zero();
  }

  void Add(__m256i codes, const SplitTokens& x, int64_t group, Vec scale) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const SplitGroupOf own = x.Group(t, group);
      const __m256i dot = _mm256_sub_epi32(own.Times(codes), own.middle());
      sum[t] = Fma(Mul(scale, own.step()), _mm256_cvtepi32_ps(dot), sum[t]);
    }
  }

  // Of codes without a middle.
  void AddWithOffset(__m256i codes, const SplitTokens& x, int64_t group, Vec scale, Vec offset) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const SplitGroupOf own = x.Group(t, group);
      sum[t] = Fma(Mul(scale, own.step()), _mm256_cvtepi32_ps(own.Times(codes)), sum[t]);
      sum[t] = Fma(offset, own.sum(), sum[t]);
    }
  }

  Vec sum[kTokens];
};

template <class Format>
struct SplitBlocks {
  static constexpr int64_t kElements = 32;
  static constexpr int64_t kBytes = Format::kBytes;

  template <class Sums>
  static void Add(const uint8_t* block, const SplitTokens& x, int64_t group, Sums* sums) {
    const __m256i codes = Format::Read(block);
    if constexpr (Format::kHasOffset) {
      sums->AddWithOffset(codes, x, group, BroadcastHalf(block), BroadcastHalf(block + 2));
    } else {
      sums->Add(codes, x, group, BroadcastHalf(block));
    }
  }
};

// 32 bytes hold two groups' nibbles.
struct Q4_KSplit {
  static constexpr int64_t kBytes = 144;
  static constexpr int64_t kPackedAt = 16;
  static __m256i Tops(const uint8_t*, int) { return _mm256_setzero_si256(); }
};
struct Q5_KSplit {
  static constexpr int64_t kBytes = 176;
  static constexpr int64_t kPackedAt = 48;
  static __m256i Tops(const uint8_t* block, int group) {
    const __m256i bits = _mm256_srl_epi16(Load256(block + 16), _mm_cvtsi32_si128(group));
    return _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi8(1)), 4);
  }
};

template <class Format>
struct SplitScaledBlocks {
  static constexpr int64_t kElements = 256;
  static constexpr int64_t kBytes = Format::kBytes;

  template <class Sums>
  static void Add(const uint8_t* block, const SplitTokens& x, int64_t group, Sums* sums) {
    const GroupScales scales(block);
    for (int g = 0; g < 8; g += 2) {
      const __m256i pairs = Load256(block + Format::kPackedAt + 16 * g);
      sums->AddWithOffset(_mm256_or_si256(LowNibbles(pairs), Format::Tops(block, g)), x, group + g, scales.scale[g],
                          scales.offset[g]);
      sums->AddWithOffset(_mm256_or_si256(HighNibbles(pairs), Format::Tops(block, g + 1)), x, group + g + 1,
                          scales.scale[g + 1], scales.offset[g + 1]);
    }
  }
};

// Each 16 elements have a scale: the lower four lanes of a group one, the upper ones the next.
struct SplitSixes {
  static constexpr int64_t kElements = 256;
  static constexpr int64_t kBytes = 210;

  template <class Sums>
  static void Add(const uint8_t* block, const SplitTokens& x, int64_t group, Sums* sums) {
    const Vec d = BroadcastHalf(block + 208);
    float scales[16];
    for (int64_t v = 0; v < 16; v += 8) Store(scales + v, Mul(d, LoadI8(block + 192 + v)));
    for (int64_t half = 0; half < 2; ++half) {
      const __m256i tops = Load256(block + 128 + 32 * half);
      for (int64_t g = 0; g < 4; ++g) {
        const __m256i pairs = Load256(block + 64 * half + 32 * (g % 2));
        const __m256i top =
            _mm256_and_si256(_mm256_srl_epi16(tops, _mm_cvtsi32_si128(static_cast<int>(2 * g))), _mm256_set1_epi8(3));
        const __m256i codes =
            _mm256_or_si256(g < 2 ? LowNibbles(pairs) : HighNibbles(pairs), _mm256_slli_epi16(top, 4));
        const float* scale = scales + 8 * half + 2 * g;
        sums->Add(codes, x, group + 4 * half + g,
                  _mm256_set_m128(_mm_broadcast_ss(scale + 1), _mm_broadcast_ss(scale)));
      }
    }
  }
};

// Dots of kRows rows with kTokens tokens, so that several sums are under way at once.
template <class Blocks, int kRows, int kTokens>
void TakeSplitDots(const uint8_t* const* rows, const uint8_t* const* next, const SplitUnit* units, int64_t columns,
                   float* out) {
  const SplitTokens x = {units, SplitUnits(columns)};
  SplitSums<kTokens> sums[kRows];
  for (int64_t i = 0, at = 0; i < columns; i += Blocks::kElements, at += Blocks::kBytes) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      PrefetchLines<Blocks::kBytes>(next[r] + at);
      Blocks::Add(rows[r] + at, x, i / 32, &sums[r]);
    }
  }
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t t = 0; t < kTokens; ++t) out[4 * t + r] = Sum(sums[r].sum[t]);
  }
}

template <class Blocks, int kRows, int kTokens>
void SplitDotTokens(const uint8_t* const* rows, const uint8_t* const* next, const SplitUnit* units, int64_t columns,
                    float* out) {
  for (int64_t r = 0; r < 4; r += kRows)
    TakeSplitDots<Blocks, kRows, kTokens>(rows + r, next + r, units, columns, out + r);
}

// Up to four tokens at once; the rows stay in L1 for the others.
template <class Blocks>
void SplitDotEach(const uint8_t* const* rows, const uint8_t* const* next, const SplitVectors& x, float* out) {
  const int64_t stride = SplitUnits(x.columns);
  int64_t t = 0;
  for (; t + 4 <= x.tokens; t += 4) {
    SplitDotTokens<Blocks, 1, 4>(rows, t == 0 ? next : rows, x.units + t * stride, x.columns, out + 4 * t);
  }
  for (; t + 2 <= x.tokens; t += 2) {
    SplitDotTokens<Blocks, 2, 2>(rows, t == 0 ? next : rows, x.units + t * stride, x.columns, out + 4 * t);
  }
  if (t < x.tokens) {
    SplitDotTokens<Blocks, 4, 1>(rows, t == 0 ? next : rows, x.units + t * stride, x.columns, out + 4 * t);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
