// The kernels of tiles_digits.h for Intel's AMX. Sums of upper digits' products and of the mixed ones need four tiles
// each, so a block's depth is read twice, and each product takes one load. Tiles are laid out as in tiles_amx.cpp.
#include <string.h>

#include "coreinfer/types.h"
#include "simd/tile_rows.inl"
#include "simd/tiles_digits.h"

namespace coreinfer {
namespace {

constexpr float kMostSteps = 127 * 256 + 127;

// Rows of smaller numbers are zeros.
constexpr float kLeast = 0x1p-100f;

float StepOf(float largest) { return largest < kLeast ? 0.0f : largest / kMostSteps; }
float PerOne(float largest) { return largest < kLeast ? 0.0f : kMostSteps / largest; }

// As integers magnitudes are in order, and NaN is the largest.
__m512i Magnitudes(__m512 x) { return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff)); }

float AsFloat(int32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

// 64 values of a row as digits.
struct Digits {
  __m512i upper;
  __m512i lower;
};

// From words: first[0..31], then second. Packing works in lanes of 16 bytes, whose order `order` mends.
Digits DigitsOf(__m512i first, __m512i second, __m512i order) {
  const __m512i half = _mm512_set1_epi16(128);
  const __m512i low = _mm512_set1_epi16(255);
  const __m512i upper = _mm512_packs_epi16(_mm512_srai_epi16(_mm512_add_epi16(first, half), 8),
                                           _mm512_srai_epi16(_mm512_add_epi16(second, half), 8));
  const __m512i lower = _mm512_packus_epi16(_mm512_and_si512(first, low), _mm512_and_si512(second, low));
  return {_mm512_permutexvar_epi32(order, upper), _mm512_permutexvar_epi32(order, lower)};
}

Digits DigitsOfWords(__m512i first, __m512i second) {
  return DigitsOf(first, second, _mm512_set_epi32(15, 14, 11, 10, 7, 6, 3, 2, 13, 12, 9, 8, 5, 4, 1, 0));
}

// Of 16 values, at most so many; the others are zeros.
__m512i StepsOf(const float* x, int32_t count, __m512 per_one) {
  return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_loadu_ps(FirstLanes(count), x), per_one));
}

Digits DigitsOfFloats(const float* x, int32_t count, __m512 per_one) {
  const __m512i first = _mm512_packs_epi32(StepsOf(x, count, per_one), StepsOf(x + 16, count - 16, per_one));
  const __m512i second = _mm512_packs_epi32(StepsOf(x + 32, count - 32, per_one), StepsOf(x + 48, count - 48, per_one));
  return DigitsOf(first, second, _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0));
}

float LargestOf(const float* x, int32_t count) {
  __m512i largest = _mm512_setzero_si512();
  for (int32_t i = 0; i < count; i += 16) {
    largest = _mm512_max_epi32(largest, Magnitudes(_mm512_maskz_loadu_ps(FirstLanes(count - i), x + i)));
  }
  return AsFloat(_mm512_reduce_max_epi32(largest));
}

void StoreDigits(const Digits& digits, uint8_t* out) {
  _mm512_storeu_si512(out, digits.upper);
  _mm512_storeu_si512(out + kPartBytes, digits.lower);
}

float SplitLeftRow(const float* x, int32_t depth, uint8_t* out) {
  const float largest = LargestOf(x, depth);
  const __m512 per_one = _mm512_set1_ps(PerOne(largest));
  for (int32_t k = 0; k < depth; k += kDigitStepDepth, out += kDigitStepBytes) {
    StoreDigits(DigitsOfFloats(x + k, depth - k, per_one), out);
  }
  return StepOf(largest);
}

void SplitRightColumns(const float* x, int64_t stride, int32_t columns, int32_t depth, float* steps, uint8_t* out) {
  float per_one[16];
  for (int32_t i = 0; i < columns; ++i) {
    const float largest = LargestOf(x + i * stride, depth);
    steps[i] = StepOf(largest);
    per_one[i] = PerOne(largest);
  }
  for (int32_t k = 0; k < depth; k += kDigitStepDepth, out += kDigitStepBytes) {
    __m512i upper[16] = {};
    __m512i lower[16] = {};
    for (int32_t i = 0; i < columns; ++i) {
      const Digits digits = DigitsOfFloats(x + i * stride + k, depth - k, _mm512_set1_ps(per_one[i]));
      upper[i] = digits.upper;
      lower[i] = digits.lower;
    }
    Transpose(upper);
    Transpose(lower);
    for (int64_t i = 0; i < 16; ++i) StoreDigits({upper[i], lower[i]}, out + i * kRowBytes);
  }
}

