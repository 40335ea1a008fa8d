// The measurements as JSON: the device, the ceilings, and every result with its rate and its share of the ceiling.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "gpu_lab.h"

namespace gpu_lab {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) quoted += c;
  }
  return quoted + "\"";
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string Today() {
  char text[32] = "";
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

std::string Json(const Result& result, double ceiling) {
  std::string json = "    {\"name\": " + Quoted(result.name);
  for (const auto& [name, value] : result.parameters) json += ", " + Quoted(name) + ": " + Quoted(value);
  json += ", \"microseconds\": {\"median\": " + Number(result.median * 1e6) +
          ", \"min\": " + Number(result.least * 1e6) + ", \"max\": " + Number(result.most * 1e6) + "}";
  if (result.bytes > 0) {
    const double rate = result.bytes / result.median;
    json += ", \"bytes\": " + Number(result.bytes) + ", \"gigabytes_per_second\": " + Number(rate * 1e-9) +
            ", \"fraction_of_ceiling\": " + Number(rate / ceiling);
  }
  if (result.operations > 0) {
    json += ", \"teraflops_per_second\": " + Number(result.operations / result.median * 1e-12);
  }
  return json + "}";
}

}  // namespace

void WriteJson(const Lab& lab) {
  const Device& d = lab.device;
  std::string json =
      "{\n  \"device\": {\"name\": " + Quoted(d.name) + ", \"compute_capability\": \"" + std::to_string(d.major) + "." +
      std::to_string(d.minor) + "\", \"multiprocessors\": " + std::to_string(d.multiprocessors) +
      ", \"l2_bytes\": " + std::to_string(d.l2_bytes) + ", \"memory_bytes\": " + std::to_string(d.total_bytes) +
      ", \"driver\": " + std::to_string(d.driver) + ", \"runtime\": " + std::to_string(d.runtime) + "},\n";
  json += "  \"date\": " + Quoted(Today()) + ",\n  \"command\": " + Quoted(lab.options.command) +
          ",\n  \"sizes\": " + (lab.options.smoke ? "\"smoke\"" : "\"full\"") + ",\n";
  json += "  \"ceilings\": {\"copy_gigabytes_per_second\": " + Number(lab.copy_rate * 1e-9) +
          ", \"read_gigabytes_per_second\": " + Number(lab.read_rate * 1e-9) + "},\n  \"notes\": [";
  for (size_t i = 0; i < lab.notes.size(); ++i) json += (i == 0 ? "" : ", ") + Quoted(lab.notes[i]);
  json += "],\n  \"results\": [\n";
  for (size_t i = 0; i < lab.results.size(); ++i) {
    json += Json(lab.results[i], lab.ceiling) + (i + 1 < lab.results.size() ? ",\n" : "\n");
  }
  json += "  ]\n}\n";
  std::FILE* file = std::fopen(lab.options.out.c_str(), "w");
  if (file == nullptr || std::fwrite(json.data(), 1, json.size(), file) != json.size() || std::fclose(file) != 0) {
    std::fprintf(stderr, "gpu_lab: %s cannot be written\n", lab.options.out.c_str());
    std::exit(1);
  }
}

}  // namespace gpu_lab
