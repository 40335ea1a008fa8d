// The dtypes whose elements have a scale and an offset: a block of a row as F32, and what rows of a shared dtype have
// in common. Products of scales and codes are exact in F32, so a value is rounded once, as types.h defines it.
#pragma once

#include "simd/readers.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int kHalfVecs = kGroupVecs / 2;

// The first 16 values to one place, the others to another.
inline void StoreHalves(const Vec (&values)[kGroupVecs], float* first, float* second) {
  for (int v = 0; v < kHalfVecs; ++v) {
    Store(first + v * kLanes, values[v]);
    Store(second + v * kLanes, values[kHalfVecs + v]);
  }
}

inline uint32_t LoadBits32(const uint8_t* address) {
  uint32_t bits;
  memcpy(&bits, address, sizeof(bits));
  return bits;
}

inline uint64_t LoadBits64(const uint8_t* address) {
  uint64_t bits;
  memcpy(&bits, address, sizeof(bits));
  return bits;
}

// ---- codes ----

// Codes of 32 elements, less the middle of their range.
struct Q5Reader {
  static constexpr int64_t kSharedBytes = 20;
  static void Read(const uint8_t* q, Vec (&out)[kGroupVecs]) {
    const FiveMap map(Set(1.0f), Set(-16.0f));
    MapFives(q + 4, LoadBits32(q), map, map, out);
  }
};
struct Q6Reader {
  static constexpr int64_t kSharedBytes = 24;
  static void Read(const uint8_t* q, Vec (&out)[kGroupVecs]) {
    const uint64_t top = LoadBits64(q + 16);
    const uint64_t tops[2] = {top, top >> 2 & 0x3f3f3f3f3f3f3f3fu};
    uint8_t bytes[16];
    memcpy(bytes, tops, sizeof(bytes));
    LoadSixes(q, bytes, 0, out);
  }
};

// ---- blocks of a row ----

struct Q4_1Block {
  static constexpr int64_t kSize = 32;
  static constexpr int64_t kBytes = 20;
  static void Unpack(const uint8_t* block, float* out) {
    const NibbleMap map(BroadcastHalf(block), BroadcastHalf(block + 2));
    Vec values[kGroupVecs];
    MapNibbles(block + 4, map, map, values);
    StoreHalves(values, out, out + 16);
  }
};

struct Q5_0Block {
  static constexpr int64_t kSize = 32;
  static constexpr int64_t kBytes = 22;
  static void Unpack(const uint8_t* block, float* out) {
    const Vec scale = BroadcastHalf(block);
    Vec values[kGroupVecs];
    Q5Reader::Read(block + 2, values);
    for (int v = 0; v < kGroupVecs; ++v) Store(out + v * kLanes, Mul(scale, values[v]));
  }
};

struct Q5_1Block {
  static constexpr int64_t kSize = 32;
  static constexpr int64_t kBytes = 24;
  static void Unpack(const uint8_t* block, float* out) {
    const FiveMap map(BroadcastHalf(block), BroadcastHalf(block + 2));
    Vec values[kGroupVecs];
    MapFives(block + 8, LoadBits32(block + 4), map, map, values);
    StoreHalves(values, out, out + 16);
  }
};

// The 6 bits of the scales of a Q4_K or Q5_K block's 8 groups, then of their mins.
inline void UnpackGroupScales(const uint8_t* block, uint8_t (&bytes)[16]) {
  const uint32_t s0 = LoadBits32(block + 4);
  const uint32_t s1 = LoadBits32(block + 8);
  const uint32_t s2 = LoadBits32(block + 12);
  const uint32_t packed[4] = {s0 & 0x3f3f3f3fu, (s2 & 0x0f0f0f0fu) | (s0 >> 2 & 0x30303030u), s1 & 0x3f3f3f3fu,
                              (s2 >> 4 & 0x0f0f0f0fu) | (s1 >> 2 & 0x30303030u)};
  memcpy(bytes, packed, sizeof(bytes));
}

