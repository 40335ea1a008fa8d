// Measures the CPU backend at the shapes of a 7B model (dim 4096, neurons 11008): bytes of weights per second for the
// operations of decode, operations per second for those of prefill. Weights lie in large pages and are larger than the
// caches together; every figure is the median of several runs.
//   kernel_lab [threads] [path of an OpenBLAS library] [word that the measured names must contain]
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

namespace {

constexpr int32_t kDim = 4096;
constexpr int32_t kNeurons = 11008;

struct Dtype {
  int32_t value;
  const char* name;
  double bytes_per_element;
};
constexpr Dtype kDtypes[] = {
    {CI_F32, "F32", 4.0},           {CI_F16, "F16", 2.0},          {CI_BF16, "BF16", 2.0},
    {CI_Q8_0, "Q8_0", 34.0 / 32},   {CI_Q4_0, "Q4_0", 18.0 / 32},  {CI_Q4_1, "Q4_1", 20.0 / 32},
    {CI_Q5_0, "Q5_0", 22.0 / 32},   {CI_Q5_1, "Q5_1", 24.0 / 32},  {CI_Q4_K, "Q4_K", 144.0 / 256},
    {CI_Q5_K, "Q5_K", 176.0 / 256}, {CI_Q6_K, "Q6_K", 210.0 / 256}};
constexpr Dtype kDown[] = {{CI_F16, "F16", 2.0},
                           {CI_Q8_0_SHARED, "Q8_0_SHARED", 34.0 / 32},
                           {CI_Q4_0_SHARED, "Q4_0_SHARED", 18.0 / 32},
                           {CI_Q4_1_SHARED, "Q4_1_SHARED", 20.0 / 32},
                           {CI_Q5_0_SHARED, "Q5_0_SHARED", 22.0 / 32},
                           {CI_Q5_1_SHARED, "Q5_1_SHARED", 24.0 / 32},
                           {CI_Q4_K_SHARED, "Q4_K_SHARED", 144.0 / 256},
                           {CI_Q5_K_SHARED, "Q5_K_SHARED", 176.0 / 256},
                           {CI_Q6_K_SHARED, "Q6_K_SHARED", 210.0 / 256}};

ci_context* context = nullptr;
const char* filter = "";

void Require(int32_t status) {
  if (status == CI_OK) return;
  std::fprintf(stderr, "%s\n", ci_error_message());
  std::exit(1);
}

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

double MedianSeconds(const std::function<void()>& body) {
  std::vector<double> seconds;
  double total = 0;
  body();
  while (seconds.size() < 5 || (total < 0.7 && seconds.size() < 200)) {
    const auto start = std::chrono::steady_clock::now();
    body();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    total += seconds.back();
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

bool Wanted(const char* name) { return std::strstr(name, filter) != nullptr; }

void MeasureMatvec() {
  if (!Wanted("matvec")) return;
  float* x = AllocateFloats(kDim);
  float* y = AllocateFloats(kNeurons);
  for (const Dtype& dtype : kDtypes) {
    // Several matrices in turn, so that the cache does not keep one.
    const double bytes = dtype.bytes_per_element * kDim * kNeurons;
    constexpr int kCopies = 4;
    uint8_t* weights = AllocateWeights(bytes * kCopies);
    int copy = 0;
    const double seconds = MedianSeconds([&] {
      copy = (copy + 1) % kCopies;
      const uint8_t* weight = weights + static_cast<int64_t>(bytes) * copy;
      Require(ci_matvec(context, dtype.value, weight, nullptr, x, 1, kNeurons, kDim, 0, y));
    });
    std::printf("matvec %-5s               %8.3f ms %7.1f GB/s\n", dtype.name, seconds * 1e3, bytes / seconds * 1e-9);
    Free(weights, bytes * kCopies);
  }
}

void MeasureDecode(const Dtype& up, const Dtype& down) {
  float* x = AllocateFloats(kDim);
  float* y = AllocateFloats(kDim);
  float* activations = AllocateFloats(kNeurons);
  const double up_bytes = up.bytes_per_element * kDim * kNeurons;
  const double down_bytes = down.bytes_per_element * kDim * kNeurons;
  const double bytes = 2 * up_bytes + down_bytes;
  constexpr int kCopies = 2;
  uint8_t* weights = AllocateWeights(bytes * kCopies);
  for (const double keep : {1.0, 0.4, 0.2}) {
    std::vector<int32_t> ids;
    uint32_t state = 7;
    for (int32_t n = 0; n < kNeurons; ++n) {
      state = state * 1664525 + 1013904223;
      if ((state >> 8) * 0x1p-24 < keep) ids.push_back(n);
    }
    const auto core = static_cast<int32_t>(ids.size());
    for (const bool listed : {true, false}) {
      int copy = 0;
      const double seconds = MedianSeconds([&] {
        copy = (copy + 1) % kCopies;
        const uint8_t* gate = weights + static_cast<int64_t>(bytes) * copy;
        const uint8_t* up_data = gate + static_cast<int64_t>(up_bytes);
        const uint8_t* down_data = up_data + static_cast<int64_t>(up_bytes);
        std::memset(y, 0, kDim * sizeof(float));
        Require(ci_ffn_decode(context, CI_SILU, up.value, gate, up_data, nullptr, nullptr, down.value, down_data,
                              nullptr, x, 1, listed ? ids.data() : nullptr, &core, kNeurons, kDim, activations, y));
      });
      const double read = bytes * core / kNeurons;
      std::printf("ffn_decode %-4s %-11s keep %.1f %-8s %8.3f ms %7.1f GB/s\n", up.name, down.name, keep,
                  listed ? "listed" : "packed", seconds * 1e3, read / seconds * 1e-9);
    }
  }
  Free(weights, bytes * kCopies);
}

void MeasureDecodes() {
  if (!Wanted("ffn_decode")) return;
  MeasureDecode(kDtypes[1], kDown[0]);
  MeasureDecode(kDtypes[3], kDtypes[3]);
  MeasureDecode(kDtypes[3], kDown[1]);
  MeasureDecode(kDtypes[4], kDtypes[3]);
  for (size_t down = 2; down < sizeof(kDown) / sizeof(kDown[0]); ++down) MeasureDecode(kDtypes[down + 2], kDown[down]);
}

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
                            up_data + static_cast<int64_t>(up_bytes), nullptr, x, tokens, nullptr, &kNeurons, kNeurons,
                            kDim, activations, y));
    });
  }
  Free(weights, bytes * kCopies);
}

