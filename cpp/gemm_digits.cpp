// One tile of a dense product in digits, computed by one thread. Vectors are split before, once for all tiles; a tile
// splits its weights kDigitTileDepth deep, multiplies them with every panel of tokens, and goes on with the next depth
// while its sums stay in L2. Prompts of a few hundred tokens are bound by arithmetic, shorter ones by splitting.
#include "gemm_digits.h"

#include <cstring>

#include "dtype.h"
#include "gemm_panels.h"
#include "simd/tiles_digits.h"

namespace coreinfer {
namespace {

// Over a short depth rounding could be seen beside that of F32 sums, and there is little to win.
constexpr int32_t kLeastDepth = 128;

constexpr int64_t kFloat = sizeof(float);
constexpr int64_t kStepsBytes = kPanelRows * kFloat;
constexpr int64_t kWeightPanels = kTileRows / kPanelRows;
static_assert(kTileRows <= kMostDigitColumns, "");

int64_t Steps(int64_t depth) { return (depth + kDigitStepDepth - 1) / kDigitStepDepth; }

// A panel of at most kDigitTileDepth: its digits, then the steps of its rows or columns.
int64_t DigitBytes(int64_t depth) { return Steps(depth) * kDigitStepBytes; }
constexpr int64_t kPanelBytes = kDigitTileDepth / kDigitStepDepth * kDigitStepBytes + kStepsBytes;

float* StepsOf(uint8_t* panel, int64_t depth) { return reinterpret_cast<float*>(panel + DigitBytes(depth)); }
const float* StepsOf(const uint8_t* panel, int64_t depth) {
  return reinterpret_cast<const float*>(panel + DigitBytes(depth));
}

// The panels of the same tokens, one after another.
int64_t InputBytes(const Inputs& inputs) {
  return (int64_t{inputs.depth} + kDigitTileDepth - 1) / kDigitTileDepth * kPanelBytes;
}

int32_t DepthFrom(const Inputs& inputs, int32_t begin) {
  return inputs.depth - begin < kDigitTileDepth ? inputs.depth - begin : kDigitTileDepth;
}

// Some depth of a tile's weights, and the panels where they go.
struct WeightBlock {
  const Matrix& weight;
  const TileRange& tile;
  int32_t begin;  // of the depth
  int32_t depth;
  uint8_t* panels;
};

// What nobody writes where rows don't fill the last panel.
void ClearLastPanel(const WeightBlock& block) {
  const int64_t width = block.tile.width();
  if (width % kPanelRows == 0) return;
  std::memset(block.panels + width / kPanelRows * kPanelBytes, 0, static_cast<size_t>(kPanelBytes));
}

// The same where the depth doesn't fill the last step of each panel.
void ClearLastSteps(const WeightBlock& block) {
  if (block.depth % kDigitStepDepth == 0) return;
  for (int64_t i = 0; i < Panels(block.tile.width()); ++i) {
    std::memset(block.panels + i * kPanelBytes + DigitBytes(block.depth) - kDigitStepBytes, 0, kDigitStepBytes);
  }
}

// Rows of Q8_0 and Q4_0, a panel at a time.
void TakeRows(const ci_context& c, const WeightBlock& block) {
  const Matrix& weight = block.weight;
  uint8_t* panel = block.panels;
  for (int32_t row = block.tile.begin; row < block.tile.end; row += kPanelRows, panel += kPanelBytes) {
    const int32_t after = row + kPanelRows;
    const int32_t rows = after < block.tile.end ? kPanelRows : block.tile.end - row;
    const bool has_next = after + kPanelRows <= weight.rows;
    c.tiles->digits->take_left_rows(weight.dtype, ElementOf(weight, row, block.begin), weight.row_bytes, rows,
                                    block.depth, has_next ? ElementOf(weight, after, block.begin) : nullptr,
                                    StepsOf(panel, block.depth), panel);
  }
}

void SplitRows(const ci_context& c, const WeightBlock& block) {
  const Matrix& weight = block.weight;
  const int32_t end = block.begin + block.depth;
  float values[kDigitTileDepth];
  for (int32_t r = 0; r < block.tile.width(); ++r) {
    const int32_t row = block.tile.begin + r;
    uint8_t* const panel = block.panels + r / kPanelRows * kPanelBytes;
    PrefetchElements(weight, row + kRowsAhead, block.begin, end);
    c.simd.dequantize(&weight, row, 1, block.begin, end, values, 0);
    StepsOf(panel, block.depth)[r % kPanelRows] =
        c.tiles->digits->split_left_row(values, block.depth, LeftRow(block.panels, kPanelBytes, r));
  }
}

// Where rows begin in the first panel.
uint8_t* RightRows(const WeightBlock& block, int64_t k) {
  return block.panels + k / kDigitStepDepth * kDigitStepBytes + k % kDigitStepDepth / 4 * (kTileBytes / 16);
}

// Of a block's columns.
struct ColumnSteps {
  float largest[kTileRows];
  float per_one[kTileRows];
};

void FinishSteps(const ci_context& c, const WeightBlock& block, ColumnSteps* columns) {
  float steps[kTileRows];
  c.tiles->digits->steps_of(columns->largest, block.tile.width(), steps, columns->per_one);
  for (int64_t i = 0; i < block.tile.width(); i += kPanelRows) {
    std::memcpy(StepsOf(block.panels + i / kPanelRows * kPanelBytes, block.depth), steps + i, kStepsBytes);
  }
}

// Rows of Q8_0_SHARED and Q4_0_SHARED, whose scales alone tell the steps.
void TakeColumns(const ci_context& c, const WeightBlock& block) {
  const Matrix& weight = block.weight;
  const DigitTileKernels& digits = *c.tiles->digits;
  const TileRange& tile = block.tile;
  const auto scales_of = [&](int32_t k) {
    return SharedPlaceOf(weight, block.begin + k, 0).block + int64_t{2} * tile.begin;
  };
  ColumnSteps columns = {};
  for (int32_t k = 0; k < block.depth; k += kGroupSize) {
    digits.raise_largest_scaled(weight.dtype, scales_of(k), tile.width(), columns.largest);
  }
  FinishSteps(c, block, &columns);
  ClearLastSteps(block);
  for (int32_t k = 0; k < block.depth; k += kGroupSize) {
    const int32_t row = block.begin + k;
    for (int32_t i = 0; i < kGroupSize; ++i) PrefetchElements(weight, row + kGroupSize + i, tile.begin, tile.end);
    const SharedPlace place = SharedPlaceOf(weight, row, tile.begin);
    digits.take_right_rows(weight.dtype, scales_of(k), place.elements, place.row_bytes, columns.per_one, tile.width(),
                           kPanelBytes, RightRows(block, k));
  }
}

// Others are dequantised twice: the largest of all rows tells the steps.
void SplitColumns(const ci_context& c, const WeightBlock& block) {
  const DigitTileKernels& digits = *c.tiles->digits;
  const int32_t width = block.tile.width();
  float rows[kAlikeRows][kTileRows];
  const auto dequantize = [&](int32_t k) {
    DequantizeAlike(c, block.weight, block.begin + k, block.begin + block.depth, block.tile, rows);
  };
  ColumnSteps columns = {};
  for (int32_t k = 0; k < block.depth; k += kAlikeRows) {
    dequantize(k);
    for (const float(&row)[kTileRows] : rows) digits.raise_largest(row, width, columns.largest);
  }
  FinishSteps(c, block, &columns);
  for (int32_t k = 0; k < Steps(block.depth) * kDigitStepDepth; k += kAlikeRows) {
    dequantize(k);
    for (int32_t i = 0; i < kAlikeRows; i += 4) {
      digits.split_right_rows(rows[i], kTileRows, columns.per_one, width, kPanelBytes, RightRows(block, k + i));
    }
  }
}

void SplitWeights(const ci_context& c, const WeightBlock& block, Along along) {
  const int32_t dtype = block.weight.dtype;
  if (along == Along::kRows) {
    ClearLastPanel(block);
    return dtype == CI_Q8_0 || dtype == CI_Q4_0 ? TakeRows(c, block) : SplitRows(c, block);
  }
  const bool is_taken = dtype == CI_Q8_0_SHARED || dtype == CI_Q4_0_SHARED;
  return is_taken ? TakeColumns(c, block) : SplitColumns(c, block);
}

// One panel of inputs times all of a tile's weights, `depth` deep. The next inputs come meanwhile.
void MultiplyPanel(const DigitTileKernels& digits, const uint8_t* input, const uint8_t* next, const uint8_t* weights,
                   int64_t across, int32_t depth, Along along, float* sums) {
  const auto steps = static_cast<int32_t>(Steps(depth));
  const int32_t share = steps * static_cast<int32_t>(kDigitStepBytes / kWeightPanels);
  for (int64_t i = 0; i < across; ++i, weights += kPanelBytes, sums += kBlockFloats) {
    const Ahead ahead{next + i * share, 0, 1, share};
    if (along == Along::kRows) {
      digits.multiply(weights, StepsOf(weights, depth), input, StepsOf(input, depth), steps, sums, ahead);
    } else {
      digits.multiply(input, StepsOf(input, depth), weights, StepsOf(weights, depth), steps, sums, ahead);
    }
  }
}

}  // namespace

bool UsesDigits(const ci_context& context, int32_t dtype, int32_t depth) {
  return context.tiles != nullptr && context.tiles->digits != nullptr && IsGrouped(dtype) && depth >= kLeastDepth &&
         context.activation_bits == 16;
}

void SplitInputsIntoDigits(ci_context& context, Inputs* inputs) {
  const Inputs& in = *inputs;
  const DigitTileKernels& digits = *context.tiles->digits;
  uint8_t* const panels = context.shared_scratch.Reserve(Panels(in.tokens) * InputBytes(in));
  inputs->panels = panels;
  // Half a panel at a time: its tokens are one of the two tiles of every digit.
  ParallelRanges(context, in.tokens, kPanelRows / 2, [&](int64_t begin, int64_t end, int32_t) {
    uint8_t* block = panels;
    for (int32_t k = 0; k < in.depth; k += kDigitTileDepth, block += kPanelBytes) {
      const float* x = in.x + begin * in.depth + k;
      const int32_t depth = DepthFrom(in, k);
      float* const steps = StepsOf(block + begin / kPanelRows * InputBytes(in), depth) + begin % kPanelRows;
      if (in.along == Along::kRows) {
        digits.split_right_columns(x, in.depth, static_cast<int32_t>(end - begin), depth, steps,
                                   LeftRow(block, InputBytes(in), begin));
      } else {
        for (int64_t t = 0; t < end - begin; ++t) {
          steps[t] = digits.split_left_row(x + t * in.depth, depth, LeftRow(block, InputBytes(in), begin + t));
        }
      }
    }
  });
}

int64_t DigitScratchBytes(const Inputs& inputs) {
  const int64_t tokens = inputs.tokens < kTokenBlock ? inputs.tokens : kTokenBlock;
  return kWeightPanels * (kPanelBytes + Panels(tokens) * kBlockFloats * kFloat);
}

void MultiplyDigits(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile,
                    float* y, int64_t y_stride, uint8_t* scratch) {
  const TileKernels& tiles = *context.tiles;
  const int64_t across = Panels(tile.width());
  const int64_t down = Panels(tile.tokens);
  const uint8_t* panels = inputs.panels + tile.first_token / kPanelRows * InputBytes(inputs);
  auto* const sums = reinterpret_cast<float*>(scratch + kWeightPanels * kPanelBytes);
  std::memset(sums, 0, static_cast<size_t>(across * down * kBlockFloats * kFloat));
  tiles.start();
  for (int32_t k = 0; k < inputs.depth; k += kDigitTileDepth, panels += kPanelBytes) {
    const int32_t depth = DepthFrom(inputs, k);
    SplitWeights(context, {weight, tile, k, depth, scratch}, inputs.along);
    for (int64_t t = 0; t < down; ++t) {
      const uint8_t* input = panels + t * InputBytes(inputs);
      const uint8_t* next = input + (t + 1 < down ? InputBytes(inputs) : 0);
      MultiplyPanel(*tiles.digits, input, next, scratch, across, depth, inputs.along, sums + t * across * kBlockFloats);
    }
  }
  tiles.stop();
  AddBlocks(inputs.along == Along::kRows ? tiles.add_block_transposed : tiles.add_block, tile, sums, y, y_stride);
}

}  // namespace coreinfer