// The scale and the negated min of each of the 8 groups.
struct GroupScales {
  explicit GroupScales(const uint8_t* block) {
    uint8_t bytes[16];
    UnpackGroupScales(block, bytes);
    const Vec d = BroadcastHalf(block);
    const Vec dmin = Sub(Zero(), BroadcastHalf(block + 2));
    float values[16];
    for (int v = 0; v < 16; v += kLanes) Store(values + v, LoadU8(bytes + v));
    for (int g = 0; g < 8; ++g) {
      scale[g] = Mul(d, Set(values[g]));
      offset[g] = Mul(dmin, Set(values[8 + g]));
    }
  }

  Vec scale[8];
  Vec offset[8];
};

struct Q4_KBlock {
  static constexpr int64_t kSize = 256;
  static constexpr int64_t kBytes = 144;
  static void Unpack(const uint8_t* block, float* out) {
    const GroupScales groups(block);
#pragma GCC unroll 4
    for (int64_t g = 0; g < 8; g += 2) {
      const NibbleMap low(groups.scale[g], groups.offset[g]);
      const NibbleMap high(groups.scale[g + 1], groups.offset[g + 1]);
      for (int64_t i = 0; i < 32; i += 16) {
        Vec values[kGroupVecs];
        MapNibbles(block + 16 + 16 * g + i, low, high, values);
        StoreHalves(values, out + 32 * g + i, out + 32 * g + 32 + i);
      }
    }
  }
};

struct Q5_KBlock {
  static constexpr int64_t kSize = 256;
  static constexpr int64_t kBytes = 176;
  static void Unpack(const uint8_t* block, float* out) {
    const GroupScales groups(block);
    const uint8_t* fifths = block + 16;
#pragma GCC unroll 4
    for (int64_t g = 0; g < 8; g += 2) {
      const FiveMap low(groups.scale[g], groups.offset[g]);
      const FiveMap high(groups.scale[g + 1], groups.offset[g + 1]);
      for (int64_t i = 0; i < 32; i += 16) {
        const uint32_t fifth =
            BitOfBytes(fifths + i, static_cast<int>(g)) | BitOfBytes(fifths + i, static_cast<int>(g) + 1) << 16;
        Vec values[kGroupVecs];
        MapFives(block + 48 + 16 * g + i, fifth, low, high, values);
        StoreHalves(values, out + 32 * g + i, out + 32 * g + 32 + i);
      }
    }
  }
};

struct Q6_KBlock {
  static constexpr int64_t kSize = 256;
  static constexpr int64_t kBytes = 210;
  static void Unpack(const uint8_t* block, float* out) {
    const Vec d = BroadcastHalf(block + 208);
    float scales[16];
    for (int v = 0; v < 16; v += kLanes) Store(scales + v, Mul(d, LoadI8(block + 192 + v)));
#pragma GCC unroll 8
    for (int64_t part = 0; part < 8; ++part) {
      // 16 elements from element i of a half of the block on, and the 16 that lie 64 behind them.
      const int64_t half = part / 4;
      const int64_t i = part % 4 * 16;
      const Vec first = Set(scales[8 * half + i / 16]);
      const Vec second = Set(scales[8 * half + 4 + i / 16]);
      Vec values[kGroupVecs];
      LoadSixes(block + 64 * half + i, block + 128 + 32 * half + i % 32, static_cast<int>(i / 32 * 2), values);
      for (int v = 0; v < kHalfVecs; ++v) {
        values[v] = Mul(first, values[v]);
        values[kHalfVecs + v] = Mul(second, values[kHalfVecs + v]);
      }
      StoreHalves(values, out + 128 * half + i, out + 128 * half + 64 + i);
    }
  }
};

// ---- rows that share scales ----

// Each of the types below says what 32 columns, from column i on, of a group of rows have in common: `block` begins
// with the headers of all columns, `row` is the row's number in its block. A value is scale * (code - middle) without
// an offset, scale * code + offset with one; the readers give code - middle.
template <class Codes>
struct ScaleOnly {
  using Reader = Codes;
  static constexpr bool kHasOffset = false;
  static constexpr int64_t kRows = 32;
  static constexpr int64_t kHeaderBytes = 2;
  static constexpr float kMiddle = 0.0f;
  static void Scales(const uint8_t* block, int64_t, int64_t, int64_t i, Vec (&scale)[kGroupVecs], Vec (&)[kGroupVecs]) {
    for (int v = 0; v < kGroupVecs; ++v) scale[v] = LoadF16(block + 2 * (i + v * kLanes));
  }
};

