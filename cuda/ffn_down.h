// The second stage of the fused feed-forward layer: a block adds up the down rows of its active neurons.
//
// A thread owns eight columns, a strip, and walks through the rows in list order with kDepth of them on their way to
// it: 16 KB (Q4_0_SHARED) to 64 KB per block. Where the strips are fewer than the threads, teams of threads share the
// rows among them and their sums are added in order. With shared scales the rows of one group of 32 are summed before
// they are scaled, and the scales of the next group are on their way meanwhile.
#ifndef COREINFER_CUDA_FFN_DOWN_H_
#define COREINFER_CUDA_FFN_DOWN_H_

#include "ffn_slice.h"

namespace coreinfer {

/// A strip's sums: two quads, at the columns that StripQuad names.
struct StripSums {
  float4 quads[2];
};

__device__ __forceinline__ void Accumulate(float factor, float4 values, float4* sum) {
  sum->x = fmaf(factor, values.x, sum->x);
  sum->y = fmaf(factor, values.y, sum->y);
  sum->z = fmaf(factor, values.z, sum->z);
  sum->w = fmaf(factor, values.w, sum->w);
}

__device__ __forceinline__ bool IsPackedInNibbles(int32_t dtype) { return dtype == CI_Q4_0 || dtype == CI_Q4_0_SHARED; }

/// The quad number of a strip's first or second quad. Four bytes of nibbles hold quads that are 16 columns apart.
__device__ __forceinline__ int StripQuad(int32_t dtype, int strip, int which) {
  return IsPackedInNibbles(dtype) ? strip / 4 * 8 + strip % 4 + 4 * which : 2 * strip + which;
}

/// What a thread reads of one row.
template <int kDtype>
struct Strip;

template <>
struct Strip<CI_F32> {
  static constexpr int kDepth = 4;

  __device__ __forceinline__ void Load(const uint8_t* q, const uint8_t*, int strip) {
    words[0] = LoadStreamed16(q + 32 * int64_t{strip});
    words[1] = LoadStreamed16(q + 32 * int64_t{strip} + 16);
  }
  __device__ __forceinline__ void AddTo(float factor, StripSums* sums) const {
    Accumulate(factor, Floats(words[0]), &sums->quads[0]);
    Accumulate(factor, Floats(words[1]), &sums->quads[1]);
  }

  uint4 words[2];
};

template <>
struct Strip<CI_F16> {
  static constexpr int kDepth = 8;

  __device__ __forceinline__ void Load(const uint8_t* q, const uint8_t*, int strip) {
    words = LoadStreamed16(q + 16 * int64_t{strip});
  }
  __device__ __forceinline__ void AddTo(float factor, StripSums* sums) const {
    Accumulate(factor, Joined(Halves(words.x), Halves(words.y)), &sums->quads[0]);
    Accumulate(factor, Joined(Halves(words.z), Halves(words.w)), &sums->quads[1]);
  }

  uint4 words;
};

template <>
struct Strip<CI_BF16> : Strip<CI_F16> {
  __device__ __forceinline__ void AddTo(float factor, StripSums* sums) const {
    Accumulate(factor, Joined(Bfloats(words.x), Bfloats(words.y)), &sums->quads[0]);
    Accumulate(factor, Joined(Bfloats(words.z), Bfloats(words.w)), &sums->quads[1]);
  }
};

template <>
struct Strip<CI_Q8_0_SHARED> {
  static constexpr int kDepth = 16;

  __device__ __forceinline__ void Load(const uint8_t* q, const uint8_t*, int strip) {
    words = LoadStreamed8(q + 8 * int64_t{strip});
  }
  __device__ __forceinline__ void AddTo(float factor, StripSums* sums) const {
    Accumulate(factor, SignedBytes(words.x), &sums->quads[0]);
    Accumulate(factor, SignedBytes(words.y), &sums->quads[1]);
  }

  uint2 words;
};

template <>
struct Strip<CI_Q8_0> : Strip<CI_Q8_0_SHARED> {
  __device__ __forceinline__ void Load(const uint8_t* q, const uint8_t* d, int strip) {
    Strip<CI_Q8_0_SHARED>::Load(q, d, strip);
    scale = LoadStreamed2(d + strip / 4 * 2);
  }
  __device__ __forceinline__ void AddTo(float factor, StripSums* sums) const {
    Strip<CI_Q8_0_SHARED>::AddTo(factor * HalfToFloat(scale), sums);
  }

  uint16_t scale;
};

template <>
struct Strip<CI_Q4_0_SHARED> {
  static constexpr int kDepth = 16;

  __device__ __forceinline__ void Load(const uint8_t* q, const uint8_t*, int strip) {
    word = LoadStreamed4(q + 4 * int64_t{strip});
  }
  __device__ __forceinline__ void AddTo(float factor, StripSums* sums) const {
    Accumulate(factor, LowNibbles(word), &sums->quads[0]);
    Accumulate(factor, HighNibbles(word), &sums->quads[1]);
  }

  unsigned word;
};

template <>
struct Strip<CI_Q4_0> : Strip<CI_Q4_0_SHARED> {
  __device__ __forceinline__ void Load(const uint8_t* q, const uint8_t* d, int strip) {
    Strip<CI_Q4_0_SHARED>::Load(q, d, strip);
    scale = LoadStreamed2(d + strip / 4 * 2);
  }
  __device__ __forceinline__ void AddTo(float factor, StripSums* sums) const {
    Strip<CI_Q4_0_SHARED>::AddTo(factor * HalfToFloat(scale), sums);
  }

