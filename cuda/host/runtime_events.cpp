// Events: times of the host at which a stream's work got that far.
#include <chrono>

#include "runtime_state.h"

using simt::Device;
using simt::OnDevice;

namespace simt {

struct Event {
  std::chrono::steady_clock::time_point time;
  cudaStream_t stream = nullptr;
};

}  // namespace simt

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new simt::Event;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return OnDevice([&](Device& device) {
    event->stream = stream;
    return Enqueue(device, stream, [event] {
      event->time = std::chrono::steady_clock::now();
      return true;
    });
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) { return cudaStreamSynchronize(event->stream); }

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  *milliseconds = std::chrono::duration<float, std::milli>(stop->time - start->time).count();
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }
