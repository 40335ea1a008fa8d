// Contexts, memory and the behaviour of calls in general: errors, threads, exhaustion.
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "coreinfer/host.h"
#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using coreinfer_test::Contexts;

ci_context* One() { return Contexts()[0]; }

TEST(ContextDescribesItself) {
  const std::string description = ci_context_description(Contexts()[1]);
  CHECK(description.find("CPU") != std::string::npos);
  CHECK(description.find("2 threads") != std::string::npos);
  CHECK(ci_context_description(nullptr) != nullptr);
}

TEST(ContextRejectsBadThreadCounts) {
  ci_address address = 0;
  CHECK_FAILS(ci_context_create(0, &address), CI_INVALID_ARGUMENT, "threads=0");
  CHECK_FAILS(ci_context_create(-1, &address), CI_INVALID_ARGUMENT, "threads=-1");
  CHECK_FAILS(ci_context_create(1025, &address), CI_INVALID_ARGUMENT, "1..1024");
  CHECK_FAILS(ci_context_create(1, nullptr), CI_INVALID_ARGUMENT, "context is null");
  CHECK(address == 0);
}

TEST(ContextComesAndGoes) {
  for (int i = 0; i < 50; ++i) {
    ci_address address = 0;
    CHECK_OK(ci_context_create(1 + i % 5, &address));
    CHECK_OK(ci_context_destroy(reinterpret_cast<ci_context*>(address)));
  }
}

TEST(DestroyingNullDoesNothing) {
  CHECK_OK(ci_context_destroy(nullptr));
  CHECK_OK(ci_context_destroy(nullptr));
}

TEST(ErrorMessageBelongsToTheThread) {
  ci_address address = 0;
  CHECK_FAILS(ci_context_create(-7, &address), CI_INVALID_ARGUMENT, "-7");
  std::string other = "unset";
  std::thread([&] { other = ci_error_message(); }).join();
  CHECK(other.empty());
  CHECK(std::string(ci_error_message()) == "ci_context_create: threads is out of range: threads=-7, allowed 1..1024");
}

TEST(MemoryIsZeroedAndAligned) {
  for (const int64_t bytes :
       {int64_t{1}, int64_t{63}, int64_t{4096}, int64_t{4194303}, int64_t{4194304}, int64_t{5000001}}) {
    ci_address address = 0;
    CHECK_OK(ci_memory_allocate(One(), bytes, &address));
    auto* memory = reinterpret_cast<uint8_t*>(address);
    CHECK(address % 64 == 0);
    bool zero = true;
    for (int64_t i = 0; i < bytes; ++i) zero = zero && memory[i] == 0;
    CHECK(zero);
    std::memset(memory, 255, static_cast<size_t>(bytes));
    CHECK_OK(ci_memory_free(One(), memory, bytes));
  }
}

TEST(MemoryOutlivesItsContext) {
  ci_address context = 0;
  ci_address address = 0;
  CHECK_OK(ci_context_create(2, &context));
  CHECK_OK(ci_memory_allocate(reinterpret_cast<ci_context*>(context), 100, &address));
  CHECK_OK(ci_context_destroy(reinterpret_cast<ci_context*>(context)));
  std::memset(reinterpret_cast<void*>(address), 1, 100);
  CHECK_OK(ci_memory_free(One(), reinterpret_cast<void*>(address), 100));
}

TEST(MemoryRejectsBadSizes) {
  ci_address address = 0;
  CHECK_FAILS(ci_memory_allocate(One(), 0, &address), CI_INVALID_ARGUMENT, "bytes=0");
  CHECK_FAILS(ci_memory_allocate(One(), -5, &address), CI_INVALID_ARGUMENT, "bytes=-5");
  CHECK_FAILS(ci_memory_allocate(One(), 1, nullptr), CI_INVALID_ARGUMENT, "memory is null");
  CHECK_FAILS(ci_memory_allocate(nullptr, 1, &address), CI_INVALID_ARGUMENT, "context is null");
  CHECK_OK(ci_memory_free(One(), nullptr, 10));
}

TEST(MemoryRunsOutWithTheSize) {
  ci_address address = 0;
  CHECK_FAILS(ci_memory_allocate(One(), int64_t{1} << 60, &address), CI_OUT_OF_MEMORY, "bytes=1152921504606846976");
  CHECK_FAILS(ci_memory_allocate(One(), INT64_MAX, &address), CI_OUT_OF_MEMORY, "bytes=9223372036854775807");
  CHECK(address == 0);
  CHECK_OK(ci_memory_allocate(One(), 64, &address));
  CHECK_OK(ci_memory_free(One(), reinterpret_cast<void*>(address), 64));
}

TEST(ScratchRunsOutAndTheContextStaysUsable) {
  int policy = 0;
  std::ifstream("/proc/sys/vm/overcommit_memory") >> policy;
  if (policy == 1) return coreinfer_test::Skip("this system grants any amount of memory");
  // The scratch for heads of this size is terabytes; the cache is never read.
  const float value = 1.0f;
  float score = 0.0f;
  ci_context* context = Contexts()[3];
  CHECK_FAILS(ci_attention_decode(context, &value, 1, 1, INT32_MAX, 0, 0, 1.0f, 1, CI_F32, &value, &value, &score),
              CI_OUT_OF_MEMORY, "bytes=");
  CHECK_OK(ci_add(context, &value, 1, &score));
  CHECK(score == 1.0f);
}

TEST(MemoryCopiesBothWays) {
  const std::vector<uint8_t> host = {1, 2, 3, 4, 5};
  std::vector<uint8_t> back(5);
  ci_address address = 0;
  CHECK_OK(ci_memory_allocate(One(), 5, &address));
  auto* memory = reinterpret_cast<void*>(address);
  CHECK_OK(ci_memory_upload(One(), host.data(), 5, memory));
  CHECK_OK(ci_memory_download(One(), memory, 5, back.data()));
  CHECK(back == host);
  CHECK_FAILS(ci_memory_upload(One(), nullptr, 5, memory), CI_INVALID_ARGUMENT, "host is null");
  CHECK_FAILS(ci_memory_download(One(), memory, -1, back.data()), CI_INVALID_ARGUMENT, "bytes=-1");
  CHECK_OK(ci_memory_free(One(), memory, 5));
}

TEST(CallersOfOneContextTakeTurns) {
  coreinfer_test::Random random(5);
  const coreinfer_test::Weights weight(CI_F32, 207, 64, random);
  const std::vector<float> x = random.Values(64);
  std::vector<float> want(207);
  CHECK_OK(ci_matvec(One(), CI_F32, weight.data(), nullptr, x.data(), 207, 64, 0, want.data()));
  for (ci_context* context : Contexts()) {
    std::vector<std::vector<float>> got(4, std::vector<float>(207));
    std::vector<std::thread> callers;
    for (auto& y : got) {
      callers.emplace_back([&y, &weight, &x, context] {
        for (int i = 0; i < 100; ++i) {
          ci_matvec(context, CI_F32, weight.data(), nullptr, x.data(), 207, 64, 0, y.data());
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (const auto& y : got) CHECK_SAME(y, want, "concurrent matvec");
  }
}

}  // namespace
