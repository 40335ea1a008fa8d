// See waiting.h. Blocks run one after another, so a thread is known by its number in the block.
#include "waiting.h"

#include <cstring>
#include <deque>
#include <vector>

#include "simt.h"

namespace simt {
namespace {

struct Copy {
  void* target;
  const void* source;
  size_t bytes;
};

struct Thread {
  std::deque<std::vector<Copy>> committed;
  std::vector<Copy> open;
  bool has_waited = false;
};

Thread& OfThread() {
  static std::vector<Thread> threads(1024);
  return threads[threadIdx.x + blockDim.x * (threadIdx.y + size_t{blockDim.y} * threadIdx.z)];
}

}  // namespace

void CopyAsync(void* target, const void* source, size_t bytes) {
  std::memset(target, 0xff, bytes);
  OfThread().open.push_back({target, source, bytes});
}

void CommitCopies() {
  Thread& thread = OfThread();
  thread.committed.push_back(std::move(thread.open));
  thread.open.clear();
}

void WaitForCopies(int left) {
  Thread& thread = OfThread();
  for (; thread.committed.size() > static_cast<size_t>(left); thread.committed.pop_front()) {
    for (const Copy& copy : thread.committed.front()) std::memcpy(copy.target, copy.source, copy.bytes);
  }
}

void StartEarly() { OfThread().has_waited = false; }

void WaitForEarlierKernels() { OfThread().has_waited = true; }

void EndEarly() {
  if (OfThread().has_waited) return;
  Violation("a thread of a kernel that may start early ended without waiting for the kernels before it");
}

}  // namespace simt
