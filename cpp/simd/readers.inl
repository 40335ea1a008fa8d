// How a weight dtype becomes vectors of F32: plain elements one vector at a time, grouped ones 32 elements at a time.
#pragma once

namespace coreinfer {
namespace COREINFER_SIMD_NAMESPACE {
namespace {

constexpr int kGroup = 32;
constexpr int kGroupVecs = kGroup / kLanes;

struct F32Reader {
  static constexpr int64_t kBytes = 4;
  static Vec Read(const uint8_t* address) { return Load(address); }
};
struct F16Reader {
  static constexpr int64_t kBytes = 2;
  static Vec Read(const uint8_t* address) { return LoadF16(address); }
};
struct Bf16Reader {
  static constexpr int64_t kBytes = 2;
  static Vec Read(const uint8_t* address) { return LoadBf16(address); }
};

struct Q8Reader {
  static constexpr int64_t kBlockBytes = 34;
  static constexpr int64_t kSharedBytes = 32;  // a group of 32 elements without its scale
  static void Read(const uint8_t* q, Vec (&out)[kGroupVecs]) {
    for (int v = 0; v < kGroupVecs; ++v) out[v] = LoadI8(q + v * kLanes);
  }
};
struct Q4Reader {
  static constexpr int64_t kBlockBytes = 18;
  static constexpr int64_t kSharedBytes = 16;
  static void Read(const uint8_t* q, Vec (&out)[kGroupVecs]) { LoadQ4(q, out); }
};

// The first `count` elements of a vector, zero behind them; never reads past them.
template <class Reader>
Vec ReadPartial(const uint8_t* address, int64_t count) {
  uint8_t copy[kLanes * 4] = {};
  memcpy(copy, address, static_cast<size_t>(count * Reader::kBytes));
  return Reader::Read(copy);
}

inline Vec LoadPartial(const float* x, int64_t count) {
  float copy[kLanes] = {};
  memcpy(copy, x, static_cast<size_t>(count) * sizeof(float));
  return Load(copy);
}

// Elements at, at + 1, ... of `columns`, zero behind the last.
inline Vec LoadValues(const float* x, int64_t at, int64_t columns) {
  return at + kLanes <= columns ? Load(x + at) : LoadPartial(x + at, columns - at);
}

inline void StorePartial(float* y, int64_t count, Vec v) {
  float copy[kLanes];
  Store(copy, v);
  memcpy(y, copy, static_cast<size_t>(count) * sizeof(float));
}

}  // namespace
}  // namespace COREINFER_SIMD_NAMESPACE
}  // namespace coreinfer
