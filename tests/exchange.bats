load helper

# Files of other programs. tests/golden/exchange/peers.json has the edges of a model of 4 layers and 4
# heads as the code of ACDC and auto-circuit names them (make.py there).

setup() {
        peers=$root/tests/golden/exchange/peers.json
        demo=$root/models/demo
}

# circuit INPUT EDGE ...: a circuit, without edges given of all edges of the demo model.
whole() {
        local input=$1
        { jq -nc --arg i "$input" '{hap: 1, kind: "circuit", graph: {layers: 4, heads: 4, input: $i}}'
          jq -nr --arg i "$input" '
                (if $i == "split" then ["tok", "pos"] else ["input"] end) as $in
                | [range(0; 4) as $l | {l: $l, w: ([range(0; 4) | "a\($l).h\(.)"] + ["m\($l)"])}] as $layers
                | def before($l): $in + [$layers[] | select(.l < $l) | .w[]];
                (range(0; 4) as $l | range(0; 4) as $h | ("q", "k", "v") as $c | before($l)[]
                        | "\(.)->a\($l).h\($h)<\($c)>"),
                (range(0; 4) as $l | (before($l) + $layers[$l].w[:4])[] | "\(.)->m\($l)"),
                (before(4)[] | "\(.)->logits")' | jq -Rc '{edge: ., z: 1}'
          echo '{"end": "circuit"}'; } | hap-convert -q --from json
}

@test "every edge has the name that ACDC gives it, with and without split input" {
        for input in joined split; do
                key=acdc
                [[ $input == joined ]] || key=acdc_pos
                whole "$input" >"$tmp/c"
                hap-convert -q --to acdc "$tmp/c" | jq -c 'sort[]' >"$tmp/ours"
                jq -c ".$key | sort[]" "$peers" >"$tmp/theirs"
                assert_same "$tmp/ours" "$tmp/theirs"
        done
}

@test "ACDC's list and back is the same circuit" {
        for key in acdc acdc_pos; do
                jq ".$key[5:60]" "$peers" >"$tmp/list"
                hap-convert -q --from acdc -m "$demo" "$tmp/list" >"$tmp/c"
                hap-convert -q --to acdc "$tmp/c" | jq -c 'sort[]' >"$tmp/again"
                jq -c 'sort[]' "$tmp/list" >"$tmp/want"
                assert_same "$tmp/again" "$tmp/want"
        done
        assert_equal "$(json "$tmp/c" | head -1 | jq -r '.graph.input')" split
}

@test "PruneScores have every score where auto-circuit looks for it" {
        whole joined | hap-convert -q --to json |
                jq -c 'if .kind then {hap, kind: "scores", graph} elif .edge then {edge, score: (input_line_number / 8)}
                        else {end: "scores"} end' | hap-convert -q --from json >"$tmp/scores"
        hap-convert -q --to auto-circuit "$tmp/scores" >"$tmp/prune"
        # their name of an edge, in ours
        jq --slurpfile p "$tmp/prune" '.auto_circuit | map(. as [$name, $mod, $index]
                | ($name | gsub("Resid Start"; "input") | gsub("Resid End"; "logits") | gsub("MLP "; "m")
                   | gsub("A(?<l>[0-9]+)\\.(?<h>[0-9]+)\\.(?<c>[QKV])"; "a\(.l).h\(.h)<\(.c | ascii_downcase)>")
                   | gsub("A(?<l>[0-9]+)\\.(?<h>[0-9]+)"; "a\(.l).h\(.h)")) as $edge
                | {($edge): ($p[0][$mod] | getpath($index))}) | add' "$peers" >"$tmp/theirs"
        json "$tmp/scores" | jq -s 'map(select(.edge) | {(.edge): .score}) | add' >"$tmp/ours"
        assert_near_maps "$tmp/theirs" "$tmp/ours" 0
        assert_equal "$(jq length "$tmp/theirs")" 479
        # no module is too many, and no list longer than auto-circuit's
        assert_equal "$(jq -c '[.. | numbers] | length' "$tmp/prune")" 479
        hap-convert -q --from auto-circuit -m "$demo" "$tmp/prune" | hap-convert -q --to json |
                jq -s 'map(select(.edge) | {(.edge): .score}) | add' >"$tmp/back"
        assert_near_maps "$tmp/back" "$tmp/ours" 0
}

