// Assembles the table of one instruction set. Everything but the accessor is in an anonymous namespace, and no header
// of the C++ library is included: code compiled for one processor must never be shared with code for another.
#include "coreinfer/types.h"
#include "simd/attention.inl"
#include "simd/attention_chunk.inl"
#include "simd/conversions.inl"
#include "simd/elementwise.inl"
#include "simd/gemm.inl"
#include "simd/quants.inl"
#include "simd/readers.inl"
#include "simd/rows.inl"
#include "simd/scores.inl"
#include "simd/shared_rows.inl"
#include "simd/simd.h"
#if defined(__AVX2__)
#include "simd/plain_packs.inl"
#endif
#if defined(__AVX512F__)
#include "simd/row_products.inl"
#endif

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

#if defined(__AVX2__)
#define COREINFER_SIMD_TOGETHER(function) function
#else
#define COREINFER_SIMD_TOGETHER(function) nullptr
#endif
// Sums of more than sixteen vectors.
#if defined(__AVX512F__)
#define COREINFER_SIMD_WIDE(function) function
#else
#define COREINFER_SIMD_WIDE(function) nullptr
#endif

constexpr SimdKernels kKernels = {
    {DotEach<PlainDots<F32Reader>>, DotEach<PlainDots<F16Reader>>, DotEach<PlainDots<Bf16Reader>>,
     DotEach<BlockDots<Q8Reader>>, DotEach<BlockDots<Q4Reader>>, nullptr, nullptr, DotEach<UnpackedDots<Q4_1Block>>,
     DotEach<UnpackedDots<Q5_0Block>>, DotEach<UnpackedDots<Q5_1Block>>, DotEach<UnpackedDots<Q4_KBlock>>,
     DotEach<UnpackedDots<Q5_KBlock>>, DotEach<UnpackedDots<Q6_KBlock>>},
    {COREINFER_SIMD_TOGETHER(DotRows<F32Reader>), COREINFER_SIMD_TOGETHER(DotRows<F16Reader>),
     COREINFER_SIMD_TOGETHER(DotRows<Bf16Reader>)},
    {AddPlainRows<F32Reader>, AddPlainRows<F16Reader>, AddPlainRows<Bf16Reader>, AddBlockRows<Q8Reader>,
     AddBlockRows<Q4Reader>, nullptr, nullptr, AddUnpackedRows<Q4_1Block>, AddUnpackedRows<Q5_0Block>,
     AddUnpackedRows<Q5_1Block>, AddUnpackedRows<Q4_KBlock>, AddUnpackedRows<Q5_KBlock>, AddUnpackedRows<Q6_KBlock>},
    {AddSharedRows<Q8Shared>, AddSharedRows<Q4Shared>, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
     AddSharedRows<Q4_1Shared>, AddSharedRows<Q5_0Shared>, AddSharedRows<Q5_1Shared>, AddSharedRows<Q4_KShared>,
     AddSharedRows<Q5_KShared>, AddSharedRows<Q6_KShared>},
    Dequantize,
    ToF16,
    {CountFrom<false>, CountFrom<true>},
    {TakeBetween<false>, TakeBetween<true>},
    {AddFrom<false>, AddFrom<true>},
    SumOfSquares,
    AddSquares,
    AddVectors,
    RmsNorm,
    LayerNorm,
    Activate,
    {ScoreKeys<F32Reader>, ScoreKeys<F16Reader>},
    {AttendChunk<F32Reader>, AttendChunk<F16Reader>},
    LargestOf,
    Exponentiate,
    Multiply,
    MultiplyPanel,
    kPanelWidth,
    kPanelTokens,
    {nullptr, COREINFER_SIMD_WIDE(MultiplyRows<F16Reader>), COREINFER_SIMD_WIDE(MultiplyRows<Bf16Reader>)},
    {nullptr, COREINFER_SIMD_TOGETHER(&kPlainPack<F16Reader>), COREINFER_SIMD_TOGETHER(&kPlainPack<Bf16Reader>)},
    {},
    {},
    {},
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE

const SimdKernels& COREINFER_SIMD_TABLE() { return COREINFER_SIMD_NAMESPACE::kKernels; }

}  // namespace coreinfer
