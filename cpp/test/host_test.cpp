// Mapped files and facts about the machine.
#include "coreinfer/host.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "harness.h"

namespace {

const uint8_t* Path(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.c_str()); }

// A file that disappears with the object.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& content) : path("/tmp/coreinfer-contract-XXXXXX") {
    const int descriptor = mkstemp(path.data());
    CHECK(descriptor >= 0);
    CHECK(write(descriptor, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    close(descriptor);
  }
  ~TemporaryFile() { unlink(path.c_str()); }

  std::string path;
};

TEST(MapsAFile) {
  const TemporaryFile file("neurons");
  ci_address address = 0;
  int64_t bytes = 0;
  CHECK_OK(ci_host_map(Path(file.path), &address, &bytes));
  CHECK(bytes == 7);
  auto* memory = reinterpret_cast<char*>(address);
  CHECK(std::memcmp(memory, "neurons", 7) == 0);
  CHECK_OK(ci_host_read_ahead(memory, bytes));
  CHECK_OK(ci_host_read_ahead(memory + 3, 2));
  CHECK(std::memcmp(memory, "neurons", 7) == 0);
  CHECK_OK(ci_host_unmap(memory, bytes));
}

TEST(RefusesWhatIsNoFile) {
  ci_address address = 0;
  int64_t bytes = 0;
  const TemporaryFile empty("");
  CHECK_FAILS(ci_host_map(Path("/nowhere/model.gguf"), &address, &bytes), CI_IO_ERROR, "No such file");
  CHECK_FAILS(ci_host_map(Path("/tmp"), &address, &bytes), CI_IO_ERROR, "/tmp is not a regular file");
  CHECK_FAILS(ci_host_map(Path("/dev/zero"), &address, &bytes), CI_IO_ERROR, "not a regular file");
  CHECK_FAILS(ci_host_map(Path(empty.path), &address, &bytes), CI_IO_ERROR, "is empty");
  CHECK_FAILS(ci_host_map(nullptr, &address, &bytes), CI_INVALID_ARGUMENT, "path is null");
  CHECK_FAILS(ci_host_map(Path("/tmp"), nullptr, &bytes), CI_INVALID_ARGUMENT, "memory is null");
  CHECK(address == 0 && bytes == 0);
}

TEST(RefusesBadMappings) {
  char byte = 0;
  CHECK_FAILS(ci_host_unmap(nullptr, 1), CI_INVALID_ARGUMENT, "memory is null");
  CHECK_FAILS(ci_host_unmap(&byte, 0), CI_INVALID_ARGUMENT, "bytes=0");
  CHECK_FAILS(ci_host_unmap(&byte, 1), CI_IO_ERROR, "cannot unmap");
  CHECK_FAILS(ci_host_read_ahead(nullptr, 1), CI_INVALID_ARGUMENT, "memory is null");
  CHECK_FAILS(ci_host_read_ahead(&byte, 0), CI_INVALID_ARGUMENT, "bytes=0");
}

TEST(RefusesWhatIsNoBlas) {
  const TemporaryFile file("no library");
  CHECK_FAILS(ci_host_use_blas(nullptr), CI_INVALID_ARGUMENT, "path is null");
  CHECK_FAILS(ci_host_use_blas(Path(file.path)), CI_IO_ERROR, file.path);
  CHECK_FAILS(ci_host_use_blas(Path("libm.so.6")), CI_UNSUPPORTED, "no OpenBLAS");
}

TEST(NamesTheInstructionSet) {
  const std::string name = ci_host_instruction_set();
  CHECK(name == "amx" || name == "avx512bf16" || name == "avx512vnni" || name == "avx512" || name == "avxvnni" ||
        name == "avx2" || name == "portable");
}

}  // namespace
