// Prompts where 8 bits of an activation are enough and the processor multiplies bfloat16, on matrix registers or in
// vectors: both operands are rounded to it, and nothing else is lost.
#include <cmath>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

const DtypeName kPlain[] = {{CI_F16, "F16"}, {CI_BF16, "BF16"}};
// Matrix registers take all but F32; these are exact in F32, so that nothing is rounded twice.
const DtypeName kAll[] = {{CI_F16, "F16"}, {CI_BF16, "BF16"}, {CI_Q8_0, "Q8_0"}, {CI_Q4_0, "Q4_0"}};

// The dtypes whose prompts are rounded.
std::vector<DtypeName> RoundedDtypes() {
  const std::string description = ci_context_description(Contexts()[0]);
  if (description.find("8-bit activations") == std::string::npos) return {};
  if (description.find("avx512bf16,") != std::string::npos) return {std::begin(kPlain), std::end(kPlain)};
  if (description.find("amx,") != std::string::npos) return {std::begin(kAll), std::end(kAll)};
  return {};
}

// To nearest, ties to even.
double ToBfloat16(double value) {
  const auto single = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &single, sizeof(bits));
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
  float rounded;
  std::memcpy(&rounded, &bits, sizeof(rounded));
  return rounded;
}

// The weights of output element i along a row, or a column of a transposed matrix.
double At(const Weights& weight, bool is_transposed, int32_t i, int32_t k) {
  return is_transposed ? weight.at(k, i) : weight.at(i, k);
}

void CheckRounded(const DtypeName& dtype, bool is_transposed, int32_t tokens, int32_t width, int32_t depth,
                  Random& random) {
  const int32_t rows = is_transposed ? depth : width;
  const int32_t columns = is_transposed ? width : depth;
  const Weights weight(dtype.dtype, rows, columns, random);
  const Array<float> x(random.Values(int64_t{tokens} * depth));
  const std::vector<float> start = random.Values(int64_t{tokens} * width);
  std::vector<double> want(start.begin(), start.end());
  std::vector<double> scale;
  for (size_t i = 0; i < want.size(); ++i) {
    const auto t = static_cast<int64_t>(i) / width;
    const auto output = static_cast<int32_t>(static_cast<int64_t>(i) % width);
    scale.push_back(std::fabs(want[i]));
    for (int32_t k = 0; k < depth; ++k) {
      const double term =
          ToBfloat16(double{x[static_cast<size_t>(t * depth + k)]}) * ToBfloat16(At(weight, is_transposed, output, k));
      want[i] += term;
      scale[i] += std::fabs(term);
    }
  }
  const std::string what = Shape(dtype.name, {is_transposed, tokens, width, depth});
  const auto y = OnEveryContext(start, what, [&](ci_context* c, float* out) {
    return is_transposed ? ci_matmul_transposed(c, dtype.dtype, weight.data(), x.data(), tokens, rows, columns, out)
                         : ci_matmul(c, dtype.dtype, weight.data(), nullptr, x.data(), tokens, rows, columns, 1, out);
  });
  CHECK_CLOSE(y, want, scale, kDotTolerance, what);
}

// The least multiple of what the dtype takes at once that is not below `columns`.
int32_t Columns(const DtypeName& dtype, int32_t columns) {
  return dtype.dtype == CI_F16 || dtype.dtype == CI_BF16 ? columns : (columns + 31) / 32 * 32;
}

TEST(PromptsRoundWeightsAndVectorsToBfloat16) {
  const std::vector<DtypeName> dtypes = RoundedDtypes();
  if (dtypes.empty()) return Skip("products of one bfloat16 each, because these contexts have none");
  Random random(151);
  for (const DtypeName& dtype : dtypes) {
    for (const bool is_transposed : {false, true}) {
      const auto check = [&](int32_t tokens, int32_t width, int32_t depth) {
        CheckRounded(dtype, is_transposed, tokens, is_transposed ? Columns(dtype, width) : width,
                     is_transposed ? depth : Columns(dtype, depth), random);
      };
      for (const int32_t tokens : {1, 5, 33}) {
        for (const int32_t width : {1, 31, 64, 257}) {
          for (const int32_t depth : {128, 145, 1055}) check(tokens, width, depth);
        }
      }
      check(1030, 35, 131);
    }
  }
}

}  // namespace
