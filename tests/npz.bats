load helper

# hap-convert --to npz as numpy.load reads it, against python/hap.py, another reader of the streams.

setup() {
        need_python msgpack numpy
        export PYTHONPATH=$root/python
        cd "$tmp"
}

# compare STREAM NPZ: every field of every record has the same values and type in both.
compare() {
        python3 - "$@" <<'END'
import json, sys, zipfile
import numpy as np, hap
sections, arrays = hap.read_all(sys.argv[1]), np.load(sys.argv[2])
assert zipfile.ZipFile(sys.argv[2]).testzip() is None
records = [record for section in sections for record in section]
assert [json.loads(text)["kind"] for text in arrays["header"]] == [s.kind for s in sections]
assert json.loads(arrays["header"][0])["graph"] == sections[0].graph
of_cache = sections[0].kind == "cache"
assert ("writers" in arrays) == of_cache
if of_cache:
    assert list(arrays["writers"]) == hap.writers(sections[0].graph)
seen = 0
for name in {key for record in records for key in record}:
    for i, record in enumerate(records):
        ours = arrays[name][i] if name in arrays else arrays[f"{name}/{i}"]
        value = record[name]
        if isinstance(value, dict):
            assert json.loads(str(ours)) == value
        elif isinstance(value, str):
            assert ours == value
        else:
            value = np.array(value)
            assert ours.shape == value.shape, (name, ours.shape, value.shape)
            assert ours.dtype == value.dtype, (name, ours.dtype, value.dtype)
            assert np.array_equal(ours, value), name
        seen += 1
assert seen >= 2 * len(records) > 0
if "edge" in arrays:
    edges = [f"{w}->{r}" for w, r in zip(arrays["writer"], arrays["reader"])]
    if "position" in arrays:
        edges = [f"{edge}@{at}" for edge, at in zip(edges, arrays["position"])]
    assert edges == list(arrays["edge"])
END
}

@test "numpy reads the values of a cache of each dtype, of scores, circuits and constants" {
        hap-task -q ioi -n 4 -m demo -o t
        for dtype in f32 f16 bf16; do
                hap-forward -q --dtype $dtype -m demo -o c t
                hap-convert -q --to npz -o c.npz c
                compare c c.npz
        done
        hap-attrib -q -m demo -o scores t
        hap-attrib -q --nodes -m demo -o nodes t
        hap-select -q --keep 20% -o circuit scores
        hap-ablate -q --steps 2 -m demo -o constants t circuit
        for kind in scores nodes circuit constants; do
                hap-convert -q --to npz -o x.npz $kind
                compare $kind x.npz
        done
}

@test "the scores of examples have the names of their edges or nodes, positions too" {
        hap-task -q ioi -n 3 -m demo | hap-forward -q -m demo --positions S2,END -o c
        hap-convert -q --to npz -o c.npz c
        compare c c.npz
        hap-attrib -q -o s c
        hap-convert -q --to npz -o s.npz s
        compare s s.npz
        hap-attrib -q --nodes -o n c
        hap-attrib -q --per-example -o examples.edge c
        hap-attrib -q --nodes --per-example -o examples.node c
        for of in edge node; do
                python3 - $of <<'END'
import subprocess, sys
import numpy as np, hap
of = sys.argv[1]
hap.read(f"examples.{of}", "example-scores").save("only")
subprocess.run(["hap-convert", "-q", "--to", "npz", "-o", "only.npz", "only"], check=True)
arrays = np.load("only.npz")
want = {record[of]: record["score"] for record in hap.read("s" if of == "edge" else "n")}
values = arrays["scores"].astype(float)
if "scale" in arrays:
    values *= arrays["scale"][:, None]
assert values.shape == (3, len(arrays["names"]))
got = dict(zip(arrays["names"], values.mean(0)))
assert set(want) <= set(got) and len(want) > 10
for name, score in want.items():
    assert abs(got[name] - score) < 2e-3 * max(map(abs, want.values())), (name, got[name], score)
END
        done
}

@test "prompts of one length are one array, and several sections have their number and file" {
        printf '%s\n' '{"clean": "So Mary is", "corrupted": "So Tim is", "answer": " she"}' \
                '{"clean": "So Tim is", "corrupted": "So Mary is", "answer": " he"}' |
                hap-task -q --from - -m demo | hap-forward -q -m demo -o c
        hap-convert -q --to npz -o c.npz c
        compare c c.npz
        hap-convert -q --to npz -o two.npz c c
        python3 - <<'END'
import numpy as np
one, two = np.load("c.npz"), np.load("two.npz")
assert one["clean_outputs"].shape[:2] == (2, 21) and "section" not in one
assert list(two["section"]) == [1, 1, 2, 2] and list(two["file"]) == ["c"] * 4
assert len(two["header"]) == 2 and list(two["writers"]) == list(one["writers"])
assert np.array_equal(two["clean_outputs"], np.concatenate([one["clean_outputs"]] * 2))
END
}

