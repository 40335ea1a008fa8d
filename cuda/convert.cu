// The steps around a matrix product of a library: weights and activations brought into a dtype that it takes, biases
// and activation functions applied to what it gave. One thread for each eight or four elements where alignment permits;
// memory bounds the time.
#include <initializer_list>

#include "activation.h"
#include "context.h"
#include "coreinfer/cuda.h"
#include "rows.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;

// Blocks for `items` threads, at most so many that each multiprocessor is full a few times: kernels go on in strides.
dim3 BlocksFor(const ci_context& c, int64_t items) {
  const int64_t most = int64_t{32} * c.multiprocessors;
  const int64_t blocks = (items - 1) / kThreads + 1;
  return dim3(static_cast<unsigned>(blocks < most ? blocks : most));
}

__device__ __forceinline__ int64_t FirstItem() { return int64_t{blockIdx.x} * kThreads + threadIdx.x; }
__device__ __forceinline__ int64_t ItemStride() { return int64_t{gridDim.x} * kThreads; }

// ---- weights ----

__device__ __forceinline__ unsigned HalfPair(float first, float second) {
  return __half_as_ushort(__float2half(first)) | static_cast<unsigned>(__half_as_ushort(__float2half(second))) << 16;
}

__device__ __forceinline__ unsigned BfloatPair(float first, float second) {
  return __bfloat16_as_ushort(__float2bfloat16(first)) |
         static_cast<unsigned>(__bfloat16_as_ushort(__float2bfloat16(second))) << 16;
}

// Element `index` of the target and the 7 behind it; index is a multiple of 8, the target aligned to 16.
__device__ __forceinline__ void StoreOctet(const Octet& v, int32_t dtype, void* target, int64_t index) {
  if (dtype == CI_F32) {
    auto* out = reinterpret_cast<float4*>(static_cast<float*>(target) + index);
    out[0] = v.low;
    out[1] = v.high;
    return;
  }
  uint4 words;
  if (dtype == CI_F16) {
    words = make_uint4(HalfPair(v.low.x, v.low.y), HalfPair(v.low.z, v.low.w), HalfPair(v.high.x, v.high.y),
                       HalfPair(v.high.z, v.high.w));
  } else {
    words = make_uint4(BfloatPair(v.low.x, v.low.y), BfloatPair(v.low.z, v.low.w), BfloatPair(v.high.x, v.high.y),
                       BfloatPair(v.high.z, v.high.w));
  }
  *reinterpret_cast<uint4*>(static_cast<uint16_t*>(target) + index) = words;
}

__device__ __forceinline__ void StoreElement(float value, int32_t dtype, void* target, int64_t index) {
  switch (dtype) {
    case CI_F32:
      static_cast<float*>(target)[index] = value;
      break;
    case CI_F16:
      static_cast<uint16_t*>(target)[index] = __half_as_ushort(__float2half(value));
      break;
    default:
      static_cast<uint16_t*>(target)[index] = __bfloat16_as_ushort(__float2bfloat16(value));
      break;
  }
}

__global__ void __launch_bounds__(kThreads)
    convert_kernel(DeviceMatrix weight, int first_row, int64_t octets, int32_t target_dtype, void* target) {
  const int per_row = weight.columns / 8;
  for (int64_t i = FirstItem(); i < octets; i += ItemStride()) {
    const int64_t row = first_row + i / per_row;
    const int column = static_cast<int>(i % per_row) * 8;
    StoreOctet(DecodeOctet(weight.dtype, LoadOctet(weight, row, column), column), target_dtype, target, i * 8);
  }
}

__global__ void __launch_bounds__(kThreads)
    convert_unaligned_kernel(DeviceMatrix weight, int first_row, int64_t elements, int32_t target_dtype, void* target) {
  for (int64_t i = FirstItem(); i < elements; i += ItemStride()) {
    const int column = static_cast<int>(i % weight.columns);
    StoreElement(ElementAt(weight, first_row + i / weight.columns, column), target_dtype, target, i);
  }
}

