// Products of prefill in integers, behind the functions of gemm.h: weights are packed as decoding packs them (simd.h),
// a few at a time and into the cache, and multiplied by decode's kernels. So a token has the bits of decoding.
#ifndef COREINFER_CPP_GEMM_PACKS_H_
#define COREINFER_CPP_GEMM_PACKS_H_

#include <cstdint>

#include "gemm.h"

namespace coreinfer {

/// Whether the processor packs weights of this dtype for vectors that lie this way, and has no matrix registers.
bool UsesPacks(const ci_context& context, const Matrix& weight, Along along);

/// Makes the vectors integers, in the context's shared scratch.
void SplitInputsForPacks(ci_context& context, const Matrix& weight, Inputs* inputs);

int64_t PackScratchBytes(const Inputs& inputs);

/// Of a tile: the columns that are packed together, or two packs of rows.
int64_t LeastPackedWidth(const Inputs& inputs);

void MultiplyPacked(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile,
                    float* y, int64_t y_stride, uint8_t* scratch);

}  // namespace coreinfer

#endif  // COREINFER_CPP_GEMM_PACKS_H_
