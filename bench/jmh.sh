#!/usr/bin/env bash
# Runs the JMH benchmarks: builds what is missing or older than its sources, then passes the arguments on to JMH.
#   bench/jmh.sh [--save[=NAME]] [JMH ARGUMENTS]
#   bench/jmh.sh -l                                              what there is; -lp with all parameters, -h for help
#   bench/jmh.sh FfnBenchmark -p shape=llama-2-7b -p dtype=Q4_0 -p keep=1,0.4
# -rff FILE writes the results as JSON; --save writes them to bench/results/jmh_NAME.json, NAME being the processor's
# where none is given. COREINFER_JAVA_OPTIONS goes to the JVM, and from there to those that JMH starts.
# Exit codes: 0 done, 1 failed, 2 wrong usage.
set -euo pipefail

tool=jmh
# shellcheck source=bench/benchmarks_jar.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/benchmarks_jar.sh"

# The processor's name, as a part of a file's.
processor() {
  local name
  name=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | tr -cs 'A-Za-z0-9\n' '_' | sed 's/^_*//; s/_*$//')
  echo "${name:-unknown}"
}

arguments=()
for argument in "$@"; do
  case $argument in
    --save) name=$(processor) ;;
    --save=*) name=${argument#--save=} ;;
    *) arguments+=("$argument"); continue ;;
  esac
  if [[ ! $name =~ ^[A-Za-z0-9_.-]+$ ]]; then
    echo "jmh: --save=$name: expected letters, digits, dots, dashes and underscores" >&2
    exit 2
  fi
  arguments+=(-rff "$home/bench/results/jmh_$name.json")
done
case " ${arguments[*]-} " in
  *' -rf '*) ;;
  *' -rff '*) arguments+=(-rf json) ;;
esac

# shellcheck disable=SC2086
exec "$java" "${options[@]}" ${COREINFER_JAVA_OPTIONS:-} -jar "$jar" ${arguments[@]+"${arguments[@]}"}
