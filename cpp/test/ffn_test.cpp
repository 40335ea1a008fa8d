// The feed-forward layer: decode and prefill against double precision, and the equalities that core decoding rests on.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "coreinfer/kernels.h"
#include "ffn_layer.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

// Returns y followed by the activations, on every context.
std::vector<float> DecodeEverywhere(const Layer& layer, const Array<float>& x, const int32_t* ids, int32_t core,
                                    const std::vector<float>& start) {
  std::vector<float> both = start;
  both.resize(start.size() + static_cast<size_t>(layer.neurons), 7.0f);
  const auto results = OnEveryContext(both, layer.name(), [&](ci_context* c, float* out) {
    return layer.Decode(c, x.data(), ids, core, out + start.size(), out);
  });
  const auto end = results.begin() + static_cast<int64_t>(start.size()) + core;
  CHECK(std::all_of(end, results.end(), [](float value) { return value == 7.0f; }));
  return std::vector<float>(results.begin(), end);
}

void CheckLayer(const Layer& layer, Random& random) {
  const Array<float> x(random.Values(layer.dim));
  const std::vector<float> start = random.Values(layer.dim);
  const auto split = static_cast<int64_t>(start.size());
  const Array<int32_t> all(All(layer.neurons));
  const Array<int32_t> some(Some(layer.neurons, random));

  const auto core = DecodeEverywhere(layer, x, some.data(), static_cast<int32_t>(some.size()), start);
  const Expected core_want = Reference(layer, x.values().data(), some.values(), start.data());
  CHECK_CLOSE(std::vector<float>(core.begin() + split, core.end()), core_want.activations, core_want.activation_scale,
              kActivationTolerance + layer.Rounding(), "core activations " + layer.name());
  CHECK_CLOSE(std::vector<float>(core.begin(), core.begin() + split), core_want.y, core_want.y_scale,
              kFfnTolerance + layer.Rounding(), "core " + layer.name());

  const auto listed = DecodeEverywhere(layer, x, all.data(), layer.neurons, start);
  const auto dense = DecodeEverywhere(layer, x, nullptr, layer.neurons, start);
  CHECK_SAME(listed, dense, "every neuron listed " + layer.name());

  const int32_t tokens = 3;
  std::vector<float> rows = random.Values(int64_t{tokens} * layer.dim);
  std::copy(x.values().begin(), x.values().end(), rows.begin() + 2 * split);
  const Array<float> xs(rows);
  std::vector<float> ys = random.Values(int64_t{tokens} * layer.dim);
  std::copy(start.begin(), start.end(), ys.begin() + 2 * split);
  std::vector<float> both = ys;
  both.resize(ys.size() + static_cast<size_t>(tokens) * static_cast<size_t>(layer.neurons));
  const auto prefill = OnEveryContext(both, layer.name(), [&](ci_context* c, float* out) {
    return layer.Prefill(c, xs.data(), tokens, out + ys.size(), out);
  });
  for (int64_t t = 0; t < tokens; ++t) {
    const Expected want = Reference(layer, rows.data() + t * split, all.values(), ys.data() + t * split);
    const auto row = prefill.begin() + tokens * split + t * layer.neurons;
    CHECK_CLOSE(std::vector<float>(row, row + layer.neurons), want.activations, want.activation_scale,
                kActivationTolerance + layer.PrefillRounding(), "prefill activations " + layer.name());
    CHECK_CLOSE(std::vector<float>(prefill.begin() + t * split, prefill.begin() + (t + 1) * split), want.y,
                want.y_scale, kFfnTolerance + layer.PrefillRounding(), "prefill " + layer.name());
    if (t < 2) continue;
    const std::vector<double> decoded(dense.begin(), dense.begin() + split);
    CHECK_CLOSE(std::vector<float>(prefill.begin() + t * split, prefill.begin() + (t + 1) * split), decoded,
                want.y_scale, kFfnTolerance + std::max(layer.Rounding(), layer.PrefillRounding()),
                "prefill equals decode " + layer.name());
  }
}

using Sizes = std::pair<int32_t, int32_t>;  // neurons, dim

// Sizes with rows and columns that a dtype in blocks of 256 can have, where one is among them.
std::vector<Sizes> SizesFor(int32_t up_dtype, int32_t down_dtype) {
  std::vector<Sizes> fitting;
  for (const Sizes& sizes : {Sizes{13, 3}, {33, 31}, {64, 32}, {96, 160}, {207, 257}}) {
    if (Fits(up_dtype, sizes.first, sizes.second) && Fits(down_dtype, sizes.first, sizes.second)) {
      fitting.push_back(sizes);
    }
  }
  if (!fitting.empty()) return fitting;
  const bool wide = !Fits(up_dtype, 1, 96) || !Fits(down_dtype, 256, 96);
  return {Sizes{Fits(down_dtype, 96, 256) ? 96 : 512, wide ? 256 : 96}};
}

