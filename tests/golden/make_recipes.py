#!/usr/bin/env python3
"""Pruning recipes of other authors by an implementation of their own, in float64 with autograd.

Run by hand; its output, tests/golden/recipes/*.json, is committed:

    python3 tests/golden/make_recipes.py [--learned] [MODEL ...]

Needs torch (made with 2.7.1) and safetensors. The models and their masked runs are those of
make_methods.py: each prompt alone, every reader with an input tensor of its own. The recipes are
written from the authors' programs and papers, not from hap; only the random numbers are hap's
(src/common/random.h), written again here, so that the results can be compared number by number.

Every file holds, for interchange ablation and all prompts of the model:
  acdc    for some thresholds and losses: the edges left, without dead ones, and KL(full || circuit)
  learned for subnetwork-probing and ugs: the options, and after the steps P(open) of each edge;
          --learned makes only this anew
"""
import json
import math
import pathlib
import sys

import torch

from make_methods import HERE, MODELS, Model, Run, loss_of

# --- hap's random numbers ---

WORD, LONG = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
START, MASKS, NODES, ORDER = 1, 2, 3, 4  # streams


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & WORD, (a >> 32) ^ c[3] ^ k[1], a & WORD]
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return c


def mix(x):
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & LONG
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & LONG
    return x ^ (x >> 31)


def key_of(seed, stream, sequence):
    k = mix((mix((mix(seed) + stream) & LONG) + sequence) & LONG)
    return k & WORD, k >> 32


