// Tokens chosen on the device, against sorting in double precision: what org.coreinfer.sampling.Sampler does.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "coreinfer/cuda.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"

namespace {

using namespace coreinfer_test;

struct Limits {
  float temperature;
  int32_t top_k;
  float top_p;
  float min_p;
};

constexpr Limits kLimits[] = {{1.0f, 0, 1.0f, 0.0f},   {0.8f, 40, 0.95f, 0.05f}, {0.3f, 1, 1.0f, 0.0f},
                              {2.0f, 7, 0.5f, 0.0f},   {1.3f, 0, 0.9f, 0.0f},    {0.7f, 0, 1.0f, 0.2f},
                              {100.0f, 0, 0.3f, 0.0f}, {1e-4f, 5, 0.99f, 0.9f},  {1.0f, 1 << 30, 1e-6f, 0.999f}};

std::vector<float> Logits(int32_t vocabulary, float spread, bool coarse, Random& random) {
  std::vector<float> logits(static_cast<size_t>(vocabulary));
  for (float& logit : logits) {
    // About normal.
    logit = spread * (random.Value() + random.Value() + random.Value());
    if (coarse) logit = std::round(logit);
    if (random.Below(50) == 0) logit = random.Below(2) == 0 ? NAN : -HUGE_VALF;
  }
  return logits;
}

// Where in the order of falling logits, of equal ones the lower first, what is left begins and ends for each token: as
// shares of what is left.
struct Interval {
  int32_t token;
  double begin, end;
};

bool IsBefore(float a, float b) { return a > b || (a == b && !std::signbit(a) && std::signbit(b)); }

std::vector<Interval> Intervals(const std::vector<float>& logits, const Limits& limits) {
  std::vector<int32_t> order;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!std::isnan(logits[i])) order.push_back(static_cast<int32_t>(i));
  }
  const auto logit = [&](int32_t token) { return logits[static_cast<size_t>(token)]; };
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return IsBefore(logit(a), logit(b)); });
  if (limits.top_k > 0 && order.size() > static_cast<size_t>(limits.top_k)) {
    order.resize(static_cast<size_t>(limits.top_k));
  }
  std::vector<double> weights;
  for (const int32_t token : order) {
    weights.push_back(std::exp((double{logit(token)} - double{logit(order[0])}) / double{limits.temperature}));
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  size_t kept = order.size();
  if (limits.top_p < 1.0f) {
    double sum = 0;
    for (kept = 0; kept < order.size() && sum < double{limits.top_p} * total; ++kept) sum += weights[kept];
  }
  while (kept > 1 && weights[kept - 1] < double{limits.min_p} * weights[0]) --kept;
  const double left = std::accumulate(weights.begin(), weights.begin() + static_cast<int64_t>(kept), 0.0);
  std::vector<Interval> intervals;
  double sum = 0;
  for (size_t i = 0; i < kept; ++i) {
    intervals.push_back({order[i], sum / left, (sum + weights[i]) / left});
    sum += weights[i];
  }
  return intervals;
}

int32_t Drawn(ci_context* c, const Array<float>& logits, const Limits& limits, double uniform) {
  const Array<double> point({uniform});
  Array<int32_t> token({-7});
  CHECK_OK(ci_cuda_sample_draw(c, logits.data(), static_cast<int32_t>(logits.size()), limits.temperature, limits.top_k,
                               limits.top_p, limits.min_p, point.data(), token.data()));
  return token.Fetch(c)[0];
}

// Points in the middle of an interval have one answer; a rounding error may only move its ends.
void CheckDraws(const std::vector<float>& values, const std::vector<Interval>& intervals, const Limits& limits,
                int points, const std::string& what, Random& random) {
  constexpr double kRounding = 1e-9;
  const Array<float> logits(values);
  ci_context* c = Contexts()[static_cast<size_t>(random.Below(static_cast<int32_t>(Contexts().size())))];
  for (int i = 0; i < points; ++i) {
    const double uniform = i == 0 ? 0.0 : i == 1 ? std::nextafter(1.0, 0.0) : random.Bits() / 4294967296.0;
    const int32_t token = Drawn(c, logits, limits, uniform);
    const auto found = std::find_if(intervals.begin(), intervals.end(),
                                    [token](const Interval& interval) { return interval.token == token; });
    CHECK(found != intervals.end());
    if (found == intervals.end()) {
      CHECK_OK(ci_context_synchronize(c));
      std::printf("    %s: point %.17g drew %d\n", what.c_str(), uniform, token);
      continue;
    }
    const bool holds = found->begin - kRounding <= uniform && uniform <= found->end + kRounding;
    CHECK(holds);
    if (!holds) std::printf("    %s: point %.17g, %.17g..%.17g\n", what.c_str(), uniform, found->begin, found->end);
  }
}

