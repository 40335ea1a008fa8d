// Turns a down projection (dim, neurons) into neuron-major order at load, element for element. Threads take stripes of
// neurons and walk them in square blocks, so that both the lines read and the lines written are used while in cache.
// Bound by memory and the TLB.
#include <cstring>

#include "context.h"
#include "coreinfer/kernels.h"
#include "dtype.h"
#include "quant_codes.h"

namespace coreinfer {
namespace {

// Stripes are a multiple of the largest block of neurons; blocks of elements a multiple of a piece of 32.
constexpr int64_t kStripe = 256;
constexpr int64_t kBlock = 64;

struct Transposition {
  const uint8_t* source;
  uint8_t* target;
  int64_t neurons;
  int64_t dim;
};

// A stripe of neurons begin..end-1 and a block of elements first..last-1.
struct Square {
  int64_t begin;
  int64_t end;
  int64_t first;
  int64_t last;
};

template <int kBytes>
void TransposePlain(const Transposition& t, const Square& s) {
  for (int64_t n = s.begin; n < s.end; ++n) {
    for (int64_t i = s.first; i < s.last; ++i) {
      std::memcpy(t.target + (n * t.dim + i) * kBytes, t.source + (i * t.neurons + n) * kBytes, kBytes);
    }
  }
}

// Row i of the source holds a block of 32 neurons per group: its scale becomes scale i of the group, its elements
// column i.
void TransposeQ8(const Transposition& t, const Square& s) {
  for (int64_t group = s.begin / kGroupSize; group < s.end / kGroupSize; ++group) {
    uint8_t* scales = t.target + group * 34 * t.dim;
    uint8_t* elements = scales + 2 * t.dim;
    // Rows of the target often lie a power of two apart: written byte by byte they would push each other out of L1.
    uint8_t rows[kGroupSize][kBlock];
    for (int64_t i = s.first; i < s.last; ++i) {
      const uint8_t* block = t.source + (i * (t.neurons / kGroupSize) + group) * 34;
      std::memcpy(scales + 2 * i, block, 2);
      for (int64_t r = 0; r < kGroupSize; ++r) rows[r][i - s.first] = block[2 + r];
    }
    for (int64_t r = 0; r < kGroupSize; ++r) {
      std::memcpy(elements + r * t.dim + s.first, rows[r], static_cast<size_t>(s.last - s.first));
    }
  }
}

void TransposeQ4(const Transposition& t, const Square& s) {
  const auto nibble = [](const uint8_t* block, int64_t r) {
    return r < 16 ? block[2 + r] & 15 : block[2 + r - 16] >> 4;
  };
  for (int64_t group = s.begin / kGroupSize; group < s.end / kGroupSize; ++group) {
    uint8_t* scales = t.target + group * 18 * t.dim;
    uint8_t* elements = scales + 2 * t.dim;
    for (int64_t piece = s.first; piece < s.last; piece += kGroupSize) {
      for (int64_t i = 0; i < 16; ++i) {
        // Elements i and i + 16 of a piece share a byte.
        const uint8_t* low = t.source + ((piece + i) * (t.neurons / kGroupSize) + group) * 18;
        const uint8_t* high = low + 16 * (t.neurons / kGroupSize) * 18;
        std::memcpy(scales + 2 * (piece + i), low, 2);
        std::memcpy(scales + 2 * (piece + i + 16), high, 2);
        for (int64_t r = 0; r < kGroupSize; ++r) {
          elements[r * (t.dim / 2) + piece / 2 + i] = static_cast<uint8_t>(nibble(low, r) | (nibble(high, r) << 4));
        }
      }
    }
  }
}

// The codes of 32 elements of a block of neurons, a byte each, between taking them apart and packing them.
void TransposeCodes(int32_t dtype, const Transposition& t, const Square& s) {
  const BlockLayout source = BlockLayoutOf(dtype);
  const SharedLayout target = SharedLayoutOf(TransposedDtype(dtype));
  const int64_t row_bytes = t.dim / kGroupSize * target.piece_bytes;
  const int64_t header_bytes = target.header_bytes * t.dim;
  uint8_t codes[kGroupSize][kMostBlockSize];
  for (int64_t block = s.begin / source.size; block < s.end / source.size; ++block) {
    uint8_t* header = t.target + block * (header_bytes + source.size * row_bytes);
    uint8_t* rows = header + header_bytes;
    for (int64_t piece = s.first; piece < s.last; piece += kGroupSize) {
      for (int64_t i = piece; i < piece + kGroupSize; ++i) {
        const uint8_t* from = t.source + (i * (t.neurons / source.size) + block) * source.bytes;
        UnpackCodes(dtype, from, codes[i - piece]);
        for (int64_t half = 0; half < source.halves; ++half) {
          std::memcpy(header + 2 * (half * t.dim + i), from + source.half_at + 2 * half, 2);
        }
        uint8_t* factors = header + int64_t{2} * source.halves * t.dim;
        for (int64_t f = 0; f < source.factors; ++f) factors[f * t.dim + i] = from[source.factor_at + f];
      }
      for (int64_t r = 0; r < source.size; ++r) {
        PackPiece(source.bits, codes[0] + r, kMostBlockSize,
                  rows + r * row_bytes + piece / kGroupSize * target.piece_bytes);
      }
    }
  }
}

void TransposeSquare(int32_t dtype, const Transposition& t, const Square& s) {
  switch (dtype) {
    case CI_F32:
      TransposePlain<4>(t, s);
      break;
    case CI_F16:
    case CI_BF16:
      TransposePlain<2>(t, s);
      break;
    case CI_Q8_0:
      TransposeQ8(t, s);
      break;
    case CI_Q4_0:
      TransposeQ4(t, s);
      break;
    default:
      TransposeCodes(dtype, t, s);
      break;
  }
}

}  // namespace
}  // namespace coreinfer

int32_t ci_ffn_transpose_down(ci_context* context, int32_t dtype, const void* source, int32_t neurons, int32_t dim,
                              void* target) {
  return coreinfer::Call("ci_ffn_transpose_down", context, [&](ci_context& c) {
    coreinfer::RequireMatrix("source", dtype, source, dim, neurons);
    coreinfer::RequirePointer("target", target);
    if (coreinfer::IsGrouped(dtype) && dim % coreinfer::kGroupSize != 0) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "dim must be a multiple of 32 for this dtype: dtype=%d dim=%d", dtype, dim);
    }
    const coreinfer::Transposition t{static_cast<const uint8_t*>(source), static_cast<uint8_t*>(target), neurons, dim};
    coreinfer::ParallelRanges(c, neurons, coreinfer::kStripe, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t first = 0; first < t.dim; first += coreinfer::kBlock) {
        const int64_t last = first + coreinfer::kBlock < t.dim ? first + coreinfer::kBlock : t.dim;
        coreinfer::TransposeSquare(dtype, t, {begin, end, first, last});
      }
    });
  });
}
