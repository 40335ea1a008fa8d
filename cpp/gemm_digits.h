// Products of prefill with quantised weights in integers of 16 bits on matrix registers (simd/tiles_digits.h), behind
// the functions of gemm.h.
#ifndef COREINFER_CPP_GEMM_DIGITS_H_
#define COREINFER_CPP_GEMM_DIGITS_H_

#include <cstdint>

#include "gemm.h"

namespace coreinfer {

/// Whether products of this depth with weights of this dtype are computed in digits.
bool UsesDigits(const ci_context& context, int32_t dtype, int32_t depth);

/// Splits inputs.x into panels.
void SplitInputsIntoDigits(ci_context& context, Inputs* inputs);

int64_t DigitScratchBytes(const Inputs& inputs);

void MultiplyDigits(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile,
                    float* y, int64_t y_stride, uint8_t* scratch);

}  // namespace coreinfer

#endif  // COREINFER_CPP_GEMM_DIGITS_H_