TEST(DrawsAsSortingDoes) {
  Random random(90);
  for (const int32_t vocabulary : {1, 2, 13, 257, 5000}) {
    for (const Limits& limits : kLimits) {
      for (const bool coarse : {false, true}) {
        for (const float spread : {0.01f, 4.0f, 40.0f}) {
          const auto logits = Logits(vocabulary, spread, coarse, random);
          const std::vector<Interval> intervals = Intervals(logits, limits);
          if (intervals.empty() || std::isinf(logits[static_cast<size_t>(intervals[0].token)])) continue;
          CheckDraws(logits, intervals, limits, 5, Shape("draw", {vocabulary, limits.top_k}), random);
        }
      }
    }
  }
}

TEST(DrawsFromLargeVocabularies) {
  Random random(91);
  const auto logits = Logits(262144, 4.0f, false, random);
  for (const Limits& limits : {kLimits[0], kLimits[1], kLimits[4]}) {
    CheckDraws(logits, Intervals(logits, limits), limits, 3, "large", random);
  }
}

// The whole vocabulary is in one bin.
TEST(DrawsFromEqualLogits) {
  Random random(92);
  const std::vector<float> logits(3000, -1.5f);
  for (const Limits& limits : kLimits) CheckDraws(logits, Intervals(logits, limits), limits, 4, "equal", random);
  const Array<float> all(logits);
  CHECK(Drawn(Contexts()[0], all, {1.0f, 0, 1.0f, 0.0f}, 0.5) == 1500);
  CHECK(Drawn(Contexts()[0], all, {1.0f, 10, 1.0f, 0.0f}, 0.95) == 9);
  CHECK(Drawn(Contexts()[0], all, {1.0f, 0, 0.1f, 0.0f}, 0.5) == 150);
}

// How often tokens are drawn is their probability.
TEST(DrawsEveryTokenAtItsPoint) {
  const Array<float> logits({std::log(4.0f), NAN, std::log(1.0f), std::log(3.0f), -HUGE_VALF, std::log(2.0f)});
  const Limits limits{1.0f, 0, 1.0f, 0.0f};
  const int32_t want[] = {0, 0, 0, 0, 3, 3, 3, 5, 5, 2};
  for (int i = 0; i < 10; ++i) CHECK(Drawn(Contexts()[0], logits, limits, (i + 0.5) / 10) == want[i]);
  const int32_t cut[] = {0, 0, 0, 0, 3, 3, 3};
  for (int i = 0; i < 7; ++i) CHECK(Drawn(Contexts()[0], logits, {1.0f, 2, 1.0f, 0.0f}, (i + 0.5) / 7) == cut[i]);
  for (int i = 0; i < 7; ++i) CHECK(Drawn(Contexts()[0], logits, {1.0f, 0, 0.65f, 0.0f}, (i + 0.5) / 7) == cut[i]);
  for (int i = 0; i < 7; ++i) CHECK(Drawn(Contexts()[0], logits, {1.0f, 0, 1.0f, 0.7f}, (i + 0.5) / 7) == cut[i]);
}

int32_t Greedy(ci_context* c, const std::vector<float>& values) {
  const Array<float> logits(values);
  Array<int32_t> token({-7});
  CHECK_OK(ci_cuda_sample_greedy(c, logits.data(), static_cast<int32_t>(values.size()), token.data()));
  return token.Fetch(c)[0];
}

TEST(GreedyTakesTheLowerOfEqualLogits) {
  Random random(93);
  for (const int32_t vocabulary : {1, 2, 33, 1025, 40000}) {
    for (ci_context* c : Contexts()) {
      const auto logits = Logits(vocabulary, 2.0f, true, random);
      int32_t want = -1;
      for (int32_t i = 0; i < vocabulary; ++i) {
        const float logit = logits[static_cast<size_t>(i)];
        if (want < 0 ? !std::isnan(logit) : logit > logits[static_cast<size_t>(want)]) want = i;
      }
      CHECK(Greedy(c, logits) == want);
    }
  }
  CHECK(Greedy(Contexts()[0], {-0.0f, 0.0f, -1.0f}) == 0);
  CHECK(Greedy(Contexts()[0], {NAN, -HUGE_VALF, NAN}) == 1);
  CHECK(Greedy(Contexts()[0], {-NAN, 1.0f, HUGE_VALF, HUGE_VALF}) == 2);
}

TEST(NothingIsChosenOfNaN) {
  const std::vector<float> logits(2000, NAN);
  CHECK(Greedy(Contexts()[0], logits) == -1);
  CHECK(Drawn(Contexts()[0], Array<float>(logits), kLimits[1], 0.5) == -1);
}

