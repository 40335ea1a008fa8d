// A whole decode step of a Llama shape without a JVM: the calls that DecodeStep.java makes, in its order, with random
// weights that are packed as it packs them after some tokens, where the processor does that. What is not packed lies
// where a loaded file's weights lie, those of the FFN's down projections in large pages and all others in a mapped
// file's pages. Prints how long a token takes, and how that time divides among the operations.
//   decode_lab SHAPE DTYPE [threads] [keep] [position] [file]
// SHAPE: tinyllama-1.1b, llama-2-7b, or calls, which has the layers of the first and next to no weights: what is left
// is the cost of calls, to which DecodeBenchmark with shape=tiny and layers=22 adds that of Java; DTYPE: F16, Q8_0,
// Q4_0; position: tokens before the decoded ones. The file receives the matrices, or holds them from a run before;
// without it they lie in memory that is in large pages, too.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "coreinfer/host.h"
#include "coreinfer/kernels.h"

namespace {

struct Shape {
  const char* name;
  int32_t layers;
  int32_t dim;
  int32_t heads;
  int32_t kv_heads;
  int32_t neurons;
  int32_t vocabulary;

  int32_t head_dim() const { return dim / heads; }
  int32_t kv_dim() const { return kv_heads * head_dim(); }
  bool has_weights() const { return dim >= 100; }
  int32_t steps() const {
    if (!has_weights()) return 4003;
    return layers > 22 ? 24 : 67;
  }
};
constexpr Shape kShapes[] = {{"tinyllama-1.1b", 22, 2048, 32, 4, 5632, 32000},
                             {"llama-2-7b", 32, 4096, 32, 32, 11008, 32000},
                             {"calls", 22, 64, 4, 2, 160, 320}};

struct Dtype {
  const char* name;
  int32_t up;
  int32_t down;
  double bytes;
};
constexpr Dtype kDtypes[] = {{"F16", CI_F16, CI_F16, 2.0},
                             {"Q8_0", CI_Q8_0, CI_Q8_0_SHARED, 34.0 / 32},
                             {"Q4_0", CI_Q4_0, CI_Q4_0_SHARED, 18.0 / 32}};

void Require(int32_t status) {
  if (status == CI_OK) return;
  std::fprintf(stderr, "%s\n", ci_error_message());
  std::exit(1);
}

// Every two bytes are a half as small as a trained model's weights and scales are.
void Fill(uint8_t* bytes, int64_t count) {
  uint32_t state = 99;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    bytes[i] = static_cast<uint8_t>(0x10 | ((state >> 24) & 0x8f));
  }
}

class Lab {
 public:
  Lab(const Shape& shape, const Dtype& dtype, int32_t threads, double keep, int32_t position, const char* file)
      : s(shape), d(dtype), capacity_(position + 64), position_(position) {
    ci_address address = 0;
    Require(ci_context_create(threads, &address));
    context = reinterpret_cast<ci_context*>(address);
    if (file != nullptr) MapFile(file);
    embedding_ = Weights(s.vocabulary, s.dim);
    head_ = Weights(s.vocabulary, s.dim);
    for (int32_t i = 0; i < s.layers; ++i) layers_.push_back(NewLayer());
    x_ = Floats(s.dim);
    normed_ = Floats(s.dim);
    query_ = Floats(s.dim);
    key_ = Floats(s.kv_dim());
    value_ = Floats(s.kv_dim());
    attended_ = Floats(s.dim);
    activations_ = Floats(s.neurons);
    logits_ = Floats(s.vocabulary);
    norm_ = Floats(s.dim);
    rotations_ = Floats(int64_t{capacity_} * s.head_dim());
    ChooseNeurons(keep);
    for (Layer& layer : layers_) Pack(&layer);
    packed_head_ = Packed(d.up, head_, nullptr, s.vocabulary, nullptr, s.vocabulary);
  }

