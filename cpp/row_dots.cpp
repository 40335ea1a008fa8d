// See row_dots.h. Splitting a vector takes about a microsecond, and is done once for all rows.
#include "row_dots.h"

#include "dtype.h"

namespace coreinfer {
namespace {

// How many rows before it is read a row is fetched: memory answers after some thousand bytes were read.
int64_t RowsAhead(int64_t row_bytes) {
  constexpr int64_t kBytesAhead = 4096;
  const int64_t rows = (kBytesAhead + row_bytes - 1) / row_bytes;
  return rows < RowGroup::kRows ? rows : RowGroup::kRows;
}

}  // namespace

RowDots::RowDots(ci_context& context, int32_t dtype, const Vectors& x)
    : x_(x),
      rows_ahead_(RowsAhead(RowBytes(dtype, x.columns))),
      dot_(context.simd.dot[dtype]),
      split_dot_(context.simd.split_dot[dtype]) {
  if (split_dot_ == nullptr) return;
  units_ = (x.columns + kSplitUnit - 1) / kSplitUnit;
  auto* units = reinterpret_cast<SplitUnit*>(
      context.shared_scratch.Reserve(x.tokens * units_ * static_cast<int64_t>(sizeof(SplitUnit))));
  split_ = {units, x.tokens, x.columns};
  for (int64_t t = 0; t < x.tokens; ++t) {
    is_split_[t] = context.simd.split[dtype](x.x + t * x.columns, x.columns, units + t * units_);
    split_tokens_ += is_split_[t] ? 1 : 0;
  }
}

void RowDots::Take(const RowGroup& group, int64_t count, const RowGroup& next, Out& out) const {
  if (split_tokens_ == x_.tokens) {
    split_dot_(group.rows, next.rows, split_, out[0]);
  } else if (split_tokens_ == 0) {
    TakeEach(group, count, next, out);
  } else {
    TakeMixed(group, count, next, out);
  }
}

void RowDots::TakeEach(const RowGroup& group, int64_t count, const RowGroup& next, Out& out) const {
  float values[CI_DECODE_TOKENS];
  for (int64_t r = 0; r < count; ++r) {
    const int64_t ahead = r + rows_ahead_;
    dot_(group.rows[r], ahead < count ? group.rows[ahead] : next.rows[(ahead - count) % RowGroup::kRows], x_, values);
    for (int64_t t = 0; t < x_.tokens; ++t) out[t][r] = values[t];
  }
}

void RowDots::TakeMixed(const RowGroup& group, int64_t count, const RowGroup& next, Out& out) const {
  for (int64_t t = 0; t < x_.tokens; ++t) {
    if (is_split_[t]) {
      split_dot_(group.rows, next.rows, {split_.units + t * units_, 1, x_.columns}, out[t]);
      continue;
    }
    for (int64_t r = 0; r < count; ++r) {
      dot_(group.rows[r], group.rows[r], {x_.x + t * x_.columns, 1, x_.columns}, &out[t][r]);
    }
  }
}

}  // namespace coreinfer
