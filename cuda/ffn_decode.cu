// Decode's feed-forward layer over a list of neurons, in one pass over the weights.
//
// Every block takes an equal slice of the list: first both dots and the activation of each of its neurons (dots.h),
// then the sum of their down rows (ffn_down.h), which it leaves in scratch memory; a second, small kernel adds the
// blocks' sums to y in order. So no neuron's work waits for another block, the bytes of gate, up and down flow without
// a gap, and only (blocks, dim) floats are written and read on the way, all of them in L2. A cooperative kernel would
// save the second launch, but needs every block resident at once, which nobody can promise when contexts share a
// device. The slices depend on the list's length, the grid does not: one graph serves any list.
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

// A block's dynamic shared memory: the vector, in whose place the sums of teams come, the rings and the dots.
struct Shared {
  float4* staged;
  uint8_t* rings;
  float* dots;
};

__host__ __device__ __forceinline__ int64_t VectorBytes(const FfnDecode& decode) {
  if (decode.depth == 0) return 0;
  const int64_t staged = StagedFloats(decode.ffn.up.dtype, decode.ffn.dim) * 4;
  constexpr int64_t kSums = 8 * 4 * kDotThreads;
  return staged > kSums ? staged : kSums;
}

__device__ __forceinline__ Shared SharedOf(const FfnDecode& decode) {
  auto* memory = DynamicShared<uint8_t>();
  uint8_t* rings = memory + VectorBytes(decode);
  uint8_t* dots = rings + RingBytes(decode.ffn.up.dtype, decode.depth);
  return {reinterpret_cast<float4*>(memory), rings, reinterpret_cast<float*>(dots)};
}

int64_t SharedBytes(const FfnDecode& decode, int64_t blocks) {
  const int64_t neurons = (decode.ffn.neurons - 1) / blocks + 1;
  return VectorBytes(decode) + RingBytes(decode.ffn.up.dtype, decode.depth) + 4 * DotFloats(2 * neurons);
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
  DotWalk<kDtype, ListedRows<kDtype>> walk(rows, (list.count + 1) / 2, decode.ffn.dim, shared.rings, decode.depth);
  walk.Start();
  if (stages) StageVector<kDtype>(decode.x, decode.ffn.dim, shared.staged);
  __syncthreads();
  walk.Finish(shared.staged, shared.dots);
}

// A warp for each row, element by element.
__device__ void DotUnaligned(const FfnDecode& decode, const DotRows& list, float* dots) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  WaitForPrevious();
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

