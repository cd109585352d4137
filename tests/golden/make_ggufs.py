#!/usr/bin/env python3
"""GGUF files of the folders of make_families.py, as llama.cpp's converter writes them.

Run by hand; its output, tests/golden/families/NAME-gguf/model.gguf, is committed:

    python3 tests/golden/make_ggufs.py [NAME ...]

Needs gguf 0.19, safetensors and numpy. Names come from gguf's own table; what the converter does
to values and metadata is from llama.cpp's conversion/ (2025): rows of q and k reordered for
architectures with interleaved rotary pairs (llama, granite, smollm3), q, k and v of BLOOM and
Falcon put one after another, 1 + w for Gemma's norms, experts stacked, gpt-oss's gate and up
taken apart. Matrices stay in F32, so that the logits are those of the folder.
"""
import json
import math
import pathlib
import re
import sys

import gguf
import numpy as np
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).parent / "families"
# folder: architecture
NAMES = {
    "bloom-plain": "bloom", "mpt-plain": "mpt", "falcon-plain": "falcon", "cohere": "command-r",
    "gemma1": "gemma", "bigcode-plain": "starcoder", "granite": "granite", "phi2": "phi2",
    "phi3": "phi3", "phi3-longrope": "phi3", "stablelm": "stablelm",
    "stablelm-parallel": "stablelm", "starcoder2-plain": "starcoder2", "smollm3-plain": "smollm3",
    "olmo2": "olmo2", "olmo3": "olmo2", "olmoe": "olmoe", "mixtral-ties": "llama",
    "qwen3-moe": "qwen3moe", "gpt-oss": "gpt-oss",
}


def first(c, *keys, default=None):
    for key in keys:
        if c.get(key) is not None:
            return c[key]
    return default


