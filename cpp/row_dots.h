// Dot products of matrix rows with the vectors of a decode call: in integers where the instruction set and the dtype
// have them and a vector allows it, else in F32. Which it is depends on the vector alone, so a token gets the same bits
// beside any others, and a row beside any other rows.
#ifndef COREINFER_CPP_ROW_DOTS_H_
#define COREINFER_CPP_ROW_DOTS_H_

#include <cstdint>

#include "context.h"
#include "coreinfer/types.h"
#include "simd/simd.h"

namespace coreinfer {

/// Rows of one matrix that are taken together; those behind the last one are its copies.
struct RowGroup {
  static constexpr int32_t kRows = 4;
  const uint8_t* rows[kRows];

  /// Rows numbered index(0), index(1), ... up to index(count - 1), count > 0.
  template <class Index>
  static RowGroup Of(const Matrix& matrix, int64_t count, const Index& index) {
    RowGroup group;
    for (int64_t r = 0; r < kRows; ++r)
      group.rows[r] = matrix.data + index(r < count ? r : count - 1) * matrix.row_bytes;
    return group;
  }
};

class RowDots {
 public:
  /// Dot products by tokens.
  using Out = float[CI_DECODE_TOKENS][RowGroup::kRows];

  /// Prepares the vectors, at most CI_DECODE_TOKENS, in the context's shared scratch, which must then stay as it is.
  RowDots(ci_context& context, int32_t dtype, const Vectors& x);

  /// out[t][r] = row r, of which there are `count`, times vector t. `next` is fetched meanwhile: rows that will be read
  /// after these, or the same ones.
  void Take(const RowGroup& group, int64_t count, const RowGroup& next, Out& out) const;

  const Vectors& vectors() const { return x_; }

 private:
  void TakeEach(const RowGroup& group, int64_t count, const RowGroup& next, Out& out) const;
  void TakeMixed(const RowGroup& group, int64_t count, const RowGroup& next, Out& out) const;

  const Vectors x_;
  const int64_t rows_ahead_;
  SimdKernels::Dot dot_;
  SimdKernels::SplitDot split_dot_;
  SplitVectors split_{};
  int64_t units_ = 0;
  int32_t split_tokens_ = 0;
  bool is_split_[CI_DECODE_TOKENS] = {};
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_ROW_DOTS_H_
