#!/usr/bin/env python3
"""Small random models of every family, with their logits from transformers.

Run by hand; its output, tests/golden/families/, is committed:

    python3 tests/golden/make_families.py [NAME ...]

Needs torch 2.7, transformers 4.54 (4.57.1 from "gemma1" on), safetensors and gguf. With names,
only these folders are made. For each family there
is a folder as `save_pretrained` writes it and a `logits.json` with three
prompts (token ids) and the logits at all their positions, computed in float64
with eager attention from the stored (rounded) weights. Sizes are odd, windows,
caps and scalings so small that they matter on prompts of this length. The
folders named *-gguf hold the same kind of model as `model.gguf`, written with
the conversions that llama.cpp's converter makes (rows of q and k reordered for
llama, 1 + w norms for Gemma, q, k and v apart for GPT-NeoX); quantised ones
have logits of the values that Python's gguf.quants gives back.
"""
import copy
import json
import pathlib
import random
import shutil
import sys

import gguf
import numpy as np
import torch
import transformers as tf

HERE = pathlib.Path(__file__).parent / "families"
SIZES = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=3,
             num_attention_heads=6, num_key_value_heads=2, vocab_size=53,
             max_position_embeddings=32)
ROPE3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0,
             high_freq_factor=3.0, original_max_position_embeddings=16)

