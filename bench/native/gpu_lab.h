// What the files of the GPU lab share: a context, memory full of random weights, and measurements.
#ifndef COREINFER_BENCH_GPU_LAB_H_
#define COREINFER_BENCH_GPU_LAB_H_

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "coreinfer/kernels.h"

namespace gpu_lab {

struct Options {
  bool smoke = false;  // tiny sizes: shows that everything runs, measures nothing
  std::string filter;  // part of the names of the sections that run
  std::string out;     // file for the JSON
  std::string command;
};

/// A measurement. What was read and computed refers to one call.
struct Result {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;
  double median = 0;  // seconds
  double least = 0;
  double most = 0;
  double bytes = 0;  // that the call must move, 0 where arithmetic bounds it
  double operations = 0;
};

struct Device {
  std::string name;
  int major = 0;
  int minor = 0;
  int multiprocessors = 0;
  int64_t l2_bytes = 0;
  int64_t total_bytes = 0;
  int driver = 0;
  int runtime = 0;
};

/// Memory of the device, filled by FillRandom.
class Memory {
 public:
  explicit Memory(int64_t bytes);
  Memory(Memory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
  Memory& operator=(Memory&&) = delete;
  ~Memory();

  void* data() const { return data_; }
  float* floats() const { return static_cast<float*>(data_); }
  int32_t* integers() const { return static_cast<int32_t*>(data_); }
  const uint64_t* addresses() const { return static_cast<const uint64_t*>(data_); }
  int64_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  int64_t bytes_;
};

struct Lab {
  explicit Lab(const Options& options);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  /// Whether a section of this name was asked for.
  bool Wants(const std::string& section) const { return section.find(options.filter) != std::string::npos; }

  /// Random elements of a dtype, of ordinary size.
  Memory Weights(int32_t dtype, int32_t rows, int32_t columns);
  Memory Floats(int64_t count);
  Memory Integers(const std::vector<int32_t>& values);
  Memory Addresses(const std::vector<uint64_t>& values);

  /// Free memory of the device.
  int64_t FreeBytes() const;

  /// Times what `queue` queues, as a graph; it consists of `calls` like calls, and `before` runs
  /// before each repetition.
  Result Measure(const std::string& name, int calls, const std::function<void()>& queue,
                 const std::function<void()>& before = nullptr);

  /// Keeps a result and prints it.
  void Report(const Result& result);
  void Note(const std::string& sentence);

  Options options;
  Device device;
  cudaStream_t stream = nullptr;
  ci_context* context = nullptr;
  std::mt19937 random{12345};
  double copy_rate = 0;  // bytes per second, read and written
  double read_rate = 0;
  double ceiling = 0;  // the larger: what decode, which only reads, is measured by
  std::vector<Result> results;
  std::vector<std::string> notes;

 private:
  void FillRandom(void* data, int64_t bytes, uint32_t varying, uint32_t fixed);

  uint32_t seed_ = 1;
};

/// Ends the process with a sentence unless a call succeeded.
void Require(int32_t status);
void Require(cudaError_t error, const char* call);

const char* NameOf(int32_t dtype);

/// Bytes of a matrix.
double MatrixBytes(int32_t dtype, int64_t rows, int64_t columns);

/// The down projection's dtype for an up projection's: as loading a file gives it.
int32_t DownDtype(int32_t up_dtype);

/// A random ascending list of about keep * neurons neurons.
std::vector<int32_t> RandomList(std::mt19937* random, int32_t neurons, double keep);

/// An FFN's weights, random.
struct FfnWeights {
  FfnWeights(Lab* lab, int32_t dtype, int32_t neurons, int32_t dim, bool is_gated);

  /// Bytes that a step must read: the listed rows, and the down rows of those that are active.
  double BytesFor(const std::vector<int32_t>& list, double active_share) const;

  int32_t dtype;
  int32_t neurons;
  int32_t dim;
  bool is_gated;
  Memory gate;  // empty in an ungated layer
  Memory up;
  Memory down;
};

/// Random keys and values of one layer, in F16, for up to `capacity` positions.
struct CachePages {
  CachePages(Lab* lab, int32_t kv_heads, int32_t head_dim, int32_t capacity);

  Memory entries;
  Memory pages;  // their addresses
};

// The sections, in the order in which they run.
void MeasureCeilings(Lab* lab);
void MeasureMatvec(Lab* lab);
void MeasureFfn(Lab* lab);
void MeasureSteps(Lab* lab);
void MeasureModels(Lab* lab);
void MeasurePrefill(Lab* lab);

/// Everything as JSON.
void WriteJson(const Lab& lab);

}  // namespace gpu_lab

#endif  // COREINFER_BENCH_GPU_LAB_H_
