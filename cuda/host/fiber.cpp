// A switch saves the registers that a function call preserves and exchanges the stack pointer. Other processors than
// x86-64 use the C library's contexts, which cost a system call.
#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace simt {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStackBytes = 256 << 10;  // frames carry red zones
#else
constexpr size_t kStackBytes = 64 << 10;
#endif

// Who gave up the processor last.
Fiber* previous = nullptr;

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

#if defined(__x86_64__)
extern "C" void simt_switch_stack(void** save, void* load);
asm(R"(
.text
.type simt_switch_stack, @function
simt_switch_stack:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size simt_switch_stack, .-simt_switch_stack
)");
#endif

Fiber::~Fiber() {
  if (mapping_ == nullptr) return;
#if defined(__SANITIZE_ADDRESS__)
  // Frames that were abandoned left their red zones behind.
  __asan_unpoison_memory_region(bottom_, size_);
#endif
  munmap(mapping_, PageBytes() + kStackBytes);
}

void Fiber::Start(void (*entry)()) {
  const size_t page = PageBytes();
  mapping_ = mmap(nullptr, page + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED || mprotect(mapping_, page, PROT_NONE) != 0) {
    std::perror("simt: no memory for the stack of a thread");
    std::abort();
  }
  auto* bottom = static_cast<uint8_t*>(mapping_) + page;
  bottom_ = bottom;
  size_ = kStackBytes;
#if defined(__x86_64__)
  // From the top: no return address, the entry that the first switch returns to, six registers.
  auto** top = reinterpret_cast<void**>(bottom + kStackBytes);
  top[-2] = reinterpret_cast<void*>(entry);
  stack_pointer_ = top - 8;
#else
  getcontext(&registers_);
  registers_.uc_stack.ss_sp = bottom;
  registers_.uc_stack.ss_size = kStackBytes;
  registers_.uc_link = nullptr;
  makecontext(&registers_, entry, 0);
#endif
}

void Fiber::SwitchTo(Fiber& target) {
  previous = this;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&fake_stack_, target.bottom_, target.size_);
#endif
#if defined(__x86_64__)
  simt_switch_stack(&stack_pointer_, target.stack_pointer_);
#else
  swapcontext(&registers_, &target.registers_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack_, &previous->bottom_, &previous->size_);
#endif
}

void Fiber::Entered() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &previous->bottom_, &previous->size_);
#endif
}

}  // namespace simt
