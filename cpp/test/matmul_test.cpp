// Matrix products of decode and prefill against double precision.
#include <cmath>
#include <limits>
#include <thread>

#include "backend.h"
#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

constexpr int32_t kRows[] = {1, 3, 33, 207};
constexpr int32_t kColumns[] = {1, 2, 13, 31, 32, 33, 64, 160, 256, 257, 768, 1120};

// What y should be, and the sum of the absolute terms.
void Product(const Weights& weight, const Array<float>& x, int32_t tokens, const std::vector<float>& bias,
             const std::vector<float>& start, std::vector<double>* want, std::vector<double>* scale) {
  want->assign(start.begin(), start.end());
  scale->resize(start.size());
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t r = 0; r < weight.rows; ++r) {
      double sum = bias.empty() ? 0.0 : bias[static_cast<size_t>(r)];
      double absolute = std::fabs(sum);
      for (int64_t i = 0; i < weight.columns; ++i) {
        const double term = weight.at(r, i) * x[static_cast<size_t>(t * weight.columns + i)];
        sum += term;
        absolute += std::fabs(term);
      }
      const auto index = static_cast<size_t>(t * weight.rows + r);
      (*want)[index] += sum;
      (*scale)[index] = absolute + std::fabs(start[index]) + 1e-30;
    }
  }
}

void CheckProduct(const DtypeName& dtype, int32_t tokens, int32_t rows, int32_t columns, bool biased, bool accumulate,
                  Random& random) {
  const Weights weight(dtype.dtype, rows, columns, random);
  const Array<float> x(random.Values(int64_t{tokens} * columns));
  const Array<float> bias(random.Values(rows));
  const std::vector<float> zero(static_cast<size_t>(tokens) * static_cast<size_t>(rows));
  const std::vector<float> start = accumulate ? random.Values(int64_t{tokens} * rows) : zero;
  // Without accumulation whatever stood in y must not matter.
  const std::vector<float> before =
      accumulate ? start : std::vector<float>(zero.size(), std::numeric_limits<float>::quiet_NaN());
  const float* bias_data = biased ? bias.data() : nullptr;
  std::vector<double> want;
  std::vector<double> scale;
  Product(weight, x, tokens, biased ? bias.values() : std::vector<float>(), start, &want, &scale);
  const std::string what = Shape(dtype.name, {tokens, rows, columns});
  const auto y = OnEveryContext(before, "matmul " + what, [&](ci_context* c, float* out) {
    return ci_matmul(c, dtype.dtype, weight.data(), bias_data, x.data(), tokens, rows, columns, accumulate, out);
  });
  CHECK_CLOSE(y, want, scale, ProductTolerance(dtype.dtype), "matmul " + what);
  if (tokens != 1) return;
  const auto vector = OnEveryContext(before, "matvec " + what, [&](ci_context* c, float* out) {
    return ci_matvec(c, dtype.dtype, weight.data(), bias_data, x.data(), 1, rows, columns, accumulate, out);
  });
  CHECK_CLOSE(vector, want, scale, kDotTolerance + 2 * VectorRounding(dtype.dtype), "matvec " + what);
}

void CheckProducts(Random& random) {
  for (const DtypeName& dtype : Dtypes()) {
    int variant = 0;
    for (const int32_t columns : kColumns) {
      for (const int32_t rows : kRows) {
        if (!Fits(dtype.dtype, rows, columns) || rows * columns > 207 * 1120 / Slowness()) continue;
        CheckProduct(dtype, 1, rows, columns, (variant & 1) != 0, (variant & 2) != 0, random);
        ++variant;
      }
    }
    for (const int32_t tokens : {2, 5, 13, 31}) {
      CheckProduct(dtype, tokens, 70, Fits(dtype.dtype, 70, 96) ? 96 : 256, true, false, random);
      const int32_t columns = 1056 / Slowness() / 32 * 32;
      CheckProduct(dtype, tokens, 257, Fits(dtype.dtype, 257, columns) ? columns : 1280, false, true, random);
    }
    if (Fits(dtype.dtype, 9, 1120)) CheckProduct(dtype, 1, 9, 1120, true, true, random);
  }
  CheckProduct({CI_F32, "F32"}, 1030, 3, 13, true, false, random);
  // More than one tile in every direction.
  CheckProduct({CI_F16, "F16"}, 1030, 5, 160, true, false, random);
  CheckProduct({CI_F16, "F16"}, 34, 1030 / Slowness(), 544, false, true, random);
}

