#!/usr/bin/env python3
"""Masked runs of small models of every family, by transformers' own modules.

Run by hand; its output, tests/golden/masked/, is committed:

    python3 tests/golden/make_masked.py [NAME ...]

Needs torch 2.7 and transformers 4.57.1. The models are those of make_families.py. Everything is
computed in float64, also where transformers asks for float32. Reader r reads
sum over writers w of m[w->r] a_w + (1 - m[w->r]) a'_w, straight from the definition. What the model
does with it is transformers' code: a layer's attention runs once for each head h, in the whole
model, with hooks that give the projections of q, k and v the inputs of head h, and catch what head h
passes to the output projection. So rotations, windows, biases, caps, norms of q and k, routers and
experts are not written here again. FAMILIES says where a family's modules are, and nothing else.

Each file has three prompts (clean and corrupted token ids), a mask per edge, in hap's order of
edges, and at the last position of each prompt the logits of the masked run. `kl` is the sum of
KL(full || masked) over the prompts and `kl_gradient` its gradient by the masks, by autograd. `eap`
is the sum over prompts and positions of (a'_w - a_w) * d loss / d x_r at the full model, with the
loss logit 7 - logit 3. Before a file is written, the run with all masks at one is compared with the
model as transformers runs it.
"""
import contextlib
import json
import pathlib
import random
import sys

import torch
import transformers

from tracr_module import Tracr

HERE = pathlib.Path(__file__).parent
LENGTHS = [5, 9, 12]

# Modules of a layer and of the model. qkv: the projections; one name is one module of all three,
# with rows as `rows` says: q, k, v one after another ("parts"), or for every key and value its
# queries, then itself ("groups").
USUAL = dict(layers="model.layers", attention="self_attn", qkv=("q_proj", "k_proj", "v_proj"),
             o="o_proj", norm="input_layernorm", mlp_norm="post_attention_layernorm", mlp="mlp",
             final="model.norm", positions=None, rows=None, parallel=False)
GPT2 = dict(layers="transformer.h", attention="attn", qkv=("c_attn",), rows="parts", o="c_proj",
            norm="ln_1", mlp_norm="ln_2", final="transformer.ln_f", positions="transformer.wpe")
POST = dict(norm=None, mlp_norm=None, attention_post="post_attention_layernorm",
            mlp_post="post_feedforward_layernorm")
SANDWICH = dict(POST, norm="input_layernorm", mlp_norm="pre_feedforward_layernorm")
FAMILIES = {
    "llama": {}, "mistral": {}, "qwen2": {}, "qwen3": {}, "qwen3_moe": {}, "smollm3": {},
    "gpt_oss": {}, "gemma": {}, "granite": {}, "olmoe": dict(together=True),
    "gemma2": SANDWICH, "gemma3_text": SANDWICH,
    "gemma3": dict(SANDWICH, layers="model.language_model.layers",
                   final="model.language_model.norm"),
    "olmo2": dict(POST, together=True), "olmo3": dict(POST, together=True),
    "mixtral": dict(mlp="block_sparse_moe"),
    "starcoder2": {}, "stablelm": {},
    "phi": dict(o="dense", mlp_norm="input_layernorm", parallel=True,
                final="model.final_layernorm"),
    "phi3": dict(qkv=("qkv_proj",), rows="parts"),
    "cohere": dict(mlp_norm="input_layernorm", parallel=True),
    "gpt2": GPT2,
    "gpt_bigcode": GPT2,
    "gpt_neo": dict(GPT2, attention="attn.attention", qkv=("q_proj", "k_proj", "v_proj"), rows=None,
                    o="out_proj"),
    "gptj": dict(GPT2, qkv=("q_proj", "k_proj", "v_proj"), rows=None, o="out_proj",
                 mlp_norm="ln_1", positions=None, parallel=True),
    "gpt_neox": dict(layers="gpt_neox.layers", attention="attention", qkv=("query_key_value",),
                     rows="groups", o="dense", final="gpt_neox.final_layer_norm"),
    "opt": dict(layers="model.decoder.layers", o="out_proj", norm="self_attn_layer_norm",
                mlp_norm="final_layer_norm", final="model.decoder.final_layer_norm",
                positions="model.decoder.embed_positions",
                mlp=lambda layer, x: layer.fc2(layer.activation_fn(layer.fc1(x)))),
    "bloom": dict(layers="transformer.h", attention="self_attention", qkv=("query_key_value",),
                  rows="groups", o="dense", final="transformer.ln_f",
                  mlp=lambda layer, x: layer.mlp(x, torch.zeros_like(x))),
    "mpt": dict(layers="transformer.blocks", attention="attn", qkv=("Wqkv",), rows="parts",
                o="out_proj", norm="norm_1", mlp_norm="norm_2", final="transformer.norm_f",
                mlp=lambda layer, x: layer.ffn(x, torch.zeros_like(x))),
    "falcon": dict(layers="transformer.h", attention="self_attention", qkv=("query_key_value",),
                   rows="groups", o="dense", final="transformer.ln_f"),
    "tracr": dict(layers="layers", attention="attn", qkv=("q", "k", "v"), o="o", norm=None,
                  mlp_norm=None, final="final", positions="pos_embed"),
}
# Kinds of a family that differ in their modules.
KINDS = {
    "bigcode-heads": dict(rows="groups"),
    "stablelm-parallel": dict(mlp_norm="input_layernorm", parallel=True),
    "neox": dict(parallel=True),
    "falcon": dict(norm="ln_attn", mlp_norm="ln_mlp", parallel=True),
    "falcon-query": dict(mlp_norm="input_layernorm", parallel=True),
}
NAMES = ["gpt2-f16", "gpt-neo", "neox", "neox-sequential", "gptj", "bigcode", "bigcode-heads", "opt",
         "llama-linear", "mistral", "qwen2", "qwen3", "qwen3-moe", "smollm3", "olmo2", "olmo3",
         "olmoe", "mixtral", "mixtral-ties", "gpt-oss", "falcon", "falcon-query", "falcon-alibi",
         "bloom", "mpt", "granite", "stablelm", "stablelm-parallel", "starcoder2", "phi", "phi3",
         "cohere", "gemma1", "gemma2", "gemma3", "gemma3-vision", "tracr"]


