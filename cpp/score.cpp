// Counts over a prompt's activations from which core neurons are chosen. Top shares: threads take tokens and count in
// integers of their own, which are added up at the end, so the order of tokens cannot matter; the k-th largest
// activation of a token is found digit by digit in histograms, without sorting. Energies: threads take ranges of
// neurons and walk the tokens in order. All of it is bound by one or two passes over the activations.
#include <cmath>
#include <cstring>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

enum class Order { kPositive, kMagnitude, kSigned };

// Maps a float to an integer that orders like it, 0 for what is no candidate. Both zeros are equal.
template <Order order>
uint32_t KeyOf(float value) {
  uint32_t bits;
  const float canonical = value + 0.0f;
  std::memcpy(&bits, &canonical, sizeof(bits));
  constexpr uint32_t kSign = 0x80000000u;
  constexpr uint32_t kInfinity = 0x7f800000u;
  if ((bits & ~kSign) > kInfinity) return 0;
  if (order == Order::kPositive) return (bits & kSign) != 0 ? 0 : bits;
  if (order == Order::kMagnitude) return bits & ~kSign;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

template <Order order>
int32_t FillKeys(const float* activations, int32_t neurons, uint32_t* keys) {
  int32_t candidates = 0;
  for (int32_t n = 0; n < neurons; ++n) {
    keys[n] = KeyOf<order>(activations[n]);
    candidates += keys[n] != 0 ? 1 : 0;
  }
  return candidates;
}

// Writes the key of every neuron and returns the number of candidates.
int32_t FillKeys(Order order, const float* activations, int32_t neurons, uint32_t* keys) {
  switch (order) {
    case Order::kPositive:
      return FillKeys<Order::kPositive>(activations, neurons, keys);
    case Order::kMagnitude:
      return FillKeys<Order::kMagnitude>(activations, neurons, keys);
    default:
      return FillKeys<Order::kSigned>(activations, neurons, keys);
  }
}

constexpr int32_t kMostBins = 4096;

// One thread's memory.
struct Selection {
  int32_t* counts;      // (neurons)
  uint32_t* keys;       // (neurons)
  uint32_t* remaining;  // (neurons)
  int32_t* histogram;   // (kMostBins)

  static int64_t Bytes(int32_t neurons) { return (3 * int64_t{neurons} + kMostBins) * 4; }

  Selection(uint8_t* scratch, int64_t neurons)
      : counts(reinterpret_cast<int32_t*>(scratch)),
        keys(reinterpret_cast<uint32_t*>(counts + neurons)),
        remaining(keys + neurons),
        histogram(reinterpret_cast<int32_t*>(remaining + neurons)) {}
};

struct Digit {
  int shift;
  int bits;
};
constexpr Digit kDigits[] = {{20, 12}, {10, 10}, {0, 10}};

// The bin that holds the *rank-th largest key's digit; *rank becomes its rank within that bin.
uint32_t FindBin(const int32_t* histogram, int32_t bins, int32_t* rank) {
  int32_t bin = bins - 1;
  for (; bin > 0 && histogram[bin] < *rank; --bin) *rank -= histogram[bin];
  return static_cast<uint32_t>(bin);
}

// Counts the `rank` neurons with the largest keys, rank being at most the number of non-zero keys.
void CountLargest(const Selection& s, int32_t neurons, int32_t rank) {
  const uint32_t* source = s.keys;
  int32_t size = neurons;
  uint32_t threshold = 0;
  for (const Digit digit : kDigits) {
    const uint32_t mask = (1u << digit.bits) - 1;
    std::memset(s.histogram, 0, sizeof(int32_t) << digit.bits);
    for (int32_t i = 0; i < size; ++i) ++s.histogram[(source[i] >> digit.shift) & mask];
    const uint32_t bin = FindBin(s.histogram, 1 << digit.bits, &rank);
    threshold |= bin << digit.shift;
    int32_t kept = 0;
    for (int32_t i = 0; i < size; ++i) {
      const uint32_t key = source[i];
      s.remaining[kept] = key;
      kept += ((key >> digit.shift) & mask) == bin ? 1 : 0;
    }
    source = s.remaining;
    size = kept;
  }
  // `size` keys equal the threshold, and `rank` of them belong to the selection.
  if (rank == size) {
    for (int32_t n = 0; n < neurons; ++n) s.counts[n] += s.keys[n] >= threshold ? 1 : 0;
    return;
  }
  for (int32_t n = 0; n < neurons; ++n) {
    if (s.keys[n] > threshold) {
      ++s.counts[n];
    } else if (s.keys[n] == threshold && rank > 0) {
      ++s.counts[n];
      --rank;
    }
  }
}

// Adds 1 per token to the scores of its limit(candidates) strongest candidates.
template <class Limit>
void ScoreStrongest(ci_context& c, Order order, const float* activations, int32_t tokens, int32_t neurons,
                    float* scores, const Limit& limit) {
  c.ReserveThreadScratch(Selection::Bytes(neurons));
  WorkQueue queue(tokens);
  c.pool.Run([&](int32_t thread) {
    const Selection selection(c.thread_scratch(thread), neurons);
    std::memset(selection.counts, 0, sizeof(int32_t) * static_cast<size_t>(neurons));
    queue.Drain([&](int64_t t) {
      const int32_t candidates = FillKeys(order, activations + t * neurons, neurons, selection.keys);
      if (candidates > 0) CountLargest(selection, neurons, limit(candidates));
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

double SumOfSquares(const float* x, int64_t count) {
  constexpr int kSums = 8;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (int s = 0; s < kSums; ++s) sums[s] += double{x[i + s]} * double{x[i + s]};
  }
  for (; i < count; ++i) sums[0] += double{x[i]} * double{x[i]};
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

constexpr int64_t kEnergyNeurons = 256;

// factors (tokens): what each token's squares are multiplied by.
void AddEnergies(const float* activations, const double* factors, int64_t tokens, int64_t neurons, int64_t begin,
                 int64_t end, float* scores) {
  double sums[kEnergyNeurons] = {};
  for (int64_t t = 0; t < tokens; ++t) {
    const float* row = activations + t * neurons + begin;
    for (int64_t i = 0; i < end - begin; ++i) sums[i] += double{row[i]} * double{row[i]} * factors[t];
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
    const coreinfer::Order order = magnitude == 1 ? coreinfer::Order::kMagnitude : coreinfer::Order::kPositive;
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
    coreinfer::ScoreStrongest(c, coreinfer::Order::kSigned, activations, tokens, neurons, scores,
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
    double* factors = reinterpret_cast<double*>(c.shared_scratch.Reserve(tokens * int64_t{sizeof(double)}));
    coreinfer::ParallelRanges(c, tokens, 4, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t t = begin; t < end; ++t) {
        const double squares = normalize == 1 ? coreinfer::SumOfSquares(activations + t * neurons, neurons) : 1.0;
        factors[t] = squares == 0.0 ? 0.0 : 1.0 / squares;
      }
    });
    coreinfer::ParallelRanges(c, neurons, coreinfer::kEnergyNeurons, [&](int64_t begin, int64_t end, int32_t) {
      coreinfer::AddEnergies(activations, factors, tokens, neurons, begin, end, scores);
    });
  });
}
