// Pieces of rows that share scales, 32 columns each, and the factors that rows are added with, for AVX2.
#pragma once

#include "simd/split_dots.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// The low nibbles of 16 bytes, then the high ones.
inline __m256i NibblesInOrder(const uint8_t* packed) {
  const __m256i twice = _mm256_broadcastsi128_si256(Load16Bytes(packed));
  return LowNibbles(_mm256_srlv_epi64(twice, _mm256_setr_epi64x(0, 0, 4, 4)));
}

// 16 in each of 32 bytes whose bit is set.
inline __m256i SixteensWhere(const uint8_t* bits) {
  const __m256i bytes = _mm256_shuffle_epi8(
      _mm256_set1_epi32(static_cast<int32_t>(LoadBits32(bits))),
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
  return SixteensOf(bytes);
}

// The codes of 32 columns of a row without a sign, kMiddle more than the readers of quants.inl give; kPairs pairs of
// products with digits fit 16 bits.
struct NibblePieces {
  static constexpr int64_t kBytes = 16;
  static constexpr int32_t kMiddle = 8;
  static constexpr int32_t kPairs = 8;
  static __m256i Read(const uint8_t* piece) { return NibblesInOrder(piece); }
};
struct FivePieces {
  static constexpr int64_t kBytes = 20;
  static constexpr int32_t kMiddle = 16;
  static constexpr int32_t kPairs = 4;
  static __m256i Read(const uint8_t* piece) { return _mm256_or_si256(NibblesInOrder(piece + 4), SixteensWhere(piece)); }
};
struct SixPieces {
  static constexpr int64_t kBytes = 24;
  static constexpr int32_t kMiddle = 32;
  static constexpr int32_t kPairs = 2;
  static __m256i Read(const uint8_t* piece) {
    const __m256i tops = _mm256_set1_epi64x(static_cast<int64_t>(LoadBits64(piece + 16)));
    const __m256i top = _mm256_and_si256(_mm256_srlv_epi64(tops, _mm256_setr_epi64x(0, 2, 4, 6)), _mm256_set1_epi8(3));
    return _mm256_or_si256(NibblesInOrder(piece), _mm256_slli_epi16(top, 4));
  }
};

struct BytePieces {
  static constexpr int64_t kBytes = 32;
  static constexpr int32_t kMiddle = kByteMiddle;
  static constexpr int32_t kPairs = 16;
  static __m256i Read(const uint8_t* piece) { return _mm256_xor_si256(Load256(piece), _mm256_set1_epi8(-128)); }
};

// The factors of a group's rows, for codes with this middle.
template <int32_t kMiddle>
struct SplitFactors {
  bool Split(const float* factors, int32_t count) {
    alignas(32) float padded[32] = {};
    memcpy(padded, factors, static_cast<size_t>(count) * sizeof(float));
    const GroupIntegers split(padded);
    if (!split.steps.are_known) return false;
    __m256i all[2];
    if constexpr (kAreWords<kMiddle>) {
      Pack16(split.integers, all);
    } else {
      __m256i own[kDigits];
      split.Digits(own);
      all[0] = own[0];
      all[1] = own[kDigits - 1];
    }
    for (int i = 0; i < 2; ++i) StoreBytes(bytes[i], all[i]);
    const int32_t sum = split.SumOfHalf(0) + split.SumOfHalf(1);
    start = -kMiddle * sum;
    step = split.steps.step;
    total = static_cast<float>(sum) * step;
    return true;
  }

  // As PackedGroup has them, those of four rows.
  void StoreQuad(int64_t quad, int32_t (&out)[2]) const {
    if constexpr (kAreWords<kMiddle>) {
      memcpy(out, bytes[0] + 8 * quad, sizeof(out));
    } else {
      for (int64_t d = 0; d < 2; ++d) memcpy(&out[d], bytes[d] + 4 * quad, sizeof(int32_t));
    }
  }

  alignas(32) int8_t bytes[2][32];  // digits, or words one after another
  int32_t start;                    // takes the middle of the codes away
  float step;
  float total;
};

// The codes of four rows, those of a column side by side: columns 0..3 and 16..19, then four further each.
inline void Interleave(const __m256i (&rows)[4], __m256i (&out)[4]) {
  const __m256i low_a = _mm256_unpacklo_epi8(rows[0], rows[1]);
  const __m256i low_b = _mm256_unpacklo_epi8(rows[2], rows[3]);
  const __m256i high_a = _mm256_unpackhi_epi8(rows[0], rows[1]);
  const __m256i high_b = _mm256_unpackhi_epi8(rows[2], rows[3]);
  out[0] = _mm256_unpacklo_epi16(low_a, low_b);
  out[1] = _mm256_unpackhi_epi16(low_a, low_b);
  out[2] = _mm256_unpacklo_epi16(high_a, high_b);
  out[3] = _mm256_unpackhi_epi16(high_a, high_b);
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
