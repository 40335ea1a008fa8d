// Tokens that use different neurons of one list: each gets what it gets alone with a list of its own, bit for bit, and
// what double precision says.
#include <algorithm>
#include <vector>

#include "coreinfer/kernels.h"
#include "ffn_layer.h"
#include "harness.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

// What the tokens of a case use.
struct Uses {
  std::vector<int32_t> list;              // every neuron that somebody uses, and some that nobody does
  std::vector<uint32_t> users;            // by entry of the list
  std::vector<std::vector<int32_t>> own;  // by token
};

// Token 1 uses nothing, token 2 everything that is listed, the others at random; bits of tokens that do not exist are
// set.
Uses RandomUses(int32_t neurons, int32_t tokens, bool lists_all, Random& random) {
  Uses uses;
  uses.own.resize(static_cast<size_t>(tokens));
  for (int32_t n = 0; n < neurons; ++n) {
    if (!lists_all && random.Below(5) == 0) continue;
    uint32_t bits = ~uint32_t{0} << tokens;
    for (int32_t t = 0; t < tokens; ++t) {
      if (t != 2 && (t == 1 || random.Below(5) < 3)) continue;
      bits |= uint32_t{1} << t;
      uses.own[static_cast<size_t>(t)].push_back(n);
    }
    uses.list.push_back(n);
    uses.users.push_back(bits);
  }
  return uses;
}

void CheckUsers(const Layer& layer, int32_t tokens, bool lists_all, Random& random) {
  const int64_t dim = layer.dim;
  const Uses uses = RandomUses(layer.neurons, tokens, lists_all, random);
  if (uses.list.empty()) return;
  const auto core = static_cast<int32_t>(uses.list.size());
  const Array<int32_t> list(uses.list);
  const Array<uint32_t> users(uses.users);
  std::vector<float> vectors = random.Values(tokens * dim);
  for (int64_t i = 0; i < dim / 2; i += 2) vectors[static_cast<size_t>(i)] = 0.0f;
  if (random.Below(3) == 0) vectors[0] = 1e37f;  // which is not taken in integers
  const Array<float> x(vectors);
  const std::vector<float> start = random.Values(tokens * dim);
  const Array<float> activations{std::vector<float>(static_cast<size_t>(tokens) * static_cast<size_t>(layer.neurons))};
  const auto together = OnEveryContext(start, layer.name(), [&](ci_context* c, float* y) {
    return layer.DecodeTokens(c, x.data(), tokens, lists_all ? nullptr : list.data(), core, activations.data(), y,
                              users.data());
  });
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<int32_t> own_ids = uses.own[static_cast<size_t>(t)];
    const auto own_core = static_cast<int32_t>(own_ids.size());
    const std::vector<float> own_start(start.begin() + t * dim, start.begin() + (t + 1) * dim);
    const std::vector<float> got(together.begin() + t * dim, together.begin() + (t + 1) * dim);
    const Expected want = Reference(layer, x.values().data() + t * dim, own_ids, own_start.data());
    if (own_ids.empty()) own_ids.push_back(0);
    const Array<int32_t> own(own_ids);
    const auto alone = OnEveryContext(own_start, layer.name(), [&](ci_context* c, float* y) {
      return layer.Decode(c, x.data() + t * dim, own.data(), own_core, activations.data(), y);
    });
    CHECK_SAME(got, alone, Shape("token", {t}) + " of " + layer.name());
    if (vectors[0] == 1e37f && t == 0) continue;  // overflows
    CHECK_CLOSE(got, want.y, want.y_scale, kFfnTolerance + layer.Rounding(),
                Shape("token", {t}) + " of " + layer.name());
  }
}

TEST(TokensMayUseDifferentNeurons) {
  Random random(90);
  int variant = 0;
  for (const DtypeName& up : Dtypes()) {
    for (const DtypeName& down : AllDtypes()) {
      for (const auto& [neurons, dim] :
           {std::pair<int32_t, int32_t>{13, 3}, {33, 31}, {64, 32}, {96, 160}, {256, 256}, {207, 257}}) {
        if (!Fits(up.dtype, neurons, dim) || !Fits(down.dtype, neurons, dim)) continue;
        ++variant;
        if (Slowness() > 1 && variant % 3 != 0 && neurons > 64) continue;
        constexpr int32_t kTokens[] = {3, 1, 4, 2, 16, 7};
        const int32_t activation = variant % 4;
        const bool gated = activation == CI_DRELU || variant % 3 != 0;
        const Layer layer(activation, gated, up.dtype, down.dtype, neurons, dim, variant % 2 == 0, random);
        CheckUsers(layer, kTokens[variant % (Slowness() > 1 ? 4 : 6)], variant % 5 < 2, random);
      }
    }
  }
}

// More rows than a cache keeps, so that they are added in several pieces.
TEST(TokensOfALargeLayerMayUseDifferentNeurons) {
  Random random(91);
  for (const int32_t activation : {CI_SILU, CI_RELU}) {
    const int32_t neurons = 2080 / Slowness() / 32 * 32;
    CheckUsers(Layer(activation, true, CI_F16, CI_F32, neurons, 320, true, random), 5, false, random);
    CheckUsers(Layer(activation, true, CI_Q8_0, CI_Q8_0, neurons, 320, true, random), 5, false, random);
    CheckUsers(Layer(activation, true, CI_Q4_0, CI_Q4_0_SHARED, neurons, 320, true, random), 5, true, random);
  }
}

TEST(TokensThatUseEverythingAreThoseWithoutUsers) {
  Random random(92);
  const Layer layer(CI_GELU, true, CI_BF16, CI_F16, 70, 50, true, random);
  const Array<float> x(random.Values(3 * 50));
  const std::vector<float> start = random.Values(3 * 50);
  const Array<uint32_t> users(std::vector<uint32_t>(70, 7));
  const Array<float> activations{std::vector<float>(3 * 70)};
  const auto decode = [&](const uint32_t* masks) {
    return OnEveryContext(start, layer.name(), [&](ci_context* c, float* y) {
      return layer.DecodeTokens(c, x.data(), 3, nullptr, 70, activations.data(), y, masks);
    });
  };
  CHECK_SAME(decode(users.data()), decode(nullptr), "every bit set");
}

}  // namespace
