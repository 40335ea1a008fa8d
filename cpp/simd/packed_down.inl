// Down rows that decoding adds again and again, packed: slabs of 128 columns, and in each the groups of rows one after
// another, so that a group's sums stay in registers, for several tokens at once, while memory is read in one stream. A
// group's sum is taken as split_shared_rows.inl takes it, and groups are added in their order: the bits are theirs.
//   A slab is, for each group: its rows, four at a time in a bundle (bundles.inl), whose pair p has the codes of 16
// columns from 32 p on and of the 16 behind them, those of a column side by side, in 64 bytes that AVX2 reads as two
// vectors; of the rows that are left, as core neurons leave few of a group, a vector takes no more than their bytes, up
// to a multiple of 64; then what its block's groups have in common, behind the first of them; and the group's own
// scales. So it is read in the order in which it lies. Columns behind the last are 0.
#pragma once

#include "simd/bundles.inl"
#include "simd/few_tokens.inl"
#include "simd/rows.inl"
#if defined(__AVX512VNNI__)
#include "simd/quads.inl"
#else
#include "simd/quads_avx2.inl"
#endif

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// ---- scales ----

constexpr int64_t kHalvesOfSlab = int64_t{2} * kSlabColumns;

// The functions get where the block's and the group's scales are, and a column of the slab.
struct SlabScale {
  static constexpr bool kHasOffset = false;
  static constexpr int64_t kBlockBytes = kHalvesOfSlab;
  static constexpr int64_t kGroupBytes = 0;
  static void PackBlock(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    memcpy(out, group.block + 2 * column, static_cast<size_t>(2 * columns));
  }
  static void PackGroup(const SharedRows&, int64_t, int64_t, uint8_t*) {}
  static Vec Scale(const uint8_t* block, const uint8_t*, int64_t i) { return LoadF16(block + 2 * i); }
};

struct SlabScaleAndOffset : SlabScale {
  static constexpr bool kHasOffset = true;
  static constexpr int64_t kBlockBytes = 2 * kHalvesOfSlab;
  static void PackBlock(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    SlabScale::PackBlock(group, column, columns, out);
    SlabScale::PackBlock(group, group.columns + column, columns, out + kHalvesOfSlab);
  }
  static Vec Offset(const uint8_t* block, const uint8_t*, int64_t i) { return LoadF16(block + kHalvesOfSlab + 2 * i); }
};

// d and dmin of a block, as scale and offset are; scales and mins of a group, a byte each.
struct SlabScalesAndMins : SlabScaleAndOffset {
  static constexpr int64_t kGroupBytes = int64_t{2} * kSlabColumns;
  static void PackGroup(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    for (int64_t i = 0; i < columns; i += 32) {
      UnpackSharedScales(group.block, group.columns, group.row / 32, column + i, out + i, out + kSlabColumns + i);
    }
  }
  static Vec Scale(const uint8_t* block, const uint8_t* group, int64_t i) {
    return Mul(SlabScaleAndOffset::Scale(block, group, i), LoadU8(group + i));
  }
  static Vec Offset(const uint8_t* block, const uint8_t* group, int64_t i) {
    return Sub(Zero(), Mul(SlabScaleAndOffset::Offset(block, group, i), LoadU8(group + kSlabColumns + i)));
  }
};

// d of a block, scales of a group.
struct SlabEights : SlabScale {
  static constexpr int64_t kGroupBytes = kSlabColumns;
  static void PackGroup(const SharedRows& group, int64_t column, int64_t columns, uint8_t* out) {
    const int64_t plane = 2 * group.columns + group.row / 16 * group.columns;
    memcpy(out, group.block + plane + column, static_cast<size_t>(columns));
  }
  static Vec Scale(const uint8_t* block, const uint8_t* group, int64_t i) {
    return Mul(SlabScale::Scale(block, group, i), LoadI8(group + i));
  }
};

// ---- rows ----

