// Scores against sorting.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

// Activations with many ties, zeros of both signs, infinities and NaN.
std::vector<float> Activations(int32_t tokens, int32_t neurons, bool coarse, Random& random) {
  std::vector<float> a = random.Values(int64_t{tokens} * neurons);
  for (float& value : a) {
    if (coarse) value = std::round(value * 4) / 4;
    switch (random.Below(60)) {
      case 0:
        value = 0.0f;
        break;
      case 1:
        value = -0.0f;
        break;
      case 2:
        value = NAN;
        break;
      case 3:
        value = random.Below(2) == 0 ? HUGE_VALF : -HUGE_VALF;
        break;
      case 4:
        value = std::ldexp(value, -140);
        break;
      default:
        break;
    }
  }
  return a;
}

// Counts per neuron how often it is among the `limit(candidates)` first when candidates are sorted by falling `key`.
std::vector<float> Strongest(const std::vector<float>& a, int32_t tokens, int32_t neurons,
                             const std::function<bool(float)>& is_candidate, const std::function<float(float)>& key,
                             const std::function<int32_t(int32_t)>& limit) {
  std::vector<float> scores(static_cast<size_t>(neurons), 2.0f);
  for (int32_t t = 0; t < tokens; ++t) {
    const float* row = a.data() + int64_t{t} * neurons;
    std::vector<int32_t> order;
    for (int32_t n = 0; n < neurons; ++n) {
      if (!std::isnan(row[n]) && is_candidate(row[n])) order.push_back(n);
    }
    std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) { return key(row[i]) > key(row[j]); });
    const int32_t count = limit(static_cast<int32_t>(order.size()));
    for (int32_t i = 0; i < count; ++i) scores[static_cast<size_t>(order[static_cast<size_t>(i)])] += 1;
  }
  return scores;
}

constexpr int32_t kNeurons[] = {1, 2, 3, 13, 31, 32, 33, 64, 207, 257, 3000};

TEST(CountsTopShares) {
  Random random(40);
  for (const int32_t neurons : kNeurons) {
    for (const int32_t tokens : {1, 9}) {
      for (const bool coarse : {false, true}) {
        const Array<float> activations(Activations(tokens, neurons, coarse, random));
        const std::vector<float>& a = activations.values();
        for (const double alpha : {1e-9, 0.1, 0.2, 0.4, 0.6, 1.0 / 3, 1.0}) {
          const auto limit = [&](int32_t m) {
            return m == 0 ? 0 : std::max(1, static_cast<int32_t>(std::ceil(alpha * m - 1e-9)));
          };
          const std::string what = Shape("top_share", {tokens, neurons});
          for (const int32_t magnitude : {0, 1}) {
            const auto scores = OnEveryContext(
                std::vector<float>(static_cast<size_t>(neurons), 2.0f), what, [&](ci_context* c, float* out) {
                  return ci_score_top_share(c, activations.data(), tokens, neurons, magnitude, alpha, out);
                });
            const auto want = magnitude == 1 ? Strongest(
                                                   a, tokens, neurons, [](float v) { return v != 0; },
                                                   [](float v) { return std::fabs(v); }, limit)
                                             : Strongest(
                                                   a, tokens, neurons, [](float v) { return v > 0; },
                                                   [](float v) { return v; }, limit);
            CHECK_SAME(scores, want, what);
          }
        }
      }
    }
  }
}

TEST(SharesAreNotRoundedUpByAccident) {
  // 0.07 * 100 is a little above 7 in double precision.
  std::vector<float> rising(100);
  std::iota(rising.begin(), rising.end(), 1.0f);
  const Array<float> a(rising);
  const auto scores = OnEveryContext(std::vector<float>(100), "share", [&](ci_context* c, float* out) {
    return ci_score_top_share(c, a.data(), 1, 100, 0, 0.07, out);
  });
  CHECK(std::accumulate(scores.begin(), scores.end(), 0.0f) == 7.0f);
  CHECK(scores[93] == 1.0f && scores[92] == 0.0f);
}

