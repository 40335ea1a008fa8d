#!/bin/sh
# Compiles a generated JavaCPP class into its JNI library, if CMake built the static library that it needs.
# Usage: link.sh LIBRARY_FOLDER LIBRARY INCLUDE_FOLDERS CLASS OUTPUT_FOLDER CLASS_PATH NEEDS; folders are joined by :
set -eu
build=$1
library=$2
include=$3
class=$4
output=$5
classpath=$6
needs=$7

jni="$output/libjni${class##*.}.so"
archive="$build/lib$library.a"
if [ ! -f "$archive" ]; then
  rm -f "$jni"
  echo "[INFO] ${class##*.} is left out of this build: there is no $archive, which needs $needs"
  exit 0
fi
sources=$(echo "$include" | tr ':' ' ')
# shellcheck disable=SC2086  # several folders
if [ -f "$jni" ] && [ -z "$(find "$archive" $sources -newer "$jni" | head -n 1)" ]; then
  exit 0
fi
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "$classpath" org.bytedeco.javacpp.tools.Builder \
  -classpath "$classpath" -d "$output" -properties linux-x86_64 \
  -Dplatform.includepath="$include" -Dplatform.linkpath="$build" \
  -Xcompiler "-L$build" -Xcompiler -fvisibility=hidden -Xcompiler -Wl,--exclude-libs,ALL \
  -Xcompiler -Wl,-z,defs -Xcompiler -static-libstdc++ -Xcompiler -static-libgcc "$class"