  void Step(int32_t token, int32_t position) {
    Timed("embed",
          [&] { Require(ci_embedding_lookup(context, d.up, embedding_, s.vocabulary, s.dim, &token, 1, x_)); });
    for (int32_t i = 0; i < s.layers; ++i) {
      Attend(layers_[static_cast<size_t>(i)], position);
      const Layer& layer = layers_[static_cast<size_t>(i)];
      Timed("ffn", [&] { Feed(layer); });
    }
    Norm();
    Timed("head", [&] { Matvec(head_, packed_head_, normed_, s.vocabulary, 0, logits_); });
  }

  void Run(int32_t tokens) {
    std::vector<double> seconds;
    std::map<std::string, double> total;
    for (int32_t i = 0; i < tokens; ++i) {
      const auto start = std::chrono::steady_clock::now();
      Step(i % 64, position_ + i % 64);
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      if (i == 2) parts_.clear();
    }
    seconds.erase(seconds.begin(), seconds.begin() + 3);
    std::sort(seconds.begin(), seconds.end());
    const double median = seconds[seconds.size() / 2];
    const double bytes = BytesPerToken();
    std::printf("%s %s keep %.2f: %.3f ms per token, %.1f tokens/s, %.1f GB/s\n", s.name, d.name,
                static_cast<double>(core_) / s.neurons, median * 1e3, 1 / median, bytes / median * 1e-9);
    for (const auto& [name, part] : parts_) {
      std::printf("  %-10s %8.3f ms  %.1f GB/s\n", name.c_str(), part / (tokens - 3) * 1e3,
                  PartBytes(name) / (part / (tokens - 3)) * 1e-9);
    }
  }

 private:
  struct Layer {
    uint8_t *query, *key, *value, *output, *gate, *up, *down;
    uint8_t *packed_query, *packed_key, *packed_value, *packed_output, *packed_up, *packed_down;  // nullptr: not packed
    std::vector<uint64_t> pages;
    std::vector<int32_t> core_ids;
  };

  double PartBytes(const std::string& name) const {
    const double dim = s.dim;
    if (name == "qkv") return d.bytes * dim * (dim + 2 * s.kv_dim()) * s.layers;
    if (name == "o") return d.bytes * dim * dim * s.layers;
    if (name == "ffn") return d.bytes * 3 * dim * core_ * s.layers;
    if (name == "head") return d.bytes * dim * s.vocabulary;
    if (name == "attention") return 2.0 * 2 * s.kv_dim() * position_ * s.layers;
    return 0;
  }

  double BytesPerToken() const { return PartBytes("qkv") + PartBytes("o") + PartBytes("ffn") + PartBytes("head"); }

