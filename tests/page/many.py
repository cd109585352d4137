#!/usr/bin/env python3
"""Prints a circuit of 7,000 edges, in a graph of 30 layers and 9 heads, with a ranking."""
import json
import random

draw = random.Random(1)
nodes = [n for l in range(30) for n in [*(f"a{l}.h{h}" for h in range(9)), f"m{l}"]]
edges = [f"{n}->logits" for n in nodes]
for i, n in enumerate(nodes):
    before = ["input", *(nodes[:i] if n[0] == "m" else nodes[:i // 10 * 10])]
    edges += [f"{w}->{n}{port}" for w in before
              for port in ([""] if n[0] == "m" else ["<q>", "<k>", "<v>"])]
live = [e for e in edges if e.startswith("input->") or e.endswith("->logits")]
others = sorted(set(edges) - set(live))
print(json.dumps({"hap": 1, "kind": "circuit", "graph": {"layers": 30, "heads": 9}}))
for edge in live + draw.sample(others, 7000 - len(live)):
    print(json.dumps({"edge": edge, "z": 1, "score": draw.paretovariate(1)}))
print(json.dumps({"end": "circuit"}))
