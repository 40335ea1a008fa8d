// Decode attention for heads whose rows are not made of 16 bytes each, or are very long: a block takes a share of the
// positions for one head, piece by piece. Its warps first take the dot products of whole keys, then its threads the
// columns of the values; the weighted sums are kept in memory. Also how positions are divided, for every shape.
#include "attention_splits.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarpThreads;
constexpr int kPiece = kThreads;  // positions

// scores[p] = the scaled product of the query and the key at begin + p, a warp for each key. T: of the cache.
template <class T>
__device__ void ScoreKeys(const Attention& a, const float* query, int kv_head, int64_t begin, int count,
                          float* scores) {
  const int lane = threadIdx.x % kWarpThreads;
  for (int p = threadIdx.x / kWarpThreads; p < count; p += kWarps) {
    const T* key = a.Key<T>(kv_head, begin + p);
    float sum = 0.0f;
    for (int i = lane; i < a.head_dim; i += kWarpThreads) sum += query[i] * ToFloat(key[i]);
    sum = WarpSum(sum);
    if (lane == 0) scores[p] = sum * a.scale * kLog2E;
  }
}

// Grid: x: heads; y: splits.
template <class T>
__global__ void __launch_bounds__(kThreads, 1) attention_decode_plain_kernel(Attention a, Splits splits) {
  __shared__ float scores[kPiece];
  __shared__ float weights[kPiece];
  LetNextStart();
  WaitForPrevious();
  const Share share(a, splits, blockIdx.y);
  if (static_cast<int>(blockIdx.y) >= share.active) return;
  const int head = static_cast<int>(blockIdx.x);
  const int kv_head = head / a.group();
  const int64_t place = static_cast<int64_t>(head) * splits.count + blockIdx.y;
  const float* query = a.queries + static_cast<int64_t>(head) * a.head_dim;
  float* sums = splits.sums + place * a.head_dim;
  float largest = -INFINITY;
  float total = 0.0f;
  for (int64_t p = share.begin; p < share.end; p += kPiece) {
    const int count = static_cast<int>(share.end - p < kPiece ? share.end - p : kPiece);
    ScoreKeys<T>(a, query, kv_head, p, count, scores);
    __syncthreads();
    const int thread = threadIdx.x;
    const float score = thread < count ? scores[thread] : -INFINITY;
    const float grown = fmaxf(largest, BlockMax<kThreads>(score));
    const float correction = WeightOf(largest, grown);
    largest = grown;
    weights[thread] = WeightOf(score, largest);
    total = total * correction + BlockSum<kThreads>(weights[thread]);  // whose barriers also publish the weights
    for (int i = thread; i < a.head_dim; i += kThreads) {
      float sum = p == share.begin ? 0.0f : sums[i] * correction;
#pragma unroll 4
      for (int v = 0; v < count; ++v) sum += weights[v] * ToFloat(a.Value<T>(kv_head, p + v)[i]);
      sums[i] = sum;
    }
    __syncthreads();  // the weights were read
  }
  if (threadIdx.x == 0) splits.weights[place] = make_float2(largest, total);
  __syncthreads();
  if (share.active > 1 && !IsLastToArrive(splits.arrivals + head, share.active)) return;
  if (threadIdx.x < kWarpThreads) CombineSplits(a, splits, head, share.active);
}

int64_t RoundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Splits PlanSplits(ci_context& c, const Attention& a, int blocks, int blocks_of_multiprocessor, int unit) {
  constexpr int kMostSplits = 128;
  const int64_t seen = a.window > 0 && a.window < a.capacity ? a.window : a.capacity;
  const int64_t with_work = RoundUp(seen, unit) / unit;
  int64_t count = int64_t{c.multiprocessors} * blocks_of_multiprocessor / blocks;
  if (count > with_work) count = with_work;
  if (count > kMostSplits) count = kMostSplits;
  if (count < 1 || blocks > ci_context::kArrivals) count = 1;
  const int64_t places = int64_t{a.heads} * count;
  const int64_t weight_bytes = RoundUp(places * static_cast<int64_t>(sizeof(float2)), 256);
  auto* scratch = static_cast<uint8_t*>(
      c.Scratch(weight_bytes + RequireProduct("the sums of splits", {places, a.head_dim, int64_t{sizeof(float)}})));
  return {static_cast<int>(count), unit, reinterpret_cast<float2*>(scratch),
          reinterpret_cast<float*>(scratch + weight_bytes), c.arrivals()};
}

int32_t LaunchPlainDecode(ci_context& c, const Attention& a) {
  const Splits splits = PlanSplits(c, a, a.heads, 8, kPiece);
  const dim3 grid(static_cast<unsigned>(a.heads), static_cast<unsigned>(splits.count));
  const auto kernel =
      a.cache_dtype == CI_F16 ? attention_decode_plain_kernel<__half> : attention_decode_plain_kernel<float>;
  return Launch(Start::kEarly, c, "ci_attention_decode", kernel, grid, kThreads, 0, a, splits);
}

}  // namespace coreinfer
