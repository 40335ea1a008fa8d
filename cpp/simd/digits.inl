// Vectors as integers, for products with quantised weights: a group of 32 elements has a step, and its elements become
// integers of 16 bits in two signed digits of base 256, which instructions for bytes multiply; or of 8 bits in one, in
// tables that are compiled with COREINFER_SIMD_DIGITS=1.
//
// Error with two digits: let m be the largest magnitude of a group; its step is m / 32639, the most that two digits
// hold, and an element is rounded to the nearest multiple of it. So it is off by at most 2^-16 m, and a group's product
// by that times the sum of the magnitudes of its weights; for random elements, by a few times 2^-18 m times the square
// root of their sum of squares. F16 would keep 11 bits of each element, and one digit, as often used, keeps 7 bits of
// the largest: 257 times the error. A third digit would leave the error of F32 and take a fifth longer. Sums within a
// group are exact: 32 products of 8 and 16 bits fit.
#pragma once

#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Units that a vector takes.
inline int64_t SplitUnits(int64_t columns) { return (columns + kSplitUnit - 1) / kSplitUnit; }

#ifndef COREINFER_SIMD_DIGITS
#define COREINFER_SIMD_DIGITS 2
#endif
constexpr int kDigits = COREINFER_SIMD_DIGITS;
constexpr int32_t kMostSteps = kDigits == 2 ? 127 * 256 + 127 : 127;

// Exponents, biased by 127, between which steps, and their products with scales of F16, are normal numbers.
constexpr uint32_t kLeastExponent = 127 - 60;
constexpr uint32_t kMostExponent = 127 + 100;

// What a group with this largest magnitude, given by its bits, is divided into; no vector with others can be split.
struct Steps {
  explicit Steps(uint32_t most_bits) {
    float most;
    memcpy(&most, &most_bits, sizeof(most));
    const uint32_t exponent = most_bits >> 23;
    are_known = most_bits == 0 || (exponent >= kLeastExponent && exponent <= kMostExponent);
    if (most_bits == 0 || !are_known) return;
    step = most / static_cast<float>(kMostSteps);
    per_one = static_cast<float>(kMostSteps) / most;
  }

  bool are_known;
  float step = 0.0f;
  float per_one = 0.0f;
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
