// Four rows whose dots are taken together: what instruction sets of any width agree on.
#pragma once

#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// Where the rows are, at the same offset.
struct FourRows {
  const uint8_t* row[4];
  FourRows At(int64_t offset) const { return {{row[0] + offset, row[1] + offset, row[2] + offset, row[3] + offset}}; }
};

// What kTokens tokens have added up: the sums of each four groups of a vector, of four rows each. The group b of row r
// is in lane 4 b + r of one vector, or of as many as it takes.
template <int kTokens>
using UnitSums = Vec[kTokens][16 / kLanes];

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