// What a slab of a dtype is made of: how a file's pieces are read, how codes are stored, and scales.
template <class PiecesOfRow, class BundleOfCodes, class ScalesOfSlab>
struct Slab {
  using Pieces = PiecesOfRow;
  using Bundle = BundleOfCodes;
  using Scales = ScalesOfSlab;
};
using SlabQ8_0 = Slab<BytePieces, ByteBundle, SlabScale>;
using SlabQ4_0 = Slab<NibblePieces, NibbleBundle, SlabScale>;
using SlabQ4_1 = Slab<NibblePieces, NibbleBundle, SlabScaleAndOffset>;
using SlabQ5_0 = Slab<FivePieces, FiveBundle, SlabScale>;
using SlabQ5_1 = Slab<FivePieces, FiveBundle, SlabScaleAndOffset>;
using SlabQ4_K = Slab<NibblePieces, NibbleBundle, SlabScalesAndMins>;
using SlabQ5_K = Slab<FivePieces, FiveBundle, SlabScalesAndMins>;
using SlabQ6_K = Slab<SixPieces, SixBundle, SlabEights>;

template <class Format>
constexpr int64_t kPackedRowBytes = 16 * Format::Bundle::kVectors;

// What stands behind a group's rows, and the rows.
template <class Format>
int64_t ScaleBytes(bool opens_block) {
  return (opens_block ? Format::Scales::kBlockBytes : 0) + Format::Scales::kGroupBytes;
}
template <class Format>
int64_t RowsBytes(int64_t count) {
  return (count * kPackedRowBytes<Format> + 63) / 64 * 64;
}

// Where passes each read a part of a slab, memory is fetched so far ahead, line by line beside what is read, as the
// processor takes but few requests at once. A single pass is one stream, and PackedSum says how far ahead.
constexpr int64_t kSlabAhead = 8192;

// What is read of a slab for one piece after another, and stays in the first-level cache meanwhile.
constexpr int64_t kChunkBytes = 8192;

// Steps take the columns of a pair, as many of them as a vector has lanes and as many 16 behind them.
constexpr int kStepsOfPair = 16 / kLanes;
constexpr int kStepsOfSlab = 4 * kStepsOfPair;

// The first column of vector v of the steps from kStep on.
constexpr int64_t ColumnOf(int step, int v) {
  step += v / 2;
  return 32 * (step / kStepsOfPair) + 16 * (v % 2) + kLanes * (step % kStepsOfPair);
}

// The products of a group's codes and some tokens' factors, for kSteps steps: as many as have the sums of all tokens in
// registers.
template <class Bundle, int kTokens, int kSteps>
struct StepSums {
  using Sums = LaneSums<Bundle::kBits>;

  explicit StepSums(const PackedGroup* groups) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
      for (int v = 0; v < 2 * kSteps; ++v) sum[t][v].Start(groups[t].start);
    }
  }

  void Add(const PackedGroup* groups, int32_t quad, int step, const Codes& codes) {
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const typename Sums::Four four(groups[t].digits[quad]);
      sum[t][2 * step].Add(codes.first, four);
      sum[t][2 * step + 1].Add(codes.second, four);
    }
  }

  // After as many quads as sums hold.
  void Flush(int32_t quad) {
    if (Sums::kMost >= 8 || (quad + 1) % Sums::kMost != 0) return;
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
      for (int v = 0; v < 2 * kSteps; ++v) sum[t][v].Flush();
    }
  }

  Sums sum[kTokens][2 * kSteps];
};

template <int n>
struct Constant {
  constexpr operator int() const { return n; }
};

