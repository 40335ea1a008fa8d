// Measures the CPU backend: bytes of weights per second for the operations of decode, operations per second for those
// of prefill, at the shapes of a 7B model (dim 4096, neurons 11008) or those named. Weights lie in large pages; every
// figure is the median of several runs.
//   kernel_lab [threads] [path of an OpenBLAS library] [word that the measured names must contain]
#include "kernel_lab.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "coreinfer/host.h"
#include "coreinfer/kernels.h"

namespace kernel_lab {

ci_context* context = nullptr;
int32_t threads = 2;
const char* filter = "";

void Require(int32_t status) {
  if (status == CI_OK) return;
  std::fprintf(stderr, "%s\n", ci_error_message());
  std::exit(1);
}

bool Wanted(const std::string& name) { return name.find(filter) != std::string::npos; }

uint8_t* Allocate(double bytes) {
  ci_address address = 0;
  Require(ci_memory_allocate(context, static_cast<int64_t>(bytes), &address));
  return reinterpret_cast<uint8_t*>(address);
}

void Free(void* memory, double bytes) { Require(ci_memory_free(context, memory, static_cast<int64_t>(bytes))); }

float* AllocateFloats(double count) {
  auto* floats = reinterpret_cast<float*>(Allocate(count * sizeof(float)));
  uint32_t state = 12345;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) {
    state = state * 1664525 + 1013904223;
    floats[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
  return floats;
}

// Bytes without extremes: as F32, F16, BF16 or scales they are ordinary numbers.
uint8_t* AllocateWeights(double bytes) {
  uint8_t* weights = Allocate(bytes);
  uint32_t state = 99;
  for (int64_t i = 0; i < static_cast<int64_t>(bytes); ++i) {
    state = state * 1664525 + 1013904223;
    weights[i] = static_cast<uint8_t>(0x10 | ((state >> 24) & 0xaf));
  }
  return weights;
}

double Seconds(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double MedianSeconds(const std::function<void()>& body) {
  std::vector<double> seconds;
  double total = 0;
  body();
  while (seconds.size() < 5 || (total < 0.7 && seconds.size() < 200)) {
    seconds.push_back(Seconds(body));
    total += seconds.back();
  }
  return Median(seconds);
}

namespace {

constexpr int32_t kDim = 4096;
constexpr int32_t kNeurons = 11008;

// What more tokens cost: every count takes its turn, so that all of them meet the same machine.
template <class Work>
void PrintCosts(const char* name, const Work& work) {
  constexpr int32_t kCounts[] = {1, 2, 4, 8, 16};
  constexpr int kTurns = 9;
  std::vector<double> seconds[5];
  for (int turn = 0; turn < kTurns; ++turn) {
    for (size_t i = 0; i < 5; ++i) {
      const auto start = std::chrono::steady_clock::now();
      work(kCounts[i]);
      seconds[i].push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }
  for (auto& runs : seconds) std::sort(runs.begin(), runs.end());
  const double one = seconds[0][kTurns / 2];
  std::printf("tokens %-24s 1: %.3f ms", name, one * 1e3);
  for (size_t i = 1; i < 5; ++i) std::printf(", %d: x %.2f", kCounts[i], seconds[i][kTurns / 2] / one);
  std::printf("\n");
}

void MeasureTokens(const Dtype& up, const Dtype& down) {
  const double up_bytes = up.bytes_per_element * kDim * kNeurons;
  const double down_bytes = down.bytes_per_element * kDim * kNeurons;
  const double bytes = 2 * up_bytes + down_bytes;
  constexpr int kCopies = 3;
  uint8_t* weights = AllocateWeights(bytes * kCopies);
  float* x = AllocateFloats(double{kDim} * CI_DECODE_TOKENS);
  float* y = AllocateFloats(double{kNeurons} * CI_DECODE_TOKENS);
  float* activations = AllocateFloats(double{kNeurons} * CI_DECODE_TOKENS);
  int copy = 0;
  const auto next = [&] { return weights + static_cast<int64_t>(bytes) * (copy++ % kCopies); };
  PrintCosts((std::string("matvec ") + up.name).c_str(), [&](int32_t tokens) {
    Require(ci_matvec(context, up.value, next(), nullptr, x, tokens, kNeurons, kDim, 0, y));
  });
  for (const int32_t activation : {CI_SILU, CI_RELU}) {
    const std::string name = std::string("ffn ") + up.name + " " + down.name + (activation == CI_RELU ? " relu" : "");
    PrintCosts(name.c_str(), [&](int32_t tokens) {
      const uint8_t* gate = next();
      const uint8_t* up_data = gate + static_cast<int64_t>(up_bytes);
      std::memset(y, 0, sizeof(float) * kDim * static_cast<size_t>(tokens));
      Require(ci_ffn_decode(context, activation, up.value, gate, up_data, nullptr, nullptr, down.value,
                            up_data + static_cast<int64_t>(up_bytes), nullptr, x, tokens, nullptr, &kNeurons, nullptr,
                            kNeurons, kDim, activations, y));
    });
  }
  Free(weights, bytes * kCopies);
}

void MeasureTokenCounts() {
  if (!Wanted("tokens")) return;
  MeasureTokens(kF16, kF16);
  MeasureTokens(kQ8, {CI_Q8_0_SHARED, "Q8_0_SHARED", 34.0 / 32});
  MeasureTokens(kQ4, {CI_Q4_0_SHARED, "Q4_0_SHARED", 18.0 / 32});
}

void MeasurePrefill(int32_t tokens) {
  float* x = AllocateFloats(double{kDim} * tokens);
  float* y = AllocateFloats(double{kNeurons} * tokens);
  float* activations = AllocateFloats(double{kNeurons} * tokens);
  for (const Dtype& dtype : {kF32, kF16, kQ8, kQ4, kDtypes[8], kDtypes[10]}) {
    if (!Wanted("prefill")) break;
    const double bytes = dtype.bytes_per_element * kDim * kNeurons;
    uint8_t* weights = AllocateWeights(bytes * 3.2);
    const double products = 2.0 * kDim * kNeurons * tokens;
    const double matmul = MedianSeconds(
        [&] { Require(ci_matmul(context, dtype.value, weights, nullptr, x, tokens, kNeurons, kDim, 0, y)); });
    std::printf("prefill matmul %-4s %4d tokens %9.1f ms %7.1f GFLOP/s\n", dtype.name, tokens, matmul * 1e3,
                products / matmul * 1e-9);
    const double ffn = MedianSeconds([&] {
      std::memset(y, 0, sizeof(float) * kDim * static_cast<size_t>(tokens));
      Require(ci_ffn_prefill(context, CI_SILU, dtype.value, weights, weights + static_cast<int64_t>(bytes), nullptr,
                             nullptr, DownOf(dtype).dtype.value, weights + 2 * static_cast<int64_t>(bytes), nullptr, x,
                             tokens, kNeurons, kDim, activations, y));
    });
    std::printf("prefill ffn    %-4s %4d tokens %9.1f ms %7.1f GFLOP/s\n", dtype.name, tokens, ffn * 1e3,
                3 * products / ffn * 1e-9);
    Free(weights, bytes * 3.2);
  }
  if (Wanted("score")) {
    float* scores = AllocateFloats(kNeurons);
    float* values = AllocateFloats(double{kNeurons} * tokens);
    const double share =
        MedianSeconds([&] { Require(ci_score_top_share(context, values, tokens, kNeurons, 0, 0.2, scores)); });
    const double top_k =
        MedianSeconds([&] { Require(ci_score_top_k(context, values, tokens, kNeurons, kNeurons / 5, scores)); });
    const double energy =
        MedianSeconds([&] { Require(ci_score_energy(context, values, tokens, kNeurons, 1, scores)); });
    std::printf("score %4d tokens: top_share %.2f ms, top_k %.2f ms, energy %.2f ms\n", tokens, share * 1e3,
                top_k * 1e3, energy * 1e3);
  }
}

void MeasureAttentionOfPrompts() {
  if (!Wanted("prefill attention")) return;
  constexpr int32_t kHeads = 32;
  constexpr int32_t kHeadDim = 128;
  for (const int32_t kv_heads : {32, 8}) {
    for (const int32_t positions : {512, 4096}) {
      const double cache_bytes = 4 * double{kHeadDim} * kv_heads * positions;
      uint8_t* cache = AllocateWeights(cache_bytes);
      std::vector<uint64_t> pages;
      for (int64_t p = 0; p < positions; p += CI_CACHE_PAGE) {
        pages.push_back(reinterpret_cast<uint64_t>(cache + 4 * p * kHeadDim * kv_heads));
      }
      float* queries = AllocateFloats(double{kDim} * positions);
      float* y = AllocateFloats(double{kDim} * positions);
      const int32_t first = 0;
      const double seconds = MedianSeconds([&] {
        Require(ci_attention_prefill(context, queries, positions, kHeads, kv_heads, kHeadDim, &first, 0, 0.09f,
                                     positions, CI_F16, pages.data(), y));
      });
      std::printf("prefill attention F16 kv_heads %2d positions %4d: %.1f ms %.1f GFLOP/s\n", kv_heads, positions,
                  seconds * 1e3, 2.0 * kDim * positions * positions / seconds * 1e-9);
      Free(cache, cache_bytes);
    }
  }
}

void MeasureTranspose() {
  if (!Wanted("transpose")) return;
  for (const Dtype& dtype : kDtypes) {
    const double bytes = dtype.bytes_per_element * kDim * kNeurons;
    uint8_t* source = AllocateWeights(bytes);
    uint8_t* target = Allocate(bytes);
    const double seconds =
        MedianSeconds([&] { Require(ci_ffn_transpose_down(context, dtype.value, source, kNeurons, kDim, target)); });
    std::printf("transpose_down %-5s %8.1f ms %7.1f GB/s\n", dtype.name, seconds * 1e3, bytes / seconds * 1e-9);
    Free(source, bytes);
    Free(target, bytes);
  }
}

}  // namespace

void MeasureAll() {
  MeasureDecode();
  MeasureTokenCounts();
  MeasureTogether();
  MeasureTranspose();
  for (const int32_t tokens : {128, 512}) MeasurePrefill(tokens);
  MeasureAttentionOfPrompts();
}

}  // namespace kernel_lab

int main(int count, char** arguments) {
  using namespace kernel_lab;
  if (count > 1) threads = std::atoi(arguments[1]);
  if (count > 2 && arguments[2][0] != '\0') {
    Require(ci_host_use_blas(reinterpret_cast<const uint8_t*>(arguments[2])));
  }
  if (count > 3) filter = arguments[3];
  ci_address address = 0;
  Require(ci_context_create(threads, &address));
  context = reinterpret_cast<ci_context*>(address);
  std::printf("%s\n", ci_context_description(context));
  MeasureAll();
  Require(ci_context_destroy(context));
  return 0;
}
