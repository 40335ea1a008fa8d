// Decode's two kernels alone: matrix-vector products, and the fused FFN over all neurons, over random lists of them,
// and over packed ones. Layers and lists alternate, so that nothing is found in L2.
#include <algorithm>
#include <cstdio>

#include "coreinfer/cuda.h"
#include "gpu_lab.h"

namespace gpu_lab {

FfnWeights::FfnWeights(Lab* lab, int32_t dtype_, int32_t neurons_, int32_t dim_, bool is_gated_)
    : dtype(dtype_),
      neurons(neurons_),
      dim(dim_),
      is_gated(is_gated_),
      gate(is_gated_ ? lab->Weights(dtype_, neurons_, dim_) : Memory(0)),
      up(lab->Weights(dtype_, neurons_, dim_)),
      down(lab->Weights(DownDtype(dtype_), neurons_, dim_)) {}

double FfnWeights::BytesFor(const std::vector<int32_t>& list, double active_share) const {
  const auto rows = static_cast<int64_t>(list.size());
  const double up_bytes = (is_gated ? 2 : 1) * MatrixBytes(dtype, rows, dim);
  if (DownDtype(dtype) == dtype) return up_bytes + active_share * MatrixBytes(dtype, rows, dim);
  // Rows share their scales in groups of 32: each group in the list costs its scales once.
  int64_t groups = 0;
  int32_t group = -1;
  for (const int32_t id : list) {
    groups += id / 32 != group ? 1 : 0;
    group = id / 32;
  }
  const double q_bytes = dtype == CI_Q8_0 ? 1.0 : 0.5;
  return up_bytes + active_share * q_bytes * static_cast<double>(rows) * dim + 2.0 * static_cast<double>(groups) * dim;
}

void MeasureMatvec(Lab* lab) {
  const bool smoke = lab->options.smoke;
  const std::pair<int32_t, int32_t> shapes[] = {{1024, 4096},  {4096, 4096},  {11008, 4096},
                                                {14336, 4096}, {32000, 4096}, {128256, 4096}};
  for (const int32_t dtype : {CI_F16, CI_Q8_0, CI_Q4_0}) {
    for (const auto& shape : shapes) {
      const int32_t rows = smoke ? 40 : shape.first;
      const int32_t columns = smoke ? 128 : shape.second;
      const double bytes = MatrixBytes(dtype, rows, columns);
      const int copies =
          smoke ? 2 : static_cast<int>(std::clamp(4.0 * static_cast<double>(lab->device.l2_bytes) / bytes, 2.0, 64.0));
      std::vector<Memory> weights;
      for (int i = 0; i < copies; ++i) weights.push_back(lab->Weights(dtype, rows, columns));
      const Memory x = lab->Floats(columns);
      const Memory y = lab->Floats(rows);
      Result result = lab->Measure("matvec", copies, [&] {
        for (const Memory& weight : weights) {
          Require(ci_matvec(lab->context, dtype, weight.data(), nullptr, x.floats(), 1, rows, columns, 0, y.floats()));
        }
      });
      result.parameters = {
          {"dtype", NameOf(dtype)}, {"rows", std::to_string(rows)}, {"columns", std::to_string(columns)}};
      result.bytes = bytes;
      lab->Report(result);
      if (smoke) break;
    }
  }
}

namespace {

struct Shape {
  const char* name;
  int32_t dim;
  int32_t neurons;
};

// Lists for the layers that take turns.
struct Lists {
  std::vector<std::vector<int32_t>> ids;
  std::vector<Memory> device_ids;
  std::vector<Memory> device_cores;
};

Lists MakeLists(Lab* lab, size_t layers, int32_t neurons, double keep) {
  Lists lists;
  for (size_t i = 0; i < layers; ++i) {
    lists.ids.push_back(RandomList(&lab->random, neurons, keep));
    lists.device_ids.push_back(lab->Integers(lists.ids.back()));
    lists.device_cores.push_back(lab->Integers({static_cast<int32_t>(lists.ids.back().size())}));
  }
  return lists;
}

// Other neurons in as many places.
void Renew(Lab* lab, int32_t neurons, double keep, Lists* lists) {
  for (size_t i = 0; i < lists->ids.size(); ++i) {
    lists->ids[i] = RandomList(&lab->random, neurons, keep);
    Require(ci_memory_upload(lab->context, lists->ids[i].data(), lists->device_ids[i].bytes(),
                             lists->device_ids[i].data()));
  }
}

struct Vectors {
  Vectors(Lab* lab, const Shape& shape)
      : x(lab->Floats(shape.dim)), y(lab->Floats(shape.dim)), activations(lab->Floats(shape.neurons)) {}

  Memory x, y, activations;
};

double MeanBytes(const std::vector<FfnWeights>& layers, const Lists& lists) {
  double bytes = 0;
  for (size_t i = 0; i < layers.size(); ++i) bytes += layers[i].BytesFor(lists.ids[i], 1.0);
  return bytes / static_cast<double>(layers.size());
}

void MeasureGathered(Lab* lab, const Shape& shape, const std::vector<FfnWeights>& layers, double keep, Lists* lists,
                     const Vectors& v, Result* result) {
  *result = lab->Measure(
      "ffn", static_cast<int>(layers.size()),
      [&] {
        for (size_t i = 0; i < layers.size(); ++i) {
          const FfnWeights& w = layers[i];
          Require(ci_ffn_decode(lab->context, CI_SILU, w.dtype, w.gate.data(), w.up.data(), nullptr, nullptr,
                                DownDtype(w.dtype), w.down.data(), nullptr, v.x.floats(), 1,
                                keep == 1.0 ? nullptr : lists->device_ids[i].integers(),
                                lists->device_cores[i].integers(), nullptr, shape.neurons, shape.dim,
                                v.activations.floats(), v.y.floats()));
        }
      },
      [&] {
        if (keep < 1.0) Renew(lab, shape.neurons, keep, lists);
      });
}

// The listed rows of one layer.
struct PackedFfn {
  PackedFfn(int32_t dtype, int32_t rows, const FfnWeights& w)
      : gate(static_cast<int64_t>(MatrixBytes(dtype, rows, w.dim))),
        up(static_cast<int64_t>(MatrixBytes(dtype, rows, w.dim))),
        down(static_cast<int64_t>(MatrixBytes(DownDtype(dtype), w.neurons, w.dim))) {}

