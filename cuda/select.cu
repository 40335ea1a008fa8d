// The core neurons: a block finds the threshold of the highest scores (radix.h), then each of its warps lists the
// chosen ones of a run of neighbours, so that the numbers ascend. One block, since a layer's scores are 100 KB at most
// of the models that exist, and what waits for it is one launch. Latency bounds the time.
#include "context.h"
#include "coreinfer/kernels.h"
#include "radix.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarpThreads;

// Keys are a product's bits plus 1, so that also 0 is a candidate. Products above 0 order like their bits.
struct ScoreKeys {
  const float* scores;
  const float* weights;  // or NULL
  int neurons;
  uint4* shared;  // or NULL

  __device__ __forceinline__ uint32_t Key(int n) const {
    if (n >= neurons) return 0;
    const float product = weights == nullptr ? scores[n] : scores[n] * weights[n];
    return product > 0.0f ? __float_as_uint(product) + 1 : 1;
  }
  __device__ __forceinline__ uint4 Make(int q) const {
    return make_uint4(Key(4 * q), Key(4 * q + 1), Key(4 * q + 2), Key(4 * q + 3));
  }
  __device__ __forceinline__ uint4 Quad(int q) const { return shared != nullptr ? shared[q] : Make(q); }
};

// Calls visit(number, how many of the warp's come before it) for the chosen neurons of the quads first..end-1, of which
// each lane takes every 32nd. Returns how many there are.
template <class Visit>
__device__ __forceinline__ int VisitChosen(const ScoreKeys& keys, const Selection& selection, int first, int end,
                                           const Visit& visit) {
  const int lane = threadIdx.x % kWarpThreads;
  const unsigned lanes_before = (1u << lane) - 1;
  int found = 0;
  for (int base = first; base < end; base += kWarpThreads) {
    const int q = base + lane;
    const uint4 four = q < end ? keys.Quad(q) : make_uint4(0, 0, 0, 0);
    const bool is_chosen[4] = {selection.Has(four.x, 4 * q), selection.Has(four.y, 4 * q + 1),
                               selection.Has(four.z, 4 * q + 2), selection.Has(four.w, 4 * q + 3)};
    int place = found;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const unsigned votes = __ballot_sync(kWholeWarp, is_chosen[i]);
      place += __popc(votes & lanes_before);
      found += __popc(votes);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (is_chosen[i]) visit(4 * q + i, place++);
    }
  }
  return found;
}

__global__ void __launch_bounds__(kThreads, 1)
    score_select_kernel(ScoreKeys source, bool is_shared, int count, bool only_seen, int32_t* __restrict__ core_ids,
                        int32_t* __restrict__ core) {
  __shared__ RadixState state;
  __shared__ int chosen_of_warp[kWarps];
  for (int i = threadIdx.x; i < RadixState::kBins; i += kThreads) state.histogram[i] = 0;
  ScoreKeys keys = source;
  if (is_shared) keys.shared = DynamicShared<uint4>();
  const int quads = (keys.neurons + 3) / 4;
  int seen = 0;
#pragma unroll 4
  for (int q = threadIdx.x; q < quads; q += kThreads) {
    const uint4 four = keys.Make(q);
    if (is_shared) keys.shared[q] = four;
    seen += (four.x > 1 ? 1 : 0) + (four.y > 1 ? 1 : 0) + (four.z > 1 ? 1 : 0) + (four.w > 1 ? 1 : 0);
  }
  seen = BlockSum<kThreads>(seen);
  const int most = only_seen && seen < count ? max(seen, 1) : count;
  const Selection selection = Select(
      keys, quads, [most](int) { return most; }, &state);

  const int warp = threadIdx.x / kWarpThreads;
  const int lane = threadIdx.x % kWarpThreads;
  const int quads_of_warp = (quads + kWarps - 1) / kWarps;
  const int first = min(warp * quads_of_warp, quads);
  const int end = min(first + quads_of_warp, quads);
  const int chosen = VisitChosen(keys, selection, first, end, [](int, int) {});
  if (lane == 0) chosen_of_warp[warp] = chosen;
  __syncthreads();
  const int before = WarpSum(lane < warp ? chosen_of_warp[lane] : 0);
  VisitChosen(keys, selection, first, end, [&](int number, int place) { core_ids[before + place] = number; });
  if (threadIdx.x == 0) *core = most;
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
    constexpr int64_t kStaticBytes = sizeof(coreinfer::RadixState) + 2 * coreinfer::kWarps * sizeof(int);
    const int64_t bytes = (int64_t{neurons} + 3) / 4 * static_cast<int64_t>(sizeof(uint4));
    const bool is_shared = bytes + kStaticBytes <= c.most_shared_bytes;
    const coreinfer::ScoreKeys keys{scores, weights, neurons, nullptr};
    return coreinfer::Launch(c, "ci_score_select", coreinfer::score_select_kernel, 1u, coreinfer::kThreads,
                             is_shared ? bytes : 0, keys, is_shared, count, only_seen == 1, core_ids, core);
  });
}
