// Decode at sizes at which weights are streamed through rings in shared memory, rings wrap around, and blocks have more
// rows or neurons than threads; and matrix products with several tiles of tokens.
#include <cmath>

#include "coreinfer/kernels.h"
#include "cpp/test/ffn_layer.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"

namespace {

using namespace coreinfer_test;

void CheckMatvec(const DtypeName& dtype, int32_t rows, int32_t columns, Random& random) {
  const Weights weight(dtype.dtype, rows, columns, random);
  const Array<float> x(random.Values(columns));
  const Array<float> bias(random.Values(rows));
  const std::vector<float> start = random.Values(rows);
  std::vector<double> want;
  std::vector<double> scale;
  for (int64_t r = 0; r < rows; ++r) {
    double sum = double{start[static_cast<size_t>(r)]} + double{bias[static_cast<size_t>(r)]};
    double absolute = 2.0;
    for (int64_t i = 0; i < columns; ++i) {
      const double term = weight.at(r, i) * x[static_cast<size_t>(i)];
      sum += term;
      absolute += std::fabs(term);
    }
    want.push_back(sum);
    scale.push_back(absolute);
  }
  const std::string what = Shape(dtype.name, {rows, columns});
  const auto y = OnEveryContext(start, what, [&](ci_context* c, float* out) {
    return ci_matvec(c, dtype.dtype, weight.data(), bias.data(), x.data(), 1, rows, columns, 1, out);
  });
  CHECK_CLOSE(y, want, scale, kDotTolerance, what);
}

TEST(MatvecStreamsEverySize) {
  Random random(90);
  for (const DtypeName& dtype : Dtypes()) {
    // A piece, its neighbours, and rows that end within one.
    for (const int32_t columns : {64, 128, 192, 256, 320, 512, 1024, 1088, 4096, 5184}) {
      for (const int32_t rows : {1, 2, 7, 38}) CheckMatvec(dtype, rows, columns, random);
    }
    CheckMatvec(dtype, 1700, 64, random);  // more rows than a batch of three blocks
    CheckMatvec(dtype, 5, 16448, random);  // less room for rings
    CheckMatvec(dtype, 2, 45120, random);  // still less
    CheckMatvec(dtype, 2, 66560, random);  // no room: element by element
  }
  for (const int32_t columns : {8, 24, 40, 4104}) CheckMatvec({CI_F16, "F16"}, 9, columns, random);
}

void CheckDecode(const Layer& layer, const Array<float>& x, const std::vector<int32_t>& ids, Random& random) {
  const Array<int32_t> list(ids);
  const auto core = static_cast<int32_t>(ids.size());
  const std::vector<float> start = random.Values(layer.dim);
  std::vector<float> both = start;
  both.resize(both.size() + ids.size());
  const auto got = OnEveryContext(both, layer.name(), [&](ci_context* c, float* out) {
    return layer.Decode(c, x.data(), list.data(), core, out + start.size(), out);
  });
  const auto split = got.begin() + layer.dim;
  const Expected want = Reference(layer, x.values().data(), ids, start.data());
  const std::string what = layer.name() + Shape(" core", {core});
  CHECK_CLOSE(std::vector<float>(split, got.end()), want.activations, want.activation_scale, kActivationTolerance,
              what);
  CHECK_CLOSE(std::vector<float>(got.begin(), split), want.y, want.y_scale, kFfnTolerance, what);
}

void CheckDecodes(const Layer& layer, Random& random) {
  const Array<float> x(random.Values(layer.dim));
  CheckDecode(layer, x, Some(layer.neurons, random), random);
  CheckDecode(layer, x, {layer.neurons / 2}, random);
  CheckDecode(layer, x, All(layer.neurons), random);
}

TEST(FfnStreamsEveryDtype) {
  Random random(91);
  int variant = 0;
  for (const DtypeName& up : Dtypes()) {
    for (const DtypeName& down : AllDtypes()) {
      const int32_t activation = variant % 4;
      const bool gated = activation == CI_DRELU || variant % 3 != 0;
      for (const auto& [neurons, dim] : {std::pair<int32_t, int32_t>{160, 64}, {96, 192}, {128, 1088}}) {
        CheckDecodes(Layer(activation, gated, up.dtype, down.dtype, neurons, dim, variant % 2 == 0, random), random);
      }
      ++variant;
    }
  }
}

TEST(FfnStreamsEverySize) {
  Random random(92);
  const std::pair<int32_t, int32_t> dtypes[] = {{CI_F32, CI_F32},          {CI_F16, CI_F16},
                                                {CI_BF16, CI_BF16},        {CI_Q8_0, CI_Q8_0_SHARED},
                                                {CI_Q4_0, CI_Q4_0_SHARED}, {CI_Q4_0, CI_Q4_0}};
  for (const auto& [up, down] : dtypes) {
    CheckDecodes(Layer(CI_SILU, true, up, down, 64, 4096, true, random), random);   // as many bands as warps
    CheckDecodes(Layer(CI_RELU, true, up, down, 32, 4160, true, random), random);   // and a few more
    CheckDecodes(Layer(CI_RELU, false, up, down, 32, 8192, true, random), random);  // twice as many
  }
  CheckDecodes(Layer(CI_GELU, true, CI_F16, CI_F16, 1696, 64, false, random), random);  // several blocks at once
  CheckDecodes(Layer(CI_RELU, true, CI_Q4_0, CI_Q8_0_SHARED, 1696, 64, false, random), random);
  CheckDecodes(Layer(CI_SILU, true, CI_Q4_0, CI_Q4_0_SHARED, 32, 24576, false, random), random);  // less room for rings
  CheckDecodes(Layer(CI_SILU, true, CI_F16, CI_F16, 33, 1032, true, random), random);
  CheckDecodes(Layer(CI_DRELU, true, CI_Q8_0, CI_Q4_0_SHARED, 32, 66560, false, random), random);  // no room
}

// Neurons whose activation is 0 count for nothing, wherever they stand.
TEST(InactiveNeuronsAreLeftOut) {
  Random random(93);
  for (const int32_t activation : {CI_RELU, CI_DRELU}) {
    for (const int32_t down : {CI_F16, CI_Q4_0_SHARED}) {
      const Layer layer(activation, true, CI_F32, down, 256, 512, false, random);
      CheckDecodes(layer, random);
      const Array<float> zero(std::vector<float>(512));  // then all are inactive
      CheckDecode(layer, zero, All(256), random);
    }
  }
}

TEST(MultipliesTilesOfTokens) {
  Random random(94);
  for (const DtypeName& dtype : {DtypeName{CI_F32, "F32"}, {CI_F16, "F16"}, {CI_Q4_0, "Q4_0"}}) {
    for (const int32_t tokens : {31, 33, 64, 65, 130}) {
      for (const int32_t columns : {64, 96, 100}) {
        if (!Fits(dtype.dtype, 133, columns)) continue;
        const int32_t rows = 133;
        const Weights weight(dtype.dtype, rows, columns, random);
        const Array<float> x(random.Values(int64_t{tokens} * columns));
        std::vector<double> want;
        std::vector<double> scale;
        for (int64_t t = 0; t < tokens; ++t) {
          for (int64_t r = 0; r < rows; ++r) {
            double sum = 0;
            double absolute = 0;
            for (int64_t i = 0; i < columns; ++i) {
              const double term = weight.at(r, i) * x[static_cast<size_t>(t * columns + i)];
              sum += term;
              absolute += std::fabs(term);
            }
            want.push_back(sum);
            scale.push_back(absolute + 1e-30);
          }
        }
        const std::string what = Shape(dtype.name, {tokens, rows, columns});
        const auto y = OnEveryContext(std::vector<float>(want.size()), what, [&](ci_context* c, float* out) {
          return ci_matmul(c, dtype.dtype, weight.data(), nullptr, x.data(), tokens, rows, columns, 0, out);
        });
        CHECK_CLOSE(y, want, scale, kDotTolerance, what);
      }
    }
  }
}

TEST(MatricesMustBeAligned) {
  const Array<float> memory(std::vector<float>(64 * 64));
  const auto* bytes = reinterpret_cast<const uint8_t*>(memory.data());
  float* p = memory.data();
  const Array<int32_t> core = One(1);
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_matvec(c, CI_F32, bytes + 2, p, p, 1, 1, 1, 0, p), CI_INVALID_ARGUMENT, "aligned to 4 bytes");
  CHECK_FAILS(ci_matvec(c, CI_F16, bytes + 1, p, p, 1, 1, 1, 0, p), CI_INVALID_ARGUMENT, "aligned to 2 bytes");
  CHECK_FAILS(ci_matvec(c, CI_Q4_0, bytes + 8, p, p, 1, 1, 32, 0, p), CI_INVALID_ARGUMENT, "aligned to 16 bytes");
  CHECK_FAILS(ci_ffn_decode(c, CI_RELU, CI_F32, bytes + 1, p, nullptr, nullptr, CI_F32, p, nullptr, p, 1, nullptr,
                            core.data(), nullptr, 1, 1, p, p),
              CI_INVALID_ARGUMENT, "gate must be aligned");
}

}  // namespace
