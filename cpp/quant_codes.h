// The groups of a quantised row taken apart into codes of a byte, and codes packed as the shared dtypes keep them: what
// moving elements without loss needs. types.h gives the layouts.
#ifndef COREINFER_CPP_QUANT_CODES_H_
#define COREINFER_CPP_QUANT_CODES_H_

#include <cstdint>

namespace coreinfer {

/// Where a block of a row keeps what.
struct BlockLayout {
  int32_t size;       // elements
  int32_t bytes;      // of the block
  int32_t bits;       // of a code
  int32_t halves;     // consecutive f16, from half_at on
  int32_t half_at;    // in bytes
  int32_t factors;    // consecutive bytes of scales below the f16, from factor_at on
  int32_t factor_at;  // in bytes
};

constexpr int32_t kMostBlockSize = 256;

/// Of Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K.
BlockLayout BlockLayoutOf(int32_t dtype);

/// The codes of a block, as many as it has elements.
void UnpackCodes(int32_t dtype, const uint8_t* block, uint8_t* codes);

/// Packs 32 codes of 4, 5 or 6 bits, `stride` bytes apart, into a piece of a row of a shared dtype.
void PackPiece(int32_t bits, const uint8_t* codes, int64_t stride, uint8_t* piece);

}  // namespace coreinfer

#endif  // COREINFER_CPP_QUANT_CODES_H_
