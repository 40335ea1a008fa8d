// Dense prefill of the feed-forward layer: tiles of neurons times blocks of tokens, gate and up side by side, then
// tiles of the output. Arithmetic bounds it.
#include "context.h"
#include "coreinfer/kernels.h"
#include "dtype.h"
#include "ffn.h"
#include "gemm.h"

namespace coreinfer {
namespace {

// One tile of activations: gate and up products side by side, so that they are combined while they are in cache.
void ActivateTile(const SimdKernels& simd, const Ffn& ffn, const TileRange& tile, const float* x, float* activations,
                  uint8_t* scratch) {
  const int32_t width = tile.end - tile.begin;
  const float* in = x + int64_t{tile.first_token} * ffn.dim;
  float* out = activations + int64_t{tile.first_token} * ffn.neurons + tile.begin;
  float* gates = reinterpret_cast<float*>(scratch + GemmScratchBytes());
  StartOutput(ffn.up_bias == nullptr ? nullptr : ffn.up_bias + tile.begin, tile.tokens, width, false, out, ffn.neurons);
  MultiplyByRows(simd, ffn.up, tile.begin, tile.end, in, tile.tokens, out, ffn.neurons, scratch);
  if (ffn.gated()) {
    const float* bias = ffn.gate_bias == nullptr ? nullptr : ffn.gate_bias + tile.begin;
    StartOutput(bias, tile.tokens, width, false, gates, kTileRows);
    MultiplyByRows(simd, ffn.gate, tile.begin, tile.end, in, tile.tokens, gates, kTileRows, scratch);
  }
  for (int64_t t = 0; t < tile.tokens; ++t) {
    float* row = out + t * ffn.neurons;
    simd.activate(ffn.activation, ffn.gated() ? gates + t * kTileRows : nullptr, row, width, row);
  }
}

void Prefill(ci_context& c, const Ffn& ffn, const float* x, int32_t tokens, float* activations, float* y) {
  const int64_t gate_tile = int64_t{tokens < kTokenBlock ? tokens : kTokenBlock} * kTileRows;
  c.ReserveThreadScratch(GemmScratchBytes() + gate_tile * static_cast<int64_t>(sizeof(float)));
  ParallelTiles(c, ffn.neurons, tokens, [&](const TileRange& tile, int32_t thread) {
    ActivateTile(c.simd, ffn, tile, x, activations, c.thread_scratch(thread));
  });
  ParallelTiles(c, ffn.dim, tokens, [&](const TileRange& tile, int32_t thread) {
    float* out = y + int64_t{tile.first_token} * ffn.dim + tile.begin;
    StartOutput(ffn.down_bias == nullptr ? nullptr : ffn.down_bias + tile.begin, tile.tokens, tile.end - tile.begin,
                true, out, ffn.dim);
    MultiplyByColumns(c.simd, ffn.down, tile.begin, tile.end, activations + int64_t{tile.first_token} * ffn.neurons,
                      tile.tokens, out, ffn.dim, c.thread_scratch(thread));
  });
}

}  // namespace
}  // namespace coreinfer

int32_t ci_ffn_prefill(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate, const void* up,
                       const float* gate_bias, const float* up_bias, int32_t down_dtype, const void* down,
                       const float* down_bias, const float* x, int32_t tokens, int32_t neurons, int32_t dim,
                       float* activations, float* y) {
  return coreinfer::Call("ci_ffn_prefill", context, [&](ci_context& c) {
    const coreinfer::Ffn ffn = coreinfer::RequireFfn(activation, up_dtype, gate, up, gate_bias, up_bias, down_dtype,
                                                     down, down_bias, neurons, dim);
    coreinfer::RequireArray("x", x, {tokens, dim});
    coreinfer::RequireArray("activations", activations, {tokens, neurons});
    coreinfer::RequirePointer("y", y);
    coreinfer::Prefill(c, ffn, x, tokens, activations, y);
  });
}
