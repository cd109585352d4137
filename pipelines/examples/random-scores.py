#!/usr/bin/env python3
"""An attribution stage in another language: hap-forward ... | random-scores.py [SEED] > FILE
ranks the edges at random, which any attribution must beat."""
import random, sys, zlib, msgpack

sections = msgpack.Unpacker(sys.stdin.buffer, max_buffer_size=0)
header = last = next(sections)
for last in sections: pass
if header["kind"] != "cache" or "end" not in last:
    sys.exit("random-scores.py: cannot read standard input: not a cache, or truncated")
graph, seed = header["graph"], (sys.argv[1:] or ["1"])[0]
writers, edges = ["input"], []
for layer in range(graph["layers"]):
    heads = [f"a{layer}.h{h}" for h in range(graph["heads"])]
    edges += [f"{w}->{h}<{x}>" for x in "qkv" for h in heads for w in writers]
    edges += [f"{w}->m{layer}" for w in writers + heads * (not graph["parallel"])]
    writers += heads + [f"m{layer}"]
edges += [f"{w}->logits" for w in writers]
rank = random.Random(seed).random
entry = {"name": "random-scores.py", "version": "1", "arguments": [seed]}
header |= {"kind": "scores", "method": {"name": "random"}, "seed": int(seed), "requires": [],
           "history": header["history"] + [entry]}
section = b"".join(map(msgpack.packb, [header] + [{"edge": e, "score": rank()} for e in edges]))
trailer = {"end": "scores", "records": len(edges), "crc32": zlib.crc32(section)}
sys.stdout.buffer.write(section + msgpack.packb(trailer))
