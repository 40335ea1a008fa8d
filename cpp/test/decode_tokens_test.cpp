// Functions of decode give a token the same bits alone and beside others: what verifying drafted tokens rests on.
#include <algorithm>
#include <utility>
#include <vector>

#include "coreinfer/kernels.h"
#include "ffn_layer.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

std::vector<float> Part(const std::vector<float>& values, int64_t begin, int64_t count) {
  return std::vector<float>(values.begin() + begin, values.begin() + begin + count);
}

void CheckMatvec(const DtypeName& dtype, int32_t tokens, int32_t rows, int32_t columns, bool biased, bool accumulate,
                 Random& random) {
  const Weights weight(dtype.dtype, rows, columns, random);
  const Array<float> x(random.Values(int64_t{tokens} * columns));
  const Array<float> bias(random.Values(rows));
  const std::vector<float> start = random.Values(int64_t{tokens} * rows);
  const auto product = [&](int64_t first, int32_t count) {
    const std::string what = "matvec " + Shape(dtype.name, {count, rows, columns});
    return OnEveryContext(Part(start, first * rows, int64_t{count} * rows), what, [&](ci_context* c, float* y) {
      return ci_matvec(c, dtype.dtype, weight.data(), biased ? bias.data() : nullptr, x.data() + first * columns, count,
                       rows, columns, accumulate ? 1 : 0, y);
    });
  };
  const std::vector<float> together = product(0, tokens);
  for (int64_t t = 0; t < tokens; ++t) {
    CHECK_SAME(Part(together, t * rows, rows), product(t, 1),
               "one of several " + Shape(dtype.name, {tokens, t, rows, columns}));
  }
}

TEST(ProductsOfATokenAreTheSameBesideOthers) {
  Random random(70);
  for (const DtypeName& dtype : Dtypes()) {
    int variant = 0;
    for (const auto& [rows, columns] :
         {std::pair<int32_t, int32_t>{1, 1}, {3, 13}, {33, 31}, {7, 32}, {33, 160}, {5, 257}, {5, 512}, {70, 1120}}) {
      if (!Fits(dtype.dtype, rows, columns)) continue;
      for (const int32_t tokens : {1, 2, 3, 4, 5, 7, 16}) {
        if (Slowness() > 1 && tokens > 3 && tokens < 16) continue;
        CheckMatvec(dtype, tokens, rows, columns, variant % 2 == 0, variant % 3 == 0, random);
        ++variant;
      }
    }
  }
}

// Every other entry of the vectors' first half is 0, and so is one whole vector: rectified layers then skip rows for
// some of the tokens only. Minus zeros in y show a zero that is added to some of the tokens only.
void CheckFfn(const Layer& layer, int32_t tokens, bool lists_all, Random& random) {
  const int64_t dim = layer.dim;
  const int64_t neurons = layer.neurons;
  std::vector<float> vectors = random.Values(tokens * dim);
  for (int64_t i = 0; i < dim; ++i) {
    if (i % 2 == 0 && i < dim / 2) vectors[static_cast<size_t>(i)] = 0.0f;
    if (tokens > 2) vectors[static_cast<size_t>(dim + i)] = 0.0f;
  }
  const Array<float> x(vectors);
  std::vector<float> start = random.Values(tokens * dim);
  for (size_t i = 0; i < start.size(); i += 3) start[i] = -0.0f;
  std::vector<int32_t> list = Some(layer.neurons, random);
  if (list.empty()) list.push_back(0);
  const Array<int32_t> some(list);
  const int32_t core = lists_all ? layer.neurons : static_cast<int32_t>(some.size());
  const auto decode = [&](int64_t first, int32_t count) {
    const int64_t y_size = count * dim;
    std::vector<float> both = Part(start, first * dim, y_size);
    both.resize(static_cast<size_t>(y_size + count * neurons), 7.0f);
    return OnEveryContext(both, layer.name(), [&](ci_context* c, float* out) {
      return layer.DecodeTokens(c, x.data() + first * dim, count, lists_all ? nullptr : some.data(), core, out + y_size,
                                out);
    });
  };
  const std::vector<float> together = decode(0, tokens);
  for (int64_t t = 0; t < tokens; ++t) {
    const std::vector<float> alone = decode(t, 1);
    CHECK_SAME(Part(together, t * dim, dim), Part(alone, 0, dim), "one of several " + layer.name());
    CHECK_SAME(Part(together, tokens * dim + t * neurons, neurons), Part(alone, dim, neurons),
               "activations of one of several " + layer.name());
  }
}

