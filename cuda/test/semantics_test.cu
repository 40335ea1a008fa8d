// What kernels may rely on, checked against plain transcriptions of the CUDA programming guide. On a device this checks
// the transcriptions, in the host build the simulation.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

#include "context.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"
#include "device.h"

namespace {

using namespace coreinfer_test;

// ---- shuffles ----

constexpr int kShuffles = 4;

// results (kShuffles, lanes)
__global__ void shuffle_kernel(int argument, int width, int* results) {
  const int lane = static_cast<int>(threadIdx.x);
  const int value = 100 + lane;
  results[lane] = __shfl_sync(0xffffffffu, value, argument, width);
  results[32 + lane] = __shfl_up_sync(0xffffffffu, value, static_cast<unsigned>(argument), width);
  results[64 + lane] = __shfl_down_sync(0xffffffffu, value, static_cast<unsigned>(argument), width);
  results[96 + lane] = __shfl_xor_sync(0xffffffffu, value, argument, width);
}

// The lane that each shuffle reads, by the guide.
int Source(int shuffle, int lane, int argument, int width) {
  const int first = lane / width * width;
  switch (shuffle) {
    case 0:
      return first + (argument % width + width) % width;
    case 1:
      return lane - argument < first ? lane : lane - argument;
    case 2:
      return lane + argument >= first + width ? lane : lane + argument;
    default: {
      // Earlier groups may be read, later ones not.
      const int other = lane ^ argument;
      return other >= first + width ? lane : other;
    }
  }
}

TEST(ShufflesReadTheRightLane) {
  ci_context* c = Contexts()[0];
  for (const int width : {1, 2, 4, 8, 16, 32}) {
    for (const int argument : {0, 1, 2, 3, 7, 8, 15, 16, 17, 31}) {
      Array<int> results(std::vector<int>(kShuffles * 32));
      CHECK_OK(coreinfer::Launch(*c, "shuffle", shuffle_kernel, 1, 32, 0, argument, width, results.data()));
      results.Fetch(c);
      bool same = true;
      for (int shuffle = 0; shuffle < kShuffles; ++shuffle) {
        for (int lane = 0; lane < 32; ++lane) {
          const int want = 100 + Source(shuffle, lane, argument, width);
          same = same && results[static_cast<size_t>(shuffle * 32 + lane)] == want;
        }
      }
      CHECK(same);
    }
  }
}

__global__ void shuffle_types_kernel(double* doubles, long long* integers) {
  const int lane = static_cast<int>(threadIdx.x);
  doubles[lane] = __shfl_xor_sync(0xffffffffu, lane + 0.1, 1);
  integers[lane] = __shfl_sync(0xffffffffu, (1ll << 40) + lane, 5);
}

TEST(ShufflesMoveEightBytes) {
  ci_context* c = Contexts()[0];
  Array<double> doubles(std::vector<double>(32));
  Array<long long> integers(std::vector<long long>(32));
  CHECK_OK(coreinfer::Launch(*c, "shuffle", shuffle_types_kernel, 1, 32, 0, doubles.data(), integers.data()));
  CHECK(doubles.Fetch(c)[6] == 7 + 0.1);
  CHECK(integers.Fetch(c)[31] == (1ll << 40) + 5);
}

// ---- votes ----

// The two halves of a warp vote apart. results (4, 32)
__global__ void vote_kernel(unsigned predicates, unsigned* results) {
  const unsigned lane = threadIdx.x;
  const bool holds = (predicates >> lane & 1) != 0;
  if (lane < 20) {
    const unsigned mask = (1u << 20) - 1;
    results[lane] = __ballot_sync(mask, holds);
    results[32 + lane] = static_cast<unsigned>(__any_sync(mask, holds));
    results[64 + lane] = static_cast<unsigned>(__all_sync(mask, holds));
    results[96 + lane] = __match_any_sync(mask, lane % 3);
    __syncwarp(mask);
  } else {
    const unsigned mask = ~((1u << 20) - 1);
    results[lane] = __ballot_sync(mask, holds);
    results[32 + lane] = static_cast<unsigned>(__any_sync(mask, holds));
    results[64 + lane] = static_cast<unsigned>(__all_sync(mask, holds));
    results[96 + lane] = __match_any_sync(mask, lane % 3);
    __syncwarp(mask);
  }
}

TEST(VotesCountTheLanesOfTheirMask) {
  ci_context* c = Contexts()[0];
  for (const unsigned predicates : {0u, 0xffffffffu, 0x000fffffu, 0xfff00000u, 0x00100001u}) {
    Array<unsigned> results(std::vector<unsigned>(4 * 32));
    CHECK_OK(coreinfer::Launch(*c, "vote", vote_kernel, 1, 32, 0, predicates, results.data()));
    results.Fetch(c);
    bool same = true;
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned mask = lane < 20 ? 0x000fffffu : 0xfff00000u;
      unsigned equal = 0;
      for (unsigned other = lane % 3; other < 32; other += 3) equal |= 1u << other;
      same = same && results[lane] == (predicates & mask);
      same = same && (results[32 + lane] != 0) == ((predicates & mask) != 0);
      same = same && (results[64 + lane] != 0) == ((predicates & mask) == mask);
      same = same && results[96 + lane] == (equal & mask);
    }
    CHECK(same);
  }
}

