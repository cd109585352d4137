#!/usr/bin/env python3
"""Seeds for the fuzz targets of models: the smallest models of each family.
Run by hand; its output, tests/fuzz/corpus/{gguf,safetensors}/, is committed.
Needs torch, transformers, safetensors and gguf.
"""
import pathlib
import struct
import sys
import tempfile

import torch
import transformers as tf

HERE = pathlib.Path(__file__).parent / "corpus"
sys.path.insert(0, str(HERE.parents[1] / "golden"))
import make_families  # noqa: E402

TINY = dict(hidden_size=4, intermediate_size=3, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, vocab_size=3, max_position_embeddings=4)
FOLDERS = {
    "gpt2": (torch.float32, tf.GPT2Config(n_embd=4, n_head=2, n_layer=1, n_inner=3,
                                          n_positions=4, vocab_size=3)),
    "llama": (torch.bfloat16, tf.LlamaConfig(**TINY, rope_scaling=make_families.ROPE3)),
    "qwen3": (torch.float16, tf.Qwen3Config(**TINY, head_dim=2)),
    "neox": (torch.float32, tf.GPTNeoXConfig(
        hidden_size=4, intermediate_size=3, num_hidden_layers=1, num_attention_heads=1,
        vocab_size=3, max_position_embeddings=4, rotary_pct=0.5)),
    "gemma3": (torch.float32, tf.Gemma3TextConfig(**TINY, head_dim=2)),
}
GGUFS = {
    "llama": ("llama", "F32", tf.LlamaConfig(**TINY)),
    "gemma2": ("gemma2", "F16", tf.Gemma2Config(**TINY, head_dim=2, query_pre_attn_scalar=2)),
    "gpt2": ("gpt2", "F32", tf.GPT2Config(n_embd=4, n_head=2, n_layer=1, n_positions=4,
                                          vocab_size=3)),
    "quantised": ("llama", "Q5_1", tf.LlamaConfig(
        **dict(TINY, hidden_size=32, intermediate_size=32))),
}


def main():
    make_families.write_logits = lambda folder, model: None
    with tempfile.TemporaryDirectory() as name:
        make_families.HERE = pathlib.Path(name)
        for corpus in ("gguf", "safetensors"):
            (HERE / corpus).mkdir(parents=True, exist_ok=True)
        for seed, (dtype, config) in FOLDERS.items():
            make_families.save_folder(seed, config, dtype)
            text = (make_families.HERE / seed / "config.json").read_bytes()
            weights = (make_families.HERE / seed / "model.safetensors").read_bytes()
            (HERE / "safetensors" / seed).write_bytes(
                struct.pack("<H", len(text)) + text + weights)
        for seed, (arch, kind, config) in GGUFS.items():
            make_families.save_gguf(seed + "-gguf", arch, kind, config)
            (HERE / "gguf" / seed).write_bytes(
                (make_families.HERE / (seed + "-gguf") / "model.gguf").read_bytes())


if __name__ == "__main__":
    main()
