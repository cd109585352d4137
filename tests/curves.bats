load helper

# hap-eval --curve: the values of MIB's own code (evaluation.py of MIB-circuit-track, b759df3) on
# models/demo, a brute force from single evaluations, and toys whose numbers are known.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        model=$root/models/demo
        for split in train validation; do
                hap-task -q ioi --corruption s2-io-flip -m "$model" -n 100 --split $split -o $split
        done
        hap-attrib -q -m "$model" -o scores train
        hap-eval -q --curve -m "$model" -o report validation scores
        for toy in micro or and; do
                hap-task -q --from "$root/tests/golden/toys/$toy/p.jsonl" \
                        -m "$root/tests/golden/toys/$toy" -o $toy.task
        done
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        model=$root/models/demo
        micro=$root/tests/golden/toys/micro
}

# value REPORT JQ: the value of the only record that the filter selects.
value() {
        json "$1" | jq -s "[.[] | select($2)] | if length == 1 then .[0].value else error end"
}

@test "CPR and CMD are those of MIB's own code" {
        assert_near "$(value report '.metric == "cpr" and .order == "signed"')" .257663 1e-6
        assert_near "$(value report '.metric == "cmd" and .order == "signed"')" .741337 1e-6
        assert_near "$(value report '.metric == "cpr" and .order == "magnitude"')" .891459 1e-6
        assert_near "$(value report '.metric == "cmd" and .order == "magnitude"')" .107541 1e-6
}

@test "sizes are those of MIB, truncated, and circuits without edges count as empty" {
        json report | jq -c 'select(.order == "signed" and .size) | [.size, .selected]' >"$tmp/is"
        assert_equal "$(tr -d '\n' <"$tmp/is")" \
                "[0.001,0][0.002,0][0.005,2][0.01,4][0.02,9][0.05,23][0.1,47][0.2,95][0.5,239][1,479]"
        json report | jq -es 'all(.[] | select(.size and .edges == 0); .faithfulness == 0)'
        json report | jq -es 'all(.[] | select(.size); .weighted_edges == .edges)'
}

# brute TASK SCORES OPTION ...: faithfulness of every size and the areas, one run of hap-select
# and hap-eval for each size; the edges are chosen by jq, and awk adds the trapezoids.
brute() {
        local task=$1 scores=$2 key=$3 p n
        for p in $4; do
                n=$(awk -v p="$p" 'BEGIN { print int(p * 479 + 1e-9) }')
                json "$scores" | jq -s -c --argjson n "$n" \
                        "[.[] | select(has(\"edge\"))] | sort_by($key) | .[:\$n][] | {edge, z: 1}" |
                        circuit_of "$scores" >"$tmp/one"
                hap-eval -q --metric logit-diff --full --empty -m "$model" "$task" "$tmp/one" |
                        json | jq -rs --arg p "$p" '[.[] | select(.metric) | {(.circuit): .value}] | add
                                | "\($p) \((.one - .empty) / (.full - .empty))"'
        done | awk 'function abs(x) { return x < 0 ? -x : x }
                NR > 1 { cpr += ($1 - p) * ($2 + f) / 2
                         cmd += ($1 - p) * (abs(1 - $2) + abs(1 - f)) / 2 }
                { p = $1; f = $2; print p, f }
                END { printf "cpr %.12f\ncmd %.12f\n", cpr, cmd }'
}

@test "curves of another method and metric equal a brute force of single runs" {
        hap-task -q greater-than -m "$model" -n 40 -o "$tmp/task"
        hap-attrib -q --method eap-ig-inputs -m "$model" -o "$tmp/scores" "$tmp/task"
        hap-task -q ioi -m "$model" -n 30 --split test -o "$tmp/ioi"
        hap-eval -q --curve --sizes 3%,40,25%,80%,100% -m "$model" -o "$tmp/report" \
                "$tmp/ioi" "$tmp/scores"
        for order in signed magnitude; do
                key='-.score'
                [[ $order == signed ]] || key='-(.score | fabs)'
                brute "$tmp/ioi" "$tmp/scores" "$key" ".03 .0835073068893528 .25 .8 1" >"$tmp/brute"
                json "$tmp/report" | jq -rs --arg order $order '[.[] | select(.order == $order)]
                        | (.[] | select(.size) | "\(.size) \(.faithfulness)"),
                          (.[] | select(.of) | "\(.metric) \(.value)")' >"$tmp/is"
                assert_equal "$(wc -l <"$tmp/is")" 7
                paste -d' ' "$tmp/is" "$tmp/brute" | while read -r _ a _ b; do
                        assert_near "$a" "$b" 1e-6 || fail "$order: $a, not $b"
                done
        done
}