TEST(InfiniteLogitsAreDrawn) {
  for (const Limits& limits : kLimits) {
    CHECK(Drawn(Contexts()[0], Array<float>({1.0f, HUGE_VALF, NAN, HUGE_VALF}), limits, 0.9) == 1);
    CHECK(Drawn(Contexts()[0], Array<float>({NAN, -HUGE_VALF, -HUGE_VALF}), limits, 0.9) == 1);
  }
}

TEST(PenalizesEachTokenOnce) {
  Random random(94);
  for (const int32_t vocabulary : {1, 40, 300000}) {
    for (const int32_t count : {0, 1, 5, 700}) {
      std::vector<float> want = Logits(vocabulary, 3.0f, false, random);
      Array<float> logits(want);
      std::vector<int32_t> recent;
      for (int32_t i = 0; i < count + 1; ++i) recent.push_back(random.Below(vocabulary));
      std::vector<int32_t> different(recent.begin(), recent.end() - 1);
      std::sort(different.begin(), different.end());
      different.erase(std::unique(different.begin(), different.end()), different.end());
      for (const int32_t token : different) {
        float& logit = want[static_cast<size_t>(token)];
        logit = logit > 0 ? logit / 1.3f : logit * 1.3f;
      }
      const Array<int32_t> tokens(recent);
      const Array<int32_t> length = One(count);
      ci_context* c = Contexts()[0];
      CHECK_OK(ci_cuda_sample_penalize(c, tokens.data(), length.data(), 1.3f, vocabulary, logits.data()));
      CHECK_SAME(logits.Fetch(c), want, Shape("penalize", {vocabulary, count}));
    }
  }
}

TEST(SampleRejectsWhatDoesNotFit) {
  const Array<float> x({1.0f, 2.0f});
  const Array<int32_t> n({1});
  const Array<double> u({0.5});
  ci_context* c = Contexts()[0];
  const auto draw = [&](float temperature, int32_t top_k, float top_p, float min_p) {
    return ci_cuda_sample_draw(c, x.data(), 2, temperature, top_k, top_p, min_p, u.data(), n.data());
  };
  CHECK_FAILS(draw(0.0f, 0, 1.0f, 0.0f), CI_INVALID_ARGUMENT, "temperature=0");
  CHECK_FAILS(draw(NAN, 0, 1.0f, 0.0f), CI_INVALID_ARGUMENT, "temperature=");
  CHECK_FAILS(draw(HUGE_VALF, 0, 1.0f, 0.0f), CI_INVALID_ARGUMENT, "temperature=inf");
  CHECK_FAILS(draw(1.0f, -1, 1.0f, 0.0f), CI_INVALID_ARGUMENT, "top_k=-1");
  CHECK_FAILS(draw(1.0f, 0, 0.0f, 0.0f), CI_INVALID_ARGUMENT, "top_p=0");
  CHECK_FAILS(draw(1.0f, 0, 1.5f, 0.0f), CI_INVALID_ARGUMENT, "top_p=1.5");
  CHECK_FAILS(draw(1.0f, 0, 1.0f, 1.0f), CI_INVALID_ARGUMENT, "min_p=1");
  CHECK_FAILS(ci_cuda_sample_draw(c, nullptr, 2, 1, 0, 1, 0, u.data(), n.data()), CI_INVALID_ARGUMENT,
              "logits is null");
  CHECK_FAILS(ci_cuda_sample_draw(c, x.data(), 0, 1, 0, 1, 0, u.data(), n.data()), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_cuda_sample_draw(c, x.data(), 2, 1, 0, 1, 0, nullptr, n.data()), CI_INVALID_ARGUMENT,
              "uniform is null");
  CHECK_FAILS(ci_cuda_sample_draw(c, x.data(), 2, 1, 0, 1, 0, u.data(), nullptr), CI_INVALID_ARGUMENT, "token is null");
  CHECK_FAILS(ci_cuda_sample_greedy(c, nullptr, 2, n.data()), CI_INVALID_ARGUMENT, "logits is null");
  CHECK_FAILS(ci_cuda_sample_greedy(c, x.data(), 2, nullptr), CI_INVALID_ARGUMENT, "token is null");
  CHECK_FAILS(ci_cuda_sample_penalize(c, nullptr, n.data(), 1, 2, x.data()), CI_INVALID_ARGUMENT, "recent is null");
  CHECK_FAILS(ci_cuda_sample_penalize(c, n.data(), nullptr, 1, 2, x.data()), CI_INVALID_ARGUMENT, "count is null");
  CHECK_FAILS(ci_cuda_sample_penalize(c, n.data(), n.data(), 0, 2, x.data()), CI_INVALID_ARGUMENT, "penalty=0");
  CHECK_FAILS(ci_cuda_sample_penalize(c, n.data(), n.data(), 1, 2, nullptr), CI_INVALID_ARGUMENT, "logits is null");
}

}  // namespace
