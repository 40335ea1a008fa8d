// The repetition penalty, and the most likely token: blocks take the best of a part of the vocabulary each, the last
// one to arrive the best of those. Reading the logits once, half a megabyte at most, bounds the time.
#include <cmath>

#include "coreinfer/cuda.h"
#include "sample.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;
constexpr int kLogitsOfThread = 4;

__global__ void __launch_bounds__(kThreads, 1)
    sample_best_kernel(const float* logits, int vocabulary, uint64* __restrict__ codes, int32_t* __restrict__ token,
                       unsigned* __restrict__ arrivals, uint32_t* __restrict__ zeroed, int words) {
  LetNextStart();
  WaitForPrevious();
  __shared__ uint64 best_of_warp[kThreads / kWarpThreads];
  __shared__ bool is_last;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  uint64 best = 0;
#pragma unroll 4
  for (int64_t i = first; i < vocabulary; i += stride) best = max(best, BestCode(logits[i], static_cast<int>(i)));
  for (int64_t i = first; i < words; i += stride) zeroed[i] = 0;
  for (int lanes = kWarpThreads / 2; lanes > 0; lanes /= 2) best = max(best, __shfl_xor_sync(kWholeWarp, best, lanes));
  if (threadIdx.x % kWarpThreads == 0) best_of_warp[threadIdx.x / kWarpThreads] = best;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < kThreads / kWarpThreads; ++warp) best = max(best, best_of_warp[warp]);
    codes[blockIdx.x] = best;
    __threadfence();
    is_last = token != nullptr && atomicAdd(arrivals, 1u) == gridDim.x - 1;
    if (is_last) *arrivals = 0;
  }
  __syncthreads();
  if (!is_last || threadIdx.x >= kWarpThreads) return;
  __threadfence();
  const Best found = BestOf(codes, static_cast<int>(gridDim.x));
  if (threadIdx.x == 0) *token = found.exists() ? found.token() : -1;
}

constexpr int kPenaltyThreads = 256;
constexpr int kMarkedTokens = 1 << 18;  // at once, a bit for each

// One block, so that a token is penalized once however often it occurred.
__global__ void __launch_bounds__(kPenaltyThreads, 1)
    sample_penalize_kernel(const int32_t* recent, const int32_t* count, float penalty, int vocabulary, float* logits) {
  LetNextStart();
  WaitForPrevious();
  __shared__ uint32_t marks[kMarkedTokens / 32];
  for (int64_t first = 0; first < vocabulary; first += kMarkedTokens) {
    const auto size = static_cast<int>(vocabulary - first < kMarkedTokens ? vocabulary - first : kMarkedTokens);
    __syncthreads();  // the marks were read
    for (int i = threadIdx.x; i < (size + 31) / 32; i += kPenaltyThreads) marks[i] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < *count; i += kPenaltyThreads) {
      const int64_t token = recent[i] - first;
      if (token < 0 || token >= size) continue;
      const uint32_t mark = 1u << token % 32;
      if ((atomicOr(&marks[token / 32], mark) & mark) != 0) continue;
      const float logit = logits[first + token];
      logits[first + token] = logit > 0.0f ? logit / penalty : logit * penalty;
    }
  }
}

}  // namespace

int BestBlocks(const ci_context& c, int32_t vocabulary) {
  constexpr int64_t kLogitsOfBlock = kThreads * kLogitsOfThread;
  const int64_t needed = (vocabulary + kLogitsOfBlock - 1) / kLogitsOfBlock;
  const int64_t most = int64_t{2} * c.multiprocessors;
  return static_cast<int>(needed < most ? needed : most);
}

int32_t FindBest(ci_context& c, const char* function, const float* logits, int32_t vocabulary, uint64* codes,
                 int32_t* token, uint32_t* zeroed, int words) {
  return Launch(Start::kEarly, c, function, sample_best_kernel, static_cast<unsigned>(BestBlocks(c, vocabulary)),
                kThreads, 0, logits, vocabulary, codes, token, c.arrivals(), zeroed, words);
}

}  // namespace coreinfer

int32_t ci_cuda_sample_penalize(ci_context* context, const int32_t* recent, const int32_t* count, float penalty,
                                int32_t vocabulary, float* logits) {
  return coreinfer::Call("ci_cuda_sample_penalize", context, [&](ci_context& c) {
    coreinfer::RequirePointer("recent", recent);
    coreinfer::RequirePointer("count", count);
    if (!(penalty > 0.0f) || std::isinf(penalty)) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "penalty must be above 0 and finite: penalty=%g", double{penalty});
    }
    coreinfer::RequireArray("logits", logits, {vocabulary});
    return coreinfer::Launch(coreinfer::Start::kEarly, c, "ci_cuda_sample_penalize", coreinfer::sample_penalize_kernel,
                             1u, coreinfer::kPenaltyThreads, 0, recent, count, penalty, vocabulary, logits);
  });
}

int32_t ci_cuda_sample_greedy(ci_context* context, const float* logits, int32_t vocabulary, int32_t* token) {
  return coreinfer::Call("ci_cuda_sample_greedy", context, [&](ci_context& c) {
    coreinfer::RequireArray("logits", logits, {vocabulary});
    coreinfer::RequirePointer("token", token);
    const int64_t bytes = coreinfer::BestBlocks(c, vocabulary) * int64_t{sizeof(coreinfer::uint64)};
    auto* codes = static_cast<coreinfer::uint64*>(c.Scratch(bytes));
    return coreinfer::FindBest(c, "ci_cuda_sample_greedy", logits, vocabulary, codes, token, nullptr, 0);
  });
}
