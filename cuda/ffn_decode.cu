// Decode's feed-forward layer over a list of neurons, in one pass over the weights.
//
// Every block takes an equal slice of the list: first both dots and the activation of each of its neurons (dots.h), then
// the sum of their down rows (ffn_down.h), which it leaves in scratch memory; a second, small kernel adds the blocks'
// sums to y in order. So no neuron's work waits for another block, the bytes of gate, up and down flow without a gap,
// and only (blocks, dim) floats are written and read on the way, all of them in L2. A cooperative kernel would save the
// second launch, but needs every block resident at once, which nobody can promise when contexts share a device. The
// slices depend on the list's length, the grid does not: one graph serves any list.
//
// With rectified activations the up row of a neuron whose gate is not positive is not read, nor the down row of one
// whose activation is 0: neither could change the result. With the others the first down rows are fetched into L2 while
// the block waits for its last dots. Memory bounds the time.
#include "activation.h"
#include "coreinfer/cuda.h"
#include "coreinfer/kernels.h"
#include "ffn_down.h"
#include "ffn_slice.h"
#include "stream.h"

namespace coreinfer {
namespace {

// A block's vector, dots and sums of teams in dynamic shared memory. The sums come when the dots were read.
struct Shared {
  float4* staged;
  float* dots;
  float4* team_sums;
};

__host__ __device__ __forceinline__ int64_t VectorFloats(const FfnDecode& decode) {
  return decode.is_aligned ? StagedFloats(decode.ffn.up.dtype, decode.ffn.dim) : 0;
}

// Parts per dot.
__host__ __device__ __forceinline__ int DotParts(const FfnDecode& decode) {
  return decode.is_aligned ? PartsOf(decode.ffn.up.dtype, decode.ffn.dim) : 1;
}

__device__ __forceinline__ Shared SharedOf(const FfnDecode& decode) {
  auto* staged = DynamicShared<float4>();
  float4* behind = staged + VectorFloats(decode) / 4;
  return {staged, reinterpret_cast<float*>(behind), behind};
}

int64_t SharedBytes(const FfnDecode& decode, int64_t blocks) {
  const int64_t neurons = (decode.ffn.neurons - 1) / blocks + 1;
  const int64_t dots = 2 * neurons * DotParts(decode);
  const int64_t sums = decode.is_aligned ? 8 * kDotThreads : 0;
  return (VectorFloats(decode) + (dots > sums ? dots : sums)) * static_cast<int64_t>(sizeof(float));
}

// Listed rows 2 i and 2 i + 1; an odd last one is its own partner. Gate and up differ in their addresses only.
template <int kDtype>
struct ListedRows {
  const Ffn& ffn;
  const DotRows& list;

  __device__ __forceinline__ void PointTo(int index, int which, RowPair* pair) const {
    const bool is_gate = list.rows[index] < 0;
    const int64_t row = is_gate ? -1 - list.rows[index] : list.rows[index];
    pair->q[which] = (is_gate ? ffn.gate.q : ffn.up.q) + row * ElementBytes(kDtype, ffn.dim);
    pair->d[which] = (is_gate ? ffn.gate.d : ffn.up.d) + row * ScaleBytes(kDtype, ffn.dim);
  }

