// The layout of weights in device memory, made on the host: copies, except that the grouped dtypes get their q in one
// piece and their scales behind. A pass over the matrix; memory bounds the time.
#include <cstring>

#include "check.h"
#include "coreinfer/cuda.h"
#include "device_dtype.h"
#include "dtype.h"

namespace coreinfer {
namespace {

// source: groups of `scale_bytes` scales and then `q_bytes` of q.
void Separate(const uint8_t* source, int64_t groups, int64_t scale_bytes, int64_t q_bytes, uint8_t* target) {
  uint8_t* scales = target + groups * q_bytes;
  for (int64_t group = 0; group < groups; ++group) {
    std::memcpy(scales + group * scale_bytes, source, static_cast<size_t>(scale_bytes));
    std::memcpy(target + group * q_bytes, source + scale_bytes, static_cast<size_t>(q_bytes));
    source += scale_bytes + q_bytes;
  }
}

}  // namespace
}  // namespace coreinfer

int32_t ci_cuda_arrange(int32_t dtype, const void* host_source, int32_t rows, int32_t columns, void* host_target) {
  return coreinfer::Guard("ci_cuda_arrange", [&] {
    coreinfer::RequireDeviceDtype("host_source", dtype);
    coreinfer::RequireAnyMatrix("host_source", dtype, host_source, rows, columns);
    coreinfer::RequirePointer("host_target", host_target);
    if (host_source == host_target) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "host_source and host_target must be different: both are %p", host_target);
    }
    const auto* source = static_cast<const uint8_t*>(host_source);
    auto* target = static_cast<uint8_t*>(host_target);
    const int64_t group_size = coreinfer::kGroupSize;
    const int64_t elements = int64_t{rows} * columns;
    const int64_t q_per_group = dtype == CI_Q8_0 || dtype == CI_Q8_0_SHARED ? group_size : group_size / 2;
    if (coreinfer::IsShared(dtype)) {
      coreinfer::Separate(source, rows / group_size, 2 * int64_t{columns}, q_per_group * columns, target);
    } else if (coreinfer::IsGrouped(dtype)) {
      coreinfer::Separate(source, elements / group_size, 2, q_per_group, target);
    } else {
      std::memcpy(target, source, static_cast<size_t>(rows * coreinfer::RowBytes(dtype, columns)));
    }
  });
}
