// The inner loops of the backend as a table of functions, one table per instruction set, chosen once per process.
// This header is included by code compiled for AVX-512: it must not define functions, which the linker could merge.
#ifndef COREINFER_CPP_SIMD_SIMD_H_
#define COREINFER_CPP_SIMD_SIMD_H_

#include <stdint.h>

#include "coreinfer/types.h"

namespace coreinfer {

/// A checked weight matrix; row_bytes is 0 for the dtypes that share scales between rows.
struct Matrix {
  const uint8_t* data;
  int64_t row_bytes;
  int32_t dtype;
  int32_t rows;
  int32_t columns;
};

/// The vectors of `tokens` tokens, `columns` elements each, of every `step`-th place in memory.
struct Vectors {
  const float* x;
  int32_t tokens;
  int32_t columns;
  int32_t step = 1;
};

/// 128 elements of a vector as integers: four groups of 32, four lanes of 32 bits each. digits.inl says how and how
/// well. A digit has the first 16 elements of each group, then the others; AVX2 alone has for codes of eight bits the
/// elements themselves instead, 16 bits each, in the same order.
struct alignas(64) SplitUnit {
  int8_t digits[2][2][64];  // highest first; of vectors of 8 bits only the first is used
  float step[16];           // what 1 stands for
  float sum[16];            // of a group's elements
  int32_t middle[2][16];    // sums in steps, times the middle of the codes: of groups, then of their first 16 elements
};
constexpr int64_t kSplitUnit = 128;

/// Split vectors of `tokens` tokens, one after another, each in as many units as its `columns` elements take.
struct SplitVectors {
  const SplitUnit* units;
  int32_t tokens;
  int32_t columns;
};

/// Rows of a shared dtype that have the same scales, at most 32, and the factors that they are added with.
struct SharedRows {
  const uint8_t* block;  // that holds them
  int64_t columns;
  int64_t row;  // one of them, counted in the block
  int32_t count;
  const uint8_t* rows[32];
  float factors[32];
};

/// Packs of rows that decoding reads again and again, in the order in which it reads them; packed_rows.inl,
/// plain_packs.inl and packed_down.inl say how, and that no bit of a result changes.
constexpr int32_t kPackedRows = 32;
struct RowPack {
  int64_t unit_columns;
  int64_t unit_bytes;  // of as many columns of kPackedRows rows
  /// Packs kPackedRows rows, each of which may be named twice, into as many units as a row's columns take, past the
  /// cache unless it `stays` there; plain elements never do. `next` are the rows that will be packed after them.
  void (*pack)(const uint8_t* const* rows, const uint8_t* const* next, int32_t columns, bool stays, uint8_t* packed);
  /// out (tokens, kPackedRows) with the bits of split_dot, for the tokens whose units are listed. Memory is fetched
  /// `ahead` bytes before it is read, unless that is 0.
  void (*dot)(const uint8_t* pack, const SplitUnit* const* units, int32_t tokens, int64_t columns, int64_t ahead,
              float* out);
  /// The same with the bits of SimdKernels::dot for the vectors x[t], of plain elements; of others it is NULL, and of
  /// these `dot`.
  void (*dot_plain)(const uint8_t* pack, const float* const* x, int32_t tokens, int64_t columns, int64_t ahead,
                    float* out);
};

/// What a token adds of one group of packed down rows.
struct PackedGroup {
  int32_t count;         // of rows
  bool opens_block;      // the first that is listed of its block
  bool is_idle;          // all factors are 0
  int32_t start;         // takes the middle of the codes away
  float step;            // what 1 stands for
  float sum;             // of the factors
  int32_t digits[8][2];  // of the factors, four bytes each, as those of a SplitUnit
};

/// What some tokens add of a slab: group g of token t is groups[g * stride + t].
struct PackedSum {
  const PackedGroup* groups;
  int64_t count;  // of groups
  int32_t stride;
  int32_t tokens;
  int64_t slab_bytes;
  int64_t ahead;  // as of a RowPack, for what is one stream
};

/// Columns of down rows whose sums stay in registers.
constexpr int32_t kSlabColumns = 128;
struct DownPack {
  int64_t block_bytes;  // in a slab, of what a block's groups have in common
  int64_t group_bytes;  // of what a group's rows have in common
  int64_t row_bytes;    // of a row; those of a group end at a multiple of 64
  /// Packs `columns` columns, at most kSlabColumns, of a group's rows, and what its block's groups have in common
  /// where it is the first of them, past the cache unless it `stays` there.
  void (*pack)(const SharedRows& group, bool opens_block, int64_t column, int64_t columns, bool stays, uint8_t* packed);
  /// Prepares the factors of up to 32 rows; false if they cannot be split.
  bool (*prepare)(const float* factors, int32_t count, bool opens_block, PackedGroup* group);
  /// y[t] (kSlabColumns) += the groups of a slab for token t, with the bits of add_shared_rows; `next` is the slab that
  /// will be read soon. The first group opens a block.
  void (*add)(const uint8_t* slab, const uint8_t* next, const PackedSum& sum, float* const* y);
};

/// Positions that softmax is taken over at once in decode.
constexpr int64_t kAttentionChunk = 256;

/// Consecutive positions of one key-value head, and the heads of its group for one token.
struct AttentionChunk {
  const float* queries;   // (heads, head_dim)
  const uint8_t* keys;    // (count, head_dim)
  const uint8_t* values;  // (count, head_dim)
  int32_t heads;
  int32_t head_dim;
  int32_t count;  // 1..kAttentionChunk
  float scale;
  float* weights;  // (heads, kAttentionChunk), scratch
  float* largest;  // (heads): of the scores
  float* sum;      // (heads): of exp(score - largest)
  float* y;        // (heads, head_dim): the values, weighted by exp(score - largest)
};

/// Rows that dots are taken of at once.
constexpr int32_t kAlikeRows = 16;
constexpr int32_t kDotRows = 4;

/// Ranges begin..end-1 of a row start at a multiple of 32. Every function's result for one element or row is the same
/// whatever it is computed together with, so callers may divide work as they like.
struct SimdKernels {
  /// out[t] = the sum of row[i] * x[t][i], in F32; indexed by the dtypes up to Q6_K, without the shared ones. The row
  /// is converted once for several tokens, and each gets the same bits as alone. `next` is a row that will be read
  /// soon, for prefetching: the processor alone neither finds scattered rows nor runs far enough ahead. It may be `row`
  /// itself.
  using Dot = void (*)(const uint8_t* row, const uint8_t* next, const Vectors& x, float* out);
  Dot dot[CI_Q6_K + 1];

