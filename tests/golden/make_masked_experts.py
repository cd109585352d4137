#!/usr/bin/env python3
"""Masked runs of small mixtures of experts in which each expert is a node, by transformers' modules.

Run by hand; its output, tests/golden/masked-experts/, is committed:

    python3 tests/golden/make_masked_experts.py [NAME ...]

Needs torch and transformers 4.57.1; written with torch 2.15. It uses make_masked.py, and says only
what differs when the experts of a layer are nodes instead of its MLP:

* the output of expert e is w_e expert_e(x), and zero at positions that did not choose it;
* it reads its own mixture x, like the MLP;
* the weights w of a masked run are those of the full model's run of the clean prompt at the same
  position, constants; the corrupted run, which gives a', has weights of its own.

The weights are what the router's module gives on the layer's input, as the family's class makes
them: softmax over all experts, the largest, divided by their sum if norm_topk_prob (Mixtral: always;
Qwen3-MoE, OLMoE: their config); gpt-oss: softmax over the largest. The experts are transformers'
modules. That the two together are the model is checked: the run with all masks at one is the model
as transformers runs it, for the clean and the corrupted prompt.

A file has what those of make_masked.py have. A third of the experts have no open edge in. `eap_ig` is the
mean of the EAP scores over three runs whose input is a' + k/3 (a - a'), k = 0, 1, 2, with the clean
run's weights. `zero_inputs` are the logits when the edges out of the input are cut and all others
open.
"""
import json
import random
import sys

import torch
from make_masked import (HERE, LENGTHS, Model, Reader, edge_scores, experts_used, make_all, numbers,
                         stable_topk)

NAMES = ["mixtral", "mixtral-ties", "qwen3-moe", "olmoe", "gpt-oss"]
STEPS = 3


class Experts(Model):
    def __init__(self, name):
        super().__init__(name)
        c = self.module.config
        self.kind = c.model_type
        self.used = c.num_experts_per_tok
        self.n = getattr(c, "num_local_experts", None) or c.num_experts
        self.divide = self.kind == "mixtral" or getattr(c, "norm_topk_prob", False)
        self.gates = []

    def weights(self, layer, x):
        """[tokens][experts] of the router on the layer's normed input."""
        mlp = self.part(layer, "mlp")
        if self.kind == "gpt_oss":
            r = torch.nn.functional.linear(x[0], mlp.router.weight, mlp.router.bias)
        else:
            r = mlp.gate(x[0])
        top, index = stable_topk(r, self.used)
        if self.kind == "gpt_oss":
            w = torch.softmax(top, -1)
        else:
            w = torch.softmax(r, -1).gather(-1, index)
            if self.divide:
                w = w / w.sum(-1, keepdim=True)
        return torch.zeros_like(r).scatter(-1, index, w)

    def expert(self, layer, e, x):
        """expert_e of a normed input, at all positions."""
        experts = self.part(layer, "mlp").experts
        if self.kind != "gpt_oss":
            return experts[e](x)
        one = torch.zeros(x.shape[1], self.n)
        one[:, e] = 1
        return experts(x, router_indices=torch.full((x.shape[1], 1), e), routing_weights=one)

    def run(self, tokens, other=None, z=None, inputs=None, gates=None, alpha=None):
        """As Model.run. gates: the weights of every layer, else the run's own, which stay in
        self.gates. alpha: the input's output is other + alpha (own - other)."""
        embedding, constant = self.embed(tokens)
        if alpha is not None:
            embedding = other[0] + alpha * (embedding - other[0])
        writers = [embedding.detach().requires_grad_(inputs is not None)]
        read = Reader(other, z, inputs)
        self.gates = []
        for l, layer in enumerate(self.layers):
            xs = [[read(writers, constant) for _ in range(self.heads)] for _ in range(3)]
            outs, bias = self.attention(tokens, layer, xs)
            writers += outs
            constant = constant + bias
            xs = [self.normed(layer, "mlp_norm", read(writers, constant)) for _ in range(self.n)]
            w = gates[l] if gates is not None else self.weights(layer, xs[0].detach())
            self.gates.append(w)
            writers += [w[:, e, None] * self.expert(layer, e, xs[e]) for e in range(self.n)]
        return writers, self.logits(tokens, read(writers, constant))

    def readers(self):
        """The number of edges into every reader, and the expert that it is, or None."""
        out, writers = [], 1
        for l in range(len(self.layers)):
            out += [(writers, None)] * (3 * self.heads)
            writers += self.heads
            out += [(writers, (l, e)) for e in range(self.n)]
            writers += self.n
        return out + [(writers, None)]