int32_t LaunchConvert(ci_context& c, const DeviceMatrix& weight, int32_t first_row, int32_t count, int32_t target_dtype,
                      void* target) {
  const int64_t elements = int64_t{count} * weight.columns;
  if (HasAlignedOctets(weight) && IsAligned(target, 16)) {
    return Launch(c, "ci_cuda_convert", convert_kernel, BlocksFor(c, elements / 8), dim3(kThreads), 0, weight,
                  first_row, elements / 8, target_dtype, target);
  }
  return Launch(c, "ci_cuda_convert", convert_unaligned_kernel, BlocksFor(c, elements), dim3(kThreads), 0, weight,
                first_row, elements, target_dtype, target);
}

// ---- activations as F16 ----

// Blocks whose largest elements are found first; every block of the second kernel looks at all of them.
constexpr int kMostMaxima = 256;

__global__ void __launch_bounds__(kThreads) largest_kernel(const float* __restrict__ x, int64_t count, float* maxima) {
  float largest = 0.0f;
  for (int64_t i = FirstItem(); i < count; i += ItemStride()) largest = fmaxf(largest, fabsf(x[i]));
  largest = BlockMax<kThreads>(largest);
  if (threadIdx.x == 0) maxima[blockIdx.x] = largest;
}

// The exponent of the largest power of two that is not above a positive float.
__device__ __forceinline__ int ExponentOf(float value) {
  const int bits = __float_as_int(value);
  if (bits >> 23 != 0) return (bits >> 23) - 127;
  return -118 - __clz(bits);  // a subnormal number of which 32 - clz digits are left, the last worth 2^-149
}

__device__ __forceinline__ float PowerOfTwo(int exponent) {
  return exponent >= -126 ? __int_as_float((exponent + 127) << 23) : __int_as_float(1 << (exponent + 149));
}

__global__ void __launch_bounds__(kThreads)
    to_half_kernel(const float* __restrict__ x, int64_t count, const float* __restrict__ maxima, int maxima_count,
                   uint16_t* __restrict__ target, float* scale) {
  float largest = static_cast<int>(threadIdx.x) < maxima_count ? maxima[threadIdx.x] : 0.0f;
  largest = BlockMax<kThreads>(largest);
  // largest / scale is at least 2^13 and below 2^14. Floats below 2^-136 get there in part: 2^-149 is the least scale.
  const int exponent = largest == 0.0f ? 0 : max(ExponentOf(largest) - 13, -149);
  // 1 / scale may be beyond the floats, its root is not.
  const float first = PowerOfTwo(-exponent / 2);
  const float second = PowerOfTwo(-exponent - -exponent / 2);
  if (blockIdx.x == 0 && threadIdx.x == 0) *scale = PowerOfTwo(exponent);
  for (int64_t i = FirstItem(); i < count; i += ItemStride()) {
    target[i] = __half_as_ushort(__float2half(x[i] * first * second));
  }
}
static_assert(kMostMaxima <= kThreads);

int32_t LaunchToHalf(ci_context& c, const float* x, int64_t count, void* target, float* scale) {
  dim3 blocks = BlocksFor(c, count);
  if (blocks.x > kMostMaxima) blocks.x = kMostMaxima;
  auto* maxima = static_cast<float*>(c.Scratch(kMostMaxima * sizeof(float)));
  const int32_t status = Launch(c, "ci_cuda_to_half", largest_kernel, blocks, dim3(kThreads), 0, x, count, maxima);
  if (status != CI_OK) return status;
  return Launch(c, "ci_cuda_to_half", to_half_kernel, BlocksFor(c, count), dim3(kThreads), 0, x, count, maxima,
                static_cast<int>(blocks.x), static_cast<uint16_t*>(target), scale);
}

// ---- bias and activation ----

// An element of a (tokens, width) matrix and those behind it up to the thread's stride: the column is kept up to date
// without dividing again.
class Walk {
 public:
  __device__ __forceinline__ explicit Walk(int width)
      : index(FirstItem()), column(static_cast<int>(index % width)), width_(width), step_(ItemStride() % width) {}

  __device__ __forceinline__ void Next() {
    index += ItemStride();
    const int64_t next = column + step_;
    column = static_cast<int>(next < width_ ? next : next - width_);
  }

  int64_t index;
  int column;

 private:
  const int width_;
  const int64_t step_;
};

