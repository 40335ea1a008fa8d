#!/bin/sh
# Prints what every kernel of the CUDA library takes, as a Markdown table: bench/cuda_resources.sh BUILD_FOLDER.
# With --check it prints nothing, and fails when a kernel spills registers or the table of bench/results, if it was made
# by the same compiler for the same architectures, says something else.
set -eu
cd "$(dirname "$0")/.."
check=
if [ "$1" = --check ]; then
  check=1
  shift
fi
objects="$1/cuda/CMakeFiles/coreinfer_cuda.dir"
library=$1/libcoreinfer_cuda.a
committed=bench/results/cuda_resources.md

report() {
  # A folder that was built before may hold files of sources that are gone.
  ar t "$library" | grep '\.cu\.o$' | LC_ALL=C sort | while read -r object; do
    echo "file ${object%.o}"
    cat "$objects/$object.ptxas"
  done | c++filt | LC_ALL=C awk '
    # "coreinfer::_GLOBAL__N__1234_name::kernel<3, true>(float const*)" is kernel<3, true>.
    function short(name) {
      gsub(/(\(anonymous namespace\)|_GLOBAL__N__[0-9a-zA-Z_]+)::/, "", name)
      gsub(/coreinfer::/, "", name)
      sub(/^void /, "", name)
      gsub(/\([A-Za-z_:]+\)/, "", name)
      sub(/\(.*$/, "", name)
      return name
    }
    /^file / { file = $2 }
    /Compiling entry function/ {
      split($0, parts, "\047")
      kernel = file " | " short(parts[2])
      architecture = parts[4]
      sub(/^sm_/, "", architecture)
      architectures[architecture] = 1
      if (!(kernel in seen)) order[++kernels] = kernel
      seen[kernel] = 1
    }
    /bytes stack frame/ {
      if ($1 > stack[kernel]) stack[kernel] = $1
      if ($5 + $9 > 0) spills[kernel] = spills[kernel] " sm_" architecture ": " $5 "/" $9
    }
    /: Used [0-9]+ registers/ {
      for (i = 1; i < NF; ++i) {
        if ($(i + 1) ~ /^registers/) registers[kernel, architecture] = $i
        if ($(i + 1) == "bytes" && $(i + 2) ~ /^smem/ && $i > shared[kernel]) shared[kernel] = $i
      }
    }
    END {
      count = 0
      for (a in architectures) sorted[++count] = a + 0
      for (i = 1; i <= count; ++i) {
        for (j = i + 1; j <= count; ++j) {
          if (sorted[j] < sorted[i]) { t = sorted[i]; sorted[i] = sorted[j]; sorted[j] = t }
        }
      }
      line = "| file | kernel"
      rule = "|---|---"
      for (i = 1; i <= count; ++i) { line = line " | " sorted[i]; rule = rule "|--:" }
      print line " | shared | stack | spilled |"
      print rule "|--:|--:|---|"
      for (k = 1; k <= kernels; ++k) {
        kernel = order[k]
        line = "| " kernel
        for (i = 1; i <= count; ++i) line = line " | " registers[kernel, sorted[i]]
        print line " | " shared[kernel] + 0 " | " stack[kernel] + 0 " |" spills[kernel] " |"
      }
    }'
}

table=$(mktemp)
trap 'rm -f "$table"' EXIT
compiler=$(sed -n 's/^set(CMAKE_CUDA_COMPILER_VERSION "\(.*\)")/\1/p' "$1"/CMakeFiles/*/CMakeCUDACompiler.cmake)
{
  cat <<TEXT
# What the kernels take

Registers of a thread for each architecture (sm_75 and so on), bytes of static shared memory of a block, bytes of stack,
and where registers were spilled, bytes stored and loaded. Made by nvcc $compiler from the library's own build:
\`bench/cuda_resources.sh build >bench/results/cuda_resources.md\`.

TEXT
  report
} >"$table"

if [ -z "$check" ]; then
  cat "$table"
  exit
fi
if grep -q ': [0-9]*/[0-9]* |$' "$table"; then
  echo "these kernels spill registers:"
  grep ': [0-9]*/[0-9]* |$' "$table"
  exit 1
fi
same_header() { [ "$(grep -m 2 -e 'Made by' -e '^| file' "$1")" = "$(grep -m 2 -e 'Made by' -e '^| file' "$2")" ]; }
if ! [ -f "$committed" ] || ! same_header "$committed" "$table"; then
  echo "no kernel spills; $committed is of another compiler or other architectures"
elif ! diff "$committed" "$table"; then
  echo "$committed is out of date: bench/cuda_resources.sh $1 >$committed"
  exit 1
fi
