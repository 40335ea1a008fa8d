// Measures what scoring a prompt's activations and choosing neurons from the scores takes of the CPU's time, relative
// to the FFN that makes the activations: one thread's CPU time, which other processes disturb least, the best of
// several rounds. Prints a table in Markdown.
//   selection_lab [path of an OpenBLAS library]
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <random>
#include <vector>

#include "coreinfer/host.h"
#include "coreinfer/kernels.h"

namespace {

constexpr int32_t kTokens = 256;
constexpr double kAlpha = 0.4;
constexpr double kKeep = 0.4;
constexpr int kRounds = 3;
constexpr int kRepeats = 3;  // of scoring, in a round

struct Shape {
  const char* name;
  int32_t dim;
  int32_t neurons;
  bool is_gated;
};
constexpr Shape kShapes[] = {
    {"llama-2-7b", 4096, 11008, true}, {"tinyllama-1.1b", 2048, 5632, true}, {"opt-6.7b", 4096, 16384, false}};

ci_context* context = nullptr;

void Require(int32_t status) {
  if (status == CI_OK) return;
  std::fprintf(stderr, "%s\n", ci_error_message());
  std::exit(1);
}

double Seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void Lower(double* best, const std::function<void()>& work) {
  const double begin = Seconds();
  work();
  *best = std::min(*best, Seconds() - begin);
}

// Halves of either sign, from 2^-7 to a little less than 2^-6.
std::vector<uint16_t> Halves(size_t count, std::mt19937* random) {
  std::vector<uint16_t> values(count);
  for (uint16_t& value : values) value = static_cast<uint16_t>(0x2000u | ((*random)() & 0x83ffu));
  return values;
}

void Measure(const Shape& shape) {
  const size_t weights = static_cast<size_t>(shape.neurons) * static_cast<size_t>(shape.dim);
  std::mt19937 random(1);
  const std::vector<uint16_t> gate = Halves(weights, &random);
  const std::vector<uint16_t> up = Halves(weights, &random);
  const std::vector<uint16_t> down = Halves(weights, &random);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(kTokens) * static_cast<size_t>(shape.dim));
  for (float& value : x) value = normal(random);
  std::vector<float> y(x.size());
  std::vector<float> a(static_cast<size_t>(kTokens) * static_cast<size_t>(shape.neurons));
  std::vector<float> scores(static_cast<size_t>(shape.neurons));
  std::vector<int32_t> ids(scores.size());
  const int32_t neurons = shape.neurons;
  const struct {
    const char* name;
    std::function<void()> work;
  } rules[] = {
      {"paper", [&] { Require(ci_score_top_share(context, a.data(), kTokens, neurons, 0, kAlpha, scores.data())); }},
      {"magnitude",
       [&] { Require(ci_score_top_share(context, a.data(), kTokens, neurons, 1, kAlpha, scores.data())); }},
      {"reference",
       [&] {
         int64_t positives = 0;
         Require(ci_score_positives(context, a.data(), int64_t{kTokens} * neurons, &positives));
         const auto limit = static_cast<int32_t>(kAlpha * static_cast<double>(positives) / kTokens);
         Require(ci_score_top_k(context, a.data(), kTokens, neurons, std::max(limit, 1), scores.data()));
       }},
      {"norm, relative", [&] { Require(ci_score_energy(context, a.data(), kTokens, neurons, 1, scores.data())); }},
      {"impact", [&] { Require(ci_score_energy(context, a.data(), kTokens, neurons, 0, scores.data())); }}};
  double ffn = HUGE_VAL;
  double choosing = HUGE_VAL;
  double scoring[std::size(rules)];
  std::fill(std::begin(scoring), std::end(scoring), HUGE_VAL);
  for (int round = 0; round < kRounds; ++round) {
    Lower(&ffn, [&] {
      Require(ci_ffn_prefill(context, shape.is_gated ? CI_SILU : CI_RELU, CI_F16,
                             shape.is_gated ? gate.data() : nullptr, up.data(), nullptr, nullptr, CI_F16, down.data(),
                             nullptr, x.data(), kTokens, neurons, shape.dim, a.data(), y.data()));
    });
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      for (size_t i = 0; i < std::size(rules); ++i) Lower(&scoring[i], rules[i].work);
      Lower(&choosing, [&] {
        int32_t core = 0;
        Require(ci_score_select(context, scores.data(), nullptr, neurons, static_cast<int32_t>(kKeep * neurons), 0,
                                ids.data(), &core));
      });
    }
  }
  for (size_t i = 0; i < std::size(rules); ++i) {
    const double selecting = scoring[i] + choosing;
    std::printf("| %s | %s | %.1f ms | %.2f ms | %.2f ms | %.2f %% |\n", shape.name, rules[i].name, ffn * 1e3,
                scoring[i] * 1e3, choosing * 1e3, 100 * selecting / (ffn + selecting));
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) Require(ci_host_use_blas(reinterpret_cast<const uint8_t*>(arguments[1])));
  ci_address address = 0;
  Require(ci_context_create(1, &address));
  context = reinterpret_cast<ci_context*>(address);
  std::printf("%s, %d tokens, F16 weights, alpha %.1f, keep %.1f\n\n", ci_context_description(context), kTokens, kAlpha,
              kKeep);
  std::puts(
      "| shape | rule | the FFN | scoring | choosing | scoring and choosing of all three |\n|---|---|---|---|---|---|");
  for (const Shape& shape : kShapes) Measure(shape);
  Require(ci_context_destroy(context));
}
