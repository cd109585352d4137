"""Read and write the streams of hap with numpy, and run its programs.

    import hap
    task = hap.run("task", "ioi", n=50, model="demo")
    cache = hap.run("forward", task, model="demo")
    scores = hap.run("attrib", cache)
    scores.column("score")              # numpy, in the order of scores.edges
    scores.frame()                      # pandas, if it is installed

The format is that of hap-stream(5): sections of msgpack maps, each a header, records and a trailer
with the number of records and a crc32. A section that is truncated or damaged is an error.
Tensors become numpy arrays (bf16 becomes float32).
"""
import gzip
import os
import shutil
import subprocess
import sys
import zlib

import msgpack
import numpy as np

__version__ = "0.1.0"
__all__ = ["Error", "Section", "read", "read_all", "records", "write", "to_bytes", "run",
           "task", "scores", "circuit", "writers", "readers", "edges"]

STREAM_VERSION = 1
KNOWN_REQUIREMENTS = {"split-input", "positions"}
DTYPES = {"f32": "<f4", "f16": "<f2", "bf16": "<u2"}


class Error(Exception):
    """A stream that cannot be used, or a program that failed."""


# --- values ---

def _array(value):
    """A tensor as a numpy array; any other value as it is."""
    if not (isinstance(value, dict) and value.keys() == {"dtype", "shape", "data"}):
        return value
    if value["dtype"] not in DTYPES:
        raise Error(f"unknown dtype {value['dtype']!r}")
    flat = np.frombuffer(value["data"], DTYPES[value["dtype"]])
    if value["dtype"] == "bf16":  # the upper half of a float32
        flat = (flat.astype("<u4") << 16).view("<f4")
    return flat.reshape(value["shape"])


def _plain(value):
    """The reverse: numpy to what msgpack packs. Arrays of float16 stay f16, others become f32."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        half = value.dtype == np.float16
        data = np.ascontiguousarray(value, "<f2" if half else "<f4")
        return {"dtype": "f16" if half else "f32", "shape": list(data.shape),
                "data": data.tobytes()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


# --- names ---

def writers(graph):
    """The names of a graph's writers, in the order of a cache's outputs. `graph`: a header's."""
    names = ["tok", "pos"] if graph.get("input") == "split" else ["input"]
    for layer in range(graph["layers"]):
        names += [f"a{layer}.h{head}" for head in range(graph["heads"])] + [f"m{layer}"]
    return names


def readers(graph):
    """The names of a graph's readers, in the order of its edges."""
    names = []
    for layer in range(graph["layers"]):
        names += [f"a{layer}.h{head}<{x}>" for x in "qkv" for head in range(graph["heads"])]
        names.append(f"m{layer}")
    return names + ["logits"]


def edges(graph):
    """The names of all edges of a graph, in hap's order."""
    all_writers, per_layer = writers(graph), graph["heads"] + 1
    first = len(all_writers) - graph["layers"] * per_layer
    names = []
    for reader in readers(graph):
        if reader == "logits":
            n = len(all_writers)
        else:
            n = first + int(reader[1:].split(".")[0]) * per_layer
            if reader[0] == "m" and not graph.get("parallel"):
                n += graph["heads"]
        names += [f"{writer}->{reader}" for writer in all_writers[:n]]
    if graph.get("positions"):
        names = [f"{name}@{at}" for at in graph["positions"] for name in names]
    return names


# --- reading ---

class Section:
    """A header and its records: a list of dicts, tensors as arrays."""

    def __init__(self, header, records):
        self.header, self.records = header, records

    def __repr__(self):
        return f"<hap {self.kind}: {len(self.records)} records>"

    def __len__(self):
        return len(self.records)

    def __iter__(self):
        return iter(self.records)

    @property
    def kind(self):
        return self.header["kind"]

    @property
    def graph(self):
        return self.header["graph"]

    @property
    def edges(self):
        """The names of the records' edges, in their order."""
        return [record["edge"] for record in self.records]

    def column(self, name):
        """One field of all records as a numpy array."""
        return np.array([record[name] for record in self.records])

    def dense(self, name=None, missing=0.0):
        """Scores or z of every edge of the graph, in the order of hap.edges(graph)."""
        name = name or ("z" if self.kind == "circuit" else "score")
        values = {record["edge"]: record[name] for record in self.records}
        return np.array([values.get(edge, missing) for edge in edges(self.graph)], float)

    def frame(self):
        """The records as a pandas data frame; edges also in their parts."""
        import pandas
        frame = pandas.DataFrame.from_records(self.records)
        if "edge" in frame:
            parts = frame["edge"].str.extract(r"^(.*)->([^@]*)(?:@(.*))?$")
            frame["writer"], frame["reader"] = parts[0], parts[1]
            if parts[2].notna().any():
                frame["position"] = parts[2]
        return frame

    def save(self, path):
        write(path, self)


