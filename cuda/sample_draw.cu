// A draw without sorting. Weights become integers, so that sums don't depend on an order: exp(-distance) times 2^(62 -
// bits of the vocabulary's size), where distance = (highest logit - logit) / temperature. Blocks add counts and weights
// in 2048 bins of equal distance; then tokens are brought into the order of bins. A last block finds each limit (top k,
// top p, the point) in the bins, and within one bin bit by bit. Everything kept is a beginning of the order of falling
// logits, so that limits combine by taking the smallest sum. Against double precision a limit is off by at most 2^-44
// of the best token's weight for each token. Four launches and 40 bytes for each token: latency bounds the time.
#include <cmath>

#include "coreinfer/cuda.h"
#include "sample_search.h"

namespace coreinfer {
namespace {

constexpr int kThreads = kSearchThreads;
constexpr int kTokensOfThread = 4;

struct Draw {
  const float* logits;
  int vocabulary;
  int top_k;
  double scale;  // 1 / temperature
  double top_p;
  double min_p;
  double one;       // the weight of the best token
  double farthest;  // distance at which a weight rounds to 0
  const double* uniform;
  int32_t* token;
  const uint64* best_codes;
  int best_count;
  Bins* bins;
  uint64* weights;        // (vocabulary)
  Candidate* candidates;  // (vocabulary)

  // Rounded step by step, so that every kernel finds the same bin.
  __device__ __forceinline__ double Distance(float highest, float logit) const {
    return __dmul_rn(__dsub_rn(static_cast<double>(highest), static_cast<double>(logit)), scale);
  }
  __device__ __forceinline__ int Bin(double distance) const {
    return min(static_cast<int>(__dmul_rn(distance, kBins / farthest)), kBins - 1);
  }
};

// A finite best logit, without which nothing is drawn.
__device__ __forceinline__ bool IsDrawn(Best best) { return best.exists() && !isinf(best.logit()); }

__global__ void __launch_bounds__(kThreads, 1) sample_weigh_kernel(Draw draw) {
  LetNextStart();
  WaitForPrevious();
  const Best best = BestOf(draw.best_codes, draw.best_count);
  if (!IsDrawn(best)) return;
  const int stride = static_cast<int>(gridDim.x) * kThreads;
  uint64 likely = 0;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < draw.vocabulary; i += stride) {
    const double distance = draw.Distance(best.logit(), draw.logits[i]);
    uint64 weight = 0;
    if (distance <= draw.farthest) {
      const double share = exp(-distance);
      weight = static_cast<uint64>(share * draw.one + 0.5);
      if (share >= draw.min_p) likely += weight;
    }
    draw.weights[i] = weight;
    if (weight == 0) continue;
    const int bin = draw.Bin(distance);
    atomicAdd(&draw.bins->counts[bin], 1u);
    atomicAdd(&draw.bins->weights[bin], weight);
  }
  likely = BlockSum<kThreads>(likely);
  if (threadIdx.x == 0) atomicAdd(&draw.bins->likely, likely);
}

__global__ void __launch_bounds__(kThreads, 1) sample_place_kernel(Draw draw) {
  __shared__ uint32_t begin[kBins];
  __shared__ int warp_sums[kWarpThreads];
  LetNextStart();
  WaitForPrevious();
  const Best best = BestOf(draw.best_codes, draw.best_count);
  if (!IsDrawn(best)) return;
  constexpr int kOwn = kBins / kThreads;
  const uint32_t* own = draw.bins->counts + threadIdx.x * kOwn;
  int count = 0;
  for (int i = 0; i < kOwn; ++i) count += static_cast<int>(own[i]);
  int total;
  int before = BlockPrefix(count, warp_sums, &total);
  for (int i = 0; i < kOwn; ++i) {
    begin[threadIdx.x * kOwn + i] = static_cast<uint32_t>(before);
    before += static_cast<int>(own[i]);
  }
  __syncthreads();
  const int stride = static_cast<int>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < draw.vocabulary; i += stride) {
    const uint64 weight = draw.weights[i];
    if (weight == 0) continue;
    const float logit = draw.logits[i];
    const int bin = draw.Bin(draw.Distance(best.logit(), logit));
    const uint32_t place = begin[bin] + atomicAdd(&draw.bins->placed[bin], 1u);
    draw.candidates[place] = {static_cast<uint64>(~AscendingKey(logit)) << 32 | static_cast<uint32_t>(i), weight};
  }
}

