// Packed rows: decoding over packs gives the bits that it gives over the weights, whatever is packed.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "coreinfer/host.h"
#include "ffn_layer.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

constexpr int32_t kPackedDtypes[] = {CI_Q8_0, CI_Q4_0, CI_Q4_1, CI_Q5_0, CI_Q5_1, CI_Q4_K, CI_Q5_K, CI_Q6_K};
constexpr int32_t kPackedDowns[] = {CI_Q8_0_SHARED, CI_Q4_0_SHARED, CI_Q4_1_SHARED, CI_Q5_0_SHARED,
                                    CI_Q5_1_SHARED, CI_Q4_K_SHARED, CI_Q5_K_SHARED, CI_Q6_K_SHARED};

// Rows of any number of columns.
constexpr int32_t kPackedPlain[] = {CI_F16, CI_BF16};

bool IsPackedDown(int32_t dtype) { return std::count(std::begin(kPackedDowns), std::end(kPackedDowns), dtype) > 0; }

// Columns of a row, or rows of a down projection, that a dtype can have.
int32_t Whole(int32_t dtype, int32_t size, bool is_down) {
  const bool fits = is_down ? Fits(dtype, size, 32) : Fits(dtype, 1, size);
  return fits ? size : (size + 255) / 256 * 256;
}

int64_t PackedBytes(int32_t dtype, int32_t matrices, int32_t rows, int32_t columns, int32_t capacity) {
  int64_t bytes = -1;
  CHECK_OK(ci_host_packed_bytes(Contexts()[0], dtype, matrices, rows, columns, capacity, &bytes));
  return bytes;
}

// Whether this processor has packs of quantised rows, and of plain ones.
bool IsPacking() { return PackedBytes(CI_Q4_0, 1, 32, 32, 1) > 0; }
bool IsPackingPlain() { return PackedBytes(CI_F16, 1, 32, 32, 1) > 0; }

// Memory of the backend, with a mark behind it.
class Memory {
 public:
  explicit Memory(int64_t bytes) : bytes_(bytes) {
    ci_address address = 0;
    CHECK_OK(ci_memory_allocate(Contexts()[0], bytes + kMark, &address));
    data_ = reinterpret_cast<uint8_t*>(address);
    std::memset(data_, 0xa5, static_cast<size_t>(bytes + kMark));
  }
  ~Memory() { CHECK_OK(ci_memory_free(Contexts()[0], data_, bytes_ + kMark)); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  uint8_t* data() const { return data_; }
  bool KeptMark() const { return std::count(data_ + bytes_, data_ + bytes_ + kMark, 0xa5) == kMark; }

 private:
  static constexpr int64_t kMark = 64;
  const int64_t bytes_;
  uint8_t* data_;
};

// Packs of a matrix, and of another beside it if there is one; without data where the dtype is not packed here.
class Pack {
 public:
  Pack(const Weights& weight, const void* beside, int32_t rows, int32_t columns, const int32_t* ids, int32_t core) {
    const int64_t bytes = PackedBytes(weight.dtype, beside == nullptr ? 1 : 2, rows, columns, core);
    if (bytes == 0) return;
    memory_ = std::make_unique<Memory>(bytes);
    for (ci_context* c : RepeatedContexts()) {
      CHECK_OK(ci_host_pack(c, weight.dtype, weight.data(), beside, rows, columns, ids, &core, memory_->data()));
    }
    CHECK(memory_->KeptMark());
  }

  const uint8_t* data() const { return memory_ == nullptr ? nullptr : memory_->data(); }

