// Device memory by plain allocations, and copies. Pageable memory is staged by the driver; whoever uploads much keeps
// its data in pinned memory and uses ci_cuda_upload_async.
#include "context.h"
#include "coreinfer/cuda.h"
#include "coreinfer/kernels.h"

namespace coreinfer {

void FailForMemory(const char* what, int64_t bytes, int device) {
  cudaGetLastError();  // the device stays usable
  size_t free_bytes = 0;
  size_t total = 0;
  cudaMemGetInfo(&free_bytes, &total);
  Fail(CI_OUT_OF_MEMORY, "no room for %s: bytes=%lld, free=%zu of %zu on device %d", what,
       static_cast<long long>(bytes), free_bytes, total, device);
}

namespace {

void CheckCopy(const char* from_name, const void* from, int64_t bytes, const char* to_name, const void* to) {
  RequirePointer(from_name, from);
  RequirePositive("bytes", bytes);
  RequirePointer(to_name, to);
}

int32_t Copy(const char* function, ci_context& context, const void* from, int64_t bytes, void* to,
             cudaMemcpyKind kind) {
  const cudaError_t error = cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, context.stream);
  const int32_t status = Checked(function, error, "cudaMemcpyAsync");
  return status == CI_OK ? Wait(function, context) : status;
}

}  // namespace
}  // namespace coreinfer

int32_t ci_memory_allocate(ci_context* context, int64_t bytes, ci_address* memory) {
  return coreinfer::Call("ci_memory_allocate", context, [&](ci_context& c) {
    coreinfer::RequirePositive("bytes", bytes);
    coreinfer::RequirePointer("memory", memory);
    void* allocated = nullptr;
    const cudaError_t error = cudaMalloc(&allocated, static_cast<size_t>(bytes));
    if (error == cudaErrorMemoryAllocation) coreinfer::FailForMemory("an allocation", bytes, c.device);
    coreinfer::Require(error, "cudaMalloc");
    int32_t status = coreinfer::Checked(
        "ci_memory_allocate", cudaMemsetAsync(allocated, 0, static_cast<size_t>(bytes), c.stream), "cudaMemsetAsync");
    if (status == CI_OK) status = coreinfer::Wait("ci_memory_allocate", c);
    if (status != CI_OK) {
      cudaFree(allocated);
      return status;
    }
    *memory = reinterpret_cast<ci_address>(allocated);
    return status;
  });
}

int32_t ci_memory_free(ci_context* context, void* memory, int64_t) {
  return coreinfer::Call("ci_memory_free", context, [&](ci_context&) {
    return coreinfer::Checked("ci_memory_free", cudaFree(memory), "cudaFree");
  });
}

int32_t ci_memory_upload(ci_context* context, const void* host, int64_t bytes, void* memory) {
  return coreinfer::Call("ci_memory_upload", context, [&](ci_context& c) {
    coreinfer::CheckCopy("host", host, bytes, "memory", memory);
    return coreinfer::Copy("ci_memory_upload", c, host, bytes, memory, cudaMemcpyHostToDevice);
  });
}

int32_t ci_memory_download(ci_context* context, const void* memory, int64_t bytes, void* host) {
  return coreinfer::Call("ci_memory_download", context, [&](ci_context& c) {
    coreinfer::CheckCopy("memory", memory, bytes, "host", host);
    return coreinfer::Copy("ci_memory_download", c, memory, bytes, host, cudaMemcpyDeviceToHost);
  });
}

int32_t ci_cuda_upload_async(ci_context* context, ci_address stream, const void* host, int64_t bytes, void* memory) {
  return coreinfer::Call("ci_cuda_upload_async", context, [&](ci_context&) {
    coreinfer::RequirePointer("stream", reinterpret_cast<const void*>(stream));
    coreinfer::CheckCopy("host", host, bytes, "memory", memory);
    return coreinfer::Checked("ci_cuda_upload_async",
                              cudaMemcpyAsync(memory, host, static_cast<size_t>(bytes), cudaMemcpyHostToDevice,
                                              reinterpret_cast<cudaStream_t>(stream)),
                              "cudaMemcpyAsync");
  });
}