// Formats whose words are a code times a whole scale, rounded once. With a code in the upper bits of a word, mulhrs
// gives their product over the largest magnitude of a code, which scales therefore have in them.
struct Q8 {
  static constexpr int64_t kBytes = 32;  // of 32 codes
  static constexpr int64_t kBlockBytes = 34;
  static constexpr float kMostCode = 128;

  static __m512i ShiftedCodes(const uint8_t* codes) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    return _mm512_slli_epi16(_mm512_cvtepu8_epi16(bytes), 8);
  }
};

struct Q4 {
  static constexpr int64_t kBytes = 16;
  static constexpr int64_t kBlockBytes = 18;
  static constexpr float kMostCode = 8;

  // The first nibble of each byte becomes a word, then the second of each. Without its middle, 8, a code is a signed
  // nibble but for its highest bit.
  static __m512i ShiftedCodes(const uint8_t* codes) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes));
    const __m512i twice = _mm512_cvtepu8_epi16(_mm256_broadcastsi128_si256(bytes));
    const __m512i shifts = _mm512_inserti64x4(_mm512_set1_epi16(12), _mm256_set1_epi16(8), 1);
    const __m512i first = _mm512_set1_epi16(static_cast<int16_t>(0xf000));
    const __m512i middle = _mm512_set1_epi16(static_cast<int16_t>(0x8000));
    return _mm512_xor_si512(_mm512_and_si512(_mm512_sllv_epi16(twice, shifts), first), middle);
  }
};

__m512 LoadHalves(const uint8_t* halves) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
}

// What multiplies the codes of 16 columns or groups.
template <class Format>
__m512i WholeScales(__m512 scales, __m512 per_one) {
  return _mm512_cvtps_epi32(_mm512_mul_ps(scales, _mm512_mul_ps(per_one, _mm512_set1_ps(Format::kMostCode))));
}

constexpr int32_t kMostGroups = kDigitTileDepth / 32;

// What multiplies the codes of a row's groups, each a word twice in 32 bits.
template <class Format>
float WholeScalesOfRow(const uint8_t* row, int64_t groups, int32_t* twice) {
  alignas(32) uint16_t halves[kMostGroups] = {};
  for (int64_t g = 0; g < groups; ++g) memcpy(halves + g, row + g * Format::kBlockBytes, sizeof(uint16_t));
  const __m512 scales = LoadHalves(reinterpret_cast<const uint8_t*>(halves));
  const float largest = Format::kMostCode * AsFloat(_mm512_reduce_max_epi32(Magnitudes(scales)));
  const __m512i whole = WholeScales<Format>(scales, _mm512_set1_ps(PerOne(largest)));
  const __m512i low = _mm512_and_si512(whole, _mm512_set1_epi32(0xffff));
  _mm512_store_si512(twice, _mm512_or_si512(low, _mm512_slli_epi32(whole, 16)));
  return StepOf(largest);
}

template <class Format>
void TakeLeft(const uint8_t* first, int64_t row_bytes, int32_t rows, int32_t depth, const uint8_t* next, float* steps,
              uint8_t* panel) {
  const int64_t groups = depth / 32;
  alignas(64) int32_t twice[kPanelRows][kMostGroups];
  // Of all rows first: they take long chains of operations, and one row's fill the gaps of another's.
  for (int64_t r = 0; r < rows; ++r) steps[r] = WholeScalesOfRow<Format>(first + r * row_bytes, groups, twice[r]);
  for (int64_t r = 0; r < rows; ++r, first += row_bytes) {
    const auto words = [&](int64_t g) {
      return _mm512_mulhrs_epi16(Format::ShiftedCodes(first + g * Format::kBlockBytes + 2),
                                 _mm512_set1_epi32(twice[r][g]));
    };
    uint8_t* out = panel + r / 16 * kTileBytes + r % 16 * kRowBytes;
#pragma GCC unroll 1
    for (int64_t g = 0; g + 2 <= groups; g += 2, out += kDigitStepBytes) {
      StoreDigits(DigitsOfWords(words(g), words(g + 1)), out);
    }
    if (groups % 2 != 0) StoreDigits(DigitsOfWords(words(groups - 1), _mm512_setzero_si512()), out);
    if (next == nullptr) continue;
    for (int64_t i = 0; i < groups * Format::kBlockBytes; i += 64) _mm_prefetch(next + r * row_bytes + i, _MM_HINT_T0);
  }
}