// Adds kSteps steps, from step `from` on, of some groups, which begin with a block. y stays in registers meanwhile:
// stored for each group, it takes nearly half of the time, probably as stores hold up loads at like addresses in other
// pages. What is read after `end` is at `next`; each pass fetches its share of what is `distance` ahead, unless that is
// 0. `from` is an int, or a constant of its own type.
template <class Format, int kTokens, int kSteps, class From>
void AddSteps(From from, const uint8_t* slab, const uint8_t* end, const uint8_t* next, int64_t distance,
              const PackedGroup* groups, int64_t count, int64_t stride, float* const* y) {
  using Bundle = typename Format::Bundle;
  using Scales = typename Format::Scales;
  constexpr int64_t kRowBytes = kPackedRowBytes<Format>;
  const int64_t pass = from / kSteps;
  constexpr int64_t kPasses = kStepsOfSlab / kSteps;
  Vec total[kTokens][2 * kSteps];
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kSteps; ++v) total[t][v] = Load(y[t] + ColumnOf(from, v));
  }
  const uint8_t* block = slab;
  for (int64_t g = 0; g < count; ++g, groups += stride) {
    const int64_t ahead = distance < end - slab ? distance : distance + (next - end);
    const uint8_t* rows = slab;
    const uint8_t* const behind = rows + RowsBytes<Format>(groups[0].count);
    slab = behind + ScaleBytes<Format>(groups[0].opens_block);
    if (groups[0].opens_block) block = behind;
    const uint8_t* const scales = slab - Scales::kGroupBytes;
    if (kTokens == 1 && groups[0].is_idle) continue;
    if (distance > 0) {
      for (const uint8_t* line = behind + 64 * pass; line < slab; line += 64 * kPasses) Prefetch(line + ahead);
    }
    StepSums<Bundle, kTokens, kSteps> sums(groups);
    const RestRows rest(groups[0].count % 4);
    int32_t left = groups[0].count;
    for (int32_t quad = 0; left > 0; ++quad, left -= 4, rows += 4 * kRowBytes) {
      if (distance > 0) {
        for (int64_t line = pass; line < Bundle::kVectors; line += kPasses) Prefetch(rows + ahead + 64 * line);
      }
      if (kTokens == 1 && (groups[0].digits[quad][0] | groups[0].digits[quad][1]) == 0) continue;
#pragma GCC unroll 4
      for (int s = 0; s < kSteps; ++s) {
        const int pair = (from + s) / kStepsOfPair;
        const int64_t part = (from + s) % kStepsOfPair;
        const auto vector = [&](int64_t i) { return kStepsOfPair * i + part; };
        const Codes codes =
            left >= 4 ? Bundle::Read([&](int64_t i) { return LoadBytes(rows + kVectorBytes * vector(i)); }, pair)
                      : Bundle::Read([&](int64_t i) { return rest.Load(rows + kLanes * left * vector(i)); }, pair);
        sums.Add(groups, quad, s, codes);
      }
      sums.Flush(quad);
    }
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kSteps; ++v) {
      const int64_t column = ColumnOf(from, v);
      const Vec scale = Scales::Scale(block, scales, column);
      Vec middle = Zero();  // the value of the code that was taken away as the middle
      if constexpr (Scales::kHasOffset) {
        middle = Fma(scale, Set(Format::Pieces::kMiddle), Scales::Offset(block, scales, column));
      }
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const bool is_busy = !groups[t].is_idle;
        total[t][v] = FmaWhere(is_busy, scale, Mul(Set(groups[t].step), sums.sum[t][v].Total()), total[t][v]);
        if constexpr (Scales::kHasOffset) total[t][v] = FmaWhere(is_busy, middle, Set(groups[t].sum), total[t][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kSteps; ++v) Store(y[t] + ColumnOf(from, v), total[t][v]);
  }
}

// ---- packing ----

