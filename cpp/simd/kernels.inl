// Assembles the table of one instruction set. Everything but the accessor is in an anonymous namespace, and no header
// of the C++ library is included: code compiled for one processor must never be shared with code for another.
#include "coreinfer/types.h"
#include "simd/attention.inl"
#include "simd/elementwise.inl"
#include "simd/gemm.inl"
#include "simd/readers.inl"
#include "simd/rows.inl"
#include "simd/simd.h"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr SimdKernels kKernels = {
    kName,
    {DotEach<PlainDots<F32Reader>>, DotEach<PlainDots<F16Reader>>, DotEach<PlainDots<Bf16Reader>>,
     DotEach<BlockDots<Q8Reader>>, DotEach<BlockDots<Q4Reader>>},
    {AddPlainRows<F32Reader>, AddPlainRows<F16Reader>, AddPlainRows<Bf16Reader>, AddBlockRows<Q8Reader>,
     AddBlockRows<Q4Reader>},
    {AddSharedRows<Q8Reader>, AddSharedRows<Q4Reader>},
    Dequantize,
    ToF16,
    AddVectors,
    RmsNorm,
    LayerNorm,
    Activate,
    {ScoreKeys<F32Reader>, ScoreKeys<F16Reader>},
    LargestOf,
    Exponentiate,
    Multiply,
    MultiplyPanel,
    kPanelWidth,
    kPanelTokens,
};

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE

const SimdKernels& COREINFER_SIMD_TABLE() { return COREINFER_SIMD_NAMESPACE::kKernels; }

}  // namespace coreinfer
