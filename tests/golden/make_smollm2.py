#!/usr/bin/env python3
"""Logits and continuations of SmolLM2 from transformers, which reads the same
GGUF file. Run by hand; its output, tests/golden/smollm2.json, is committed:

    python3 tests/golden/make_smollm2.py models/smollm2/model.gguf

Needs torch 2.7, transformers 4.54, accelerate and gguf. For each of 20 prompts: the text,
its token ids, and of the logits at its last position the mean, the standard
deviation, the greatest five and every 512th; for the first five prompts also
the 32 tokens that follow greedily. With --whole FILE all logits are written to
FILE as F32 beside, [20][vocabulary], for a full comparison.
"""
import argparse
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "When Mary and John went to the store, John gave a drink to",
    "The capital of France is",
    "The war lasted from the year 1732 to the year 17",
    "def add(a, b):\n    return a +",
    "Once upon a time, in a village by the sea, there lived",
    "The quick brown fox jumps over the lazy",
    "Two plus two is four, four plus four is",
    "Water boils at 100 degrees",
    "Anna opened the window because",
    "Le chat est sur la",
    "1, 2, 3, 4, 5,",
    "Dear Sir or Madam,",
    "The nurse said that",
    "#include <stdio.h>\n\nint main(void)\n{\n",
    "In the beginning",
    "Yesterday it rained; today the sun is",
    "a b c d e f g",
    "Shakespeare wrote Hamlet, Macbeth and",
    "The opposite of hot is",
    "Hello",
]


def load(gguf):
    return AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, torch_dtype=torch.float32,
        attn_implementation="eager").eval()


def write_logits(model, encode, step, every, name, whole=None):
    """Writes the file `name` as described above, with every step-th logit under the key `every`."""
    out, logits_of_all = [], []
    for i, text in enumerate(PROMPTS):
        ids = encode(text)
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].float()
            logits_of_all.append(logits)
            top = logits.topk(5)
            record = {"text": text, "tokens": ids, "mean": logits.mean().item(),
                      "deviation": logits.std().item(), "top": top.indices.tolist(),
                      "top_logits": [float("%.7g" % x) for x in top.values],
                      every: [float("%.7g" % x) for x in logits[::step]]}
            if i < 5:
                longer = list(ids)
                for _ in range(32):
                    longer.append(model(torch.tensor([longer])).logits[0, -1].argmax().item())
                record["greedy"] = longer[len(ids):]
        out.append(record)
    if whole:
        whole.write_bytes(torch.stack(logits_of_all).numpy().tobytes())
    target = pathlib.Path(__file__).parent / name
    target.write_text("[\n" + ",\n".join(json.dumps(r) for r in out) + "\n]\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gguf", type=pathlib.Path)
    parser.add_argument("--whole", type=pathlib.Path)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.gguf.parent, gguf_file=options.gguf.name)
    write_logits(load(options.gguf),
                 lambda text: tokenizer(text, add_special_tokens=False).input_ids,
                 512, "every_512th", "smollm2.json", options.whole)


if __name__ == "__main__":
    main()
