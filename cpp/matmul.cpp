// Dense products of decode with weights of any dtype: each row's dot products, one per token, are taken whole by one
// thread, threads ask for blocks of rows; memory bounds it.
#include "context.h"
#include "coreinfer/host.h"
#include "coreinfer/kernels.h"
#include "dtype.h"
#include "packs.h"
#include "row_dots.h"

namespace coreinfer {
namespace {

// Blocks are long enough that their beginning, which nobody fetches ahead, counts little, and short enough that no
// thread waits long for the last one.
int64_t RowsPerBlock(const Matrix& matrix, int32_t threads) {
  constexpr int64_t kLeastBytes = int64_t{4} * 1024;
  constexpr int64_t kMostBytes = int64_t{64} * 1024;
  const int64_t share = matrix.rows * matrix.row_bytes / (int64_t{8} * threads);
  const int64_t bytes = share < kLeastBytes ? kLeastBytes : share < kMostBytes ? share : kMostBytes;
  if (matrix.row_bytes >= bytes) return 1;
  const int64_t rows = bytes / matrix.row_bytes;
  return rows < RowList::kMost ? rows : rows / RowList::kMost * RowList::kMost;
}

struct Product {
  Matrix matrix;
  const float* bias;  // or NULL
  bool accumulate;
  Vectors x;
  float* y;

  // The dots of rows first..first+count-1 become elements of y.
  void Finish(int64_t first, int64_t count, const RowDots::Out& dots) const {
    for (int64_t t = 0; t < x.tokens; ++t) {
      for (int64_t r = 0; r < count; ++r) {
        float value = dots[t][r];
        if (bias != nullptr) value += bias[first + r];
        float* out = y + t * matrix.rows + first + r;
        *out = accumulate ? *out + value : value;
      }
    }
  }
};

RowList RowsFrom(const Matrix& matrix, int64_t begin, int64_t end, uint32_t users) {
  RowList list;
  for (int64_t r = begin; r < end && list.count < RowList::kMost; ++r) {
    list.Add(matrix.data + r * matrix.row_bytes, users);
  }
  return list;
}

// Rows begin..end-1; `following` is where this thread goes on.
void MultiplyRows(const Product& p, const RowDots& dots, int64_t begin, int64_t end, int64_t following) {
  RowDots::Out values;
  RowList list = RowsFrom(p.matrix, begin, end, dots.all());
  for (int64_t first = begin; first < end; first += RowList::kMost) {
    const bool is_last = first + RowList::kMost >= end;
    const RowList next =
        RowsFrom(p.matrix, is_last ? following : first + RowList::kMost, is_last ? p.matrix.rows : end, dots.all());
    dots.Take(list, next, values);
    p.Finish(first, list.count, values);
    list = next;
  }
}

void MultiplyAll(ci_context& c, const Product& p, const RowDots& dots) {
  const int64_t rows = p.matrix.rows;
  const int64_t step = RowsPerBlock(p.matrix, c.pool.size());
  ParallelForAhead(c, (rows + step - 1) / step, [&](int64_t block, int64_t following) {
    const int64_t end = (block + 1) * step < rows ? (block + 1) * step : rows;
    MultiplyRows(p, dots, block * step, end, following * step);
  });
}

// One of several products of the same vectors, whose rows are packed.
struct Part {
  Product product;
  const uint8_t* packed;
  int64_t pack_bytes;

  int64_t packs() const { return DivideUp(product.matrix.rows, kPackedRows); }