  /// The dots of kDotRows rows of plain elements and one vector, bit for bit those of `dot`: a vector is longer than
  /// the first level cache has room for beside rows, and is read once for all of them. NULL where registers are too
  /// few.
  using DotRows = void (*)(const uint8_t* const* rows, const uint8_t* const* next, const float* x, int64_t columns,
                           float* out);
  DotRows dot_rows[CI_BF16 + 1];

  /// y[i] += factors[0] * rows[0][i], then += factors[1] * rows[1][i] and so on; indexed as `dot`.
  void (*add_rows[CI_Q6_K + 1])(const uint8_t* const* rows, const float* factors, int32_t count, int32_t begin,
                                int32_t end, float* y);

  /// y[i] += the sum over the rows of factors[j] * rows[j][i], of which the sum of factors[j] * code is taken first, in
  /// order or exactly; indexed by the shared dtypes, from Q8_0_SHARED on. `next` is fetched meanwhile: rows that will
  /// be added soon, or the same ones.
  void (*add_shared_rows[CI_Q6_K_SHARED - CI_Q8_0_SHARED + 1])(const SharedRows& group, const SharedRows& next,
                                                               int32_t begin, int32_t end, float* y);

  /// out[r * stride + i - begin] = element i of row + r, r below `rows`, any dtype. Of shared dtypes these are rows
  /// with the same scales, which kAlikeRows from a multiple of it on are.
  void (*dequantize)(const Matrix* matrix, int32_t row, int32_t rows, int32_t begin, int32_t end, float* out,
                     int64_t stride);

  void (*to_f16)(const float* x, int64_t count, uint8_t* out);

  /// How many x[i], or |x[i]| at index 1, are `least` or more.
  int32_t (*count_from[2])(const float* x, int32_t count, float least);
  /// Writes those from `low` to `high`, both included, one after another to `out`, which has room for all; returns how
  /// many.
  int32_t (*take_between[2])(const float* x, int32_t count, float low, float high, float* out);
  /// counts[i] += 1 for each that is `least` or more.
  void (*add_from[2])(const float* x, int32_t count, float least, int32_t* counts);
  /// In double precision, as the next one.
  double (*sum_of_squares)(const float* x, int64_t count);
  /// sums[i] += (x[i] * x[i]) * factor.
  void (*add_squares)(const float* x, int64_t count, double factor, double* sums);

