load helper

# Edges distinguished by named positions, on the model that ships.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        ln -s "$root/models" models
        hap-task -q ioi -n 60 -m models/demo -o ioi.task
        hap-task -q ioi --split test -n 100 -m models/demo -o test.task
        hap-forward -q -m models/demo -o plain.cache ioi.task
        hap-forward -q -m models/demo --positions all -o ioi.cache ioi.task
        hap-attrib -q -o ioi.scores ioi.cache
        hap-select -q --keep 50% -o ioi.subgraph ioi.scores
        hap-prune -q --edges 100 --steps 16 -o ioi.circuit ioi.cache ioi.subgraph ioi.scores
}

setup() {
        cd "$BATS_FILE_TMPDIR"
}

# sums SCORES: {"EDGE": its scores at all positions, added}
sums() {
        json "$1" | jq -s '[.[] | select(has("edge")) | .edge |= sub("@.*"; "")]
                | group_by(.edge) | map({(.[0].edge): map(.score) | add}) | add'
}

# value REPORT METRIC [CIRCUIT]: the mean over prompts
value() {
        json "$1" | jq "select(.metric == \"$2\" and (has(\"id\") | not)) | .value"
}

@test "a cache's header names the positions and where answers are, and asks readers to know them" {
        json ioi.cache | sed -n 1p >"$tmp/header"
        assert_equal "$(jq -c '[.graph.positions, .graph.answers, .requires]' "$tmp/header")" \
                '[["IO","S1","S1+1","S2","END","rest"],["END"],["positions"]]'
        assert_equal "$(jq .graph.edges "$tmp/header")" $((6 * 479))
        for f in ioi.scores ioi.subgraph ioi.circuit; do
                assert_equal "$(json $f | sed -n 1p | jq -c '[.graph.positions[3], .requires]')" \
                        '["S2",["positions"]]'
        done
        assert_equal "$(json plain.cache | sed -n 1p | jq -c '[.graph.positions, .requires]')" '[null,null]'
}

@test "scores at the positions add up to those without" {
        for method in eap clean-corrupted eap-ig-inputs mask-gradient; do
                hap-attrib -q --method $method -o "$tmp/plain" plain.cache
                hap-attrib -q --method $method -o "$tmp/apart" ioi.cache
                scores_map "$tmp/plain" >"$tmp/should"
                sums "$tmp/apart" >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 0 2e-5
        done
}

@test "a task gives the scores that its cache gives, and --positions is for a task" {
        hap-attrib -q -m models/demo --positions all -o "$tmp/task" ioi.task
        scores_map "$tmp/task" >"$tmp/is"
        scores_map ioi.scores >"$tmp/should"
        assert_near_maps "$tmp/is" "$tmp/should" 0 1e-6
        assert_refused 2 "--positions is for a task" hap-attrib -q --positions all ioi.cache
        assert_refused 3 "it has no position 'S9'" hap-attrib -q -m models/demo --positions S9 ioi.task
}

@test "the exact score of an edge at a position is the loss that its removal there adds" {
        hap-task -q ioi -n 4 -m models/demo -o "$tmp/few"
        hap-forward -q -m models/demo --positions S2,END "$tmp/few" |
                hap-attrib -q --method exact -o "$tmp/scores"
        edge='a1.h3->a3.h2<v>@rest'
        json "$tmp/scores" | jq -c "select(has(\"edge\") and .edge != \"$edge\") | {edge, z: 1}" |
                circuit_of "$tmp/scores" >"$tmp/without"
        hap-eval -q --keep-dead -m models/demo --metric logit-diff -o "$tmp/less" "$tmp/few" "$tmp/without"
        hap-eval -q --full -m models/demo --metric logit-diff -o "$tmp/full" "$tmp/few"
        is=$(json "$tmp/scores" | jq "select(.edge == \"$edge\").score")
        assert_near "$is" "$(jq -n "$(value "$tmp/full" logit-diff) - $(value "$tmp/less" logit-diff)")" 1e-4
        jq -ne "$is | fabs > 1e-3"
}

