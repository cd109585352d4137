load helper

# python/hap.py, against hap-convert --to json and against the programs that read what it writes.

setup() {
        need_python msgpack numpy
        export PYTHONPATH=$root/python HAP_BIN=${HAP_BIN:-$root/bin}
        cd "$tmp"
}

@test "the code of docs/notebook.md runs as one notebook" {
        awk '/^```python/ { on = 1; next } /^```/ { on = 0; print "" } on' "$root/docs/notebook.md" >notebook.py
        [[ $(wc -l <notebook.py) -gt 40 ]] || fail "no code found"
        run -0 python3 notebook.py
        assert_output --partial "of 479 edges"
        # what it wrote is a stream for the other programs
        hap-select -q --keep 10 --keep-dead mine.scores >/dev/null
        hap-show -q mine.scores | grep -q 'scores, 479 edges'
}

@test "the names of writers, readers and edges are those of every kind of graph" {
        hap-task -q ioi -n 2 -m demo -o t
        for form in "" --split-input "--positions S2,END"; do
                # shellcheck disable=SC2086 # options
                hap-forward -q $form -m demo t | hap-attrib -q -o s
                json s | jq -r 'select(has("edge")) | .edge' >want
                python3 -c 'import hap; s = hap.read("s"); print("\n".join(hap.edges(s.graph)))' >got
                assert_same got want
        done
        parallel=$root/tests/golden/families/neox
        echo '{"clean": [1, 2], "corrupted": [1, 3], "answer": 4}' | hap-task -q --from - -m "$parallel" |
                hap-attrib -q -m "$parallel" --metric prob-diff -o s
        json s | sed -n 1p | jq -e '.graph.parallel' >/dev/null
        json s | jq -r 'select(has("edge")) | .edge' >want
        python3 -c 'import hap; s = hap.read("s"); print("\n".join(hap.edges(s.graph)))' >got
        assert_same got want
}

@test "records are those of hap-convert, tensors of each dtype, gzip or not" {
        hap-task -q ioi -n 3 -m demo -o t
        for dtype in f32 f16 bf16; do
                hap-forward -q --dtype $dtype -m demo -o c t
                gzip -k -f c
                json c >c.json
                python3 - <<'END'
import base64, json, struct
import numpy as np, hap
lines = [json.loads(line) for line in open("c.json")]
for path in ("c", "c.gz"):
    cache = hap.read(path)
    assert cache.header == lines[0], (cache.header, lines[0])
    assert len(cache) == len(lines) - 2 == 3
    for ours, theirs in zip(cache, lines[1:]):
        assert ours["id"] == theirs["id"] and ours["clean"] == theirs["clean"]
        for name in ("clean_outputs", "clean_logits"):
            raw = base64.b64decode(theirs[name]["data"]["$bin"])
            want = theirs[name]["dtype"]
            if want == "bf16":
                values = [struct.unpack("<f", b"\0\0" + raw[i:i + 2])[0] for i in range(0, len(raw), 2)]
            else:
                values = struct.unpack(f"<{len(raw) // (4 if want == 'f32' else 2)}{'f' if want == 'f32' else 'e'}", raw)
            assert list(ours[name].shape) == theirs[name]["shape"]
            assert np.array_equal(ours[name].ravel().astype(float), np.array(values))
END
        done
}

@test "a stream read and written again is the same to every program" {
        hap-task -q ioi -n 3 -m demo -o t
        hap-forward -q -m demo -o c t
        hap-attrib -q -o s c
        hap-select -q --keep 20% -o k s
        python3 -c 'import hap, sys; [hap.write(f + "2", *hap.read_all(f)) for f in "tcsk"]'
        for file in t c s k; do
                json $file | jq -c 'del(.crc32, .digest)' | sed -E 's/\{"\$f32":([^}]*)\}/\1/g; s/([0-9])\.0([,}])/\1\2/g' >a
                json ${file}2 | jq -c 'del(.crc32, .digest)' | sed -E 's/\{"\$f32":([^}]*)\}/\1/g; s/([0-9])\.0([,}])/\1\2/g' >b
                assert_same a b
        done
}

@test "damaged and truncated streams, and programs that fail, are exceptions with a reason" {
        hap-task -q ioi -n 3 -o t
        head -c 300 t >cut
        { head -c 200 t; printf X; tail -c +202 t; } >bad
        cp "$root/README.md" readme
        gzip -c t | head -c 200 >cut.gz
        for file in cut bad readme cut.gz; do
                run ! python3 -c "import hap; hap.read('$file')"
                assert_output --partial "hap.Error: cannot read '$file'"
        done
        run ! python3 -c "import hap; hap.run('prune', 'nothing', sparsity='90%')"
        assert_output --partial "hap.Error: hap-prune: cannot read 'nothing'"
        run ! python3 -c "import hap; hap.run('nonsense')"
        assert_output --partial "there is no program hap-nonsense"
}

@test "pip installs the module, which needs no path then" {
        need_python msgpack numpy ensurepip setuptools wheel
        cp -R "$root/python" checkout
        python3 -m venv --system-site-packages env
        env/bin/pip install -q --no-index --no-deps --no-build-isolation ./checkout
        hap-task -q ioi -n 2 -m demo -o t
        run -0 env -u PYTHONPATH env/bin/python -I -c 'import hap; print(hap.__file__, len(hap.read("t")))'
        assert_output --regexp '/env/lib/.*/hap.py 2$'
}
