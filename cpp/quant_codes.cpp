// See quant_codes.h. Runs once per model, at load.
#include "quant_codes.h"

#include <cstring>

#include "coreinfer/types.h"

namespace coreinfer {
namespace {

uint8_t Low(uint8_t pair) { return pair & 15; }
uint8_t High(uint8_t pair) { return static_cast<uint8_t>(pair >> 4); }

// `count` low nibbles, then as many high ones.
void UnpackNibbles(const uint8_t* pairs, int32_t count, uint8_t* codes) {
  for (int32_t i = 0; i < count; ++i) {
    codes[i] = Low(pairs[i]);
    codes[count + i] = High(pairs[i]);
  }
}

// Bit i of 32 is worth 16 in code i.
void AddFifthBits(const uint8_t* bits, uint8_t* codes) {
  for (int32_t i = 0; i < 32; ++i) {
    codes[i] = static_cast<uint8_t>(codes[i] | ((bits[i / 8] >> (i % 8)) & 1) << 4);
  }
}

void UnpackQ5K(const uint8_t* fifths, const uint8_t* pairs, uint8_t* codes) {
  for (int64_t group = 0; group < 8; group += 2) UnpackNibbles(pairs + 16 * group, 32, codes + 32 * group);
  for (int32_t i = 0; i < 256; ++i) {
    codes[i] = static_cast<uint8_t>(codes[i] | ((fifths[i % 32] >> (i / 32)) & 1) << 4);
  }
}

void UnpackQ6K(const uint8_t* block, uint8_t* codes) {
  for (int64_t half = 0; half < 2; ++half) {
    const uint8_t* tops = block + 128 + 32 * half;
    uint8_t* out = codes + 128 * half;
    UnpackNibbles(block + 64 * half, 64, out);
    for (int32_t i = 0; i < 128; ++i) {
      out[i] = static_cast<uint8_t>(out[i] | ((tops[i % 32] >> (i / 32 * 2)) & 3) << 4);
    }
  }
}

}  // namespace

BlockLayout BlockLayoutOf(int32_t dtype) {
  switch (dtype) {
    case CI_Q4_1:
      return {32, 20, 4, 2, 0, 0, 0};
    case CI_Q5_0:
      return {32, 22, 5, 1, 0, 0, 0};
    case CI_Q5_1:
      return {32, 24, 5, 2, 0, 0, 0};
    case CI_Q4_K:
      return {256, 144, 4, 2, 0, 12, 4};
    case CI_Q5_K:
      return {256, 176, 5, 2, 0, 12, 4};
    default:
      return {256, 210, 6, 1, 208, 16, 192};
  }
}

void UnpackCodes(int32_t dtype, const uint8_t* block, uint8_t* codes) {
  switch (dtype) {
    case CI_Q4_1:
      UnpackNibbles(block + 4, 16, codes);
      break;
    case CI_Q5_0:
      UnpackNibbles(block + 6, 16, codes);
      AddFifthBits(block + 2, codes);
      break;
    case CI_Q5_1:
      UnpackNibbles(block + 8, 16, codes);
      AddFifthBits(block + 4, codes);
      break;
    case CI_Q4_K:
      for (int64_t group = 0; group < 8; group += 2) UnpackNibbles(block + 16 + 16 * group, 32, codes + 32 * group);
      break;
    case CI_Q5_K:
      UnpackQ5K(block + 16, block + 48, codes);
      break;
    default:
      UnpackQ6K(block, codes);
      break;
  }
}

void PackPiece(int32_t bits, const uint8_t* codes, int64_t stride, uint8_t* piece) {
  uint8_t* pairs = bits == 5 ? piece + 4 : piece;
  for (int64_t i = 0; i < 16; ++i) {
    pairs[i] = static_cast<uint8_t>((codes[i * stride] & 15) | codes[(i + 16) * stride] << 4);
  }
  if (bits == 5) {
    uint32_t fifths = 0;
    for (int64_t i = 0; i < 32; ++i) fifths |= static_cast<uint32_t>(codes[i * stride] >> 4) << i;
    std::memcpy(piece, &fifths, sizeof(fifths));
  } else if (bits == 6) {
    for (int64_t i = 0; i < 8; ++i) {
      uint32_t tops = 0;
      for (int64_t part = 0; part < 4; ++part) {
        tops |= static_cast<uint32_t>(codes[(i + 8 * part) * stride] >> 4) << (2 * part);
      }
      piece[16 + i] = static_cast<uint8_t>(tops);
    }
  }
}

}  // namespace coreinfer
