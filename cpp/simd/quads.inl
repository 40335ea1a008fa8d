// Four down rows side by side, as packs have them (packed_down.inl), and their factors, for AVX-512 VNNI.
#pragma once

#include "simd/split_shared_rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Steps (packed_down.inl) that are taken at once.
template <int kTokens>
constexpr int kStepsWith = 4 / (kTokens < 3 ? kTokens : 4);

// a * b + c if `is_wanted`, else c.
inline Vec FmaWhere(bool is_wanted, Vec a, Vec b, Vec c) {
  return _mm512_mask3_fmadd_ps(a, b, c, static_cast<__mmask16>(is_wanted ? -1 : 0));
}

// Where the bytes of one to three rows, stored without room for a fourth, come from: a shuffle of lanes, and one of the
// bytes of each four lanes. Spread, they stand as those of four rows do, with zeros for the others.
struct RestTable {
  int32_t spread_lanes[16];
  uint8_t spread_bytes[16];
  uint8_t squeezed_bytes[16];
  int32_t squeezed_lanes[16];
};
constexpr RestTable RestTableOf(int32_t count) {
  constexpr int32_t kZero = 128;
  RestTable table{};
  for (int32_t i = 0; i < 16; ++i) {
    const bool is_stored = i < 4 * count;
    table.spread_lanes[i] = i / 4 * count + (i % 4 < count ? i % 4 : 0);
    table.spread_bytes[i] = static_cast<uint8_t>(i % 4 < count ? i / 4 * count + i % 4 : kZero);
    table.squeezed_bytes[i] = static_cast<uint8_t>(is_stored ? i / count * 4 + i % count : kZero);
    table.squeezed_lanes[i] = is_stored ? i / count * 4 + i % count : 0;
  }
  return table;
}
constexpr RestTable kRestTables[] = {RestTableOf(0), RestTableOf(1), RestTableOf(2), RestTableOf(3)};

class RestRows {
 public:
  explicit RestRows(int32_t count)
      : table_(kRestTables[count]), stored_(static_cast<__mmask16>((1 << 4 * count) - 1)) {}

  __m512i Load(const uint8_t* squeezed) const {
    const __m512i lanes =
        _mm512_permutexvar_epi32(_mm512_loadu_si512(table_.spread_lanes), _mm512_maskz_loadu_epi32(stored_, squeezed));
    return _mm512_shuffle_epi8(lanes, _mm512_broadcast_i32x4(Load16Bytes(table_.spread_bytes)));
  }

  void Store(__m512i rows, uint8_t* squeezed) const {
    const __m512i bytes = _mm512_shuffle_epi8(rows, _mm512_broadcast_i32x4(Load16Bytes(table_.squeezed_bytes)));
    const __m512i lanes = _mm512_permutexvar_epi32(_mm512_loadu_si512(table_.squeezed_lanes), bytes);
    _mm512_mask_storeu_epi32(squeezed, stored_, lanes);
  }

 private:
  const RestTable& table_;
  const __mmask16 stored_;
};

// The codes of four rows for 128 columns from `column` on, those of a column side by side.
template <class Pieces>
void ReadQuad(const uint8_t* const (&rows)[4], int64_t column, int64_t end, Codes (&pairs)[1][4]) {
  __m512i first[4];
  __m512i second[4];
  for (int32_t r = 0; r < 4; ++r) {
    const Codes codes = ReadPieces<Pieces>(rows[r], column, end);
    first[r] = codes.first;
    second[r] = codes.second;
  }
  __m512i low[4];
  __m512i high[4];
  OrderColumns(first, low);
  OrderColumns(second, high);
  for (int p = 0; p < 4; ++p) pairs[0][p] = {low[p], high[p]};
}

// The bytes of a digit of sixteen factors, four at a time, beside those of the next digit.
inline void StoreQuads(__m512i integers, int32_t (*digits)[2]) {
  const __m128i low = _mm512_cvtepi32_epi8(integers);
  const __m128i high = kDigits == 1 ? low : _mm512_cvtepi32_epi8(NextDigits(integers));
  auto* const target = reinterpret_cast<__m128i*>(digits);
  _mm_storeu_si128(target, _mm_unpacklo_epi32(high, low));
  _mm_storeu_si128(target + 1, _mm_unpackhi_epi32(high, low));
}

// Factors of 0 change neither the step nor a sum, so it does not matter that they are not left out.
template <int32_t kMiddle>
bool PrepareGroup(const float* factors, int32_t count, bool opens_block, PackedGroup* group) {
  const uint32_t listed = ~uint32_t{0} >> (32 - count);
  const GroupIntegers integers(_mm512_maskz_loadu_ps(static_cast<__mmask16>(listed), factors),
                               _mm512_maskz_loadu_ps(static_cast<__mmask16>(listed >> 16), factors + 16));
  if (!integers.steps.are_known) return false;
  StoreQuads(integers.first, group->digits);
  StoreQuads(integers.second, group->digits + 4);
  group->count = count;
  group->opens_block = opens_block;
  group->is_idle = integers.steps.step == 0.0f;
  const int32_t sum = _mm512_reduce_add_epi32(_mm512_add_epi32(integers.first, integers.second));
  group->start = -kMiddle * sum;
  group->step = integers.steps.step;
  group->sum = static_cast<float>(sum) * integers.steps.step;
  return true;
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
