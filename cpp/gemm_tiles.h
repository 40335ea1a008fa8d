// Products of prefill as products of bfloat16 (simd/tiles.h), behind the functions of gemm.h.
#ifndef COREINFER_CPP_GEMM_TILES_H_
#define COREINFER_CPP_GEMM_TILES_H_

#include <cstdint>

#include "gemm.h"

namespace coreinfer {

/// Whether products of this depth with weights of this dtype are computed in bfloat16.
bool UsesTiles(const ci_context& context, int32_t dtype, int32_t depth);

/// Splits inputs.x into panels.
void SplitInputs(ci_context& context, const Matrix& weight, Inputs* inputs);

int64_t TileScratchBytes(const Inputs& inputs);

void MultiplyOnTiles(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile,
                     float* y, int64_t y_stride, uint8_t* scratch);

}  // namespace coreinfer

#endif  // COREINFER_CPP_GEMM_TILES_H_
