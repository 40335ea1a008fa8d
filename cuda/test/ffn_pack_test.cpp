// Packed core neurons give the same bits as the whole matrices, and one recorded graph serves any list.
#include <cuda_runtime.h>

#include "coreinfer/cuda.h"
#include "cpp/test/ffn_layer.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"

namespace {

using namespace coreinfer_test;

struct List {
  explicit List(const std::vector<int32_t>& numbers) : ids(numbers), core(One(static_cast<int32_t>(numbers.size()))) {}

  int32_t size() const { return core[0]; }

  Array<int32_t> ids;
  Array<int32_t> core;
};

// A matrix's listed rows, in memory that was full of other things.
class Packed {
 public:
  Packed(ci_context* c, const Weights& weight, const List& list, int32_t capacity)
      : bytes_(std::vector<uint8_t>(Bytes(weight, capacity), 0xff)) {
    CHECK_OK(ci_cuda_ffn_pack(c, weight.dtype, weight.data(), weight.rows, weight.columns, list.ids.data(),
                              list.core.data(), capacity, bytes_.data()));
    CHECK_OK(ci_context_synchronize(c));
  }

  const void* data() const { return bytes_.data(); }

 private:
  // Of the shared dtypes all scales are kept.
  static size_t Bytes(const Weights& weight, int32_t capacity) {
    if (!IsShared(weight.dtype)) return static_cast<size_t>(MatrixBytes(weight.dtype, capacity, weight.columns));
    const int64_t scales = int64_t{weight.rows} / 32 * 2 * weight.columns;
    return static_cast<size_t>(scales + int64_t{capacity} * weight.columns / (weight.dtype == CI_Q8_0_SHARED ? 1 : 2));
  }