// The dots of all listed rows, by shares; a barrier stands before they are read. x is staged on the way when `stages`.
__device__ __forceinline__ void DotListedRows(const FfnDecode& decode, const DotRows& list, bool stages,
                                              const Shared& shared) {
  if (decode.depth == 0) return DotUnaligned(decode, list, shared.dots);
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

// The dot of a listed row.
__device__ __forceinline__ float DotOf(const FfnDecode& decode, const DotRows& list, const float* dots, int row) {
  if (decode.depth == 0) return dots[row];
  const int pieces = PiecesOf(decode.ffn.up.dtype, decode.ffn.dim);
  return Division{pieces, pieces * ((list.count + 1) / 2)}.Dot(dots, row);
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

// partial (dim) = the sum of the active neurons' down rows. The rings are free: all dots were taken.
__device__ __forceinline__ void SumDownRows(const FfnDecode& decode, const ActiveNeurons& active, const Shared& shared,
                                            float* partial) {
  const DeviceMatrix& down = decode.ffn.down;
  if (decode.depth == 0) return SumUnaligned(down, active, partial);
  const int depth = DownDepth(down.dtype, RingBytes(decode.ffn.up.dtype, decode.depth));
  switch (down.dtype) {
    case CI_F32:
      return SumActiveRows<CI_F32>(down, active, shared.rings, depth, shared.staged, partial);
    case CI_F16:
      return SumActiveRows<CI_F16>(down, active, shared.rings, depth, shared.staged, partial);
    case CI_BF16:
      return SumActiveRows<CI_BF16>(down, active, shared.rings, depth, shared.staged, partial);
    case CI_Q8_0:
      return SumActiveRows<CI_Q8_0>(down, active, shared.rings, depth, shared.staged, partial);
    case CI_Q4_0:
      return SumActiveRows<CI_Q4_0>(down, active, shared.rings, depth, shared.staged, partial);
    case CI_Q8_0_SHARED:
      return SumActiveRows<CI_Q8_0_SHARED>(down, active, shared.rings, depth, shared.staged, partial);
    default:
      return SumActiveRows<CI_Q4_0_SHARED>(down, active, shared.rings, depth, shared.staged, partial);
  }
}

// Fetches into L2 what the block's first down rows need, a row per thread. Only a hint.
__device__ __forceinline__ void PrefetchDown(const DeviceMatrix& down, const Neuron& neuron) {
  constexpr int kBytes = 64 * 1024;
  const int64_t row_bytes = ElementBytes(down.dtype, down.columns);
  if (threadIdx.x * row_bytes < kBytes) PrefetchToL2(down.q + neuron.row * row_bytes, row_bytes);
}

__global__ void __launch_bounds__(kDotThreads, 1) ffn_decode_kernel(FfnDecode decode) {
  LetNextStart();
  __shared__ DotRows list;
  __shared__ ActiveNeurons active;
  const Ffn& ffn = decode.ffn;
  const Shared shared = SharedOf(decode);
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
  if (has_neuron && !is_rectified && decode.depth > 0) PrefetchDown(ffn.down, neuron);
  __syncthreads();

  float gate = 0.0f;
  float up = 0.0f;
  if (is_gated && is_rectified) {
    if (has_neuron) gate = DotOf(decode, list, shared.dots, i) + neuron.gate_bias;
    int positive;
    const int place = PlaceAmongKept(gate > 0.0f, &positive);
    if (gate > 0.0f) list.rows[place] = neuron.row;
    if (i == 0) list.count = positive;
    __syncthreads();
    DotListedRows(decode, list, false, shared);
    __syncthreads();
    if (gate > 0.0f) up = DotOf(decode, list, shared.dots, place) + neuron.up_bias;
  } else if (has_neuron) {
    if (takes_both) gate = DotOf(decode, list, shared.dots, 2 * i) + neuron.gate_bias;
    up = DotOf(decode, list, shared.dots, takes_both ? 2 * i + 1 : i) + neuron.up_bias;
  }
  const float activation = Activate(ffn.activation, is_gated, gate, up);
  if (has_neuron) decode.activations[slice.first + i] = activation;
  const bool counts = has_neuron && !(is_rectified && activation == 0.0f);
  ListActive(neuron, activation, counts, HasSharedScales(ffn.down.dtype), &active);
  SumDownRows(decode, active, shared, decode.partials + int64_t{blockIdx.x} * ffn.dim);
}

// y += bias + the blocks' sums, in their order: a warp for each share of the blocks, a lane for each column.
constexpr int kReduceThreads = 256;
constexpr int kReduceWarps = kReduceThreads / kWarpThreads;

__global__ void __launch_bounds__(kReduceThreads)
    ffn_reduce_kernel(const float* __restrict__ partials, int blocks, int dim, const float* __restrict__ down_bias,
                      float* y) {
  __shared__ float sums[kReduceWarps][kWarpThreads];
  LetNextStart();
  WaitForPrevious();
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const int column = static_cast<int>(blockIdx.x) * kWarpThreads + lane;
  const int end = blocks * (warp + 1) / kReduceWarps;
  float start = 0.0f;
  float sum = 0.0f;
  if (column < dim) {
    if (warp == 0) start = down_bias == nullptr ? y[column] : y[column] + down_bias[column];
#pragma unroll 16
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

// How many blocks there are, and how deep their rings: as deep as fits, in one block per multiprocessor unless that
// would have more neurons than threads, or no room. Depth 0 where rows cannot be streamed.
struct Plan {
  int64_t blocks;
  int depth;
};

Plan PlanFor(const ci_context& c, FfnDecode decode) {
  const Ffn& ffn = decode.ffn;
  const int64_t per_round = int64_t{c.multiprocessors} * kMostSliceNeurons;
  const int64_t least = (ffn.neurons - 1) / per_round + 1;
  const bool can_stream = CanStream(ffn.up) && (ffn.gate.q == nullptr || CanStream(ffn.gate)) && CanStream(ffn.down) &&
                          IsAligned(decode.x, 16);
  if (!can_stream) return {least * c.multiprocessors, 0};
  constexpr int64_t kStaticBytes = sizeof(DotRows) + sizeof(ActiveNeurons) + 256;
  for (int64_t rounds = least; rounds < least + 4; ++rounds) {
    for (decode.depth = kMostDepth; decode.depth > 0; decode.depth /= 2) {
      const int64_t blocks = rounds * c.multiprocessors;
      if (SharedBytes(decode, blocks) + kStaticBytes <= c.most_shared_bytes) return {blocks, decode.depth};
    }
  }
  return {least * c.multiprocessors, 0};
}

int32_t LaunchDecode(ci_context& c, const char* function, FfnDecode decode, float* y) {
  const Ffn& ffn = decode.ffn;
  const Plan plan = PlanFor(c, decode);
  decode.depth = plan.depth;
  decode.partials = static_cast<float*>(c.Scratch(plan.blocks * ffn.dim * static_cast<int64_t>(sizeof(float))));
  const int32_t status = Launch(Start::kEarly, c, function, ffn_decode_kernel, dim3(static_cast<unsigned>(plan.blocks)),
                                dim3(kDotThreads), SharedBytes(decode, plan.blocks), decode);
  if (status != CI_OK) return status;
  return Launch(Start::kEarly, c, function, ffn_reduce_kernel,
                dim3(static_cast<unsigned>((ffn.dim - 1) / kWarpThreads + 1)), dim3(kReduceThreads), 0, decode.partials,
                static_cast<int>(plan.blocks), ffn.dim, ffn.down_bias, y);
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
    return coreinfer::LaunchDecode(c, "ci_ffn_decode", {ffn, x, core_ids, core, false, 0, activations, nullptr}, y);
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
                                   {ffn, x, core_ids, core, true, 0, activations, nullptr}, y);
  });
}