def gradient_scores(model, tokens, other, clean, **how):
    """edge_scores of the loss logit 7 - logit 3."""
    inputs = []
    _, logits = model.run(tokens, other, inputs=inputs, **how)
    (logits[7] - logits[3]).backward()
    return edge_scores(inputs, other, clean)


def make(name, model):
    rng = random.Random(name)
    clean = [[rng.randrange(53) for _ in range(n)] for n in LENGTHS]
    corrupted = [list(p) for p in clean]
    for i, p in enumerate(corrupted):
        p[i + 1] = (p[i + 1] + 17) % 53
        p[-2] = (p[-2] + 5) % 53
    experts_used(model, clean, corrupted)
    values = []
    for n, expert in model.readers():
        cut = expert is not None and sum(expert) % 3 == 2
        values += [0 if cut else rng.choice([0, 0, 0.25, 0.5, 0.75, 1, 1, 1]) for _ in range(n)]
    z = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    no_input = torch.tensor([float(w > 0) for n, _ in model.readers() for w in range(n)])
    logits, zero_inputs, kl, eap, ig, changes = [], [], 0, 0, 0, 0
    for a, b in zip(clean, corrupted):
        with torch.no_grad():
            other, other_logits = model.run(b)
            other_gates = model.gates
            writers, full = model.run(a)
            gates = model.gates
            for prompt, made in ((a, full), (b, other_logits)):
                as_run = model.module(input_ids=torch.tensor([prompt]), use_cache=False).logits[0, -1]
                assert (made - as_run).abs().max() < 1e-9, (name, (made - as_run).abs().max())
            changes += sum(((g > 0) != (o > 0)).sum().item() for g, o in zip(gates, other_gates))
            ones = torch.ones(len(values))
            assert (model.run(a, other, ones, gates=gates)[1] - full).abs().max() < 1e-9
            assert (model.run(a, other, 0 * ones, gates=gates)[1] - other_logits).abs().max() < 1e-9
            zero_inputs.append(model.run(a, other, no_input, gates=gates)[1])
        _, masked = model.run(a, other, z, gates=gates)
        eap = eap + gradient_scores(model, a, other, writers, gates=gates)
        ig = ig + sum(gradient_scores(model, a, other, writers, gates=gates, alpha=k / STEPS)
                      for k in range(STEPS)) / STEPS
        p = torch.log_softmax(full, -1)
        kl = kl + (p.exp() * (p - torch.log_softmax(masked, -1))).sum()
        logits.append(masked.detach())
    assert changes > 0, "the two runs choose the same experts"
    kl.backward()
    (HERE / "masked-experts").mkdir(exist_ok=True)
    (HERE / "masked-experts" / (name + ".json")).write_text(
        '{"clean": %s,\n"corrupted": %s,\n"z": %s,\n"logits": [%s],\n"kl": %.9g,\n'
        '"kl_gradient": %s,\n"eap": %s,\n"eap_ig": %s,\n"zero_inputs": [%s]}\n' % (
            json.dumps(clean), json.dumps(corrupted), json.dumps(values),
            ",\n".join(map(numbers, logits)), float(kl.detach()), numbers(z.grad), numbers(eap),
            numbers(ig), ",\n".join(map(numbers, zero_inputs))))
    print(len(values), "edges,", changes, "choices differ:", end=" ")


if __name__ == "__main__":
    make_all(sys.argv[1:] or NAMES, Experts, make)
