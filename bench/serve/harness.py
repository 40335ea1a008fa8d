#!/usr/bin/env python3
"""lm-evaluation-harness against a server: its own client for local completions asks for log likelihoods and greedy answers,
which must be those of `coreinfer eval` and `coreinfer run`.

    pip install 'lm_eval[api]' && bench/serve/harness.py [--command ./coreinfer] [--text FILE] [MODEL]

FILE has documents between lines <|endoftext|>, by default the embedded model's held-out stories.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lm_eval.api.instance import Instance
from lm_eval.models.openai_completions import LocalCompletionsAPI

HOME = Path(__file__).resolve().parents[2]
CONTEXT = 512
DOCUMENTS = 8
CHARACTERS = 900


def instances(kind, arguments):
    return [Instance(request_type=kind, doc={}, arguments=each, idx=i) for i, each in enumerate(arguments)]


def output(command, *arguments):
    run = subprocess.run([command, *arguments, "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {run.stderr}")
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--command", default=str(HOME / "coreinfer"))
    parser.add_argument("--text", default=str(HOME / "test-data/embedded/heldout/stories.txt"))
    parser.add_argument("model", nargs="*")
    options = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none is needed")
    text = Path(options.text).read_text(encoding="utf-8")
    documents = [d.strip("\n")[:CHARACTERS] for d in text.split("<|endoftext|>") if d.strip()][:DOCUMENTS]
    dense = [*options.model, "--method", "dense", "--context", str(CONTEXT)]

    server = subprocess.Popen([options.command, "serve", *dense, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        usual = dict(model=None, base_url=f"{url}/v1/completions", num_concurrent=4, batch_size=2, max_length=CONTEXT)
        harness = LocalCompletionsAPI(**usual)
        rolling = sum(harness.loglikelihood_rolling(instances("loglikelihood_rolling", [(d,) for d in documents])))
        starts = [" ".join(d.split(" ")[:12]) for d in documents]
        wish = {"until": ["\n"], "max_gen_toks": 12, "temperature": 0}
        asked = instances("generate_until", [(start, dict(wish)) for start in starts])
        # Whole words, as the harness makes tokens of texts anew. Its own tokens lack the one that begins a text.
        words = [answer.rsplit(" ", 1)[0] for answer in harness.generate_until(asked)]
        likely = harness.loglikelihood(instances("loglikelihood", list(zip(starts, words))))
        as_texts = LocalCompletionsAPI(**usual, tokenizer_backend=None, eos_string="</s>")
        answers = as_texts.generate_until(asked)
    finally:
        server.terminate()
        code = server.wait()

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "documents.txt"
        file.write_text("\n<|endoftext|>\n".join(documents) + "\n", encoding="utf-8")
        ours = output(options.command, "eval", *dense, "--text", str(file), "--prompt-tokens", "1")
    size = sum(len(d.encode()) for d in documents)
    theirs, own = math.exp(-rolling / size), math.exp(ours["dense"]["nll"] * ours["tokens"] / size)
    print(f"perplexity per byte: harness {theirs:.6f}, coreinfer eval {own:.6f}")
    texts = [output(options.command, "run", *dense, "-p", s, "-n", "12")["text"].split("\n")[0] for s in starts]
    same = sum(answer == text for answer, text in zip(answers, texts))
    greedy = sum(is_greedy for _, is_greedy in likely)
    print(f"greedy answers: {same} of {len(starts)} are those of coreinfer run; by their likelihood {greedy} are greedy")
    print(f"exit code of the server: {code}")
    return 0 if abs(theirs / own - 1) < 1e-3 and same == greedy == len(starts) and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
