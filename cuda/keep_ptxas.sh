#!/bin/sh
# Runs a compiler command. What ptxas says about each kernel goes to a file beside the object, where
# bench/cuda_resources.sh finds it; everything else is passed on.
object=
previous=
for argument in "$@"; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done
"$@" >"$object.ptxas" 2>&1
status=$?
grep -v -e '^ptxas info' -e '^ .* bytes stack frame, ' "$object.ptxas" >&2
exit $status
