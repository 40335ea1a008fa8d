// A block of tokens times a packed panel of weights two vectors wide. All sums of a block stay in registers; arithmetic
// bounds the time. Used by prefill when no BLAS was given.
#pragma once

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int kPanelWidth = 2 * kLanes;

template <int kTokens>
void MultiplyTokens(const float* x, int64_t x_stride, const float* panel, int32_t depth, int32_t width, float* y,
                    int64_t y_stride) {
  Vec left[kTokens];
  Vec right[kTokens];
  for (int t = 0; t < kTokens; ++t) left[t] = right[t] = Zero();
  for (int64_t k = 0; k < depth; ++k) {
    const Vec panel_left = Load(panel + k * kPanelWidth);
    const Vec panel_right = Load(panel + k * kPanelWidth + kLanes);
#pragma GCC unroll 16
    for (int t = 0; t < kTokens; ++t) {
      const Vec value = Set(x[t * x_stride + k]);
      left[t] = Fma(value, panel_left, left[t]);
      right[t] = Fma(value, panel_right, right[t]);
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    float* out = y + t * y_stride;
    if (width == kPanelWidth) {
      Store(out, Add(Load(out), left[t]));
      Store(out + kLanes, Add(Load(out + kLanes), right[t]));
    } else {
      float sums[kPanelWidth];
      Store(sums, left[t]);
      Store(sums + kLanes, right[t]);
      for (int32_t i = 0; i < width; ++i) out[i] += sums[i];
    }
  }
}

void MultiplyPanel(const float* x, int64_t x_stride, int32_t tokens, const float* panel, int32_t depth, int32_t width,
                   float* y, int64_t y_stride) {
  int32_t t = 0;
  for (; t + kPanelTokens <= tokens; t += kPanelTokens) {
    MultiplyTokens<kPanelTokens>(x + t * x_stride, x_stride, panel, depth, width, y + t * y_stride, y_stride);
  }
  for (; t + 2 <= tokens; t += 2) {
    MultiplyTokens<2>(x + t * x_stride, x_stride, panel, depth, width, y + t * y_stride, y_stride);
  }
  if (t < tokens) MultiplyTokens<1>(x + t * x_stride, x_stride, panel, depth, width, y + t * y_stride, y_stride);
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
