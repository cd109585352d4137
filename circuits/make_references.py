"""Writes the reference circuits of this folder, from lists in the papers' own code.

Run by hand: python3 circuits/make_references.py. Sources:
  IOI           Wang et al. 2022 (arXiv:2211.00593), Fig. 2: redwoodresearch/Easy-Transformer,
                easy_transformer/ioi_circuit_extraction.py, CIRCUIT, commit ea15315d. Its class "name
                mover" lists the 3 name movers and the 8 backups. Edges: ArthurConmy/
                Automatic-Circuit-Discovery, acdc/ioi/utils.py, get_ioi_true_edges, commit 6a274847.
  greater-than  Hanna, Liu and Variengien 2023 (arXiv:2305.00586), as in acdc/greaterthan/utils.py,
                get_greaterthan_true_edges, of the same commit.
  docstring     Heimersheim and Janiak 2023, as in acdc/docstring/utils.py,
                get_docstring_subgraph_true_edges, of the same commit.
  InterpBench   Gupta et al. 2024 (arXiv:2407.14494), its simplified IOI model: which node plays which
                part in cybershiptrooper/iit, iit/tasks/ioi/__init__.py, make_corr_dict, commit
                ed44cbfa. Edges: MIB's interpbench_graph.json (mib-bench/interpbench), from lists
                of it in others' analyses; the file itself was not at hand. They join the nodes
                that make_ll_edges of iit joins, and into heads MIB counts v alone.
  tracr-*       ../tests/golden/tracr-*/circuit.json: the minimal set under zero ablation.
"""
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ACDC = "ArthurConmy/Automatic-Circuit-Discovery 6a274847"


def name(node):
    return f"m{node[0]}" if node[1] is None else f"a{node[0]}.h{node[1]}"


def readers(node):
    return [f"{name(node)}<{x}>" for x in "qkv"] if node[1] is not None else [name(node)]


def before(a, b):
    """Whether b reads what a writes."""
    return a[0] < b[0] or (a[0] == b[0] and a[1] is not None and b[1] is None)


def write(file, **circuit):
    with open(os.path.join(HERE, file + ".json"), "w") as out:
        json.dump(circuit, out, indent=1)
        out.write("\n")


def ioi():
    classes = {
        "name mover": [(9, 9), (10, 0), (9, 6)],
        "backup name mover": [(10, 10), (10, 6), (10, 2), (10, 1), (11, 2), (9, 7), (9, 0), (11, 9)],
        "negative name mover": [(10, 7), (11, 10)],
        "S-inhibition": [(7, 3), (7, 9), (8, 6), (8, 10)],
        "induction": [(5, 5), (5, 8), (5, 9), (6, 9)],
        "duplicate token": [(0, 1), (0, 10), (3, 0)],
        "previous token": [(2, 2), (4, 11)],
    }
    group = {h: "name mover" if "backup" in c else c for c, heads in classes.items() for h in heads}
    joined = {("S-inhibition", "name mover"), ("S-inhibition", "negative name mover"),
              ("induction", "S-inhibition"), ("previous token", "induction"),
              ("duplicate token", "S-inhibition")}
    nodes = sorted(group) + [(layer, None) for layer in range(12)]
    edges = []
    for b in nodes:
        for r in readers(b):
            if group.get(b) != "induction":
                edges.append(f"input->{r}")
            for a in nodes:
                pair = (group.get(a), group.get(b))
                if before(a, b) and (None in pair or pair[0] == pair[1] or pair in joined):
                    edges.append(f"{name(a)}->{r}")
    edges += [f"{name(a)}->logits" for a in nodes] + ["input->logits"]
    write("ioi-gpt2", name="IOI, GPT-2 small (Wang et al. 2022)",
          source="heads: redwoodresearch/Easy-Transformer ea15315d, ioi_circuit_extraction.py; "
                 "edges: " + ACDC + ", acdc/ioi/utils.py",
          counting="All edges among the 26 heads, all MLPs, the input and the logits, except input to "
                   "induction heads, and those between heads of different classes other than: previous "
                   "token to induction; induction and duplicate token to S-inhibition; S-inhibition to "
                   "name movers, backups and negative name movers. Backups count as name movers. q, k "
                   "and v are edges of their own.",
          graph={"layers": 12, "heads": 12},
          classes={c: [name(h) for h in heads] for c, heads in classes.items()}, edges=edges)


