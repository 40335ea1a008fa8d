// See reference.h. Nothing here is shared with the library.
#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "backend.h"

namespace coreinfer_test {

uint32_t Random::Bits() {
  state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state_ >> 32) ^ static_cast<uint32_t>(state_ >> 59);
}

float Random::Value() { return static_cast<float>(static_cast<int32_t>(Bits()) / 2147483648.0); }

std::vector<float> Random::Values(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = Value();
  return values;
}

namespace {

// What a block of 32 or 256 elements, or of as many rows for each column, consists of.
struct Block {
  int32_t size;
  int32_t bytes;
  int64_t halves;           // how many f16 it has
  int64_t half_offsets[2];  // where they lie
};

Block BlockOf(int32_t dtype) {
  switch (dtype) {
    case CI_F32:
      return {1, 4, 0, {}};
    case CI_F16:
    case CI_BF16:
      return {1, 2, 0, {}};
    case CI_Q8_0:
    case CI_Q8_0_SHARED:
      return {32, 34, 1, {0}};
    case CI_Q4_0:
    case CI_Q4_0_SHARED:
      return {32, 18, 1, {0}};
    case CI_Q4_1:
    case CI_Q4_1_SHARED:
      return {32, 20, 2, {0, 2}};
    case CI_Q5_0:
    case CI_Q5_0_SHARED:
      return {32, 22, 1, {0}};
    case CI_Q5_1:
    case CI_Q5_1_SHARED:
      return {32, 24, 2, {0, 2}};
    case CI_Q4_K:
    case CI_Q4_K_SHARED:
      return {256, 144, 2, {0, 2}};
    case CI_Q5_K:
    case CI_Q5_K_SHARED:
      return {256, 176, 2, {0, 2}};
    default:
      return {256, 210, 1, {208}};
  }
}

std::vector<DtypeName> Computed(std::vector<DtypeName> names) {
  names.erase(std::remove_if(names.begin(), names.end(), [](const DtypeName& n) { return !Computes(n.dtype); }),
              names.end());
  return names;
}

const std::vector<DtypeName> kRowDtypes = {{CI_F32, "F32"},   {CI_F16, "F16"},   {CI_BF16, "BF16"}, {CI_Q8_0, "Q8_0"},
                                           {CI_Q4_0, "Q4_0"}, {CI_Q4_1, "Q4_1"}, {CI_Q5_0, "Q5_0"}, {CI_Q5_1, "Q5_1"},
                                           {CI_Q4_K, "Q4_K"}, {CI_Q5_K, "Q5_K"}, {CI_Q6_K, "Q6_K"}};
const std::vector<DtypeName> kSharedDtypes = {{CI_Q8_0_SHARED, "Q8_0_SHARED"}, {CI_Q4_0_SHARED, "Q4_0_SHARED"},
                                              {CI_Q4_1_SHARED, "Q4_1_SHARED"}, {CI_Q5_0_SHARED, "Q5_0_SHARED"},
                                              {CI_Q5_1_SHARED, "Q5_1_SHARED"}, {CI_Q4_K_SHARED, "Q4_K_SHARED"},
                                              {CI_Q5_K_SHARED, "Q5_K_SHARED"}, {CI_Q6_K_SHARED, "Q6_K_SHARED"}};

}  // namespace

std::vector<DtypeName> Dtypes() { return Computed(kRowDtypes); }

std::vector<DtypeName> AllDtypes() {
  std::vector<DtypeName> all = kRowDtypes;
  all.insert(all.end(), kSharedDtypes.begin(), kSharedDtypes.end());
  return Computed(all);
}

bool IsGrouped(int32_t dtype) { return dtype >= CI_Q8_0; }

bool IsShared(int32_t dtype) { return dtype == CI_Q8_0_SHARED || dtype == CI_Q4_0_SHARED || dtype >= CI_Q4_1_SHARED; }

