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

/// Rows of a matrix whose dots are taken together.
struct RowList {
  static constexpr int32_t kMost = 16;
  static_assert(2 * kMost == kPackedRows, "half a pack");

  /// At most kMost; `row_users` has the bits of the tokens that want the row's dot.
  void Add(const uint8_t* row, uint32_t row_users) {
    rows[count] = row;
    users[count++] = row_users;
  }

  const uint8_t* rows[kMost];
  uint32_t users[kMost];
  int32_t count = 0;
};

class RowDots {
 public:
  /// Dots by tokens and rows.
  using Out = float[CI_DECODE_TOKENS][RowList::kMost];

  /// Prepares the vectors, at most CI_DECODE_TOKENS, in the context's shared scratch, which must then stay as it is.
  RowDots(ci_context& context, int32_t dtype, const Vectors& x);

  /// out[t][r] = row r times vector t, or 0 if the token does not use the row. `next` is fetched meanwhile: what will
  /// be read after these rows, or nothing.
  void Take(const RowList& list, const RowList& next, Out& out) const;

  /// Whether every vector is as packs need it: integers, or F32 for plain elements.
  bool TakesPacked() const { return split_ == all() || (row_pack_ != nullptr && row_pack_->dot_plain != nullptr); }

  /// out[h] = the same of half h of a pack's rows for the tokens whose bits are set, and 0 for the others.
  void TakePacked(const uint8_t* pack, uint32_t users, Out (&out)[2]) const;

  const Vectors& vectors() const { return x_; }

  /// The bits of all tokens.
  uint32_t all() const { return (uint32_t{1} << x_.tokens) - 1; }

 private:
  void TakePlain(const RowList& list, const RowList& next, Out& out) const;
  void TakePlainRow(const uint8_t* row, const uint8_t* next, uint32_t users, float* out) const;
  void TakeSplit(const RowList& list, const RowList& next, Out& out) const;
  void TakeSplitToken(const RowList& list, const RowList& next, int32_t token, Out& out) const;

  const Vectors x_;
  const int32_t rows_ahead_;
  const int64_t stream_ahead_;
  SimdKernels::Dot dot_;
  SimdKernels::DotRows dot_rows_;
  SimdKernels::SplitDot split_dot_;
  const RowPack* row_pack_;
  const SplitUnit* units_ = nullptr;
  int64_t units_per_token_ = 0;
  uint32_t split_ = 0;  // the bits of the tokens whose vectors are integers
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_ROW_DOTS_H_
