// The kernels of tiles.h for Intel's AMX: tiles 0 to 3 hold a block of sums, 4 and 5 the left operand, 6 and 7 the
// right one. Of the products of two parts each, three are taken with eight loads; the matrix unit bounds the time.
#include "simd/tiles.inl"
#include "simd/tiles_digits.h"

namespace coreinfer {
namespace {

struct TileShapes {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

// In memory: gcc takes the instruction for one that reads only its first bytes, and would leave out stores of the rest.
const TileShapes kShapes = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

void Start() { _tile_loadconfig(&kShapes); }

void Stop() { _tile_release(); }

// The four products of a part of each operand. An operand that the product before has left in its tiles is not loaded
// again; loads stand as late as they can, so that the matrix unit does not wait for all of them.
template <bool kLoadsLeft, bool kLoadsRight>
inline void AddProducts(const uint8_t* left, const uint8_t* right) {
  if (kLoadsLeft) _tile_loadd(4, left, kRowBytes);
  if (kLoadsRight) _tile_loadd(6, right, kRowBytes);
  _tile_dpbf16ps(0, 4, 6);
  if (kLoadsRight) _tile_loadd(7, right + kTileBytes, kRowBytes);
  _tile_dpbf16ps(1, 4, 7);
  if (kLoadsLeft) _tile_loadd(5, left + kTileBytes, kRowBytes);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

template <int kLeftParts, int kRightParts>
inline void AddStep(const uint8_t* left, const uint8_t* right) {
  if (kLeftParts == 1) {
    AddProducts<true, true>(left, right);
    if (kRightParts == 2) AddProducts<false, true>(left, right + kPartBytes);
  } else if (kLeftParts == 2) {
    AddProducts<true, true>(left + kPartBytes, right);
    AddProducts<true, false>(left, right);
    if (kRightParts == 2) AddProducts<false, true>(left, right + kPartBytes);
  } else {
    AddProducts<true, true>(left + 2 * kPartBytes, right);
    AddProducts<true, false>(left + kPartBytes, right);
    AddProducts<false, true>(left + kPartBytes, right + kPartBytes);
    AddProducts<true, false>(left, right + kPartBytes);
    AddProducts<false, true>(left, right);
    if (kRightParts == 3) AddProducts<false, true>(left, right + 2 * kPartBytes);
  }
}

template <int kLeftParts, int kRightParts>
void AddSteps(const uint8_t* left, const uint8_t* right, int32_t steps, float* block, const Ahead& ahead) {
  const uint8_t* next = ahead.first;
  const int64_t next_bytes = ahead.bytes / steps;
  auto* tiles = reinterpret_cast<uint8_t*>(block);
  _tile_loadd(0, tiles, kRowBytes);
  _tile_loadd(1, tiles + kTileBytes, kRowBytes);
  _tile_loadd(2, tiles + 2 * kTileBytes, kRowBytes);
  _tile_loadd(3, tiles + 3 * kTileBytes, kRowBytes);
  for (int32_t step = 0; step < steps; ++step) {
    AddStep<kLeftParts, kRightParts>(left, right);
    for (int64_t i = 0; i < next_bytes; i += 64) _mm_prefetch(next + i, _MM_HINT_T1);
    next += next_bytes;
    left += kLeftParts * kPartBytes;
    right += kRightParts * kPartBytes;
  }
  _tile_stored(0, tiles, kRowBytes);
  _tile_stored(1, tiles + kTileBytes, kRowBytes);
  _tile_stored(2, tiles + 2 * kTileBytes, kRowBytes);
  _tile_stored(3, tiles + 3 * kTileBytes, kRowBytes);
}

void Multiply(const uint8_t* left, int32_t left_parts, const uint8_t* right, int32_t right_parts, int32_t steps,
              float* block, const Ahead& ahead) {
  switch (10 * left_parts + right_parts) {
    case 11:
      return AddSteps<1, 1>(left, right, steps, block, ahead);
    case 12:
      return AddSteps<1, 2>(left, right, steps, block, ahead);
    case 21:
      return AddSteps<2, 1>(left, right, steps, block, ahead);
    case 22:
      return AddSteps<2, 2>(left, right, steps, block, ahead);
    case 32:
      return AddSteps<3, 2>(left, right, steps, block, ahead);
    case 33:
      return AddSteps<3, 3>(left, right, steps, block, ahead);
    default:
      __builtin_trap();
  }
}

}  // namespace

const TileKernels& AmxTiles() {
  static const TileKernels kTiles = {Start,           Stop,          SplitLeftRow, TakeLeftRow, SplitRightColumns,
                                     SplitRightRows,  TakeRightRows, Multiply,     AddBlock,    AddBlockTransposed,
                                     &AmxDigitTiles()};
  return kTiles;
}

}  // namespace coreinfer