def _open(source):
    """The bytes of a path, an open file or bytes, without gzip."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data, name = bytes(source), "bytes"
    elif hasattr(source, "read"):
        data, name = source.read(), getattr(source, "name", "input")
    else:
        name = os.fspath(source)
        with open(source, "rb") as file:
            data = file.read()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as why:
            raise Error(f"cannot read '{name}': damaged gzip: {why}") from why
    return data, name


def _check_header(header, name):
    if not isinstance(header, dict) or "hap" not in header:
        raise Error(f"cannot read '{name}': not a hap stream")
    if header["hap"] > STREAM_VERSION:
        raise Error(f"cannot read '{name}': version {header['hap']} is newer than this reader")
    unknown = set(header.get("requires") or []) - KNOWN_REQUIREMENTS
    if unknown:
        raise Error(f"cannot read '{name}': it requires {', '.join(sorted(unknown))}")


def _sections(source):
    """Yields ("header", map), ("record", map) and ("end", map) of all sections, checked."""
    data, name = _open(source)
    unpacker = msgpack.Unpacker(raw=False, max_buffer_size=max(len(data), 1), strict_map_key=False)
    unpacker.feed(data)
    header, begin, at, n = None, 0, 0, 0
    while True:
        before = at
        try:
            value = unpacker.unpack()
        except msgpack.OutOfData:
            break
        except (ValueError, msgpack.UnpackException) as why:
            raise Error(f"cannot read '{name}': not msgpack after byte {before}: {why}") from why
        at = unpacker.tell()
        if header is None:
            _check_header(value, name)
            header, begin, n = value, before, 0
            yield "header", header
        elif not isinstance(value, dict):
            raise Error(f"cannot read '{name}': record {n + 1} is not a map")
        elif "end" in value:
            if value["end"] != header["kind"] or value.get("records") != n:
                raise Error(f"cannot read '{name}': damaged after record {n}")
            if value.get("crc32") != zlib.crc32(data[begin:before]):
                raise Error(f"cannot read '{name}': its crc32 is wrong")
            header = None
            yield "end", value
        else:
            n += 1
            yield "record", {key: _array(item) for key, item in value.items()}
    if header is not None or at != len(data):
        raise Error(f"cannot read '{name}': truncated after record {n}")


def read_all(source):
    """All sections of a stream: a path, an open file or bytes."""
    found = []
    for what, value in _sections(source):
        if what == "header":
            found.append(Section(value, []))
        elif what == "record":
            found[-1].records.append(value)
    return found


def read(source, kind=None):
    """The only section of a stream, or the only one of a kind."""
    found = [section for section in read_all(source) if kind in (None, section.kind)]
    if len(found) != 1:
        raise Error(f"there are {len(found)} sections{f' of kind {kind}' if kind else ''}, not one")
    return found[0]


def records(source, kind=None):
    """Yields the records one by one, so that arrays of a large cache can be dropped."""
    current = None
    for what, value in _sections(source):
        if what == "header":
            current = value["kind"]
        elif what == "record" and kind in (None, current):
            yield value


# --- writing ---

def to_bytes(*sections):
    out = b""
    for section in sections:
        body = b"".join(msgpack.packb(_plain(value), use_bin_type=True)
                        for value in [section.header, *section.records])
        end = {"end": section.kind, "records": len(section.records), "crc32": zlib.crc32(body)}
        out += body + msgpack.packb(end)
    return out


def write(path, *sections):
    """Writes sections to a file, completely or not at all."""
    temporary = f"{os.fspath(path)}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(to_bytes(*sections))
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def _header(kind, like, fields, arguments):
    kept = ("model", "graph", "task", "tokenizer", "ablation")
    header = {"hap": STREAM_VERSION, "kind": kind}
    if like is not None:
        source = like.header if isinstance(like, Section) else like
        header.update({key: source[key] for key in kept if key in source})
        if source.get("requires"):
            header["requires"] = source["requires"]
        header["history"] = list(source.get("history", []))
    header.update(fields)
    header.setdefault("history", []).append(
        {"name": "hap.py", "version": __version__, "arguments": list(arguments)})
    return header


def task(prompts, name="own"):
    """A task from dicts {"clean", "corrupted", "answers", "wrongs", ...}; ids are numbers from 1."""
    rows = [{"id": str(i), **prompt} for i, prompt in enumerate(prompts, 1)]
    description = {"name": name, "source": "hap.py", "corruption": "corrupted", "seed": 0,
                   "examples": len(rows)}
    return Section(_header("task", None, {"task": description}, ["task"]), rows)


def scores(like, values, method="own"):
    """Scores of a graph. `like`: a section with the graph (a cache, scores, a circuit); `values`: a
    dict of edges, or an array in the order of hap.edges(graph)."""
    graph = like.header["graph"]
    if not isinstance(values, dict):
        names = edges(graph)
        if len(names) != len(values):
            raise Error(f"there are {len(values)} values for {len(names)} edges")
        values = dict(zip(names, np.asarray(values, float)))
    rows = [{"edge": edge, "score": float(score)} for edge, score in values.items()]
    return Section(_header("scores", like, {"method": {"name": method}}, ["scores", method]), rows)


def circuit(like, kept, name=None):
    """A circuit of a graph. `kept`: names of edges, a dict {edge: z}, or a boolean or z array in the
    order of hap.edges(graph)."""
    graph = like.header["graph"]
    all_edges = edges(graph)
    if isinstance(kept, np.ndarray):
        kept = {edge: z for edge, z in zip(all_edges, kept.astype(float)) if z > 0}
    elif not isinstance(kept, dict):
        kept = {edge: 1.0 for edge in kept}
    unknown = set(kept) - set(all_edges)
    if unknown:
        raise Error(f"not edges of the graph: {', '.join(sorted(unknown)[:3])}")
    fields = {"circuit": {"edges": len(kept), "of": len(all_edges),
                          "sparsity": 1 - len(kept) / len(all_edges)}}
    if name:
        fields["name"] = name
    rows = [{"edge": edge, "z": float(kept[edge])} for edge in all_edges if edge in kept]
    return Section(_header("circuit", like, fields, ["circuit"]), rows)


# --- programs ---

def _program(name):
    name = name if name.startswith("hap-") else f"hap-{name}"
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "bin")
    folders = [os.environ.get("HAP_BIN"), beside, *os.environ.get("PATH", "").split(os.pathsep)]
    for folder in filter(None, folders):
        if shutil.which(name, path=folder):
            return os.path.join(folder, name)
    raise Error(f"there is no program {name}: put it in PATH, or its folder in HAP_BIN")


def _options(options):
    for key, value in options.items():
        key = {"n": "number", "j": "threads"}.get(key, key).replace("_", "-")
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is True:
                yield f"--{key}"
            elif item is not None and item is not False:
                yield f"--{key}={item}"


def run(name, *inputs, **options):
    """Runs a program, such as run("attrib", cache, method="eap"). Inputs are sections, or names of
    files and other operands. Options are keywords: dashes become underscores, True is a flag, a list
    repeats the option. Returns the section that it writes, a list of them if there are several, or
    text for hap-show and hap-model."""
    sections = [item for item in inputs if isinstance(item, Section)]
    operands = [os.fspath(item) for item in inputs if not isinstance(item, Section)]
    if sections and operands:
        operands.insert(0, "-")
    options.setdefault("quiet", True)
    command = [_program(name), *_options(options), *operands]
    done = subprocess.run(command, input=to_bytes(*sections), capture_output=True, check=False)
    if done.returncode:
        raise Error(done.stderr.decode(errors="replace").strip() or f"{command[0]} failed")
    if done.stderr and not options["quiet"]:
        sys.stderr.write(done.stderr.decode(errors="replace"))
    if done.stdout:
        try:
            return done.stdout.decode()
        except UnicodeDecodeError:  # a stream: it begins with a byte that begins no text
            pass
    found = read_all(done.stdout)
    return found[0] if len(found) == 1 else found