  Memory gate, up, down;
};

void Pack(Lab* lab, const FfnWeights& w, const Lists& lists, size_t i, const PackedFfn& target) {
  const auto rows = static_cast<int32_t>(lists.ids[i].size());
  const std::pair<const Memory*, const Memory*> matrices[] = {
      {&w.gate, &target.gate}, {&w.up, &target.up}, {&w.down, &target.down}};
  for (const auto& [from, to] : matrices) {
    const int32_t dtype = from == &w.down ? DownDtype(w.dtype) : w.dtype;
    Require(ci_cuda_ffn_pack(lab->context, dtype, from->data(), w.neurons, w.dim, lists.device_ids[i].integers(),
                             lists.device_cores[i].integers(), rows, to->data()));
  }
}

void MeasurePacked(Lab* lab, const Shape& shape, const std::vector<FfnWeights>& layers, const Lists& lists,
                   const Vectors& v, const std::vector<std::pair<std::string, std::string>>& parameters) {
  const auto rows = static_cast<int32_t>(lists.ids[0].size());
  const int32_t dtype = layers[0].dtype;
  std::vector<PackedFfn> packed;
  for (const FfnWeights& w : layers) packed.emplace_back(dtype, rows, w);
  Result pack = lab->Measure("ffn_pack", static_cast<int>(layers.size()), [&] {
    for (size_t i = 0; i < layers.size(); ++i) Pack(lab, layers[i], lists, i, packed[i]);
  });
  pack.parameters = parameters;
  pack.bytes = 2 * MeanBytes(layers, lists);
  lab->Report(pack);
  Result result = lab->Measure("ffn", static_cast<int>(layers.size()), [&] {
    for (size_t i = 0; i < layers.size(); ++i) {
      Require(ci_cuda_ffn_decode_packed(lab->context, CI_SILU, dtype, packed[i].gate.data(), packed[i].up.data(),
                                        nullptr, nullptr, DownDtype(dtype), packed[i].down.data(), nullptr,
                                        v.x.floats(), lists.device_ids[i].integers(), lists.device_cores[i].integers(),
                                        shape.neurons, rows, shape.dim, v.activations.floats(), v.y.floats()));
    }
  });
  result.parameters = parameters;
  result.parameters.emplace_back("rows", "packed");
  result.bytes = MeanBytes(layers, lists);
  lab->Report(result);
}

void MeasureShape(Lab* lab, const Shape& shape, int32_t dtype) {
  // So many layers that what one repetition reads at the least keep is several times the cache.
  const double least = 0.2 * (2 * MatrixBytes(dtype, shape.neurons, shape.dim) +
                              MatrixBytes(DownDtype(dtype), shape.neurons, shape.dim));
  const double wanted = lab->options.smoke ? 2 : 4.0 * static_cast<double>(lab->device.l2_bytes) / least;
  const int count = static_cast<int>(std::clamp(wanted, 2.0, 32.0)) + 1;
  if (static_cast<double>(lab->FreeBytes()) < 2 * count * least / 0.2) {
    lab->Note(std::string("ffn ") + shape.name + " " + NameOf(dtype) +
              " was left out: the device has too little memory");
    return;
  }
  std::vector<FfnWeights> layers;
  for (int i = 0; i < count; ++i) layers.emplace_back(lab, dtype, shape.neurons, shape.dim, true);
  const Vectors v(lab, shape);
  for (const double keep : {1.0, 0.4, 0.2}) {
    Lists lists = MakeLists(lab, layers.size(), shape.neurons, keep);
    char text[16];
    std::snprintf(text, sizeof(text), "%.1f", keep);
    const std::vector<std::pair<std::string, std::string>> parameters = {
        {"shape", shape.name}, {"dtype", NameOf(dtype)}, {"keep", text}};
    Result result;
    MeasureGathered(lab, shape, layers, keep, &lists, v, &result);
    result.parameters = parameters;
    result.parameters.emplace_back("rows", keep == 1.0 ? "all" : "gathered");
    result.bytes = MeanBytes(layers, lists);
    lab->Report(result);
    if (keep < 1.0) MeasurePacked(lab, shape, layers, lists, v, parameters);
  }
}

}  // namespace

void MeasureFfn(Lab* lab) {
  if (lab->options.smoke) {
    for (const int32_t dtype : {CI_F16, CI_Q8_0, CI_Q4_0}) MeasureShape(lab, {"tiny", 128, 320}, dtype);
    return;
  }
  for (const Shape& shape : {Shape{"7B", 4096, 11008}, Shape{"8B", 4096, 14336}}) {
    for (const int32_t dtype : {CI_F16, CI_Q8_0, CI_Q4_0}) MeasureShape(lab, shape, dtype);
  }
}

}  // namespace gpu_lab
