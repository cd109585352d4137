#!/usr/bin/env python3
"""Answers of several tokens, by separate runs of an implementation that is not hap's.

Run by hand; its output, tests/golden/answers/, is committed:

    python3 tests/golden/make_answers.py

Needs torch 2.7 and transformers 4.57.1. The models are gpt2-a and some of make_families.py. All is
computed in float64 by definition: each answer is a run of its own, of the prompt and all tokens of
the answer but the last, with the same tokens appended to the corrupted prompt; its log-probability
is the sum over its tokens. NAME.prompts.jsonl has the prompts. NAME.json has, for a mask of each
edge (`z`): for every metric its mean over the prompts for the full model and for the masked run, and
minus the gradient of its loss by the masks at z; and the gradient at masks of 1, which is EAP. The
gradients are by autograd, and compared with central differences.
"""
import json
import pathlib
import random

import torch
from make_masked import Reader
from safetensors.torch import load_file
from transformers import AutoConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

HERE = pathlib.Path(__file__).parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
NAMES = ["gpt2-a", "llama-linear", "olmo3", "gpt-oss"]


def normal(x, w, name, eps):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * w[name + ".weight"] + w[name + ".bias"]


def rms(x, gain, eps):
    return gain * x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)


class Llama:
    """The edge graph of Llama and its relatives, straight from the definition."""

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
        constant = 0  # biases of attention's output belong to no writer
        read = Reader(other, z, inputs)
        for layer in range(self.layers):
            xs = [[read(writers, constant) for _ in range(self.heads)] for _ in range(3)]
            writers += self.attention(layer, *xs)
            constant = constant + self.w.get(f"model.layers.{layer}.self_attn.o_proj.bias", 0)
            writers.append(self.mlp(layer, read(writers, constant)))
        x = rms(read(writers, constant), self.w["model.norm.weight"], self.c.rms_norm_eps)[at_tokens]
        head = self.w["model.embed_tokens.weight" if self.c.tie_word_embeddings else "lm_head.weight"]
        return writers, x @ head.T


class GPT2:
    """The edge graph of a GPT-2, in the form of Llama."""

    def __init__(self, folder):
        c = json.loads((folder / "config.json").read_text())
        w = load_file(folder / "model.safetensors")
        self.w = {k.removeprefix("transformer."): v.double() for k, v in w.items()}
        self.layers, self.heads, self.eps = c["n_layer"], c["n_head"], c["layer_norm_epsilon"]
        self.d = c["n_embd"]
        self.dh = self.d // self.heads

    def head(self, layer, h, xq, xk, xv):
        stem, n = f"h.{layer}.", xq.shape[0]
        at = [i * self.d + h * self.dh for i in range(3)]
        q, k, v = (normal(x, self.w, stem + "ln_1", self.eps) @
                   self.w[stem + "attn.c_attn.weight"][:, a:a + self.dh] +
                   self.w[stem + "attn.c_attn.bias"][a:a + self.dh]
                   for x, a in zip((xq, xk, xv), at))
        hidden = torch.ones(n, n).triu(1).bool()
        p = torch.softmax((q @ k.T * self.dh ** -0.5).masked_fill(hidden, float("-inf")), -1)
        return p @ v @ self.w[stem + "attn.c_proj.weight"][h * self.dh:(h + 1) * self.dh]

    def mlp(self, layer, x):
        stem = f"h.{layer}."
        y = (normal(x, self.w, stem + "ln_2", self.eps) @ self.w[stem + "mlp.c_fc.weight"] +
             self.w[stem + "mlp.c_fc.bias"])
        y = torch.nn.functional.gelu(y, approximate="tanh")
        return y @ self.w[stem + "mlp.c_proj.weight"] + self.w[stem + "mlp.c_proj.bias"]

    def run(self, tokens, other=None, z=None, at_tokens=-1):
        writers, at = [self.w["wte.weight"][torch.tensor(tokens)]], 0
        constant = self.w["wpe.weight"][:len(tokens)]

        def read():
            nonlocal at
            n = len(writers)
            m = torch.ones(n) if z is None else z[at:at + n]
            x = sum(m[w] * writers[w] + (0 if z is None else (1 - m[w]) * other[w])
                    for w in range(n)) + constant
            at += n
            return x

        for layer in range(self.layers):
            xs = [[read() for _ in range(self.heads)] for _ in range(3)]
            writers += [self.head(layer, h, *(x[h] for x in xs)) for h in range(self.heads)]
            constant = constant + self.w[f"h.{layer}.attn.c_proj.bias"]
            writers.append(self.mlp(layer, read()))
        x = normal(read(), self.w, "ln_f", self.eps)[at_tokens]
        return writers, x @ self.w["wte.weight"].T