 private:
  std::unique_ptr<Memory> memory_;
};

struct Case {
  std::vector<int32_t> ids;     // empty for all
  std::vector<uint32_t> users;  // empty for all
  std::vector<int32_t> order;   // of the packed gate and up; empty for that of the list
  std::vector<float> x;
  int32_t tokens;
};

void CheckPacked(const Layer& layer, const Case& what, Random& random) {
  const auto core = what.ids.empty() ? layer.neurons : static_cast<int32_t>(what.ids.size());
  const int32_t* const ids = what.ids.empty() ? nullptr : what.ids.data();
  const uint32_t* const users = what.users.empty() ? nullptr : what.users.data();
  std::vector<int32_t> rows;
  for (const int32_t entry : what.order) rows.push_back(ids == nullptr ? entry : ids[entry]);
  const int32_t* const row_ids = what.order.empty() ? ids : rows.data();
  const Pack up(layer.gated ? layer.gate : layer.up, layer.gated ? layer.up.data() : nullptr, layer.neurons, layer.dim,
                row_ids, core);
  const Pack down(layer.down, nullptr, layer.neurons, layer.dim, ids, core);
  const std::vector<float> start = random.Values(int64_t{what.tokens} * layer.dim);
  std::vector<float> activations(static_cast<size_t>(what.tokens) * static_cast<size_t>(layer.neurons));
  const auto want = OnEveryContext(start, layer.name(), [&](ci_context* c, float* y) {
    return layer.DecodeTokens(c, what.x.data(), what.tokens, ids, core, activations.data(), y, users);
  });
  for (int packs = 1; packs <= 3; ++packs) {
    const uint8_t* const packed_up = (packs & 1) != 0 ? up.data() : nullptr;
    const uint8_t* const packed_down = (packs & 2) != 0 && IsPackedDown(layer.down.dtype) ? down.data() : nullptr;
    if (packed_up == nullptr && packed_down == nullptr) continue;
    const auto got = OnEveryContext(start, layer.name(), [&](ci_context* c, float* y) {
      return ci_host_ffn_decode_packed(c, layer.activation, layer.up.dtype, layer.gated ? layer.gate.data() : nullptr,
                                       layer.up.data(), layer.biased ? layer.gate_bias.data() : nullptr,
                                       layer.biased ? layer.up_bias.data() : nullptr, layer.down.dtype,
                                       layer.down.data(), layer.biased ? layer.down_bias.data() : nullptr, packed_up,
                                       what.order.empty() ? nullptr : what.order.data(), packed_down, what.x.data(),
                                       what.tokens, ids, &core, users, layer.neurons, layer.dim, activations.data(), y);
    });
    CHECK_SAME(got, want, Shape("packs,core,tokens", {packs, core, what.tokens}) + " of " + layer.name());
  }
}

std::vector<int32_t> Portion(int32_t neurons, int32_t tenths, Random& random) {
  std::vector<int32_t> ids;
  for (int32_t n = 0; n < neurons; ++n) {
    if (random.Below(10) < tenths) ids.push_back(n);
  }
  if (ids.empty()) ids.push_back(neurons / 2);
  return ids;
}

std::vector<uint32_t> RandomUsers(size_t count, int32_t tokens, Random& random) {
  std::vector<uint32_t> users;
  for (size_t i = 0; i < count; ++i) users.push_back(static_cast<uint32_t>(random.Below(1 << tokens)));
  return users;
}

std::vector<int32_t> Shuffled(size_t count, Random& random) {
  std::vector<int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = 1; i < count; ++i)
    std::swap(order[i], order[static_cast<size_t>(random.Below(static_cast<int32_t>(i + 1)))]);
  return order;
}

// Some neurons or all, in any order, for tokens that use all of them or some.
Case AnyCase(const Layer& layer, int32_t tokens, bool lists_all, int variant, Random& random) {
  Case what{{}, {}, {}, random.Values(int64_t{tokens} * layer.dim), tokens};
  if (!lists_all) what.ids = Portion(layer.neurons, 1 + random.Below(9), random);
  const size_t listed = lists_all ? static_cast<size_t>(layer.neurons) : what.ids.size();
  if (tokens > 1 && variant % 2 == 0) what.users = RandomUsers(listed, tokens, random);
  if (variant % 3 == 0) what.order = Shuffled(listed, random);
  return what;
}

