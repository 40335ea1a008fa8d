// Counts over a prompt's activations from which core neurons are chosen. Top shares: threads take tokens and count in
// integers of their own, which are added up at the end, so the order of tokens cannot matter; the k-th largest
// activation of a token is enclosed by counting how many lie above trial values, from that of the token before on.
// Energies: threads take ranges of neurons and walk the tokens in order. All of it is bound by some passes over the
// activations, of which the first reads memory and the others cache.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "context.h"
#include "coreinfer/kernels.h"
#include "simd/simd.h"

namespace coreinfer {
namespace {

// What is counted of an activation, and from which value on it is a candidate. Comparisons are false for NaN, and true
// for zeros of either sign where they are for one.
struct Order {
  bool is_magnitude;
  float least;
};
constexpr float kSmallest = 1.40129846e-45f;  // above 0
constexpr Order kPositive = {false, kSmallest};
constexpr Order kMagnitude = {true, kSmallest};
constexpr Order kSigned = {false, -HUGE_VALF};

// Integers in the order of the floats they stand for.
int64_t KeyOf(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits < 0 ? -int64_t{bits & INT32_MAX} : int64_t{bits};
}

float ValueOf(int64_t key) {
  const auto bits = static_cast<uint32_t>(key < 0 ? -key : key) | (key < 0 ? 0x80000000u : 0u);
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// One thread's memory.
struct Selection {
  int32_t* counts;  // (neurons)
  float* between;   // (neurons)

  static int64_t Bytes(int32_t neurons) { return 2 * int64_t{neurons} * 4; }

  Selection(uint8_t* scratch, int64_t neurons)
      : counts(reinterpret_cast<int32_t*>(scratch)), between(reinterpret_cast<float*>(counts + neurons)) {}
};

// Finds the rank-th largest of a token's candidates. Activations are counted from trial values on, and the threshold is
// enclosed between `low`, from which on there are `rank` or more, and `high`, from which on there are fewer.
class Threshold {
 public:
  Threshold(const SimdKernels& simd, Order order, const float* activations, int32_t neurons)
      : simd_(simd), order_(order), x_(activations), neurons_(neurons) {}

  int32_t CountFrom(float value) const { return simd_.count_from[order_.is_magnitude](x_, neurons_, value); }

  struct Found {
    float value;
    int32_t count;  // of activations from it on
  };

  // `candidates` is their number, at least `rank`; `guess` may be anything, and the nearer it is the less is to do.
  // `between` has room for all neurons.
  Found Find(int32_t candidates, int32_t rank, float guess, float* between) {
    rank_ = rank;
    low_ = KeyOf(order_.least);
    at_low_ = candidates;
    high_ = KeyOf(HUGE_VALF) + 1;
    at_high_ = 0;
    Gallop(KeyOf(guess));
    for (int trial = 0; high_ - low_ > 1 && at_low_ - at_high_ > kFew; ++trial) {
      switch (trial % 3) {
        case 0:
          Try(Interpolated(kFew / 4));
          break;
        case 1:
          Try(Interpolated(-kFew / 4));
          break;
        default:
          Try(low_ + (high_ - low_) / 2);
      }
    }
    return high_ - low_ == 1 ? Found{ValueOf(low_), at_low_} : LargestBetween(between);
  }

 private:
  static constexpr int32_t kFew = 48;
  static constexpr int64_t kFirstStep = int64_t{1} << 18;  // a 32nd of a factor of two

  void Try(int64_t key) {
    const int32_t found = CountFrom(ValueOf(key));
    if (found >= rank_) {
      low_ = key;
      at_low_ = found;
    } else {
      high_ = key;
      at_high_ = found;
    }
  }

  // Goes away from the guess in steps that double, until the threshold is passed.
  void Gallop(int64_t key) {
    if (key <= low_ || key >= high_) return;
    Try(key);
    const bool is_rising = low_ == key;
    for (int64_t step = kFirstStep;; step *= 2) {
      key = is_rising ? key + step : key - step;
      if (key <= low_ || key >= high_) return;
      Try(key);
      if ((low_ == key) != is_rising) return;
    }
  }

  // From where on there would be `further` more than `rank` if the activations between lay evenly.
  int64_t Interpolated(int32_t further) const {
    const double part = (at_low_ - rank_ - further + 0.5) / (at_low_ - at_high_);
    const int64_t key = low_ + static_cast<int64_t>(part * static_cast<double>(high_ - low_));
    return std::min(std::max(key, low_ + 1), high_ - 1);
  }

  Found LargestBetween(float* between) const {
    const int32_t count =
        simd_.take_between[order_.is_magnitude](x_, neurons_, ValueOf(low_), ValueOf(high_ - 1), between);
    const int32_t index = rank_ - at_high_ - 1;
    std::nth_element(between, between + index, between + count, std::greater<float>());
    const float value = between[index];
    const auto equal = std::count(between + index + 1, between + count, value);
    return {value, rank_ + static_cast<int32_t>(equal)};
  }

  const SimdKernels& simd_;
  const Order order_;
  const float* const x_;
  const int32_t neurons_;
  int32_t rank_ = 0;
  int64_t low_ = 0;
  int64_t high_ = 0;
  int32_t at_low_ = 0;
  int32_t at_high_ = 0;
};

// Counts the `rank` neurons with the largest activations, of equal ones the first: all from the threshold on, or where
// too many equal it, all above and some that equal it.
void CountLargest(const SimdKernels& simd, Order order, const float* x, int32_t neurons, int32_t rank,
                  Threshold::Found threshold, int32_t* counts) {
  if (threshold.count == rank) {
    simd.add_from[order.is_magnitude](x, neurons, threshold.value, counts);
    return;
  }
  const int64_t next = KeyOf(threshold.value) + 1;
  const float above = ValueOf(next);
  int32_t left = rank;
  if (next <= KeyOf(HUGE_VALF)) {
    left -= simd.count_from[order.is_magnitude](x, neurons, above);
    simd.add_from[order.is_magnitude](x, neurons, above, counts);
  }
  for (int32_t n = 0; n < neurons && left > 0; ++n) {
    const bool is_equal = (order.is_magnitude ? std::fabs(x[n]) : x[n]) == threshold.value;
    counts[n] += is_equal ? 1 : 0;
    left -= is_equal ? 1 : 0;
  }
}

// Adds 1 per token to the scores of its limit(candidates) strongest candidates.
template <class Limit>
void ScoreStrongest(ci_context& c, Order order, const float* activations, int32_t tokens, int32_t neurons,
                    float* scores, const Limit& limit) {
  c.ReserveThreadScratch(Selection::Bytes(neurons));
  const SimdKernels& simd = ChosenKernels();
  WorkQueue queue(tokens, c.pool.size());
  c.pool.Run([&](int32_t thread) {
    const Selection selection(c.thread_scratch(thread), neurons);
    std::memset(selection.counts, 0, sizeof(int32_t) * static_cast<size_t>(neurons));
    float guess = 0.0f;  // the threshold of the token before
    queue.Drain(thread, [&](int64_t t) {
      const float* x = activations + t * neurons;
      Threshold search(simd, order, x, neurons);
      const int32_t candidates = search.CountFrom(order.least);
      if (candidates == 0) return;
      const int32_t rank = limit(candidates);
      const Threshold::Found threshold = search.Find(candidates, rank, guess, selection.between);
      CountLargest(simd, order, x, neurons, rank, threshold, selection.counts);
      guess = threshold.value;
    });
    c.pool.Barrier();
    const int64_t begin = int64_t{neurons} * thread / c.pool.size();
    const int64_t end = int64_t{neurons} * (thread + 1) / c.pool.size();
    for (int64_t n = begin; n < end; ++n) {
      int32_t count = 0;
      for (int32_t other = 0; other < c.pool.size(); ++other) {
        count += Selection(c.thread_scratch(other), neurons).counts[n];
      }
      scores[n] += static_cast<float>(count);
    }
  });
}

// ceil(alpha * candidates), where a product that only rounding lifted above an integer is not rounded up.
int32_t ShareOf(double alpha, int32_t candidates) {
  const int32_t share = static_cast<int32_t>(std::ceil(alpha * candidates - 1e-9));
  return share < 1 ? 1 : share;
}

constexpr int64_t kEnergyNeurons = 256;

// factors (tokens): what each token's squares are multiplied by.
void AddEnergies(const SimdKernels& simd, const float* activations, const double* factors, int64_t tokens,
                 int64_t neurons, int64_t begin, int64_t end, float* scores) {
  double sums[kEnergyNeurons] = {};
  for (int64_t t = 0; t < tokens; ++t) {
    simd.add_squares(activations + t * neurons + begin, end - begin, factors[t], sums);
  }
  for (int64_t i = 0; i < end - begin; ++i) scores[begin + i] += static_cast<float>(sums[i]);
}

}  // namespace
}  // namespace coreinfer

int32_t ci_score_top_share(ci_context* context, const float* activations, int32_t tokens, int32_t neurons,
                           int32_t magnitude, double alpha, float* scores) {
  return coreinfer::Call("ci_score_top_share", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequireRange("magnitude", magnitude, 0, 1);
    if (!(alpha > 0.0 && alpha <= 1.0)) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "alpha must be above 0 and at most 1: alpha=%g", alpha);
    }
    coreinfer::RequirePointer("scores", scores);
    const coreinfer::Order& order = magnitude == 1 ? coreinfer::kMagnitude : coreinfer::kPositive;
    coreinfer::ScoreStrongest(c, order, activations, tokens, neurons, scores,
                              [&](int32_t candidates) { return coreinfer::ShareOf(alpha, candidates); });
  });
}

