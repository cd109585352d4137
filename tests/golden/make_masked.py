#!/usr/bin/env python3
"""Masked runs of small models, by an implementation of the edge graph that is not hap's.

Run by hand; its output, tests/golden/masked/, is committed:

    python3 tests/golden/make_masked.py

Needs torch 2.7 and transformers 4.57.1. The models are those of make_families.py. Everything is
computed in float64, head by head, straight from the definition: reader r reads
sum over writers w of m[w->r] a_w + (1 - m[w->r]) a'_w. Each file has three prompts (clean and
corrupted token ids), a mask per edge, in hap's order of edges, and at the last position of each
prompt the logits of the masked run. `kl` is the sum of KL(full || masked) over the prompts and
`kl_gradient` its gradient by the masks, by autograd. `eap` is the sum over prompts and positions of
(a'_w - a_w) * d loss / d x_r at the full model, with the loss logit 7 - logit 3.
"""
import json
import pathlib
import random

import torch
from safetensors.torch import load_file
from transformers import AutoConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

HERE = pathlib.Path(__file__).parent
NAMES = ["llama-linear", "olmo2", "olmo3", "olmoe", "mixtral", "mixtral-ties", "qwen3-moe",
         "gpt-oss"]
LENGTHS = [5, 9, 12]
torch.set_default_dtype(torch.float64)


def rms(x, gain, eps):
    return gain * x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)


