"""Writes test-data/families: tiny random models of every family, with the logits Hugging Face Transformers gives.

    python test-data/make_fixtures.py [NAME...]        all fixtures, or only the named ones

A fixture is a folder as `save_pretrained` writes it (config.json, safetensors) with golden.json and logits.f32 beside
it. Shapes are small and awkward on purpose; weights are random, wide enough that every parameter moves the logits.
Logits are computed in float32 with eager attention from the folder as it lies on disk: prefill of the prompt, then one
token at a time through the KV cache. Before anything is written, the script proves that
  - the folder's config.json, old style or new, loads to the very same logits as the one Transformers wrote (but for
    dReLU, which Transformers can't write),
  - decoding through the cache equals one forward pass over all tokens,
  - each parameter, and each configuration entry the fixture is about, changes the logits when it changes.
"""

import copy
import dataclasses
import json
import pathlib
import shutil
import sys
import tempfile
import zlib

import safetensors.torch
import torch
import transformers
from transformers import (
    CONFIG_MAPPING,
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    Qwen2Config,
    Qwen3Config,
)

ROOT = pathlib.Path(__file__).resolve().parent / "families"
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
DECODE = 12


@dataclasses.dataclass
class Fixture:
    name: str
    about: str
    config: transformers.PreTrainedConfig
    style: str  # of config.json: "new" (rope_parameters, dtype) or "old" (rope_theta, rope_scaling, torch_dtype)
    dtype: str = "F32"
    prompt: int = 24
    edit: dict = dataclasses.field(default_factory=dict)  # config.json entries set by hand; None removes one
    matters: dict = dataclasses.field(default_factory=dict)  # entries whose change must change the logits
    weights_of: str | None = None  # takes the weights of this fixture
    layout: str = "single"  # of the weights: "single", "sharded", "head only"


def llama(**changes):
    base = dict(
        vocab_size=101, hidden_size=32, intermediate_size=72, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
        tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    return {**base, **changes}


def opt(**changes):
    base = dict(
        vocab_size=101, hidden_size=36, word_embed_proj_dim=36, ffn_dim=72, num_hidden_layers=2,
        num_attention_heads=3, max_position_embeddings=64, do_layer_norm_before=True, activation_function="relu",
        dropout=0.0, attention_dropout=0.0, bos_token_id=2, eos_token_id=2, pad_token_id=1,
    )
    return {**base, **changes}


LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 32}
SMALL_F16 = llama(vocab_size=97, hidden_size=36, num_attention_heads=6, num_key_value_heads=6, rms_norm_eps=1e-6)

