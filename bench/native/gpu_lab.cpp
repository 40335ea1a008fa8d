// Measures the CUDA library on the device that it finds: bandwidth that bounds decode, matrix-vector products, the
// fused core-neuron FFN, whole decode steps, prefill and the choice of neurons. Every figure is the median of several
// replays of a CUDA graph, timed by events; weights are random and larger than the caches together.
//   gpu_lab [--out FILE.json] [--filter WORD] [--smoke]
// Exit codes: 0 measured, 1 failed, 2 wrong usage, 77 there is no CUDA device.
#include "gpu_lab.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "coreinfer/cuda.h"

namespace gpu_lab {

void Require(int32_t status) {
  if (status == CI_OK) return;
  std::fprintf(stderr, "%s\n", ci_error_message());
  std::exit(1);
}

void Require(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", call, cudaGetErrorString(error));
  std::exit(1);
}

const char* NameOf(int32_t dtype) {
  constexpr const char* kNames[] = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q8_0_SHARED", "Q4_0_SHARED"};
  return kNames[dtype];
}

double MatrixBytes(int32_t dtype, int64_t rows, int64_t columns) {
  constexpr double kBytes[] = {4.0, 2.0, 2.0, 34.0 / 32, 18.0 / 32, 34.0 / 32, 18.0 / 32};
  return kBytes[dtype] * static_cast<double>(rows) * static_cast<double>(columns);
}

int32_t DownDtype(int32_t up_dtype) {
  return up_dtype == CI_Q8_0 ? CI_Q8_0_SHARED : up_dtype == CI_Q4_0 ? CI_Q4_0_SHARED : up_dtype;
}

Memory::Memory(int64_t bytes) : bytes_(bytes) {
  if (bytes > 0) Require(cudaMalloc(&data_, static_cast<size_t>(bytes)), "cudaMalloc");
}

Memory::~Memory() { cudaFree(data_); }

Lab::Lab(const Options& given) : options(given) {
  cudaDeviceProp properties;
  Require(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  Require(cudaDriverGetVersion(&device.driver), "cudaDriverGetVersion");
  Require(cudaRuntimeGetVersion(&device.runtime), "cudaRuntimeGetVersion");
  device.name = properties.name;
  device.major = properties.major;
  device.minor = properties.minor;
  device.multiprocessors = properties.multiProcessorCount;
  device.l2_bytes = properties.l2CacheSize;
  device.total_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  Require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  ci_address address = 0;
  Require(ci_cuda_context_create(0, static_cast<ci_address>(reinterpret_cast<intptr_t>(stream)), &address));
  context = reinterpret_cast<ci_context*>(address);
}

Lab::~Lab() {
  ci_context_destroy(context);
  cudaStreamDestroy(stream);
}

Memory Lab::Weights(int32_t dtype, int32_t rows, int32_t columns) {
  Memory memory(static_cast<int64_t>(MatrixBytes(dtype, rows, columns)));
  const int64_t elements = int64_t{rows} * columns;
  const int64_t q_bytes = dtype < CI_Q8_0                               ? memory.bytes()
                          : dtype == CI_Q8_0 || dtype == CI_Q8_0_SHARED ? elements
                                                                        : elements / 2;
  // The exponent is fixed but for a bit, so elements are about 0.01 to 0.03; the scales make those of integers so.
  switch (dtype) {
    case CI_F32:
      FillRandom(memory.data(), q_bytes, 0x80ffffffu, 0x3c000000u);
      break;
    case CI_F16:
      FillRandom(memory.data(), q_bytes, 0x87ff87ffu, 0x20002000u);
      break;
    case CI_BF16:
      FillRandom(memory.data(), q_bytes, 0x80ff80ffu, 0x3c003c00u);
      break;
    default:
      FillRandom(memory.data(), q_bytes, 0xffffffffu, 0);
      break;
  }
  const bool is_byte = dtype == CI_Q8_0 || dtype == CI_Q8_0_SHARED;
  if (dtype >= CI_Q8_0) {
    FillRandom(static_cast<uint8_t*>(memory.data()) + q_bytes, memory.bytes() - q_bytes, 0x03ff03ffu,
               is_byte ? 0x08000800u : 0x18001800u);
  }
  return memory;
}

Memory Lab::Floats(int64_t count) {
  Memory memory(count * 4);
  FillRandom(memory.data(), memory.bytes(), 0x80ffffffu, 0x3f000000u);
  return memory;
}

Memory Lab::Integers(const std::vector<int32_t>& values) {
  Memory memory(static_cast<int64_t>(values.size()) * 4);
  if (!values.empty()) Require(ci_memory_upload(context, values.data(), memory.bytes(), memory.data()));
  return memory;
}

Memory Lab::Addresses(const std::vector<uint64_t>& values) {
  Memory memory(static_cast<int64_t>(values.size() * sizeof(uint64_t)));
  Require(ci_memory_upload(context, values.data(), memory.bytes(), memory.data()));
  return memory;
}

int64_t Lab::FreeBytes() const {
  size_t free_bytes = 0;
  size_t total = 0;
  Require(cudaMemGetInfo(&free_bytes, &total), "cudaMemGetInfo");
  return static_cast<int64_t>(free_bytes);
}

namespace {

// What `queue` queues, `rounds` times, as a graph that can be timed.
class Recording {
 public:
  Recording(cudaStream_t stream, int rounds, const std::function<void()>& queue) : stream_(stream) {
    cudaGraph_t graph = nullptr;
    Require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    for (int i = 0; i < rounds; ++i) queue();
    Require(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    Require(cudaGraphInstantiate(&executable_, graph, 0), "cudaGraphInstantiate");
    Require(cudaGraphDestroy(graph), "cudaGraphDestroy");
    Require(cudaEventCreate(&start_), "cudaEventCreate");
    Require(cudaEventCreate(&stop_), "cudaEventCreate");
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() {
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
    cudaGraphExecDestroy(executable_);
  }

  double Seconds() const {
    Require(cudaEventRecord(start_, stream_), "cudaEventRecord");
    Require(cudaGraphLaunch(executable_, stream_), "cudaGraphLaunch");
    Require(cudaEventRecord(stop_, stream_), "cudaEventRecord");
    Require(cudaEventSynchronize(stop_), "the recorded calls");
    float milliseconds = 0;
    Require(cudaEventElapsedTime(&milliseconds, start_, stop_), "cudaEventElapsedTime");
    return milliseconds * 1e-3;
  }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
  cudaEvent_t start_ = nullptr;
  cudaEvent_t stop_ = nullptr;
};

// So many rounds that the start of a graph, some microseconds, does not count.
int RoundsFor(const Recording& once) {
  once.Seconds();
  const double seconds = std::max(once.Seconds(), 1e-7);
  return static_cast<int>(std::clamp(2e-3 / seconds, 1.0, 100.0));
}

}  // namespace

Result Lab::Measure(const std::string& name, int calls, const std::function<void()>& queue,
                    const std::function<void()>& before) {
  if (before != nullptr) before();
  queue();  // the context gets its scratch memory
  Require(ci_context_synchronize(context));
  const int rounds = options.smoke ? 2 : RoundsFor(Recording(stream, 1, queue));
  const Recording recording(stream, rounds, queue);
  constexpr int kWarmups = 3;
  const int repetitions = options.smoke ? 2 : 30;
  std::vector<double> seconds;
  for (int i = -kWarmups; i < repetitions; ++i) {
    if (before != nullptr) before();
    const double total = recording.Seconds();
    if (i >= 0) seconds.push_back(total / calls / rounds);
  }
  std::sort(seconds.begin(), seconds.end());
  Result result;
  result.name = name;
  result.median = seconds[seconds.size() / 2];
  result.least = seconds.front();
  result.most = seconds.back();
  return result;
}

void Lab::Report(const Result& result) {
  std::string text = result.name;
  for (const auto& [name, value] : result.parameters) text += " " + value;
  std::printf("%-58s %10.2f us", text.c_str(), result.median * 1e6);
  if (result.bytes > 0) std::printf("  %7.0f GB/s", result.bytes / result.median * 1e-9);
  if (result.bytes > 0 && ceiling > 0) std::printf("  %5.1f %%", 100 * result.bytes / result.median / ceiling);
  if (result.operations > 0) std::printf("  %7.2f TFLOP/s", result.operations / result.median * 1e-12);
  std::printf("\n");
  std::fflush(stdout);
  results.push_back(result);
}

void Lab::Note(const std::string& sentence) {
  std::printf("%s\n", sentence.c_str());
  notes.push_back(sentence);
}

std::vector<int32_t> RandomList(std::mt19937* random, int32_t neurons, double keep) {
  const auto wanted = static_cast<size_t>(keep * neurons + 0.5);
  std::vector<int32_t> all(static_cast<size_t>(neurons));
  for (int32_t n = 0; n < neurons; ++n) all[static_cast<size_t>(n)] = n;
  std::shuffle(all.begin(), all.end(), *random);
  all.resize(std::max<size_t>(wanted, 1));
  std::sort(all.begin(), all.end());
  return all;
}

namespace {

bool Parse(int count, char** arguments, Options* options) {
  for (int i = 0; i < count; ++i) options->command += (i == 0 ? "" : " ") + std::string(arguments[i]);
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--smoke") {
      options->smoke = true;
    } else if ((argument == "--out" || argument == "--filter") && i + 1 < count) {
      (argument == "--out" ? options->out : options->filter) = arguments[++i];
    } else {
      std::fprintf(stderr, "usage: gpu_lab [--out FILE.json] [--filter WORD] [--smoke]\n");
      return false;
    }
  }
  return true;
}

int Run(const Options& options) {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    std::printf("gpu_lab measures nothing: there is no CUDA device%s%s\n", error == cudaSuccess ? "" : ": ",
                error == cudaSuccess ? "" : cudaGetErrorString(error));
    return 77;
  }
  Lab lab(options);
  std::printf("%s, driver %d, runtime %d\n", ci_context_description(lab.context), lab.device.driver,
              lab.device.runtime);
  MeasureCeilings(&lab);
  if (lab.Wants("matvec")) MeasureMatvec(&lab);
  if (lab.Wants("ffn")) MeasureFfn(&lab);
  if (lab.Wants("step")) MeasureSteps(&lab);
  if (lab.Wants("model")) MeasureModels(&lab);
  if (lab.Wants("prefill")) MeasurePrefill(&lab);
  if (!options.out.empty()) WriteJson(lab);
  return 0;
}

}  // namespace
}  // namespace gpu_lab

int main(int count, char** arguments) {
  gpu_lab::Options options;
  if (!gpu_lab::Parse(count, arguments, &options)) return 2;
  return gpu_lab::Run(options);
}
