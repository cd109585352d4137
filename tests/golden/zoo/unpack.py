#!/usr/bin/env python3
"""Unpacks a model of the zoo into a folder that hap's programs read.

    python3 unpack.py FILE.json FOLDER

FOLDER gets config.json, model.safetensors, prompts.jsonl, and a reference circuit for each
ablation, ABLATION.json, as hap-eval --reference reads it. Needs no package.
"""

import array
import json
import os
import struct
import sys


def dense(tensor):
    size = 1
    for n in tensor["shape"]:
        size *= n
    values = array.array("f", bytes(4 * size))
    for at, value in zip(tensor["at"], tensor["values"]):
        values[at] = value
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def safetensors(tensors):
    header, body = {}, b""
    for name, tensor in tensors.items():
        data = dense(tensor)
        header[name] = {"dtype": "F32", "shape": tensor["shape"],
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: unpack.py FILE.json FOLDER")
    with open(sys.argv[1]) as file:
        model = json.load(file)
    os.makedirs(sys.argv[2], exist_ok=True)

    def write(name, data):
        with open(os.path.join(sys.argv[2], name), "wb") as file:
            file.write(data)

    write("config.json", json.dumps(model["config"]).encode())
    write("model.safetensors", safetensors(model["tensors"]))
    write("prompts.jsonl", "".join(json.dumps(p) + "\n" for p in model["prompts"]).encode())
    for ablation, circuit in model["circuits"].items():
        write(f"{ablation}.json", json.dumps({"name": f"{model['name']}, {ablation}",
                                              "edges": circuit["edges"]}).encode())


if __name__ == "__main__":
    main()