@test "several scores give one curve each, equal to those of single runs" {
        hap-attrib -q --method exact -m "$model" -o "$tmp/exact" train
        hap-eval -q --curve --name a --name b -m "$model" -o "$tmp/both" validation scores "$tmp/exact"
        hap-eval -q --curve --name b -m "$model" -o "$tmp/one" validation "$tmp/exact"
        json "$tmp/both" | jq -c 'select(.order and .circuit == "b")' >"$tmp/is"
        json "$tmp/one" | jq -c 'select(.order)' >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        hap-eval -q --curve --name a --name b -j 1 -m "$model" validation scores "$tmp/exact" |
                json | jq -c 'select(.order)' >"$tmp/threads"
        json "$tmp/both" | jq -c 'select(.order)' | assert_same - "$tmp/threads"
        assert_refused 2 "two curves would be called 'eap'" \
                hap-eval --curve -m "$model" validation scores scores
}

@test "a circuit of different z is a curve in their order, others are evaluated" {
        json scores | jq -c 'select(has("edge")) | {edge, z: ((.score | fabs) / 100 + 1e-9)}' |
                circuit_of scores >"$tmp/ranked"
        hap-select -q --keep 47 -o "$tmp/plain" scores
        hap-eval -q --curve --name ranked --name plain -m "$model" -o "$tmp/report" \
                validation "$tmp/ranked" "$tmp/plain"
        assert_near "$(value "$tmp/report" '.metric == "cpr"')" .891459 1e-6
        assert_near "$(value "$tmp/report" '.circuit == "plain"')" \
                "$(json report | jq 'select(.size == 0.1 and .order == "magnitude").value')" 1e-9
}

@test "the numbers of micro are exact: 24 with all edges, -24 with none, and EAP's ranking" {
        hap-attrib -q -m "$micro" -o "$tmp/scores" micro.task
        hap-eval -q --curve --sizes 1,4,8,12,46 -m "$micro" -o "$tmp/report" micro.task "$tmp/scores"
        assert_equal "$(json "$tmp/report" | jq -c 'select(.size == 1 and .order == "signed") | [.value, .faithfulness]')" "[24,1]"
        # the one best edge is dead alone: the empty circuit
        assert_equal "$(json "$tmp/report" | jq -c 'select(.selected == 1 and .order == "signed") | [.edges, .value, .faithfulness]' | sed 's/-0\b/0/')" "[0,-24,0]"
        # with its 12 edges that have a score all of the model is kept, exactly
        assert_equal "$(json "$tmp/report" | jq -c 'select(.selected == 12 and .order == "signed") | [.value, .faithfulness]')" "[24,1]"
}

@test "cutting the edges of micro one after the other gives 24, 22, 12 and 4" {
        for cut in '' 'a0.h1->logits' 'a0.h0->a1.h1<v>' 'input->a0.h0<v>'; do
                cuts+=("$cut")
                hap-attrib -q -m "$micro" micro.task | json |
                        jq -c 'select(has("edge")) | {edge, z: 1}' >"$tmp/edges"
                printf '%s\n' "${cuts[@]}" | jq -R . | jq -s . >"$tmp/cut"
                jq -c --slurpfile cut "$tmp/cut" '. as $e | select($cut[0] | index($e.edge) | not)' "$tmp/edges" |
                        circuit_of <(hap-attrib -q -m "$micro" micro.task) >"$tmp/circuit"
                hap-eval -q --keep-dead --metric logit-diff -m "$micro" micro.task "$tmp/circuit" |
                        json | jq 'select(.metric).value'
        done >"$tmp/values"
        assert_equal "$(tr '\n' ' ' <"$tmp/values")" "24 22 12 4 "
}

@test "AUC and average precision equal a count of all pairs and thresholds" {
        hap-attrib -q -m "$model" --method exact train | hap-select -q --keep 8% -o "$tmp/reference"
        hap-eval -q --curve --reference "$tmp/reference" -m "$model" -o "$tmp/report" validation scores
        circuit_map "$tmp/reference" >"$tmp/z"
        for order in signed magnitude; do
                json scores | jq -s --slurpfile z "$tmp/z" --arg order $order '
                        [.[] | select(has("edge")) | {s: (if $order == "signed" then .score else .score | fabs end),
                                                      p: ($z[0][.edge] != null)}] as $all
                        | [$all[] | select(.p).s] as $p | [$all[] | select(.p | not).s] as $n
                        | {auc: (([$p[] as $a | $n[] | if $a > . then 1 elif $a == . then 0.5 else 0 end] | add)
                                 / ($p | length) / ($n | length)),
                           ap: ([$p[] as $t | ([$p[] | select(. >= $t)] | length)
                                 / ([$all[] | select(.s >= $t)] | length)] | add / length)}' >"$tmp/should"
                assert_near "$(value "$tmp/report" ".metric == \"roc-auc\" and .on == \"edges\" and .order == \"$order\"")" \
                        "$(jq .auc "$tmp/should")" 1e-12
                assert_near "$(value "$tmp/report" ".metric == \"average-precision\" and .on == \"edges\" and .order == \"$order\"")" \
                        "$(jq .ap "$tmp/should")" 1e-12
        done
}

