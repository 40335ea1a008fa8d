// The slice of a list of neurons that one block of the fused feed-forward layer takes, and the lists in shared memory
// that the block makes of it: rows to take dots with, then neurons whose down rows are added.
#ifndef COREINFER_CUDA_FFN_SLICE_H_
#define COREINFER_CUDA_FFN_SLICE_H_

#include "dots.h"
#include "ffn.h"

namespace coreinfer {

/// A neuron is kept by the thread of its number.
constexpr int kMostSliceNeurons = kDotThreads;

/// What a decode step is given (ci_ffn_decode).
struct FfnDecode {
  Ffn ffn;
  const float* x;
  const int32_t* core_ids;  // NULL for 0, 1, 2, ...
  const int32_t* core;
  bool is_packed;  // row i of the matrices belongs to the list's neuron i
  int depth;       // of the rings; 0 where rows are read element by element
  float* activations;
  float* partials;  // (blocks, dim)
};

struct Neuron {
  int id;
  int row;
  float gate_bias;
  float up_bias;
};

__device__ __forceinline__ Neuron NeuronAt(const FfnDecode& decode, int index) {
  const int id = decode.core_ids == nullptr ? index : decode.core_ids[index];
  const Ffn& ffn = decode.ffn;
  return {id, decode.is_packed ? index : id, ffn.gate_bias == nullptr ? 0.0f : ffn.gate_bias[id],
          ffn.up_bias == nullptr ? 0.0f : ffn.up_bias[id]};
}

/// Rows that get a dot product: row r of up is r, row r of gate is -1 - r.
struct DotRows {
  int count;
  int rows[2 * kMostSliceNeurons];
};

/// Neurons whose activation counts.
struct ActiveNeurons {
  int count;
  int ids[kMostSliceNeurons];
  int rows[kMostSliceNeurons];
  float activations[kMostSliceNeurons];
  // Runs of neurons that share their scales: run i is firsts[i]..firsts[i + 1] - 1. Of the shared dtypes only.
  int runs;
  int groups[kMostSliceNeurons];
  int firsts[kMostSliceNeurons + 1];
};

/// How many threads before the caller keep something, and in all. The whole block calls it; the barriers inside stand
/// between whatever is done before and after.
__device__ __forceinline__ int PlaceAmongKept(bool keeps, int* total) {
  __shared__ int counts[kDotWarps];
  const unsigned kept = __ballot_sync(kWholeWarp, keeps);
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  __syncthreads();  // the counts of an earlier call were read
  if (lane == 0) counts[warp] = __popc(kept);
  __syncthreads();
  int place = __popc(kept & ((1u << lane) - 1));
  *total = 0;
#pragma unroll
  for (int i = 0; i < kDotWarps; ++i) {
    if (i < warp) place += counts[i];
    *total += counts[i];
  }
  return place;
}

/// Lists the neurons that count and the runs of those that share scales. The whole block calls it; ends with a barrier.
__device__ __forceinline__ void ListActive(const Neuron& neuron, float activation, bool counts, bool has_shared_scales,
                                           ActiveNeurons* active) {
  int total;
  int place = PlaceAmongKept(counts, &total);
  if (counts) {
    active->ids[place] = neuron.id;
    active->rows[place] = neuron.row;
    active->activations[place] = activation;
  }
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) active->count = total;
  __syncthreads();
  if (!has_shared_scales) return;
  bool starts = false;
  int group = 0;
  if (thread < total) {
    group = active->ids[thread] / kGroupSize;
    starts = thread == 0 || active->ids[thread - 1] / kGroupSize != group;
  }
  int runs;
  place = PlaceAmongKept(starts, &runs);
  if (starts) {
    active->groups[place] = group;
    active->firsts[place] = thread;
  }
  if (thread == 0) {
    active->runs = runs;
    active->firsts[runs] = total;
  }
  __syncthreads();
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_FFN_SLICE_H_