// Every dtype of up with that of a file's down and with some others.
bool IsPairToTest(size_t up, size_t down, int32_t up_dtype, int32_t down_dtype) {
  const bool is_few = up_dtype <= CI_Q4_0_SHARED && down_dtype <= CI_Q4_0_SHARED;
  return is_few || up_dtype == CI_F32 || down_dtype == Transposed(up_dtype) || (up + down) % 5 == 0;
}

TEST(ComputesEveryDtypeAndActivation) {
  Random random(30);
  int variant = 0;
  const std::vector<DtypeName> ups = Dtypes();
  const std::vector<DtypeName> downs = AllDtypes();
  for (size_t u = 0; u < ups.size(); ++u) {
    for (size_t d = 0; d < downs.size(); ++d) {
      const int32_t up = ups[u].dtype;
      const int32_t down = downs[d].dtype;
      if (!IsPairToTest(u, d, up, down)) continue;
      for (const auto& [neurons, dim] : SizesFor(up, down)) {
        const int32_t activation = variant % 4;
        const bool gated = activation == CI_DRELU || variant % 3 != 0;
        CheckLayer(Layer(activation, gated, up, down, neurons, dim, variant % 2 == 0, random), random);
        ++variant;
      }
    }
  }
  for (const int32_t activation : {CI_RELU, CI_SILU, CI_DRELU, CI_GELU}) {
    for (const bool gated : {true, false}) {
      if (activation == CI_DRELU && !gated) continue;
      CheckLayer(Layer(activation, gated, CI_F16, CI_F16, 40, 64, true, random), random);
      CheckLayer(Layer(activation, gated, CI_F32, CI_F32, 1, 1, false, random), random);
    }
  }
  CheckLayer(Layer(CI_SILU, true, CI_Q4_0, CI_Q4_0_SHARED, 1056, 320, true, random), random);
  CheckLayer(Layer(CI_DRELU, true, CI_Q8_0, CI_Q8_0_SHARED, 1056, 320, true, random), random);
}

TEST(NoNeuronLeavesTheBias) {
  Random random(31);
  const Layer layer(CI_SILU, true, CI_F32, CI_F32, 13, 33, true, random);
  const Array<float> x(random.Values(33));
  const std::vector<float> start = random.Values(33);
  std::vector<float> want = start;
  for (size_t i = 0; i < want.size(); ++i) want[i] += layer.down_bias[i];
  CHECK_SAME(DecodeEverywhere(layer, x, nullptr, 0, start), want, "no neuron");
}

TEST(PrefixIsWhatNullLists) {
  Random random(32);
  const Layer layer(CI_RELU, true, CI_Q8_0, CI_Q4_0_SHARED, 64, 96, false, random);
  const Array<float> x(random.Values(96));
  const std::vector<float> start = random.Values(96);
  const Array<int32_t> ids(All(41));
  CHECK_SAME(DecodeEverywhere(layer, x, nullptr, 41, start), DecodeEverywhere(layer, x, ids.data(), 41, start),
             "prefix");
}

TEST(LongPromptsAreCutIntoBlocks) {
  Random random(33);
  const Layer layer(CI_GELU, true, CI_F16, CI_F16, 40, 33, true, random);
  const int32_t tokens = 1100;
  const Array<float> x(random.Values(tokens * 33));
  Array<float> y_array{std::vector<float>(static_cast<size_t>(tokens) * 33)};
  const Array<float> activations{std::vector<float>(static_cast<size_t>(tokens) * 40)};
  CHECK_OK(layer.Prefill(Contexts()[2], x.data(), tokens, activations.data(), y_array.data()));
  const std::vector<float>& y = y_array.Fetch(Contexts()[2]);
  const std::vector<float> zero(33);
  for (const int64_t t : {0, 1023, 1024, 1099}) {
    const Expected want = Reference(layer, x.values().data() + t * 33, All(40), zero.data());
    CHECK_CLOSE(std::vector<float>(y.begin() + t * 33, y.begin() + (t + 1) * 33), want.y, want.y_scale, kFfnTolerance,
                Shape("token", {t}));
  }
}

