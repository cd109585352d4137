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
from safetensors.torch import load_file

import make_masked

HERE = pathlib.Path(__file__).parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
NAMES = ["gpt2-a", "llama-linear", "olmo3", "gpt-oss"]


def normal(x, w, name, eps):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * w[name + ".weight"] + w[name + ".bias"]


class GPT2:
    """The edge graph of a GPT-2, in the form of make_masked.Model."""

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
             else make_masked.Model(HERE / "families" / name))
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
