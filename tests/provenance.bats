load helper

model=$root/tests/golden/gpt2-a/model

# task [EDIT]: the task of the golden prompts, changed by sed.
task() {
        sed "${1-}" "$root/tests/golden/gpt2-a/prompts.jsonl" >"$tmp/prompts.jsonl"
        (cd "$tmp" && hap-task -q --from prompts.jsonl)
}

# A small pipeline: train, cache, scores, subgraph, circuit, test, report.
pipeline() {
        cd "$tmp"
        task >train
        hap-forward -q -m "$model" -o cache train
        hap-attrib -q -o scores cache
        hap-select -q --keep 50% -o subgraph scores
        hap-prune -q --edges 40 --steps 2 -o circuit cache subgraph scores
        hap-task -q --from prompts.jsonl --seed 3 -o test
        hap-eval -q -m "$model" --metric kl -o report test circuit
}

header() {
        json "$1" | sed -n 1p
}

# XXH3-64 of the records of a section, by the library, found by the msgpack module.
digest_by_library() {
        python3 - "$1" <<'END'
import ctypes, msgpack, sys
library = ctypes.CDLL("libxxhash.so.0")
library.XXH3_64bits.restype = ctypes.c_uint64
data = open(sys.argv[1], "rb").read()
unpacker, ends = msgpack.Unpacker(max_buffer_size=0), []
unpacker.feed(data)
while unpacker.tell() < len(data):
    unpacker.skip()
    ends.append(unpacker.tell())
records = data[ends[0]:ends[-2]]
print("%016x" % library.XXH3_64bits(records, ctypes.c_size_t(len(records))))
END
}

@test "a trailer's digest is XXH3-64 of the bytes of the records" {
        need_python msgpack
        pipeline
        for stream in train cache scores circuit report; do
                assert_equal "$(json $stream | tail -n 1 | jq -r .digest)" "$(digest_by_library $stream)"
        done
}

@test "changing an answer changes the digest of the task in every header that follows" {
        task >"$tmp/a"
        task '1s/"answer": 44/"answer": 45/' >"$tmp/b"
        run -1 cmp -s "$tmp/a" "$tmp/b"
        [[ $(header "$tmp/a") != "$(header "$tmp/b")" ]]
        digest=$(header "$tmp/b" | jq -r .task.digest)
        assert_equal "$(json "$tmp/b" | tail -n 1 | jq -r .digest)" "$digest"
        hap-forward -q -m "$model" "$tmp/b" | hap-attrib -q >"$tmp/scores"
        assert_equal "$(header "$tmp/scores" | jq -r .task.digest)" "$digest"
}

@test "the history is a tree: each entry names its inputs by kind, digest and origin" {
        pipeline
        digest() { json "$1" | tail -n 1 | jq -r .digest; }
        header report >h
        assert_equal "$(jq -r '[.history[].name | ltrimstr("hap-")] | join(" ")' h)" \
                "task task forward attrib select prune eval"
        # what the circuit was tested on, and what it was trained on
        assert_equal "$(jq -c '.history[-1].inputs | map([.kind, .from])' h)" '[["task",0],["circuit",5]]'
        assert_equal "$(jq -c '.history[0].arguments' h)" '["--seed=3","--from=prompts.jsonl"]'
        assert_equal "$(jq -c '.history[5].inputs | map([.kind, .from])' h)" \
                '[["cache",2],["circuit",4],["scores",3]]'
        assert_equal "$(jq -c '.history[2].inputs[0].from' h)" 1
        assert_equal "$(jq -c '.history[1].arguments' h)" '["--from=prompts.jsonl"]'
        assert_equal "$(jq -r '.history[5].inputs | map(.digest) | join(" ")' h)" \
                "$(digest cache) $(digest subgraph) $(digest scores)"
        assert_equal "$(jq -r '.history[-1].inputs | map(.digest) | join(" ")' h)" \
                "$(digest test) $(digest circuit)"
        # a report names its circuits by digest, and hap-show prints it
        assert_equal "$(jq -r '.circuits[0].digest' h)" "$(digest circuit)"
        run -0 hap-show -q report
        assert_output --partial "circuit, digest $(digest circuit)"
        assert_output --partial "7 hap-eval --metric=kl (0.1.0), from 1 (task $(digest test)), 6 (circuit $(digest circuit))"
}

@test "a history says the same in one pipe and through files, for any -j" {
        pipeline
        hap-forward -q -j 2 -m "$model" <train | hap-attrib -q -p -j 2 | hap-select -q -p --keep 50% >all
        hap-select -q --keep 50% scores | cmp - <(hap-forward -q -m "$model" -j 1 train | hap-attrib -q | hap-select -q --keep 50%)
        assert_equal "$(json all | jq -c 'select(.kind == "circuit")')" "$(header subgraph)"
}

@test "a union names all its tasks and all its scores" {
        pipeline
        hap-forward -q -m "$model" test | hap-attrib -q -o other
        hap-select -q --union --keep 30 -o union scores other
        header union >h
        assert_equal "$(jq -r .task.name h)" "prompts + prompts"
        assert_equal "$(jq -c '[.task.united[].seed]' h)" "[0,3]"
        assert_equal "$(jq -c '[.task.united[].digest] | unique | length' h)" 2
        assert_equal "$(jq -c '.history[-1].inputs | map(.kind)' h)" '["scores","scores"]'
        assert_equal "$(jq -c '.history as $h | .history[-1].inputs | map($h[.from].name)' h)" \
                '["hap-attrib","hap-attrib"]'
}

