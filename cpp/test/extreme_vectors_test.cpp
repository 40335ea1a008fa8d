// Vectors that are hard for products in integers: outliers, values at the edge of a step's range, zeros, denormals, NaN
// and infinity, alone and beside ordinary ones.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "backend.h"
#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int32_t kRows = 5;
constexpr int32_t kColumns = 768;

// A backend may take what is smaller for 0.
constexpr double kNothing = 1e-32;

// What F32 may cost, also where a middle of codes is taken away, and what rounding to the given part of the largest of
// each 32 elements may.
double Allowed(const std::vector<double>& weights, const float* x, double part) {
  double terms = 0;
  double rounding = 0;
  for (size_t begin = 0; begin < weights.size(); begin += 32) {
    double largest = 0;
    double magnitude = 0;
    for (size_t i = begin; i < begin + 32 && i < weights.size(); ++i) {
      terms += std::fabs(weights[i] * x[i]);
      largest = std::fmax(largest, std::fabs(x[i]));
      magnitude += std::fabs(weights[i]);
    }
    rounding += (largest * std::fmax(part, 0x1p-21) + kNothing) * magnitude;
  }
  return kDotTolerance * terms + rounding;
}

std::vector<float> Multiply(const Weights& weight, const std::vector<float>& x, int32_t tokens) {
  const Array<float> vectors(x);
  const std::vector<float> zero(static_cast<size_t>(tokens * weight.rows));
  return OnEveryContext(zero, "extreme matvec", [&](ci_context* c, float* y) {
    return ci_matvec(c, weight.dtype, weight.data(), nullptr, vectors.data(), tokens, weight.rows, weight.columns, 0,
                     y);
  });
}

void CheckFinite(const Weights& weight, const std::vector<float>& x, const std::string& what) {
  const std::vector<float> y = Multiply(weight, x, 1);
  std::vector<double> want;
  std::vector<double> allowed;
  for (int32_t r = 0; r < weight.rows; ++r) {
    std::vector<double> row;
    double sum = 0;
    for (int32_t i = 0; i < weight.columns; ++i) {
      row.push_back(weight.magnitude(r, i));
      sum += weight.at(r, i) * x[static_cast<size_t>(i)];
    }
    want.push_back(sum);
    allowed.push_back(Allowed(row, x.data(), VectorRounding(weight.dtype)));
  }
  CHECK_CLOSE(y, want, allowed, 1.0, what + " " + Shape("dtype", {weight.dtype}));
}

TEST(MultipliesVectorsWithOutliersAndGaps) {
  Random random(80);
  for (const DtypeName& dtype : Dtypes()) {
    const Weights weight(dtype.dtype, kRows, kColumns, random);
    for (const float scale : {1.0f, 1e-12f, 1e-30f, 1e-41f, 1e25f}) {
      std::vector<float> x = random.Values(kColumns);
      for (float& value : x) value *= scale;
      CheckFinite(weight, x, "scaled");
      x[5] = 1000 * scale;
      x[300] = -30000 * scale;
      CheckFinite(weight, x, "outliers");
      for (size_t i = 32; i < 96; ++i) x[i] = 0.0f;
      x[40] = scale;
      CheckFinite(weight, x, "one of a group");
    }
    CheckFinite(weight, std::vector<float>(kColumns, 0.0f), "zeros");
    CheckFinite(weight, std::vector<float>(kColumns, std::nextafter(1.0f, 0.0f)), "below a power of two");
    CheckFinite(weight, std::vector<float>(kColumns, -std::nextafter(1.0f, 0.0f)), "above minus a power of two");
    for (const float value : Multiply(weight, std::vector<float>(kColumns, 0.0f), 1)) CHECK(value == 0.0f);
  }
}

// The largest codes and the largest steps: what sums of integers must have room for.
TEST(LargestCodesDoNotOverflow) {
  for (const DtypeName& dtype : Dtypes()) {
    if (!IsGrouped(dtype.dtype)) continue;
    for (const int fill : {0x00, 0x80, 0xff}) {
      const Weights weight(dtype.dtype, 1, 256, FilledRow(dtype.dtype, 256, static_cast<uint8_t>(fill)));
      for (const float value : {std::nextafter(1.0f, 0.0f), -std::nextafter(1.0f, 0.0f), 1.0f, -1.0f}) {
        CheckFinite(weight, std::vector<float>(256, value), "fill " + std::to_string(fill));
      }
    }
  }
}

