// Norms. A row belongs to a warp when it is short (heads), else to a block, which sums in a fixed order: by shuffles,
// then through shared memory. The row is read again from cache for each pass. Memory bounds the time of many rows,
// latency that of one.
#include "context.h"
#include "coreinfer/kernels.h"
#include "device.h"
#include "early_start.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;  // of a block with several rows
constexpr int kMostThreads = 1024;

// One row of x and of y, seen by one of the threads that share it; the threads of a row follow each other in x, rows of
// a block in y.
struct Row {
  const float* x;
  float* y;
  int dim;
  bool is_used;  // false beyond the last row: such threads only take part in barriers

  __device__ Row(const float* x_, float* y_, int rows, int dim_) : dim(dim_) {
    const int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
    is_used = row < rows;
    x = x_ + (is_used ? row : 0) * dim;
    y = y_ + (is_used ? row : 0) * dim;
  }

  // The sum of value(x[i]) over the row, the same bits in all its threads.
  template <bool kInQuads, class Value>
  __device__ float Sum(const Value& value) const {
    float sum = 0.0f;
    if (kInQuads) {
      for (int i = 4 * threadIdx.x; i < dim; i += 4 * blockDim.x) {
        const float4 four = *reinterpret_cast<const float4*>(x + i);
        sum += (value(four.x) + value(four.y)) + (value(four.z) + value(four.w));
      }
    } else {
      for (int i = threadIdx.x; i < dim; i += blockDim.x) sum += value(x[i]);
    }
    return SumOfThreads(sum);
  }

  // y = (x - mean) * scale * weight + bias, without the bias when kBiased is false.
  template <bool kInQuads, bool kBiased>
  __device__ void Store(float mean, float scale, const float* __restrict__ weight,
                        const float* __restrict__ bias) const {
    if (!is_used) return;
    if (kInQuads) {
      for (int i = 4 * threadIdx.x; i < dim; i += 4 * blockDim.x) {
        float4 four = *reinterpret_cast<const float4*>(x + i);
        const float4 w = *reinterpret_cast<const float4*>(weight + i);
        four = make_float4((four.x - mean) * scale * w.x, (four.y - mean) * scale * w.y, (four.z - mean) * scale * w.z,
                           (four.w - mean) * scale * w.w);
        if (kBiased) {
          const float4 b = *reinterpret_cast<const float4*>(bias + i);
          four = make_float4(four.x + b.x, four.y + b.y, four.z + b.z, four.w + b.w);
        }
        *reinterpret_cast<float4*>(y + i) = four;
      }
    } else {
      for (int i = threadIdx.x; i < dim; i += blockDim.x) {
        const float value = (x[i] - mean) * scale * weight[i];
        y[i] = kBiased ? value + bias[i] : value;
      }
    }
  }

 private:
  __device__ float SumOfThreads(float value) const {
    value = WarpSum(value);
    const int warps = blockDim.x / kWarpThreads;
    if (warps == 1) return value;
    __shared__ float sums[kMostThreads / kWarpThreads];
    float* own = sums + threadIdx.y * warps;
    __syncthreads();  // the sums of an earlier call were read
    if (threadIdx.x % kWarpThreads == 0) own[threadIdx.x / kWarpThreads] = value;
    __syncthreads();
    const int lane = threadIdx.x % kWarpThreads;
    return WarpSum(lane < warps ? own[lane] : 0.0f);
  }
};

template <bool kInQuads>
__global__ void __launch_bounds__(kMostThreads, 1)
    rms_norm_kernel(const float* x, const float* __restrict__ weight, int rows, int dim, float epsilon, float* y) {
  LetNextStart();
  WaitForPrevious();
  const Row row(x, y, rows, dim);
  const float squares = row.Sum<kInQuads>([](float value) { return value * value; });
  row.Store<kInQuads, false>(0.0f, rsqrtf(squares / static_cast<float>(dim) + epsilon), weight, nullptr);
}

