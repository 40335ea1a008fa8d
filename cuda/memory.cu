// Device memory by plain allocations; copies are complete on return.
#include "context.h"
#include "coreinfer/kernels.h"

using coreinfer::Checked;
using coreinfer::Fail;

namespace {

int32_t Copy(ci_context* context, const char* call, const void* from, int64_t bytes, void* to, cudaMemcpyKind kind) {
  if (context == nullptr || from == nullptr || to == nullptr || bytes < 1) {
    return Fail(CI_INVALID_ARGUMENT, "%s: from=%p to=%p bytes=%lld", call, from, to, static_cast<long long>(bytes));
  }
  const int32_t status = Checked(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, context->stream), call);
  return status == CI_OK ? Checked(cudaStreamSynchronize(context->stream), call) : status;
}

}  // namespace

int32_t ci_memory_allocate(ci_context* context, int64_t bytes, ci_address* memory) {
  if (context == nullptr || memory == nullptr || bytes < 1) {
    return Fail(CI_INVALID_ARGUMENT, "ci_memory_allocate: bytes=%lld", static_cast<long long>(bytes));
  }
  void* allocated = nullptr;
  const cudaError_t error = cudaMalloc(&allocated, static_cast<size_t>(bytes));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // the context stays usable
    size_t free_bytes = 0;
    size_t total = 0;
    cudaMemGetInfo(&free_bytes, &total);
    return Fail(CI_OUT_OF_MEMORY, "ci_memory_allocate: %lld bytes were asked for, %zu of %zu are free on device %d",
                static_cast<long long>(bytes), free_bytes, total, context->device);
  }
  int32_t status = Checked(error, "cudaMalloc");
  if (status != CI_OK) return status;
  status = Checked(cudaMemsetAsync(allocated, 0, static_cast<size_t>(bytes), context->stream), "cudaMemsetAsync");
  if (status == CI_OK) status = Checked(cudaStreamSynchronize(context->stream), "cudaMemsetAsync");
  if (status != CI_OK) {
    cudaFree(allocated);
    return status;
  }
  *memory = reinterpret_cast<ci_address>(allocated);
  return CI_OK;
}

int32_t ci_memory_free(ci_context*, void* memory, int64_t) { return Checked(cudaFree(memory), "cudaFree"); }

int32_t ci_memory_upload(ci_context* context, const void* host, int64_t bytes, void* memory) {
  return Copy(context, "ci_memory_upload", host, bytes, memory, cudaMemcpyHostToDevice);
}

int32_t ci_memory_download(ci_context* context, const void* memory, int64_t bytes, void* host) {
  return Copy(context, "ci_memory_download", memory, bytes, host, cudaMemcpyDeviceToHost);
}
