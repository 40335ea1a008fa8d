// Sums of rows that share scales, in integers, for AVX2: two rows at a time are interleaved, so that bytes are
// multiplied by pairs with the digits of two factors. Sums of 16 bits take as many pairs as fit, then those of 32 bits
// take them.
#pragma once

#include "simd/shared_rows.inl"
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

// The factors of a group's rows: digits, or integers of 16 bits for codes of eight.
struct SplitFactors {
  bool Split(const float* factors, int32_t count, int32_t middle) {
    alignas(32) float padded[32] = {};
    memcpy(padded, factors, static_cast<size_t>(count) * sizeof(float));
    const GroupIntegers split(padded);
    if (!split.steps.are_known) return false;
    are_words = middle == kByteMiddle;
    __m256i all[2];
    if (are_words) {
      Pack16(split.integers, all);
    } else {
      __m256i own[kDigits];
      split.Digits(own);
      all[0] = own[0];
      all[1] = own[kDigits - 1];
    }
    for (int i = 0; i < 2; ++i) StoreBytes(bytes[i], all[i]);
    const int32_t sum = split.SumOfHalf(0) + split.SumOfHalf(1);
    start = -middle * sum;
    step = split.steps.step;
    total = static_cast<float>(sum) * step;
    return true;
  }

  // Digit d of two rows' factors, for each column.
  __m256i Pair(int d, int32_t row) const {
    int16_t both;
    memcpy(&both, bytes[d] + row, sizeof(both));
    return _mm256_set1_epi16(both);
  }
  __m256i PairOfWords(int32_t row) const {
    int32_t both;
    memcpy(&both, bytes[0] + int64_t{2} * row, sizeof(both));
    return _mm256_set1_epi32(both);
  }

  // As PackedGroup has them.
  void StoreQuads(int32_t (&quads)[8][2]) const {
    if (are_words) {
      memcpy(quads, bytes, sizeof(quads));
      return;
    }
    for (int64_t q = 0; q < 8; ++q) {
      for (int64_t d = 0; d < 2; ++d) memcpy(&quads[q][d], bytes[d] + 4 * q, sizeof(int32_t));
    }
  }

  alignas(32) int8_t bytes[2][32];
  bool are_words;
  int32_t start;  // takes the middle of the codes away
  float step;
  float total;
};

// The sums of 32 columns, eight in each vector.
struct ColumnSums {
  explicit ColumnSums(int32_t start) {
    for (__m256i& v : columns) v = _mm256_set1_epi32(start);
  }

  // Takes the digits' sums of 16 bits: of columns 0..7 and 16..23, and of 8..15 and 24..31.
  void Add(const __m256i (&sums)[kDigits][2]) {
    for (int i = 0; i < 2; ++i) {
      __m256i low = _mm256_setzero_si256();
      __m256i high = low;
      for (int d = 0; d < kDigits; ++d) {
        low = AddDigit(low, _mm256_castsi256_si128(sums[d][i]));
        high = AddDigit(high, _mm256_extracti128_si256(sums[d][i], 1));
      }
      columns[i] = _mm256_add_epi32(columns[i], low);
      columns[2 + i] = _mm256_add_epi32(columns[2 + i], high);
    }
  }

  static __m256i AddDigit(__m256i higher, __m128i digit) {
    return _mm256_add_epi32(_mm256_slli_epi32(higher, 8), _mm256_cvtepi16_epi32(digit));
  }

  // Takes codes of eight bits of two rows, in the same order, times their factors.
  void AddWords(const __m256i (&pairs)[2], __m256i both) {
    for (int i = 0; i < 2; ++i) {
      const __m256i low = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(pairs[i]));
      const __m256i high = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(pairs[i], 1));
      columns[i] = _mm256_add_epi32(columns[i], _mm256_madd_epi16(low, both));
      columns[2 + i] = _mm256_add_epi32(columns[2 + i], _mm256_madd_epi16(high, both));
    }
  }

  __m256i columns[4];
};

// Rows begin..end-1 of a group, as many as sums of 16 bits take, for the 32 columns of piece `at`.
template <class Pieces>
inline void AddPairs(const SharedRows& group, const SplitFactors& factors, int32_t begin, int32_t end, int64_t at,
                     ColumnSums* sums) {
  __m256i own[kDigits][2];
  for (auto& digit : own) digit[0] = digit[1] = _mm256_setzero_si256();
  for (int32_t row = begin; row < end; row += 2) {
    const __m256i first = Pieces::Read(group.rows[row] + at);
    // Behind the last row stands a factor of 0.
    const __m256i second = Pieces::Read(group.rows[row + 1 < group.count ? row + 1 : row] + at);
    const __m256i pairs[2] = {_mm256_unpacklo_epi8(first, second), _mm256_unpackhi_epi8(first, second)};
    if constexpr (Pieces::kMiddle == kByteMiddle) {
      sums->AddWords(pairs, factors.PairOfWords(row));
      continue;
    }
    for (int d = 0; d < kDigits; ++d) {
      const __m256i both = factors.Pair(d, row);
      for (int i = 0; i < 2; ++i) own[d][i] = _mm256_add_epi16(own[d][i], _mm256_maddubs_epi16(pairs[i], both));
    }
  }
  if constexpr (Pieces::kMiddle != kByteMiddle) sums->Add(own);
}

// All rows of a group for 32 columns, then the next columns. Factors that cannot be split are added in F32.
template <class Shared, class Pieces>
void AddSplitRows(const SharedRows& group, const SharedRows& next, int32_t begin, int32_t end, float* y) {
  SplitFactors factors;
  if (!factors.Split(group.factors, group.count, Pieces::kMiddle))
    return AddSharedRows<Shared>(group, next, begin, end, y);
  RowStream stream(next, begin / 32 * Pieces::kBytes, (end - begin) / 32 * Pieces::kBytes, (end - begin) / 32);
  for (int64_t i = begin; i < end; i += 32) {
    stream.Step();
    Prefetch(next.block + 2 * i);
    ColumnSums sums(factors.start);
    for (int32_t row = 0; row < group.count; row += 2 * Pieces::kPairs) {
      const int32_t last = row + 2 * Pieces::kPairs < group.count ? row + 2 * Pieces::kPairs : group.count;
      AddPairs<Pieces>(group, factors, row, last, i / 32 * Pieces::kBytes, &sums);
    }
    Vec columns[kGroupVecs];
    for (int v = 0; v < 4; ++v) columns[v] = Mul(Set(factors.step), _mm256_cvtepi32_ps(sums.columns[v]));
    AddScaled<Shared>(group, i, columns, factors.total, y);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
