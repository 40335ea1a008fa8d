// The two stages of the fused feed-forward layer for rows of any dtype: the dots of the rows that a block lists, and
// the sum of its active down rows. Rows that cannot be streamed are read element by element.
#ifndef COREINFER_CUDA_FFN_STAGES_H_
#define COREINFER_CUDA_FFN_STAGES_H_

#include <type_traits>

#include "ffn_down.h"
#include "ffn_slice.h"

namespace coreinfer {

/// A block's dynamic shared memory: the vector, in whose place the sums of teams come, the rings and the dots.
struct Shared {
  uint8_t* staged;
  uint8_t* rings;
  float* dots;
};

__host__ __device__ __forceinline__ int64_t VectorBytes(const FfnDecode& decode) {
  if (decode.depth == 0) return 0;
  const int64_t staged = StagedBytes(decode.ffn.up.dtype, decode.ffn.dim);
  constexpr int64_t kSums = 8 * 4 * kDotThreads;
  return staged > kSums ? staged : kSums;
}

__device__ __forceinline__ Shared SharedOf(const FfnDecode& decode) {
  auto* memory = DynamicShared<uint8_t>();
  uint8_t* rings = memory + VectorBytes(decode);
  uint8_t* dots = rings + kDotWarps * RingBytes(decode.ffn.up.dtype, decode.depth);
  return {memory, rings, reinterpret_cast<float*>(dots)};
}

inline int64_t SharedBytes(const FfnDecode& decode, int64_t blocks) {
  const int64_t neurons = (decode.ffn.neurons - 1) / blocks + 1;
  return VectorBytes(decode) + kDotWarps * RingBytes(decode.ffn.up.dtype, decode.depth) + 4 * DotFloats(2 * neurons);
}

/// Listed rows 2 i and 2 i + 1; an odd last one is its own partner. Gate and up differ in their addresses only.
template <int kDtype>
struct ListedRows {
  const Ffn& ffn;
  const DotRows& list;

  __device__ __forceinline__ void PointTo(int index, int which, RowPair* pair) const {
    const bool is_gate = list.rows[index] < 0;
    const int64_t row = is_gate ? -1 - list.rows[index] : list.rows[index];
    pair->q[which] = (is_gate ? ffn.gate.q : ffn.up.q) + row * ElementBytes(kDtype, ffn.dim);
    pair->d[which] = (is_gate ? ffn.gate.d : ffn.up.d) + row * ScaleBytes(kDtype, ffn.dim);
  }

  __device__ __forceinline__ RowPair At(int pair) const {
    RowPair rows;
    PointTo(2 * pair, 0, &rows);
    PointTo(min(2 * pair + 1, list.count - 1), 1, &rows);
    return rows;
  }
};

template <int kDtype>
__device__ __forceinline__ void DotAligned(const FfnDecode& decode, const DotRows& list, bool stages,
                                           const Shared& shared) {
  const ListedRows<kDtype> rows{decode.ffn, list};
  DotWalk<kDtype, ListedRows<kDtype>> walk(rows, (list.count + 1) / 2, decode.ffn.dim, shared.rings, decode.depth);
  StagedVector<kDtype> x(shared.staged, decode.ffn.dim);
  walk.Start();
  if (stages) x.Stage(decode.x);
  __syncthreads();
  walk.Finish(x, shared.dots);
}

/// A warp for each row, element by element.
__device__ inline void DotUnaligned(const FfnDecode& decode, const DotRows& list, float* dots) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  WaitForPrevious();
  __syncthreads();  // the dots of an earlier call were read
  for (int i = static_cast<int>(threadIdx.x) / kWarpThreads; i < list.count; i += kDotWarps) {
    const int row = list.rows[i];
    DeviceMatrix matrix = decode.ffn.up;
    if (row < 0) matrix = decode.ffn.gate;
    float sum = 0.0f;
    for (int j = lane; j < decode.ffn.dim; j += kWarpThreads) {
      sum = fmaf(ElementAt(matrix, row < 0 ? -1 - row : row, j), decode.x[j], sum);
    }
    sum = WarpSum(sum);
    if (lane == 0) dots[i] = sum;
  }
}

