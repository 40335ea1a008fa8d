// See ffn_down.h.
#include "ffn_down.h"

#include <cstring>

#include "coreinfer/types.h"
#include "dtype.h"
#include "packs.h"

namespace coreinfer {
namespace {

// Rows that add_rows adds in one pass over y, and the most that are added for one token at once.
constexpr int32_t kRowsAtOnce = 8;
constexpr int32_t kMostRows = 256;

// How many rows are added for one token before the next: of several tokens so few that the cache keeps them.
int32_t RowsPerToken(const DownSum& sum, int32_t begin, int32_t end) {
  constexpr int64_t kCacheBytes = int64_t{256} * 1024;
  if (sum.tokens == 1) return kMostRows;
  const int64_t rows = kCacheBytes * sum.down.columns / (sum.down.row_bytes * (end - begin));
  return rows < kRowsAtOnce ? kRowsAtOnce
         : rows < kMostRows ? static_cast<int32_t>(rows / kRowsAtOnce * kRowsAtOnce)
                            : kMostRows;
}

// Rows of one token that are to be added.
class PendingRows {
 public:
  /// Takes entries first..last-1 of the list, at most kMostRows of them, without those whose activation is 0.
  void Gather(const DownSum& sum, const float* activations, int32_t first, int32_t last) {
    for (int32_t i = first; i < last; ++i) {
      rows_[count_] = sum.down.data + sum.list.neuron(i) * sum.down.row_bytes;
      factors_[count_] = activations[i];
      count_ += activations[i] != 0.0f ? 1 : 0;
    }
  }

  /// Adds them in order, but for a rest of fewer than `unit`.
  void Add(const SimdKernels& simd, int32_t dtype, int32_t unit, int32_t begin, int32_t end, float* y) {
    const int32_t whole = count_ / unit * unit;
    if (whole == 0) return;
    simd.add_rows[dtype](rows_, factors_, whole, begin, end, y);
    count_ -= whole;
    for (int32_t j = 0; j < count_; ++j) {
      rows_[j] = rows_[whole + j];
      factors_[j] = factors_[whole + j];
    }
  }

