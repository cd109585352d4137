#!/usr/bin/env bats
# Many prompts and many edges: memory stays as it is, and so do the bytes.

load helper

setup() {
        [[ -z ${ASAN_OPTIONS-}${TSAN_OPTIONS-} ]] || skip "a sanitizer takes memory of its own"
        model=$root/tests/golden/gpt2-a/model
}

# prompts N: lines of JSON with ids p0, p1, ...
prompts() {
        awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) {
                a = i % 61; b = (i * 7) % 61
                printf "{\"id\":\"p%d\",\"clean\":[%d,5,%d,3],\"corrupted\":[%d,6,%d,3]," \
                       "\"answers\":[7],\"wrongs\":[8]}\n", i, a, b, a, (b + 1) % 61
        } }'
}

# peak COMMAND ...: its peak memory in MB.
peak() {
        "$@" 2>&1 >/dev/null | sed -n 's/.* \([0-9]*\) MB peak$/\1/p'
}

# assert_grows MEGABYTES FEWER MORE
assert_grows() {
        [[ -n $2 && -n $3 && $(($3 - $2)) -le $1 ]] || fail "from '$2' to '$3' MB"
}

@test "36,000 more prompts take at most 6 MB more in hap-task, hap-forward and hap-attrib" {
        local few many
        prompts 4000 >"$tmp/few.jsonl"
        prompts 40000 >"$tmp/many.jsonl"
        few=$(peak hap-task --from "$tmp/few.jsonl" -o "$tmp/few.task")
        many=$(peak hap-task --from "$tmp/many.jsonl" -o "$tmp/many.task")
        assert_grows 6 "$few" "$many"
        few=$(peak hap-forward -j 1 -m "$model" "$tmp/few.task")
        many=$(peak hap-forward -j 1 -m "$model" "$tmp/many.task")
        assert_grows 6 "$few" "$many"
        few=$(peak hap-attrib -j 1 -m "$model" "$tmp/few.task")
        many=$(peak hap-attrib -j 1 -m "$model" "$tmp/many.task")
        assert_grows 6 "$few" "$many"
}

@test "2,500 more prompts of a cache take at most 4 MB more in hap-eval, and give a pipe's report" {
        local few many
        prompts 2500 >"$tmp/few.jsonl"
        prompts 5000 >"$tmp/many.jsonl"
        for n in few many; do
                hap-task -q --from "$tmp/$n.jsonl" | hap-forward -q -m "$model" -o "$tmp/$n.cache"
        done
        hap-attrib -q "$tmp/few.cache" | hap-select -q --keep 30% -o "$tmp/circuit"
        few=$(peak hap-eval -j 1 --name k "$tmp/few.cache" "$tmp/circuit")
        many=$(peak hap-eval -j 1 --name k "$tmp/many.cache" "$tmp/circuit" -o "$tmp/file")
        assert_grows 4 "$few" "$many"
        cat "$tmp/many.cache" "$tmp/circuit" | hap-eval -q --name k -o "$tmp/pipe"
        assert_same "$tmp/file" "$tmp/pipe"
        hap-eval -q -j 2 --name k "$tmp/circuit" "$tmp/many.cache" -o "$tmp/file"
        cat "$tmp/circuit" "$tmp/many.cache" | hap-eval -q --name k -o "$tmp/pipe"
        assert_same "$tmp/file" "$tmp/pipe"
        # a section of a file, and compressed
        cat "$tmp/circuit" "$tmp/few.cache" | gzip >"$tmp/both.gz"
        cat "$tmp/circuit" "$tmp/few.cache" | hap-eval -q --name k -o "$tmp/pipe"
        hap-eval -q --name k -o "$tmp/file" "$tmp/both.gz"
        assert_same "$tmp/file" "$tmp/pipe"
}

@test "prompts that do not fit into memory's first MiB give the same bytes without temporary files" {
        prompts 20000 >"$tmp/prompts.jsonl"
        hap-task -q --from "$tmp/prompts.jsonl" -o "$tmp/task"
        hap-attrib -q -m "$model" --ablation mean -o "$tmp/with" "$tmp/task"
        TMPDIR=$tmp/none hap-attrib -q -m "$model" --ablation mean -o "$tmp/without" "$tmp/task"
        assert_same "$tmp/with" "$tmp/without"
}

@test "prompts from a pipe give the records that they give from a file" {
        prompts 20000 >"$tmp/prompts.jsonl"
        [[ $(wc -c <"$tmp/prompts.jsonl") -gt 1048576 ]]
        hap-task -q --from "$tmp/prompts.jsonl" | json | jq -c 'select(has("clean"))' >"$tmp/file"
        hap-task -q --from - < <(cat "$tmp/prompts.jsonl") | json | jq -c 'select(has("clean"))' \
                >"$tmp/pipe"
        [[ $(wc -l <"$tmp/file") -eq 20000 ]]
        assert_same "$tmp/file" "$tmp/pipe"
        TMPDIR=$tmp/none run -1 hap-task -q --from - -o "$tmp/none" < <(cat "$tmp/prompts.jsonl")
        assert_output --partial "TMPDIR names another folder"
}

