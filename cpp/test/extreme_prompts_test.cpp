// Prompts that are hard for products in integers: outliers, tokens of zeros and of very small or large values, the
// largest codes, NaN and infinity in tokens and in weights.
#include <algorithm>
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

constexpr int32_t kDepth = 1280;

// Elements that may share a step (simd/tiles_digits.h); fewer do elsewhere.
constexpr int32_t kTogether = 512;

// One direction of products: y (tokens, width) = x (tokens, depth) W, with rows of W along the depth or across it.
struct Product {
  Product(bool along_rows, int32_t width, int32_t dtype, std::vector<uint8_t> file)
      : is_along_rows(along_rows),
        weights(dtype, along_rows ? width : kDepth, along_rows ? kDepth : width, std::move(file)) {}

  int32_t width() const { return is_along_rows ? weights.rows : weights.columns; }
  double at(int32_t k, int32_t i) const { return is_along_rows ? weights.at(i, k) : weights.at(k, i); }
  double magnitude(int32_t k, int32_t i) const {
    return is_along_rows ? weights.magnitude(i, k) : weights.magnitude(k, i);
  }

  std::vector<float> Of(const std::vector<float>& x) const {
    const auto tokens = static_cast<int32_t>(x.size() / kDepth);
    const Array<float> vectors(x);
    const std::vector<float> zero(static_cast<size_t>(tokens) * static_cast<size_t>(width()));
    return OnEveryContext(zero, name(), [&](ci_context* c, float* y) {
      return is_along_rows ? ci_matmul(c, weights.dtype, weights.data(), nullptr, vectors.data(), tokens, weights.rows,
                                       kDepth, 0, y)
                           : ci_matmul_transposed(c, weights.dtype, weights.data(), vectors.data(), tokens, kDepth,
                                                  weights.columns, y);
    });
  }

  std::string name() const {
    return Shape(is_along_rows ? "prompt by rows, dtype" : "prompt by columns, dtype", {weights.dtype});
  }

  const bool is_along_rows;
  const Weights weights;
};

// What rounding both operands to steps of the largest of kTogether may cost, and leaving out the product of what that
// keeps least of.
double Allowed(const Product& product, int32_t i, const float* x) {
  const double part = std::max(PrefillRounding(product.weights.dtype), 0x1p-21);
  double terms = 0;
  double rounding = 0;
  for (int32_t begin = 0; begin < kDepth; begin += kTogether) {
    const int32_t end = std::min(begin + kTogether, kDepth);
    double largest_x = 0;
    double largest_w = 0;
    double sum_x = 0;
    double sum_w = 0;
    for (int32_t k = begin; k < end; ++k) {
      const double w = product.magnitude(k, i);
      const double value = std::fabs(x[k]);
      terms += w * value;
      sum_w += w;
      sum_x += value;
      largest_w = std::fmax(largest_w, w);
      largest_x = std::fmax(largest_x, value);
    }
    rounding += largest_x * sum_w + largest_w * sum_x + (end - begin) * largest_x * largest_w;
  }
  const int32_t dtype = product.weights.dtype;
  return (IsGrouped(dtype) ? kDotTolerance : ProductTolerance(dtype)) * terms + part * rounding + 1e-30;
}

// Whether the tokens first..last of y are what they should be, but for output element `but`.
void CheckTokens(const Product& product, const std::vector<float>& x, const std::vector<float>& y, size_t first,
                 size_t last, int32_t but = -1) {
  std::vector<float> got;
  std::vector<double> want;
  std::vector<double> allowed;
  for (size_t t = first; t <= last; ++t) {
    const float* const token = x.data() + t * kDepth;
    for (int32_t i = 0; i < product.width(); ++i) {
      if (i == but) continue;
      double sum = 0;
      for (int32_t k = 0; k < kDepth; ++k) sum += product.at(k, i) * token[k];
      got.push_back(y[t * static_cast<size_t>(product.width()) + static_cast<size_t>(i)]);
      want.push_back(sum);
      allowed.push_back(Allowed(product, i, token));
    }
  }
  CHECK_CLOSE(got, want, allowed, 1.0, product.name());
}

// Tokens 0 to 5 are hard, 6 is broken, 7 is ordinary.
std::vector<float> HardTokens(float bad, Random& random) {
  std::vector<float> x = random.Values(8 * kDepth);
  const auto token = [&](size_t t) { return x.begin() + static_cast<std::ptrdiff_t>(t * kDepth); };
  token(0)[5] = 1000.0f;
  token(1)[700] = -30000.0f;
  std::fill(token(2), token(2) + 600, 0.0f);
  std::fill(token(3), token(4), 0.0f);
  for (auto value = token(4); value != token(5); ++value) *value *= 1e-25f;
  for (auto value = token(5); value != token(6); ++value) *value *= 1e20f;
  token(6)[900] = bad;
  return x;
}

std::vector<uint8_t> RandomFile(int32_t dtype, int32_t rows, int32_t columns, Random& random) {
  return Weights(dtype, rows, columns, random).file;
}

void CheckHardTokens(bool along_rows, int32_t dtype, float bad, Random& random) {
  const int32_t width = along_rows ? 33 : Fits(dtype, kDepth, 64) ? 64 : 256;
  const Product product(along_rows, width, dtype,
                        RandomFile(dtype, along_rows ? width : kDepth, along_rows ? kDepth : width, random));
  const std::vector<float> x = HardTokens(bad, random);
  const std::vector<float> y = product.Of(x);
  CheckTokens(product, x, y, 0, 5);
  CheckTokens(product, x, y, 7, 7);
  const size_t size = static_cast<size_t>(width);
  for (size_t i = 0; i < size; ++i) {
    CHECK(y[3 * size + i] == 0.0f);
    CHECK(!std::isfinite(y[6 * size + i]));
  }
}

TEST(MultipliesHardPrompts) {
  Random random(90);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const DtypeName& dtype : Dtypes()) CheckHardTokens(true, dtype.dtype, infinity, random);
  for (const DtypeName& dtype : AllDtypes()) {
    CheckHardTokens(false, dtype.dtype, std::numeric_limits<float>::quiet_NaN(), random);
  }
}

// The last fifth of the middle row is NaN.
TEST(BrokenRowsOfPromptsLeaveOthersAlone) {
  Random random(91);
  for (const DtypeName& dtype : Dtypes()) {
    constexpr int32_t kRows = 5;
    std::vector<uint8_t> file = RandomFile(dtype.dtype, kRows, kDepth, random);
    const size_t row_bytes = file.size() / kRows;
    std::memset(file.data() + 3 * row_bytes - row_bytes / 5, 0xff, row_bytes / 5);
    const Product product(true, kRows, dtype.dtype, file);
    const std::vector<float> x = random.Values(2 * kDepth);
    const std::vector<float> y = product.Of(x);
    CheckTokens(product, x, y, 0, 1, 2);
    CHECK(std::isnan(y[2]) && std::isnan(y[kRows + 2]));
  }
}

// Sums of integers must have room for them.
TEST(LargestCodesOfPromptsDoNotOverflow) {
  for (const DtypeName& dtype : Dtypes()) {
    if (!IsGrouped(dtype.dtype)) continue;
    for (const int fill : {0x00, 0x80, 0xff}) {
      const Product product(true, 1, dtype.dtype, FilledRow(dtype.dtype, kDepth, static_cast<uint8_t>(fill)));
      for (const float value : {1.0f, -1.0f}) {
        const std::vector<float> x(kDepth, value);
        CheckTokens(product, x, product.Of(x), 0, 0);
      }
    }
  }
}

}  // namespace
