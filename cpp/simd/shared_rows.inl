// Sums of rows that share scales. A part of the columns at a time, so that its sums keep in L1; few rows at a time,
// because rows lie a power of two apart in many models and would push each other's lines out. Scales are applied once
// for all rows of a group. Memory bounds the time, as rows are fetched some kilobytes ahead, across groups.
#pragma once

#include "simd/quants.inl"
#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int64_t kSharedPart = 4096;

// Row `ahead` of a group, counted on into the next one.
inline const uint8_t* RowAhead(const SharedRows& group, const SharedRows& next, int32_t ahead) {
  if (ahead < group.count) return group.rows[ahead];
  ahead -= group.count;
  return next.rows[ahead < next.count ? ahead : next.count - 1];
}

// The rows that are fetched while kRows others, from `row` on, are read; with the last ones the scales of the next
// group.
template <int kRows>
struct Upcoming {
  Upcoming(const SharedRows& group, const SharedRows& next, int32_t row)
      : scales(row + kRows >= group.count ? next.block : group.rows[row]) {
    constexpr int32_t kAhead = 8;
    for (int32_t r = 0; r < kRows; ++r) rows[r] = RowAhead(group, next, row + kAhead + r);
  }

  // kBytes of each row from `offset` on; the scales of as many columns from i on, two bytes each.
  template <int64_t kBytes, int64_t kColumns>
  void Fetch(int64_t offset, int64_t i) const {
    for (int r = 0; r < kRows; ++r) {
      for (int64_t at = 0; at < kBytes; at += 64) Prefetch(rows[r] + offset + at);
    }
    for (int64_t at = 0; at < 2 * kColumns; at += 64) Prefetch(scales + 2 * i + at);
  }

  const uint8_t* rows[kRows];
  const uint8_t* scales;
};

// The next group's rows, fetched in the order in which they lie in memory, evenly while this group is added.
class RowStream {
 public:
  /// Bytes begin..begin+bytes-1 of each row, within `steps` steps.
  RowStream(const SharedRows& rows, int64_t begin, int64_t bytes, int64_t steps)
      : rows_(rows), begin_(begin), bytes_(bytes), step_((rows.count * bytes + steps - 1) / steps) {}

  void Step() {
    for (int64_t left = step_; left > 0 && row_ < rows_.count; left -= 64) {
      Prefetch(rows_.rows[row_] + begin_ + at_);
      at_ += 64;
      if (at_ < bytes_) continue;
      at_ = 0;
      ++row_;
    }
  }

 private:
  const SharedRows& rows_;
  const int64_t begin_;
  const int64_t bytes_;
  const int64_t step_;
  int32_t row_ = 0;
  int64_t at_ = 0;
};

template <class Reader, int kRows>
void AddUnscaledPass(const SharedRows& group, const SharedRows& next, int32_t row, int64_t begin, int64_t end,
                     float* sums) {
  const Upcoming<kRows> upcoming(group, next, row);
  const uint8_t* const* rows = group.rows + row;
  for (int64_t i = begin; i < end; i += kGroup) {
    const int64_t at = i / kGroup * Reader::kSharedBytes;
    upcoming.template Fetch<Reader::kSharedBytes, kGroup>(at, i);
    float* sum_of_group = sums + i - begin;
    Vec sum[kGroupVecs];
    for (int v = 0; v < kGroupVecs; ++v) sum[v] = Load(sum_of_group + v * kLanes);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Vec factor = Set(group.factors[row + r]);
      Vec q[kGroupVecs];
      Reader::Read(rows[r] + at, q);
      for (int v = 0; v < kGroupVecs; ++v) sum[v] = Fma(factor, q[v], sum[v]);
    }
    for (int v = 0; v < kGroupVecs; ++v) Store(sum_of_group + v * kLanes, sum[v]);
  }
}

inline float SumOfFactors(const SharedRows& group) {
  float total = 0.0f;
  for (int32_t j = 0; j < group.count; ++j) total += group.factors[j];
  return total;
}

// y[i..i+31] += scales * sums + offsets * total.
template <class Shared>
inline void AddScaled(const SharedRows& group, int64_t i, const Vec (&sums)[kGroupVecs], float total, float* y) {
  Vec scale[kGroupVecs];
  Vec offset[kGroupVecs];
  Shared::Scales(group.block, group.columns, group.row, i, scale, offset);
  for (int v = 0; v < kGroupVecs; ++v) {
    float* out = y + i + v * kLanes;
    Vec sum = Fma(scale[v], sums[v], Load(out));
    if (Shared::kHasOffset) sum = Fma(Fma(scale[v], Set(Shared::kMiddle), offset[v]), Set(total), sum);
    Store(out, sum);
  }
}

template <class Shared>
void AddSharedRows(const SharedRows& group, const SharedRows& next, int32_t begin, int32_t end, float* y) {
  using Reader = typename Shared::Reader;
  float sums[kSharedPart];
  const float total = SumOfFactors(group);
  for (int64_t first = begin; first < end; first += kSharedPart) {
    const int64_t last = first + kSharedPart < end ? first + kSharedPart : end;
    memset(sums, 0, static_cast<size_t>(last - first) * sizeof(float));
    int32_t j = 0;
    for (; j + 4 <= group.count; j += 4) AddUnscaledPass<Reader, 4>(group, next, j, first, last, sums);
    for (; j < group.count; ++j) AddUnscaledPass<Reader, 1>(group, next, j, first, last, sums);
    for (int64_t i = first; i < last; i += kGroup) {
      Vec sum[kGroupVecs];
      for (int v = 0; v < kGroupVecs; ++v) sum[v] = Load(sums + i - first + v * kLanes);
      AddScaled<Shared>(group, i, sum, total, y);
    }
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