// What is not packed stands beside what is.
TEST(PackedRowsGiveTheSameBits) {
  Random random(140);
  if (!IsPacking()) return Skip("this processor packs nothing");
  int variant = 0;
  const auto check = [&](int32_t up, int32_t down, int32_t least_neurons, int32_t least_dim) {
    const int32_t neurons = Whole(down, least_neurons, true);
    const int32_t dim = Whole(up, least_dim, false);
    ++variant;
    constexpr int32_t kTokens[] = {1, 3, 1, 2, 1, 16, 7};
    const int32_t tokens = kTokens[variant % (neurons > 300 ? 4 : 7)];
    const int32_t activation = variant % 4;
    const bool gated = activation == CI_DRELU || variant % 3 != 0;
    const Layer layer(activation, gated, up, down, neurons, dim, variant % 2 == 0, random);
    CheckPacked(layer, AnyCase(layer, tokens, variant % 5 == 0, variant, random), random);
  };
  for (size_t i = 0; i < std::size(kPackedDtypes); ++i) {
    for (const auto& [neurons, dim] :
         {std::pair<int32_t, int32_t>{32, 32}, {64, 96}, {96, 224}, {256, 256}, {768, 512}, {224, 160}}) {
      check(kPackedDtypes[i], kPackedDowns[i], neurons, dim);
      check(kPackedDtypes[i], kPackedDowns[(i + 5) % std::size(kPackedDowns)], neurons, dim);
      check(kPackedDtypes[i], CI_F32, neurons, dim);
      check(CI_F16, kPackedDowns[i], neurons, dim);
    }
  }
}

TEST(PackedPlainRowsGiveTheSameBits) {
  Random random(146);
  if (!IsPackingPlain()) return Skip("this processor packs no plain rows");
  int variant = 0;
  for (const int32_t dtype : kPackedPlain) {
    for (const auto& [neurons, dim] :
         {std::pair<int32_t, int32_t>{1, 1}, {13, 3}, {33, 31}, {64, 64}, {40, 257}, {600, 96}, {70, 1120}}) {
      for (const int32_t tokens : {1, 2, 3, 7, 16}) {
        const bool gated = ++variant % 3 != 0;
        const Layer layer(variant % 2 == 0 ? CI_SILU : CI_GELU, gated, dtype, variant % 4 == 0 ? CI_F32 : dtype,
                          neurons, dim, variant % 2 == 0, random);
        CheckPacked(layer, AnyCase(layer, tokens, variant % 4 == 0, variant, random), random);
      }
    }
  }
}

// Vectors that cannot become integers, or whose activations cannot, are computed from the weights themselves; whole
// groups without an activation are passed over.
TEST(PackedRowsTakeExtremeVectors) {
  Random random(141);
  if (!IsPacking()) return Skip("this processor packs nothing");
  for (size_t dtype = 0; dtype < std::size(kPackedDtypes); ++dtype) {
    const int32_t dim = Whole(kPackedDtypes[dtype], 160, false);
    const Layer layer(CI_SILU, true, kPackedDtypes[dtype], kPackedDowns[dtype], 256, dim, false, random);
    for (const float value : {0.0f, 1e37f, 1e-38f, std::numeric_limits<float>::infinity()}) {
      Case what{Portion(256, 4, random), {}, {}, random.Values(int64_t{3} * dim), 3};
      const auto second = what.x.begin() + dim;
      for (int32_t i = 0; i < dim; ++i) second[i] = i % 3 == 0 ? value : 0.0f;
      CheckPacked(layer, what, random);
    }
  }
}

// Of any number of rows, with a bias and added to what is there.
void CheckPackedMatrix(int32_t dtype, int32_t rows, int32_t columns, int variant, Random& random) {
  constexpr int32_t kTokens[] = {1, 2, 3, 4, 7, 16};
  const int32_t tokens = kTokens[variant % 6];
  const Weights weight(dtype, rows, columns, random);
  const Pack packed(weight, nullptr, rows, columns, nullptr, rows);
  const std::vector<float> bias = random.Values(rows);
  const float* const added = variant % 2 == 0 ? bias.data() : nullptr;
  const int32_t accumulate = variant % 3 == 0 ? 1 : 0;
  const std::vector<float> start = random.Values(int64_t{tokens} * rows);
  for (const bool is_extreme : {false, true}) {
    std::vector<float> x = random.Values(int64_t{tokens} * columns);
    if (is_extreme) x.back() = std::numeric_limits<float>::infinity();
    const std::string name = Shape("dtype,rows,columns,tokens", {dtype, rows, columns, tokens});
    const auto want = OnEveryContext(start, name, [&](ci_context* c, float* y) {
      return ci_matvec(c, dtype, weight.data(), added, x.data(), tokens, rows, columns, accumulate, y);
    });
    const auto got = OnEveryContext(start, name, [&](ci_context* c, float* y) {
      return ci_host_matvec_packed(c, dtype, weight.data(), packed.data(), added, x.data(), tokens, rows, columns,
                                   accumulate, y);
    });
    CHECK_SAME(got, want, name);
  }
}

