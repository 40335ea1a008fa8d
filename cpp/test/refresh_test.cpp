// What renewing core neurons needs of the scores, against plain sums.
#include <algorithm>
#include <cmath>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

// Ascending numbers below `neurons`, about every `step`-th.
std::vector<int32_t> Listed(int32_t neurons, int32_t step, Random& random) {
  std::vector<int32_t> ids;
  for (int32_t n = 0; n < neurons; ++n) {
    if (step == 1 || random.Below(step) == 0) ids.push_back(n);
  }
  return ids;
}

// The contract's sentence, word for word.
double Outside(const std::vector<float>& scores, const std::vector<float>& weights, const std::vector<int32_t>& ids) {
  double outside = 0;
  double all = 0;
  for (size_t n = 0; n < scores.size(); ++n) {
    const double product = weights.empty() ? double{scores[n]} : double{scores[n]} * double{weights[n]};
    if (!(product > 0)) continue;
    all += product;
    if (!std::binary_search(ids.begin(), ids.end(), static_cast<int32_t>(n))) outside += product;
  }
  return all > 0 ? outside / all : 0;
}

void CheckShare(const std::vector<float>& scores, const std::vector<float>& weights, const std::vector<int32_t>& ids) {
  const auto neurons = static_cast<int32_t>(scores.size());
  const Array<float> on_device(scores);
  const Array<float> weights_on_device(weights.empty() ? std::vector<float>(1) : weights);
  std::vector<int32_t> list = ids;
  list.resize(scores.size(), -7);
  const Array<int32_t> core_ids(list);
  const Array<int32_t> core = One(static_cast<int32_t>(ids.size()));
  const std::vector<float> share = OnEveryContext({-1.0f}, "share", [&](ci_context* c, float* y) {
    return ci_score_outside(c, on_device.data(), weights.empty() ? nullptr : weights_on_device.data(), neurons,
                            core_ids.data(), core.data(), y);
  });
  const std::vector<double> want(1, Outside(scores, weights, ids));
  CHECK_CLOSE(share, want, std::vector<double>(1, 1.0), 1e-6, "share of " + std::to_string(neurons));
}

TEST(SharesLieOutsideOfTheList) {
  Random random(60);
  for (const int32_t neurons : {1, 2, 13, 207, 1025, 4098, 14336 / Slowness()}) {
    std::vector<float> scores = random.Values(neurons);
    for (float& score : scores) {
      if (random.Below(20) == 0) score = NAN;
    }
    const std::vector<float> weights = random.Values(neurons);
    for (const int32_t step : {1, 2, 5, neurons + 1}) {
      const std::vector<int32_t> ids = Listed(neurons, step, random);
      CheckShare(scores, {}, ids);
      CheckShare(scores, weights, ids);
    }
  }
}

// Exactly.
void CheckShareIsZero(const std::vector<float>& scores, const std::vector<int32_t>& listed) {
  const Array<float> on_device(scores);
  std::vector<int32_t> list = listed;
  list.resize(scores.size(), -7);
  const Array<int32_t> ids(list);
  const Array<int32_t> core = One(static_cast<int32_t>(listed.size()));
  const auto neurons = static_cast<int32_t>(scores.size());
  const std::vector<float> share = OnEveryContext({-1.0f}, "share", [&](ci_context* c, float* y) {
    return ci_score_outside(c, on_device.data(), nullptr, neurons, ids.data(), core.data(), y);
  });
  CHECK(share[0] == 0.0f);
}

TEST(SharesAreZeroWhenAllIsListedOrNothingIsScored) {
  Random random(61);
  const std::vector<int32_t> all = Listed(999, 1, random);
  CheckShareIsZero(random.Values(999), all);
  CheckShareIsZero(std::vector<float>(999, 0.0f), {4, 7});
  CheckShareIsZero(std::vector<float>(999, NAN), {});
}

TEST(ScalesScores) {
  Random random(62);
  for (const int32_t count : {1, 3, 257, 40000 / Slowness()}) {
    std::vector<float> scores = random.Values(count);
    scores[0] = NAN;
    for (const double factor : {0.0, 0.25, 3.1}) {
      std::vector<float> want = scores;
      for (float& score : want) score = factor == 0.0 ? 0.0f : score * static_cast<float>(factor);
      const std::vector<float> got = OnEveryContext(
          scores, "scores", [&](ci_context* c, float* y) { return ci_score_scale(c, factor, count, y); });
      CHECK_SAME(got, want, "scores times " + std::to_string(factor));
    }
  }
}

TEST(RefreshRejectsWhatDoesNotFit) {
  float x[4] = {};
  const int32_t ids[4] = {};
  const int32_t core = 0;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_score_scale(c, -1.0, 4, x), CI_INVALID_ARGUMENT, "factor=-1");
  CHECK_FAILS(ci_score_scale(c, NAN, 4, x), CI_INVALID_ARGUMENT, "factor");
  CHECK_FAILS(ci_score_scale(c, 1.0, 0, x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_score_scale(c, 1.0, 4, nullptr), CI_INVALID_ARGUMENT, "scores is null");
  CHECK_FAILS(ci_score_outside(c, nullptr, x, 4, ids, &core, x), CI_INVALID_ARGUMENT, "scores is null");
  CHECK_FAILS(ci_score_outside(c, x, x, 0, ids, &core, x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_score_outside(c, x, x, 4, nullptr, &core, x), CI_INVALID_ARGUMENT, "core_ids is null");
  CHECK_FAILS(ci_score_outside(c, x, x, 4, ids, nullptr, x), CI_INVALID_ARGUMENT, "core is null");
  CHECK_FAILS(ci_score_outside(c, x, x, 4, ids, &core, nullptr), CI_INVALID_ARGUMENT, "share is null");
}

}  // namespace
