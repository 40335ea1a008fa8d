// Fork and join over a fixed set of threads, the caller being one of them. Waiting threads stay awake for some
// milliseconds, longer than a pause between two tokens, and then sleep.
#ifndef COREINFER_CPP_THREAD_POOL_H_
#define COREINFER_CPP_THREAD_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace coreinfer {

/// A counter that threads wait on.
class Gate {
 public:
  uint32_t count() const { return count_.load(); }

  /// Adds one and wakes whoever waits.
  void Advance();

  /// Returns once the count differs from `seen`.
  void AwaitChange(uint32_t seen, bool spin);

 private:
  std::atomic<uint32_t> count_{0};
  std::atomic<int32_t> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
};

class ThreadPool {
 public:
  /// Starts threads - 1 workers with all signals blocked; throws a Failure when the system refuses one.
  explicit ThreadPool(int32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int32_t size() const { return size_; }

  /// Calls body(thread) on every thread, 0..size-1, and returns when all are done. `body` must not throw.
  template <class Body>
  void Run(const Body& body) {
    RunTask([](const void* task, int32_t thread) noexcept { (*static_cast<const Body*>(task))(thread); }, &body);
  }

  /// Inside Run: returns once every thread of the pool has called it.
  void Barrier();

 private:
  using Task = void (*)(const void* body, int32_t thread) noexcept;

  void RunTask(Task task, const void* body);
  void Work(int32_t thread);
  void Stop();

  const int32_t size_;
  const bool spin_;
  Task task_ = nullptr;
  const void* body_ = nullptr;
  bool stopping_ = false;
  std::atomic<int32_t> running_{0};
  std::atomic<int32_t> arrived_{0};
  Gate start_;
  Gate done_;
  Gate barrier_;
  std::vector<std::thread> workers_;
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_THREAD_POOL_H_