FIXTURES = [
    Fixture(
        "llama-silu", "3 layers, GQA 6:3, FFN 100, untied head, a large epsilon (1e-3)",
        LlamaConfig(**llama(hidden_size=36, num_attention_heads=6, num_key_value_heads=3, intermediate_size=100,
                            num_hidden_layers=3, rms_norm_eps=1e-3)), "old",
        matters={"rms_norm_eps": 1e-6, "hidden_act": "relu", "rope_theta": 20000.0},
    ),
    Fixture(
        "llama-tied-gqa-relu", "ReLU in place of SiLU (ReluLLaMA), head tied to the embedding, GQA 4:2",
        LlamaConfig(**llama(hidden_size=40, tie_word_embeddings=True, hidden_act="relu", vocab_size=113)), "old",
        matters={"hidden_act": "silu"},
    ),
    Fixture(
        "llama-tied-head-only", "tied, and stored as lm_head.weight alone; the safetensors metadata names"
        " model.embed_tokens.weight as its alias, as the real tinystories-656k does",
        LlamaConfig(**llama(tie_word_embeddings=True, vocab_size=99)), "old", "F16", layout="head only",
    ),
    Fixture(
        "llama-drelu", "relu(gate x) * relu(up x), the dReLU of TurboSparse and Bamboo. hidden_act \"drelu\" is written"
        " by hand: no Transformers class computes it, so the MLP of LlamaForCausalLM was patched",
        LlamaConfig(**llama(hidden_act="relu", intermediate_size=100)), "old", "F16", edit={"hidden_act": "drelu"},
        matters={"hidden_act": "relu"},
    ),
    Fixture(
        "bamboo-drelu", "llama-drelu as folders of Bamboo and TurboSparse-Mistral say it: model_type \"bamboo\","
        " BambooForCausalLM, hidden_act \"relu\", with ReLU on gate and up. Written by hand, computed by"
        " MistralForCausalLM with the patched MLP",
        MistralConfig(**llama(hidden_act="relu", intermediate_size=100, sliding_window=4096)), "old", "F16",
        edit={"model_type": "bamboo", "architectures": ["BambooForCausalLM"]}, matters={"model_type": "mistral"},
        weights_of="llama-drelu",
    ),
    Fixture(
        "llama3-rope", "rope_type llama3; frequencies fall in all three bands (kept, blended, divided by the factor)",
        LlamaConfig(**llama(num_attention_heads=2, num_key_value_heads=1, rope_parameters=LLAMA3,
                            tie_word_embeddings=True, max_position_embeddings=256)), "old",
        matters={"rope_scaling": None},
    ),
    Fixture(
        "llama-rope-linear", "linear RoPE scaling under the oldest key, rope_scaling.type; MHA 2:2",
        LlamaConfig(**llama(num_attention_heads=2, num_key_value_heads=2,
                            rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5})), "old",
        edit={"rope_scaling": {"type": "linear", "factor": 2.5}}, matters={"rope_scaling": None},
    ),
    Fixture(
        "llama-yarn", "rope_type yarn, factor 4, default betas, positions 0..51 beyond the original 32; head_dim 16 is"
        " not hidden / heads",
        LlamaConfig(**llama(head_dim=16, rope_parameters=YARN)), "new", prompt=40,
        matters={"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    ),
    Fixture(
        "llama-bias", "attention_bias (q, k, v and o) and mlp_bias (gate, up and down); MQA 6:1, FFN 71",
        LlamaConfig(**llama(hidden_size=36, num_attention_heads=6, num_key_value_heads=1,
                            intermediate_size=71, attention_bias=True, mlp_bias=True)), "new",
    ),
    Fixture(
        "llama-f16", "weights stored as F16; num_key_value_heads is absent (Llama 1), so it equals the heads",
        LlamaConfig(**SMALL_F16), "old", "F16", edit={"num_key_value_heads": None},
    ),
    Fixture(
        "llama-bf16", "weights stored as BF16",
        LlamaConfig(**llama(hidden_size=40, intermediate_size=100, vocab_size=103)), "new", "BF16",
    ),
    Fixture(
        "llama-sharded", "llama-f16 in several files with model.safetensors.index.json",
        LlamaConfig(**SMALL_F16), "new", "F16", weights_of="llama-f16", layout="sharded",
    ),
    Fixture(
        "opt-relu", "OPT: learned positions with offset 2, LayerNorm before, biases everywhere, tied head",
        OPTConfig(**opt()), "new",
    ),
    Fixture(
        "opt-f16", "OPT with weights stored as F16; enable_bias and layer_norm_elementwise_affine are absent, as in"
        " older OPT folders",
        OPTConfig(**opt(hidden_size=40, word_embed_proj_dim=40, ffn_dim=100, num_attention_heads=4, vocab_size=107)),
        "old", "F16", edit={"enable_bias": None, "layer_norm_elementwise_affine": None, "layerdrop": None},
    ),
    Fixture(
        "mistral-window", "sliding_window 9, far shorter than the prompt; GQA 4:2",
        MistralConfig(**llama(sliding_window=9)), "old",
        matters={"sliding_window": 10},
    ),
    Fixture(
        "mistral-no-window", "sliding_window null, explicit head_dim 12 (not hidden / heads), rope_theta 1e6",
        MistralConfig(**llama(head_dim=12, sliding_window=None,
                              rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})), "new",
        matters={"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    ),
    Fixture(
        "qwen2", "q, k and v biases, no o bias; GQA 6:2; untied; a small sliding_window that use_sliding_window false"
        " switches off",
        Qwen2Config(**llama(hidden_size=36, num_attention_heads=6, num_key_value_heads=2, vocab_size=109,
                            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})), "old",
        edit={"sliding_window": 9, "use_sliding_window": False, "max_window_layers": 2},
        matters={"rope_theta": 10000.0},
    ),
    Fixture(
        "qwen2-tied", "q, k and v biases; head tied to the embedding; MQA 6:1",
        Qwen2Config(**llama(hidden_size=36, num_attention_heads=6, num_key_value_heads=1, tie_word_embeddings=True,
                            rms_norm_eps=1e-6)), "new",
    ),
    Fixture(
        "qwen2-yarn", "YaRN under the key rope_scaling.type, as Qwen2.5's instructions write it",
        Qwen2Config(**llama(num_attention_heads=2, num_key_value_heads=1, rope_parameters=YARN)), "old", prompt=40,
        edit={"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}},
        matters={"rope_scaling": None},
    ),
    Fixture(
        "qwen3", "RMS norm of each q and k head before RoPE, explicit head_dim 14 (not hidden / heads), tied",
        Qwen3Config(**llama(head_dim=14, tie_word_embeddings=True, rms_norm_eps=1e-6)), "old",
        matters={"rope_theta": 20000.0},
    ),
]


def generator(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def randomise(model, name):
    """Matrices N(0, 0.2), norm weights near 1, biases N(0, 0.2): wide enough for every one to matter."""
    random = generator(name)
    for key, parameter in sorted(model.named_parameters()):
        values = torch.randn(parameter.shape, generator=random) * 0.2
        if "norm" in key and key.endswith("weight"):
            values += 1
        parameter.data.copy_(values)


def old_style(config):
    """What Transformers 4 wrote for the same model."""
    config = dict(config)
    for key in ("layer_types", "pad_token_id"):
        if config.get("model_type") != "opt":
            config.pop(key, None)
    config["torch_dtype"] = config.pop("dtype")
    rope = config.pop("rope_parameters", None)
    if rope is not None:
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
        if config.get("head_dim") == config["hidden_size"] // config["num_attention_heads"]:
            del config["head_dim"]
    return config


def edited(config, changes, removes_none=True):
    config = {**config, **changes}
    return {key: value for key, value in config.items() if not (removes_none and key in changes and value is None)}


def drelu_forward(mlp, x):
    return mlp.down_proj(torch.relu(mlp.gate_proj(x)) * torch.relu(mlp.up_proj(x)))


def load(folder):
    """The model of a folder in float32 with eager attention; dReLU is patched in."""
    values = json.loads((pathlib.Path(folder) / "config.json").read_text())
    is_drelu = "drelu" in values.values() or values["model_type"] == "bamboo"
    if is_drelu:
        values["hidden_act"] = "relu"
    if values["model_type"] == "bamboo":
        values["model_type"] = "mistral"
    config = CONFIG_MAPPING[values.pop("model_type")].from_dict(values)
    model = AutoModelForCausalLM.from_pretrained(
        folder, config=config, dtype=torch.float32, attn_implementation="eager"
    )
    if is_drelu:
        for layer in model.model.layers:
            layer.mlp.forward = drelu_forward.__get__(layer.mlp)
    return model.eval()


@torch.no_grad()
def whole_logits(model, ids):
    """(tokens, vocabulary) from one forward pass."""
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


@torch.no_grad()
def stepped_logits(model, prompt, decode):
    """The same from a prefill and then one token at a time."""
    out = model(input_ids=torch.tensor([prompt]), use_cache=True)
    rows = [out.logits[0]]
    for token in decode:
        out = model(input_ids=torch.tensor([[token]]), past_key_values=out.past_key_values, use_cache=True)
        rows.append(out.logits[0])
    return torch.cat(rows)


def distance(a, b):
    return (a - b).abs().max().item()


def with_config(folder, config):
    """The model of a folder under another config.json."""
    with tempfile.TemporaryDirectory() as other:
        shutil.copytree(folder, other, dirs_exist_ok=True)
        write_config(pathlib.Path(other), config)
        return load(other)


def write_config(folder, config):
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def write_lines(path, values):
    """JSON with one line for each top-level key."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def check_parameters(model, ids, expected, name):
    """Each parameter moves the logits, but for OPT's key bias: it adds the same to all scores of a query."""
    random = generator(name + " check")
    for key, parameter in model.named_parameters():
        kept = parameter.data.clone()
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=random)
        moved = distance(whole_logits(model, ids), expected)
        parameter.data.copy_(kept)
        if model.config.model_type == "opt" and key.endswith("k_proj.bias"):
            assert moved < 1e-4, f"{name}: {key} moved the logits by {moved}"
        else:
            assert moved > 1e-2, f"{name}: {key} moves the logits by {moved} only"


def store(model, fixture, folder):
    """save_pretrained, then the layout and nothing but the model."""
    shard = "20KB" if fixture.layout == "sharded" else "1GB"
    model.to(DTYPES[fixture.dtype]).save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink(missing_ok=True)
    for file in folder.iterdir():
        file.chmod(0o644)
    if fixture.layout == "head only":
        file = folder / "model.safetensors"
        tensors = safetensors.torch.load_file(file)
        tensors["lm_head.weight"] = tensors.pop("model.embed_tokens.weight")
        safetensors.torch.save_file(tensors, file, {"model.embed_tokens.weight": "lm_head.weight", "format": "pt"})
        sort_metadata(file)


def sort_metadata(file):
    """Sorts a safetensors file's metadata, which the library writes in an order of its own on each run."""
    data = file.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode().ljust(end - 8)
    assert len(text) == end - 8
    file.write_bytes(data[:8] + text + data[end:])


def make(fixture):
    folder = ROOT / fixture.name
    shutil.rmtree(folder, ignore_errors=True)
    source = fixture.weights_of or fixture.name
    model = AutoModelForCausalLM.from_config(copy.deepcopy(fixture.config), attn_implementation="eager").eval()
    randomise(model, source)
    store(model, fixture, folder)

    config = json.loads((folder / "config.json").read_text())
    random = generator(source + " tokens")
    ids = torch.randint(0, config["vocab_size"], (fixture.prompt + DECODE,), generator=random).tolist()
    prompt, decode = ids[: fixture.prompt], ids[fixture.prompt :]
    as_written = whole_logits(load(folder), ids)

    config = edited(old_style(config) if fixture.style == "old" else config, fixture.edit)
    write_config(folder, config)
    model = load(folder)
    whole = whole_logits(model, ids)
    is_same = torch.equal(whole, as_written)
    assert is_same != fixture.name.endswith("drelu"), f"{fixture.name}: the edited config.json loads to other logits"
    check_parameters(model, ids, whole, fixture.name)
    assert torch.equal(whole_logits(model, ids), whole)
    sensitivity = {}
    for key, value in fixture.matters.items():
        moved = distance(whole_logits(with_config(folder, edited(config, {key: value}, False)), ids), whole)
        assert moved > 5e-3, f"{fixture.name}: {key} = {value} moves the logits by {moved} only"
        sensitivity[f"{key}={json.dumps(value)}"] = round(moved, 4)

    logits = stepped_logits(model, prompt, decode)
    noise = distance(logits, whole)
    assert noise < 2e-5, f"{fixture.name}: cached and whole logits differ by {noise}"
    logits.numpy().astype("<f4").tofile(folder / "logits.f32")
    if fixture.weights_of:
        shared = ROOT / source / "logits.f32"
        assert shared.read_bytes() == (folder / "logits.f32").read_bytes(), f"{fixture.name} differs from {source}"
    write_lines(
        folder / "golden.json",
        {
            "name": fixture.name,
            "about": fixture.about,
            "model_type": config["model_type"],
            "config_style": fixture.style,
            "dtype": fixture.dtype,
            "layout": fixture.layout,
            "weights_of": source,
            "vocabulary": config["vocab_size"],
            "prompt": prompt,
            "decode": decode,
            "logits": {"file": "logits.f32", "shape": list(logits.shape), "dtype": "F32"},
            "logits_max_abs": round(logits.abs().max().item(), 4),
            "logits_std": round(logits.std().item(), 4),
            "cached_against_whole": float(f"{noise:.2g}"),
            "sensitivity": sensitivity,
            "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        },
    )
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{fixture.name:22} {size:7} bytes  logits std {logits.std():.2f}  noise {noise:.1e}  {sensitivity}")


def main(names):
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    unknown = set(names) - {fixture.name for fixture in FIXTURES}
    if unknown:
        sys.exit(f"no such fixture: {', '.join(sorted(unknown))}")
    for fixture in FIXTURES:
        if not names or fixture.name in names:
            make(fixture)


if __name__ == "__main__":
    main(sys.argv[1:])
