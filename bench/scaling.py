#!/usr/bin/env python3
"""The tables of docs/scaling.md, by arithmetic.

    bench/scaling.py          prints them
    bench/scaling.py FILE     exit status 1 unless FILE contains each of their lines
"""
import math
import sys

T = 32          # tokens of a prompt
STEP = 32       # prompts of a pruning step
EFFICIENCY = 0.75
# name, layers, heads, key-value heads, width, head, MLP, gated, vocabulary
MODELS = [
    ("0.1 billion (GPT-2 small)", 12, 12, 12, 768, 64, 3072, False, 50257),
    ("1 billion (Llama 3.2 1B)", 16, 32, 8, 2048, 64, 8192, True, 128256),
    ("8 billion (Llama 3.1 8B)", 32, 32, 8, 4096, 128, 14336, True, 128256),
    ("70 billion (Llama 3.1 70B)", 80, 64, 8, 8192, 128, 28672, True, 128256),
]
NODE = 1e12     # operations a second that sgemm makes on a node
BAND = 1.25e9   # bytes a second of a network of 10 Gbit/s
LATENCY, MESSAGE = 50e-6, 1e-6  # seconds of an exchange, and for each of its messages
HOLDERS = 8     # ranks that hold layers


class Model:
    def __init__(self, name, layers, heads, kv, d, head, mlp, gated, vocabulary):
        self.name = name
        per_layer = d * head * (2 * heads + 2 * kv) + (3 if gated else 2) * d * mlp
        tied = layers < 32
        self.parameters = layers * per_layer + vocabulary * d * (1 if tied else 2)
        self.per_rank = math.ceil(layers / HOLDERS) * per_layer + vocabulary * d
        self.d, self.vocabulary = d, vocabulary
        self.writers = 1 + layers * (heads + 1)
        before = [1 + l * (heads + 1) for l in range(layers)]
        self.edges = sum(3 * heads * w + w + heads for w in before) + self.writers
        self.cache = 2 * 4 * (self.writers * T * d + vocabulary)
        rest = 4 * T * T * head * heads * layers + 2 * d * vocabulary
        self.full = 2 * T * layers * per_layer + rest
        own = d * head * 4 * heads + (3 if gated else 2) * d * mlp
        self.mix = 2 * self.edges * T * d
        self.masked = 2 * T * layers * own + rest + self.mix
        # gradients of all readers of a batch in at most 256 MiB
        readers = 3 * layers * heads + layers + 1
        self.gradient_rows = min(128, 2**28 // (readers * d * 4) + 1)

    def step(self, ranks):
        """Seconds of a pruning step: compute, bytes, latency."""
        per_job = 2  # half of a batch of four prompts
        jobs = STEP // per_job
        compute = math.ceil(jobs / ranks) * per_job * (2 * self.masked + self.mix) / (NODE * EFFICIENCY)
        if ranks == 1:
            return compute, 0, 0
        # all gradients and masks come in; a rank's own go to every other rank
        own = math.ceil(jobs / ranks) + math.ceil(STEP / ranks)
        data = max(jobs + STEP, own * (ranks - 1)) * self.edges * 4 / BAND
        return compute, data, 5 * (LATENCY + (ranks - 1) * MESSAGE)

    def attribution(self, prompts, ranks):
        """Seconds of eap: clean run with gradients, corrupted run, scores of all edges."""
        per_job = math.ceil(self.gradient_rows / T)
        jobs = math.ceil(prompts / per_job)
        return math.ceil(jobs / ranks) * per_job * (3 * self.full + self.mix) / (NODE * EFFICIENCY)


    # A prompt through ranks that hold layers: bytes that the rank which gets most receives.
    def stream(self):
        return 4 * T * self.d

    def outputs(self):
        """Of the writers of all other ranks."""
        return 4 * T * self.d * (self.writers * (HOLDERS - 1) // HOLDERS)

    def deltas(self):
        """Forward those before a rank's layers, backward the gradients of those before the next
        rank's: most for the last rank but one."""
        return 4 * T * self.d * (self.writers * (2 * HOLDERS - 3) // HOLDERS)

    def scores(self):
        return 4 * self.edges * (HOLDERS - 1) // HOLDERS

    def held(self, work, data):
        """Seconds of work that is divided by layers, and of its data."""
        return f"{work / HOLDERS / (NODE * EFFICIENCY):.2g} + {data / BAND:.2g}"


def size(bytes):
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if bytes >= scale:
            return f"{bytes / scale:.3g} {unit}"
    return f"{bytes / 1e3:.3g} kB"


def row(*cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def tables():
    models = [Model(*m) for m in MODELS]
    yield row("", "weights, f32", "writers", "edges", "cache of a prompt", "outputs of 200 prompts",
              "masks of a step", "gradients of a step")
    yield row("---", *["---:"] * 7)
    for m in models:
        yield row(m.name, size(4 * m.parameters), f"{m.writers:,}", f"{m.edges:,}", size(m.cache),
                  size(200 * m.cache / 2), size(STEP * m.edges * 4), size(STEP // 2 * m.edges * 4))
    yield ""
    yield row("", "full run", "masked run", "mixing, of that", "eap, a prompt",
              "masked run with gradients")
    yield row("---", *["---:"] * 5)
    for m in models:
        gradient = 2 * m.masked + m.mix
        yield row(m.name, f"{m.full / 1e9:.3g} GFLOP", f"{m.masked / 1e9:.3g} GFLOP",
                  f"{100 * m.mix / m.masked:.0f} %",
                  f"{(3 * m.full + m.mix) / NODE / EFFICIENCY:.2g} s",
                  f"{gradient / NODE / EFFICIENCY:.2g} s")
    yield ""
    yield row("seconds of a step", *[f"{r} rank{'s' * (r > 1)}" for r in (1, 8, 64, 512)])
    yield row("---", *["---:"] * 4)
    for m in models:
        cells = []
        for ranks in (1, 8, 64, 512):
            compute, data, latency = m.step(ranks)
            cells.append(f"{compute:.2g}" + (f" + {data:.2g}" if ranks > 1 else ""))
        yield row(m.name, *cells)
    yield ""
    yield row("eap of 1,000 prompts, seconds", *[f"{r}" for r in (1, 8, 64, 512)],
              "64,000 prompts on 64")
    yield row("---", *["---:"] * 5)
    for m in models:
        yield row(m.name, *[f"{m.attribution(1000, r):.3g}" for r in (1, 8, 64, 512)],
                  f"{m.attribution(64000, 64):.3g}")


    yield ""
    yield row(f"layers over {HOLDERS} ranks", "weights of a rank", "the stream", "outputs", "edges",
              "eap, a prompt, s", "masked run with gradients, s", "weights to all, s")
    yield row("---", *["---:"] * 7)
    for m in models:
        per_job = math.ceil(m.gradient_rows / T)
        eap = 2 * m.outputs() + 2 * m.stream() + m.scores() / per_job
        masked = m.deltas() + m.scores() / 2
        yield row(m.name, size(4 * m.per_rank), size(m.stream()), size(m.outputs()),
                  size(m.scores()), m.held(3 * m.full + m.mix, eap),
                  m.held(2 * m.masked + m.mix, masked),
                  f"{4 * m.parameters * (HOLDERS - 1) / HOLDERS / BAND:.2g}")


def main():
    lines = list(tables())
    if len(sys.argv) == 1:
        print("\n".join(lines))
        return 0
    with open(sys.argv[1]) as file:
        text = file.read().split("\n")
    missing = [line for line in lines if line and line not in text]
    print("\n".join(missing), end="\n" if missing else "")
    return 1 if missing else 0


sys.exit(main())
