// Packs listed rows, which reads what is packed once and writes as much, past the cache: what a thread wrote is seen by
// others after the atomic operation with which it leaves the pool.
#include "packs.h"

#include <cstring>

#include "core_list.h"
#include "coreinfer/host.h"

namespace coreinfer {
namespace {

int64_t MostBytes(const DownPack& pack, const Matrix& down, int64_t capacity) {
  const int64_t groups = MostGroups(down, capacity);
  const int64_t all_blocks = DivideUp(down.rows, SharedLayoutOf(down.dtype).rows);
  const int64_t blocks = capacity < all_blocks ? capacity : all_blocks;
  const int64_t ends = pack.row_bytes % 64 == 0 ? 0 : 48 * groups;
  return SlabsOf(down.columns) *
         (blocks * pack.block_bytes + groups * pack.group_bytes + capacity * pack.row_bytes + ends);
}

int64_t MostBytes(const ci_context& c, const Matrix& matrix, int32_t matrices, int64_t capacity) {
  if (const DownPack* pack = DownPackOf(c, matrix.dtype)) return MostBytes(*pack, matrix, capacity);
  if (const RowPack* pack = RowPackOf(c, matrix.dtype)) {
    return DivideUp(capacity, RowsOfPack(matrices)) * RowPackBytes(*pack, matrix.columns);
  }
  return 0;
}

void PackListedRows(ci_context& c, const RowPack& pack, const Matrix& matrix, const uint8_t* beside,
                    const CoreList& list, uint8_t* packed) {
  const int64_t pack_bytes = RowPackBytes(pack, matrix.columns);
  const int64_t step = RowsOfPack(beside == nullptr ? 1 : 2);
  ParallelForAhead(c, DivideUp(list.size, step), [&](int64_t item, int64_t following) {
    const PackSource now(matrix, beside, list, item * step);
    const PackSource next(matrix, beside, list, following * step);
    pack.pack(now.rows, next.rows, matrix.columns, false, packed + item * pack_bytes);
  });
}

// Threads take groups, whose rows lie together.
void PackListedDown(ci_context& c, const DownPack& pack, const Matrix& down, const CoreList& list, uint8_t* packed) {
  const SharedGroups groups(down, list);
  struct Place {
    int32_t begin;
    int32_t end;
    bool opens_block;
    int64_t offset;
  };
  auto* const places = reinterpret_cast<Place*>(c.shared_scratch.Reserve(int64_t{list.size} * int64_t{sizeof(Place)}));
  int64_t count = 0;
  int64_t slab_bytes = 0;
  for (int32_t begin = 0; begin < list.size;) {
    const int32_t end = groups.EndOf(begin);
    const bool opens_block = groups.OpensBlock(begin);
    places[count++] = {begin, end, opens_block, slab_bytes};
    slab_bytes += GroupBytes(pack, end - begin, opens_block);
    begin = end;
  }
  ParallelFor(c, count, [&](int64_t item, int32_t) {
    SharedRows rows;
    groups.Gather(places[item].begin, places[item].end, nullptr, &rows);
    uint8_t* target = packed + places[item].offset;
    for (int64_t column = 0; column < down.columns; column += kSlabColumns, target += slab_bytes) {
      const int64_t left = down.columns - column;
      pack.pack(rows, places[item].opens_block, column, left < kSlabColumns ? left : kSlabColumns, false, target);
    }
  });
}

void RequireRows(const int32_t* ids, int32_t count, int32_t rows) {
  RequireRange("core", count, 0, rows);
  for (int32_t i = 0; ids != nullptr && i < count; ++i) RequireRange("core_ids", ids[i], 0, rows - 1);
}

}  // namespace

const RowPack* RowPackOf(const ci_context& context, int32_t dtype) {
  return IsShared(dtype) ? nullptr : context.simd.row_packs[dtype];
}

const DownPack* DownPackOf(const ci_context& context, int32_t dtype) {
  return IsShared(dtype) ? context.simd.down_packs[dtype - CI_Q8_0_SHARED] : nullptr;
}

int64_t RowPackBytes(const RowPack& pack, int32_t columns) {
  return DivideUp(columns, pack.unit_columns) * pack.unit_bytes;
}

PackSource::PackSource(const Matrix& matrix, const uint8_t* beside, const CoreList& list, int64_t first) {
  const int32_t own = RowsOfPack(beside == nullptr ? 1 : 2);
  for (int32_t r = 0; r < kPackedRows; ++r) {
    const int64_t entry = first + r % own;
    const int64_t row = list.neuron(entry < list.size ? entry : list.size - 1);
    rows[r] = (r < own ? matrix.data : beside) + row * matrix.row_bytes;
  }
}

int64_t GroupBytes(const DownPack& pack, int64_t rows, bool opens_block) {
  return (opens_block ? pack.block_bytes : 0) + pack.group_bytes + DivideUp(rows * pack.row_bytes, 64) * 64;
}

int64_t SlabsOf(int32_t columns) { return DivideUp(columns, kSlabColumns); }

int64_t MostGroups(const Matrix& down, int64_t capacity) {
  const int64_t all = DivideUp(down.rows, SharedLayoutOf(down.dtype).scale_rows);
  return capacity < all ? capacity : all;
}

void AddSlab(const DownPack& pack, const uint8_t* slab, const uint8_t* next, const PackedSum& sum, int64_t columns,
             float* const* y) {
  if (columns >= kSlabColumns) return pack.add(slab, next, sum, y);
  const size_t bytes = static_cast<size_t>(columns) * sizeof(float);
  float* rows[CI_DECODE_TOKENS];
  float whole[CI_DECODE_TOKENS][kSlabColumns];
  for (int32_t t = 0; t < sum.tokens; ++t) {
    rows[t] = whole[t];
    std::memset(whole[t], 0, sizeof(whole[t]));
    std::memcpy(whole[t], y[t], bytes);
  }
  pack.add(slab, next, sum, rows);
  for (int32_t t = 0; t < sum.tokens; ++t) std::memcpy(y[t], whole[t], bytes);
}

void RequireAligned(const char* name, const void* packed) {
  if (reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    Fail(CI_INVALID_ARGUMENT, "%s must be at a multiple of 64: %p", name, packed);
  }
}

}  // namespace coreinfer