class Caught(Exception):
    pass


def first(x):
    return x[0] if isinstance(x, tuple) else x


def load(name):
    folder = HERE / "families" / name
    if name == "tracr":
        return Tracr(folder)
    vision = name == "gemma3-vision"
    auto = (transformers.AutoModelForImageTextToText if vision
            else transformers.AutoModelForCausalLM)
    # Falcon's eager attention of 4.57 adds ALiBi twice
    return auto.from_pretrained(folder, torch_dtype=torch.float64, attn_implementation=(
        "sdpa" if name == "falcon-alibi" else "eager")).eval()


class Reader:
    """The inputs of the readers of a run, one after the other, as Model.run describes them."""

    def __init__(self, other, z, inputs):
        self.other, self.z, self.inputs, self.at = other, z, inputs, 0

    def __call__(self, writers, constant):
        n = len(writers)
        if self.z is None:
            x = sum(writers)
        else:
            m = self.z[self.at:self.at + n]
            x = sum(m[w] * writers[w] + (1 - m[w]) * self.other[w] for w in range(n))
        x = x + constant
        self.at += n
        if self.inputs is not None:
            x.retain_grad()
            self.inputs.append((n, x))
        return x


def edge_scores(inputs, other, writers):
    """After loss.backward(): for every edge the sum over positions of (a'_w - a_w) * d loss / d x_r."""
    with torch.no_grad():
        return torch.stack([((other[w] - writers[w]) * x.grad).sum() if x.grad is not None
                            else torch.zeros(()) for n, x in inputs for w in range(n)])