// ---- barriers and shared memory ----

// Reverses the block's numbers, twice over the same memory. out (2 * threads)
__global__ void reverse_kernel(int* out) {
  __shared__ int numbers[1024];
  const int threads = static_cast<int>(blockDim.x);
  const int thread = static_cast<int>(threadIdx.x);
  for (int pass = 0; pass < 2; ++pass) {
    numbers[thread] = pass * 10000 + thread;
    __syncthreads();
    out[pass * threads + thread] = numbers[threads - 1 - thread];
    __syncthreads();
  }
}

TEST(BarriersOrderSharedMemory) {
  ci_context* c = Contexts()[0];
  for (const int threads : {1, 31, 32, 33, 100, 256, 1000, 1024}) {
    Array<int> out(std::vector<int>(static_cast<size_t>(2 * threads)));
    CHECK_OK(coreinfer::Launch(*c, "reverse", reverse_kernel, 1, static_cast<unsigned>(threads), 0, out.data()));
    out.Fetch(c);
    bool same = true;
    for (int i = 0; i < 2 * threads; ++i) {
      const int want = i / threads * 10000 + threads - 1 - i % threads;
      same = same && out[static_cast<size_t>(i)] == want;
    }
    CHECK(same);
  }
}

__global__ void barrier_votes_kernel(int limit, int* out) {
  const int thread = static_cast<int>(threadIdx.x);
  const int count = __syncthreads_count(thread < limit);
  const int any = __syncthreads_or(thread < limit);
  const int all = __syncthreads_and(thread < limit);
  if (thread == 0) {
    out[0] = count;
    out[1] = any != 0 ? 1 : 0;
    out[2] = all != 0 ? 1 : 0;
  }
}

TEST(BarriersVote) {
  ci_context* c = Contexts()[0];
  for (const int limit : {0, 1, 40, 70}) {
    Array<int> out(std::vector<int>(3));
    CHECK_OK(coreinfer::Launch(*c, "votes", barrier_votes_kernel, 1, 70, 0, limit, out.data()));
    CHECK(out.Fetch(c) == std::vector<int>({limit, limit > 0 ? 1 : 0, limit == 70 ? 1 : 0}));
  }
}

__global__ void dynamic_shared_kernel(int words, int* out) {
  int* memory = coreinfer::DynamicShared<int>();
  for (int i = static_cast<int>(threadIdx.x); i < words; i += static_cast<int>(blockDim.x)) memory[i] = i;
  __syncthreads();
  if (threadIdx.x != 0) return;
  int wrong = coreinfer::IsAligned(memory, 16) ? 0 : 1;
  for (int i = 0; i < words; ++i) wrong += memory[i] == i ? 0 : 1;
  out[blockIdx.x] = wrong;
}

