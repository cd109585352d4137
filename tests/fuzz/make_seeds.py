#!/usr/bin/env python3
"""Seeds for the fuzz targets of text and of small files, made with hap's programs and the model of one
layer in corpus/safetensors/gpt2.

    PATH=bin:$PATH tests/fuzz/make_seeds.py

Run by hand; its output in tests/fuzz/corpus is committed. make_models.py makes the seeds of models.
"""
import ctypes
import io
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpus"
xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH3_64bits.restype = ctypes.c_uint64


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def run(command):
    subprocess.run(command, shell=True, check=True)


def model():
    """The small model as a folder, 'model'."""
    data = (CORPUS / "safetensors/gpt2").read_bytes()
    n = struct.unpack("<H", data[:2])[0]
    os.mkdir("model")
    pathlib.Path("model/config.json").write_bytes(data[2:2 + n])
    pathlib.Path("model/model.safetensors").write_bytes(data[2 + n:])


PROMPTS = [
    {"clean": [0, 1, 2], "corrupted": [0, 2, 2], "answer": 1, "wrong": 0, "positions": {"S": 1}},
    {"id": "b", "clean": [1, 1], "corrupted": [2, 1], "answers": [0, 2], "wrongs": [1]},
]

SECTIONS = {
    "task": "cat task",
    "cache": "hap-forward -m model --dtype f16 one",
    "positions": "hap-attrib -m model --positions S one",
    "split": "hap-attrib -m model --split-input one | hap-select --keep 5",
    "scores": "hap-attrib -m model task",
    "nodes": "hap-attrib -m model --nodes task",
    "each": "hap-attrib -m model --per-example --dtype f16 task",
    "circuit": "hap-attrib -m model task | hap-select --keep 6",
    "circuits": "cat circuit circuit-2",
    "constants": "hap-ablate -m model --steps 1 task",
    "report": "hap-eval -m model --per-example --resamples 10 task circuit",
    "curve": "hap-eval -m model --curve task scores",
    "shards": "cat shard-1 shard-2",
    "reports": "cat report-1 report-2",
    "both": "cat task circuit constants",
}


def sections():
    run("hap-task -q --from prompts -o task && hap-task -q --from one-prompt -o one &&"
        " hap-attrib -q -m model -o scores task && hap-select -q --keep 6 -o circuit scores &&"
        " hap-select -q --keep 3 -o circuit-2 scores && hap-ablate -q -m model --steps 1 -o constants task")
    for i in "12":
        run("hap-task -q --from prompts --shard %s/2 -o part-%s && hap-attrib -q -m model -o shard-%s part-%s"
            " && hap-eval -q --per-example --resamples 10 --metric kl -m model -o report-%s part-%s circuit"
            % (i, i, i, i, i, i))
    for name, command in SECTIONS.items():
        text = subprocess.run("set -o pipefail; %s | hap-convert -q --to json" % command, shell=True,
                              executable="bash", check=True, stdout=subprocess.PIPE).stdout
        write("sections", name, text)


def exchange():
    for form in ("mib", "auto-circuit"):
        run("hap-convert -q --to %s -o %s scores" % (form, form))
        write(form.replace("-", "_"), "scores", pathlib.Path(form).read_bytes())
    run("hap-convert -q --to mib -o both.json scores circuit && hap-convert -q --to acdc -o acdc circuit")
    write("mib", "both", pathlib.Path("both.json").read_bytes())
    write("acdc", "circuit", pathlib.Path("acdc").read_bytes())
    run("hap-attrib -q -m model --split-input one | hap-select -q --keep 5 |"
        " hap-convert -q --to edge-pruning -o list")
    write("edge_pruning", "circuit", pathlib.Path("list").read_bytes())


TEXTS = {
    "lines": '{"clean": "When Mary and John left, John gave it to", "corrupted": "When Mary and John left, Mary '
             'gave it to", "answers": [" Mary and John", " Mary."], "wrongs": [" John"], '
             '"positions": {"S": ["John", 2]}}\n\n{"id": 7, "clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": '
             '5, "wrong": [6, 7], "at": [2], "positions": {"A": 1, "B": 2}, "note": null}\n',
    "array": '[{"clean": "So Mary is", "corrupted": "So Tim is", "answer": " she", "wrong": " he"}, '
             '{"clean": [1], "corrupted": [2], "answers": [3]}]',
    "auto-circuit": '{"seq_labels": ["a", "S"], "word_idxs": {"S": 1, "end": 2}, "prompts": [{"clean": "So Mary is", '
                    '"corrupt": "So Tim is", "answers": [" she"], "wrong_answers": [" he"]}]}',
    "csv": 'note,clean,corrupted,answers,wrong,positions\n"a ""b"", c","So Mary, is","So Tim, is",'
           '"["" she"", "" it""]",,"{""S"": ""Mary""}"\n"two\nlines","So Mary\nis","So Tim\nis", she, he,\n',
    "tsv": "clean\tcorrupted\tanswer\twrong\tid\nSo Mary is\tSo Tim is\t she\t he\tx\n",
    "idx": "clean,corrupted,correct_idx,incorrect_idx\nSo Mary is,So Tim is,40,41\n",
}

