// Random inputs, and the weight formats decoded in double precision straight from their definition in types.h.
#ifndef COREINFER_CPP_TEST_REFERENCE_H_
#define COREINFER_CPP_TEST_REFERENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "coreinfer/types.h"

namespace coreinfer_test {

/// Tolerances, relative to the sum of the absolute values of the terms of a result.
constexpr double kExact = 0.0;
constexpr double kDotTolerance = 2e-6;
constexpr double kNormTolerance = 2e-6;
constexpr double kRopeTolerance = 1e-6;
constexpr double kAttentionTolerance = 6e-6;        // tensor cores cut off the last bits of sums
constexpr double kPromptAttentionTolerance = 1e-5;  // by matrix products, which sum in one sequence
constexpr double kActivationTolerance = 4e-6;
constexpr double kFfnTolerance = 1e-5;
constexpr double kScoreTolerance = 1e-6;

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}

  uint32_t Bits();
  /// Below `bound`.
  int32_t Below(int32_t bound) { return static_cast<int32_t>(Bits() % static_cast<uint32_t>(bound)); }
  /// In -1..1.
  float Value();
  std::vector<float> Values(int64_t count);

 private:
  uint64_t state_;
};

struct DtypeName {
  int32_t dtype;
  const char* name;
};
/// Those of rows that the backend computes, and with those whose rows share scales.
std::vector<DtypeName> Dtypes();
std::vector<DtypeName> AllDtypes();

bool IsGrouped(int32_t dtype);
bool IsShared(int32_t dtype);
/// What a down projection's dtype becomes.
int32_t Transposed(int32_t dtype);

/// Whether a matrix of this shape can have the dtype.
bool Fits(int32_t dtype, int32_t rows, int32_t columns);

double HalfToDouble(uint16_t half);

int64_t MatrixBytes(int32_t dtype, int32_t rows, int32_t columns);

struct Element {
  double value;
  double magnitude;  // the sum of the absolute terms that the value consists of
};

/// A matrix by the definition of its dtype.
std::vector<Element> Decode(int32_t dtype, const uint8_t* data, int32_t rows, int32_t columns);

/// A row of bytes that are all `fill`, but for the F16 of its groups, which are 1: with fill 0, 0x80 and 0xff the
/// largest codes of every dtype with groups are among its elements.
std::vector<uint8_t> FilledRow(int32_t dtype, int32_t columns, uint8_t fill);

/// A weight matrix in the backend's memory and layout, with its values.
class Weights {
 public:
  /// Random ones.
  Weights(int32_t dtype, int32_t rows, int32_t columns, Random& random);
  /// As `file` holds them.
  Weights(int32_t dtype, int32_t rows, int32_t columns, std::vector<uint8_t> file);
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;
  ~Weights();

  const void* data() const { return memory_; }
  double at(int64_t row, int64_t column) const { return element(row, column).value; }
  double magnitude(int64_t row, int64_t column) const { return element(row, column).magnitude; }

  const int32_t dtype;
  const int32_t rows;
  const int32_t columns;
  const std::vector<uint8_t> file;

 private:
  const Element& element(int64_t row, int64_t column) const {
    return values_[static_cast<size_t>(row * columns + column)];
  }

  std::vector<Element> values_;
  void* memory_;
};

std::string Shape(const char* name, std::initializer_list<int64_t> sizes);

}  // namespace coreinfer_test

#endif  // COREINFER_CPP_TEST_REFERENCE_H_
