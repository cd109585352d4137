#!/usr/bin/env python3
"""Scores of attribution methods by an implementation of their own, in float64 with autograd.

Run by hand; its output, tests/golden/methods/*.json, is committed:

    python3 tests/golden/make_methods.py [MODEL ...]

Needs torch (made with 2.7.1) and safetensors. It runs each prompt alone, at all positions,
and gives every reader an input tensor of its own, so that a score is read off the definition: no
code is shared with hap, and there are no batches, folded norms, skipped positions or hand-written
derivatives. The models are tests/golden/gpt2-a and llama-a, and of tests/golden/families qwen2
(grouped queries, biases, windows), neox (parallel layers, part of the head rotated) and gemma2
(post-norms, caps, gated GELU). Before anything is written, the scores of EAP and EAP-IG are
compared with those of the EAP-IG library in tests/golden.

Every file holds {method: {edge or node: score}}, the mean over the examples of interchange
ablation with the loss wrong - right logit, K = 5 steps. nodes-METHOD are scores of nodes.
"""
import json
import math
import pathlib
import sys

import torch
from safetensors.torch import load_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
HERE = pathlib.Path(__file__).parent
STEPS = 5


def act(kind, x):
    if kind == "silu":
        return x * torch.sigmoid(x)
    if kind == "gelu":
        return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)
    return x * 0.5 * (1 + torch.tanh(inner))


