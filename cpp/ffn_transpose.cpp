// Turns a down projection (dim, neurons) into neuron-major order at load, element for element. Threads take some rows
// of the source, which lie together in the file, and walk along them, so that pages are read in order and whole lines
// are written.
#include <cstring>

#include "context.h"
#include "coreinfer/kernels.h"
#include "dtype.h"
#include "quant_codes.h"

namespace coreinfer {
namespace {

// Stripes of neurons are a multiple of the largest block of neurons; blocks of elements a multiple of a piece of 32, so
// many that a line of four-bit codes is written at once.
constexpr int64_t kStripe = 256;
constexpr int64_t kBlock = 128;

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

uint64_t EightBytes(const uint8_t* at) {
  uint64_t bytes;
  std::memcpy(&bytes, at, sizeof(bytes));
  return bytes;
}

// Exchanges the bytes of a that `mask` names with those of b that lie kBits lower.
template <int kBits>
void Exchange(uint64_t mask, uint64_t* a, uint64_t* b) {
  const uint64_t change = ((*a >> kBits) ^ *b) & mask;
  *b ^= change;
  *a ^= change << kBits;
}

// Byte j of rows[i] becomes byte i of rows[j].
void TransposeEight(uint64_t (&rows)[8]) {
  for (int i = 0; i < 4; ++i) Exchange<32>(0x00000000ffffffffu, &rows[i], &rows[i + 4]);
  for (int i = 0; i < 8; i += i % 4 == 1 ? 3 : 1) Exchange<16>(0x0000ffff0000ffffu, &rows[i], &rows[i + 2]);
  for (int i = 0; i < 8; i += 2) Exchange<8>(0x00ff00ff00ff00ffu, &rows[i], &rows[i + 1]);
}

// What a row has next is fetched, as so many rows at once are too many for the processor to foresee.
void TakeScale(const uint8_t* block, uint8_t* scale) {
  __builtin_prefetch(block + 256);
  std::memcpy(scale, block, 2);
}

// Row i of the source holds a block of 32 neurons per group: its scale becomes scale i of the group, its elements
// column i. Rows of the target often lie a power of two apart: written piece by piece they would push each other out of
// L1.
void TransposeQ8(const Transposition& t, const Square& s) {
  const int64_t row_bytes = t.neurons / kGroupSize * 34;
  for (int64_t group = s.begin / kGroupSize; group < s.end / kGroupSize; ++group) {
    uint8_t* scales = t.target + group * 34 * t.dim;
    uint8_t* elements = scales + 2 * t.dim;
    uint8_t rows[kGroupSize][kBlock];
    for (int64_t i = s.first; i < s.last; i += 8) {
      const uint8_t* const block = t.source + i * row_bytes + group * 34;
      for (int64_t j = 0; j < 8; ++j) TakeScale(block + j * row_bytes, scales + 2 * (i + j));
      for (int64_t r = 0; r < kGroupSize; r += 8) {
        uint64_t eight[8];
        for (int64_t j = 0; j < 8; ++j) eight[j] = EightBytes(block + j * row_bytes + 2 + r);
        TransposeEight(eight);
        for (int64_t j = 0; j < 8; ++j) std::memcpy(&rows[r + j][i - s.first], &eight[j], 8);
      }
    }
    for (int64_t r = 0; r < kGroupSize; ++r) {
      std::memcpy(elements + r * t.dim + s.first, rows[r], static_cast<size_t>(s.last - s.first));
    }
  }
}

// Elements i and i + 16 of a piece share a byte, as neurons r and r + 16 of a block do.
void TransposeQ4(const Transposition& t, const Square& s) {
  constexpr uint64_t kLow = 0x0f0f0f0f0f0f0f0fu;
  const int64_t row_bytes = t.neurons / kGroupSize * 18;
  for (int64_t group = s.begin / kGroupSize; group < s.end / kGroupSize; ++group) {
    uint8_t* scales = t.target + group * 18 * t.dim;
    uint8_t* elements = scales + 2 * t.dim;
    uint8_t rows[kGroupSize][kBlock / 2];
    for (int64_t i = s.first; i < s.last; i += i % 16 == 8 ? 24 : 8) {
      const uint8_t* const block = t.source + i * row_bytes + group * 18;
      const uint8_t* const block_of_high = block + 16 * row_bytes;
      for (int64_t j = 0; j < 8; ++j) {
        TakeScale(block + j * row_bytes, scales + 2 * (i + j));
        TakeScale(block_of_high + j * row_bytes, scales + 2 * (i + j + 16));
      }
      const int64_t at = (i - s.first) / kGroupSize * 16 + i % 16;
      for (int64_t r = 0; r < 16; r += 8) {
        uint64_t first[8];
        uint64_t second[8];  // sixteen neurons on
        for (int64_t j = 0; j < 8; ++j) {
          const uint64_t low = EightBytes(block + j * row_bytes + 2 + r);
          const uint64_t high = EightBytes(block_of_high + j * row_bytes + 2 + r);
          first[j] = (low & kLow) | (high & kLow) << 4;
          second[j] = (low >> 4 & kLow) | (high & ~kLow);
        }
        TransposeEight(first);
        TransposeEight(second);
        for (int64_t j = 0; j < 8; ++j) {
          std::memcpy(&rows[r + j][at], &first[j], 8);
          std::memcpy(&rows[r + j + 16][at], &second[j], 8);
        }
      }
    }
    for (int64_t r = 0; r < kGroupSize; ++r) {
      std::memcpy(elements + r * (t.dim / 2) + s.first / 2, rows[r], static_cast<size_t>((s.last - s.first) / 2));
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
    coreinfer::ParallelRanges(c, dim, coreinfer::kBlock, [&](int64_t first, int64_t last, int32_t) {
      for (int64_t begin = 0; begin < t.neurons; begin += coreinfer::kStripe) {
        const int64_t end = begin + coreinfer::kStripe < t.neurons ? begin + coreinfer::kStripe : t.neurons;
        coreinfer::TransposeSquare(dtype, t, {begin, end, first, last});
      }
    });
  });
}