@test "an edited circuit says so, counts its edges, and drops what was measured before" {
        pipeline
        n=$(json circuit | grep -c '"edge":')
        json circuit | awk 'NR != 3' | hap-convert --from json >edited 2>said
        header edited >h
        assert_equal "$(jq -c '.history[-1] | [.name, .inputs[0].digest, .inputs[0].from]' h)" \
                "[\"hap-convert\",\"$(json circuit | tail -n 1 | jq -r .digest)\",4]"
        assert_equal "$(jq .circuit.edges h)" $((n - 1))
        assert_near "$(jq .circuit.sparsity h)" "$(jq "1 - ($n - 1) / .circuit.of" h)" 1e-12
        assert_equal "$(jq '.pruning | has("training_kl")' h)" false
        assert_equal "$(jq '.pruning.recipe' h)" '"rank"'
        grep -q "a circuit was edited: circuit.edges is $((n - 1)), pruning.training_kl is removed" said
        hap-eval -q -m "$model" --metric kl test edited >/dev/null
        # a header that was edited keeps what was measured
        json circuit | sed '1s/"kind"/"name":"mine","kind"/' | hap-convert -q --from json >named
        assert_equal "$(header named | jq -c '[.name, .history[-1].name, (.pruning | has("training_kl"))]')" \
                '["mine","hap-convert",true]'
        # an edited task gets the digest of its records
        json train | sed '2s/"answers":\[[0-9]*/"answers":[7/' | hap-convert -q --from json >edited
        assert_equal "$(header edited | jq -r .task.digest)" "$(json edited | tail -n 1 | jq -r .digest)"
        [[ $(header edited | jq -r .task.digest) != "$(header train | jq -r .task.digest)" ]]
}

# lie STREAM SED: the stream with its header's bytes changed to others of the same length, and a
# crc32 and a digest that fit.
lie() {
        python3 - "$1" "$2" "$3" <<'END'
import os, sys, zlib
name, before, after = sys.argv[1], os.fsencode(sys.argv[2]), os.fsencode(sys.argv[3])
data = open(name, "rb").read()
assert data.count(before) >= 1 and len(before) == len(after)
data = data.replace(before, after, 1)
body, crc = data[:data.rindex(b"\x84\xa3end")], data.rindex(b"\xa5crc32\xce") + 7
sys.stdout.buffer.write(data[:crc] + zlib.crc32(body).to_bytes(4, "big") + data[crc + 4:])
END
}

@test "header counts and digests that disagree with the records are refused by every reader" {
        pipeline
        digest=$(header train | jq -r .task.digest)
        lie train "$digest" 0123456789abcdef >liar
        assert_refused 3 "section 1 has records with digest $digest; its header says 0123456789abcdef" \
                hap-forward -q -m "$model" -o out liar
        lie circuit $'\xa5edges\x28\xa2of' $'\xa5edges\x29\xa2of' >liar
        for reader in "hap-show -q" "hap-eval -q -m $model test" "hap-convert -q --to json" \
                      "hap-convert -q --to mib scores" "hap-select -q --keep 50% scores" \
                      "hap-prune -q --edges 20 --steps 1 cache scores" "hap-ablate -q --steps 1 cache"; do
                # shellcheck disable=SC2086 # a command of several words
                assert_refused 3 "section 1 has 40 records; its header says edges 41" $reader -o out liar
                [[ ! -e out ]]
        done
        lie cache $'examples\x08\xa6tokens' $'examples\x09\xa6tokens' >liar
        assert_refused 3 "section 1 has 8 records; its header says examples 9" hap-attrib -q -o out liar
        lie train $'examples\x08' $'examples\x07' >liar
        assert_refused 3 "section 1 has 8 records; its header says examples 7" \
                hap-attrib -q -m "$model" -o out liar
}

@test "streams without digests, as older versions and other programs write them, are read" {
        pipeline
        python3 - <<'END'
import re, zlib
data = open("scores", "rb").read()
end = data.rindex(b"\x84\xa3end")
trailer = data[end:]
open("old", "wb").write(data[:end] + b"\x83" + trailer[1:trailer.index(b"\xa6digest")])
END
        hap-select -q --keep 50% old | json | jq -c 'del(.crc32, .digest, .history)' >a
        json subgraph | jq -c 'del(.crc32, .digest, .history)' | cmp - a
        hap-select -q --keep 50% old >from-old
        assert_same subgraph from-old
        json old | hap-convert -q --from json | cmp - old
}

@test "many records wait for their header in a file without a name, of which nothing is left" {
        cd "$tmp"
        mkdir folder
        for i in $(seq 40000); do
                printf '{"id":"a%d","clean":[1,2,3,4,5,6,7,8,9,10,11,12],"corrupted":[1,2,3,4,5,6,7,8,9,10,11,13],"answers":[1],"wrongs":[2]}\n' "$i"
        done >lines
        TMPDIR=folder hap-task -q --from lines >task
        assert_equal "$(ls folder)" ""
        run -0 hap-show -q task
        assert_line --partial "task, 40,000 examples"
        assert_refused 1 "cannot make a temporary file in 'missing': No such file or directory; TMPDIR names another folder" \
                env TMPDIR=missing hap-task -q --from lines -o out
        [[ ! -e out ]]
}
