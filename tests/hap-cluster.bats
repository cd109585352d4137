load helper

# Groups of examples: planted ones, and two tasks of the demo model in one set.

setup() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden
        demo=$root/models/demo
}

# example_scores GRAPH-FILE: lines {"id", "scores": [numbers]} to a stream.
example_scores() {
        { json -q "$1" | sed -n 1p | jq -c '{hap, kind: "example-scores", model, graph, of: "edges", dtype: "f32"}' &&
                python3 -c '
import base64, json, struct, sys
for line in sys.stdin:
    d = json.loads(line)
    v = d["scores"]
    data = base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode()
    d["scores"] = {"dtype": "f32", "shape": [len(v)], "data": {"$bin": data}}
    print(json.dumps(d))' && echo '{"end": "example-scores"}'; } | hap-convert -q --from json
}

groups() { # STREAM: the ids of each group
        json -q "$1" | jq -c 'select(.cluster) | .cluster.ids'
}

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden
        hap-task -q --from "$golden/toys/micro/p.jsonl" -m "$golden/toys/micro" |
                hap-attrib -q -m "$golden/toys/micro" -o graph
        for task in ioi greater-than; do
                hap-task -q $task -n 12 -m "$root/models/demo" | json -q | jq -c 'select(.id) | del(.text)'
        done | sort -k 1.20 >mixed.jsonl
        hap-task -q --from mixed.jsonl -m "$root/models/demo" -o mixed.task
        hap-attrib -q -m "$root/models/demo" --per-example -o mixed.examples mixed.task
}

@test "a mixture of two tasks splits into the tasks, from edges, nodes and f16" {
        for options in "" "--dtype f16" "--nodes"; do
                # shellcheck disable=SC2086 # several options
                hap-attrib -q -m "$demo" --per-example $options -o "$tmp/examples" mixed.task
                hap-cluster -q -o "$tmp/groups" "$tmp/examples"
                groups "$tmp/groups" | jq -se 'length == 2 and all(.[]; length == 12 and (map(sub("-.*"; "")) | unique | length == 1))' >/dev/null ||
                        fail "$options: $(groups "$tmp/groups")"
        done
}

@test "the scale of an example's scores may be a whole number" {
        jq -nc 'range(6) as $i | {id: "\($i)", scores: [range(46) | . * ($i + 1) % 7], scale: 2}' |
                example_scores graph >"$tmp/scaled"
        jq -nc 'range(6) as $i | {id: "\($i)", scores: [range(46) | 2 * (. * ($i + 1) % 7)]}' |
                example_scores graph >"$tmp/plain"
        for name in scaled plain; do
                hap-cluster -q -k 2 "$tmp/$name" | json -q | jq -c 'select(.edge)' >"$tmp/$name.edges"
        done
        [[ -s $tmp/plain.edges ]]
        assert_same "$tmp/plain.edges" "$tmp/scaled.edges"
}

@test "planted groups of three are found, whatever their order and size of scores" {
        jq -nc 'range(18) as $i | {id: "\($i)", scores: [range(46) as $e
                | if ($e % 3) == ($i % 3) then (1 + ($i * 7 + $e * 5) % 4) * (if $i % 2 == 0 then 1 else -1 end) * ($i + 1)
                  else 0.25 * (($i + $e) % 2) end]}' | example_scores graph >"$tmp/examples"
        hap-cluster -q -k 3 -o "$tmp/groups" "$tmp/examples"
        assert_equal "$(groups "$tmp/groups" | jq -c 'map(tonumber % 3) | unique' | tr -d '\n')" '[0][1][2]'
        assert_equal "$(groups "$tmp/groups" | jq -s 'map(length)' -c)" '[6,6,6]'
        for seed in 1 2 3; do
                hap-cluster -q -k 3 --seed $seed "$tmp/examples" >"$tmp/other"
                assert_same <(groups "$tmp/groups") <(groups "$tmp/other")
        done
}

@test "a group's scores are the mean of its examples, and hap-select makes its circuit" {
        hap-cluster -q -o "$tmp/groups" mixed.examples
        jq -c 'select(.id | startswith("greater"))' mixed.jsonl | hap-task -q --from - -m "$demo" |
                hap-attrib -q -m "$demo" | scores_map -q >"$tmp/should"
        number=$(groups "$tmp/groups" | grep -n greater | cut -d: -f1)
        json -q "$tmp/groups" | jq -s --argjson n "$number" '
                reduce .[] as $r ({c: 0, m: {}}; if $r.cluster then .c = $r.cluster.number
                        elif $r.edge and .c == $n then .m[$r.edge] = $r.score else . end) | .m' >"$tmp/is"
        assert_near_maps "$tmp/is" "$tmp/should" 1e-5
        hap-select -q --keep 10% "$tmp/groups" -o "$tmp/circuits"
        assert_equal "$(json -q "$tmp/circuits" | jq -c 'select(.kind) | [.kind, .cluster.number]' | tr -d '\n')" '["circuit",1]["circuit",2]'
}

@test "the silhouette is that of its definition, for points on a line" {
        # one edge differs: unit vectors (cos, sin), two groups of two
        jq -nc '[[4,3],[4,3],[3,4],[0,5]][] as $v | {id: "\($v)", scores: ($v + [range(44) | 0])}' |
                example_scores graph >"$tmp/examples"
        hap-cluster -q -k 2 -o "$tmp/groups" "$tmp/examples"
        # unit vectors a = b = (.8,.6), c = (.6,.8), d = (0,1): the groups are {a, b, c} and {d}
        ac=$(jq -n '0.08 | sqrt') ad=$(jq -n '0.64 + 0.16 | sqrt') cd=$(jq -n '0.36 + 0.04 | sqrt')
        assert_near "$(json -q "$tmp/groups" | jq 'select(.cluster.number == 1).cluster.silhouette')" \
                "$(jq -n "(2 * ($ad - $ac / 2) / $ad + ($cd - $ac) / $cd) / 3")" 1e-5
        assert_equal "$(json -q "$tmp/groups" | jq 'select(.cluster.number == 2).cluster.silhouette')" 0
}

@test "too few examples, no examples, and bad tensors are refused" {
        assert_refused 3 "the input contains no example-scores; it contains scores" hap-cluster graph
        assert_refused 3 "it has 24 examples, for 30 clusters" hap-cluster -k 30 mixed.examples
        assert_refused 2 "30 vectors are more than the 24 examples" hap-cluster --vectors 30 mixed.examples
        jq -nc '("a", "b", "c") | {id: ., scores: [range(46)]}' | example_scores graph >"$tmp/same"
        assert_refused 3 "fewer than 2 different scores" hap-cluster "$tmp/same"
        jq -nc '{id: "a", scores: [1, 2]}' | example_scores graph >"$tmp/short"
        assert_refused 3 "its 'scores' are 2 numbers; the graph has 46 edges" hap-cluster "$tmp/short"
        jq -nc '{id: {"$str": "YWL/"}, scores: [range(46)]}' | example_scores graph >"$tmp/bytes"
        assert_refused 3 "its id is not UTF-8" hap-cluster "$tmp/bytes"
        head -c 2000 mixed.examples >"$tmp/cut"
        assert_refused 3 "truncated" hap-cluster -o "$tmp/out" "$tmp/cut"
        assert_file_not_exist "$tmp/out"
}
