// The second stage of the fused feed-forward layer: a block adds up the down rows of its active neurons.
//
// A thread owns eight columns, a strip, and takes the rows in list order, in groups of kRows (16 bytes or more) of
// which it has `depth` on their way in shared memory: 64 KB per block at depth 8. Where the strips are fewer than the
// threads, teams of threads share the rows among them and their sums are added in order. With shared scales the rows of
// one group of 32 neurons are summed before they are scaled, and the scales of the next group are on their way
// meanwhile.
#ifndef COREINFER_CUDA_FFN_DOWN_H_
#define COREINFER_CUDA_FFN_DOWN_H_

#include "dots.h"
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

/// The quad number of a strip's first or second quad. Four bytes of nibbles hold quads that are 16 columns apart.
__device__ __forceinline__ int StripQuad(int32_t dtype, int strip, int which) {
  const bool is_nibbles = dtype == CI_Q4_0 || dtype == CI_Q4_0_SHARED;
  return is_nibbles ? strip / 4 * 8 + strip % 4 + 4 * which : 2 * strip + which;
}

/// Bytes of a strip's elements.
__host__ __device__ constexpr int StripBytes(int32_t dtype) {
  return dtype == CI_F32                               ? 32
         : dtype == CI_F16 || dtype == CI_BF16         ? 16
         : dtype == CI_Q8_0 || dtype == CI_Q8_0_SHARED ? 8
                                                       : 4;
}

/// Rows that a thread sends for at once.
__host__ __device__ constexpr int GroupRows(int32_t dtype) {
  return StripBytes(dtype) >= 16 ? 1 : 16 / StripBytes(dtype);
}

/// Whether each row has scales of its own.
__host__ __device__ constexpr bool HasOwnScales(int32_t dtype) { return dtype == CI_Q8_0 || dtype == CI_Q4_0; }

/// Shared memory of all threads for one row, and how many groups of rows fit into `bytes`: a depth.
__host__ __device__ constexpr int RowSlotBytes(int32_t dtype) {
  return kDotThreads * (StripBytes(dtype) + (HasOwnScales(dtype) ? 4 : 0));
}
__host__ __device__ __forceinline__ int DownDepth(int32_t dtype, int64_t bytes) {
  int depth = kMostDepth;
  while (depth > 1 && int64_t{depth} * GroupRows(dtype) * RowSlotBytes(dtype) > bytes) depth /= 2;
  return depth;
}

/// The scales of a strip that a group of rows shares.
template <int kDtype>
struct StripScales {
  /// `run` may be one that does not exist: then nothing is loaded or used.
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

/// One thread's walk through rows of the down matrix.
template <int kDtype>
class DownWalk {
 public:
  __device__ __forceinline__ DownWalk(const DeviceMatrix& down, const ActiveNeurons& active, int strip, uint8_t* ring,
                                      int depth)
      : down_(down),
        active_(active),
        strip_(strip),
        ring_(ring + static_cast<int>(threadIdx.x) * (kDtype == CI_F32 ? 16 : kBytes)),
        depth_(depth),
        policy_(StreamPolicy()) {}

  /// The sum over active neurons begin..end-1.
  __device__ __forceinline__ StripSums Sum(int begin, int end) {
    StripSums sums = {};
    Take(
        begin, end, [](int) {}, &sums);
    return sums;
  }

  /// The same for shared scales.
  __device__ __forceinline__ StripSums SumScaled(int begin, int end) {
    StripSums sums = {};
    if (begin == end) return sums;
    int run = 0;
    while (active_.firsts[run + 1] <= begin) ++run;
    StripScales<kDtype> scales = {};
    StripScales<kDtype> following = {};
    scales.Load(down_, active_, run, strip_);
    following.Load(down_, active_, run + 1, strip_);
    int boundary = active_.firsts[run + 1];
    StripSums group = {};
    const auto before = [&](int i) {
      if (i != boundary) return;
      scales.AddTo(group, &sums);
      group = StripSums{};
      scales = following;
      ++run;
      boundary = active_.firsts[run + 1];
      following.Load(down_, active_, run + 1, strip_);
    };
    Take(begin, end, before, &group);
    scales.AddTo(group, &sums);
    return sums;
  }

 private:
  static constexpr int kBytes = StripBytes(kDtype);
  static constexpr int kRows = GroupRows(kDtype);

