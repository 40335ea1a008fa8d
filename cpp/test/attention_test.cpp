// Attention over caches of both dtypes against a double-precision softmax.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "paged_cache.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

struct Case {
  int32_t heads, kv_heads, head_dim, positions, window;
};

constexpr Case kCases[] = {{1, 1, 1, 1, 0},    {2, 2, 13, 3, 0},   {4, 2, 64, 70, 0},    {3, 1, 33, 207, 0},
                           {4, 4, 31, 65, 13}, {40, 1, 16, 40, 0}, {8, 2, 128, 150, 64}, {2, 1, 80, 257, 1},
                           {6, 2, 72, 45, 20}, {2, 1, 200, 70, 0}};

struct Cache {
  Cache(const Case& shape, int32_t dtype_, Random& random)
      : dtype(dtype_),
        capacity(shape.positions + 3),
        key_values(random.Values(int64_t{shape.positions} * shape.kv_heads * shape.head_dim)),
        value_values(random.Values(int64_t{shape.positions} * shape.kv_heads * shape.head_dim)),
        stored(shape.kv_heads, capacity, shape.head_dim, dtype_) {
    // In two parts, so that a first position above 0 is covered.
    const int32_t first = shape.positions / 2;
    if (first > 0) Append(shape, 0, first);
    Append(shape, first, shape.positions - first);
    stored.Fetch(Contexts()[2]);
  }

  void Append(const Case& shape, int32_t first, int32_t tokens) {
    const int64_t offset = int64_t{first} * shape.kv_heads * shape.head_dim;
    const Array<int32_t> first_position = One(first);
    CHECK_OK(ci_attention_append(Contexts()[2], key_values.data() + offset, value_values.data() + offset, tokens,
                                 shape.kv_heads, shape.head_dim, first_position.data(), capacity, dtype,
                                 stored.pages()));
    CHECK_OK(ci_context_synchronize(Contexts()[2]));
  }

  int32_t dtype;
  int32_t capacity;
  Array<float> key_values, value_values;  // (positions, kv_heads, head_dim)
  PagedCache stored;
};

// One head of one query.
void Attend(const Case& shape, const Cache& cache, const float* query, int64_t kv_head, int64_t position, double scale,
            double* y) {
  const int64_t first = shape.window == 0 ? 0 : std::max<int64_t>(0, position - shape.window + 1);
  std::vector<double> weights;
  double largest = -HUGE_VAL;
  for (int64_t p = first; p <= position; ++p) {
    double score = 0;
    for (int64_t i = 0; i < shape.head_dim; ++i) {
      score += query[i] * cache.stored.At(Kind::kKeys, kv_head, p, i);
    }
    weights.push_back(score * scale);
    largest = std::max(largest, weights.back());
  }
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - largest);
  for (int64_t i = 0; i < shape.head_dim; ++i) {
    y[i] = 0;
    for (int64_t p = first; p <= position; ++p) {
      y[i] += weights[static_cast<size_t>(p - first)] / sum * cache.stored.At(Kind::kValues, kv_head, p, i);
    }
  }
}

std::string Name(const Case& shape, int32_t dtype, int32_t tokens) {
  return Shape(dtype == CI_F16 ? "F16" : "F32",
               {tokens, shape.heads, shape.kv_heads, shape.head_dim, shape.positions, shape.window});
}

// What the queries of positions first.. get.
std::vector<double> Attend(const Case& shape, const Cache& cache, const std::vector<float>& queries, int64_t first,
                           float scale) {
  const int64_t row = int64_t{shape.heads} * shape.head_dim;
  std::vector<double> y(queries.size());
  for (int64_t t = 0; t * row < static_cast<int64_t>(queries.size()); ++t) {
    for (int64_t h = 0; h < shape.heads; ++h) {
      const auto offset = static_cast<size_t>(t * row + h * shape.head_dim);
      Attend(shape, cache, queries.data() + offset, h / (shape.heads / shape.kv_heads), first + t, double{scale},
             y.data() + offset);
    }
  }
  return y;
}

void CheckDecode(const Case& shape, const Cache& cache, const float* query, int32_t position, float scale,
                 const std::vector<double>& want) {
  const Array<int32_t> at = One(position);
  const std::string what = "decode at " + std::to_string(position) + " " + Name(shape, cache.dtype, 1);
  const auto y = OnEveryContext(std::vector<float>(want.size(), 9.0f), what, [&](ci_context* c, float* out) {
    return ci_attention_decode(c, query, 1, shape.heads, shape.kv_heads, shape.head_dim, at.data(), shape.window, scale,
                               cache.capacity, cache.dtype, cache.stored.pages(), out);
  });
  CHECK_CLOSE(y, want, std::vector<double>(want.size(), 1.0), kAttentionTolerance, what);
}