class Model:
    def __init__(self, folder):
        self.c = c = AutoConfig.from_pretrained(folder)
        self.w = {k: v.double() for k, v in load_file(folder / "model.safetensors").items()}
        self.layers, self.heads = c.num_hidden_layers, c.num_attention_heads
        self.per = self.heads // c.num_key_value_heads
        self.dh = getattr(c, "head_dim", None) or c.hidden_size // self.heads
        kind = (getattr(c, "rope_scaling", None) or {}).get("rope_type", "default")
        self.rope = ROPE_INIT_FUNCTIONS[kind](c, None)
        self.plain_rope = ROPE_INIT_FUNCTIONS["default"](c, None)
        self.post = c.model_type in ("olmo2", "olmo3")  # norms after, not before
        self.together = c.model_type in ("olmo2", "olmo3", "olmoe")  # norm of q and k
        self.each = c.model_type == "qwen3_moe"

    def get(self, layer, name):
        return self.w[f"model.layers.{layer}.{name}"]

    def window(self, layer):
        types = getattr(self.c, "layer_types", None)
        size = getattr(self.c, "sliding_window", None)
        if types:
            return size if types[layer] == "sliding_attention" else None
        return size if self.c.model_type == "mixtral" else None

    def pre(self, layer, name, x):
        return x if self.post else rms(x, self.get(layer, name + ".weight"), self.c.rms_norm_eps)

    def project(self, layer, which, xs):
        """q, k or v of every head from its own input, before the rotation."""
        rows = []
        for h, x in enumerate(xs):
            block = (h if which == "q" else h // self.per) * self.dh
            x = self.pre(layer, "input_layernorm", x)
            y = x @ self.get(layer, f"self_attn.{which}_proj.weight")[block:block + self.dh].T
            if f"model.layers.{layer}.self_attn.{which}_proj.bias" in self.w:
                y = y + self.get(layer, f"self_attn.{which}_proj.bias")[block:block + self.dh]
            rows.append(y)
        u = torch.stack(rows)  # [heads][tokens][dh]
        if which == "v" or not (self.together or self.each):
            return u
        gain = self.get(layer, f"self_attn.{which}_norm.weight")
        if self.each:
            return rms(u, gain, self.c.rms_norm_eps)
        square = (u * u).mean((0, 2))  # over the heads and their dimensions
        gain = gain.reshape(-1, self.dh)
        if which == "k":
            gain = gain.repeat_interleave(self.per, 0)
        return gain[:, None] * u / torch.sqrt(square + self.c.rms_norm_eps)[None, :, None]

    def rotate(self, layer, u):
        slides = self.window(layer) is not None
        frequency, scale = (self.plain_rope if slides and self.c.model_type == "olmo3"
                            else self.rope)
        angle = torch.arange(u.shape[1]).double()[:, None] * frequency.double()[None]
        cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
        half = self.dh // 2
        a, b = u[..., :half], u[..., half:]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def attention(self, layer, xq, xk, xv):
        """The outputs of all heads, from the inputs of their q, k and v."""
        q = self.rotate(layer, self.project(layer, "q", xq))
        k = self.rotate(layer, self.project(layer, "k", xk))
        v = self.project(layer, "v", xv)
        n = q.shape[1]
        t = torch.arange(n)
        seen = t[None] <= t[:, None]
        if self.window(layer):
            seen &= t[None] > t[:, None] - self.window(layer)
        s = (q @ k.transpose(1, 2) * self.dh ** -0.5).masked_fill(~seen, float("-inf"))
        if self.c.model_type == "gpt_oss":
            sinks = self.get(layer, "self_attn.sinks")[:, None, None].expand(-1, n, 1)
            s = torch.cat([s, sinks], -1)
        z = torch.softmax(s, -1)[..., :n] @ v
        o = self.get(layer, "self_attn.o_proj.weight").reshape(-1, self.heads, self.dh)
        out = torch.einsum("htd,ohd->hto", z, o)
        if self.post:
            total = out.sum(0)
            out = (self.get(layer, "post_attention_layernorm.weight") * out /
                   torch.sqrt((total * total).mean(-1) + self.c.rms_norm_eps)[None, :, None])
        return list(out)

    def expert(self, layer, e, x):
        if self.c.model_type == "gpt_oss":
            y = x @ self.get(layer, "mlp.experts.gate_up_proj")[e]
            y = y + self.get(layer, "mlp.experts.gate_up_proj_bias")[e]
            gate, up = y[..., ::2].clamp(max=7.0), y[..., 1::2].clamp(-7.0, 7.0)
            h = (up + 1) * gate * torch.sigmoid(1.702 * gate)
            return (h @ self.get(layer, "mlp.experts.down_proj")[e] +
                    self.get(layer, "mlp.experts.down_proj_bias")[e])
        stem, names = f"mlp.experts.{e}.", ("gate_proj", "up_proj", "down_proj")
        if self.c.model_type == "mixtral":
            stem, names = f"block_sparse_moe.experts.{e}.", ("w1", "w3", "w2")
        gate, up, down = (self.get(layer, stem + n + ".weight") for n in names)
        return (torch.nn.functional.silu(x @ gate.T) * (x @ up.T)) @ down.T

    def mlp(self, layer, x):
        x = self.pre(layer, "post_attention_layernorm", x)
        routers = {"mixtral": "block_sparse_moe.gate", "gpt_oss": "mlp.router",
                   "qwen3_moe": "mlp.gate", "olmoe": "mlp.gate"}
        if self.c.model_type not in routers:
            gate, up, down = (self.get(layer, f"mlp.{n}_proj.weight") for n in ("gate", "up", "down"))
            y = (torch.nn.functional.silu(x @ gate.T) * (x @ up.T)) @ down.T
            if self.post:
                y = rms(y, self.get(layer, "post_feedforward_layernorm.weight"),
                        self.c.rms_norm_eps)
            return y
        router = routers[self.c.model_type]
        logits = x @ self.get(layer, router + ".weight").T
        if self.c.model_type == "gpt_oss":
            logits = logits + self.get(layer, router + ".bias")
        order = torch.sort(logits, dim=-1, descending=True, stable=True).indices
        chosen = torch.zeros_like(logits, dtype=torch.bool).scatter_(
            -1, order[..., :self.c.num_experts_per_tok], True)
        over_all = self.c.model_type in ("qwen3_moe", "olmoe") and not self.c.norm_topk_prob
        weight = torch.softmax(logits if over_all else logits.masked_fill(~chosen, float("-inf")), -1)
        weight = weight * chosen
        return sum(weight[:, e:e + 1] * self.expert(layer, e, x) for e in range(logits.shape[1]))

    def run(self, tokens, other=None, z=None, inputs=None, at_tokens=-1):
        """Outputs of all writers and the logits at the last position, or at other tokens. `other`:
        the writers of the counterfactual; z: masks, in hap's order of edges; inputs: gets every
        reader's input."""
        writers = [self.w["model.embed_tokens.weight"][torch.tensor(tokens)]]
        at = 0
        constant = 0  # biases of attention's output belong to no writer

        def read():
            nonlocal at
            n = len(writers)
            if z is None:
                x = sum(writers)
            else:
                m = z[at:at + n]
                x = sum(m[w] * writers[w] + (1 - m[w]) * other[w] for w in range(n))
            x = x + constant
            at += n
            if inputs is not None:
                x.retain_grad()
                inputs.append((n, x))
            return x

        for layer in range(self.layers):
            xs = [[read() for _ in range(self.heads)] for _ in range(3)]
            writers += self.attention(layer, *xs)
            constant = constant + self.w.get(f"model.layers.{layer}.self_attn.o_proj.bias", 0)
            writers.append(self.mlp(layer, read()))
        x = rms(read(), self.w["model.norm.weight"], self.c.rms_norm_eps)[at_tokens]
        head = self.w["model.embed_tokens.weight" if self.c.tie_word_embeddings else "lm_head.weight"]
        return writers, x @ head.T


def make(name):
    rng = random.Random(name)
    model = Model(HERE / "families" / name)
    clean = [[rng.randrange(53) for _ in range(n)] for n in LENGTHS]
    corrupted = [list(p) for p in clean]
    for i, p in enumerate(corrupted):
        p[i + 1] = (p[i + 1] + 17) % 53
        p[-2] = (p[-2] + 5) % 53
    n_edges = sum((3 * model.heads) * (1 + l * (model.heads + 1)) + 1 + l * (model.heads + 1) +
                  model.heads for l in range(model.layers)) + 1 + model.layers * (model.heads + 1)
    values = [rng.choice([0, 0, 0.25, 0.5, 0.75, 1, 1, 1]) for _ in range(n_edges)]
    z = torch.tensor(values, requires_grad=True)
    logits, kl, eap = [], 0, torch.zeros(n_edges)
    for a, b in zip(clean, corrupted):
        with torch.no_grad():
            other, _ = model.run(b)
        _, masked = model.run(a, other, z)
        inputs = []
        for w in model.w.values():
            w.requires_grad_(True)
        writers, full = model.run(a, inputs=inputs)
        (full[7] - full[3]).backward()
        at = 0
        with torch.no_grad():
            for n, x in inputs:
                for w in range(n):
                    eap[at] += ((other[w] - writers[w]) * x.grad).sum()
                    at += 1
        assert at == n_edges
        for w in model.w.values():
            w.requires_grad_(False)
        p = torch.log_softmax(full.detach(), -1)
        kl = kl + (p.exp() * (p - torch.log_softmax(masked, -1))).sum()
        logits.append(masked.detach())
    kl.backward()

    def numbers(xs):
        return "[" + ", ".join("%.7g" % float(x) for x in xs) + "]"

    (HERE / "masked").mkdir(exist_ok=True)
    (HERE / "masked" / (name + ".json")).write_text(
        '{"clean": %s,\n"corrupted": %s,\n"z": %s,\n"logits": [%s],\n"kl": %.9g,\n'
        '"kl_gradient": %s,\n"eap": %s}\n' % (
            json.dumps(clean), json.dumps(corrupted), json.dumps(values),
            ",\n".join(map(numbers, logits)), float(kl.detach()), numbers(z.grad), numbers(eap)))


if __name__ == "__main__":
    for each in NAMES:
        make(each)
