#!/usr/bin/env python3
"""Tokens, logits, continuations and EAP's scores of Gemma 3 270M from other programs, which read the
same GGUF file. Run by hand; its output, tests/golden/gemma3.json and gemma3-eap.json, is committed:

    python3 tests/golden/make_gemma3.py models/gemma3/model.gguf [--whole FOLDER]

Needs torch 2.7, transformers 4.57.1, accelerate, gguf, sentencepiece and protobuf. Tokens are those of
sentencepiece, which is given the file's pieces and scores. Logits and continuations are as
make_smollm2.py describes them, but of every 4,096th token. The scores are those of make_masked.py's
edge graph, in float32, with the loss -(logit of the answer - logit of the wrong one) at the last
position, mean over the examples; the 1,000 largest by size and every 20th are kept. --whole writes
all logits [20][vocabulary] as F32 to FOLDER/logits, and all scores to FOLDER/scores.json.
"""
import argparse
import json
import pathlib

import gguf
import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2 as pb

import make_masked
from make_smollm2 import load, write_logits

HERE = pathlib.Path(__file__).parent
EXAMPLES = [
    ("When Mary and John went to the store, John gave a drink to",
     "When Anna and Paul went to the store, Jack gave a drink to", " Mary", " John"),
    ("Then, Susan and Mark were working at the office. Mark decided to give a book to",
     "Then, Laura and Peter were working at the office. Kevin decided to give a book to",
     " Susan", " Mark"),
    ("After Tom and Lisa went to the park, Lisa gave a ring to",
     "After Eric and Sarah went to the park, Emma gave a ring to", " Tom", " Lisa"),
    ("While David and Alice were at the school, David gave a letter to",
     "While Simon and Karen were at the school, Brian gave a letter to", " Alice", " David"),
]


def tokenizer(path):
    fields = gguf.GGUFReader(path).fields
    at = {k: fields["tokenizer.ggml." + k].contents() for k in ("tokens", "scores", "token_type")}
    proto = pb.ModelProto()
    for piece, score, kind in zip(*at.values()):
        if kind == gguf.TokenType.USER_DEFINED:  # the file has them with spaces
            piece = piece.replace(" ", "\u2581")
        proto.pieces.add(piece=piece, score=score, type=kind)
    proto.trainer_spec.model_type = pb.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.unk_id = 3
    proto.trainer_spec.bos_id = 2
    proto.trainer_spec.eos_id = 1
    proto.trainer_spec.pad_id = 0
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = False
    proto.normalizer_spec.remove_extra_whitespaces = False
    return sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())


def edge_names(model):
    """In the order in which Model.run reads."""
    writers = ["input"]
    for l in range(len(model.layers)):
        for x in "qkv":
            for h in range(model.heads):
                yield from (f"{w}->a{l}.h{h}<{x}>" for w in writers)
        writers += [f"a{l}.h{h}" for h in range(model.heads)]
        yield from (f"{w}->m{l}" for w in writers)
        writers.append(f"m{l}")
    yield from (f"{w}->logits" for w in writers)


def scores(model, encode):
    total = torch.zeros(model.n_edges())
    for clean, corrupted, right, wrong in EXAMPLES:
        a, b = encode(clean), encode(corrupted)
        (right,), (wrong,) = (encode(t)[1:] for t in (right, wrong))
        assert len(a) == len(b)
        with torch.no_grad():
            other, _ = model.run(b)
        total += model.eap(a, other, lambda x, r=right, w=wrong: x[w] - x[r])[1]
    return {e: float("%.7g" % s) for e, s in zip(edge_names(model), total / len(EXAMPLES))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gguf", type=pathlib.Path)
    parser.add_argument("--whole", type=pathlib.Path)
    options = parser.parse_args()
    pieces = tokenizer(options.gguf)

    def encode(text):
        return [2] + pieces.encode(text)

    real = load(options.gguf)
    write_logits(real, encode, 4096, "every_4096th", "gemma3.json",
                 options.whole and options.whole / "logits")
    make_masked.load = lambda name: real
    every = scores(make_masked.Model("gemma3"), encode)
    if options.whole:
        (options.whole / "scores.json").write_text(json.dumps(every))
    largest = set(sorted(every, key=lambda e: -abs(every[e]))[:1000])
    kept = {e: s for i, (e, s) in enumerate(every.items()) if e in largest or i % 20 == 0}
    examples = [dict(zip(("clean", "corrupted", "answer", "wrong"), e)) for e in EXAMPLES]
    (HERE / "gemma3-eap.json").write_text('{"examples": %s,\n"edges": %d,\n"scores": %s}\n' % (
        json.dumps(examples), len(every), json.dumps(kept, separators=(",", ":"))))


if __name__ == "__main__":
    main()
