// A tiled matrix product in F32 with weights of any dtype. A block computes a tile of tokens x 128 outputs and goes
// through the depth in slices of 16: the next slice is on its way in registers while the present one, as floats in
// shared memory, is multiplied. 256 threads have (tile of tokens / 16) x 8 sums each. Arithmetic bounds the time.
#include "gemm.h"
#include "rows.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;
constexpr int kSide = 16;  // threads along the outputs and along the tokens
constexpr int kOutputTile = 128;
constexpr int kDepthSlice = 16;
constexpr int kPad = 4;  // keeps quads aligned and consecutive slices in different banks

// What one thread fetches of a slice: an octet of weights and kQuads quads of x. Without alignment, element by element.
template <int kTokenTile, bool kAligned>
class SliceLoader {
 public:
  __device__ __forceinline__ SliceLoader(const Gemm& gemm, int outputs, int depth, int first_output, int first_token)
      : gemm_(gemm), outputs_(outputs), depth_(depth), first_output_(first_output), first_token_(first_token) {}

  __device__ __forceinline__ void Fetch(int start) {
    const int thread = static_cast<int>(threadIdx.x);
    int row;
    if (gemm_.by == GemmWeight::kRows) {
      row = first_output_ + thread / 2;
      column_ = start + thread % 2 * 8;
    } else {
      row = start + thread / kSide;
      column_ = first_output_ + thread % kSide * 8;
    }
    weight_ = {};
    if (row < gemm_.weight.rows && column_ < gemm_.weight.columns) {
      if (kAligned) {
        weight_ = LoadOctet(gemm_.weight, row, column_);
      } else {
        const Octet octet = OctetAt(gemm_.weight, row, column_);
        weight_ = {Words(octet.low), Words(octet.high)};
      }
    }
#pragma unroll
    for (int i = 0; i < kQuads; ++i) x_[i] = FetchX(first_token_ + TokenOf(i), start + thread % 4 * 4);
  }

  __device__ __forceinline__ void Store(float (*weights)[kOutputTile + kPad], float (*tokens)[kTokenTile + kPad]) {
    const int thread = static_cast<int>(threadIdx.x);
    const Octet w = DecodeOctet(kAligned ? gemm_.weight.dtype : CI_F32, weight_, column_);
    if (gemm_.by == GemmWeight::kRows) {
      StoreDown(w.low, thread % 2 * 8, thread / 2, weights);
      StoreDown(w.high, thread % 2 * 8 + 4, thread / 2, weights);
    } else {
      auto* target = reinterpret_cast<float4*>(&weights[thread / kSide][thread % kSide * 8]);
      target[0] = w.low;
      target[1] = w.high;
    }
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      if (TokenOf(i) < kTokenTile) StoreDown(x_[i], thread % 4 * 4, TokenOf(i), tokens);
    }
  }

 private:
  static constexpr int kQuads = (kTokenTile * kDepthSlice / 4 - 1) / kThreads + 1;

  static __device__ __forceinline__ int TokenOf(int i) {
    return static_cast<int>(threadIdx.x) / 4 + i * (kThreads / 4);
  }

  static __device__ __forceinline__ uint4 Words(float4 v) {
    return make_uint4(__float_as_uint(v.x), __float_as_uint(v.y), __float_as_uint(v.z), __float_as_uint(v.w));
  }

  __device__ __forceinline__ float4 FetchX(int token, int column) const {
    if (token >= gemm_.tokens || column >= depth_) return make_float4(0, 0, 0, 0);
    const float* x = gemm_.x + int64_t{token} * depth_ + column;
    if (kAligned) return __ldg(reinterpret_cast<const float4*>(x));
    const int left = depth_ - column;
    return make_float4(x[0], left > 1 ? x[1] : 0.0f, left > 2 ? x[2] : 0.0f, left > 3 ? x[3] : 0.0f);
  }

  // A quad along the depth becomes a column of the slice.
  template <int kWidth>
  static __device__ __forceinline__ void StoreDown(float4 v, int row, int column, float (*slice)[kWidth]) {
    slice[row][column] = v.x;
    slice[row + 1][column] = v.y;
    slice[row + 2][column] = v.z;
    slice[row + 3][column] = v.w;
  }

  const Gemm& gemm_;
  const int outputs_;
  const int depth_;
  const int first_output_;
  const int first_token_;
  int column_ = 0;
  RawOctet weight_;
  float4 x_[kQuads];
};

// Tokens ty * kGroup.. of each of the kGroups parts of a tile, by as many consecutive loads.
template <int kTokenTile>
struct TokenShare {
  static constexpr int kCount = kTokenTile / kSide;
  static constexpr int kGroup = kCount < 4 ? kCount : 4;

  static __device__ __forceinline__ int At(int i, int ty) {
    return i / kGroup * (kSide * kGroup) + ty * kGroup + i % kGroup;
  }