  template <class Body>
  void Timed(const char* name, const Body& body) {
    if (!s.has_weights()) return body();  // a look at the clock takes as long
    const auto start = std::chrono::steady_clock::now();
    body();
    parts_[name] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void Norm() {
    Timed("norm", [&] { Require(ci_rms_norm(context, x_, norm_, 1, s.dim, 1e-5f, normed_)); });
  }

  void Matvec(const uint8_t* weight, const uint8_t* packed, const float* x, int32_t rows, int32_t accumulate,
              float* y) {
    if (packed == nullptr) {
      Require(ci_matvec(context, d.up, weight, nullptr, x, 1, rows, s.dim, accumulate, y));
    } else {
      Require(ci_host_matvec_packed(context, d.up, weight, packed, nullptr, x, 1, rows, s.dim, accumulate, y));
    }
  }

  void AttentionInputs(const Layer& layer) {
    if (layer.packed_query == nullptr) {
      Matvec(layer.query, nullptr, normed_, s.dim, 0, query_);
      Matvec(layer.key, nullptr, normed_, s.kv_dim(), 0, key_);
      Matvec(layer.value, nullptr, normed_, s.kv_dim(), 0, value_);
    } else {
      Require(ci_host_attention_inputs_packed(context, d.up, layer.query, layer.packed_query, nullptr, s.dim, layer.key,
                                              layer.packed_key, nullptr, layer.value, layer.packed_value, nullptr,
                                              s.kv_dim(), normed_, 1, s.dim, query_, key_, value_));
    }
  }

  void Feed(const Layer& layer) {
    const int32_t* ids = core_ == s.neurons ? nullptr : layer.core_ids.data();
    if (layer.packed_up == nullptr && layer.packed_down == nullptr) {
      Require(ci_ffn_decode(context, CI_SILU, d.up, layer.gate, layer.up, nullptr, nullptr, d.down, layer.down, nullptr,
                            normed_, 1, ids, &core_, nullptr, s.neurons, s.dim, activations_, x_));
    } else {
      Require(ci_host_ffn_decode_packed(context, CI_SILU, d.up, layer.gate, layer.up, nullptr, nullptr, d.down,
                                        layer.down, nullptr, layer.packed_up, nullptr, layer.packed_down, normed_, 1,
                                        ids, &core_, nullptr, s.neurons, s.dim, activations_, x_));
    }
  }

  void Attend(const Layer& layer, int32_t position) {
    Norm();
    Timed("qkv", [&] { AttentionInputs(layer); });
    const int32_t pairs = s.head_dim() / 2;
    Timed("rope", [&] {
      Require(ci_rope(context, rotations_, capacity_, pairs, 0, 1, s.heads, s.head_dim(), &position, query_));
      Require(ci_rope(context, rotations_, capacity_, pairs, 0, 1, s.kv_heads, s.head_dim(), &position, key_));
    });
    Timed("append", [&] {
      Require(ci_attention_append(context, key_, value_, 1, s.kv_heads, s.head_dim(), &position, capacity_, CI_F16,
                                  layer.pages.data()));
    });
    const float scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim()));
    Timed("attention", [&] {
      Require(ci_attention_decode(context, query_, 1, s.heads, s.kv_heads, s.head_dim(), &position, 0, scale, capacity_,
                                  CI_F16, layer.pages.data(), attended_));
    });
    Timed("o", [&] { Matvec(layer.output, layer.packed_output, attended_, s.dim, 1, x_); });
    Norm();
  }

  uint8_t* Allocate(double bytes) {
    ci_address address = 0;
    Require(ci_memory_allocate(context, static_cast<int64_t>(bytes), &address));
    return reinterpret_cast<uint8_t*>(address);
  }

  uint8_t* Random(double bytes) {
    uint8_t* memory = Allocate(bytes);
    Fill(memory, static_cast<int64_t>(bytes));
    return memory;
  }

  float* Floats(int64_t count) {
    auto* floats = reinterpret_cast<float*>(Allocate(static_cast<double>(count) * 4));
    for (int64_t i = 0; i < count; ++i) floats[i] = 0.001f * static_cast<float>(i % 97);
    return floats;
  }

  uint8_t* Weights(int64_t rows, int64_t columns) {
    const double bytes = d.bytes * static_cast<double>(rows * columns);
    if (mapped_ == nullptr) return Random(bytes);
    uint8_t* weights = mapped_;
    mapped_ += static_cast<int64_t>(bytes);
    return weights;
  }

  void MapFile(const char* path) {
    const double dim = s.dim;
    const auto size = static_cast<int64_t>(
        d.bytes * (2 * dim * s.vocabulary + s.layers * dim * (2.0 * s.dim + 2.0 * s.kv_dim() + 2.0 * s.neurons)));
    const int file = open(path, O_RDWR | O_CREAT, 0644);
    struct stat status {};
    if (file < 0 || fstat(file, &status) != 0) {
      std::perror(path);
      std::exit(1);
    }
    if (status.st_size < size) {
      std::vector<uint8_t> part(int64_t{1} << 24);
      Fill(part.data(), static_cast<int64_t>(part.size()));
      for (int64_t at = 0; at < size; at += static_cast<int64_t>(part.size())) {
        if (pwrite(file, part.data(), part.size(), at) != static_cast<ssize_t>(part.size())) {
          std::perror(path);
          std::exit(1);
        }
      }
    }
    mapped_ = static_cast<uint8_t*>(mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_SHARED, file, 0));
    close(file);
  }

  Layer NewLayer() {
    Layer layer{};
    layer.query = Weights(s.dim, s.dim);
    layer.key = Weights(s.kv_dim(), s.dim);
    layer.value = Weights(s.kv_dim(), s.dim);
    layer.output = Weights(s.dim, s.dim);
    layer.gate = Weights(s.neurons, s.dim);
    layer.up = Weights(s.neurons, s.dim);
    layer.down = Random(d.bytes * s.neurons * s.dim);
    for (int32_t first = 0; first < capacity_; first += CI_CACHE_PAGE) {
      layer.pages.push_back(reinterpret_cast<uint64_t>(Random(2.0 * 2 * CI_CACHE_PAGE * s.kv_dim())));
    }
    return layer;
  }

  void ChooseNeurons(double keep) {
    std::mt19937 random(7);
    core_ = static_cast<int32_t>(std::lround(keep * s.neurons));
    for (Layer& layer : layers_) {
      std::vector<int32_t> all(static_cast<size_t>(s.neurons));
      for (int32_t i = 0; i < s.neurons; ++i) all[static_cast<size_t>(i)] = i;
      std::shuffle(all.begin(), all.end(), random);
      all.resize(static_cast<size_t>(core_));
      std::sort(all.begin(), all.end());
      layer.core_ids = all;
    }
  }

  // Listed rows of a matrix of s.dim columns and of the one beside it; nullptr where the processor packs none.
  uint8_t* Packed(int32_t dtype, const uint8_t* weight, const uint8_t* beside, int32_t rows, const int32_t* ids,
                  int32_t count) {
    int64_t bytes = 0;
    Require(ci_host_packed_bytes(context, dtype, beside == nullptr ? 1 : 2, rows, s.dim, count, &bytes));
    if (bytes == 0) return nullptr;
    uint8_t* packed = Allocate(static_cast<double>(bytes));
    Require(ci_host_pack(context, dtype, weight, beside, rows, s.dim, ids, &count, packed));
    return packed;
  }

  void Pack(Layer* layer) {
    const int32_t* ids = layer->core_ids.data();
    layer->packed_query = Packed(d.up, layer->query, nullptr, s.dim, nullptr, s.dim);
    layer->packed_key = Packed(d.up, layer->key, nullptr, s.kv_dim(), nullptr, s.kv_dim());
    layer->packed_value = Packed(d.up, layer->value, nullptr, s.kv_dim(), nullptr, s.kv_dim());
    layer->packed_output = Packed(d.up, layer->output, nullptr, s.dim, nullptr, s.dim);
    layer->packed_up = Packed(d.up, layer->gate, layer->up, s.neurons, ids, core_);
    const bool shared = d.down != d.up;  // plain down projections are not packed
    layer->packed_down = shared ? Packed(d.down, layer->down, nullptr, s.neurons, ids, core_) : nullptr;
  }

  const Shape s;
  const Dtype d;
  const int32_t capacity_;
  const int32_t position_;
  ci_context* context = nullptr;
  uint8_t* mapped_ = nullptr;
  uint8_t *embedding_, *head_, *packed_head_;
  float *x_, *normed_, *query_, *key_, *value_, *attended_, *activations_, *logits_, *norm_, *rotations_;
  int32_t core_ = 0;
  std::vector<Layer> layers_;
  std::map<std::string, double> parts_;
};

}  // namespace

int main(int count, char** arguments) {
  const std::string shape_name = count > 1 ? arguments[1] : "tinyllama-1.1b";
  const std::string dtype_name = count > 2 ? arguments[2] : "Q4_0";
  const int32_t threads = count > 3 ? std::atoi(arguments[3]) : 2;
  const double keep = count > 4 ? std::atof(arguments[4]) : 1.0;
  const int32_t position = count > 5 ? std::atoi(arguments[5]) : 128;
  for (const Shape& shape : kShapes) {
    for (const Dtype& dtype : kDtypes) {
      if (shape_name != shape.name || dtype_name != dtype.name) continue;
      Lab(shape, dtype, threads, keep, position, count > 6 ? arguments[6] : nullptr).Run(shape.steps());
      return 0;
    }
  }
  std::fprintf(stderr, "unknown shape or dtype: %s %s\n", shape_name.c_str(), dtype_name.c_str());
  return 2;
}
