// Facts and services of the machine: mapped files, the instruction set, and the BLAS library used by prefill. Files are
// mapped read-only and shared, so weights live in the page cache; reading them is bound by the disk the first time.
#include "coreinfer/host.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "check.h"
#include "gemm.h"
#include "simd/simd.h"

namespace coreinfer {
namespace {

// MADV_POPULATE_READ, which older headers lack.
constexpr int kPopulateRead = 22;

std::atomic<SgemmFunction> blas_sgemm{nullptr};

struct File {
  explicit File(const char* path) : descriptor(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const int descriptor;
};

[[noreturn]] void FailWithErrno(const char* what, const char* path) {
  const int number = errno;
  Fail(CI_IO_ERROR, "%s %s: %s", what, path, std::strerror(number));
}

void Map(const char* path, ci_address* memory, int64_t* bytes) {
  const File file(path);
  if (file.descriptor < 0) FailWithErrno("cannot open", path);
  struct stat status;
  if (fstat(file.descriptor, &status) != 0) FailWithErrno("cannot examine", path);
  if (!S_ISREG(status.st_mode)) Fail(CI_IO_ERROR, "%s is not a regular file", path);
  if (status.st_size == 0) Fail(CI_IO_ERROR, "%s is empty", path);
  void* mapped = mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_SHARED, file.descriptor, 0);
  if (mapped == MAP_FAILED) FailWithErrno("cannot map", path);
  // Where the system keeps files in large pages, it reads this one into such; elsewhere it refuses, or nothing changes.
  madvise(mapped, static_cast<size_t>(status.st_size), MADV_HUGEPAGE);
  *memory = static_cast<ci_address>(reinterpret_cast<intptr_t>(mapped));
  *bytes = status.st_size;
}

void UseBlas(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) Fail(CI_IO_ERROR, "cannot load %s: %s", path, dlerror());
  const auto sgemm = reinterpret_cast<SgemmFunction>(dlsym(library, "cblas_sgemm"));
  const auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
  if (sgemm == nullptr || set_threads == nullptr) {
    dlclose(library);
    Fail(CI_UNSUPPORTED, "%s is no OpenBLAS library: it lacks cblas_sgemm or openblas_set_num_threads", path);
  }
  // The threads are ours; each calls a sgemm of its own.
  set_threads(1);
  blas_sgemm.store(sgemm);
}

}  // namespace

SgemmFunction BlasSgemm() { return blas_sgemm.load(std::memory_order_acquire); }

}  // namespace coreinfer

using coreinfer::Guard;
using coreinfer::RequirePointer;
using coreinfer::RequirePositive;

int32_t ci_host_map(const uint8_t* path, ci_address* memory, int64_t* bytes) {
  return Guard("ci_host_map", [&] {
    RequirePointer("path", path);
    RequirePointer("memory", memory);
    RequirePointer("bytes", bytes);
    coreinfer::Map(reinterpret_cast<const char*>(path), memory, bytes);
  });
}

int32_t ci_host_unmap(void* memory, int64_t bytes) {
  return Guard("ci_host_unmap", [&] {
    RequirePointer("memory", memory);
    RequirePositive("bytes", bytes);
    if (munmap(memory, static_cast<size_t>(bytes)) != 0) coreinfer::FailWithErrno("cannot unmap", "memory");
  });
}

int32_t ci_host_read_ahead(const void* memory, int64_t bytes) {
  return Guard("ci_host_read_ahead", [&] {
    RequirePointer("memory", memory);
    RequirePositive("bytes", bytes);
    // The system takes whole pages.
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t address = reinterpret_cast<uintptr_t>(memory);
    auto* const begin = reinterpret_cast<void*>(address / page * page);
    const size_t length = static_cast<size_t>(bytes) + address % page;
    if (madvise(begin, length, coreinfer::kPopulateRead) != 0) madvise(begin, length, MADV_WILLNEED);
  });
}

int32_t ci_host_use_blas(const uint8_t* path) {
  return Guard("ci_host_use_blas", [&] {
    RequirePointer("path", path);
    coreinfer::UseBlas(reinterpret_cast<const char*>(path));
  });
}

const char* ci_host_instruction_set(void) { return coreinfer::BestInstructionSet(); }