@test "attribution graphs have what the schema of Neuronpedia requires, and every edge" {
        hap-task -q docstring -n 20 -m "$demo" | hap-forward -q -m "$demo" >"$tmp/cache"
        hap-attrib -q "$tmp/cache" >"$tmp/scores"
        hap-select -q --keep 30 --greedy "$tmp/scores" >"$tmp/c"
        for with in "" "$tmp/scores"; do
                hap-convert -q --to attribution-graph "$tmp/c" $with >"$tmp/graph"
                jq -e '(.metadata | [.slug, .prompt] | all(type == "string")) and .metadata.scan == "demo"
                        and (.metadata.prompt_tokens | length == 2 and all(type == "string"))
                        and (.metadata.transcoder_list == []) and (.qParams | type == "object")
                        and (.nodes | all((.node_id | type == "string") and (.feature | type == "number")
                                and (.layer | type == "string") and (.jsNodeId | type == "string")
                                and (.clerp | type == "string") and (.feature_type | type == "string")
                                and .ctx_idx >= 0 and .ctx_idx < 2))
                        and ([.nodes[].node_id] | length == (unique | length))
                        and ([.nodes[].node_id] as $ids | .links
                             | all((.weight | type == "number") and ([.source, .target] - $ids == [])))' \
                        "$tmp/graph" >/dev/null || fail "$(head -c 600 "$tmp/graph")"
                # the viewer takes the probability of an output from its label
                jq -e '.nodes | map(select(.feature_type == "logit")) | length == 1 and (.[0].clerp | test("\\(p=[0-9.]+\\)"))' \
                        "$tmp/graph" >/dev/null
        done
        # links are the edges, with q, k and v of a head in one
        jq '. as $g | ([$g.nodes[] | {key: .node_id, value: .clerp}] | from_entries) as $name
                | $g.links | map({("\($name[.source])->\($name[.target])"): .weight}) | add' "$tmp/graph" >"$tmp/links"
        jq -n --slurpfile c <(json "$tmp/c") --slurpfile s <(json "$tmp/scores") '
                ([$s[] | select(.edge) | {key: .edge, value: .score}] | from_entries) as $score
                | [$c[] | select(.edge).edge | {link: (sub("<.>$"; "") | sub("logits$"; "Output (p=1.000)")), score: $score[.]}]
                | group_by(.link) | map({(.[0].link): (map(.score) | add)}) | add' >"$tmp/want"
        assert_near_maps "$tmp/links" "$tmp/want" 1e-9
}

@test "with positions, an attribution graph has a column for each" {
        hap-task -q docstring -n 10 -m "$demo" | hap-forward -q --positions ANSWER,END -m "$demo" >"$tmp/cache"
        hap-attrib -q "$tmp/cache" | hap-select -q --keep 40 --greedy >"$tmp/c"
        hap-convert -q --to attribution-graph "$tmp/c" >"$tmp/graph"
        assert_equal "$(jq -c .metadata.prompt_tokens "$tmp/graph")" '["ANSWER","END","rest"]'
        jq -e '([.nodes[].node_id] | length == (unique | length))
                and ([.nodes[].node_id] as $ids | .links | length > 0 and all([.source, .target] - $ids == []))
                and (.nodes | map(select(.feature_type == "logit").ctx_idx) == [1])' "$tmp/graph" >/dev/null
}

