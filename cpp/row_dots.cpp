// See row_dots.h. Splitting a vector takes about a microsecond, and is done once for all rows.
#include "row_dots.h"

namespace coreinfer {

RowDots::RowDots(ci_context& context, int32_t dtype, const Vectors& x)
    : x_(x), dot_(context.simd.dot[dtype]), split_dot_(context.simd.split_dot[dtype]) {
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

void RowDots::TakeEach(const uint8_t* row, const uint8_t* next, float* out) const {
  for (int64_t t = 0; t < x_.tokens; ++t) {
    if (is_split_[t]) {
      split_dot_(row, next, {split_.units + t * units_, 1, x_.columns}, out + t);
    } else {
      dot_(row, next, {x_.x + t * x_.columns, 1, x_.columns}, out + t);
    }
  }
}

// Neighbouring users together.
void RowDots::TakeRuns(const uint8_t* row, const uint8_t* next, uint32_t users, float* out) const {
  const bool is_uniform = split_tokens_ == x_.tokens || split_tokens_ == 0;
  for (int32_t t = 0; t < x_.tokens;) {
    if ((users >> t & 1) == 0) {
      out[t++] = 0.0f;
      continue;
    }
    int32_t count = 1;
    while (is_uniform && (users >> (t + count) & 1) != 0) ++count;
    if (is_split_[t]) {
      split_dot_(row, next, {split_.units + t * units_, count, x_.columns}, out + t);
    } else {
      dot_(row, next, {x_.x + int64_t{t} * x_.columns, count, x_.columns}, out + t);
    }
    next = row;
    t += count;
  }
}

}  // namespace coreinfer
