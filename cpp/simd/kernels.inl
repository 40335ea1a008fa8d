// Assembles the table of one instruction set. Everything but the accessor is in an anonymous namespace, and no header
// of the C++ library is included: code compiled for one processor must never be shared with code for another.
#include "coreinfer/types.h"
#include "simd/attention.inl"
#include "simd/attention_chunk.inl"
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
#if defined(__AVX512VNNI__) || (defined(__AVX2__) && !defined(__AVX512F__))
#include "simd/packed_down.inl"
#include "simd/packed_rows.inl"
#define COREINFER_SIMD_HAS_SPLIT
#endif

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

// What multiplies bytes has integer dots, and packs of their rows.
#if defined(COREINFER_SIMD_HAS_SPLIT)
#define COREINFER_SIMD_SPLIT(function) function
#define COREINFER_SIMD_SHARED(shared, pieces) AddSplitRows<shared, pieces>
#define COREINFER_SIMD_PACK(pack) &pack

template <class Unit>
constexpr RowPack kRowPack = {Unit::kColumns,
                              int64_t{kParts} * kPackUnitBytes<Unit>,
                              {PackRows<Unit, false>, PackRows<Unit, true>},
                              PackedDotEach<Unit>,
                              nullptr};
template <class Format>
constexpr DownPack kDownPack = {Format::Scales::kBlockBytes,
                                Format::Scales::kGroupBytes,
                                kPackedRowBytes<Format>,
                                {PackDown<Format, false>, PackDown<Format, true>},
                                PrepareGroup<Format::Pieces::kMiddle>,
                                AddPackedDown<Format>};
#else
#define COREINFER_SIMD_SPLIT(function) nullptr
#define COREINFER_SIMD_SHARED(shared, pieces) AddSharedRows<shared>
#define COREINFER_SIMD_PACK(pack) nullptr
#endif

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
    kName,
    {DotEach<PlainDots<F32Reader>>, DotEach<PlainDots<F16Reader>>, DotEach<PlainDots<Bf16Reader>>,
     DotEach<BlockDots<Q8Reader>>, DotEach<BlockDots<Q4Reader>>, nullptr, nullptr, DotEach<UnpackedDots<Q4_1Block>>,
     DotEach<UnpackedDots<Q5_0Block>>, DotEach<UnpackedDots<Q5_1Block>>, DotEach<UnpackedDots<Q4_KBlock>>,
     DotEach<UnpackedDots<Q5_KBlock>>, DotEach<UnpackedDots<Q6_KBlock>>},
    {COREINFER_SIMD_TOGETHER(DotRows<F32Reader>), COREINFER_SIMD_TOGETHER(DotRows<F16Reader>),
     COREINFER_SIMD_TOGETHER(DotRows<Bf16Reader>)},
    {nullptr, nullptr, nullptr, COREINFER_SIMD_SPLIT(SplitFor<128>), COREINFER_SIMD_SPLIT(SplitFor<8>), nullptr,
     nullptr, COREINFER_SIMD_SPLIT(SplitFor<0>), COREINFER_SIMD_SPLIT(SplitFor<16>), COREINFER_SIMD_SPLIT(SplitFor<0>),
     COREINFER_SIMD_SPLIT(SplitFor<0>), COREINFER_SIMD_SPLIT(SplitFor<0>), COREINFER_SIMD_SPLIT(SplitFor<32>)},
    {nullptr, nullptr, nullptr, COREINFER_SIMD_SPLIT(SplitDotEach<SplitBlocks<Q8Split>>),
     COREINFER_SIMD_SPLIT(SplitDotEach<SplitBlocks<Q4Split>>), nullptr, nullptr,
     COREINFER_SIMD_SPLIT(SplitDotEach<SplitBlocks<Q4_1Split>>),
     COREINFER_SIMD_SPLIT(SplitDotEach<SplitBlocks<Q5_0Split>>),
     COREINFER_SIMD_SPLIT(SplitDotEach<SplitBlocks<Q5_1Split>>),
     COREINFER_SIMD_SPLIT(SplitDotEach<SplitScaledBlocks<Q4_KSplit>>),
     COREINFER_SIMD_SPLIT(SplitDotEach<SplitScaledBlocks<Q5_KSplit>>), COREINFER_SIMD_SPLIT(SplitDotEach<SplitSixes>)},
    {AddPlainRows<F32Reader>, AddPlainRows<F16Reader>, AddPlainRows<Bf16Reader>, AddBlockRows<Q8Reader>,
     AddBlockRows<Q4Reader>, nullptr, nullptr, AddUnpackedRows<Q4_1Block>, AddUnpackedRows<Q5_0Block>,
     AddUnpackedRows<Q5_1Block>, AddUnpackedRows<Q4_KBlock>, AddUnpackedRows<Q5_KBlock>, AddUnpackedRows<Q6_KBlock>},
    {COREINFER_SIMD_SHARED(Q8Shared, BytePieces), COREINFER_SIMD_SHARED(Q4Shared, NibblePieces), nullptr, nullptr,
     nullptr, nullptr, nullptr, nullptr, COREINFER_SIMD_SHARED(Q4_1Shared, NibblePieces),
     COREINFER_SIMD_SHARED(Q5_0Shared, FivePieces), COREINFER_SIMD_SHARED(Q5_1Shared, FivePieces),
     COREINFER_SIMD_SHARED(Q4_KShared, NibblePieces), COREINFER_SIMD_SHARED(Q5_KShared, FivePieces),
     COREINFER_SIMD_SHARED(Q6_KShared, SixPieces)},
    {nullptr, COREINFER_SIMD_TOGETHER(&kPlainPack<F16Reader>), COREINFER_SIMD_TOGETHER(&kPlainPack<Bf16Reader>),
     COREINFER_SIMD_PACK(kRowPack<PackedQ8_0>), COREINFER_SIMD_PACK(kRowPack<PackedQ4_0>), nullptr, nullptr,
     COREINFER_SIMD_PACK(kRowPack<PackedQ4_1>), COREINFER_SIMD_PACK(kRowPack<PackedQ5_0>),
     COREINFER_SIMD_PACK(kRowPack<PackedQ5_1>), COREINFER_SIMD_PACK(kRowPack<PackedQ4_K>),
     COREINFER_SIMD_PACK(kRowPack<PackedQ5_K>), COREINFER_SIMD_PACK(kRowPack<PackedSixes>)},
    {COREINFER_SIMD_PACK(kDownPack<SlabQ8_0>), COREINFER_SIMD_PACK(kDownPack<SlabQ4_0>), nullptr, nullptr, nullptr,
     nullptr, nullptr, nullptr, COREINFER_SIMD_PACK(kDownPack<SlabQ4_1>), COREINFER_SIMD_PACK(kDownPack<SlabQ5_0>),
     COREINFER_SIMD_PACK(kDownPack<SlabQ5_1>), COREINFER_SIMD_PACK(kDownPack<SlabQ4_K>),
     COREINFER_SIMD_PACK(kDownPack<SlabQ5_K>), COREINFER_SIMD_PACK(kDownPack<SlabQ6_K>)},
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
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE

const SimdKernels& COREINFER_SIMD_TABLE() { return COREINFER_SIMD_NAMESPACE::kKernels; }

}  // namespace coreinfer
