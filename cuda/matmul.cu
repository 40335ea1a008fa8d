// Dense products with weights of any dtype but the shared ones; prefill's is in gemm.cu.
//
// Decode's product y = weight x: each block takes an equal share of the rows, dots.h their products; then a thread
// for each row adds the parts, the bias and what y held. One block per multiprocessor, so that the vector is staged
// once. The weights' bytes bound the time. Rows that are not made of aligned octets are summed element by element.
// Several tokens are so many launches: a small matrix comes from L2 then, a large one is read again.
#include "context.h"
#include "coreinfer/kernels.h"
#include "dots.h"
#include "gemm.h"

namespace coreinfer {
namespace {

// Pairs that a block takes between two barriers: then each thread stores a row.
constexpr int kBatchPairs = kDotThreads / 2;

struct Matvec {
  DeviceMatrix weight;
  const float* bias;
  const float* x;
  int32_t accumulate;
  int depth;  // of the rings
  float* y;
};

__device__ __forceinline__ void StoreProduct(const Matvec& matvec, int row, float product) {
  if (matvec.bias != nullptr) product += matvec.bias[row];
  matvec.y[row] = matvec.accumulate == 0 ? product : matvec.y[row] + product;
}

// Rows that follow each other; an odd last one is its own partner.
template <int kDtype>
struct AdjacentRows {
  const DeviceMatrix& weight;
  int first_pair;

  __device__ __forceinline__ RowPair At(int pair) const {
    const int64_t first = 2 * (int64_t{first_pair} + pair);
    const int64_t second = first + 1 < weight.rows ? first + 1 : first;
    const int64_t q_bytes = ElementBytes(kDtype, weight.columns);
    const int64_t d_bytes = ScaleBytes(kDtype, weight.columns);
    return {{weight.q + first * q_bytes, weight.q + second * q_bytes},
            {weight.d + first * d_bytes, weight.d + second * d_bytes}};
  }
};

template <int kDtype>
__global__ void __launch_bounds__(kDotThreads, 1) matvec_kernel(Matvec matvec) {
  LetNextStart();
  const DeviceMatrix& weight = matvec.weight;
  auto* staged = DynamicShared<uint8_t>();
  uint8_t* rings = staged + StagedBytes(kDtype, weight.columns);
  auto* dots = reinterpret_cast<float*>(rings + kDotWarps * RingBytes(kDtype, matvec.depth));

  StagedVector<kDtype> x(staged, weight.columns);
  const Share share = ShareOf((weight.rows - 1) / 2 + 1);
  for (int taken = 0; taken < share.count; taken += kBatchPairs) {
    const int first = share.first + taken;
    const int count = min(share.count - taken, kBatchPairs);
    const AdjacentRows<kDtype> rows{weight, first};
    DotWalk<kDtype, AdjacentRows<kDtype>> walk(rows, count, weight.columns, rings, matvec.depth);
    walk.Start();
    if (taken == 0) x.Stage(matvec.x);
    __syncthreads();  // the vector is there, and the dots of the batch before were read
    walk.Finish(x, dots);
    __syncthreads();
    const int i = static_cast<int>(threadIdx.x);
    const int row = 2 * first + i;
    if (i < 2 * count && row < weight.rows) StoreProduct(matvec, row, walk.division().Dot(dots, i));
  }
}

// Element by element, a warp for each row.
constexpr int kUnalignedThreads = 256;

__global__ void __launch_bounds__(kUnalignedThreads) matvec_unaligned_kernel(Matvec matvec) {
  const auto row = static_cast<int>(blockIdx.x * (kUnalignedThreads / kWarpThreads) + threadIdx.x / kWarpThreads);
  if (row >= matvec.weight.rows) return;  // the whole warp
  float sum = 0.0f;
  for (int i = static_cast<int>(threadIdx.x) % kWarpThreads; i < matvec.weight.columns; i += kWarpThreads) {
    sum = fmaf(ElementAt(matvec.weight, row, i), matvec.x[i], sum);
  }
  sum = WarpSum(sum);
  if (threadIdx.x % kWarpThreads == 0) StoreProduct(matvec, row, sum);
}

template <int kDtype>
int64_t SharedBytes(const Matvec& matvec, int64_t pairs_per_block) {
  const int64_t batch = pairs_per_block < kBatchPairs ? pairs_per_block : kBatchPairs;
  const int32_t columns = matvec.weight.columns;
  return StagedBytes(kDtype, columns) + kDotWarps * RingBytes(kDtype, matvec.depth) + 4 * DotFloats(2 * batch);
}

template <int kDtype>
int32_t LaunchMatvec(ci_context& c, const char* function, Matvec matvec) {
  const DeviceMatrix& weight = matvec.weight;
  const int64_t pairs = (int64_t{weight.rows} + 1) / 2;
  const int64_t blocks = pairs < c.multiprocessors ? pairs : c.multiprocessors;
  const int64_t pairs_per_block = (pairs - 1) / blocks + 1;
  matvec.depth = CanStream(weight) && IsAligned(matvec.x, 16) ? kMostDotDepth : 0;
  while (matvec.depth > 0 && SharedBytes<kDtype>(matvec, pairs_per_block) > c.most_shared_bytes) matvec.depth /= 2;
  if (matvec.depth == 0) {
    constexpr int kRows = kUnalignedThreads / kWarpThreads;
    return Launch(c, function, matvec_unaligned_kernel, dim3((weight.rows - 1) / kRows + 1), dim3(kUnalignedThreads), 0,
                  matvec);
  }
  return Launch(Start::kEarly, c, function, matvec_kernel<kDtype>, dim3(static_cast<unsigned>(blocks)),
                dim3(kDotThreads), SharedBytes<kDtype>(matvec, pairs_per_block), matvec);
}

int32_t LaunchMatvec(ci_context& c, const char* function, const Matvec& matvec) {
  switch (matvec.weight.dtype) {
    case CI_F32:
      return LaunchMatvec<CI_F32>(c, function, matvec);
    case CI_F16:
      return LaunchMatvec<CI_F16>(c, function, matvec);
    case CI_BF16:
      return LaunchMatvec<CI_BF16>(c, function, matvec);
    case CI_Q8_0:
      return LaunchMatvec<CI_Q8_0>(c, function, matvec);
    default:
      return LaunchMatvec<CI_Q4_0>(c, function, matvec);
  }
}

}  // namespace
}  // namespace coreinfer

