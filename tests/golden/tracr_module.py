"""A program compiled by Tracr as a PyTorch module, and a random model of that shape.

Written from the description in tests/golden/tracr-reverse/README.md: x = embedding + positions;
every layer adds attention (not causal) and an MLP with ReLU; no norms.
"""
import json
import types

import torch
from safetensors.torch import load_file, save_file
from torch import nn


class Linear(nn.Module):
    """y = x weight + bias, weight [in][out]."""

    def __init__(self, w, name):
        super().__init__()
        self.weight, self.bias = nn.Parameter(w[name + ".weight"]), nn.Parameter(w[name + ".bias"])
        self.nf = self.weight.shape[1]

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    def __init__(self, w, name, heads):
        super().__init__()
        self.q, self.k, self.v, self.o = (Linear(w, name + x) for x in ("q", "k", "v", "o"))
        self.heads = heads

    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(-3, -2)
                   for f in (self.q, self.k, self.v))
        p = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1)
        return self.o((p @ v).transpose(-3, -2).flatten(-2))


class Mlp(nn.Module):
    def __init__(self, w, name):
        super().__init__()
        self.inner, self.outer = Linear(w, name + "in"), Linear(w, name + "out")

    def forward(self, x):
        return self.outer(torch.relu(self.inner(x)))


class Layer(nn.Module):
    def __init__(self, w, name, heads):
        super().__init__()
        self.attn, self.mlp = Attention(w, name + "attn.", heads), Mlp(w, name + "mlp.")

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(x)


class Tracr(nn.Module):
    def __init__(self, folder):
        super().__init__()
        if not folder.exists():
            make_random(folder)
        c = json.loads((folder / "config.json").read_text())
        w = {k: v.double() for k, v in load_file(folder / "model.safetensors").items()}
        self.config = types.SimpleNamespace(
            model_type="tracr", num_attention_heads=c["n_heads"], head_dim=c["d_head"],
            hidden_size=c["d_model"])
        self.token_embed = nn.Embedding.from_pretrained(w["token_embed"])
        self.pos_embed = nn.Embedding.from_pretrained(w["pos_embed"])
        self.layers = nn.ModuleList(Layer(w, f"layers.{l}.", c["n_heads"])
                                    for l in range(c["n_layers"]))
        self.final = nn.Identity()
        self.unembed = w["unembed"]

    def forward(self, input_ids, use_cache=False):
        x = self.token_embed(input_ids) + self.pos_embed(torch.arange(input_ids.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return types.SimpleNamespace(logits=self.final(x) @ self.unembed)


def make_random(folder):
    """Not a program: weights with which every edge matters."""
    torch.manual_seed(5)
    c = dict(name="tracr-random", n_layers=2, n_heads=3, d_head=6, d_model=20, d_ff=28, n_pos=32,
             n_vocab=53, n_out=11, activation="relu", layer_norm=False, causal=False,
             attention_scale="1/sqrt(d_head)")

    def rows(n_in, n_out):
        return torch.randn(n_in, n_out) * 1.4 / n_in ** 0.5

    inner, w = c["n_heads"] * c["d_head"], {}
    w["token_embed"] = torch.randn(c["n_vocab"], c["d_model"])
    w["pos_embed"] = torch.randn(c["n_pos"], c["d_model"])
    w["unembed"] = rows(c["d_model"], c["n_out"])
    for l in range(c["n_layers"]):
        for name, n_in, n_out in (("attn.q", c["d_model"], inner), ("attn.k", c["d_model"], inner),
                                  ("attn.v", c["d_model"], inner), ("attn.o", inner, c["d_model"]),
                                  ("mlp.in", c["d_model"], c["d_ff"]),
                                  ("mlp.out", c["d_ff"], c["d_model"])):
            w[f"layers.{l}.{name}.weight"] = rows(n_in, n_out)
            w[f"layers.{l}.{name}.bias"] = 0.3 * torch.randn(n_out)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(c, indent=1) + "\n")
    save_file({k: v.to(torch.float32).contiguous() for k, v in w.items()},
              folder / "model.safetensors")
