#include "core_list.h"

#include "check.h"

namespace coreinfer {

void RequireCore(const int32_t* core_ids, int32_t core, int32_t neurons) {
  RequireRange("core", core, 0, neurons);
  if (core_ids == nullptr) return;
  int32_t previous = -1;
  for (int32_t i = 0; i < core; ++i) {
    if (core_ids[i] <= previous || core_ids[i] >= neurons) {
      Fail(CI_INVALID_ARGUMENT, "core_ids must ascend strictly below neurons: core_ids[%d]=%d previous=%d neurons=%d",
           i, core_ids[i], previous, neurons);
    }
    previous = core_ids[i];
  }
}

}  // namespace coreinfer