template <bool kInQuads>
__global__ void __launch_bounds__(kMostThreads, 1)
    layer_norm_kernel(const float* x, const float* __restrict__ weight, const float* __restrict__ bias, int rows,
                      int dim, float epsilon, float* y) {
  LetNextStart();
  WaitForPrevious();
  const Row row(x, y, rows, dim);
  const float mean = row.Sum<kInQuads>([](float value) { return value; }) / static_cast<float>(dim);
  const float squares = row.Sum<kInQuads>([mean](float value) { return (value - mean) * (value - mean); });
  row.Store<kInQuads, true>(mean, rsqrtf(squares / static_cast<float>(dim) + epsilon), weight, bias);
}

// Threads of a row: a power of two, so many that each has up to two loads of 16 bytes. Depends on dim alone, so that a
// row's bits don't depend on how many there are.
int ThreadsOfRow(int32_t dim) {
  int threads = kWarpThreads;
  while (threads < kMostThreads && int64_t{threads} * 8 < dim) threads *= 2;
  return threads;
}

struct Division {
  dim3 grid;
  dim3 block;
};

Division DivideRows(int32_t rows, int32_t dim) {
  const int threads = ThreadsOfRow(dim);
  const int rows_of_block = threads < kThreads ? kThreads / threads : 1;
  return {dim3(static_cast<unsigned>((int64_t{rows} + rows_of_block - 1) / rows_of_block)),
          dim3(static_cast<unsigned>(threads), static_cast<unsigned>(rows_of_block))};
}

bool PermitsQuads(int32_t dim, const float* x, const float* weight, const float* y) {
  return dim % 4 == 0 && IsAligned(x, 16) && IsAligned(weight, 16) && IsAligned(y, 16);
}

void RequireEpsilon(float epsilon) {
  if (!(epsilon >= 0.0f)) Fail(CI_INVALID_ARGUMENT, "epsilon must not be negative: epsilon=%g", double{epsilon});
}

}  // namespace
}  // namespace coreinfer

int32_t ci_rms_norm(ci_context* context, const float* x, const float* weight, int32_t rows, int32_t dim, float epsilon,
                    float* y) {
  return coreinfer::Call("ci_rms_norm", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {rows, dim});
    coreinfer::RequirePointer("weight", weight);
    coreinfer::RequireEpsilon(epsilon);
    coreinfer::RequirePointer("y", y);
    const coreinfer::Division division = coreinfer::DivideRows(rows, dim);
    const bool in_quads = coreinfer::PermitsQuads(dim, x, weight, y);
    const auto kernel = in_quads ? coreinfer::rms_norm_kernel<true> : coreinfer::rms_norm_kernel<false>;
    return coreinfer::Launch(coreinfer::Start::kEarly, c, "ci_rms_norm", kernel, division.grid, division.block, 0, x,
                             weight, rows, dim, epsilon, y);
  });
}

int32_t ci_layer_norm(ci_context* context, const float* x, const float* weight, const float* bias, int32_t rows,
                      int32_t dim, float epsilon, float* y) {
  return coreinfer::Call("ci_layer_norm", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {rows, dim});
    coreinfer::RequirePointer("weight", weight);
    coreinfer::RequirePointer("bias", bias);
    coreinfer::RequireEpsilon(epsilon);
    coreinfer::RequirePointer("y", y);
    const coreinfer::Division division = coreinfer::DivideRows(rows, dim);
    const bool in_quads = coreinfer::PermitsQuads(dim, x, weight, y) && coreinfer::IsAligned(bias, 16);
    const auto kernel = in_quads ? coreinfer::layer_norm_kernel<true> : coreinfer::layer_norm_kernel<false>;
    return coreinfer::Launch(coreinfer::Start::kEarly, c, "ci_layer_norm", kernel, division.grid, division.block, 0, x,
                             weight, bias, rows, dim, epsilon, y);
  });
}