  Array<uint8_t> bytes_;
};

void CheckPacked(const Layer& layer, const std::vector<int32_t>& ids, int32_t capacity, Random& random) {
  const List list(ids);
  const Array<float> x(random.Values(layer.dim));
  const auto dim = static_cast<size_t>(layer.dim);
  std::vector<float> both = random.Values(layer.dim);
  both.resize(dim + ids.size());
  const auto want = OnEveryContext(both, layer.name(), [&](ci_context* c, float* out) {
    return layer.Decode(c, x.data(), list.ids.data(), list.size(), out + dim, out);
  });
  const auto got = OnEveryContext(both, layer.name(), [&](ci_context* c, float* out) {
    const Packed gate(c, layer.gate, list, capacity);
    const Packed up(c, layer.up, list, capacity);
    const Packed down(c, layer.down, list, capacity);
    const int32_t status = ci_cuda_ffn_decode_packed(
        c, layer.activation, layer.up.dtype, layer.gated ? gate.data() : nullptr, up.data(),
        layer.biased ? layer.gate_bias.data() : nullptr, layer.biased ? layer.up_bias.data() : nullptr,
        layer.down.dtype, down.data(), layer.biased ? layer.down_bias.data() : nullptr, x.data(), list.ids.data(),
        list.core.data(), layer.neurons, capacity, layer.dim, out + dim, out);
    return status == CI_OK ? ci_context_synchronize(c) : status;
  });
  CHECK_SAME(got, want, "packed " + layer.name());
}

TEST(PackedNeuronsGiveTheSameBits) {
  Random random(100);
  int variant = 0;
  for (const DtypeName& up : Dtypes()) {
    for (const DtypeName& down : AllDtypes()) {
      for (const auto& [neurons, dim] : {std::pair<int32_t, int32_t>{32, 3}, {64, 32}, {96, 128}, {224, 576}}) {
        if (!Fits(up.dtype, neurons, dim) || !Fits(down.dtype, neurons, dim)) continue;
        const int32_t activation = variant % 4;
        const bool gated = activation == CI_DRELU || variant % 3 != 0;
        const Layer layer(activation, gated, up.dtype, down.dtype, neurons, dim, variant % 2 == 0, random);
        const std::vector<int32_t> some = Some(neurons, random);
        const auto size = static_cast<int32_t>(some.size());
        CheckPacked(layer, some, size + variant % 2 * (neurons - size), random);
        ++variant;
      }
    }
  }
  const Layer layer(CI_SILU, true, CI_Q4_0, CI_Q4_0_SHARED, 96, 128, true, random);
  CheckPacked(layer, All(96), 96, random);
  CheckPacked(layer, {95}, 1, random);
  CheckPacked(layer, {}, 5, random);
}

TEST(OneGraphServesAnyList) {
  Random random(101);
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  ci_address address = 0;
  CHECK_OK(ci_cuda_context_create(0, static_cast<ci_address>(reinterpret_cast<intptr_t>(stream)), &address));
  auto* c = reinterpret_cast<ci_context*>(address);
  const Layer layer(CI_SILU, true, CI_Q8_0, CI_Q8_0_SHARED, 256, 512, true, random);
  const Array<float> x(random.Values(512));
  const List list(All(256));
  const Array<float> activations(std::vector<float>(256));
  const std::vector<float> start = random.Values(512);
  Array<float> y(start);
  const auto decode = [&] {
    return ci_ffn_decode(c, layer.activation, layer.up.dtype, layer.gate.data(), layer.up.data(),
                         layer.gate_bias.data(), layer.up_bias.data(), layer.down.dtype, layer.down.data(),
                         layer.down_bias.data(), x.data(), 1, list.ids.data(), list.core.data(), nullptr, 256, 512,
                         activations.data(), y.data());
  };
  CHECK_OK(decode());  // gets the scratch memory
  CHECK_OK(ci_context_synchronize(c));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK_OK(decode());
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  CHECK(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  for (int i = 0; i < 5; ++i) {
    const std::vector<int32_t> ids = i == 0 ? std::vector<int32_t>{} : Some(256, random);
    const auto core = static_cast<int32_t>(ids.size());
    if (core > 0) CHECK_OK(ci_memory_upload(c, ids.data(), int64_t{core} * 4, list.ids.data()));
    CHECK_OK(ci_memory_upload(c, &core, 4, list.core.data()));
    std::vector<float> results[2];
    for (const bool replayed : {true, false}) {
      CHECK_OK(ci_memory_upload(c, start.data(), 512 * 4, y.data()));
      if (replayed) {
        CHECK(cudaGraphLaunch(executable, stream) == cudaSuccess);
      } else {
        CHECK_OK(decode());
      }
      results[replayed ? 1 : 0] = y.Fetch(c);
    }
    CHECK_SAME(results[1], results[0], Shape("a graph for a list of", {core}));
    const Expected want = Reference(layer, x.values().data(), ids, start.data());
    CHECK_CLOSE(results[1], want.y, want.y_scale, kFfnTolerance, "a graph");
  }
  CHECK(cudaGraphExecDestroy(executable) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK_OK(ci_context_destroy(c));
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

TEST(PackingRejectsWhatDoesNotFit) {
  const Array<float> memory(std::vector<float>(32 * 32));
  const Array<int32_t> ids(std::vector<int32_t>(32));
  const Array<int32_t> core = One(0);
  float* p = memory.data();
  const int32_t* i = ids.data();
  ci_context* c = Contexts()[0];
  CHECK_FAILS(ci_cuda_ffn_pack(nullptr, CI_F32, p, 4, 4, i, i, 4, p), CI_INVALID_ARGUMENT, "context is null");
  CHECK_FAILS(ci_cuda_ffn_pack(c, 99, p, 4, 4, i, i, 4, p), CI_INVALID_ARGUMENT, "dtype=99");
  CHECK_FAILS(ci_cuda_ffn_pack(c, CI_F32, p, 4, 4, nullptr, i, 4, p), CI_INVALID_ARGUMENT, "core_ids is null");
  CHECK_FAILS(ci_cuda_ffn_pack(c, CI_F32, p, 4, 4, i, nullptr, 4, p), CI_INVALID_ARGUMENT, "core is null");
  CHECK_FAILS(ci_cuda_ffn_pack(c, CI_F32, p, 4, 4, i, i, 0, p), CI_INVALID_ARGUMENT, "capacity=0");
  CHECK_FAILS(ci_cuda_ffn_pack(c, CI_F32, p, 4, 4, i, i, 5, p), CI_INVALID_ARGUMENT, "capacity=5");
  CHECK_FAILS(ci_cuda_ffn_pack(c, CI_F32, p, 4, 4, i, i, 4, nullptr), CI_INVALID_ARGUMENT, "packed is null");
  const auto decode = [&](const int32_t* core_ids, int32_t capacity, int32_t down_dtype) {
    return ci_cuda_ffn_decode_packed(c, CI_RELU, CI_F32, p, p, p, p, down_dtype, p, p, p, core_ids, core.data(), 32,
                                     capacity, 32, p, p);
  };
  CHECK_FAILS(decode(nullptr, 4, CI_F32), CI_INVALID_ARGUMENT, "core_ids is null");
  CHECK_FAILS(decode(i, 0, CI_F32), CI_INVALID_ARGUMENT, "capacity=0");
  CHECK_FAILS(decode(i, 33, CI_F32), CI_INVALID_ARGUMENT, "capacity=33");
  CHECK_FAILS(decode(i, 4, 99), CI_INVALID_ARGUMENT, "dtype=99");
}

}  // namespace
