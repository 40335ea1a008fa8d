// Finding where the running sum of tokens' weights, or their number, exceeds a target, in the order of falling logits:
// a block finds the bin by sums of bins, then the token of the bin bit by bit. Nothing is sorted.
#ifndef COREINFER_CUDA_SAMPLE_SEARCH_H_
#define COREINFER_CUDA_SAMPLE_SEARCH_H_

#include "radix.h"
#include "sample.h"

namespace coreinfer {

constexpr int kSearchThreads = 256;  // of the block
constexpr int kBins = 2048;

/// Tokens by their distance from the best one.
struct Bins {
  uint64 weights[kBins];
  uint32_t counts[kBins];
  uint32_t placed[kBins];  // tokens that already lie in the bin
  uint64 likely;           // weight of the tokens that min_p leaves
};

/// place: lower for higher logits and, of equal ones, for lower tokens.
struct alignas(16) Candidate {
  uint64 place;
  uint64 weight;

  __device__ __forceinline__ int token() const { return static_cast<int>(static_cast<uint32_t>(place)); }
};

/// The first candidate, in order, at which a running sum exceeds a target; the weight of all up to it, itself included.
struct Crossing {
  Candidate candidate;
  uint64 weight;
};

/// What the threads of the block share.
struct Search {
  int warp_counts[kWarpThreads];
  uint64 warp_weights[kWarpThreads];
  int bin;
  int count_before;
  uint64 weight_before;
  uint64 differing;
  Candidate found;
};

/// Finds the bin where the sum of counts, or of weights, exceeds the target.
__device__ __forceinline__ void FindBinOf(const Bins& bins, bool by_count, uint64 target, Search* search) {
  constexpr int kOwn = kBins / kSearchThreads;
  const int first = threadIdx.x * kOwn;
  int count = 0;
  uint64 weight = 0;
  for (int i = 0; i < kOwn; ++i) {
    count += static_cast<int>(bins.counts[first + i]);
    weight += bins.weights[first + i];
  }
  int count_total;
  uint64 weight_total;
  __syncthreads();  // what an earlier search left was read
  int count_before = BlockPrefix(count, search->warp_counts, &count_total);
  uint64 weight_before = BlockPrefix(weight, search->warp_weights, &weight_total);
  const uint64 begin = by_count ? static_cast<uint64>(count_before) : weight_before;
  const uint64 own = by_count ? static_cast<uint64>(count) : weight;
  if (begin <= target && target < begin + own) {
    for (int i = first;; ++i) {
      const uint64 reached =
          by_count ? static_cast<uint64>(count_before) + bins.counts[i] : weight_before + bins.weights[i];
      if (target < reached) {
        search->bin = i;
        search->count_before = count_before;
        search->weight_before = weight_before;
        break;
      }
      count_before += static_cast<int>(bins.counts[i]);
      weight_before += bins.weights[i];
    }
    search->differing = 0;
  }
  __syncthreads();
}

/// The first candidate at which the number of candidates, or their weight, exceeds the target, which is below the
/// whole.
__device__ __forceinline__ Crossing FindCrossing(const Bins& bins, const Candidate* all, bool by_count, uint64 target,
                                                 Search* search) {
  FindBinOf(bins, by_count, target, search);
  const Candidate* candidates = all + search->count_before;
  int left = static_cast<int>(bins.counts[search->bin]);
  const int count = left;
  uint64 before = search->weight_before;
  target -= by_count ? static_cast<uint64>(search->count_before) : before;
  uint64 place = candidates[0].place;
  uint64 differing = 0;
  for (int i = threadIdx.x; i < count; i += kSearchThreads) differing |= candidates[i].place ^ place;
  atomicOr(&search->differing, differing);
  __syncthreads();
  // From the highest bit in which places differ on: is the candidate among those that have a 0 there?
  int bit = 63 - __clzll(static_cast<long long>(search->differing));
  if (bit >= 0) place = place >> bit >> 1 << bit << 1;
  for (; bit >= 0 && left > 1; --bit) {
    int zeros = 0;
    uint64 weight = 0;
    for (int i = threadIdx.x; i < count; i += kSearchThreads) {
      const Candidate candidate = candidates[i];
      if ((candidate.place ^ place) >> bit == 0) {
        ++zeros;
        weight += candidate.weight;
      }
    }
    zeros = BlockSum<kSearchThreads>(zeros);
    weight = BlockSum<kSearchThreads>(weight);
    const uint64 reached = by_count ? static_cast<uint64>(zeros) : weight;
    if (target < reached) {
      left = zeros;
    } else {
      target -= reached;
      before += weight;
      left -= zeros;
      place |= uint64{1} << bit;
    }
  }
  const int known = bit + 1;  // bits of place that may be wrong
  for (int i = threadIdx.x; i < count; i += kSearchThreads) {
    if ((candidates[i].place ^ place) >> known == 0) search->found = candidates[i];
  }
  __syncthreads();
  return {search->found, before + search->found.weight};
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_SAMPLE_SEARCH_H_
