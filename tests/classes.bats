load helper

# hap-eval --classes: which nodes and edges of each class of a reference a circuit keeps.

# circuit_from FILE [EDGE ...]: a circuit of the reference's graph, of its own edges or of these.
circuit_from() {
        local file=$1
        shift
        { jq -c '{hap: 1, kind: "circuit", graph: .graph}' "$file"
          if [[ $# -gt 0 ]]; then printf '%s\n' "$@"; else jq -r '.edges[]' "$file"; fi |
                jq -Rc '{edge: ., z: 1}'
          echo '{"end": "circuit"}'; } | hap-convert -q --from json
}

@test "each reference circuit contains all its own nodes and edges, by class" {
        for file in "$root"/circuits/*.json; do
                circuit_from "$file" >"$tmp/circuit"
                hap-eval -q --classes "$file" -o "$tmp/report" "$tmp/circuit"
                json "$tmp/report" | jq -es --slurpfile r "$file" '$r[0] as $r | [.[] | select(.metric)]
                        | all(.value == .of and (.missing // "") == "")
                        and (map(select(.metric == "nodes")) | map({key: .class, value: (.kept | split(" "))})
                             | from_entries) == $r.classes
                        and (map(select(.metric == "edges").of) | add) == ($r.edges | length)' >/dev/null ||
                        fail "$file: $(json "$tmp/report" | jq -c 'select(.metric and .value != .of)')"
        done
}

@test "the reference circuits are those that the script makes" {
        need_tool python3
        mkdir -p "$tmp/circuits" "$tmp/tests"
        ln -s "$root/tests/golden" "$tmp/tests/golden"
        cp "$root/circuits/make_references.py" "$tmp/circuits"
        python3 "$tmp/circuits/make_references.py"
        for file in "$root"/circuits/*.json; do
                assert_same "$file" "$tmp/circuits/${file##*/}"
        done
}

@test "the IOI reference has the paper's 26 heads" {
        assert_equal "$(jq '[.classes[][]] | unique | length' "$root/circuits/ioi-gpt2.json")" 26
        assert_equal "$(jq -c '[.classes[] | length]' "$root/circuits/ioi-gpt2.json")" "[3,8,2,4,4,3,2]"
}

@test "InterpBench's IOI circuit has seven of the 1,108 edges that the benchmark MIB counts" {
        circuit_from "$root/circuits/ioi-interpbench.json" >"$tmp/circuit"
        hap-show -q "$tmp/circuit" | grep -qF ' 7 of 1,108 edges, ' || fail "$(hap-show -q "$tmp/circuit")"
        hap-show -q "$tmp/circuit" | grep -qF ' 7 live, 0 dead' || fail "$(hap-show -q "$tmp/circuit")"
}

@test "kept and missing nodes and edges are counted, and dead edges only with --keep-dead" {
        # a7.h9 is fed by a5.h5 but leads nowhere
        circuit_from "$root/circuits/ioi-gpt2.json" 'input->a0.h1<q>' 'a0.h1->a7.h3<v>' 'a7.h3->a9.h9<q>' \
                'a9.h9->logits' 'a5.h5->a7.h9<v>' >"$tmp/circuit"
        hap-eval -q --name one --classes "$root/circuits/ioi-gpt2.json" -o "$tmp/report" "$tmp/circuit"
        rows() { json "$1" | jq -c "select(.class == \"$2\") | [.circuit, .value, .of, .kept, .missing]"; }
        assert_equal "$(rows "$tmp/report" S-inhibition)" '["one",1,4,"a7.h3","a7.h9 a8.h6 a8.h10"]'
        assert_equal "$(rows "$tmp/report" induction)" '["one",0,4,"","a5.h5 a5.h8 a5.h9 a6.h9"]'
        # 4 x 3 x 3 of these edges are in the reference
        assert_equal "$(rows "$tmp/report" 'S-inhibition -> name mover')" '["one",1,36,null,null]'
        hap-eval -q --keep-dead --name one --classes "$root/circuits/ioi-gpt2.json" -o "$tmp/report" "$tmp/circuit"
        assert_equal "$(rows "$tmp/report" S-inhibition)" '["one",2,4,"a7.h3 a7.h9","a8.h6 a8.h10"]'
        assert_equal "$(rows "$tmp/report" induction)" '["one",1,4,"a5.h5","a5.h8 a5.h9 a6.h9"]'
        hap-show -q "$tmp/report" | grep -q 'S-inhibition -> name mover' || fail "not shown"
}

@test "a class file of another graph, without classes, and options that run the model are refused" {
        circuit_from "$root/circuits/tracr-reverse.json" >"$tmp/circuit"
        assert_refused 3 "'a9.h9' is not a node" hap-eval --classes "$root/circuits/ioi-gpt2.json" "$tmp/circuit"
        echo '{"edges": []}' >"$tmp/none.json"
        assert_refused 3 'it has no object "classes"' hap-eval --classes "$tmp/none.json" "$tmp/circuit"
        assert_refused 2 "cannot be combined" hap-eval --classes "$tmp/none.json" --full "$tmp/circuit"
        for nodes in '"a0.h0"' '{"a0.h0": 1}' 7 null '[]'; do
                echo "{\"classes\": {\"movers\": $nodes}}" >"$tmp/wrong.json"
                assert_refused 3 "class 'movers' is not a list of nodes" \
                        hap-eval --classes "$tmp/wrong.json" "$tmp/circuit"
        done
        echo '{"classes": {"movers": ["a0.h0"]}, "edges": "a0.h0->logits"}' >"$tmp/wrong.json"
        assert_refused 3 '"edges" is not a list' hap-eval --classes "$tmp/wrong.json" "$tmp/circuit"
        hap-task -q ioi -m "$root/models/demo" -n 2 -o "$tmp/task"
        assert_refused 3 "contains no circuit" hap-eval --classes "$root/circuits/ioi-gpt2.json" "$tmp/task"
}

@test "EAP-IG's published scores of GPT-2 small keep the heads that docs/results.md says" {
        scores=$root/../shared/data/mib_ioi_gpt2_eap-ig.json.gz
        skip_unless_model "$scores"
        gzip -dc "$scores" >"$tmp/mib"
        hap-convert -q --from mib -o "$tmp/all" "$tmp/mib"
        hap-select -q --keep 6% -o "$tmp/94" "$tmp/all"
        hap-eval -q --classes "$root/circuits/ioi-gpt2.json" "$tmp/94" "$tmp/all" | json |
                jq -sc '[.[] | select(.metric == "nodes")] | group_by(.circuit) | map(map(.value))' >"$tmp/counts"
        assert_equal "$(cat "$tmp/counts")" "[[3,8,2,4,4,3,2],[3,6,2,4,4,3,1]]"
}