  void Multiply(const RowDots& dots, int64_t pack) const {
    RowDots::Out values[2];
    dots.TakePacked(packed + pack * pack_bytes, dots.all(), values);
    int64_t first = pack * kPackedRows;
    for (const RowDots::Out& half : values) {
      const int64_t left = product.matrix.rows - first;
      product.Finish(first, left < RowList::kMost ? left : RowList::kMost, half);
      first += RowList::kMost;
    }
  }
};

// Over packs where the vectors are fit for them, counted through all parts.
void MultiplyParts(ci_context& c, const Part* parts, int32_t count, const RowDots& dots) {
  int64_t packs = 0;
  for (int32_t i = 0; i < count; ++i) {
    if (!dots.TakesPacked()) MultiplyAll(c, parts[i].product, dots);
    packs += parts[i].packs();
  }
  if (!dots.TakesPacked()) return;
  ParallelFor(c, packs, [&](int64_t pack, int32_t) {
    const Part* part = parts;
    for (; pack >= part->packs(); ++part) pack -= part->packs();
    part->Multiply(dots, pack);
  });
}

struct Arguments {
  int32_t dtype;
  const void* weight;
  const float* bias;
  Vectors x;
  int32_t rows;
  int32_t accumulate;
  float* y;
};

// weight_name, y_name: of the public function's parameters.
Product RequireDecodeProduct(const Arguments& a, const char* weight_name, const char* y_name) {
  const Matrix matrix = RequireMatrix(weight_name, a.dtype, a.weight, a.rows, a.x.columns);
  RequirePointer("x", a.x.x);
  RequireRange("tokens", a.x.tokens, 1, CI_DECODE_TOKENS);
  RequireRange("accumulate", a.accumulate, 0, 1);
  RequirePointer(y_name, a.y);
  return {matrix, a.bias, a.accumulate == 1, a.x, a.y};
}

Part RequirePart(const ci_context& c, const Product& product, const char* name, const void* packed) {
  RequirePointer(name, packed);
  RequireAligned(name, packed);
  const RowPack* const pack = RowPackOf(c, product.matrix.dtype);
  if (pack == nullptr) {
    Fail(CI_UNSUPPORTED, "rows of this dtype are not packed on this processor: dtype=%d", product.matrix.dtype);
  }
  return {product, static_cast<const uint8_t*>(packed), RowPackBytes(*pack, product.matrix.columns)};
}

}  // namespace
}  // namespace coreinfer

int32_t ci_matvec(ci_context* context, int32_t dtype, const void* weight, const float* bias, const float* x,
                  int32_t tokens, int32_t rows, int32_t columns, int32_t accumulate, float* y) {
  return coreinfer::Call("ci_matvec", context, [&](ci_context& c) {
    const coreinfer::Product product = coreinfer::RequireDecodeProduct(
        {dtype, weight, bias, {x, tokens, columns}, rows, accumulate, y}, "weight", "y");
    coreinfer::MultiplyAll(c, product, coreinfer::RowDots(c, dtype, product.x));
  });
}

int32_t ci_host_matvec_packed(ci_context* context, int32_t dtype, const void* weight, const void* packed,
                              const float* bias, const float* x, int32_t tokens, int32_t rows, int32_t columns,
                              int32_t accumulate, float* y) {
  return coreinfer::Call("ci_host_matvec_packed", context, [&](ci_context& c) {
    const coreinfer::Product product = coreinfer::RequireDecodeProduct(
        {dtype, weight, bias, {x, tokens, columns}, rows, accumulate, y}, "weight", "y");
    const coreinfer::Part part = coreinfer::RequirePart(c, product, "packed", packed);
    coreinfer::MultiplyParts(c, &part, 1, coreinfer::RowDots(c, dtype, product.x));
  });
}

int32_t ci_host_attention_inputs_packed(ci_context* context, int32_t dtype, const void* query, const void* packed_query,
                                        const float* query_bias, int32_t query_rows, const void* key,
                                        const void* packed_key, const float* key_bias, const void* value,
                                        const void* packed_value, const float* value_bias, int32_t kv_rows,
                                        const float* x, int32_t tokens, int32_t columns, float* query_out,
                                        float* key_out, float* value_out) {
  return coreinfer::Call("ci_host_attention_inputs_packed", context, [&](ci_context& c) {
    using coreinfer::RequirePart;
    using coreinfer::RequireDecodeProduct;
    const coreinfer::Vectors vectors{x, tokens, columns};
    const coreinfer::Product products[] = {
        RequireDecodeProduct({dtype, query, query_bias, vectors, query_rows, 0, query_out}, "query", "query_out"),
        RequireDecodeProduct({dtype, key, key_bias, vectors, kv_rows, 0, key_out}, "key", "key_out"),
        RequireDecodeProduct({dtype, value, value_bias, vectors, kv_rows, 0, value_out}, "value", "value_out")};
    const coreinfer::Part parts[] = {RequirePart(c, products[0], "packed_query", packed_query),
                                     RequirePart(c, products[1], "packed_key", packed_key),
                                     RequirePart(c, products[2], "packed_value", packed_value)};
    coreinfer::MultiplyParts(c, parts, 3, coreinfer::RowDots(c, dtype, vectors));
  });
}
