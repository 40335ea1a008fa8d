// A context: its device, stream and scratch memory. The number of threads that a CPU context takes has no meaning here.
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include "context.h"
#include "coreinfer/cuda.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

// "what: the runtime's sentence (its name)".
void Describe(char* text, size_t size, cudaError_t error, const char* what) {
  std::snprintf(text, size, "%s: %s (%s)", what, cudaGetErrorString(error), cudaGetErrorName(error));
}

int32_t StatusOf(cudaError_t error) { return error == cudaErrorMemoryAllocation ? CI_OUT_OF_MEMORY : CI_DEVICE_ERROR; }

}  // namespace

int32_t Checked(const char* function, cudaError_t error, const char* what) {
  if (error == cudaSuccess) return CI_OK;
  cudaGetLastError();  // the runtime keeps it for whoever asks next
  char text[400];
  Describe(text, sizeof(text), error, what);
  SetErrorMessage(function, text);
  return StatusOf(error);
}

void Require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  char text[400];
  Describe(text, sizeof(text), error, what);
  Fail(StatusOf(error), "%s", text);
}

int32_t Wait(const char* function, ci_context& context) {
  char what[96];
  std::snprintf(what, sizeof(what), "the work queued on device %d failed", context.device);
  return Checked(function, cudaStreamSynchronize(context.stream), what);
}

cudaError_t AllowShared(int device, const void* kernel, int64_t bytes, const std::function<cudaError_t()>& set) {
  static std::mutex lock;
  static std::map<std::pair<int, const void*>, int64_t> allowed;
  std::lock_guard<std::mutex> guard(lock);
  int64_t& limit = allowed[{device, kernel}];
  if (limit >= bytes) return cudaSuccess;
  const cudaError_t error = set();
  if (error == cudaSuccess) limit = bytes;
  return error;
}

int32_t Launched(const char* function, cudaError_t error, const cudaLaunchConfig_t& config) {
  if (error == cudaSuccess) return CI_OK;
  char what[160];
  std::snprintf(what, sizeof(what), "a kernel of %u x %u x %u blocks, %u x %u x %u threads and %zu shared bytes",
                config.gridDim.x, config.gridDim.y, config.gridDim.z, config.blockDim.x, config.blockDim.y,
                config.blockDim.z, config.dynamicSmemBytes);
  return Checked(function, error, what);
}

}  // namespace coreinfer

ci_context::ci_context(int device_, cudaStream_t stream_) : device(device_), stream(stream_), owns_stream_(false) {
  cudaDeviceProp properties;
  coreinfer::Require(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  multiprocessors = properties.multiProcessorCount;
  most_shared_bytes = static_cast<int64_t>(properties.sharedMemPerBlockOptin);
  can_start_early = properties.major >= 9;
  std::snprintf(description, sizeof(description), "CUDA %s, compute capability %d.%d", properties.name,
                properties.major, properties.minor);
  if (stream != nullptr) return;
  coreinfer::Require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  owns_stream_ = true;
}

// Errors of the device were, or will be, reported by the calls that wait.
ci_context::~ci_context() {
  cudaSetDevice(device);
  cudaStreamSynchronize(stream);
  for (void* memory : outgrown_) cudaFree(memory);
  cudaFree(scratch_.data);
  if (owns_stream_) cudaStreamDestroy(stream);
  cudaGetLastError();
}

void* ci_context::Scratch(int64_t bytes) {
  constexpr int64_t kGranule = 1 << 20;
  constexpr int64_t kArrivalBytes = kArrivals * sizeof(unsigned);
  cudaStreamCaptureStatus recording = cudaStreamCaptureStatusNone;
  coreinfer::Require(cudaStreamIsCapturing(stream, &recording), "cudaStreamIsCapturing");
  if (bytes > scratch_.bytes) {
    if (recording != cudaStreamCaptureStatusNone) {
      coreinfer::Fail(CI_UNSUPPORTED,
                      "scratch memory cannot grow from %lld to %lld bytes while a graph is recorded; run the same call "
                      "once before",
                      static_cast<long long>(scratch_.bytes), static_cast<long long>(bytes));
    }
    const int64_t wanted = (kArrivalBytes + bytes + kGranule - 1) / kGranule * kGranule;
    // Freed first, so that both never have to fit; cudaFree waits for the kernels that use it.
    if (scratch_.recorded) {
      outgrown_.push_back(scratch_.data);
    } else {
      cudaFree(scratch_.data);
    }
    scratch_ = Memory{};
    const cudaError_t error = cudaMalloc(&scratch_.data, static_cast<size_t>(wanted));
    if (error == cudaErrorMemoryAllocation) coreinfer::FailForMemory("scratch memory", wanted, device);
    coreinfer::Require(error, "cudaMalloc");
    coreinfer::Require(cudaMemsetAsync(scratch_.data, 0, kArrivalBytes, stream), "cudaMemsetAsync");
    scratch_.bytes = wanted - kArrivalBytes;
  }
  scratch_.recorded = scratch_.recorded || recording != cudaStreamCaptureStatusNone;
  return static_cast<uint8_t*>(scratch_.data) + kArrivalBytes;
}

int32_t ci_context_create(int32_t threads, ci_address* context) {
  return coreinfer::Guard("ci_context_create", [&] {
    coreinfer::RequirePointer("context", context);
    coreinfer::RequireRange("threads", threads, 1, 1024);
    int device = 0;
    coreinfer::Require(cudaGetDevice(&device), "cudaGetDevice");
    *context = reinterpret_cast<ci_address>(std::make_unique<ci_context>(device, nullptr).release());
  });
}

int32_t ci_cuda_context_create(int32_t device, ci_address stream, ci_address* context) {
  return coreinfer::Guard("ci_cuda_context_create", [&] {
    coreinfer::RequirePointer("context", context);
    coreinfer::RequirePointer("stream", reinterpret_cast<const void*>(stream));
    int devices = 0;
    coreinfer::Require(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    coreinfer::RequireRange("device", device, 0, devices - 1);
    coreinfer::Require(cudaSetDevice(device), "cudaSetDevice");
    *context = reinterpret_cast<ci_address>(
        std::make_unique<ci_context>(device, reinterpret_cast<cudaStream_t>(stream)).release());
  });
}

int32_t ci_context_destroy(ci_context* context) {
  return coreinfer::Guard("ci_context_destroy", [&] { delete context; });
}

int32_t ci_context_synchronize(ci_context* context) {
  return coreinfer::Call("ci_context_synchronize", context,
                         [&](ci_context& c) { return coreinfer::Wait("ci_context_synchronize", c); });
}

const char* ci_context_description(ci_context* context) {
  return context == nullptr ? "no context" : context->description;
}