TEST(NanAndInfinityReachEveryRow) {
  Random random(81);
  for (const DtypeName& dtype : Dtypes()) {
    const Weights weight(dtype.dtype, kRows, kColumns, random);
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      for (const size_t at : {size_t{0}, size_t{17}, size_t{kColumns - 1}}) {
        std::vector<float> x = random.Values(kColumns);
        x[at] = bad;
        const std::vector<float> y = Multiply(weight, x, 1);
        for (int32_t r = 0; r < kRows; ++r) {
          const double product = weight.at(r, static_cast<int64_t>(at)) * bad;
          if (std::isnan(product)) {
            CHECK(std::isnan(y[static_cast<size_t>(r)]));
          } else {
            CHECK(y[static_cast<size_t>(r)] == product);
          }
        }
      }
    }
  }
}

// Tokens whose vectors are split and tokens whose vectors cannot be, in one call.
TEST(ExtremeTokensLeaveOthersAlone) {
  Random random(82);
  for (const DtypeName& dtype : Dtypes()) {
    const Weights weight(dtype.dtype, kRows, kColumns, random);
    constexpr int32_t kTokens = 6;
    std::vector<float> x = random.Values(kTokens * kColumns);
    x[kColumns + 3] = kInfinity;
    x[3 * kColumns + 700] = 1e38f;
    for (size_t i = 4 * kColumns; i < 4 * kColumns + 32; ++i) x[i] = 1e-40f;
    const std::vector<float> together = Multiply(weight, x, kTokens);
    for (size_t t = 0; t < kTokens; ++t) {
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(t * kColumns);
      const std::vector<float> own(together.begin() + static_cast<std::ptrdiff_t>(t * kRows),
                                   together.begin() + static_cast<std::ptrdiff_t>((t + 1) * kRows));
      CHECK_SAME(own, Multiply(weight, std::vector<float>(begin, begin + kColumns), 1), "beside extremes");
    }
  }
}

std::vector<uint8_t> Bytes(const std::vector<float>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// An ungated layer whose neurons get ups[n] * x[0] before SiLU.
std::vector<float> DecodeLayer(const Weights& down, const std::vector<float>& ups, std::vector<float>* activations) {
  std::vector<float> up(ups.size() * static_cast<size_t>(down.columns));
  for (size_t n = 0; n < ups.size(); ++n) up[n * static_cast<size_t>(down.columns)] = ups[n];
  const Weights up_weight(CI_F32, down.rows, down.columns, Bytes(up));
  std::vector<float> one(static_cast<size_t>(down.columns));
  one[0] = 1.0f;
  const Array<float> x(one);
  const Array<int32_t> core = One(down.rows);
  std::vector<float> out(static_cast<size_t>(down.columns + down.rows));
  out = OnEveryContext(out, "extreme ffn", [&](ci_context* c, float* y) {
    return ci_ffn_decode(c, CI_SILU, CI_F32, nullptr, up_weight.data(), nullptr, nullptr, down.dtype, down.data(),
                         nullptr, x.data(), 1, nullptr, core.data(), nullptr, down.rows, down.columns, y + down.columns,
                         y);
  });
  activations->assign(out.begin() + down.columns, out.end());
  out.resize(static_cast<size_t>(down.columns));
  return out;
}

TEST(AddsDownRowsOfExtremeActivations) {
  Random random(83);
  for (const DtypeName& dtype : AllDtypes()) {
    if (!Fits(dtype.dtype, 256, 320)) continue;
    const Weights down(dtype.dtype, 256, 320, random);
    for (const float scale : {1.0f, 1e-12f, 1e-35f, 1e25f}) {
      std::vector<float> ups = random.Values(256);
      for (float& up : ups) up = std::fabs(up) * scale;
      ups[7] *= 20000;
      for (size_t n = 64; n < 96; ++n) ups[n] = n == 70 ? scale : 0.0f;
      std::vector<float> activations;
      const std::vector<float> y = DecodeLayer(down, ups, &activations);
      std::vector<double> want;
      std::vector<double> allowed;
      for (int32_t i = 0; i < down.columns; ++i) {
        std::vector<double> column;
        double sum = 0;
        for (int32_t n = 0; n < down.rows; ++n) {
          column.push_back(down.magnitude(n, i));
          sum += down.at(n, i) * activations[static_cast<size_t>(n)];
        }
        want.push_back(sum);
        allowed.push_back(kFfnTolerance / kDotTolerance *
                          Allowed(column, activations.data(), VectorRounding(down.dtype)));
      }
      CHECK_CLOSE(y, want, allowed, 1.0, Shape("down rows", {dtype.dtype}));
    }
    for (const float bad : {kNan, kInfinity}) {
      std::vector<float> ups = random.Values(256);
      ups[200] = bad;
      std::vector<float> activations;
      for (const float value : DecodeLayer(down, ups, &activations)) CHECK(!std::isfinite(value));
    }
  }
}

}  // namespace
