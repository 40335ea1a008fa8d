// Sums of products where the processor multiplies bytes by fours to 32 bits: AVX-512 VNNI and AVX-VNNI.
#pragma once

#include "simd/four_digits.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// What sums with each digit add up to.
inline Bytes JoinDigits(const Bytes (&sums)[kDigits]) {
  if constexpr (kDigits == 1) return sums[0];
  return AddIntegers(TimesBase(sums[0]), sums[kDigits - 1]);
}

// For each lane, the products of four codes of kBits and four elements, on top of others: exact.
template <int kBits>
struct LaneSums {
  static constexpr int kMost = 1 << 16;  // products before Flush
  // Other codes take time to read, and vectors of sixteen lanes gain nothing.
  static constexpr bool kTakesTurns = kBits == 8 && kDigits == 2 && kLanes == 8;

  using Four = FourDigits;

  void Start(int32_t start) {
    sum[0] = NoBytes();
    sum[kDigits - 1] = EachInteger(start);
  }
  void Add(Bytes codes, const Four& four) {
    for (int d = 0; d < kDigits; ++d) sum[d] = AddProducts(sum[d], codes, four.digit[d]);
  }
  void Flush() {}
  void Join(const LaneSums& other) {
    for (int d = 0; d < kDigits; ++d) sum[d] = AddIntegers(sum[d], other.sum[d]);
  }
  Bytes All() const { return JoinDigits(sum); }
  Vec Total(int32_t less = 0) const { return ToFloats(AddIntegers(All(), EachInteger(-less))); }

  Bytes sum[kDigits];
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