def edges(model):
    writers, names = ["input"], []
    for layer in range(model.layers):
        heads = [f"a{layer}.h{h}" for h in range(model.heads)]
        names += [f"{w}->{h}<{i}>" for i in "qkv" for h in heads for w in writers]
        writers += heads
        names += [f"{w}->m{layer}" for w in writers]
        writers.append(f"m{layer}")
    return names + [f"{w}->logits" for w in writers]


def answer_rows(model, prompt, answer, z=None):
    """Log-probabilities of all tokens, at the positions that predict those of the answer."""
    a, b = (p + answer[:-1] for p in (prompt["clean"], prompt["corrupted"]))
    known = prompt.setdefault("runs", {})
    if z is not None and tuple(b) not in known:
        with torch.no_grad():
            known[tuple(b)] = model.run(b)[0]
    logits = model.run(a, known.get(tuple(b)), z, at_tokens=slice(len(prompt["clean"]) - 1, None))[1]
    return torch.log_softmax(logits, -1)


def metrics(model, prompt, z=None):
    right, wrong = prompt["answers"], prompt["wrongs"]
    rows = [answer_rows(model, prompt, a, z) for a in right + wrong]
    q = torch.stack([r[torch.arange(len(a)), torch.tensor(a)].sum()
                     for r, a in zip(rows, right + wrong)])
    with torch.no_grad():
        if "full" not in prompt:
            prompt["full"] = [answer_rows(model, prompt, a) for a in right + wrong]
        full = prompt["full"]
        p = torch.stack([r[torch.arange(len(a)), torch.tensor(a)].sum()
                         for r, a in zip(full, right + wrong)])
    n, first = len(right), full[0]
    middle = torch.logaddexp(first, rows[0]) - torch.log(torch.tensor(2.))
    pairs = [(i, j) for i in range(len(q)) for j in range(i)]
    agree = sum(float(torch.sign(q[i] - q[j]) * torch.sign(p[i] - p[j])) for i, j in pairs)
    return {
        "kl": (first.exp() * (first - rows[0])).sum(-1).mean(),
        "js": ((first.exp() * (first - middle)).sum(-1) +
               (rows[0].exp() * (rows[0] - middle)).sum(-1)).mean() / 2,
        "logit-diff": q[:n].mean() - q[n:].mean(),
        "prob-diff": q[:n].exp().sum() - q[n:].exp().sum(),
        "answer-log-probability": torch.logsumexp(q[:n], 0),
        "right-over-wrong": (torch.logsumexp(q[:n], 0) > torch.logsumexp(q[n:], 0)).double(),
        "exact-match": (rows[0].argmax(-1) == first.argmax(-1)).double().mean(),
        "accuracy": torch.tensor(max(float((r.argmax(-1) == torch.tensor(a)).all())
                                     for r, a in zip(rows[:n], right))),
        "kendall-tau": torch.tensor(agree / len(pairs)),
    }


def means(model, prompts, z=None):
    each = [metrics(model, p, z) for p in prompts]
    return {name: sum(e[name] for e in each) / len(each) for name in each[0]}


