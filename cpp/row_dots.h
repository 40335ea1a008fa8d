// Dot products of matrix rows with the vectors of a decode call: in integers where the instruction set and the dtype
// have them and a vector allows it, else in F32. Which it is depends on the vector alone, so a token gets the same bits
// beside any others.
#ifndef COREINFER_CPP_ROW_DOTS_H_
#define COREINFER_CPP_ROW_DOTS_H_

#include <cstdint>

#include "context.h"
#include "coreinfer/types.h"
#include "simd/simd.h"

namespace coreinfer {

/// How many rows before it is read a row should be named as `next`: memory answers after some thousand bytes were read.
inline int64_t RowsAhead(int64_t row_bytes) {
  constexpr int64_t kBytesAhead = 4096;
  return (kBytesAhead + row_bytes - 1) / row_bytes;
}

class RowDots {
 public:
  /// Prepares the vectors, at most CI_DECODE_TOKENS, in the context's shared scratch, which must then stay as it is.
  RowDots(ci_context& context, int32_t dtype, const Vectors& x);

  /// out[t] = row times vector t. `next` is fetched meanwhile: a row that will be read soon, or `row` itself.
  void Take(const uint8_t* row, const uint8_t* next, float* out) const {
    if (split_tokens_ == x_.tokens) {
      split_dot_(row, next, split_, out);
    } else if (split_tokens_ == 0) {
      dot_(row, next, x_, out);
    } else {
      TakeEach(row, next, out);
    }
  }

  /// The same for the tokens whose bits are set in `users`; out[t] of the others becomes 0.
  void Take(const uint8_t* row, const uint8_t* next, uint32_t users, float* out) const {
    if (users == all()) {
      Take(row, next, out);
    } else {
      TakeSome(row, next, users, out);
    }
  }

  const Vectors& vectors() const { return x_; }

  /// The bits of all tokens.
  uint32_t all() const { return (uint32_t{1} << x_.tokens) - 1; }

 private:
  void TakeEach(const uint8_t* row, const uint8_t* next, float* out) const;
  void TakeSome(const uint8_t* row, const uint8_t* next, uint32_t users, float* out) const;

  const Vectors x_;
  SimdKernels::Dot dot_;
  SimdKernels::SplitDot split_dot_;
  SplitVectors split_{};
  int64_t units_ = 0;
  int32_t split_tokens_ = 0;
  bool is_split_[CI_DECODE_TOKENS] = {};
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_ROW_DOTS_H_
