// One recorded graph of the calls that decode a token serves every position and every neuron set.
#include <cuda_runtime.h>

#include "coreinfer/cuda.h"
#include "coreinfer/kernels.h"
#include "cpp/test/harness.h"
#include "cpp/test/paged_cache.h"
#include "cpp/test/reference.h"

namespace {

using namespace coreinfer_test;

#define CHECK_CUDA(call) CHECK((call) == cudaSuccess)

constexpr int32_t kVocabulary = 500;
constexpr int32_t kHeads = 4;
constexpr int32_t kKvHeads = 2;
constexpr int32_t kHeadDim = 64;
constexpr int32_t kDim = kHeads * kHeadDim;
constexpr int32_t kKvDim = kKvHeads * kHeadDim;
constexpr int32_t kCapacity = 300;

std::vector<float> Zeros(int32_t count) { return std::vector<float>(static_cast<size_t>(count)); }

// Attention without projections over embeddings, then a draw; what a token needs lies in memory.
struct Step {
  explicit Step(Random& random)
      : table(random.Values(kVocabulary * kDim)),
        weight(random.Values(kDim)),
        rotations(random.Values(kCapacity * kHeadDim)),
        query(Zeros(kDim)),
        y(Zeros(kDim)),
        cache(kKvHeads, kCapacity, kHeadDim, CI_F16),
        token(One(3)),
        position(One(0)),
        core_ids(std::vector<int32_t>(kDim)),
        core(One(0)),
        count(One(1)),
        uniform(std::vector<double>{0.5}) {}

  int32_t Run(ci_context* c) const {
    int32_t status = ci_embedding_lookup(c, CI_F32, table.data(), kVocabulary, kDim, token.data(), 1, query.data());
    const auto then = [&](const auto& call) { status = status == CI_OK ? call() : status; };
    then([&] { return ci_rms_norm(c, query.data(), weight.data(), 1, kDim, 1e-5f, query.data()); });
    then([&] {
      return ci_rope(c, rotations.data(), kCapacity, kHeadDim / 2, 0, 1, kHeads, kHeadDim, position.data(),
                     query.data());
    });
    then([&] {
      return ci_attention_append(c, query.data(), query.data() + kKvDim, 1, kKvHeads, kHeadDim, position.data(),
                                 kCapacity, CI_F16, cache.pages());
    });
    then([&] {
      return ci_attention_decode(c, query.data(), 1, kHeads, kKvHeads, kHeadDim, position.data(), 0, 0.125f, kCapacity,
                                 CI_F16, cache.pages(), y.data());
    });
    then([&] { return ci_score_select(c, y.data(), nullptr, kDim, 20, 1, core_ids.data(), core.data()); });
    then([&] { return ci_cuda_sample_penalize(c, token.data(), count.data(), 1.1f, kDim, y.data()); });
    then([&] { return ci_cuda_sample_draw(c, y.data(), kDim, 0.5f, 50, 0.9f, 0.01f, uniform.data(), token.data()); });
    return status;
  }

  Array<float> table, weight, rotations, query, y;
  PagedCache cache;
  Array<int32_t> token, position, core_ids, core, count;
  Array<double> uniform;
};

struct Trace {
  std::vector<float> y;
  std::vector<int32_t> tokens, core_ids;
};

template <class Run>
Trace TraceOf(ci_context* c, Step& step, const Run& run) {
  Trace trace;
  for (int32_t position = 0; position < kCapacity; position += position < 5 ? 1 : 59) {
    const double uniform = position / (kCapacity + 1.0);
    CHECK_OK(ci_memory_upload(c, &position, sizeof(position), step.position.data()));
    CHECK_OK(ci_memory_upload(c, &uniform, sizeof(uniform), step.uniform.data()));
    run();
    const std::vector<float>& y = step.y.Fetch(c);
    trace.y.insert(trace.y.end(), y.begin(), y.end());
    trace.tokens.push_back(step.token.Fetch(c)[0]);
    const int32_t core = step.core.Fetch(c)[0];
    const std::vector<int32_t>& ids = step.core_ids.Fetch(c);
    trace.core_ids.insert(trace.core_ids.end(), ids.begin(), ids.begin() + core);
  }
  return trace;
}

TEST(OneGraphServesEveryPosition) {
  cudaStream_t stream = nullptr;
  ci_address address = 0;
  CHECK_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CHECK_OK(ci_cuda_context_create(0, static_cast<ci_address>(reinterpret_cast<intptr_t>(stream)), &address));
  auto* c = reinterpret_cast<ci_context*>(address);
  Random random(95);
  Step called(random);
  Random again(95);
  Step recorded(again);
  const Trace want = TraceOf(c, called, [&] { CHECK_OK(called.Run(c)); });

  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  CHECK_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  CHECK_OK(recorded.Run(c));
  CHECK_CUDA(cudaStreamEndCapture(stream, &graph));
  CHECK_CUDA(cudaGraphInstantiate(&executable, graph, 0));
  const Trace got = TraceOf(c, recorded, [&] { CHECK_CUDA(cudaGraphLaunch(executable, stream)); });
  CHECK_SAME(got.y, want.y, "replayed");
  CHECK(got.tokens == want.tokens);
  CHECK(got.core_ids == want.core_ids);
  CHECK_CUDA(cudaGraphExecDestroy(executable));
  CHECK_CUDA(cudaGraphDestroy(graph));
  CHECK_OK(ci_context_destroy(c));
  CHECK_CUDA(cudaStreamDestroy(stream));
}

}  // namespace
