// Copies of rows that decoding reads for every token, in the order in which it reads them (ci_host_pack): of a matrix
// in packs of 32 rows, of a down projection whose rows share scales in slabs of 128 columns. simd.h has what is done
// with either.
#ifndef COREINFER_CPP_PACKS_H_
#define COREINFER_CPP_PACKS_H_

#include <cstdint>

#include "context.h"
#include "dtype.h"
#include "simd/simd.h"

namespace coreinfer {

struct CoreList;

inline int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Units that a vector takes.
inline int64_t UnitsOf(int64_t columns) { return DivideUp(columns, kSplitUnit); }

/// How rows of a dtype are packed on this processor; NULL where they are not.
const RowPack* RowPackOf(const ci_context& context, int32_t dtype);
const DownPack* DownPackOf(const ci_context& context, int32_t dtype);

/// Bytes of a pack of rows.
int64_t RowPackBytes(const RowPack& pack, int32_t columns);

/// Listed rows of each of `matrices` matrices that a pack holds: half of it is of the first where there are two.
constexpr int32_t RowsOfPack(int32_t matrices) { return kPackedRows / matrices; }

/// The rows of a pack, from entry `first` of a list on: of a matrix, and in the second half the same ones of `beside`
/// where that isn't NULL. The list's last row fills its last pack up.
struct PackSource {
  PackSource(const Matrix& matrix, const uint8_t* beside, const CoreList& list, int64_t first);

  const uint8_t* rows[kPackedRows];
};

/// Bytes of a group in a slab, and of its block's header where it is the first.
int64_t GroupBytes(const DownPack& pack, int64_t rows, bool opens_block);

/// Slabs that the columns of a down projection take.
int64_t SlabsOf(int32_t columns);

/// The most groups that `capacity` rows of a down projection can be spread over.
int64_t MostGroups(const Matrix& down, int64_t capacity);

/// y[t] += the groups of a slab for token t of the sum, at most CI_DECODE_TOKENS, where its first `columns` columns are
/// there; `next` is the slab that will be read soon.
void AddSlab(const DownPack& pack, const uint8_t* slab, const uint8_t* next, const PackedSum& sum, int64_t columns,
             float* const* y);

/// Requires an address at which packs can be read and written.
void RequireAligned(const char* name, const void* packed);

}  // namespace coreinfer

#endif  // COREINFER_CPP_PACKS_H_