LOG = ('{"step":0,"kl":0.5,"sparsity":0.1,"target":0.2,"edges":10,"seconds":0.1}\n'
       '{"step":1,"kl":0.25,"sparsity":0.2,"target":0.2,"edges":9,"seconds":0.2}\n')

CLASSES = {"name": "x", "source": "y", "classes": {"movers": ["a0.h0", "a1.h1"], "others": ["m0"]},
           "edges": ["a0.h0->logits", "input->m0"]}

OPTIONS = {
    "all": "-f\n--text\nwords\n--real=1.5\n--keep\n20%\n--choice=exact\n-a\none\n--also=two\n-n7\nfile",
    "shared": "-m\nmodel\n-j\n4\n-o\nout\n--max-memory\n1.5GiB\n--weights=stored\n-pzq\n--\n-x",
    "prune": "--recipe\nrank\n--edges\n94\n--steps=20\n--set\nmomentum=0.5\n--seeds\n3\n--seed\n1\nin",
    "acdc": "--recipe=acdc\n--set=threshold=0.1\n--checkpoint\nstate\n--every\n2\n--log\nlog",
    "edge-pruning": "--recipe\nedge-pruning\n--sparsity\n94%\n--batch\n4\n--cache-dtype\nf16\n--avoid\nx",
    "help": "--help\n--version",
}


def gguf():
    """A value of each type, arrays of each, and a tensor."""
    def text(t):
        return struct.pack("<Q", len(t)) + t.encode()
    formats = ["<B", "<b", "<H", "<h", "<I", "<i", "<f", "<B", None, None, "<Q", "<q", "<d"]
    values = []
    for kind, form in enumerate(formats):
        if kind == 9:
            continue
        one = text("va") if kind == 8 else struct.pack(form, 1)
        values.append(text("k.%d" % kind) + struct.pack("<I", kind) + one)
        values.append(text("a.%d" % kind) + struct.pack("<IIQ", 9, kind, 2) + one + one)
    values.append(text("general.alignment") + struct.pack("<II", 4, 32))
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(values)) + b"".join(values)
    head += text("t") + struct.pack("<IQQIQ", 2, 2, 2, 0, 0)
    return head + bytes(-len(head) % 32) + struct.pack("<4f", 1, 2, 3, 4) + bytes(16)


def checkpoint():
    """The fields of settings.c."""
    fields = struct.pack("<q4q", 7, 0, 3, 12, 5) + struct.pack("<6f", *range(6)) + \
        struct.pack("<4d", 1, 2, 3, float("inf")) + bytes(range(8))
    body = b"hapstate" + struct.pack("<QQQ", 4, 5, len(fields)) + fields
    return body + struct.pack("<Q", xxhash.XXH3_64bits(body, ctypes.c_size_t(len(body))))


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("a/stored.txt", "as it is\n")
        z.writestr("b/packed.gguf", "again and " * 8, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def configs():
    """One for each family and form of a description."""
    seen = set()
    for path in sorted((ROOT / "tests/golden/families").glob("*/config.json")):
        config = json.loads(path.read_bytes())
        keys = (config.get("model_type"), *sorted(config))
        if keys not in seen:
            seen.add(keys)
            write("config", path.parent.name, json.dumps(config, separators=(",", ":")))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model()
        pathlib.Path("prompts").write_text("".join(json.dumps(p) + "\n" for p in PROMPTS))
        pathlib.Path("one-prompt").write_text(json.dumps(PROMPTS[0]) + "\n")
        sections()
        exchange()
        os.chdir("/")
    for name, text in TEXTS.items():
        write("prompts", name, text)
    write("log", "log", LOG)
    write("classes", "classes", json.dumps(CLASSES))
    for name, text in OPTIONS.items():
        write("options", name, text)
    write("gguf_values", "all", gguf())
    write("checkpoint", "state", checkpoint())
    write("zip", "stored", archive())
    tensors = ["transformer.wte.weight", "transformer.wpe.weight"]
    write("index", "two", json.dumps({"metadata": {"total_size": 1},
                                      "weight_map": {t: "a.safetensors" for t in tensors}}))
    configs()


if __name__ == "__main__":
    main()