CONFIGS = {
    "gpt2-f16": (torch.float16, tf.GPT2Config(
        n_embd=24, n_head=3, n_layer=2, n_inner=50, n_positions=32, vocab_size=53,
        activation_function="gelu", scale_attn_weights=False,
        tie_word_embeddings=False)),
    "llama-bf16": (torch.bfloat16, tf.LlamaConfig(
        **SIZES, head_dim=10, rope_theta=500.0, rope_scaling=ROPE3, attention_bias=True,
        mlp_bias=True, tie_word_embeddings=True)),
    "llama-linear": (torch.float32, tf.LlamaConfig(
        **SIZES, rope_scaling=dict(rope_type="linear", factor=2.5))),
    "llama-yarn": (torch.float32, tf.LlamaConfig(
        **SIZES, rope_theta=100.0, rope_scaling=dict(
            rope_type="yarn", factor=4.0, original_max_position_embeddings=8))),
    "llama-yarn-factors": (torch.float32, tf.LlamaConfig(
        **SIZES, rope_theta=100.0, rope_scaling=dict(
            rope_type="yarn", factor=3.0, original_max_position_embeddings=12, beta_fast=4.0,
            beta_slow=0.5, mscale=0.7, mscale_all_dim=0.4, truncate=False))),
    "llama-longrope": (torch.float32, tf.LlamaConfig(
        **SIZES, head_dim=10, original_max_position_embeddings=20, rope_scaling=dict(
            rope_type="longrope", short_factor=[1.0, 1.1, 1.3, 1.7, 2.0],
            long_factor=[2.0, 3.0, 4.0, 5.0, 6.0]))),
    "mistral": (torch.float32, tf.MistralConfig(**SIZES, sliding_window=4)),
    "qwen2": (torch.float32, tf.Qwen2Config(
        **SIZES, use_sliding_window=True, sliding_window=5, max_window_layers=1,
        rope_theta=1e4)),
    "qwen3": (torch.float32, tf.Qwen3Config(
        **SIZES, head_dim=8, tie_word_embeddings=True, rope_theta=1e4)),
    "neox": (torch.float32, tf.GPTNeoXConfig(
        hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
        vocab_size=53, max_position_embeddings=32, rotary_pct=0.25)),
    "neox-sequential": (torch.float32, tf.GPTNeoXConfig(
        hidden_size=30, intermediate_size=44, num_hidden_layers=2, num_attention_heads=3,
        vocab_size=53, max_position_embeddings=32, rotary_pct=1.0, attention_bias=False,
        use_parallel_residual=False)),
    "gemma2": (torch.float32, tf.Gemma2Config(
        **SIZES, head_dim=6, query_pre_attn_scalar=9, sliding_window=4,
        attn_logit_softcapping=2.0, final_logit_softcapping=4.0)),
    "gemma3": (torch.float32, tf.Gemma3TextConfig(
        **SIZES, head_dim=6, query_pre_attn_scalar=9, sliding_window=4,
        sliding_window_pattern=2, rope_theta=1000.0, rope_local_base_freq=10.0,
        rope_scaling=dict(rope_type="linear", factor=3.0))),
    # from here on by transformers 4.57.1
    "gemma1": (torch.float32, tf.GemmaConfig(**dict(SIZES, num_hidden_layers=2), head_dim=6, attention_bias=True)),
    "gemma3-vision": (torch.float32, tf.Gemma3Config(
        text_config=dict(**SIZES, head_dim=6, query_pre_attn_scalar=9, sliding_window=4,
                         sliding_window_pattern=2, rope_theta=1000.0, rope_local_base_freq=10.0),
        vision_config=dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                           num_attention_heads=1, image_size=28, patch_size=14),
        mm_tokens_per_image=4)),
    "gpt-neo": (torch.float32, tf.GPTNeoConfig(
        hidden_size=24, num_heads=3, num_layers=3, attention_types=[[["global", "local"], 1], [["local"], 1]],
        intermediate_size=40, window_size=4, vocab_size=53, max_position_embeddings=32)),
    "opt": (torch.float32, tf.OPTConfig(
        hidden_size=24, num_attention_heads=3, num_hidden_layers=2, ffn_dim=40,
        word_embed_proj_dim=24, vocab_size=53, max_position_embeddings=32)),
    "gptj": (torch.float32, tf.GPTJConfig(
        n_embd=30, n_head=3, n_layer=2, rotary_dim=6, vocab_size=53, n_positions=32)),
    "phi": (torch.float32, tf.PhiConfig(
        **SIZES, partial_rotary_factor=0.5, rope_theta=100.0, qk_layernorm=True)),
    "phi3": (torch.float32, tf.Phi3Config(
        **SIZES, pad_token_id=0, sliding_window=5, rope_theta=100.0)),
    "starcoder2": (torch.float32, tf.Starcoder2Config(
        **dict(SIZES, num_hidden_layers=2), sliding_window=5, rope_theta=100.0)),
    "stablelm": (torch.float32, tf.StableLmConfig(
        **dict(SIZES, hidden_size=48), qk_layernorm=True, use_qkv_bias=True, rope_theta=100.0)),
    "stablelm-parallel": (torch.float32, tf.StableLmConfig(
        **dict(SIZES, hidden_size=48, num_hidden_layers=2), use_parallel_residual=True)),
    "granite": (torch.float32, tf.GraniteConfig(
        **dict(SIZES, num_hidden_layers=2), embedding_multiplier=3.0, logits_scaling=0.4,
        residual_multiplier=0.6, attention_multiplier=0.3, attention_bias=True, mlp_bias=True)),
    "cohere": (torch.float32, tf.CohereConfig(
        **dict(SIZES, num_hidden_layers=2), use_qk_norm=True, logit_scale=0.7, rope_theta=100.0)),
    "smollm3": (torch.float32, tf.SmolLM3Config(
        **SIZES, pad_token_id=0, no_rope_layer_interval=2, rope_theta=100.0, use_sliding_window=True,
        sliding_window=5, layer_types=["full_attention", "sliding_attention", "full_attention"])),
    "falcon": (torch.float32, tf.FalconConfig(
        hidden_size=24, num_attention_heads=6, num_kv_heads=2, num_hidden_layers=2, vocab_size=53,
        ffn_hidden_size=40, new_decoder_architecture=True, bias=True, max_position_embeddings=32)),
    "falcon-query": (torch.float32, tf.FalconConfig(
        hidden_size=24, num_attention_heads=3, num_hidden_layers=2, vocab_size=53,
        ffn_hidden_size=40, max_position_embeddings=32)),
    "falcon-alibi": (torch.float32, tf.FalconConfig(
        hidden_size=24, num_attention_heads=3, num_hidden_layers=2, vocab_size=53, alibi=True,
        ffn_hidden_size=40, multi_query=False, parallel_attn=False, bias=True)),
    "bloom": (torch.float32, tf.BloomConfig(
        hidden_size=24, n_head=6, n_layer=2, vocab_size=53)),
    "mpt": (torch.float32, tf.MptConfig(
        d_model=24, n_heads=6, n_layers=2, vocab_size=53, max_seq_len=32,
        attn_config=dict(softmax_scale=0.7))),
    "bigcode": (torch.float32, tf.GPTBigCodeConfig(
        n_embd=24, n_head=3, n_layer=2, n_inner=40, vocab_size=53, n_positions=32)),
    "bigcode-heads": (torch.float32, tf.GPTBigCodeConfig(
        n_embd=24, n_head=3, n_layer=2, n_inner=40, vocab_size=53, n_positions=32,
        multi_query=False)),
    "olmo2": (torch.float32, tf.Olmo2Config(**SIZES, pad_token_id=0, rope_theta=100.0)),
    "mixtral": (torch.float32, tf.MixtralConfig(
        **dict(SIZES, num_hidden_layers=2), num_local_experts=4, sliding_window=5, rope_theta=100.0)),
    "mixtral-ties": (torch.float32, tf.MixtralConfig(
        **dict(SIZES, num_hidden_layers=2), num_local_experts=4, num_experts_per_tok=3)),
    "qwen3-moe": (torch.float32, tf.Qwen3MoeConfig(
        **dict(SIZES, num_hidden_layers=2), head_dim=8, moe_intermediate_size=20, num_experts=6,
        num_experts_per_tok=3, norm_topk_prob=True)),
    "olmoe": (torch.float32, tf.OlmoeConfig(
        **dict(SIZES, num_hidden_layers=2), pad_token_id=0, num_experts=5, num_experts_per_tok=2)),
    "gpt-oss": (torch.float32, tf.GptOssConfig(
        **SIZES, head_dim=8, num_local_experts=4, num_experts_per_tok=2, sliding_window=5,
        rope_theta=100.0, rope_scaling=dict(
            rope_type="yarn", factor=4.0, original_max_position_embeddings=8, truncate=False))),
    # without what GGUF files do not record
    "phi2": (torch.float32, tf.PhiConfig(
        **dict(SIZES, num_hidden_layers=2, num_key_value_heads=6, intermediate_size=96),
        partial_rotary_factor=0.5)),
    "phi3-longrope": (torch.float32, tf.Phi3Config(
        **dict(SIZES, num_hidden_layers=2), pad_token_id=0, original_max_position_embeddings=20,
        rope_scaling=dict(type="longrope", short_factor=[1.0, 1.5], long_factor=[2.0, 3.0]))),
    "starcoder2-plain": (torch.float32, tf.Starcoder2Config(
        **dict(SIZES, num_hidden_layers=2), sliding_window=None, rope_theta=100.0)),
    "smollm3-plain": (torch.float32, tf.SmolLM3Config(
        **dict(SIZES, num_hidden_layers=4), pad_token_id=0)),
    "bloom-plain": (torch.float32, tf.BloomConfig(
        hidden_size=24, n_head=3, n_layer=2, vocab_size=53, seq_length=32)),
    "falcon-plain": (torch.float32, tf.FalconConfig(
        hidden_size=24, num_attention_heads=6, num_kv_heads=2, num_hidden_layers=2, vocab_size=53,
        new_decoder_architecture=True)),
    "mpt-plain": (torch.float32, tf.MptConfig(
        d_model=24, n_heads=6, n_layers=2, vocab_size=53, max_seq_len=32)),
    "bigcode-plain": (torch.float32, tf.GPTBigCodeConfig(
        n_embd=24, n_head=3, n_layer=2, vocab_size=53, n_positions=32)),
    "olmo3": (torch.float32, tf.Olmo3Config(
        **SIZES, pad_token_id=0, rope_theta=100.0, sliding_window=5,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=8))),
}
CONFIGS["neox"][1].rotary_emb_base = 100

