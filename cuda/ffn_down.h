// The second stage of the fused feed-forward layer: a block adds up the down rows of its active neurons.
//
// A thread owns eight columns, a strip, and a warp 32 strips, a band. The warp takes the rows in list order, in groups
// whose parts in its band make 1 KB, of which it has up to 8 on their way in its ring: 128 KB in a block. Where there
// are fewer bands than warps, teams of warps share the rows among them and their sums are added in order. With shared
// scales the rows of one group of 32 neurons are summed before they are scaled, and the scales of the next such group
// are on their way meanwhile.
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
  switch (dtype) {
    case CI_F32:
      return 32;
    case CI_F16:
    case CI_BF16:
      return 16;
    case CI_Q8_0:
    case CI_Q8_0_SHARED:
      return 8;
    default:
      return 4;
  }
}

/// Rows of a group.
__host__ __device__ constexpr int GroupRows(int32_t dtype) { return 32 / StripBytes(dtype); }

/// Whether each row has scales of its own: 16 bytes in a band.
__host__ __device__ constexpr bool HasOwnScales(int32_t dtype) { return dtype == CI_Q8_0 || dtype == CI_Q4_0; }

/// A warp's shared memory for a group.
__host__ __device__ constexpr int GroupBytes(int32_t dtype) {
  return GroupRows(dtype) * (kWarpThreads * StripBytes(dtype) + (HasOwnScales(dtype) ? 16 : 0));
}

/// The depth of rings of `bytes` bytes.
__host__ __device__ __forceinline__ int DownDepth(int32_t dtype, int bytes) {
  int depth = kMostDepth;
  while (depth > 1 && depth * GroupBytes(dtype) > bytes) depth /= 2;
  return depth;
}

