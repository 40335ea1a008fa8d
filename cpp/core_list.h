// The neurons that a token of decode computes, as the caller lists them, and the groups that they form in a down
// projection whose rows share scales.
#ifndef COREINFER_CPP_CORE_LIST_H_
#define COREINFER_CPP_CORE_LIST_H_

#include <cstdint>

#include "dtype.h"
#include "simd/simd.h"

namespace coreinfer {

struct CoreList {
  const int32_t* ids;  // NULL for 0, 1, 2, ...
  int32_t size;
  const uint32_t* users;  // NULL where every token uses every neuron

  int32_t neuron(int64_t index) const { return ids == nullptr ? static_cast<int32_t>(index) : ids[index]; }
  uint32_t users_of(int64_t index) const { return users == nullptr ? ~uint32_t{0} : users[index]; }
};

/// Requires `core` neurons in 0..neurons-1, strictly ascending where ids are given.
void RequireCore(const int32_t* core_ids, int32_t core, int32_t neurons);

/// The listed neurons of a shared down projection, group by group. Lists longer than `list.size` are not looked at.
class SharedGroups {
 public:
  SharedGroups(const Matrix& down, const CoreList& list)
      : down_(down),
        list_(list),
        layout_(SharedLayoutOf(down.dtype)),
        header_bytes_(int64_t{layout_.header_bytes} * down.columns),
        row_bytes_(int64_t{down.columns} / kGroupSize * layout_.piece_bytes) {}

  /// Where the group ends that begins at entry `begin` of the list.
  int32_t EndOf(int32_t begin) const {
    if (begin >= list_.size) return begin;
    const int64_t last = int64_t{FirstOf(begin)} + layout_.scale_rows;
    int32_t end = begin + 1;
    while (end < list_.size && list_.neuron(end) < last) ++end;
    return end;
  }

  /// Whether entry `begin` is the first that is listed of its block.
  bool OpensBlock(int32_t begin) const { return begin == 0 || BlockOf(begin) != BlockOf(begin - 1); }

  /// Entries begin..end-1 of the list, without those whose activation is 0; all of them when activations is null.
  void Gather(int32_t begin, int32_t end, const float* activations, SharedRows* rows) const {
    const int32_t first = FirstOf(begin);
    const int32_t first_of_block = BlockOf(begin) * layout_.rows;
    rows->block = down_.data + BlockOf(begin) * (header_bytes_ + layout_.rows * row_bytes_);
    rows->columns = down_.columns;
    rows->row = first - first_of_block;
    rows->count = 0;
    for (int32_t i = begin; i < end; ++i) {
      if (activations != nullptr && activations[i] == 0.0f) continue;
      rows->rows[rows->count] = rows->block + header_bytes_ + (list_.neuron(i) - first_of_block) * row_bytes_;
      rows->factors[rows->count++] = activations != nullptr ? activations[i] : 0.0f;
    }
  }

 private:
  int32_t BlockOf(int32_t index) const { return list_.neuron(index) / layout_.rows; }
  // The first neuron of an entry's group.
  int32_t FirstOf(int32_t index) const { return list_.neuron(index) / layout_.scale_rows * layout_.scale_rows; }

  const Matrix& down_;
  const CoreList& list_;
  const SharedLayout layout_;
  const int64_t header_bytes_;
  const int64_t row_bytes_;
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_CORE_LIST_H_
