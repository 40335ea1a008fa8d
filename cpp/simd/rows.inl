// Loops over weight rows: dot products, sums of scaled rows. Each reads its weights once, in registers, so memory
// bounds the time. Dot products keep four accumulators per token to cover the latency of a multiply-add, but one for
// plain elements where several rows have theirs in registers (plain_packs.inl).
#pragma once

#include "coreinfer/types.h"
#include "simd/quants.inl"
#include "simd/readers.inl"
#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Touches every cache line that begins within `bytes`, or the one before.
template <int64_t kBytes>
inline void PrefetchLines(const uint8_t* address) {
  for (int64_t offset = 0; offset < kBytes; offset += 64) Prefetch(address + offset);
}

// The accumulators of one row and kTokens tokens; the vectors of tokens are `stride` elements apart.
template <int kTokens, int kSums = 4>
struct DotSums {
  DotSums() {
    for (int t = 0; t < kTokens; ++t) {
      for (int v = 0; v < kSums; ++v) sum[t][v] = Zero();
    }
  }

  void AddProducts(Vec weights, const float* x, int64_t stride, int v) {
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      Vec& own = sum[t][v % kSums];
      own = Fma(weights, Load(x + t * stride), own);
    }
  }

  void Finish(float* out) const {
    for (int t = 0; t < kTokens; ++t) {
      if constexpr (kSums == 1) {
        out[t] = Sum(sum[t][0]);
      } else {
        out[t] = Sum(Add(Add(sum[t][0], sum[t][1]), Add(sum[t][2], sum[t][3])));
      }
    }
  }

  Vec sum[kTokens][kSums];
};

constexpr int kPlainSums = kLanes >= 8 ? 1 : 4;

template <class Reader>
struct PlainDots {
  template <int kTokens>
  static void Take(const uint8_t* row, const uint8_t* next, const float* x, int64_t stride, int64_t columns,
                   float* out) {
    DotSums<kTokens, kPlainSums> sums;
    int64_t i = 0;
    for (; i + 4 * kLanes <= columns; i += 4 * kLanes) {
      PrefetchLines<4 * kLanes * Reader::kBytes>(next + i * Reader::kBytes);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        const int64_t at = i + v * kLanes;
        sums.AddProducts(Reader::Read(row + at * Reader::kBytes), x + at, stride, v);
      }
    }
    for (; i + kLanes <= columns; i += kLanes) {
      sums.AddProducts(Reader::Read(row + i * Reader::kBytes), x + i, stride, 0);
    }
    if (i < columns) {
      const int64_t rest = columns - i;
      const Vec weights = ReadPartial<Reader>(row + i * Reader::kBytes, rest);
      for (int t = 0; t < kTokens; ++t) {
        Vec& sum = sums.sum[t][1 % kPlainSums];
        sum = Fma(weights, LoadPartial(x + t * stride + i, rest), sum);
      }
    }
    sums.Finish(out);
  }
};

template <class Reader>
void DotRows(const uint8_t* const* rows, const uint8_t* const* next, const float* x, int64_t columns, float* out) {
  DotSums<kDotRows, kPlainSums> sums;  // of rows, where PlainDots has tokens
  int64_t i = 0;
  for (; i + 4 * kLanes <= columns; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int r = 0; r < kDotRows; ++r) PrefetchLines<4 * kLanes * Reader::kBytes>(next[r] + i * Reader::kBytes);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const int64_t at = i + v * kLanes;
      const Vec values = Load(x + at);
#pragma GCC unroll 4
      for (int r = 0; r < kDotRows; ++r) {
        Vec& sum = sums.sum[r][v % kPlainSums];
        sum = Fma(Reader::Read(rows[r] + at * Reader::kBytes), values, sum);
      }
    }
  }
  for (; i < columns; i += kLanes) {
    const bool is_whole = i + kLanes <= columns;
    const Vec values = LoadValues(x, i, columns);
    for (int r = 0; r < kDotRows; ++r) {
      const uint8_t* at = rows[r] + i * Reader::kBytes;
      Vec& sum = sums.sum[r][is_whole ? 0 : 1 % kPlainSums];
      sum = Fma(is_whole ? Reader::Read(at) : ReadPartial<Reader>(at, columns - i), values, sum);
    }
  }
  sums.Finish(out);
}