@test "cutting the input's edges at a position is the full model with another token there" {
        for name in rest IO S2; do
                json ioi.scores | jq -c "select(has(\"edge\"))
                        | select(.edge | test(\"^input->.*@$name\$\") | not) | {edge, z: 1}" |
                        circuit_of ioi.scores >"$tmp/cut"
                json test.task | jq -c "if has(\"clean\") then . as \$x
                        | ([range(.clean | length)] - [.positions[]]) as \$rest
                        | reduce (if \"$name\" == \"rest\" then \$rest[] else .positions.$name end) as \$p
                                (.; .clean[\$p] = \$x.corrupted[\$p])
                        else . end" | hap-convert -q --from json -o "$tmp/patched"
                hap-eval -q --keep-dead -m models/demo --metric logit-diff,prob-diff -o "$tmp/is" test.task "$tmp/cut"
                hap-eval -q --full -m models/demo --metric logit-diff,prob-diff -o "$tmp/should" "$tmp/patched"
                for metric in logit-diff prob-diff; do
                        assert_near "$(value "$tmp/is" $metric)" "$(value "$tmp/should" $metric)" 2e-5
                done
        done
        # a check that cannot pass if nothing is cut
        hap-eval -q --full -m models/demo --metric logit-diff -o "$tmp/full" test.task
        jq -ne "$(value "$tmp/full" logit-diff) - $(value "$tmp/is" logit-diff) | . > 1"
}

@test "pruning leaves as many edges as asked for, all alive, within the subgraph, and few do" {
        circuit_map ioi.circuit >"$tmp/edges"
        assert_equal "$(jq length "$tmp/edges")" 100
        jq -e 'keys | all(test("@(IO|S1|S1\\+1|S2|END|rest)$"))' "$tmp/edges"
        jq -ne --slurpfile c "$tmp/edges" --slurpfile s <(circuit_map ioi.subgraph) \
                '$c[0] | keys - ($s[0] | keys) == []'
        hap-eval -q -m models/demo --metric kl -o "$tmp/report" test.task ioi.circuit
        assert_equal "$(json "$tmp/report" | jq 'select(has("metric") and (has("id") | not)) | .edges' | head -1)" 100
        hap-prune -q --edges 48 --steps 16 -o "$tmp/whole" plain.cache
        hap-eval -q -m models/demo --metric kl -o "$tmp/report.whole" test.task "$tmp/whole"
        jq -ne "$(value "$tmp/report" kl) < .5 * $(value "$tmp/report.whole" kl)"
}

@test "edge pruning and refinement take positions too, and a stopped run ends with the same bytes" {
        hap-prune -q --recipe edge-pruning --steps 60 --batch 4 --edges 300 --exact-sparsity -o "$tmp/ep" ioi.cache
        assert_equal "$(circuit_map "$tmp/ep" | jq length)" 300
        rounds=(--steps 0 --set rounds=3 --edges 200)
        hap-prune -q "${rounds[@]}" -o "$tmp/whole" ioi.cache ioi.subgraph ioi.scores
        assert_equal "$(circuit_map "$tmp/whole" | jq length)" 200
        rc=0 long=(hap-prune -q --steps 200 --edges 100)
        "${long[@]}" -o "$tmp/whole" ioi.cache ioi.subgraph ioi.scores
        "${long[@]}" --checkpoint "$tmp/c" --log "$tmp/log" -o "$tmp/killed" ioi.cache ioi.subgraph ioi.scores &
        until [[ -f $tmp/log ]] && (($(wc -l <"$tmp/log") >= 5)); do
                kill -0 $! || fail "it ended before line 5 of its log"
                sleep 0.01
        done
        kill -TERM $!
        wait $! || rc=$?
        assert_equal "$rc" 143
        assert_not_exists "$tmp/killed"
        "${long[@]}" --checkpoint "$tmp/c" --log "$tmp/log" -o "$tmp/resumed" ioi.cache ioi.subgraph ioi.scores
        assert_same "$tmp/whole" "$tmp/resumed"
}

@test "streams through pipes give the same results as files" {
        hap-task ioi -q -n 60 -m models/demo | hap-forward -q --positions all -m models/demo |
                hap-attrib -q -p | hap-select -q -p --keep 50% |
                hap-prune -q --edges 100 --steps 16 -o "$tmp/circuit"
        assert_equal "$(circuit_map "$tmp/circuit")" "$(circuit_map ioi.circuit)"
}

@test "hap-select names nodes and edges at a position or at all, and its greedy choice leads to an answer" {
        hap-select -q --keep 0 --keep-dead --always a1.h3@S2 -o "$tmp/node" ioi.scores
        assert_equal "$(circuit_map "$tmp/node" | jq -c 'keys | map(sub(".*@"; "")) | unique')" '["S2"]'
        circuit_map "$tmp/node" | jq -e 'keys | all(test("^a1.h3->|->a1.h3<")) and length > 20'
        hap-select -q --keep 0 --keep-dead --always 'a1.h3->a3.h2<v>' -o "$tmp/edge" ioi.scores
        assert_equal "$(circuit_map "$tmp/edge" | jq length)" 6
        hap-select -q --keep 0 --keep-dead --always 'a1.h3->a3.h2<v>@END' -o "$tmp/edge" ioi.scores
        assert_equal "$(circuit_map "$tmp/edge" | jq -c keys)" '["a1.h3->a3.h2<v>@END"]'
        assert_refused 2 "'a1.h3@S7' is neither an edge nor a node of a graph of 4 layers and 4 heads, which has positions IO, S1" \
                hap-select -q --keep 0 --always a1.h3@S7 ioi.scores
        assert_refused 2 "'a1.h3@S2' is neither an edge nor a node of a graph of 4 layers and 4 heads, which distinguishes no positions" \
                hap-select -q --keep 0 --always a1.h3@S2 <(hap-attrib -q plain.cache)
        hap-select --keep 150 --greedy -o "$tmp/greedy" ioi.scores 2>"$tmp/said"
        grep -q '150 selected' "$tmp/said"
        circuit_map "$tmp/greedy" | jq -e 'keys | map(select(test("->logits@")))
                | length > 3 and all(endswith("@END"))'
}

@test "an automatic subgraph, other ablations and constants take positions" {
        hap-select -q --auto -o "$tmp/auto" ioi.scores ioi.cache
        circuit_map "$tmp/auto" | jq -e 'length > 20 and length < 2874'
        for ablation in zero mean mean-position; do
                hap-prune -q --ablation $ablation --edges 400 --steps 6 -o "$tmp/$ablation" ioi.cache
                assert_equal "$(circuit_map "$tmp/$ablation" | jq length)" 400
                hap-eval -q -m models/demo --metric kl --ablation $ablation -o "$tmp/report" test.task "$tmp/$ablation"
                hap-eval -q -m models/demo --metric kl --ablation $ablation --empty -o "$tmp/empty" test.task
                jq -ne "$(value "$tmp/report" kl) < .5 * $(value "$tmp/empty" kl)"
        done
        hap-ablate -q --steps 50 -o "$tmp/constants" ioi.cache "$tmp/mean"
        hap-eval -q -m models/demo --metric kl --ablation optimal -o "$tmp/optimal" ioi.task "$tmp/mean" "$tmp/constants"
        hap-eval -q -m models/demo --metric kl --ablation mean -o "$tmp/means" ioi.task "$tmp/mean"
        jq -ne "$(value "$tmp/optimal" kl) < $(value "$tmp/means" kl)"
        # constants are one vector per writer, with any positions
        assert_equal "$(json "$tmp/constants" | sed -n 1p | jq -c '[.graph.positions, .graph.edges, .requires]')" '[null,479,null]'
        hap-prune -q --edges 60 --steps 6 -o "$tmp/plain" plain.cache
        hap-eval -q -m models/demo --ablation optimal --metric kl -o "$tmp/report" test.task "$tmp/plain" "$tmp/constants"
}

@test "sizes that no circuit can have are refused, and the full model is all of it" {
        assert_refused 2 "cannot keep 2500 edges of a subgraph of 2349" hap-prune -q --edges 2500 ioi.cache
        hap-eval -q -m models/demo --full --metric kl -o "$tmp/report" test.task ioi.circuit
        assert_equal "$(json "$tmp/report" | jq 'select(.circuit == "full" and (has("id") | not)).edges')" 2874
}

@test "circuits with positions are shown, drawn and refused as MIB files" {
        hap-show -q ioi.circuit >"$tmp/text"
        grep -q -- '->logits@END ' "$tmp/text"
        hap-show -q --svg ioi.circuit >"$tmp/svg"
        assert_equal "$(grep -c ' data-e=' "$tmp/svg")" 100
        for form in svg html dot; do
                hap-show -q --$form ioi.circuit >"$tmp/$form"
                grep -q 'logits@END' "$tmp/$form"
        done
        assert_refused 3 "MIB files cannot represent positions" hap-convert -q --to mib ioi.circuit
}

@test "positions that examples do not have, or that are one, are refused by name" {
        cd "$tmp"
        refused() {
                assert_refused "$1" "$2" hap-forward -q -m "$root/models/demo" --positions "$3" "${4:-$BATS_FILE_TMPDIR/ioi.task}"
        }
        refused 3 "cannot use example 'ioi-train-1': it has no position 'S9'" S1,S9
        refused 2 "cannot name a position 'S1': it occurs twice" S1,S2,S1
        refused 2 "cannot name a position 'rest': it means all positions without a name" rest
        refused 2 "cannot name a position '': a name has 1 to 23 bytes" S1,
        refused 2 "cannot name a position 'a\"b': a name has no '@', comma, quote" 'a"b'
        echo '{"clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": 5, "positions": {"A": 1, "B": 1}}' >one.jsonl
        hap-task -q --from one.jsonl -o one.task
        refused 3 "its positions 'A' and 'B' are the same token" all one.task
        echo '{"clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": 5}' | hap-task -q --from - -o none.task
        refused 3 "no name is common to all examples" all none.task
        json -q one.task | sed 's/"B":1/"B b":2/' | hap-convert -q --from json >space.task
        refused 3 "cannot use all positions (a list of some may be given): cannot name a position 'B b'" all space.task
        hap-forward -q -m "$root/models/demo" --positions A space.task >space.cache
        sed -e 's/"B": 1/"B": 2/' one.jsonl | hap-task -q --from - -o two.task
        cat "$BATS_FILE_TMPDIR/ioi.task" two.task >both.task
        refused 3 "its positions, or those of its answers, are not those of the task before it" all both.task
}

@test "headers with invalid positions are refused with the file's name" {
        for wrong in '.positions = "S1"' '.positions = null' 'del(.answers)' '.answers = ["S9"]' \
                '.positions[0] = 7' '.positions[5] = "S9"' '.edges = 479'; do
                json ioi.circuit | jq -c "if has(\"graph\") then .graph |= ($wrong) else . end" |
                        hap-convert -q --from json -o "$tmp/wrong"
                assert_refused 3 "$tmp/wrong" hap-prune -q --edges 9 ioi.cache "$tmp/wrong"
                assert_refused 3 "$tmp/wrong" hap-show -q "$tmp/wrong"
        done
        printf '%s\n' '{"hap":1,"kind":"circuit","graph":{"layers":1,"heads":4096,"answers":["rest"],"positions":['"$(
                seq -f '"p%g"' -s, 31)"',"rest"]}}' '{"edge":"input->logits@rest","z":1}' '{"end":"circuit"}' |
                hap-convert -q --from json -o "$tmp/wide"
        assert_refused 3 "cannot distinguish 32 positions: 4098 writers at each are more than 65536" hap-show "$tmp/wide"
}

@test "a circuit is measured only on prompts with its positions, their answers where it reads them" {
        echo '{"clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": 5, "positions": {"S1": 1}}' |
                hap-task -q --from - -o "$tmp/other.task"
        assert_refused 3 "it has no position 'IO'" hap-eval -q -m models/demo "$tmp/other.task" ioi.circuit
        echo '{"clean": [1, 2, 3, 4, 5, 6], "corrupted": [1, 4, 3, 4, 5, 6], "answer": 5,
                "positions": {"IO": 0, "S1": 1, "S1+1": 2, "S2": 3, "END": 4}}' | tr -d '\n' |
                hap-task -q --from - -o "$tmp/elsewhere.task"
        assert_refused 3 "its answer is at 'rest', where this graph reads no logits" \
                hap-eval -q -m models/demo "$tmp/elsewhere.task" ioi.circuit
        assert_refused 3 "it has positions IO, S1, S1+1, S2, END, rest, with answers at END, but here the graph distinguishes no positions" \
                hap-prune -q --edges 50 plain.cache ioi.scores
        hap-forward -q -m models/demo --positions S1,END -o "$tmp/a" ioi.task
        hap-forward -q -m models/demo --positions END,S1 -o "$tmp/b" ioi.task
        assert_refused 3 "it has positions S1, END, rest, with answers at END, but here the graph has positions END, S1, rest" \
                hap-prune -q --edges 50 "$tmp/b" <(hap-attrib -q "$tmp/a")
}