int32_t ci_matvec(ci_context* context, int32_t dtype, const void* weight, const float* bias, const float* x,
                  int32_t tokens, int32_t rows, int32_t columns, int32_t accumulate, float* y) {
  return coreinfer::Call("ci_matvec", context, [&](ci_context& c) {
    const coreinfer::DeviceMatrix matrix = coreinfer::RequireDeviceMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequirePointer("x", x);
    coreinfer::RequireRange("tokens", tokens, 1, CI_DECODE_TOKENS);
    coreinfer::RequireRange("accumulate", accumulate, 0, 1);
    coreinfer::RequirePointer("y", y);
    int32_t status = CI_OK;
    for (int64_t t = 0; t < tokens && status == CI_OK; ++t) {
      const coreinfer::Matvec matvec{matrix, bias, x + t * columns, accumulate, 0, y + t * rows};
      status = coreinfer::LaunchMatvec(c, "ci_matvec", matvec);
    }
    return status;
  });
}

int32_t ci_matmul(ci_context* context, int32_t dtype, const void* weight, const float* bias, const float* x,
                  int32_t tokens, int32_t rows, int32_t columns, int32_t accumulate, float* y) {
  return coreinfer::Call("ci_matmul", context, [&](ci_context& c) {
    const coreinfer::DeviceMatrix matrix = coreinfer::RequireDeviceMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequireArray("x", x, {tokens, columns});
    coreinfer::RequireRange("accumulate", accumulate, 0, 1);
    coreinfer::RequireArray("y", y, {tokens, rows});
    const coreinfer::Gemm gemm{matrix, coreinfer::GemmWeight::kRows, bias, x, tokens, accumulate, y};
    return coreinfer::LaunchGemm(c, "ci_matmul", gemm);
  });
}

int32_t ci_matmul_transposed(ci_context* context, int32_t dtype, const void* weight, const float* x, int32_t tokens,
                             int32_t rows, int32_t columns, float* y) {
  return coreinfer::Call("ci_matmul_transposed", context, [&](ci_context& c) {
    const coreinfer::DeviceMatrix matrix = coreinfer::RequireAnyDeviceMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequireArray("x", x, {tokens, rows});
    coreinfer::RequireArray("y", y, {tokens, columns});
    const coreinfer::Gemm gemm{matrix, coreinfer::GemmWeight::kColumns, nullptr, x, tokens, 1, y};
    return coreinfer::LaunchGemm(c, "ci_matmul_transposed", gemm);
  });
}