__global__ void __launch_bounds__(kThreads)
    bias_kernel(const float* __restrict__ bias, int64_t count, int dim, int accumulate, float* y) {
  for (Walk walk(dim); walk.index < count; walk.Next()) {
    const float value = bias == nullptr ? 0.0f : bias[walk.column];
    y[walk.index] = accumulate == 0 ? value : y[walk.index] + value;
  }
}

__global__ void __launch_bounds__(kThreads)
    activate_kernel(int32_t activation, const float* __restrict__ gate, const float* __restrict__ gate_bias,
                    const float* __restrict__ up_bias, int64_t count, int neurons, float* up) {
  for (Walk walk(neurons); walk.index < count; walk.Next()) {
    float g = gate == nullptr ? 0.0f : gate[walk.index];
    float u = up[walk.index];
    if (gate_bias != nullptr) g += gate_bias[walk.column];
    if (up_bias != nullptr) u += up_bias[walk.column];
    up[walk.index] = Activate(activation, gate != nullptr, g, u);
  }
}

}  // namespace

int32_t LaunchActivate(ci_context& c, const char* function, int32_t activation, const float* gate,
                       const float* gate_bias, const float* up_bias, int32_t tokens, int32_t neurons, float* up) {
  const int64_t count = int64_t{tokens} * neurons;
  return Launch(c, function, activate_kernel, BlocksFor(c, count), dim3(kThreads), 0, activation, gate, gate_bias,
                up_bias, count, neurons, up);
}

}  // namespace coreinfer

int32_t ci_cuda_convert(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                        int32_t first_row, int32_t count, int32_t target_dtype, void* target) {
  return coreinfer::Call("ci_cuda_convert", context, [&](ci_context& c) {
    const coreinfer::DeviceMatrix matrix = coreinfer::RequireAnyDeviceMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequireRange("first_row", first_row, 0, rows - 1);
    coreinfer::RequireRange("count", count, 1, rows - first_row);
    coreinfer::RequireRange("target_dtype", target_dtype, CI_F32, CI_BF16);
    coreinfer::RequirePointer("target", target);
    if (coreinfer::IsShared(dtype) && (first_row % coreinfer::kGroupSize != 0 || count % coreinfer::kGroupSize != 0)) {
      coreinfer::Fail(CI_INVALID_ARGUMENT,
                      "rows of this dtype are converted in groups of 32: dtype=%d first_row=%d count=%d", dtype,
                      first_row, count);
    }
    return coreinfer::LaunchConvert(c, matrix, first_row, count, target_dtype, target);
  });
}

int32_t ci_cuda_to_half(ci_context* context, const float* x, int64_t count, void* target, float* scale) {
  return coreinfer::Call("ci_cuda_to_half", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {count});
    coreinfer::RequirePointer("target", target);
    coreinfer::RequirePointer("scale", scale);
    return coreinfer::LaunchToHalf(c, x, count, target, scale);
  });
}

int32_t ci_cuda_bias(ci_context* context, const float* bias, int32_t tokens, int32_t dim, int32_t accumulate,
                     float* y) {
  return coreinfer::Call("ci_cuda_bias", context, [&](ci_context& c) {
    coreinfer::RequireArray("y", y, {tokens, dim});
    coreinfer::RequireRange("accumulate", accumulate, 0, 1);
    const int64_t count = int64_t{tokens} * dim;
    return coreinfer::Launch(c, "ci_cuda_bias", coreinfer::bias_kernel, coreinfer::BlocksFor(c, count),
                             dim3(coreinfer::kThreads), 0, bias, count, dim, accumulate, y);
  });
}

int32_t ci_cuda_activate(ci_context* context, int32_t activation, const float* gate, const float* gate_bias,
                         const float* up_bias, int32_t tokens, int32_t neurons, float* up) {
  return coreinfer::Call("ci_cuda_activate", context, [&](ci_context& c) {
    coreinfer::RequireRange("activation", activation, CI_RELU, CI_GELU);
    if (gate == nullptr && activation == CI_DRELU) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "the DRELU activation needs a gate: activation=%d gate=NULL", activation);
    }
    coreinfer::RequireArray("up", up, {tokens, neurons});
    return coreinfer::LaunchActivate(c, "ci_cuda_activate", activation, gate, gate_bias, up_bias, tokens, neurons, up);
  });
}
