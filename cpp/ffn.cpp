// The feed-forward layer over neuron-major weights: decode over a list of neurons, row norms.
// Decode has two phases with a barrier between them. First threads take blocks of the list: both dots and the
// activation of each neuron. Then the down rows of all listed neurons are added (ffn_down.h), or one slab of packed
// ones after another, in an order that no division of the work changes. Memory bounds both phases. With RELU and DRELU
// the up row of a neuron whose gate is not positive is not read, and no down row is read whose activation is 0: neither
// could change the result. Several tokens share every row that is read: its dots are taken together, and down rows are
// added token by token while they are in the second-level cache. A token that does not use a listed neuron gets an
// activation of 0 for it without any dot, and is passed over like that.
#include "ffn.h"

#include "context.h"
#include "core_list.h"
#include "coreinfer/host.h"
#include "coreinfer/kernels.h"
#include "dtype.h"
#include "ffn_down.h"
#include "ffn_packed.h"
#include "packs.h"
#include "row_dots.h"

namespace coreinfer {

Ffn RequireFfn(int32_t activation, int32_t up_dtype, const void* gate, const void* up, const float* gate_bias,
               const float* up_bias, int32_t down_dtype, const void* down, const float* down_bias, int32_t neurons,
               int32_t dim) {
  RequireRange("activation", activation, CI_RELU, CI_GELU);
  Ffn ffn{activation, {}, {}, {}, gate_bias, up_bias, down_bias, neurons, dim};
  ffn.up = RequireMatrix("up", up_dtype, up, neurons, dim);
  if (gate != nullptr) ffn.gate = RequireMatrix("gate", up_dtype, gate, neurons, dim);
  if (gate == nullptr && activation == CI_DRELU) {
    Fail(CI_INVALID_ARGUMENT, "the DRELU activation needs a gate: activation=%d gate=NULL", activation);
  }
  ffn.down = RequireAnyMatrix("down", down_dtype, down, neurons, dim);
  return ffn;
}

namespace {

// Neurons whose dots one thread takes before it asks for more.
constexpr int32_t kDotBlock = RowList::kMost;

// Some of the neurons of a block: their places in it, and the bits of the tokens that use them.
struct Listed {
  int32_t neurons[kDotBlock];
  int32_t places[kDotBlock];
  uint32_t users[kDotBlock];
  int32_t count = 0;

  void Add(int32_t neuron, int32_t place, uint32_t neuron_users) {
    neurons[count] = neuron;
    places[count] = place;
    users[count++] = neuron_users;
  }

