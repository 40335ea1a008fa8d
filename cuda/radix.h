// The k-th largest of many keys, found by a block digit by digit: a histogram of a digit among the keys that agree with
// the digits found so far, then the bin in which the k-th lies. No sorting, and every pass reads the keys once.
#ifndef COREINFER_CUDA_RADIX_H_
#define COREINFER_CUDA_RADIX_H_

#include "device.h"

namespace coreinfer {

/// The sum of `value` over the threads before the calling one, and over all of them. Every thread of a block of whole
/// warps must call it; warp_sums has 32 elements that nobody reads any more.
template <class T>
__device__ __forceinline__ T BlockPrefix(T value, T* warp_sums, T* total) {
  const int lane = threadIdx.x % kWarpThreads;
  const int warp = threadIdx.x / kWarpThreads;
  const int warps = blockDim.x / kWarpThreads;
  T sum = value;
  for (int lanes = 1; lanes < kWarpThreads; lanes *= 2) {
    const T before = __shfl_up_sync(kWholeWarp, sum, lanes);
    if (lane >= lanes) sum += before;
  }
  if (lane == kWarpThreads - 1) warp_sums[warp] = sum;
  __syncthreads();
  const T of_warp = lane < warps ? warp_sums[lane] : T{0};
  *total = WarpSum(of_warp);
  return WarpSum(lane < warp ? of_warp : T{0}) + sum - value;
}

struct RadixState {
  static constexpr int kBins = 2048;

  int histogram[kBins];
  int warp_sums[kWarpThreads];
  uint32_t bin;
  int rank;
  int count;
};

/// Of all keys, those above `key` belong to the selection, and `rank` of the `count` that equal it.
struct Threshold {
  uint32_t key;
  int rank;
  int count;
};

/// Finds the bin of the rank-th largest, counted from 1, and empties the histogram. rank_of(number of keys in it) may
/// be 0: then nothing is found, and state->count is 0.
template <class RankOf>
__device__ __forceinline__ void FindBin(const RankOf& rank_of, RadixState* state) {
  const int bins = RadixState::kBins / static_cast<int>(blockDim.x);
  const int highest = RadixState::kBins - 1 - static_cast<int>(threadIdx.x) * bins;
  __syncthreads();  // the histogram is complete
  int own = 0;
  for (int i = 0; i < bins; ++i) own += state->histogram[highest - i];
  int total;
  int before = BlockPrefix(own, state->warp_sums, &total);
  const int rank = rank_of(total);
  if (rank == 0 && threadIdx.x == 0) state->count = 0;
  if (before < rank && rank <= before + own) {
    int bin = highest;
    while (before + state->histogram[bin] < rank) before += state->histogram[bin--];
    state->bin = static_cast<uint32_t>(bin);
    state->rank = rank - before;
    state->count = state->histogram[bin];
  }
  for (int i = 0; i < bins; ++i) state->histogram[highest - i] = 0;
  __syncthreads();
}

/// The threshold of the rank_of(number of keys that are not 0) largest keys. keys.Quad(q) returns the keys 4 q..4 q +
/// 3; a 0 is none. The histogram is 0 before and after. The block has a power of two threads, at least 128.
template <class Keys, class RankOf>
__device__ __forceinline__ Threshold FindThreshold(const Keys& keys, int quads, const RankOf& rank_of,
                                                   RadixState* state) {
  constexpr int kShifts[] = {21, 10, 0};
  constexpr uint32_t kFound[] = {0, 0xffe00000u, 0xfffffc00u};
  uint32_t key = 0;
  int rank = 0;
#pragma unroll
  for (int digit = 0; digit < 3; ++digit) {
    const uint32_t bins = digit == 2 ? RadixState::kBins / 2 : RadixState::kBins;
    const auto count = [&](uint32_t candidate) {
      if (candidate != 0 && (candidate & kFound[digit]) == key) {
        atomicAdd(&state->histogram[candidate >> kShifts[digit] & (bins - 1)], 1);
      }
    };
#pragma unroll 2
    for (int q = threadIdx.x; q < quads; q += blockDim.x) {
      const uint4 four = keys.Quad(q);
      count(four.x);
      count(four.y);
      count(four.z);
      count(four.w);
    }
    if (digit == 0) {
      FindBin(rank_of, state);
      if (state->count == 0) return {0xffffffffu, 0, 0};
    } else {
      FindBin([rank](int) { return rank; }, state);
    }
    key |= state->bin << kShifts[digit];
    rank = state->rank;
  }
  return {key, rank, state->count};
}

/// Which elements a selection has: those with larger keys, and of equal keys the lower numbers.
struct Selection {
  uint32_t key;
  uint32_t last;  // the highest number among the selected ones with this key

  __device__ __forceinline__ bool Has(uint32_t candidate, int number) const {
    return candidate > key || (candidate == key && static_cast<uint32_t>(number) <= last);
  }
};

/// Numbers of the elements with one key, in an order in which the lower ones are larger.
template <class Keys>
struct NumbersOfKey {
  const Keys& keys;
  uint32_t key;

  __device__ __forceinline__ uint4 Quad(int q) const {
    const uint4 four = keys.Quad(q);
    const uint32_t first = ~(4 * static_cast<uint32_t>(q));
    return make_uint4(four.x == key ? first : 0, four.y == key ? first - 1 : 0, four.z == key ? first - 2 : 0,
                      four.w == key ? first - 3 : 0);
  }
};

/// The selection of the rank_of(number of keys that are not 0) largest keys: see FindThreshold.
template <class Keys, class RankOf>
__device__ __forceinline__ Selection Select(const Keys& keys, int quads, const RankOf& rank_of, RadixState* state) {
  const Threshold threshold = FindThreshold(keys, quads, rank_of, state);
  if (threshold.rank == threshold.count) return {threshold.key, 0xffffffffu};
  const int rank = threshold.rank;
  const NumbersOfKey<Keys> numbers{keys, threshold.key};
  return {threshold.key, ~FindThreshold(
                              numbers, quads, [rank](int) { return rank; }, state)
                              .key};
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_RADIX_H_