int32_t Transposed(int32_t dtype) {
  if (!IsGrouped(dtype)) return dtype;
  return dtype <= CI_Q4_0 ? dtype + (CI_Q8_0_SHARED - CI_Q8_0) : dtype + (CI_Q4_1_SHARED - CI_Q4_1);
}

bool Fits(int32_t dtype, int32_t rows, int32_t columns) {
  const int32_t size = BlockOf(dtype).size;
  return IsShared(dtype) ? columns % 32 == 0 && rows % size == 0 : columns % size == 0;
}

namespace {

double HalfByDefinition(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const double sign = half & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

}  // namespace

double HalfToDouble(uint16_t half) {
  static const std::vector<double> values = [] {
    std::vector<double> all(65536);
    for (size_t bits = 0; bits < all.size(); ++bits) all[bits] = HalfByDefinition(static_cast<uint16_t>(bits));
    return all;
  }();
  return values[half];
}

int64_t MatrixBytes(int32_t dtype, int32_t rows, int32_t columns) {
  const Block block = BlockOf(dtype);
  return int64_t{rows} * columns / block.size * block.bytes;
}

namespace {

template <class T>
T ReadAs(const uint8_t* address) {
  T value;
  std::memcpy(&value, address, sizeof(value));
  return value;
}

double ReadHalf(const uint8_t* address) { return HalfToDouble(ReadAs<uint16_t>(address)); }

double BfloatToDouble(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

// Element i of a piece of 32 packed as in Q4_0.
int Nibble(const uint8_t* piece, int64_t i) { return i < 16 ? piece[i] & 15 : piece[i - 16] >> 4; }

// Element i of a piece of 32 whose codes have a fifth bit, at `bits`.
int Five(const uint8_t* bits, const uint8_t* piece, int64_t i) {
  return Nibble(piece, i) + 16 * static_cast<int>(ReadAs<uint32_t>(bits) >> i & 1);
}

Element Scaled(double scale, int code) { return {scale * code, std::fabs(scale * code)}; }

// The sum is rounded to F32 by definition.
Element Affine(double scale, int code, double offset) {
  return {static_cast<float>(scale * code + offset), std::fabs(scale * code) + std::fabs(offset)};
}

// The 6 bits of the scale (which = 0) or the min (which = 1) of a group, from 12 bytes that lie `stride` apart.
int SixBits(const uint8_t* bytes, int64_t stride, int64_t group, int which) {
  if (group < 4) return bytes[(group + 4 * which) * stride] & 63;
  const int low = bytes[(group + 4) * stride];
  const int high = bytes[(group - 4 + 4 * which) * stride] >> 6;
  return (which == 0 ? low & 15 : low >> 4) + 16 * high;
}

// Element i of a block of a row.
Element InBlock(int32_t dtype, const uint8_t* block, int64_t i) {
  const int64_t group = i / 32;
  switch (dtype) {
    case CI_Q8_0:
      return Scaled(ReadHalf(block), static_cast<int8_t>(block[2 + i]));
    case CI_Q4_0:
      return Scaled(ReadHalf(block), Nibble(block + 2, i) - 8);
    case CI_Q4_1:
      return Affine(ReadHalf(block), Nibble(block + 4, i), ReadHalf(block + 2));
    case CI_Q5_0:
      return Scaled(ReadHalf(block), Five(block + 2, block + 6, i) - 16);
    case CI_Q5_1:
      return Affine(ReadHalf(block), Five(block + 4, block + 8, i), ReadHalf(block + 2));
    case CI_Q4_K:
    case CI_Q5_K: {
      const uint8_t* pairs = block + (dtype == CI_Q4_K ? 16 : 48) + group / 2 * 32;
      const int nibble = group % 2 == 0 ? pairs[i % 32] & 15 : pairs[i % 32] >> 4;
      const int fifth = dtype == CI_Q4_K ? 0 : block[16 + i % 32] >> group & 1;
      return Affine(ReadHalf(block) * SixBits(block + 4, 1, group, 0), nibble + 16 * fifth,
                    -ReadHalf(block + 2) * SixBits(block + 4, 1, group, 1));
    }
    default: {
      const int64_t half = i / 128;
      const int64_t in_half = i % 128;
      const uint8_t pair = block[64 * half + in_half % 64];
      const int low = in_half < 64 ? pair & 15 : pair >> 4;
      const int top = block[128 + 32 * half + in_half % 32] >> (in_half / 32 * 2) & 3;
      return Scaled(ReadHalf(block + 208) * static_cast<int8_t>(block[192 + i / 16]), low + 16 * top - 32);
    }
  }
}

// Element i of row `row` of a block of rows that share scales.
Element InSharedBlock(int32_t dtype, const uint8_t* block, int64_t row, int64_t i, int64_t columns) {
  const double d = ReadHalf(block + 2 * i);
  const auto second = [&] { return ReadHalf(block + 2 * columns + 2 * i); };
  const auto piece = [&](int64_t header_bytes, int64_t piece_bytes) {
    return block + header_bytes * columns + (row * (columns / 32) + i / 32) * piece_bytes;
  };
  const auto six_bits = [&](int which) { return SixBits(block + 4 * columns + i, columns, row / 32, which); };
  switch (dtype) {
    case CI_Q8_0_SHARED:
      return Scaled(d, static_cast<int8_t>(piece(2, 32)[i % 32]));
    case CI_Q4_0_SHARED:
      return Scaled(d, Nibble(piece(2, 16), i % 32) - 8);
    case CI_Q4_1_SHARED:
      return Affine(d, Nibble(piece(4, 16), i % 32), second());
    case CI_Q5_0_SHARED:
      return Scaled(d, Five(piece(2, 20), piece(2, 20) + 4, i % 32) - 16);
    case CI_Q5_1_SHARED:
      return Affine(d, Five(piece(4, 20), piece(4, 20) + 4, i % 32), second());
    case CI_Q4_K_SHARED:
      return Affine(d * six_bits(0), Nibble(piece(16, 16), i % 32), -second() * six_bits(1));
    case CI_Q5_K_SHARED:
      return Affine(d * six_bits(0), Five(piece(16, 20), piece(16, 20) + 4, i % 32), -second() * six_bits(1));
    default: {
      const uint8_t* codes = piece(18, 24);
      const int top = codes[16 + i % 8] >> (i % 32 / 8 * 2) & 3;
      const auto factor = static_cast<int8_t>(block[2 * columns + row / 16 * columns + i]);
      return Scaled(d * factor, Nibble(codes, i % 32) + 16 * top - 32);
    }
  }
}

Element ElementAt(int32_t dtype, const uint8_t* data, int64_t row, int64_t i, int64_t columns) {
  const int64_t index = row * columns + i;
  const Block block = BlockOf(dtype);
  if (IsShared(dtype)) {
    return InSharedBlock(dtype, data + row / block.size * block.bytes * columns, row % block.size, i, columns);
  }
  const uint8_t* in_row = data + index / block.size * block.bytes;
  switch (dtype) {
    case CI_F32:
      return Scaled(ReadAs<float>(in_row), 1);
    case CI_F16:
      return Scaled(ReadHalf(in_row), 1);
    case CI_BF16:
      return Scaled(BfloatToDouble(ReadAs<uint16_t>(in_row)), 1);
    default:
      return InBlock(dtype, in_row, i % block.size);
  }
}

uint16_t RandomHalf(Random& random) {
  // Mostly ordinary numbers of either sign; one in 16 is subnormal.
  const uint32_t bits = random.Bits();
  const uint32_t exponent = (bits >> 28) == 0 ? 0 : 8 + (bits >> 26) % 6;
  return static_cast<uint16_t>((bits & 0x83ff) | (exponent << 10));
}

}  // namespace

std::vector<Element> Decode(int32_t dtype, const uint8_t* data, int32_t rows, int32_t columns) {
  std::vector<Element> values;
  values.reserve(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < columns; ++i) values.push_back(ElementAt(dtype, data, r, i, columns));
  }
  return values;
}

namespace {

std::vector<uint8_t> RandomFile(int32_t dtype, int32_t rows, int32_t columns, Random& random) {
  std::vector<uint8_t> file(static_cast<size_t>(MatrixBytes(dtype, rows, columns)));
  const auto size = static_cast<int64_t>(file.size());
  const auto put_half = [&](int64_t offset, uint16_t half) { std::memcpy(file.data() + offset, &half, 2); };
  for (int64_t i = 0; i < size; ++i) file[static_cast<size_t>(i)] = static_cast<uint8_t>(random.Bits());
  const Block block = BlockOf(dtype);
  switch (dtype) {
    case CI_F32:
      for (int64_t i = 0; i < size; i += 4) {
        const float value = random.Value();
        std::memcpy(file.data() + i, &value, 4);
      }
      break;
    case CI_F16:
      for (int64_t i = 0; i < size; i += 2) put_half(i, RandomHalf(random));
      break;
    case CI_BF16:
      for (int64_t i = 0; i < size; i += 2) {
        const float value = random.Value();
        uint32_t bits;
        std::memcpy(&bits, &value, 4);
        put_half(i, static_cast<uint16_t>(bits >> 16));
      }
      break;
    default:
      // Blocks of rows begin with the f16 of all columns.
      for (int64_t at = 0; at < size; at += int64_t{block.bytes} * (IsShared(dtype) ? columns : 1)) {
        for (int64_t i = 0; IsShared(dtype) && i < block.halves * columns; ++i)
          put_half(at + 2 * i, RandomHalf(random));
        for (int64_t i = 0; !IsShared(dtype) && i < block.halves; ++i) {
          put_half(at + block.half_offsets[i], RandomHalf(random));
        }
      }
      break;
  }
  return file;
}

}  // namespace

std::vector<uint8_t> FilledRow(int32_t dtype, int32_t columns, uint8_t fill) {
  std::vector<uint8_t> row(static_cast<size_t>(MatrixBytes(dtype, 1, columns)), fill);
  const uint8_t one[2] = {0x00, 0x3c};
  const auto block = static_cast<size_t>(MatrixBytes(dtype, 1, Fits(dtype, 1, 32) ? 32 : 256));
  const bool has_offset = dtype == CI_Q4_1 || dtype == CI_Q5_1 || dtype == CI_Q4_K || dtype == CI_Q5_K;
  for (size_t at = 0; at < row.size(); at += block) {
    std::memcpy(row.data() + (dtype == CI_Q6_K ? at + 208 : at), one, 2);
    if (has_offset) std::memcpy(row.data() + at + 2, one, 2);
  }
  return row;
}

Weights::Weights(int32_t dtype_, int32_t rows_, int32_t columns_, std::vector<uint8_t> file_)
    : dtype(dtype_),
      rows(rows_),
      columns(columns_),
      file(std::move(file_)),
      values_(Decode(dtype, file.data(), rows, columns)),
      memory_(Allocate(static_cast<int64_t>(file.size()), Arrange(dtype, rows, columns, file).data(), true)) {}

Weights::Weights(int32_t dtype_, int32_t rows_, int32_t columns_, Random& random)
    : Weights(dtype_, rows_, columns_, RandomFile(dtype_, rows_, columns_, random)) {}

Weights::~Weights() { Free(memory_, static_cast<int64_t>(file.size()), true); }

std::string Shape(const char* name, std::initializer_list<int64_t> sizes) {
  std::string text = name;
  const char* separator = " ";
  for (const int64_t size : sizes) {
    text += separator + std::to_string(size);
    separator = "x";
  }
  return text;
}

}  // namespace coreinfer_test