template <class Reader>
struct BlockDots {
  template <int kTokens>
  static void AddBlock(const uint8_t* block, const float* x, int64_t stride, int v, DotSums<kTokens>* sums) {
    Vec q[kGroupVecs];
    Reader::Read(block + 2, q);
    const Vec scale = BroadcastHalf(block);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const float* own = x + t * stride;
      Vec dot = Mul(q[0], Load(own));
#pragma GCC unroll 8
      for (int part = 1; part < kGroupVecs; ++part) dot = Fma(q[part], Load(own + part * kLanes), dot);
      sums->sum[t][v] = Fma(scale, dot, sums->sum[t][v]);
    }
  }

  template <int kTokens>
  static void Take(const uint8_t* row, const uint8_t* next, const float* x, int64_t stride, int64_t columns,
                   float* out) {
    constexpr int64_t kBytes = Reader::kBlockBytes;
    const int64_t blocks = columns / kGroup;
    DotSums<kTokens> sums;
    int64_t b = 0;
    for (; b + 4 <= blocks; b += 4) {
      PrefetchLines<4 * kBytes>(next + b * kBytes);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) AddBlock<kTokens>(row + (b + v) * kBytes, x + (b + v) * kGroup, stride, v, &sums);
    }
    for (; b < blocks; ++b) AddBlock<kTokens>(row + b * kBytes, x + b * kGroup, stride, 0, &sums);
    sums.Finish(out);
  }
};

// Blocks are unpacked to F32 in L1 first, which costs little beside taking their bits apart.
template <class Block>
struct UnpackedDots {
  template <int kTokens>
  static void Take(const uint8_t* row, const uint8_t* next, const float* x, int64_t stride, int64_t columns,
                   float* out) {
    constexpr int64_t kVecs = Block::kSize / kLanes;
    DotSums<kTokens> sums;
    float values[Block::kSize];
    for (int64_t i = 0, at = 0; i < columns; i += Block::kSize, at += Block::kBytes) {
      PrefetchLines<Block::kBytes>(next + at);
      Block::Unpack(row + at, values);
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) {
        sums.AddProducts(Load(values + v * kLanes), x + i + v * kLanes, stride, v % 4);
      }
    }
    sums.Finish(out);
  }
};

// As many tokens at once as have room in registers; the row stays in L1 for the others.
template <class Dots>
constexpr int kDotTokens = kLanes == 16 ? 4 : 2;
template <class Reader>
constexpr int kDotTokens<PlainDots<Reader>> = kPlainSums == 1 ? 4 : 2;

template <class Dots>
void DotEach(const uint8_t* row, const uint8_t* next, const Vectors& x, float* out) {
  const int64_t columns = x.columns;
  const int64_t stride = columns * x.step;
  int32_t t = 0;
  constexpr int kTokens = kDotTokens<Dots>;
  for (; t + kTokens <= x.tokens; t += kTokens) {
    Dots::template Take<kTokens>(row, t == 0 ? next : row, x.x + t * stride, stride, columns, out + t);
  }
  for (; t + 2 <= x.tokens; t += 2) {
    Dots::template Take<2>(row, t == 0 ? next : row, x.x + t * stride, stride, columns, out + t);
  }
  if (t < x.tokens) Dots::template Take<1>(row, t == 0 ? next : row, x.x + t * stride, stride, columns, out + t);
}