/// The scales of a strip that a group of rows shares.
template <int kDtype>
struct StripScales {
  /// The run or the strip may not exist: then nothing is loaded or used.
  __device__ __forceinline__ void Load(const DeviceMatrix& down, const ActiveNeurons& active, int run, int strip) {
    if (run >= active.runs || strip >= down.columns / 8) return;
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

/// One warp's walk through the rows of its band.
template <int kDtype>
class DownWalk {
 public:
  __device__ __forceinline__ DownWalk(const DeviceMatrix& down, const ActiveNeurons& active, int band, uint8_t* rings,
                                      int ring_bytes)
      : down_(down),
        active_(active),
        lane_(static_cast<int>(threadIdx.x) % kWarpThreads),
        strip_(band * kWarpThreads + lane_),
        ring_(rings + static_cast<int>(threadIdx.x) / kWarpThreads * ring_bytes),
        depth_(DownDepth(kDtype, ring_bytes)) {}

  /// Sends for the first of the active neurons begin..end-1.
  __device__ __forceinline__ void Start(int begin, int end) {
    for (int slot = 0; slot < depth_; ++slot) SendFor(begin + slot * kRows, end, slot);
  }

  /// The sum over active neurons begin..end-1, which were started.
  __device__ __forceinline__ StripSums Sum(int begin, int end) {
    StripSums sums = {};
    Take(
        begin, end, [&] { return end; }, [] {}, &sums);
    return sums;
  }

  /// The same for shared scales.
  __device__ __forceinline__ StripSums SumScaled(int begin, int end) {
    StripSums sums = {};
    if (begin == end) return sums;  // nothing was sent for
    int run = 0;
    while (active_.firsts[run + 1] <= begin) ++run;
    StripScales<kDtype> scales = {};
    StripScales<kDtype> following = {};
    scales.Load(down_, active_, run, strip_);
    following.Load(down_, active_, run + 1, strip_);
    int boundary = active_.firsts[run + 1];
    StripSums group = {};
    const auto finish_run = [&] {
      scales.AddTo(group, &sums);
      group = StripSums{};
      scales = following;
      ++run;
      boundary = active_.firsts[run + 1];
      following.Load(down_, active_, run + 1, strip_);
    };
    Take(
        begin, end, [&] { return boundary; }, finish_run, &group);
    scales.AddTo(group, &sums);
    return sums;
  }

 private:
  static constexpr int kBytes = StripBytes(kDtype);
  static constexpr int kRows = GroupRows(kDtype);
  static constexpr int kBandBytes = kWarpThreads * kBytes;

  // Calls finish_run() when active neuron boundary() is next.
  template <class Boundary, class FinishRun>
  __device__ __forceinline__ void Take(int begin, int end, const Boundary& boundary, const FinishRun& finish_run,
                                       StripSums* sums) {
    for (int first = begin, slot = 0; first < end; first += kRows) {
      WaitForOldest(depth_);
      __syncwarp();  // a lane's elements were copied by others
      if (first + kRows <= min(end, boundary())) {
#pragma unroll
        for (int k = 0; k < kRows; ++k) AddRow(active_.activations[first + k], slot, k, sums);
      } else {
#pragma unroll
        for (int k = 0; k < kRows; ++k) {
          if (first + k >= end) break;
          if (first + k == boundary()) finish_run();
          AddRow(active_.activations[first + k], slot, k, sums);
        }
      }
      __syncwarp();
      SendFor(first + depth_ * kRows, end, slot);
      slot = slot + 1 == depth_ ? 0 : slot + 1;
    }
    WaitForCopies<0>();
  }

  // Sends for the rows from `first` on. Lanes take 16 bytes each, of one of the rows.
  __device__ __forceinline__ void SendFor(int first, int end, int slot) {
    const int64_t row_bytes = ElementBytes(kDtype, down_.columns);
    const int64_t band = int64_t{strip_ - lane_} * kBytes;
    uint8_t* target = ring_ + slot * GroupBytes(kDtype);
#pragma unroll
    for (int byte = lane_ * 16; byte < kRows * kBandBytes; byte += kWarpThreads * 16) {
      const int i = first + byte / kBandBytes;
      const int64_t at = band + byte % kBandBytes;
      if (i < end && at < row_bytes) AsyncCopy<16>(target + byte, down_.q + active_.rows[i] * row_bytes + at);
    }
    if (HasOwnScales(kDtype) && lane_ < kRows * 4) {
      const int64_t scale_bytes = ScaleBytes(kDtype, down_.columns);
      const int i = first + lane_ / 4;
      const int64_t at = band / kBytes / 2 + lane_ % 4 * 4;
      if (i < end && at < scale_bytes) {
        AsyncCopy<4>(target + kRows * kBandBytes + lane_ * 4, down_.d + active_.rows[i] * scale_bytes + at);
      }
    }
    CommitCopies();
  }

  // Row k of a group. Lanes past the row's end add what nobody reads.
  __device__ __forceinline__ void AddRow(float factor, int slot, int k, StripSums* sums) const {
    const uint8_t* group = ring_ + slot * GroupBytes(kDtype);
    const uint8_t* elements = group + k * kBandBytes + lane_ * kBytes;
    if (HasOwnScales(kDtype)) {
      factor *= HalfToFloat(reinterpret_cast<const uint16_t*>(group + kRows * kBandBytes + k * 16)[lane_ / 4]);
    }
    float4 low;
    float4 high;
    if (kDtype == CI_F32) {
      low = reinterpret_cast<const float4*>(elements)[0];
      high = reinterpret_cast<const float4*>(elements)[1];
    } else if (kDtype == CI_F16 || kDtype == CI_BF16) {
      const uint4 words = *reinterpret_cast<const uint4*>(elements);
      low = kDtype == CI_F16 ? Joined(Halves(words.x), Halves(words.y)) : Joined(Bfloats(words.x), Bfloats(words.y));
      high = kDtype == CI_F16 ? Joined(Halves(words.z), Halves(words.w)) : Joined(Bfloats(words.z), Bfloats(words.w));
    } else if (kDtype == CI_Q8_0 || kDtype == CI_Q8_0_SHARED) {
      const uint2 words = *reinterpret_cast<const uint2*>(elements);
      low = SignedBytes(words.x);
      high = SignedBytes(words.y);
    } else {
      const unsigned word = *reinterpret_cast<const unsigned*>(elements);
      low = LowNibbles(word);
      high = HighNibbles(word);
    }
    Accumulate(factor, low, &sums->quads[0]);
    Accumulate(factor, high, &sums->quads[1]);
  }

  const DeviceMatrix& down_;
  const ActiveNeurons& active_;
  const int lane_;
  const int strip_;
  uint8_t* const ring_;
  const int depth_;
};

/// How warps share the bands of a round, kDotWarps at most, and the active neurons.
struct Teams {
  __device__ __forceinline__ Teams(int first_band, int bands, int active)
      : width(min(bands - first_band, kDotWarps)), count(kDotWarps / width) {
    const int warp = static_cast<int>(threadIdx.x) / kWarpThreads;
    own = warp / width;
    band = first_band + warp % width;
    begin = active * own / count;
    end = active * (own + 1) / count;
  }

  /// Left over warps have no team.
  __device__ __forceinline__ bool takes_part() const { return own < count; }

  int width;
  int count;
  int own;  // the calling warp's team, and its band and neurons
  int band;
  int begin;
  int end;
};

__device__ __forceinline__ int BandsOf(const DeviceMatrix& down) { return (down.columns / 8 - 1) / kWarpThreads + 1; }

/// The calling warp sends for the first of the rows that it takes in SumActiveRows, of `count` active neurons.
template <int kDtype>
__device__ __forceinline__ void StartActiveRows(const DeviceMatrix& down, const ActiveNeurons& active, int count,
                                                uint8_t* rings, int ring_bytes) {
  const Teams teams(0, BandsOf(down), count);
  if (!teams.takes_part()) return;
  __syncwarp();  // the ring's last pieces were read
  DownWalk<kDtype>(down, active, teams.band, rings, ring_bytes).Start(teams.begin, teams.end);
}

/// partial (dim) = the sum over the active neurons of activation * down row. team_sums: 2 quads of shared memory per
/// thread. The whole block calls it, after StartActiveRows when `is_started`.
template <int kDtype>
__device__ __forceinline__ void SumActiveRows(const DeviceMatrix& down, const ActiveNeurons& active, bool is_started,
                                              uint8_t* rings, int ring_bytes, float4* team_sums, float* partial) {
  const int thread = static_cast<int>(threadIdx.x);
  const int strips = down.columns / 8;
  const int bands = BandsOf(down);
  for (int first = 0; first < bands; first += kDotWarps) {
    const Teams teams(first, bands, active.count);
    StripSums sums = {};
    if (teams.takes_part()) {
      DownWalk<kDtype> walk(down, active, teams.band, rings, ring_bytes);
      if (first > 0 || !is_started) walk.Start(teams.begin, teams.end);
      if constexpr (HasSharedScales(kDtype)) {
        sums = walk.SumScaled(teams.begin, teams.end);
      } else {
        sums = walk.Sum(teams.begin, teams.end);
      }
    }
    if (teams.count > 1) {
      team_sums[thread] = sums.quads[0];
      team_sums[kDotThreads + thread] = sums.quads[1];
      __syncthreads();
      for (int other = 1; other < teams.count && teams.own == 0; ++other) {
        Accumulate(1.0f, team_sums[other * teams.width * kWarpThreads + thread], &sums.quads[0]);
        Accumulate(1.0f, team_sums[kDotThreads + other * teams.width * kWarpThreads + thread], &sums.quads[1]);
      }
      __syncthreads();
    }
    const int strip = teams.band * kWarpThreads + thread % kWarpThreads;
    if (teams.own != 0 || strip >= strips) continue;
    auto* target = reinterpret_cast<float4*>(partial);
#pragma unroll
    for (int which = 0; which < 2; ++which) target[StripQuad(kDtype, strip, which)] = sums.quads[which];
  }
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_FFN_DOWN_H_
