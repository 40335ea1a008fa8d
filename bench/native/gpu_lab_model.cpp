// A whole decode step of synthetic Llama-2-7B and OPT-6.7B: every call of one token as one CUDA graph, dense and over
// random lists of core neurons, with some hundred positions in the caches. Weights are random.
#include <cmath>
#include <cstdio>

#include "coreinfer/cuda.h"
#include "gpu_lab.h"

namespace gpu_lab {
namespace {

struct ModelShape {
  const char* name;
  int32_t layers;
  int32_t dim;
  int32_t heads;
  int32_t kv_heads;
  int32_t neurons;
  int32_t vocabulary;
  bool is_llama;  // gated SILU, RMS norm, RoPE; OPT has ReLU, layer norm, biases and learned positions

  int32_t head_dim() const { return dim / heads; }
  int32_t kv_dim() const { return kv_heads * head_dim(); }
};

constexpr int32_t kCapacity = 512;
constexpr int32_t kPosition = 383;

struct ModelLayer {
  ModelLayer(Lab* lab, const ModelShape& shape, int32_t dtype)
      : query(lab->Weights(dtype, shape.dim, shape.dim)),
        key(lab->Weights(dtype, shape.kv_dim(), shape.dim)),
        value(lab->Weights(dtype, shape.kv_dim(), shape.dim)),
        output(lab->Weights(dtype, shape.dim, shape.dim)),
        ffn(lab, dtype, shape.neurons, shape.dim, shape.is_llama),
        cache(lab, shape.kv_heads, shape.head_dim(), kCapacity),
        norms(lab->Floats(4 * int64_t{shape.dim})),
        biases(lab->Floats(5 * int64_t{shape.dim} + shape.neurons)),
        activations(lab->Floats(shape.neurons)) {}

  Memory query, key, value, output;
  FfnWeights ffn;
  CachePages cache;
  Memory norms;   // weight and bias before the attention, weight and bias before the FFN
  Memory biases;  // of query, key, value, output, down, up
  Memory activations;
};

class Model {
 public:
  Model(Lab* lab, const ModelShape& shape, int32_t dtype)
      : lab_(lab),
        shape_(shape),
        dtype_(dtype),
        embedding_(lab->Weights(dtype, shape.vocabulary, shape.dim)),
        positions_(lab->Weights(dtype, kCapacity, shape.dim)),
        head_(lab->Weights(dtype, shape.vocabulary, shape.dim)),
        rotations_(lab->Floats(int64_t{kCapacity} * shape.head_dim())),
        norms_(lab->Floats(2 * int64_t{shape.dim})),
        token_(lab->Integers({7 % shape.vocabulary})),
        position_(lab->Integers({kPosition})),
        hidden_(lab->Floats(shape.dim)),
        x_(lab->Floats(shape.dim)),
        query_(lab->Floats(shape.dim)),
        key_(lab->Floats(shape.dim)),
        value_(lab->Floats(shape.dim)),
        attended_(lab->Floats(shape.dim)),
        logits_(lab->Floats(shape.vocabulary)) {
    for (int32_t i = 0; i < shape.layers; ++i) layers_.emplace_back(lab, shape, dtype);
  }

  static double BytesFor(const ModelShape& shape, int32_t dtype) {
    const double attention =
        2 * MatrixBytes(dtype, shape.dim, shape.dim) + 2 * MatrixBytes(dtype, shape.kv_dim(), shape.dim);
    const double ffn = (shape.is_llama ? 3 : 2) * MatrixBytes(dtype, shape.neurons, shape.dim);
    const double cache = 2 * MatrixBytes(CI_F16, kCapacity, shape.kv_dim());
    return shape.layers * (attention + ffn + cache) + 2 * MatrixBytes(dtype, shape.vocabulary, shape.dim);
  }