// Adds kRows rows at once, so that y is loaded and stored once for all of them. `next` are the rows of the pass after
// this one, or the same ones.
template <class Reader, int kRows>
void AddPlainPass(const uint8_t* const* rows, const uint8_t* const* next, const float* factors, int64_t begin,
                  int64_t end, float* y) {
  constexpr int64_t kLine = 64 / Reader::kBytes;
  static_assert(kLine % kLanes == 0);
  Vec factor[kRows];
  for (int r = 0; r < kRows; ++r) factor[r] = Set(factors[r]);
  int64_t i = begin;
  for (; i + kLine <= end; i += kLine) {
    for (int r = 0; r < kRows; ++r) Prefetch(next[r] + i * Reader::kBytes);
#pragma GCC unroll 8
    for (int64_t at = i; at < i + kLine; at += kLanes) {
      Vec sum = Load(y + at);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) sum = Fma(factor[r], Reader::Read(rows[r] + at * Reader::kBytes), sum);
      Store(y + at, sum);
    }
  }
  for (; i < end; i += kLanes) {
    const int64_t count = end - i < kLanes ? end - i : kLanes;
    Vec sum = LoadPartial(y + i, count);
    for (int r = 0; r < kRows; ++r) {
      sum = Fma(factor[r], ReadPartial<Reader>(rows[r] + i * Reader::kBytes, count), sum);
    }
    StorePartial(y + i, count, sum);
  }
}

template <class Reader>
void AddPlainRows(const uint8_t* const* rows, const float* factors, int32_t count, int32_t begin, int32_t end,
                  float* y) {
  int32_t j = 0;
  for (; j + 8 <= count; j += 8) {
    AddPlainPass<Reader, 8>(rows + j, rows + (j + 16 <= count ? j + 8 : j), factors + j, begin, end, y);
  }
  for (; j < count; ++j) AddPlainPass<Reader, 1>(rows + j, rows + j, factors + j, begin, end, y);
}

template <class Reader, int kRows>
void AddBlockPass(const uint8_t* const* rows, const uint8_t* const* next, const float* factors, int64_t begin,
                  int64_t end, float* y) {
  for (int64_t i = begin; i < end; i += kGroup) {
    const int64_t at = i / kGroup * Reader::kBlockBytes;
    Vec sum[kGroupVecs];
    for (int v = 0; v < kGroupVecs; ++v) sum[v] = Load(y + i + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      Prefetch(next[r] + at);
      const Vec factor = Mul(Set(factors[r]), BroadcastHalf(rows[r] + at));
      Vec q[kGroupVecs];
      Reader::Read(rows[r] + at + 2, q);
      for (int v = 0; v < kGroupVecs; ++v) sum[v] = Fma(factor, q[v], sum[v]);
    }
    for (int v = 0; v < kGroupVecs; ++v) Store(y + i + v * kLanes, sum[v]);
  }
}

template <class Reader>
void AddBlockRows(const uint8_t* const* rows, const float* factors, int32_t count, int32_t begin, int32_t end,
                  float* y) {
  int32_t j = 0;
  for (; j + 8 <= count; j += 8) {
    AddBlockPass<Reader, 8>(rows + j, rows + (j + 16 <= count ? j + 8 : j), factors + j, begin, end, y);
  }
  for (; j < count; ++j) AddBlockPass<Reader, 1>(rows + j, rows + j, factors + j, begin, end, y);
}

// Elements begin..end-1 of a row, which may begin and end within blocks.
template <class Block>
void DequantizeUnpacked(const uint8_t* row, int64_t begin, int64_t end, float* out) {
  float values[Block::kSize];
  for (int64_t i = begin; i < end;) {
    const int64_t block = i / Block::kSize;
    const int64_t last = (block + 1) * Block::kSize < end ? (block + 1) * Block::kSize : end;
    if (last - i == Block::kSize) {
      Block::Unpack(row + block * Block::kBytes, out + i - begin);
    } else {
      Block::Unpack(row + block * Block::kBytes, values);
      memcpy(out + i - begin, values + i % Block::kSize, static_cast<size_t>(last - i) * sizeof(float));
    }
    i = last;
  }
}

template <class Block>
void AddUnpackedRows(const uint8_t* const* rows, const float* factors, int32_t count, int32_t begin, int32_t end,
                     float* y) {
  constexpr int64_t kPart = 512;
  float values[kPart];
  for (int32_t j = 0; j < count; ++j) {
    const Vec factor = Set(factors[j]);
    for (int64_t first = begin; first < end; first += kPart) {
      const int64_t last = first + kPart < end ? first + kPart : end;
      DequantizeUnpacked<Block>(rows[j], first, last, values);
      for (int64_t i = first; i < last; i += kLanes) {
        Store(y + i, Fma(factor, Load(values + i - first), Load(y + i)));
      }
    }
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
