// Copies the listed rows of a matrix together, for models whose dense weights are not kept on the device. Blocks take
// rows in turn, threads 16 bytes of them; memory bounds the time. The list is read on the device.
#include "coreinfer/cuda.h"
#include "ffn.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;

// The whole block copies `bytes` bytes.
__device__ __forceinline__ void CopyBytes(const uint8_t* source, int64_t bytes, uint8_t* target) {
  int64_t done = 0;
  if (IsAligned(source, 16) && IsAligned(target, 16)) {
    done = bytes / 16 * 16;
    for (int64_t i = threadIdx.x; i < bytes / 16; i += kThreads) {
      reinterpret_cast<uint4*>(target)[i] = __ldcs(reinterpret_cast<const uint4*>(source) + i);
    }
  }
  for (int64_t i = done + threadIdx.x; i < bytes; i += kThreads) target[i] = source[i];
}

__global__ void __launch_bounds__(kThreads)
    pack_kernel(DeviceMatrix weight, const int32_t* __restrict__ core_ids, const int32_t* __restrict__ core,
                uint8_t* packed_q, uint8_t* packed_d) {
  const int count = *core;
  const int64_t q_bytes = ElementBytes(weight.dtype, weight.columns);
  const int64_t d_bytes = ScaleBytes(weight.dtype, weight.columns);
  const bool has_shared_scales = HasSharedScales(weight.dtype);
  for (int i = static_cast<int>(blockIdx.x); i < count; i += static_cast<int>(gridDim.x)) {
    const int64_t row = core_ids[i];
    CopyBytes(weight.q + row * q_bytes, q_bytes, packed_q + i * q_bytes);
    if (!has_shared_scales) CopyBytes(weight.d + row * d_bytes, d_bytes, packed_d + i * d_bytes);
  }
  if (!has_shared_scales) return;
  const int groups = weight.rows / kGroupSize;
  for (int64_t i = blockIdx.x; i < groups; i += gridDim.x) {
    CopyBytes(weight.d + i * d_bytes, d_bytes, packed_d + i * d_bytes);
  }
}

}  // namespace
}  // namespace coreinfer

int32_t ci_cuda_ffn_pack(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                         const int32_t* core_ids, const int32_t* core, int32_t capacity, void* packed) {
  return coreinfer::Call("ci_cuda_ffn_pack", context, [&](ci_context& c) {
    const coreinfer::DeviceMatrix matrix = coreinfer::RequireAnyDeviceMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequirePointer("core_ids", core_ids);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequireRange("capacity", capacity, 1, rows);
    coreinfer::RequirePointer("packed", packed);
    const coreinfer::DeviceMatrix target = coreinfer::ViewOf(dtype, packed, capacity, columns);
    coreinfer::RequireAlignment("packed", target);
    const int blocks = 8 * c.multiprocessors;
    return coreinfer::Launch(c, "ci_cuda_ffn_pack", coreinfer::pack_kernel, dim3(static_cast<unsigned>(blocks)),
                             dim3(coreinfer::kThreads), 0, matrix, core_ids, core, static_cast<uint8_t*>(packed),
                             static_cast<uint8_t*>(packed) + (target.d - target.q));
  });
}