void TakeLeftRows(int32_t dtype, const uint8_t* first, int64_t row_bytes, int32_t rows, int32_t depth,
                  const uint8_t* next, float* steps, uint8_t* panel) {
  const auto take = dtype == CI_Q4_0 ? TakeLeft<Q4> : TakeLeft<Q8>;
  take(first, row_bytes, rows, depth, next, steps, panel);
}

void RaiseTo(float* largest, __m512 values) {
  _mm512_storeu_si512(largest, _mm512_max_epi32(_mm512_loadu_si512(largest), Magnitudes(values)));
}

void RaiseLargest(const float* row, int32_t columns, float* largest) {
  for (int32_t i = 0; i < columns; i += 16) RaiseTo(largest + i, _mm512_loadu_ps(row + i));
}

void RaiseLargestScaled(int32_t dtype, const uint8_t* scales, int32_t columns, float* largest) {
  const float codes = dtype == CI_Q4_0_SHARED ? Q4::kMostCode : Q8::kMostCode;
  for (int32_t i = 0; i < columns; i += 16) {
    RaiseTo(largest + i, _mm512_mul_ps(LoadHalves(scales + int64_t{2} * i), _mm512_set1_ps(codes)));
  }
}

void StepsOfColumns(const float* largest, int32_t columns, float* steps, float* per_one) {
  for (int32_t i = 0; i < columns; ++i) {
    steps[i] = StepOf(largest[i]);
    per_one[i] = PerOne(largest[i]);
  }
}

// Words of 32 columns, the first 16 and the others.
__m512i JoinWords(__m512i first, __m512i second) {
  return _mm512_permutexvar_epi64(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), _mm512_packs_epi32(first, second));
}

// Words of four rows for each of 32 columns.
void StoreDigitsOfRows(const __m512i (&words)[4], uint8_t* out) {
  const __m512i low = _mm512_set1_epi16(255);
  const __m512i half = _mm512_set1_epi16(128);
  __m512i upper[2];
  __m512i lower[2];
  for (int64_t i = 0; i < 2; ++i) {
    const __m512i even = words[2 * i];
    const __m512i odd = words[2 * i + 1];
    lower[i] = _mm512_or_si512(_mm512_and_si512(even, low), _mm512_slli_epi16(odd, 8));
    upper[i] = _mm512_or_si512(_mm512_srli_epi16(_mm512_add_epi16(even, half), 8),
                               _mm512_andnot_si512(low, _mm512_add_epi16(odd, half)));
  }
  StorePairs(upper[0], upper[1], out);
  StorePairs(lower[0], lower[1], out + kPartBytes);
}

void SplitRightRows(const float* rows, int64_t stride, const float* per_one, int32_t columns, int64_t panel_bytes,
                    uint8_t* out) {
  for (int64_t i = 0; i < columns; i += kPanelRows, out += panel_bytes) {
    __m512i words[4];
    for (int64_t j = 0; j < 4; ++j) {
      const float* const row = rows + j * stride + i;
      words[j] = JoinWords(StepsOf(row, 16, _mm512_loadu_ps(per_one + i)),
                           StepsOf(row + 16, 16, _mm512_loadu_ps(per_one + i + 16)));
    }
    StoreDigitsOfRows(words, out);
  }
}

template <class Format>
void TakeRight(const uint8_t* scales, const uint8_t* rows, int64_t row_bytes, const float* per_one, int32_t columns,
               int64_t panel_bytes, uint8_t* out) {
  __m512i whole[kMostDigitColumns / kPanelRows];
  for (int64_t i = 0; i < columns; i += kPanelRows) {
    const auto part = [&](int64_t at) {
      return WholeScales<Format>(LoadHalves(scales + 2 * at), _mm512_loadu_ps(per_one + at));
    };
    whole[i / kPanelRows] = JoinWords(part(i), part(i + 16));
  }
  for (int64_t k = 0; k < 32; k += 4, rows += 4 * row_bytes, out += kRowBytes) {
    for (int64_t panel = 0; panel < columns / kPanelRows; ++panel) {
      __m512i words[4];
      for (int64_t j = 0; j < 4; ++j) {
        const __m512i codes = Format::ShiftedCodes(rows + j * row_bytes + panel * Format::kBytes);
        words[j] = _mm512_mulhrs_epi16(codes, whole[panel]);
      }
      StoreDigitsOfRows(words, out + panel * panel_bytes);
    }
  }
}

