// What the files of this directory share: the context, and how a failure becomes a status and a sentence.
#ifndef COREINFER_CUDA_CONTEXT_H_
#define COREINFER_CUDA_CONTEXT_H_

#include <cuda_runtime.h>

#include "coreinfer/types.h"

struct ci_context {
  int device;
  cudaStream_t stream;
  char description[256];
};

namespace coreinfer {

// Leaves a sentence for ci_error_message and returns `status`.
int32_t Fail(int32_t status, const char* format, ...);

// Turns what the runtime returned for `call` into a status.
int32_t Checked(cudaError_t error, const char* call);

// Turns the launch of `kernel` into a status.
inline int32_t Launched(const char* kernel) { return Checked(cudaGetLastError(), kernel); }

}  // namespace coreinfer

#endif  // COREINFER_CUDA_CONTEXT_H_
