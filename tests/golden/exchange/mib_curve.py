#!/usr/bin/env python3
"""CPR and CMD of the demo model by the code of the MIB benchmark's circuit track, for the scores and
prompts of hap. Run by hand, output committed:

    hap-task ioi --corruption s2-io-flip -n 60 -m models/demo | hap-attrib -m models/demo -o ioi.scores
    hap-task ioi --corruption s2-io-flip -n 40 --split validation -m models/demo -o ioi.task
    hap-convert --to mib ioi.scores > scores.json
    hap-convert --to json ioi.task > task.json
    python3 mib_curve.py MIB EAP_IG models/demo scores.json task.json again.json > mib.json

MIB is a checkout of hannamw/MIB-circuit-track (b759df3), EAP_IG one of hannamw/EAP-IG (795f560).
Made with torch 2.7.1, transformer_lens 2.15.4, transformers 4.54.1. The graph goes through EAP-IG's from_json and
to_json; again.json is what that writes. Prompts are token ids without padding: a batch has prompts of
one length. EAP-IG's evaluate_graph does not have MIB's optimal_ablation_path, which is None here.
"""
import contextlib
import importlib.machinery
import json
import sys
from collections import defaultdict
from unittest.mock import MagicMock

for name in ("matplotlib", "matplotlib.cm"):  # EAP-IG draws with it
    sys.modules[name] = MagicMock(name=name, __spec__=importlib.machinery.ModuleSpec(name, None))
sys.path[:0] = [sys.argv[1], sys.argv[2] + "/src"]

import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights
from transformers import GPT2LMHeadModel

import eap.evaluate
from eap.graph import Graph

graph_of_eap_ig = eap.evaluate.evaluate_graph
eap.evaluate.evaluate_graph = lambda *a, optimal_ablation_path=None, **k: graph_of_eap_ig(*a, **k)
from MIB_circuit_track import evaluation
from MIB_circuit_track.metrics import logit_diff


def tokens_of(model, ids, max_length=None):
    tokens = torch.tensor(ids)
    return tokens, torch.ones_like(tokens), torch.full((len(ids),), tokens.shape[1]), tokens.shape[1]


eap.evaluate.tokenize_plus = tokens_of


def load(folder):
    theirs = GPT2LMHeadModel.from_pretrained(folder).eval()
    c = theirs.config
    cfg = HookedTransformerConfig(
        n_layers=c.n_layer, d_model=c.n_embd, n_ctx=c.n_positions, d_head=c.n_embd // c.n_head, n_heads=c.n_head,
        d_mlp=4 * c.n_embd, d_vocab=c.vocab_size, act_fn="gelu_new", eps=c.layer_norm_epsilon,
        normalization_type="LN", device="cpu", use_attn_result=True, use_split_qkv_input=True,
        use_hook_mlp_in=True, seed=0)
    cfg.ungroup_grouped_query_attention = True
    model = HookedTransformer(cfg)
    model.load_state_dict(convert_gpt2_weights(theirs, cfg), strict=False)
    return model.eval()


def main():
    folder, scores, task, again = sys.argv[3:]
    groups = defaultdict(list)
    for line in open(task):
        e = json.loads(line)
        if "clean" in e:
            groups[len(e["clean"])].append(e)
    batches = [([e["clean"] for e in g], [e["corrupted"] for e in g],
                [[e["answers"][0], e["wrongs"][0]] for e in g]) for g in groups.values()]
    model, graph = load(folder), Graph.from_json(scores)
    graph.to_json(again)
    each = lambda *a: logit_diff(*a, mean=False)
    out = {}
    for order, absolute in (("signed", False), ("magnitude", True)):
        with contextlib.redirect_stdout(sys.stderr):  # it prints its progress
            edges, cpr, cmd, _, f = evaluation.evaluate_area_under_curve(
                model, Graph.from_json(again), batches, each, quiet=True, absolute=absolute)
        out[order] = {"cpr": cpr, "cmd": cmd, "faithfulness": f, "weighted_edges": edges}
    out["full"] = eap.evaluate.evaluate_baseline(model, batches, each, quiet=True).mean().item()
    json.dump(out, sys.stdout, indent=1)
    print()


main()