void MeasureTokenCounts() {
  if (!Wanted("tokens")) return;
  MeasureTokens(kDtypes[1], kDown[0]);
  MeasureTokens(kDtypes[3], kDown[1]);
  MeasureTokens(kDtypes[4], kDown[2]);
}

void MeasurePrefill(int32_t tokens) {
  float* x = AllocateFloats(double{kDim} * tokens);
  float* y = AllocateFloats(double{kNeurons} * tokens);
  float* activations = AllocateFloats(double{kNeurons} * tokens);
  for (const Dtype& dtype : {kDtypes[0], kDtypes[1], kDtypes[4], kDtypes[8], kDtypes[10]}) {
    if (!Wanted("prefill")) break;
    const double bytes = dtype.bytes_per_element * kDim * kNeurons;
    uint8_t* weights = AllocateWeights(bytes * 3);
    const double products = 2.0 * kDim * kNeurons * tokens;
    const double matmul = MedianSeconds(
        [&] { Require(ci_matmul(context, dtype.value, weights, nullptr, x, tokens, kNeurons, kDim, 0, y)); });
    std::printf("prefill matmul %-4s %4d tokens %9.1f ms %7.1f GFLOP/s\n", dtype.name, tokens, matmul * 1e3,
                products / matmul * 1e-9);
    const double ffn = MedianSeconds([&] {
      std::memset(y, 0, sizeof(float) * kDim * static_cast<size_t>(tokens));
      Require(ci_ffn_prefill(context, CI_SILU, dtype.value, weights, weights + static_cast<int64_t>(bytes), nullptr,
                             nullptr, dtype.value, weights + 2 * static_cast<int64_t>(bytes), nullptr, x, tokens,
                             kNeurons, kDim, activations, y));
    });
    std::printf("prefill ffn    %-4s %4d tokens %9.1f ms %7.1f GFLOP/s\n", dtype.name, tokens, ffn * 1e3,
                3 * products / ffn * 1e-9);
    Free(weights, bytes * 3);
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

void MeasureAttention() {
  if (!Wanted("attention")) return;
  constexpr int32_t kHeads = 32;
  constexpr int32_t kHeadDim = 128;
  for (const int32_t kv_heads : {32, 8}) {
    for (const int32_t positions : {512, 4096}) {
      const double elements = double{kHeadDim} * kv_heads * positions;
      const double cache_bytes = 2 * elements;
      uint8_t* keys = AllocateWeights(cache_bytes);
      uint8_t* values = AllocateWeights(cache_bytes);
      float* queries = AllocateFloats(double{kDim} * positions);
      float* y = AllocateFloats(double{kDim} * positions);
      const int32_t first = 0;
      const int32_t last = positions - 1;
      const double decode = MedianSeconds([&] {
        Require(ci_attention_decode(context, queries, 1, kHeads, kv_heads, kHeadDim, &last, 0, 0.09f, positions, CI_F16,
                                    keys, values, y));
      });
      const double prefill = MedianSeconds([&] {
        Require(ci_attention_prefill(context, queries, positions, kHeads, kv_heads, kHeadDim, &first, 0, 0.09f,
                                     positions, CI_F16, keys, values, y));
      });
      std::printf("attention F16 kv_heads %2d positions %4d: decode %.3f ms %.1f GB/s, prefill %.1f ms %.1f GFLOP/s\n",
                  kv_heads, positions, decode * 1e3, 2 * cache_bytes / decode * 1e-9, prefill * 1e3,
                  2.0 * kDim * positions * positions / prefill * 1e-9);
      Free(keys, cache_bytes);
      Free(values, cache_bytes);
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

int main(int count, char** arguments) {
  const int32_t threads = count > 1 ? std::atoi(arguments[1]) : 2;
  if (count > 2 && arguments[2][0] != '\0') {
    Require(ci_host_use_blas(reinterpret_cast<const uint8_t*>(arguments[2])));
  }
  if (count > 3) filter = arguments[3];
  ci_address address = 0;
  Require(ci_context_create(threads, &address));
  context = reinterpret_cast<ci_context*>(address);
  std::printf("%s\n", ci_context_description(context));
  MeasureMatvec();
  MeasureDecodes();
  MeasureTokenCounts();
  MeasureAttention();
  MeasureTranspose();
  MeasurePrefill(512);
  Require(ci_context_destroy(context));
  return 0;
}
