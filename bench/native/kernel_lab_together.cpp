// What tokens of several sequences cost together, each with core neurons of its own: beside the dense layer, and beside
// computing everybody's neurons for everybody. Sets share as many neurons as those of real texts do: 71 % for texts of
// one topic, 48 % for texts of different ones (overlap_embedded.png). The variants take their turns, so that all of
// them meet the same machine.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "kernel_lab.h"

namespace kernel_lab {
namespace {

constexpr double kKeep = 0.4;
constexpr int kTurns = 7;
constexpr int32_t kMostTokens = 8;

struct Shape {
  const char* name;
  int32_t dim;
  int32_t neurons;
};
constexpr Shape kShapes[] = {{"7b", 4096, 11008}, {"1.1b", 2048, 5632}};

// How much of a neuron's score is the same for all texts.
struct Likeness {
  const char* name;
  double common;
};
constexpr Likeness kLikenesses[] = {{"one topic", 0.73}, {"several topics", 0.21}};

// The union of some tokens' sets, and who uses what.
struct Union {
  std::vector<int32_t> ids;
  std::vector<uint32_t> users;
};

// A set for each of the most tokens.
std::vector<std::vector<bool>> MakeSets(int32_t neurons, double common) {
  std::mt19937 generator(17);
  std::normal_distribution<double> normal;
  const auto count = static_cast<size_t>(neurons);
  std::vector<double> shared(count);
  for (double& value : shared) value = normal(generator);
  std::vector<std::vector<bool>> sets;
  for (int32_t t = 0; t < kMostTokens; ++t) {
    std::vector<double> scores(count);
    for (size_t i = 0; i < count; ++i) {
      scores[i] = std::sqrt(common) * shared[i] + std::sqrt(1 - common) * normal(generator);
    }
    std::vector<double> sorted = scores;
    std::sort(sorted.begin(), sorted.end());
    const double least = sorted[static_cast<size_t>((1 - kKeep) * neurons)];
    std::vector<bool> is_core(count);
    for (size_t i = 0; i < count; ++i) is_core[i] = scores[i] >= least;
    sets.push_back(is_core);
  }
  return sets;
}

Union UnionOf(const std::vector<std::vector<bool>>& sets, int32_t tokens) {
  Union all;
  for (size_t n = 0; n < sets[0].size(); ++n) {
    uint32_t bits = 0;
    for (int32_t t = 0; t < tokens; ++t) bits |= static_cast<uint32_t>(sets[static_cast<size_t>(t)][n]) << t;
    if (bits == 0) continue;
    all.ids.push_back(static_cast<int32_t>(n));
    all.users.push_back(bits);
  }
  return all;
}

void MeasureLayer(const Shape& shape, const Dtype& up, const Dtype& down, const Likeness& likeness) {
  char name[80];
  std::snprintf(name, sizeof(name), "sequences %s %s %s", shape.name, up.name, likeness.name);
  if (!Wanted(name)) return;
  const auto sets = MakeSets(shape.neurons, likeness.common);
  const double up_bytes = up.bytes_per_element * shape.dim * shape.neurons;
  const double bytes = 2 * up_bytes + down.bytes_per_element * shape.dim * shape.neurons;
  const int copies = 2 + static_cast<int>(500e6 / bytes);
  uint8_t* weights = AllocateWeights(bytes * copies);
  float* x = AllocateFloats(double{kMostTokens} * shape.dim);
  float* y = AllocateFloats(double{kMostTokens} * shape.dim);
  float* activations = AllocateFloats(double{kMostTokens} * shape.neurons);
  int copy = 0;
  const auto decode = [&](int32_t tokens, const int32_t* ids, int32_t core, const uint32_t* users) {
    const uint8_t* gate = weights + static_cast<int64_t>(bytes) * (copy++ % copies);
    const uint8_t* up_data = gate + static_cast<int64_t>(up_bytes);
    std::memset(y, 0, sizeof(float) * static_cast<size_t>(shape.dim) * static_cast<size_t>(tokens));
    return Seconds([&] {
      Require(ci_ffn_decode(context, CI_SILU, up.value, gate, up_data, nullptr, nullptr, down.value,
                            up_data + static_cast<int64_t>(up_bytes), nullptr, x, tokens, ids, &core, users,
                            shape.neurons, shape.dim, activations, y));
    });
  };
  for (int32_t tokens = 1; tokens <= kMostTokens; tokens *= 2) {
    const Union all = UnionOf(sets, tokens);
    const auto core = static_cast<int32_t>(all.ids.size());
    std::vector<double> dense, own, whole;
    for (int turn = 0; turn <= kTurns; ++turn) {
      const double seconds[] = {decode(tokens, nullptr, shape.neurons, nullptr),
                                decode(tokens, all.ids.data(), core, all.users.data()),
                                decode(tokens, all.ids.data(), core, nullptr)};
      if (turn == 0) continue;
      dense.push_back(seconds[0]);
      own.push_back(seconds[1]);
      whole.push_back(seconds[2]);
    }
    std::printf("%-32s %d tokens: union %2.0f %%, dense %7.3f ms, own sets %7.3f ms (x %.2f), union for all x %.2f\n",
                name, tokens, 100.0 * core / shape.neurons, Median(dense) * 1e3, Median(own) * 1e3,
                Median(dense) / Median(own), Median(dense) / Median(whole));
  }
  Free(weights, bytes * copies);
  Free(x, sizeof(float) * kMostTokens * shape.dim);
  Free(y, sizeof(float) * kMostTokens * shape.dim);
  Free(activations, sizeof(float) * kMostTokens * shape.neurons);
}

}  // namespace

void MeasureTogether() {
  for (const Shape& shape : kShapes) {
    for (const Likeness& likeness : kLikenesses) {
      MeasureLayer(shape, kF16, kF16, likeness);
      MeasureLayer(shape, kQ8, {CI_Q8_0_SHARED, "Q8_0_SHARED", 34.0 / 32}, likeness);
      MeasureLayer(shape, kQ4, {CI_Q4_0_SHARED, "Q4_0_SHARED", 18.0 / 32}, likeness);
    }
  }
}

}  // namespace kernel_lab
