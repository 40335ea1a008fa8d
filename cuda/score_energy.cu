// Sums over a prompt's activations. Energies: a block takes every so many-th token, keeps the activations in registers
// between the token's own sum of squares and their addition, and a sum for every neuron in shared memory, where it
// fits; then the blocks' sums are added in a fixed order. Reading the activations once bounds the time.
#include "context.h"
#include "coreinfer/kernels.h"
#include "score_row.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 512;
constexpr int kHeld = 8;  // times 16 bytes of a token that a thread holds

__device__ __forceinline__ void LoadHeld(const ActivationRow& row, int first, float4 (&held)[kHeld]) {
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    const int q = first + i * kThreads;
    held[i] = q < row.quads() ? row.Quad(q) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  }
}

// partials (blocks, neurons rounded up to 4).
__global__ void __launch_bounds__(kThreads, 2)
    score_energy_kernel(const float* __restrict__ activations, int tokens, int neurons, bool normalize, bool is_shared,
                        float4* __restrict__ partials) {
  constexpr int kStep = kThreads * kHeld;
  const int quads = (neurons + 3) / 4;
  float4* partial = partials + static_cast<int64_t>(blockIdx.x) * quads;
  float4* sums = is_shared ? DynamicShared<float4>() : partial;
  for (int q = threadIdx.x; q < quads; q += kThreads) sums[q] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  for (int64_t t = blockIdx.x; t < tokens; t += gridDim.x) {
    const ActivationRow row(activations, t, neurons);
    float4 held[kHeld];
    double squares = 0.0;
    for (int first = threadIdx.x; first - static_cast<int>(threadIdx.x) < quads; first += kStep) {
      LoadHeld(row, first, held);
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        const float4 a = held[i];
        squares += (static_cast<double>(a.x) * a.x + static_cast<double>(a.y) * a.y) +
                   (static_cast<double>(a.z) * a.z + static_cast<double>(a.w) * a.w);
      }
    }
    float factor = 1.0f;
    if (normalize) {
      squares = BlockSum<kThreads>(squares);
      factor = squares == 0.0 ? 0.0f : static_cast<float>(1.0 / sqrt(squares));
    }
    for (int first = threadIdx.x; first - static_cast<int>(threadIdx.x) < quads; first += kStep) {
      if (quads > kStep) LoadHeld(row, first, held);  // again, from cache
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        const int q = first + i * kThreads;
        if (q >= quads) continue;
        const float4 a = make_float4(held[i].x * factor, held[i].y * factor, held[i].z * factor, held[i].w * factor);
        const float4 sum = sums[q];
        sums[q] = make_float4(sum.x + a.x * a.x, sum.y + a.y * a.y, sum.z + a.z * a.z, sum.w + a.w * a.w);
      }
    }
  }
  if (!is_shared) return;
  for (int q = threadIdx.x; q < quads; q += kThreads) partial[q] = sums[q];
}

constexpr int kSlices = 16;  // of the blocks' sums

// scores += the sum of the blocks' sums. Threads: (32 neighbouring quads of neurons, slices).
__global__ void __launch_bounds__(kWarpThreads* kSlices, 1)
    score_add_kernel(const float4* __restrict__ partials, int blocks, int neurons, float* __restrict__ scores) {
  __shared__ double sums[kSlices][4][kWarpThreads];
  const int quads = (neurons + 3) / 4;
  const int lane = threadIdx.x;
  const int q = blockIdx.x * kWarpThreads + lane;
  double sum[4] = {};
  if (q < quads) {
#pragma unroll 4
    for (int block = threadIdx.y; block < blocks; block += kSlices) {
      const float4 four = partials[static_cast<int64_t>(block) * quads + q];
      sum[0] += four.x;
      sum[1] += four.y;
      sum[2] += four.z;
      sum[3] += four.w;
    }
  }
  for (int i = 0; i < 4; ++i) sums[threadIdx.y][i][lane] = sum[i];
  __syncthreads();
  const int64_t neuron = 4 * static_cast<int64_t>(q) + threadIdx.y;
  if (threadIdx.y >= 4 || neuron >= neurons) return;
  double total = 0.0;
  for (int slice = 0; slice < kSlices; ++slice) total += sums[slice][threadIdx.y][lane];
  scores[neuron] += static_cast<float>(total);
}

