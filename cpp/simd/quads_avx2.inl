// Four down rows side by side, as packs have them (packed_down.inl), and their factors, for AVX2.
#pragma once

#include "simd/split_shared_rows_avx2.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Steps (packed_down.inl) that are taken at once.
template <int kTokens>
constexpr int kStepsWith = kTokens == 1 ? 2 : 1;

// a * b + c if `is_wanted`, else c.
inline Vec FmaWhere(bool is_wanted, Vec a, Vec b, Vec c) { return is_wanted ? Fma(a, b, c) : c; }

// Where the bytes of one to three rows, stored without room for a fourth, come from, in each lane of 16 bytes: they
// stand as those of four rows do, with zeros for the others.
struct RestTable {
  uint8_t spread[16];
  uint8_t squeezed[16];
};
constexpr RestTable RestTableOf(int32_t count) {
  constexpr int32_t kZero = 128;
  RestTable table{};
  for (int32_t i = 0; i < 16; ++i) {
    table.spread[i] = static_cast<uint8_t>(i % 4 < count ? i / 4 * count + i % 4 : kZero);
    table.squeezed[i] = static_cast<uint8_t>(i < 4 * count ? i / count * 4 + i % count : kZero);
  }
  return table;
}
constexpr RestTable kRestTables[] = {RestTableOf(0), RestTableOf(1), RestTableOf(2), RestTableOf(3)};

class RestRows {
 public:
  explicit RestRows(int32_t count) : table_(kRestTables[count]), lane_bytes_(int64_t{4} * count) {}

  // Reads up to 12 bytes behind those of the rows, where scales stand.
  __m256i Load(const uint8_t* squeezed) const {
    return _mm256_shuffle_epi8(LoadTwo(squeezed, lane_bytes_), _mm256_broadcastsi128_si256(Load16Bytes(table_.spread)));
  }

  void Store(__m256i rows, uint8_t* squeezed) const {
    alignas(32) uint8_t bytes[32];
    StoreBytes(bytes, _mm256_shuffle_epi8(rows, _mm256_broadcastsi128_si256(Load16Bytes(table_.squeezed))));
    for (int64_t lane = 0; lane < 2; ++lane) {
      memcpy(squeezed + lane * lane_bytes_, bytes + 16 * lane, static_cast<size_t>(lane_bytes_));
    }
  }

 private:
  const RestTable& table_;
  const int64_t lane_bytes_;
};

// The codes of four rows for 128 columns from `column` on, those of a column side by side; zeros behind column `end`.
template <class Pieces>
void ReadQuad(const uint8_t* const (&rows)[4], int64_t column, int64_t end, Codes (&pairs)[2][4]) {
  for (int64_t p = 0; p < 4; ++p) {
    if (column + 32 * p >= end) {
      for (auto& part : pairs) part[p] = {NoBytes(), NoBytes()};
      continue;
    }
    const int64_t at = (column / 32 + p) * Pieces::kBytes;
    __m256i v[4];
    for (int32_t r = 0; r < 4; ++r) v[r] = Pieces::Read(rows[r] + at);
    __m256i columns[4];
    Interleave(v, columns);
    for (int64_t part = 0; part < 2; ++part) pairs[part][p] = JoinHalves(columns[2 * part], columns[2 * part + 1]);
  }
}

// Factors of 0 change neither the step nor a sum, so it does not matter that they are not left out.
template <int32_t kMiddle>
bool PrepareGroup(const float* factors, int32_t count, bool opens_block, PackedGroup* group) {
  SplitFactors<kMiddle> split;
  if (!split.Split(factors, count)) return false;
  for (int64_t quad = 0; quad < 8; ++quad) split.StoreQuad(quad, group->digits[quad]);
  group->count = count;
  group->opens_block = opens_block;
  group->is_idle = split.step == 0.0f;
  group->start = split.start;
  group->step = split.step;
  group->sum = split.total;
  return true;
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