  uint16_t scale;
};

/// The scales of a strip that a group of rows shares.
template <int kDtype>
struct StripScales {
  // `group` may be one that does not exist: then nothing is loaded or used.
  __device__ __forceinline__ void Load(const DeviceMatrix& down, const ActiveNeurons& active, int run, int strip) {
    if (run >= active.runs) return;
    const auto* d = reinterpret_cast<const uint2*>(down.d + active.groups[run] * ScaleBytes(kDtype, down.columns));
    words[0] = __ldg(d + StripQuad(kDtype, strip, 0));
    words[1] = __ldg(d + StripQuad(kDtype, strip, 1));
  }
  __device__ __forceinline__ void AddTo(const StripSums& group, StripSums* sums) const {
#pragma unroll
    for (int which = 0; which < 2; ++which) {
      const float4 scale = Joined(Halves(words[which].x), Halves(words[which].y));
      float4* sum = &sums->quads[which];
      sum->x = fmaf(scale.x, group.quads[which].x, sum->x);
      sum->y = fmaf(scale.y, group.quads[which].y, sum->y);
      sum->z = fmaf(scale.z, group.quads[which].z, sum->z);
      sum->w = fmaf(scale.w, group.quads[which].w, sum->w);
    }
  }

  uint2 words[2];
};

/// Adds active neurons begin..end-1 up, calling `before(i)` when neuron i is next.
template <int kDtype, class Before>
__device__ __forceinline__ void WalkRows(const DeviceMatrix& down, const ActiveNeurons& active, int strip, int begin,
                                         int end, const Before& before, StripSums* sums) {
  constexpr int kDepth = Strip<kDtype>::kDepth;
  const int64_t q_bytes = ElementBytes(kDtype, down.columns);
  const int64_t d_bytes = kDtype == CI_Q8_0 || kDtype == CI_Q4_0 ? ScaleBytes(kDtype, down.columns) : 0;
  Strip<kDtype> strips[kDepth];
#pragma unroll
  for (int k = 0; k < kDepth; ++k) {
    if (begin + k < end) {
      const int64_t row = active.rows[begin + k];
      strips[k].Load(down.q + row * q_bytes, down.d + row * d_bytes, strip);
    }
  }
  for (int first = begin; first < end; first += kDepth) {
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      const int i = first + k;
      if (i >= end) break;
      before(i);
      strips[k].AddTo(active.activations[i], sums);
      if (i + kDepth < end) {
        const int64_t row = active.rows[i + kDepth];
        strips[k].Load(down.q + row * q_bytes, down.d + row * d_bytes, strip);
      }
    }
  }
}

template <int kDtype>
__device__ __forceinline__ StripSums SumRows(const DeviceMatrix& down, const ActiveNeurons& active, int strip,
                                             int begin, int end) {
  StripSums sums = {};
  if constexpr (!HasSharedScales(kDtype)) {
    WalkRows<kDtype>(down, active, strip, begin, end, [](int) {}, &sums);
    return sums;
  }
  if (begin == end) return sums;
  int run = 0;
  while (active.firsts[run + 1] <= begin) ++run;
  StripScales<kDtype> scales = {};
  StripScales<kDtype> following = {};
  scales.Load(down, active, run, strip);
  following.Load(down, active, run + 1, strip);
  int boundary = active.firsts[run + 1];
  StripSums group = {};
  const auto before = [&](int i) {
    if (i != boundary) return;
    scales.AddTo(group, &sums);
    group = StripSums{};
    scales = following;
    ++run;
    boundary = active.firsts[run + 1];
    following.Load(down, active, run + 1, strip);
  };
  WalkRows<kDtype>(down, active, strip, begin, end, before, &group);
  scales.AddTo(group, &sums);
  return sums;
}

/// partial (dim) = the sum over the active neurons of activation * down row. team_sums: 2 quads of shared memory per
/// thread. The whole block calls it.
template <int kDtype>
__device__ __forceinline__ void SumActiveRows(const DeviceMatrix& down, const ActiveNeurons& active,
                                              float4* team_sums, float* partial) {
  const int thread = static_cast<int>(threadIdx.x);
  const int strips = down.columns / 8;
  for (int first = 0; first < strips; first += kDotThreads) {
    const int width = min(strips - first, kDotThreads);
    const int teams = kDotThreads / width;
    const int team = thread / width;
    const int strip = first + thread % width;
    StripSums sums = {};
    if (team < teams) {
      sums = SumRows<kDtype>(down, active, strip, active.count * team / teams, active.count * (team + 1) / teams);
    }
    if (teams > 1) {
      team_sums[thread] = sums.quads[0];
      team_sums[kDotThreads + thread] = sums.quads[1];
      __syncthreads();
      for (int other = 1; other < teams && team == 0; ++other) {
        Accumulate(1.0f, team_sums[other * width + thread], &sums.quads[0]);
        Accumulate(1.0f, team_sums[kDotThreads + other * width + thread], &sums.quads[1]);
      }
      __syncthreads();
    }
    if (team != 0) continue;
    auto* target = reinterpret_cast<float4*>(partial);
#pragma unroll
    for (int which = 0; which < 2; ++which) target[StripQuad(kDtype, strip, which)] = sums.quads[which];
  }
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_FFN_DOWN_H_
