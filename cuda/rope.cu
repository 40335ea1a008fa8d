// Rotary position embedding: each pair of elements of a head is turned by an angle that Java tabulated per position. A
// thread turns pairs of one head. Memory bounds the time of a prompt, latency that of one token.
#include "context.h"
#include "coreinfer/kernels.h"
#include "device.h"
#include "early_start.h"

namespace coreinfer {
namespace {

constexpr int kThreads = 256;

// The heads of all tokens follow each other; a block takes blockDim.y of them.
__global__ void rope_kernel(const float* __restrict__ rotations, int pairs, bool is_adjacent, int all_heads, int heads,
                            int head_dim, const int32_t* first_position, float* x) {
  LetNextStart();
  WaitForPrevious();
  const unsigned head = blockIdx.x * blockDim.y + threadIdx.y;
  if (head >= static_cast<unsigned>(all_heads)) return;
  const int64_t position = static_cast<int64_t>(*first_position) + static_cast<int>(head) / heads;
  const float* rotation = rotations + position * pairs * 2;
  float* elements = x + static_cast<int64_t>(head) * head_dim;
  for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
    const float cosine = rotation[2 * i];
    const float sine = rotation[2 * i + 1];
    float* first = elements + (is_adjacent ? 2 * i : i);
    float* second = is_adjacent ? first + 1 : first + pairs;
    const float a = *first;
    const float b = *second;
    *first = a * cosine - b * sine;
    *second = a * sine + b * cosine;
  }
}

}  // namespace
}  // namespace coreinfer

int32_t ci_rope(ci_context* context, const float* rotations, int32_t positions, int32_t pairs, int32_t adjacent,
                int32_t tokens, int32_t heads, int32_t head_dim, const int32_t* first_position, float* x) {
  return coreinfer::Call("ci_rope", context, [&](ci_context& c) {
    coreinfer::RequireArray("rotations", rotations, {positions, pairs, 2});
    coreinfer::RequireArray("x", x, {tokens, heads, head_dim});
    coreinfer::RequireRange("pairs", pairs, 1, head_dim / 2);
    coreinfer::RequireRange("adjacent", adjacent, 0, 1);
    coreinfer::RequireRange("tokens", tokens, 1, positions);
    coreinfer::RequirePointer("first_position", first_position);
    unsigned threads = coreinfer::kWarpThreads;
    while (threads < coreinfer::kThreads && threads < static_cast<unsigned>(pairs)) threads *= 2;
    const unsigned heads_of_block = coreinfer::kThreads / threads;
    const int64_t all_heads = int64_t{tokens} * heads;
    coreinfer::RequireRange("tokens * heads", all_heads, 1, INT32_MAX);
    const auto blocks = static_cast<unsigned>((all_heads + heads_of_block - 1) / heads_of_block);
    return coreinfer::Launch(coreinfer::Start::kEarly, c, "ci_rope", coreinfer::rope_kernel, blocks,
                             dim3(threads, heads_of_block), 0, rotations, pairs, adjacent == 1,
                             static_cast<int>(all_heads), heads, head_dim, first_position, x);
  });
}
