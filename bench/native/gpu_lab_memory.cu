// Memory of the device: random contents, and the rates at which it can be copied and read, which bound decode.
#include <algorithm>

#include "cuda/context.h"
#include "cuda/device.h"
#include "gpu_lab.h"

namespace gpu_lab {
namespace {

constexpr int kThreads = 512;

// Each word: bits of `varying` at random, and `fixed`.
__global__ void __launch_bounds__(kThreads)
    fill_kernel(uint32_t* words, int64_t count, uint32_t varying, uint32_t fixed, uint32_t seed) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += int64_t{gridDim.x} * kThreads) {
    uint32_t bits = static_cast<uint32_t>(i) * 2654435761u + seed * 40503u;
    bits ^= bits >> 16;
    bits *= 0x7feb352du;
    bits ^= bits >> 15;
    bits *= 0x846ca68bu;
    bits ^= bits >> 16;
    words[i] = (bits & varying) | fixed;
  }
}

// Reads everything; the sums only keep the compiler from leaving the loads out.
__global__ void __launch_bounds__(kThreads)
    read_kernel(const uint4* __restrict__ data, int64_t count, uint32_t* __restrict__ sums) {
  constexpr int kAtOnce = 8;
  const int64_t stride = int64_t{gridDim.x} * kThreads;
  uint32_t sum = 0;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += kAtOnce * stride) {
    uint4 words[kAtOnce];
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
      words[k] = i + k * stride < count ? __ldcs(data + i + k * stride) : make_uint4(0, 0, 0, 0);
    }
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) sum += words[k].x ^ words[k].y ^ words[k].z ^ words[k].w;
  }
  sums[int64_t{blockIdx.x} * kThreads + threadIdx.x] = sum;
}

}  // namespace

void Lab::FillRandom(void* data, int64_t bytes, uint32_t varying, uint32_t fixed) {
  if (bytes < 4) return;
  const int64_t words = bytes / 4;
  const int64_t blocks = std::min<int64_t>((words - 1) / kThreads + 1, 16 * device.multiprocessors);
  Require(coreinfer::Launch(*context, "gpu_lab", fill_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0,
                            static_cast<uint32_t*>(data), words, varying, fixed, seed_++));
}

void MeasureCeilings(Lab* lab) {
  const int64_t bytes = lab->options.smoke ? 1 << 16 : int64_t{1} << 30;
  const Memory source = lab->Floats(bytes / 4);
  const Memory target(bytes);
  Result copy = lab->Measure("copy", 1, [&] {
    Require(cudaMemcpyAsync(target.data(), source.data(), static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice,
                            lab->stream),
            "cudaMemcpyAsync");
  });
  copy.bytes = 2.0 * static_cast<double>(bytes);
  lab->copy_rate = copy.bytes / copy.median;

  const int blocks = 4 * lab->device.multiprocessors;
  const Memory sums(int64_t{blocks} * kThreads * 4);
  Result read = lab->Measure("read", 1, [&] {
    Require(coreinfer::Launch(*lab->context, "gpu_lab", read_kernel, dim3(static_cast<unsigned>(blocks)),
                              dim3(kThreads), 0, static_cast<const uint4*>(source.data()), bytes / 16,
                              static_cast<uint32_t*>(sums.data())));
  });
  read.bytes = static_cast<double>(bytes);
  lab->read_rate = read.bytes / read.median;
  lab->ceiling = std::max(lab->copy_rate, lab->read_rate);
  lab->Report(copy);
  lab->Report(read);
}

}  // namespace gpu_lab