TEST(ActivationsArePrecise) {
  std::vector<float> z;
  for (int i = -2000; i <= 2000; ++i) z.push_back(static_cast<float>(i) * 0.01f);
  const auto neurons = static_cast<int32_t>(z.size());
  const Array<float> up(z);
  const Array<float> down{std::vector<float>(z.size())};
  const Array<float> x({1.0f});
  const Array<float> y({0.0f});
  const Array<int32_t> core = One(neurons);
  for (const int32_t activation : {CI_RELU, CI_SILU, CI_GELU}) {
    std::vector<double> want;
    std::vector<double> scale;
    for (const float value : z) {
      want.push_back(Activation(activation, false, 0.0, double{value}));
      scale.push_back(std::max(std::fabs(want.back()), 1e-3));
    }
    const auto got = OnEveryContext(std::vector<float>(z.size()), "activation", [&](ci_context* c, float* out) {
      return ci_ffn_decode(c, activation, CI_F32, nullptr, up.data(), nullptr, nullptr, CI_F32, down.data(), nullptr,
                           x.data(), 1, nullptr, core.data(), nullptr, neurons, 1, out, y.data());
    });
    CHECK_CLOSE(got, want, scale, kActivationTolerance, Shape("activation", {activation}));
  }
}

TEST(ExtremeGatesStayFinite) {
  const Array<float> up({1.0f, -1.0f});
  const Array<float> down({1.0f, 1.0f});
  const Array<float> y({0.0f});
  const Array<int32_t> core = One(2);
  for (const int32_t activation : {CI_SILU, CI_GELU, CI_RELU}) {
    for (const float size : {1e3f, 1e30f}) {
      const Array<float> x({size});
      const auto activations = OnEveryContext({0.0f, 0.0f}, "extreme gates", [&](ci_context* c, float* out) {
        return ci_ffn_decode(c, activation, CI_F32, nullptr, up.data(), nullptr, nullptr, CI_F32, down.data(), nullptr,
                             x.data(), 1, nullptr, core.data(), nullptr, 2, 1, out, y.data());
      });
      CHECK(activations[0] == size);
      CHECK(std::fabs(activations[1]) <= 1e-5f);
    }
  }
}

TEST(FfnOfBrokenWeightsGivesBrokenNumbersOnly) {
  const Array<float> plain(std::vector<float>(256 * 256, 1.0f));
  const Array<float> x(std::vector<float>(256, 1.0f));
  const Array<float> activations{std::vector<float>(256)};
  const Array<int32_t> core = One(256);
  for (const DtypeName& dtype : AllDtypes()) {
    const std::vector<uint8_t> file(static_cast<size_t>(MatrixBytes(dtype.dtype, 256, 256)), 0xff);
    const Weights down(dtype.dtype, 256, 256, file);
    const auto y = OnEveryContext(std::vector<float>(256), dtype.name, [&](ci_context* c, float* out) {
      return ci_ffn_decode(c, CI_SILU, CI_F32, plain.data(), plain.data(), nullptr, nullptr, dtype.dtype, down.data(),
                           nullptr, x.data(), 1, nullptr, core.data(), nullptr, 256, 256, activations.data(), out);
    });
    CHECK(std::isnan(y[0]) && std::isnan(y[255]));
  }
}

TEST(TransposesDownWithoutLoss) {
  Random random(34);
  for (const DtypeName& dtype : Dtypes()) {
    for (const auto& [neurons, dim] : {std::pair<int32_t, int32_t>{1, 1},
                                       {13, 3},
                                       {32, 32},
                                       {64, 32},
                                       {32, 96},
                                       {257, 207},
                                       {608, 160},
                                       {256, 32},
                                       {768, 96}}) {
      const int32_t target_dtype = Transposed(dtype.dtype);
      if (!Fits(dtype.dtype, dim, neurons) || !Fits(target_dtype, neurons, dim)) continue;
      const Weights source(dtype.dtype, dim, neurons, random);
      const int64_t bytes = MatrixBytes(target_dtype, neurons, dim);
      CHECK(bytes == MatrixBytes(dtype.dtype, dim, neurons));
      for (ci_context* c : RepeatedContexts()) {
        Array<uint8_t> target{std::vector<uint8_t>(static_cast<size_t>(bytes))};
        CHECK_OK(ci_ffn_transpose_down(c, dtype.dtype, source.data(), neurons, dim, target.data()));
        const std::vector<uint8_t> file = Restore(target_dtype, neurons, dim, target.Fetch(c));
        const std::vector<Element> values = Decode(target_dtype, file.data(), neurons, dim);
        bool same = true;
        for (int64_t n = 0; n < neurons; ++n) {
          for (int64_t i = 0; i < dim; ++i) {
            same = same && values[static_cast<size_t>(n * dim + i)].value == source.at(i, n);
          }
        }
        CHECK(same);
      }
    }
  }
}