# Quantised rows need whole blocks of 32.
WIDE = dict(SIZES, hidden_size=64, intermediate_size=32, num_attention_heads=4,
            num_hidden_layers=2)
GGUFS = {
    "llama-gguf": ("llama", "Q8_0", tf.LlamaConfig(
        **WIDE, rope_theta=500.0, rope_scaling=ROPE3, tie_word_embeddings=True)),
    "llama-q4-gguf": ("llama", "Q4_1", tf.LlamaConfig(**WIDE)),
    "qwen2-gguf": ("qwen2", "F16", tf.Qwen2Config(**SIZES)),
    "qwen3-gguf": ("qwen3", "F16", tf.Qwen3Config(**SIZES, head_dim=8)),
    "gemma2-gguf": ("gemma2", "F16", tf.Gemma2Config(
        **SIZES, head_dim=6, query_pre_attn_scalar=6, sliding_window=4,
        attn_logit_softcapping=2.0, final_logit_softcapping=4.0)),
    "gemma3-gguf": ("gemma3", "BF16", tf.Gemma3TextConfig(
        **dict(SIZES, num_hidden_layers=7), head_dim=6, query_pre_attn_scalar=6,
        sliding_window=4, rope_theta=1000.0)),
    "gpt2-gguf": ("gpt2", "F32", tf.GPT2Config(
        n_embd=24, n_head=3, n_layer=2, n_positions=32, vocab_size=53)),
    "neox-gguf": ("gptneox", "F16", tf.GPTNeoXConfig(
        hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
        vocab_size=53, max_position_embeddings=32, rotary_pct=0.25)),
}