TEST(CountsTopK) {
  Random random(41);
  for (const int32_t neurons : kNeurons) {
    for (const bool coarse : {false, true}) {
      const Array<float> a(Activations(9, neurons, coarse, random));
      for (const int32_t limit : {1, (neurons + 1) / 2, neurons}) {
        const std::string what = Shape("top_k", {neurons, limit});
        const auto scores = OnEveryContext(
            std::vector<float>(static_cast<size_t>(neurons), 2.0f), what,
            [&](ci_context* c, float* out) { return ci_score_top_k(c, a.data(), 9, neurons, limit, out); });
        const auto want = Strongest(
            a.values(), 9, neurons, [](float) { return true; }, [](float v) { return v; },
            [&](int32_t m) { return std::min(m, limit); });
        CHECK_SAME(scores, want, what);
      }
    }
  }
}

// The search for a token's threshold begins at that of the token before.
TEST(FindsThresholdsFarFromThatOfTheTokenBefore) {
  Random random(44);
  constexpr int32_t kTokens = 24;
  for (const int32_t neurons : {5, 300, 5000}) {
    std::vector<float> values = random.Values(int64_t{kTokens} * neurons);
    for (int32_t t = 0; t < kTokens; ++t) {
      const int kind = random.Below(6);
      const int exponent = random.Below(250) - 125;
      for (int32_t n = 0; n < neurons; ++n) {
        float& value = values[static_cast<size_t>(t) * static_cast<size_t>(neurons) + static_cast<size_t>(n)];
        value = kind == 0 ? 1.0f : kind == 1 ? HUGE_VALF : kind == 2 ? -std::fabs(value) : std::ldexp(value, exponent);
      }
    }
    const Array<float> a(values);
    const std::string what = Shape("far", {kTokens, neurons});
    const auto share = [](int32_t m) { return m == 0 ? 0 : static_cast<int32_t>(std::ceil(0.4 * m - 1e-9)); };
    const std::vector<float> start(static_cast<size_t>(neurons), 2.0f);
    for (const int32_t magnitude : {0, 1}) {
      const auto scores = OnEveryContext(start, what, [&](ci_context* c, float* out) {
        return ci_score_top_share(c, a.data(), kTokens, neurons, magnitude, 0.4, out);
      });
      const auto want = Strongest(
          values, kTokens, neurons, [&](float v) { return magnitude == 1 ? v != 0 : v > 0; },
          [&](float v) { return magnitude == 1 ? std::fabs(v) : v; }, share);
      CHECK_SAME(scores, want, what);
    }
    const int32_t limit = (neurons + 2) / 3;
    const auto scores = OnEveryContext(start, what, [&](ci_context* c, float* out) {
      return ci_score_top_k(c, a.data(), kTokens, neurons, limit, out);
    });
    CHECK_SAME(scores,
               Strongest(
                   values, kTokens, neurons, [](float) { return true; }, [](float v) { return v; },
                   [&](int32_t m) { return std::min(m, limit); }),
               what);
  }
}

TEST(CountsPositives) {
  Random random(42);
  for (const int32_t count : {1, 2, 33, 207, 200001}) {
    const Array<float> a(Activations(1, count, false, random));
    const int64_t want = std::count_if(a.values().begin(), a.values().end(), [](float v) { return v > 0; });
    for (ci_context* c : RepeatedContexts()) {
      int64_t positives = 5;
      CHECK_OK(ci_score_positives(c, a.data(), count, &positives));
      CHECK(positives == want + 5);
    }
  }
}

void CheckEnergy(const std::vector<float>& a, int32_t tokens, int32_t neurons, int32_t normalize, Random& random) {
  const Array<float> activations(a);
  const std::vector<float> start = random.Values(neurons);
  const std::string what = Shape("energy", {tokens, neurons, normalize});
  const auto scores = OnEveryContext(start, what, [&](ci_context* c, float* out) {
    return ci_score_energy(c, activations.data(), tokens, neurons, normalize, out);
  });
  std::vector<double> want(start.begin(), start.end());
  std::vector<double> scale(want.size(), 1.0);
  for (int32_t t = 0; t < tokens; ++t) {
    const float* row = a.data() + int64_t{t} * neurons;
    double squares = 0;
    for (int32_t n = 0; n < neurons; ++n) squares += double{row[n]} * row[n];
    if (squares == 0) continue;
    for (int32_t n = 0; n < neurons; ++n) {
      const double term = double{row[n]} * row[n] / (normalize == 1 ? squares : 1.0);
      want[static_cast<size_t>(n)] += term;
      scale[static_cast<size_t>(n)] += term;
    }
  }
  CHECK_CLOSE(scores, want, scale, kScoreTolerance, what);
}

