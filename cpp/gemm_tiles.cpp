// One tile of a dense product in bfloat16, computed by one thread. The vectors of all tokens are split into parts
// before, once for all tiles; a tile splits its weights kTileDepth deep, multiplies them with every panel of tokens,
// and goes on with the next depth while its sums stay in L2. Arithmetic bounds the time.
#include "gemm_tiles.h"

#include <cstring>

#include "dtype.h"
#include "gemm_panels.h"
#include "simd/tiles.h"

namespace coreinfer {
namespace {

// A panel of tokens of this depth and two parts is 64 KiB, the weights of 256 rows 512 KiB.
constexpr int32_t kTileDepth = 512;

// Two parts of a value keep 17 bits. Over a short depth their error could be seen beside that of F32 sums, and there is
// little to win.
constexpr int32_t kLeastDepth = 128;

// A tile's weights have at most eight panels, and the next panel of tokens comes while each of them is multiplied.
constexpr int32_t kAheadOfPart = static_cast<int32_t>(kPartBytes) / (kTileRows / kPanelRows);

constexpr int64_t kMostParts = 3;
constexpr int64_t kFloat = sizeof(float);

struct Parts {
  int32_t inputs;
  int32_t weights;

  bool any() const { return inputs > 0; }
};

constexpr Parts kNone = {0, 0};

const TileKernels& KernelsOf(const ci_context& c) { return c.tiles != nullptr ? *c.tiles : *c.bf16_vectors; }

// Vectors multiply bfloat16 twice as fast as F32, so that a second part would win nothing.
Parts PartsInVectors(int32_t dtype, int32_t activation_bits) {
  return activation_bits == 8 && (dtype == CI_F16 || dtype == CI_BF16) ? Parts{1, 1} : kNone;
}

// BF16 weights are exact in one part, F16 in two. Quantised ones come here with 8 bits only (gemm_digits.h).
Parts PartsOnTiles(int32_t dtype, int32_t activation_bits) {
  if (dtype == CI_F32) return {3, 3};
  if (activation_bits == 8) return {1, 1};
  return {2, dtype == CI_BF16 ? 1 : 2};
}

Parts PartsFor(const ci_context& c, int32_t dtype) {
  if (c.tiles != nullptr) return PartsOnTiles(dtype, c.activation_bits);
  return c.bf16_vectors == nullptr ? kNone : PartsInVectors(dtype, c.activation_bits);
}

int64_t Steps(int64_t depth) { return (depth + kStepDepth - 1) / kStepDepth; }
int64_t PanelBytes(int64_t depth, int64_t parts) { return Steps(depth) * parts * kPartBytes; }

constexpr int32_t kTakenRowsAhead = 24;  // no conversion gives them time

// Some depth of a tile's weights, and where they go.
struct WeightBlock {
  const Matrix& weight;
  const TileRange& tile;
  int32_t begin;  // of the depth
  int32_t depth;
  int32_t parts;
  uint8_t* panels;

