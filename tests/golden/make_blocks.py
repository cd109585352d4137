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
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q2_K": [80, 82], "Q3_K": [108],
          "IQ2_XXS": [0], "IQ2_XS": [0], "IQ3_XXS": [0], "IQ1_S": [0], "IQ4_NL": [0],
          "IQ3_S": [0], "IQ2_S": [0], "IQ4_XS": [0], "IQ1_M": [], "TQ1_0": [52], "TQ2_0": [64],
          "MXFP4": []}


def set_scale(name, block, rng):
    """The scales that are no halves at one place."""
    if name == "MXFP4":
        block[0] = rng.choice([0, 1, 2, 122, 127])
    if name == "IQ1_M":  # a half in the high quarters of four numbers
        bits = int(np.frombuffer(np.float16(rng.normal() * 0.1).tobytes(), np.uint16)[0])
        for i in range(4):
            block[49 + 2 * i] = block[49 + 2 * i] & 15 | (bits >> 4 * i & 15) << 4


def main():
    rng = np.random.default_rng(1)
    kinds = {}
    for name, places in HALVES.items():
        kind = gguf.GGMLQuantizationType[name]
        size = gguf.GGML_QUANT_SIZES[kind][1]
        blocks = rng.integers(0, 256, (3, size), dtype=np.uint8)
        for i, block in enumerate(blocks):
            for place in places:
                scale = np.float16(2e-6 if i == 2 else rng.normal() * (1 if name.startswith("TQ") else 0.1))
                block[place:place + 2] = np.frombuffer(scale.tobytes(), np.uint8)
            set_scale(name, block, rng)
        if name == "MXFP4":
            blocks[0, 0] = 125
        values = gguf.quants.dequantize(blocks.reshape(-1), kind).ravel()
        kinds[name] = {"data": blocks.tobytes().hex(),
                       "values": [float("%.9g" % v) for v in values]}
    out = pathlib.Path(__file__).parent / "blocks.json"
    out.write_text("{\n" + ",\n".join(
        json.dumps(k) + ": " + json.dumps(v) for k, v in kinds.items()) + "\n}\n")


if __name__ == "__main__":
    main()
