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
// whose activation is 0: neither could change the result. With the others every neuron counts, so a warp sends for
// its first down rows as soon as it has its last dot, and the bytes flow on while the block waits for the others.
// Memory bounds the time. Several tokens are so many launches; where they use different neurons of the list, each has
// its own list made first.
#include "activation.h"
#include "coreinfer/cuda.h"
#include "coreinfer/kernels.h"
#include "ffn_stages.h"

namespace coreinfer {
namespace {

// Fetches into L2 the shared scales of the block's neurons, a group per thread: its first neuron's, or its warp's.
__device__ __forceinline__ void PrefetchSharedScales(const DeviceMatrix& down, const Neuron& neuron, bool has_neuron) {
  const int group = neuron.id / kGroupSize;
  const int before = __shfl_up_sync(kWholeWarp, group, 1);
  if (!has_neuron || (threadIdx.x % kWarpThreads != 0 && before == group)) return;
  const int64_t bytes = ScaleBytes(down.dtype, down.columns);
  PrefetchToL2(down.d + group * bytes, bytes);
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
  const Share slice = ShareOf(*decode.core);  // so the grid does not depend on the list's length
  const bool has_neuron = i < slice.count;
  Neuron neuron = {};
  if (has_neuron) {
    neuron = NeuronAt(decode, slice.first + i);
    list.rows[takes_both ? 2 * i : i] = is_gated ? -1 - neuron.row : neuron.row;
    if (takes_both) list.rows[2 * i + 1] = neuron.row;
    if (!is_rectified) active.rows[i] = neuron.row;
  }
  if (i == 0) list.count = takes_both ? 2 * slice.count : slice.count;
  if (HasSharedScales(ffn.down.dtype) && decode.depth > 0) PrefetchSharedScales(ffn.down, neuron, has_neuron);
  __syncthreads();
  DotListedRows(decode, list, true, shared);
  if (!is_rectified) StartDownRows(decode, active, slice.count, shared);
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
  SumDownRows(decode, active, !is_rectified, shared, decode.partials + int64_t{blockIdx.x} * ffn.dim);
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
    for (decode.depth = kMostDotDepth; decode.depth > 0; decode.depth /= 2) {
      const int64_t blocks = rounds * c.multiprocessors;
      if (SharedBytes(decode, blocks) + kStaticBytes <= c.most_shared_bytes) return {blocks, decode.depth};
    }
  }
  return {least * c.multiprocessors, 0};
}

// own_ids = the entries of the list that a token uses, own_core how many. One block, which reads the list in rounds.
__global__ void __launch_bounds__(kDotThreads)
    ffn_own_list_kernel(const int32_t* __restrict__ core_ids, const int32_t* __restrict__ core,
                        const uint32_t* __restrict__ users, int token, int32_t* own_ids, int32_t* own_core) {
  const int count = *core;
  int listed = 0;
  for (int first = 0; first < count; first += kDotThreads) {
    const int i = first + static_cast<int>(threadIdx.x);
    const bool uses = i < count && (users[i] >> token & 1) != 0;
    int used;
    const int place = PlaceAmongKept(uses, &used);
    if (uses) own_ids[listed + place] = core_ids == nullptr ? i : core_ids[i];
    listed += used;
  }
  if (threadIdx.x == 0) *own_core = listed;
}

// Which of the listed neurons a token uses: all where users is NULL.
struct Use {
  const uint32_t* users;
  int token;
};

int32_t LaunchDecode(ci_context& c, const char* function, FfnDecode decode, const Use& use, float* y) {
  const Ffn& ffn = decode.ffn;
  const Plan plan = PlanFor(c, decode);
  decode.depth = plan.depth;
  const int64_t partials = plan.blocks * ffn.dim;
  const int64_t own = use.users == nullptr ? 0 : int64_t{ffn.neurons} + 1;
  decode.partials = static_cast<float*>(c.Scratch((partials + own) * static_cast<int64_t>(sizeof(float))));
  Start start = Start::kEarly;
  int32_t status = CI_OK;
  if (use.users != nullptr) {
    auto* own_core = reinterpret_cast<int32_t*>(decode.partials + partials);
    status = Launch(c, function, ffn_own_list_kernel, dim3(1), dim3(kDotThreads), 0, decode.core_ids, decode.core,
                    use.users, use.token, own_core + 1, own_core);
    decode.core_ids = own_core + 1;
    decode.core = own_core;
    start = Start::kInOrder;  // it reads the list without waiting
  }
  if (status != CI_OK) return status;
  status = Launch(start, c, function, ffn_decode_kernel, dim3(static_cast<unsigned>(plan.blocks)), dim3(kDotThreads),
                  SharedBytes(decode, plan.blocks), decode);
  if (status != CI_OK) return status;
  return Launch(Start::kEarly, c, function, ffn_reduce_kernel,
                dim3(static_cast<unsigned>((ffn.dim - 1) / kWarpThreads + 1)), dim3(kReduceThreads), 0, decode.partials,
                static_cast<int>(plan.blocks), ffn.dim, ffn.down_bias, y);
}

}  // namespace
}  // namespace coreinfer

int32_t ci_ffn_decode(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate, const void* up,
                      const float* gate_bias, const float* up_bias, int32_t down_dtype, const void* down,
                      const float* down_bias, const float* x, int32_t tokens, const int32_t* core_ids,
                      const int32_t* core, const uint32_t* users, int32_t neurons, int32_t dim, float* activations,
                      float* y) {
  return coreinfer::Call("ci_ffn_decode", context, [&](ci_context& c) {
    const coreinfer::Ffn ffn = coreinfer::RequireFfn(activation, up_dtype, gate, up, gate_bias, up_bias, down_dtype,
                                                     down, down_bias, neurons, neurons, dim);
    coreinfer::RequirePointer("x", x);
    coreinfer::RequireRange("tokens", tokens, 1, CI_DECODE_TOKENS);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequirePointer("activations", activations);
    coreinfer::RequirePointer("y", y);
    int32_t status = CI_OK;
    for (int32_t t = 0; t < tokens && status == CI_OK; ++t) {
      const int64_t row = t;
      const coreinfer::FfnDecode decode{ffn,    x + row * dim, core_ids, core, false, 0, activations + row * neurons,
                                        nullptr};
      status = coreinfer::LaunchDecode(c, "ci_ffn_decode", decode, {users, t}, y + row * dim);
    }
    return status;
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
                                   {ffn, x, core_ids, core, true, 0, activations, nullptr}, {nullptr, 0}, y);
  });
}
