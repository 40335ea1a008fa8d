// Turns a down projection (dim, neurons) in the device's layout into neuron-major order, element for element. Blocks
// take square tiles through shared memory, so that both sides are read and written in runs; memory bounds the time.
#include "context.h"
#include "coreinfer/kernels.h"
#include "matrix.h"

namespace coreinfer {
namespace {

constexpr int kTile = 32;
constexpr int kTileRows = 8;  // that a block's threads move at once

// target (columns, rows) = source (rows, columns).
template <class T>
__global__ void __launch_bounds__(kTile* kTileRows)
    transpose_kernel(const T* __restrict__ source, int64_t rows, int64_t columns, T* __restrict__ target) {
  __shared__ T tile[kTile][kTile + 1];
  const int64_t tiles_across = (columns - 1) / kTile + 1;
  const int64_t row = blockIdx.x / tiles_across * kTile;
  const int64_t column = blockIdx.x % tiles_across * kTile;
  for (int i = static_cast<int>(threadIdx.y); i < kTile; i += kTileRows) {
    if (row + i < rows && column + threadIdx.x < columns) {
      tile[i][threadIdx.x] = source[(row + i) * columns + column + threadIdx.x];
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.y); i < kTile; i += kTileRows) {
    if (column + i < columns && row + threadIdx.x < rows) {
      target[(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
    }
  }
}

// Pieces of 32 elements of dim that a block of the kernel below takes.
constexpr int kPieces = 8;
constexpr int kNibbleThreads = kPieces * kGroupSize;

// The q of Q4_0: 16 bytes of the source are 32 neurons of one element, 16 bytes of the target 32 elements of one
// neuron.
__global__ void __launch_bounds__(kNibbleThreads)
    transpose_nibbles_kernel(const uint8_t* __restrict__ source, int64_t neurons, int dim,
                             uint8_t* __restrict__ target) {
  __shared__ uint8_t tile[kNibbleThreads][17];
  const int blocks_across = (dim - 1) / kNibbleThreads + 1;
  const int64_t group = blockIdx.x / blocks_across;
  const int first = static_cast<int>(blockIdx.x) % blocks_across * kNibbleThreads;
  const int thread = static_cast<int>(threadIdx.x);
  if (first + thread < dim) {
    const uint8_t* bytes = source + (first + thread) * (neurons / 2) + group * 16;
    for (int i = 0; i < 16; ++i) tile[thread][i] = bytes[i];
  }
  __syncthreads();
  // A thread writes one byte of 32 neurons: its place in the block is that of the byte in the block's run of a row.
  const int byte = thread % (kNibbleThreads / 2);
  const int low = byte / 16 * kGroupSize + byte % 16;
  if (first + low >= dim) return;
  for (int n = thread / (kNibbleThreads / 2); n < kGroupSize; n += 2) {
    const int shift = n < 16 ? 0 : 4;
    const int joined = (tile[low][n % 16] >> shift & 15) | (tile[low + 16][n % 16] >> shift & 15) << 4;
    target[(group * kGroupSize + n) * (dim / 2) + first / 2 + byte] = static_cast<uint8_t>(joined);
  }
}

template <class T>
int32_t LaunchTranspose(ci_context& c, const void* source, int64_t rows, int64_t columns, void* target) {
  const int64_t tiles = ((rows - 1) / kTile + 1) * ((columns - 1) / kTile + 1);
  RequireRange("tiles of the matrix", tiles, 1, INT32_MAX);
  return Launch(c, "ci_ffn_transpose_down", transpose_kernel<T>, dim3(static_cast<unsigned>(tiles)),
                dim3(kTile, kTileRows), 0, static_cast<const T*>(source), rows, columns, static_cast<T*>(target));
}

int32_t LaunchNibbles(ci_context& c, const DeviceMatrix& source, int32_t neurons, int32_t dim, void* target) {
  const int64_t blocks = int64_t{neurons} / kGroupSize * ((dim - 1) / kNibbleThreads + 1);
  RequireRange("tiles of the matrix", blocks, 1, INT32_MAX);
  return Launch(c, "ci_ffn_transpose_down", transpose_nibbles_kernel, dim3(static_cast<unsigned>(blocks)),
                dim3(kNibbleThreads), 0, source.q, int64_t{neurons}, dim, static_cast<uint8_t*>(target));
}

int32_t LaunchTransposeDown(ci_context& c, const DeviceMatrix& source, int32_t neurons, int32_t dim, void* target) {
  if (source.dtype == CI_F32) return LaunchTranspose<uint32_t>(c, source.q, dim, neurons, target);
  if (!IsGrouped(source.dtype)) return LaunchTranspose<uint16_t>(c, source.q, dim, neurons, target);
  // A row's scales, one for each group of 32 neurons, become a column of the groups' shared scales.
  const int32_t status = source.dtype == CI_Q8_0 ? LaunchTranspose<uint8_t>(c, source.q, dim, neurons, target)
                                                 : LaunchNibbles(c, source, neurons, dim, target);
  if (status != CI_OK) return status;
  uint8_t* scales = static_cast<uint8_t*>(target) + (source.d - source.q);
  return LaunchTranspose<uint16_t>(c, source.d, dim, neurons / kGroupSize, scales);
}

}  // namespace
}  // namespace coreinfer

int32_t ci_ffn_transpose_down(ci_context* context, int32_t dtype, const void* source, int32_t neurons, int32_t dim,
                              void* target) {
  return coreinfer::Call("ci_ffn_transpose_down", context, [&](ci_context& c) {
    const coreinfer::DeviceMatrix matrix = coreinfer::RequireDeviceMatrix("source", dtype, source, dim, neurons);
    if (coreinfer::IsGrouped(dtype) && dim % coreinfer::kGroupSize != 0) {
      coreinfer::Fail(CI_INVALID_ARGUMENT, "dim must be a multiple of 32 for this dtype: dtype=%d dim=%d", dtype, dim);
    }
    coreinfer::RequirePointer("target", target);
    coreinfer::RequireAlignment("target", coreinfer::ViewOf(dtype, target, neurons, dim));
    return coreinfer::LaunchTransposeDown(c, matrix, neurons, dim, target);
  });
}
