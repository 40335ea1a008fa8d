// Prefill without a library: matrix products, the FFN of one layer, and beside it what choosing its core neurons costs.
#include <cstdio>

#include "gpu_lab.h"

namespace gpu_lab {
namespace {

struct PrefillShape {
  int32_t tokens;
  int32_t dim;
  int32_t neurons;
};

void MeasureMatmul(Lab* lab, const PrefillShape& shape, int32_t dtype) {
  const Memory weight = lab->Weights(dtype, shape.neurons, shape.dim);
  const Memory x = lab->Floats(int64_t{shape.tokens} * shape.dim);
  const Memory y(int64_t{shape.tokens} * shape.neurons * 4);
  Result result = lab->Measure("prefill matmul", 1, [&] {
    Require(ci_matmul(lab->context, dtype, weight.data(), nullptr, x.floats(), shape.tokens, shape.neurons, shape.dim,
                      0, y.floats()));
  });
  result.parameters = {{"dtype", NameOf(dtype)}, {"tokens", std::to_string(shape.tokens)}};
  result.operations = 2.0 * shape.tokens * shape.neurons * shape.dim;
  lab->Report(result);
}

double MeasureLayer(Lab* lab, const PrefillShape& shape, int32_t dtype, const Memory& activations) {
  const FfnWeights w(lab, dtype, shape.neurons, shape.dim, true);
  const Memory x = lab->Floats(int64_t{shape.tokens} * shape.dim);
  const Memory y = lab->Floats(int64_t{shape.tokens} * shape.dim);
  Result result = lab->Measure("prefill ffn", 1, [&] {
    Require(ci_ffn_prefill(lab->context, CI_SILU, dtype, w.gate.data(), w.up.data(), nullptr, nullptr, DownDtype(dtype),
                           w.down.data(), nullptr, x.floats(), shape.tokens, shape.neurons, shape.dim,
                           activations.floats(), y.floats()));
  });
  result.parameters = {{"dtype", NameOf(dtype)}, {"tokens", std::to_string(shape.tokens)}};
  result.operations = 6.0 * shape.tokens * shape.neurons * shape.dim;
  lab->Report(result);
  return result.median;
}

// Each score over one layer's activations, and the choice of a fifth of its neurons.
void MeasureScores(Lab* lab, const PrefillShape& shape, const Memory& activations, double layer_seconds) {
  const Memory scores = lab->Floats(shape.neurons);
  const Memory ids(int64_t{shape.neurons} * 4);
  const Memory core(4);
  const float* a = activations.floats();
  const std::pair<const char*, std::function<void()>> calls[] = {
      {"top_share",
       [&] { Require(ci_score_top_share(lab->context, a, shape.tokens, shape.neurons, 0, 0.2, scores.floats())); }},
      {"top_k",
       [&] {
         Require(ci_score_top_k(lab->context, a, shape.tokens, shape.neurons, shape.neurons / 5, scores.floats()));
       }},
      {"energy", [&] { Require(ci_score_energy(lab->context, a, shape.tokens, shape.neurons, 1, scores.floats())); }},
      {"select", [&] {
         Require(ci_score_select(lab->context, scores.floats(), nullptr, shape.neurons, shape.neurons / 5, 0,
                                 ids.integers(), core.integers()));
       }}};
  for (const auto& [name, call] : calls) {
    Result result = lab->Measure(std::string("prefill ") + name, 1, call);
    char share[32];
    std::snprintf(share, sizeof(share), "%.2f%% of the ffn", 100 * result.median / layer_seconds);
    result.parameters = {{"tokens", std::to_string(shape.tokens)}, {"share", share}};
    lab->Report(result);
  }
}

}  // namespace

void MeasurePrefill(Lab* lab) {
  const bool smoke = lab->options.smoke;
  for (const int32_t tokens : smoke ? std::vector<int32_t>{5} : std::vector<int32_t>{32, 512, 2048}) {
    const PrefillShape shape = smoke ? PrefillShape{tokens, 128, 320} : PrefillShape{tokens, 4096, 11008};
    for (const int32_t dtype : {CI_F32, CI_F16, CI_Q8_0, CI_Q4_0}) MeasureMatmul(lab, shape, dtype);
    const Memory activations(int64_t{shape.tokens} * shape.neurons * 4);
    MeasureLayer(lab, shape, CI_Q4_0, activations);
    const double seconds = MeasureLayer(lab, shape, CI_F16, activations);
    MeasureScores(lab, shape, activations, seconds);
  }
}

}  // namespace gpu_lab