void TakeRightRows(int32_t dtype, const uint8_t* scales, const uint8_t* rows, int64_t row_bytes, const float* per_one,
                   int32_t columns, int64_t panel_bytes, uint8_t* out) {
  const auto take = dtype == CI_Q4_0_SHARED ? TakeRight<Q4> : TakeRight<Q8>;
  take(scales, rows, row_bytes, per_one, columns, panel_bytes, out);
}

// The four products of a digit of each operand.
inline void AddProducts(const uint8_t* left, const uint8_t* right) {
  _tile_loadd(4, left, kRowBytes);
  _tile_loadd(6, right, kRowBytes);
  _tile_dpbssd(0, 4, 6);
  _tile_loadd(7, right + kTileBytes, kRowBytes);
  _tile_dpbssd(1, 4, 7);
  _tile_loadd(5, left + kTileBytes, kRowBytes);
  _tile_dpbssd(2, 5, 6);
  _tile_dpbssd(3, 5, 7);
}

inline void StartSums() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

inline void StoreSums(int32_t* sums) {
  _tile_stored(0, sums, kRowBytes);
  _tile_stored(1, sums + 256, kRowBytes);
  _tile_stored(2, sums + 512, kRowBytes);
  _tile_stored(3, sums + 768, kRowBytes);
}

// block[i][j] += (65536 upper + 256 mixed) times the steps of row i and of column j.
void AddSums(const int32_t* upper, const int32_t* mixed, const float* left_steps, const float* right_steps,
             float* block) {
  const __m512 base = _mm512_set1_ps(256);
  const __m512 column_steps[2] = {_mm512_mul_ps(base, _mm512_loadu_ps(right_steps)),
                                  _mm512_mul_ps(base, _mm512_loadu_ps(right_steps + 16))};
  for (int64_t i = 0; i < kBlockFloats; i += 16) {
    const __m512 sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(upper + i)), base,
                                       _mm512_cvtepi32_ps(_mm512_load_si512(mixed + i)));
    const __m512 row_step = _mm512_set1_ps(left_steps[i / 512 * 16 + i / 16 % 16]);
    const __m512 rows = _mm512_mul_ps(sum, row_step);
    _mm512_storeu_ps(block + i, _mm512_fmadd_ps(rows, column_steps[i / 256 % 2], _mm512_loadu_ps(block + i)));
  }
}

void Multiply(const uint8_t* left, const float* left_steps, const uint8_t* right, const float* right_steps,
              int32_t steps, float* block, const Ahead& ahead) {
  alignas(64) int32_t upper[kBlockFloats];
  alignas(64) int32_t mixed[kBlockFloats];
  const uint8_t* next = ahead.first;
  const int64_t next_bytes = ahead.bytes / steps;
  StartSums();
  for (int64_t step = 0; step < steps; ++step) {
    AddProducts(left + step * kDigitStepBytes, right + step * kDigitStepBytes);
  }
  StoreSums(upper);
  StartSums();
  for (int64_t step = 0; step < steps; ++step, left += kDigitStepBytes, right += kDigitStepBytes) {
    AddProducts(left, right + kPartBytes);
    AddProducts(left + kPartBytes, right);
    for (int64_t i = 0; i < next_bytes; i += 64) _mm_prefetch(next + i, _MM_HINT_T1);
    next += next_bytes;
  }
  StoreSums(mixed);
  AddSums(upper, mixed, left_steps, right_steps, block);
}

constexpr DigitTileKernels kKernels = {SplitLeftRow,   TakeLeftRows,       SplitRightColumns,
                                       RaiseLargest,   RaiseLargestScaled, StepsOfColumns,
                                       SplitRightRows, TakeRightRows,      Multiply};

}  // namespace

const DigitTileKernels& AmxDigitTiles() { return kKernels; }

}  // namespace coreinfer
