// Rows of the token table and additions, exactly.
#include <cmath>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

constexpr int32_t kSizes[] = {1, 2, 3, 13, 31, 32, 33, 64, 207, 256, 257, 1024};

TEST(EmbeddingReadsRowsOfEveryDtype) {
  Random random(1);
  for (const DtypeName& dtype : Dtypes()) {
    for (const int32_t dim : kSizes) {
      if (!Fits(dtype.dtype, 5, dim)) continue;
      const Weights table(dtype.dtype, 5, dim, random);
      const Array<int32_t> tokens({4, 0, 4, 2, 1, 3, 0});
      const std::vector<float> y = OnEveryContext(
          std::vector<float>(7 * static_cast<size_t>(dim), -1.0f), "embedding", [&](ci_context* c, float* out) {
            return ci_embedding_lookup(c, dtype.dtype, table.data(), 5, dim, tokens.data(), 7, out);
          });
      std::vector<double> want;
      for (const int32_t token : tokens.values()) {
        for (int32_t i = 0; i < dim; ++i) want.push_back(table.at(token, i));
      }
      CHECK_CLOSE(y, want, std::vector<double>(want.size(), 1.0), kExact, Shape(dtype.name, {5, dim}));
    }
  }
}

// All 65536 halves, infinities and NaN included.
TEST(HalvesConvertExactly) {
  std::vector<uint8_t> halves;
  for (int32_t half = 0; half < 65536; ++half) {
    halves.push_back(static_cast<uint8_t>(half & 255));
    halves.push_back(static_cast<uint8_t>(half >> 8));
  }
  const Weights table(CI_F16, 1, 65536, halves);
  const auto y = OnEveryContext(std::vector<float>(65536), "halves", [&](ci_context* c, float* out) {
    return ci_embedding_lookup(c, CI_F16, table.data(), 1, 65536, One(0).data(), 1, out);
  });
  bool same = true;
  for (size_t i = 0; i < y.size(); ++i) {
    const double want = HalfToDouble(static_cast<uint16_t>(i));
    same = same && (std::isnan(want) ? std::isnan(y[i]) : y[i] == want && std::signbit(y[i]) == std::signbit(want));
  }
  CHECK(same);
}

TEST(EmbeddingRejectsWhatDoesNotFit) {
  const float table[64] = {};
  float y[64];
  const int32_t token = 0;
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_embedding_lookup(c, 99, table, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "dtype=99");
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
    const Array<float> x(random.Values(count));
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

}  // namespace
