#!/usr/bin/env bash
# Publishes the modules into a folder and lets an application that names one of them use it from there: whether the BOM names
# every module that is published, and one dependency brings the native libraries along.
#   java/bom/check.sh [options of mvn, such as -o]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
repository="file://$work/repository"

published=$(sed -n 's|.*<module>\(java/.*\)</module>.*|\1|p' "$root/pom.xml" | grep -v -e java/cuda-host -e java/bom)
for module in $published; do
  name=$(sed -n 's|^  <artifactId>\(.*\)</artifactId>|\1|p' "$root/$module/pom.xml" | head -n 1)
  grep -q "<artifactId>$name</artifactId>" "$root/java/bom/pom.xml" || {
    echo "java/bom/pom.xml lacks $name" >&2
    exit 1
  }
done

modules=java/bom,java/cuda-host,$(tr '\n' ',' <<<"$published")
mvn -B -ntp -q "$@" -f "$root/pom.xml" -pl "${COREINFER_CHECK_MODULES:-.,${modules%,}}" -DskipTests \
  -Dspotless.check.skip=true -Dnative.target=libraries \
  -DaltDeploymentRepository="check::$repository" deploy

cp -r "$root/java/bom/example" "$work/example"
mvn -B -ntp -q "$@" -f "$work/example/pom.xml" -Dcoreinfer.repository="$repository" -Dcoreinfer.output="$work/output" \
  compile dependency:build-classpath -Dmdep.outputFile="$work/classpath"
tr ':' '\n' <"$work/classpath" | sed 's|.*/||' | sort
java -Dorg.bytedeco.javacpp.cachedir="$work/javacpp" -cp "$work/output/classes:$(cat "$work/classpath")" example.Example
