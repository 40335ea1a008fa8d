// Matrix products of prefill over tiles of converted weights, with a BLAS where one was given and own kernels
// otherwise.
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

// A tile has kTileRows output elements per token, and kTileDepth of the elements that are summed over at a time: its
// converted weights stay in L2. Prompts are cut into kTokenBlock tokens. None of it depends on the number of threads,
// so neither do the results.
constexpr int32_t kTileRows = 256;
constexpr int32_t kTileDepth = 1024;
constexpr int32_t kTokenBlock = 1024;

/// Bytes of private scratch that the functions below need.
int64_t GemmScratchBytes();

/// y += x weight^T for the weight rows begin..end-1, at most kTileRows. x (tokens, columns); y points at the output of
/// row `begin` for the first token, rows y_stride apart.
void MultiplyByRows(const SimdKernels& simd, const Matrix& weight, int32_t begin, int32_t end, const float* x,
                    int32_t tokens, float* y, int64_t y_stride, uint8_t* scratch);

/// y += x weight for the weight columns begin..end-1, at most kTileRows, `begin` a multiple of 32. x (tokens, rows).
void MultiplyByColumns(const SimdKernels& simd, const Matrix& weight, int32_t begin, int32_t end, const float* x,
                       int32_t tokens, float* y, int64_t y_stride, uint8_t* scratch);

/// y[t] = bias, or 0 without one; y[t] += bias when `accumulate` is set. width elements of `tokens` rows, y_stride
/// apart.
void StartOutput(const float* bias, int32_t tokens, int32_t width, bool accumulate, float* y, int64_t y_stride);

/// Outputs begin..end-1 of `tokens` tokens from first_token on.
struct TileRange {
  int32_t begin;
  int32_t end;
  int32_t first_token;
  int32_t tokens;
};

/// Calls body(tile, thread) for the tiles of an output (tokens, width).
template <class Body>
void ParallelTiles(ci_context& context, int32_t width, int32_t tokens, const Body& body) {
  const int64_t across = (int64_t{width} + kTileRows - 1) / kTileRows;
  const int64_t down = (int64_t{tokens} + kTokenBlock - 1) / kTokenBlock;
  ParallelFor(context, across * down, [&](int64_t item, int32_t thread) {
    const int64_t begin = item % across * kTileRows;
    const int64_t first = item / across * kTokenBlock;
    const int64_t end = begin + kTileRows < width ? begin + kTileRows : width;
    const int64_t last = first + kTokenBlock < tokens ? first + kTokenBlock : tokens;
    body(TileRange{static_cast<int32_t>(begin), static_cast<int32_t>(end), static_cast<int32_t>(first),
                   static_cast<int32_t>(last - first)},
         thread);
  });
}

}  // namespace coreinfer

#endif  // COREINFER_CPP_GEMM_H_
