#!/usr/bin/env python3
"""Compiles the programs of zoo_programs.py and derives their circuits: zoo/NAME.json.

    python3 tests/golden/make_zoo.py [--run-tracr] [NAME ...]

--run-tracr also runs Tracr's own models, on one input each, which takes most of the time.
Needs tracr-pypi 1.0.0 (jax 0.10.2, dm-haiku 0.0.17) and numpy. README.md in zoo/ says what the
files contain and how the circuits are derived. The models are run here in float64, by an
implementation that shares nothing with hap.
"""

import itertools
import json
import math
import os
import random
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "zoo")
PAIRS, FURTHER = 48, 200
SAME, CHANGED = 1e-3, .02   # largest change of a log-probability, or of a number
SUBSETS = 1 << 10           # brute force over the subsets of at most 10 edges


# --- the compiled model as matrices ---

def split_heads(weights, n_heads):
    """[d, n_heads · d_head] → [n_heads, d, d_head]"""
    return np.stack(np.split(weights, n_heads, axis=1))


class Model:
    """A compiled program. Weights are stored [in, out]; all biases of Tracr are kept."""

    def __init__(self, tensors, n_layers, n_heads):
        self.tensors, self.n_layers, self.n_heads = tensors, n_layers, n_heads
        self.d_head = tensors["layers.0.attn.q.weight"].shape[1] // n_heads
        self.writers, self.readers = ["tok", "pos"], []
        self.before = {}
        for layer in range(n_layers):
            heads = [f"a{layer}.h{h}" for h in range(n_heads)]
            for head in heads:
                self.add_readers([f"{head}<{r}>" for r in "qkv"])
            self.writers += heads
            self.add_readers([f"m{layer}"])
            self.writers.append(f"m{layer}")
        self.add_readers(["logits"])
        self.edges = [f"{w}->{r}" for r in self.readers for w in self.before[r]]

    def add_readers(self, names):
        for name in names:
            self.readers.append(name)
            self.before[name] = list(self.writers)

    def tensor(self, layer, stem):
        return self.tensors[f"layers.{layer}.{stem}"].astype(np.float64)

    def head(self, layer, h, part):
        size = slice(h * self.d_head, (h + 1) * self.d_head)
        if part == "o":
            return self.tensor(layer, "attn.o.weight")[size]
        return self.tensor(layer, f"attn.{part}.weight")[:, size]

    def head_bias(self, layer, h, part):
        return self.tensor(layer, f"attn.{part}.bias")[h * self.d_head:(h + 1) * self.d_head]

    def run(self, ids, keep=None, other=None):
        """ids: [n, T]. keep: a set of edges, or None for all; other: what the writers of cut
        edges deliver, name → [n, T, d], or None for zero. Returns the logits and the outputs."""
        out = {}
        x = self.tensors["token_embed"].astype(np.float64)
        out["tok"] = x[ids]
        out["pos"] = np.broadcast_to(self.tensors["pos_embed"].astype(np.float64)[:ids.shape[1]],
                                     out["tok"].shape)

        def read(reader):
            total = np.zeros_like(out["tok"])
            for w in self.before[reader]:
                if keep is None or f"{w}->{reader}" in keep:
                    total += out[w]
                elif other is not None:
                    total += other[w]
            return total

        for layer in range(self.n_layers):
            heads = {}
            for h in range(self.n_heads):
                name = f"a{layer}.h{h}"
                q, k, v = (read(f"{name}<{r}>") @ self.head(layer, h, r)
                           + self.head_bias(layer, h, r) for r in "qkv")
                s = q @ k.transpose(0, 2, 1) / math.sqrt(self.d_head)
                p = np.exp(s - s.max(-1, keepdims=True))
                p /= p.sum(-1, keepdims=True)
                heads[name] = p @ v @ self.head(layer, h, "o")
            out.update(heads)
            inner = read(f"m{layer}") @ self.tensor(layer, "mlp.in.weight") + self.tensor(
                layer, "mlp.in.bias")
            out[f"m{layer}"] = np.maximum(inner, 0) @ self.tensor(
                layer, "mlp.out.weight") + self.tensor(layer, "mlp.out.bias")
        return read("logits") @ self.tensors["unembed"].astype(np.float64), out

    # what the compiled bases say

    def written(self, writer):
        """The residual dimensions into which the writer can write."""
        if writer in ("tok", "pos"):
            matrix = self.tensors["token_embed" if writer == "tok" else "pos_embed"]
        elif writer[0] == "a":
            layer, h = map(int, writer[1:].split(".h"))
            matrix = self.head(layer, h, "o")[np.abs(self.head(layer, h, "v")).sum(0) > 0]
        else:
            layer = int(writer[1:])
            inner = np.abs(self.tensor(layer, "mlp.in.weight")).sum(0) > 0
            matrix = self.tensor(layer, "mlp.out.weight")[inner]
        return np.abs(matrix).sum(0) > 0

    def reading(self, reader):
        """The weights of the reader, [d, k], less columns that nothing uses."""
        if reader == "logits":
            return self.tensors["unembed"].astype(np.float64)
        if reader[0] == "m":
            layer = int(reader[1:])
            used = np.abs(self.tensor(layer, "mlp.out.weight")).sum(1) > 0
            return self.tensor(layer, "mlp.in.weight")[:, used]
        head, part = reader[:-1].split("<")
        layer, h = map(int, head[1:].split(".h"))
        partner = {"q": self.head(layer, h, "k"), "k": self.head(layer, h, "q"),
                   "v": self.head(layer, h, "o").T}[part]
        if not np.abs(self.head(layer, h, "v") @ self.head(layer, h, "o")).sum():
            return np.zeros_like(self.head(layer, h, part))
        return self.head(layer, h, part)[:, np.abs(partner).sum(0) > 0]

    def live_edges(self):
        edges = set()
        for edge in self.edges:
            w, r = edge.split("->")
            if (np.abs(self.reading(r)).sum(1) > 0)[self.written(w)].any():
                edges.add(edge)
        return without_dead(edges)

    def carrying(self, live, groups):
        """The live edges that carry different values in some clean and corrupted prompt."""
        edges = set()
        for clean, corrupted, _ in groups:
            a, b = self.run(clean)[1], self.run(corrupted)[1]
            for edge in live:
                w, r = edge.split("->")
                if np.abs((a[w] - b[w]) @ self.reading(r)).max() > 1e-6:
                    edges.add(edge)
        return without_dead(edges)


