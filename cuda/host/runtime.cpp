// One simulated device. Work waits in its stream until somebody waits for the stream, and runs on that caller's thread;
// the work of one stream runs in order, streams one after another. Copies from memory that is not pinned take the bytes
// at once, as CUDA does; from pinned memory they take them when they run. A kernel that traps leaves the sticky error
// that every later call returns. The device has few multiprocessors, so that small shapes fill it more than once, and
// the shared memory of a Hopper GPU, or with COREINFER_SIMT_SMALL=1 that of the smallest supported one.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "runtime_api.h"
#include "runtime_state.h"
#include "simt.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace simt {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

// Only kernels and copies may touch device memory.
void Open(const Device& device, bool open) {
#if defined(__SANITIZE_ADDRESS__)
  for (const auto& [address, bytes] : device.memory) {
    const auto* memory = reinterpret_cast<const void*>(address);
    if (open) {
      __asan_unpoison_memory_region(memory, bytes);
    } else {
      __asan_poison_memory_region(memory, bytes);
    }
  }
#else
  static_cast<void>(device);
  static_cast<void>(open);
#endif
}

bool IsSmallDevice() {
  const char* small = std::getenv("COREINFER_SIMT_SMALL");
  return small != nullptr && small[0] == '1';
}

size_t MostSharedBytes() { return IsSmallDevice() ? 64 << 10 : 227 << 10; }

}  // namespace

Device& TheDevice() {
  static Device device;
  return device;
}

cudaError_t Return(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

bool Holds(const std::map<uintptr_t, size_t>& memory, const void* address, size_t bytes) {
  const auto start = reinterpret_cast<uintptr_t>(address);
  auto found = memory.upper_bound(start);
  if (found == memory.begin()) return false;
  --found;
  const uintptr_t offset = start - found->first;
  return offset <= found->second && bytes <= found->second - offset;
}

Stream* Find(Device& device, cudaStream_t stream) {
  if (stream == nullptr) return &device.default_stream;
  return device.streams.count(stream) != 0 ? stream : nullptr;
}

cudaError_t Enqueue(Device& device, cudaStream_t stream, Work work) {
  Stream* found = Find(device, stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  (found->recording != nullptr ? found->recording->work : found->queue).push_back(std::move(work));
  return cudaSuccess;
}

cudaError_t Drain(Device& device, Stream& stream) {
  if (stream.queue.empty()) return device.sticky;
  const std::vector<Work> queue = std::exchange(stream.queue, {});
  Open(device, true);
  for (const Work& work : queue) {
    if (!work()) {
      device.sticky = cudaErrorLaunchFailure;
      break;
    }
  }
  Open(device, false);
  return device.sticky;
}

cudaError_t DrainAll(Device& device) {
  cudaError_t error = Drain(device, device.default_stream);
  for (Stream* stream : device.streams) {
    if (error == cudaSuccess) error = Drain(device, *stream);
  }
  return error;
}

namespace {

// Whether the calling thread must not make unsafe calls while this is recorded.
bool Forbids(const Graph& recording) {
  switch (recording.mode) {
    case cudaStreamCaptureModeGlobal:
      return true;
    case cudaStreamCaptureModeThreadLocal:
      return recording.recorder == std::this_thread::get_id();
    default:
      return false;
  }
}

}  // namespace

cudaError_t RefuseWhileRecording(Device& device) {
  cudaError_t error = cudaSuccess;
  for (Stream* stream : device.streams) {
    if (stream->recording == nullptr || !Forbids(*stream->recording)) continue;
    stream->recording->spoiled = true;
    error = cudaErrorStreamCaptureUnsupported;
  }
  return error;
}

bool IsVisibleToDevice(const void* address) {
  if (address == nullptr) return true;
  Device& device = TheDevice();
  std::lock_guard<std::recursive_mutex> lock(device.lock);
  return Holds(device.memory, address, 0) || Holds(device.pinned, address, 0);
}

cudaError_t SetFunctionAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return OnDevice([&](Device& device) {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<size_t>(value) > MostSharedBytes()) return cudaErrorInvalidValue;
    device.shared_limits[kernel] = static_cast<size_t>(value);
    return cudaSuccess;
  });
}

cudaError_t Launch(const cudaLaunchConfig_t& config, const void* kernel, int bad_argument,
                   std::function<void()> thread) {
  return OnDevice([&](Device& device) {
    const dim3 blocks = config.gridDim;
    const dim3 threads = config.blockDim;
    if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0 || blocks.x > 0x7fffffffu || blocks.y > 65535 ||
        blocks.z > 65535 || threads.x == 0 || threads.y == 0 || threads.z == 0 || threads.x > 1024 ||
        threads.y > 1024 || threads.z > 64 || uint64_t{threads.x} * threads.y * threads.z > 1024) {
      return cudaErrorInvalidConfiguration;
    }
    const auto limit = device.shared_limits.find(kernel);
    const size_t most = limit == device.shared_limits.end() ? kSharedBytes : std::max(kSharedBytes, limit->second);
    if (config.dynamicSmemBytes > most) return cudaErrorInvalidValue;
    if (bad_argument != 0) {
      std::fprintf(stderr, "simt: argument %d of a kernel points to memory that the device cannot see\n", bad_argument);
      return cudaErrorIllegalAddress;
    }
    const Grid grid{blocks, threads, config.dynamicSmemBytes, std::move(thread)};
    return Enqueue(device, config.stream, [grid] { return Run(grid); });
  });
}

}  // namespace simt

using simt::Device;
using simt::OnDevice;
using simt::Return;

cudaError_t cudaGetLastError() { return std::exchange(simt::last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return simt::last_error; }

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    default:
      return "cudaErrorStreamCaptureUnsupported";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    default:
      return "operation not permitted when stream is capturing";
  }
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return Return(device == 0 ? cudaSuccess : cudaErrorInvalidDevice); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return Return(cudaErrorInvalidDevice);
  *properties = cudaDeviceProp{};
  std::snprintf(properties->name, sizeof(properties->name), "host build");
  properties->major = simt::IsSmallDevice() ? 7 : 9;
  properties->minor = simt::IsSmallDevice() ? 5 : 0;
  properties->multiProcessorCount = 3;
  properties->maxThreadsPerBlock = 1024;
  properties->warpSize = simt::kWarpThreads;
  properties->l2CacheSize = 1 << 20;
  properties->totalGlobalMem = simt::kDeviceBytes;
  properties->sharedMemPerBlock = simt::kSharedBytes;
  properties->sharedMemPerBlockOptin = simt::MostSharedBytes();
  properties->sharedMemPerMultiprocessor = simt::MostSharedBytes();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  const cudaError_t error = cudaGetDeviceProperties(&properties, device);
  if (error != cudaSuccess) return error;
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(properties.sharedMemPerBlock);
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(properties.sharedMemPerBlockOptin);
      break;
  }
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  return OnDevice([](Device& device) {
    const cudaError_t refused = RefuseWhileRecording(device);
    return refused != cudaSuccess ? refused : DrainAll(device);
  });
}

cudaError_t cudaDeviceReset() {
  Device& device = simt::TheDevice();
  std::lock_guard<std::recursive_mutex> lock(device.lock);
  device.default_stream.queue.clear();
  for (simt::Stream* stream : device.streams) stream->queue.clear();
  device.sticky = cudaSuccess;
  simt::last_error = cudaSuccess;
  return cudaSuccess;
}
