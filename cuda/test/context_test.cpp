// What only the CUDA library has around its kernels: given streams, the layout of weights, uploads on another stream,
// recorded graphs.
#include <cuda_runtime.h>

#include <cstring>
#include <string>

#include "coreinfer/cuda.h"
#include "coreinfer/kernels.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"

namespace {

using namespace coreinfer_test;

#define CHECK_CUDA(call) CHECK((call) == cudaSuccess)

ci_address AddressOf(const void* pointer) { return static_cast<ci_address>(reinterpret_cast<intptr_t>(pointer)); }

// A context on a stream of the test's own.
struct StreamContext {
  StreamContext() {
    ci_address address = 0;
    CHECK_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CHECK_OK(ci_cuda_context_create(0, AddressOf(stream), &address));
    context = reinterpret_cast<ci_context*>(address);
  }
  ~StreamContext() {
    CHECK_OK(ci_context_destroy(context));
    CHECK_CUDA(cudaStreamDestroy(stream));
  }

  cudaStream_t stream = nullptr;
  ci_context* context = nullptr;
};

TEST(ContextNamesItsDevice) {
  for (ci_context* context : Contexts()) {
    const std::string description = ci_context_description(context);
    CHECK(description.find("CUDA ") == 0);
    CHECK(description.find(", compute capability ") != std::string::npos);
  }
}

TEST(ContextRejectsMissingDevices) {
  const StreamContext other;
  ci_address address = 0;
  CHECK_FAILS(ci_cuda_context_create(-1, AddressOf(other.stream), &address), CI_INVALID_ARGUMENT, "device=-1");
  CHECK_FAILS(ci_cuda_context_create(999, AddressOf(other.stream), &address), CI_INVALID_ARGUMENT, "device=999");
  CHECK_FAILS(ci_cuda_context_create(0, 0, &address), CI_INVALID_ARGUMENT, "stream is null");
  CHECK_FAILS(ci_cuda_context_create(0, AddressOf(other.stream), nullptr), CI_INVALID_ARGUMENT, "context is null");
  CHECK(address == 0);
}

TEST(DestroyingAContextLeavesAGivenStream) {
  StreamContext c;
  for (int i = 0; i < 3; ++i) {
    ci_address address = 0;
    CHECK_OK(ci_cuda_context_create(0, AddressOf(c.stream), &address));
    CHECK_OK(ci_context_destroy(reinterpret_cast<ci_context*>(address)));
  }
  CHECK_CUDA(cudaStreamSynchronize(c.stream));
}

TEST(ArrangesWithoutLoss) {
  Random random(70);
  for (const DtypeName& dtype : AllDtypes()) {
    for (const auto& [rows, columns] : {std::pair<int32_t, int32_t>{1, 1}, {3, 31}, {32, 32}, {64, 96}, {96, 1120}}) {
      if (!Fits(dtype.dtype, rows, columns)) continue;
      const Weights weights(dtype.dtype, rows, columns, random);
      const std::vector<uint8_t> arranged = Arrange(dtype.dtype, rows, columns, weights.file);
      CHECK(Restore(dtype.dtype, rows, columns, arranged) == weights.file);
      CHECK(IsGrouped(dtype.dtype) || arranged == weights.file);
    }
  }
}

// The first byte of q and the first scale, by types.h.
TEST(ArrangedScalesStandBehind) {
  std::vector<uint8_t> file(2 * 34, 0);
  file[0] = 11;   // the first scale
  file[2] = 22;   // the first q
  file[34] = 33;  // the second scale
  file[36] = 44;  // its first q
  const std::vector<uint8_t> arranged = Arrange(CI_Q8_0, 1, 64, file);
  CHECK(arranged[0] == 22 && arranged[32] == 44 && arranged[64] == 11 && arranged[66] == 33);
}

TEST(ArrangeRejectsWhatDoesNotFit) {
  uint8_t bytes[34 * 32] = {};
  uint8_t target[34 * 32];
  CHECK_FAILS(ci_cuda_arrange(99, bytes, 1, 32, target), CI_INVALID_ARGUMENT, "dtype=99");
  CHECK_FAILS(ci_cuda_arrange(CI_Q8_0, bytes, 1, 33, target), CI_INVALID_ARGUMENT, "columns=33");
  CHECK_FAILS(ci_cuda_arrange(CI_Q8_0_SHARED, bytes, 31, 32, target), CI_INVALID_ARGUMENT, "rows=31");
  CHECK_FAILS(ci_cuda_arrange(CI_Q8_0, nullptr, 1, 32, target), CI_INVALID_ARGUMENT, "host_source is null");
  CHECK_FAILS(ci_cuda_arrange(CI_Q8_0, bytes, 1, 32, nullptr), CI_INVALID_ARGUMENT, "host_target is null");
  CHECK_FAILS(ci_cuda_arrange(CI_Q8_0, bytes, 1, 32, bytes), CI_INVALID_ARGUMENT, "must be different");
}

TEST(RefusesDtypesOfTheCpuBackend) {
  uint8_t bytes[256] = {};
  uint8_t target[256];
  const Array<float> x{std::vector<float>(256)};
  const Array<int32_t> one = One(1);
  const float* p = x.data();
  ci_context* c = Contexts()[0];
  const char* words = "only the CPU backend";
  for (const int32_t dtype : {CI_Q4_1, CI_Q5_0, CI_Q5_1, CI_Q4_K, CI_Q5_K, CI_Q6_K}) {
    CHECK_FAILS(ci_cuda_arrange(dtype, bytes, 1, 256, target), CI_UNSUPPORTED, words);
    CHECK_FAILS(ci_embedding_lookup(c, dtype, p, 1, 256, one.data(), 1, x.data()), CI_UNSUPPORTED, words);
    CHECK_FAILS(ci_matvec(c, dtype, p, nullptr, p, 1, 1, 256, 0, x.data()), CI_UNSUPPORTED, words);
    CHECK_FAILS(ci_matmul(c, dtype, p, nullptr, p, 1, 1, 256, 0, x.data()), CI_UNSUPPORTED, words);
    CHECK_FAILS(ci_ffn_transpose_down(c, dtype, p, 256, 32, x.data()), CI_UNSUPPORTED, words);
    CHECK_FAILS(ci_ffn_row_norms(c, dtype, p, 1, 256, x.data()), CI_UNSUPPORTED, words);
    CHECK_FAILS(ci_ffn_decode(c, CI_SILU, dtype, p, p, nullptr, nullptr, CI_F32, p, nullptr, p, 1, nullptr, one.data(),
                              nullptr, 1, 256, x.data(), x.data()),
                CI_UNSUPPORTED, words);
    CHECK_FAILS(ci_ffn_decode(c, CI_SILU, CI_F32, p, p, nullptr, nullptr, dtype + (CI_Q4_1_SHARED - CI_Q4_1), p,
                              nullptr, p, 1, nullptr, one.data(), nullptr, 256, 256, x.data(), x.data()),
                CI_UNSUPPORTED, words);
    CHECK_FAILS(
        ci_ffn_prefill(c, CI_SILU, dtype, p, p, nullptr, nullptr, CI_F32, p, nullptr, p, 1, 1, 256, x.data(), x.data()),
        CI_UNSUPPORTED, words);
  }
}

TEST(UploadsOnAnotherStream) {
  const StreamContext other;
  ci_context* c = Contexts()[0];
  const std::vector<float> values = Random(71).Values(5000);
  const int64_t bytes = static_cast<int64_t>(values.size() * sizeof(float));
  Array<float> target{std::vector<float>(values.size())};
  void* pinned = nullptr;
  CHECK_CUDA(cudaHostAlloc(&pinned, static_cast<size_t>(bytes), cudaHostAllocDefault));
  std::memcpy(pinned, values.data(), static_cast<size_t>(bytes));
  CHECK_OK(ci_cuda_upload_async(c, AddressOf(other.stream), pinned, bytes, target.data()));
  CHECK_CUDA(cudaStreamSynchronize(other.stream));
  CHECK_SAME(target.Fetch(c), values, "uploaded");
  CHECK_FAILS(ci_cuda_upload_async(c, 0, pinned, bytes, target.data()), CI_INVALID_ARGUMENT, "stream is null");
  CHECK_FAILS(ci_cuda_upload_async(c, AddressOf(other.stream), nullptr, bytes, target.data()), CI_INVALID_ARGUMENT,
              "host is null");
  CHECK_FAILS(ci_cuda_upload_async(c, AddressOf(other.stream), pinned, 0, target.data()), CI_INVALID_ARGUMENT,
              "bytes=0");
  CHECK_CUDA(cudaFreeHost(pinned));
}

// One recording serves changing data.
TEST(RecordsAGraph) {
  const StreamContext recorder;
  ci_context* c = recorder.context;
  Random random(72);
  const Array<float> weight(random.Values(64));
  const Array<float> x{std::vector<float>(64)};
  Array<float> y{std::vector<float>(64)};
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  CHECK_CUDA(cudaStreamBeginCapture(recorder.stream, cudaStreamCaptureModeThreadLocal));
  CHECK_OK(ci_rms_norm(c, x.data(), weight.data(), 1, 64, 1e-5f, y.data()));
  CHECK_OK(ci_add(c, x.data(), 64, y.data()));
  CHECK_CUDA(cudaStreamEndCapture(recorder.stream, &graph));
  CHECK_CUDA(cudaGraphInstantiate(&executable, graph, 0));
  for (int i = 0; i < 3; ++i) {
    const std::vector<float> values = random.Values(64);
    CHECK_OK(ci_memory_upload(c, values.data(), 256, x.data()));
    CHECK_CUDA(cudaGraphLaunch(executable, recorder.stream));
    const std::vector<float> replayed = y.Fetch(c);
    CHECK_OK(ci_rms_norm(c, x.data(), weight.data(), 1, 64, 1e-5f, y.data()));
    CHECK_OK(ci_add(c, x.data(), 64, y.data()));
    CHECK_SAME(replayed, y.Fetch(c), "replayed");
  }
  CHECK_CUDA(cudaGraphExecDestroy(executable));
  CHECK_CUDA(cudaGraphDestroy(graph));
}

}  // namespace
