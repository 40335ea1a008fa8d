// See row_dots.h. Splitting a vector takes about a microsecond, and is done once for all rows.
#include "row_dots.h"

namespace coreinfer {

RowDots::RowDots(ci_context& context, int32_t dtype, const Vectors& x)
    : x_(x), dot_(context.simd.dot[dtype]), split_dot_(context.simd.split_dot[dtype]) {
  if (split_dot_ == nullptr) return;
  units_ = (x.columns + kSplitUnit - 1) / kSplitUnit;
  auto* units = reinterpret_cast<SplitUnit*>(
      context.shared_scratch.Reserve(x.tokens * units_ * static_cast<int64_t>(sizeof(SplitUnit))));
  split_ = {units, x.tokens, x.columns, 1};
  for (int64_t t = 0; t < x.tokens; ++t) {
    is_split_[t] = context.simd.split[dtype](x.x + t * x.columns, x.columns, units + t * units_);
    split_tokens_ += is_split_[t] ? 1 : 0;
  }
}

void RowDots::TakeEach(const uint8_t* row, const uint8_t* next, float* out) const {
  for (int64_t t = 0; t < x_.tokens; ++t) {
    if (is_split_[t]) {
      split_dot_(row, next, {split_.units + t * units_, 1, x_.columns, 1}, out + t);
    } else {
      dot_(row, next, {x_.x + t * x_.columns, 1, x_.columns, 1}, out + t);
    }
  }
}

// Four users at equal distances together, else two.
void RowDots::TakeSome(const uint8_t* row, const uint8_t* next, uint32_t users, float* out) const {
  int32_t tokens[CI_DECODE_TOKENS];
  int32_t count = 0;
  for (int32_t t = 0; t < x_.tokens; ++t) {
    out[t] = 0.0f;
    if ((users >> t & 1) != 0) tokens[count++] = t;
  }
  const bool is_uniform = split_tokens_ == x_.tokens || split_tokens_ == 0;
  for (int32_t i = 0, together; i < count; i += together) {
    const int32_t left = is_uniform ? count - i : 1;
    const int32_t first = tokens[i];
    const int32_t step = left > 1 ? tokens[i + 1] - first : 1;
    const bool is_even = left >= 4 && tokens[i + 2] == first + 2 * step && tokens[i + 3] == first + 3 * step;
    together = is_even ? 4 : left > 1 ? 2 : 1;
    float dots[4];
    if (is_split_[first]) {
      split_dot_(row, next, {split_.units + first * units_, together, x_.columns, step}, dots);
    } else {
      dot_(row, next, {x_.x + int64_t{first} * x_.columns, together, x_.columns, step}, dots);
    }
    for (int32_t j = 0; j < together; ++j) out[first + j * step] = dots[j];
    next = row;
  }
}

}  // namespace coreinfer
