// The choice of core neurons against a stable sort.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

// Scores as counts make them, with many ties, zeros of both signs, negative ones, infinities and NaN.
std::vector<float> Scores(int32_t neurons, bool coarse, Random& random) {
  std::vector<float> scores = random.Values(neurons);
  for (float& score : scores) {
    score = coarse ? std::round((score + 0.5f) * 4) : std::ldexp(score, random.Below(40) - 20);
    switch (random.Below(40)) {
      case 0:
        score = -0.0f;
        break;
      case 1:
        score = NAN;
        break;
      case 2:
        score = random.Below(2) == 0 ? HUGE_VALF : -HUGE_VALF;
        break;
      case 3:
        score = std::numeric_limits<float>::denorm_min() * static_cast<float>(random.Below(3));
        break;
      default:
        break;
    }
  }
  return scores;
}

// The contract's sentence, word for word.
std::vector<int32_t> Chosen(const std::vector<float>& scores, const std::vector<float>& weights, int32_t count,
                            bool only_seen) {
  std::vector<float> products = scores;
  for (size_t n = 0; n < products.size(); ++n) {
    if (!weights.empty()) products[n] *= weights[n];
    if (!(products[n] > 0)) products[n] = 0;
  }
  std::vector<int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) {
    return products[static_cast<size_t>(i)] > products[static_cast<size_t>(j)];
  });
  order.resize(static_cast<size_t>(count));
  while (only_seen && order.size() > 1 && products[static_cast<size_t>(order.back())] == 0) order.pop_back();
  std::sort(order.begin(), order.end());
  return order;
}

// Whether every context chooses what the contract says, and leaves the rest of the list alone.
void CheckChoice(const Array<float>& scores, const Array<float>* weights, int32_t count, bool only_seen) {
  const auto neurons = static_cast<int32_t>(scores.size());
  const std::vector<int32_t> want =
      Chosen(scores.values(), weights == nullptr ? std::vector<float>() : weights->values(), count, only_seen);
  std::vector<int32_t> list(static_cast<size_t>(neurons), -7);
  for (ci_context* c : RepeatedContexts()) {
    Array<int32_t> ids(list);
    Array<int32_t> core = One(-7);
    CHECK_OK(ci_score_select(c, scores.data(), weights == nullptr ? nullptr : weights->data(), neurons, count,
                             only_seen ? 1 : 0, ids.data(), core.data()));
    core.Fetch(c);
    ids.Fetch(c);
    CHECK(core[0] == static_cast<int32_t>(want.size()));
    CHECK(std::equal(want.begin(), want.end(), ids.values().begin()));
    CHECK(std::all_of(ids.values().begin() + count, ids.values().end(), [](int32_t id) { return id == -7; }));
  }
}

TEST(SelectsTheHighestScores) {
  Random random(50);
  for (const int32_t neurons : {1, 2, 3, 31, 32, 33, 257, 1025, 3000, 14336 / Slowness()}) {
    for (const bool coarse : {false, true}) {
      const Array<float> scores(Scores(neurons, coarse, random));
      const Array<float> weights(Scores(neurons, false, random));
      for (const int32_t count : {1, (neurons + 4) / 5, (neurons + 1) / 2, neurons}) {
        for (const bool only_seen : {false, true}) {
          CheckChoice(scores, &weights, count, only_seen);
          if (neurons < 3000 || Slowness() == 1) CheckChoice(scores, nullptr, count, only_seen);
        }
      }
    }
  }
}

TEST(SelectsTheLowerOfEqualScores) {
  for (const float score : {0.0f, 1.0f, HUGE_VALF, NAN, -3.0f}) {
    const Array<float> scores(std::vector<float>(1000, score));
    for (const int32_t count : {1, 399, 1000}) {
      CheckChoice(scores, nullptr, count, false);
      CheckChoice(scores, nullptr, count, true);
    }
  }
}

TEST(SelectRejectsWhatDoesNotFit) {
  const float x[4] = {};
  int32_t ids[4] = {};
  int32_t core = 0;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_score_select(c, nullptr, x, 4, 1, 0, ids, &core), CI_INVALID_ARGUMENT, "scores is null");
  CHECK_FAILS(ci_score_select(c, x, x, 0, 1, 0, ids, &core), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_score_select(c, x, x, 4, 0, 0, ids, &core), CI_INVALID_ARGUMENT, "count=0");
  CHECK_FAILS(ci_score_select(c, x, x, 4, 5, 0, ids, &core), CI_INVALID_ARGUMENT, "count=5, allowed 1..4");
  CHECK_FAILS(ci_score_select(c, x, x, 4, 1, 2, ids, &core), CI_INVALID_ARGUMENT, "only_seen=2");
  CHECK_FAILS(ci_score_select(c, x, x, 4, 1, 0, nullptr, &core), CI_INVALID_ARGUMENT, "core_ids is null");
  CHECK_FAILS(ci_score_select(c, x, x, 4, 1, 0, ids, nullptr), CI_INVALID_ARGUMENT, "core is null");
}

}  // namespace
