// Rotations against double precision.
#include <cmath>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

void CheckRope(int32_t tokens, int32_t heads, int32_t head_dim, int32_t pairs, int32_t adjacent, Random& random) {
  const int32_t first = 3;
  const int32_t positions = first + tokens + 2;
  const Array<float> rotations(random.Values(int64_t{positions} * pairs * 2));
  const Array<int32_t> first_position = One(first);
  const std::vector<float> x = random.Values(int64_t{tokens} * heads * head_dim);
  const std::string what = Shape("rope", {tokens, heads, head_dim, pairs, adjacent});
  const auto y = OnEveryContext(x, what, [&](ci_context* c, float* out) {
    return ci_rope(c, rotations.data(), positions, pairs, adjacent, tokens, heads, head_dim, first_position.data(),
                   out);
  });
  std::vector<double> want(x.begin(), x.end());
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < pairs; ++i) {
        const int64_t base = (t * heads + h) * head_dim;
        const auto a = static_cast<size_t>(base + (adjacent == 1 ? 2 * i : i));
        const auto b = static_cast<size_t>(base + (adjacent == 1 ? 2 * i + 1 : i + pairs));
        const auto r = static_cast<size_t>(((first + t) * pairs + i) * 2);
        want[a] = double{x[a]} * rotations[r] - double{x[b]} * rotations[r + 1];
        want[b] = double{x[a]} * rotations[r + 1] + double{x[b]} * rotations[r];
      }
    }
  }
  CHECK_CLOSE(y, want, std::vector<double>(want.size(), 1.0), kRopeTolerance, what);
}

TEST(RotatesPairs) {
  Random random(4);
  for (const int32_t adjacent : {0, 1}) {
    CheckRope(1, 1, 2, 1, adjacent, random);
    CheckRope(1, 3, 13, 5, adjacent, random);
    CheckRope(9, 4, 64, 32, adjacent, random);
    CheckRope(33, 2, 128, 64, adjacent, random);
    CheckRope(20, 2, 80, 20, adjacent, random);
  }
}

TEST(RopeRejectsWhatDoesNotFit) {
  float x[8] = {};
  const int32_t first = 0;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_rope(c, x, 2, 2, 0, 1, 1, 2, &first, x), CI_INVALID_ARGUMENT, "pairs=2");
  CHECK_FAILS(ci_rope(c, x, 2, 1, 2, 1, 1, 2, &first, x), CI_INVALID_ARGUMENT, "adjacent=2");
  CHECK_FAILS(ci_rope(c, nullptr, 2, 1, 0, 1, 1, 2, &first, x), CI_INVALID_ARGUMENT, "rotations is null");
  CHECK_FAILS(ci_rope(c, x, 2, 1, 0, 1, 1, 2, nullptr, x), CI_INVALID_ARGUMENT, "first_position is null");
  CHECK_FAILS(ci_rope(c, x, 2, 1, 0, 0, 1, 2, &first, x), CI_INVALID_ARGUMENT, "at least 1");
}

}  // namespace
