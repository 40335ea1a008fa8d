// The feed-forward layer over all neurons (prefill), and the norms of its rows. Prefill is two or three matrix products
// with the activation between, over so many tokens at a time that the gate's sums, which nobody asked for, stay small.
#include "coreinfer/kernels.h"
#include "ffn.h"
#include "gemm.h"
#include "rows.h"

namespace coreinfer {
namespace {

constexpr int kTokenBlock = 512;

int32_t LaunchPrefill(ci_context& c, const Ffn& ffn, const float* x, int32_t tokens, float* activations, float* y) {
  constexpr char kFunction[] = "ci_ffn_prefill";
  const bool is_gated = ffn.gate.q != nullptr;
  float* gates = nullptr;
  if (is_gated) {
    const int64_t gate_tokens = tokens < kTokenBlock ? tokens : kTokenBlock;
    gates = static_cast<float*>(c.Scratch(gate_tokens * ffn.neurons * static_cast<int64_t>(sizeof(float))));
  }
  for (int64_t first = 0; first < tokens; first += kTokenBlock) {
    const auto count = static_cast<int32_t>(tokens - first < kTokenBlock ? tokens - first : kTokenBlock);
    const float* in = x + first * ffn.dim;
    float* out = activations + first * ffn.neurons;
    int32_t status = CI_OK;
    if (is_gated) {
      status = LaunchGemm(c, kFunction, Gemm{ffn.gate, GemmWeight::kRows, nullptr, in, count, 0, gates});
    }
    if (status == CI_OK) {
      status = LaunchGemm(c, kFunction, Gemm{ffn.up, GemmWeight::kRows, nullptr, in, count, 0, out});
    }
    if (status == CI_OK) {
      status = LaunchActivate(c, kFunction, ffn.activation, gates, ffn.gate_bias, ffn.up_bias, count, ffn.neurons, out);
    }
    if (status != CI_OK) return status;
  }
  return LaunchGemm(c, kFunction, Gemm{ffn.down, GemmWeight::kColumns, ffn.down_bias, activations, tokens, 1, y});
}

// ---- norms ----

constexpr int kNormThreads = 256;
constexpr int kNormRows = kNormThreads / kWarpThreads;

__device__ __forceinline__ double SquareSum(float4 v) {
  return double{v.x} * v.x + double{v.y} * v.y + double{v.z} * v.z + double{v.w} * v.w;
}

// A warp for each row; squares are summed in F64, as no F32 could hold those of the largest BF16.
__global__ void __launch_bounds__(kNormThreads) row_norms_kernel(DeviceMatrix weight, bool is_aligned, float* norms) {
  const int64_t row = int64_t{blockIdx.x} * kNormRows + threadIdx.x / kWarpThreads;
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  if (row >= weight.rows) return;  // the whole warp
  double squares = 0.0;
  for (int64_t column = lane * 8; column < weight.columns; column += kWarpThreads * 8) {
    const int at = static_cast<int>(column);
    const Octet octet =
        is_aligned ? DecodeOctet(weight.dtype, LoadOctet(weight, row, at), at) : OctetAt(weight, row, at);
    squares += SquareSum(octet.low) + SquareSum(octet.high);
  }
  squares = WarpSum(squares);
  if (lane == 0) norms[row] = static_cast<float>(sqrt(squares));
}

}  // namespace

Ffn RequireFfn(int32_t activation, int32_t up_dtype, const void* gate, const void* up, const float* gate_bias,
               const float* up_bias, int32_t down_dtype, const void* down, const float* down_bias, int32_t neurons,
               int32_t rows, int32_t dim) {
  RequireRange("activation", activation, CI_RELU, CI_GELU);
  RequireDeviceDtype("up", up_dtype);
  RequireDeviceDtype("down", down_dtype);
  RequireMatrix("up", up_dtype, up, neurons, dim);
  if (gate == nullptr && activation == CI_DRELU) {
    Fail(CI_INVALID_ARGUMENT, "the DRELU activation needs a gate: activation=%d gate=NULL", activation);
  }
  RequireAnyMatrix("down", down_dtype, down, neurons, dim);
  const Ffn ffn{activation,
                ViewOf(up_dtype, gate, rows, dim),
                ViewOf(up_dtype, up, rows, dim),
                ViewOf(down_dtype, down, rows, dim),
                gate_bias,
                up_bias,
                down_bias,
                neurons,
                dim};
  RequireAlignment("gate", ffn.gate);
  RequireAlignment("up", ffn.up);
  RequireAlignment("down", ffn.down);
  return ffn;
}

}  // namespace coreinfer

int32_t ci_ffn_prefill(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate, const void* up,
                       const float* gate_bias, const float* up_bias, int32_t down_dtype, const void* down,
                       const float* down_bias, const float* x, int32_t tokens, int32_t neurons, int32_t dim,
                       float* activations, float* y) {
  return coreinfer::Call("ci_ffn_prefill", context, [&](ci_context& c) {
    const coreinfer::Ffn ffn = coreinfer::RequireFfn(activation, up_dtype, gate, up, gate_bias, up_bias, down_dtype,
                                                     down, down_bias, neurons, neurons, dim);
    coreinfer::RequireArray("x", x, {tokens, dim});
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequirePointer("y", y);
    return coreinfer::LaunchPrefill(c, ffn, x, tokens, activations, y);
  });
}

int32_t ci_ffn_row_norms(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                         float* norms) {
  return coreinfer::Call("ci_ffn_row_norms", context, [&](ci_context& c) {
    const coreinfer::DeviceMatrix matrix = coreinfer::RequireAnyDeviceMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequirePointer("norms", norms);
    const int blocks = (rows - 1) / coreinfer::kNormRows + 1;
    return coreinfer::Launch(c, "ci_ffn_row_norms", coreinfer::row_norms_kernel, dim3(static_cast<unsigned>(blocks)),
                             dim3(coreinfer::kNormThreads), 0, matrix, coreinfer::HasAlignedOctets(matrix), norms);
  });
}
