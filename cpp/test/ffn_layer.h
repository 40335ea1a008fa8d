// Random feed-forward layers in the backend's memory, and what they compute in double precision.
#ifndef COREINFER_CPP_TEST_FFN_LAYER_H_
#define COREINFER_CPP_TEST_FFN_LAYER_H_

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "backend.h"
#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace coreinfer_test {

inline double Activation(int32_t activation, bool gated, double g, double u) {
  const double z = gated ? g : u;
  const double rest = gated ? u : 1.0;
  switch (activation) {
    case CI_RELU:
      return std::max(z, 0.0) * rest;
    case CI_SILU:
      return z / (1 + std::exp(-z)) * rest;
    case CI_DRELU:
      return std::max(g, 0.0) * std::max(u, 0.0);
    default:
      return 0.5 * z * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (z + 0.044715 * z * z * z))) * rest;
  }
}

struct Layer {
  Layer(int32_t activation_, bool gated_, int32_t up_dtype, int32_t down_dtype, int32_t neurons_, int32_t dim_,
        bool biased_, Random& random)
      : activation(activation_),
        gated(gated_),
        biased(biased_),
        neurons(neurons_),
        dim(dim_),
        gate(up_dtype, neurons_, dim_, random),
        up(up_dtype, neurons_, dim_, random),
        down(down_dtype, neurons_, dim_, random),
        gate_bias(random.Values(neurons_)),
        up_bias(random.Values(neurons_)),
        down_bias(random.Values(dim_)) {}

  int32_t Decode(ci_context* c, const float* x, const int32_t* ids, int32_t core, float* activations, float* y) const {
    return DecodeTokens(c, x, 1, ids, core, activations, y);
  }

  int32_t DecodeTokens(ci_context* c, const float* x, int32_t tokens, const int32_t* ids, int32_t core,
                       float* activations, float* y, const uint32_t* users = nullptr) const {
    const Array<int32_t> core_length = One(core);
    const int32_t status = ci_ffn_decode(c, activation, up.dtype, gated ? gate.data() : nullptr, up.data(),
                                         biased ? gate_bias.data() : nullptr, biased ? up_bias.data() : nullptr,
                                         down.dtype, down.data(), biased ? down_bias.data() : nullptr, x, tokens, ids,
                                         core_length.data(), users, neurons, dim, activations, y);
    return status == CI_OK ? ci_context_synchronize(c) : status;
  }

  int32_t Prefill(ci_context* c, const float* x, int32_t tokens, float* activations, float* y) const {
    return ci_ffn_prefill(c, activation, up.dtype, gated ? gate.data() : nullptr, up.data(),
                          biased ? gate_bias.data() : nullptr, biased ? up_bias.data() : nullptr, down.dtype,
                          down.data(), biased ? down_bias.data() : nullptr, x, tokens, neurons, dim, activations, y);
  }

  /// What rounding vectors for decode may cost beside what F32 does.
  double Rounding() const { return 2 * std::max(VectorRounding(up.dtype), VectorRounding(down.dtype)); }
  double PrefillRounding() const {
    return 2 * std::max(coreinfer_test::PrefillRounding(up.dtype), coreinfer_test::PrefillRounding(down.dtype));
  }

  std::string name() const {
    return Shape("activation,gated,up,down,neurons,dim", {activation, gated, up.dtype, down.dtype, neurons, dim});
  }

  int32_t activation;
  bool gated, biased;
  int32_t neurons, dim;
  Weights gate, up, down;
  Array<float> gate_bias, up_bias, down_bias;
};

struct Expected {
  std::vector<double> activations, activation_scale, y, y_scale;
};

// Sums are scaled by their absolute terms, an activation's error by those of its gate and up products.
inline Expected Reference(const Layer& layer, const float* x, const std::vector<int32_t>& ids, const float* start) {
  Expected e;
  const auto dot = [&](const Weights& weight, const Array<float>& bias, int32_t n, double* absolute) {
    double sum = layer.biased ? bias[static_cast<size_t>(n)] : 0.0;
    *absolute = std::fabs(sum);
    for (int32_t i = 0; i < layer.dim; ++i) {
      sum += weight.at(n, i) * x[i];
      *absolute += std::fabs(weight.at(n, i) * x[i]);
    }
    return sum;
  };
  for (int32_t i = 0; i < layer.dim; ++i) {
    const double bias = layer.biased ? layer.down_bias[static_cast<size_t>(i)] : 0.0;
    e.y.push_back(start[i] + bias);
    e.y_scale.push_back(std::fabs(start[i]) + std::fabs(bias) + 1e-30);
  }
  for (const int32_t n : ids) {
    double gate_scale = 1;
    double up_scale = 0;
    const double g = layer.gated ? dot(layer.gate, layer.gate_bias, n, &gate_scale) : 0.0;
    const double u = dot(layer.up, layer.up_bias, n, &up_scale);
    const double a = Activation(layer.activation, layer.gated, g, u);
    e.activations.push_back(a);
    e.activation_scale.push_back(2 * gate_scale * up_scale + 1e-30);
    for (int32_t i = 0; i < layer.dim; ++i) {
      e.y[static_cast<size_t>(i)] += a * layer.down.at(n, i);
      e.y_scale[static_cast<size_t>(i)] += e.activation_scale.back() * layer.down.magnitude(n, i);
    }
  }
  return e;
}

inline std::vector<int32_t> All(int32_t neurons) {
  std::vector<int32_t> ids(static_cast<size_t>(neurons));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

inline std::vector<int32_t> Some(int32_t neurons, Random& random) {
  std::vector<int32_t> ids;
  for (int32_t n = 0; n < neurons; ++n) {
    if (random.Below(5) < 2) ids.push_back(n);
  }
  return ids;
}

}  // namespace coreinfer_test

#endif  // COREINFER_CPP_TEST_FFN_LAYER_H_
