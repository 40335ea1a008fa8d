// The sentences about kernels that break a rule.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "block.h"

namespace simt {
namespace {

constexpr size_t kTextBytes = 400;

std::string NameOf(const Thread& t) {
  char text[kTextBytes];
  std::snprintf(text, sizeof(text), "thread (%u,%u,%u) of block (%u,%u,%u)", t.index.x, t.index.y, t.index.z,
                blockIdx.x, blockIdx.y, blockIdx.z);
  return text;
}

// What a thread that is missing somewhere does instead.
std::string Whereabouts(int number) {
  if (number >= block.size) return "does not exist";
  const Thread& t = block.threads[static_cast<size_t>(number)];
  if ((t.warp->exited & t.bit) != 0) return "has exited";
  char text[kTextBytes];
  std::snprintf(text, sizeof(text), "waits at %s in %s:%d", t.name, t.site.file, t.site.line);
  std::string where = text;
  if ((t.warp->exchanging & t.bit) == 0) return where;
  std::snprintf(text, sizeof(text), " with mask 0x%08x", t.mask);
  return where + text;
}

}  // namespace

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

void ReportCall(const Thread& thread, const char* format, ...) {
  char text[kTextBytes];
  va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof(text), format, values);
  va_end(values);
  Violation("%s:%d: %s of %s %s", thread.site.file, thread.site.line, thread.name, NameOf(thread).c_str(), text);
}

void ReportMissing(const Thread& waiting, int missing) {
  ReportCall(waiting, "waits for thread %d (lane %d), which %s", missing, missing % kWarpThreads,
             Whereabouts(missing).c_str());
}

void ReportDeadlock() {
  const Thread* waiting = nullptr;
  int missing = -1;
  for (int i = 0; i < block.size; ++i) {
    const Thread& t = block.threads[static_cast<size_t>(i)];
    if ((t.warp->exchanging & t.bit) != 0) {
      // Who waits in a warp is the cause: a barrier is only reached after it.
      for (uint32_t rest = t.mask; rest != 0; rest &= rest - 1) {
        const Thread& other = t.warp->threads[__builtin_ctz(rest)];
        if ((t.warp->exchanging & other.bit) == 0 || other.mask != t.mask) ReportMissing(t, other.number);
      }
    }
    if ((t.warp->at_barrier & t.bit) != 0) {
      waiting = &t;
    } else {
      missing = i;
    }
  }
  ReportMissing(*waiting, missing);
}

}  // namespace simt
