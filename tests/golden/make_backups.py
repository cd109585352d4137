#!/usr/bin/env python3
"""Models with two paths for one behaviour, made by hand: zoo/backups/NAME.json.

    python3 tests/golden/make_backups.py

One token, whose bit x is copied to the output y: x = 1 in the clean prompt, 0 in the corrupted
one. Residual dimensions: x, a, b, y. Needs numpy. README.md in zoo/ explains the models.
"""

import os

import numpy as np

import make_zoo

X, A, B, Y = range(4)


def tensors(**nonzero):
    """2 layers of 2 heads of size 1 and an MLP of 2 units; the output is a number. The second
    layer is all zero."""
    shapes = {"token_embed": (2, 4), "pos_embed": (1, 4), "unembed": (4, 1)}
    for layer in range(2):
        for part, size in {"attn.q": (4, 2), "attn.k": (4, 2), "attn.v": (4, 2),
                           "attn.o": (2, 4), "mlp.in": (4, 2), "mlp.out": (2, 4)}.items():
            shapes[f"layers.{layer}.{part}.weight"] = size
            shapes[f"layers.{layer}.{part}.bias"] = size[1:]
    made = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    made["token_embed"][1, X] = 1
    for stem, entries in nonzero.items():
        name = {"v": "layers.0.attn.v.weight", "o": "layers.0.attn.o.weight",
                "inner": "layers.0.mlp.in.weight", "bias": "layers.0.mlp.in.bias",
                "outer": "layers.0.mlp.out.weight", "unembed": "unembed"}[stem]
        for at, value in entries.items():
            made[name][at] = value
    return made


BOTH_COPY = dict(v={(X, 0): 1, (X, 1): 1}, o={(0, A): 1, (1, B): 1})
HEADS = [["tok->a0.h0<v>", "a0.h0->logits"], ["tok->a0.h1<v>", "a0.h1->logits"]]

MODELS = {
    # y = a / 2 + b / 2
    "halves": ("two heads copy the bit, and each gives half of the output", HEADS, [],
               tensors(**BOTH_COPY, unembed={(A, 0): .5, (B, 0): .5})),
    # y = relu(a + b + 1/4) − relu(a + b − 3/4) = min(a + b + 1/4, 1)
    "saturated": ("two heads copy the bit, and the MLP gives 1 if one of them does",
                  [["tok->a0.h0<v>", "a0.h0->m0", "m0->logits"],
                   ["tok->a0.h1<v>", "a0.h1->m0", "m0->logits"]], [],
                  tensors(**BOTH_COPY, inner={(A, 0): 1, (B, 0): 1, (A, 1): 1, (B, 1): 1},
                          bias={0: .25, 1: -.75}, outer={(0, Y): 1, (1, Y): -1},
                          unembed={(Y, 0): 1})),
    # y = a + 4/3 relu(x − a − 1/4)
    "repair": ("a head copies the bit, and the MLP copies it only if the head does not",
               [["tok->a0.h0<v>", "a0.h0->logits"], ["tok->m0", "m0->logits"]], ["a0.h0->m0"],
               tensors(v={(X, 0): 1}, o={(0, A): 1}, inner={(X, 0): 1, (A, 0): -1},
                       bias={0: -.25}, outer={(0, Y): 4 / 3},
                       unembed={(A, 0): 1, (Y, 0): 1})),
}


def check(model, paths):
    """The outputs of each path alone; with all edges cut, the output is the corrupted one."""
    one, zero = np.array([[1]]), np.array([[0]])
    full = model.run(one)[0].item()
    other = model.run(zero)
    empty = model.run(one, set(), other[1])[0].item()
    assert abs(empty - other[0].item()) < 1e-6 and abs(full - 1) < 1e-6
    return [model.run(one, set(path), other[1])[0].item() for path in paths]


def main():
    make_zoo.OUT = os.path.join(make_zoo.OUT, "backups")
    for name, (text, paths, switch, made) in MODELS.items():
        model = make_zoo.Model(made, 2, 2)
        alone = check(model, paths)
        expected = [.5, .5] if name == "halves" else [1, 1]
        assert np.allclose(alone, expected, atol=1e-6), (name, alone)
        edges = sorted(set(sum(paths, [])), key=model.edges.index)
        make_zoo.write(name, {
            "name": name, "program": text, "paths": paths, "switch": switch,
            "config": {"name": f"tracr-{name}", "program": text, "n_layers": 2, "n_heads": 2,
                       "d_head": 1, "d_model": 4, "d_ff": 2, "n_pos": 1, "n_vocab": 2, "n_out": 1,
                       "activation": "relu", "layer_norm": False, "causal": False,
                       "attention_scale": "1/sqrt(d_head)", "attention_mask": None,
                       "output": {"kind": "numerical"}, "residual_labels": ["x", "a", "b", "y"]},
            "circuits": {"interchange": {"edges": edges}},
            # The same prompt eight times, for methods that draw masks for each prompt.
            "prompts": 8 * [{"clean": [1], "corrupted": [0], "at": [0], "answers": [0]}],
            "tensors": {k: make_zoo.sparse(v) for k, v in model.tensors.items()}})
        print(f"{name}: {text}; alone {alone}")


if __name__ == "__main__":
    main()
