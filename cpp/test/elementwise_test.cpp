// Embedding, addition, normalisation and rotation against double precision.
#include <cmath>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

constexpr int32_t kSizes[] = {1, 2, 3, 13, 31, 32, 33, 64, 207, 257, 1024};

std::vector<double> Ones(size_t count) { return std::vector<double>(count, 1.0); }

TEST(EmbeddingReadsRowsOfEveryDtype) {
  Random random(1);
  for (const DtypeName& dtype : kDtypes) {
    for (const int32_t dim : kSizes) {
      if (!Fits(dtype.dtype, 5, dim)) continue;
      const Weights table(dtype.dtype, 5, dim, random);
      const std::vector<int32_t> tokens = {4, 0, 4, 2, 1, 3, 0};
      const std::vector<float> y = OnEveryContext(
          std::vector<float>(7 * static_cast<size_t>(dim), -1.0f), "embedding", [&](ci_context* c, float* out) {
            return ci_embedding_lookup(c, dtype.dtype, table.data(), 5, dim, tokens.data(), 7, out);
          });
      std::vector<double> want;
      for (const int32_t token : tokens) {
        for (int32_t i = 0; i < dim; ++i) want.push_back(table.at(token, i));
      }
      CHECK_CLOSE(y, want, Ones(want.size()), kExact, Shape(dtype.name, {5, dim}));
    }
  }
}

// All 65536 halves, infinities and NaN included.
TEST(HalvesConvertExactly) {
  std::vector<uint16_t> table(65536);
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<uint16_t>(i);
  const int32_t token = 0;
  std::vector<float> y(65536);
  CHECK_OK(ci_embedding_lookup(Contexts()[0], CI_F16, table.data(), 1, 65536, &token, 1, y.data()));
  bool same = true;
  for (size_t i = 0; i < table.size(); ++i) {
    const double want = HalfToDouble(table[i]);
    same = same && (std::isnan(want) ? std::isnan(y[i]) : y[i] == want && std::signbit(y[i]) == std::signbit(want));
  }
  CHECK(same);
}

TEST(EmbeddingRejectsWhatDoesNotFit) {
  const float table[64] = {};
  float y[64];
  int32_t token = 2;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "token=2, allowed 0..1");
  token = -1;
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "token=-1");
  token = 0;
  CHECK_FAILS(ci_embedding_lookup(c, 7, table, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "dtype=7");
  CHECK_FAILS(ci_embedding_lookup(c, -1, table, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "dtype=-1");
  CHECK_FAILS(ci_embedding_lookup(c, CI_Q4_0, table, 2, 33, &token, 1, y), CI_INVALID_ARGUMENT, "columns=33");
  CHECK_FAILS(ci_embedding_lookup(c, CI_Q4_0_SHARED, table, 32, 32, &token, 1, y), CI_UNSUPPORTED, "dtype=6");
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 0, 32, &token, 1, y), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, nullptr, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "table is null");
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 2, 32, nullptr, 1, y), CI_INVALID_ARGUMENT, "tokens is null");
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 2, 32, &token, 0, y), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 2, 32, &token, 1, nullptr), CI_INVALID_ARGUMENT, "y is null");
}

TEST(AddsVectors) {
  Random random(2);
  for (const int64_t count : {1, 2, 15, 33, 4096, 50001}) {
    const std::vector<float> x = random.Values(count);
    const std::vector<float> start = random.Values(count);
    const auto y =
        OnEveryContext(start, "add", [&](ci_context* c, float* out) { return ci_add(c, x.data(), count, out); });
    std::vector<float> want = start;
    for (size_t i = 0; i < want.size(); ++i) want[i] += x[i];
    CHECK_SAME(y, want, Shape("add", {count}));
  }
  float y = 0;
  CHECK_FAILS(ci_add(Contexts()[0], &y, 0, &y), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_add(Contexts()[0], &y, INT64_MAX, &y), CI_INVALID_ARGUMENT, "too large");
  CHECK_FAILS(ci_add(Contexts()[0], nullptr, 1, &y), CI_INVALID_ARGUMENT, "x is null");
}

void CheckNorm(int32_t rows, int32_t dim, bool layer, Random& random) {
  const size_t count = static_cast<size_t>(rows) * static_cast<size_t>(dim);
  std::vector<float> x = random.Values(static_cast<int64_t>(count));
  for (float& value : x) value += 0.5f;
  const std::vector<float> weight = random.Values(dim);
  const std::vector<float> bias = random.Values(dim);
  const float epsilon = 1e-5f;
  const auto apply = [&](ci_context* c, const float* in, float* out) {
    return layer ? ci_layer_norm(c, in, weight.data(), bias.data(), rows, dim, epsilon, out)
                 : ci_rms_norm(c, in, weight.data(), rows, dim, epsilon, out);
  };
  const std::string what = Shape(layer ? "layer_norm" : "rms_norm", {rows, dim});
  const auto y = OnEveryContext(std::vector<float>(count), what,
                                [&](ci_context* c, float* out) { return apply(c, x.data(), out); });
  const auto in_place = OnEveryContext(x, what, [&](ci_context* c, float* out) { return apply(c, out, out); });
  CHECK_SAME(in_place, y, what + " in place");
  std::vector<double> want(count);
  std::vector<double> scale(count);
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
    const size_t size = static_cast<size_t>(dim);
    const float* row = x.data() + r * size;
    double mean = 0;
    for (size_t i = 0; i < size; ++i) mean += row[i];
    mean = layer ? mean / dim : 0;
    double squares = 0;
    for (size_t i = 0; i < size; ++i) squares += (row[i] - mean) * (row[i] - mean);
    const double deviation = std::sqrt(squares / dim + epsilon);
    for (size_t i = 0; i < size; ++i) {
      want[r * size + i] = (row[i] - mean) / deviation * weight[i] + (layer ? bias[i] : 0.0f);
      scale[r * size + i] = 1.0 + (std::fabs(row[i]) + std::fabs(mean)) / deviation;
    }
  }
  CHECK_CLOSE(y, want, scale, kNormTolerance, what);
}

