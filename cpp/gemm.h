// Matrix products of prefill over tiles of weights: in digits or bfloat16 where the processor has matrix registers for
// it, in bfloat16 where it has vectors of it and the weights are such; else in integers where it has products of bytes
// and the weights are such, rows of 16 bits in wide vectors where they lie, others converted, with a BLAS where one was
// given, and by own vector kernels otherwise.
#ifndef COREINFER_CPP_GEMM_H_
#define COREINFER_CPP_GEMM_H_

#include <cstdint>

#include "context.h"
#include "simd/simd.h"

namespace coreinfer {

using SgemmFunction = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                               const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc);

/// The sgemm of ci_host_use_blas; NULL until it was called.
SgemmFunction BlasSgemm();

// A tile has at most kTileRows output elements per token, and its converted weights stay in L2. Prompts are cut into
// kTokenBlock tokens. No result depends on the number of threads: where tiles are the narrower the more of them there
// are, an element is the same in any.
constexpr int32_t kTileRows = 256;
constexpr int32_t kTokenBlock = 1024;

/// The vectors of tokens as integers (gemm_packs.h); all NULL where they are read in another form.
struct SplitTokens {
  const SplitUnit* units;     // along rows: (tokens, units of a vector)
  const PackedGroup* groups;  // along columns: (tokens / 4, groups of rows, 4)
  const uint8_t* is_split;    // (tokens): 0 where F32 must do

  bool any() const { return is_split != nullptr; }
};

/// Which way the vectors of a product lie in its weights: out of a row, or out of a column, comes one output element.
enum class Along { kRows, kColumns };

/// What a product reads beside its weights: the vectors of all tokens as they are and, for matrix registers or products
/// of bfloat16, in panels, or as integers.
struct Inputs {
  const float* x;  // (tokens, depth)
  int32_t tokens;
  int32_t depth;
  Along along;
  const uint8_t* panels;  // NULL where x itself is read, or integers
  int32_t parts;          // of bfloat16 in the panels; 0 where they hold digits
  SplitTokens split;
};

/// Prepares x (tokens, depth) for products with `weight`, and with others of its dtype and shape. Panels and integers
/// lie in the context's shared scratch.
Inputs PrepareInputs(ci_context& context, const Matrix& weight, Along along, const float* x, int32_t tokens);

/// Bytes of private scratch that Multiply needs.
int64_t GemmScratchBytes(const Inputs& inputs);

/// Output elements of a product's tiles, of `width` in all.
int64_t TileWidth(const ci_context& context, const Inputs& inputs, int64_t width);

/// Outputs begin..end-1, at most kTileRows, of at most kTokenBlock tokens from first_token on.
struct TileRange {
  int32_t begin;
  int32_t end;
  int32_t first_token;
  int32_t tokens;

  int32_t width() const { return end - begin; }
};

/// y += x weight^T along rows, x weight along columns, for one tile. y points at the tile's first output element for
/// its first token, rows y_stride apart.
void Multiply(const ci_context& context, const Matrix& weight, const Inputs& inputs, const TileRange& tile, float* y,
              int64_t y_stride, uint8_t* scratch);

/// Plain F32 weights: (width, depth) along rows, (depth, width) along columns, rows `stride` apart. The width is at
/// most kTileRows.
struct FloatWeights {
  const float* weights;
  int64_t stride;
  Along along;
  int32_t width;
  int32_t depth;
};

/// The same for weights in cache, by vector kernels. x (tokens, depth) with rows x_stride apart.
void MultiplyFloats(const SimdKernels& simd, const FloatWeights& weights, const float* x, int64_t x_stride,
                    int32_t tokens, float* y, int64_t y_stride, uint8_t* scratch);
int64_t FloatScratchBytes();

/// y[t] = bias, or 0 without one; y[t] += bias when `accumulate` is set. width elements of `tokens` rows, y_stride
/// apart.
void StartOutput(const float* bias, int32_t tokens, int32_t width, bool accumulate, float* y, int64_t y_stride);

/// Calls body(tile, thread) for the tiles of an output (tokens, width). They begin at multiples of 32.
template <class Body>
void ParallelTiles(ci_context& context, const Inputs& inputs, int32_t width, const Body& body) {
  const int64_t step = TileWidth(context, inputs, width);
  const int64_t across = (width + step - 1) / step;
  const int64_t down = (int64_t{inputs.tokens} + kTokenBlock - 1) / kTokenBlock;
  ParallelFor(context, across * down, [&](int64_t item, int32_t thread) {
    const int64_t begin = item % across * step;
    const int64_t first = item / across * kTokenBlock;
    const int64_t end = begin + step < width ? begin + step : width;
    const int64_t last = first + kTokenBlock < inputs.tokens ? first + kTokenBlock : inputs.tokens;
    body(TileRange{static_cast<int32_t>(begin), static_cast<int32_t>(end), static_cast<int32_t>(first),
                   static_cast<int32_t>(last - first)},
         thread);
  });
}

}  // namespace coreinfer

#endif  // COREINFER_CPP_GEMM_H_
