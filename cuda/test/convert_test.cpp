// The steps around a matrix product of a library, against what their definitions give in double precision.
#include <cmath>
#include <limits>

#include "coreinfer/cuda.h"
#include "cpp/test/ffn_layer.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"

namespace {

using namespace coreinfer_test;

// The nearest number with `digits` binary digits whose last one is worth at least 2^`least`; ties to even.
double Rounded(double value, int digits, int least) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int place = std::max(std::ilogb(value) - digits + 1, least);
  return std::ldexp(std::nearbyint(std::ldexp(value, -place)), place);
}

double AsStored(int32_t dtype, double value) {
  switch (dtype) {
    case CI_F32:
      return Rounded(value, 24, -149);
    case CI_F16:
      value = Rounded(value, 11, -24);
      return std::fabs(value) < 65536 ? value : std::copysign(HUGE_VAL, value);
    default:
      return Rounded(value, 8, -133);
  }
}

std::vector<Element> Stored(int32_t dtype, const std::vector<uint8_t>& bytes) {
  return Decode(dtype, bytes.data(), 1, static_cast<int32_t>(bytes.size() / (dtype == CI_F32 ? 4 : 2)));
}

void CheckConvert(const DtypeName& dtype, int32_t rows, int32_t columns, int32_t first, int32_t count, Random& random) {
  const Weights weight(dtype.dtype, rows, columns, random);
  const auto elements = static_cast<size_t>(int64_t{count} * columns);
  for (const int32_t target_dtype : {CI_F32, CI_F16, CI_BF16}) {
    for (ci_context* c : Contexts()) {
      Array<uint8_t> target(std::vector<uint8_t>(elements * (target_dtype == CI_F32 ? 4 : 2), 0xff));
      CHECK_OK(
          ci_cuda_convert(c, dtype.dtype, weight.data(), rows, columns, first, count, target_dtype, target.data()));
      const std::vector<Element> stored = Stored(target_dtype, target.Fetch(c));
      bool same = true;
      for (size_t i = 0; i < elements; ++i) {
        const auto at = static_cast<int64_t>(i);
        const double want = AsStored(target_dtype, weight.at(first + at / columns, at % columns));
        same = same && stored[i].value == want;
      }
      Check(same, Shape(dtype.name, {rows, columns, first, count, target_dtype}), __FILE__, __LINE__);
    }
  }
}

TEST(ConvertsEveryDtypeExactly) {
  Random random(80);
  for (const DtypeName& dtype : AllDtypes()) {
    for (const int32_t columns : {1, 7, 8, 32, 33, 96, 1120}) {
      if (!Fits(dtype.dtype, 96, columns)) continue;
      CheckConvert(dtype, 96, columns, 0, 96, random);
      CheckConvert(dtype, 96, columns, 32, 32, random);
      CheckConvert(dtype, 96, columns, 64, 32, random);
      if (IsShared(dtype.dtype)) continue;
      CheckConvert(dtype, 96, columns, 95, 1, random);
      CheckConvert(dtype, 96, columns, 3, 17, random);
    }
  }
}

void CheckToHalf(const std::vector<float>& values, const char* what) {
  const Array<float> x(values);
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(double{value}));
  for (ci_context* c : Contexts()) {
    Array<uint8_t> target(std::vector<uint8_t>(values.size() * 2, 0xff));
    Array<float> scale(std::vector<float>{-1.0f});
    CHECK_OK(ci_cuda_to_half(c, x.data(), static_cast<int64_t>(values.size()), target.data(), scale.data()));
    const std::vector<Element> stored = Stored(CI_F16, target.Fetch(c));
    const double s = scale.Fetch(c)[0];
    bool holds = s > 0 && s == std::ldexp(1.0, std::ilogb(s));
    if (largest == 0) {
      holds = holds && s == 1;
    } else {
      holds = holds && largest / s < 16384 && (largest / s >= 8192 || s == std::ldexp(1.0, -149));
    }
    for (size_t i = 0; i < values.size(); ++i) holds = holds && stored[i].value == AsStored(CI_F16, values[i] / s);
    Check(holds, what, __FILE__, __LINE__);
  }
}

TEST(ScalesToHalf) {
  Random random(81);
  for (const int64_t count : {1, 31, 257, 5000, 100000}) {
    if (count > 20000 && Slowness() > 1) continue;
    for (const float size : {1.0f, 1e-30f, 1e30f, 3e38f, 1e-42f}) {
      std::vector<float> values = random.Values(count);
      for (float& value : values) value *= size;
      CheckToHalf(values, "random");
    }
  }
  CheckToHalf({0.0f, -0.0f, 0.0f}, "zeros");
  CheckToHalf({0.0f, std::ldexp(1.0f, -149)}, "the least");
  CheckToHalf({std::numeric_limits<float>::max(), 1.0f, -1e-3f}, "the largest");
  CheckToHalf({-8192.0f, 1.0f}, "negative");
  CheckToHalf({std::nextafter(16384.0f, 0.0f), 1.0f}, "just below");
}

