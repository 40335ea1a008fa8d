"""Writes test-data/goldens and test-data/core: what Transformers computes for the small real models of ../shared.

    python test-data/make_goldens.py [MODEL...] [--shared DIR]     all models, or only the named ones

goldens/<model>.json holds greedy continuations and teacher-forced perplexities; core/<model>.json the core neurons that
each rule of COREINFER.md picks from the FFN activations of one prompt, which stand beside it in activations.f16.
Everything is float32, eager attention, one thread. The models themselves are not in the repository.
"""

import argparse
import hashlib
import json
import math
import pathlib

import sentencepiece
import tokenizers
import torch
import transformers
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
MODELS = ["opt-tiny-relu", "relu-llama-656k", "tinystories-656k", "stories260k-hf"]
CORE_MODELS = MODELS[:3]
GREEDY = 200
CLOSE = 1e-3
LONGEST_DOCUMENT = 400

PROMPTS = [
    "Once upon a time",
    "One day, a little boy named Tim went to the park with his mom.",
    "Lily and Ben were friends. They liked to",
    "The cat sat on the mat and looked at the moon. \"Who are you?\" it asked.\nThe moon said,",
    "There was a big red kite in the sky. Sam wanted to catch it, so he ran up the hill as fast as he could. The wind"
    " was strong and the kite went higher and higher. Sam was sad. Then his dad came and gave him a long rope. Sam took"
    " the rope and",
]

# file of data/corpora, first byte, bytes: the text is cut to LONGEST_DOCUMENT tokens, special token included
DOCUMENTS = [
    ("tinystories-sample.txt", 714, 704),
    ("tinyshakespeare.txt", 0, 2000),
    ("hellaswag-val.txt", 412, 1075),
]

CORE_PROMPT = (
    "One morning a girl called Mia found a small blue egg under the old tree. She took it home and put it in a warm"
    " box near the window. \"Please wake up,\" she said. Her brother Max came to look. Then the egg began to move, and"
    " a tiny bird said hello."
)
CORE_TOKENS = 52
SHORT_PROMPT = 3  # so few tokens that the reference rule finds fewer neurons than asked
ALPHAS = [0.4, 0.2]
KEEPS = [0.4, 0.2]


def encoder(folder):
    """text -> ids with the model's first special token, by its own tokenizer file."""
    if (folder / "tokenizer.json").exists():
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        # OPT's tokenizer.json adds nothing: tokenizer_config.json says add_bos_token
        bos = json.loads((folder / "config.json").read_text())["bos_token_id"]

        def encode(text):
            ids = tokenizer.encode(text).ids
            return ids if ids[0] == bos else [bos] + ids

        return encode
    pieces = sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))
    return lambda text: [pieces.bos_id()] + pieces.encode(text)


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def greedy(model, text, ids):
    """GREEDY tokens past the prompt, the end of sequence ignored."""
    out = model(input_ids=torch.tensor([ids]), use_cache=True)
    first = out.logits[0, -1]
    tokens, margins = [], []
    while True:
        best = out.logits[0, -1].topk(2).values
        margins.append((best[0] - best[1]).item())
        tokens.append(out.logits[0, -1].argmax().item())
        if len(tokens) == GREEDY:
            break
        out = model(input_ids=torch.tensor([tokens[-1:]]), past_key_values=out.past_key_values, use_cache=True)
    top = first.topk(5)
    close = [step for step, margin in enumerate(margins) if margin < CLOSE]
    return {
        "prompt": text,
        "ids": ids,
        "greedy": tokens,
        "min_margin": min(margins),
        "min_margin_step": margins.index(min(margins)),
        "first_close_step": close[0] if close else GREEDY,
        "top5_ids": top.indices.tolist(),
        "top5_logits": top.values.tolist(),
    }


@torch.no_grad()
def perplexity(model, encode, corpora, file, offset, length):
    """Teacher-forced negative log-likelihood of the second half of a document."""
    data = (corpora / file).read_bytes()[offset : offset + length]
    ids = encode(data.decode())[:LONGEST_DOCUMENT]
    prompt = math.floor(len(ids) * 0.5)
    logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    likelihoods = torch.log_softmax(logits[prompt - 1 : -1].double(), -1)
    nll = -likelihoods[torch.arange(len(ids) - prompt), torch.tensor(ids[prompt:])]
    return {
        "file": file,
        "offset": offset,
        "bytes": length,
        "sha256": hashlib.sha256(data).hexdigest(),
        "ids": ids,
        "prompt_tokens": prompt,
        "scored_tokens": len(ids) - prompt,
        "nll": nll.mean().item(),
        "perplexity": nll.mean().exp().item(),
        "nll_per_token": [round(value, 5) for value in nll.tolist()],
    }


@torch.no_grad()
def activations(model, ids):
    """For each layer the values that multiply down_proj's rows: (tokens, neurons)."""
    is_opt = model.config.model_type == "opt"
    layers = model.model.decoder.layers if is_opt else model.model.layers
    seen, hooks = [], []
    for layer in layers:
        down = layer.fc2 if is_opt else layer.mlp.down_proj
        hooks.append(down.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone())))
    model(input_ids=torch.tensor([ids]), use_cache=False)
    for hook in hooks:
        hook.remove()
    return [values.reshape(len(ids), -1) for values in seen]


