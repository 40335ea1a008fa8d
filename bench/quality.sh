#!/usr/bin/env bash
# Measures how near core decoding comes to dense decoding: rules, methods, budgets, compensation, refresh and lossless
# answers on held-out text.
#   bench/quality.sh [--shared FOLDER] [--results FOLDER] [MODEL...]
# A MODEL is embedded (with the calibration that the jar has), or a folder below FOLDER/models, which is copied and
# calibrated first on FOLDER/data/train; left out: all three that README.md shows. Results: quality_MODEL_WHAT.json,
# each of them what `coreinfer eval --json` prints. Exit codes: 0 done, 1 failed, 2 wrong usage.
set -euo pipefail
cd "$(dirname "$0")/.."

shared=../shared
results=bench/results
models=()
while (($#)); do
  case $1 in
    --shared) shared=${2:?--shared needs a folder}; shift ;;
    --results) results=${2:?--results needs a folder}; shift ;;
    -*) echo "usage: bench/quality.sh [--shared FOLDER] [--results FOLDER] [MODEL...]" >&2; exit 2 ;;
    *) models+=("$1") ;;
  esac
  shift
done
((${#models[@]})) || models=(embedded tinystories-656k relu-llama-656k)
mkdir -p "$results"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
heldout=test-data/embedded/heldout
keeps=0.2,0.4,0.6
# A range of all layers gives each the same share: budgets hold where no range is given.
rules=(--rule paper,magnitude,norm,impact,relative --method stability --keep $keeps)

# Refresh and lossless answers take many runs of one text: fewer documents and tokens must do.
short=(--prompt-tokens 16 --context 144)
long=(--prompt-tokens 200 --context 328)
# Without compensation, since the calibration has maps for some keep fractions and not for those between.
refreshes=(--method auto,stability --keep 0.2,0.4 --refresh 0,8,32 --no-compensate --max-documents 20)
lossless=(--lossless --max-documents 10 --prompt-tokens 16 --context 80)

# evaluate MODEL WHAT ARGUMENTS...
evaluate() {
  local target=$results/quality_$1_$2.json
  shift 2
  ./coreinfer eval "$@" --json >"$work/result.json"
  mv "$work/result.json" "$target"
  echo "$target"
}

# all MODEL LAYERS ARGUMENTS...: every comparison of one model.
all() {
  local name=$1 layers=$2
  shift 2
  local most=("$@" --max-documents 40)
  evaluate "$name" rules "${most[@]}" "${rules[@]}" --layers "$layers"
  evaluate "$name" methods "${most[@]}" --method auto,similarity,stability --keep $keeps
  evaluate "$name" equal_shares "${most[@]}" --method auto,stability --keep $keeps --layers "$layers"
  evaluate "$name" no_compensation "${most[@]}" --method auto --keep $keeps --no-compensate
  evaluate "$name" mean_compensation "${most[@]}" --method auto --keep $keeps --layers "$layers" --compensate
  evaluate "$name" refresh_short_prompts "$@" "${refreshes[@]}" "${short[@]}"
  evaluate "$name" refresh_long_prompts "$@" "${refreshes[@]}" "${long[@]}"
  evaluate "$name" lossless_4_drafts "$@" "${lossless[@]}" --drafts 4 --keep 0.2,0.4,0.6,0.8
  evaluate "$name" lossless "$@" "${lossless[@]}" --keep 0.4,0.8
  evaluate "$name" short_prompts "${most[@]}" --method auto,similarity,stability --keep $keeps --context 96 --prompt-fraction 0.25
}

for model in "${models[@]}"; do
  if [[ $model == embedded ]]; then
    all embedded 0..5 --text $heldout/stories.txt
    evaluate embedded default --text $heldout/stories.txt
    evaluate embedded methods_by_bytes --text $heldout/stories.txt --max-documents 8 --method stability,similarity,auto \
      --keep 0.2,0.3,0.4,0.5,0.6,0.7,0.8 --plot "$results/methods_embedded.png"
    continue
  fi
  cp -r "$shared/models/$model" "$work/$model"
  chmod -R u+w "$work/$model"
  ./coreinfer calibrate "$work/$model" --text "$shared/data/train/stories.txt" \
    --text "$shared/data/train/generated-stories.txt" --max-documents 300 --json >"$results/quality_${model}_calibration.json"
  { cat $heldout/stories.txt; echo '<|endoftext|>'; cat $heldout/generated-stories.txt; } >"$work/heldout.txt"
  all "$model" 0..1 "$work/$model" --text "$work/heldout.txt"
done
