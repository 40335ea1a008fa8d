// One tile of a dense product in integers, computed by one thread: pack as many weights as the cache holds, multiply
// them with four tokens after another, go on with the next weights. Products of bytes bound the time.
#include "gemm_packs.h"

#include "core_list.h"
#include "dtype.h"
#include "packs.h"

namespace coreinfer {
namespace {

// Tokens that decode's kernels multiply together.
constexpr int32_t kTogether = 4;

// Of packed weights, beside which the second level cache holds vectors.
constexpr int64_t kPackedBytes = int64_t{256} * 1024;

int64_t RowPacksTogether(int64_t pack_bytes) {
  const int64_t packs = kPackedBytes / pack_bytes;
  return packs < 1 ? 1 : packs;
}

// Calls body(first, count) for every run of a tile's tokens whose vectors are integers, at most kTogether of those that
// stand together in memory.
template <class Body>
void ForSplitTokens(const SplitTokens& split, const TileRange& tile, const Body& body) {
  const int32_t end = tile.first_token + tile.tokens;
  for (int32_t t = tile.first_token; t < end;) {
    const int32_t last = t / kTogether * kTogether + kTogether < end ? t / kTogether * kTogether + kTogether : end;
    int32_t count = 0;
    while (t + count < last && split.is_split[t + count] != 0) ++count;
    if (count > 0) body(t, count);
    t += count > 0 ? count : 1;
  }
}

// Packs rows begin..end-1, and those behind them that their last pack has room for.
void PackRows(const RowPack& pack, const Matrix& weight, int64_t begin, int64_t end, uint8_t* packed) {
  const CoreList all{nullptr, weight.rows, nullptr};
  const int64_t pack_bytes = RowPackBytes(pack, weight.columns);
  for (int64_t first = begin; first < end; first += kPackedRows, packed += pack_bytes) {
    const PackSource now(weight, nullptr, all, first);
    const PackSource next(weight, nullptr, all, first + kPackedRows);
    pack.pack(now.rows, next.rows, weight.columns, true, packed);
  }
}

void MultiplyRows(const ci_context& c, const Matrix& weight, const Inputs& inputs, const TileRange& tile, float* y,
                  int64_t y_stride, uint8_t* packed) {
  const RowPack& pack = *RowPackOf(c, weight.dtype);
  const int64_t pack_bytes = RowPackBytes(pack, weight.columns);
  const int64_t units_of_token = UnitsOf(weight.columns);
  const int64_t step = RowPacksTogether(pack_bytes) * kPackedRows;
  for (int64_t begin = tile.begin; begin < tile.end; begin += step) {
    const int64_t end = begin + step < tile.end ? begin + step : tile.end;
    const int64_t packs = DivideUp(end - begin, kPackedRows);
    PackRows(pack, weight, begin, end, packed);
    ForSplitTokens(inputs.split, tile, [&](int32_t first, int32_t tokens) {
      const SplitUnit* units[kTogether];
      for (int32_t t = 0; t < tokens; ++t) units[t] = inputs.split.units + (first + t) * units_of_token;
      float* const out = y + (first - tile.first_token) * y_stride + (begin - tile.begin);
      for (int64_t p = 0; p < packs; ++p) {
        float dots[kTogether * kPackedRows];
        pack.dot(packed + p * pack_bytes, units, tokens, weight.columns, 0, dots);
        const int64_t row = p * kPackedRows;
        const int64_t count = end - begin - row < kPackedRows ? end - begin - row : kPackedRows;
        for (int64_t t = 0; t < tokens; ++t) c.simd.add(dots + t * kPackedRows, count, out + t * y_stride + row);
      }
    });
  }
}

// The groups of rows that have the same scales, and those of a block.
int64_t GroupsOf(const Matrix& down) { return MostGroups(down, down.rows); }

int64_t GroupsOfBlock(const Matrix& down) {
  const SharedLayout layout = SharedLayoutOf(down.dtype);
  return layout.rows / layout.scale_rows;
}

int64_t RowsOfGroup(const Matrix& down, int64_t group) {
  const int64_t rows = SharedLayoutOf(down.dtype).scale_rows;
  return group < GroupsOf(down) - 1 ? rows : down.rows - group * rows;
}

void MultiplyColumns(const ci_context& c, const Matrix& down, const Inputs& inputs, const TileRange& tile, float* y,
                     int64_t y_stride, uint8_t* packed) {
  const DownPack& pack = *DownPackOf(c, down.dtype);
  const CoreList all{nullptr, down.rows, nullptr};
  const SharedGroups shared(down, all);
  const int64_t group_rows = SharedLayoutOf(down.dtype).scale_rows;
  const int64_t groups = GroupsOf(down);
  const int64_t in_block = GroupsOfBlock(down);
  const int64_t step = kPackedBytes / (in_block * GroupBytes(pack, group_rows, true)) * in_block;
  for (int64_t column = tile.begin; column < tile.end; column += kSlabColumns) {
    const int64_t columns = tile.end - column < kSlabColumns ? tile.end - column : kSlabColumns;
    for (int64_t first = 0; first < groups; first += step) {
      const int64_t count = groups - first < step ? groups - first : step;
      int64_t bytes = 0;
      for (int64_t g = first; g < first + count; ++g) {
        const auto row = static_cast<int32_t>(g * group_rows);
        const auto rows_of_group = static_cast<int32_t>(RowsOfGroup(down, g));
        SharedRows rows;
        shared.Gather(row, row + rows_of_group, nullptr, &rows);
        const bool opens_block = g % in_block == 0;
        pack.pack(rows, opens_block, column, columns, true, packed + bytes);
        bytes += GroupBytes(pack, rows_of_group, opens_block);
      }
      ForSplitTokens(inputs.split, tile, [&](int32_t token, int32_t tokens) {
        const PackedGroup* const own =
            inputs.split.groups + (token / kTogether * groups + first) * kTogether + token % kTogether;
        float* rows[kTogether];
        for (int32_t t = 0; t < tokens; ++t) {
          rows[t] = y + (token + t - tile.first_token) * y_stride + (column - tile.begin);
        }
        AddSlab(pack, packed, packed, {own, count, kTogether, tokens, bytes, 0}, columns, rows);
      });
    }
  }
}

// One token whose vector cannot be split, as decode multiplies it.
void MultiplyRowsUnsplit(const ci_context& c, const Matrix& weight, const float* x, const TileRange& tile, float* y) {
  for (int64_t r = tile.begin; r < tile.end; ++r) {
    const uint8_t* const row = weight.data + r * weight.row_bytes;
    float dot;
    c.simd.dot[weight.dtype](row, r + 1 < tile.end ? row + weight.row_bytes : row, {x, 1, weight.columns}, &dot);
    y[r - tile.begin] += dot;
  }
}

void MultiplyColumnsUnsplit(const ci_context& c, const Matrix& down, const float* x, const TileRange& tile, float* y) {
  const CoreList all{nullptr, down.rows, nullptr};
  const SharedGroups shared(down, all);
  for (int32_t begin = 0, end; begin < down.rows; begin = end) {
    end = shared.EndOf(begin);
    SharedRows rows;
    shared.Gather(begin, end, x, &rows);
    if (rows.count == 0) continue;
    c.simd.add_shared_rows[down.dtype - CI_Q8_0_SHARED](rows, rows, tile.begin, tile.end, y - tile.begin);
  }
}

bool PrepareGroups(const DownPack& pack, const Matrix& down, const float* x, PackedGroup* groups) {
  const int64_t group_rows = SharedLayoutOf(down.dtype).scale_rows;
  const int64_t in_block = GroupsOfBlock(down);
  for (int64_t g = 0; g < GroupsOf(down); ++g) {
    const auto rows = static_cast<int32_t>(RowsOfGroup(down, g));
    if (!pack.prepare(x + g * group_rows, rows, g % in_block == 0, groups + g * kTogether)) return false;
  }
  return true;
}

}  // namespace

bool UsesPacks(const ci_context& context, const Matrix& weight, Along along) {
  if (context.tiles != nullptr) return false;
  if (along == Along::kColumns) return DownPackOf(context, weight.dtype) != nullptr;
  const RowPack* const pack = RowPackOf(context, weight.dtype);
  return pack != nullptr && pack->dot != nullptr;
}

void SplitInputsForPacks(ci_context& context, const Matrix& weight, Inputs* inputs) {
  const Inputs& in = *inputs;
  const bool by_rows = in.along == Along::kRows;
  const int64_t blocks = DivideUp(in.tokens, kTogether);
  const int64_t bytes = by_rows ? in.tokens * UnitsOf(in.depth) * int64_t{sizeof(SplitUnit)}
                                : blocks * kTogether * GroupsOf(weight) * int64_t{sizeof(PackedGroup)};
  uint8_t* const memory = context.shared_scratch.Reserve(bytes + in.tokens);
  uint8_t* const is_split = memory + bytes;
  auto* const units = reinterpret_cast<SplitUnit*>(memory);
  auto* const groups = reinterpret_cast<PackedGroup*>(memory);
  ParallelRanges(context, in.tokens, kTogether, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t t = begin; t < end; ++t) {
      const float* x = in.x + t * in.depth;
      is_split[t] = by_rows ? context.simd.split[weight.dtype](x, in.depth, units + t * UnitsOf(in.depth))
                            : PrepareGroups(*DownPackOf(context, weight.dtype), weight, x,
                                            groups + begin * GroupsOf(weight) + t % kTogether);
    }
  });
  inputs->split = {by_rows ? units : nullptr, by_rows ? nullptr : groups, is_split};
}

int64_t PackScratchBytes(const Inputs& inputs) {
  const int64_t longest = UnitsOf(inputs.depth) * kSplitUnit * kPackedRows * 34 / 32;
  return kPackedBytes < longest ? longest : kPackedBytes;
}

int64_t LeastPackedWidth(const Inputs& inputs) { return inputs.along == Along::kRows ? kPackedRows : kSlabColumns; }

void MultiplyPacked(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile,
                    float* y, int64_t y_stride, uint8_t* scratch) {
  const bool by_rows = inputs.along == Along::kRows;
  const auto multiply = by_rows ? MultiplyRows : MultiplyColumns;
  multiply(context, weight, inputs, tile, y, y_stride, scratch);
  for (int32_t t = tile.first_token; t < tile.first_token + tile.tokens; ++t) {
    if (inputs.split.is_split[t] != 0) continue;
    const auto multiply_unsplit = by_rows ? MultiplyRowsUnsplit : MultiplyColumnsUnsplit;
    multiply_unsplit(context, weight, inputs.x + int64_t{t} * inputs.depth, tile,
                     y + (t - tile.first_token) * y_stride);
  }
}

}  // namespace coreinfer
