// What only the CPU backend promises: threads, ranges of values in memory, host memory, equal bits of a prompt in
// parts.
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "coreinfer/host.h"
#include "coreinfer/kernels.h"
#include "harness.h"
#include "paged_cache.h"
#include "reference.h"

namespace {

using namespace coreinfer_test;

TEST(ContextNamesItsThreads) {
  const std::string description = ci_context_description(Contexts()[1]);
  CHECK(description.find("CPU") != std::string::npos);
  CHECK(description.find("2 threads") != std::string::npos);
}

TEST(ThreadsThatFellAsleepGoOn) {
  Random random(9);
  const Weights weight(CI_F32, 256, 64, random);
  const std::vector<float> x = random.Values(weight.columns);
  const auto product = [&](ci_context* c, float* y) {
    return ci_matvec(c, weight.dtype, weight.data(), nullptr, x.data(), 1, weight.rows, weight.columns, 0, y);
  };
  const std::vector<float> nothing(static_cast<size_t>(weight.rows));
  const std::vector<float> want = OnEveryContext(nothing, "awake", product);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    CHECK_SAME(OnEveryContext(nothing, "asleep", product), want, "after a sleep");
  }
}

// The dot of one row with a context of its own.
float DotWith(int32_t activation_bits, const Weights& row, const std::vector<float>& x) {
  ci_address address = 0;
  CHECK_OK(ci_host_context_create(1, activation_bits, &address));
  auto* const context = reinterpret_cast<ci_context*>(address);
  const std::string description = ci_context_description(context);
  CHECK((description.find(", 8-bit activations") != std::string::npos) == (activation_bits == 8));
  float y = 0.0f;
  CHECK_OK(ci_matvec(context, row.dtype, row.data(), nullptr, x.data(), 1, 1, row.columns, 0, &y));
  ci_context_destroy(context);
  return y;
}

TEST(ActivationsKeepAsManyBitsAsAskedFor) {
  Random random(8);
  const Weights row(CI_Q4_0, 1, 4096, random);
  const std::vector<float> x = random.Values(row.columns);
  double want = 0.0;
  for (int32_t i = 0; i < row.columns; ++i) want += row.at(0, i) * double{x[static_cast<size_t>(i)]};
  const double error_of_16 = std::abs(DotWith(16, row, x) - want);
  const double error_of_8 = std::abs(DotWith(8, row, x) - want);
  const bool splits = VectorRounding(row.dtype) > 0.0;
  CHECK(splits ? error_of_8 > 16 * error_of_16 : error_of_8 == error_of_16);
}

TEST(RefusesOtherBitsOfActivations) {
  ci_address address = 0;
  for (const int32_t bits : {-8, 0, 4, 12, 32}) {
    CHECK_FAILS(ci_host_context_create(1, bits, &address), CI_INVALID_ARGUMENT,
                "activation_bits=" + std::to_string(bits));
  }
  CHECK_FAILS(ci_host_context_create(0, 8, &address), CI_INVALID_ARGUMENT, "threads=0");
  CHECK_FAILS(ci_host_context_create(1, 8, nullptr), CI_INVALID_ARGUMENT, "context is null");
  CHECK(address == 0);
}

TEST(AllocatedMemoryIsTheHosts) {
  for (const int64_t bytes : {int64_t{1}, int64_t{4194303}, int64_t{4194304}, int64_t{5000001}}) {
    ci_address address = 0;
    CHECK_OK(ci_memory_allocate(Contexts()[0], bytes, &address));
    auto* memory = reinterpret_cast<uint8_t*>(address);
    std::memset(memory, 255, static_cast<size_t>(bytes));
    CHECK(memory[bytes - 1] == 255);
    CHECK_OK(ci_memory_free(Contexts()[0], memory, bytes));
  }
}

