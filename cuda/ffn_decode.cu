// Decode's feed-forward layer over a list of neurons, in one pass over the weights.
//
// Every block takes an equal slice of the list: first both dots and the activation of each of its neurons (dots.h), then
// the sum of their down rows (ffn_down.h), which it leaves in scratch memory; a second, small kernel adds the blocks'
// sums to y in order. So no neuron's work waits for another block, gate, up and down bytes flow without a gap, and only
// (blocks, dim) floats, 1 to 10 % of the weights' bytes and all of them in L2, are written and read on the way. A
// cooperative kernel would save the second launch, but needs every block resident at once, which nobody can promise
// when several contexts share a device. The slices depend on the list's length, which is read on the device; the grid
// does not, so that one graph serves any list.
//
// With rectified activations the up row of a neuron whose gate is not positive is not read, nor the down row of one
// whose activation is 0: neither could change the result. With the others the first down rows are fetched into L2 while
// the block waits for its last dots. Memory bounds the time.
#include "activation.h"
#include "coreinfer/cuda.h"
#include "coreinfer/kernels.h"
#include "ffn.h"
#include "ffn_down.h"
#include "prefetch.h"

namespace coreinfer {
namespace {

struct FfnDecode {
  Ffn ffn;
  const float* x;
  const int32_t* core_ids;  // NULL for 0, 1, 2, ...
  const int32_t* core;
  bool is_packed;   // row i of the matrices belongs to the list's neuron i
  bool is_aligned;  // rows are made of aligned octets and the staged vector fits
  float* activations;
  float* partials;  // (blocks, dim)
};

// A neuron of a batch, held by the thread of its number.
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

// How many threads before the caller have `keeps` set, and in all. At most kBatchNeurons threads, the first, do. The
// whole block calls it; a barrier stands between it and whatever was done before.
__device__ __forceinline__ int PlaceAmongKept(bool keeps, int* total) {
  constexpr int kWarps = kBatchNeurons / kWarpThreads;
  __shared__ int counts[kWarps];
  const unsigned kept = __ballot_sync(kWholeWarp, keeps);
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  __syncthreads();  // the counts of an earlier call were read
  if (lane == 0 && warp < kWarps) counts[warp] = __popc(kept);
  __syncthreads();
  int place = __popc(kept & ((1u << lane) - 1));
  *total = 0;
#pragma unroll
  for (int i = 0; i < kWarps; ++i) {
    if (i < warp) place += counts[i];
    *total += counts[i];
  }
  return place;
}

// The rows of a batch that get a dot product, in shared memory: row r of up is r, row r of gate is -1 - r.
struct DotRows {
  int rows[2 * kBatchNeurons];
  int count;
};

struct ListedRows {
  const Ffn& ffn;
  const DotRows& list;

  __device__ __forceinline__ void PointToListed(int index, int which, RowPair* pair) const {
    const int row = list.rows[index];
    PointTo(row < 0 ? ffn.gate : ffn.up, row < 0 ? -1 - row : row, which, pair);
  }

