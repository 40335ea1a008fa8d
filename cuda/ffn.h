// What the files of the feed-forward layer share.
#ifndef COREINFER_CUDA_FFN_H_
#define COREINFER_CUDA_FFN_H_

#include "context.h"
#include "matrix.h"

namespace coreinfer {

/// A layer's weights (ci_ffn_prefill), checked. Pointers are to device memory.
struct Ffn {
  int32_t activation;
  DeviceMatrix gate;  // without q in an ungated layer
  DeviceMatrix up;
  DeviceMatrix down;
  const float* gate_bias;
  const float* up_bias;
  const float* down_bias;
  int32_t neurons;
  int32_t dim;
};

/// `rows` is how many rows the matrices have: the layer's neurons, or the capacity of packed ones.
Ffn RequireFfn(int32_t activation, int32_t up_dtype, const void* gate, const void* up, const float* gate_bias,
               const float* up_bias, int32_t down_dtype, const void* down, const float* down_bias, int32_t neurons,
               int32_t rows, int32_t dim);

/// ci_cuda_activate without its checks.
int32_t LaunchActivate(ci_context& context, const char* function, int32_t activation, const float* gate,
                       const float* gate_bias, const float* up_bias, int32_t tokens, int32_t neurons, float* up);

}  // namespace coreinfer

#endif  // COREINFER_CUDA_FFN_H_