TEST(NormalisesRows) {
  Random random(3);
  for (const int32_t dim : kSizes) {
    for (const int32_t rows : {1, 2, 13}) {
      CheckNorm(rows, dim, false, random);
      CheckNorm(rows, dim, true, random);
    }
  }
  CheckNorm(40, 1024, false, random);
  CheckNorm(40, 1024, true, random);
}

TEST(NormRejectsWhatDoesNotFit) {
  float x = 1;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_rms_norm(c, nullptr, &x, 1, 1, 0, &x), CI_INVALID_ARGUMENT, "x is null");
  CHECK_FAILS(ci_rms_norm(c, &x, nullptr, 1, 1, 0, &x), CI_INVALID_ARGUMENT, "weight is null");
  CHECK_FAILS(ci_rms_norm(c, &x, &x, 0, 1, 0, &x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_rms_norm(c, &x, &x, 1, 1, -1.0f, &x), CI_INVALID_ARGUMENT, "epsilon=-1");
  CHECK_FAILS(ci_layer_norm(c, &x, &x, nullptr, 1, 1, 0, &x), CI_INVALID_ARGUMENT, "bias is null");
  CHECK_FAILS(ci_layer_norm(c, &x, &x, &x, 1, -1, 0, &x), CI_INVALID_ARGUMENT, "at least 1");
}

void CheckRope(int32_t tokens, int32_t heads, int32_t head_dim, int32_t pairs, int32_t adjacent, Random& random) {
  const int32_t first = 3;
  const int32_t positions = first + tokens + 2;
  const std::vector<float> rotations = random.Values(int64_t{positions} * pairs * 2);
  const std::vector<float> x = random.Values(int64_t{tokens} * heads * head_dim);
  const std::string what = Shape("rope", {tokens, heads, head_dim, pairs, adjacent});
  const auto y = OnEveryContext(x, what, [&](ci_context* c, float* out) {
    return ci_rope(c, rotations.data(), positions, pairs, adjacent, tokens, heads, head_dim, first, out);
  });
  std::vector<double> want(x.begin(), x.end());
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < pairs; ++i) {
        const int64_t base = (t * heads + h) * head_dim;
        const auto a = static_cast<size_t>(base + (adjacent == 1 ? 2 * i : i));
        const auto b = static_cast<size_t>(base + (adjacent == 1 ? 2 * i + 1 : i + pairs));
        const auto r = static_cast<size_t>(((first + t) * pairs + i) * 2);
        want[a] = double{x[a]} * rotations[r] - double{x[b]} * rotations[r + 1];
        want[b] = double{x[a]} * rotations[r + 1] + double{x[b]} * rotations[r];
      }
    }
  }
  CHECK_CLOSE(y, want, Ones(want.size()), kRopeTolerance, what);
}

TEST(RotatesPairs) {
  Random random(4);
  for (const int32_t adjacent : {0, 1}) {
    CheckRope(1, 1, 2, 1, adjacent, random);
    CheckRope(1, 3, 13, 5, adjacent, random);
    CheckRope(9, 4, 64, 32, adjacent, random);
    CheckRope(33, 2, 128, 64, adjacent, random);
    CheckRope(20, 2, 80, 20, adjacent, random);
  }
}

TEST(RopeRejectsWhatDoesNotFit) {
  float x[8] = {};
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_rope(c, x, 2, 1, 0, 2, 1, 2, 1, x), CI_INVALID_ARGUMENT, "first_position=1, allowed 0..0");
  CHECK_FAILS(ci_rope(c, x, 2, 2, 0, 1, 1, 2, 0, x), CI_INVALID_ARGUMENT, "pairs=2");
  CHECK_FAILS(ci_rope(c, x, 2, 1, 2, 1, 1, 2, 0, x), CI_INVALID_ARGUMENT, "adjacent=2");
  CHECK_FAILS(ci_rope(c, nullptr, 2, 1, 0, 1, 1, 2, 0, x), CI_INVALID_ARGUMENT, "rotations is null");
  CHECK_FAILS(ci_rope(c, x, 2, 1, 0, 1, 1, 2, -1, x), CI_INVALID_ARGUMENT, "first_position=-1");
}

}  // namespace
