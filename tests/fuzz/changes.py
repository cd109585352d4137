"""Values of an input, changed, with the checksums that protect them made right again."""
import copy
import ctypes
import io
import json
import re
import zlib

import msgpack

xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH3_64bits.restype = ctypes.c_uint64

NUMBERS = [0, 1, -1, 2, 7, 31, 255, 256, 65535, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1,
           -2**31, -2**63, 0.5, 1e-300, 1e300, -0.0, float("nan"), float("inf")]
TEXTS = ["", "a", "input", "logits", "m0", "a0.h0", "input->m0", "a0.h0->logits", "a99999.h0<q>",
         "\u001b[31m", "x" * 300, "\u202e", "../../etc/passwd", "/dev/zero", "%s%n", "'", "\n"]
OTHERS = [None, True, False, [], {}, [[]], [{}], {"name": []}, [0] * 50, {"a": {"b": {"c": 1}}}]


def digest(data):
    return xxhash.XXH3_64bits(data, ctypes.c_size_t(len(data)))


def places(value, found, path=()):
    """The paths of all values within a value, itself first."""
    found.append(path)
    if isinstance(value, dict):
        for key in value:
            places(value[key], found, path + (key,))
    elif isinstance(value, list):
        for i in range(min(len(value), 40)):
            places(value[i], found, path + (i,))
    return found


def change(value, rng, numbers=NUMBERS):
    """The value with one of its parts replaced, removed, repeated or renamed."""
    value = copy.deepcopy(value)
    path = rng.choice(places(value, [])[1:] or [()])
    if not path:
        return value
    at = value
    for step in path[:-1]:
        at = at[step]
    last, old = path[-1], at[path[-1]]
    kind = rng.randrange(8)
    if kind == 0:
        del at[last]
    elif kind == 1 and isinstance(at, list):
        at.insert(last, copy.deepcopy(old))
    elif kind == 1:
        at[rng.choice(TEXTS)] = at.pop(last)
    elif kind == 2 and isinstance(old, (int, float)) and not isinstance(old, bool):
        at[last] = old + rng.choice([-1, 1, 100, -100])
    elif kind <= 4:
        at[last] = rng.choice(numbers)
    elif kind == 5 and isinstance(old, bytes):
        at[last] = old[:rng.randrange(len(old) + 1)]
    elif kind <= 6:
        at[last] = rng.choice(TEXTS)
    else:
        at[last] = copy.deepcopy(rng.choice(OTHERS))
    return value


def changes(value, rng):
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        value = change(value, rng)
    return value


def pack(value):
    try:
        return msgpack.packb(value)
    except (OverflowError, ValueError):
        return msgpack.packb({})


def sections(data):
    values = list(msgpack.Unpacker(io.BytesIO(data), max_buffer_size=0,
                                   strict_map_key=False))
    found = []
    for value in values:
        if "hap" in value:
            found.append([value, []])
        elif "end" not in value:
            found[-1][1].append(value)
    return found


def sealed(found):
    """The bytes of sections, whose trailers fit."""
    out = b""
    for header, records in found:
        head, body = pack(header), b"".join(pack(record) for record in records)
        out += head + body + pack({"end": header.get("kind"), "records": len(records),
                                   "crc32": zlib.crc32(head + body),
                                   "digest": "%016x" % digest(body)})
    return out


# What a header says of its records, so that a changed record is not refused for its digest alone.
def fit(header, records):
    for name, key in (("task", "task"), ("circuit", "circuit")):
        if header.get("kind") == name and isinstance(header.get(key), dict):
            header[key]["edges" if name == "circuit" else "examples"] = len(records)
            if name == "task":
                header[key]["digest"] = "%016x" % digest(b"".join(map(pack, records)))
    if header.get("kind") == "cache":
        header["examples"] = len(records)


def changed_stream(data, rng):
    found = sections(data)
    header, records = section = rng.choice(found)
    if records and rng.random() < 0.6:
        i = rng.randrange(len(records))
        records[i] = changes(records[i], rng)
        if rng.random() < 0.2:
            records.append(copy.deepcopy(rng.choice(records)))
        fit(header, records)
    else:
        section[0] = changes(header, rng)
        if rng.random() < 0.9:
            section[0]["hap"], section[0]["kind"] = 1, header["kind"]
    if rng.random() < 0.1:
        found.append(copy.deepcopy(rng.choice(found)))
    return sealed(found)


def changed_json(data, rng):
    return json.dumps(changes(json.loads(data), rng)).encode()


def changed_lines(data, rng):
    lines = data.split(b"\n")
    i = rng.randrange(max(len(lines) - 1, 1))
    lines[i] = changed_json(lines[i], rng)
    return b"\n".join(lines)


def changed_cells(data, rng):
    """Cells, separators and quotes of delimited lines."""
    parts = re.split(rb'([,\t\n"])', data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        i = rng.randrange(len(parts))
        parts[i] = rng.choice([b"", b",", b"\t", b"\n", b'"', b"\r\n", b"\0", b"\xff", b"[]", b'["a', parts[-2],
                               str(rng.choice(NUMBERS)).encode(), rng.choice(TEXTS).encode(),
                               json.dumps(rng.choice(OTHERS)).encode(), rng.choice(parts) * 2])
    return b"".join(parts)


def changed_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(min(len(data), 4096))
        width = rng.choice([1, 1, 4, 8])
        value = rng.choice([0, 1, 0xff, 0x7f, 2**31, 2**32 - 1, 2**62, 2**63]) % (1 << 8 * width)
        data[at:at + width] = value.to_bytes(width, "little")
    return bytes(data)


def changed_checkpoint(data, rng):
    """8 or 4 bytes of a number, and the hash."""
    body = bytearray(data[:-8])
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(8, len(body) - 8) & ~3
        value = rng.choice([b"\xff" * 8, bytes(8), b"\xff" * 7 + b"\x7f", bytes(4) + b"\x01" + bytes(3),
                            b"\0\0\xc0\x7f" * 2, rng.randbytes(8), b"\1" + bytes(7)])
        body[at:at + 8] = value
    return bytes(body) + digest(bytes(body)).to_bytes(8, "little")
