// What a kernel may call: barriers, warp intrinsics, atomics, loads, bit operations and fast mathematics. Fast
// mathematics is exact here; atomics are plain, because no other thread runs meanwhile.
#ifndef COREINFER_CUDA_HOST_DEVICE_FUNCTIONS_H_
#define COREINFER_CUDA_HOST_DEVICE_FUNCTIONS_H_

#include <math.h>
#include <string.h>

#include <type_traits>

#include "simt.h"

// ---- barriers and fences ----

inline void __syncthreads(simt::Site site = simt::Site::Here()) { simt::WaitForBlock("__syncthreads", false, site); }
inline int __syncthreads_count(int predicate, simt::Site site = simt::Site::Here()) {
  return simt::WaitForBlock("__syncthreads_count", predicate != 0, site);
}
inline int __syncthreads_or(int predicate, simt::Site site = simt::Site::Here()) {
  return simt::WaitForBlock("__syncthreads_or", predicate != 0, site) != 0;
}
inline int __syncthreads_and(int predicate, simt::Site site = simt::Site::Here()) {
  return simt::WaitForBlock("__syncthreads_and", predicate == 0, site) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, simt::Site site = simt::Site::Here()) {
  simt::ExchangeInWarp(simt::Exchange::kNothing, "__syncwarp", mask, 0, 0, site);
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
[[noreturn]] inline void __trap() { simt::Trap(); }

// ---- shuffles and votes ----

namespace simt {

template <class T>
T Shuffle(const char* name, unsigned mask, T value, int source, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8));
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(value));
  bits = ExchangeInWarp(Exchange::kShuffle, name, mask, bits, source, site);
  memcpy(&value, &bits, sizeof(value));
  return value;
}

inline int CheckedWidth(const char* name, int width, Site site) {
  if (width < 1 || width > kWarpThreads || (width & (width - 1)) != 0) {
    Violation("%s:%d: %s has width %d, which is no power of two up to 32", site.file, site.line, name, width);
  }
  return width;
}

// Two votes of a warp differ where one thread calls __any_sync and another __all_sync, hence the name.
inline uint32_t Vote(const char* name, unsigned mask, bool predicate, Site site) {
  return static_cast<uint32_t>(ExchangeInWarp(Exchange::kVote, name, mask, predicate ? 1 : 0, 0, site));
}

}  // namespace simt

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, simt::Site site = simt::Site::Here()) {
  const int segment = -simt::CheckedWidth("__shfl_sync", width, site);
  return simt::Shuffle("__shfl_sync", mask, value, (simt::Lane() & segment) | (source & ~segment), site);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Site site = simt::Site::Here()) {
  const int lane = simt::Lane();
  const int first = lane & -simt::CheckedWidth("__shfl_up_sync", width, site);
  const int source = lane - static_cast<int>(delta & 31);
  return simt::Shuffle("__shfl_up_sync", mask, value, source < first ? lane : source, site);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Site site = simt::Site::Here()) {
  const int lane = simt::Lane();
  const int last = lane | (simt::CheckedWidth("__shfl_down_sync", width, site) - 1);
  const int source = lane + static_cast<int>(delta & 31);
  return simt::Shuffle("__shfl_down_sync", mask, value, source > last ? lane : source, site);
}

// Earlier segments may be read, later ones not.
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, simt::Site site = simt::Site::Here()) {
  const int lane = simt::Lane();
  const int last = lane | (simt::CheckedWidth("__shfl_xor_sync", width, site) - 1);
  const int source = lane ^ (lanes & 31);
  return simt::Shuffle("__shfl_xor_sync", mask, value, source > last ? lane : source, site);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, simt::Site site = simt::Site::Here()) {
  return simt::Vote("__ballot_sync", mask, predicate != 0, site);
}
inline int __any_sync(unsigned mask, int predicate, simt::Site site = simt::Site::Here()) {
  return simt::Vote("__any_sync", mask, predicate != 0, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, simt::Site site = simt::Site::Here()) {
  return simt::Vote("__all_sync", mask, predicate == 0, site) == 0;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, simt::Site site = simt::Site::Here()) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(value));
  return static_cast<unsigned>(simt::ExchangeInWarp(simt::Exchange::kMatch, "__match_any_sync", mask, bits, 0, site));
}

// ---- atomics: all return the old value ----

namespace simt {

template <class T, class Change>
T Replace(T* address, const Change& change) {
  const T old = *address;
  *address = change(old);
  return old;
}

}  // namespace simt

#define SIMT_ATOMIC(name, type, expression)                                          \
  inline type name(type* address, type value) {                                      \
    return simt::Replace(address, [value](type old) -> type { return expression; }); \
  }
SIMT_ATOMIC(atomicAdd, int, static_cast<int>(static_cast<unsigned>(old) + static_cast<unsigned>(value)))
SIMT_ATOMIC(atomicAdd, unsigned, old + value)
SIMT_ATOMIC(atomicAdd, unsigned long long, old + value)
SIMT_ATOMIC(atomicAdd, float, old + value)
SIMT_ATOMIC(atomicAdd, double, old + value)
SIMT_ATOMIC(atomicSub, int, static_cast<int>(static_cast<unsigned>(old) - static_cast<unsigned>(value)))
SIMT_ATOMIC(atomicSub, unsigned, old - value)
SIMT_ATOMIC(atomicMax, int, old > value ? old : value)
SIMT_ATOMIC(atomicMax, unsigned, old > value ? old : value)
SIMT_ATOMIC(atomicMax, unsigned long long, old > value ? old : value)
SIMT_ATOMIC(atomicMax, long long, old > value ? old : value)
SIMT_ATOMIC(atomicMin, int, old < value ? old : value)
SIMT_ATOMIC(atomicMin, unsigned, old < value ? old : value)
SIMT_ATOMIC(atomicMin, unsigned long long, old < value ? old : value)
SIMT_ATOMIC(atomicMin, long long, old < value ? old : value)
SIMT_ATOMIC(atomicOr, int, old | value)
SIMT_ATOMIC(atomicOr, unsigned, old | value)
SIMT_ATOMIC(atomicOr, unsigned long long, old | value)
SIMT_ATOMIC(atomicAnd, int, old& value)
SIMT_ATOMIC(atomicAnd, unsigned, old& value)
SIMT_ATOMIC(atomicXor, unsigned, old ^ value)
SIMT_ATOMIC(atomicExch, int, (static_cast<void>(old), value))
SIMT_ATOMIC(atomicExch, unsigned, (static_cast<void>(old), value))
SIMT_ATOMIC(atomicExch, unsigned long long, (static_cast<void>(old), value))
SIMT_ATOMIC(atomicExch, float, (static_cast<void>(old), value))
SIMT_ATOMIC(atomicInc, unsigned, old >= value ? 0 : old + 1)
SIMT_ATOMIC(atomicDec, unsigned, old == 0 || old > value ? value : old - 1)
#undef SIMT_ATOMIC

#define SIMT_ATOMIC_CAS(type)                                                                             \
  inline type atomicCAS(type* address, type expected, type value) {                                       \
    return simt::Replace(address, [expected, value](type old) { return old == expected ? value : old; }); \
  }
SIMT_ATOMIC_CAS(int)
SIMT_ATOMIC_CAS(unsigned)
SIMT_ATOMIC_CAS(unsigned long long)
#undef SIMT_ATOMIC_CAS

#include "device_math.h"

#endif  // COREINFER_CUDA_HOST_DEVICE_FUNCTIONS_H_
