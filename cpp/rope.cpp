// Rotary position embedding: each pair of elements of a head is turned by an angle that Java tabulated per position.
// Threads take blocks of tokens; a single token is rotated by the caller. Bound by memory.
#include "context.h"
#include "coreinfer/kernels.h"

namespace coreinfer {
namespace {

void RotateAdjacent(const float* rotation, int64_t pairs, float* x) {
  for (int64_t i = 0; i < pairs; ++i) {
    const float cosine = rotation[2 * i];
    const float sine = rotation[2 * i + 1];
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    x[2 * i] = a * cosine - b * sine;
    x[2 * i + 1] = a * sine + b * cosine;
  }
}

void RotateHalves(const float* rotation, int64_t pairs, float* x) {
  for (int64_t i = 0; i < pairs; ++i) {
    const float cosine = rotation[2 * i];
    const float sine = rotation[2 * i + 1];
    const float a = x[i];
    const float b = x[i + pairs];
    x[i] = a * cosine - b * sine;
    x[i + pairs] = a * sine + b * cosine;
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
    coreinfer::RequirePointer("first_position", first_position);
    const int64_t first = *first_position;
    coreinfer::RequireRange("first_position", first, 0, int64_t{positions} - tokens);
    coreinfer::ParallelRanges(c, tokens, 8, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t t = begin; t < end; ++t) {
        const float* rotation = rotations + (first + t) * pairs * 2;
        for (int64_t h = 0; h < heads; ++h) {
          float* head = x + (t * heads + h) * head_dim;
          if (adjacent == 1) {
            coreinfer::RotateAdjacent(rotation, pairs, head);
          } else {
            coreinfer::RotateHalves(rotation, pairs, head);
          }
        }
      }
    });
  });
}