// Adds the number of activations above 0; several loads of a thread are in flight.
__global__ void __launch_bounds__(kThreads, 1)
    score_positives_kernel(const float* __restrict__ activations, int64_t count, unsigned long long* positives) {
  const int64_t quads = IsAligned(activations, 16) ? count / 4 : 0;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  unsigned long long found = 0;
#pragma unroll 4
  for (int64_t q = first; q < quads; q += stride) {
    const float4 a = reinterpret_cast<const float4*>(activations)[q];
    found += (a.x > 0.0f ? 1 : 0) + (a.y > 0.0f ? 1 : 0) + (a.z > 0.0f ? 1 : 0) + (a.w > 0.0f ? 1 : 0);
  }
  for (int64_t i = 4 * quads + first; i < count; i += stride) found += activations[i] > 0.0f ? 1 : 0;
  found = BlockSum<kThreads>(found);
  if (threadIdx.x == 0) atomicAdd(positives, found);
}

int32_t AddEnergies(ci_context& c, const float* activations, int32_t tokens, int32_t neurons, bool normalize,
                    float* scores) {
  const int64_t quads = (int64_t{neurons} + 3) / 4;
  const int64_t bytes = quads * static_cast<int64_t>(sizeof(float4));
  const int64_t tokens_of_block = (int64_t{tokens} + 2 * c.multiprocessors - 1) / (2 * c.multiprocessors);
  const auto blocks = static_cast<int>((tokens + tokens_of_block - 1) / tokens_of_block);
  auto* partials = static_cast<float4*>(c.Scratch(blocks * bytes));
  constexpr int64_t kStaticBytes = kThreads / kWarpThreads * sizeof(double);
  const bool is_shared = bytes + kStaticBytes <= c.most_shared_bytes;
  const int32_t status = Launch(c, "ci_score_energy", score_energy_kernel, static_cast<unsigned>(blocks), kThreads,
                                is_shared ? bytes : 0, activations, tokens, neurons, normalize, is_shared, partials);
  if (status != CI_OK) return status;
  return Launch(c, "ci_score_energy", score_add_kernel,
                static_cast<unsigned>((quads + kWarpThreads - 1) / kWarpThreads), dim3(kWarpThreads, kSlices), 0,
                partials, blocks, neurons, scores);
}

int32_t AddPositives(ci_context& c, const float* activations, int64_t count, int64_t* positives) {
  auto* found = static_cast<unsigned long long*>(c.Scratch(sizeof(unsigned long long)));
  Require(cudaMemsetAsync(found, 0, sizeof(*found), c.stream), "cudaMemsetAsync");
  const int64_t needed = (count / 4 + kThreads) / kThreads;
  const int64_t most = int64_t{4} * c.multiprocessors;
  const int32_t status =
      Launch(c, "ci_score_positives", score_positives_kernel, static_cast<unsigned>(needed < most ? needed : most),
             kThreads, 0, activations, count, found);
  if (status != CI_OK) return status;
  unsigned long long result = 0;
  Require(cudaMemcpyAsync(&result, found, sizeof(result), cudaMemcpyDeviceToHost, c.stream), "cudaMemcpyAsync");
  const int32_t waited = Wait("ci_score_positives", c);
  if (waited == CI_OK) *positives += static_cast<int64_t>(result);
  return waited;
}

}  // namespace
}  // namespace coreinfer

int32_t ci_score_energy(ci_context* context, const float* activations, int32_t tokens, int32_t neurons,
                        int32_t normalize, float* scores) {
  return coreinfer::Call("ci_score_energy", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequireRange("normalize", normalize, 0, 1);
    coreinfer::RequirePointer("scores", scores);
    return coreinfer::AddEnergies(c, activations, tokens, neurons, normalize == 1, scores);
  });
}

int32_t ci_score_positives(ci_context* context, const float* activations, int64_t count, int64_t* positives) {
  return coreinfer::Call("ci_score_positives", context, [&](ci_context& c) {
    coreinfer::RequireArray("activations", activations, {count});
    coreinfer::RequirePointer("positives", positives);
    return coreinfer::AddPositives(c, activations, count, positives);
  });
}