# The rules, on plain lists of floats: one row of N activations for each token of the prompt.


def strongest(row, candidates, count, key):
    """The `count` candidates of one token with the largest key, ties to the lower neuron."""
    return sorted(candidates, key=lambda n: (-key(row[n]), n))[:count]


def score_reference(rows, alpha):
    """One limit for every token, from all positives of the prompt; the largest signed activations, zeros included."""
    positives = sum(value > 0 for row in rows for value in row)
    limit = int(alpha * positives / len(rows))
    counts = [0] * len(rows[0])
    for row in rows:
        for n in strongest(row, range(len(row)), limit, lambda a: a):
            counts[n] += 1
    return counts, positives, limit


def score_paper(rows, alpha):
    """The top alpha share of each token's own positives (arXiv 2410.18311, Eq. 1 and 2)."""
    counts = [0] * len(rows[0])
    for row in rows:
        candidates = [n for n, value in enumerate(row) if value > 0]
        for n in strongest(row, candidates, math.ceil(alpha * len(candidates)), lambda a: a):
            counts[n] += 1
    return counts


def score_magnitude(rows, alpha):
    """The same on |a| > 0."""
    return score_paper([[abs(value) for value in row] for row in rows], alpha)


def choose_reference(counts, keep):
    """int(keep * N) neurons at most: one that was never seen does not qualify."""
    seen = [n for n, count in enumerate(counts) if count > 0]
    return sorted(strongest(counts, seen, int(keep * len(counts)), lambda count: count))


def choose(counts, keep):
    """Exactly round(keep * N) neurons, ties to the lower one."""
    return sorted(strongest(counts, range(len(counts)), round(keep * len(counts)), lambda count: count))


def core_neurons(rows, alphas):
    cases = []
    for alpha in alphas:
        reference, positives, limit = score_reference(rows, alpha)
        for rule, counts, pick, extra in [
            ("reference", reference, choose_reference, {"positives": positives, "limit": limit}),
            ("paper", score_paper(rows, alpha), choose, {}),
            ("magnitude", score_magnitude(rows, alpha), choose, {}),
        ]:
            chosen = [{"keep": keep, "neurons": pick(counts, keep)} for keep in KEEPS]
            cases.append({"tokens": len(rows), "rule": rule, "alpha": alpha, **extra, "counts": counts, "core": chosen})
    return cases


def write_lines(path, values):
    """JSON with one line for each top-level key, and for each element of a top-level list of objects."""

    def text(value):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n    " + ",\n    ".join(text(element) for element in value) + "\n  ]"
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    lines = [f"  {json.dumps(key)}: {text(value)}" for key, value in values.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def origin(name, folder):
    return {
        "model": name,
        "weights_sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "made_with": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
            "sentencepiece": sentencepiece.__version__,
        },
    }


def make_golden(name, folder, corpora, model, encode):
    prompts = [greedy(model, text, encode(text)) for text in PROMPTS]
    documents = [perplexity(model, encode, corpora, *document) for document in DOCUMENTS]
    write_lines(
        HERE / "goldens" / f"{name}.json",
        {
            **origin(name, folder),
            "vocabulary": model.config.vocab_size,
            "context": model.config.max_position_embeddings,
            "close": CLOSE,
            "prompts": prompts,
            "documents": documents,
        },
    )
    for case in prompts:
        print(f"  {len(case['ids']):3} ids  min margin {case['min_margin']:.5f}  close from {case['first_close_step']}")
    for case in documents:
        print(f"  {case['file']:22} {len(case['ids']):3} ids  nll {case['nll']:.4f}")


def make_core(name, folder, model, encode):
    ids = encode(CORE_PROMPT)[:CORE_TOKENS]
    everything = activations(model, ids)
    layers = [0, len(everything) - 1]
    stored = torch.stack([everything[layer] for layer in layers]).half()
    out = HERE / "core" / name
    out.mkdir(parents=True, exist_ok=True)
    stored.numpy().astype("<f2").tofile(out / "activations.f16")
    write_lines(
        out / "core.json",
        {
            **origin(name, folder),
            "prompt": CORE_PROMPT,
            "ids": ids,
            "layers": layers,
            "activations": {"file": "activations.f16", "shape": list(stored.shape), "dtype": "F16"},
            "cases": [
                {"layer": layer, **case}
                for layer, values in zip(layers, stored)
                for tokens, alphas in ((len(ids), ALPHAS), (SHORT_PROMPT, [0.2]))
                for case in core_neurons(values[:tokens].double().tolist(), alphas)
            ],
        },
    )
    negative_zeros = ((stored == 0) & stored.signbit()).sum().item()
    print(f"  core: {tuple(stored.shape)}, zeros {(stored == 0).float().mean():.2f}, negative zeros {negative_zeros}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", default=MODELS)
    parser.add_argument("--shared", type=pathlib.Path, default=HERE.parent.parent / "shared")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in options.models:
        print(name)
        folder = options.shared / "models" / name
        model, encode = load(folder), encoder(folder)
        make_golden(name, folder, options.shared / "data" / "corpora", model, encode)
        if name in CORE_MODELS:
            make_core(name, folder, model, encode)


if __name__ == "__main__":
    main()