  __device__ __forceinline__ RowPair At(int pair) const {
    RowPair rows;
    PointToListed(2 * pair, 0, &rows);
    PointToListed(min(2 * pair + 1, list.count - 1), 1, &rows);
    return rows;
  }
};

// Where a block's vector, dots and sums of teams lie in dynamic shared memory. The sums come when the dots were read.
struct Shared {
  float4* staged;
  float* dots;
  float4* team_sums;
};

__device__ __forceinline__ Shared SharedOf(const FfnDecode& decode) {
  auto* staged = DynamicShared<float4>();
  float4* behind = staged + (decode.is_aligned ? StagedFloats(decode.ffn.up.dtype, decode.ffn.dim) / 4 : 0);
  return {staged, reinterpret_cast<float*>(behind), behind};
}

// Parts per dot of a layer.
__host__ __device__ __forceinline__ int DotParts(const FfnDecode& decode) {
  return decode.is_aligned ? PartsOf(decode.ffn.up.dtype, decode.ffn.dim) : 1;
}

int64_t SharedBytes(const FfnDecode& decode) {
  const int64_t staged = decode.is_aligned ? StagedFloats(decode.ffn.up.dtype, decode.ffn.dim) : 0;
  const int64_t dots = int64_t{2 * kBatchNeurons} * DotParts(decode);
  const int64_t teams = decode.is_aligned ? 8 * kDotThreads : 0;
  return (staged + (dots > teams ? dots : teams)) * static_cast<int64_t>(sizeof(float));
}

// The dots of all listed rows; a barrier stands before they are read. x is staged on the way when `stages`.
template <int kDtype>
__device__ __forceinline__ void DotAligned(const FfnDecode& decode, const DotRows& list, bool stages,
                                           const Shared& shared) {
  const ListedRows rows{decode.ffn, list};
  DotWalk<kDtype, ListedRows> walk(rows, (list.count + 1) / 2, decode.ffn.dim);
  walk.Start();
  if (stages) StageVector<kDtype>(decode.x, decode.ffn.dim, shared.staged);
  __syncthreads();
  walk.Finish(shared.staged, shared.dots);
}

// A warp for each row, element by element.
__device__ void DotUnaligned(const FfnDecode& decode, const DotRows& list, float* dots) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  __syncthreads();  // the dots of an earlier call were read
  for (int i = static_cast<int>(threadIdx.x) / kWarpThreads; i < list.count; i += kDotWarps) {
    const int row = list.rows[i];
    const DeviceMatrix& matrix = row < 0 ? decode.ffn.gate : decode.ffn.up;
    float sum = 0.0f;
    for (int j = lane; j < decode.ffn.dim; j += kWarpThreads) {
      sum = fmaf(ElementAt(matrix, row < 0 ? -1 - row : row, j), decode.x[j], sum);
    }
    sum = WarpSum(sum);
    if (lane == 0) dots[i] = sum;
  }
}

__device__ __forceinline__ void DotListedRows(const FfnDecode& decode, const DotRows& list, bool stages,
                                              const Shared& shared) {
  if (!decode.is_aligned) return DotUnaligned(decode, list, shared.dots);
  switch (decode.ffn.up.dtype) {
    case CI_F32:
      return DotAligned<CI_F32>(decode, list, stages, shared);
    case CI_F16:
      return DotAligned<CI_F16>(decode, list, stages, shared);
    case CI_BF16:
      return DotAligned<CI_BF16>(decode, list, stages, shared);
    case CI_Q8_0:
      return DotAligned<CI_Q8_0>(decode, list, stages, shared);
    default:
      return DotAligned<CI_Q4_0>(decode, list, stages, shared);
  }
}

// Column by column.
__device__ void AddUnaligned(const DeviceMatrix& down, const ActiveNeurons& active, bool adds, float* partial) {
  for (int column = static_cast<int>(threadIdx.x); column < down.columns; column += kDotThreads) {
    float sum = adds ? partial[column] : 0.0f;
    for (int i = 0; i < active.count; ++i) {
      const float weight = ElementAt(down, active.rows[i], active.ids[i], column);
      sum = fmaf(active.activations[i], weight, sum);
    }
    partial[column] = sum;
  }
}

__device__ __forceinline__ void AddRows(const DeviceMatrix& down, const ActiveNeurons& active, bool is_aligned,
                                        bool adds, float4* team_sums, float* partial) {
  if (!is_aligned) return AddUnaligned(down, active, adds, partial);
  switch (down.dtype) {
    case CI_F32:
      return AddActiveRows<CI_F32>(down, active, adds, team_sums, partial);
    case CI_F16:
      return AddActiveRows<CI_F16>(down, active, adds, team_sums, partial);
    case CI_BF16:
      return AddActiveRows<CI_BF16>(down, active, adds, team_sums, partial);
    case CI_Q8_0:
      return AddActiveRows<CI_Q8_0>(down, active, adds, team_sums, partial);
    case CI_Q4_0:
      return AddActiveRows<CI_Q4_0>(down, active, adds, team_sums, partial);
    case CI_Q8_0_SHARED:
      return AddActiveRows<CI_Q8_0_SHARED>(down, active, adds, team_sums, partial);
    default:
      return AddActiveRows<CI_Q4_0_SHARED>(down, active, adds, team_sums, partial);
  }
}

// Lists what comes after an activation: the neurons that count, and the runs of those that share scales. Every thread
// calls it; ends with a barrier.
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

// Fetches into L2 what the block's first down rows need, a row per thread. Only a hint.
__device__ __forceinline__ void PrefetchDown(const DeviceMatrix& down, const Neuron& neuron) {
  constexpr int kBytes = 64 * 1024;
  const int64_t row_bytes = ElementBytes(down.dtype, down.columns);
  if (threadIdx.x * row_bytes < kBytes) PrefetchToL2(down.q + neuron.row * row_bytes, row_bytes);
}

__global__ void __launch_bounds__(kDotThreads, 1) ffn_decode_kernel(FfnDecode decode) {
  __shared__ DotRows list;
  __shared__ ActiveNeurons active;
  const Ffn& ffn = decode.ffn;
  const Shared shared = SharedOf(decode);
  const int parts = DotParts(decode);
  const bool is_gated = ffn.gate.q != nullptr;
  const bool is_rectified = IsRectified(ffn.activation);
  const bool takes_gates_first = is_gated && is_rectified;
  const bool takes_both = is_gated && !is_rectified;
  const int thread = static_cast<int>(threadIdx.x);
  const int core = *decode.core;
  const auto begin = static_cast<int>(int64_t{core} * blockIdx.x / gridDim.x);
  const auto end = static_cast<int>(int64_t{core} * (blockIdx.x + 1) / gridDim.x);
  const int batches = max((end - begin - 1) / kBatchNeurons + 1, 1);  // a block without neurons leaves zeros

  for (int batch = 0; batch < batches; ++batch) {
    const int first = begin + (end - begin) * batch / batches;
    const int count = begin + (end - begin) * (batch + 1) / batches - first;
    const bool has_neuron = thread < count;
    Neuron neuron = {};
    if (has_neuron) {
      neuron = NeuronAt(decode, first + thread);
      list.rows[takes_both ? 2 * thread : thread] = is_gated ? -1 - neuron.row : neuron.row;
      if (takes_both) list.rows[2 * thread + 1] = neuron.row;
    }
    if (thread == 0) list.count = takes_both ? 2 * count : count;
    __syncthreads();
    DotListedRows(decode, list, batch == 0, shared);
    if (has_neuron && !is_rectified && decode.is_aligned) PrefetchDown(ffn.down, neuron);
    __syncthreads();

    float gate = 0.0f;
    float up = 0.0f;
    if (takes_gates_first) {
      if (has_neuron) gate = SumOfParts(shared.dots, thread, parts) + neuron.gate_bias;
      int positive;
      const int place = PlaceAmongKept(gate > 0.0f, &positive);
      if (gate > 0.0f) list.rows[place] = neuron.row;
      if (thread == 0) list.count = positive;
      __syncthreads();
      DotListedRows(decode, list, false, shared);
      __syncthreads();
      if (gate > 0.0f) up = SumOfParts(shared.dots, place, parts) + neuron.up_bias;
    } else if (has_neuron) {
      if (takes_both) gate = SumOfParts(shared.dots, 2 * thread, parts) + neuron.gate_bias;
      up = SumOfParts(shared.dots, takes_both ? 2 * thread + 1 : thread, parts) + neuron.up_bias;
    }
    const float activation = Activate(ffn.activation, is_gated, gate, up);
    if (has_neuron) decode.activations[first + thread] = activation;
    ListActive(neuron, activation, has_neuron && !(is_rectified && activation == 0.0f), HasSharedScales(ffn.down.dtype),
               &active);
    AddRows(ffn.down, active, decode.is_aligned, batch > 0, shared.team_sums,
            decode.partials + int64_t{blockIdx.x} * ffn.dim);
  }
}

// y += bias + the blocks' sums, in their order: a warp for each share of the blocks, a lane for each column.
constexpr int kReduceThreads = 512;
constexpr int kReduceWarps = kReduceThreads / kWarpThreads;

__global__ void __launch_bounds__(kReduceThreads) ffn_reduce_kernel(const float* __restrict__ partials, int blocks,
                                                                    int dim, const float* __restrict__ down_bias,
                                                                    float* y) {
  __shared__ float sums[kReduceWarps][kWarpThreads];
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const int column = static_cast<int>(blockIdx.x) * kWarpThreads + lane;
  const int end = blocks * (warp + 1) / kReduceWarps;
  float start = 0.0f;
  float sum = 0.0f;
  if (column < dim) {
    if (warp == 0) start = down_bias == nullptr ? y[column] : y[column] + down_bias[column];
#pragma unroll 8
    for (int block = blocks * warp / kReduceWarps; block < end; ++block) {
      sum += partials[int64_t{block} * dim + column];
    }
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || column >= dim) return;
#pragma unroll
  for (int other = 1; other < kReduceWarps; ++other) sum += sums[other][lane];
  y[column] = start + sum;
}

int32_t LaunchDecode(ci_context& c, const char* function, FfnDecode decode, float* y) {
  const Ffn& ffn = decode.ffn;
  constexpr int64_t kStaticBytes = sizeof(DotRows) + sizeof(ActiveNeurons) + 256;
  decode.is_aligned = HasAlignedOctets(ffn.up) && (ffn.gate.q == nullptr || HasAlignedOctets(ffn.gate)) &&
                      HasAlignedOctets(ffn.down) && IsAligned(decode.x, 16);
  if (decode.is_aligned) decode.is_aligned = SharedBytes(decode) + kStaticBytes <= c.most_shared_bytes;
  const int blocks = c.multiprocessors;
  decode.partials = static_cast<float*>(c.Scratch(int64_t{blocks} * ffn.dim * static_cast<int64_t>(sizeof(float))));
  const int32_t status = Launch(c, function, ffn_decode_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kDotThreads),
                                SharedBytes(decode), decode);
  if (status != CI_OK) return status;
  return Launch(c, function, ffn_reduce_kernel, dim3(static_cast<unsigned>((ffn.dim - 1) / kWarpThreads + 1)),
                dim3(kReduceThreads), 0, decode.partials, blocks, ffn.dim, ffn.down_bias, y);
}

}  // namespace
}  // namespace coreinfer

