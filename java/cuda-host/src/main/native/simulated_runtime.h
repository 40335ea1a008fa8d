/*
 * CUDA's runtime for the device that cuda/host simulates, as the tests' CudaRuntime calls it. All return a cudaError_t.
 * Queued work runs when somebody waits for its stream.
 */
#ifndef COREINFER_CUDA_HOST_SIMULATED_RUNTIME_H_
#define COREINFER_CUDA_HOST_SIMULATED_RUNTIME_H_

#include <cuda_runtime.h>

#include <cstdint>

#include "coreinfer/types.h"

inline int32_t simulated_stream_create(ci_address* stream) {
  cudaStream_t created = nullptr;
  const cudaError_t error = cudaStreamCreateWithFlags(&created, cudaStreamNonBlocking);
  *stream = reinterpret_cast<ci_address>(created);
  return error;
}

inline int32_t simulated_stream_destroy(int64_t stream) {
  return cudaStreamDestroy(reinterpret_cast<cudaStream_t>(stream));
}

inline int32_t simulated_stream_synchronize(int64_t stream) {
  return cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(stream));
}

inline int32_t simulated_host_allocate(int64_t bytes, ci_address* memory) {
  void* allocated = nullptr;
  const cudaError_t error = cudaHostAlloc(&allocated, static_cast<size_t>(bytes), cudaHostAllocDefault);
  *memory = reinterpret_cast<ci_address>(allocated);
  return error;
}

inline int32_t simulated_host_free(int64_t memory) { return cudaFreeHost(reinterpret_cast<void*>(memory)); }

inline int32_t simulated_free_bytes(ci_address* bytes) {
  size_t free_bytes = 0;
  size_t total = 0;
  const cudaError_t error = cudaMemGetInfo(&free_bytes, &total);
  *bytes = static_cast<ci_address>(free_bytes);
  return error;
}

inline int32_t simulated_capture_begin(int64_t stream) {
  return cudaStreamBeginCapture(reinterpret_cast<cudaStream_t>(stream), cudaStreamCaptureModeThreadLocal);
}

/* *graph receives an executable graph, 0 on failure. */
inline int32_t simulated_capture_end(int64_t stream, ci_address* graph) {
  cudaGraph_t recorded = nullptr;
  *graph = 0;
  cudaError_t error = cudaStreamEndCapture(reinterpret_cast<cudaStream_t>(stream), &recorded);
  if (error != cudaSuccess) return error;
  cudaGraphExec_t executable = nullptr;
  error = cudaGraphInstantiate(&executable, recorded);
  cudaGraphDestroy(recorded);
  *graph = reinterpret_cast<ci_address>(executable);
  return error;
}

inline int32_t simulated_graph_launch(int64_t graph, int64_t stream) {
  return cudaGraphLaunch(reinterpret_cast<cudaGraphExec_t>(graph), reinterpret_cast<cudaStream_t>(stream));
}

inline int32_t simulated_graph_destroy(int64_t graph) {
  return cudaGraphExecDestroy(reinterpret_cast<cudaGraphExec_t>(graph));
}

#endif  // COREINFER_CUDA_HOST_SIMULATED_RUNTIME_H_
