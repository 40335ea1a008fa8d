// The two products of attention for many queries of one key-value head: queries with a piece of keys, and the weights
// of its positions with their values.
#ifndef COREINFER_CPP_ATTENTION_PRODUCTS_H_
#define COREINFER_CPP_ATTENTION_PRODUCTS_H_

#include <cstdint>

#include "context.h"

namespace coreinfer {

/// Positions of a piece.
constexpr int32_t kPiece = 64;

/// The rows of queries, keys, values and sums are `stride` floats apart: head_dim, and zeros up to a multiple of 32.
struct PieceShape {
  int32_t queries;
  int32_t head_dim;
  bool has_exact_halves;  // keys and values were F16

  int64_t stride() const { return (int64_t{head_dim} + 31) / 32 * 32; }
};

/// Some consecutive queries.
struct QueryRange {
  int32_t begin;
  int32_t end;

  int32_t size() const { return end - begin; }
};

/// Used by one thread, from its making to its end. A query's results are the same whatever else is computed.
class PieceProducts {
 public:
  static int64_t ScratchBytes(const ci_context& context, const PieceShape& shape);

  /// queries (shape.queries, stride); keeps what it is given.
  PieceProducts(const ci_context& context, const PieceShape& shape, const float* queries, uint8_t* scratch);
  ~PieceProducts();
  PieceProducts(const PieceProducts&) = delete;
  PieceProducts& operator=(const PieceProducts&) = delete;

  /// scores[q][p] = query q dot key p, for the queries of `range`. keys (positions, stride); scores (queries, kPiece).
  void Score(const float* keys, int32_t positions, QueryRange range, float* scores);

  /// sums[q] += weights[q][p] * values[p] over all p. values (kPiece, stride), zeros behind the last position up to a
  /// multiple of 32; weights (queries, kPiece); sums (queries, stride).
  void AddValues(const float* values, int32_t positions, QueryRange range, const float* weights, float* sums);

 private:
  void ScoreOnTiles(const float* keys, int32_t positions, QueryRange range, float* scores);
  void AddValuesOnTiles(const float* values, int32_t positions, QueryRange range, const float* weights, float* sums);

  const ci_context& context_;
  const PieceShape shape_;
  const float* const queries_;
  uint8_t* const scratch_;  // the panels of vector kernels, or those of the right operand
  uint8_t* query_panels_ = nullptr;
  uint8_t* weight_panels_ = nullptr;
  float* block_ = nullptr;
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_ATTENTION_PRODUCTS_H_