class Half(torch.autograd.Function):
    """A product of which each factor gets half of the gradient."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b / 2, g * a / 2


class Model:
    """Weights under one set of names: q, k, v, o, in, gate, out as (weight [out][in], bias)."""

    def __init__(self, folder):
        c = self.c = json.loads((folder / "config.json").read_text())
        w = {k: v.double() for k, v in load_file(str(folder / "model.safetensors")).items()}
        self.kind = c["model_type"]
        self.parallel = self.kind == "gpt_neox"
        self.cap = self.logit_cap = 0.0
        self.emb_scale, self.plus_one = 1.0, 0.0
        self.window = []
        getattr(self, "read_" + self.kind)(c, w)
        self.per = self.H // self.KV
        self.readers = [(f"a{l}.h{h}<{x}>", l) for l in range(self.L)
                        for x in "qkv" for h in range(self.H)]

    def read_gpt2(self, c, w):
        if any(k.startswith("transformer.") for k in w):
            w = {k.removeprefix("transformer."): v for k, v in w.items()}
        self.L, self.H, self.d = c["n_layer"], c["n_head"], c["n_embd"]
        self.KV, self.dh = self.H, self.d // self.H
        self.rms, self.eps, self.act = False, c["layer_norm_epsilon"], "gelu_tanh"
        self.E, self.P = w["wte.weight"], w["wpe.weight"]
        self.U = w.get("lm_head.weight", self.E)
        self.final = (w["ln_f.weight"], w["ln_f.bias"])
        self.rotary, self.scale, self.layers = 0, self.dh ** -0.5, []
        for l in range(self.L):
            p = f"h.{l}."
            qkv, bias = w[p + "attn.c_attn.weight"].T, w[p + "attn.c_attn.bias"]
            y = {x: (qkv[i * self.d:(i + 1) * self.d], bias[i * self.d:(i + 1) * self.d])
                 for i, x in enumerate("qkv")}
            y["o"] = (w[p + "attn.c_proj.weight"].T, w[p + "attn.c_proj.bias"])
            y["in"] = (w[p + "mlp.c_fc.weight"].T, w[p + "mlp.c_fc.bias"])
            y["out"] = (w[p + "mlp.c_proj.weight"].T, w[p + "mlp.c_proj.bias"])
            y["n1"] = (w[p + "ln_1.weight"], w[p + "ln_1.bias"])
            y["n2"] = (w[p + "ln_2.weight"], w[p + "ln_2.bias"])
            self.layers.append(y)
            self.window.append(0)

    def read_gpt_neox(self, c, w):
        self.L, self.H, self.d = (c["num_hidden_layers"], c["num_attention_heads"],
                                  c["hidden_size"])
        self.KV, self.dh = self.H, self.d // self.H
        self.rms, self.eps, self.act = False, c["layer_norm_eps"], "gelu"
        self.E, self.P, self.U = w["gpt_neox.embed_in.weight"], None, w["embed_out.weight"]
        self.final = (w["gpt_neox.final_layer_norm.weight"], w["gpt_neox.final_layer_norm.bias"])
        self.rotary = int(self.dh * c["rotary_pct"])
        self.theta = float(c["rotary_emb_base"])
        self.scale, self.layers = self.dh ** -0.5, []
        for l in range(self.L):
            p = f"gpt_neox.layers.{l}."
            qkv = w[p + "attention.query_key_value.weight"].view(self.H, 3, self.dh, self.d)
            bias = w[p + "attention.query_key_value.bias"].view(self.H, 3, self.dh)
            y = {x: (qkv[:, i].reshape(-1, self.d), bias[:, i].reshape(-1))
                 for i, x in enumerate("qkv")}
            for name, full in (("o", "attention.dense"), ("in", "mlp.dense_h_to_4h"),
                               ("out", "mlp.dense_4h_to_h"), ("n1", "input_layernorm"),
                               ("n2", "post_attention_layernorm")):
                y[name] = (w[p + full + ".weight"], w[p + full + ".bias"])
            self.layers.append(y)
            self.window.append(0)

    def read_llama(self, c, w):
        self.L, self.H, self.d = (c["num_hidden_layers"], c["num_attention_heads"],
                                  c["hidden_size"])
        self.KV = c["num_key_value_heads"]
        self.dh = c.get("head_dim") or self.d // self.H
        self.rms, self.eps = True, c["rms_norm_eps"]
        self.act = "silu"
        self.E, self.P = w["model.embed_tokens.weight"], None
        self.U = w.get("lm_head.weight", self.E)
        self.final = (w["model.norm.weight"], None)
        self.rotary, self.theta = self.dh, float(c["rope_theta"])
        self.scale, self.layers = self.dh ** -0.5, []
        names = (("q", "self_attn.q_proj"), ("k", "self_attn.k_proj"), ("v", "self_attn.v_proj"),
                 ("o", "self_attn.o_proj"), ("in", "mlp.up_proj"), ("gate", "mlp.gate_proj"),
                 ("out", "mlp.down_proj"), ("n1", "input_layernorm"),
                 ("n2", "post_attention_layernorm"))
        for l in range(self.L):
            p = f"model.layers.{l}."
            self.layers.append({a: (w[p + b + ".weight"], w.get(p + b + ".bias"))
                                for a, b in names})
            kinds = c.get("layer_types") or ["full_attention"] * self.L
            self.window.append(c["sliding_window"] if kinds[l] == "sliding_attention" else 0)

    read_qwen2 = read_llama

    def read_gemma2(self, c, w):
        self.read_llama(c, w)
        self.act, self.plus_one = "gelu_tanh", 1.0
        self.emb_scale = math.sqrt(self.d)
        self.scale = c["query_pre_attn_scalar"] ** -0.5
        self.cap, self.logit_cap = c["attn_logit_softcapping"], c["final_logit_softcapping"]
        for l, y in enumerate(self.layers):
            p = f"model.layers.{l}."
            y["post1"] = y["n2"]
            y["n2"] = (w[p + "pre_feedforward_layernorm.weight"], None)
            y["post2"] = (w[p + "post_feedforward_layernorm.weight"], None)

    # --- parts; `rules` is None or "relp" ---

    def norm(self, x, weights, rules, of=None):
        """Of x, or of its share `of` with the statistics of x."""
        gain, bias = weights
        y = x if of is None else of
        if not self.rms:
            x, y = x - x.mean(-1, keepdim=True), y - y.mean(-1, keepdim=True)
        r = torch.rsqrt((x * x).mean(-1, keepdim=True) + self.eps)
        y = y * (r.detach() if rules else r) * (gain + self.plus_one)
        return y if bias is None else y + bias

    def activate(self, x, rules):
        y = act(self.act, x)
        if not rules:
            return y
        ratio = torch.where(x == 0, torch.full_like(x, 0.5), y / x)
        return x * ratio.detach()

    def linear(self, x, weights, rows=slice(None)):
        w, b = weights
        y = x @ w[rows].T
        return y if b is None else y + b[rows]

    def rotate(self, x):
        n = self.rotary
        if n == 0:
            return x
        t = torch.arange(x.shape[0], dtype=torch.float64)[:, None]
        f = self.theta ** (-torch.arange(0, n, 2, dtype=torch.float64) / n)
        cos, sin = torch.cos(t * f), torch.sin(t * f)
        a, b = x[:, :n // 2], x[:, n // 2:n]
        return torch.cat([a * cos - b * sin, b * cos + a * sin, x[:, n:]], 1)

    def pattern(self, q, k, window, rules):
        s = self.scale * q @ k.T
        if self.cap:
            s = self.cap * torch.tanh(s / self.cap)
        i = torch.arange(s.shape[0])
        seen = i[None, :] <= i[:, None]
        if window:
            seen &= i[None, :] > i[:, None] - window
        p = torch.softmax(s.masked_fill(~seen, -math.inf), -1)
        return p.detach() if rules else p

    def projected(self, l, which, h, x, rules=None):
        y = self.layers[l]
        rows = (h if which == "q" else h // self.per)
        z = self.linear(self.norm(x, y["n1"], rules), y[which],
                        slice(rows * self.dh, (rows + 1) * self.dh))
        return z if which == "v" else self.rotate(z)


class Run:
    """A run of a prompt; edges[reader] are its writers, x[reader] its input (with gradient)."""

    def __init__(self, m, tokens, rules=None, override=None, masks=None, other=None, drop=None):
        """override: {writer: output}. masks: {edge: z} with `other`, the counterfactual run.
        drop: no gradient goes back through the heads and the MLP of this layer."""
        self.m, self.out, self.x, self.edges, self.p = m, {}, {}, {}, {}
        tokens = torch.tensor(tokens)
        override = override or {}
        rest = torch.zeros(len(tokens), m.d)
        if m.P is not None:
            rest = rest + m.P[:len(tokens)]
        total = [rest]

        def write(name, value, layer=None):
            value = override.get(name, value)
            if drop is not None and layer == drop:
                value = value.detach()
            self.out[name] = value
            total[0] = total[0] + value

        def read(name, writers, at=None, constant=None):
            """The input of one reader, a tensor of its own: the stream so far or `at`; with masks
            the sum over its edges, and over what belongs to no writer (so far, or `constant`)."""
            self.edges[name] = list(writers)
            if masks is None:
                x = (total[0] if at is None else at) * 1
            else:
                x = rest if constant is None else constant
                for w in writers:
                    z = masks[f"{w}->{name}"]
                    x = x + z * self.out[w] + (1 - z) * other.out[w]
            if x.requires_grad:
                x.retain_grad()
            self.x[name] = x
            return x

        emb = m.emb_scale * m.E[tokens]
        write("input", emb.detach().requires_grad_())
        for l in range(m.L):
            y, before = m.layers[l], list(self.out)
            start, constant = total[0], rest
            z = []
            for h in range(m.H):
                q, k, v = (m.projected(l, which, h, read(f"a{l}.h{h}<{which}>", before), rules)
                           for which in "qkv")
                p = m.pattern(q, k, m.window[l], rules)
                if p.requires_grad:
                    p.retain_grad()
                self.p[l, h] = p
                z.append(p @ v @ y["o"][0][:, h * m.dh:(h + 1) * m.dh].T)
            for h in range(m.H):
                share = z[h]
                if "post1" in y:
                    share = m.norm(sum(z), y["post1"], rules, of=z[h])
                write(f"a{l}.h{h}", share, l)
            if y["o"][1] is not None:
                rest = rest + y["o"][1]
                total[0] = total[0] + y["o"][1]
            writers = before if m.parallel else list(self.out)
            x = (read(f"m{l}", writers, start, constant) if m.parallel else
                 read(f"m{l}", writers))
            x = m.norm(x, y["n2"], rules)
            if "gate" in y:
                g = m.activate(m.linear(x, y["gate"]), rules)
                i = m.linear(x, y["in"])
                hidden = Half.apply(g, i) if rules else g * i
            else:
                hidden = m.activate(m.linear(x, y["in"]), rules)
            z = m.linear(hidden, y["out"])
            if "post2" in y:
                z = m.norm(z, y["post2"], rules)
            write(f"m{l}", z, l)
        x = read("logits", list(self.out))
        self.logits = m.norm(x, m.final, rules)[-1] @ m.U.T
        if m.logit_cap:
            self.logits = m.logit_cap * torch.tanh(self.logits / m.logit_cap)

    def gradients(self, loss):
        names = list(self.x)
        g = torch.autograd.grad(loss, [self.x[r] for r in names], allow_unused=True,
                                retain_graph=True)
        return {r: torch.zeros_like(self.x[r]) if v is None else v for r, v in zip(names, g)}


def loss_of(run, example):
    return run.logits[example["wrong"]] - run.logits[example["answer"]]


def difference(a, b):
    return {w: (b[w] - a[w]).detach() for w in a}


def dot(run, delta, g):
    return {f"{w}->{r}": (delta[w] * g[r]).sum().item() for r in run.edges for w in run.edges[r]}


def add(to, more, weight=1.0):
    for e, v in more.items():
        to[e] = to.get(e, 0.0) + weight * v


def nodes(scores):
    sums = {}
    for e, v in scores.items():
        add(sums, {e.split("->")[0]: v})
    return sums


def clean_and_corrupted(m, ex):
    if "runs" not in ex:
        ex["runs"] = Run(m, ex["clean"]), Run(m, ex["corrupted"])
    return ex["runs"]


def eap(m, ex, rules=None):
    clean, corrupted = clean_and_corrupted(m, ex)
    run = Run(m, ex["clean"], rules) if rules else clean
    return dot(run, difference(clean.out, corrupted.out), run.gradients(loss_of(run, ex)))


def relp(m, ex):
    return eap(m, ex, "relp")


def at_input(m, ex, x):
    return Run(m, ex["clean"], override={"input": x.detach().requires_grad_()})


def eap_ig_inputs(m, ex):
    clean, corrupted = clean_and_corrupted(m, ex)
    a, b, out = clean.out["input"], corrupted.out["input"], {}
    for k in range(STEPS):
        run = at_input(m, ex, b + k / STEPS * (a - b))
        add(out, dot(run, difference(clean.out, corrupted.out),
                     run.gradients(loss_of(run, ex))), 1 / STEPS)
    return out


def conductance(m, ex):
    clean, corrupted = clean_and_corrupted(m, ex)
    a, b, out = clean.out["input"], corrupted.out["input"], {}
    runs = [at_input(m, ex, b + k / STEPS * (a - b)) for k in range(STEPS + 1)]
    for here, there in zip(runs, runs[1:]):
        add(out, dot(here, difference(there.out, here.out), here.gradients(loss_of(here, ex))))
    return out


def eap_gp(m, ex):
    clean, corrupted = clean_and_corrupted(m, ex)
    x, target, out = clean.out["input"].detach(), corrupted.logits.detach(), {}
    for _ in range(STEPS):
        run = at_input(m, ex, x)
        d, = torch.autograd.grad(((run.logits - target) ** 2).sum(), run.out["input"])
        x = x - d / d.norm()
        run = at_input(m, ex, x)
        add(out, dot(run, difference(clean.out, corrupted.out),
                     run.gradients(loss_of(run, ex))), 1 / STEPS)
    return out


def changed_patterns(m, ex):
    """{edge into q or k: the change of its head's pattern when its writer's output changes}."""
    if "changes" not in ex:
        clean, corrupted = clean_and_corrupted(m, ex)
        delta, changes = difference(clean.out, corrupted.out), {}
        with torch.no_grad():
            for l, h in clean.p:
                for which in "qk":
                    r = f"a{l}.h{h}<{which}>"
                    for w in clean.edges[r]:
                        x = {s: clean.x[f"a{l}.h{h}<{s}>"] for s in "qk"}
                        x[which] = x[which] + delta[w]
                        p = m.pattern(*(m.projected(l, s, h, x[s]) for s in "qk"), m.window[l],
                                      None)
                        changes[f"{w}->{r}"] = p - clean.p[l, h]
        ex["changes"] = changes
    return ex["changes"]


def with_patterns(m, ex, run, scores, loss):
    """Replaces the scores of edges into q and k by sums of (P' - P) dL/dP."""
    names = list(run.p)
    g = dict(zip(names, torch.autograd.grad(loss, [run.p[n] for n in names], allow_unused=True,
                                            retain_graph=True)))
    for e, change in changed_patterns(m, ex).items():
        l, h = map(int, e.split("->a")[1].split("<")[0].split(".h"))
        scores[e] = 0.0 if g[l, h] is None else (change * g[l, h]).sum().item()
    return scores


def eap_qk(m, ex):
    clean, corrupted = clean_and_corrupted(m, ex)
    delta, loss = difference(clean.out, corrupted.out), loss_of(clean, ex)
    return with_patterns(m, ex, clean, dot(clean, delta, clean.gradients(loss)), loss)


def dropped(m, ex, exact, of=lambda scores: scores):
    clean, corrupted = clean_and_corrupted(m, ex)
    delta, out = difference(clean.out, corrupted.out), {}
    for l in range(m.L):
        run = Run(m, ex["clean"], drop=l)
        loss = loss_of(run, ex)
        scores = dot(run, delta, run.gradients(loss))
        if exact:
            scores = with_patterns(m, ex, run, scores, loss)
        add(out, {e: abs(v) for e, v in of(scores).items()}, 1 / (m.L - 1))
    return out


def grad_drop(m, ex):
    return dropped(m, ex, False)


def atp_star(m, ex):
    return dropped(m, ex, True)


def ifr(m, ex):
    run, out = Run(m, ex["clean"]), {}
    for r, writers in run.edges.items():
        x = run.x[r]
        c = torch.stack([(x.abs().sum(-1) - (x - run.out[w]).abs().sum(-1)).clamp(min=0)
                         for w in writers])
        total = c.sum(0)
        share = torch.where(total > 0, c / total, torch.zeros_like(c)).mean(1)
        add(out, {f"{w}->{r}": share[i].item() for i, w in enumerate(writers)})
    return out


def mask_ig(m, ex):
    clean, corrupted = clean_and_corrupted(m, ex)
    edges = [f"{w}->{r}" for r in clean.edges for w in clean.edges[r]]
    out = {}
    for k in range(STEPS):
        z = {e: torch.tensor((k + 0.5) / STEPS, requires_grad=True) for e in edges}
        run = Run(m, ex["clean"], masks=z, other=corrupted)
        g = torch.autograd.grad(loss_of(run, ex), list(z.values()), allow_unused=True)
        add(out, {e: 0.0 if v is None else -v.item() for e, v in zip(edges, g)}, 1 / STEPS)
    return out


def nodes_exact(m, ex):
    clean, corrupted = clean_and_corrupted(m, ex)
    edges = [(w, r) for r in clean.edges for w in clean.edges[r]]
    full, out = loss_of(clean, ex), {}
    for node in clean.out:
        z = {f"{w}->{r}": float(w != node) for w, r in edges}
        run = Run(m, ex["clean"], masks=z, other=corrupted)
        out[node] = (loss_of(run, ex) - full).item()
    return out


METHODS = {
    "eap": eap, "eap-ig-inputs": eap_ig_inputs, "relp": relp, "conductance": conductance,
    "eap-gp": eap_gp, "eap-qk": eap_qk, "grad-drop": grad_drop, "atp-star": atp_star, "ifr": ifr,
    "mask-ig": mask_ig,
    "nodes-eap": lambda m, ex: nodes(eap(m, ex)),
    "nodes-grad-drop": lambda m, ex: dropped(m, ex, False, nodes),
    "nodes-exact": nodes_exact,
}
MODELS = {
    "gpt2-a": (HERE / "gpt2-a" / "model", HERE / "gpt2-a", "scores-{}.json"),
    "llama-a": (HERE / "llama-a" / "model", HERE / "llama-a", "scores-{}.json"),
    **{name: (HERE / "families" / name, HERE / "scores" / name, "{}-logit-diff.json")
       for name in ("qwen2", "neox", "gemma2")},
}


def check(name, folder, pattern, mean):
    """The library's scores are these."""
    for method, file in (("eap", "eap"), ("eap-ig-inputs", "eap-ig-inputs")):
        if "-a" in name and method != "eap":
            file += f"-{STEPS}"
        given = json.loads((folder / pattern.format(file)).read_text())["scores"]
        worst = max(abs(given[e] - mean[method][e]) for e in given)
        largest = max(map(abs, given.values()))
        print(f"{name} {method}: {worst / largest:.1e} of the largest from the library")
        assert set(given) == set(mean[method]) and worst < 1e-6 * largest


if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        model_folder, folder, pattern = MODELS[name]
        model = Model(model_folder)
        examples = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
        mean = {method: {} for method in METHODS}
        for ex in examples:
            for key in ("answer", "wrong"):
                ex[key] = ex[key] if isinstance(ex.get(key), int) else ex[key + "s"][0]
            for method, of in METHODS.items():
                add(mean[method], of(model, ex), 1 / len(examples))
        check(name, folder, pattern, mean)
        del mean["eap"], mean["eap-ig-inputs"]
        text = {k: {e: float(f"{v:.9g}") for e, v in scores.items()} for k, scores in mean.items()}
        (HERE / "methods").mkdir(exist_ok=True)
        (HERE / "methods" / f"{name}.json").write_text(json.dumps(text, separators=(",", ":")) + "\n")
