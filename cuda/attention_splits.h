// Split decoding: the visible positions of a head are divided among blocks. Each leaves the weighted sum of its values,
// its largest score and its sum of weights; the last block of the head to arrive adds them up in the order of
// positions, so that the bits don't depend on which one that was.
#ifndef COREINFER_CUDA_ATTENTION_SPLITS_H_
#define COREINFER_CUDA_ATTENTION_SPLITS_H_

#include "attention.h"
#include "early_start.h"

namespace coreinfer {

struct Splits {
  int count;           // of the grid; those that the position leaves without work exit
  int unit;            // a split has a multiple of this many positions
  float2* weights;     // (heads, count): the largest score, the sum of weights relative to it
  float* sums;         // (heads, count, head_dim): of values times weights
  unsigned* arrivals;  // one for each block of a split, 0 between launches
};

/// The positions of one split.
struct Share {
  int64_t begin, end;
  int active;  // splits that have any positions

  // In 32 bits, whose division is short.
  __device__ Share(const Attention& a, const Splits& splits, unsigned split) {
    const int64_t seen_end = static_cast<int64_t>(*a.first_position) + a.token + 1;
    const int64_t seen_begin = a.FirstSeen(seen_end);
    const auto count = static_cast<unsigned>(seen_end - seen_begin);
    const auto unit = static_cast<unsigned>(splits.unit);
    const auto most = static_cast<unsigned>(splits.count);
    const unsigned size = ((count + unit - 1) / unit + most - 1) / most * unit;
    active = static_cast<int>((count + size - 1) / size);
    begin = seen_begin + static_cast<int64_t>(split) * size;
    end = begin + size < seen_end ? begin + size : seen_end;
  }
};

/// Whether the calling block is the last of `active` to arrive. All its threads must call it, having written their
/// part.
__device__ __forceinline__ bool IsLastToArrive(unsigned* arrivals, int active) {
  __shared__ bool is_last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    is_last = atomicAdd(arrivals, 1u) == static_cast<unsigned>(active - 1);
    if (is_last) *arrivals = 0;
  }
  __syncthreads();
  __threadfence();
  return is_last;
}

/// y of one head from what `active` splits left. The whole warp must call it.
__device__ __forceinline__ void CombineSplits(const Attention& a, const Splits& splits, int head, int active) {
  const int lane = threadIdx.x % kWarpThreads;
  const float2* weights = splits.weights + static_cast<int64_t>(head) * splits.count;
  float largest = -INFINITY;
  for (int s = lane; s < active; s += kWarpThreads) largest = fmaxf(largest, __ldcg(&weights[s].x));
  largest = WarpMax(largest);
  float total = 0.0f;
  for (int s = lane; s < active; s += kWarpThreads) {
    total += WeightOf(__ldcg(&weights[s].x), largest) * __ldcg(&weights[s].y);
  }
  total = WarpSum(total);
  const float* sums = splits.sums + static_cast<int64_t>(head) * splits.count * a.head_dim;
  float* y = a.y + static_cast<int64_t>(head) * a.head_dim;
  constexpr int kColumns = 4;  // of a lane at a time, so that many loads are in flight
  for (int first = lane; first - lane < a.head_dim; first += kColumns * kWarpThreads) {
    float sum[kColumns] = {};
    for (int base = 0; base < active; base += kWarpThreads) {
      const float own = base + lane < active ? WeightOf(__ldcg(&weights[base + lane].x), largest) : 0.0f;
      const int end = active - base < kWarpThreads ? active - base : kWarpThreads;
#pragma unroll 4
      for (int s = 0; s < end; ++s) {
        const float factor = __shfl_sync(kWholeWarp, own, s);
        const float* row = sums + static_cast<int64_t>(base + s) * a.head_dim;
#pragma unroll
        for (int c = 0; c < kColumns; ++c) {
          const int column = first + c * kWarpThreads;
          if (column < a.head_dim) sum[c] += factor * __ldcg(row + column);
        }
      }
    }
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int column = first + c * kWarpThreads;
      if (column < a.head_dim) y[column] = sum[c] / total;
    }
  }
}

/// Divides the positions that a cache can have for a kernel with `blocks` blocks in each split.
Splits PlanSplits(ci_context& c, const Attention& a, int blocks, int blocks_of_multiprocessor, int unit);

/// Decode for heads of any size at any address.
int32_t LaunchPlainDecode(ci_context& c, const Attention& a);

}  // namespace coreinfer

#endif  // COREINFER_CUDA_ATTENTION_SPLITS_H_
