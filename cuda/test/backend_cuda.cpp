// The CUDA library, on a device or, in the host build, on the simulated one. Work is queued, so data is fetched through
// the context that computes it.
#include <cuda_runtime.h>

#include <cstring>
#include <string>

#include "coreinfer/cuda.h"
#include "cpp/test/backend.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"

namespace coreinfer_test {
namespace {

cudaStream_t stream = nullptr;

bool IsSimulated() { return std::string(ci_context_description(Contexts()[0])).find("CUDA host build") == 0; }

// The q of all rows lie before all scales: what stands in one group of a file.
struct Groups {
  Groups(int32_t dtype, int32_t rows, int32_t columns) {
    const int64_t elements = int64_t{rows} * columns;
    const bool bytes = dtype == CI_Q8_0 || dtype == CI_Q8_0_SHARED;
    scales = IsShared(dtype) ? 2 * int64_t{columns} : 2;
    q = (IsShared(dtype) ? 32 * int64_t{columns} : 32) / (bytes ? 1 : 2);
    count = elements / (IsShared(dtype) ? 32 * int64_t{columns} : 32);
  }

  int64_t count, scales, q;  // bytes of one group
};

}  // namespace

std::string WhyNot() {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess) return std::string("there is no CUDA device: ") + cudaGetErrorString(error);
  return devices > 0 ? "" : "there is no CUDA device";
}

std::vector<ci_context*> MakeContexts() {
  std::vector<ci_context*> made;
  for (const int32_t threads : {1, 2, 1024}) {
    ci_address address = 0;
    CHECK_OK(ci_context_create(threads, &address));
    made.push_back(reinterpret_cast<ci_context*>(address));
  }
  ci_address address = 0;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  CHECK_OK(ci_cuda_context_create(0, reinterpret_cast<ci_address>(stream), &address));
  made.push_back(reinterpret_cast<ci_context*>(address));
  return made;
}

void DestroyContexts(const std::vector<ci_context*>& contexts) {
  for (ci_context* context : contexts) CHECK_OK(ci_context_destroy(context));
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

void RunInOtherWays(const std::function<void()>&) {}

bool Computes(int32_t dtype) { return dtype <= CI_Q4_0_SHARED; }

// Sanitizers look at each access; whether results repeat is for the other builds.
int32_t Repetitions() {
#if defined(__SANITIZE_ADDRESS__)
  return 1;
#else
  return IsSimulated() ? 2 : 4;
#endif
}

double ProductTolerance(int32_t) { return kDotTolerance; }

double VectorRounding(int32_t) { return 0x1p-21; }

double PrefillRounding(int32_t) { return 0.0; }

#if defined(__SANITIZE_ADDRESS__)
int32_t Slowness() { return IsSimulated() ? 16 : 1; }
#else
int32_t Slowness() { return IsSimulated() ? 8 : 1; }
#endif

void* Allocate(int64_t bytes, const void* host, bool) {
  ci_address memory = 0;
  CHECK_OK(ci_memory_allocate(Contexts()[0], bytes > 0 ? bytes : 1, &memory));
  if (bytes > 0) CHECK_OK(ci_memory_upload(Contexts()[0], host, bytes, reinterpret_cast<void*>(memory)));
  return reinterpret_cast<void*>(memory);
}

void Free(void* memory, int64_t bytes, bool) { CHECK_OK(ci_memory_free(Contexts()[0], memory, bytes > 0 ? bytes : 1)); }

void Download(ci_context* context, const void* memory, int64_t bytes, void* host) {
  if (bytes > 0) CHECK_OK(ci_memory_download(context, memory, bytes, host));
}

std::vector<uint8_t> Arrange(int32_t dtype, int32_t rows, int32_t columns, const std::vector<uint8_t>& file) {
  std::vector<uint8_t> arranged(file.size());
  CHECK_OK(ci_cuda_arrange(dtype, file.data(), rows, columns, arranged.data()));
  return arranged;
}

std::vector<uint8_t> Restore(int32_t dtype, int32_t rows, int32_t columns, const std::vector<uint8_t>& arranged) {
  if (!IsGrouped(dtype)) return arranged;
  const Groups groups(dtype, rows, columns);
  std::vector<uint8_t> file;
  for (int64_t group = 0; group < groups.count; ++group) {
    const auto scales = arranged.begin() + groups.count * groups.q + group * groups.scales;
    const auto q = arranged.begin() + group * groups.q;
    file.insert(file.end(), scales, scales + groups.scales);
    file.insert(file.end(), q, q + groups.q);
  }
  return file;
}

}  // namespace coreinfer_test
