// How often neurons are among the strongest of a token. A block takes a token: it brings the activations as ordered
// integers into shared memory, where they fit, finds the threshold in three passes over them (radix.h), and writes one
// bit per neuron. Then warps count bits, 32 tokens times 32 neurons at once, and add them to the scores in one place,
// so that the order of tokens cannot matter. The bytes: activations once, a 32nd of them written and read again.
#include "context.h"
#include "coreinfer/kernels.h"
#include "radix.h"
#include "score_row.h"

namespace coreinfer {
namespace {

enum class Order { kPositive, kMagnitude, kSigned };

// Maps a float to an integer that orders like it, 0 for what is no candidate. Both zeros are equal.
template <Order order>
__device__ __forceinline__ uint32_t KeyOf(float value) {
  constexpr uint32_t kSign = 0x80000000u;
  constexpr uint32_t kInfinity = 0x7f800000u;
  const uint32_t bits = __float_as_uint(value + 0.0f);
  if ((bits & ~kSign) > kInfinity) return 0;
  if (order == Order::kPositive) return (bits & kSign) != 0 ? 0 : bits;
  if (order == Order::kMagnitude) return bits & ~kSign;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

// The keys of a token, from shared memory or made again. A thread always asks for the same ones, so that threads need
// not wait for each other.
template <Order order>
struct RowKeys {
  ActivationRow row;
  uint4* shared;  // or NULL

  __device__ __forceinline__ uint4 Make(int q) const {
    const float4 four = row.Quad(q);
    uint4 keys = make_uint4(KeyOf<order>(four.x), KeyOf<order>(four.y), KeyOf<order>(four.z), KeyOf<order>(four.w));
    const int left = row.neurons - 4 * q;
    if (left < 4) keys.w = 0;
    if (left < 3) keys.z = 0;
    if (left < 2) keys.y = 0;
    return keys;
  }

  __device__ __forceinline__ uint4 Quad(int q) const { return shared != nullptr ? shared[q] : Make(q); }
};

// How many of a token's candidates are counted.
struct Limit {
  double alpha;  // ceil(alpha * candidates), or 0
  int most;

  __device__ __forceinline__ int Of(int candidates) const {
    if (candidates == 0) return 0;
    if (alpha == 0.0) return candidates < most ? candidates : most;
    // A product that only rounding lifted above an integer is not rounded up.
    const int share = static_cast<int>(ceil(alpha * candidates - 1e-9));
    return share < 1 ? 1 : share;
  }
};

// Neurons are marked 128 at a time: bit b of word c belongs to neuron 4 b + c of them.
constexpr int kMarkedAtOnce = 4 * kWarpThreads;

__host__ __device__ __forceinline__ int MarkGroups(int neurons) {
  return static_cast<int>((static_cast<int64_t>(neurons) + kMarkedAtOnce - 1) / kMarkedAtOnce);
}

// Grid: tokens. marks (tokens, MarkGroups(neurons)).
template <Order order>
__global__ void __launch_bounds__(1024, 1) score_mark_kernel(const float* __restrict__ activations, int neurons,
                                                             bool is_shared, Limit limit, uint4* __restrict__ marks) {
  __shared__ RadixState state;
  for (int i = threadIdx.x; i < RadixState::kBins; i += blockDim.x) state.histogram[i] = 0;
  const ActivationRow row(activations, blockIdx.x, neurons);
  const int quads = row.quads();
  const RowKeys<order> keys{row, is_shared ? DynamicShared<uint4>() : nullptr};
  if (is_shared) {
#pragma unroll 4
    for (int q = threadIdx.x; q < quads; q += blockDim.x) keys.shared[q] = keys.Make(q);
  }
  __syncthreads();  // the histogram is empty
  const Selection selection = Select(
      keys, quads, [limit](int candidates) { return limit.Of(candidates); }, &state);
  // Whole warps, for the votes.
  const int groups = MarkGroups(neurons);
  for (int q = threadIdx.x; q < groups * kWarpThreads; q += blockDim.x) {
    const uint4 four = q < quads ? keys.Quad(q) : make_uint4(0, 0, 0, 0);
    uint4 words;
    words.x = __ballot_sync(kWholeWarp, selection.Has(four.x, 4 * q));
    words.y = __ballot_sync(kWholeWarp, selection.Has(four.y, 4 * q + 1));
    words.z = __ballot_sync(kWholeWarp, selection.Has(four.z, 4 * q + 2));
    words.w = __ballot_sync(kWholeWarp, selection.Has(four.w, 4 * q + 3));
    if (q % kWarpThreads == 0) marks[static_cast<int64_t>(blockIdx.x) * groups + q / kWarpThreads] = words;
  }
}

constexpr int kCountedWords = 8;  // of a block: 32 bytes of each token's
constexpr int kSlices = 4;        // of the tokens
constexpr int kCountThreads = kCountedWords * kSlices * kWarpThreads;

// Bit l of the word of lane b becomes bit b of the word of lane l.
__device__ __forceinline__ uint32_t Transpose(uint32_t word, int lane) {
  uint32_t mask = 0x0000ffffu;
#pragma unroll
  for (int size = kWarpThreads / 2; size > 0; size /= 2) {
    const uint32_t other = __shfl_xor_sync(kWholeWarp, word, size);
    word = (lane & size) == 0 ? (word & mask) | (other & mask) << size : (word & ~mask) | (other & ~mask) >> size;
    mask ^= mask << size / 2;
  }
  return word;
}

// Adds to each score on how many tokens the neuron is marked. words (tokens, words_of_token).
__global__ void __launch_bounds__(kCountThreads, 1)
    score_count_kernel(const uint32_t* __restrict__ words, int tokens, int words_of_token, int neurons,
                       float* __restrict__ scores) {
  __shared__ int counts[kSlices][kCountedWords][kWarpThreads];
  const int lane = threadIdx.x % kWarpThreads;
  const int own = threadIdx.x / kWarpThreads % kCountedWords;
  const int slice = threadIdx.x / kWarpThreads / kCountedWords;
  const int word = blockIdx.x * kCountedWords + own;
  int count = 0;
#pragma unroll 4
  for (int first = slice * kWarpThreads; first < tokens; first += kSlices * kWarpThreads) {
    const int64_t token = first + lane;
    const bool is_used = token < tokens && word < words_of_token;
    count += __popc(Transpose(is_used ? words[token * words_of_token + word] : 0, lane));
  }
  counts[slice][own][lane] = count;
  __syncthreads();
  const int64_t neuron = static_cast<int64_t>(word / 4) * kMarkedAtOnce + 4 * lane + word % 4;
  if (slice != 0 || neuron >= neurons) return;
  for (int s = 1; s < kSlices; ++s) count += counts[s][own][lane];
  scores[neuron] += static_cast<float>(count);
}

// At most 32 activations for each thread of a block, so that several blocks fit on a multiprocessor.
int ThreadsFor(int32_t neurons) {
  int threads = 128;
  while (threads < 1024 && int64_t{threads} * 32 < neurons) threads *= 2;
  return threads;
}

int32_t MarkAndCount(ci_context& c, const char* function, Order order, const float* activations, int32_t tokens,
                     int32_t neurons, Limit limit, float* scores) {
  constexpr int64_t kMostMarkBytes = int64_t{64} << 20;
  const int64_t groups = MarkGroups(neurons);
  const int64_t bytes_of_token = groups * static_cast<int64_t>(sizeof(uint4));
  int64_t step = kMostMarkBytes / bytes_of_token;
  if (step < 1) step = 1;
  if (step > tokens) step = tokens;
  auto* marks = static_cast<uint4*>(c.Scratch(step * bytes_of_token));
  const int64_t key_bytes = (int64_t{neurons} + 3) / 4 * static_cast<int64_t>(sizeof(uint4));
  const bool is_shared = key_bytes + static_cast<int64_t>(sizeof(RadixState)) <= c.most_shared_bytes;
  const auto kernel = order == Order::kPositive    ? score_mark_kernel<Order::kPositive>
                      : order == Order::kMagnitude ? score_mark_kernel<Order::kMagnitude>
                                                   : score_mark_kernel<Order::kSigned>;
  const auto count_blocks = static_cast<unsigned>((4 * groups + kCountedWords - 1) / kCountedWords);
  for (int64_t first = 0; first < tokens; first += step) {
    const auto count = static_cast<int32_t>(first + step < tokens ? step : tokens - first);
    int32_t status =
        Launch(c, function, kernel, static_cast<unsigned>(count), static_cast<unsigned>(ThreadsFor(neurons)),
               is_shared ? key_bytes : 0, activations + first * neurons, neurons, is_shared, limit, marks);
    if (status != CI_OK) return status;
    status = Launch(c, function, score_count_kernel, count_blocks, kCountThreads, 0,
                    reinterpret_cast<const uint32_t*>(marks), count, static_cast<int>(4 * groups), neurons, scores);
    if (status != CI_OK) return status;
  }
  return CI_OK;
}

}  // namespace
}  // namespace coreinfer

int32_t ci_score_top_share(ci_context* context, const float* activations, int32_t tokens, int32_t neurons,
                           int32_t magnitude, double alpha, float* scores) {
  return coreinfer::Call("ci_score_top_share", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequireRange("magnitude", magnitude, 0, 1);
    if (!(alpha > 0.0 && alpha <= 1.0)) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "alpha must be above 0 and at most 1: alpha=%g", alpha);
    }
    coreinfer::RequirePointer("scores", scores);
    const auto order = magnitude == 1 ? coreinfer::Order::kMagnitude : coreinfer::Order::kPositive;
    return coreinfer::MarkAndCount(c, "ci_score_top_share", order, activations, tokens, neurons, {alpha, 0}, scores);
  });
}

int32_t ci_score_top_k(ci_context* context, const float* activations, int32_t tokens, int32_t neurons, int32_t limit,
                       float* scores) {
  return coreinfer::Call("ci_score_top_k", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequireRange("limit", limit, 1, neurons);
    coreinfer::RequirePointer("scores", scores);
    return coreinfer::MarkAndCount(c, "ci_score_top_k", coreinfer::Order::kSigned, activations, tokens, neurons,
                                   {0.0, limit}, scores);
  });
}
