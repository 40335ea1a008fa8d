// A token's activations, four at a time.
#ifndef COREINFER_CUDA_SCORE_ROW_H_
#define COREINFER_CUDA_SCORE_ROW_H_

#include "device.h"

namespace coreinfer {

struct ActivationRow {
  const float* values;
  int neurons;
  bool is_aligned;  // to 16 bytes, and neurons divisible by 4

  __device__ __forceinline__ ActivationRow(const float* activations, int64_t token, int neurons_)
      : values(activations + token * neurons_),
        neurons(neurons_),
        is_aligned(neurons_ % 4 == 0 && IsAligned(activations, 16)) {}

  __device__ __forceinline__ int quads() const { return (neurons + 3) / 4; }

  /// Activations 4 q..4 q + 3; 0 beyond the last.
  __device__ __forceinline__ float4 Quad(int q) const {
    if (is_aligned) return reinterpret_cast<const float4*>(values)[q];
    float four[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) four[i] = 4 * q + i < neurons ? values[4 * q + i] : 0.0f;
    return make_float4(four[0], four[1], four[2], four[3]);
  }
};

}  // namespace coreinfer

#endif  // COREINFER_CUDA_SCORE_ROW_H_
