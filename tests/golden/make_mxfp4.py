#!/usr/bin/env python3
"""A small gpt-oss as its folders are published: experts in MXFP4, the rest in BF16.

Run by hand; its output, tests/golden/families/gpt-oss-mxfp4/, is committed:

    python3 tests/golden/make_mxfp4.py

Needs torch 2.7, transformers 4.57.1 and safetensors. Blocks and exponents are random;
transformers' own convert_moe_packed_tensors makes the weights of them with which transformers
computes the logits, in float64, as in make_families.py.
"""
import copy
import json
import pathlib
import shutil

import torch
import transformers as tf
from safetensors.torch import load_file, save_file
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from make_families import SIZES, write_logits

FOLDER = pathlib.Path(__file__).parent / "families" / "gpt-oss-mxfp4"
N, WIDTH, INNER = 3, 32, 64


def main():
    torch.manual_seed(20)
    config = tf.GptOssConfig(
        **dict(SIZES, hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=2), head_dim=8,
        num_local_experts=N, num_experts_per_tok=2, sliding_window=5, rope_theta=100.0,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=8,
                          truncate=False))
    config._attn_implementation = "eager"
    model = tf.AutoModelForCausalLM.from_config(config).eval()
    packed = {}
    for name, p in model.named_parameters():
        p.data = (torch.randn_like(p) * 0.4 + (1.0 if "norm" in name else 0)).bfloat16().float()
        if p.dim() != 3:
            continue
        rows, columns = p.shape[2], p.shape[1]
        blocks = torch.randint(0, 256, (N, rows, columns // 32, 16), dtype=torch.uint8)
        scales = torch.randint(122, 126, (N, rows, columns // 32), dtype=torch.uint8)
        packed[name + "_blocks"], packed[name + "_scales"] = blocks, scales
        p.data = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32)
    shutil.rmtree(FOLDER, ignore_errors=True)
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(FOLDER)
    (FOLDER / "generation_config.json").unlink(missing_ok=True)
    stored = load_file(FOLDER / "model.safetensors")
    stored = {k: v for k, v in stored.items() if k + "_blocks" not in packed} | packed
    save_file(stored, FOLDER / "model.safetensors", metadata={"format": "pt"})
    described = json.loads((FOLDER / "config.json").read_text())
    described["quantization_config"] = {
        "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router",
                                   "model.embed_tokens", "lm_head"],
        "quant_method": "mxfp4"}
    (FOLDER / "config.json").write_text(json.dumps(described, indent=2) + "\n")
    write_logits(FOLDER, model)


main()
