// What the parts of kernel_lab share: the context, memory, weights, time.
#ifndef COREINFER_BENCH_NATIVE_KERNEL_LAB_H_
#define COREINFER_BENCH_NATIVE_KERNEL_LAB_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "coreinfer/kernels.h"

namespace kernel_lab {

struct Dtype {
  int32_t value;
  const char* name;
  double bytes_per_element;
};
constexpr Dtype kF32{CI_F32, "F32", 4.0};
constexpr Dtype kF16{CI_F16, "F16", 2.0};
constexpr Dtype kBf16{CI_BF16, "BF16", 2.0};
constexpr Dtype kQ8{CI_Q8_0, "Q8_0", 34.0 / 32};
constexpr Dtype kQ4{CI_Q4_0, "Q4_0", 18.0 / 32};
constexpr Dtype kDtypes[] = {kF32,
                             kF16,
                             kBf16,
                             kQ8,
                             kQ4,
                             {CI_Q4_1, "Q4_1", 20.0 / 32},
                             {CI_Q5_0, "Q5_0", 22.0 / 32},
                             {CI_Q5_1, "Q5_1", 24.0 / 32},
                             {CI_Q4_K, "Q4_K", 144.0 / 256},
                             {CI_Q5_K, "Q5_K", 176.0 / 256},
                             {CI_Q6_K, "Q6_K", 210.0 / 256}};

/// What a transposed down projection of a dtype is called, how many neurons share scales, and bytes of these per
/// column.
struct Down {
  Dtype dtype;
  int32_t rows;
  double header_bytes;
};
Down DownOf(const Dtype& up);

extern ci_context* context;
extern int32_t threads;
extern const char* filter;

/// Ends the process with the library's sentence unless the status is CI_OK.
void Require(int32_t status);

bool Wanted(const std::string& name);

uint8_t* Allocate(double bytes);
void Free(void* memory, double bytes);
/// Numbers in -1..1.
float* AllocateFloats(double count);
/// Bytes without extremes: as F32, F16, BF16 or scales they are ordinary numbers.
uint8_t* AllocateWeights(double bytes);

double Seconds(const std::function<void()>& body);
double Median(std::vector<double> values);
/// Of several runs after one that does not count.
double MedianSeconds(const std::function<void()>& body);

/// The operations of decode, each beside plain reading of as many bytes.
void MeasureDecode();

/// The FFN for tokens of several sequences, each with its own core neurons.
void MeasureTogether();

}  // namespace kernel_lab

#endif  // COREINFER_BENCH_NATIVE_KERNEL_LAB_H_
