// A kernel that fails: the call that queues it succeeds, the next one that waits says so, and so does every later one.
// Exit codes as in cpp/test/harness.cpp; a process of its own, because the device is lost to it.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>

#include "context.h"
#include "coreinfer/kernels.h"

namespace {

__global__ void trap_kernel(const int* flag) {
  if (*flag == 0) __trap();
}

bool Expect(bool holds, const char* what) {
  std::printf("%s %s\n", holds ? "ok" : "FAILED", what);
  return holds;
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("SKIPPED: there is no CUDA device\n");
    return 77;
  }
  ci_address address = 0;
  ci_address flag = 0;
  if (ci_context_create(1, &address) != CI_OK) return 1;
  auto* context = reinterpret_cast<ci_context*>(address);
  if (ci_memory_allocate(context, 4, &flag) != CI_OK) return 1;
  const auto* zero = reinterpret_cast<const int*>(flag);

  bool good = Expect(coreinfer::Launch(*context, "trap", trap_kernel, 1, 32, 0, zero) == CI_OK, "the call queues");
  good &= Expect(ci_context_synchronize(context) == CI_DEVICE_ERROR, "waiting fails");
  std::printf("%s\n", ci_error_message());
  good &= Expect(std::strstr(ci_error_message(), "the work queued on device 0 failed") != nullptr, "with a sentence");
  good &= Expect(ci_context_synchronize(context) == CI_DEVICE_ERROR, "and again");
  good &= Expect(ci_memory_allocate(context, 4, &flag) == CI_DEVICE_ERROR, "so do later calls");
  good &= Expect(ci_context_destroy(context) == CI_OK, "the context can be destroyed");
  return good ? 0 : 1;
}
