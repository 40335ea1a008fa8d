// Runs the blocks of a grid, thread by thread, and their barriers.
#include "block.h"

#include <cstdlib>
#include <cstring>

#include "guarded_memory.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace simt {

Block block;

namespace {

unsigned launches = 0;

struct SharedMemory {
  uint8_t* data = nullptr;
  size_t bytes = 0;
};
SharedMemory shared;

// Goes on with another thread of `warp`, or with the scheduler where none can run.
void SwitchFrom(Fiber& fiber, const Warp& warp) {
  if (warp.runnable == 0) {
    fiber.SwitchTo(block.scheduler);
    return;
  }
  const int lane = block.is_falling ? 31 - __builtin_clz(warp.runnable) : __builtin_ctz(warp.runnable);
  block.running = warp.threads + lane;
  threadIdx = block.running->index;
  fiber.SwitchTo(block.running->fiber);
}

// A fiber keeps its number and runs that thread of every block.
void ThreadMain() {
  Fiber::Entered();
  Thread& self = *block.running;
  for (;;) {
    block.grid->thread();
    self.warp->runnable &= ~self.bit;
    self.warp->exited |= self.bit;
    SwitchFrom(self.fiber, *self.warp);
  }
}

// Every thread has arrived: checks that they mean the same barrier, and lets them go on.
void ReleaseBarrier() {
  const Thread& first = block.threads[0];
  for (int i = 1; i < block.size; ++i) {
    const Thread& t = block.threads[static_cast<size_t>(i)];
    if (t.name != first.name || t.site.line != first.site.line ||
        (t.site.file != first.site.file && std::strcmp(t.site.file, first.site.file) != 0)) {
      ReportMissing(first, i);
    }
  }
  block.barrier_result = block.predicates;
  block.predicates = 0;
  for (int w = 0; w < block.warp_count; ++w) {
    block.warps[w].runnable = block.warps[w].at_barrier;
    block.warps[w].at_barrier = 0;
  }
}

// Runs the block at blockIdx to its end; its fibers wait in their loops then.
void RunBlock() {
  for (int w = 0; w < block.warp_count; ++w) {
    Warp& warp = block.warps[w];
    warp.runnable = warp.existing;
    warp.exchanging = warp.at_barrier = warp.exited = 0;
  }
  block.predicates = 0;
  for (;;) {
    int exited = 0;
    int arrived = 0;
    for (int i = 0; i < block.warp_count; ++i) {
      const Warp& warp = block.warps[block.is_falling ? block.warp_count - 1 - i : i];
      if (warp.runnable != 0) SwitchFrom(block.scheduler, warp);
      if (block.has_trapped) return;
      exited += __builtin_popcount(warp.exited);
      arrived += __builtin_popcount(warp.at_barrier);
    }
    if (exited == block.size) return;
    if (arrived != block.size) ReportDeadlock();
    ReleaseBarrier();
  }
}

void PrepareThread(int number, const dim3& threads) {
  Thread& t = block.threads[static_cast<size_t>(number)];
  const auto flat = static_cast<unsigned>(number);
  t.number = number;
  t.index = {flat % threads.x, flat / threads.x % threads.y, flat / (threads.x * threads.y)};
  t.warp = &block.warps[number / kWarpThreads];
  t.bit = 1u << (number % kWarpThreads);
  t.warp->existing |= t.bit;
  if (!t.is_started) t.fiber.Start(ThreadMain);
  t.is_started = true;
}

void Prepare(const Grid& grid) {
  if (block.threads == nullptr) block.threads = std::make_unique<Thread[]>(kMostThreads);
  block.grid = &grid;
  block.size = static_cast<int>(grid.threads.x * grid.threads.y * grid.threads.z);
  block.warp_count = (block.size + kWarpThreads - 1) / kWarpThreads;
  for (int w = 0; w < block.warp_count; ++w) {
    block.warps[w] = Warp{};
    block.warps[w].threads = &block.threads[static_cast<size_t>(w * kWarpThreads)];
  }
  for (int i = 0; i < block.size; ++i) PrepareThread(i, grid.threads);
  // The parity of the number's bits: a sequence without a period, so that it fits no repetition of a test.
  block.is_falling = __builtin_parity(launches++) != 0;
  block.has_trapped = false;
  blockDim = grid.threads;
  gridDim = grid.blocks;
  shared = SharedMemory{AllocateGuarded(grid.shared_bytes), grid.shared_bytes};
  if (shared.data == nullptr) Violation("no memory for %zu bytes of shared memory", grid.shared_bytes);
}

}  // namespace

bool Run(const Grid& grid) {
  Prepare(grid);
  const uint64_t blocks = uint64_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z;
  for (uint64_t i = 0; i < blocks && !block.has_trapped; ++i) {
    const uint64_t flat = block.is_falling ? blocks - 1 - i : i;
    blockIdx = {static_cast<unsigned>(flat % grid.blocks.x),
                static_cast<unsigned>(flat / grid.blocks.x % grid.blocks.y),
                static_cast<unsigned>(flat / grid.blocks.x / grid.blocks.y)};
    std::memset(shared.data, kPoison, shared.bytes);
    RunBlock();
  }
  FreeGuarded(shared.data, shared.bytes, "dynamic shared memory");
  shared = SharedMemory{};
  // After a trap the other threads stand somewhere inside the kernel: their stacks are given up.
  if (block.has_trapped) block.threads.reset();
  return !block.has_trapped;
}

void Yield() { SwitchFrom(block.running->fiber, *block.running->warp); }

int WaitForBlock(const char* name, bool predicate, Site site) {
  Thread& self = *block.running;
  self.name = name;
  self.site = site;
  self.warp->runnable &= ~self.bit;
  self.warp->at_barrier |= self.bit;
  block.predicates += predicate ? 1 : 0;
  Yield();
  return block.barrier_result;
}

void* DynamicShared() { return shared.data; }

void Trap() {
  block.has_trapped = true;
  block.running->fiber.SwitchTo(block.scheduler);
  std::abort();  // never switched back to
}

}  // namespace simt