  void Choose(double keep) {
    lists_.clear();
    device_lists_.clear();
    device_cores_.clear();
    for (int32_t i = 0; i < shape_.layers; ++i) {
      lists_.push_back(RandomList(&lab_->random, shape_.neurons, keep));
      device_lists_.push_back(lab_->Integers(lists_.back()));
      device_cores_.push_back(lab_->Integers({static_cast<int32_t>(lists_.back().size())}));
    }
  }

  void QueueStep() {
    Require(ci_embedding_lookup(lab_->context, dtype_, embedding_.data(), shape_.vocabulary, shape_.dim,
                                token_.integers(), 1, hidden_.floats()));
    if (!shape_.is_llama) {
      Require(ci_embedding_lookup(lab_->context, dtype_, positions_.data(), kCapacity, shape_.dim, position_.integers(),
                                  1, x_.floats()));
      Require(ci_add(lab_->context, x_.floats(), shape_.dim, hidden_.floats()));
    }
    for (size_t i = 0; i < layers_.size(); ++i) {
      QueueAttention(layers_[i]);
      QueueFfn(layers_[i], i);
    }
    QueueNorm(norms_.floats());
    QueueMatvec(head_, nullptr, x_, shape_.vocabulary, 0, logits_);
    Require(ci_cuda_sample_greedy(lab_->context, logits_.floats(), shape_.vocabulary, token_.integers()));
  }

  // Bytes that the last step had to read.
  double StepBytes() const {
    const double head = MatrixBytes(dtype_, shape_.vocabulary, shape_.dim);
    double bytes = head;
    for (size_t i = 0; i < layers_.size(); ++i) {
      bytes += 2 * MatrixBytes(dtype_, shape_.dim, shape_.dim) + 2 * MatrixBytes(dtype_, shape_.kv_dim(), shape_.dim);
      bytes += 2 * MatrixBytes(CI_F16, kPosition + 1, shape_.kv_dim());
      bytes += layers_[i].ffn.BytesFor(lists_[i], ActiveShare(i));
    }
    return bytes;
  }

  const Memory& logits() const { return logits_; }

 private:
  double ActiveShare(size_t i) const {
    if (shape_.is_llama) return 1.0;
    std::vector<float> activations(lists_[i].size());
    Require(ci_memory_download(lab_->context, layers_[i].activations.data(),
                               static_cast<int64_t>(activations.size()) * 4, activations.data()));
    int64_t active = 0;
    for (const float activation : activations) active += activation != 0.0f ? 1 : 0;
    return static_cast<double>(active) / static_cast<double>(activations.size());
  }

  void QueueNorm(const float* weights) {
    if (shape_.is_llama) {
      Require(ci_rms_norm(lab_->context, hidden_.floats(), weights, 1, shape_.dim, 1e-5f, x_.floats()));
    } else {
      Require(ci_layer_norm(lab_->context, hidden_.floats(), weights, weights + shape_.dim, 1, shape_.dim, 1e-5f,
                            x_.floats()));
    }
  }

  void QueueMatvec(const Memory& weight, const float* bias, const Memory& x, int32_t rows, int32_t accumulate,
                   const Memory& y) {
    Require(ci_matvec(lab_->context, dtype_, weight.data(), shape_.is_llama ? nullptr : bias, x.floats(), 1, rows,
                      shape_.dim, accumulate, y.floats()));
  }

  void QueueAttention(const ModelLayer& layer) {
    const float* biases = layer.biases.floats();
    const int32_t dim = shape_.dim;
    QueueNorm(layer.norms.floats());
    QueueMatvec(layer.query, biases, x_, dim, 0, query_);
    QueueMatvec(layer.key, biases + dim, x_, shape_.kv_dim(), 0, key_);
    QueueMatvec(layer.value, biases + 2 * dim, x_, shape_.kv_dim(), 0, value_);
    if (shape_.is_llama) {
      const int32_t pairs = shape_.head_dim() / 2;
      Require(ci_rope(lab_->context, rotations_.floats(), kCapacity, pairs, 0, 1, shape_.heads, shape_.head_dim(),
                      position_.integers(), query_.floats()));
      Require(ci_rope(lab_->context, rotations_.floats(), kCapacity, pairs, 0, 1, shape_.kv_heads, shape_.head_dim(),
                      position_.integers(), key_.floats()));
    }
    Require(ci_attention_append(lab_->context, key_.floats(), value_.floats(), 1, shape_.kv_heads, shape_.head_dim(),
                                position_.integers(), kCapacity, CI_F16, layer.cache.pages.addresses()));
    const float scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_dim()));
    Require(ci_attention_decode(lab_->context, query_.floats(), 1, shape_.heads, shape_.kv_heads, shape_.head_dim(),
                                position_.integers(), 0, scale, kCapacity, CI_F16, layer.cache.pages.addresses(),
                                attended_.floats()));
    QueueMatvec(layer.output, biases + 3 * dim, attended_, dim, 1, hidden_);
  }