TEST(AddsEnergies) {
  Random random(43);
  for (const int32_t neurons : kNeurons) {
    for (const int32_t tokens : {1, 9}) {
      std::vector<float> a = random.Values(int64_t{tokens} * neurons);
      // The second token is all zero.
      if (tokens > 1) std::fill(a.begin() + neurons, a.begin() + int64_t{2} * neurons, 0.0f);
      for (const int32_t normalize : {0, 1}) CheckEnergy(a, tokens, neurons, normalize, random);
    }
  }
  // Squares leave the range of F32.
  for (const float magnitude : {0x1p-80f, 0x1p80f}) {
    std::vector<float> a = random.Values(600);
    for (float& value : a) value *= magnitude;
    CheckEnergy(a, 3, 200, 1, random);
  }
}

// More neurons than a GPU's shared memory holds; more tokens than it has blocks.
TEST(ScoresLargePrompts) {
  Random random(44);
  for (const auto& [tokens, neurons] : {std::pair<int32_t, int32_t>{300, 44}, {2, 17003}, {2, 17004}}) {
    const Array<float> a(Activations(tokens, neurons, false, random));
    const std::string what = Shape("large", {tokens, neurons});
    const std::vector<float> start(static_cast<size_t>(neurons), 2.0f);
    const auto share = [](int32_t m) { return static_cast<int32_t>(std::ceil(0.4 * m - 1e-9)); };
    const auto value = [](float v) { return v; };
    const auto shares = OnEveryContext(start, what, [&, tokens = tokens, neurons = neurons](ci_context* c, float* out) {
      return ci_score_top_share(c, a.data(), tokens, neurons, 0, 0.4, out);
    });
    CHECK_SAME(shares,
               Strongest(
                   a.values(), tokens, neurons, [](float v) { return v > 0; }, value, share),
               what);
    const auto counts = OnEveryContext(start, what, [&, tokens = tokens, neurons = neurons](ci_context* c, float* out) {
      return ci_score_top_k(c, a.data(), tokens, neurons, 17, out);
    });
    CHECK_SAME(
        counts,
        Strongest(
            a.values(), tokens, neurons, [](float) { return true; }, value, [](int32_t m) { return std::min(m, 17); }),
        what);
    const std::vector<float> values = random.Values(int64_t{tokens} * neurons);
    for (const int32_t normalize : {0, 1}) CheckEnergy(values, tokens, neurons, normalize, random);
  }
}

TEST(ScoreRejectsWhatDoesNotFit) {
  float x[4] = {};
  int64_t positives = 0;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_score_top_share(c, x, 1, 4, 0, 0.0, x), CI_INVALID_ARGUMENT, "alpha=0");
  CHECK_FAILS(ci_score_top_share(c, x, 1, 4, 0, 1.5, x), CI_INVALID_ARGUMENT, "alpha=1.5");
  CHECK_FAILS(ci_score_top_share(c, x, 1, 4, 0, NAN, x), CI_INVALID_ARGUMENT, "alpha=");
  CHECK_FAILS(ci_score_top_share(c, x, 1, 4, 2, 0.5, x), CI_INVALID_ARGUMENT, "magnitude=2");
  CHECK_FAILS(ci_score_top_share(c, nullptr, 1, 4, 0, 0.5, x), CI_INVALID_ARGUMENT, "activations is null");
  CHECK_FAILS(ci_score_top_share(c, x, 1, 4, 0, 0.5, nullptr), CI_INVALID_ARGUMENT, "scores is null");
  CHECK_FAILS(ci_score_top_k(c, x, 1, 4, 0, x), CI_INVALID_ARGUMENT, "limit=0");
  CHECK_FAILS(ci_score_top_k(c, x, 1, 4, 5, x), CI_INVALID_ARGUMENT, "limit=5, allowed 1..4");
  CHECK_FAILS(ci_score_positives(c, x, 0, &positives), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_score_positives(c, x, 1, nullptr), CI_INVALID_ARGUMENT, "positives is null");
  CHECK_FAILS(ci_score_energy(c, x, 0, 4, 0, x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_score_energy(c, x, 1, 4, 2, x), CI_INVALID_ARGUMENT, "normalize=2");
}

}  // namespace
