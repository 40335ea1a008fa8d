// Table rows of tokens converted to F32, and the residual addition. A lookup's block takes a part of one token's row, a
// thread four neighbours of it where addresses permit. Memory bounds both.
#include "context.h"
#include "coreinfer/kernels.h"
#include "device.h"
#include "device_dtype.h"
#include "dtype.h"
#include "early_start.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;
constexpr int kMostBlocks = 65535;

// Readers of a table in the device's layout: Element(i) is any element, Quad(i) the elements i..i+3, i divisible by 4.

struct F32Table {
  const float* data;

  __device__ float Element(int64_t i) const { return data[i]; }
  __device__ float4 Quad(int64_t i) const { return *reinterpret_cast<const float4*>(data + i); }
};

struct F16Table {
  const uint16_t* data;

  __device__ float Element(int64_t i) const { return HalfToFloat(data[i]); }
  __device__ float4 Quad(int64_t i) const {
    const ushort4 bits = *reinterpret_cast<const ushort4*>(data + i);
    return make_float4(HalfToFloat(bits.x), HalfToFloat(bits.y), HalfToFloat(bits.z), HalfToFloat(bits.w));
  }
};

struct Bf16Table {
  const uint16_t* data;

  __device__ float Element(int64_t i) const { return BfloatToFloat(data[i]); }
  __device__ float4 Quad(int64_t i) const {
    const ushort4 bits = *reinterpret_cast<const ushort4*>(data + i);
    return make_float4(BfloatToFloat(bits.x), BfloatToFloat(bits.y), BfloatToFloat(bits.z), BfloatToFloat(bits.w));
  }
};

struct Q8Table {
  const int8_t* q;
  const uint16_t* scales;

  __device__ float Element(int64_t i) const { return HalfToFloat(scales[i / 32]) * static_cast<float>(q[i]); }
  __device__ float4 Quad(int64_t i) const {
    const float scale = HalfToFloat(scales[i / 32]);
    const char4 four = *reinterpret_cast<const char4*>(q + i);
    return make_float4(scale * static_cast<float>(four.x), scale * static_cast<float>(four.y),
                       scale * static_cast<float>(four.z), scale * static_cast<float>(four.w));
  }
};

struct Q4Table {
  const uint8_t* q;
  const uint16_t* scales;

  // Elements 0..15 of a group are the low halves of its 16 bytes, 16..31 the high ones.
  __device__ float Value(unsigned byte, int64_t i) const {
    return HalfToFloat(scales[i / 32]) * static_cast<float>(static_cast<int>(byte >> (i & 16) / 4 & 15) - 8);
  }
  __device__ float Element(int64_t i) const { return Value(q[i / 32 * 16 + i % 16], i); }
  __device__ float4 Quad(int64_t i) const {
    const uchar4 four = *reinterpret_cast<const uchar4*>(q + i / 32 * 16 + i % 16);
    return make_float4(Value(four.x, i), Value(four.y, i), Value(four.z, i), Value(four.w, i));
  }
};

// Grid: tokens, parts of a row.
template <class Table>
__global__ void embedding_lookup_kernel(Table table, const int32_t* tokens, int dim, bool in_quads,
                                        float* __restrict__ y) {
  LetNextStart();
  WaitForPrevious();
  const int64_t source = static_cast<int64_t>(tokens[blockIdx.x]) * dim;
  const int64_t target = static_cast<int64_t>(blockIdx.x) * dim;
  const int first = blockIdx.y * kThreads + threadIdx.x;
  const int stride = gridDim.y * kThreads;
  if (in_quads) {
    for (int64_t i = 4 * static_cast<int64_t>(first); i < dim; i += 4 * static_cast<int64_t>(stride)) {
      *reinterpret_cast<float4*>(y + target + i) = table.Quad(source + i);
    }
  } else {
    for (int64_t i = first; i < dim; i += stride) y[target + i] = table.Element(source + i);
  }
}

__global__ void add_kernel(const float* x, int64_t count, int64_t quads, float* __restrict__ y) {
  LetNextStart();
  WaitForPrevious();
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

unsigned BlocksFor(int64_t items) {
  const int64_t blocks = (items + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

template <class Table>
int32_t Lookup(ci_context& c, const Table& table, const int32_t* tokens, int32_t count, int32_t dim, bool in_quads,
               float* y) {
  const dim3 grid(static_cast<unsigned>(count), BlocksFor(in_quads ? dim / 4 : dim));
  return Launch(Start::kEarly, c, "ci_embedding_lookup", embedding_lookup_kernel<Table>, grid, kThreads, 0, table,
                tokens, dim, in_quads, y);
}

int32_t LookupRows(ci_context& c, const Matrix& table, const int32_t* tokens, int32_t count, float* y) {
  const int32_t dim = table.columns;
  const int64_t elements = int64_t{table.rows} * dim;
  const void* data = table.data;
  const bool in_quads = dim % 4 == 0 && IsAligned(data, 16) && IsAligned(y, 16);
  const auto* halves = static_cast<const uint16_t*>(data);
  const auto scales = [&](int64_t q_bytes) { return reinterpret_cast<const uint16_t*>(table.data + q_bytes); };
  switch (table.dtype) {
    case CI_F32:
      return Lookup(c, F32Table{static_cast<const float*>(data)}, tokens, count, dim, in_quads, y);
    case CI_F16:
      return Lookup(c, F16Table{halves}, tokens, count, dim, in_quads, y);
    case CI_BF16:
      return Lookup(c, Bf16Table{halves}, tokens, count, dim, in_quads, y);
    case CI_Q8_0:
      return Lookup(c, Q8Table{static_cast<const int8_t*>(data), scales(elements)}, tokens, count, dim, in_quads, y);
    default:
      return Lookup(c, Q4Table{table.data, scales(elements / 2)}, tokens, count, dim, in_quads, y);
  }
}

}  // namespace
}  // namespace coreinfer

int32_t ci_embedding_lookup(ci_context* context, int32_t dtype, const void* table, int32_t vocabulary, int32_t dim,
                            const int32_t* tokens, int32_t count, float* y) {
  return coreinfer::Call("ci_embedding_lookup", context, [&](ci_context& c) {
    coreinfer::RequireDeviceDtype("table", dtype);
    const coreinfer::Matrix rows = coreinfer::RequireMatrix("table", dtype, table, vocabulary, dim);
    coreinfer::RequireArray("tokens", tokens, {count});
    coreinfer::RequireArray("y", y, {count, dim});
    return coreinfer::LookupRows(c, rows, tokens, count, y);
  });
}

int32_t ci_add(ci_context* context, const float* x, int64_t count, float* y) {
  return coreinfer::Call("ci_add", context, [&](ci_context& c) {
    coreinfer::RequireArray("x", x, {count});
    coreinfer::RequirePointer("y", y);
    const int64_t quads = coreinfer::IsAligned(x, 16) && coreinfer::IsAligned(y, 16) ? count / 4 : 0;
    const unsigned grid = coreinfer::BlocksFor(quads > 0 ? quads : count);
    return coreinfer::Launch(coreinfer::Start::kEarly, c, "ci_add", coreinfer::add_kernel, grid, coreinfer::kThreads, 0,
                             x, count, quads, y);
  });
}
