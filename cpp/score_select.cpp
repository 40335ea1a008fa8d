// Chooses the neurons with the highest scores: a partial sort of score and number packed in one integer, so that equal
// scores fall to the lower number. Once per layer and prompt, on the calling thread.
#include <algorithm>
#include <cstring>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

// Places of neurons from which none was seen.
constexpr uint64_t kUnseen = uint64_t{UINT32_MAX} << 32;

struct Ranking {
  const float* scores;
  const float* weights;

  // Ascending: falling score, then rising number. NaN and what is not above 0 counts as 0.
  uint64_t Place(int32_t n) const {
    const float score = weights == nullptr ? scores[n] : scores[n] * weights[n];
    uint32_t bits = 0;
    if (score > 0.0f) std::memcpy(&bits, &score, sizeof(bits));
    return (uint64_t{UINT32_MAX - bits} << 32) | static_cast<uint32_t>(n);
  }
};

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
    const coreinfer::Ranking ranking{scores, weights};
    auto* order = reinterpret_cast<uint64_t*>(c.shared_scratch.Reserve(neurons * int64_t{sizeof(uint64_t)}));
    for (int32_t n = 0; n < neurons; ++n) order[n] = ranking.Place(n);
    std::nth_element(order, order + count - 1, order + neurons);
    const uint64_t last = order[count - 1];
    int32_t chosen = 0;
    for (int32_t n = 0; n < neurons; ++n) {
      const uint64_t place = ranking.Place(n);
      if (place <= last && (only_seen == 0 || place < coreinfer::kUnseen)) core_ids[chosen++] = n;
    }
    if (chosen == 0) core_ids[chosen++] = 0;  // nobody was seen: one is chosen even so
    *core = chosen;
  });
}