def node_of(reader):
    return reader.split("<")[0]


def without_dead(edges):
    """Keeps the edges of nodes that have a kept edge in and a kept edge out."""
    edges = set(edges)
    while True:
        fed = {node_of(e.split("->")[1]) for e in edges} | {"tok", "pos"}
        used = {e.split("->")[0] for e in edges} | {"logits"}
        kept = {e for e in edges if e.split("->")[0] in fed and node_of(e.split("->")[1]) in used}
        if kept == edges:
            return edges
        edges = kept


# --- the effect of keeping some edges ---

def log_softmax(y):
    if y.shape[-1] == 1:
        return y
    y = y - y.max(-1, keepdims=True)
    return y - np.log(np.exp(y).sum(-1, keepdims=True))


def change(model, groups, keep, ablation):
    """The largest change of an output at a measured position when only `keep` is kept."""
    largest = 0
    for clean, corrupted, at in groups:
        rows = np.arange(len(clean))
        full = model.run(clean)[0]
        other = model.run(corrupted)[1] if ablation == "interchange" else None
        cut = model.run(clean, keep, other)[0]
        largest = max(largest, np.abs(log_softmax(full) - log_softmax(cut))[rows, at].max())
    return largest


def derive(model, groups, ablation):
    """The circuit within the candidates: those without which the output changes. Returns it,
    and the least change without one of its edges."""
    live = model.live_edges()
    candidates = live if ablation == "zero" else model.carrying(live, groups)
    start = change(model, groups, candidates, ablation)
    if start > SAME:
        raise ValueError(f"{ablation}: the candidates change the output by {start}")
    circuit, before = set(candidates), None
    while circuit != before:
        before = set(circuit)
        for edge in sorted(before, key=model.edges.index):
            if change(model, groups, without_dead(circuit - {edge}), ablation) < SAME:
                circuit = without_dead(circuit - {edge})
    effects = {e: change(model, groups, circuit - {e}, ablation) for e in circuit}
    if min(effects.values()) < CHANGED:
        raise ValueError(f"{ablation}: a small effect: {effects}")
    others = set(live) - circuit
    needed = [e for e in circuit if change(model, groups, set(model.edges) - {e}, ablation) > SAME]
    if len(needed) < len(circuit):
        raise ValueError(f"{ablation}: the full model does not need {circuit - set(needed)}")
    return {
        "edges": sorted(circuit, key=model.edges.index),
        "live_edges_not_needed": sorted(others, key=model.edges.index),
        "least_change_without_an_edge": float(f"{min(effects.values()):.3g}"),
        "only_minimal_set": only_minimal(model, groups, circuit, candidates, ablation),
    }


