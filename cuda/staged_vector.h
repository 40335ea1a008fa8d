// The vector of a dot product in shared memory, in the form that a dtype's rows are multiplied with.
//
// Rows of plain elements take floats. Rows of small integers in groups of 32 take integers too: with s a chunk's
// largest |x| / (127 * 128 * 128), each x is rounded to s * (128 * (128 * high + middle) + low), three signed bytes.
// The four products of a word are then one instruction for each byte (dp4a) where floats take three for each element,
// which at the bandwidth of current devices is more than there is time for. |error| <= s / 2 is 2.4e-7 of the chunk's
// largest |x|: as a float's. Everything before the scales is exact.
#ifndef COREINFER_CUDA_STAGED_VECTOR_H_
#define COREINFER_CUDA_STAGED_VECTOR_H_

#include "early_start.h"
#include "rows.h"

namespace coreinfer {

constexpr int kDotThreads = 512;
constexpr int kDotWarps = kDotThreads / kWarpThreads;

/// Elements of 16 bytes.
__host__ __device__ constexpr int ChunkElements(int32_t dtype) {
  return dtype == CI_F32 ? 4 : dtype == CI_Q8_0 ? 16 : dtype == CI_Q4_0 ? 32 : 8;
}

/// Chunks of a row that a lane takes at once.
constexpr int kLaneChunks = 2;

/// Pieces of a row: kLaneChunks chunks for each lane of a warp.
__host__ __device__ __forceinline__ int PiecesOf(int32_t dtype, int32_t columns) {
  return (columns - 1) / (kLaneChunks * kWarpThreads * ChunkElements(dtype)) + 1;
}

/// The vector's bytes in shared memory: whole pieces.
__host__ __device__ __forceinline__ int64_t StagedBytes(int32_t dtype, int32_t columns) {
  const int64_t elements = int64_t{PiecesOf(dtype, columns)} * kLaneChunks * kWarpThreads * ChunkElements(dtype);
  const bool is_grouped = dtype == CI_Q8_0 || dtype == CI_Q4_0;
  return is_grouped ? elements * 3 + elements / ChunkElements(dtype) * static_cast<int64_t>(sizeof(float2))
                    : elements * 4;
}

/// Quad k, of kQuads that a lane reads, goes where the eight lanes that are served together find theirs in different
/// banks. Quad j of the lane's is at the place of its first, exclusive or j.
template <int kQuads>
__device__ __forceinline__ int StagedPlace(int k) {
  return k ^ (k >> 3 & (kQuads - 1));
}

/// Floats: products with rows of plain elements.
template <int kDtype>
class StagedVector {
 public:
  __device__ __forceinline__ StagedVector(uint8_t* memory, int columns)
      : quads_(reinterpret_cast<float4*>(memory)), columns_(columns) {}

  /// Waits for the kernels that made the vector, then copies it, zeros behind it. Its length is a multiple of 4, x
  /// aligned to 16. The whole block calls it; a barrier stands between it and Add.
  __device__ __forceinline__ void Stage(const float* x) {
    WaitForPrevious();
    const int quads = static_cast<int>(StagedBytes(kDtype, columns_) / 16);
    for (int k = static_cast<int>(threadIdx.x); k < quads; k += kDotThreads) {
      quads_[StagedPlace<kQuads>(k)] =
          k < columns_ / 4 ? reinterpret_cast<const float4*>(x)[k] : make_float4(0, 0, 0, 0);
    }
  }

  /// Adds a chunk of two rows to their sums. The scales are those of the chunk's group, if it has one.
  __device__ __forceinline__ void Add(const uint4* words, const float*, int chunk, float* sums) const {
    const int first = StagedPlace<kQuads>(chunk * kQuads);
    const Chunk<kDtype> chunks[2] = {{words[0]}, {words[1]}};
    float products[2] = {0.0f, 0.0f};
#pragma unroll
    for (int j = 0; j < kQuads; ++j) {
      const float4 x = quads_[first ^ j];
#pragma unroll
      for (int which = 0; which < 2; ++which) {
        const float4 w = chunks[which].Quad(j);
        products[which] = fmaf(w.x, x.x, products[which]);
        products[which] = fmaf(w.y, x.y, products[which]);
        products[which] = fmaf(w.z, x.z, products[which]);
        products[which] = fmaf(w.w, x.w, products[which]);
      }
    }
    sums[0] += products[0];
    sums[1] += products[1];
  }

 private:
  static constexpr int kQuads = ChunkElements(kDtype) / 4;

  float4* const quads_;
  const int columns_;
};

/// Integers: products with rows of integers in groups.
template <int kDtype>
class StagedIntegers {
 public:
  __device__ __forceinline__ StagedIntegers(uint8_t* memory, int columns)
      : bytes_(reinterpret_cast<uint4*>(memory)),
        plane_(PiecesOf(kDtype, columns) * kLaneChunks * kWarpThreads * kQuads),
        chunks_(reinterpret_cast<float2*>(bytes_ + 3 * plane_)),
        columns_(columns) {}

  __device__ __forceinline__ void Stage(const float* x) {
    WaitForPrevious();
    constexpr int kStep = kDotThreads / kLanes;
    constexpr int kAtOnce = 4;  // so that the loads overlap
    const int chunks = plane_ / kQuads;
    const int part = static_cast<int>(threadIdx.x) % kLanes;
    // The chunks are a multiple of a warp's, so that its lanes stay together.
    for (int first = static_cast<int>(threadIdx.x) / kLanes; first < chunks; first += kAtOnce * kStep) {
      float4 quads[kAtOnce];
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        const int quad = (first + i * kStep) * kLanes + part;
        quads[i] = quad < columns_ / 4 ? reinterpret_cast<const float4*>(x)[quad] : make_float4(0, 0, 0, 0);
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        if (first + i * kStep < chunks) StageQuad(first + i * kStep, part, quads[i]);
      }
    }
  }

