#!/usr/bin/env python3
"""Writes a GPT-2 folder with any number of layers and the tokenizer of models/demo.

    make_model.py DEMO DIR LAYERS HEADS WIDTH

Weights repeat 65,537 numbers N(0, .05), so that every matrix differs; gains are 1 ± a little,
biases small. The model says nothing sensible, but all its nodes have an effect.
"""
import array
import json
import os
import random
import shutil
import struct
import sys

demo, out, layers, heads, d = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
config = json.load(open(os.path.join(demo, "config.json")))
config.update(n_layer=layers, n_head=heads, n_embd=d)
draw = random.Random(1)
values = array.array("f", (draw.gauss(0, .05) for _ in range(65537)))
names = {"wte.weight": [config["vocab_size"], d], "wpe.weight": [config["n_positions"], d]}
for i in range(layers):
    for name, shape in {
            "ln_1.weight": [d], "ln_1.bias": [d], "attn.c_attn.weight": [d, 3 * d],
            "attn.c_attn.bias": [3 * d], "attn.c_proj.weight": [d, d], "attn.c_proj.bias": [d],
            "ln_2.weight": [d], "ln_2.bias": [d], "mlp.c_fc.weight": [d, 4 * d],
            "mlp.c_fc.bias": [4 * d], "mlp.c_proj.weight": [4 * d, d],
            "mlp.c_proj.bias": [d]}.items():
        names[f"h.{i}.{name}"] = shape
names |= {"ln_f.weight": [d], "ln_f.bias": [d]}

header, at = {}, 0
for name, shape in names.items():
    size = 4
    for n in shape:
        size *= n
    header[f"transformer.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
    at += size
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)

os.makedirs(out, exist_ok=True)
for name in ("tokenizer.json", "vocab.json", "merges.txt", "generation_config.json"):
    shutil.copy(os.path.join(demo, name), out)
json.dump(config, open(os.path.join(out, "config.json"), "w"))
position = 0
with open(os.path.join(out, "model.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    for name, shape in names.items():
        left = shape[0] * (shape[1] if len(shape) > 1 else 1)
        if "ln_" in name and name.endswith("weight"):
            file.write(array.array("f", (1 + values[(position + i) % 65537] for i in range(left))))
            position += left
            continue
        while left:
            here = min(left, 65537 - position % 65537)
            file.write(values[position % 65537:position % 65537 + here])
            position += here
            left -= here
