// Decode's small calls, each alone: what is left of a token's time when the matrices are read at full speed. Most wait
// for memory and for each other rather than move much of it, so microseconds count; attention reads its caches.
#include <algorithm>
#include <cmath>

#include "coreinfer/cuda.h"
#include "gpu_lab.h"

namespace gpu_lab {
namespace {

constexpr int32_t kDim = 4096;
constexpr int32_t kHeads = 32;
constexpr int32_t kHeadDim = kDim / kHeads;

void MeasureVectors(Lab* lab) {
  const Memory x = lab->Floats(kDim);
  const Memory y = lab->Floats(kDim);
  const Memory weight = lab->Floats(kDim);
  lab->Report(lab->Measure("step rms_norm", 1, [&] {
    Require(ci_rms_norm(lab->context, x.floats(), weight.floats(), 1, kDim, 1e-5f, y.floats()));
  }));
  const Memory rotations = lab->Floats(int64_t{512} * kHeadDim);
  const Memory position = lab->Integers({383});
  lab->Report(lab->Measure("step rope", 1, [&] {
    Require(ci_rope(lab->context, rotations.floats(), 512, kHeadDim / 2, 0, 1, kHeads, kHeadDim, position.integers(),
                    x.floats()));
  }));
  const Memory logits = lab->Floats(32000);
  const Memory token = lab->Integers({0});
  lab->Report(lab->Measure("step greedy", 1, [&] {
    Require(ci_cuda_sample_greedy(lab->context, logits.floats(), 32000, token.integers()));
  }));
}

void MeasureAttention(Lab* lab, int32_t kv_heads, int32_t positions) {
  const int32_t capacity = positions;
  const int64_t cache_elements = int64_t{kv_heads} * capacity * kHeadDim;
  const double bytes = 4.0 * static_cast<double>(cache_elements);
  const int layers = lab->options.smoke ? 2 : static_cast<int>(std::max(3.0, 3.0 * lab->device.l2_bytes / bytes));
  std::vector<CachePages> caches;
  for (int i = 0; i < layers; ++i) caches.emplace_back(lab, kv_heads, kHeadDim, capacity);
  const Memory query = lab->Floats(kDim);
  const Memory fresh = lab->Floats(int64_t{kv_heads} * kHeadDim);
  const Memory attended = lab->Floats(kDim);
  const Memory position = lab->Integers({positions - 1});
  const std::vector<std::pair<std::string, std::string>> parameters = {{"kv_heads", std::to_string(kv_heads)},
                                                                       {"positions", std::to_string(positions)}};
  Result append = lab->Measure("step attention_append", layers, [&] {
    for (int i = 0; i < layers; ++i) {
      Require(ci_attention_append(lab->context, fresh.floats(), fresh.floats(), 1, kv_heads, kHeadDim,
                                  position.integers(), capacity, CI_F16, caches[i].pages.addresses()));
    }
  });
  append.parameters = parameters;
  lab->Report(append);
  Result decode = lab->Measure("step attention_decode", layers, [&] {
    for (int i = 0; i < layers; ++i) {
      Require(ci_attention_decode(lab->context, query.floats(), 1, kHeads, kv_heads, kHeadDim, position.integers(), 0,
                                  1.0f / std::sqrt(static_cast<float>(kHeadDim)), capacity, CI_F16,
                                  caches[i].pages.addresses(), attended.floats()));
    }
  });
  decode.parameters = parameters;
  decode.bytes = bytes;
  lab->Report(decode);
}

}  // namespace

CachePages::CachePages(Lab* lab, int32_t kv_heads, int32_t head_dim, int32_t capacity)
    : entries(lab->Weights(CI_F16, 2 * kv_heads * ((capacity - 1) / CI_CACHE_PAGE + 1) * CI_CACHE_PAGE, head_dim)),
      pages(lab->Addresses([&] {
        std::vector<uint64_t> addresses;
        for (int64_t position = 0; position < capacity; position += CI_CACHE_PAGE) {
          addresses.push_back(reinterpret_cast<uint64_t>(entries.data()) +
                              static_cast<uint64_t>(4 * kv_heads * position * head_dim));
        }
        return addresses;
      }())) {}

void MeasureSteps(Lab* lab) {
  MeasureVectors(lab);
  const std::vector<int32_t> lengths =
      lab->options.smoke ? std::vector<int32_t>{40} : std::vector<int32_t>{384, 4096, 32768};
  for (const int32_t kv_heads : {32, 8}) {
    for (const int32_t positions : lengths) MeasureAttention(lab, kv_heads, positions);
  }
}

}  // namespace gpu_lab