TEST(PackedMatricesGiveTheSameBits) {
  Random random(144);
  if (!IsPacking()) return Skip("this processor packs nothing");
  int variant = 0;
  for (const int32_t dtype : kPackedDtypes) {
    for (const auto& [rows, columns] :
         {std::pair<int32_t, int32_t>{1, 32}, {16, 128}, {33, 96}, {48, 224}, {100, 256}, {500, 160}}) {
      CheckPackedMatrix(dtype, rows, Whole(dtype, columns, false), ++variant, random);
    }
  }
}

TEST(PackedPlainMatricesGiveTheSameBits) {
  Random random(147);
  if (!IsPackingPlain()) return Skip("this processor packs no plain rows");
  int variant = 0;
  for (const int32_t dtype : kPackedPlain) {
    for (const auto& [rows, columns] :
         {std::pair<int32_t, int32_t>{1, 1}, {16, 15}, {33, 16}, {48, 17}, {100, 31}, {500, 160}, {17, 1001}}) {
      CheckPackedMatrix(dtype, rows, columns, ++variant, random);
    }
  }
}

struct PackedWeights {
  PackedWeights(int32_t dtype, int32_t matrix_rows, int32_t columns, Random& random)
      : rows(matrix_rows),
        weight(dtype, rows, columns, random),
        bias(random.Values(rows)),
        packed(weight, nullptr, rows, columns, nullptr, rows) {}

  const int32_t rows;
  const Weights weight;
  const std::vector<float> bias;
  const Pack packed;
};

// Queries, keys and values one after another in one vector.
TEST(AttentionInputsHaveTheBitsOfThreeProducts) {
  Random random(145);
  if (!IsPacking()) return Skip("this processor packs nothing");
  int variant = 0;
  std::vector<int32_t> dtypes(std::begin(kPackedDtypes), std::end(kPackedDtypes));
  dtypes.insert(dtypes.end(), std::begin(kPackedPlain), std::end(kPackedPlain));
  for (const int32_t dtype : dtypes) {
    for (const auto& [query_rows, kv_rows] : {std::pair<int32_t, int32_t>{1, 1}, {64, 64}, {192, 32}, {33, 17}}) {
      const int32_t columns = Whole(dtype, ++variant % 2 == 0 ? 96 : 256, false);
      const int32_t tokens = variant % 3 == 0 ? 5 : variant % 3;
      const PackedWeights query(dtype, query_rows, columns, random);
      const PackedWeights key(dtype, kv_rows, columns, random);
      const PackedWeights value(dtype, kv_rows, columns, random);
      const bool is_biased = variant % 2 == 0;
      const auto bias_of = [&](const PackedWeights& w) { return is_biased ? w.bias.data() : nullptr; };
      const int64_t key_at = int64_t{tokens} * query_rows;
      const int64_t value_at = key_at + int64_t{tokens} * kv_rows;
      const std::vector<float> start(static_cast<size_t>(value_at + int64_t{tokens} * kv_rows));
      for (const bool is_extreme : {false, true}) {
        std::vector<float> x = random.Values(int64_t{tokens} * columns);
        if (is_extreme) x.back() = std::numeric_limits<float>::infinity();
        const std::string name = Shape("dtype,query,kv,columns,tokens", {dtype, query_rows, kv_rows, columns, tokens});
        const auto multiply = [&](ci_context* c, const PackedWeights& w, float* y) {
          return ci_matvec(c, dtype, w.weight.data(), bias_of(w), x.data(), tokens, w.rows, columns, 0, y);
        };
        const auto want = OnEveryContext(start, name, [&](ci_context* c, float* y) {
          CHECK_OK(multiply(c, query, y));
          CHECK_OK(multiply(c, key, y + key_at));
          return multiply(c, value, y + value_at);
        });
        const auto got = OnEveryContext(start, name, [&](ci_context* c, float* y) {
          return ci_host_attention_inputs_packed(c, dtype, query.weight.data(), query.packed.data(), bias_of(query),
                                                 query_rows, key.weight.data(), key.packed.data(), bias_of(key),
                                                 value.weight.data(), value.packed.data(), bias_of(value), kv_rows,
                                                 x.data(), tokens, columns, y, y + key_at, y + value_at);
        });
        CHECK_SAME(got, want, name);
      }
    }
  }
}