/// The dots of all listed rows, by shares; a barrier stands before they are read. x is staged on the way when `stages`.
__device__ __forceinline__ void DotListedRows(const FfnDecode& decode, const DotRows& list, bool stages,
                                              const Shared& shared) {
  if (decode.depth == 0) return DotUnaligned(decode, list, shared.dots);
  switch (decode.ffn.up.dtype) {
    case CI_F32:
      return DotAligned<CI_F32>(decode, list, stages, shared);
    case CI_F16:
      return DotAligned<CI_F16>(decode, list, stages, shared);
    case CI_BF16:
      return DotAligned<CI_BF16>(decode, list, stages, shared);
    case CI_Q8_0:
      return DotAligned<CI_Q8_0>(decode, list, stages, shared);
    default:
      return DotAligned<CI_Q4_0>(decode, list, stages, shared);
  }
}

/// The dot of a listed row.
__device__ __forceinline__ float DotOf(const FfnDecode& decode, const DotRows& list, const float* dots, int row) {
  if (decode.depth == 0) return dots[row];
  const int pieces = PiecesOf(decode.ffn.up.dtype, decode.ffn.dim);
  return Division{pieces, pieces * ((list.count + 1) / 2)}.Dot(dots, row);
}

/// Column by column.
__device__ inline void SumUnaligned(const DeviceMatrix& down, const ActiveNeurons& active, float* partial) {
  for (int column = static_cast<int>(threadIdx.x); column < down.columns; column += kDotThreads) {
    float sum = 0.0f;
    for (int i = 0; i < active.count; ++i) {
      sum = fmaf(active.activations[i], ElementAt(down, active.rows[i], active.ids[i], column), sum);
    }
    partial[column] = sum;
  }
}

/// Calls f with a down projection's dtype as a constant.
template <class Function>
__device__ __forceinline__ void WithDownDtype(int32_t dtype, const Function& f) {
  switch (dtype) {
    case CI_F32:
      return f(std::integral_constant<int, CI_F32>());
    case CI_F16:
      return f(std::integral_constant<int, CI_F16>());
    case CI_BF16:
      return f(std::integral_constant<int, CI_BF16>());
    case CI_Q8_0:
      return f(std::integral_constant<int, CI_Q8_0>());
    case CI_Q4_0:
      return f(std::integral_constant<int, CI_Q4_0>());
    case CI_Q8_0_SHARED:
      return f(std::integral_constant<int, CI_Q8_0_SHARED>());
    default:
      return f(std::integral_constant<int, CI_Q4_0_SHARED>());
  }
}

/// The calling warp sends for its first down rows, of the first `count` rows that `active` lists; its own dots are
/// done, others' need not be. SumDownRows goes on.
__device__ __forceinline__ void StartDownRows(const FfnDecode& decode, const ActiveNeurons& active, int count,
                                              const Shared& shared) {
  if (decode.depth == 0) return;
  const int ring_bytes = RingBytes(decode.ffn.up.dtype, decode.depth);
  WithDownDtype(decode.ffn.down.dtype, [&](auto dtype) {
    StartActiveRows<decltype(dtype)::value>(decode.ffn.down, active, count, shared.rings, ring_bytes);
  });
}

/// partial (dim) = the sum of the active neurons' down rows, for which StartDownRows sent already when `is_started`.
/// All dots were taken.
__device__ __forceinline__ void SumDownRows(const FfnDecode& decode, const ActiveNeurons& active, bool is_started,
                                            const Shared& shared, float* partial) {
  if (decode.depth == 0) return SumUnaligned(decode.ffn.down, active, partial);
  const int ring_bytes = RingBytes(decode.ffn.up.dtype, decode.depth);
  WithDownDtype(decode.ffn.down.dtype, [&](auto dtype) {
    SumActiveRows<decltype(dtype)::value>(decode.ffn.down, active, is_started, shared.rings, ring_bytes,
                                          reinterpret_cast<float4*>(shared.staged), partial);
  });
}

}  // namespace coreinfer

#endif  // COREINFER_CUDA_FFN_STAGES_H_