  RowList RowsOf(const Matrix& weight) const {
    RowList list;
    for (int32_t i = 0; i < count; ++i) list.Add(weight.data + neurons[i] * weight.row_bytes, users[i]);
    return list;
  }
};

// Entries of the list from `begin` on, as many as a block has.
Listed NeuronsFrom(const CoreList& list, int64_t begin, uint32_t tokens) {
  Listed listed;
  for (int64_t i = begin; i < list.size && listed.count < kDotBlock; ++i) {
    listed.Add(list.neuron(i), static_cast<int32_t>(i - begin), list.users_of(i) & tokens);
  }
  return listed;
}

// Dots of a block's neurons by tokens and places.
using BlockDots = float[CI_DECODE_TOKENS][kDotBlock];

// Dots of the listed neurons, 0 for tokens that do not use them; `next` is what is read after them.
void TakeDots(const RowDots& dots, const Matrix& weight, const float* bias, const Listed& listed, const RowList& next,
              BlockDots& out) {
  RowDots::Out values;
  dots.Take(listed.RowsOf(weight), next, values);
  for (int32_t t = 0; t < dots.vectors().tokens; ++t) {
    for (int32_t i = 0; i < listed.count; ++i) {
      const bool is_shifted = bias != nullptr && (listed.users[i] >> t & 1) != 0;
      out[t][listed.places[i]] = is_shifted ? values[t][i] + bias[listed.neurons[i]] : values[t][i];
    }
  }
}

// The neurons that a token's gate lets through, used by those tokens only; all ups become 0.
Listed LetThrough(const Listed& listed, int32_t tokens, const BlockDots& gates, BlockDots& ups) {
  Listed open;
  for (int32_t i = 0; i < listed.count; ++i) {
    uint32_t users = 0;
    for (int32_t t = 0; t < tokens; ++t) {
      if (gates[t][i] > 0.0f) users |= uint32_t{1} << t;
      ups[t][i] = 0.0f;
    }
    if (users != 0) open.Add(listed.neurons[i], i, users);
  }
  return open;
}

// activations[t][i] for begin <= i < end, a block; `following` is where this thread goes on. Of tokens that do not use
// a neuron its dots are 0, which every activation takes to 0.
void ActivateListed(const SimdKernels& simd, const Ffn& ffn, const CoreList& list, const RowDots& rows, int64_t begin,
                    int64_t following, float* activations) {
  const int32_t tokens = rows.vectors().tokens;
  const Listed listed = NeuronsFrom(list, begin, rows.all());
  const RowList next = NeuronsFrom(list, following, rows.all()).RowsOf(ffn.gated() ? ffn.gate : ffn.up);
  BlockDots gates;
  BlockDots ups;
  if (!ffn.gated()) {
    TakeDots(rows, ffn.up, ffn.up_bias, listed, next, ups);
  } else if (ffn.activation == CI_RELU || ffn.activation == CI_DRELU) {
    TakeDots(rows, ffn.gate, ffn.gate_bias, listed, next, gates);
    TakeDots(rows, ffn.up, ffn.up_bias, LetThrough(listed, tokens, gates, ups), {}, ups);
  } else {
    TakeDots(rows, ffn.gate, ffn.gate_bias, listed, listed.RowsOf(ffn.up), gates);
    TakeDots(rows, ffn.up, ffn.up_bias, listed, next, ups);
  }
  for (int64_t t = 0; t < tokens; ++t) {
    simd.activate(ffn.activation, ffn.gated() ? gates[t] : nullptr, ups[t], listed.count,
                  activations + t * ffn.neurons + begin);
  }
}

// Rows of packs from `begin` on, at most half a pack: their neurons, and as places their entries in the list.
Listed PackedFrom(const PackedUp& packed, const CoreList& list, int64_t begin) {
  Listed listed;
  for (int64_t i = begin; i < list.size && listed.count < kDotBlock; ++i) {
    const int32_t entry = packed.order == nullptr ? static_cast<int32_t>(i) : packed.order[i];
    listed.Add(list.neuron(entry), entry, list.users_of(entry));
  }
  return listed;
}

// Adds the biases of a pack's rows to their dots, and drops those of tokens that do not use a row.
void FinishDots(const RowDots& dots, const float* bias, const Listed& listed, BlockDots& out) {
  for (int32_t t = 0; t < dots.vectors().tokens; ++t) {
    for (int32_t i = 0; i < listed.count; ++i) {
      if ((listed.users[i] >> t & 1) == 0) {
        out[t][i] = 0.0f;
      } else if (bias != nullptr) {
        out[t][i] += bias[listed.neurons[i]];
      }
    }
  }
}

// ActivateListed for the neurons of a pack, of which all are taken of every token that uses one of them.
void ActivatePacked(const SimdKernels& simd, const Ffn& ffn, const PackedUp& packed, const CoreList& list,
                    const RowDots& rows, int64_t pack, float* activations) {
  const int64_t first = pack * packed.neurons;
  const Listed listed[2] = {PackedFrom(packed, list, first),
                            ffn.gated() ? Listed{} : PackedFrom(packed, list, first + kDotBlock)};
  uint32_t users = 0;
  for (const Listed& half : listed) {
    for (int32_t i = 0; i < half.count; ++i) users |= half.users[i];
  }
  BlockDots dots[2];
  rows.TakePacked(packed.data + pack * packed.pack_bytes, users, dots);
  if (ffn.gated()) FinishDots(rows, ffn.gate_bias, listed[0], dots[0]);
  BlockDots* ups = ffn.gated() ? dots + 1 : dots;
  for (const Listed& half : listed) {
    if (half.count == 0) break;
    FinishDots(rows, ffn.up_bias, half, *ups);
    for (int64_t t = 0; t < rows.vectors().tokens; ++t) {
      float* const values = (*ups)[t];
      simd.activate(ffn.activation, ffn.gated() ? dots[0][t] : nullptr, values, half.count, values);
      for (int32_t i = 0; i < half.count; ++i) activations[t * ffn.neurons + half.places[i]] = values[i];
    }
    ++ups;
  }
}

// The packs of gate and up, if they are of use: the rows of RELU and DRELU are read one by one, as many are not needed.
PackedUp PackedUpOf(const ci_context& c, const Ffn& ffn, const PackedFfn& packed, const RowDots& rows) {
  const bool skips = ffn.gated() && (ffn.activation == CI_RELU || ffn.activation == CI_DRELU);
  if (packed.up == nullptr || skips || !rows.TakesPacked()) return {};
  const int64_t bytes = RowPackBytes(*c.simd.row_packs[ffn.up.dtype], ffn.dim);
  return {packed.up, packed.order, bytes, RowsOfPack(ffn.gated() ? 2 : 1)};
}

// The second phase over packed rows, of which threads take slabs.
void AddPackedDown(ci_context& c, const DownSum& sum, const float* bias, const uint8_t* data, WorkQueue& slabs,
                   int32_t thread) {
  PackedDown packed(c, sum.down, sum.list, data, sum.tokens, c.thread_scratch(thread));
  bool is_taken[CI_DECODE_TOKENS];
  bool is_first = true;
  slabs.DrainAhead(thread, [&](int64_t slab, int64_t following) {
    const int32_t begin = static_cast<int32_t>(slab) * kSlabColumns;
    const int32_t end = sum.down.columns - begin < kSlabColumns ? sum.down.columns : begin + kSlabColumns;
    sum.AddBias(c.simd, bias, begin, end);
    for (int32_t t = 0; t < sum.tokens; ++t) {
      if (is_first) is_taken[t] = packed.Take(sum.activations_of(t), sum.y_of(t), slab);
      if (!is_taken[t]) AddSharedDown(c.simd, sum.OfToken(t), begin, end);
    }
    is_first = false;
    packed.Add(slab, following);
  });
}

void Decode(ci_context& c, const Ffn& ffn, const PackedFfn& packed, const CoreList& list, const Vectors& x,
            float* activations, float* y) {
  const DownSum sum{ffn.down, list, activations, ffn.neurons, x.tokens, y};
  const RowDots rows(c, ffn.up.dtype, x);
  const PackedUp packed_up = PackedUpOf(c, ffn, packed, rows);
  if (packed.down != nullptr) c.ReserveThreadScratch(PackedDown::ScratchBytes(ffn.down, list, x.tokens));
  const int32_t block_neurons = packed_up.data != nullptr ? packed_up.neurons : kDotBlock;
  WorkQueue blocks(DivideUp(list.size, block_neurons), c.pool.size());
  WorkQueue slabs(SlabsOf(ffn.dim), c.pool.size());
  UnpackedDown down(c, sum, ffn.down_bias);
  c.pool.Run([&](int32_t thread) {
    blocks.DrainAhead(thread, [&](int64_t block, int64_t following) {
      if (packed_up.data != nullptr) {
        ActivatePacked(c.simd, ffn, packed_up, list, rows, block, activations);
      } else {
        ActivateListed(c.simd, ffn, list, rows, block * kDotBlock, following * kDotBlock, activations);
      }
    });
    c.pool.Barrier();
    if (packed.down != nullptr) return AddPackedDown(c, sum, ffn.down_bias, packed.down, slabs, thread);
    down.Add(thread);
  });
}

struct ListArguments {
  const int32_t* ids;
  const int32_t* size;
  const uint32_t* users;
};

void DecodeChecked(ci_context& c, const Ffn& ffn, const PackedFfn& packed, const ListArguments& list, const Vectors& x,
                   float* activations, float* y) {
  RequirePointer("x", x.x);
  RequireRange("tokens", x.tokens, 1, CI_DECODE_TOKENS);
  RequirePointer("core", list.size);
  RequireCore(list.ids, *list.size, ffn.neurons);
  RequireOrder(packed.order, *list.size);
  RequirePointer("activations", activations);
  RequirePointer("y", y);
  Decode(c, ffn, packed, {list.ids, *list.size, list.users}, x, activations, y);
}

double RowNorm(const SimdKernels& simd, const Matrix& matrix, int32_t row) {
  constexpr int32_t kPart = 512;
  float part[kPart];
  double squares = 0.0;
  for (int32_t begin = 0; begin < matrix.columns; begin += kPart) {
    const int32_t end = matrix.columns - begin < kPart ? matrix.columns : begin + kPart;
    simd.dequantize(&matrix, row, 1, begin, end, part, 0);
    for (int32_t i = 0; i < end - begin; ++i) squares += double{part[i]} * double{part[i]};
  }
  return __builtin_sqrt(squares);
}

}  // namespace
}  // namespace coreinfer

