// Bit operations and conversions, each against its definition.
#include <cmath>
#include <cstring>
#include <limits>

#include "context.h"
#include "cpp/test/harness.h"
#include "cpp/test/reference.h"
#include "device.h"

namespace {

using namespace coreinfer_test;

constexpr unsigned kWords[] = {0u,          1u,          0x80000000u, 0xffffffffu, 0x12345678u,
                               0x80ff7f01u, 0x00010000u, 0x7fffffffu, 0xdeadbeefu};
constexpr int kBits = 8;

__global__ void bits_kernel(const unsigned* words, int count, unsigned* out) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= count) return;
  const unsigned x = words[i];
  const unsigned y = words[(i + 1) % count];
  unsigned* results = out + i * kBits;
  results[0] = static_cast<unsigned>(__popc(x));
  results[1] = static_cast<unsigned>(__clz(static_cast<int>(x)));
  results[2] = static_cast<unsigned>(__ffs(static_cast<int>(x)));
  results[3] = __brev(x);
  results[4] = __byte_perm(x, y, 0x9f41);
  results[5] = static_cast<unsigned>(__dp4a(static_cast<int>(x), static_cast<int>(y), -7));
  results[6] = __funnelshift_l(x, y, 12);
  results[7] = __vsub4(x, y);
}

int SignedByte(unsigned word, int i) { return static_cast<int8_t>(word >> (8 * i)); }

TEST(BitOperationsDoWhatTheyAreNamedAfter) {
  ci_context* c = Contexts()[0];
  const std::vector<unsigned> words(std::begin(kWords), std::end(kWords));
  const Array<unsigned> there(words);
  Array<unsigned> out(std::vector<unsigned>(words.size() * kBits));
  CHECK_OK(
      coreinfer::Launch(*c, "bits", bits_kernel, 1, 32, 0, there.data(), static_cast<int>(words.size()), out.data()));
  out.Fetch(c);
  for (size_t i = 0; i < words.size(); ++i) {
    const unsigned x = words[i];
    const unsigned y = words[(i + 1) % words.size()];
    unsigned ones = 0, leading = 0, first = 0, reversed = 0, differences = 0;
    int dot = -7;
    for (int bit = 0; bit < 32; ++bit) {
      ones += x >> bit & 1;
      reversed |= (x >> bit & 1) << (31 - bit);
      if (first == 0 && (x >> bit & 1) != 0) first = static_cast<unsigned>(bit) + 1;
    }
    while (leading < 32 && (x >> (31 - leading) & 1) == 0) ++leading;
    for (int byte = 0; byte < 4; ++byte) {
      dot += SignedByte(x, byte) * SignedByte(y, byte);
      differences |= (((x >> (8 * byte)) - (y >> (8 * byte))) & 255) << (8 * byte);
    }
    // Byte 1 of x, byte 0 of y, byte 3 of y, byte 1 of x: a selector's fourth bit means nothing.
    const unsigned mixed = (x >> 8 & 255) | (y & 255) << 8 | (y >> 24) << 16 | (x >> 8 & 255) << 24;
    const unsigned want[kBits] = {
        ones, leading, first, reversed, mixed, static_cast<unsigned>(dot), y << 12 | x >> 20, differences};
    CHECK(std::memcmp(want, out.values().data() + i * kBits, sizeof(want)) == 0);
  }
}

// out (65536)
__global__ void from_halves_kernel(float* halves, float* bfloats) {
  const unsigned bits = blockIdx.x * blockDim.x + threadIdx.x;
  halves[bits] = coreinfer::HalfToFloat(static_cast<uint16_t>(bits));
  bfloats[bits] = coreinfer::BfloatToFloat(static_cast<uint16_t>(bits));
}

TEST(EveryHalfConverts) {
  ci_context* c = Contexts()[0];
  Array<float> halves{std::vector<float>(65536)};
  Array<float> bfloats{std::vector<float>(65536)};
  CHECK_OK(coreinfer::Launch(*c, "halves", from_halves_kernel, 256, 256, 0, halves.data(), bfloats.data()));
  halves.Fetch(c);
  bfloats.Fetch(c);
  bool same = true;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const double want = HalfToDouble(static_cast<uint16_t>(bits));
    const float got = halves[bits];
    same = same && (std::isnan(want) ? std::isnan(got) : got == want && std::signbit(got) == std::signbit(want));
    const uint32_t wide = bits << 16;
    float bfloat;
    std::memcpy(&bfloat, &wide, 4);
    same = same && (std::isnan(bfloat) ? std::isnan(bfloats[bits]) : bfloats[bits] == bfloat);
  }
  CHECK(same);
}

__global__ void to_halves_kernel(const float* x, int count, unsigned short* halves, unsigned short* bfloats) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  halves[i] = __half_as_ushort(__float2half(x[i]));
  bfloats[i] = __bfloat16_as_ushort(__float2bfloat16(x[i]));
}

// The nearest of all halves, of two equally near ones the even.
uint16_t NearestHalf(float x) {
  uint16_t nearest = 0;
  double distance = std::numeric_limits<double>::infinity();
  for (uint32_t bits = 0; bits <= 0x7c00; ++bits) {
    // Infinity stands where the next half would.
    const double value = bits == 0x7c00 ? 65536.0 : HalfToDouble(static_cast<uint16_t>(bits));
    const double d = std::fabs(std::fabs(double{x}) - value);
    if (d < distance || (d == distance && bits % 2 == 0)) {
      distance = d;
      nearest = static_cast<uint16_t>(bits);
    }
  }
  return static_cast<uint16_t>(nearest | (std::signbit(x) ? 0x8000 : 0));
}

TEST(FloatsRoundToTheNearestHalf) {
  ci_context* c = Contexts()[0];
  Random random(81);
  std::vector<float> x = {0.0f,     -0.0f,   1.0f,     65503.9f, 65504.0f,      65519.99f,     65520.0f,
                          1e30f,    -1e30f,  5.97e-8f, 2.98e-8f, 2.9802322e-8f, 2.9802326e-8f, 6.1035156e-5f,
                          6.09e-5f, 1.0005f, 2049.0f,  2051.0f,  HUGE_VALF,     -HUGE_VALF};
  for (int i = 0; i < 60; ++i) x.push_back(std::ldexp(random.Value(), random.Below(44) - 27));
  const Array<float> there(x);
  Array<unsigned short> halves{std::vector<unsigned short>(x.size())};
  Array<unsigned short> bfloats{std::vector<unsigned short>(x.size())};
  CHECK_OK(coreinfer::Launch(*c, "halves", to_halves_kernel, 1, 128, 0, there.data(), static_cast<int>(x.size()),
                             halves.data(), bfloats.data()));
  halves.Fetch(c);
  bfloats.Fetch(c);
  for (size_t i = 0; i < x.size(); ++i) {
    CHECK(halves[i] == NearestHalf(std::copysign(std::fmin(std::fabs(x[i]), 1e6f), x[i])));
    uint32_t bits;
    std::memcpy(&bits, &x[i], 4);
    const uint32_t down = bits >> 16;
    const uint32_t rest = bits & 0xffff;
    const bool up = rest > 0x8000 || (rest == 0x8000 && down % 2 != 0);
    CHECK(bfloats[i] == static_cast<unsigned short>(down + (up ? 1 : 0)));
  }
}

}  // namespace