class Model:
    def __init__(self, name):
        self.module = m = load(name).requires_grad_(False)
        c = getattr(m.config, "text_config", m.config)
        self.at = USUAL | FAMILIES[m.config.model_type] | KINDS.get(name, {})
        self.layers = m.get_submodule(self.at["layers"])
        self.heads = c.num_attention_heads
        self.dh = getattr(c, "head_dim", None) or c.hidden_size // self.heads
        self.residual = getattr(c, "residual_multiplier", 1.0)
        self.parallel = self.at["parallel"]

    @contextlib.contextmanager
    def hooks(self, *pairs):
        """(module, kind, function): while open, the functions get and change what modules do."""
        held = [getattr(module, "register_forward_" + kind)(f) for module, kind, f in pairs]
        try:
            yield
        finally:
            for h in held:
                h.remove()

    def part(self, layer, key):
        name = self.at.get(key)
        return layer.get_submodule(name) if name else None

    def normed(self, layer, key, x):
        norm = self.part(layer, key)
        return norm(x) if norm is not None else x

    def catch(self, tokens, module, *pairs):
        """What the module is given in a run of the model."""
        held = []

        def hook(_, args):
            held.append(args[0])
            raise Caught

        with self.hooks((module, "pre_hook", hook), *pairs):
            try:
                self.module(input_ids=torch.tensor([tokens]), use_cache=False)
            except Caught:
                return held[0]
        raise RuntimeError("the module was not called")

    def embed(self, tokens):
        """The output of the input, and what belongs to no writer: the positions."""
        x = self.catch(tokens, self.layers[0])
        if not self.at["positions"]:
            return x, torch.zeros_like(x)
        held = []
        with self.hooks((self.module.get_submodule(self.at["positions"]), "hook",
                         lambda m, args, out: held.append(out))):
            self.catch(tokens, self.layers[0])
        return x - held[0], held[0].expand_as(x)

    def choose(self, rows, q, k, v):
        """Of the outputs of one module for three inputs: the rows of q, of k, of v."""
        keys = (rows // self.dh - self.heads) // 2
        per = self.heads // keys
        which = ([0] * self.heads + [1] * keys + [2] * keys if self.at["rows"] == "parts"
                 else ([0] * per + [1, 2]) * keys)
        which = torch.tensor(which).repeat_interleave(self.dh)
        return torch.where(which == 0, q, torch.where(which == 1, k, v))

    def projections(self, layer, xs):
        """Hooks that give the projections of q, k and v their inputs, of one head."""
        attention = self.part(layer, "attention")
        modules = [attention.get_submodule(n) for n in self.at["qkv"]]
        xs = [self.normed(layer, "norm", x) for x in xs]
        if len(modules) == 3:
            return [(m, "hook", lambda m, args, out, x=x: m.forward(x))
                    for m, x in zip(modules, xs)]
        return [(modules[0], "hook",
                 lambda m, args, out: self.choose(out.shape[-1], *(m.forward(x) for x in xs)))]

    def together(self, layer, xs):
        """Hooks for norms of q and k over all heads: of what each projects of its own input."""
        attention = self.part(layer, "attention")
        hooks = []
        for which, norm in ((0, attention.q_norm), (1, attention.k_norm)):
            project = attention.get_submodule(self.at["qkv"][which])
            rows = project.weight.shape[0] // self.dh
            u = [project(self.normed(layer, "norm", xs[which][h])).unflatten(-1, (rows, self.dh))
                 [..., h * rows // self.heads, :] for h in range(self.heads)]
            square = (torch.stack(u) ** 2).mean((0, -1))[..., None]
            hooks.append((norm, "hook", lambda m, args, out, square=square:
                          m.weight * args[0] / torch.sqrt(square + m.variance_epsilon)))
        return hooks

    def attention(self, tokens, layer, xs):
        """The outputs of all heads, from the inputs of their q, k and v; and the bias."""
        o = self.part(layer, "attention").get_submodule(self.at["o"])
        together = self.together(layer, xs) if self.at.get("together") else []
        bias = o(torch.zeros(o.weight.shape[0 if hasattr(o, "nf") else 1]))
        out = []
        for h in range(self.heads):
            given = self.catch(tokens, o, *self.projections(layer, [x[h] for x in xs]), *together)
            own = torch.zeros_like(given)
            own[..., h * self.dh:(h + 1) * self.dh] = given[..., h * self.dh:(h + 1) * self.dh]
            out.append(o(own) - bias)
        post = self.part(layer, "attention_post")
        if post is not None:
            total = sum(out)
            out = [x * (post(total) / total) for x in out]
        return [self.residual * x for x in out], self.residual * bias

    def mlp(self, layer, x):
        x = self.normed(layer, "mlp_norm", x)
        if callable(self.at["mlp"]):
            y = self.at["mlp"](layer, x)
        else:
            y = first(self.part(layer, "mlp")(x))
        return self.residual * self.normed(layer, "mlp_post", y)

    def logits(self, tokens, x):
        with self.hooks((self.module.get_submodule(self.at["final"]), "pre_hook",
                         lambda m, args: (x, *args[1:]))):
            return self.module(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1]

    def run(self, tokens, other=None, z=None, inputs=None):
        """Outputs of all writers and the logits at the last position. `other`: the writers of the
        counterfactual; z: masks, in hap's order of edges; inputs: gets every reader's input."""
        embedding, constant = self.embed(tokens)
        writers = [embedding.detach().requires_grad_(inputs is not None)]
        read = Reader(other, z, inputs)
        for layer in self.layers:
            n, before = len(writers), constant
            xs = [[read(writers, constant) for _ in range(self.heads)] for _ in range(3)]
            outs, bias = self.attention(tokens, layer, xs)
            writers += outs
            constant = constant + bias
            writers.append(self.mlp(layer, read(writers[:n], before) if self.parallel
                                    else read(writers, constant)))
        return writers, self.logits(tokens, read(writers, constant))

    def eap(self, tokens, other, loss):
        """The logits of the full model, and edge_scores with a'_w in `other`."""
        inputs = []
        writers, logits = self.run(tokens, inputs=inputs)
        loss(logits).backward()
        scores = edge_scores(inputs, other, writers)
        assert len(scores) == self.n_edges()
        return logits, scores

    def n_edges(self):
        before = [1 + l * (self.heads + 1) for l in range(len(self.layers) + 1)]
        return sum((3 * self.heads + 1) * b + (0 if self.parallel else self.heads)
                   for b in before[:-1]) + before[-1]


def experts_used(model, clean, corrupted):
    """In a mixture, every expert of every layer is chosen at some position."""
    for layer in model.layers:
        router = (getattr(layer, "block_sparse_moe", None) or layer.mlp)
        router = getattr(router, "gate", None) or getattr(router, "router", None)
        chosen = set()

        def hook(m, args, out, chosen=chosen):
            r = args[0].flatten(0, -2) @ m.weight.T
            if getattr(m, "bias", None) is not None:
                r = r + m.bias
            k = model.module.config.num_experts_per_tok
            chosen.update(torch.sort(r, dim=-1, descending=True, stable=True).indices[:, :k].flatten().tolist())

        with model.hooks((router, "hook", hook)):
            for p in clean + corrupted:
                model.module(input_ids=torch.tensor([p]), use_cache=False)
        assert len(chosen) == router.weight.shape[0], chosen


def numbers(xs):
    return "[" + ", ".join("%.7g" % float(x) for x in xs) + "]"


def make(name, model):
    rng = random.Random(name)
    clean = [[rng.randrange(53) for _ in range(n)] for n in LENGTHS]
    corrupted = [list(p) for p in clean]
    for i, p in enumerate(corrupted):
        p[i + 1] = (p[i + 1] + 17) % 53
        p[-2] = (p[-2] + 5) % 53
    if name in ("mixtral", "mixtral-ties", "qwen3-moe", "olmoe", "gpt-oss"):
        experts_used(model, clean, corrupted)
    n_edges = model.n_edges()
    values = [rng.choice([0, 0, 0.25, 0.5, 0.75, 1, 1, 1]) for _ in range(n_edges)]
    z = torch.tensor(values, requires_grad=True)
    logits, kl, eap = [], 0, torch.zeros(n_edges)
    for a, b in zip(clean, corrupted):
        with torch.no_grad():
            other, _ = model.run(b)
            as_run = model.module(input_ids=torch.tensor([a]), use_cache=False).logits[0, -1]
        _, masked = model.run(a, other, z)
        full, scores = model.eap(a, other, lambda logits: logits[7] - logits[3])
        assert (full - as_run).abs().max() < 1e-9, (name, (full - as_run).abs().max())
        eap += scores
        p = torch.log_softmax(full.detach(), -1)
        kl = kl + (p.exp() * (p - torch.log_softmax(masked, -1))).sum()
        logits.append(masked.detach())
    kl.backward()
    (HERE / "masked").mkdir(exist_ok=True)
    (HERE / "masked" / (name + ".json")).write_text(
        '{"clean": %s,\n"corrupted": %s,\n"z": %s,\n"logits": [%s],\n"kl": %.9g,\n'
        '"kl_gradient": %s,\n"eap": %s}\n' % (
            json.dumps(clean), json.dumps(corrupted), json.dumps(values),
            ",\n".join(map(numbers, logits)), float(kl.detach()), numbers(z.grad), numbers(eap)))


def stable_topk(x, k, dim=-1, **_):
    """torch.topk takes any of equals, hap the first."""
    values, indices = torch.sort(x, dim=dim, descending=True, stable=True)
    return torch.return_types.topk((values[..., :k], indices[..., :k]))


def make_all(names, of, make):
    """make(name, of(name)) for every name, with equal logits of a router as hap takes them."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.topk = torch.Tensor.topk = stable_topk
    torch.Tensor.float = torch.Tensor.double
    single = torch.float32
    for name in names:
        torch.float32 = torch.float = single
        model = of(name)
        torch.float32 = torch.float = torch.float64  # what modules ask for in between
        make(name, model)
        print(name, flush=True)


if __name__ == "__main__":
    make_all(sys.argv[1:] or NAMES, Model, make)
