// cp.async for the host build: a thread's copies to shared memory happen when it waits for them, and until then their
// targets hold NaN, so that a wait that is missing or too short gives wrong numbers.
#ifndef COREINFER_CUDA_HOST_ASYNC_COPY_H_
#define COREINFER_CUDA_HOST_ASYNC_COPY_H_

#include <cstddef>

namespace simt {

void CopyAsync(void* target, const void* source, size_t bytes);

/// Ends the calling thread's group of copies.
void CommitCopies();

/// Waits for all but the `left` latest groups of the calling thread.
void WaitForCopies(int left);

}  // namespace simt

#endif  // COREINFER_CUDA_HOST_ASYNC_COPY_H_
