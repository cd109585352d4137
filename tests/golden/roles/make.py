#!/usr/bin/env python3
"""Golden values of the roles of heads in the demo model, computed in float64 with numpy alone.

Run by hand, output committed; reads the prompts as hap-task gives them:

    for t in ioi induction docstring; do
        hap-task $t --split test -n 20 -m models/demo | hap-convert --to json
    done | python3 tests/golden/roles/make.py models/demo > tests/golden/roles/demo.json

Made with numpy 2.4.6. The model is written out here from its definition (GPT-2), with an input of
its own for every reader, so that a single edge can be cut. Derivatives are central differences.
"""
import json
import math
import pathlib
import struct
import sys

import numpy as np

LOADED_EXAMPLES = 4
LOADED = ["a0.h2->m0", "m0->a1.h0<k>", "m0->a1.h3<v>", "input->a0.h2<v>", "a1.h3->m1"]


def load(path):
    raw = path.read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name != "__metadata__":
            assert t["dtype"] == "F32"
            begin, end = t["data_offsets"]
            out[name.removeprefix("transformer.")] = np.frombuffer(
                raw[8 + n + begin:8 + n + end], np.float32).reshape(t["shape"]).astype(np.float64)
    return out


class Model:
    def __init__(self, folder):
        config = json.loads((folder / "config.json").read_text())
        self.w = load(folder / "model.safetensors")
        self.layers, self.heads = config["n_layer"], config["n_head"]
        self.d, self.eps = config["n_embd"], config["layer_norm_epsilon"]
        self.dh = self.d // self.heads
        self.writers = ["input"]
        for l in range(self.layers):
            self.writers += [f"a{l}.h{h}" for h in range(self.heads)] + [f"m{l}"]

    def norm(self, x, name):
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred ** 2).mean(-1, keepdims=True) + self.eps)
        return centred / scale * self.w[name + ".weight"] + self.w[name + ".bias"]

    def head(self, l, h, xq, xk, xv):
        """The output of a head, and its attention."""
        dh, d = self.dh, self.d
        w, b = self.w[f"h.{l}.attn.c_attn.weight"], self.w[f"h.{l}.attn.c_attn.bias"]
        q, k, v = (self.norm(x, f"h.{l}.ln_1") @ w[:, at:at + dh] + b[at:at + dh]
                   for x, at in ((xq, h * dh), (xk, d + h * dh), (xv, 2 * d + h * dh)))
        scores = q @ k.T / math.sqrt(dh)
        scores[np.triu_indices(len(scores), 1)] = -np.inf
        p = np.exp(scores - scores.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        return p @ v @ self.w[f"h.{l}.attn.c_proj.weight"][h * dh:(h + 1) * dh], p

    def mlp(self, l, x):
        x = self.norm(x, f"h.{l}.ln_2") @ self.w[f"h.{l}.mlp.c_fc.weight"] + self.w[f"h.{l}.mlp.c_fc.bias"]
        x = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
        return x @ self.w[f"h.{l}.mlp.c_proj.weight"] + self.w[f"h.{l}.mlp.c_proj.bias"]

    def node(self, name, x):
        """The output of a node whose readers have the inputs x[reader]."""
        if name[0] == "m":
            return self.mlp(int(name[1:]), x[name])
        l, h = map(int, name[1:].split(".h"))
        return self.head(l, h, x[name + "<q>"], x[name + "<k>"], x[name + "<v>"])[0]

    def run(self, tokens, cut=(), other=None, add=None):
        """cut: edges that carry the outputs `other`; add: what is added to readers' inputs."""
        run = {"out": {}, "x": {}, "p": {}}
        out = run["out"]
        base = self.w["wpe.weight"][:len(tokens)].copy()
        add = add or {}
        by_reader = {}
        for edge in cut:
            u, r = edge.split("->")
            by_reader.setdefault(r, []).append(u)

        def read(reader):
            x = base + sum(out.values())
            for u in by_reader.get(reader, ()):
                x = x + other[u] - out[u]
            if reader in add:
                x = x + add[reader]
            run["x"][reader] = x
            return x

        out["input"] = self.w["wte.weight"][tokens]
        for l in range(self.layers):
            here = {}
            for h in range(self.heads):
                name = f"a{l}.h{h}"
                here[name], run["p"][name] = self.head(l, h, read(name + "<q>"), read(name + "<k>"),
                                                       read(name + "<v>"))
            out.update(here)
            base = base + self.w[f"h.{l}.attn.c_proj.bias"]
            out[f"m{l}"] = self.mlp(l, read(f"m{l}"))
        x = read("logits")
        run["final"] = x
        run["logits"] = self.norm(x, "ln_f") @ self.w["wte.weight"].T
        return run


def difference(e, logits):
    row = logits[-1]
    return row[e["answers"]].mean() - row[e["wrongs"]].mean()


def direction(model, e, x):
    u = model.w["wte.weight"]
    g = (u[e["answers"]].mean(0) - u[e["wrongs"]].mean(0)) * model.w["ln_f.weight"]
    x = x[-1] - x[-1].mean()
    return (g - g.mean()) / math.sqrt((x ** 2).mean() + model.eps)


def attention(e, p):
    """Each kind: the mean over its queries of the attention to its keys; None without queries."""
    t, n = e["clean"], len(e["clean"])
    named = set(e["positions"].values())
    repeated = [q for q in named if t[q] in t[:q]]
    induction = [(q, [k + 1 for k in range(q) if t[k] == t[q] and k + 1 < q]) for q in repeated]
    repeats = [k for k in range(n) if t[k] in e["wrongs"] and t[k] in t[:k]]
    kinds = {
        "previous-token": [(q, [q - 1]) for q in range(1, n)],
        "duplicate-token": [(q, [k for k in range(q) if t[k] == t[q]]) for q in repeated],
        "induction": [(q, k) for q, k in induction if k],
        "name-mover": [(n - 1, [k for k in range(n) if t[k] in e["answers"]])],
        "s-inhibition": [(n - 1, repeats[-1:])],
    }
    return {kind: np.mean([sum(p[q, k] for k in keys) for q, keys in queries if keys])
            if any(keys for _, keys in queries) else None for kind, queries in kinds.items()}


def readers_of(model, node):
    """The readers of a node's output."""
    at = model.writers.index(node)
    out = []
    for l in range(model.layers):
        if f"a{l}.h0" in model.writers and model.writers.index(f"a{l}.h0") > at and \
                not node.startswith(f"a{l}."):
            out += [f"a{l}.h{h}<{c}>" for c in "qkv" for h in range(model.heads)]
        if model.writers.index(f"m{l}") > at:
            out.append(f"m{l}")
    return out + ["logits"]


def loadings(model, e, clean, other, edge, step=1e-4):
    """The change of -difference through each reader of the node that the edge enters."""
    u, r = edge.split("->")
    node = r.split("<")[0]
    delta = other[u] - clean["out"][u]

    def moved(t):
        return model.node(node, {**clean["x"], r: clean["x"][r] + t * delta})

    change = (moved(step) - moved(-step)) / (2 * step)
    out = {}
    for via in readers_of(model, node):
        up, down = (difference(e, model.run(e["clean"], add={via: t * change})["logits"])
                    for t in (step, -step))
        out[via] = -(up - down) / (2 * step)
    return out


def mean(values):
    values = [v for v in values if v is not None]
    return sum(values) / len(values) if values else None


def task(model, examples, loaded):
    heads = [w for w in model.writers if w[0] == "a"]
    clean = [model.run(e["clean"]) for e in examples]
    other = [model.run(e["corrupted"])["out"] for e in examples]
    u = [direction(model, e, run["final"]) for e, run in zip(examples, clean)]
    scores = {h: [attention(e, run["p"][h]) for e, run in zip(examples, clean)] for h in heads}
    out = {"attention": {kind: {h: mean([s[kind] for s in scores[h]]) for h in heads}
                         for kind in scores[heads[0]][0]},
           "logit-diff": mean([difference(e, run["logits"]) for e, run in zip(examples, clean)]),
           "direct": {w: mean([run["out"][w][-1] @ v for run, v in zip(clean, u)])
                      for w in model.writers}}
    movers = [h for h in heads if out["attention"]["name-mover"][h] >= 0.3 and
              out["direct"][h] >= 0.05 * out["logit-diff"]]
    cut = [f"{m}->{r}" for m in movers for r in readers_of(model, m)]
    without = [model.run(e["clean"], cut, o)["out"] for e, o in zip(examples, other)]
    out["movers"] = movers
    out["growth"] = {h: mean([run[h][-1] @ v for run, v in zip(without, u)]) - out["direct"][h]
                     for h in heads if h not in movers}
    each = [{edge: loadings(model, e, c, o, edge) for edge in loaded}
            for e, c, o in list(zip(examples, clean, other))[:LOADED_EXAMPLES]]
    out["loadings"] = {edge: {via: mean([x[edge][via] for x in each]) for via in each[0][edge]}
                       for edge in loaded}
    return out


def main():
    model = Model(pathlib.Path(sys.argv[1]))
    out, name = {}, None
    for line in sys.stdin:
        record = json.loads(line)
        if "task" in record:
            name = record["task"]["name"]
            out[name] = []
        elif "clean" in record:
            out[name].append(record)
    result = {name: task(model, examples, LOADED if name == "docstring" else [])
              for name, examples in out.items()}
    json.dump(result, sys.stdout, indent=1)
    print()


main()
