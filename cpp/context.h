// What a call works with: the threads, the scratch memory and the chosen kernels of its context.
#ifndef COREINFER_CPP_CONTEXT_H_
#define COREINFER_CPP_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <mutex>

#include "check.h"
#include "memory.h"
#include "simd/simd.h"
#include "thread_pool.h"

struct ci_context {
  explicit ci_context(int32_t threads);

  /// Private memory for every thread of the pool, found with thread_scratch inside a parallel region.
  void ReserveThreadScratch(int64_t bytes) {
    thread_scratch_bytes_ = (bytes + 127) / 128 * 128;
    thread_scratch_base_ = thread_scratch_.Reserve(thread_scratch_bytes_ * pool.size());
  }
  uint8_t* thread_scratch(int32_t thread) const { return thread_scratch_base_ + thread_scratch_bytes_ * thread; }

  std::mutex calls;
  coreinfer::ThreadPool pool;
  const coreinfer::SimdKernels& simd;
  const coreinfer::TileKernels* const tiles;  // NULL without matrix registers
  coreinfer::Scratch shared_scratch;
  char description[256];

 private:
  coreinfer::Scratch thread_scratch_;
  uint8_t* thread_scratch_base_ = nullptr;
  int64_t thread_scratch_bytes_ = 0;
};

namespace coreinfer {

/// Runs a public function's body on its context: alone, with failures turned into a status code.
template <class Body>
int32_t Call(const char* function, ci_context* context, const Body& body) noexcept {
  return Guard(function, [&] {
    RequirePointer("context", context);
    std::lock_guard<std::mutex> lock(context->calls);
    body(*context);
  });
}

/// Hands the items 0..items-1 to whichever thread asks next. The items must be independent.
class WorkQueue {
 public:
  explicit WorkQueue(int64_t items) : items_(items) {}

  template <class Body>
  void Drain(const Body& body) {
    for (int64_t item; (item = Next()) < items_;) body(item);
  }

  /// Calls body(item, following), where `following` is what this thread will get after it, or `item` if nothing.
  template <class Body>
  void DrainAhead(const Body& body) {
    for (int64_t item = Next(); item < items_;) {
      const int64_t following = Next();
      body(item, following < items_ ? following : item);
      item = following;
    }
  }

 private:
  int64_t Next() { return next_.fetch_add(1, std::memory_order_relaxed); }

  const int64_t items_;
  std::atomic<int64_t> next_{0};
};

/// Calls body(item, thread) for every item, on all threads when there is more than one item.
template <class Body>
void ParallelFor(ci_context& context, int64_t items, const Body& body) {
  if (items <= 1 || context.pool.size() == 1) {
    for (int64_t item = 0; item < items; ++item) body(item, 0);
    return;
  }
  WorkQueue queue(items);
  context.pool.Run([&](int32_t thread) { queue.Drain([&](int64_t item) { body(item, thread); }); });
}

/// Calls body(item, following) for every item, on all threads; `following` as in DrainAhead.
template <class Body>
void ParallelForAhead(ci_context& context, int64_t items, const Body& body) {
  WorkQueue queue(items);
  if (items <= 1 || context.pool.size() == 1) {
    queue.DrainAhead(body);
  } else {
    context.pool.Run([&](int32_t) { queue.DrainAhead(body); });
  }
}

/// Calls body(begin, end, thread) for consecutive ranges of at most `step` that cover 0..count-1.
template <class Body>
void ParallelRanges(ci_context& context, int64_t count, int64_t step, const Body& body) {
  ParallelFor(context, (count + step - 1) / step, [&](int64_t item, int32_t thread) {
    const int64_t begin = item * step;
    body(begin, begin + step < count ? begin + step : count, thread);
  });
}

}  // namespace coreinfer

#endif  // COREINFER_CPP_CONTEXT_H_
