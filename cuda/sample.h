// What greedy choice and drawing share: the best logit of a vocabulary.
#ifndef COREINFER_CUDA_SAMPLE_H_
#define COREINFER_CUDA_SAMPLE_H_

#include "context.h"
#include "device.h"
#include "early_start.h"

namespace coreinfer {

using uint64 = unsigned long long;  // as CUDA's atomic functions spell it

/// An integer that orders like the logit; the two zeros differ.
__device__ __forceinline__ uint32_t AscendingKey(float logit) {
  const uint32_t bits = __float_as_uint(logit);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float LogitOfKey(uint32_t key) {
  return __uint_as_float((key & 0x80000000u) != 0 ? key & ~0x80000000u : ~key);
}

/// A logit and its token as one integer: higher logits are higher, and of equal ones lower tokens. 0 is none.
struct Best {
  uint64 code;

  __device__ __forceinline__ bool exists() const { return code != 0; }
  __device__ __forceinline__ int token() const { return static_cast<int>(~static_cast<uint32_t>(code)); }
  __device__ __forceinline__ float logit() const { return LogitOfKey(static_cast<uint32_t>(code >> 32)); }
};

/// The best of a logit's; NaN is none, and both zeros are equal.
__device__ __forceinline__ uint64 BestCode(float logit, int token) {
  if (logit != logit) return 0;
  return static_cast<uint64>(AscendingKey(logit + 0.0f)) << 32 | ~static_cast<uint32_t>(token);
}

/// The best of `count` codes, in every lane. The whole warp must call it.
__device__ __forceinline__ Best BestOf(const uint64* codes, int count) {
  uint64 best = 0;
  for (int i = threadIdx.x % kWarpThreads; i < count; i += kWarpThreads) best = max(best, __ldcg(codes + i));
  for (int lanes = kWarpThreads / 2; lanes > 0; lanes /= 2) best = max(best, __shfl_xor_sync(kWholeWarp, best, lanes));
  return {best};
}

/// How many codes FindBest makes.
int BestBlocks(const ci_context& c, int32_t vocabulary);

/// codes[b] = the best of block b's part of the vocabulary. *token = the best of all, -1 for none, unless it is NULL.
/// `zeroed` (words) becomes 0.
int32_t FindBest(ci_context& c, const char* function, const float* logits, int32_t vocabulary, uint64* codes,
                 int32_t* token, uint32_t* zeroed, int words);

}  // namespace coreinfer

#endif  // COREINFER_CUDA_SAMPLE_H_
