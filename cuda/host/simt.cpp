// The threads of the running block, its warps and their barriers. One grid runs at a time in a process: the caller of
// Run holds the device's lock (runtime.cpp), which also guards the static variables that __shared__ becomes.
#include "simt.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fiber.h"
#include "guarded_memory.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace simt {
namespace {

struct Thread {
  Fiber fiber;
  uint3 index;
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
  uint32_t runnable;
  uint32_t exchanging;
  uint32_t at_barrier;
  uint32_t exited;
};

struct Block {
  std::vector<std::unique_ptr<Thread>> threads;  // kept from launch to launch
  std::vector<Warp> warps;
  int size = 0;
  int predicates = 0;      // of the threads that arrived at the barrier
  int barrier_result = 0;  // of the last barrier
  const Grid* grid = nullptr;
  bool falling = false;
  bool trapped = false;
  Fiber scheduler;
  int running = 0;
};

Block block;
unsigned launches = 0;

struct SharedMemory {
  uint8_t* data = nullptr;
  size_t bytes = 0;
};
SharedMemory shared;

Thread& Running() { return *block.threads[static_cast<size_t>(block.running)]; }
Warp& RunningWarp() { return block.warps[static_cast<size_t>(block.running / kWarpThreads)]; }
uint32_t LaneBit(int thread) { return 1u << (thread % kWarpThreads); }

int FirstLane(uint32_t lanes) { return block.falling ? 31 - __builtin_clz(lanes) : __builtin_ctz(lanes); }

// Goes on with another thread of `warp`, or with the scheduler where none can run.
void SwitchFrom(Fiber& fiber, int warp) {
  const uint32_t runnable = block.warps[static_cast<size_t>(warp)].runnable;
  if (runnable == 0) {
    fiber.SwitchTo(block.scheduler);
    return;
  }
  block.running = warp * kWarpThreads + FirstLane(runnable);
  threadIdx = Running().index;
  fiber.SwitchTo(Running().fiber);
}

void ThreadMain() {
  Fiber::Entered();
  Thread& self = Running();
  for (;;) {
    block.grid->thread();
    const uint32_t bit = LaneBit(block.running);
    RunningWarp().runnable &= ~bit;
    RunningWarp().exited |= bit;
    SwitchFrom(self.fiber, block.running / kWarpThreads);
  }
}

void Yield() { SwitchFrom(Running().fiber, block.running / kWarpThreads); }

std::string Describe(int thread) {
  const uint3 index = block.threads[static_cast<size_t>(thread)]->index;
  char text[96];
  std::snprintf(text, sizeof(text), "thread (%u,%u,%u) of block (%u,%u,%u)", index.x, index.y, index.z, blockIdx.x,
                blockIdx.y, blockIdx.z);
  return text;
}

// What a thread that is missing somewhere does instead.
std::string Whereabouts(int thread) {
  const auto index = static_cast<size_t>(thread);
  if (thread >= block.size) return "does not exist";
  if ((block.warps[index / kWarpThreads].exited & LaneBit(thread)) != 0) return "has exited";
  const Thread& t = *block.threads[index];
  char text[400];
  std::snprintf(text, sizeof(text), "waits at %s in %s:%d", t.name, t.site.file, t.site.line);
  std::string where = text;
  if ((block.warps[index / kWarpThreads].exchanging & LaneBit(thread)) != 0) {
    std::snprintf(text, sizeof(text), " with mask 0x%08x", t.mask);
    where += text;
  }
  return where;
}

[[noreturn]] void ReportMissing(int waiting, int missing) {
  const Thread& t = *block.threads[static_cast<size_t>(waiting)];
  const int lane = missing % kWarpThreads;
  Violation("%s:%d: %s of %s waits for thread %d (lane %d), which %s", t.site.file, t.site.line, t.name,
            Describe(waiting).c_str(), missing, lane, Whereabouts(missing).c_str());
}

// Nothing can run and not all threads have exited or arrived.
[[noreturn]] void ReportDeadlock() {
  for (int thread = 0; thread < block.size; ++thread) {
    const Warp& warp = block.warps[static_cast<size_t>(thread / kWarpThreads)];
    if ((warp.exchanging & LaneBit(thread)) == 0) continue;
    const Thread& t = *block.threads[static_cast<size_t>(thread)];
    for (int lane = 0; lane < kWarpThreads; ++lane) {
      const int other = thread / kWarpThreads * kWarpThreads + lane;
      if ((t.mask >> lane & 1) == 0) continue;
      const bool same = (warp.exchanging >> lane & 1) != 0 && block.threads[static_cast<size_t>(other)]->mask == t.mask;
      if (!same) ReportMissing(thread, other);
    }
  }
  int waiting = -1;
  int missing = -1;
  for (int thread = 0; thread < block.size; ++thread) {
    const bool arrived = (block.warps[static_cast<size_t>(thread / kWarpThreads)].at_barrier & LaneBit(thread)) != 0;
    (arrived ? waiting : missing) = thread;
  }
  ReportMissing(waiting, missing);
}

uint32_t LanesOf(int warp) {
  const int lanes = block.size - warp * kWarpThreads;
  return lanes >= kWarpThreads ? 0xffffffffu : (1u << lanes) - 1;
}

// Every thread has arrived: checks that they mean the same barrier, and lets them go on.
void ReleaseBarrier() {
  const Thread& first = *block.threads[0];
  for (int thread = 1; thread < block.size; ++thread) {
    const Thread& t = *block.threads[static_cast<size_t>(thread)];
    if (t.name != first.name || t.site.line != first.site.line || std::strcmp(t.site.file, first.site.file) != 0) {
      ReportMissing(0, thread);
    }
  }
  block.barrier_result = block.predicates;
  block.predicates = 0;
  for (Warp& warp : block.warps) {
    warp.runnable = warp.at_barrier;
    warp.at_barrier = 0;
  }
}

// Runs the block at blockIdx to its end; its threads wait in their loop then.
void RunBlock() {
  const int warps = static_cast<int>(block.warps.size());
  for (int w = 0; w < warps; ++w) block.warps[static_cast<size_t>(w)] = Warp{LanesOf(w), 0, 0, 0};
  block.predicates = 0;
  for (;;) {
    for (int i = 0; i < warps && !block.trapped; ++i) {
      const int w = block.falling ? warps - 1 - i : i;
      if (block.warps[static_cast<size_t>(w)].runnable != 0) SwitchFrom(block.scheduler, w);
    }
    if (block.trapped) return;
    int exited = 0;
    int arrived = 0;
    for (const Warp& warp : block.warps) {
      exited += __builtin_popcount(warp.exited);
      arrived += __builtin_popcount(warp.at_barrier);
    }
    if (exited == block.size) return;
    if (arrived != block.size) ReportDeadlock();
    ReleaseBarrier();
  }
}

void Prepare(const Grid& grid) {
  block.grid = &grid;
  block.size = static_cast<int>(grid.threads.x * grid.threads.y * grid.threads.z);
  block.warps.assign(static_cast<size_t>(block.size + kWarpThreads - 1) / kWarpThreads, Warp{});
  while (static_cast<int>(block.threads.size()) < block.size) {
    block.threads.push_back(std::make_unique<Thread>());
    block.threads.back()->fiber.Start(ThreadMain);
  }
  for (int i = 0; i < block.size; ++i) {
    const auto flat = static_cast<unsigned>(i);
    block.threads[static_cast<size_t>(i)]->index = {flat % grid.threads.x, flat / grid.threads.x % grid.threads.y,
                                                    flat / (grid.threads.x * grid.threads.y)};
  }
  // The parity of the number's bits: a sequence without a period, so that it fits no repetition of a test.
  block.falling = __builtin_parity(launches++) != 0;
  block.trapped = false;
  blockDim = grid.threads;
  gridDim = grid.blocks;
  shared = SharedMemory{AllocateGuarded(grid.shared_bytes), grid.shared_bytes};
  if (shared.data == nullptr) Violation("no memory for %zu bytes of shared memory", grid.shared_bytes);
}

}  // namespace

