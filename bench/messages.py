#!/usr/bin/env python3
"""What ranks of MPI send each other: the formulas of docs/scaling.md, exact.

    bench/messages.py check STAGE MODEL TASK RANKS THREADS COUNTS [OTHER STEPS]

compares them with a run of STAGE on the task (hap-convert --to json) with RANKS ranks and -j
THREADS. COUNTS.0 … are what tests/mpi/count.c wrote for each rank. Prints the calls and the bytes;
exit status 1 unless all of them are equal. Stages: `attrib` (eap), `prune` (the difference to the
run OTHER, which had STEPS steps fewer), and with --layers-over-ranks `layers-forward`,
`layers-attrib` (eap) and `layers-masks` (mask-gradient without a circuit).
"""
import json
import math
import os
import sys

FLOAT, WORD = 4, 56            # bytes; a word is what a rank says before each exchange
ROUND = MESSAGE = 64 << 20     # bytes of all ranks in one exchange, of one message
BATCH_ROWS, BATCH_PROMPTS = 128, 16
STEP = 32                      # prompts of a pruning step


class Sizes:
    """A GPT-2 model: its writers, readers and edges."""

    def __init__(self, folder):
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        self.layers, self.heads = config["n_layer"], config["n_head"]
        self.d, self.out = config["n_embd"], config["vocab_size"]
        self.writers = self.writers_before(self.layers)
        self.readers = self.layers * (3 * self.heads + 1) + 1
        self.edges = self.edges_before(self.layers) + self.writers

    def writers_before(self, layer):
        return 1 + layer * (self.heads + 1)

    def edges_before(self, layer):
        """Edges into the readers of earlier layers: q, k and v of each head, and the MLP."""
        before = [self.writers_before(i) for i in range(layer)]
        return sum(3 * self.heads * w + w + self.heads for w in before)


class Prompt:
    def __init__(self, record):
        clean, corrupted = record["clean"], record["corrupted"]
        self.tokens = len(clean)
        self.answers = 1
        self.first = 0
        while self.first < self.tokens - 1 and clean[self.first] == corrupted[self.first]:
            self.first += 1
        self.rows = self.tokens - self.first


def batches_of(prompts, rows):
    batch, batches = [], []
    for prompt in prompts:
        batch.append(prompt)
        if sum(p.tokens for p in batch) >= rows or len(batch) == BATCH_PROMPTS:
            batches.append(batch)
            batch = []
    return batches + [batch] * bool(batch)


def chunks_of(batches, at_once):
    return [batches[i:i + at_once] for i in range(0, len(batches), at_once)]