TEST(RowNormsOfEveryDtype) {
  Random random(35);
  for (const DtypeName& dtype : AllDtypes()) {
    for (const int32_t columns : {1, 13, 32, 33, 544, 768, 1120}) {
      const int32_t rows = Fits(dtype.dtype, 64, columns) ? 64 : 256;
      if (!Fits(dtype.dtype, rows, columns)) continue;
      const Weights weight(dtype.dtype, rows, columns, random);
      const auto norms =
          OnEveryContext(std::vector<float>(static_cast<size_t>(rows)), dtype.name, [&](ci_context* c, float* out) {
            return ci_ffn_row_norms(c, dtype.dtype, weight.data(), rows, columns, out);
          });
      std::vector<double> want;
      for (int64_t r = 0; r < rows; ++r) {
        double squares = 0;
        for (int64_t i = 0; i < columns; ++i) squares += weight.at(r, i) * weight.at(r, i);
        want.push_back(std::sqrt(squares));
      }
      CHECK_CLOSE(norms, want, want, kNormTolerance, Shape(dtype.name, {rows, columns}));
    }
  }
}

TEST(FfnRejectsWhatDoesNotFit) {
  std::vector<float> w(32 * 32);
  float* p = w.data();
  const int32_t core = 1;
  ci_context* c = Contexts()[1];
  const auto decode = [&](int32_t activation, int32_t up_dtype, const float* gate, int32_t down_dtype, int32_t neurons,
                          int32_t dim) {
    return ci_ffn_decode(c, activation, up_dtype, gate, p, nullptr, nullptr, down_dtype, p, nullptr, p, 1, nullptr,
                         &core, nullptr, neurons, dim, p, p);
  };
  const auto decode_one = [&](const float* up, const int32_t* core_length, float* activations) {
    return ci_ffn_decode(c, CI_RELU, CI_F32, p, up, nullptr, nullptr, CI_F32, p, nullptr, p, 1, nullptr, core_length,
                         nullptr, 1, 1, activations, p);
  };
  CHECK_FAILS(decode(4, CI_F32, p, CI_F32, 4, 4), CI_INVALID_ARGUMENT, "activation=4");
  CHECK_FAILS(decode(CI_DRELU, CI_F32, nullptr, CI_F32, 4, 4), CI_INVALID_ARGUMENT, "gate=NULL");
  CHECK_FAILS(decode(CI_RELU, CI_Q8_0_SHARED, p, CI_F32, 32, 32), CI_UNSUPPORTED, "dtype=5");
  CHECK_FAILS(decode(CI_RELU, CI_F32, p, 99, 32, 32), CI_INVALID_ARGUMENT, "down has an unknown dtype");
  CHECK_FAILS(decode(CI_RELU, CI_F32, p, CI_Q4_0_SHARED, 31, 32), CI_INVALID_ARGUMENT, "rows=31");
  CHECK_FAILS(decode(CI_RELU, CI_F32, p, CI_F32, 0, 4), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(decode_one(nullptr, &core, p), CI_INVALID_ARGUMENT, "up is null");
  CHECK_FAILS(decode_one(p, nullptr, p), CI_INVALID_ARGUMENT, "core is null");
  CHECK_FAILS(decode_one(p, &core, nullptr), CI_INVALID_ARGUMENT, "activations is null");
  CHECK_FAILS(ci_ffn_prefill(c, CI_RELU, CI_F32, p, p, nullptr, nullptr, CI_F32, nullptr, nullptr, p, 1, 1, 1, p, p),
              CI_INVALID_ARGUMENT, "down is null");
  CHECK_FAILS(ci_ffn_prefill(c, CI_RELU, CI_F32, p, p, nullptr, nullptr, CI_F32, p, nullptr, p, 0, 1, 1, p, p),
              CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_ffn_transpose_down(c, CI_Q8_0, p, 32, 33, p), CI_INVALID_ARGUMENT, "dim=33");
  CHECK_FAILS(ci_ffn_transpose_down(c, CI_Q8_0, p, 33, 32, p), CI_INVALID_ARGUMENT, "columns=33");
  CHECK_FAILS(ci_ffn_transpose_down(c, CI_Q4_0_SHARED, p, 32, 32, p), CI_UNSUPPORTED, "dtype=6");
  CHECK_FAILS(ci_ffn_transpose_down(c, CI_Q8_0, p, 32, 48, p), CI_INVALID_ARGUMENT, "dim=48");
  CHECK_FAILS(ci_ffn_row_norms(c, CI_F32, p, 1, 1, nullptr), CI_INVALID_ARGUMENT, "norms is null");
}

}  // namespace