@test "MIB's AUROC is the area over greedy circuits of rounded-up sizes" {
        hap-attrib -q -m "$model" --method exact train | hap-select -q --keep 8% -o "$tmp/reference"
        hap-eval -q --curve --reference "$tmp/reference" -m "$model" -o "$tmp/report" validation scores
        circuit_map "$tmp/reference" >"$tmp/z"
        for n in 1 1 3 5 10 24 48 96 240 479; do
                echo '{}' >"$tmp/c"
                hap-select -q --greedy --keep $n scores 2>/dev/null >"$tmp/s" && circuit_map "$tmp/s" >"$tmp/c"
                jq -rn --slurpfile z "$tmp/z" --slurpfile c "$tmp/c" '($z[0] | length) as $all
                        | ([$c[0] | keys[] | select($z[0][.])] | length) as $tp
                        | "\(([$c[0] | keys[]] | length - $tp) / (479 - $all)) \($tp / $all)"'
        done | awk 'NR > 1 { area += ($1 - x) * ($2 + y) / 2 } { x = $1; y = $2 } END { printf "%.12f\n", area / x }' >"$tmp/should"
        assert_near "$(value "$tmp/report" '.metric == "auroc" and .order == "magnitude"')" "$(cat "$tmp/should")" 1e-9
}

@test "a reference circuit is a stream, a list of edges, MIB's object, or a list of nodes" {
        hap-select -q --keep 10% -o "$tmp/c" scores
        circuit_map "$tmp/c" >"$tmp/z"
        jq '{name: "list", edges: keys}' "$tmp/z" >"$tmp/list.json"
        jq '{edges: map_values({in_graph: true})}' "$tmp/z" >"$tmp/object.json"
        for reference in c list.json object.json; do
                hap-eval -q --metric kl --reference "$tmp/$reference" -m "$model" validation "$tmp/c" |
                        json | jq -es '[.[] | select(.on).value] == [1, 1, 1, 1]' || fail "$reference"
        done
        echo '{"nodes": ["a3.h1", "m0"]}' >"$tmp/nodes.json"
        hap-eval -q --metric kl --reference "$tmp/nodes.json" -m "$model" validation "$tmp/c" |
                json | jq -es '[.[] | select(.on) | .on] == ["nodes", "nodes"]'
        echo '{"edges": ["a9.h1->logits"]}' >"$tmp/bad.json"
        assert_refused 3 "'a9.h1->logits' is not an edge" \
                hap-eval --metric kl --reference "$tmp/bad.json" -m "$model" validation "$tmp/c"
        echo '{"nodes": ["a9.h1"]}' >"$tmp/bad.json"
        assert_refused 3 "'a9.h1' is not a head" \
                hap-eval --metric kl --reference "$tmp/bad.json" -m "$model" validation "$tmp/c"
        echo '{"edges": []}' >"$tmp/bad.json" # of nothing, no share is defined
        assert_refused 3 "it names no edges" \
                hap-eval --metric kl --reference "$tmp/bad.json" -m "$model" validation "$tmp/c"
}

@test "wrong sizes and options are refused" {
        assert_refused 2 "can only be used with --curve" hap-eval --sizes 1%,2% -m "$model" validation scores
        assert_refused 2 "at least two sizes" hap-eval --curve --sizes 5% -m "$model" validation scores
        assert_refused 2 "not larger" hap-eval --curve --sizes 5%,5% -m "$model" validation scores
        assert_refused 2 "more than the 479 edges" hap-eval --curve --sizes 5%,480 -m "$model" validation scores
        assert_refused 3 "scores" hap-eval --curve -m "$model" validation
}

@test "hap-show prints curves as tables and draws several in one picture" {
        hap-attrib -q --method exact -m "$model" -o "$tmp/exact" train
        hap-eval -q --curve --name first --name second -m "$model" -o "$tmp/both" validation scores "$tmp/exact"
        hap-show -q "$tmp/both" >"$tmp/text"
        grep -q 'first, signed.*second, magnitude' "$tmp/text"
        grep -q '^ *first, magnitude  *0.8915  *0.1075' "$tmp/text"
        hap-show -q --svg "$tmp/both" >"$tmp/svg"
        need_tool python3
        python3 -c 'import sys, xml.dom.minidom as m; d = m.parse(sys.argv[1])
p = [e for e in d.getElementsByTagName("path") if e.getAttribute("d").count("L") == 9]
assert len(p) == 4, len(p)' "$tmp/svg"
        hap-show -q --html "$tmp/both" >"$tmp/html"
        grep -q '<svg' "$tmp/html"
}