  // Calls before(i) when active neuron i is next.
  template <class Before>
  __device__ __forceinline__ void Take(int begin, int end, const Before& before, StripSums* sums) {
    for (int group = 0; group < depth_; ++group) SendFor(begin + group * kRows, end, group);
    for (int first = begin, group = 0; first < end; first += kRows) {
      WaitForOldest(depth_);
#pragma unroll
      for (int k = 0; k < kRows; ++k) {
        if (first + k >= end) break;
        before(first + k);
        AddRow(active_.activations[first + k], group * kRows + k, sums);
      }
      SendFor(first + depth_ * kRows, end, group);
      group = group + 1 == depth_ ? 0 : group + 1;
    }
    WaitForCopies<0>();
  }

  __device__ __forceinline__ void SendFor(int first, int end, int group) {
#pragma unroll
    for (int k = 0; k < kRows; ++k) {
      if (first + k >= end) break;
      const int64_t row = active_.rows[first + k];
      const uint8_t* q = down_.q + row * ElementBytes(kDtype, down_.columns) + kBytes * int64_t{strip_};
      uint8_t* slot = ring_ + (group * kRows + k) * RowSlotBytes(kDtype);
      if (kDtype == CI_F32) {
        AsyncCopy<16>(slot, q, policy_);
        AsyncCopy<16>(slot + kDotThreads * 16, q + 16, policy_);
      } else {
        AsyncCopy<kDtype == CI_F32 ? 16 : kBytes>(slot, q, policy_);
      }
      if (HasOwnScales(kDtype)) {
        AsyncCopy<4>(ScalesIn(group * kRows + k), down_.d + row * ScaleBytes(kDtype, down_.columns) + strip_ / 8 * 4,
                     policy_);
      }
    }
    CommitCopies();
  }

  // Two scales of 32 columns each.
  __device__ __forceinline__ uint8_t* ScalesIn(int slot) const {
    const int thread = static_cast<int>(threadIdx.x);
    return ring_ + slot * RowSlotBytes(kDtype) + kDotThreads * kBytes + thread * (4 - kBytes);
  }

  __device__ __forceinline__ void AddRow(float factor, int index, StripSums* sums) const {
    const uint8_t* slot = ring_ + index * RowSlotBytes(kDtype);
    if (HasOwnScales(kDtype)) {
      const unsigned scales = *reinterpret_cast<const unsigned*>(ScalesIn(index));
      factor *= HalfToFloat(static_cast<uint16_t>(scales >> (strip_ / 4 % 2 * 16)));
    }
    float4 low;
    float4 high;
    if (kDtype == CI_F32) {
      low = *reinterpret_cast<const float4*>(slot);
      high = *reinterpret_cast<const float4*>(slot + kDotThreads * 16);
    } else if (kDtype == CI_F16 || kDtype == CI_BF16) {
      const uint4 words = *reinterpret_cast<const uint4*>(slot);
      low = kDtype == CI_F16 ? Joined(Halves(words.x), Halves(words.y)) : Joined(Bfloats(words.x), Bfloats(words.y));
      high = kDtype == CI_F16 ? Joined(Halves(words.z), Halves(words.w)) : Joined(Bfloats(words.z), Bfloats(words.w));
    } else if (kDtype == CI_Q8_0 || kDtype == CI_Q8_0_SHARED) {
      const uint2 words = *reinterpret_cast<const uint2*>(slot);
      low = SignedBytes(words.x);
      high = SignedBytes(words.y);
    } else {
      const unsigned word = *reinterpret_cast<const unsigned*>(slot);
      low = LowNibbles(word);
      high = HighNibbles(word);
    }
    Accumulate(factor, low, &sums->quads[0]);
    Accumulate(factor, high, &sums->quads[1]);
  }

  const DeviceMatrix& down_;
  const ActiveNeurons& active_;
  const int strip_;
  uint8_t* const ring_;
  const int depth_;
  const uint64_t policy_;
};

/// partial (dim) = the sum over the active neurons of activation * down row. team_sums: 2 quads of shared memory per
/// thread. The whole block calls it.
template <int kDtype>
__device__ __forceinline__ void SumActiveRows(const DeviceMatrix& down, const ActiveNeurons& active, uint8_t* ring,
                                              int depth, float4* team_sums, float* partial) {
  const int thread = static_cast<int>(threadIdx.x);
  const int strips = down.columns / 8;
  for (int first = 0; first < strips; first += kDotThreads) {
    const int width = min(strips - first, kDotThreads);
    const int teams = kDotThreads / width;
    const int team = thread / width;
    const int strip = first + thread % width;
    StripSums sums = {};
    if (team < teams) {
      DownWalk<kDtype> walk(down, active, strip, ring, depth);
      const int begin = active.count * team / teams;
      const int end = active.count * (team + 1) / teams;
      if constexpr (HasSharedScales(kDtype)) {
        sums = walk.SumScaled(begin, end);
      } else {
        sums = walk.Sum(begin, end);
      }
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
