// Decode attention. A block takes a share of the positions for up to 8 heads that have their keys and values in common,
// so that the cache is read once; its warps (attention_warp.h) meet only at the end. Reading the cache bounds the time:
// 2 * kv_heads * head_dim elements for each position.
#include "attention_splits.h"
#include "attention_warp.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarpThreads;

// What the warps of a block found, per query.
template <class S>
struct BlockState {
  float largest[kWarps][S::kQueries];
  float weight[kWarps][S::kQueries];
  alignas(16) float sums[kWarps][S::kQueries][S::kColumns];
};

// Adds up a warp's rows and leaves the result for the block.
template <class S>
__device__ __forceinline__ void LeaveWarp(WarpState<S>* state, BlockState<S>* block) {
  const int warp = threadIdx.x / kWarpThreads;
  const int lane = threadIdx.x % kWarpThreads;
#pragma unroll
  for (int q = 0; q < S::kQueries; ++q) {
#pragma unroll
    for (int e = 0; e < S::kElements; e += 4) {
      float sum[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        sum[i] = state->sums[q][e + i];
#pragma unroll
        for (int lanes = S::kLanes; lanes < kWarpThreads; lanes *= 2) {
          sum[i] += __shfl_xor_sync(kWholeWarp, sum[i], lanes);
        }
      }
      if (lane < S::kLanes) {
        float* columns = &block->sums[warp][q][ColumnOf<S>(e / S::kVector) + e % S::kVector];
        *reinterpret_cast<float4*>(columns) = make_float4(sum[0], sum[1], sum[2], sum[3]);
      }
    }
  }
  float weight = state->weight;
#pragma unroll
  for (int lanes = S::kLanesOfQuery / 2; lanes >= S::kShared; lanes /= 2) {
    weight += __shfl_xor_sync(kWholeWarp, weight, lanes);
  }
#pragma unroll
  for (int lanes = S::kLanes; lanes < kWarpThreads; lanes *= 2) weight += __shfl_xor_sync(kWholeWarp, weight, lanes);
  if (lane < S::kLanes && lane % S::kLanesOfQuery == 0) {
    block->largest[warp][lane / S::kLanesOfQuery] = state->largest;
    block->weight[warp][lane / S::kLanesOfQuery] = weight;
  }
}

// Adds up the warps of a block, into y when it is the only one, else for CombineSplits.
template <class S>
__device__ __forceinline__ void LeaveBlock(const Attention& a, const Splits& splits, const BlockState<S>& block,
                                           int first_head, int heads, bool is_only) {
  for (int i = threadIdx.x; i < heads * S::kColumns; i += kThreads) {
    const int q = i / S::kColumns;
    const int column = i % S::kColumns;
    float largest = block.largest[0][q];
    for (int w = 1; w < kWarps; ++w) largest = fmaxf(largest, block.largest[w][q]);
    float weight = 0.0f;
    float sum = 0.0f;
    for (int w = 0; w < kWarps; ++w) {
      const float factor = WeightOf(block.largest[w][q], largest);
      weight += factor * block.weight[w][q];
      sum += factor * block.sums[w][q][column];
    }
    const int64_t head = first_head + q;
    const int64_t place = head * splits.count + blockIdx.y;
    if (column == 0 && !is_only) splits.weights[place] = make_float2(largest, weight);
    if (column < a.head_dim) {
      if (is_only) {
        a.y[head * a.head_dim + column] = sum / weight;
      } else {
        splits.sums[place * a.head_dim + column] = sum;
      }
    }
  }
}

// Grid: x: key-value heads times slices of their group; y: splits.
template <class S>
__global__ void __launch_bounds__(kThreads, S::kBlocks) attention_decode_kernel(Attention a, Splits splits) {
  WaitForPrevious();
  const Share share(a, splits, blockIdx.y);
  if (static_cast<int>(blockIdx.y) >= share.active) return;
  const int slices = (a.group() + S::kQueries - 1) / S::kQueries;
  const int kv_head = blockIdx.x / slices;
  const int first_query = blockIdx.x % slices * S::kQueries;
  const int first_head = kv_head * a.group() + first_query;
  const int heads = a.group() - first_query < S::kQueries ? a.group() - first_query : S::kQueries;

  WarpState<S> state;
  LoadQueries<S>(a, first_head, heads, &state);
  const int warp = threadIdx.x / kWarpThreads;
  for (int64_t p = share.begin + warp * S::kStep; p < share.end; p += kWarps * S::kStep) {
    AttendStep<S>(a, kv_head, p, share.end, &state);
  }
  LetNextStart();  // not before: its blocks would take the places of this kernel's
  __shared__ BlockState<S> block;
  LeaveWarp<S>(&state, &block);
  __syncthreads();
  LeaveBlock<S>(a, splits, block, first_head, heads, share.active == 1);
  if (share.active == 1) return;
  if (!IsLastToArrive(splits.arrivals + blockIdx.x, share.active)) return;
  for (int q = warp; q < heads; q += kWarps) CombineSplits(a, splits, first_head + q, share.active);
}

template <class S>
int32_t LaunchShape(ci_context& c, const Attention& a) {
  const int blocks = a.kv_heads * ((a.group() + S::kQueries - 1) / S::kQueries);
  const Splits splits = PlanSplits(c, a, blocks, S::kBlocks, kWarps * S::kStep);
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(splits.count));
  return Launch(Start::kEarly, c, "ci_attention_decode", attention_decode_kernel<S>, grid, kThreads, 0, a, splits);
}

// Of more heads the sums would not fit into registers; more slices read the cache again then, from L2.
template <class T, int kLanes, int kChunks>
int32_t LaunchQueries(ci_context& c, const Attention& a) {
  if (a.group() == 1) return LaunchShape<Shape<T, kLanes, kChunks, 1>>(c, a);
  if constexpr (kChunks * 16 / sizeof(T) <= 8) {
    if (a.group() > 4) return LaunchShape<Shape<T, kLanes, kChunks, 8>>(c, a);
  }
  return LaunchShape<Shape<T, kLanes, kChunks, 4>>(c, a);
}

}  // namespace

int32_t LaunchDecode(ci_context& c, const Attention& a) {
  constexpr int kMostColumns = 512;
  if (!HasAlignedRows(a) || a.head_dim > kMostColumns) return LaunchPlainDecode(c, a);
  if (a.cache_dtype == CI_F16) {
    if (a.head_dim <= 64) return LaunchQueries<__half, 8, 1>(c, a);
    if (a.head_dim <= 128) return LaunchQueries<__half, 16, 1>(c, a);
    if (a.head_dim <= 256) return LaunchQueries<__half, 32, 1>(c, a);
    return LaunchQueries<__half, 32, 2>(c, a);
  }
  if (a.head_dim <= 64) return LaunchQueries<float, 16, 1>(c, a);
  if (a.head_dim <= 128) return LaunchQueries<float, 32, 1>(c, a);
  if (a.head_dim <= 256) return LaunchQueries<float, 32, 2>(c, a);
  return LaunchQueries<float, 32, 4>(c, a);
}

}  // namespace coreinfer
