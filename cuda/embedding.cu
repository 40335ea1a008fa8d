// y += x, one thread for each four elements where alignment permits. Memory bounds the time.
#include "context.h"
#include "coreinfer/kernels.h"

using coreinfer::Fail;
using coreinfer::Launched;

namespace {

constexpr int kThreads = 256;

__global__ void add_kernel(const float* __restrict__ x, int64_t count, float* __restrict__ y) {
  const int64_t quads = count / 4;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (int64_t i = first; i < quads; i += stride) {
    const float4 a = reinterpret_cast<const float4*>(x)[i];
    float4 b = reinterpret_cast<float4*>(y)[i];
    b.x += a.x;
    b.y += a.y;
    b.z += a.z;
    b.w += a.w;
    reinterpret_cast<float4*>(y)[i] = b;
  }
  for (int64_t i = quads * 4 + first; i < count; i += stride) y[i] += x[i];
}

}  // namespace

int32_t ci_add(ci_context* context, const float* x, int64_t count, float* y) {
  if (context == nullptr || x == nullptr || y == nullptr || count < 1) {
    return Fail(CI_INVALID_ARGUMENT, "ci_add: count=%lld", static_cast<long long>(count));
  }
  const int64_t blocks = (count / 4 + kThreads) / kThreads;
  add_kernel<<<static_cast<unsigned>(blocks < 65535 ? blocks : 65535), kThreads, 0, context->stream>>>(x, count, y);
  return Launched("ci_add");
}
