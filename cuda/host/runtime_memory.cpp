// Device and pinned memory, and copies. Fresh device memory holds NaN.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "guarded_memory.h"
#include "runtime_state.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace simt {
namespace {

constexpr size_t kPinnedAlignment = 4096;

// Whether a copy may use the memory that `kind` names on one side.
bool IsSide(const Device& device, const void* memory, size_t bytes, bool on_device) {
  return Holds(device.memory, memory, bytes) == on_device;
}

void Move(void* to, const void* from, size_t bytes) { std::memmove(to, from, bytes); }

cudaError_t Copy(Device& device, void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const bool from_device = kind == cudaMemcpyDefault
                               ? Holds(device.memory, from, bytes)
                               : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const bool to_device = kind == cudaMemcpyDefault ? Holds(device.memory, to, bytes)
                                                   : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  if (!IsSide(device, from, bytes, from_device) || !IsSide(device, to, bytes, to_device)) return cudaErrorInvalidValue;
  Stream* found = Find(device, stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  const bool waits = !to_device && !Holds(device.pinned, to, bytes);
  const bool takes_now = !from_device && !Holds(device.pinned, from, bytes);
  if (found->recording != nullptr && (waits || takes_now)) {
    found->recording->spoiled = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  if (takes_now) {
    const auto* bytes_of = static_cast<const uint8_t*>(from);
    std::vector<uint8_t> taken(bytes_of, bytes_of + bytes);
    Enqueue(device, stream, [to, taken] {
      Move(to, taken.data(), taken.size());
      return true;
    });
  } else {
    Enqueue(device, stream, [to, from, bytes] {
      Move(to, from, bytes);
      return true;
    });
  }
  return waits ? Drain(device, *found) : cudaSuccess;
}

}  // namespace
}  // namespace simt

using simt::Device;
using simt::OnDevice;

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  return OnDevice([&](Device& device) {
    const cudaError_t refused = RefuseWhileRecording(device);
    if (refused != cudaSuccess) return refused;
    *memory = nullptr;
    if (bytes == 0) return cudaSuccess;
    if (bytes <= simt::kDeviceBytes - device.used) *memory = simt::AllocateGuarded(bytes);
    if (*memory == nullptr) return cudaErrorMemoryAllocation;
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(*memory, bytes);
#endif
    device.memory[reinterpret_cast<uintptr_t>(*memory)] = bytes;
    device.used += bytes;
    return cudaSuccess;
  });
}

cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  return OnDevice([&](Device& device) {
    const cudaError_t refused = RefuseWhileRecording(device);
    if (refused != cudaSuccess) return refused;
    const auto found = device.memory.find(reinterpret_cast<uintptr_t>(memory));
    if (found == device.memory.end()) return cudaErrorInvalidValue;
    const cudaError_t error = DrainAll(device);
    simt::FreeGuarded(static_cast<uint8_t*>(memory), found->second, "an allocation");
    device.used -= found->second;
    device.memory.erase(found);
    return error;
  });
}

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  return OnDevice([&](Device& device) {
    if (posix_memalign(memory, simt::kPinnedAlignment, std::max<size_t>(bytes, 1)) != 0)
      return cudaErrorMemoryAllocation;
    device.pinned[reinterpret_cast<uintptr_t>(*memory)] = bytes;
    return cudaSuccess;
  });
}

cudaError_t cudaFreeHost(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  return OnDevice([&](Device& device) {
    if (device.pinned.erase(reinterpret_cast<uintptr_t>(memory)) == 0) return cudaErrorInvalidValue;
    const cudaError_t error = DrainAll(device);
    std::free(memory);
    return error;
  });
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total) {
  return OnDevice([&](Device& device) {
    *free_bytes = simt::kDeviceBytes - device.used;
    *total = simt::kDeviceBytes;
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return OnDevice([&](Device& device) { return simt::Copy(device, to, from, bytes, kind, stream); });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return OnDevice([&](Device& device) {
    const cudaError_t error = simt::Copy(device, to, from, bytes, kind, nullptr);
    return error == cudaSuccess ? simt::Drain(device, device.default_stream) : error;
  });
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  return OnDevice([&](Device& device) {
    if (!simt::Holds(device.memory, memory, bytes)) return cudaErrorInvalidValue;
    return simt::Enqueue(device, stream, [=] {
      std::memset(memory, value, bytes);
      return true;
    });
  });
}
