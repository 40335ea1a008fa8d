// The simulated device's state, behind one lock, and the streams whose work waits to be run.
#ifndef COREINFER_CUDA_HOST_RUNTIME_STATE_H_
#define COREINFER_CUDA_HOST_RUNTIME_STATE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "runtime_api.h"

namespace simt {

using Work = std::function<bool()>;  // false: a kernel trapped

struct Graph {
  std::vector<Work> work;
  cudaStreamCaptureMode mode;
  std::thread::id recorder;
  bool spoiled = false;
};

struct Stream {
  std::vector<Work> queue;
  std::unique_ptr<Graph> recording;
};

constexpr size_t kDeviceBytes = size_t{1} << 30;
constexpr size_t kSharedBytes = 48 << 10;

struct Device {
  std::recursive_mutex lock;
  std::map<uintptr_t, size_t> memory;  // address: bytes
  std::map<uintptr_t, size_t> pinned;
  size_t used = 0;
  Stream default_stream;
  std::set<Stream*> streams;
  std::map<const void*, size_t> shared_limits;  // by kernel
  cudaError_t sticky = cudaSuccess;
};

Device& TheDevice();

/// Leaves an error for cudaGetLastError.
cudaError_t Return(cudaError_t error);

/// Runs body(device) under the lock, unless an earlier kernel failed.
template <class Body>
cudaError_t OnDevice(const Body& body) {
  Device& device = TheDevice();
  std::lock_guard<std::recursive_mutex> lock(device.lock);
  return Return(device.sticky != cudaSuccess ? device.sticky : body(device));
}

/// Whether [address, address + bytes) lies in one of the allocations; their ends count as inside.
bool Holds(const std::map<uintptr_t, size_t>& memory, const void* address, size_t bytes);

/// The stream behind a handle, or null.
Stream* Find(Device& device, cudaStream_t stream);

/// Adds work to a stream or to what it records.
cudaError_t Enqueue(Device& device, cudaStream_t stream, Work work);

/// Runs what waits in a stream, or in all.
cudaError_t Drain(Device& device, Stream& stream);
cudaError_t DrainAll(Device& device);

/// The error of calls that are not allowed while any stream records; they spoil the recording.
cudaError_t RefuseWhileRecording(Device& device);

}  // namespace simt

#endif  // COREINFER_CUDA_HOST_RUNTIME_STATE_H_