  __device__ __forceinline__ void Add(const uint4* words, const float* scales, int chunk, float* sums) const {
    const int first = StagedPlace<kQuads>(chunk * kQuads);
    int upper[2] = {0, 0};  // of 128 * high + middle
    int lower[2] = {0, 0};
    AddPlane(words, first, upper);
    upper[0] *= 128;
    upper[1] *= 128;
    AddPlane(words, plane_ + first, upper);
    AddPlane(words, 2 * plane_ + first, lower);
    const float2 step = chunks_[chunk];
#pragma unroll
    for (int which = 0; which < 2; ++which) {
      float product = fmaf(static_cast<float>(upper[which]), 128.0f, static_cast<float>(lower[which]));
      if (kDtype == CI_Q4_0) product -= step.y;
      sums[which] = fmaf(scales[which] * step.x, product, sums[which]);
    }
  }

 private:
  static constexpr int kQuads = kDtype == CI_Q8_0 ? 1 : 2;  // of a chunk: 16 elements each
  static constexpr int kLanes = ChunkElements(kDtype) / 4;  // that stage a chunk together

  // Infinite elements of a chunk, whose s is infinite too, count 1; all others are nothing beside them.
  __device__ __forceinline__ static int StepsOf(float x, float inverse) {
    if (isinf(x)) return x > 0.0f ? 1 : -1;
    return x == x ? __float2int_rn(x * inverse) : 0;
  }

  // The lanes of a chunk call it together.
  __device__ __forceinline__ void StageQuad(int chunk, int part, float4 x) {
    const bool is_nan = x.x != x.x || x.y != x.y || x.z != x.z || x.w != x.w;
    const unsigned own_lanes = ((1u << kLanes) - 1) << (threadIdx.x % kWarpThreads / kLanes * kLanes);
    const bool has_nan = (__ballot_sync(kWholeWarp, is_nan) & own_lanes) != 0;
    float largest = fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w)));
#pragma unroll
    for (int lanes = 1; lanes < kLanes; lanes *= 2) {
      largest = fmaxf(largest, __shfl_xor_sync(kWholeWarp, largest, lanes));
    }
    constexpr float kMost = 127.0f * 128.0f * 128.0f;
    constexpr float kLeast = 1e-32f;  // not to be divided by; what is smaller counts as 0
    const float inverse = largest > kLeast ? kMost / largest : 0.0f;
    const int values[4] = {StepsOf(x.x, inverse), StepsOf(x.y, inverse), StepsOf(x.z, inverse), StepsOf(x.w, inverse)};
    unsigned planes[3] = {0, 0, 0};
    int sum = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      sum += values[i];
      const int upper = (values[i] + 64) >> 7;
      const int high = (upper + 64) >> 7;
      planes[0] |= static_cast<unsigned>(high & 255) << (8 * i);
      planes[1] |= static_cast<unsigned>((upper - 128 * high) & 255) << (8 * i);
      planes[2] |= static_cast<unsigned>((values[i] - 128 * upper) & 255) << (8 * i);
    }
    const int place = 4 * StagedPlace<kQuads>(kQuads * chunk + part / 4) + part % 4;
#pragma unroll
    for (int plane = 0; plane < 3; ++plane) {
      reinterpret_cast<unsigned*>(bytes_ + plane * plane_)[place] = planes[plane];
    }
#pragma unroll
    for (int lanes = 1; lanes < kLanes; lanes *= 2) sum += __shfl_xor_sync(kWholeWarp, sum, lanes);
    // Q4_0's nibbles are 8 more than what they stand for.
    if (part == 0) chunks_[chunk] = make_float2(has_nan ? NAN : largest / kMost, 8.0f * static_cast<float>(sum));
  }

  __device__ __forceinline__ void AddPlane(const uint4* words, int first, int* sums) const {
    const uint4 x[2] = {bytes_[first], bytes_[first ^ (kQuads - 1)]};
#pragma unroll
    for (int which = 0; which < 2; ++which) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const unsigned word = WordOf(words[which], j);
        if (kDtype == CI_Q8_0) {
          sums[which] = Dot(word, WordOf(x[0], j), sums[which]);
        } else {
          sums[which] = Dot(word & 0x0f0f0f0fu, WordOf(x[0], j), sums[which]);
          sums[which] = Dot(word >> 4 & 0x0f0f0f0fu, WordOf(x[1], j), sums[which]);
        }
      }
    }
  }

  __device__ __forceinline__ static int Dot(unsigned q, unsigned x, int sum) {
    return __dp4a(static_cast<int>(q), static_cast<int>(x), sum);
  }

  uint4* const bytes_;    // three planes
  const int plane_;       // quads of a plane
  float2* const chunks_;  // s, and 8 times the sum of the integers
  const int columns_;
};

template <>
class StagedVector<CI_Q8_0> : public StagedIntegers<CI_Q8_0> {
  using StagedIntegers::StagedIntegers;
};

template <>
class StagedVector<CI_Q4_0> : public StagedIntegers<CI_Q4_0> {
  using StagedIntegers::StagedIntegers;
};

}  // namespace coreinfer

#endif  // COREINFER_CUDA_STAGED_VECTOR_H_