def uniforms(seed, stream, i, n):
    key, out = key_of(seed, stream, 0xF111F111F111F111), []
    for block in range((n + 3) // 4):
        out += philox((block, 0, i & WORD, i >> 32), key)
    return [max((w >> 8) * 2.0 ** -24, 2.0 ** -24) for w in out[:n]]


def shuffled(seed, stream, i, n):
    key, order = key_of(seed, stream, 0), list(range(n))
    for k in range(n, 1, -1):
        w = philox((k & WORD, k >> 32, i & WORD, i >> 32), key)
        other = (w[0] | w[1] << 32) * k >> 64
        order[k - 1], order[other] = order[other], order[k - 1]
    return order


def batch_of(seed, step, batch, n):
    """Every epoch uses each prompt once; its last batch may be smaller."""
    per_epoch = (n + batch - 1) // batch
    order = shuffled(seed, ORDER, step // per_epoch, n)
    return order[step % per_epoch * batch:][:batch]


# --- the graph ---


class Task:
    def __init__(self, name):
        model_folder, folder, _ = MODELS[name]
        self.m, self.examples = Model(model_folder), []
        for line in (folder / "prompts.jsonl").read_text().splitlines():
            ex = json.loads(line)
            for key in ("answer", "wrong"):
                ex[key] = ex[key] if isinstance(ex.get(key), int) else ex[key + "s"][0]
            with torch.no_grad():
                clean, ex["other"] = Run(self.m, ex["clean"]), Run(self.m, ex["corrupted"])
                ex["log_p"] = torch.log_softmax(clean.logits, -1)
            self.examples.append(ex)
        m = self.m
        readers = []
        for l in range(m.L):
            readers += [f"a{l}.h{h}<{x}>" for x in "qkv" for h in range(m.H)] + [f"m{l}"]
        self.edges = [f"{w}->{r}" for r in readers + ["logits"] for w in clean.edges[r]]

    def run(self, ex, masks):
        return Run(self.m, ex["clean"], masks=masks, other=ex["other"])

    def kl(self, ex, masks):
        log_q = torch.log_softmax(self.run(ex, masks).logits, -1)
        return (ex["log_p"].exp() * (ex["log_p"] - log_q)).sum()

    def mean(self, loss, masks):
        with torch.no_grad():
            return sum(loss(ex, masks).item() for ex in self.examples) / len(self.examples)

    @staticmethod
    def ends(edge):
        w, r = edge.split("->")
        return w, r.split("<")[0]

    def alive(self, edges):
        """Without the edges that are on no path from the input to the logits."""
        edges = set(edges)
        while True:
            into = {self.ends(e)[1] for e in edges} | {"input"}
            from_ = {self.ends(e)[0] for e in edges} | {"logits"}
            left = {e for e in edges if self.ends(e)[0] in into and self.ends(e)[1] in from_}
            if left == edges:
                return left
            edges = left


# --- ACDC (Conmy et al. 2023): TLACDCExperiment.step ---


def acdc(task, loss, threshold, absolute=False):
    """Edges in reverse; nodes that nothing reads are skipped. Returns the circuit, the loss's
    effect of each edge tested, and the smallest distance of an effect from the threshold."""
    z = {e: 1.0 for e in task.edges}
    now, effects, margin, reader, used = task.mean(loss, z), {}, math.inf, None, True
    for e in reversed(task.edges):
        if e.split("->")[1] != reader:
            reader = e.split("->")[1]
            node = reader.split("<")[0]
            used = reader == "logits" or any(z[f] for f in z if f.startswith(node + "->"))
        z[e] = 0.0
        if not used:
            continue
        without = task.mean(loss, z)
        effects[e] = without - now
        effect = abs(effects[e]) if absolute else effects[e]
        margin = min(margin, abs(effect - threshold))
        if effect < threshold:
            now = without
        else:
            z[e] = 1.0
    return task.alive(e for e in z if z[e]), effects, margin


def logit_diff(task):
    return lambda ex, masks: loss_of(task.run(ex, masks), ex)


def acdc_cases(task, of_logit_diff):
    out = []
    for metric, loss, absolute, threshold in (
            ("kl", task.kl, False, .02), ("logit-diff", logit_diff(task), True, of_logit_diff)):
        edges, effects, margin = acdc(task, loss, threshold, absolute)
        print(f"  acdc {metric}: {len(edges)} edges, margin {margin:.1e}")
        assert margin > 1e-6, "rounding may decide; use another threshold"
        out.append({"metric": metric, "threshold": threshold,
                    "absolute": "yes" if absolute else "no", "edges": sorted(edges),
                    "kl": task.mean(task.kl, {e: float(e in edges) for e in task.edges}),
                    "effect": {e: effects[e] for e in sorted(edges)}})
    return out


# --- learned masks ---


def learn(task, o, start, masks_of, penalty, groups):
    """Adam on theta ([n]); masks_of(theta, step, runs) gives each run's masks ([runs][n])."""
    theta = torch.full((len(task.edges),), start, requires_grad=True)
    adam = torch.optim.Adam([theta], lr=o["rate"], betas=(o["beta1"], o["beta2"]))
    for step in range(o["steps"]):
        prompts = batch_of(0, step, min(o["batch"], len(task.examples)), len(task.examples))
        prompts = [i for i in prompts for _ in range(o.get("samples", 1))]
        masks = masks_of(theta, step, len(prompts))
        loss = penalty(theta)
        for i, z in zip(prompts, masks):
            loss = loss + task.kl(task.examples[i], dict(zip(task.edges, z))) / len(prompts)
        adam.zero_grad()
        loss.backward()
        for group in groups:
            norm = theta.grad[group].norm()
            theta.grad[group] *= min(1.0, o["clip"] / (norm.item() + 1e-6))
        adam.step()
    return theta.detach()


def probing(task):
    """Cao et al. 2021 with the constants of Conmy et al.'s train.py and MaskedHookPoint."""
    o = {"steps": 12, "batch": 50, "penalty": 5.0, "rate": .05, "beta1": .9, "beta2": .999}
    beta, gamma, zeta = 2 / 3, -.1, 1.1

    def masks_of(theta, step, runs):
        u = torch.tensor(uniforms(0, MASKS, step, len(theta))).clamp(1e-4, 1 - 1e-4)
        s = torch.sigmoid((u.log() - (1 - u).log() + theta) / beta)
        return [(s * (zeta - gamma) + gamma).clamp(0, 1)] * runs

    def open_of(theta):
        return torch.sigmoid(theta - beta * math.log(-gamma / zeta))

    p = (.9 - gamma) / (zeta - gamma)
    theta = learn(task, o, math.log(p / (1 - p)), masks_of,
                  lambda theta: o["penalty"] * open_of(theta).mean(), [])
    return {"options": o, "open": dict(zip(task.edges, open_of(theta).tolist()))}


def ugs(task):
    """Li and Janson 2024: EdgeMaskUnifSampler and EdgePruner, with a fixed window."""
    o = {"steps": 12, "batch": 3, "samples": 3, "penalty": .04, "node-penalty": .01,
         "rate": .05, "beta1": .9, "beta2": .995, "clip": .02, "start": -1.0}
    m, n = task.m, len(task.edges)
    heads = [f"a{l}.h{h}" for l in range(m.L) for h in range(m.H)]
    ends = [task.ends(e) for e in task.edges]
    max_runs = min(o["batch"], len(task.examples)) * o["samples"]

    def masks_of(theta, step, runs):
        u = torch.tensor([uniforms(0, MASKS, step * max_runs + i, n) for i in range(runs)])
        p = torch.sigmoid(theta)
        w = (p * (1 - p)).detach()
        p = w * p + (1 - w) * p.detach()  # the slope of z by p becomes 1
        z = 1 - ((u - p) / w + .5).clamp(0, 1)
        between = ((z > 1e-3) & (z < 1 - 1e-3)).sum(0)
        weight = torch.where(between > 0, runs / between, 0.0)
        z = weight * z + (1 - weight) * z.detach()
        out = []
        for row in z:
            alive = task.alive(e for e, v in zip(task.edges, row) if v > 0)
            out.append(row * torch.tensor([float(e in alive) for e in task.edges]))
        return out

    def penalty(theta):
        p = torch.sigmoid(theta)
        total = o["penalty"] * p.sum()
        for head in heads:
            s = sum(p[i] * ((a == head) + (b == head)) for i, (a, b) in enumerate(ends)
                    if head in (a, b))
            total = total + o["node-penalty"] * torch.tanh(2 * s / len(heads)) * len(heads) / 2
        return total

    groups = [torch.tensor([i for i, (a, b) in enumerate(ends)
                            if (a in heads, b in heads) == kind])
              for kind in ((x, y) for x in (False, True) for y in (False, True))]
    theta = learn(task, o, o["start"], masks_of, penalty, groups)
    return {"options": o, "open": dict(zip(task.edges, torch.sigmoid(theta).tolist()))}


THRESHOLDS = {"gpt2-a": .02, "qwen2": .3}  # of ACDC by the logit difference

if __name__ == "__main__":
    quick = "--learned" in sys.argv
    for name in [x for x in sys.argv[1:] if x != "--learned"] or THRESHOLDS:
        print(name)
        task = Task(name)
        path = HERE / "recipes" / f"{name}.json"
        text = json.loads(path.read_text()) if quick else {"acdc": acdc_cases(task, THRESHOLDS[name])}
        text["learned"] = {"subnetwork-probing": probing(task), "ugs": ugs(task)}
        text = json.loads(json.dumps(text), parse_float=lambda x: float(f"{float(x):.9g}"))
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(text, separators=(",", ":")) + "\n")
