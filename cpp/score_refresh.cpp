// What renewing a set of core neurons needs of the scores: to let old ones fade, and to tell how much of a token's lies
// outside of the set. Both are one pass over a layer's scores; the share is summed in double precision by one thread.
#include <cmath>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

constexpr int64_t kScaleStep = 16384;

double Share(const float* scores, const float* weights, int32_t neurons, const int32_t* core_ids, int32_t core) {
  double outside = 0.0;
  double all = 0.0;
  int32_t next = 0;
  for (int32_t n = 0; n < neurons; ++n) {
    const double product = weights == nullptr ? double{scores[n]} : double{scores[n]} * double{weights[n]};
    const bool is_listed = next < core && core_ids[next] == n;
    next += is_listed ? 1 : 0;
    if (!(product > 0.0)) continue;
    all += product;
    outside += is_listed ? 0.0 : product;
  }
  return all > 0.0 ? outside / all : 0.0;
}

}  // namespace
}  // namespace coreinfer

int32_t ci_score_scale(ci_context* context, double factor, int64_t count, float* scores) {
  return coreinfer::Call("ci_score_scale", context, [&](ci_context& c) {
    coreinfer::RequireArray("scores", scores, {count});
    if (!(factor >= 0.0 && factor <= HUGE_VALF)) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "factor must not be negative: factor=%g", factor);
    }
    const auto by = static_cast<float>(factor);
    coreinfer::ParallelRanges(c, count, coreinfer::kScaleStep, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t n = begin; n < end; ++n) scores[n] = by == 0.0f ? 0.0f : scores[n] * by;
    });
  });
}

int32_t ci_score_outside(ci_context* context, const float* scores, const float* weights, int32_t neurons,
                         const int32_t* core_ids, const int32_t* core, float* share) {
  return coreinfer::Call("ci_score_outside", context, [&](ci_context&) {
    coreinfer::RequireArray("scores", scores, {neurons});
    coreinfer::RequirePointer("core_ids", core_ids);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequireRange("core", *core, 0, neurons);
    coreinfer::RequirePointer("share", share);
    *share = static_cast<float>(coreinfer::Share(scores, weights, neurons, core_ids, *core));
  });
}
