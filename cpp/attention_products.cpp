// Products of attention, on matrix registers or by the vector kernels of gemm.h. Queries are taken in three parts of
// bfloat16, because an error of a score is an error relative to its weight; weights are at most 1 and need two. Keys
// and values from an F16 cache are exact in two.
#include "attention_products.h"

#include <cstring>

#include "gemm_panels.h"

namespace coreinfer {
namespace {

constexpr int32_t kQueryParts = 3;
constexpr int32_t kWeightParts = 2;
constexpr int32_t kValueParts = 2;

constexpr int64_t kPositionPanels = kPiece / kPanelRows;
constexpr int64_t kRowBytes = kTileBytes / 16;

int64_t QueryPanelBytes(const PieceShape& shape) { return Panels(shape.head_dim) * kQueryParts * kPartBytes; }
int64_t WeightPanelBytes() { return kPositionPanels * kWeightParts * kPartBytes; }

// Of the keys of a piece, which need as many parts as queries at most; the values of a piece are as many.
int64_t PiecePanelsBytes(const PieceShape& shape) { return kPositionPanels * QueryPanelBytes(shape); }

int32_t AtMostAPanel(int64_t count) { return static_cast<int32_t>(count < kPanelRows ? count : kPanelRows); }

}  // namespace

int64_t PieceProducts::ScratchBytes(const ci_context& context, const PieceShape& shape) {
  if (context.tiles == nullptr) return FloatScratchBytes();
  return PiecePanelsBytes(shape) + Panels(shape.queries) * (QueryPanelBytes(shape) + WeightPanelBytes()) +
         kBlockFloats * static_cast<int64_t>(sizeof(float));
}

PieceProducts::PieceProducts(const ci_context& context, const PieceShape& shape, const float* queries, uint8_t* scratch)
    : context_(context), shape_(shape), queries_(queries), scratch_(scratch) {
  if (context.tiles == nullptr) return;
  query_panels_ = scratch + PiecePanelsBytes(shape);
  weight_panels_ = query_panels_ + Panels(shape.queries) * QueryPanelBytes(shape);
  block_ = reinterpret_cast<float*>(weight_panels_ + Panels(shape.queries) * WeightPanelBytes());
  for (int64_t q = 0; q < shape.queries; ++q) {
    context.tiles->split_left_row(queries + q * shape.stride(), shape.head_dim, kQueryParts,
                                  LeftRow(query_panels_, QueryPanelBytes(shape), q));
  }
  context.tiles->start();
}

PieceProducts::~PieceProducts() {
  if (context_.tiles != nullptr) context_.tiles->stop();
}

void PieceProducts::Score(const float* keys, int32_t positions, QueryRange range, float* scores) {
  float* first = scores + int64_t{range.begin} * kPiece;
  std::memset(first, 0, sizeof(float) * static_cast<size_t>(range.size()) * kPiece);
  if (context_.tiles != nullptr) return ScoreOnTiles(keys, positions, range, scores);
  const int64_t stride = shape_.stride();
  MultiplyFloats(context_.simd, {keys, stride, Along::kRows, positions, shape_.head_dim},
                 queries_ + range.begin * stride, stride, range.size(), first, kPiece, scratch_);
}

void PieceProducts::AddValues(const float* values, int32_t positions, QueryRange range, const float* weights,
                              float* sums) {
  if (context_.tiles != nullptr) return AddValuesOnTiles(values, positions, range, weights, sums);
  const int64_t stride = shape_.stride();
  for (int32_t i = 0; i < shape_.head_dim; i += kTileRows) {
    const int32_t width = shape_.head_dim - i < kTileRows ? shape_.head_dim - i : kTileRows;
    MultiplyFloats(context_.simd, {values + i, stride, Along::kColumns, width, positions},
                   weights + int64_t{range.begin} * kPiece, kPiece, range.size(), sums + range.begin * stride + i,
                   stride, scratch_);
  }
}

// Whole panels of queries are computed, and of them the queries in the range are added.
void PieceProducts::ScoreOnTiles(const float* keys, int32_t positions, QueryRange range, float* scores) {
  const TileKernels& tiles = *context_.tiles;
  const int32_t parts = shape_.has_exact_halves ? 2 : 3;
  const auto steps = static_cast<int32_t>(Panels(shape_.head_dim));
  const int64_t key_bytes = int64_t{steps} * parts * kPartBytes;
  for (int32_t p = 0; p < positions; p += 16) {
    tiles.split_right_columns(keys + p * shape_.stride(), shape_.stride(), positions - p < 16 ? positions - p : 16,
                              shape_.head_dim, parts,
                              scratch_ + p / kPanelRows * key_bytes + p % kPanelRows / 16 * kTileBytes);
  }
  for (int64_t q = range.begin; q < range.end; q += kPanelRows) {
    const uint8_t* queries = query_panels_ + q / kPanelRows * QueryPanelBytes(shape_);
    for (int64_t p = 0; p < positions; p += kPanelRows) {
      const uint8_t* panel = scratch_ + p / kPanelRows * key_bytes;
      std::memset(block_, 0, sizeof(float) * kBlockFloats);
      tiles.multiply(queries, kQueryParts, panel, parts, steps, block_, {});
      tiles.add_block(block_, AtMostAPanel(range.end - q), AtMostAPanel(positions - p), scores + q * kPiece + p,
                      kPiece);
    }
  }
}

void PieceProducts::AddValuesOnTiles(const float* values, int32_t positions, QueryRange range, const float* weights,
                                     float* sums) {
  const TileKernels& tiles = *context_.tiles;
  const int64_t stride = shape_.stride();
  const auto steps = static_cast<int32_t>(Panels(positions));
  const int64_t value_bytes = int64_t{steps} * kValueParts * kPartBytes;
  for (int64_t p = 0; p < int64_t{steps} * kStepDepth; p += 2) {
    uint8_t* pair = scratch_ + p / kStepDepth * kValueParts * kPartBytes + p % kStepDepth / 2 * kRowBytes;
    tiles.split_right_rows(values + p * stride, values + (p + 1) * stride, static_cast<int32_t>(stride), kValueParts,
                           value_bytes, pair);
  }
  for (int64_t q = range.begin; q < range.end; ++q) {
    tiles.split_left_row(weights + q * kPiece, positions, kWeightParts, LeftRow(weight_panels_, WeightPanelBytes(), q));
  }
  for (int64_t q = range.begin; q < range.end; q += kPanelRows) {
    const uint8_t* panel = weight_panels_ + q / kPanelRows * WeightPanelBytes();
    for (int64_t i = 0; i < shape_.head_dim; i += kPanelRows) {
      std::memset(block_, 0, sizeof(float) * kBlockFloats);
      tiles.multiply(panel, kWeightParts, scratch_ + i / kPanelRows * value_bytes, kValueParts, steps, block_, {});
      tiles.add_block(block_, AtMostAPanel(range.end - q), AtMostAPanel(shape_.head_dim - i), sums + q * stride + i,
                      stride);
    }
  }
}

}  // namespace coreinfer
