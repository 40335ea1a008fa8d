// Packs listed rows, and adds packed down rows. Packing reads what it packs once and writes as much.
#include "ffn_packed.h"

#include <cstring>

#include "context.h"
#include "coreinfer/host.h"

namespace coreinfer {
namespace {

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

const RowPack* RowPackOf(const ci_context& c, int32_t dtype) {
  return IsShared(dtype) ? nullptr : c.simd.row_packs[dtype];
}

const DownPack* DownPackOf(const ci_context& c, int32_t dtype) {
  return IsShared(dtype) ? c.simd.down_packs[dtype - CI_Q8_0_SHARED] : nullptr;
}

int64_t GroupBytes(const DownPack& pack, int64_t rows) {
  return pack.header_bytes + DivideUp(rows, pack.rows) * pack.rows_bytes;
}

// The most groups that `capacity` rows can be spread over.
int64_t MostGroups(const Matrix& down, int64_t capacity) {
  const int64_t all = DivideUp(down.rows, SharedLayoutOf(down.dtype).scale_rows);
  return capacity < all ? capacity : all;
}

int64_t MostBytes(const DownPack& pack, const Matrix& down, int64_t capacity) {
  const int64_t groups = MostGroups(down, capacity);
  const int64_t sets = (capacity + (pack.rows - 1) * groups) / pack.rows;
  return DivideUp(down.columns, kSlabColumns) * (groups * pack.header_bytes + sets * pack.rows_bytes);
}

int64_t MostBytes(const ci_context& c, const Matrix& matrix, int64_t capacity) {
  if (const DownPack* pack = DownPackOf(c, matrix.dtype)) return MostBytes(*pack, matrix, capacity);
  if (const RowPack* pack = RowPackOf(c, matrix.dtype)) {
    return DivideUp(capacity, kPackedRows) * RowPackBytes(*pack, matrix.columns);
  }
  return 0;
}

// Packs are read and written by aligned loads and stores.
void RequireAligned(const char* name, const void* packed) {
  if (reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    Fail(CI_INVALID_ARGUMENT, "%s must be at a multiple of 64: %p", name, packed);
  }
}

void PackListedRows(ci_context& c, const RowPack& pack, const Matrix& matrix, const CoreList& list, uint8_t* packed) {
  const int64_t pack_bytes = RowPackBytes(pack, matrix.columns);
  ParallelFor(c, DivideUp(list.size, kPackedRows), [&](int64_t item, int32_t) {
    const uint8_t* rows[kPackedRows];
    for (int64_t r = 0; r < kPackedRows; ++r) {
      const int64_t index = item * kPackedRows + r;
      rows[r] = matrix.data + list.neuron(index < list.size ? index : list.size - 1) * matrix.row_bytes;
    }
    pack.pack(rows, matrix.columns, packed + item * pack_bytes);
  });
}

// Threads take groups, whose rows lie together.
void PackListedDown(ci_context& c, const DownPack& pack, const Matrix& down, const CoreList& list, uint8_t* packed) {
  const SharedGroups groups(down, list);
  struct Place {
    int32_t begin;
    int32_t end;
    int64_t offset;
  };
  auto* const places = reinterpret_cast<Place*>(c.shared_scratch.Reserve(int64_t{list.size} * int64_t{sizeof(Place)}));
  int64_t count = 0;
  int64_t slab_bytes = 0;
  for (int32_t begin = 0; begin < list.size;) {
    const int32_t end = groups.EndOf(begin);
    places[count++] = {begin, end, slab_bytes};
    slab_bytes += GroupBytes(pack, end - begin);
    begin = end;
  }
  ParallelFor(c, count, [&](int64_t item, int32_t) {
    SharedRows rows;
    groups.Gather(places[item].begin, places[item].end, nullptr, &rows);
    uint8_t* target = packed + places[item].offset;
    for (int64_t column = 0; column < down.columns; column += kSlabColumns, target += slab_bytes) {
      const int64_t left = down.columns - column;
      pack.pack(rows, column, left < kSlabColumns ? left : kSlabColumns, target);
    }
  });
}

void RequireRows(const int32_t* ids, int32_t count, int32_t rows) {
  RequireRange("core", count, 0, rows);
  for (int32_t i = 0; ids != nullptr && i < count; ++i) RequireRange("core_ids", ids[i], 0, rows - 1);
}

}  // namespace

int64_t RowPackBytes(const RowPack& pack, int32_t columns) { return DivideUp(columns, kSplitUnit) * pack.unit_bytes; }

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

int32_t ci_host_packed_bytes(ci_context* context, int32_t dtype, int32_t rows, int32_t columns, int32_t capacity,
                             int64_t* bytes) {
  return coreinfer::Call("ci_host_packed_bytes", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireAnyMatrix("weight", dtype, &c, rows, columns);
    coreinfer::RequireRange("capacity", capacity, 1, rows);
    coreinfer::RequirePointer("bytes", bytes);
    *bytes = coreinfer::MostBytes(c, matrix, capacity);
  });
}

int32_t ci_host_pack(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                     const int32_t* core_ids, const int32_t* core, void* packed) {
  return coreinfer::Call("ci_host_pack", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireAnyMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequirePointer("packed", packed);
    coreinfer::RequireAligned("packed", packed);
    const coreinfer::CoreList list{core_ids, *core, nullptr};
    auto* const target = static_cast<uint8_t*>(packed);
    if (const coreinfer::DownPack* down_pack = coreinfer::DownPackOf(c, dtype)) {
      coreinfer::RequireCore(core_ids, *core, rows);
      coreinfer::PackListedDown(c, *down_pack, matrix, list, target);
    } else if (const coreinfer::RowPack* row_pack = coreinfer::RowPackOf(c, dtype)) {
      coreinfer::RequireRows(core_ids, *core, rows);
      coreinfer::PackListedRows(c, *row_pack, matrix, list, target);
    } else {
      coreinfer::Fail(CI_UNSUPPORTED, "rows of this dtype are not packed on this processor: dtype=%d", dtype);
    }
  });
}