int32_t ci_score_top_k(ci_context* context, const float* activations, int32_t tokens, int32_t neurons, int32_t limit,
                       float* scores) {
  return coreinfer::Call("ci_score_top_k", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequireRange("limit", limit, 1, neurons);
    coreinfer::RequirePointer("scores", scores);
    coreinfer::ScoreStrongest(c, coreinfer::kSigned, activations, tokens, neurons, scores,
                              [&](int32_t candidates) { return limit < candidates ? limit : candidates; });
  });
}

int32_t ci_score_positives(ci_context* context, const float* activations, int64_t count, int64_t* positives) {
  return coreinfer::Call("ci_score_positives", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {count});
    coreinfer::RequirePointer("positives", positives);
    std::atomic<int64_t> total{0};
    coreinfer::ParallelRanges(c, count, 65536, [&](int64_t begin, int64_t end, int32_t) {
      int32_t found = 0;
      for (int64_t i = begin; i < end; ++i) found += activations[i] > 0.0f ? 1 : 0;
      total.fetch_add(found);
    });
    *positives += total.load();
  });
}

int32_t ci_score_energy(ci_context* context, const float* activations, int32_t tokens, int32_t neurons,
                        int32_t normalize, float* scores) {
  return coreinfer::Call("ci_score_energy", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequireRange("normalize", normalize, 0, 1);
    coreinfer::RequirePointer("scores", scores);
    const coreinfer::SimdKernels& simd = coreinfer::ChosenKernels();
    double* factors = reinterpret_cast<double*>(c.shared_scratch.Reserve(tokens * int64_t{sizeof(double)}));
    coreinfer::ParallelRanges(c, tokens, 4, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t t = begin; t < end; ++t) {
        const double squares = normalize == 1 ? simd.sum_of_squares(activations + t * neurons, neurons) : 1.0;
        factors[t] = squares == 0.0 ? 0.0 : 1.0 / squares;
      }
    });
    coreinfer::ParallelRanges(c, neurons, coreinfer::kEnergyNeurons, [&](int64_t begin, int64_t end, int32_t) {
      coreinfer::AddEnergies(simd, activations, factors, tokens, neurons, begin, end, scores);
    });
  });
}
