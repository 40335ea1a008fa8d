// What differs between the backends in a test. One file that defines it is linked with each library: backend_cpu.cpp,
// cuda/test/backend_cuda.cpp.
#ifndef COREINFER_CPP_TEST_BACKEND_H_
#define COREINFER_CPP_TEST_BACKEND_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "coreinfer/kernels.h"

namespace coreinfer_test {

/// Why the tests cannot run here; empty when they can.
std::string WhyNot();

/// Four contexts, made in different ways.
std::vector<ci_context*> MakeContexts();
void DestroyContexts(const std::vector<ci_context*>& contexts);

/// Calls run(), which is all tests, once more in every other way that this backend has.
void RunInOtherWays(const std::function<void()>& run);

/// Whether the backend computes with weights of this dtype.
bool Computes(int32_t dtype);

/// How far products of prefill may be off, relative to the sum of the absolute terms.
double ProductTolerance(int32_t dtype);

/// What a product of decode may round an element of a vector by, relative to the largest of its 32; 0 where it computes
/// in F32. Beside the sum of the absolute terms that is about twice as much.
double VectorRounding(int32_t dtype);

/// The same for prefill, where it computes in integers.
double PrefillRounding(int32_t dtype);

/// On how many contexts every computation is repeated.
int32_t Repetitions();

/// Divides the sizes of long tests: above 1 where kernels are simulated.
int32_t Slowness();

/// Memory of exactly this size, with a copy of `host`. It lies anywhere when the backend permits that for weights.
void* Allocate(int64_t bytes, const void* host, bool weights);
void Free(void* memory, int64_t bytes, bool weights);
/// Waits for the context's work first.
void Download(ci_context* context, const void* memory, int64_t bytes, void* host);

/// A matrix as it lies in a file brought into the backend's layout, and back.
std::vector<uint8_t> Arrange(int32_t dtype, int32_t rows, int32_t columns, const std::vector<uint8_t>& file);
std::vector<uint8_t> Restore(int32_t dtype, int32_t rows, int32_t columns, const std::vector<uint8_t>& arranged);

}  // namespace coreinfer_test

#endif  // COREINFER_CPP_TEST_BACKEND_H_
