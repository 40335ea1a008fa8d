// What renewing a set of core neurons needs of the scores: to let old ones fade, and to tell how much of a token's lies
// outside of the set. For the share one block walks a layer, looking every neuron up in the ascending list; it is a few
// microseconds once in many tokens. Latency bounds both.
#include "context.h"
#include "coreinfer/kernels.h"
#include "device.h"

namespace coreinfer {
namespace {

constexpr int kScaleThreads = 256;
constexpr int kMostBlocks = 65535;

__global__ void __launch_bounds__(kScaleThreads) score_scale_kernel(float factor, int64_t count, float* scores) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kScaleThreads;
  for (int64_t n = static_cast<int64_t>(blockIdx.x) * kScaleThreads + threadIdx.x; n < count; n += stride) {
    scores[n] = factor == 0.0f ? 0.0f : scores[n] * factor;
  }
}

constexpr int kThreads = 1024;

__device__ __forceinline__ bool IsListed(const int32_t* __restrict__ core_ids, int core, int neuron) {
  int low = 0;
  int high = core;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (core_ids[middle] < neuron) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < core && core_ids[low] == neuron;
}

__global__ void __launch_bounds__(kThreads, 1)
    score_outside_kernel(const float* __restrict__ scores, const float* __restrict__ weights, int neurons,
                         const int32_t* __restrict__ core_ids, const int32_t* __restrict__ core, float* share) {
  const int listed = *core;
  double outside = 0.0;
  double all = 0.0;
  for (int n = threadIdx.x; n < neurons; n += kThreads) {
    const double product =
        weights == nullptr ? static_cast<double>(scores[n]) : static_cast<double>(scores[n]) * weights[n];
    if (!(product > 0.0)) continue;
    all += product;
    if (!IsListed(core_ids, listed, n)) outside += product;
  }
  outside = BlockSum<kThreads>(outside);
  all = BlockSum<kThreads>(all);
  if (threadIdx.x == 0) *share = all > 0.0 ? static_cast<float>(outside / all) : 0.0f;
}

}  // namespace
}  // namespace coreinfer

int32_t ci_score_scale(ci_context* context, double factor, int64_t count, float* scores) {
  return coreinfer::Call("ci_score_scale", context, [&](ci_context& c) {
    coreinfer::RequireArray("scores", scores, {count});
    if (!(factor >= 0.0 && factor <= HUGE_VALF)) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "factor must not be negative: factor=%g", factor);
    }
    const int64_t blocks = (count + coreinfer::kScaleThreads - 1) / coreinfer::kScaleThreads;
    const auto grid = static_cast<unsigned>(blocks < coreinfer::kMostBlocks ? blocks : coreinfer::kMostBlocks);
    return coreinfer::Launch(c, "ci_score_scale", coreinfer::score_scale_kernel, grid, coreinfer::kScaleThreads, 0,
                             static_cast<float>(factor), count, scores);
  });
}

int32_t ci_score_outside(ci_context* context, const float* scores, const float* weights, int32_t neurons,
                         const int32_t* core_ids, const int32_t* core, float* share) {
  return coreinfer::Call("ci_score_outside", context, [&](ci_context& c) {
    coreinfer::RequireArray("scores", scores, {neurons});
    coreinfer::RequirePointer("core_ids", core_ids);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequirePointer("share", share);
    return coreinfer::Launch(c, "ci_score_outside", coreinfer::score_outside_kernel, 1u, coreinfer::kThreads, 0, scores,
                             weights, neurons, core_ids, core, share);
  });
}