@test "files that are not of the model, and streams that a file cannot hold, are refused" {
        assert_refused 2 "--from acdc needs -m" hap-convert --from acdc <(echo '[]')
        assert_refused 2 "--from auto-circuit needs -m" hap-convert --from auto-circuit <(echo '{}')
        assert_refused 2 "does not read it" hap-convert --from attribution-graph <(echo '{}')
        assert_refused 3 "item 1 is not an edge" hap-convert --from acdc -m "$demo" \
                <(echo '[["blocks.9.hook_mlp_in", [null], "hook_embed", [null]]]')
        assert_refused 3 "item 1 is not an edge" hap-convert --from acdc -m "$demo" \
                <(echo '[["blocks.0.hook_mlp_in", [null], "blocks.2.hook_mlp_out", [null]]]')
        assert_refused 3 "item 2 occurs twice" hap-convert --from acdc -m "$demo" <(jq -c '.acdc[:1] + .acdc[:1]' "$peers")
        assert_refused 3 "there is no module 'blocks.0.hook_q_input'" hap-convert --from auto-circuit -m "$demo" <(echo '{}')
        whole joined >"$tmp/c"
        hap-convert -q --to auto-circuit "$tmp/c" >"$tmp/prune"
        assert_refused 3 "has other modules too" hap-convert --from auto-circuit -m "$demo" \
                <(jq '.extra = [1]' "$tmp/prune")
        assert_refused 3 "not a finite number" hap-convert --from auto-circuit -m "$demo" \
                <(jq '."blocks.0.hook_mlp_in"[0] = "NaN"' "$tmp/prune")
        assert_refused 3 "a second section" hap-convert --to acdc "$tmp/c" "$tmp/c"
        json "$tmp/c" | jq -c 'if .edge then .z = 0.5 else . end' | hap-convert -q --from json >"$tmp/half"
        assert_refused 3 "some z are not 1" hap-convert --to acdc "$tmp/half"
        whole split >"$tmp/split"
        assert_refused 3 "'tok' and 'pos'" hap-convert --to auto-circuit "$tmp/split"
        assert_refused 2 "parallel residual" hap-convert --from acdc -m "$root/tests/golden/families/neox" <(echo '[]')
}

@test "ACDC's edges within heads and MLPs are skipped, those of other layers or heads are not" {
        jq -c '.acdc[:3]' "$peers" >"$tmp/three"
        hap-convert -q --from acdc -m "$demo" -o "$tmp/want" "$tmp/three"
        jq -c '. + [["blocks.1.attn.hook_q", [null, null, 0], "blocks.1.hook_q_input", [null, null, 0]],
                ["blocks.0.attn.hook_result", [null, null, 3], "blocks.0.attn.hook_v", [null, null, 3]],
                ["blocks.2.hook_mlp_out", [null], "blocks.2.hook_mlp_in", [null]]]' "$tmp/three" >"$tmp/more"
        hap-convert -q --from acdc -m "$demo" -o "$tmp/got" "$tmp/more"
        diff <(circuit_map "$tmp/want") <(circuit_map "$tmp/got")
        for item in '["blocks.1.attn.hook_q", [null, null, 0], "blocks.0.hook_q_input", [null, null, 0]]' \
                '["blocks.1.attn.hook_q", [null, null, 0], "blocks.1.hook_q_input", [null, null, 1]]' \
                '["blocks.1.attn.hook_q", [null, null, 9], "blocks.1.hook_q_input", [null, null, 9]]' \
                '["blocks.9.hook_mlp_out", [null], "blocks.9.hook_mlp_in", [null]]'; do
                assert_refused 3 "item 1 is not an edge" hap-convert --from acdc -m "$demo" <(echo "[$item]")
        done
        printf '\0\0\0' >"$tmp/nul"
        assert_refused 3 "line 1" hap-convert --from json "$tmp/nul"
}

@test "CPR, CMD and the faithfulness of every size are those of the MIB benchmark's own code" {
        golden=$root/tests/golden/exchange
        hap-task -q ioi --corruption s2-io-flip -n 40 --split validation -m "$demo" >"$tmp/task"
        # the scores as EAP-IG's Graph wrote them after reading hap's file
        hap-convert -q --from mib -m "$demo" "$golden/mib-again.json" >"$tmp/scores"
        hap-eval -q --curve -m "$demo" "$tmp/task" "$tmp/scores" | json - >"$tmp/curve"
        for order in signed magnitude; do
                jq -s --arg o "$order" 'map(select(.order == $o)) | (map(select(.of) | {(.metric): .value}) | add)
                        + ([.[] | select(.size) | .faithfulness] | to_entries | map({"f\(.key)": .value}) | add)' \
                        "$tmp/curve" >"$tmp/ours"
                jq --arg o "$order" '.[$o] | {cpr, cmd} + ([.faithfulness[]] | to_entries | map({"f\(.key)": .value}) | add)' \
                        "$golden/mib.json" >"$tmp/theirs"
                assert_near_maps "$tmp/ours" "$tmp/theirs" 1e-6
        done
}
