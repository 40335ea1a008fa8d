// Decode: bytes of weights or of the cache per second, and which share that is of what the same threads read when they
// do nothing else. The machine's speed changes while this runs, so both take turns and the share is the median of the
// turns. All cases read the same gigabyte of random bytes, piece after piece, so that no cache holds what comes next.
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "coreinfer/host.h"
#include "kernel_lab.h"

namespace kernel_lab {
namespace {

constexpr int64_t kPoolBytes = int64_t{1} << 30;
constexpr double kTurnBytes = 96e6;
constexpr int kTurns = 11;

struct Model {
  const char* name;
  int32_t dim;
  int32_t neurons;
};
constexpr Model kModels[] = {{"7b", 4096, 11008}, {"tiny", 2048, 5632}};

// Hands out pieces of the pool, one after another.
class Pool {
 public:
  const uint8_t* Take(double bytes) {
    if (data_ == nullptr) data_ = AllocateWeights(static_cast<double>(kPoolBytes));
    const auto size = (static_cast<int64_t>(bytes) + 4095) / 4096 * 4096;
    if (at_ + size > kPoolBytes) at_ = 0;
    at_ += size;
    return data_ + at_ - size;
  }

 private:
  const uint8_t* data_ = nullptr;
  int64_t at_ = 0;
};

volatile uint64_t sink;

void ReadBytes(const uint8_t* data, int64_t bytes) {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i + 64 <= bytes; i += 64) {
    __builtin_prefetch(data + i + 8192, 0, 2);
    uint64_t line[8];
    std::memcpy(line, data + i, sizeof(line));
    for (int k = 0; k < 8; ++k) sums[k] += line[k];
  }
  for (const uint64_t sum : sums) sink = sink + sum;
}

// Pieces of 64 KB in turn, as the kernels divide their rows.
void ReadByThreads(const uint8_t* data, int64_t bytes) {
  constexpr int64_t kPiece = 65536;
  std::vector<std::thread> readers;
  for (int32_t thread = 0; thread < threads; ++thread) {
    readers.emplace_back([=] {
      for (int64_t at = thread * kPiece; at < bytes; at += threads * kPiece) {
        ReadBytes(data + at, bytes - at < kPiece ? bytes - at : kPiece);
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
}

// work() reads `bytes` bytes each time.
void Compare(const std::string& name, double bytes, Pool* pool, const std::function<void()>& work) {
  const int repetitions = 1 + static_cast<int>(kTurnBytes / bytes);
  std::vector<double> speeds;
  std::vector<double> shares;
  work();
  for (int turn = 0; turn < kTurns; ++turn) {
    const uint8_t* data = pool->Take(kTurnBytes);
    const double reading = kTurnBytes / Seconds([&] { ReadByThreads(data, static_cast<int64_t>(kTurnBytes)); });
    const double speed = bytes * repetitions / Seconds([&] {
                           for (int i = 0; i < repetitions; ++i) work();
                         });
    speeds.push_back(speed);
    shares.push_back(speed / reading);
  }
  std::printf("%-44s %8.3f ms %6.1f GB/s %4.0f %% of reading\n", name.c_str(), bytes / Median(speeds) * 1e3,
              Median(speeds) * 1e-9, Median(shares) * 100);
}

// Packs have no structure beside what the list says, so that pieces of the pool serve.
double PackedBytes(int32_t dtype, int32_t matrices, int32_t rows, int32_t columns, int32_t capacity) {
  int64_t bytes = 0;
  Require(ci_host_packed_bytes(context, dtype, matrices, rows, columns, capacity, &bytes));
  return static_cast<double>(bytes);
}

void MeasureMatvec(const Model& model, const Dtype& dtype, Pool* pool) {
  const std::string name = std::string("matvec ") + model.name + " " + dtype.name;
  if (!Wanted(name)) return;
  float* x = AllocateFloats(model.dim);
  float* y = AllocateFloats(model.neurons);
  const double bytes = dtype.bytes_per_element * model.dim * model.neurons;
  Compare(name, bytes, pool, [&] {
    Require(ci_matvec(context, dtype.value, pool->Take(bytes), nullptr, x, 1, model.neurons, model.dim, 0, y));
  });
  const double packed_bytes = PackedBytes(dtype.value, 1, model.neurons, model.dim, model.neurons);
  if (packed_bytes > 0) {
    Compare(name + " packed", packed_bytes, pool, [&] {
      const uint8_t* weight = pool->Take(0);
      Require(ci_host_matvec_packed(context, dtype.value, weight, pool->Take(packed_bytes), nullptr, x, 1,
                                    model.neurons, model.dim, 0, y));
    });
  }
  Free(x, sizeof(float) * model.dim);
  Free(y, sizeof(float) * model.neurons);
}

std::vector<int32_t> RandomNeurons(int32_t neurons, double keep) {
  std::vector<int32_t> ids;
  uint32_t state = 7;
  for (int32_t n = 0; n < neurons; ++n) {
    state = state * 1664525 + 1013904223;
    if ((state >> 8) * 0x1p-24 < keep) ids.push_back(n);
  }
  return ids;
}

// Scales count as often as a group of neurons with some listed is read.
double DownBytes(const Down& down, int32_t dim, const std::vector<int32_t>& ids) {
  int64_t groups = 0;
  int32_t last = -1;
  for (const int32_t n : ids) {
    groups += n / down.rows != last ? 1 : 0;
    last = n / down.rows;
  }
  return dim * (down.dtype.bytes_per_element * static_cast<double>(ids.size()) +
                down.header_bytes * static_cast<double>(groups));
}

void MeasureFfn(const Model& model, const Dtype& up, Pool* pool) {
  const Down down = DownOf(up);
  const double up_bytes = up.bytes_per_element * model.dim * model.neurons;
  const double all_bytes = 2 * up_bytes + DownBytes(down, model.dim, RandomNeurons(model.neurons, 2.0));
  float* x = AllocateFloats(model.dim);
  // Gates near 0: activations of great negative ones are too small for integers.
  for (int32_t i = 0; i < model.dim; ++i) x[i] *= 0x1p-12f;
  float* y = AllocateFloats(model.dim);
  float* activations = AllocateFloats(model.neurons);
  for (const double keep : {1.0, 0.4, 0.2}) {
    const std::vector<int32_t> ids = RandomNeurons(model.neurons, keep);
    const auto core = static_cast<int32_t>(ids.size());
    for (const bool is_list : {true, false}) {
      std::vector<int32_t> neurons = ids;
      for (int32_t i = 0; !is_list && i < core; ++i) neurons[static_cast<size_t>(i)] = i;
      char name[80];
      std::snprintf(name, sizeof(name), "ffn %s %s %s keep %.1f %s", model.name, up.name, down.dtype.name, keep,
                    is_list ? "list" : "together");
      if (!Wanted(name)) continue;
      const double bytes = 2 * up_bytes * core / model.neurons + DownBytes(down, model.dim, neurons);
      Compare(name, bytes, pool, [&] {
        const uint8_t* gate = pool->Take(all_bytes);
        const uint8_t* up_data = gate + static_cast<int64_t>(up_bytes);
        std::memset(y, 0, sizeof(float) * static_cast<size_t>(model.dim));
        Require(ci_ffn_decode(context, CI_SILU, up.value, gate, up_data, nullptr, nullptr, down.dtype.value,
                              up_data + static_cast<int64_t>(up_bytes), nullptr, x, 1, neurons.data(), &core, nullptr,
                              model.neurons, model.dim, activations, y));
      });
      const double packed_up = PackedBytes(up.value, 2, model.neurons, model.dim, core);
      const double packed_down = PackedBytes(down.dtype.value, 1, model.neurons, model.dim, core);
      if (packed_up == 0 || packed_down == 0) continue;
      Compare(std::string(name) + " packed", bytes, pool, [&] {
        const uint8_t* weights = pool->Take(0);
        const uint8_t* up_data = pool->Take(packed_up);
        std::memset(y, 0, sizeof(float) * static_cast<size_t>(model.dim));
        Require(ci_host_ffn_decode_packed(context, CI_SILU, up.value, weights, weights, nullptr, nullptr,
                                          down.dtype.value, weights, nullptr, up_data, nullptr, pool->Take(packed_down),
                                          x, 1, neurons.data(), &core, nullptr, model.neurons, model.dim, activations,
                                          y));
      });
    }
  }
  Free(x, sizeof(float) * model.dim);
  Free(y, sizeof(float) * model.dim);
  Free(activations, sizeof(float) * model.neurons);
}

void MeasureAttention(int32_t heads, int32_t kv_heads, int32_t head_dim, int32_t positions, const Dtype& cache,
                      Pool* pool) {
  char name[80];
  std::snprintf(name, sizeof(name), "attention %s heads %d/%d dim %d positions %d", cache.name, heads, kv_heads,
                head_dim, positions);
  if (!Wanted(name)) return;
  const int32_t page_count = (positions - 1) / CI_CACHE_PAGE + 1;
  const auto page_bytes = static_cast<int64_t>(2 * cache.bytes_per_element * head_dim * kv_heads * CI_CACHE_PAGE);
  std::vector<uint64_t> pages(static_cast<size_t>(page_count));
  float* queries = AllocateFloats(double{1} * heads * head_dim);
  float* y = AllocateFloats(double{1} * heads * head_dim);
  const int32_t last = positions - 1;
  Compare(name, 2 * cache.bytes_per_element * head_dim * kv_heads * positions, pool, [&] {
    for (uint64_t& page : pages) page = reinterpret_cast<uint64_t>(pool->Take(static_cast<double>(page_bytes)));
    Require(ci_attention_decode(context, queries, 1, heads, kv_heads, head_dim, &last, 0, 0.09f, positions, cache.value,
                                pages.data(), y));
  });
  Free(queries, sizeof(float) * heads * head_dim);
  Free(y, sizeof(float) * heads * head_dim);
}

}  // namespace

Down DownOf(const Dtype& up) {
  switch (up.value) {
    case CI_Q8_0:
      return {{CI_Q8_0_SHARED, "Q8_0_SHARED", 1.0}, 32, 2};
    case CI_Q4_0:
      return {{CI_Q4_0_SHARED, "Q4_0_SHARED", 0.5}, 32, 2};
    case CI_Q4_1:
      return {{CI_Q4_1_SHARED, "Q4_1_SHARED", 0.5}, 32, 4};
    case CI_Q5_0:
      return {{CI_Q5_0_SHARED, "Q5_0_SHARED", 20.0 / 32}, 32, 2};
    case CI_Q5_1:
      return {{CI_Q5_1_SHARED, "Q5_1_SHARED", 20.0 / 32}, 32, 4};
    case CI_Q4_K:
      return {{CI_Q4_K_SHARED, "Q4_K_SHARED", 0.5}, 256, 16};
    case CI_Q5_K:
      return {{CI_Q5_K_SHARED, "Q5_K_SHARED", 20.0 / 32}, 256, 16};
    case CI_Q6_K:
      return {{CI_Q6_K_SHARED, "Q6_K_SHARED", 24.0 / 32}, 256, 18};
    default:
      return {up, 1, 0};
  }
}

void MeasureDecode() {
  Pool pool;
  for (const Model& model : kModels) {
    for (const Dtype& dtype : kDtypes) MeasureMatvec(model, dtype, &pool);
    for (const Dtype& dtype : kDtypes) MeasureFfn(model, dtype, &pool);
  }
  for (const Dtype& cache : {kF16, kF32}) {
    for (const int32_t positions : {512, 4096}) {
      MeasureAttention(32, 32, 128, positions, cache, &pool);
      MeasureAttention(32, 8, 128, positions, cache, &pool);
      MeasureAttention(32, 4, 64, positions, cache, &pool);
    }
    MeasureAttention(8, 1, 128, 4096, cache, &pool);
  }
}

}  // namespace kernel_lab