@test "missing, mixed and nested fields have a type that loses nothing" {
        cat >a.json <<'END'
{"hap":1,"kind":"scores"}
{"int":1,"flag":true,"maybe":1,"real":0.1,"text":"ä\"","mixed":1,"list":[1,2],"ragged":[1],"nested":[[1,2],3],"odd":null}
{"int":-2,"flag":false,"real":2,"text":"","mixed":"x","list":[3.5,4],"ragged":[1,2],"nested":[[]],"late":7}
{"int":9007199254740992,"flag":true,"maybe":true,"real":1e300,"text":"日本語","mixed":[1,2.5],"list":[5,6],"nested":{"a":1}}
{"end":"scores"}
END
        hap-convert -q --from json a.json | hap-convert -q --to npz >a.npz
        python3 - <<'END'
import numpy as np
a = np.load("a.npz")
def same(name, dtype, values):
    assert a[name].dtype == dtype, (name, a[name].dtype)
    assert a[name].tolist() == values, (name, a[name].tolist())
same("int", np.int64, [1, -2, 2 ** 53])
same("flag", bool, [True, False, True])
same("real", np.float64, [0.1, 2, 1e300])
same("text", "<U3", ['ä"', "", "日本語"])
same("mixed", "<U7", ["1", "x", "[1,2.5]"])
same("list", np.float64, [[1, 2], [3.5, 4], [5, 6]])
same("nested", "<U9", ["[[1,2],3]", "[[]]", '{"a":1}'])
assert np.array_equal(a["maybe"], [1, np.nan, 1], equal_nan=True)
assert np.array_equal(a["late"], [np.nan, 7, np.nan], equal_nan=True)
assert np.isnan(a["odd"]).all()
same("ragged/0", np.int64, [1])
same("ragged/1", np.int64, [1, 2])
assert "ragged" not in a and "ragged/2" not in a
END
}

# refused MESSAGE FILE ...: --to npz of these files.
refused() {
        assert_refused 3 "$1" hap-convert --to npz -o x "${@:2}"
}

@test "what has no arrays, and what an array cannot hold, is refused and leaves no file" {
        hap-task -q ioi -n 2 -m demo -o t
        hap-forward -q -m demo -o c t
        hap-attrib -q -o s c
        hap-select -q --keep 20% -o k s
        hap-eval -q -m demo -o r t k
        refused "cannot use 't': a task has no arrays; use --to csv" t
        refused "cannot use 'r': a report has no arrays; use --to csv" r
        refused "cannot write one file of a scores and a circuit in 'k'" s k
        hap-forward -q --split-input -m demo -o split t
        refused "cannot write one file of two graphs: that of 'split' is another one" c split
        assert_refused 2 "hap writes the form npz but does not read it" hap-convert --from npz -o x t
        while IFS='|' read -r record message; do
                printf '%s\n' '{"hap":1,"kind":"scores"}' "$record" '{"end":"scores"}' |
                        hap-convert -q --from json >bad
                refused "cannot use 'bad': record 1: $message" bad
        done <<'END'
{"../x":1}|its field '../x' cannot be the name of an array
{"header":1}|its field 'header' has the name of another array
{"edge":"input->m0","writer":"m"}|its field 'writer' has the name of another array
{"n":9007199254740993}|its 'n': an integer beyond 2^53 is not exact in an array
{"t":{"$str":"//4="}}|its 't': it is not UTF-8
{"t":"a\u0000b"}|its 't': it contains a NUL
{"t":{"$bin":"AA=="}}|its 't': it contains binary data
{"t":{"dtype":"f32","shape":[2],"data":{"$bin":"AACAPw=="}}}|its 't': a tensor of 2 f32 values has 4 bytes
END
        printf '%s\n' '{"hap":1,"kind":"scores"}' "{$(seq -s , -f '"f%g":1' 100)}" '{"end":"scores"}' |
                hap-convert -q --from json >bad
        refused "there are more than 61 arrays" bad
        head -c 3000 c >cut
        refused "truncated" cut
        assert_not_exists x
        run -2 script -qec "hap-convert --to npz c" /dev/null
        assert_output --partial "cannot write binary data to a terminal"
}

@test "70,000 members are read, a pipe gets the same bytes, and memory stays bounded" {
        local n=35000 peak
        {
                echo '{"hap":1,"kind":"scores"}'
                seq $n | awk '{ print "{\"id\":\"" $1 "\",\"a\":[" ($1 == 1 ? "1,1" : $1) "],\"b\":[1" ($1 > 1 ? ",2" : "") "]}" }'
                echo '{"end":"scores"}'
        } | hap-convert -q --from json >s
        hap-convert --to npz -o s.npz s 2>said
        hap-convert -q --to npz <s | cmp - s.npz
        python3 - <<'END'
import numpy as np
a = np.load("s.npz")
assert len(a.files) == 70002, len(a.files)
assert a["a/0"].tolist() == [1, 1] and a["a/34999"].tolist() == [35000]
assert a["b/34999"].tolist() == [1, 2] and a["id"][-1] == "35000" and len(a["id"]) == 35000
END
        peak=$(grep -oE '[0-9]+ MB peak' said)
        [[ -n ${ASAN_OPTIONS-}${TSAN_OPTIONS-} || ${peak%% *} -le 20 ]] || fail "$(<said)"
}
