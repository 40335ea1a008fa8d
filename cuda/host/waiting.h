// What a thread must not forget to wait for: its copies to shared memory (cp.async), and in a kernel that starts early
// the kernels before it. Copies happen when they are waited for, and until then their targets hold NaN, so that a wait
// that is missing or too short gives wrong numbers. A kernel that starts early starts in its turn here, but each of its
// threads must have waited when it ends.
#ifndef COREINFER_CUDA_HOST_WAITING_H_
#define COREINFER_CUDA_HOST_WAITING_H_

#include <cstddef>

namespace simt {

void CopyAsync(void* target, const void* source, size_t bytes);

/// Ends the calling thread's group of copies.
void CommitCopies();

/// Waits for all but the `left` latest groups of the calling thread.
void WaitForCopies(int left);

/// The start of a thread of a kernel that starts early, the wait, and the end.
void StartEarly();
void WaitForEarlierKernels();
void EndEarly();

}  // namespace simt

#endif  // COREINFER_CUDA_HOST_WAITING_H_
