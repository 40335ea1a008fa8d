// Codes as packs store them: four pairs of vectors of codes without a sign, a byte each, in as many vectors as a code
// has bits. Read takes one vector after another, which the processor's own prefetching follows. Codes of 5 and 6 bits
// have the high bits of as many pairs as a vector holds, then the nibbles of these.
#pragma once

#include "simd/split_dots.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int64_t kVectorBytes = sizeof(Bytes);

// A byte has the nibble of the first code, then that of the second.
inline Bytes JoinNibbles(const Codes& pair) { return Select(EachByte(15), pair.first, MoveBits(pair.second, 4)); }

struct NibbleBundle {
  static constexpr int kBits = 4;
  static constexpr int kVectors = 4;
  static void Pack(const Codes (&pairs)[4], Bytes (&out)[kVectors]) {
    for (int v = 0; v < 4; ++v) out[v] = JoinNibbles(pairs[v]);
  }
  // load(i) gives vector i.
  template <class LoadVector>
  static Codes Read(const LoadVector& load, int v) {
    return SplitNibbles(load(v));
  }
};

// kTopBits more bits of each code, those of one after another in a byte.
template <int kTopBits>
struct ToppedBundle {
  static constexpr int kBits = 4 + kTopBits;
  static constexpr int kInVector = 8 / kTopBits;  // vectors of codes
  static constexpr int kPairsInVector = kInVector / 2;
  static constexpr int kVectors = 4 + 8 / kInVector;
  static constexpr int kMask = (1 << kTopBits) - 1;

  // Bits move within their byte only, as others are masked away.
  static Bytes AddTop(Bytes tops, Bytes codes, int place) {
    return OrMasked(tops, MoveBits(codes, place - 4), EachByte(kMask << place));
  }
  static Bytes WithTop(Bytes nibbles, Bytes tops, int place) {
    return OrMasked(nibbles, MoveBits(tops, 4 - place), EachByte(kMask << 4));
  }
  static int PlaceOf(int codes) { return codes % kInVector * kTopBits; }
  static constexpr int TopsOf(int v) { return v / kPairsInVector * (kPairsInVector + 1); }
  static constexpr int NibblesOf(int v) { return TopsOf(v) + 1 + v % kPairsInVector; }

  static void Pack(const Codes (&pairs)[4], Bytes (&out)[kVectors]) {
    for (int v = 0; v < 4; v += kPairsInVector) out[TopsOf(v)] = NoBytes();
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      out[NibblesOf(v)] = JoinNibbles(pairs[v]);
      Bytes& tops = out[TopsOf(v)];
      tops = AddTop(tops, pairs[v].first, PlaceOf(2 * v));
      tops = AddTop(tops, pairs[v].second, PlaceOf(2 * v + 1));
    }
  }
  template <class LoadVector>
  static Codes Read(const LoadVector& load, int v) {
    const Bytes tops = load(TopsOf(v));
    const Codes nibbles = SplitNibbles(load(NibblesOf(v)));
    return {WithTop(nibbles.first, tops, PlaceOf(2 * v)), WithTop(nibbles.second, tops, PlaceOf(2 * v + 1))};
  }
};
using FiveBundle = ToppedBundle<1>;
using SixBundle = ToppedBundle<2>;

struct ByteBundle {
  static constexpr int kBits = 8;
  static constexpr int kVectors = 8;
  static void Pack(const Codes (&pairs)[4], Bytes (&out)[kVectors]) {
    for (int64_t v = 0; v < 4; ++v) {
      out[2 * v] = pairs[v].first;
      out[2 * v + 1] = pairs[v].second;
    }
  }
  template <class LoadVector>
  static Codes Read(const LoadVector& load, int v) {
    return {load(2 * v), load(2 * v + 1)};
  }
};

// Into the cache, or past it.
inline void StorePacked(uint8_t* address, Bytes codes, bool stays) {
  if (stays) {
    StoreBytes(address, codes);
  } else {
    StorePast(address, codes);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