def greedy(model, prompt, n):
    tokens = list(prompt)
    for _ in range(n):
        tokens.append(int(model.run(tokens)[1].argmax()))
    return tokens[len(prompt):]


def make_prompts(model, rng, vocab):
    prompts = []
    for i, n in enumerate([5, 8, 7, 6]):
        clean = [rng.randrange(vocab) for _ in range(n)]
        corrupted = list(clean)
        corrupted[i % 3 + 1] = (corrupted[i % 3 + 1] + 17) % vocab
        corrupted[-2] = (corrupted[-2] + 5) % vocab
        a, b, c, d, e = rng.sample(range(vocab), 5)
        with torch.no_grad():
            best = greedy(model, clean, 3)
        if i == 0:  # branches, beginnings that are shared, lengths of 1 to 4
            answers, wrongs = [best, [a, b, c, d]], [[a, b, d], [e], [a, c], [best[0], (best[1] + 1) % vocab]]
        elif i == 1:  # a chain
            answers, wrongs = [[a, b, c], [d]], [[a, b, e], [a, (b + 1) % vocab]]
        elif i == 2:  # single tokens
            answers, wrongs = [[a], [b]], [[c]]
        else:  # what is right is longer than what is wrong
            answers, wrongs = [[a, a, b, a, c, d, e, b]], [[b], [c, a, b]]
        prompts.append({"id": f"p{i}", "clean": clean, "corrupted": corrupted, "answers": answers,
                        "wrongs": wrongs})
    return prompts


LOSSES = {"kl": 1, "js": 1, "logit-diff": -1, "prob-diff": -1, "answer-log-probability": -1}


def gradients(model, prompts, values):
    """Of the losses by the masks."""
    z = torch.tensor(values, requires_grad=True)
    found = means(model, prompts, z)
    return {name: sign * torch.autograd.grad(found[name], z, retain_graph=True)[0]
            for name, sign in LOSSES.items()}


def check_differences(model, prompts, values, found, rng):
    h = 1e-5
    for i in rng.sample(range(len(values)), 4):
        with torch.no_grad():
            up, down = (means(model, prompts, torch.tensor(
                [v + s * h * (k == i) for k, v in enumerate(values)])) for s in (1, -1))
        for name, sign in LOSSES.items():
            slope = sign * float(up[name] - down[name]) / (2 * h)
            assert abs(slope - float(found[name][i])) <= 1e-6 * (1 + float(found[name].abs().max()))


def make(name):
    rng = random.Random("answers " + name)
    gpt2 = name == "gpt2-a"
    model = (GPT2(HERE / name / "model") if gpt2
             else Llama(HERE / "families" / name))
    prompts = make_prompts(model, rng, 53)
    names = edges(model)
    values = [rng.choice([0, 0.25, 0.5, 0.75, 1, 1, 1]) for _ in names]
    with torch.no_grad():
        full = means(model, prompts)
        masked = means(model, prompts, torch.tensor(values))
    slopes = gradients(model, prompts, values)
    check_differences(model, prompts, values, slopes, rng)
    eap = gradients(model, prompts, [1.0] * len(names))

    def numbers(xs):
        return {edge: float("%.7g" % float(x)) for edge, x in zip(names, xs)}

    fields = ("id", "clean", "corrupted", "answers", "wrongs")
    (HERE / "answers" / (name + ".prompts.jsonl")).write_text(
        "".join(json.dumps({k: p[k] for k in fields}) + "\n" for p in prompts))
    (HERE / "answers" / (name + ".json")).write_text(json.dumps({
        "full": {k: float(v) for k, v in full.items()},
        "masked": {k: float(v) for k, v in masked.items()}, "z": dict(zip(names, values)),
        "mask_gradient": {k: numbers(-v) for k, v in slopes.items()},
        "eap": {k: numbers(-v) for k, v in eap.items() if LOSSES[k] < 0}}) + "\n")


if __name__ == "__main__":
    for each in NAMES:
        make(each)