TEST(ScratchRunsOutAndTheContextStaysUsable) {
  int policy = 0;
  std::ifstream("/proc/sys/vm/overcommit_memory") >> policy;
  if (policy == 1) return Skip("this system grants any amount of memory");
  // What so many positions of heads of this size leave is terabytes; the cache is never read.
  const float value = 1.0f;
  const int32_t position = INT32_MAX - 1;
  float score = 0.0f;
  const uint64_t page = 0;
  ci_context* context = Contexts()[3];
  CHECK_FAILS(
      ci_attention_decode(context, &value, 1, 1, 1, 1 << 20, &position, 0, 1.0f, INT32_MAX, CI_F32, &page, &score),
      CI_OUT_OF_MEMORY, "bytes=");
  CHECK_OK(ci_add(context, &value, 1, &score));
  CHECK(score == 1.0f);
}

TEST(TokensAreChecked) {
  const float table[64] = {};
  float y[64];
  ci_context* c = Contexts()[0];
  int32_t token = 2;
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "token=2, allowed 0..1");
  token = -1;
  CHECK_FAILS(ci_embedding_lookup(c, CI_F32, table, 2, 32, &token, 1, y), CI_INVALID_ARGUMENT, "token=-1");
}

TEST(PositionsAreChecked) {
  float x[64] = {};
  const uint64_t pages[] = {reinterpret_cast<uint64_t>(x)};
  ci_context* c = Contexts()[0];
  const int32_t before = -1;
  const int32_t one = 1;
  const int32_t two = 2;
  const int32_t three = 3;
  const int32_t four = 4;
  CHECK_FAILS(ci_rope(c, x, 2, 1, 0, 2, 1, 2, &one, x), CI_INVALID_ARGUMENT, "first_position=1, allowed 0..0");
  CHECK_FAILS(ci_rope(c, x, 2, 1, 0, 1, 1, 2, &before, x), CI_INVALID_ARGUMENT, "first_position=-1");
  CHECK_FAILS(ci_attention_append(c, x, x, 2, 1, 4, &three, 4, CI_F32, pages), CI_INVALID_ARGUMENT, "first_position=3");
  CHECK_FAILS(ci_attention_decode(c, x, 1, 2, 2, 4, &four, 0, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT,
              "position=4");
  CHECK_FAILS(ci_attention_decode(c, x, 1, 2, 2, 4, &before, 0, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT,
              "position=-1");
  CHECK_FAILS(ci_attention_prefill(c, x, 3, 2, 2, 4, &two, 0, 1, 4, CI_F32, pages, x), CI_INVALID_ARGUMENT,
              "position=2");
}

TEST(PagesAreChecked) {
  std::vector<float> page(size_t{2} * CI_CACHE_PAGE * 4);
  const uint64_t pages[] = {reinterpret_cast<uint64_t>(page.data()), 0};
  float x[3 * 8] = {};
  ci_context* c = Contexts()[1];
  const int32_t last = CI_CACHE_PAGE - 1;
  const int32_t next = CI_CACHE_PAGE;
  const int32_t capacity = CI_CACHE_PAGE + 4;
  CHECK_OK(ci_attention_append(c, x, x, 1, 1, 4, &last, capacity, CI_F32, pages));
  CHECK_OK(ci_attention_decode(c, x, 1, 2, 1, 4, &last, 0, 1, capacity, CI_F32, pages, x + 8));
  CHECK_FAILS(ci_attention_append(c, x, x, 2, 1, 4, &last, capacity, CI_F32, pages), CI_INVALID_ARGUMENT,
              "pages[1] is null: positions 255..256");
  CHECK_FAILS(ci_attention_decode(c, x, 1, 2, 1, 4, &next, 0, 1, capacity, CI_F32, pages, x + 8), CI_INVALID_ARGUMENT,
              "pages[1] is null");
  CHECK_FAILS(ci_attention_prefill(c, x, 2, 1, 1, 4, &last, 0, 1, capacity, CI_F32, pages, x + 8), CI_INVALID_ARGUMENT,
              "pages[1] is null");
  // A window leaves the first page unseen.
  const uint64_t forgotten[] = {0, pages[0]};
  CHECK_OK(ci_attention_decode(c, x, 1, 2, 1, 4, &next, 1, 1, capacity, CI_F32, forgotten, x + 8));
}

TEST(NeuronListsAreChecked) {
  std::vector<float> w(4 * 4);
  float* p = w.data();
  const auto decode = [&](const std::vector<int32_t>& ids) {
    const auto core = static_cast<int32_t>(ids.size());
    return ci_ffn_decode(Contexts()[1], CI_RELU, CI_F32, p, p, nullptr, nullptr, CI_F32, p, nullptr, p, 1, ids.data(),
                         &core, nullptr, 4, 4, p, p);
  };
  CHECK_FAILS(decode({0, 4}), CI_INVALID_ARGUMENT, "core_ids[1]=4");
  CHECK_FAILS(decode({-1}), CI_INVALID_ARGUMENT, "core_ids[0]=-1");
  CHECK_FAILS(decode({1, 1}), CI_INVALID_ARGUMENT, "core_ids[1]=1");
  CHECK_FAILS(decode({2, 1}), CI_INVALID_ARGUMENT, "previous=2");
  CHECK_FAILS(decode({0, 1, 2, 3, 4}), CI_INVALID_ARGUMENT, "core=5");
}

TEST(BlocksOf256MustBeWhole) {
  std::vector<float> memory(128 * 128);
  float* p = memory.data();
  ci_context* c = Contexts()[0];
  const int32_t core = 1;
  CHECK_FAILS(ci_matvec(c, CI_Q4_K, p, nullptr, p, 1, 1, 128, 0, p), CI_INVALID_ARGUMENT, "multiple of 256");
  CHECK_FAILS(ci_matvec(c, CI_Q6_K_SHARED, p, nullptr, p, 1, 256, 32, 0, p), CI_UNSUPPORTED, "dtype=18");
  CHECK_FAILS(ci_ffn_decode(c, CI_RELU, CI_F32, p, p, nullptr, nullptr, CI_Q4_K_SHARED, p, nullptr, p, 1, nullptr,
                            &core, nullptr, 128, 32, p, p),
              CI_INVALID_ARGUMENT, "rows=128");
  CHECK_FAILS(ci_ffn_transpose_down(c, CI_Q5_K, p, 128, 32, p), CI_INVALID_ARGUMENT, "columns=128");
  CHECK_FAILS(ci_ffn_transpose_down(c, CI_Q5_K, p, 256, 33, p), CI_INVALID_ARGUMENT, "dim=33");
}

// The answers of a prompt do not depend on how it is cut.
TEST(PromptsGiveTheSameBitsInParts) {
  Random random(60);
  const int32_t heads = 4, kv_heads = 2, head_dim = 72, positions = 270;
  const Array<float> entries(random.Values(int64_t{kv_heads} * positions * head_dim));
  PagedCache cache(kv_heads, positions, head_dim, CI_F32);
  const int32_t start = 0;
  CHECK_OK(ci_attention_append(Contexts()[0], entries.data(), entries.data(), positions, kv_heads, head_dim, &start,
                               positions, CI_F32, cache.pages()));
  const std::vector<float> queries = random.Values(int64_t{positions} * heads * head_dim);
  for (const int32_t window : {0, 100}) {
    std::vector<float> whole(queries.size());
    const auto attend = [&](ci_context* c, int32_t first, int32_t tokens, std::vector<float>* y) {
      const int64_t offset = int64_t{first} * heads * head_dim;
      CHECK_OK(ci_attention_prefill(c, queries.data() + offset, tokens, heads, kv_heads, head_dim, &first, window, 0.5f,
                                    positions, CI_F32, cache.pages(), y->data() + offset));
    };
    attend(Contexts()[2], 0, positions, &whole);
    for (const int32_t step : {1, 19, 64, 200}) {
      std::vector<float> parts(queries.size());
      for (int32_t p = 0; p < positions; p += step) {
        attend(Contexts()[1], p, positions - p < step ? positions - p : step, &parts);
      }
      CHECK_SAME(parts, whole, "in parts of " + std::to_string(step));
    }
  }
}

}  // namespace