TEST(DynamicSharedMemoryHasTheSizeOfTheLaunch) {
  ci_context* c = Contexts()[0];
  for (const int words : {1, 3, 12 << 10, 16 << 10}) {
    Array<int> out(std::vector<int>(5, -1));
    CHECK_OK(coreinfer::Launch(*c, "dynamic", dynamic_shared_kernel, 5, 96, words * 4, words, out.data()));
    CHECK(out.Fetch(c) == std::vector<int>(5));
  }
}

// ---- grids ----

// Writes each thread's number in its place. out (blocks * threads)
__global__ void grid_kernel(unsigned* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned place = block * blockDim.x * blockDim.y * blockDim.z + thread;
  // Consecutive threads, x first, make a warp.
  const unsigned leader = __shfl_sync(0xffffffffu, thread, 0);
  out[place] = leader == thread / 32 * 32 ? place : 0xffffffffu;
}

TEST(GridsHaveThreeDimensions) {
  ci_context* c = Contexts()[0];
  const dim3 grids[] = {{1, 1, 1}, {7, 1, 1}, {3, 4, 1}, {2, 3, 4}};
  const dim3 blocks[] = {{32, 1, 1}, {64, 3, 1}, {8, 4, 2}, {2, 2, 16}};
  for (const dim3& grid : grids) {
    for (const dim3& block : blocks) {
      const size_t count = size_t{grid.x} * grid.y * grid.z * block.x * block.y * block.z;
      Array<unsigned> out{std::vector<unsigned>(count)};
      CHECK_OK(coreinfer::Launch(*c, "grid", grid_kernel, grid, block, 0, out.data()));
      std::vector<unsigned> want(count);
      std::iota(want.begin(), want.end(), 0u);
      CHECK(out.Fetch(c) == want);
    }
  }
}

TEST(LaunchesThatDoNotFitAreRefused) {
  ci_context* c = Contexts()[0];
  Array<int> out(std::vector<int>(5, -1));
  CHECK_FAILS(coreinfer::Launch(*c, "launch", dynamic_shared_kernel, 1, 1025, 4, 1, out.data()), CI_DEVICE_ERROR,
              "launch: a kernel of 1 x 1 x 1 blocks, 1025 x 1 x 1 threads and 4 shared bytes: invalid ");
  CHECK_FAILS(coreinfer::Launch(*c, "launch", dynamic_shared_kernel, 1, dim3(16, 16, 8), 4, 1, out.data()),
              CI_DEVICE_ERROR, "16 x 16 x 8 threads");
  CHECK_FAILS(coreinfer::Launch(*c, "launch", dynamic_shared_kernel, 0, 32, 4, 1, out.data()), CI_DEVICE_ERROR,
              "0 x 1 x 1 blocks");
  CHECK_FAILS(coreinfer::Launch(*c, "launch", dynamic_shared_kernel, dim3(1, 65536), 32, 4, 1, out.data()),
              CI_DEVICE_ERROR, "1 x 65536 x 1 blocks");
  CHECK_FAILS(coreinfer::Launch(*c, "launch", dynamic_shared_kernel, 1, 32, c->most_shared_bytes + 4, 1, out.data()),
              CI_DEVICE_ERROR, "shared bytes: invalid argument");
  CHECK_OK(coreinfer::Launch(*c, "launch", dynamic_shared_kernel, 5, 32, 4, 1, out.data()));
  CHECK(out.Fetch(c) == std::vector<int>(5));
}

// ---- atomics ----

struct Counters {
  int sum;
  unsigned most;
  unsigned least;
  unsigned bits;
  unsigned long long wide;
  int exchanged;
  unsigned turns;
  unsigned claims;
  float total;
};

