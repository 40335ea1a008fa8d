// What an instruction set with products of bytes puts into a table of its vectors' width: integer dots, sums of down
// rows, and packs of both. As with kernels.inl, nothing else is visible outside.
#include "simd/packed_down.inl"
#include "simd/packed_rows.inl"

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

template <class Unit>
constexpr RowPack kRowPack = {Unit::kColumns, int64_t{kParts} * kPackUnitBytes<Unit>, PackRows<Unit>,
                              PackedDotEach<Unit>, nullptr};
template <class Format>
constexpr DownPack kDownPack = {
    Format::Scales::kBlockBytes,           Format::Scales::kGroupBytes, kPackedRowBytes<Format>, PackDown<Format>,
    PrepareGroup<Format::Pieces::kMiddle>, AddPackedDown<Format>};

// Rows as a file has them, in blocks, and as packs do; vectors are split for the middle of the codes.
template <class Blocks, class Unit>
void TakeRows(int32_t dtype, SimdKernels* kernels) {
  kernels->split[dtype] = SplitFor<Unit::kMiddle>;
  kernels->split_dot[dtype] = SplitDotEach<Blocks>;
  kernels->row_packs[dtype] = &kRowPack<Unit>;
}

template <class Shared, class Format>
void TakeDown(int32_t dtype, SimdKernels* kernels) {
  kernels->add_shared_rows[dtype - CI_Q8_0_SHARED] = AddSplitRows<Shared, typename Format::Pieces>;
  kernels->down_packs[dtype - CI_Q8_0_SHARED] = &kDownPack<Format>;
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE

void COREINFER_SIMD_TAKE(SimdKernels* kernels) {
  using namespace COREINFER_SIMD_NAMESPACE;
  TakeRows<SplitBlocks<Q8Split>, PackedQ8_0>(CI_Q8_0, kernels);
  TakeRows<SplitBlocks<Q4Split>, PackedQ4_0>(CI_Q4_0, kernels);
  TakeRows<SplitBlocks<Q4_1Split>, PackedQ4_1>(CI_Q4_1, kernels);
  TakeRows<SplitBlocks<Q5_0Split>, PackedQ5_0>(CI_Q5_0, kernels);
  TakeRows<SplitBlocks<Q5_1Split>, PackedQ5_1>(CI_Q5_1, kernels);
  TakeRows<SplitScaledBlocks<Q4_KSplit>, PackedQ4_K>(CI_Q4_K, kernels);
  TakeRows<SplitScaledBlocks<Q5_KSplit>, PackedQ5_K>(CI_Q5_K, kernels);
  TakeRows<SplitSixes, PackedSixes>(CI_Q6_K, kernels);
  TakeDown<Q8Shared, SlabQ8_0>(CI_Q8_0_SHARED, kernels);
  TakeDown<Q4Shared, SlabQ4_0>(CI_Q4_0_SHARED, kernels);
  TakeDown<Q4_1Shared, SlabQ4_1>(CI_Q4_1_SHARED, kernels);
  TakeDown<Q5_0Shared, SlabQ5_0>(CI_Q5_0_SHARED, kernels);
  TakeDown<Q5_1Shared, SlabQ5_1>(CI_Q5_1_SHARED, kernels);
  TakeDown<Q4_KShared, SlabQ4_K>(CI_Q4_K_SHARED, kernels);
  TakeDown<Q5_KShared, SlabQ5_K>(CI_Q5_K_SHARED, kernels);
  TakeDown<Q6_KShared, SlabQ6_K>(CI_Q6_K_SHARED, kernels);
}

}  // namespace coreinfer
