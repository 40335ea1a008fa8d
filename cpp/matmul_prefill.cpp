// Dense products of prefill with weights of any dtype: work items are tiles of weight rows times blocks of tokens, each
// converted and multiplied by one thread (gemm.h); arithmetic bounds it.
#include "context.h"
#include "coreinfer/kernels.h"
#include "dtype.h"
#include "gemm.h"

int32_t ci_matmul(ci_context* context, int32_t dtype, const void* weight, const float* bias, const float* x,
                  int32_t tokens, int32_t rows, int32_t columns, int32_t accumulate, float* y) {
  return coreinfer::Call("ci_matmul", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequireArray("x", x, {tokens, columns});
    coreinfer::RequireRange("accumulate", accumulate, 0, 1);
    coreinfer::RequireArray("y", y, {tokens, rows});
    const coreinfer::Inputs inputs = coreinfer::PrepareInputs(c, matrix, coreinfer::Along::kRows, x, tokens);
    c.ReserveThreadScratch(coreinfer::GemmScratchBytes(inputs));
    coreinfer::ParallelTiles(c, inputs, rows, [&](const coreinfer::TileRange& tile, int32_t thread) {
      float* out = y + int64_t{tile.first_token} * rows + tile.begin;
      coreinfer::StartOutput(bias == nullptr ? nullptr : bias + tile.begin, tile.tokens, tile.width(), accumulate == 1,
                             out, rows);
      coreinfer::Multiply(c, matrix, inputs, tile, out, rows, c.thread_scratch(thread));
    });
  });
}

int32_t ci_matmul_transposed(ci_context* context, int32_t dtype, const void* weight, const float* x, int32_t tokens,
                             int32_t rows, int32_t columns, float* y) {
  return coreinfer::Call("ci_matmul_transposed", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireAnyMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequireArray("x", x, {tokens, rows});
    coreinfer::RequireArray("y", y, {tokens, columns});
    const coreinfer::Inputs inputs = coreinfer::PrepareInputs(c, matrix, coreinfer::Along::kColumns, x, tokens);
    c.ReserveThreadScratch(coreinfer::GemmScratchBytes(inputs));
    coreinfer::ParallelTiles(c, inputs, columns, [&](const coreinfer::TileRange& tile, int32_t thread) {
      coreinfer::Multiply(c, matrix, inputs, tile, y + int64_t{tile.first_token} * columns + tile.begin, columns,
                          c.thread_scratch(thread));
    });
  });
}
