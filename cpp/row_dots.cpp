// See row_dots.h. Splitting a vector takes about a microsecond, and is done once for all rows.
#include "row_dots.h"

#include <cstring>

#include "dtype.h"
#include "packs.h"

namespace coreinfer {
namespace {

// How many rows before it is read a row is fetched: memory answers after some thousand bytes were read.
int32_t RowsAhead(int64_t row_bytes) {
  constexpr int64_t kBytesAhead = 4096;
  return static_cast<int32_t>((kBytesAhead + row_bytes - 1) / row_bytes);
}

// Row `index` of a list, counted on into the next one; `otherwise` behind its end.
const uint8_t* RowAt(const RowList& list, const RowList& next, int32_t index, const uint8_t* otherwise) {
  if (index < list.count) return list.rows[index];
  return index - list.count < next.count ? next.rows[index - list.count] : otherwise;
}

bool AllWanted(const RowList& list, uint32_t tokens) {
  for (int32_t r = 0; r < list.count; ++r) {
    if (list.users[r] != tokens) return false;
  }
  return true;
}

// Calls take(first row, rows, next rows) for each kDotRows rows of a list; the last rows are repeated.
template <class TakeRows>
void ForRowsTogether(const RowList& list, const RowList& next, const TakeRows& take) {
  const uint8_t* rows[kDotRows];
  const uint8_t* following[kDotRows];
  for (int32_t first = 0; first < list.count; first += kDotRows) {
    for (int32_t r = 0; r < kDotRows; ++r) {
      rows[r] = list.rows[first + r < list.count ? first + r : list.count - 1];
      following[r] = RowAt(list, next, first + kDotRows + r, rows[r]);
    }
    take(first, rows, following);
  }
}

void CopyDots(const float* dots, int32_t first, int32_t count, float* out) {
  for (int32_t r = first; r < count && r < first + kDotRows; ++r) out[r] = dots[r - first];
}

}  // namespace

RowDots::RowDots(ci_context& context, int32_t dtype, const Vectors& x)
    : x_(x),
      rows_ahead_(RowsAhead(RowBytes(dtype, x.columns))),
      stream_ahead_(context.stream_ahead),
      dot_(context.simd.dot[dtype]),
      dot_rows_(dtype <= CI_BF16 ? context.simd.dot_rows[dtype] : nullptr),
      split_dot_(context.simd.split_dot[dtype]),
      row_pack_(context.simd.row_packs[dtype]) {
  if (split_dot_ == nullptr) return;
  units_per_token_ = UnitsOf(x.columns);
  auto* units = reinterpret_cast<SplitUnit*>(
      context.shared_scratch.Reserve(x.tokens * units_per_token_ * static_cast<int64_t>(sizeof(SplitUnit))));
  units_ = units;
  for (int64_t t = 0; t < x.tokens; ++t) {
    if (context.simd.split[dtype](x.x + t * x.columns, x.columns, units + t * units_per_token_)) {
      split_ |= uint32_t{1} << t;
    }
  }
}

void RowDots::Take(const RowList& list, const RowList& next, Out& out) const {
  if (split_ != all()) TakePlain(list, next, out);
  if (split_ != 0) TakeSplit(list, next, out);
}

void RowDots::TakePlain(const RowList& list, const RowList& next, Out& out) const {
  float dots[CI_DECODE_TOKENS];
  if (dot_rows_ != nullptr && x_.tokens == 1 && AllWanted(list, all())) {
    ForRowsTogether(list, next, [&](int32_t first, const uint8_t* const* rows, const uint8_t* const* following) {
      float together[kDotRows];
      dot_rows_(rows, following, x_.x, x_.columns, together);
      CopyDots(together, first, list.count, out[0]);
    });
    return;
  }
  for (int32_t r = 0; r < list.count; ++r) {
    const uint8_t* row = list.rows[r];
    TakePlainRow(row, RowAt(list, next, r + rows_ahead_, row), list.users[r] & ~split_, dots);
    for (int32_t t = 0; t < x_.tokens; ++t) out[t][r] = dots[t];
  }
}

// Four users at equal distances together, else two.
void RowDots::TakePlainRow(const uint8_t* row, const uint8_t* next, uint32_t users, float* out) const {
  if (users == all()) return dot_(row, next, x_, out);
  int32_t tokens[CI_DECODE_TOKENS];
  int32_t count = 0;
  for (int32_t t = 0; t < x_.tokens; ++t) {
    out[t] = 0.0f;
    if ((users >> t & 1) != 0) tokens[count++] = t;
  }
  for (int32_t i = 0, together; i < count; i += together) {
    const int32_t first = tokens[i];
    const int32_t step = count - i > 1 ? tokens[i + 1] - first : 1;
    const bool is_even = count - i >= 4 && tokens[i + 2] == first + 2 * step && tokens[i + 3] == first + 3 * step;
    together = is_even ? 4 : count - i > 1 ? 2 : 1;
    float dots[4];
    dot_(row, next, {x_.x + int64_t{first} * x_.columns, together, x_.columns, step}, dots);
    for (int32_t j = 0; j < together; ++j) out[first + j * step] = dots[j];
    next = row;
  }
}

void RowDots::TakeSplit(const RowList& list, const RowList& next, Out& out) const {
  if (split_ == all() && AllWanted(list, all())) {
    float dots[CI_DECODE_TOKENS][kDotRows];
    ForRowsTogether(list, next, [&](int32_t first, const uint8_t* const* rows, const uint8_t* const* following) {
      split_dot_(rows, following, {units_, x_.tokens, x_.columns}, dots[0]);
      for (int32_t t = 0; t < x_.tokens; ++t) CopyDots(dots[t], first, list.count, out[t]);
    });
    return;
  }
  for (int32_t t = 0; t < x_.tokens; ++t) {
    if ((split_ >> t & 1) != 0) TakeSplitToken(list, t == 0 ? next : RowList{}, t, out);
  }
}

// The rows that this token uses, closed up; they stay in L1 for the next one.
void RowDots::TakeSplitToken(const RowList& list, const RowList& next, int32_t token, Out& out) const {
  RowList own;
  int32_t places[RowList::kMost];
  for (int32_t r = 0; r < list.count; ++r) {
    out[token][r] = 0.0f;
    if ((list.users[r] >> token & 1) == 0) continue;
    places[own.count] = r;
    own.Add(list.rows[r], list.users[r]);
  }
  float own_dots[RowList::kMost];
  ForRowsTogether(own, next, [&](int32_t first, const uint8_t* const* rows, const uint8_t* const* following) {
    float dots[kDotRows];
    split_dot_(rows, following, {units_ + token * units_per_token_, 1, x_.columns}, dots);
    CopyDots(dots, first, own.count, own_dots);
  });
  for (int32_t r = 0; r < own.count; ++r) out[token][places[r]] = own_dots[r];
}

void RowDots::TakePacked(const uint8_t* pack, uint32_t users, Out (&out)[2]) const {
  const SplitUnit* units[CI_DECODE_TOKENS] = {};
  const float* vectors[CI_DECODE_TOKENS] = {};
  int32_t tokens[CI_DECODE_TOKENS];
  int32_t count = 0;
  for (int64_t t = 0; t < x_.tokens; ++t) {
    if ((users >> t & 1) == 0) continue;
    units[count] = units_ + t * units_per_token_;
    vectors[count] = x_.x + t * x_.columns;
    tokens[count++] = static_cast<int32_t>(t);
  }
  float dots[CI_DECODE_TOKENS][2][RowList::kMost];
  if (row_pack_->dot_plain != nullptr) {
    row_pack_->dot_plain(pack, vectors, count, x_.columns, stream_ahead_, dots[0][0]);
  } else {
    row_pack_->dot(pack, units, count, x_.columns, stream_ahead_, dots[0][0]);
  }
  for (int32_t half = 0; half < 2; ++half) {
    memset(out[half], 0, static_cast<size_t>(x_.tokens) * sizeof(out[half][0]));
    for (int32_t i = 0; i < count; ++i) memcpy(out[half][tokens[i]], dots[i][half], sizeof(dots[i][half]));
  }
}

}  // namespace coreinfer