TEST(AddsBiases) {
  Random random(82);
  for (const int32_t tokens : {1, 3, 70}) {
    for (const int32_t dim : {1, 5, 257, 1000}) {
      const Array<float> bias(random.Values(dim));
      const std::vector<float> start = random.Values(int64_t{tokens} * dim);
      for (const bool biased : {true, false}) {
        for (const int32_t accumulate : {0, 1}) {
          std::vector<float> want;
          for (size_t i = 0; i < start.size(); ++i) {
            const float value = biased ? bias[i % static_cast<size_t>(dim)] : 0.0f;
            want.push_back(accumulate == 1 ? start[i] + value : value);
          }
          const std::vector<float> before =
              accumulate == 1 ? start : std::vector<float>(start.size(), std::numeric_limits<float>::quiet_NaN());
          const auto got = OnEveryContext(before, "bias", [&](ci_context* c, float* y) {
            return ci_cuda_bias(c, biased ? bias.data() : nullptr, tokens, dim, accumulate, y);
          });
          CHECK_SAME(got, want, Shape("bias", {tokens, dim, biased, accumulate}));
        }
      }
    }
  }
}

TEST(ActivatesInPlace) {
  Random random(83);
  for (const int32_t activation : {CI_RELU, CI_SILU, CI_DRELU, CI_GELU}) {
    for (const bool gated : {true, false}) {
      if (activation == CI_DRELU && !gated) continue;
      for (const bool biased : {true, false}) {
        const int32_t tokens = 7;
        const int32_t neurons = 333;
        const auto count = static_cast<size_t>(tokens * neurons);
        const Array<float> gate(random.Values(tokens * neurons));
        const Array<float> gate_bias(random.Values(neurons));
        const Array<float> up_bias(random.Values(neurons));
        const std::vector<float> up = random.Values(tokens * neurons);
        std::vector<double> want;
        std::vector<double> scale(count, 4.0);
        for (size_t i = 0; i < count; ++i) {
          const size_t n = i % static_cast<size_t>(neurons);
          const double g = double{gate[i]} + (biased ? double{gate_bias[n]} : 0.0);
          const double u = double{up[i]} + (biased ? double{up_bias[n]} : 0.0);
          want.push_back(Activation(activation, gated, g, u));
        }
        const auto got = OnEveryContext(up, "activate", [&](ci_context* c, float* out) {
          return ci_cuda_activate(c, activation, gated ? gate.data() : nullptr, biased ? gate_bias.data() : nullptr,
                                  biased ? up_bias.data() : nullptr, tokens, neurons, out);
        });
        CHECK_CLOSE(got, want, scale, kActivationTolerance, Shape("activate", {activation, gated, biased}));
      }
    }
  }
}

TEST(ConversionsRejectWhatDoesNotFit) {
  const Array<float> memory(std::vector<float>(32 * 32));
  float* p = memory.data();
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_cuda_convert(nullptr, CI_F32, p, 1, 1, 0, 1, CI_F32, p), CI_INVALID_ARGUMENT, "context is null");
  CHECK_FAILS(ci_cuda_convert(c, 99, p, 1, 1, 0, 1, CI_F32, p), CI_INVALID_ARGUMENT, "dtype=99");
  CHECK_FAILS(ci_cuda_convert(c, CI_F32, nullptr, 1, 1, 0, 1, CI_F32, p), CI_INVALID_ARGUMENT, "weight is null");
  CHECK_FAILS(ci_cuda_convert(c, CI_F32, p, 4, 1, 4, 1, CI_F32, p), CI_INVALID_ARGUMENT, "first_row=4");
  CHECK_FAILS(ci_cuda_convert(c, CI_F32, p, 4, 1, 2, 3, CI_F32, p), CI_INVALID_ARGUMENT, "count=3");
  CHECK_FAILS(ci_cuda_convert(c, CI_F32, p, 4, 1, 0, 4, CI_Q8_0, p), CI_INVALID_ARGUMENT, "target_dtype=3");
  CHECK_FAILS(ci_cuda_convert(c, CI_F32, p, 4, 1, 0, 4, CI_F32, nullptr), CI_INVALID_ARGUMENT, "target is null");
  CHECK_FAILS(ci_cuda_convert(c, CI_Q4_0_SHARED, p, 64, 32, 16, 32, CI_F32, p), CI_INVALID_ARGUMENT, "first_row=16");
  CHECK_FAILS(ci_cuda_convert(c, CI_Q4_0_SHARED, p, 64, 32, 32, 31, CI_F32, p), CI_INVALID_ARGUMENT, "count=31");
  CHECK_FAILS(ci_cuda_to_half(c, nullptr, 1, p, p), CI_INVALID_ARGUMENT, "x is null");
  CHECK_FAILS(ci_cuda_to_half(c, p, 0, p, p), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_cuda_to_half(c, p, 1, nullptr, p), CI_INVALID_ARGUMENT, "target is null");
  CHECK_FAILS(ci_cuda_to_half(c, p, 1, p, nullptr), CI_INVALID_ARGUMENT, "scale is null");
  CHECK_FAILS(ci_cuda_bias(c, p, 1, 0, 0, p), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_cuda_bias(c, p, 1, 1, 2, p), CI_INVALID_ARGUMENT, "accumulate=2");
  CHECK_FAILS(ci_cuda_bias(c, p, 1, 1, 0, nullptr), CI_INVALID_ARGUMENT, "y is null");
  CHECK_FAILS(ci_cuda_activate(c, 4, p, p, p, 1, 1, p), CI_INVALID_ARGUMENT, "activation=4");
  CHECK_FAILS(ci_cuda_activate(c, CI_DRELU, nullptr, p, p, 1, 1, p), CI_INVALID_ARGUMENT, "gate=NULL");
  CHECK_FAILS(ci_cuda_activate(c, CI_RELU, p, p, p, 1, 1, nullptr), CI_INVALID_ARGUMENT, "up is null");
}

}  // namespace
