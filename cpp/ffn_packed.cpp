#include "ffn_packed.h"

#include "packs.h"

namespace coreinfer {

PackedFfn RequirePacked(const ci_context& c, const Ffn& ffn, const void* up, const int32_t* order, const void* down) {
  RequireAligned("packed_up", up);
  RequireAligned("packed_down", down);
  if ((up != nullptr && RowPackOf(c, ffn.up.dtype) == nullptr) ||
      (down != nullptr && DownPackOf(c, ffn.down.dtype) == nullptr)) {
    Fail(CI_UNSUPPORTED, "rows of this dtype are not packed on this processor: up_dtype=%d down_dtype=%d", ffn.up.dtype,
         ffn.down.dtype);
  }
  return {static_cast<const uint8_t*>(up), order, static_cast<const uint8_t*>(down)};
}

void RequireOrder(const int32_t* order, int32_t core) {
  for (int32_t i = 0; order != nullptr && i < core; ++i) RequireRange("packed_order", order[i], 0, core - 1);
}

int64_t PackedDown::ScratchBytes(const Matrix& down, const CoreList& list, int32_t tokens) {
  return MostGroups(down, list.size) * tokens * int64_t{sizeof(PackedGroup)};
}

PackedDown::PackedDown(const ci_context& context, const Matrix& down, const CoreList& list, const uint8_t* data,
                       int32_t most_tokens, uint8_t* scratch)
    : pack_(*DownPackOf(context, down.dtype)),
      data_(data),
      columns_(down.columns),
      groups_(reinterpret_cast<PackedGroup*>(scratch)),
      sum_{groups_, 0, most_tokens, 0, 0, context.stream_ahead} {
  const SharedGroups groups(down, list);
  for (int32_t entry = 0; entry < list.size; ++sum_.count) {
    const int32_t next = groups.EndOf(entry);
    PackedGroup& group = groups_[sum_.count * most_tokens];
    group.count = next - entry;
    group.opens_block = groups.OpensBlock(entry);
    sum_.slab_bytes += GroupBytes(pack_, group.count, group.opens_block);
    entry = next;
  }
}

// Splitting the factors reads next to no memory, so the first slab is fetched meanwhile.
bool PackedDown::Take(const float* activations, float* y, int64_t first) {
  const uint8_t* slab = At(first);
  for (int64_t g = 0; g < sum_.count; ++g) {
    PackedGroup* const group = groups_ + g * sum_.stride;
    const int32_t rows = group->count;
    const bool opens_block = group->opens_block;
    if (!pack_.prepare(activations, rows, opens_block, group + sum_.tokens)) return false;
    activations += rows;
    if (sum_.tokens > 0) continue;
    const uint8_t* const end_of_group = slab + GroupBytes(pack_, rows, opens_block);
    for (; slab < end_of_group; slab += 64) __builtin_prefetch(slab);
  }
  y_[sum_.tokens++] = y;
  return true;
}

void PackedDown::Add(int64_t slab, int64_t following) const {
  const int64_t begin = slab * kSlabColumns;
  float* y[CI_DECODE_TOKENS];
  for (int32_t t = 0; t < sum_.tokens; ++t) y[t] = y_[t] + begin;
  AddSlab(pack_, At(slab), At(following), sum_, columns_ - begin, y);
}

}  // namespace coreinfer