 private:
  const uint8_t* rows_[kMostRows + kRowsAtOnce];
  float factors_[kMostRows + kRowsAtOnce];
  int32_t count_ = 0;
};

// Entries first..last-1 of the list. As rows that tokens do not use leave gaps, what does not fill a pass waits for the
// next step.
void AddPlainDown(const SimdKernels& simd, const DownSum& sum, int32_t first, int32_t last, int32_t begin,
                  int32_t end) {
  PendingRows pending[CI_DECODE_TOKENS];
  const int32_t step = RowsPerToken(sum, begin, end);
  for (; first < last; first += step) {
    const bool is_last = last - first <= step;
    const int32_t end_of_step = is_last ? last : first + step;
    for (int32_t t = 0; t < sum.tokens; ++t) {
      pending[t].Gather(sum, sum.activations_of(t), first, end_of_step);
      pending[t].Add(simd, sum.down.dtype, is_last ? 1 : kRowsAtOnce, begin, end, sum.y_of(t));
    }
  }
}

// Ranges that plain rows are divided into: many for an even division between threads, but each of so many rows that a
// sum of its own costs little beside them. They must depend on nothing else.
int32_t RangesOf(const Matrix& down) {
  constexpr int32_t kRows = 256;
  constexpr int32_t kMost = 32;
  if (IsShared(down.dtype)) return 0;
  const int32_t ranges = down.rows / kRows;
  return ranges < 1 ? 1 : ranges < kMost ? ranges : kMost;
}

// Enough for a few items per thread; some may be empty where columns are few.
int32_t SlicesOf(int32_t ranges, int32_t threads) {
  constexpr int64_t kItemsPerThread = 4;
  if (ranges == 0) return 0;
  return threads == 1 ? 1 : static_cast<int32_t>(DivideUp(kItemsPerThread * threads, ranges));
}

// The columns that belong to one of some parts: whole slabs, so no two threads write to a cache line.
int32_t ColumnStart(int32_t columns, int32_t part, int32_t parts) {
  const int64_t start = SlabsOf(columns) * part / parts * kSlabColumns;
  return static_cast<int32_t>(start < columns ? start : columns);
}

// The first entry of the list at or behind a neuron.
int32_t EntryFrom(const CoreList& list, int64_t neuron) {
  int32_t low = 0;
  int32_t high = list.size;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    if (list.neuron(middle) < neuron) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

// The sum over the neurons of one group is taken before the group's scales are applied, so it must be complete. The
// rows of the next group that the first token needs, or anyone's where tokens use different ones, are known meanwhile.
void AddSharedDown(const SimdKernels& simd, const DownSum& sum, int32_t begin, int32_t end) {
  const SharedGroups groups(sum.down, sum.list);
  SharedRows rows;
  SharedRows next;
  const float* const fetched = sum.list.users == nullptr ? sum.activations_of(0) : nullptr;
  for (int32_t first = 0, last = groups.EndOf(0); first < sum.list.size;) {
    const int32_t end_of_next = groups.EndOf(last);
    next.count = 0;
    if (last < end_of_next) groups.Gather(last, end_of_next, fetched, &next);
    for (int32_t t = 0; t < sum.tokens; ++t) {
      groups.Gather(first, last, sum.activations_of(t), &rows);
      if (rows.count == 0) continue;
      simd.add_shared_rows[sum.down.dtype - CI_Q8_0_SHARED](rows, next.count > 0 ? next : rows, begin, end,
                                                            sum.y_of(t));
      next.count = 0;
    }
    first = last;
    last = end_of_next;
  }
}

UnpackedDown::UnpackedDown(ci_context& context, const DownSum& sum, const float* bias)
    : context_(context),
      sum_(sum),
      bias_(bias),
      ranges_(RangesOf(sum.down)),
      slices_(SlicesOf(ranges_, context.pool.size())),
      range_sums_(reinterpret_cast<float*>(context.down_scratch.Reserve(
          int64_t{ranges_} * sum.tokens * sum.down.columns * static_cast<int64_t>(sizeof(float))))),
      items_(int64_t{ranges_} * slices_, context.pool.size()) {}

void UnpackedDown::Add(int32_t thread) {
  if (ranges_ > 0) {
    items_.Drain(thread, [&](int64_t item) { AddRange(item); });
    context_.pool.Barrier();
  }
  AddColumns(thread);
}

// One slice of the columns of one range's sum.
void UnpackedDown::AddRange(int64_t item) const {
  const int64_t range = item / slices_;
  const auto slice = static_cast<int32_t>(item % slices_);
  const Matrix& down = sum_.down;
  float* const y = range_sums_ + range * sum_.tokens * down.columns;
  const DownSum part{down, sum_.list, sum_.activations, sum_.activation_stride, sum_.tokens, y};
  const int32_t begin = ColumnStart(down.columns, slice, slices_);
  const int32_t end = ColumnStart(down.columns, slice + 1, slices_);
  if (begin == end) return;
  for (int32_t t = 0; t < sum_.tokens; ++t) {
    std::memset(part.y_of(t) + begin, 0, static_cast<size_t>(end - begin) * sizeof(float));
  }
  AddPlainDown(context_.simd, part, EntryFrom(sum_.list, down.rows * range / ranges_),
               EntryFrom(sum_.list, down.rows * (range + 1) / ranges_), begin, end);
}

// A thread's share of the columns of y.
void UnpackedDown::AddColumns(int32_t thread) const {
  const int32_t columns = sum_.down.columns;
  const int32_t begin = ColumnStart(columns, thread, context_.pool.size());
  const int32_t end = ColumnStart(columns, thread + 1, context_.pool.size());
  if (begin == end) return;
  sum_.AddBias(context_.simd, bias_, begin, end);
  if (ranges_ == 0) return AddSharedDown(context_.simd, sum_, begin, end);
  for (int32_t t = 0; t < sum_.tokens; ++t) {
    for (int64_t range = 0; range < ranges_; ++range) {
      const float* const part = range_sums_ + (range * sum_.tokens + t) * columns;
      context_.simd.add(part + begin, end - begin, sum_.y_of(t) + begin);
    }
  }
}

}  // namespace coreinfer