@test "an id that occurs twice is found far away, also among shuffled prompts" {
        prompts 20000 >"$tmp/prompts.jsonl"
        { cat "$tmp/prompts.jsonl" && sed -n 17p "$tmp/prompts.jsonl"; } >"$tmp/twice.jsonl"
        for seed in 0 3; do
                assert_refused 3 "lines 17 and 20001 have the same id 'p16'" \
                        hap-task -q --from "$tmp/twice.jsonl" --seed $seed
        done
        # an id may be the number that a line without one gets
        { echo '{"clean":[1],"corrupted":[2],"answer":3}' &&
                echo '{"id":1,"clean":[1],"corrupted":[2],"answer":3}'; } >"$tmp/number.jsonl"
        assert_refused 3 "lines 1 and 2 have the same id '1'" hap-task -q --from "$tmp/number.jsonl"
}

# scores LAYERS HEADS: lines of JSON of scores for all edges of a graph.
scores() {
        awk -v layers="$1" -v heads="$2" 'BEGIN {
                printf "{\"hap\":1,\"kind\":\"scores\",\"graph\":{\"layers\":%d,\"heads\":%d," \
                       "\"parallel\":false,\"input\":\"joined\"}}\n", layers, heads
                w[n++] = "input"
                for (l = 0; l < layers; l++) {
                        for (k = 1; k <= 3; k++)
                                for (h = 0; h < heads; h++)
                                        for (i = 0; i < n; i++)
                                                put(w[i], "a" l ".h" h "<" substr("qkv", k, 1) ">")
                        for (h = 0; h < heads; h++)
                                w[n++] = "a" l ".h" h
                        for (i = 0; i < n; i++)
                                put(w[i], "m" l)
                        w[n++] = "m" l
                }
                for (i = 0; i < n; i++)
                        put(w[i], "logits")
                print "{\"end\":\"scores\"}"
        }
        function put(writer, reader) {
                printf "{\"edge\":\"%s->%s\",\"score\":%d.5}\n", writer, reader, number++ % 1000
        }'
}

@test "114,421 edges: exports are complete, and take at most 20 MB" {
        scores 20 12 | hap-convert -q --from json -o "$tmp/scores"
        [[ $(peak hap-convert --to mib "$tmp/scores" -o "$tmp/mib") -le 20 ]]
        [[ $(peak hap-convert --to csv "$tmp/scores" -o "$tmp/csv") -le 20 ]]
        n=$(json "$tmp/scores" | grep -c '"edge"')
        [[ $(wc -l <"$tmp/csv") -eq $((n + 1)) ]]
        hap-convert -q --from mib "$tmp/mib" -o "$tmp/back"
        assert_same <(json "$tmp/back" | grep '"edge"') <(json "$tmp/scores" | grep '"edge"')
}

@test "eight pipelines at once write the bytes that one writes" {
        local demo=$root/models/demo pids=()
        pipeline() {
                hap-task ioi -q -m "$demo" -n 6 | hap-forward -q -j 2 -m "$demo" |
                        hap-attrib -q -j 2 -p | hap-select -q -p --keep 200 |
                        hap-prune -q -j 2 -p --edges 60 --steps 2 --batch 4 |
                        hap-eval -q -j 2 -p >"$tmp/$1"
        }
        pipeline one
        for i in {1..8}; do
                pipeline "$i" 3>&- &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do
                wait "$pid" || fail "a pipeline ended with $?"
        done
        for i in {1..8}; do
                assert_same "$tmp/one" "$tmp/$i"
        done
}

@test "hap-prune on a graph of 798,690 edges takes at most 400 MB, and less is refused" {
        local make=$root/build/bench/make-model
        [[ -x $make ]] || skip "no $make"
        "$make" "$tmp/model" 58 12 12 16 8
        printf '{"clean":[1,%d,3],"corrupted":[2,%d,3],"answer":4,"wrong":5}\n' 6 7 8 9 >"$tmp/prompts"
        hap-task -q --from "$tmp/prompts" -o "$tmp/task"
        prune=(hap-prune -j 1 -m "$tmp/model" --recipe edge-pruning --edges 100000 --steps 2
                --batch 2 "$tmp/task")
        [[ $(peak "${prune[@]}" -o "$tmp/circuit") -le 400 ]]
        assert_equal "$(json "$tmp/circuit" | sed -n 1p | jq .circuit.edges)" 100000
        assert_refused 2 "--max-memory" "${prune[@]}" --max-memory 60M
}