  static __device__ __forceinline__ void Load(const float* slice, int ty, float* values) {
#pragma unroll
    for (int i = 0; i < kCount; i += kGroup) {
      if (kGroup == 4) {
        const float4 quad = *reinterpret_cast<const float4*>(slice + At(i, ty));
        values[i] = quad.x;
        values[i + 1] = quad.y;
        values[i + kGroup - 2] = quad.z;
        values[i + kGroup - 1] = quad.w;
      } else {
        const float2 two = *reinterpret_cast<const float2*>(slice + At(i, ty));
        values[i] = two.x;
        values[i + 1] = two.y;
      }
    }
  }
};

__device__ __forceinline__ void StoreOutputs(const Gemm& gemm, int outputs, int token, int output, float4 sum) {
  if (token >= gemm.tokens || output >= outputs) return;
  float* y = gemm.y + int64_t{token} * outputs + output;
  const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (output + i >= outputs) return;
    const float value = gemm.bias == nullptr ? sums[i] : sums[i] + gemm.bias[output + i];
    y[i] = gemm.accumulate == 0 ? value : y[i] + value;
  }
}

template <int kTokenTile, bool kAligned>
__global__ void __launch_bounds__(kThreads, 2) gemm_kernel(Gemm gemm) {
  using Share = TokenShare<kTokenTile>;
  __shared__ __align__(16) float weights[2][kDepthSlice][kOutputTile + kPad];
  __shared__ __align__(16) float tokens[2][kDepthSlice][kTokenTile + kPad];
  const bool by_rows = gemm.by == GemmWeight::kRows;
  const int outputs = by_rows ? gemm.weight.rows : gemm.weight.columns;
  const int depth = by_rows ? gemm.weight.columns : gemm.weight.rows;
  // Blocks that follow each other have the same weights and other tokens.
  const int token_tiles = (gemm.tokens - 1) / kTokenTile + 1;
  const int first_token = static_cast<int>(blockIdx.x) % token_tiles * kTokenTile;
  const int first_output = static_cast<int>(blockIdx.x) / token_tiles * kOutputTile;
  const int tx = static_cast<int>(threadIdx.x) % kSide;
  const int ty = static_cast<int>(threadIdx.x) / kSide;

  float sums[Share::kCount][8] = {};
  SliceLoader<kTokenTile, kAligned> loader(gemm, outputs, depth, first_output, first_token);
  loader.Fetch(0);
  loader.Store(weights[0], tokens[0]);
  __syncthreads();
  for (int start = 0, buffer = 0; start < depth; start += kDepthSlice, buffer ^= 1) {
    const bool goes_on = start + kDepthSlice < depth;
    if (goes_on) loader.Fetch(start + kDepthSlice);
#pragma unroll
    for (int k = 0; k < kDepthSlice; ++k) {
      float x[Share::kCount];
      Share::Load(tokens[buffer][k], ty, x);
      const auto* row = reinterpret_cast<const float4*>(weights[buffer][k]);
      const float4 low = row[tx];
      const float4 high = row[tx + kSide];
      const float w[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
      for (int i = 0; i < Share::kCount; ++i) {
#pragma unroll
        for (int j = 0; j < 8; ++j) sums[i][j] = fmaf(x[i], w[j], sums[i][j]);
      }
    }
    if (goes_on) loader.Store(weights[buffer ^ 1], tokens[buffer ^ 1]);
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < Share::kCount; ++i) {
    const int token = first_token + Share::At(i, ty);
    const int output = first_output + tx * 4;
    StoreOutputs(gemm, outputs, token, output, make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
    StoreOutputs(gemm, outputs, token, output + kOutputTile / 2,
                 make_float4(sums[i][4], sums[i][5], sums[i][6], sums[i][7]));
  }
}

template <int kTokenTile, bool kAligned>
int32_t LaunchTiled(ci_context& context, const char* function, const Gemm& gemm) {
  const int64_t outputs = gemm.by == GemmWeight::kRows ? gemm.weight.rows : gemm.weight.columns;
  const int64_t token_tiles = (gemm.tokens - 1) / kTokenTile + 1;
  const int64_t blocks = ((outputs - 1) / kOutputTile + 1) * token_tiles;
  RequireRange("tiles of the product", blocks, 1, INT32_MAX);
  return Launch(context, function, gemm_kernel<kTokenTile, kAligned>, dim3(static_cast<unsigned>(blocks)),
                dim3(kThreads), 0, gemm);
}

}  // namespace

int32_t LaunchGemm(ci_context& context, const char* function, const Gemm& gemm) {
  const int depth = gemm.by == GemmWeight::kRows ? gemm.weight.columns : gemm.weight.rows;
  if (!HasAlignedOctets(gemm.weight) || depth % 4 != 0 || !IsAligned(gemm.x, 16)) {
    return LaunchTiled<32, false>(context, function, gemm);
  }
  if (gemm.tokens <= 32) return LaunchTiled<32, true>(context, function, gemm);
  if (gemm.tokens <= 64) return LaunchTiled<64, true>(context, function, gemm);
  return LaunchTiled<128, true>(context, function, gemm);
}

}  // namespace coreinfer
