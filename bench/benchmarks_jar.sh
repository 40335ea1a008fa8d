# Sourced by the scripts beside it: builds bench/target/benchmarks.jar if it is missing or older than its sources.
# Sets home, jar, java, and options for it. $tool names the script in messages.
# shellcheck shell=bash disable=SC2034,SC2154

home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
jar="$home/bench/target/benchmarks.jar"
# JavaCPP unpacks the native libraries here; by default it would share a folder with other builds of this version.
libraries="$home/build/javacpp-bench"

fail() {
  echo "$tool: $1" >&2
  exit 1
}

build() {
  local needed missing=() log="$home/build/$tool.log"
  for needed in javac mvn cmake g++; do
    command -v "$needed" >/dev/null || missing+=("$needed")
  done
  if ((${#missing[@]})); then
    fail "building needs ${missing[*]}: apt-get install -y openjdk-17-jdk-headless maven cmake g++"
  fi
  mkdir -p "$home/build"
  echo "$tool: building, once; this takes some minutes ($log)" >&2
  if ! mvn -B -ntp -f "$home/pom.xml" -pl bench -am -DskipTests -Dspotless.check.skip=true -Dnative.target=libraries \
    package >"$log" 2>&1; then
    grep -m 5 -E '^\[ERROR\]|error:' "$log" >&2 || true
    fail "the build failed; the whole log is $log"
  fi
  rm -rf "$libraries"
  touch "$jar"
}

is_stale() {
  [[ ! -f $jar ]] || [[ -n $(find "$home/pom.xml" "$home/CMakeLists.txt" "$home/java" "$home/cpp" "$home/cuda" \
    "$home/include" "$home/bench/pom.xml" "$home/bench/src" \
    -name target -prune -o -name test -prune -o -type f -newer "$jar" -print -quit) ]]
}

if is_stale; then
  build
fi
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
options=("-Dorg.bytedeco.javacpp.cachedir=$libraries")
command -v "$java" >/dev/null || fail "there is no Java: apt-get install -y openjdk-17-jre-headless"
