// A cache of keys and values whose pages lie in no order.
#ifndef COREINFER_CPP_TEST_PAGED_CACHE_H_
#define COREINFER_CPP_TEST_PAGED_CACHE_H_

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "harness.h"
#include "reference.h"

namespace coreinfer_test {

/// The keys, or the values.
enum class Kind { kKeys, kValues };

class PagedCache {
 public:
  /// Of zeros. dtype: F32 or F16.
  PagedCache(int32_t kv_heads, int32_t capacity, int32_t head_dim, int32_t dtype)
      : kv_heads_(kv_heads),
        capacity_(capacity),
        head_dim_(head_dim),
        dtype_(dtype),
        memory_(std::vector<uint8_t>(static_cast<size_t>(page_bytes() * count()))),
        pages_(Addresses()) {}

  /// The list of pages for the backend.
  const uint64_t* pages() const { return pages_.data(); }
  int32_t capacity() const { return capacity_; }
  int32_t dtype() const { return dtype_; }

  /// Takes what work on a context stored.
  void Fetch(ci_context* context) { memory_.Fetch(context); }

  /// Element i of a head's row, of what was fetched.
  double At(Kind kind, int64_t kv_head, int64_t position, int64_t i) const {
    const uint8_t* element = memory_.values().data() + OffsetOf(kind, kv_head, position) + i * element_bytes();
    if (dtype_ == CI_F16) {
      uint16_t half;
      std::memcpy(&half, element, sizeof(half));
      return HalfToDouble(half);
    }
    float value;
    std::memcpy(&value, element, sizeof(value));
    return value;
  }

  /// The bits of an element of an F16 cache.
  uint16_t HalfAt(Kind kind, int64_t position, int64_t i) const {
    uint16_t half;
    std::memcpy(&half, memory_.values().data() + OffsetOf(kind, 0, position) + 2 * i, sizeof(half));
    return half;
  }

 private:
  int64_t element_bytes() const { return dtype_ == CI_F16 ? 2 : 4; }
  int64_t page_bytes() const { return int64_t{2} * kv_heads_ * CI_CACHE_PAGE * head_dim_ * element_bytes(); }
  int64_t count() const { return (int64_t{capacity_} - 1) / CI_CACHE_PAGE + 1; }

  // The last page comes first.
  int64_t PlaceOf(int64_t page) const { return count() - 1 - page; }

  std::vector<uint64_t> Addresses() const {
    std::vector<uint64_t> addresses;
    for (int64_t page = 0; page < count(); ++page) {
      addresses.push_back(reinterpret_cast<uint64_t>(memory_.data() + PlaceOf(page) * page_bytes()));
    }
    return addresses;
  }

  int64_t OffsetOf(Kind kind, int64_t kv_head, int64_t position) const {
    const int64_t matrix = kind == Kind::kKeys ? kv_head : kv_heads_ + kv_head;
    return PlaceOf(position / CI_CACHE_PAGE) * page_bytes() +
           (matrix * CI_CACHE_PAGE + position % CI_CACHE_PAGE) * head_dim_ * element_bytes();
  }

  const int32_t kv_heads_, capacity_, head_dim_, dtype_;
  Array<uint8_t> memory_;
  Array<uint64_t> pages_;
};

}  // namespace coreinfer_test

#endif  // COREINFER_CPP_TEST_PAGED_CACHE_H_