def only_minimal(model, groups, circuit, candidates, ablation):
    """Whether no other subset of the candidates suffices unless it contains the circuit: by
    brute force, or None if there are too many."""
    if 1 << len(candidates) > SUBSETS:
        return None
    edges = sorted(candidates)
    for n in range(len(edges) + 1):
        for subset in itertools.combinations(edges, n):
            if not circuit <= set(subset) and change(model, groups, set(subset), ablation) < SAME:
                return False
    return True


# --- the prompts ---

def inputs_of(vocabulary, length, distinct):
    lengths = (length,) if length < 4 else (length - 1, length)
    for n in lengths:
        for tokens in itertools.product(vocabulary, repeat=n):
            if not distinct or len(set(tokens)) == n:
                yield tokens


def pairs_of(name, program, inputs, encode, outputs, numeric, count):
    """Pairs of inputs of one length, with a position at which their outputs differ; of numbers
    the clean one is the greater. Each is (clean ids, corrupted ids, position, answers, wrongs)."""
    draw = random.Random(name)
    by_length = {}
    for tokens in inputs:
        by_length.setdefault(len(tokens), []).append(tokens)
    seen, pairs = set(), []
    for _ in range(200 * count):
        group = by_length[draw.choice(sorted(by_length))]
        a, b = draw.choice(group), draw.choice(group)
        at = 1 + draw.randrange(len(a))
        x, y = outputs(a)[at], outputs(b)[at]
        ra, rb = program(a)[at - 1], program(b)[at - 1]
        if ra is None or rb is None or (a, b, at) in seen:
            continue
        if (x <= y + .05) if numeric else (x == y):
            continue
        seen.add((a, b, at))
        pairs.append((encode(a), encode(b), at, [0] if numeric else [int(x)],
                      [] if numeric else [int(y)]))
        if len(pairs) == count:
            break
    return pairs


def grouped(pairs):
    """[(clean [n, T], corrupted [n, T], positions [n])], one for each length"""
    groups = []
    for n in sorted({len(p[0]) for p in pairs}):
        of = [p for p in pairs if len(p[0]) == n]
        groups.append((np.array([p[0] for p in of]), np.array([p[1] for p in of]),
                       np.array([p[2] for p in of])))
    return groups


# --- compiling ---

def without_running():
    """Tracr runs the model once to learn the shapes of its weights, which compiles every
    operation. The shapes alone are enough."""
    import jax
    from tracr.compiler import assemble

    embeddings, transform, embed = {}, assemble.hk.transform, assemble.hk.Embed

    def spy(embedding_matrix, name):
        embeddings[name] = np.asarray(embedding_matrix, np.float32)
        return embed(embedding_matrix=embedding_matrix, name=name)

    def shapes_only(function):
        made = transform(function)

        def init(*arguments):
            shapes = jax.eval_shape(made.init, *arguments)
            params = jax.tree_util.tree_map(lambda s: np.zeros(s.shape, np.float32), shapes)
            for name, matrix in embeddings.items():
                params[name]["embeddings"] = matrix
            return params

        init.__dict__.update(made.init.__dict__)
        return type(made)(init, made.apply)

    assemble.hk.transform, assemble.hk.Embed = shapes_only, spy