TEST(MultipliesEveryDtype) {
  Random random(10);
  CheckProducts(random);
}

void CheckTransposed(const DtypeName& dtype, int32_t tokens, int32_t rows, int32_t columns, Random& random) {
  const Weights weight(dtype.dtype, rows, columns, random);
  const Array<float> x(random.Values(int64_t{tokens} * rows));
  const std::vector<float> start = random.Values(int64_t{tokens} * columns);
  std::vector<double> want(start.begin(), start.end());
  std::vector<double> scale(start.size(), 1e-30);
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t r = 0; r < rows; ++r) {
      const double factor = x[static_cast<size_t>(t * rows + r)];
      for (int64_t i = 0; i < columns; ++i) {
        const auto index = static_cast<size_t>(t * columns + i);
        want[index] += factor * weight.at(r, i);
        scale[index] += std::fabs(factor * weight.at(r, i));
      }
    }
  }
  for (size_t i = 0; i < start.size(); ++i) scale[i] += std::fabs(start[i]);
  const std::string what = "transposed " + Shape(dtype.name, {tokens, rows, columns});
  const auto y = OnEveryContext(start, what, [&](ci_context* c, float* out) {
    return ci_matmul_transposed(c, dtype.dtype, weight.data(), x.data(), tokens, rows, columns, out);
  });
  CHECK_CLOSE(y, want, scale, ProductTolerance(dtype.dtype), what);
}

TEST(MultipliesByEveryDtypeTransposed) {
  Random random(14);
  for (const DtypeName& dtype : AllDtypes()) {
    for (const int32_t columns : {1, 13, 32, 256, 257, 320}) {
      for (const int32_t rows : {1, 33, 64, 207, 256}) {
        for (const int32_t tokens : {1, 5}) {
          if (Fits(dtype.dtype, rows, columns)) CheckTransposed(dtype, tokens, rows, columns, random);
        }
      }
    }
  }
}

TEST(MultipliesByManyTilesTransposed) {
  Random random(15);
  CheckTransposed({CI_F16, "F16"}, 34, 545, 1030 / Slowness(), random);
  CheckTransposed({CI_Q4_0_SHARED, "Q4_0_SHARED"}, 34, 544, 1056 / Slowness() / 32 * 32, random);
}

TEST(ProductsAreTheSameEveryTime) {
  Random random(11);
  const Weights weight(CI_Q4_0, 207, 1120, random);
  const Array<float> x(random.Values(5 * 1120));
  const std::vector<float> zero(5 * 207);
  const auto product = [&](ci_context* c, float* out) {
    return ci_matmul(c, CI_Q4_0, weight.data(), nullptr, x.data(), 5, 207, 1120, 0, out);
  };
  const std::vector<float> first = OnEveryContext(zero, "matmul", product);
  for (int i = 0; i < 5; ++i) CHECK_SAME(OnEveryContext(zero, "matmul", product), first, "repeated matmul");
}

// The rows of a matrix may start anywhere that its dtype allows, and so may x and y.
TEST(MultipliesAtAnyOffset) {
  Random random(12);
  const Weights weight(CI_F32, 33, 31, random);
  const Array<float> x(random.Values(4 * 31));
  for (const int64_t t : {1, 2, 3}) {
    const std::vector<float> row(x.values().begin() + t * 31, x.values().begin() + (t + 1) * 31);
    std::vector<double> want;
    std::vector<double> scale;
    const std::vector<float> zero(4 * 33);
    Product(weight, Array<float>(row), 1, {}, std::vector<float>(33), &want, &scale);
    const auto y = OnEveryContext(zero, "offset", [&](ci_context* c, float* out) {
      return ci_matvec(c, CI_F32, weight.data(), nullptr, x.data() + t * 31, 1, 33, 31, 0, out + t * 33);
    });
    CHECK_CLOSE(std::vector<float>(y.begin() + t * 33, y.begin() + (t + 1) * 33), want, scale, kDotTolerance, "offset");
  }
}

