#!/usr/bin/env bash
# Proves and measures the CUDA backend on the machine's GPU: builds the library for it, runs the contract tests through
# it, compute-sanitizer over them, then the GPU lab. Needs this checkout, nvcc, cmake and g++; with a JDK and Maven also
# the Java tests and benchmarks run. Results: bench/results/gpu_DEVICE.json, logs in the build folder.
#   bench/gpu.sh [--build FOLDER] [--results FOLDER] [--quick] [--no-java]
# --quick leaves out compute-sanitizer over the whole contract test, and Java.
# Exit codes: 0 everything passed, 1 something failed, 2 wrong usage, 77 built, but there is no CUDA device.
set -uo pipefail
cd "$(dirname "$0")/.."

build=build-gpu
results=bench/results
quick=
java=1
while (($#)); do
  case $1 in
    --build) build=${2:?--build needs a folder}; shift ;;
    --results) results=${2:?--results needs a folder}; shift ;;
    --quick) quick=1; java= ;;
    --no-java) java= ;;
    *) echo "usage: bench/gpu.sh [--build FOLDER] [--results FOLDER] [--quick] [--no-java]" >&2; exit 2 ;;
  esac
  shift
done

failures=()
skipped=()
say() { printf '\n== %s\n' "$*"; }
finish() {
  say "summary"
  for what in "${skipped[@]}"; do echo "left out: $what"; done
  for what in "${failures[@]}"; do echo "FAILED: $what"; done
  if ((${#failures[@]})); then exit 1; fi
  echo "$1"
  exit "$2"
}

# Runs a step; its output goes to a log, and the end of that here. step NAME LIMIT COMMAND...
step() {
  local name=$1 limit=$2 log status
  shift 2
  log=$build/logs/$name.log
  say "$name: $*"
  timeout --kill-after=30 "$limit" "$@" >"$log" 2>&1
  status=$?
  tail -n 15 "$log"
  if ((status == 0)); then
    echo "passed ($log)"
  elif ((status == 124 || status == 137)); then
    failures+=("$name: not done after $limit seconds, see $log")
  else
    failures+=("$name: exit code $status, see $log")
  fi
  return "$status"
}

# ---- tools ----

# CUDA's tools are often installed without being on the path.
for folder in "${CUDA_HOME:-}" "${CUDA_PATH:-}" /usr/local/cuda; do
  if [[ -n $folder && -d $folder/bin ]]; then PATH=$PATH:$folder/bin; fi
done
for tool in nvcc cmake g++; do
  if ! command -v "$tool" >/dev/null; then
    echo "bench/gpu.sh needs $tool, which is not on the path; install the CUDA toolkit, cmake and g++" >&2
    exit 1
  fi
done
mkdir -p "$build/logs" "$results" || exit 1

architecture=
device_name=
if command -v nvidia-smi >/dev/null; then
  # The driver names the first device; a broken driver prints an error instead of "9.0".
  architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ')
  device_name=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
fi
if [[ ! $architecture =~ ^[0-9]+$ ]]; then
  architecture=
  device_name=
fi
if [[ -n $device_name ]]; then
  say "device: $device_name, compute capability $architecture"
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv
else
  say "no CUDA device was found (nvidia-smi is missing or names none): building for compute capability 9.0"
fi
nvcc --version | tail -n 2

# ---- build ----

step configure 300 cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCOREINFER_CUDA=ON -DCOREINFER_BUILD_BENCH=ON \
  "-DCMAKE_CUDA_ARCHITECTURES=${architecture:-90}" || finish "" 1
step build 3600 cmake --build "$build" -j "$(nproc)" \
  --target coreinfer_cuda cuda_contract_test cuda_failure_test cuda_semantics_test gpu_lab || finish "" 1
test=$build/cuda/test/cuda_contract_test
lab=$build/bench/native/gpu_lab

if [[ -z $architecture ]]; then
  finish "The library, its tests and the lab were built. There is no CUDA device on this machine, so nothing was run." 77
fi

# ---- correctness ----

step contract 1800 "$test"
step failure 300 "$build/cuda/test/cuda_failure_test"
step semantics 300 "$build/cuda/test/cuda_semantics_test"

if command -v compute-sanitizer >/dev/null; then
  sanitize=(compute-sanitizer --error-exitcode 1)
  step memcheck_lab 1200 "${sanitize[@]}" --tool memcheck "$lab" --smoke
  step racecheck_lab 1200 "${sanitize[@]}" --tool racecheck "$lab" --smoke
  step racecheck_ffn 1800 "${sanitize[@]}" --tool racecheck "$test" PackedNeurons
  step synccheck_lab 1200 "${sanitize[@]}" --tool synccheck "$lab" --smoke
  if [[ -n $quick ]]; then
    skipped+=("compute-sanitizer over the whole contract test, because of --quick")
  else
    # Some of its calls fail on purpose.
    step memcheck_contract 3600 "${sanitize[@]}" --tool memcheck --report-api-errors no "$test"
    step initcheck_lab 1200 "${sanitize[@]}" --tool initcheck "$lab" --smoke
  fi
else
  skipped+=("compute-sanitizer, which is not on the path: install it with the CUDA toolkit")
fi

# ---- speed ----

name=$(tr -cs 'A-Za-z0-9\n' '_' <<<"$device_name" | sed 's/_*$//')
step lab 1800 "$lab" --out "$results/gpu_$name.json"
if [[ -f $build/logs/lab.log ]]; then
  say "what was measured"
  cat "$build/logs/lab.log"
fi

# ---- Java ----

if [[ -z $java ]]; then
  skipped+=("the Java tests and benchmarks, because of an option")
elif ! command -v javac >/dev/null || ! command -v mvn >/dev/null; then
  skipped+=("the Java tests and benchmarks: a JDK (17 or later) and Maven are not on the path")
else
  step java_tests 3600 mvn -B -ntp verify
  step jmh 3600 bench/jmh.sh -p backend=cuda -rff "$results/jmh_$name.json" \
    'FfnBenchmark|DecodeBenchmark|SelectionBenchmark'
fi

finish "Everything passed; the measurements are in $results/gpu_$name.json." 0