  int64_t panel_bytes() const { return PanelBytes(depth, parts); }
};

// Whether weights become their one part without F32 in between.
bool IsTaken(const WeightBlock& block) {
  return block.parts == 1 && (block.weight.dtype == CI_F16 || block.weight.dtype == CI_BF16);
}

// Asks L2 for elements of a row of taken weights. Vectors have brought those of a tile's later depths there by now.
void PrefetchTaken(const ci_context& c, const WeightBlock& block, int64_t row, int64_t begin, int64_t end) {
  if (block.begin == 0 || c.tiles != nullptr) PrefetchElementsToL2(block.weight, row, begin, end);
}

void SplitRows(const ci_context& c, const WeightBlock& block) {
  const TileKernels& kernels = KernelsOf(c);
  float values[kTileDepth];
  if (block.tile.width() % kPanelRows != 0) {
    const int64_t bytes = block.panel_bytes();
    std::memset(block.panels + block.tile.width() / kPanelRows * bytes, 0, static_cast<size_t>(bytes));
  }
  for (int32_t r = 0; r < block.tile.width(); ++r) {
    const int32_t row = block.tile.begin + r;
    uint8_t* const out = LeftRow(block.panels, block.panel_bytes(), r);
    if (IsTaken(block)) {
      PrefetchTaken(c, block, row + kTakenRowsAhead, block.begin, block.begin + block.depth);
      kernels.take_left_row(block.weight.dtype, ElementOf(block.weight, row, block.begin), block.depth, out);
    } else {
      PrefetchElements(block.weight, row + kRowsAhead, block.begin, block.begin + block.depth);
      c.simd.dequantize(&block.weight, row, 1, block.begin, block.begin + block.depth, values, 0);
      kernels.split_left_row(values, block.depth, block.parts, out);
    }
  }
}

// Where a pair of rows begins in the first panel.
uint8_t* RightPair(const WeightBlock& block, int64_t k) {
  return block.panels + k / kStepDepth * block.parts * kPartBytes + k % kStepDepth / 2 * (kTileBytes / 16);
}

void TakeColumns(const ci_context& c, const WeightBlock& block) {
  for (int32_t k = 0; k < Steps(block.depth) * kStepDepth; k += 2) {
    const uint8_t* rows[2];
    for (int32_t i = 0; i < 2; ++i) {
      const int32_t row = block.begin + k + i;
      PrefetchTaken(c, block, row + kTakenRowsAhead, block.tile.begin, block.tile.end);
      rows[i] = k + i < block.depth ? ElementOf(block.weight, row, block.tile.begin) : nullptr;
    }
    KernelsOf(c).take_right_rows(block.weight.dtype, rows[0], rows[1], block.tile.width(), block.panel_bytes(),
                                 RightPair(block, k));
  }
}

void SplitColumns(const ci_context& c, const WeightBlock& block) {
  if (IsTaken(block)) return TakeColumns(c, block);
  float rows[kAlikeRows][kTileRows];
  const auto columns = static_cast<int32_t>(Panels(block.tile.width()) * kPanelRows);
  for (int32_t k = 0; k < Steps(block.depth) * kStepDepth; k += kAlikeRows) {
    DequantizeAlike(c, block.weight, block.begin + k, block.begin + block.depth, block.tile, rows);
    for (int32_t i = 0; i < kAlikeRows; i += 2) {
      KernelsOf(c).split_right_rows(rows[i], rows[i + 1], columns, block.parts, block.panel_bytes(),
                                    RightPair(block, k + i));
    }
  }
}

// One of `shares` shares of the rows that hold the next depth of a tile of plain weights.
Ahead NextWeights(const Inputs& inputs, const WeightBlock& block, int64_t share, int64_t shares) {
  const Matrix& weight = block.weight;
  const int32_t next = block.begin + block.depth;
  const int32_t depth = inputs.depth - next < kTileDepth ? inputs.depth - next : kTileDepth;
  if (depth == 0) return {};
  const bool by_rows = inputs.along == Along::kRows;
  const int64_t count = by_rows ? block.tile.width() : depth;
  const int64_t begin = count * share / shares;
  const int64_t end = count * (share + 1) / shares;
  const uint8_t* const first =
      by_rows ? ElementOf(weight, block.tile.begin + begin, next) : ElementOf(weight, next + begin, block.tile.begin);
  return {first, weight.row_bytes, static_cast<int32_t>(end - begin),
          static_cast<int32_t>(RowBytes(weight.dtype, by_rows ? depth : block.tile.width()))};
}

}  // namespace

bool UsesTiles(const ci_context& context, int32_t dtype, int32_t depth) {
  return depth >= kLeastDepth && PartsFor(context, dtype).any();
}

void SplitInputs(ci_context& context, const Matrix& weight, Inputs* inputs) {
  const Inputs& in = *inputs;
  inputs->parts = PartsFor(context, weight.dtype).inputs;
  const int64_t panel_bytes = PanelBytes(in.depth, in.parts);
  uint8_t* panels = context.shared_scratch.Reserve(Panels(in.tokens) * panel_bytes);
  inputs->panels = panels;
  // Half a panel at a time: its tokens are one of the two tiles of every part.
  ParallelRanges(context, in.tokens, kPanelRows / 2, [&](int64_t begin, int64_t end, int32_t) {
    const float* x = in.x + begin * in.depth;
    const auto count = static_cast<int32_t>(end - begin);
    if (in.along == Along::kRows) {
      KernelsOf(context).split_right_columns(x, in.depth, count, in.depth, in.parts,
                                             LeftRow(panels, panel_bytes, begin));
    } else {
      for (int64_t t = 0; t < count; ++t) {
        KernelsOf(context).split_left_row(x + t * in.depth, in.depth, in.parts,
                                          LeftRow(panels, panel_bytes, begin + t));
      }
    }
  });
}

int64_t TileScratchBytes(const Inputs& inputs) {
  const int64_t tokens = inputs.tokens < kTokenBlock ? inputs.tokens : kTokenBlock;
  const int64_t weight_panels = kTileRows / kPanelRows;
  return weight_panels * (PanelBytes(kTileDepth, kMostParts) + Panels(tokens) * kBlockFloats * kFloat);
}

void MultiplyOnTiles(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile,
                     float* y, int64_t y_stride, uint8_t* scratch) {
  const TileKernels& tiles = KernelsOf(context);
  const bool by_rows = inputs.along == Along::kRows;
  const int32_t weight_parts = PartsFor(context, weight.dtype).weights;
  const int64_t across = Panels(tile.width());
  const int64_t down = Panels(tile.tokens);
  const int64_t input_bytes = PanelBytes(inputs.depth, inputs.parts);
  const uint8_t* panels = inputs.panels + tile.first_token / kPanelRows * input_bytes;
  auto* sums = reinterpret_cast<float*>(scratch + kTileRows / kPanelRows * PanelBytes(kTileDepth, kMostParts));
  std::memset(sums, 0, static_cast<size_t>(across * down * kBlockFloats * kFloat));
  tiles.start();
  for (int32_t k = 0; k < inputs.depth; k += kTileDepth) {
    const int32_t depth = inputs.depth - k < kTileDepth ? inputs.depth - k : kTileDepth;
    const WeightBlock block{weight, tile, k, depth, weight_parts, scratch};
    by_rows ? SplitRows(context, block) : SplitColumns(context, block);
    const auto steps = static_cast<int32_t>(Steps(depth));
    for (int64_t t = 0; t < down; ++t) {
      const uint8_t* input = panels + t * input_bytes + int64_t{k / kStepDepth} * inputs.parts * kPartBytes;
      const uint8_t* next_input = input + (t + 1 < down ? input_bytes : 0);
      for (int64_t i = 0; i < across; ++i) {
        const uint8_t* weights = block.panels + i * block.panel_bytes();
        float* sum = sums + (t * across + i) * kBlockFloats;
        // Matrix registers are so fast that they would wait for the next panel of tokens, vectors for more weights
        // only.
        const int32_t share = steps * inputs.parts * kAheadOfPart;
        const Ahead ahead = context.tiles != nullptr ? Ahead{next_input + int64_t{i} * share, 0, 1, share}
                                                     : NextWeights(inputs, block, t * across + i, down * across);
        if (by_rows) {
          tiles.multiply(weights, weight_parts, input, inputs.parts, steps, sum, ahead);
        } else {
          tiles.multiply(input, inputs.parts, weights, weight_parts, steps, sum, ahead);
        }
      }
    }
  }
  tiles.stop();
  AddBlocks(by_rows ? tiles.add_block_transposed : tiles.add_block, tile, sums, y, y_stride);
}

}  // namespace coreinfer