def tensors_of(compiled, labels, output_labels):
    params = {k: {n: np.asarray(v, np.float32) for n, v in of.items()}
              for k, of in compiled.params.items()}
    tensors = {"token_embed": params["token_embed"]["embeddings"],
               "pos_embed": params["pos_embed"]["embeddings"]}
    tensors["unembed"] = np.zeros((len(labels), len(output_labels)), np.float32)
    for i, label in enumerate(output_labels):
        tensors["unembed"][labels.index(label), i] = 1
    for layer in range(compiled.model_config.num_layers):
        for ours, theirs in (("attn.q", "attn/query"), ("attn.k", "attn/key"),
                             ("attn.v", "attn/value"), ("attn.o", "attn/linear"),
                             ("mlp.in", "mlp/linear_1"), ("mlp.out", "mlp/linear_2")):
            of = params[f"transformer/layer_{layer}/{theirs}"]
            tensors[f"layers.{layer}.{ours}.weight"] = of["w"]
            tensors[f"layers.{layer}.{ours}.bias"] = of["b"]
    return tensors


def sparse(tensor):
    flat = tensor.reshape(-1)
    at = np.flatnonzero(flat)
    return {"shape": list(tensor.shape), "at": at.tolist(),
            "values": [float(str(flat[i])) for i in at]}


def compile_program(name, text, vocabulary, length, make):
    from tracr.compiler import compiling
    from tracr.rasp import rasp

    program = make()
    compiled = compiling.compile_rasp_to_model(program, set(vocabulary), length,
                                               compiler_bos="BOS")
    labels = list(compiled.residual_labels)
    numeric = not rasp.is_categorical(program)
    label = program.label
    output_labels = ([label] if numeric else
                     [f"{label}:{v}" for v in compiled.output_encoder.encoding_map])
    tensors = tensors_of(compiled, labels, output_labels)
    encoding = compiled.input_encoder.encoding_map
    model = Model(tensors, compiled.model_config.num_layers, compiled.model_config.num_heads)
    config = {
        "name": f"tracr-{name}", "program": text, "n_layers": model.n_layers,
        "n_heads": model.n_heads, "d_head": model.d_head, "d_model": len(labels),
        "d_ff": tensors["layers.0.mlp.in.weight"].shape[1], "n_pos": length + 1,
        "n_vocab": tensors["token_embed"].shape[0], "n_out": len(output_labels),
        "activation": "relu", "layer_norm": False, "causal": False,
        "attention_scale": "1/sqrt(d_head)", "attention_mask": None,
        "vocabulary": [str(t) for t in encoding], "bos_id": encoding["BOS"],
        "output": {"kind": "numerical"} if numeric else
                  {"kind": "categorical",
                   "values": [str(v) for v in compiled.output_encoder.encoding_map]},
        "residual_labels": labels,
    }
    return program, model, config, encoding, numeric, compiled


def check_against(program, model, compiled, inputs, encode, numeric, run_tracr):
    """The matrices compute what RASP's evaluator and, if asked, Tracr's own model compute."""
    values = None if numeric else list(compiled.output_encoder.encoding_map)
    for i, tokens in enumerate(inputs):
        y = model.run(np.array([encode(tokens)]))[0][0]
        wanted = program(list(tokens))
        for t, value in enumerate(wanted, 1):
            if value is None:
                continue
            got = y[t, 0] if numeric else values[int(y[t].argmax())]
            if (abs(got - value) > .02) if numeric else (got != value):
                raise ValueError(f"{tokens}: {got} at {t}, not {value}")
        if run_tracr and i == len(inputs) // 2:
            theirs = np.asarray(compiled.apply(["BOS", *tokens]).unembedded)[0]
            if np.abs(theirs - (y[:, 0] if numeric else y.argmax(-1)))[1:].max() > 1e-3:
                raise ValueError(f"{tokens}: Tracr's own model says {theirs}")


