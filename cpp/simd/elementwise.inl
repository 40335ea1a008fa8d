// Loops over activations: sums, normalisation, the activation functions. The data is in cache; they are a small share.
#pragma once

#include "coreinfer/types.h"
#include "simd/readers.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// e^x with a relative error near 1e-7; x is clamped to [-87, 88], NaN stays NaN.
inline Vec Exp(Vec x) {
  x = Min(Set(88.0f), Max(Set(-87.0f), x));
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits of the sum.
  const Vec shifted = Fma(x, Set(1.44269504f), Set(12582912.0f));
  const Vec n = Sub(shifted, Set(12582912.0f));
  const Vec r = Fma(n, Set(2.12194440e-4f), Fma(n, Set(-0.693359375f), x));
  Vec p = Set(1.9875691500e-4f);
  p = Fma(p, r, Set(1.3981999507e-3f));
  p = Fma(p, r, Set(8.3334519073e-3f));
  p = Fma(p, r, Set(4.1665795894e-2f));
  p = Fma(p, r, Set(1.6666665459e-1f));
  p = Fma(p, r, Set(5.0000001201e-1f));
  p = Add(Fma(p, Mul(r, r), r), Set(1.0f));
  return Mul(p, PowerOfTwo(shifted));
}

struct Relu {
  static Vec Of(Vec z) { return Max(z, Zero()); }
};
struct Silu {
  static Vec Of(Vec z) { return Div(z, Add(Set(1.0f), Exp(Sub(Zero(), z)))); }
};
// z / 2 * (1 + tanh(s)) = z / (1 + exp(-2 s)) with s = sqrt(2 / pi) * (z + 0.044715 z^3).
struct Gelu {
  static Vec Of(Vec z) {
    const Vec inner = Fma(Mul(Mul(z, z), z), Set(0.044715f), z);
    return Div(z, Add(Set(1.0f), Exp(Mul(inner, Set(-1.5957691216f)))));
  }
};

// Applies out = operation(a, b) to all elements; the last ones in a padded vector, by the same instructions.
template <class Operation>
inline void ForEach(const float* a, const float* b, int64_t count, float* out, const Operation& operation) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(out + i, operation(Load(a + i), Load(b + i)));
  if (i < count) {
    StorePartial(out + i, count - i, operation(LoadPartial(a + i, count - i), LoadPartial(b + i, count - i)));
  }
}

template <class Function>
void ActivateWith(const float* gate, const float* up, int64_t count, float* out) {
  if (gate == nullptr) {
    ForEach(up, up, count, out, [](Vec u, Vec) { return Function::Of(u); });
  } else {
    ForEach(gate, up, count, out, [](Vec g, Vec u) { return Mul(Function::Of(g), u); });
  }
}

void Activate(int32_t activation, const float* gate, const float* up, int64_t count, float* out) {
  switch (activation) {
    case CI_RELU:
      ActivateWith<Relu>(gate, up, count, out);
      break;
    case CI_SILU:
      ActivateWith<Silu>(gate, up, count, out);
      break;
    case CI_DRELU:
      ForEach(gate, up, count, out, [](Vec g, Vec u) { return Mul(Relu::Of(g), Relu::Of(u)); });
      break;
    case CI_GELU:
      ActivateWith<Gelu>(gate, up, count, out);
      break;
    default:
      break;
  }
}

void AddVectors(const float* x, int64_t count, float* y) {
  ForEach(x, y, count, y, [](Vec a, Vec b) { return Add(b, a); });
}

// The sum of operation(x) over all elements.
template <class Operation>
inline float SumOf(const float* x, int32_t count, const Operation& operation) {
  Vec sum[4] = {Zero(), Zero(), Zero(), Zero()};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (int v = 0; v < 4; ++v) sum[v] = Add(sum[v], operation(Load(x + i + v * kLanes)));
  }
  for (; i + kLanes <= count; i += kLanes) sum[0] = Add(sum[0], operation(Load(x + i)));
  float rest = 0.0f;
  for (; i < count; ++i) {
    float first[kLanes];
    Store(first, operation(Set(x[i])));
    rest += first[0];
  }
  return Sum(Add(Add(sum[0], sum[1]), Add(sum[2], sum[3]))) + rest;
}

void RmsNorm(const float* x, const float* weight, int32_t dim, float epsilon, float* y) {
  const float squares = SumOf(x, dim, [](Vec v) { return Mul(v, v); });
  const Vec scale = Set(1.0f / __builtin_sqrtf(squares / static_cast<float>(dim) + epsilon));
  ForEach(x, weight, dim, y, [scale](Vec v, Vec w) { return Mul(Mul(v, scale), w); });
}

void LayerNorm(const float* x, const float* weight, const float* bias, int32_t dim, float epsilon, float* y) {
  const float size = static_cast<float>(dim);
  const Vec mean = Set(SumOf(x, dim, [](Vec v) { return v; }) / size);
  const float variance = SumOf(x, dim, [mean](Vec v) { return Mul(Sub(v, mean), Sub(v, mean)); }) / size;
  const Vec scale = Set(1.0f / __builtin_sqrtf(variance + epsilon));
  ForEach(x, weight, dim, y, [mean, scale](Vec v, Vec w) { return Mul(Mul(Sub(v, mean), scale), w); });
  AddVectors(bias, dim, y);
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
