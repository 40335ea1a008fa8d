// The kernels of tiles.h for AVX-512 with products of bfloat16, of one part each: eight rows and two vectors of columns
// have their sums in registers, and a pair of a row's elements is multiplied with those of 32 columns. Arithmetic
// bounds the time.
#include "simd/tiles.inl"

namespace coreinfer {
namespace {

constexpr int kRowsTogether = 8;
constexpr int64_t kPairBytes = 4;
constexpr int64_t kTileFloats = 256;

void DoNothing() {}

__m512bh LoadColumns(const uint8_t* tile, int64_t pair) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(tile + pair * kRowBytes));
}

__m512bh BroadcastPair(const uint8_t* pair) {
  int32_t values;
  memcpy(&values, pair, sizeof(values));
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(values));
}

// Brings what is ahead to L2, in so many turns.
class Fetcher {
 public:
  Fetcher(const Ahead& ahead, int64_t turns)
      : ahead_(ahead), lines_of_turn_((int64_t{ahead.rows} * ((ahead.bytes + 63) / 64) + turns - 1) / turns) {}

  void FetchSome() {
    for (int64_t i = 0; i < lines_of_turn_ && row_ < ahead_.rows; ++i) {
      _mm_prefetch(ahead_.first + row_ * ahead_.stride + offset_, _MM_HINT_T1);
      offset_ += 64;
      if (offset_ < ahead_.bytes) continue;
      offset_ = 0;
      ++row_;
    }
  }

 private:
  const Ahead& ahead_;
  const int64_t lines_of_turn_;
  int64_t row_ = 0;
  int64_t offset_ = 0;
};

// `left` and `sums` are those of the first row.
void AddEightRows(const uint8_t* left, const uint8_t* right, int32_t steps, float* sums, Fetcher* fetcher) {
  __m512 sum[kRowsTogether][2];
#pragma GCC unroll 8
  for (int64_t r = 0; r < kRowsTogether; ++r) {
    sum[r][0] = _mm512_loadu_ps(sums + r * 16);
    sum[r][1] = _mm512_loadu_ps(sums + r * 16 + kTileFloats);
  }
  for (int32_t step = 0; step < steps; ++step, left += kPartBytes, right += kPartBytes) {
    fetcher->FetchSome();
    for (int64_t pair = 0; pair < kStepDepth / 2; ++pair) {
      const __m512bh columns[2] = {LoadColumns(right, pair), LoadColumns(right + kTileBytes, pair)};
#pragma GCC unroll 8
      for (int r = 0; r < kRowsTogether; ++r) {
        const __m512bh row = BroadcastPair(left + r * kRowBytes + pair * kPairBytes);
        sum[r][0] = _mm512_dpbf16_ps(sum[r][0], row, columns[0]);
        sum[r][1] = _mm512_dpbf16_ps(sum[r][1], row, columns[1]);
      }
    }
  }
#pragma GCC unroll 8
  for (int64_t r = 0; r < kRowsTogether; ++r) {
    _mm512_storeu_ps(sums + r * 16, sum[r][0]);
    _mm512_storeu_ps(sums + r * 16 + kTileFloats, sum[r][1]);
  }
}

void Multiply(const uint8_t* left, int32_t left_parts, const uint8_t* right, int32_t right_parts, int32_t steps,
              float* block, const Ahead& ahead) {
  if (left_parts != 1 || right_parts != 1) __builtin_trap();
  Fetcher fetcher(ahead, int64_t{steps} * (kPanelRows / kRowsTogether));
  for (int64_t r = 0; r < kPanelRows; r += kRowsTogether) {
    AddEightRows(left + r / 16 * kTileBytes + r % 16 * kRowBytes, right, steps,
                 block + r / 16 * 2 * kTileFloats + r % 16 * 16, &fetcher);
  }
}

constexpr TileKernels kTiles = {DoNothing,         DoNothing,          SplitLeftRow,  TakeLeftRow,
                                SplitRightColumns, SplitRightRows,     TakeRightRows, Multiply,
                                AddBlock,          AddBlockTransposed, nullptr};

}  // namespace

const TileKernels& Avx512Bf16Tiles() { return kTiles; }

}  // namespace coreinfer