def make(row, kept_for_checking, run_tracr):
    name, text, vocabulary, length, program = row
    program, model, config, encoding, numeric, compiled = compile_program(*row)
    distinct = "all different" in text
    inputs = list(inputs_of(vocabulary, length, distinct))

    def encode(tokens):
        return [encoding["BOS"]] + [encoding[t] for t in tokens]

    check_against(program, model, compiled, inputs, encode, numeric, run_tracr)
    cache = {}

    def outputs(tokens):
        if tokens not in cache:
            y = model.run(np.array([encode(tokens)]))[0][0]
            cache[tokens] = y[:, 0] if numeric else y.argmax(-1)
        return cache[tokens]

    results = {t: program(list(t)) for t in inputs}
    pairs = pairs_of(name, results.__getitem__, inputs, encode, outputs, numeric, PAIRS + FURTHER)
    shipped, further = pairs[:PAIRS], pairs[PAIRS:]
    groups = grouped(shipped)
    circuits = {}
    for ablation in ("zero", "interchange"):
        circuits[ablation] = found = derive(model, groups, ablation)
        if further:
            found["change_on_further_pairs"] = float(
                f"{change(model, grouped(further), set(found['edges']), ablation):.1e}")
            found["further_pairs"] = len(further)
            if found["change_on_further_pairs"] > SAME:
                raise ValueError(f"{ablation}: not sufficient on further pairs: {found}")
    write(name, {"name": name, "program": text, "kept_for_checking": kept_for_checking,
                 "config": config, "edges": len(model.edges), "circuits": circuits,
                 "prompts": [dict(clean=a, corrupted=b, at=[at], answers=right,
                                  **({"wrongs": wrong} if wrong else {}))
                             for a, b, at, right, wrong in shipped],
                 "tensors": {k: sparse(v) for k, v in model.tensors.items()}})
    return model, circuits, len(shipped)


def write(name, record):
    """JSON with a line for each prompt, tensor and circuit."""
    lines = []
    for key, value in record.items():
        if key in ("prompts", "tensors", "circuits"):
            items = value if isinstance(value, list) else value.items()
            body = ",\n  ".join(json.dumps(i, separators=(",", ":")) if isinstance(value, list)
                                else f"{json.dumps(i[0])}: " + json.dumps(i[1], separators=(",", ":"))
                                for i in items)
            left, right = "[]" if isinstance(value, list) else "{}"
            lines.append(f' "{key}": {left}\n  {body}\n {right}')
        else:
            lines.append(f' "{key}": ' + json.dumps(value, separators=(",", ":")))
    with open(os.path.join(OUT, f"{name}.json"), "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    if os.environ.get("PYTHONHASHSEED") != "0":  # Tracr numbers tokens in the order of a set
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    import zoo_programs

    run_tracr = "--run-tracr" in sys.argv
    wanted, failed = [a for a in sys.argv[1:] if a != "--run-tracr"], 0
    without_running()
    for rows, checking in ((zoo_programs.PROGRAMS, False), (zoo_programs.CHECKS, True)):
        for row in rows:
            if wanted and row[0] not in wanted:
                continue
            try:
                model, circuits, n = make(row, checking, run_tracr)
            except Exception as error:  # the others are still made
                print(f"{row[0]}: {type(error).__name__}: {error}")
                failed += 1
                continue
            print(f"{row[0]}: {model.n_layers} layers, {model.n_heads} heads, "
                  f"{len(model.edges)} edges, {n} pairs, " + ", ".join(
                      f"{k} {len(c['edges'])} (least {c['least_change_without_an_edge']}, "
                      f"only {c['only_minimal_set']})"
                      for k, c in circuits.items()), flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
