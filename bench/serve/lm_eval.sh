#!/usr/bin/env bash
# lm-evaluation-harness against a server: perplexity of a text and greedy answers, beside what coreinfer itself says of them.
#   pip install 'lm_eval[api]' && bench/serve/lm_eval.sh [TEXT [MODEL]]
# TEXT has documents between lines <|endoftext|>, by default the embedded model's held-out stories.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=$here/../..
coreinfer=${COREINFER:-$home/coreinfer}
text=$(realpath "${1:-$home/test-data/embedded/heldout/stories.txt}")
model=("${@:2}")
context=512
documents=8
folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

# The same documents for both, cut so that they fit the context.
python3 - "$text" "$folder" "$documents" <<'PYTHON'
import json, sys
text, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
documents = [d.strip("\n")[:900] for d in open(text, encoding="utf-8").read().split("<|endoftext|>") if d.strip()][:count]
with open(f"{folder}/documents.jsonl", "w") as out:
    for document in documents:
        words = document.split(" ")
        out.write(json.dumps({"text": document, "start": " ".join(words[:12]), "rest": " " + " ".join(words[12:24])}) + "\n")
open(f"{folder}/documents.txt", "w").write("\n<|endoftext|>\n".join(documents) + "\n")
for name, kind, extra in [
    ("rolling", "loglikelihood_rolling", "doc_to_text: ''\ndoc_to_target: '{{text}}'\nmetric_list: [{metric: byte_perplexity}]"),
    ("greedy", "generate_until", "doc_to_text: '{{start}}'\ndoc_to_target: '{{rest}}'\ngeneration_kwargs: {until: ['\\n'], max_gen_toks: 12, temperature: 0}\nmetric_list: [{metric: exact_match}]"),
]:
    open(f"{folder}/{name}.yaml", "w").write(
        f"task: coreinfer_{name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {folder}/documents.jsonl}}}}\n"
        f"test_split: test\noutput_type: {kind}\n{extra}\nmetadata: {{version: 1}}\n")
PYTHON

"$coreinfer" serve "${model[@]}" --method dense --context $context --port 0 >"$folder/url" &
server=$!
until [[ -s $folder/url ]]; do
  kill -0 "$server"
  sleep 0.2
done
url=$(cat "$folder/url")
name=$(curl -sf "$url/v1/models" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])')
HF_HUB_OFFLINE=1 HF_HOME=$folder/cache lm_eval run --model local-completions \
  --model_args "model=$name,base_url=$url/v1/completions,num_concurrent=4,batch_size=2,max_length=$context" \
  --include_path "$folder" --tasks coreinfer_rolling,coreinfer_greedy --output_path "$folder/out" --log_samples >"$folder/log" 2>&1 ||
  { cat "$folder/log" >&2; exit 1; }
kill -TERM "$server"
wait "$server"
server=
"$coreinfer" eval "${model[@]}" --method dense --text "$folder/documents.txt" --context $context --prompt-tokens 1 --json >"$folder/eval.json"

python3 - "$folder" "$coreinfer" "${model[@]}" <<'PYTHON'
import glob, json, math, subprocess, sys
folder, coreinfer, model = sys.argv[1], sys.argv[2], sys.argv[3:]
results = json.load(open(glob.glob(f"{folder}/out/**/results_*.json", recursive=True)[0]))["results"]
harness = next(v for k, v in results["coreinfer_rolling"].items() if k.startswith("byte_perplexity,"))
ours = json.load(open(f"{folder}/eval.json"))
size = sum(len(json.loads(line)["text"].encode()) for line in open(f"{folder}/documents.jsonl"))
expected = math.exp(ours["dense"]["nll"] * ours["tokens"] / size)
print(f"perplexity per byte: lm_eval {harness:.5f}, coreinfer eval {expected:.5f}")
samples = [json.loads(l) for l in open(glob.glob(f"{folder}/out/**/samples_coreinfer_greedy_*.jsonl", recursive=True)[0])]
same = 0
for sample in samples:
    start = sample["doc"]["start"]
    run = subprocess.run([coreinfer, "run", *model, "-p", start, "-n", "12", "--method", "dense", "--json"], capture_output=True, text=True, check=True)
    same += sample["resps"][0][0] == json.loads(run.stdout)["text"].split("\n")[0]
print(f"greedy answers: {same} of {len(samples)} are those of coreinfer run")
sys.exit(0 if abs(harness / expected - 1) < 1e-3 and same == len(samples) else 1)
PYTHON