TEST(FfnOfATokenIsTheSameBesideOthers) {
  Random random(71);
  int variant = 0;
  for (const DtypeName& up : Dtypes()) {
    for (const DtypeName& down : AllDtypes()) {
      for (const auto& [neurons, dim] :
           {std::pair<int32_t, int32_t>{13, 3}, {33, 31}, {64, 32}, {96, 160}, {256, 256}, {207, 257}}) {
        if (!Fits(up.dtype, neurons, dim) || !Fits(down.dtype, neurons, dim)) continue;
        if (Slowness() > 1 && variant % 3 != 0 && neurons > 64) {
          ++variant;
          continue;
        }
        constexpr int32_t kTokens[] = {2, 3, 5, 16};
        const int32_t activation = variant % 4;
        const bool gated = activation == CI_DRELU || variant % 3 != 0;
        const Layer layer(activation, gated, up.dtype, down.dtype, neurons, dim, variant % 2 == 0, random);
        CheckFfn(layer, kTokens[variant % (Slowness() > 1 ? 2 : 4)], variant % 5 < 3, random);
        ++variant;
      }
    }
  }
}

// More rows than a cache keeps, so that they are added in several pieces.
TEST(LargeFfnOfATokenIsTheSameBesideOthers) {
  Random random(72);
  for (const int32_t activation : {CI_SILU, CI_DRELU}) {
    const int32_t neurons = 2080 / Slowness() / 32 * 32;
    CheckFfn(Layer(activation, true, CI_F16, CI_F32, neurons, 320, true, random), 3, true, random);
    CheckFfn(Layer(activation, true, CI_F32, CI_F16, neurons, 320, false, random), 5, false, random);
    CheckFfn(Layer(activation, true, CI_Q4_0, CI_Q4_0_SHARED, neurons, 320, true, random), 3, true, random);
  }
}

TEST(NormsOfATokenAreTheSameBesideOthers) {
  Random random(73);
  for (const int32_t dim : {1, 13, 64, 257, 1120}) {
    const int32_t rows = 5;
    const Array<float> x(random.Values(int64_t{rows} * dim));
    const Array<float> weight(random.Values(dim));
    const auto norms = [&](int64_t first, int32_t count) {
      const std::vector<float> nothing(static_cast<size_t>(2 * int64_t{count} * dim));
      return OnEveryContext(nothing, Shape("norms", {count, dim}), [&](ci_context* c, float* y) {
        const float* from = x.data() + first * dim;
        const int32_t status = ci_rms_norm(c, from, weight.data(), count, dim, 1e-5f, y);
        if (status != CI_OK) return status;
        return ci_layer_norm(c, from, weight.data(), weight.data(), count, dim, 1e-5f, y + int64_t{count} * dim);
      });
    };
    const std::vector<float> together = norms(0, rows);
    for (int64_t t = 0; t < rows; ++t) {
      std::vector<float> own = Part(together, t * dim, dim);
      const std::vector<float> layer_norm = Part(together, (rows + t) * dim, dim);
      own.insert(own.end(), layer_norm.begin(), layer_norm.end());
      CHECK_SAME(own, norms(t, 1), Shape("one of several norms", {t, dim}));
    }
  }
}

TEST(DecodeTakesAsManyTokensAsItSays) {
  float x[64] = {};
  const int32_t zero = 0;
  const uint64_t pages[] = {reinterpret_cast<uint64_t>(x)};
  ci_context* c = Contexts()[0];
  for (const int32_t tokens : {0, CI_DECODE_TOKENS + 1}) {
    CHECK_FAILS(ci_matvec(c, CI_F32, x, x, x, tokens, 1, 1, 0, x), CI_INVALID_ARGUMENT, "allowed 1..16");
    CHECK_FAILS(ci_attention_decode(c, x, tokens, 2, 2, 4, &zero, 0, 1, 32, CI_F32, pages, x), CI_INVALID_ARGUMENT,
                "allowed 1..16");
    CHECK_FAILS(ci_ffn_decode(c, CI_RELU, CI_F32, x, x, nullptr, nullptr, CI_F32, x, nullptr, x, tokens, nullptr, &zero,
                              nullptr, 1, 1, x, x),
                CI_INVALID_ARGUMENT, "allowed 1..16");
  }
}

}  // namespace