TEST(BrokenWeightsGiveBrokenNumbersOnly) {
  for (const DtypeName& dtype : Dtypes()) {
    const std::vector<uint8_t> file(static_cast<size_t>(MatrixBytes(dtype.dtype, 3, 256)), 0xff);
    const Weights weight(dtype.dtype, 3, 256, file);
    const Array<float> x(std::vector<float>(256, 1.0f));
    const auto y = OnEveryContext(std::vector<float>(3), dtype.name, [&](ci_context* c, float* out) {
      return ci_matvec(c, dtype.dtype, weight.data(), nullptr, x.data(), 1, 3, 256, 0, out);
    });
    CHECK(std::isnan(y[0]) && std::isnan(y[2]));
  }
}

TEST(CallersOfOneContextTakeTurns) {
  Random random(13);
  const Weights weight(CI_F32, 207, 64, random);
  const Array<float> x(random.Values(64));
  const std::vector<float> zero(207);
  const int calls = 100 / Slowness();
  const auto product = [&](ci_context* c, float* y) {
    return ci_matvec(c, CI_F32, weight.data(), nullptr, x.data(), 1, 207, 64, 0, y);
  };
  const std::vector<float> want = OnEveryContext(zero, "matvec", product);
  for (ci_context* context : Contexts()) {
    std::vector<Array<float>> got;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) got.emplace_back(zero);
    for (Array<float>& y : got) {
      callers.emplace_back([&y, &product, calls, context] {
        for (int call = 0; call < calls; ++call) product(context, y.data());
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (Array<float>& y : got) CHECK_SAME(y.Fetch(context), want, "concurrent matvec");
  }
}

TEST(MatmulRejectsWhatDoesNotFit) {
  float x[64] = {};
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_matvec(nullptr, CI_F32, x, x, x, 1, 1, 1, 0, x), CI_INVALID_ARGUMENT, "context is null");
  CHECK_FAILS(ci_matvec(c, 99, x, x, x, 1, 1, 1, 0, x), CI_INVALID_ARGUMENT, "dtype=99");
  CHECK_FAILS(ci_matvec(c, CI_Q8_0_SHARED, x, x, x, 1, 32, 32, 0, x), CI_UNSUPPORTED, "dtype=5");
  CHECK_FAILS(ci_matvec(c, CI_Q8_0, x, x, x, 1, 1, 48, 0, x), CI_INVALID_ARGUMENT, "columns=48");
  CHECK_FAILS(ci_matvec(c, CI_F32, nullptr, x, x, 1, 1, 1, 0, x), CI_INVALID_ARGUMENT, "weight is null");
  CHECK_FAILS(ci_matvec(c, CI_F32, x, x, nullptr, 1, 1, 1, 0, x), CI_INVALID_ARGUMENT, "x is null");
  CHECK_FAILS(ci_matvec(c, CI_F32, x, x, x, 1, 1, 1, 0, nullptr), CI_INVALID_ARGUMENT, "y is null");
  CHECK_FAILS(ci_matvec(c, CI_F32, x, x, x, 1, 0, 1, 0, x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_matvec(c, CI_F32, x, x, x, 1, INT32_MAX, INT32_MAX, 0, x), CI_INVALID_ARGUMENT, "too large");
  CHECK_FAILS(ci_matvec(c, CI_F32, x, x, x, 1, 1, 1, 2, x), CI_INVALID_ARGUMENT, "accumulate=2");
  CHECK_FAILS(ci_matmul(c, CI_F32, x, x, x, 0, 1, 1, 0, x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_matmul(c, CI_F32, x, x, nullptr, 1, 1, 1, 0, x), CI_INVALID_ARGUMENT, "x is null");
  CHECK_FAILS(ci_matmul(c, CI_Q4_0, x, x, x, 1, 1, 31, 0, x), CI_INVALID_ARGUMENT, "columns=31");
  CHECK_FAILS(ci_matmul_transposed(c, CI_F32, x, x, 0, 1, 1, x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_matmul_transposed(c, CI_F32, x, nullptr, 1, 1, 1, x), CI_INVALID_ARGUMENT, "x is null");
  CHECK_FAILS(ci_matmul_transposed(c, CI_Q4_0_SHARED, x, x, 1, 31, 32, x), CI_INVALID_ARGUMENT, "rows=31");
}

}  // namespace
