// Exchanges between the lanes of a warp: the last lane to arrive computes every lane's result.
#include <cstring>

#include "block.h"

namespace simt {
namespace {

void CheckMask(const Thread& self) {
  if ((self.mask & self.bit) == 0) ReportCall(self, "has mask 0x%08x, which lacks its own lane", self.mask);
  const uint32_t gone = self.mask & (~self.warp->existing | self.warp->exited);
  if (gone != 0) ReportMissing(self, self.warp->threads->number + __builtin_ctz(gone));
}

// Whether all lanes of the mask wait with that mask. Where they do with another intrinsic, they never meet.
bool HaveMet(const Thread& self) {
  const Warp& warp = *self.warp;
  if ((warp.exchanging & self.mask) != self.mask) return false;
  if (warp.is_uniform) return true;
  for (uint32_t rest = self.mask; rest != 0; rest &= rest - 1) {
    const Thread& other = warp.threads[__builtin_ctz(rest)];
    if (other.mask != self.mask) return false;
    if (std::strcmp(other.name, self.name) != 0) ReportMissing(self, other.number);
  }
  return true;
}

uint64_t ResultOf(Exchange exchange, const Thread& t, const Thread* lanes) {
  if (exchange == Exchange::kNothing) return 0;
  if (exchange == Exchange::kShuffle) {
    if ((t.mask >> t.source & 1) == 0)
      ReportCall(t, "reads lane %d, which mask 0x%08x does not name", t.source, t.mask);
    return lanes[t.source].value;
  }
  uint64_t result = 0;
  for (uint32_t rest = t.mask; rest != 0; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const uint64_t value = lanes[lane].value;
    if (exchange == Exchange::kVote ? value != 0 : value == t.value) result |= uint64_t{1} << lane;
  }
  return result;
}

}  // namespace

uint64_t ExchangeInWarp(Exchange exchange, const char* name, uint32_t mask, uint64_t value, int source, Site site) {
  Thread& self = *block.running;
  Warp& warp = *self.warp;
  self.name = name;
  self.site = site;
  self.mask = mask;
  self.value = value;
  self.source = source;
  CheckMask(self);
  if (warp.exchanging == 0) {
    warp.is_uniform = true;
    warp.mask = mask;
    warp.name = name;
  } else if (warp.mask != mask || warp.name != name) {
    warp.is_uniform = false;
  }
  warp.runnable &= ~self.bit;
  warp.exchanging |= self.bit;
  if (!HaveMet(self)) {
    Yield();
    return self.result;
  }
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    Thread& other = warp.threads[__builtin_ctz(rest)];
    other.result = ResultOf(exchange, other, warp.threads);
  }
  warp.exchanging &= ~mask;
  warp.runnable |= mask;
  return self.result;
}

int Lane() { return __builtin_ctz(block.running->bit); }

}  // namespace simt
