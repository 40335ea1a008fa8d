// Contexts, memory and the behaviour of calls in general: errors, threads, exhaustion.
#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "coreinfer/kernels.h"
#include "harness.h"
#include "reference.h"

namespace {

using coreinfer_test::Contexts;

ci_context* One() { return Contexts()[0]; }

TEST(ContextDescribesItself) {
  CHECK(std::string(ci_context_description(One())).find("C") == 0);
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
    // What an earlier owner left must not be seen.
    for (int i = 0; i < 2; ++i) {
      ci_address address = 0;
      CHECK_OK(ci_memory_allocate(One(), bytes, &address));
      auto* memory = reinterpret_cast<void*>(address);
      CHECK(address % 64 == 0);
      std::vector<uint8_t> content(static_cast<size_t>(bytes), 1);
      CHECK_OK(ci_memory_download(One(), memory, bytes, content.data()));
      CHECK(std::all_of(content.begin(), content.end(), [](uint8_t byte) { return byte == 0; }));
      std::fill(content.begin(), content.end(), uint8_t{255});
      CHECK_OK(ci_memory_upload(One(), content.data(), bytes, memory));
      CHECK_OK(ci_memory_free(One(), memory, bytes));
    }
  }
}

TEST(MemoryOutlivesItsContext) {
  ci_address context = 0;
  ci_address address = 0;
  CHECK_OK(ci_context_create(2, &context));
  CHECK_OK(ci_memory_allocate(reinterpret_cast<ci_context*>(context), 100, &address));
  CHECK_OK(ci_context_destroy(reinterpret_cast<ci_context*>(context)));
  const std::vector<uint8_t> content(100, 1);
  CHECK_OK(ci_memory_upload(One(), content.data(), 100, reinterpret_cast<void*>(address)));
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

TEST(SynchronizeWaits) {
  for (ci_context* context : Contexts()) CHECK_OK(ci_context_synchronize(context));
  CHECK_FAILS(ci_context_synchronize(nullptr), CI_INVALID_ARGUMENT, "context is null");
}

TEST(AdditionsOfManyCallersAllCount) {
  using coreinfer_test::Array;
  coreinfer_test::Random random(5);
  const Array<float> x(random.Values(207));
  const std::vector<float> zero(207);
  const int calls = 100 / coreinfer_test::Slowness();
  std::vector<float> want(207);
  for (size_t i = 0; i < want.size(); ++i) {
    for (int call = 0; call < calls; ++call) want[i] += x[i];
  }
  for (ci_context* context : Contexts()) {
    std::vector<Array<float>> sums;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) sums.emplace_back(zero);
    for (Array<float>& sum : sums) {
      callers.emplace_back([&sum, &x, calls, context] {
        for (int call = 0; call < calls; ++call) ci_add(context, x.data(), 207, sum.data());
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (Array<float>& sum : sums) CHECK_SAME(sum.Fetch(context), want, "concurrent additions");
  }
}

}  // namespace
