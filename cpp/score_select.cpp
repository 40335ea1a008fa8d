// Chooses the neurons with the highest scores: a partial sort of score and number packed in one integer, so that equal
// scores fall to the lower number. Once per layer and prompt, on the calling thread.
#include <algorithm>
#include <cstring>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

// Orders like the score, NaN and what is not above 0 as 0.
uint32_t Rank(float score) {
  if (!(score > 0.0f)) return 0;
  uint32_t bits;
  std::memcpy(&bits, &score, sizeof(bits));
  return bits;
}

}  // namespace
}  // namespace coreinfer

int32_t ci_score_select(ci_context* context, const float* scores, const float* weights, int32_t neurons, int32_t count,
                        int32_t only_seen, int32_t* core_ids, int32_t* core) {
  return coreinfer::Call("ci_score_select", context, [&](ci_context& c) {
    coreinfer::RequireArray("scores", scores, {neurons});
    coreinfer::RequireRange("count", count, 1, neurons);
    coreinfer::RequireRange("only_seen", only_seen, 0, 1);
    coreinfer::RequirePointer("core_ids", core_ids);
    coreinfer::RequirePointer("core", core);
    // Ascending: falling score, then rising number.
    auto* order = reinterpret_cast<uint64_t*>(c.shared_scratch.Reserve(neurons * int64_t{sizeof(uint64_t)}));
    for (int32_t n = 0; n < neurons; ++n) {
      const uint32_t rank = coreinfer::Rank(weights == nullptr ? scores[n] : scores[n] * weights[n]);
      order[n] = (uint64_t{UINT32_MAX - rank} << 32) | static_cast<uint32_t>(n);
    }
    std::nth_element(order, order + count - 1, order + neurons);
    std::sort(order, order + count);
    int32_t chosen = count;
    if (only_seen == 1) {
      while (chosen > 1 && order[chosen - 1] >> 32 == UINT32_MAX) --chosen;
    }
    for (int32_t i = 0; i < chosen; ++i) core_ids[i] = static_cast<int32_t>(order[i] & UINT32_MAX);
    std::sort(core_ids, core_ids + chosen);
    *core = chosen;
  });
}
