// Norms against double precision.
#include <cmath>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

constexpr int32_t kSizes[] = {1, 2, 3, 13, 31, 32, 33, 64, 207, 257, 1024};

void CheckNorm(int32_t rows, int32_t dim, bool layer, Random& random) {
  const size_t count = static_cast<size_t>(rows) * static_cast<size_t>(dim);
  std::vector<float> values = random.Values(static_cast<int64_t>(count));
  for (float& value : values) value += 0.5f;
  const Array<float> x(values);
  const Array<float> weight(random.Values(dim));
  const Array<float> bias(random.Values(dim));
  const float epsilon = 1e-5f;
  const auto apply = [&](ci_context* c, const float* in, float* out) {
    return layer ? ci_layer_norm(c, in, weight.data(), bias.data(), rows, dim, epsilon, out)
                 : ci_rms_norm(c, in, weight.data(), rows, dim, epsilon, out);
  };
  const std::string what = Shape(layer ? "layer_norm" : "rms_norm", {rows, dim});
  const auto y = OnEveryContext(std::vector<float>(count), what,
                                [&](ci_context* c, float* out) { return apply(c, x.data(), out); });
  const auto in_place = OnEveryContext(values, what, [&](ci_context* c, float* out) { return apply(c, out, out); });
  CHECK_SAME(in_place, y, what + " in place");
  std::vector<double> want(count);
  std::vector<double> scale(count);
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
    const size_t size = static_cast<size_t>(dim);
    const float* row = values.data() + r * size;
    double mean = 0;
    for (size_t i = 0; i < size; ++i) mean += row[i];
    mean = layer ? mean / dim : 0;
    double squares = 0;
    for (size_t i = 0; i < size; ++i) squares += (row[i] - mean) * (row[i] - mean);
    const double deviation = std::sqrt(squares / dim + epsilon);
    for (size_t i = 0; i < size; ++i) {
      want[r * size + i] = (row[i] - mean) / deviation * weight[i] + (layer ? bias[i] : 0.0f);
      scale[r * size + i] = 1.0 + (std::fabs(row[i]) + std::fabs(mean)) / deviation;
    }
  }
  CHECK_CLOSE(y, want, scale, kNormTolerance, what);
}

TEST(NormalisesRows) {
  Random random(3);
  for (const int32_t dim : kSizes) {
    for (const int32_t rows : {1, 2, 13}) {
      CheckNorm(rows, dim, false, random);
      CheckNorm(rows, dim, true, random);
    }
  }
  CheckNorm(40, 1024, false, random);
  CheckNorm(40, 1024, true, random);
}

TEST(NormRejectsWhatDoesNotFit) {
  float x = 1;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_rms_norm(c, nullptr, &x, 1, 1, 0, &x), CI_INVALID_ARGUMENT, "x is null");
  CHECK_FAILS(ci_rms_norm(c, &x, nullptr, 1, 1, 0, &x), CI_INVALID_ARGUMENT, "weight is null");
  CHECK_FAILS(ci_rms_norm(c, &x, &x, 0, 1, 0, &x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_rms_norm(c, &x, &x, 1, 1, -1.0f, &x), CI_INVALID_ARGUMENT, "epsilon=-1");
  CHECK_FAILS(ci_layer_norm(c, &x, &x, nullptr, 1, 1, 0, &x), CI_INVALID_ARGUMENT, "bias is null");
  CHECK_FAILS(ci_layer_norm(c, &x, &x, &x, 1, -1, 0, &x), CI_INVALID_ARGUMENT, "at least 1");
}

}  // namespace