// `magnitude` of the queries, a power of two, which the scale takes back.
void CheckCase(const Case& shape, int32_t dtype, int32_t tokens, float magnitude, Random& random) {
  const Cache cache(shape, dtype, random);
  const int32_t first = shape.positions - tokens;
  const float scale = 1.7f / magnitude;
  const int64_t row = int64_t{shape.heads} * shape.head_dim;
  std::vector<float> values = random.Values(tokens * row);
  for (float& value : values) value *= magnitude;
  const Array<float> queries(values);
  const Array<int32_t> first_position = One(first);
  const std::vector<double> want = Attend(shape, cache, values, first, scale);
  const std::string what = "prefill " + Name(shape, dtype, tokens);
  const auto y = OnEveryContext(std::vector<float>(queries.size(), 9.0f), what, [&](ci_context* c, float* out) {
    return ci_attention_prefill(c, queries.data(), tokens, shape.heads, shape.kv_heads, shape.head_dim,
                                first_position.data(), shape.window, scale, cache.capacity, dtype, cache.stored.pages(),
                                out);
  });
  CHECK_CLOSE(y, want, std::vector<double>(want.size(), 1.0), kPromptAttentionTolerance, what);
  CheckDecode(shape, cache, queries.data() + (tokens - 1) * row, shape.positions - 1, scale,
              std::vector<double>(want.end() - row, want.end()));
}

TEST(AttendsToVisiblePositions) {
  Random random(20);
  for (const Case& shape : kCases) {
    for (const int32_t dtype : {CI_F32, CI_F16}) {
      CheckCase(shape, dtype, 1, 1.0f, random);
      // All positions, or as many as a slow backend computes in good time.
      const int32_t most = Slowness() == 1 ? shape.positions : 80;
      CheckCase(shape, dtype, std::min(shape.positions, most), 1.0f, random);
      if (shape.positions > 3) CheckCase(shape, dtype, std::min(shape.positions / 2 + 1, most / 2), 1.0f, random);
    }
  }
}

TEST(AttendsWithQueriesOfAnySize) {
  Random random(21);
  for (const float magnitude : {0x1p-90f, 0x1p-20f, 0x1p13f, 0x1p80f}) {
    for (const int32_t dtype : {CI_F32, CI_F16}) CheckCase({4, 2, 64, 21, 0}, dtype, 7, magnitude, random);
  }
}

// Many positions, divided among blocks on a GPU; heads of every width, groups of every size.
TEST(DecodesFarPositions) {
  constexpr Case kFar[] = {{1, 1, 64, 700, 0},   {8, 2, 64, 700, 0},  {7, 1, 128, 513, 0},  {8, 1, 128, 400, 130},
                           {2, 2, 128, 999, 0},  {3, 3, 256, 200, 0}, {4, 2, 256, 150, 0},  {8, 1, 256, 130, 0},
                           {4, 1, 512, 140, 0},  {2, 2, 512, 90, 17}, {9, 1, 80, 333, 0},   {71, 1, 64, 100, 0},
                           {12, 2, 96, 100, 32}, {5, 1, 40, 1000, 0}, {2, 1, 37, 1000, 0},  {6, 2, 33, 500, 200},
                           {1, 1, 600, 300, 0},  {16, 16, 8, 50, 0},  {4, 2, 1, 1025, 1000}};
  Random random(22);
  for (const Case& shape : kFar) {
    for (const int32_t dtype : {CI_F32, CI_F16}) {
      const Cache cache(shape, dtype, random);
      const Array<float> query(random.Values(int64_t{shape.heads} * shape.head_dim));
      for (const int32_t position : {0, shape.positions / 3, shape.positions - 1}) {
        const float scale = 0.9f;
        CheckDecode(shape, cache, query.data(), position, scale, Attend(shape, cache, query.values(), position, scale));
      }
    }
  }
}

TEST(AttentionOfATokenIsTheSameBesideOthers) {
  constexpr Case kTogether[] = {{1, 1, 64, 300, 0}, {8, 2, 64, 150, 0},  {7, 1, 128, 140, 0}, {8, 1, 128, 200, 130},
                                {2, 2, 33, 70, 20}, {4, 2, 256, 66, 0},  {2, 2, 512, 40, 17}, {9, 1, 80, 70, 0},
                                {16, 16, 8, 50, 0}, {4, 2, 1, 130, 100}, {1, 1, 600, 30, 0},  {2, 1, 4, 1, 0}};
  Random random(23);
  for (const Case& shape : kTogether) {
    for (const int32_t dtype : {CI_F32, CI_F16}) {
      const Cache cache(shape, dtype, random);
      const int64_t row = int64_t{shape.heads} * shape.head_dim;
      for (const int32_t wanted : {2, 3, 5, 16}) {
        const int32_t tokens = std::min(wanted, shape.positions);
        if (Slowness() > 1 && wanted != 3) continue;
        const Array<float> queries(random.Values(tokens * row));
        const auto decode = [&](int32_t first, int32_t count) {
          const Array<int32_t> at = One(shape.positions - tokens + first);
          const std::vector<float> start(static_cast<size_t>(count * row), 9.0f);
          return OnEveryContext(start, "decode " + Name(shape, dtype, count), [&](ci_context* c, float* out) {
            return ci_attention_decode(c, queries.data() + first * row, count, shape.heads, shape.kv_heads,
                                       shape.head_dim, at.data(), shape.window, 0.9f, cache.capacity, dtype,
                                       cache.stored.pages(), out);
          });
        };
        const std::vector<float> together = decode(0, tokens);
        for (int32_t t = 0; t < tokens; ++t) {
          const std::vector<float> own(together.begin() + t * row, together.begin() + (t + 1) * row);
          CHECK_SAME(own, decode(t, 1), "one of several " + Name(shape, dtype, tokens));
        }
      }
    }
  }
}