  __device__ __forceinline__ RowPair At(int pair) const {
    RowPair rows;
    PointTo(2 * pair, 0, &rows);
    PointTo(min(2 * pair + 1, list.count - 1), 1, &rows);
    return rows;
  }
};

template <int kDtype>
__device__ __forceinline__ void DotAligned(const FfnDecode& decode, const DotRows& list, bool stages,
                                           const Shared& shared) {
  const ListedRows<kDtype> rows{decode.ffn, list};
  DotWalk<kDtype, ListedRows<kDtype>> walk(rows, (list.count + 1) / 2, decode.ffn.dim);
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
    DeviceMatrix matrix = decode.ffn.up;
    if (row < 0) matrix = decode.ffn.gate;
    float sum = 0.0f;
    for (int j = lane; j < decode.ffn.dim; j += kWarpThreads) {
      sum = fmaf(ElementAt(matrix, row < 0 ? -1 - row : row, j), decode.x[j], sum);
    }
    sum = WarpSum(sum);
    if (lane == 0) dots[i] = sum;
  }
}

// The dots of all listed rows, in parts; a barrier stands before they are read. x is staged on the way when `stages`.
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
__device__ void SumUnaligned(const DeviceMatrix& down, const ActiveNeurons& active, float* partial) {
  for (int column = static_cast<int>(threadIdx.x); column < down.columns; column += kDotThreads) {
    float sum = 0.0f;
    for (int i = 0; i < active.count; ++i) {
      sum = fmaf(active.activations[i], ElementAt(down, active.rows[i], active.ids[i], column), sum);
    }
    partial[column] = sum;
  }
}

__device__ __forceinline__ void SumRows(const DeviceMatrix& down, const ActiveNeurons& active, bool is_aligned,
                                        float4* team_sums, float* partial) {
  if (!is_aligned) return SumUnaligned(down, active, partial);
  switch (down.dtype) {
    case CI_F32:
      return SumActiveRows<CI_F32>(down, active, team_sums, partial);
    case CI_F16:
      return SumActiveRows<CI_F16>(down, active, team_sums, partial);
    case CI_BF16:
      return SumActiveRows<CI_BF16>(down, active, team_sums, partial);
    case CI_Q8_0:
      return SumActiveRows<CI_Q8_0>(down, active, team_sums, partial);
    case CI_Q4_0:
      return SumActiveRows<CI_Q4_0>(down, active, team_sums, partial);
    case CI_Q8_0_SHARED:
      return SumActiveRows<CI_Q8_0_SHARED>(down, active, team_sums, partial);
    default:
      return SumActiveRows<CI_Q4_0_SHARED>(down, active, team_sums, partial);
  }
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
  const bool takes_both = is_gated && !is_rectified;

  // There is no loop around what follows: the compiler would move what it can of every dtype's code in front of it.
  const int i = static_cast<int>(threadIdx.x);
  const Slice slice = SliceOf(decode.core);
  const bool has_neuron = i < slice.count;
  Neuron neuron = {};
  if (has_neuron) {
    neuron = NeuronAt(decode, slice.first + i);
    list.rows[takes_both ? 2 * i : i] = is_gated ? -1 - neuron.row : neuron.row;
    if (takes_both) list.rows[2 * i + 1] = neuron.row;
  }
  if (i == 0) list.count = takes_both ? 2 * slice.count : slice.count;
  __syncthreads();
  DotListedRows(decode, list, true, shared);
  if (has_neuron && !is_rectified && decode.is_aligned) PrefetchDown(ffn.down, neuron);
  __syncthreads();

  float gate = 0.0f;
  float up = 0.0f;
  if (is_gated && is_rectified) {
    if (has_neuron) gate = SumOfParts(shared.dots, i, parts) + neuron.gate_bias;
    int positive;
    const int place = PlaceAmongKept(gate > 0.0f, &positive);
    if (gate > 0.0f) list.rows[place] = neuron.row;
    if (i == 0) list.count = positive;
    __syncthreads();
    DotListedRows(decode, list, false, shared);
    __syncthreads();
    if (gate > 0.0f) up = SumOfParts(shared.dots, place, parts) + neuron.up_bias;
  } else if (has_neuron) {
    if (takes_both) gate = SumOfParts(shared.dots, 2 * i, parts) + neuron.gate_bias;
    up = SumOfParts(shared.dots, takes_both ? 2 * i + 1 : i, parts) + neuron.up_bias;
  }
  const float activation = Activate(ffn.activation, is_gated, gate, up);
  if (has_neuron) decode.activations[slice.first + i] = activation;
  const bool counts = has_neuron && !(is_rectified && activation == 0.0f);
  ListActive(neuron, activation, counts, HasSharedScales(ffn.down.dtype), &active);
  SumRows(ffn.down, active, decode.is_aligned, shared.team_sums, decode.partials + int64_t{blockIdx.x} * ffn.dim);
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
  // As many blocks per multiprocessor as keep slices within a neuron per thread: one, where there are as many neurons
  // as usual.
  const int64_t per_round = int64_t{c.multiprocessors} * kMostSliceNeurons;
  const int64_t blocks = c.multiprocessors * ((ffn.neurons - 1) / per_round + 1);
  constexpr int64_t kStaticBytes = sizeof(DotRows) + sizeof(ActiveNeurons) + 256;
  decode.is_aligned = HasAlignedOctets(ffn.up) && (ffn.gate.q == nullptr || HasAlignedOctets(ffn.gate)) &&
                      HasAlignedOctets(ffn.down) && IsAligned(decode.x, 16);
  if (decode.is_aligned) decode.is_aligned = SharedBytes(decode, blocks) + kStaticBytes <= c.most_shared_bytes;
  decode.partials = static_cast<float*>(c.Scratch(blocks * ffn.dim * static_cast<int64_t>(sizeof(float))));
  const int32_t status = Launch(c, function, ffn_decode_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kDotThreads),
                                SharedBytes(decode, blocks), decode);
  if (status != CI_OK) return status;
  return Launch(c, function, ffn_reduce_kernel, dim3(static_cast<unsigned>((ffn.dim - 1) / kWarpThreads + 1)),
                dim3(kReduceThreads), 0, decode.partials, static_cast<int>(blocks), ffn.dim, ffn.down_bias, y);
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