// Where prefill computes in integers, as decode does, a token has the same bits, whatever else is in its prompt.
void CheckPrompt(const Weights& weight, int32_t tokens, int32_t rows, int32_t columns, Random& random) {
  std::vector<float> values = random.Values(int64_t{tokens} * columns);
  // Only F32 can take this one.
  values[static_cast<size_t>(tokens / 2) * static_cast<size_t>(columns)] = 1e38f;
  const Array<float> x(values);
  const std::vector<float> start = random.Values(int64_t{tokens} * rows);
  const std::string what = Shape("prompt dtype,tokens,rows,columns", {weight.dtype, tokens, rows, columns});
  const auto prompt = OnEveryContext(start, what, [&](ci_context* c, float* y) {
    return ci_matmul(c, weight.dtype, weight.data(), nullptr, x.data(), tokens, rows, columns, 1, y);
  });
  for (int64_t t = 0; t < tokens; ++t) {
    const std::vector<float> own(start.begin() + t * rows, start.begin() + (t + 1) * rows);
    const auto decoded = OnEveryContext(own, what, [&](ci_context* c, float* y) {
      return ci_matvec(c, weight.dtype, weight.data(), nullptr, x.data() + t * columns, 1, rows, columns, 1, y);
    });
    const std::vector<float> got(prompt.begin() + t * rows, prompt.begin() + (t + 1) * rows);
    CHECK_SAME(got, decoded, what + " token " + std::to_string(t));
  }
}

TEST(PromptsHaveTheBitsOfDecoding) {
  if (!IsPacking()) return Skip("prompts in integers, because no rows are packed on this processor");
  const std::string description = ci_context_description(Contexts()[0]);
  if (description.find("amx,") != std::string::npos) {
    return Skip("prompts in integers, because this processor's matrix registers multiply them");
  }
  Random random(57);
  for (const int32_t dtype : kPackedDtypes) {
    for (const auto& [tokens, rows, least_columns] :
         {std::tuple(1, 1, 32), std::tuple(3, 17, 160), std::tuple(6, 49, 96), std::tuple(9, 300, 256),
          std::tuple(4, 70, 11008 / Slowness())}) {
      const int32_t columns = Whole(dtype, least_columns, false);
      CheckPrompt(Weights(dtype, rows, columns, random), tokens, rows, columns, random);
    }
  }
}

TEST(PackedRowsOfAnEmptyList) {
  Random random(142);
  const Layer layer(CI_SILU, true, CI_Q4_0, CI_Q4_0_SHARED, 64, 64, true, random);
  if (!IsPacking()) return Skip("this processor packs nothing");
  const int32_t none = 0;
  const Memory packed(65536);
  const std::vector<float> x = random.Values(64);
  std::vector<float> activations(64);
  const std::vector<float> start = random.Values(64);
  CHECK_OK(
      ci_host_pack(Contexts()[0], CI_Q4_0_SHARED, layer.down.data(), nullptr, 64, 64, nullptr, &none, packed.data()));
  const auto got = OnEveryContext(start, "empty", [&](ci_context* c, float* y) {
    return ci_host_ffn_decode_packed(c, CI_SILU, CI_Q4_0, layer.gate.data(), layer.up.data(), nullptr, nullptr,
                                     CI_Q4_0_SHARED, layer.down.data(), nullptr, packed.data(), nullptr, packed.data(),
                                     x.data(), 1, nullptr, &none, nullptr, 64, 64, activations.data(), y);
  });
  CHECK_SAME(got, start, "nothing is added");
}