// What a cache stores, two elements for each position.
std::vector<uint16_t> Halves(const std::vector<float>& values) {
  constexpr int32_t kWidth = 2;
  const auto tokens = static_cast<int32_t>(values.size()) / kWidth;
  const Array<float> x(values);
  const Array<int32_t> first = One(0);
  PagedCache cache(1, tokens, kWidth, CI_F16);
  ci_context* c = Contexts()[0];
  CHECK_OK(ci_attention_append(c, x.data(), x.data(), tokens, 1, kWidth, first.data(), tokens, CI_F16, cache.pages()));
  cache.Fetch(c);
  std::vector<uint16_t> halves;
  for (int64_t i = 0; i < int64_t{tokens} * kWidth; ++i) {
    halves.push_back(cache.HalfAt(Kind::kKeys, i / kWidth, i % kWidth));
    CHECK(halves.back() == cache.HalfAt(Kind::kValues, i / kWidth, i % kWidth));
  }
  return halves;
}

// Rounding to nearest, ties to even, with overflow to infinity and exact subnormals.
TEST(CacheRoundsToHalves) {
  const std::vector<float> x = {1.0f,      1.00048828125f, 1.00146484375f, 65504.0f,  65519.996f, 65520.0f, 1e30f,
                                -65520.0f, 5.9604645e-8f,  2.9802322e-8f,  3e-8f,     6.1e-5f,    -0.0f,    0.0f,
                                -1e-30f,   6.1035156e-5f,  6.0975552e-5f,  HUGE_VALF, -HUGE_VALF, NAN};
  const std::vector<uint16_t> want = {0x3c00, 0x3c00, 0x3c02, 0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x0001, 0x0000,
                                      0x0001, 0x0400, 0x8000, 0x0000, 0x8000, 0x0400, 0x03ff, 0x7c00, 0xfc00, 0x7e00};
  const std::vector<uint16_t> keys = Halves(x);
  for (size_t i = 0; i + 1 < x.size(); ++i) {
    CHECK(keys[i] == want[i] || (i == 11 && std::fabs(HalfToDouble(keys[i]) - 6.1e-5) <= 0x1p-25));
  }
  CHECK(std::isnan(HalfToDouble(keys.back())));
}

// Every half survives the way through F32 and back.
TEST(HalvesRoundToThemselves) {
  std::vector<float> x;
  std::vector<uint16_t> want;
  for (uint32_t half = 0; half < 65536; ++half) {
    const double value = HalfToDouble(static_cast<uint16_t>(half));
    if (std::isnan(value)) continue;
    x.push_back(static_cast<float>(value));
    want.push_back(static_cast<uint16_t>(half));
  }
  CHECK(Halves(x) == want);
}

TEST(AttentionRejectsWhatDoesNotFit) {
  float x[64] = {};
  const int32_t p = 0;
  const uint64_t pages[] = {reinterpret_cast<uint64_t>(x)};
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_attention_append(c, x, x, 1, 1, 4, &p, 4, CI_BF16, pages), CI_INVALID_ARGUMENT, "cache_dtype=2");
  CHECK_FAILS(ci_attention_append(c, nullptr, x, 1, 1, 4, &p, 4, CI_F32, pages), CI_INVALID_ARGUMENT, "keys is null");
  CHECK_FAILS(ci_attention_append(c, x, x, 1, 1, 4, &p, 4, CI_F32, nullptr), CI_INVALID_ARGUMENT, "pages is null");
  CHECK_FAILS(ci_attention_append(c, x, x, 1, 1, 4, nullptr, 4, CI_F32, pages), CI_INVALID_ARGUMENT,
              "first_position is null");
  CHECK_FAILS(ci_attention_decode(c, x, 1, 3, 2, 4, &p, 0, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT, "kv_heads=2");
  CHECK_FAILS(ci_attention_decode(c, x, 1, 2, 0, 4, &p, 0, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT, "at least 1");
  CHECK_FAILS(ci_attention_decode(c, x, 1, 2, 2, 4, nullptr, 0, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT,
              "position is null");
  CHECK_FAILS(ci_attention_decode(c, x, 1, 2, 2, 4, &p, -1, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT, "window=-1");
  CHECK_FAILS(ci_attention_prefill(c, x, 1, 2, 2, 4, nullptr, 0, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT,
              "first_position is null");
  CHECK_FAILS(ci_attention_prefill(c, x, 1, 2, 2, 4, &p, 0, 1, 4, CI_F32, pages, nullptr), CI_INVALID_ARGUMENT,
              "y is null");
}

}  // namespace
