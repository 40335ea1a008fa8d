// Allocations of the simulated device: aligned, filled with NaN, and watched on both sides.
#ifndef COREINFER_CUDA_HOST_GUARDED_MEMORY_H_
#define COREINFER_CUDA_HOST_GUARDED_MEMORY_H_

#include <cstddef>
#include <cstdint>

namespace simt {

constexpr uint8_t kPoison = 0xff;  // a NaN in every floating-point type, -1 in every integer

/// Memory aligned to 256 bytes, filled with kPoison, or null. With AddressSanitizer its red zones begin right behind
/// the last byte; otherwise known bytes stand there.
uint8_t* AllocateGuarded(size_t bytes);

/// Ends the process when something outside the memory was written; `what` names it.
void FreeGuarded(uint8_t* memory, size_t bytes, const char* what);

}  // namespace simt

#endif  // COREINFER_CUDA_HOST_GUARDED_MEMORY_H_