bool Run(const Grid& grid) {
  Prepare(grid);
  const uint64_t blocks = uint64_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z;
  for (uint64_t i = 0; i < blocks && !block.trapped; ++i) {
    const uint64_t flat = block.falling ? blocks - 1 - i : i;
    blockIdx = {static_cast<unsigned>(flat % grid.blocks.x),
                static_cast<unsigned>(flat / grid.blocks.x % grid.blocks.y),
                static_cast<unsigned>(flat / grid.blocks.x / grid.blocks.y)};
    std::memset(shared.data, kPoison, shared.bytes);
    RunBlock();
  }
  FreeGuarded(shared.data, shared.bytes, "dynamic shared memory");
  shared = SharedMemory{};
  // After a trap the other threads stand somewhere inside the kernel: their stacks are given up.
  if (block.trapped) block.threads.clear();
  return !block.trapped;
}

void Violation(const char* format, ...) {
  std::fflush(stdout);
  std::fputs("simt: ", stderr);
  va_list values;
  va_start(values, format);
  std::vfprintf(stderr, format, values);
  va_end(values);
  std::fputc('\n', stderr);
  std::abort();
}

int WaitForBlock(const char* name, bool predicate, Site site) {
  Thread& self = Running();
  self.name = name;
  self.site = site;
  const uint32_t bit = LaneBit(block.running);
  RunningWarp().runnable &= ~bit;
  RunningWarp().at_barrier |= bit;
  block.predicates += predicate ? 1 : 0;
  Yield();
  return block.barrier_result;
}