int32_t ci_host_packed_bytes(ci_context* context, int32_t dtype, int32_t matrices, int32_t rows, int32_t columns,
                             int32_t capacity, int64_t* bytes) {
  return coreinfer::Call("ci_host_packed_bytes", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireAnyMatrix("weight", dtype, &c, rows, columns);
    coreinfer::RequireRange("matrices", matrices, 1, coreinfer::IsShared(dtype) ? 1 : 2);
    coreinfer::RequireRange("capacity", capacity, 1, rows);
    coreinfer::RequirePointer("bytes", bytes);
    *bytes = coreinfer::MostBytes(c, matrix, matrices, capacity);
  });
}

int32_t ci_host_pack(ci_context* context, int32_t dtype, const void* weight, const void* beside, int32_t rows,
                     int32_t columns, const int32_t* core_ids, const int32_t* core, void* packed) {
  return coreinfer::Call("ci_host_pack", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireAnyMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequirePointer("core", core);
    coreinfer::RequirePointer("packed", packed);
    coreinfer::RequireAligned("packed", packed);
    const coreinfer::CoreList list{core_ids, *core, nullptr};
    auto* const target = static_cast<uint8_t*>(packed);
    if (const coreinfer::DownPack* down_pack = coreinfer::DownPackOf(c, dtype)) {
      if (beside != nullptr) coreinfer::Fail(CI_INVALID_ARGUMENT, "nothing is packed beside a down projection");
      coreinfer::RequireCore(core_ids, *core, rows);
      coreinfer::PackListedDown(c, *down_pack, matrix, list, target);
    } else if (const coreinfer::RowPack* row_pack = coreinfer::RowPackOf(c, dtype)) {
      coreinfer::RequireRows(core_ids, *core, rows);
      coreinfer::PackListedRows(c, *row_pack, matrix, static_cast<const uint8_t*>(beside), list, target);
    } else {
      coreinfer::Fail(CI_UNSUPPORTED, "rows of this dtype are not packed on this processor: dtype=%d", dtype);
    }
  });
}
