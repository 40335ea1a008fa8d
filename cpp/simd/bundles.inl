// Codes as packs store them: four pairs of vectors of codes without a sign, a byte each, in as many vectors as a code
// has bits. Read takes one vector after another, which the processor's own prefetching follows. Codes of 5 and 6 bits
// have the high bits of as many pairs as a vector holds, then the nibbles of these.
#pragma once

#include "simd/split_blocks.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// A byte has the nibble of the first code, then that of the second.
inline __m512i JoinNibbles(const Codes& pair) {
  const __m512i high = _mm512_slli_epi16(pair.second, 4);
  return _mm512_ternarylogic_epi64(_mm512_set1_epi8(15), pair.first, high, 0xca);
}

struct NibbleBundle {
  static constexpr int kVectors = 4;
  static void Pack(const Codes (&pairs)[4], __m512i (&out)[kVectors]) {
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
  static constexpr int kInVector = 8 / kTopBits;  // vectors of codes
  static constexpr int kPairsInVector = kInVector / 2;
  static constexpr int kVectors = 4 + 8 / kInVector;
  static constexpr char kMask = (1 << kTopBits) - 1;

  // Bits move within their byte only, as others are masked away.
  static __m512i Moved(__m512i bits, int left) { return _mm512_rolv_epi64(bits, _mm512_set1_epi64(left)); }
  static __m512i AddTop(__m512i tops, __m512i codes, int place) {
    const __m512i mask = _mm512_set1_epi8(static_cast<char>(kMask << place));
    return _mm512_ternarylogic_epi64(tops, Moved(codes, place - 4), mask, 0xf8);
  }
  static __m512i WithTop(__m512i nibbles, __m512i tops, int place) {
    return _mm512_ternarylogic_epi64(nibbles, Moved(tops, 4 - place), _mm512_set1_epi8(kMask << 4), 0xf8);
  }
  static int PlaceOf(int codes) { return codes % kInVector * kTopBits; }
  static constexpr int TopsOf(int v) { return v / kPairsInVector * (kPairsInVector + 1); }
  static constexpr int NibblesOf(int v) { return TopsOf(v) + 1 + v % kPairsInVector; }

  static void Pack(const Codes (&pairs)[4], __m512i (&out)[kVectors]) {
    for (int v = 0; v < 4; v += kPairsInVector) out[TopsOf(v)] = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      out[NibblesOf(v)] = JoinNibbles(pairs[v]);
      __m512i& tops = out[TopsOf(v)];
      tops = AddTop(tops, pairs[v].first, PlaceOf(2 * v));
      tops = AddTop(tops, pairs[v].second, PlaceOf(2 * v + 1));
    }
  }
  template <class LoadVector>
  static Codes Read(const LoadVector& load, int v) {
    const __m512i tops = load(TopsOf(v));
    const Codes nibbles = SplitNibbles(load(NibblesOf(v)));
    return {WithTop(nibbles.first, tops, PlaceOf(2 * v)), WithTop(nibbles.second, tops, PlaceOf(2 * v + 1))};
  }
};
using FiveBundle = ToppedBundle<1>;
using SixBundle = ToppedBundle<2>;

struct ByteBundle {
  static constexpr int kVectors = 8;
  static void Pack(const Codes (&pairs)[4], __m512i (&out)[kVectors]) {
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

template <bool kStays>
inline void StorePacked(uint8_t* address, __m512i codes) {
  if (kStays) {
    _mm512_store_si512(address, codes);
  } else {
    StorePast(address, codes);
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