def make_model(name, config, dtype):
    """Weights far from linear, gains and biases far from 1 and 0, as stored."""
    torch.manual_seed(sum(map(ord, name)))
    config._attn_implementation = "eager"
    # StableLM's own initialisation fails on norms without biases; all weights are set below
    tf.StableLmPreTrainedModel._init_weights = lambda self, module: None
    auto = tf.AutoModelForImageTextToText if name == "gemma3-vision" else tf.AutoModelForCausalLM
    model = auto.from_config(config).eval()
    gemma = name.startswith("gemma")
    for key, p in model.named_parameters():
        if p.dim() == 2:
            fan_in = p.shape[0] if "h." in key and name.startswith("gpt2") else p.shape[1]
            scale = 1.0 if "emb" in key or "wte" in key or "wpe" in key else 1.6
            p.data = torch.randn_like(p) * scale / (1 if gemma and "emb" in key else fan_in ** 0.5)
        elif p.dim() == 3:  # gpt-oss's experts, so large that its activation is limited
            p.data = torch.randn_like(p) * (0.6 if "gate_up" in key else 0.3)
        elif p.dim() == 4:
            p.data = 0.1 * torch.randn_like(p)
        elif "norm" in key or ".ln_" in key:
            base = 0.0 if gemma or key.endswith("bias") else 1.0
            p.data = base + 0.3 * torch.randn_like(p)
        else:
            p.data = 0.3 * torch.randn_like(p)
        p.data = p.data.to(dtype).float()
    if name == "mixtral-ties":  # the logits of experts 0 and 2 are equal, and of 1 and 3
        for layer in model.model.layers:
            gate = layer.block_sparse_moe.gate.weight.data
            gate[2:] = gate[:2]
    return model


def write_logits(folder, model):
    rng = random.Random(folder.name)
    model = copy.deepcopy(model) if folder.name.startswith("mpt") else copy.deepcopy(model).double()
    if folder.name == "mixtral-ties":  # torch.topk takes any of equals, hap the first
        torch.topk = lambda x, k, dim: tuple(
            v[..., :k] for v in torch.sort(x, dim=dim, descending=True, stable=True))
    prompts = [[rng.randrange(53) for _ in range(n)] for n in (1, 6, 15)]
    with torch.no_grad():
        logits = [model(torch.tensor([p])).logits[0].numpy() for p in prompts]
    body = ",\n".join(
        '{"tokens": %s, "logits": [%s]}' % (
            json.dumps(p), ", ".join("[" + ", ".join("%.7g" % x for x in row) + "]" for row in l))
        for p, l in zip(prompts, logits))
    (folder / "logits.json").write_text('{"prompts": [\n%s\n]}\n' % body)