template <class Format>
void PackDown(const SharedRows& group, bool opens_block, int64_t column, int64_t columns, bool stays, uint8_t* out) {
  using Pieces = typename Format::Pieces;
  using Scales = typename Format::Scales;
  constexpr int64_t kVectors = Format::Bundle::kVectors;
  uint8_t* scales = out + RowsBytes<Format>(group.count);
  if (columns < kSlabColumns) memset(scales, 0, static_cast<size_t>(ScaleBytes<Format>(opens_block)));
  if (opens_block) {
    Scales::PackBlock(group, column, columns, scales);
    scales += Scales::kBlockBytes;
  }
  Scales::PackGroup(group, column, columns, scales);
  constexpr int64_t kBytes = kSlabColumns / 32 * Pieces::kBytes;
  for (int32_t r = 0; r < group.count; ++r) {
    PrefetchLines<kBytes>(group.rows[r] + column / 32 * Pieces::kBytes + 2 * kBytes);
  }
  for (int32_t row = 0; row < group.count; row += 4, out += 64 * kVectors) {
    const int32_t count = group.count - row < 4 ? group.count - row : 4;
    const uint8_t* rows[4];
    for (int32_t r = 0; r < 4; ++r) rows[r] = group.rows[row + (r < count ? r : 0)];
    Codes pairs[kStepsOfPair][4];
    ReadQuad<Pieces>(rows, column, column + columns, pairs);
    Bytes vectors[kStepsOfPair][kVectors];
    for (int64_t part = 0; part < kStepsOfPair; ++part) Format::Bundle::Pack(pairs[part], vectors[part]);
    for (int64_t i = 0; i < kStepsOfPair * kVectors; ++i) {
      const Bytes vector = vectors[i % kStepsOfPair][i / kStepsOfPair];
      if (count == 4) {
        StorePacked(out + kVectorBytes * i, vector, stays);
      } else {
        RestRows(count).Store(vector, out + kLanes * count * i);
      }
    }
  }
}

// Calls AddSteps for all steps of some groups. A single token, which most read, has code of its own for each step.
template <class Format, int kTokens, int kSteps, int kFrom = 0, class... Rest>
void AddAllSteps(const Rest&... rest) {
  if constexpr (kTokens == 1) {
    AddSteps<Format, kTokens, kSteps>(Constant<kFrom>(), rest...);
    if constexpr (kFrom + kSteps < kStepsOfSlab) AddAllSteps<Format, kTokens, kSteps, kFrom + kSteps>(rest...);
  } else {
    for (int from = 0; from < kStepsOfSlab; from += kSteps) AddSteps<Format, kTokens, kSteps>(from, rest...);
  }
}

// Where steps are added one after another, blocks are few enough for the cache to hold them meanwhile.
template <class Format, int kTokens>
void AddGroups(const uint8_t* slab, const uint8_t* next, const PackedGroup* groups, const PackedSum& sum,
               float* const* y) {
  constexpr int kSteps = kStepsWith<kTokens>;
  constexpr int64_t kMostBytes = kSteps == kStepsOfSlab ? INT64_MAX : kChunkBytes;
  const uint8_t* const end = slab + sum.slab_bytes;
  const int64_t distance = kSteps == kStepsOfSlab ? sum.ahead : kSlabAhead;
  for (int64_t g = 0; g < sum.count;) {
    int64_t bytes = 0;
    int64_t count = 0;
    for (; g + count < sum.count; ++count) {
      const PackedGroup& group = groups[count * sum.stride];
      if (group.opens_block && bytes >= kMostBytes) break;
      bytes += ScaleBytes<Format>(group.opens_block) + RowsBytes<Format>(group.count);
    }
    AddAllSteps<Format, kTokens, kSteps>(slab, end, next, distance, groups, count, int64_t{sum.stride}, y);
    g += count;
    slab += bytes;
    groups += count * sum.stride;
  }
}

// The slab stays in the cache for further tokens.
template <class Format>
void AddPackedDown(const uint8_t* slab, const uint8_t* next, const PackedSum& sum, float* const* y) {
  ForFewTokens<kTokensOfSlab>(sum.tokens, [&](auto few, int32_t t) {
    AddGroups<Format, decltype(few)::kTokens>(slab, next, sum.groups + t, sum, y + t);
  });
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
