#!/usr/bin/env bash
# Compares coreinfer with other engines' binaries, which are there already: the same files and threads, in turn.
#   bench/compare.sh --shape llama-2-7b --dtype q4_0 --llama-bench PATH --powerinfer PATH
#   bench/compare.sh --help
# Builds what is missing or older than its sources first. Writes bench/results/compare_SHAPE.json, .md and .png.
# Exit codes: 0 done, 1 an engine failed, 2 wrong usage.
set -euo pipefail

tool=compare
# shellcheck source=bench/benchmarks_jar.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/benchmarks_jar.sh"
# shellcheck disable=SC2086
exec "$java" "${options[@]}" -Dcoreinfer.bench.results="$home/bench/results" ${COREINFER_JAVA_OPTIONS:-} \
  -cp "$jar" org.coreinfer.bench.compare.CompareCommand "$@"
