// One bug of each kind that the simulation promises to find: the argument names it. Every run must end with a sentence
// and a failure; CMakeLists.txt says with which.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "context.h"
#include "coreinfer/kernels.h"
#include "device.h"

namespace {

ci_context* context = nullptr;

template <class T>
T* OnDevice(const std::vector<T>& values) {
  ci_address memory = 0;
  const auto bytes = static_cast<int64_t>(values.size() * sizeof(T));
  if (ci_memory_allocate(context, bytes, &memory) != CI_OK) std::abort();
  if (ci_memory_upload(context, values.data(), bytes, reinterpret_cast<void*>(memory)) != CI_OK) std::abort();
  return reinterpret_cast<T*>(memory);
}

template <class T>
std::vector<T> FromDevice(const T* memory, size_t count) {
  std::vector<T> values(count);
  if (ci_memory_download(context, memory, static_cast<int64_t>(count * sizeof(T)), values.data()) != CI_OK) {
    std::printf("%s\n", ci_error_message());
  }
  return values;
}

// Runs a kernel to its end.
template <class... Parameters, class... Arguments>
void RunKernel(void (*kernel)(Parameters...), dim3 block, int64_t shared_bytes, Arguments... arguments) {
  if (coreinfer::Launch(*context, "planted bug", kernel, 2, block, shared_bytes, arguments...) != CI_OK ||
      ci_context_synchronize(context) != CI_OK) {
    std::printf("%s\n", ci_error_message());
  }
}

// ---- barriers ----

__global__ void half_a_barrier_kernel() {
  if (threadIdx.x < 32) __syncthreads();
}

__global__ void two_barriers_kernel() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void early_exit_kernel() {
  if (threadIdx.x == 63) return;
  __syncthreads();
}

// ---- warps ----

__global__ void shuffle_kernel(unsigned mask, int* out) {
  out[threadIdx.x] = __shfl_xor_sync(mask, static_cast<int>(threadIdx.x), 1);
}

__global__ void shuffle_after_exit_kernel(int* out) {
  if (threadIdx.x == 40) return;
  out[threadIdx.x] = __shfl_sync(0xffffffffu, static_cast<int>(threadIdx.x), 3);
}

__global__ void divergent_vote_kernel(int* out) {
  if (threadIdx.x % 2 == 0) out[threadIdx.x] = __any_sync(0xffffffffu, 1);
  __syncthreads();
}

__global__ void mixed_intrinsics_kernel(int* out) {
  if (threadIdx.x % 2 == 0) {
    out[threadIdx.x] = __any_sync(0xffffffffu, 1);
  } else {
    out[threadIdx.x] = __all_sync(0xffffffffu, 1);
  }
}

__global__ void foreign_lane_kernel(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0x0000ffffu, static_cast<int>(threadIdx.x), 20);
}

__global__ void wide_shuffle_kernel(int* out) {
  out[threadIdx.x] = __shfl_down_sync(0xffffffffu, static_cast<int>(threadIdx.x), 1, 12);
}

// ---- memory ----