int32_t ci_ffn_decode(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate, const void* up,
                      const float* gate_bias, const float* up_bias, int32_t down_dtype, const void* down,
                      const float* down_bias, const float* x, int32_t tokens, const int32_t* core_ids,
                      const int32_t* core, const uint32_t* users, int32_t neurons, int32_t dim, float* activations,
                      float* y) {
  return coreinfer::Call("ci_ffn_decode", context, [&](ci_context& c) {
    const coreinfer::Ffn ffn = coreinfer::RequireFfn(activation, up_dtype, gate, up, gate_bias, up_bias, down_dtype,
                                                     down, down_bias, neurons, dim);
    coreinfer::DecodeChecked(c, ffn, {}, {core_ids, core, users}, {x, tokens, dim}, activations, y);
  });
}

int32_t ci_host_ffn_decode_packed(ci_context* context, int32_t activation, int32_t up_dtype, const void* gate,
                                  const void* up, const float* gate_bias, const float* up_bias, int32_t down_dtype,
                                  const void* down, const float* down_bias, const void* packed_up,
                                  const int32_t* packed_order, const void* packed_down, const float* x, int32_t tokens,
                                  const int32_t* core_ids, const int32_t* core, const uint32_t* users, int32_t neurons,
                                  int32_t dim, float* activations, float* y) {
  return coreinfer::Call("ci_host_ffn_decode_packed", context, [&](ci_context& c) {
    const coreinfer::Ffn ffn = coreinfer::RequireFfn(activation, up_dtype, gate, up, gate_bias, up_bias, down_dtype,
                                                     down, down_bias, neurons, dim);
    const coreinfer::PackedFfn packed = coreinfer::RequirePacked(c, ffn, packed_up, packed_order, packed_down);
    coreinfer::DecodeChecked(c, ffn, packed, {core_ids, core, users}, {x, tokens, dim}, activations, y);
  });
}

int32_t ci_ffn_row_norms(ci_context* context, int32_t dtype, const void* weight, int32_t rows, int32_t columns,
                         float* norms) {
  return coreinfer::Call("ci_ffn_row_norms", context, [&](ci_context& c) {
    const coreinfer::Matrix matrix = coreinfer::RequireAnyMatrix("weight", dtype, weight, rows, columns);
    coreinfer::RequirePointer("norms", norms);
    coreinfer::ParallelRanges(c, rows, 16, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t r = begin; r < end; ++r) {
        norms[r] = static_cast<float>(coreinfer::RowNorm(c.simd, matrix, static_cast<int32_t>(r)));
      }
    });
  });
}