TEST(PacksAreChecked) {
  Random random(143);
  const Layer layer(CI_SILU, true, CI_Q4_0, CI_Q4_0_SHARED, 64, 64, false, random);
  ci_context* c = Contexts()[0];
  const Memory packed(65536);
  std::vector<float> f(64);
  int64_t bytes = 0;
  const int32_t one = 1;
  const int32_t ids[] = {64};
  CHECK_FAILS(ci_host_packed_bytes(c, CI_Q4_0, 1, 64, 64, 65, &bytes), CI_INVALID_ARGUMENT, "capacity=65");
  CHECK_FAILS(ci_host_packed_bytes(c, CI_Q4_0, 1, 64, 33, 1, &bytes), CI_INVALID_ARGUMENT, "columns=33");
  CHECK_FAILS(ci_host_packed_bytes(c, CI_Q4_0, 3, 64, 64, 1, &bytes), CI_INVALID_ARGUMENT, "matrices=3");
  CHECK_FAILS(ci_host_packed_bytes(c, CI_Q4_0_SHARED, 2, 64, 64, 1, &bytes), CI_INVALID_ARGUMENT, "matrices=2");
  if (!IsPacking()) return Skip("this processor packs nothing");
  const int32_t twice[] = {3, 3};
  const auto pack = [&](const Weights& weight, const void* beside, const int32_t* listed, int32_t core, void* target) {
    return ci_host_pack(c, weight.dtype, weight.data(), beside, 64, 64, listed, &core, target);
  };
  CHECK_FAILS(pack(layer.down, nullptr, twice, 2, packed.data()), CI_INVALID_ARGUMENT, "core_ids[1]=3");
  CHECK_FAILS(pack(layer.down, layer.down.data(), nullptr, 1, packed.data()), CI_INVALID_ARGUMENT, "beside a down");
  CHECK_FAILS(pack(layer.up, nullptr, ids, 1, packed.data()), CI_INVALID_ARGUMENT, "core_ids=64");
  CHECK_FAILS(pack(layer.up, nullptr, nullptr, 1, nullptr), CI_INVALID_ARGUMENT, "packed");
  CHECK_FAILS(pack(Weights(CI_F32, 64, 64, random), nullptr, nullptr, 1, packed.data()), CI_UNSUPPORTED, "dtype=0");
  CHECK_FAILS(pack(layer.up, nullptr, nullptr, 1, packed.data() + 32), CI_INVALID_ARGUMENT, "multiple of 64");
  const auto decode = [&](int32_t up_dtype, const void* up, int32_t entry = 0) {
    return ci_host_ffn_decode_packed(c, CI_SILU, up_dtype, layer.gate.data(), layer.up.data(), nullptr, nullptr,
                                     CI_Q4_0_SHARED, layer.down.data(), nullptr, up, &entry, nullptr, f.data(), 1,
                                     nullptr, &one, nullptr, 64, 64, f.data(), f.data());
  };
  CHECK_FAILS(decode(CI_Q4_0, packed.data() + 4), CI_INVALID_ARGUMENT, "multiple of 64");
  CHECK_FAILS(decode(CI_Q4_0, packed.data(), 1), CI_INVALID_ARGUMENT, "packed_order=1");
  const auto inputs = [&](int32_t dtype, const void* packed_key, int32_t kv_rows, float* value_out) {
    return ci_host_attention_inputs_packed(c, dtype, layer.up.data(), packed.data(), nullptr, 64, layer.up.data(),
                                           packed_key, nullptr, layer.up.data(), packed.data(), nullptr, kv_rows,
                                           f.data(), 1, 64, f.data(), f.data(), value_out);
  };
  CHECK_FAILS(inputs(CI_Q4_0, nullptr, 64, f.data()), CI_INVALID_ARGUMENT, "packed_key");
  CHECK_FAILS(inputs(CI_Q4_0, packed.data() + 8, 64, f.data()), CI_INVALID_ARGUMENT, "multiple of 64");
  CHECK_FAILS(inputs(CI_Q4_0, packed.data(), 0, f.data()), CI_INVALID_ARGUMENT, "a size of key");
  CHECK_FAILS(inputs(CI_Q4_0, packed.data(), 64, nullptr), CI_INVALID_ARGUMENT, "value_out");
  CHECK_FAILS(inputs(CI_F32, packed.data(), 64, f.data()), CI_UNSUPPORTED, "dtype=0");
  CHECK_FAILS(decode(CI_F32, packed.data()), CI_UNSUPPORTED, "up_dtype=0");
}

}  // namespace
