// A feed-forward layer whose arguments have been checked.
#ifndef COREINFER_CPP_FFN_H_
#define COREINFER_CPP_FFN_H_

#include <cstdint>

#include "simd/simd.h"

namespace coreinfer {

struct Ffn {
  int32_t activation;
  Matrix gate;  // without data in an ungated layer
  Matrix up;
  Matrix down;
  const float* gate_bias;
  const float* up_bias;
  const float* down_bias;
  int32_t neurons;
  int32_t dim;

  bool gated() const { return gate.data != nullptr; }
};

Ffn RequireFfn(int32_t activation, int32_t up_dtype, const void* gate, const void* up, const float* gate_bias,
               const float* up_bias, int32_t down_dtype, const void* down, const float* down_bias, int32_t neurons,
               int32_t dim);

}  // namespace coreinfer

#endif  // COREINFER_CPP_FFN_H_