template <class Codes, int kMiddleCode>
struct ScaleAndOffset {
  using Reader = Codes;
  static constexpr bool kHasOffset = true;
  static constexpr int64_t kRows = 32;
  static constexpr int64_t kHeaderBytes = 4;
  static constexpr float kMiddle = kMiddleCode;
  static void Scales(const uint8_t* block, int64_t columns, int64_t, int64_t i, Vec (&scale)[kGroupVecs],
                     Vec (&offset)[kGroupVecs]) {
    for (int v = 0; v < kGroupVecs; ++v) {
      scale[v] = LoadF16(block + 2 * (i + v * kLanes));
      offset[v] = LoadF16(block + 2 * (columns + i + v * kLanes));
    }
  }
};

// The scales of 32 columns from column i on, a byte each, and their mins, of the group with this number in a block of
// Q4_K or Q5_K rows.
inline void UnpackSharedScales(const uint8_t* block, int64_t columns, int64_t group, int64_t i, uint8_t* scales,
                               uint8_t* mins) {
  const auto plane = [&](int64_t number, int64_t at) {
    return LoadBits64(block + 4 * columns + number * columns + i + at);
  };
  for (int64_t at = 0; at < 32; at += 8) {
    const uint64_t scale_plane = plane(group % 4, at);
    const uint64_t min_plane = plane(group % 4 + 4, at);
    uint64_t scale = scale_plane & 0x3f3f3f3f3f3f3f3fu;
    uint64_t min = min_plane & 0x3f3f3f3f3f3f3f3fu;
    if (group >= 4) {
      const uint64_t low = plane(group + 4, at);
      scale = (low & 0x0f0f0f0f0f0f0f0fu) | (scale_plane >> 2 & 0x3030303030303030u);
      min = (low >> 4 & 0x0f0f0f0f0f0f0f0fu) | (min_plane >> 2 & 0x3030303030303030u);
    }
    memcpy(scales + at, &scale, sizeof(scale));
    memcpy(mins + at, &min, sizeof(min));
  }
}

template <class Codes, int kMiddleCode>
struct SixBitScales {
  using Reader = Codes;
  static constexpr bool kHasOffset = true;
  static constexpr int64_t kRows = 256;
  static constexpr int64_t kHeaderBytes = 16;
  static constexpr float kMiddle = kMiddleCode;
  static void Scales(const uint8_t* block, int64_t columns, int64_t row, int64_t i, Vec (&scale)[kGroupVecs],
                     Vec (&offset)[kGroupVecs]) {
    uint8_t scales[32];
    uint8_t mins[32];
    UnpackSharedScales(block, columns, row / 32, i, scales, mins);
    for (int v = 0; v < kGroupVecs; ++v) {
      const int64_t at = v * kLanes;
      scale[v] = Mul(LoadF16(block + 2 * (i + at)), LoadU8(scales + at));
      offset[v] = Sub(Zero(), Mul(LoadF16(block + 2 * (columns + i + at)), LoadU8(mins + at)));
    }
  }
};

struct EightBitScales {
  using Reader = Q6Reader;
  static constexpr bool kHasOffset = false;
  static constexpr int64_t kRows = 256;
  static constexpr int64_t kHeaderBytes = 18;
  static constexpr float kMiddle = 0.0f;
  static void Scales(const uint8_t* block, int64_t columns, int64_t row, int64_t i, Vec (&scale)[kGroupVecs],
                     Vec (&)[kGroupVecs]) {
    const uint8_t* factors = block + 2 * columns + row / 16 * columns;
    for (int v = 0; v < kGroupVecs; ++v) {
      const int64_t at = i + v * kLanes;
      scale[v] = Mul(LoadF16(block + 2 * at), LoadI8(factors + at));
    }
  }
};

using Q8Shared = ScaleOnly<Q8Reader>;
using Q4Shared = ScaleOnly<Q4Reader>;
using Q4_1Shared = ScaleAndOffset<Q4Reader, 8>;
using Q5_0Shared = ScaleOnly<Q5Reader>;
using Q5_1Shared = ScaleAndOffset<Q5Reader, 16>;
using Q4_KShared = SixBitScales<Q4Reader, 8>;
using Q5_KShared = SixBitScales<Q5Reader, 16>;
using Q6_KShared = EightBitScales;

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
