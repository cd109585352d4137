#!/usr/bin/env python3
"""Checks the order of the rooms of src/ (docs/architecture.md).

    rooms.py includes            includes of later rooms
    rooms.py engine              what the headers of forward/ may not reach, and which of them
                                 only forward/ may include
    rooms.py calls OBJECTS       uses of later rooms' symbols, from the objects under a
                                 folder such as build/
    rooms.py circles OBJECTS     files that use each other's symbols in a circle

Prints each violation as a line. Exit status: 1 if there is any.
"""
import pathlib
import re
import subprocess
import sys

ROOMS = "common tokenizer model graph task forward data metric attrib prune eval merge show convert".split()
SRC = pathlib.Path(__file__).resolve().parent.parent / "src"


def includes(path):
    """The project's files that a file includes, relative to src/."""
    return re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)


def room(name):
    return ROOMS.index(name.split("/")[0])


def check_includes():
    for path in sorted(SRC.glob("*/*.[ch]")):
        name = str(path.relative_to(SRC))
        if name.split("/")[0] not in ROOMS:
            yield f"{name}: no room '{name.split('/')[0]}' is known"
            continue
        for other in includes(path):
            if room(other) > room(name):
                yield f"{name} includes {other} of a later room"


def reached(name, seen):
    for other in includes(SRC / name):
        if other not in seen:
            seen.add(other)
            reached(other, seen)
    return seen


def check_engine():
    """The engine takes token arrays and weights: no JSON, no stream, no tokenizer, no prompt. What
    its runs keep for their backward (forward/*_state.h) is its own; others use run_values.h."""
    for path in sorted(SRC.glob("*/*.[ch]")):
        name = str(path.relative_to(SRC))
        for other in includes(path):
            if other.startswith("forward/") and other.endswith("_state.h") and room(name) > room(other):
                yield f"{name} includes {other}"
    for path in sorted((SRC / "forward").glob("*.h")):
        name = str(path.relative_to(SRC))
        for other in sorted(reached(name, {name})):
            if "jansson.h" in (SRC / other).read_text():
                yield f"{name} reaches jansson.h through {other}"
            if other.split("/")[0] in ("tokenizer", "task") or other == "common/stream.h":
                yield f"{name} reaches {other}"


def symbols(folder):
    """For each source file: the public symbols that it defines, and those that it uses."""
    defined, used = {}, {}
    for path in sorted(SRC.glob("*/*.c")):
        name = str(path.relative_to(SRC))[:-2]
        out = subprocess.run(["nm", str(pathlib.Path(folder) / (name + ".o"))], check=True,
                             capture_output=True, text=True).stdout
        defined[name] = set(re.findall(r" [TDBRVW] (hap_\w+)$", out, re.M))
        used[name] = set(re.findall(r" U (hap_\w+)$", out, re.M))
    return defined, used


def uses(folder):
    """For each source file: the files whose symbols it uses, with one of them."""
    defined, used = symbols(folder)
    home = {symbol: name for name, all_of in defined.items() for symbol in all_of}
    return {name: {home[s]: s for s in sorted(all_of) if s in home and home[s] != name}
            for name, all_of in used.items()}


def check_calls(folder):
    for name, others in uses(folder).items():
        for other, symbol in others.items():
            if room(other) > room(name):
                yield f"{name}.c uses {symbol} of {other}.c in a later room"


def circles(graph):
    """Strongly connected components of more than one file (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in graph[v]:
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = []
            while not part or part[-1] != v:
                part.append(stack.pop())
            if len(part) > 1:
                found.append(sorted(part))

    for v in graph:
        if v not in index:
            visit(v)
    return found


def check_circles(folder):
    graph = uses(folder)
    for part in circles(graph):
        for name in part:
            for other in part:
                if other in graph[name]:
                    yield f"circle: {name}.c uses {graph[name][other]} of {other}.c"


def main():
    checks = {"includes": check_includes, "engine": check_engine,
              "calls": check_calls, "circles": check_circles}
    if len(sys.argv) < 2 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    found = list(checks[sys.argv[1]](*sys.argv[2:]))
    print("".join(line + "\n" for line in found), end="")
    sys.exit(1 if found else 0)


main()
