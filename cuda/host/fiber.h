// Stacks that take turns on one operating system thread: what the threads of a simulated block are.
#ifndef COREINFER_CUDA_HOST_FIBER_H_
#define COREINFER_CUDA_HOST_FIBER_H_

#include <cstddef>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace simt {

/// A stack with a guard page below it, or the stack that the calling thread runs on (the default).
class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Prepares the fiber to run `entry`, which must never return, when it is switched to for the first time.
  void Start(void (*entry)());

  /// Goes on in `target`, until somebody switches back to this fiber, which must be the running one.
  void SwitchTo(Fiber& target);

  /// What an `entry` calls first.
  static void Entered();

 private:
  void* mapping_ = nullptr;
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t registers_;
#endif
  // What AddressSanitizer has to know about the stack.
  const void* bottom_ = nullptr;
  size_t size_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace simt

#endif  // COREINFER_CUDA_HOST_FIBER_H_
