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
  ci_context(int32_t threads, int32_t bits);

  /// Private memory for every thread of the pool, found with thread_scratch inside a parallel region.
  void ReserveThreadScratch(int64_t bytes) {
    thread_scratch_bytes_ = (bytes + 127) / 128 * 128;
    thread_scratch_base_ = thread_scratch_.Reserve(thread_scratch_bytes_ * pool.size());
  }
  uint8_t* thread_scratch(int32_t thread) const { return thread_scratch_base_ + thread_scratch_bytes_ * thread; }

  std::mutex calls;
  coreinfer::ThreadPool pool;
  const coreinfer::SimdKernels& simd;
  const coreinfer::TileKernels* const tiles;         // NULL without matrix registers
  const coreinfer::TileKernels* const bf16_vectors;  // NULL without products of bfloat16 in vectors
  const int32_t activation_bits;
  const int64_t stream_ahead;  // of packs in memory
  coreinfer::Scratch shared_scratch;
  coreinfer::Scratch down_scratch;  // a feed-forward layer has vectors in the other
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

/// Hands the items 0..items-1 to the threads of a pool. The items must be independent. Each thread has a share of
/// consecutive ones, of what lies far from the others' in memory: where threads read pieces that lie side by side, what
/// a processor fetches ahead behind a piece's end is fetched twice. Who has done its share helps with the others'.
class WorkQueue {
 public:
  WorkQueue(int64_t items, int32_t threads) : count_(threads < kMostShares ? threads : kMostShares) {
    for (int32_t i = 0; i < count_; ++i) {
      shares_[i].next.store(items * i / count_, std::memory_order_relaxed);
      shares_[i].end = items * (i + 1) / count_;
    }
  }

  template <class Body>
  void Drain(int32_t thread, const Body& body) {
    Turn turn{thread % count_, count_};
    for (int64_t item; (item = Next(&turn)) != kNone;) body(item);
  }

  /// Calls body(item, following), where `following` is what this thread will get after it, or `item` if nothing.
  template <class Body>
  void DrainAhead(int32_t thread, const Body& body) {
    Turn turn{thread % count_, count_};
    for (int64_t item = Next(&turn); item != kNone;) {
      const int64_t following = Next(&turn);
      body(item, following != kNone ? following : item);
      item = following;
    }
  }

 private:
  static constexpr int32_t kMostShares = 32;
  static constexpr int64_t kNone = -1;

  struct alignas(64) Share {
    std::atomic<int64_t> next;
    int64_t end;
  };

  /// Where a thread takes items, and how many shares it has not seen the end of.
  struct Turn {
    int32_t share;
    int32_t left;
  };

  int64_t Next(Turn* turn) {
    for (; turn->left > 0; --turn->left, turn->share = (turn->share + 1) % count_) {
      Share& share = shares_[turn->share];
      const int64_t item = share.next.fetch_add(1, std::memory_order_relaxed);
      if (item < share.end) return item;
    }
    return kNone;
  }

  const int32_t count_;
  Share shares_[kMostShares];
};

/// Calls body(item, thread) for every item, on all threads when there is more than one item.
template <class Body>
void ParallelFor(ci_context& context, int64_t items, const Body& body) {
  if (items <= 1 || context.pool.size() == 1) {
    for (int64_t item = 0; item < items; ++item) body(item, 0);
    return;
  }
  WorkQueue queue(items, context.pool.size());
  context.pool.Run([&](int32_t thread) { queue.Drain(thread, [&](int64_t item) { body(item, thread); }); });
}

/// Calls body(item, following) for every item, on all threads; `following` as in DrainAhead.
template <class Body>
void ParallelForAhead(ci_context& context, int64_t items, const Body& body) {
  const bool is_shared = items > 1 && context.pool.size() > 1;
  WorkQueue queue(items, is_shared ? context.pool.size() : 1);
  if (is_shared) {
    context.pool.Run([&](int32_t thread) { queue.DrainAhead(thread, body); });
  } else {
    queue.DrainAhead(0, body);
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
