#!/usr/bin/env python3
"""How fast Hugging Face Transformers decodes on the CPU, for bench/compare.sh:

    bench/compare.sh --command 'transformers BF16=bench/transformers_speed.py --threads {threads} \
        --prompt {prompt_tokens} --tokens {tokens}'

Needs torch and transformers. Weights are random, as those of the files that the other engines get; the tokens are
greedy ones, from the model's forward calls alone, without what `generate` does beside them. Prints tokens/s of the
prompt, then of decoding, which compare reads.
"""

import argparse
import time

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

# vocabulary, layers, dim, neurons, heads, key-value heads: as coreinfer synth has them.
SHAPES = {
    "tinyllama-1.1b": (32000, 22, 2048, 5632, 32, 4),
    "llama-2-7b": (32000, 32, 4096, 11008, 32, 32),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="tinyllama-1.1b")
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prompt", type=int, default=128, help="tokens")
    parser.add_argument("--tokens", type=int, default=64, help="to decode")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    vocabulary, layers, dim, neurons, heads, kv_heads = SHAPES[options.shape]
    config = LlamaConfig(vocab_size=vocabulary, num_hidden_layers=layers, hidden_size=dim, intermediate_size=neurons,
                         num_attention_heads=heads, num_key_value_heads=kv_heads,
                         max_position_embeddings=options.prompt + options.tokens + 1)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model = model.to(getattr(torch, options.dtype)).to_empty(device="cpu").eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.uniform_(-0.02, 0.02)
        # Buffers that are computed, not stored: a rotary embedding of the same configuration has them.
        model.model.rotary_emb = type(model.model.rotary_emb)(config=config)

    prompt = torch.randint(0, vocabulary, (1, max(1, options.prompt)))
    with torch.inference_mode():
        model(prompt, use_cache=False)  # once, so that libraries have set up what they set up at first
        started = time.perf_counter()
        output = model(prompt, use_cache=True)
        token = output.logits[:, -1:].argmax(-1)
        read = time.perf_counter()
        for _ in range(options.tokens):
            output = model(token, past_key_values=output.past_key_values, use_cache=True)
            token = output.logits[:, -1:].argmax(-1)
        decoded = time.perf_counter()
    print(f"transformers {transformers.__version__}, torch {torch.__version__}, {options.dtype}, "
          f"{torch.get_num_threads()} threads")
    print(f"prompt: {prompt.shape[1] / (read - started):.2f} tokens/s")
    print(f"decode: {options.tokens / (decoded - read):.2f} tokens/s")


if __name__ == "__main__":
    main()