  void QueueFfn(const ModelLayer& layer, size_t i) {
    const float* biases = layer.biases.floats() + 4 * int64_t{shape_.dim};
    QueueNorm(layer.norms.floats() + 2 * int64_t{shape_.dim});
    const FfnWeights& w = layer.ffn;
    const bool is_dense = static_cast<int32_t>(lists_[i].size()) == shape_.neurons;
    Require(ci_ffn_decode(lab_->context, shape_.is_llama ? CI_SILU : CI_RELU, w.dtype,
                          shape_.is_llama ? w.gate.data() : nullptr, w.up.data(), nullptr,
                          shape_.is_llama ? nullptr : biases + shape_.dim, DownDtype(w.dtype), w.down.data(),
                          shape_.is_llama ? nullptr : biases, x_.floats(), 1,
                          is_dense ? nullptr : device_lists_[i].integers(), device_cores_[i].integers(), nullptr,
                          shape_.neurons, shape_.dim, layer.activations.floats(), hidden_.floats()));
  }

  Lab* lab_;
  const ModelShape shape_;
  const int32_t dtype_;
  Memory embedding_, positions_, head_, rotations_, norms_;
  Memory token_, position_;
  Memory hidden_, x_, query_, key_, value_, attended_, logits_;
  std::vector<ModelLayer> layers_;
  std::vector<std::vector<int32_t>> lists_;
  std::vector<Memory> device_lists_, device_cores_;
};

void MeasureModel(Lab* lab, const ModelShape& shape, int32_t dtype) {
  const std::string name = std::string(shape.name) + " " + NameOf(dtype);
  if (static_cast<double>(lab->FreeBytes()) < 1.02 * Model::BytesFor(shape, dtype) + 256e6) {
    lab->Note("model " + name + " was left out: the device has too little memory");
    return;
  }
  Model model(lab, shape, dtype);
  for (const double keep : {1.0, 0.4, 0.2}) {
    model.Choose(keep);
    Result result = lab->Measure("model", 1, [&] { model.QueueStep(); });
    char text[16];
    std::snprintf(text, sizeof(text), "%.1f", keep);
    result.parameters = {{"model", shape.name}, {"dtype", NameOf(dtype)}, {"keep", text}};
    result.bytes = model.StepBytes();
    lab->Report(result);
  }
}

}  // namespace

void MeasureModels(Lab* lab) {
  if (lab->options.smoke) {
    MeasureModel(lab, {"tiny-llama", 2, 128, 4, 2, 320, 500, true}, CI_Q4_0);
    MeasureModel(lab, {"tiny-opt", 2, 128, 4, 4, 512, 500, false}, CI_F16);
    return;
  }
  const ModelShape llama = {"Llama-2-7B", 32, 4096, 32, 32, 11008, 32000, true};
  for (const int32_t dtype : {CI_F16, CI_Q8_0, CI_Q4_0}) MeasureModel(lab, llama, dtype);
  const ModelShape opt = {"OPT-6.7B", 32, 4096, 32, 32, 16384, 50272, false};
  for (const int32_t dtype : {CI_F16, CI_Q8_0, CI_Q4_0}) MeasureModel(lab, opt, dtype);
}

}  // namespace gpu_lab
