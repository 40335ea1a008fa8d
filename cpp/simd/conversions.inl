// Elements of weight rows in F32, whatever their dtype, and F32 in halves.
#pragma once

#include "coreinfer/types.h"
#include "simd/rows.inl"
#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

template <class Reader>
void DequantizePlain(const uint8_t* row, int64_t begin, int64_t end, float* out) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) Store(out + i - begin, Reader::Read(row + i * Reader::kBytes));
  if (i < end) StorePartial(out + i - begin, end - i, ReadPartial<Reader>(row + i * Reader::kBytes, end - i));
}

template <class Reader>
void DequantizeBlocks(const uint8_t* row, int64_t begin, int64_t end, float* out) {
  for (int64_t i = begin; i < end; i += kGroup) {
    const uint8_t* block = row + i / kGroup * Reader::kBlockBytes;
    const Vec scale = BroadcastHalf(block);
    Vec q[kGroupVecs];
    Reader::Read(block + 2, q);
    for (int v = 0; v < kGroupVecs; ++v) Store(out + i - begin + v * kLanes, Mul(scale, q[v]));
  }
}

// `rows` of them from `row` on, out rows `stride` apart; all have their scales in common.
template <class Shared>
void DequantizeShared(const Matrix& matrix, int64_t row, int64_t rows, int64_t begin, int64_t end, float* out,
                      int64_t stride) {
  using Reader = typename Shared::Reader;
  const int64_t columns = matrix.columns;
  const int64_t row_bytes = columns / kGroup * Reader::kSharedBytes;
  const int64_t block_bytes = Shared::kHeaderBytes * columns + Shared::kRows * row_bytes;
  const uint8_t* block = matrix.data + row / Shared::kRows * block_bytes;
  const uint8_t* elements = block + Shared::kHeaderBytes * columns + row % Shared::kRows * row_bytes;
  for (int64_t i = begin; i < end; i += kGroup) {
    Vec scale[kGroupVecs];
    Vec offset[kGroupVecs];
    Shared::Scales(block, columns, row % Shared::kRows, i, scale, offset);
    for (int64_t r = 0; r < rows; ++r) {
      Vec q[kGroupVecs];
      Reader::Read(elements + r * row_bytes + i / kGroup * Reader::kSharedBytes, q);
      for (int v = 0; v < kGroupVecs; ++v) {
        Store(out + r * stride + i - begin + v * kLanes,
              Shared::kHasOffset ? Fma(scale[v], Add(q[v], Set(Shared::kMiddle)), offset[v]) : Mul(scale[v], q[v]));
      }
    }
  }
}

void DequantizeRow(const Matrix* matrix, int32_t row, int32_t begin, int32_t end, float* out) {
  const uint8_t* data = matrix->data + row * matrix->row_bytes;
  switch (matrix->dtype) {
    case CI_F32:
      DequantizePlain<F32Reader>(data, begin, end, out);
      break;
    case CI_F16:
      DequantizePlain<F16Reader>(data, begin, end, out);
      break;
    case CI_BF16:
      DequantizePlain<Bf16Reader>(data, begin, end, out);
      break;
    case CI_Q8_0:
      DequantizeBlocks<Q8Reader>(data, begin, end, out);
      break;
    case CI_Q4_0:
      DequantizeBlocks<Q4Reader>(data, begin, end, out);
      break;
    case CI_Q4_1:
      DequantizeUnpacked<Q4_1Block>(data, begin, end, out);
      break;
    case CI_Q5_0:
      DequantizeUnpacked<Q5_0Block>(data, begin, end, out);
      break;
    case CI_Q5_1:
      DequantizeUnpacked<Q5_1Block>(data, begin, end, out);
      break;
    case CI_Q4_K:
      DequantizeUnpacked<Q4_KBlock>(data, begin, end, out);
      break;
    case CI_Q5_K:
      DequantizeUnpacked<Q5_KBlock>(data, begin, end, out);
      break;
    case CI_Q6_K:
      DequantizeUnpacked<Q6_KBlock>(data, begin, end, out);
      break;
    default:
      break;
  }
}

void Dequantize(const Matrix* matrix, int32_t row, int32_t rows, int32_t begin, int32_t end, float* out,
                int64_t stride) {
  switch (matrix->dtype) {
    case CI_Q8_0_SHARED:
      DequantizeShared<Q8Shared>(*matrix, row, rows, begin, end, out, stride);
      break;
    case CI_Q4_0_SHARED:
      DequantizeShared<Q4Shared>(*matrix, row, rows, begin, end, out, stride);
      break;
    case CI_Q4_1_SHARED:
      DequantizeShared<Q4_1Shared>(*matrix, row, rows, begin, end, out, stride);
      break;
    case CI_Q5_0_SHARED:
      DequantizeShared<Q5_0Shared>(*matrix, row, rows, begin, end, out, stride);
      break;
    case CI_Q5_1_SHARED:
      DequantizeShared<Q5_1Shared>(*matrix, row, rows, begin, end, out, stride);
      break;
    case CI_Q4_K_SHARED:
      DequantizeShared<Q4_KShared>(*matrix, row, rows, begin, end, out, stride);
      break;
    case CI_Q5_K_SHARED:
      DequantizeShared<Q5_KShared>(*matrix, row, rows, begin, end, out, stride);
      break;
    case CI_Q6_K_SHARED:
      DequantizeShared<Q6_KShared>(*matrix, row, rows, begin, end, out, stride);
      break;
    default:
      for (int32_t r = 0; r < rows; ++r) DequantizeRow(matrix, row + r, begin, end, out + r * stride);
      break;
  }
}

void ToF16(const float* x, int64_t count, uint8_t* out) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) StoreF16(out + 2 * i, Load(x + i));
  if (i < count) {
    uint8_t copy[kLanes * 2];
    StoreF16(copy, LoadPartial(x + i, count - i));
    memcpy(out + 2 * i, copy, static_cast<size_t>(2 * (count - i)));
  }
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