int32_t ci_ffn_decode(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate, const void* up,
                      const float* gate_bias, const float* up_bias, int32_t down_dtype, const void* down,
                      const float* down_bias, const float* x, const int32_t* core_ids, const int32_t* core,
                      int32_t neurons, int32_t dim, float* activations, float* y) {
  return coreinfer::Call("ci_ffn_decode", context, [&](ci_context& c) {
    const coreinfer::Ffn ffn = coreinfer::RequireFfn(activation, up_dtype, gate, up, gate_bias, up_bias, down_dtype,
                                                     down, down_bias, neurons, neurons, dim);
    coreinfer::RequirePointer("x", x);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequirePointer("activations", activations);
    coreinfer::RequirePointer("y", y);
    return coreinfer::LaunchDecode(c, "ci_ffn_decode", {ffn, x, core_ids, core, false, false, activations, nullptr}, y);
  });
}

int32_t ci_cuda_ffn_decode_packed(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate,
                                  const void* up, const float* gate_bias, const float* up_bias, int32_t down_dtype,
                                  const void* down, const float* down_bias, const float* x, const int32_t* core_ids,
                                  const int32_t* core, int32_t neurons, int32_t capacity, int32_t dim,
                                  float* activations, float* y) {
  return coreinfer::Call("ci_cuda_ffn_decode_packed", context, [&](ci_context& c) {
    coreinfer::RequireRange("capacity", capacity, 1, neurons);
    const coreinfer::Ffn ffn = coreinfer::RequireFfn(activation, up_dtype, gate, up, gate_bias, up_bias, down_dtype,
                                                     down, down_bias, neurons, capacity, dim);
    coreinfer::RequirePointer("x", x);
    coreinfer::RequirePointer("core_ids", core_ids);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequirePointer("activations", activations);
    coreinfer::RequirePointer("y", y);
    return coreinfer::LaunchDecode(c, "ci_cuda_ffn_decode_packed",
                                   {ffn, x, core_ids, core, true, false, activations, nullptr}, y);
  });
}
