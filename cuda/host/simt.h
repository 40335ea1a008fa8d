// A small simulation of how a GPU runs a kernel, so that the kernels of this directory's parent, compiled as plain C++,
// can be tested on any machine. The headers beside this one take the place of CUDA's.
//
// What is simulated
//   - The threads of a block are fibers on the calling thread; blocks run one after another. Threads, warps and blocks
//     run in rising order in some launches and in falling order in others, so that results which depend on the order
//     (a race, a missing barrier) differ between runs.
//   - A thread runs until it waits: at __syncthreads until every thread of the block is at the same one, at a warp
//     intrinsic until every thread that its mask names is at it with the same mask. Where that can never happen, where
//     a mask names threads that exited or do not exist, or where a thread reads a lane outside the mask, the process
//     ends with a sentence that names the place.
//   - Dynamic shared memory has exactly the size of the launch and holds NaN before each block. A launch with a
//     host pointer among its arguments fails.
//   - Streams: work runs when somebody waits for it, so results that were not waited for are not there. Graphs, sticky
//     errors, pinned memory and limited device memory: see runtime.cpp. With AddressSanitizer, device memory can be
//     touched by kernels only, and never out of range.
//
// What is not simulated: time, caches, the memory model (plain loads and stores are seen in program order), blocks that
// wait for each other (they hang), warps that diverge on purpose, PTX, tensor cores, bulk copies. Static shared memory
// keeps what the block before left in it.
#ifndef COREINFER_CUDA_HOST_SIMT_H_
#define COREINFER_CUDA_HOST_SIMT_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "vector_types.h"

namespace simt {

constexpr int kWarpThreads = 32;

/// A place in a kernel's source.
struct Site {
  const char* file;
  int line;

  static constexpr Site Here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

/// What a kernel's threads run, over which grid.
struct Grid {
  dim3 blocks;
  dim3 threads;
  size_t shared_bytes;
  std::function<void()> thread;
};

/// Runs every thread of a grid. False when a thread trapped, which ends the grid.
bool Run(const Grid& grid);

/// Prints "simt: " and a sentence, and aborts the process.
[[noreturn]] void Violation(const char* format, ...) __attribute__((format(printf, 1, 2)));

// ---- called by threads of a kernel ----

/// Waits for the block. Returns on how many threads `predicate` held.
int WaitForBlock(const char* name, bool predicate, Site site);

enum class Exchange { kNothing, kShuffle, kVote, kMatch };

/// Waits for the threads of `mask`. kShuffle returns the value of lane `source`, kVote the lanes whose value is not 0,
/// kMatch the lanes whose value is the caller's.
uint64_t ExchangeInWarp(Exchange exchange, const char* name, uint32_t mask, uint64_t value, int source, Site site);

/// The caller's place in its warp.
int Lane();

/// The block's dynamic shared memory.
void* DynamicShared();

[[noreturn]] void Trap();

}  // namespace simt

#endif  // COREINFER_CUDA_HOST_SIMT_H_
