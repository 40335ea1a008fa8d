// What a call works with: a device, a stream on it, scratch memory; and how its kernels are launched.
#ifndef COREINFER_CUDA_CONTEXT_H_
#define COREINFER_CUDA_CONTEXT_H_

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "check.h"
#include "coreinfer/types.h"

struct ci_context {
  /// Works on `stream`, or on a stream of its own when that is null.
  ci_context(int device, cudaStream_t stream);
  ci_context(const ci_context&) = delete;
  ci_context& operator=(const ci_context&) = delete;
  ~ci_context();

  /// Device memory of at least `bytes` bytes, aligned to 256, for one call's kernels: the next call gets the same.
  /// Waits where it has to grow, and fails where it would have to while the stream records a graph. Memory that was
  /// handed out for a graph stays where it is as long as the context lives.
  void* Scratch(int64_t bytes);

  /// kArrivals counters that belong to the memory that Scratch returned last. They are 0 whenever a kernel begins: one
  /// that counts its blocks with them leaves them so.
  unsigned* arrivals() const { return static_cast<unsigned*>(scratch_.data); }

  static constexpr int kArrivals = 1024;

  std::mutex calls;
  const int device;
  cudaStream_t stream;
  int multiprocessors;
  int64_t most_shared_bytes;  // of a block
  bool can_start_early;       // from compute capability 9.0 on
  char description[320];

 private:
  struct Memory {
    void* data = nullptr;
    int64_t bytes = 0;
    bool recorded = false;
  };

  bool owns_stream_;
  Memory scratch_;
  std::vector<void*> outgrown_;  // that graphs may still use
};

namespace coreinfer {

/// Turns what the runtime returned for `what` into a status, with a sentence for ci_error_message.
int32_t Checked(const char* function, cudaError_t error, const char* what);

/// Throws a Failure unless the runtime succeeded.
void Require(cudaError_t error, const char* what);

/// Throws the Failure of an allocation that the device had no room for.
[[noreturn]] void FailForMemory(const char* what, int64_t bytes, int device);

/// Waits for the context's stream. A failure is one of the work that was queued.
int32_t Wait(const char* function, ci_context& context);

/// Runs a public function's body(ci_context&), which returns a status, alone on its context and with the context's
/// device current. What the body throws becomes a status too (check.h).
template <class Body>
int32_t Call(const char* function, ci_context* context, const Body& body) noexcept {
  int32_t status = CI_OK;
  const int32_t guarded = Guard(function, [&] {
    RequirePointer("context", context);
    std::lock_guard<std::mutex> lock(context->calls);
    Require(cudaSetDevice(context->device), "cudaSetDevice");
    status = body(*context);
  });
  return guarded == CI_OK ? status : guarded;
}

/// The part of Launch that does not depend on the kernel's type.
int32_t Launched(const char* function, cudaError_t error, const cudaLaunchConfig_t& config);

/// The dynamic shared memory that every kernel may ask for; more has to be allowed for the kernel. A block has 48 KiB,
/// some of which the kernel's static variables may take.
constexpr int64_t kPlainSharedBytes = 32 << 10;

/// Lets a kernel use so much. The runtime keeps one limit for each kernel, which all threads of the process share, so
/// it only ever grows: `set` runs where the limit so far is lower.
cudaError_t AllowShared(int device, const void* kernel, int64_t bytes, const std::function<cudaError_t()>& set);

/// When a kernel may start: after all work queued before it, or early, while the kernel before it ends (early_start.h).
enum class Start { kInOrder, kEarly };

/// Queues a kernel on the context's stream. `function` is the public function that is running.
template <class... Parameters, class... Arguments>
[[nodiscard]] int32_t Launch(Start start, ci_context& context, const char* function, void (*kernel)(Parameters...),
                             dim3 grid, dim3 block, int64_t shared_bytes, Arguments... arguments) {
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = static_cast<size_t>(shared_bytes);
  config.stream = context.stream;
  config.attrs = &early;
  config.numAttrs = start == Start::kEarly && context.can_start_early ? 1 : 0;
  cudaError_t error = cudaSuccess;
  if (shared_bytes > kPlainSharedBytes) {
    error = AllowShared(context.device, reinterpret_cast<const void*>(kernel), shared_bytes, [&] {
      return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
    });
  }
  if (error == cudaSuccess) error = cudaLaunchKernelEx(&config, kernel, arguments...);
  return Launched(function, error, config);
}

template <class... Parameters, class... Arguments>
[[nodiscard]] int32_t Launch(ci_context& context, const char* function, void (*kernel)(Parameters...), dim3 grid,
                             dim3 block, int64_t shared_bytes, Arguments... arguments) {
  return Launch(Start::kInOrder, context, function, kernel, grid, block, shared_bytes, arguments...);
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_CONTEXT_H_
