// The activation functions of a feed-forward layer (ci_activation).
#ifndef COREINFER_CUDA_ACTIVATION_H_
#define COREINFER_CUDA_ACTIVATION_H_

#include "coreinfer/types.h"
#include "device.h"

namespace coreinfer {

/// Of a neuron's gate and up sums; an ungated neuron has up only.
__device__ __forceinline__ float Activate(int32_t activation, bool gated, float gate, float up) {
  const float z = gated ? gate : up;
  const float rest = gated ? up : 1.0f;
  switch (activation) {
    case CI_RELU:
      return fmaxf(z, 0.0f) * rest;
    case CI_SILU:
      return z / (1.0f + expf(-z)) * rest;
    case CI_DRELU:
      return fmaxf(gate, 0.0f) * fmaxf(up, 0.0f);
    default: {
      // z / 2 * (1 + tanh(s)) = z / (1 + exp(-2 s)) with s = sqrt(2 / pi) * (z + 0.044715 z^3).
      const float inner = fmaf(z * z * z, 0.044715f, z);
      return z / (1.0f + expf(-1.5957691216f * inner)) * rest;
    }
  }
}

/// Whether a neuron whose gate is not positive has activation 0, whatever its up sum is.
__host__ __device__ __forceinline__ bool IsRectified(int32_t activation) {
  return activation == CI_RELU || activation == CI_DRELU;
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_ACTIVATION_H_