def greater_than():
    groups = {
        "heads 0.3 and 0.5": [(0, 3), (0, 5)], "head 0.1": [(0, 1)],
        "early MLPs": [(layer, None) for layer in range(4)],
        "middle heads": [(5, 5), (6, 1), (7, 10), (8, 11), (9, 1)],
        "late MLPs": [(layer, None) for layer in range(8, 12)],
    }
    edges = [f"input->{r}" for g in ("heads 0.3 and 0.5", "head 0.1", "early MLPs")
             for n in groups[g] for r in readers(n)]
    edges += [f"{name(n)}->logits" for g in ("middle heads", "late MLPs") for n in groups[g]]
    pairs = [("head 0.1", "early MLPs"), ("head 0.1", "middle heads"),
             ("heads 0.3 and 0.5", "middle heads"), ("early MLPs", "middle heads"),
             ("middle heads", "late MLPs"), ("early MLPs", "early MLPs"), ("late MLPs", "late MLPs")]
    edges += [f"{name(a)}->{r}" for one, two in pairs for a in groups[one] for b in groups[two]
              if before(a, b) for r in readers(b)]
    write("greater-than-gpt2", name="greater-than, GPT-2 small (Hanna et al. 2023)",
          source=ACDC + ", acdc/greaterthan/utils.py",
          counting="Input to the heads of layer 0 and the early MLPs; head 0.1 to the early MLPs; all "
                   "three heads of layer 0 and the early MLPs to the middle heads; these to the late "
                   "MLPs; both to the logits; MLPs of a group among each other. q, k and v are edges "
                   "of their own.",
          graph={"layers": 12, "heads": 12},
          classes={g: [name(n) for n in nodes] for g, nodes in groups.items()}, edges=edges)


def docstring():
    edges = []
    for head in ("a3.h0", "a3.h6"):
        edges += [f"{head}->logits", f"a1.h4->{head}<q>", f"input->{head}<v>", f"a0.h5->{head}<v>",
                  f"a2.h0->{head}<k>"]
    edges += ["input->a2.h0<q>", "a0.h5->a2.h0<q>", "a1.h4->a2.h0<v>", "input->a0.h5<v>",
              "input->a1.h4<v>"]
    write("docstring-attn-only-4l", name="docstring, attn-only-4l (Heimersheim and Janiak 2023)",
          source=ACDC + ", acdc/docstring/utils.py",
          counting="The edges of the source; q, k and v are edges of their own.",
          graph={"layers": 4, "heads": 8},
          classes={"argument mover": ["a3.h0", "a3.h6"], "induction": ["a2.h0"],
                   "heads of layers 0 and 1": ["a0.h5", "a1.h4"]}, edges=edges)


def interpbench():
    write("ioi-interpbench", name="IOI, InterpBench (Gupta et al. 2024)",
          source="nodes: cybershiptrooper/iit ed44cbfa, iit/tasks/ioi/__init__.py; edges: "
                 "mib-bench/interpbench, interpbench_graph.json, as others list it",
          counting="The seven edges of the MIB benchmark; into heads v alone.",
          graph={"layers": 6, "heads": 4},
          classes={"tokens": ["m0"], "duplicate token": ["a1.h1"], "S-inhibition": ["a2.h1"],
                   "name mover": ["a4.h1"]},
          edges=["input->m0", "m0->a1.h1<v>", "m0->a2.h1<v>", "m0->a4.h1<v>", "a1.h1->a2.h1<v>",
                 "a2.h1->a4.h1<v>", "a4.h1->logits"])


def tracr(task):
    folder = os.path.join(HERE, "..", "tests", "golden", f"tracr-{task}")
    with open(os.path.join(folder, "circuit.json")) as file:
        given = json.load(file)["zero_ablation"]["edges"]
    edges = []
    for edge in given:
        edge = re.sub(r"a(\d+)\.(\d+)", r"a\1.h\2", edge)
        edges.append(re.sub(r"\.([qkv])$", r"<\1>", edge).replace("->out", "->logits"))
    nodes = sorted({e.split("->")[0] for e in edges} - {"tok", "pos"})
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    write(f"tracr-{task}", name=f"tracr-{task}", source=f"tests/golden/tracr-{task}/circuit.json",
          counting="The minimal set of edges under zero ablation.",
          graph={"layers": config["n_layers"], "heads": config["n_heads"], "input": "split"},
          classes={"compiled": nodes}, edges=edges)


if __name__ == "__main__":
    ioi()
    greater_than()
    docstring()
    interpbench()
    for task in ("reverse", "xproportion"):
        tracr(task)