__global__ void atomic_kernel(Counters* counters, int* order) {
  const unsigned number = blockIdx.x * blockDim.x + threadIdx.x;
  order[atomicAdd(&counters->sum, 1)] = 1;
  atomicMax(&counters->most, number);
  atomicMin(&counters->least, number);
  atomicOr(&counters->bits, 1u << number % 32);
  atomicAdd(&counters->wide, 1ull << 32);
  atomicExch(&counters->exchanged, 5);
  atomicInc(&counters->turns, 6);
  if (atomicCAS(&counters->claims, 0u, number + 1) == 0u) atomicAdd(&counters->total, 0.5f);
}

TEST(AtomicsLoseNothing) {
  ci_context* c = Contexts()[0];
  Array<Counters> counters({Counters{0, 0, 1000, 0, 0, 0, 0, 0, 0}});
  Array<int> order(std::vector<int>(5 * 70));
  CHECK_OK(coreinfer::Launch(*c, "atomic", atomic_kernel, 5, 70, 0, counters.data(), order.data()));
  const Counters got = counters.Fetch(c)[0];
  CHECK(order.Fetch(c) == std::vector<int>(5 * 70, 1));
  CHECK(got.sum == 350 && got.most == 349 && got.least == 0 && got.bits == 0xffffffffu);
  CHECK(got.wide == 350ull << 32 && got.exchanged == 5 && got.turns == 350 % 7);
  CHECK(got.claims > 0 && got.total == 0.5f);
}

// The last block to finish adds what all blocks left.
__global__ void last_block_kernel(int* parts, unsigned* finished, int* sum) {
  __shared__ bool is_last;
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = static_cast<int>(blockIdx.x) + 1;
    __threadfence();
    is_last = atomicInc(finished, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last || threadIdx.x != 0) return;
  for (unsigned block = 0; block < gridDim.x; ++block) *sum += parts[block];
}

TEST(TheLastBlockSeesTheOthers) {
  ci_context* c = Contexts()[0];
  Array<int> parts(std::vector<int>(100));
  Array<unsigned> finished({0u});
  Array<int> sum({0});
  for (int i = 1; i <= 3; ++i) {
    CHECK_OK(coreinfer::Launch(*c, "last", last_block_kernel, 100, 64, 0, parts.data(), finished.data(), sum.data()));
    CHECK(sum.Fetch(c)[0] == i * 5050);
  }
}

// ---- sums of device.h ----

__global__ void sums_kernel(const float* x, float* out) {
  const float value = x[blockIdx.x * 96 + threadIdx.x];
  const float sum = coreinfer::BlockSum<96>(value);
  const float largest = coreinfer::BlockMax<96>(value);
  const int count = coreinfer::BlockSum<96>(value > 0.0f ? 1 : 0);
  float* results = out + (blockIdx.x * 96 + threadIdx.x) * 3;
  results[0] = sum;
  results[1] = largest;
  results[2] = static_cast<float>(count);
}

TEST(BlocksAddInAFixedOrder) {
  Random random(80);
  const Array<float> x(random.Values(3 * 96));
  const auto got = OnEveryContext(std::vector<float>(3 * 96 * 3), "sums", [&](ci_context* c, float* out) {
    return coreinfer::Launch(*c, "sums", sums_kernel, 3, 96, 0, x.data(), out);
  });
  for (int64_t block = 0; block < 3; ++block) {
    const auto begin = x.values().begin() + block * 96;
    const double sum = std::accumulate(begin, begin + 96, 0.0);
    const auto positives = static_cast<float>(std::count_if(begin, begin + 96, [](float v) { return v > 0; }));
    for (int64_t thread = 0; thread < 96; ++thread) {
      const float* results = got.data() + (block * 96 + thread) * 3;
      CHECK(std::memcmp(results, got.data() + block * 96 * 3, 12) == 0);
      CHECK(results[0] > sum - 1e-4 && results[0] < sum + 1e-4);
      CHECK(results[1] == *std::max_element(begin, begin + 96) && results[2] == positives);
    }
  }
}

}  // namespace
