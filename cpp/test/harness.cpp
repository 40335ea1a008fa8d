// Runs every registered test, or those whose name contains one of the arguments. Exit codes: 0 passed, 1 failed, 77 the
// tests cannot run here.
#include "harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace coreinfer_test {
namespace {

struct NamedTest {
  const char* name;
  TestFunction function;
};

std::vector<NamedTest>& Tests() {
  static std::vector<NamedTest> tests;
  return tests;
}

int failures = 0;
int checks = 0;
int skips = 0;

void Report(const std::string& what, const char* file, int line) {
  // A broken kernel fails thousands of elements; the first ones tell.
  if (++failures <= 50) std::printf("  FAILED %s:%d: %s\n", file, line, what.c_str());
}

std::string At(const std::string& what, size_t index, double got, double want) {
  char text[160];
  std::snprintf(text, sizeof(text), " [%zu]: got %.9g, want %.9g", index, got, want);
  return what + text;
}

}  // namespace

bool Register(const char* name, TestFunction function) {
  Tests().push_back({name, function});
  return true;
}

void Check(bool holds, const std::string& what, const char* file, int line) {
  ++checks;
  if (!holds) Report(what, file, line);
}

void CheckClose(const std::vector<float>& got, const std::vector<double>& want, const std::vector<double>& scale,
                double tolerance, const std::string& what, const char* file, int line) {
  ++checks;
  if (got.size() != want.size()) return Report(what + ": sizes differ", file, line);
  for (size_t i = 0; i < got.size(); ++i) {
    if (!(std::fabs(got[i] - want[i]) <= tolerance * scale[i])) {
      return Report(At(what, i, got[i], want[i]), file, line);
    }
  }
}

void CheckSame(const std::vector<float>& got, const std::vector<float>& want, const std::string& what, const char* file,
               int line) {
  ++checks;
  if (got.size() != want.size()) return Report(what + ": sizes differ", file, line);
  for (size_t i = 0; i < got.size(); ++i) {
    const bool are_nan = std::isnan(got[i]) && std::isnan(want[i]);  // whatever its bits are
    if (!are_nan && std::memcmp(&got[i], &want[i], sizeof(float)) != 0)
      return Report(At(what, i, got[i], want[i]), file, line);
  }
}

void CheckFails(int32_t got, int32_t status, const std::string& words, const char* file, int line) {
  ++checks;
  const std::string message = ci_error_message();
  if (got != status) Report("status " + std::to_string(got) + ", want " + std::to_string(status), file, line);
  if (got != CI_OK && message.find(words) == std::string::npos) {
    Report("message '" + message + "' lacks '" + words + "'", file, line);
  }
}

void CheckOk(int32_t status, const char* file, int line) {
  ++checks;
  if (status != CI_OK) Report(ci_error_message(), file, line);
}

void Skip(const std::string& why) {
  ++skips;
  std::printf("  SKIPPED: %s\n", why.c_str());
}

const std::vector<ci_context*>& Contexts() {
  static const std::vector<ci_context*> contexts = MakeContexts();
  return contexts;
}

const std::vector<ci_context*>& RepeatedContexts() {
  static const std::vector<ci_context*> contexts(Contexts().end() - Repetitions(), Contexts().end());
  return contexts;
}

std::vector<float> OnEveryContext(const std::vector<float>& start, const std::string& what,
                                  const std::function<int32_t(ci_context*, float*)>& compute) {
  std::vector<float> first;
  for (ci_context* context : RepeatedContexts()) {
    Array<float> y(start);
    CHECK_OK(compute(context, y.data()));
    y.Fetch(context);
    if (first.empty()) {
      first = y.values();
    } else {
      CHECK_SAME(y.values(), first, what + " on " + ci_context_description(context));
    }
  }
  return first;
}

namespace {

bool IsWanted(const NamedTest& test, const std::vector<std::string>& parts) {
  return parts.empty() || std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
           return std::strstr(test.name, part.c_str()) != nullptr;
         });
}

void RunOnce(const std::vector<std::string>& parts) {
  for (const NamedTest& test : Tests()) {
    if (!IsWanted(test, parts)) continue;
    std::printf("%s\n", test.name);
    std::fflush(stdout);
    test.function();
  }
}

int RunAll(const std::vector<std::string>& parts) {
  const std::string obstacle = WhyNot();
  if (!obstacle.empty()) {
    std::printf("SKIPPED: %s\n", obstacle.c_str());
    return 77;
  }
  std::printf("%s\n", ci_context_description(Contexts()[0]));
  RunOnce(parts);
  RunInOtherWays([&] { RunOnce(parts); });
  DestroyContexts(Contexts());
  std::printf("%d checks, %d failed, %d skipped\n", checks, failures, skips);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace coreinfer_test

int main(int count, char** arguments) {
  return coreinfer_test::RunAll(std::vector<std::string>(arguments + 1, arguments + count));
}