class Traffic:
    """Calls, bytes sent and bytes received of each rank, by kind of call."""

    def __init__(self, ranks):
        self.ranks = ranks
        self.of = {kind: [[0, 0, 0] for _ in range(ranks)]
                   for kind in ("isend", "irecv", "iallgather", "iallgatherv")}

    def add(self, kind, rank, calls, sent, received):
        for i, n in enumerate((calls, sent, received)):
            self.of[kind][rank][i] += n

    def words(self, n=1):
        for rank in range(self.ranks):
            self.add("iallgather", rank, n, n * WORD, n * WORD * (self.ranks - 1))

    def exchange(self, jobs):
        """The results of jobs, given their bytes; job i is rank i mod R's."""
        own = [sum(jobs[rank::self.ranks]) for rank in range(self.ranks)]
        most = max(own)
        self.words()
        for rank in range(self.ranks):
            rounds = math.ceil(most / min(most, ROUND // self.ranks)) if most else 0
            self.add("iallgatherv", rank, rounds, own[rank], sum(own) - own[rank])

    def message(self, sender, receiver, bytes):
        parts = math.ceil(bytes / MESSAGE)
        self.add("isend", sender, parts, bytes, 0)
        self.add("irecv", receiver, parts, 0, bytes)

    def spread(self, bytes):
        """bytes[rank] of each rank to all others."""
        for sender in range(self.ranks):
            for receiver in range(self.ranks):
                if sender != receiver:
                    self.message(sender, receiver, bytes[sender])


# --- jobs over ranks ---

def gradient_rows(sizes):
    return min(BATCH_ROWS, (256 << 20) // (sizes.readers * sizes.d * FLOAT) + 1)


def shared_attrib(sizes, prompts, ranks, threads):
    """A chunk of prompts: two words, since each rank keeps the outputs of its corrupted runs and
    what it prepares; scores."""
    traffic = Traffic(ranks)
    # program, command line and threads; file, its section; model; processor; end
    traffic.words(8)
    for chunk in chunks_of(batches_of(prompts, gradient_rows(sizes)), threads * ranks):
        traffic.words(2)
        traffic.exchange([sizes.edges * FLOAT] * len(chunk))
    return traffic


def prune_jobs(prompts, step):
    """Prompts of each job of a step."""
    per_batch = math.ceil(len(prompts) / len(batches_of(prompts, BATCH_ROWS)))
    per_job = min(max(math.ceil(step / 4), 2), (per_batch + 1) // 2)
    return [min(per_job, step - at) for at in range(0, step, per_job)]


def shared_prune(sizes, prompts, ranks, steps, step=STEP):
    """Steps of a pruning: the masks of its prompts, then KL and gradient of its jobs."""
    traffic = Traffic(ranks)
    jobs = prune_jobs(prompts, step)
    for _ in range(steps):
        traffic.words()  # whether a signal came
        traffic.exchange([sizes.edges * FLOAT] * step)
        traffic.exchange([n * 8 + sizes.edges * FLOAT for n in jobs])
    return traffic


# --- layers over ranks ---

class Layers:
    """Each rank's layers, and the messages of a job."""

    def __init__(self, sizes, ranks):
        self.sizes, self.ranks, self.traffic = sizes, ranks, Traffic(ranks)
        self.bounds = [sizes.layers * rank // ranks for rank in range(ranks + 1)]
        self.traffic.words(8)

    def along(self, bytes_at, back=False):
        """From each rank to the next, or back: bytes_at(layer) at the boundary before a layer."""
        for rank in range(1, self.ranks):
            ends = (rank, rank - 1) if back else (rank - 1, rank)
            self.traffic.message(*ends, bytes_at(self.bounds[rank]))

    def logits(self, batch):
        n = sum(p.answers for p in batch) * self.sizes.out * FLOAT
        self.traffic.spread([0] * (self.ranks - 1) + [n])

    def edges(self):
        at = [self.sizes.edges_before(layer) for layer in self.bounds]
        at[-1] = self.sizes.edges
        self.traffic.spread([(b - a) * FLOAT for a, b in zip(at, at[1:])])

    def full(self, batch, rows, outputs):
        stream = rows * self.sizes.d * FLOAT
        self.along(lambda layer: stream)
        self.logits(batch)
        if outputs:
            at = [self.sizes.writers_before(layer) for layer in self.bounds]
            at[0] = 0
            self.traffic.spread([(b - a) * stream for a, b in zip(at, at[1:])])

    def deltas(self, rows):
        return lambda layer: self.sizes.writers_before(layer) * rows * self.sizes.d * FLOAT


def all_rows(batch):
    return sum(p.tokens for p in batch)


def run_rows(batch):
    return sum(p.rows for p in batch)


def layers_forward(sizes, prompts, ranks):
    layers = Layers(sizes, ranks)
    for batch in batches_of(prompts, BATCH_ROWS):
        layers.full(batch, all_rows(batch), True)   # clean
        layers.full(batch, all_rows(batch), True)   # corrupted
    return layers.traffic


def layers_attrib(sizes, prompts, ranks):
    layers = Layers(sizes, ranks)
    for batch in batches_of(prompts, gradient_rows(sizes)):
        layers.full(batch, all_rows(batch), True)   # corrupted
        layers.full(batch, run_rows(batch), True)   # clean
        layers.along(lambda layer: run_rows(batch) * sizes.d * FLOAT, back=True)
        layers.edges()
    return layers.traffic


def layers_masks(sizes, prompts, ranks):
    layers = Layers(sizes, ranks)
    for batch in batches_of(prompts, BATCH_ROWS):
        layers.full(batch, all_rows(batch), True)   # corrupted
        layers.along(layers.deltas(run_rows(batch)))
        layers.logits(batch)
        layers.along(layers.deltas(run_rows(batch)), back=True)
        layers.edges()
    return layers.traffic


# --- the check ---

def read_counts(path, ranks):
    counts = {}
    for rank in range(ranks):
        with open(f"{path}.{rank}") as file:
            for line in file:
                kind, *numbers = line.split()
                counts.setdefault(kind, []).append([int(n) for n in numbers])
    return counts


def check(stage, model, task, ranks, threads, path, other=None, steps=0):
    sizes = Sizes(model)
    with open(task) as file:
        prompts = [Prompt(r) for r in map(json.loads, file) if "clean" in r]
    ranks, counts = int(ranks), read_counts(path, int(ranks))
    if stage == "attrib":
        traffic = shared_attrib(sizes, prompts, ranks, int(threads))
    elif stage == "prune":
        traffic = shared_prune(sizes, prompts, ranks, int(steps))
        fewer = read_counts(other, ranks)
        for kind in traffic.of:
            counts[kind] = [[a - b for a, b in zip(x, y)]
                            for x, y in zip(counts[kind], fewer[kind])]
    else:
        traffic = {"layers-forward": layers_forward, "layers-attrib": layers_attrib,
                   "layers-masks": layers_masks}[stage](sizes, prompts, ranks)
    same = True
    for kind, of_ranks in traffic.of.items():
        same &= of_ranks == counts[kind]
        calls, sent, received = (sum(r[i] for r in of_ranks) for i in range(3))
        print(f"{stage}, {ranks} ranks, {kind}: {calls} calls, {sent} bytes sent, {received} received")
        for rank in range(ranks):
            if of_ranks[rank] != counts[kind][rank]:
                print(f"  rank {rank}: {of_ranks[rank]} expected, {counts[kind][rank]} counted")
    return 0 if same else 1


if __name__ == "__main__":
    if sys.argv[1:2] != ["check"]:
        sys.exit(__doc__)
    sys.exit(check(*sys.argv[2:]))