__global__ void __launch_bounds__(kThreads, 1) sample_choose_kernel(Draw draw) {
  __shared__ Search search;
  LetNextStart();
  WaitForPrevious();
  const Best best = BestOf(draw.best_codes, draw.best_count);
  if (!IsDrawn(best)) {
    if (threadIdx.x == 0) *draw.token = best.exists() ? best.token() : -1;
    return;
  }
  int count = 0;
  uint64 kept = 0;
  for (int i = threadIdx.x; i < kBins; i += kThreads) {
    count += static_cast<int>(draw.bins->counts[i]);
    kept += draw.bins->weights[i];
  }
  count = BlockSum<kThreads>(count);
  kept = BlockSum<kThreads>(kept);
  if (draw.top_k > 0 && draw.top_k < count) {
    kept = FindCrossing(*draw.bins, draw.candidates, true, static_cast<uint64>(draw.top_k - 1), &search).weight;
  }
  if (draw.top_p < 1.0) {
    const auto wanted = static_cast<uint64>(ceil(draw.top_p * static_cast<double>(kept)));
    const uint64 target = wanted > 0 ? wanted - 1 : 0;
    kept = min(kept, FindCrossing(*draw.bins, draw.candidates, false, min(target, kept - 1), &search).weight);
  }
  kept = min(kept, draw.bins->likely);
  const auto point = static_cast<uint64>(*draw.uniform * static_cast<double>(kept));
  const Crossing drawn = FindCrossing(*draw.bins, draw.candidates, false, min(point, kept - 1), &search);
  if (threadIdx.x == 0) *draw.token = drawn.candidate.token();
}

int64_t RoundUp(int64_t bytes) { return (bytes + 255) / 256 * 256; }

int32_t LaunchDraw(ci_context& c, Draw draw) {
  constexpr const char* kFunction = "ci_cuda_sample_draw";
  draw.best_count = BestBlocks(c, draw.vocabulary);
  const int64_t code_bytes = RoundUp(draw.best_count * static_cast<int64_t>(sizeof(uint64)));
  const int64_t bin_bytes = RoundUp(sizeof(Bins));
  const int64_t weight_bytes = RoundUp(draw.vocabulary * static_cast<int64_t>(sizeof(uint64)));
  auto* scratch = static_cast<uint8_t*>(
      c.Scratch(code_bytes + bin_bytes + weight_bytes + draw.vocabulary * static_cast<int64_t>(sizeof(Candidate))));
  auto* codes = reinterpret_cast<uint64*>(scratch);
  draw.best_codes = codes;
  draw.bins = reinterpret_cast<Bins*>(scratch + code_bytes);
  draw.weights = reinterpret_cast<uint64*>(scratch + code_bytes + bin_bytes);
  draw.candidates = reinterpret_cast<Candidate*>(scratch + code_bytes + bin_bytes + weight_bytes);
  const int64_t needed = (int64_t{draw.vocabulary} + kThreads * kTokensOfThread - 1) / (kThreads * kTokensOfThread);
  const int64_t most = int64_t{4} * c.multiprocessors;
  const auto blocks = static_cast<unsigned>(needed < most ? needed : most);
  int32_t status = FindBest(c, kFunction, draw.logits, draw.vocabulary, codes, nullptr,
                            reinterpret_cast<uint32_t*>(draw.bins), static_cast<int>(bin_bytes / 4));
  if (status == CI_OK) status = Launch(Start::kEarly, c, kFunction, sample_weigh_kernel, blocks, kThreads, 0, draw);
  if (status == CI_OK) status = Launch(Start::kEarly, c, kFunction, sample_place_kernel, blocks, kThreads, 0, draw);
  if (status == CI_OK) status = Launch(Start::kEarly, c, kFunction, sample_choose_kernel, 1u, kThreads, 0, draw);
  return status;
}

void RequireLimits(float temperature, int32_t top_k, float top_p, float min_p) {
  if (!(temperature > 0.0f) || std::isinf(temperature)) {
    Fail(CI_INVALID_ARGUMENT, "temperature must be above 0 and finite: temperature=%g", double{temperature});
  }
  RequireRange("top_k", top_k, 0, INT32_MAX);
  if (!(top_p > 0.0f && top_p <= 1.0f)) {
    Fail(CI_INVALID_ARGUMENT, "top_p must be above 0 and at most 1: top_p=%g", double{top_p});
  }
  if (!(min_p >= 0.0f && min_p < 1.0f)) {
    Fail(CI_INVALID_ARGUMENT, "min_p must be at least 0 and below 1: min_p=%g", double{min_p});
  }
}

// The largest power of two whose product with the vocabulary's size stays below 2^63.
int FractionBits(int32_t vocabulary) {
  int bits = 62;
  while (bits > 0 && int64_t{vocabulary} > (int64_t{1} << (62 - bits))) --bits;
  return bits;
}

}  // namespace
}  // namespace coreinfer

int32_t ci_cuda_sample_draw(ci_context* context, const float* logits, int32_t vocabulary, float temperature,
                            int32_t top_k, float top_p, float min_p, const double* uniform, int32_t* token) {
  return coreinfer::Call("ci_cuda_sample_draw", context, [&](ci_context& c) {
    coreinfer::RequireArray("logits", logits, {vocabulary});
    coreinfer::RequireLimits(temperature, top_k, top_p, min_p);
    coreinfer::RequirePointer("uniform", uniform);
    coreinfer::RequirePointer("token", token);
    const int bits = coreinfer::FractionBits(vocabulary);
    coreinfer::Draw draw{};
    draw.logits = logits;
    draw.vocabulary = vocabulary;
    draw.top_k = top_k;
    draw.scale = 1.0 / double{temperature};
    draw.top_p = double{top_p};
    draw.min_p = double{min_p};
    draw.one = std::ldexp(1.0, bits);
    draw.farthest = (bits + 1) * std::log(2.0);
    draw.uniform = uniform;
    draw.token = token;
    return coreinfer::LaunchDraw(c, draw);
  });
}
