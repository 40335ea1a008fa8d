// A run publishes its task, advances the start gate and waits for the done gate. Every wait is on a counter, so a
// thread that comes late finds the count already changed.
#include "thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <system_error>

#include "check.h"

namespace coreinfer {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread that waits looks again and again, and how long in all before it sleeps; in between it gives way to
// whoever else wants its processor. A pause between two tokens must not send it to sleep: that halts its processor, and
// the host of a virtual machine may then wake it near the one that asked for it, where both share a link to memory. On
// two virtual processors of a Zen 4 that left 31 of 53 GB/s.
constexpr std::chrono::microseconds kSpin(40);
constexpr std::chrono::milliseconds kAwake(10);

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

int32_t UsableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return static_cast<int32_t>(std::thread::hardware_concurrency());
  return CPU_COUNT(&set);
}

}  // namespace

void Gate::Advance() {
  count_.fetch_add(1);
  if (sleepers_.load() == 0) return;
  // Taking the mutex makes sure that a thread between its last look at the count and its sleep is not missed.
  { std::lock_guard<std::mutex> lock(mutex_); }
  changed_.notify_all();
}

void Gate::AwaitChange(uint32_t seen, bool spin) {
  if (spin) {
    const auto start = Clock::now();
    for (auto now = start; now < start + kAwake; now = Clock::now()) {
      for (int i = 0; i < 16; ++i) {
        if (count_.load(std::memory_order_acquire) != seen) return;
        Pause();
      }
      if (now >= start + kSpin) sched_yield();
    }
  }
  std::unique_lock<std::mutex> lock(mutex_);
  sleepers_.fetch_add(1);
  changed_.wait(lock, [&] { return count_.load() != seen; });
  sleepers_.fetch_sub(1);
}

ThreadPool::ThreadPool(int32_t threads) : size_(threads), spin_(threads <= UsableProcessors()) {
  workers_.reserve(static_cast<size_t>(threads));
  // Signals belong to the threads of the JVM: workers inherit a full mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (int32_t thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { Work(thread); });
  } catch (const std::system_error& error) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    const int started = static_cast<int>(workers_.size()) + 1;
    Stop();
    Fail(CI_OUT_OF_MEMORY, "the system refused thread %d of %d: %s", started + 1, threads, error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Stop() {
  stopping_ = true;
  start_.Advance();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::RunTask(Task task, const void* body) {
  if (size_ == 1) {
    task(body, 0);
    return;
  }
  task_ = task;
  body_ = body;
  running_.store(size_ - 1);
  const uint32_t seen = done_.count();
  start_.Advance();
  task(body, 0);
  done_.AwaitChange(seen, spin_);
}

void ThreadPool::Work(int32_t thread) {
  char name[16];
  std::snprintf(name, sizeof(name), "coreinfer-%d", thread);
  pthread_setname_np(pthread_self(), name);
  for (uint32_t seen = 0;; ++seen) {
    start_.AwaitChange(seen, spin_);
    if (stopping_) return;
    task_(body_, thread);
    if (running_.fetch_sub(1) == 1) done_.Advance();
  }
}

void ThreadPool::Barrier() {
  if (size_ == 1) return;
  const uint32_t seen = barrier_.count();
  if (arrived_.fetch_add(1) == size_ - 1) {
    arrived_.store(0);
    barrier_.Advance();
  } else {
    barrier_.AwaitChange(seen, spin_);
  }
}

}  // namespace coreinfer