  void (*add)(const float* x, int64_t count, float* y);
  void (*rms_norm)(const float* x, const float* weight, int32_t dim, float epsilon, float* y);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int32_t dim, float epsilon, float* y);

  /// out[i] = activation(gate[i], up[i]), ungated when gate is null; out may be gate or up.
  void (*activate)(int32_t activation, const float* gate, const float* up, int64_t count, float* out);

  /// scores[i] = scale * (query dot keys[i]); indexed by the dtypes F32 and F16. keys (count, head_dim). Halves give
  /// the same bits as their conversion to F32.
  void (*score_keys[2])(const float* query, const uint8_t* keys, int32_t count, int32_t head_dim, float scale,
                        float* scores);

  /// Fills largest, sum and y of a chunk; indexed by the dtypes F32 and F16.
  void (*attend_chunk[2])(const AttentionChunk& chunk);

  float (*largest)(const float* x, int32_t count);
  /// x[i] = exp(x[i] - shift); returns their sum.
  float (*exponentiate)(float* x, int32_t count, float shift);
  void (*multiply)(float* x, int32_t count, float factor);

  /// y += x panel. x (tokens, depth) with rows x_stride apart; panel (depth, panel_width), zero past `width`;
  /// y (tokens, width) with rows y_stride apart.
  void (*multiply_panel)(const float* x, int64_t x_stride, int32_t tokens, const float* panel, int32_t depth,
                         int32_t width, float* y, int64_t y_stride);
  int32_t panel_width;
  /// Tokens that multiply_panel computes at once.
  int32_t panel_tokens;

  /// y[t][i] += the sum of rows[i] * x[t], for `count` rows and many tokens; indexed by the dtypes up to BF16,
  /// null for F32, of which a BLAS converts nothing, and where registers are too few. y (tokens, count) with rows
  /// y_stride apart.
  void (*multiply_rows[CI_BF16 + 1])(const uint8_t* rows, int64_t row_bytes, int32_t count, const Vectors& x, float* y,
                                     int64_t y_stride);

  /// Indexed by dtype; null where rows are not packed.
  const RowPack* row_packs[CI_Q6_K + 1];

  // What products of bytes add, or replace: add_shared_rows, too.

  /// Splits a vector whose length is a multiple of 32 for rows of a dtype; false if a value is infinite, NaN or so
  /// extreme that F32 must do. Null where the instruction set has no products of bytes.
  using Split = bool (*)(const float* x, int32_t columns, SplitUnit* units);
  Split split[CI_Q6_K + 1];

  /// The dots of four rows with vectors that were split for the dtype; out (tokens, 4); null where `split` is. Rows may
  /// be named twice, and `next` is as for `dot`.
  using SplitDot = void (*)(const uint8_t* const* rows, const uint8_t* const* next, const SplitVectors& x, float* out);
  SplitDot split_dot[CI_Q6_K + 1];

  /// Indexed by the shared dtypes, from Q8_0_SHARED on.
  const DownPack* down_packs[CI_Q6_K_SHARED - CI_Q8_0_SHARED + 1];
};

const SimdKernels& PortableKernels();
#if defined(__x86_64__)
const SimdKernels& Avx2Kernels();
const SimdKernels& Avx512Kernels();

/// Put what products of bytes give into a table of the same vectors: split vectors keep 16 bits of each element, or 8.
void TakeAvx2Integers(SimdKernels* kernels);
void TakeAvx2Bytes(SimdKernels* kernels);
void TakeAvxVnniIntegers(SimdKernels* kernels);
void TakeAvxVnniBytes(SimdKernels* kernels);
void TakeAvx512VnniIntegers(SimdKernels* kernels);
void TakeAvx512VnniBytes(SimdKernels* kernels);
#endif

/// The table for this process: the best for the processor, or the one that COREINFER_SIMD names. Split vectors keep 16
/// bits of each element, or 8 where that is enough and faster.
const SimdKernels& ChosenKernels(int32_t activation_bits = 16);

/// Beside it the products of bfloat16 on matrix registers, or in vectors; NULL where there are none.
struct TileKernels;
const TileKernels* ChosenTiles();
const TileKernels* ChosenBf16Vectors();

/// The name of what was chosen.
const char* ChosenInstructionSet();

/// A remark for people about a choice that could not be honoured; empty otherwise.
const char* ChoiceNote();

/// The best instruction set of this processor that a table exists for.
const char* BestInstructionSet();

}  // namespace coreinfer

#endif  // COREINFER_CPP_SIMD_SIMD_H_