namespace {

void CheckMask(const char* name, uint32_t mask, Site site) {
  const int base = block.running / kWarpThreads * kWarpThreads;
  if ((mask & LaneBit(block.running)) == 0) {
    Violation("%s:%d: %s of %s has mask 0x%08x, which lacks its own lane %d", site.file, site.line, name,
              Describe(block.running).c_str(), mask, block.running % kWarpThreads);
  }
  const uint32_t gone = mask & (~LanesOf(block.running / kWarpThreads) | RunningWarp().exited);
  if (gone != 0) ReportMissing(block.running, base + __builtin_ctz(gone));
}

// The lanes that wait with this mask.
uint32_t Waiting(const Warp& warp, int base, uint32_t mask) {
  uint32_t waiting = 0;
  for (uint32_t rest = warp.exchanging & mask; rest != 0; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    if (block.threads[static_cast<size_t>(base + lane)]->mask == mask) waiting |= 1u << lane;
  }
  return waiting;
}

uint64_t ResultOf(Exchange exchange, const Thread& t, Thread* const* lanes) {
  if (exchange == Exchange::kNothing) return 0;
  if (exchange == Exchange::kShuffle) {
    if ((t.mask >> t.source & 1) == 0) {
      Violation("%s:%d: %s reads lane %d, which mask 0x%08x does not name", t.site.file, t.site.line, t.name, t.source,
                t.mask);
    }
    return lanes[t.source]->value;
  }
  uint64_t result = 0;
  for (uint32_t rest = t.mask; rest != 0; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const bool counts = exchange == Exchange::kVote ? lanes[lane]->value != 0 : lanes[lane]->value == t.value;
    if (counts) result |= uint64_t{1} << lane;
  }
  return result;
}

}  // namespace

uint64_t ExchangeInWarp(Exchange exchange, const char* name, uint32_t mask, uint64_t value, int source, Site site) {
  Thread& self = Running();
  self.name = name;
  self.site = site;
  self.mask = mask;
  self.value = value;
  self.source = source;
  CheckMask(name, mask, site);
  Warp& warp = RunningWarp();
  const int base = block.running / kWarpThreads * kWarpThreads;
  const uint32_t bit = LaneBit(block.running);
  warp.runnable &= ~bit;
  warp.exchanging |= bit;
  if ((warp.exchanging & mask) != mask || Waiting(warp, base, mask) != mask) {
    Yield();
    return self.result;
  }
  Thread* lanes[kWarpThreads] = {};
  for (int lane = 0; lane < kWarpThreads; ++lane) {
    if ((mask >> lane & 1) == 0) continue;
    lanes[lane] = block.threads[static_cast<size_t>(base + lane)].get();
    if (std::strcmp(lanes[lane]->name, name) != 0) ReportMissing(block.running, base + lane);
  }
  for (Thread* lane : lanes) {
    if (lane != nullptr) lane->result = ResultOf(exchange, *lane, lanes);
  }
  warp.exchanging &= ~mask;
  warp.runnable |= mask;
  return self.result;
}

int Lane() { return block.running % kWarpThreads; }

void* DynamicShared() { return shared.data; }

void Trap() {
  block.trapped = true;
  Running().fiber.SwitchTo(block.scheduler);
  std::abort();  // never switched back to
}

}  // namespace simt