__global__ void static_shared_kernel(int index, float* out) {
  __shared__ float values[64];
  float* start = values;
  values[threadIdx.x] = 1.0f;
  __syncthreads();
  start[index] = 2.0f;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

__global__ void write_shared_kernel(int index) { coreinfer::DynamicShared<float>()[index] = 1.0f; }

__global__ void read_shared_kernel(int index, float* out) { *out = coreinfer::DynamicShared<float>()[index]; }

__global__ void write_kernel(float* out, int index) { out[index] = 1.0f; }

__global__ void read_kernel(const float* x, int index, float* out) { *out = x[index]; }

__global__ void vector_load_kernel(const float* x, float* out) { *out = reinterpret_cast<const float4*>(x + 1)->y; }

__global__ void deep_kernel(int depth, volatile char* out) {
  volatile char frame[1024];
  frame[depth % 1024] = static_cast<char>(depth);
  if (depth > 0) deep_kernel(depth - 1, frame);
  out[0] = frame[0];
}

// Neighbours exchange without a barrier between writing and reading.
__global__ void race_kernel(float* out) {
  float* values = coreinfer::DynamicShared<float>();
  values[threadIdx.x] = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = values[(threadIdx.x + 1) % blockDim.x];
}

void ReadUnwrittenShared() {
  float* out = OnDevice<float>({0.0f});
  RunKernel(read_shared_kernel, 1, 8, 1, out);
  if (std::isnan(FromDevice(out, 1)[0])) std::printf("the result is NaN\n");
}

void ReadUnwrittenMemory() {
  float* fresh = nullptr;
  float* out = OnDevice<float>({0.0f});
  if (cudaMalloc(&fresh, 64) != cudaSuccess) std::abort();
  RunKernel(read_kernel, 1, 0, fresh, 3, out);
  if (std::isnan(FromDevice(out, 1)[0])) std::printf("the result is NaN\n");
}

void Race() {
  std::vector<float> first;
  for (int run = 0; run < 4; ++run) {
    float* out = OnDevice(std::vector<float>(64));
    RunKernel(race_kernel, 64, 256, out);
    const std::vector<float> values = FromDevice(out, 64);
    if (run == 0) first = values;
    if (std::memcmp(first.data(), values.data(), 256) != 0) std::printf("the result differs between runs\n");
  }
}

// The copy is queued, and nobody waits for it.
void ReadTooEarly() {
  float* out = OnDevice<float>({5.0f});
  void* pinned = nullptr;
  if (cudaHostAlloc(&pinned, 4, cudaHostAllocDefault) != cudaSuccess) std::abort();
  std::memset(pinned, 0, 4);
  if (cudaMemcpyAsync(pinned, out, 4, cudaMemcpyDeviceToHost, context->stream) != cudaSuccess) std::abort();
  if (*static_cast<float*>(pinned) != 5.0f) std::printf("the result is not there yet\n");
}

void AllocateWhileRecording() {
  if (cudaStreamBeginCapture(context->stream, cudaStreamCaptureModeGlobal) != cudaSuccess) std::abort();
  ci_address memory = 0;
  if (ci_memory_allocate(context, 4, &memory) != CI_OK) std::printf("%s\n", ci_error_message());
  cudaGraph_t graph = nullptr;
  if (cudaStreamEndCapture(context->stream, &graph) != cudaSuccess) std::printf("the graph is spoiled\n");
}

void WriteBehindMemory(int64_t elements, int index) {
  float* out = OnDevice(std::vector<float>(static_cast<size_t>(elements)));
  RunKernel(write_kernel, 1, 0, out, index);
  if (ci_memory_free(context, out, elements * 4) != CI_OK) std::printf("%s\n", ci_error_message());
}

struct Bug {
  const char* name;
  void (*run)();
};

const Bug kBugs[] = {
    {"barrier_half", [] { RunKernel(half_a_barrier_kernel, 64, 0); }},
    {"barrier_two", [] { RunKernel(two_barriers_kernel, 64, 0); }},
    {"barrier_exit", [] { RunKernel(early_exit_kernel, 64, 0); }},
    {"shuffle_absent", [] { RunKernel(shuffle_kernel, 48, 0, 0xffffffffu, OnDevice(std::vector<int>(64))); }},
    {"shuffle_without_self", [] { RunKernel(shuffle_kernel, 32, 0, 0x0000ffffu, OnDevice(std::vector<int>(64))); }},
    {"shuffle_exited", [] { RunKernel(shuffle_after_exit_kernel, 64, 0, OnDevice(std::vector<int>(64))); }},
    {"shuffle_foreign_lane", [] { RunKernel(foreign_lane_kernel, 32, 0, OnDevice(std::vector<int>(64))); }},
    {"shuffle_width", [] { RunKernel(wide_shuffle_kernel, 32, 0, OnDevice(std::vector<int>(64))); }},
    {"vote_divergent", [] { RunKernel(divergent_vote_kernel, 64, 0, OnDevice(std::vector<int>(64))); }},
    {"vote_mixed", [] { RunKernel(mixed_intrinsics_kernel, 32, 0, OnDevice(std::vector<int>(64))); }},
    {"shared_static", [] { RunKernel(static_shared_kernel, 64, 0, 64, OnDevice(std::vector<float>(64))); }},
    {"shared_write", [] { RunKernel(write_shared_kernel, 1, 40, 10); }},
    {"shared_write_before", [] { RunKernel(write_shared_kernel, 1, 40, -1); }},
    {"shared_read", [] { RunKernel(read_shared_kernel, 1, 40, 10, OnDevice<float>({0.0f})); }},
    {"shared_unwritten", ReadUnwrittenShared},
    {"memory_unwritten", ReadUnwrittenMemory},
    {"memory_write", [] { WriteBehindMemory(10, 10); }},
    {"memory_read",
     [] { RunKernel(read_kernel, 1, 0, OnDevice(std::vector<float>(10)), 10, OnDevice<float>({0.0f})); }},
    {"memory_of_host",
     [] {
       float x = 0.0f;
       RunKernel(write_kernel, 1, 0, &x, 0);
     }},
    {"memory_touched_by_host", [] { *OnDevice<float>({0.0f}) = 1.0f; }},
    {"memory_unaligned",
     [] { RunKernel(vector_load_kernel, 1, 0, OnDevice(std::vector<float>(10)), OnDevice<float>({0.0f})); }},
    {"stack_overflow", [] { RunKernel(deep_kernel, 1, 0, 2000, OnDevice(std::vector<char>(1))); }},
    {"race", Race},
    {"read_too_early", ReadTooEarly},
    {"allocation_while_recording", AllocateWhileRecording},
};

}  // namespace

int main(int count, char** arguments) {
  ci_address address = 0;
  if (count < 2 || ci_context_create(1, &address) != CI_OK) return 2;
  context = reinterpret_cast<ci_context*>(address);
  for (const Bug& bug : kBugs) {
    if (std::strcmp(bug.name, arguments[1]) != 0) continue;
    bug.run();
    std::fflush(stdout);
    // Leaks are not what is looked for.
    std::_Exit(1);
  }
  std::printf("no bug has the name %s\n", arguments[1]);
  return 2;
}
