#include "ffn_packed.h"

#include <cstring>

#include "packs.h"

namespace coreinfer {

PackedFfn RequirePacked(const ci_context& c, const Ffn& ffn, const void* gate, const void* up, const int32_t* order,
                        const void* down) {
  RequireAligned("packed_gate", gate);
  RequireAligned("packed_up", up);
  RequireAligned("packed_down", down);
  if ((gate != nullptr) != (up != nullptr && ffn.gated())) {
    Fail(CI_INVALID_ARGUMENT, "gate and up are packed both or neither: packed_gate=%p packed_up=%p", gate, up);
  }
  if ((up != nullptr && RowPackOf(c, ffn.up.dtype) == nullptr) ||
      (down != nullptr && DownPackOf(c, ffn.down.dtype) == nullptr)) {
    Fail(CI_UNSUPPORTED, "rows of this dtype are not packed on this processor: up_dtype=%d down_dtype=%d", ffn.up.dtype,
         ffn.down.dtype);
  }
  return {static_cast<const uint8_t*>(gate), static_cast<const uint8_t*>(up), order, static_cast<const uint8_t*>(down)};
}

void RequireOrder(const int32_t* order, int32_t core) {
  for (int32_t i = 0; order != nullptr && i < core; ++i) RequireRange("packed_order", order[i], 0, core - 1);
}

int64_t PackedDown::ScratchBytes(const Matrix& down, const CoreList& list, int32_t tokens) {
  return MostGroups(down, list.size) * tokens * int64_t{sizeof(PackedGroup)};
}

bool PackedDown::Take(const float* activations, float* y) {
  const SharedGroups groups(down_, list_);
  int64_t count = 0;
  int64_t slab_bytes = 0;
  for (int32_t begin = 0; begin < list_.size; ++count) {
    const int32_t end = groups.EndOf(begin);
    PackedGroup* const group = groups_ + count * sum_.stride + sum_.tokens;
    if (!pack_.prepare(activations + begin, end - begin, group)) return false;
    slab_bytes += GroupBytes(pack_, end - begin);
    begin = end;
  }
  sum_.count = count;
  slab_bytes_ = slab_bytes;
  y_[sum_.tokens++] = y;
  return true;
}

void PackedDown::Add(int32_t begin, int32_t end) const {
  float* y[CI_DECODE_TOKENS];
  float last[CI_DECODE_TOKENS][kSlabColumns] = {};
  for (int32_t column = begin; column < end; column += kSlabColumns) {
    const uint8_t* const slab = data_ + column / kSlabColumns * slab_bytes_;
    const bool is_whole = end - column >= kSlabColumns;
    const size_t bytes = is_whole ? 0 : static_cast<size_t>(end - column) * sizeof(float);
    for (int32_t t = 0; t < sum_.tokens; ++t) {
      y[t] = is_whole ? y_[t] + column : last[t];
      std::memcpy(last[t], y_[t] + column, bytes);
    }
    pack_.add(slab, sum_, y);
    for (int32_t t = 0; t < sum_.tokens; ++t) std::memcpy(y_[t] + column, last[t], bytes);
  }
}

}  // namespace coreinfer
