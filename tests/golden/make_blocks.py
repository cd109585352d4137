#!/usr/bin/env python3
"""Random blocks of ggml's quantised formats and what Python's gguf package
reads in them. Run by hand; its output, tests/golden/blocks.json, is committed:

    python3 tests/golden/make_blocks.py

Every byte of a block is random but for its halves (scales), which are small
finite numbers of either sign, a subnormal one among them.
"""
import json
import pathlib

import gguf
import numpy as np

# where the halves of a block lie
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def main():
    rng = np.random.default_rng(1)
    kinds = {}
    for name, places in HALVES.items():
        kind = gguf.GGMLQuantizationType[name]
        size = gguf.GGML_QUANT_SIZES[kind][1]
        blocks = rng.integers(0, 256, (3, size), dtype=np.uint8)
        for i, block in enumerate(blocks):
            for place in places:
                scale = np.float16(2e-6 if i == 2 else rng.normal() * 0.1)
                block[place:place + 2] = np.frombuffer(scale.tobytes(), np.uint8)
        values = gguf.quants.dequantize(blocks.reshape(-1), kind).ravel()
        kinds[name] = {"data": blocks.tobytes().hex(),
                       "values": [float("%.9g" % v) for v in values]}
    out = pathlib.Path(__file__).parent / "blocks.json"
    out.write_text("{\n" + ",\n".join(
        json.dumps(k) + ": " + json.dumps(v) for k, v in kinds.items()) + "\n}\n")


if __name__ == "__main__":
    main()
