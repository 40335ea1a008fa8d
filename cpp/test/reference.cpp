// See reference.h. Nothing here is shared with the library.
#include "reference.h"

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

bool IsGrouped(int32_t dtype) { return dtype >= CI_Q8_0; }

bool IsShared(int32_t dtype) { return dtype >= CI_Q8_0_SHARED; }

bool Fits(int32_t dtype, int32_t rows, int32_t columns) {
  return (!IsGrouped(dtype) || columns % 32 == 0) && (!IsShared(dtype) || rows % 32 == 0);
}

double HalfToDouble(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const double sign = half & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

int64_t MatrixBytes(int32_t dtype, int32_t rows, int32_t columns) {
  const int64_t elements = int64_t{rows} * columns;
  switch (dtype) {
    case CI_F32:
      return 4 * elements;
    case CI_F16:
    case CI_BF16:
      return 2 * elements;
    case CI_Q8_0:
    case CI_Q8_0_SHARED:
      return elements / 32 * 34;
    default:
      return elements / 32 * 18;
  }
}

namespace {

template <class T>
T ReadAs(const uint8_t* address) {
  T value;
  std::memcpy(&value, address, sizeof(value));
  return value;
}

double BfloatToDouble(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

// Element i of a piece of 32 packed as in Q4_0.
int Nibble(const uint8_t* piece, int64_t i) { return i < 16 ? piece[i] & 15 : piece[i - 16] >> 4; }

double Element(int32_t dtype, const uint8_t* data, int64_t row, int64_t i, int64_t columns) {
  const int64_t index = row * columns + i;
  switch (dtype) {
    case CI_F32:
      return ReadAs<float>(data + 4 * index);
    case CI_F16:
      return HalfToDouble(ReadAs<uint16_t>(data + 2 * index));
    case CI_BF16:
      return BfloatToDouble(ReadAs<uint16_t>(data + 2 * index));
    case CI_Q8_0: {
      const uint8_t* block = data + index / 32 * 34;
      return HalfToDouble(ReadAs<uint16_t>(block)) * static_cast<int8_t>(block[2 + i % 32]);
    }
    case CI_Q4_0: {
      const uint8_t* block = data + index / 32 * 18;
      return HalfToDouble(ReadAs<uint16_t>(block)) * (Nibble(block + 2, i % 32) - 8);
    }
    case CI_Q8_0_SHARED: {
      const uint8_t* group = data + row / 32 * 34 * columns;
      const uint8_t* q = group + 2 * columns + row % 32 * columns;
      return HalfToDouble(ReadAs<uint16_t>(group + 2 * i)) * static_cast<int8_t>(q[i]);
    }
    default: {
      const uint8_t* group = data + row / 32 * 18 * columns;
      const uint8_t* q = group + 2 * columns + row % 32 * (columns / 2);
      return HalfToDouble(ReadAs<uint16_t>(group + 2 * i)) * (Nibble(q + i / 32 * 16, i % 32) - 8);
    }
  }
}

uint16_t RandomHalf(Random& random) {
  // Mostly ordinary numbers of either sign; one in 16 is subnormal.
  const uint32_t bits = random.Bits();
  const uint32_t exponent = (bits >> 28) == 0 ? 0 : 8 + (bits >> 26) % 6;
  return static_cast<uint16_t>((bits & 0x83ff) | (exponent << 10));
}

}  // namespace

std::vector<double> Decode(int32_t dtype, const uint8_t* data, int32_t rows, int32_t columns) {
  std::vector<double> values;
  values.reserve(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < columns; ++i) values.push_back(Element(dtype, data, r, i, columns));
  }
  return values;
}

namespace {

std::vector<uint8_t> RandomFile(int32_t dtype, int32_t rows, int32_t columns, Random& random) {
  std::vector<uint8_t> file(static_cast<size_t>(MatrixBytes(dtype, rows, columns)));
  const auto size = static_cast<int64_t>(file.size());
  const auto put_half = [&](int64_t offset, uint16_t half) { std::memcpy(file.data() + offset, &half, 2); };
  for (int64_t i = 0; i < size; ++i) file[static_cast<size_t>(i)] = static_cast<uint8_t>(random.Bits());
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
    case CI_Q8_0:
    case CI_Q4_0:
      for (int64_t i = 0; i < size; i += dtype == CI_Q8_0 ? 34 : 18) put_half(i, RandomHalf(random));
      break;
    default:
      for (int64_t group = 0; group < rows / 32; ++group) {
        const int64_t start = group * (dtype == CI_Q8_0_SHARED ? 34 : 18) * columns;
        for (int64_t i = 0; i < columns; ++i) put_half(start + 2 * i, RandomHalf(random));
      }
      break;
  }
  return file;
}

}  // namespace

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
