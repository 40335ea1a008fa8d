// y += x, one thread for each four elements where alignment permits. Memory bounds the time.
#include "context.h"
#include "coreinfer/kernels.h"
#include "device.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;

__global__ void add_kernel(const float* __restrict__ x, int64_t count, int64_t quads, float* __restrict__ y) {
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
}  // namespace coreinfer

int32_t ci_add(ci_context* context, const float* x, int64_t count, float* y) {
  return coreinfer::Call("ci_add", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {count});
    coreinfer::RequirePointer("y", y);
    const int64_t quads = coreinfer::IsAligned(x, 16) && coreinfer::IsAligned(y, 16) ? count / 4 : 0;
    const int64_t items = quads > 0 ? quads : count;
    const int64_t blocks = (items + coreinfer::kThreads - 1) / coreinfer::kThreads;
    const auto grid = static_cast<unsigned>(blocks < 65535 ? blocks : 65535);
    return coreinfer::Launch(c, "ci_add", coreinfer::add_kernel, grid, coreinfer::kThreads, 0, x, count, quads, y);
  });
}
