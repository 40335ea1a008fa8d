// Decoding over the packed rows (packs.h) of a feed-forward layer.
#ifndef COREINFER_CPP_FFN_PACKED_H_
#define COREINFER_CPP_FFN_PACKED_H_

#include <cstdint>

#include "context.h"
#include "core_list.h"
#include "coreinfer/types.h"
#include "ffn.h"
#include "row_dots.h"
#include "simd/simd.h"

namespace coreinfer {

/// What is packed of a layer; NULL for the rest.
struct PackedFfn {
  const uint8_t* up;     // beside gate, where there is one
  const int32_t* order;  // the entries of the list that the rows of gate and up are; NULL for 0, 1, 2, ...
  const uint8_t* down;
};

/// Requires packs that this processor knows.
PackedFfn RequirePacked(const ci_context& context, const Ffn& ffn, const void* up, const int32_t* order,
                        const void* down);

/// Requires entries of a list of `core` neurons, or NULL.
void RequireOrder(const int32_t* order, int32_t core);

/// Packs of listed rows of up, beside those of gate where there is one.
struct PackedUp {
  const uint8_t* data;  // NULL if they are of no use
  const int32_t* order;
  int64_t pack_bytes;
  int32_t neurons;  // of a pack
};

/// A down projection's packed rows, and some tokens' factors for them; for one thread.
class PackedDown {
 public:
  /// Bytes of scratch memory for a list and as many tokens.
  static int64_t ScratchBytes(const Matrix& down, const CoreList& list, int32_t tokens);

  PackedDown(const ci_context& context, const Matrix& down, const CoreList& list, const uint8_t* data,
             int32_t most_tokens, uint8_t* scratch);

  /// Takes one more token, with an activation for each listed neuron and a row y that is added to; false if the
  /// activations cannot be split, and nothing was taken. `first` is the slab that will be added first.
  bool Take(const float* activations, float* y, int64_t first);

  /// y[i] += the sum of the rows, for the columns of a slab and every token; `following` is the next slab.
  void Add(int64_t slab, int64_t following) const;

 private:
  const uint8_t* At(int64_t slab) const { return data_ + slab * sum_.slab_bytes; }

  const DownPack& pack_;
  const uint8_t* const data_;
  const int32_t columns_;
  PackedGroup* const groups_;
  PackedSum sum_;
  float* y_[CI_DECODE_TOKENS];
};

}  // namespace coreinfer

#endif  // COREINFER_CPP_FFN_PACKED_H_
