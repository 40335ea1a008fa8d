// The running block: its threads, their warps, and what they wait for. One grid runs at a time in a process: the caller
// of Run holds the device's lock (runtime.cpp), which also guards the static variables that __shared__ becomes.
#ifndef COREINFER_CUDA_HOST_BLOCK_H_
#define COREINFER_CUDA_HOST_BLOCK_H_

#include <cstdint>
#include <memory>

#include "fiber.h"
#include "simt.h"

namespace simt {

constexpr int kMostThreads = 1024;

struct Warp;

struct Thread {
  Fiber fiber;
  bool is_started = false;
  int number;  // in its block
  uint3 index;
  Warp* warp;
  uint32_t bit;  // of its lane

  // What it waits for.
  const char* name;
  Site site;
  uint32_t mask;
  uint64_t value;
  int source;
  uint64_t result;
};

// Bits are lanes. A lane that neither runs, waits nor has exited does not exist.
struct Warp {
  Thread* threads;
  uint32_t existing;
  uint32_t runnable;
  uint32_t exchanging;
  uint32_t at_barrier;
  uint32_t exited;
  // Of the lanes that wait in exchanges: whether all have the same mask and intrinsic, and which.
  bool is_uniform;
  uint32_t mask;
  const char* name;
};

struct Block {
  std::unique_ptr<Thread[]> threads;  // kMostThreads, kept from launch to launch
  Warp warps[kMostThreads / kWarpThreads];
  int size = 0;
  int warp_count = 0;
  Thread* running = nullptr;
  Fiber scheduler;
  const Grid* grid = nullptr;
  bool is_falling = false;
  bool has_trapped = false;
  int predicates = 0;      // that held at the barrier where threads wait
  int barrier_result = 0;  // of the last barrier
};

extern Block block;

/// Lets other threads run until this one is runnable again.
void Yield();

/// Ends the process: `waiting` waits for a thread that will not come.
[[noreturn]] void ReportMissing(const Thread& waiting, int missing);

/// Ends the process: no thread can run, though not all have exited or arrived at the barrier.
[[noreturn]] void ReportDeadlock();

/// Ends the process with a sentence about what `thread` has just called.
[[noreturn]] void ReportCall(const Thread& thread, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace simt

#endif  // COREINFER_CUDA_HOST_BLOCK_H_
