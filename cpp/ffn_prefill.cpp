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
void ActivateTile(const ci_context& c, const Ffn& ffn, const Inputs& inputs, const TileRange& tile, float* activations,
                  uint8_t* scratch) {
  float* out = activations + int64_t{tile.first_token} * ffn.neurons + tile.begin;
  float* gates = reinterpret_cast<float*>(scratch + GemmScratchBytes(inputs));
  const float* up_bias = ffn.up_bias == nullptr ? nullptr : ffn.up_bias + tile.begin;
  StartOutput(up_bias, tile.tokens, tile.width(), false, out, ffn.neurons);
  Multiply(c, ffn.up, inputs, tile, out, ffn.neurons, scratch);
  if (ffn.gated()) {
    const float* gate_bias = ffn.gate_bias == nullptr ? nullptr : ffn.gate_bias + tile.begin;
    StartOutput(gate_bias, tile.tokens, tile.width(), false, gates, kTileRows);
    Multiply(c, ffn.gate, inputs, tile, gates, kTileRows, scratch);
  }
  for (int64_t t = 0; t < tile.tokens; ++t) {
    float* row = out + t * ffn.neurons;
    c.simd.activate(ffn.activation, ffn.gated() ? gates + t * kTileRows : nullptr, row, tile.width(), row);
  }
}

void Activate(ci_context& c, const Ffn& ffn, const float* x, int32_t tokens, float* activations) {
  const Inputs inputs = PrepareInputs(c, ffn.up, Along::kRows, x, tokens);
  const int64_t gates = int64_t{tokens < kTokenBlock ? tokens : kTokenBlock} * kTileRows;
  c.ReserveThreadScratch(GemmScratchBytes(inputs) + gates * static_cast<int64_t>(sizeof(float)));
  ParallelTiles(c, inputs, ffn.neurons, [&](const TileRange& tile, int32_t thread) {
    ActivateTile(c, ffn, inputs, tile, activations, c.thread_scratch(thread));
  });
}

void AddDown(ci_context& c, const Ffn& ffn, const float* activations, int32_t tokens, float* y) {
  const Inputs inputs = PrepareInputs(c, ffn.down, Along::kColumns, activations, tokens);
  c.ReserveThreadScratch(GemmScratchBytes(inputs));
  ParallelTiles(c, inputs, ffn.dim, [&](const TileRange& tile, int32_t thread) {
    float* out = y + int64_t{tile.first_token} * ffn.dim + tile.begin;
    const float* bias = ffn.down_bias == nullptr ? nullptr : ffn.down_bias + tile.begin;
    StartOutput(bias, tile.tokens, tile.width(), true, out, ffn.dim);
    Multiply(c, ffn.down, inputs, tile, out, ffn.dim, c.thread_scratch(thread));
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
    coreinfer::Activate(c, ffn, x, tokens, activations);
    coreinfer::AddDown(c, ffn, activations, tokens, y);
  });
}