def save_folder(name, config, dtype):
    folder = HERE / name
    model = make_model(name, config, dtype)
    shards = {"max_shard_size": "12KB"} if name == "llama-bf16" else {}
    model.to(dtype).save_pretrained(folder, **shards)
    (folder / "generation_config.json").unlink(missing_ok=True)
    auto = tf.AutoModelForImageTextToText if name == "gemma3-vision" else tf.AutoModelForCausalLM
    # Falcon's eager attention of 4.57 adds ALiBi twice; MPT's mask cannot be made in float64
    model = auto.from_pretrained(
        folder, torch_dtype=torch.float32 if name.startswith("mpt") else torch.float64,
        attn_implementation="sdpa" if name == "falcon-alibi" else "eager").eval()
    write_logits(folder, model)


def pairs(rows, heads):
    """The order in which llama.cpp stores the rows of q and k."""
    w = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return np.ascontiguousarray(w.swapaxes(1, 2)).reshape(rows.shape)


def gguf_names(arch, config):
    """GGUF name -> (name in the model, change of the values)."""
    same, t = (lambda w: w), (lambda w: np.ascontiguousarray(w.T))
    plus = (lambda w: w + 1) if arch.startswith("gemma") else same
    names = {}
    if arch == "gpt2":
        names.update({"token_embd.weight": ("transformer.wte.weight", same),
                      "position_embd.weight": ("transformer.wpe.weight", same)})
        ends = [("output_norm", "transformer.ln_f")]
        for i in range(config.n_layer):
            b, h = f"blk.{i}.", f"transformer.h.{i}."
            ends += [(b + "attn_norm", h + "ln_1"), (b + "ffn_norm", h + "ln_2")]
            for a, m in (("attn_qkv", "attn.c_attn"), ("attn_output", "attn.c_proj"),
                         ("ffn_up", "mlp.c_fc"), ("ffn_down", "mlp.c_proj")):
                names[b + a + ".weight"] = (h + m + ".weight", t)
                names[b + a + ".bias"] = (h + m + ".bias", same)
        for a, m in ends:
            names[a + ".weight"] = (m + ".weight", same)
            names[a + ".bias"] = (m + ".bias", same)
        return names
    if arch == "gptneox":
        heads = config.num_attention_heads

        def apart(w):
            w = w.reshape(heads, 3, -1, *w.shape[1:])
            return np.concatenate([w[:, i].reshape(-1, *w.shape[3:]) for i in range(3)])
        names = {"token_embd.weight": ("gpt_neox.embed_in.weight", same),
                 "output.weight": ("embed_out.weight", same)}
        stems = [("output_norm", "gpt_neox.final_layer_norm", same)]
        for i in range(config.num_hidden_layers):
            b, h = f"blk.{i}.", f"gpt_neox.layers.{i}."
            stems += [(b + "attn_norm", h + "input_layernorm", same),
                      (b + "ffn_norm", h + "post_attention_layernorm", same),
                      (b + "attn_qkv", h + "attention.query_key_value", apart),
                      (b + "attn_output", h + "attention.dense", same),
                      (b + "ffn_up", h + "mlp.dense_h_to_4h", same),
                      (b + "ffn_down", h + "mlp.dense_4h_to_h", same)]
        for a, m, change in stems:
            names[a + ".weight"] = (m + ".weight", change)
            names[a + ".bias"] = (m + ".bias", change)
        return names
    names = {"token_embd.weight": ("model.embed_tokens.weight", same),
             "output_norm.weight": ("model.norm.weight", plus)}
    if not config.tie_word_embeddings:
        names["output.weight"] = ("lm_head.weight", same)
    q = k = same
    if arch == "llama":
        q = lambda w: pairs(w, config.num_attention_heads)
        k = lambda w: pairs(w, config.num_key_value_heads)
    for i in range(config.num_hidden_layers):
        b, h = f"blk.{i}.", f"model.layers.{i}."
        norms = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
        if arch.startswith("gemma"):
            norms = {"attn_norm": "input_layernorm",
                     "post_attention_norm": "post_attention_layernorm",
                     "ffn_norm": "pre_feedforward_layernorm",
                     "post_ffw_norm": "post_feedforward_layernorm"}
        if arch in ("qwen3", "gemma3"):
            norms.update({"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"})
        for a, m in norms.items():
            names[b + a + ".weight"] = (h + m + ".weight", plus)
        for a, m, change in (("attn_q", "q", q), ("attn_k", "k", k), ("attn_v", "v", same)):
            names[f"{b}{a}.weight"] = (f"{h}self_attn.{m}_proj.weight", change)
            if arch == "qwen2":
                names[f"{b}{a}.bias"] = (f"{h}self_attn.{m}_proj.bias", change)
        for a, m in (("attn_output", "self_attn.o_proj"), ("ffn_gate", "mlp.gate_proj"),
                     ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj")):
            names[b + a + ".weight"] = (h + m + ".weight", same)
    return names


def add_metadata(w, arch, c):
    w.add_context_length(c.max_position_embeddings)
    w.add_block_count(c.num_hidden_layers)
    w.add_embedding_length(c.hidden_size)
    w.add_head_count(c.num_attention_heads)
    if arch == "gpt2":
        w.add_feed_forward_length(4 * c.n_embd)
        w.add_layer_norm_eps(c.layer_norm_epsilon)
        return
    w.add_feed_forward_length(c.intermediate_size)
    if arch == "gptneox":
        w.add_layer_norm_eps(c.layer_norm_eps)
        w.add_rope_dimension_count(int(c.rotary_pct * c.hidden_size // c.num_attention_heads))
        w.add_parallel_residual(c.use_parallel_residual)
        return
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_rope_freq_base(c.rope_theta)
    if arch in ("qwen3", "gemma2", "gemma3"):
        w.add_key_length(c.head_dim)
        w.add_value_length(c.head_dim)
    if arch.startswith("gemma"):
        w.add_sliding_window(c.sliding_window)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
        w.add_final_logit_softcapping(c.final_logit_softcapping)


def save_gguf(name, arch, kind, config):
    folder = HERE / name
    folder.mkdir()
    model = make_model(name, config, torch.float32)
    state = model.state_dict()
    kind = gguf.GGMLQuantizationType[kind]
    w = gguf.GGUFWriter(folder / "model.gguf", arch)
    add_metadata(w, arch, config)
    for to, (source, change) in gguf_names(arch, config).items():
        values = change(state[source].numpy()).astype(np.float32)
        used = gguf.GGMLQuantizationType.F32 if values.ndim == 1 else kind
        data = gguf.quants.quantize(values, used)
        w.add_tensor(to, data, raw_dtype=used)
        if values.ndim == 2:
            # what the model computes with, in the file's order: as the changes
            # only reorder rows, undo them by applying them to row numbers
            back = gguf.quants.dequantize(data, used)
            index = change(np.arange(values.size, dtype=np.float32).reshape(
                state[source].shape)).astype(np.int64)
            flat = np.empty(values.size, np.float32)
            flat[index.ravel()] = back.ravel()
            state[source] = torch.from_numpy(flat.reshape(state[source].shape))
    if getattr(config, "rope_scaling", None):
        plain = copy.deepcopy(config)
        plain.rope_scaling = None
        init = tf.modeling_rope_utils.ROPE_INIT_FUNCTIONS
        factors = init["default"](plain, None)[0] / init["llama3"](config, None)[0]
        w.add_tensor("rope_freqs.weight", factors.numpy().astype(np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    model.load_state_dict(state)
    write_logits(folder, model)


def main():
    names = sys.argv[1:] or [*CONFIGS, *GGUFS]
    HERE.mkdir(exist_ok=True)
    for name in names:
        shutil.rmtree(HERE / name, ignore_errors=True)
        if name in CONFIGS:
            dtype, config = CONFIGS[name]
            save_folder(name, config, dtype)
        else:
            save_gguf(name, *GGUFS[name])


if __name__ == "__main__":
    main()