def permute(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def qkv_apart(w, groups):
    """[groups][queries of a group, key, value][d_head] to all q, all k, all v."""
    heads, rest = groups
    g = w.reshape(rest, heads // rest + 2, -1, *w.shape[1:])
    parts = [g[:, :-2], g[:, -2:-1], g[:, -1:]]
    return np.concatenate([p.reshape(-1, *w.shape[1:]) for p in parts])


def metadata(w, arch, c):
    heads = first(c, "num_attention_heads", "n_head", "n_heads")
    width = first(c, "hidden_size", "n_embd", "d_model")
    w.add_context_length(first(c, "max_position_embeddings", "n_positions", "max_seq_len",
                               "seq_length", default=2048))
    w.add_embedding_length(width)
    w.add_block_count(first(c, "num_hidden_layers", "n_layer", "n_layers"))
    w.add_feed_forward_length(first(c, "intermediate_size", "ffn_hidden_size", default=4 * width))
    w.add_head_count(heads)
    w.add_head_count_kv(1 if arch == "starcoder" else first(
        c, "num_key_value_heads", "num_kv_heads", default=heads))
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    if "rms_norm_eps" in c:
        w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    else:
        w.add_layer_norm_eps(first(c, "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon",
                                   default=1e-5))
    if c.get("rope_theta"):
        w.add_rope_freq_base(c["rope_theta"])
    if c.get("head_dim"):
        w.add_key_length(c["head_dim"])
        w.add_value_length(c["head_dim"])
    if arch in ("phi2", "stablelm"):
        w.add_rope_dimension_count(int(c["partial_rotary_factor"] * width) // heads)
    experts = first(c, "num_local_experts", "num_experts")
    if experts:
        w.add_expert_count(experts)
        w.add_expert_used_count(c["num_experts_per_tok"])
    if arch == "qwen3moe":
        w.add_expert_feed_forward_length(c["moe_intermediate_size"])
    if arch == "falcon":
        w.add_tensor_data_layout("jploski")
    if arch == "mpt":
        w.add_max_alibi_bias(8.0)
    if arch == "command-r":
        w.add_logit_scale(c["logit_scale"])
        w.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    if arch == "granite":
        w.add_attention_scale(c["attention_multiplier"])
        w.add_embedding_scale(c["embedding_multiplier"])
        w.add_residual_scale(c["residual_multiplier"])
        w.add_logit_scale(c["logits_scaling"])
    if arch == "stablelm":
        w.add_parallel_residual(c["use_parallel_residual"])
    if arch in ("llama", "granite", "smollm3"):
        w.add_rope_dimension_count(c.get("head_dim") or width // heads)
        w.add_vocab_size(c["vocab_size"])
    scaling = c.get("rope_scaling") or {}
    if arch == "phi3":
        original = c["original_max_position_embeddings"]
        w.add_rope_scaling_orig_ctx_len(original)
        w.add_sliding_window(c.get("sliding_window") or 0)
        w.add_rope_dimension_count(width // heads)
        if scaling:
            ratio = c["max_position_embeddings"] / original
            w.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(ratio) / math.log(original)))
            for kind in ("long", "short"):
                w.add_tensor(f"rope_factors_{kind}.weight",
                             np.array(scaling[kind + "_factor"], np.float32))
    elif scaling.get("rope_type") == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(scaling["factor"])
        w.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
    if arch in ("olmo2", "gpt-oss") and c.get("sliding_window"):
        w.add_sliding_window(c["sliding_window"])
        if arch == "olmo2":
            w.add_sliding_window_pattern([t == "sliding_attention" for t in c["layer_types"]])
        else:
            w.add_expert_feed_forward_length(c["intermediate_size"])


def tensors(arch, c, state):
    """(name that gguf's table knows, values) of all tensors."""
    heads = first(c, "num_attention_heads", "n_head", "n_heads")
    groups = (heads, first(c, "num_key_value_heads", "num_kv_heads", default=heads))
    stacks = {}
    for name, w in state.items():
        if arch == "gemma" and name.endswith("norm.weight"):
            w = w + 1
        if arch in ("llama", "granite", "smollm3"):
            if ".q_proj." in name:
                w = permute(w, heads)
            elif ".k_proj." in name:
                w = permute(w, groups[1])
        if arch in ("bloom", "falcon") and "query_key_value" in name:
            w = qkv_apart(w, groups)
        if arch == "bloom":
            name = name.replace("transformer.", "")
        expert = re.search(r"experts\.(\d+)\.", name)
        norm = re.search(r"_layernorm\.norms\.(\d+)\.", name)
        if expert:
            name = name.replace(expert[0], "experts.")
            stacks.setdefault(name, []).append((int(expert[1]), w))
            continue
        if norm:
            name = name.replace(norm[0], "_layernorm.")
            stacks.setdefault(name, []).append((int(norm[1]), w))
            continue
        if arch == "gpt-oss" and "experts.gate_up_proj" in name:
            bias = name.endswith("_bias")
            w = w if bias else w.swapaxes(-1, -2)
            for at, part in enumerate(("gate_proj", "up_proj")):
                stem = name.replace("gate_up_proj_bias", "gate_up_proj").replace("gate_up_proj", part)
                yield stem + (".bias" if bias else ".weight"), w[:, at::2]
            continue
        if arch == "gpt-oss" and "experts.down_proj" in name:
            bias = name.endswith("_bias")
            yield (name.replace("down_proj_bias", "down_proj") + (".bias" if bias else ".weight"),
                   w if bias else w.swapaxes(-1, -2))
            continue
        yield name + (".weight" if name.endswith("sinks") else ""), w
    for name, parts in stacks.items():
        yield name, np.stack([w for _, w in sorted(parts, key=lambda part: part[0])])


def convert(name, arch, split=0):
    c = json.loads((HERE / name / "config.json").read_text())
    state = load_file(HERE / name / "model.safetensors")
    out = HERE / (name + ("-split" if split else "-gguf"))
    out.mkdir(exist_ok=True)
    kind = next(a for a, n in gguf.MODEL_ARCH_NAMES.items() if n == arch)
    table = gguf.get_tensor_name_map(kind, first(c, "num_hidden_layers", "n_layer", "n_layers"))
    w = gguf.GGUFWriter(out / "model.gguf", arch, split_max_tensors=split)
    metadata(w, arch, c)
    for tensor, values in tensors(arch, c, state):
        to = table.get_name(tensor, try_suffixes=(".weight", ".bias"))
        assert to, tensor
        w.add_tensor(to, np.ascontiguousarray(values, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    for each in sys.argv[1:] or NAMES:
        convert(each, NAMES[each])
        if each == "starcoder2-plain":
            convert(each, NAMES[each], split=12)  # three files
