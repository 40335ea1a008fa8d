// The down projection of decode where its rows are not packed: y += activations times the listed rows.
#ifndef COREINFER_CPP_FFN_DOWN_H_
#define COREINFER_CPP_FFN_DOWN_H_

#include <cstdint>

#include "context.h"
#include "core_list.h"
#include "simd/simd.h"

namespace coreinfer {

/// activations (tokens, activation_stride) times rows of down, to be added to y (tokens, down.columns).
struct DownSum {
  const Matrix& down;
  const CoreList& list;
  const float* activations;
  int64_t activation_stride;
  int32_t tokens;
  float* y;

  const float* activations_of(int64_t token) const { return activations + token * activation_stride; }
  float* y_of(int64_t token) const { return y + token * down.columns; }
  DownSum OfToken(int64_t t) const { return {down, list, activations_of(t), activation_stride, 1, y_of(t)}; }

  /// bias: (down.columns), or NULL.
  void AddBias(const SimdKernels& simd, const float* bias, int32_t begin, int32_t end) const {
    for (int32_t t = 0; bias != nullptr && t < tokens; ++t) simd.add(bias + begin, end - begin, y_of(t) + begin);
  }
};

/// Adds columns begin..end-1 of rows that share scales.
void AddSharedDown(const SimdKernels& simd, const DownSum& sum, int32_t begin, int32_t end);

/// The whole sum, by all threads of a pool. Rows that share scales are divided by columns, as are their packs. Plain
/// rows are divided by neurons: threads that read halves of the same rows side by side get as little as 0.6 of the
/// memory's speed. Their sums are taken over fixed ranges of neurons, in list order and with one rounding per column
/// and neuron, and then added up in order, so that a token's bits depend neither on the threads nor on other tokens.
class UnpackedDown {
 public:
  UnpackedDown(ci_context& context, const DownSum& sum, const float* bias);

  /// One thread's part; to be called by each of the pool inside Run.
  void Add(int32_t thread);

 private:
  void AddRange(int64_t item) const;
  void AddColumns(int32_t thread) const;

  ci_context& context_;
  const DownSum& sum_;
  const float* const bias_;
  const int32_t ranges_;  // of neurons; 0 for rows that share scales
  const int32_t slices_;  // of columns, where there are more threads than ranges
  float* range_sums_;     // (ranges, tokens, down.columns)
  WorkQueue items_;
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_FFN_DOWN_H_
