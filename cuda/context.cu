// A context is the current device and one stream. The number of threads that a CPU context takes has no meaning here.
#include <cstdarg>
#include <cstdio>
#include <new>

#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

thread_local char error_message[512] = "";

}  // namespace

int32_t Fail(int32_t status, const char* format, ...) {
  va_list values;
  va_start(values, format);
  std::vsnprintf(error_message, sizeof(error_message), format, values);
  va_end(values);
  return status;
}

int32_t Checked(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return CI_OK;
  const int32_t status = error == cudaErrorMemoryAllocation ? CI_OUT_OF_MEMORY : CI_DEVICE_ERROR;
  return Fail(status, "%s: %s", call, cudaGetErrorString(error));
}

}  // namespace coreinfer

using coreinfer::Checked;
using coreinfer::Fail;

int32_t ci_context_create(int32_t threads, ci_address* context) {
  if (threads < 1 || context == nullptr) {
    return Fail(CI_INVALID_ARGUMENT, "ci_context_create: threads=%d context=%p", threads, static_cast<void*>(context));
  }
  int device = 0;
  cudaDeviceProp properties;
  int32_t status = Checked(cudaGetDevice(&device), "cudaGetDevice");
  if (status == CI_OK) status = Checked(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  if (status != CI_OK) return status;
  ci_context* created = new (std::nothrow) ci_context;
  if (created == nullptr) return Fail(CI_OUT_OF_MEMORY, "ci_context_create: no host memory for a context");
  created->device = device;
  status = Checked(cudaStreamCreateWithFlags(&created->stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  if (status != CI_OK) {
    delete created;
    return status;
  }
  std::snprintf(created->description, sizeof(created->description), "cuda %s, compute capability %d.%d",
                properties.name, properties.major, properties.minor);
  *context = reinterpret_cast<ci_address>(created);
  return CI_OK;
}

int32_t ci_context_destroy(ci_context* context) {
  if (context == nullptr) return CI_OK;
  const int32_t status = Checked(cudaStreamDestroy(context->stream), "cudaStreamDestroy");
  delete context;
  return status;
}

const char* ci_context_description(ci_context* context) { return context == nullptr ? "" : context->description; }

const char* ci_error_message(void) { return coreinfer::error_message; }
