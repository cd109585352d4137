load helper

# hap-eval --roles: what the heads of a model do. The golden values are those of a float64 model
# written out in Python (tests/golden/roles/make.py).

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        for t in ioi induction docstring; do
                hap-task -q "$t" --split test -n 20 -m "$root/models/demo" -o "$t.task"
                hap-eval -q --roles -m "$root/models/demo" "$t.task" |
                        hap-convert -q --to json >"$t.json"
        done
        # prompts of three tokens, in which heads with random weights attend to a third
        for n in 1 2 3 4 5 6 7 8; do
                jq -nc --argjson n "$n" '{clean: [$n, 20 + $n, $n], corrupted: [30 + $n, 40 + $n, 45],
                        answers: [20 + $n], wrongs: [$n]}'
        done | hap-task -q --from - -o three.task
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden/roles/demo.json
}

# found TASK ROLE: the heads that have it, sorted.
found() {
        jq -r "select(.metric == \"role\" and .role == \"$2\" and .found).head" "$1.json" | sort
}

# scores TASK ROLE FIELD: {head: score}
scores() {
        jq -s "map(select(.metric == \"role\" and .role == \"$2\" and .$3) | {(.head): .$3}) | add // {}" "$1.json"
}

@test "attention scores are those of the float64 model" {
        for t in ioi induction docstring; do
                for role in name-mover s-inhibition induction duplicate-token previous-token; do
                        scores "$t" "$role" attention >got.json
                        jq ".\"$t\".attention.\"$role\" | map_values(select(. != null))" "$golden" >want.json
                        [[ $(jq length want.json) -eq 0 && $(jq length got.json) -eq 0 ]] ||
                                assert_near_maps got.json want.json 1e-5
                done
        done
}

@test "direct effects are those of the float64 model and sum to the logit difference" {
        for t in ioi induction docstring; do
                jq -s 'map(select(.metric == "direct-effect" and .node != "rest") | {(.node): .value}) | add' \
                        "$t.json" >got.json
                jq ".\"$t\".direct" "$golden" >want.json
                assert_near_maps got.json want.json 1e-4
                jq -es 'map(select(.metric == "direct-effect").value) | add' "$t.json" >sum
                assert_near "$(cat sum)" "$(jq ".\"$t\".\"logit-diff\"" "$golden")" 1e-4
        done
}

@test "in the induction task the induction heads are those with the highest prefix-matching score" {
        found induction induction >got
        n=$(wc -l <got)
        [[ $n -ge 1 ]]
        jq -r --argjson n "$n" '.induction.attention.induction | to_entries
                | sort_by(-.value) | .[:$n][].key' "$golden" | sort >want
        assert_same got want
        # and the threshold divides high scores from low ones
        jq -e --argjson n "$n" '[.induction.attention.induction[]] | sort | reverse
                | .[$n - 1] > 3 * .[$n]' "$golden" >/dev/null
}

@test "the movers are those of the float64 model, and cutting them shifts the backups" {
        for t in ioi induction docstring; do
                assert_equal "$(found "$t" name-mover)" "$(jq -r ".\"$t\".movers[]" "$golden" | sort)"
                scores "$t" backup effect >got.json
                jq ".\"$t\" | .growth" "$golden" >want.json
                assert_near_maps got.json want.json 2e-4
        done
        [[ -n $(found docstring backup) ]]
        for head in $(found docstring backup); do
                jq -e ".docstring.growth.\"$head\" > 0.05 * .docstring.\"logit-diff\"" "$golden" >/dev/null ||
                        fail "$head does not grow"
        done
}

@test "loadings are the directional derivatives through each reader, and sum to the edge's score" {
        edges='a0.h2->m0,m0->a1.h0<k>,m0->a1.h3<v>,input->a0.h2<v>,a1.h3->m1'
        hap-task -q docstring --split test -n 4 -m "$root/models/demo" -o four.task
        hap-eval -q --roles --loadings "$edges" -m "$root/models/demo" four.task |
                hap-convert -q --to json >loaded.json
        hap-forward -q -m "$root/models/demo" four.task | hap-attrib -q | hap-convert -q --to json >scores.json
        IFS=, read -ra list <<<"$edges"
        for edge in "${list[@]}"; do
                jq -s --arg e "$edge" 'map(select(.metric == "loading" and .edge == $e) | {(.via): .value}) | add' \
                        loaded.json >got.json
                jq --arg e "$edge" '.docstring.loadings[$e] | map_values(select(. != 0))' "$golden" >want.json
                # keys that are zero in one and rounding in the other
                jq -n --slurpfile a got.json --slurpfile b want.json \
                        '$b[0] | keys[] as $k | {($k): ($a[0][$k] // 0)}' | jq -s add >both.json
                assert_near_maps both.json want.json 2e-5 1e-4
                sum=$(jq 'add' got.json)
                score=$(jq --arg e "$edge" 'select(.edge == $e).score' scores.json)
                assert_near "$sum" "$score" 1e-5
        done
        # the largest edges are those of the largest scores
        hap-eval -q --roles --loadings 3 -m "$root/models/demo" four.task | hap-convert -q --to json |
                jq -r 'select(.metric == "edge-effect").edge' >got
        jq -sr 'map(select(.edge and (.edge | endswith("->logits") | not))) | sort_by(-(.score | fabs))
                | .[:3][].edge' scores.json >want
        assert_same got want
}

@test "the effect on the movers' queries is what a circuit without these edges loses" {
        model=$root/tests/golden/families/mistral
        hap-eval -q --roles -m "$model" three.task | hap-convert -q --to json >three.json
        movers=$(found three name-mover)
        heads=$(jq -r 'select(.role == "s-inhibition" and .effect).head' three.json)
        [[ -n $movers && -n $heads ]] || fail "no movers or nothing that reads before them"
        full=$(jq 'select(.metric == "logit-diff").value' three.json)
        hap-attrib -q -m "$model" three.task | hap-convert -q --to json >scores.json
        jq -r 'select(.edge).edge' scores.json >edges
        for head in $heads; do
                { head -1 scores.json | jq -c '{hap: 1, kind: "circuit", graph: .graph, model: .model}'
                  for mover in $movers; do echo "$head->$mover<q>"; done >cut
                  grep -vxFf cut edges | jq -Rc '{edge: ., z: 1}'
                  echo '{"end": "circuit"}'; } | hap-convert -q --from json >circuit
                cut=$(hap-eval -q --keep-dead --metric logit-diff -m "$model" three.task circuit |
                        hap-convert -q --to json | jq 'select(.metric).value')
                effect=$(jq "select(.role == \"s-inhibition\" and .head == \"$head\").effect" three.json)
                assert_near "$effect" "$(jq -n "$full - $cut")" 1e-6
        done
}

@test "circuits are listed with the heads of each role that they keep" {
        jq -nc '{hap: 1, kind: "circuit", graph: {layers: 4, heads: 4}}, {edge: "input->a1.h1<q>", z: 1},
                {edge: "a1.h1->logits", z: 1}, {edge: "input->a2.h0<v>", z: 1}, {edge: "a2.h0->logits", z: 1},
                {edge: "input->a0.h0<v>", z: 1}, {end: "circuit"}' | hap-convert -q --from json >circuit
        hap-eval -q --roles --name small -m "$root/models/demo" docstring.task circuit >report
        rows() { json report | jq -c "select(.class == \"$1\") | [.circuit, .kept]"; }
        assert_equal "$(rows name-mover)" '["small","a1.h1"]'
        assert_equal "$(rows 'no role')" '["small","a2.h0"]'
        hap-eval -q --roles --keep-dead -m "$root/models/demo" docstring.task circuit >report
        assert_equal "$(rows 'no role')" '["circuit","a0.h0 a2.h0"]'
}

@test "a long list of heads is cut in the table, and not in the report" {
        jq -nc '{hap: 1, kind: "report"}, {circuit: "c", class: "no role", metric: "nodes", value: 100,
                of: 300, kept: ([range(100) | "a\(.).h7"] | join(" ")), missing: ([range(200) | "a\(.).h3"] | join(" "))},
                {end: "report"}' | hap-convert -q --from json >report
        hap-show -q report >table
        line=$(grep 'a0.h7' table)
        ((${#line} < 230)) || fail "${#line} columns"
        for head in h3:200 h7:100; do
                shown=$(grep -o "a[0-9]*\.${head%:*}" <<<"$line" | wc -l)
                assert_equal "$(grep -o "${head%:*} and [0-9]* more" <<<"$line")" \
                        "${head%:*} and $((${head#*:} - shown)) more"
        done
        # as many as fit are listed whole
        jq -c 'if .kept then .kept = "a1.h1 a2.h2" else . end' <<<"$(hap-convert -q --to json report)" |
                hap-convert -q --from json | hap-show -q | grep -q 'a1.h1 a2.h2  *a0.h3'
}

@test "a report of roles is shown, and is the same for any number of threads" {
        hap-eval -q --roles --loadings 2 -j 1 -m "$root/models/demo" docstring.task -o one
        hap-eval -q --roles --loadings 2 -j 3 -m "$root/models/demo" docstring.task -o three
        assert_same one three
        hap-show -q one >shown
        grep -Eq 'name-mover +a1.h3 +0\.9[0-9]+ +[0-9.]+ +END->ANSWER 0.9' shown || fail "$(cat shown)"
        grep -q 'largest direct effects on the logit difference: m1 +' shown
        grep -Eq 'input->a0.h2<v> .*m0 [0-9]+ %' shown
        hap-show -q --tsv one >table # of means for circuits: not of heads, nodes and edges
        assert_equal "$(cut -f 1 table | tr '\n' ' ')" "circuit full "
        run ! grep -E 'role|attention|effect|loading' table
}

@test "roles need right answers, and cannot be combined with metrics" {
        jq -nc '{clean: [1, 2], corrupted: [3, 4], answers: [], wrongs: []}, {clean: [1, 2], corrupted: [3, 4], at: [1]}' |
                tail -1 | hap-task -q --from - -o none.task
        assert_refused 3 "has no right answers" hap-eval --roles -m "$root/models/demo" none.task
        assert_refused 2 "cannot be combined" hap-eval --roles --metric kl -m "$root/models/demo" ioi.task
        for other in --compare "--random 3" "--sizes 1%,2%" --greedy "--reference x.json" "--test minimality"; do
                # shellcheck disable=SC2086 # an option and its value
                assert_refused 2 "--roles measures no metrics: it cannot be combined with ${other%% *}" \
                        hap-eval --roles $other -m "$root/models/demo" ioi.task
        done
        assert_refused 2 "--loadings needs --roles" hap-eval --loadings 3 -m "$root/models/demo" ioi.task
        assert_refused 2 "no edge 'a9.h9->m3'" hap-eval --roles --loadings 'a9.h9->m3' -m "$root/models/demo" ioi.task
        assert_refused 2 "--loadings" hap-eval --roles --loadings 0 -m "$root/models/demo" ioi.task
        assert_refused 2 "2 names for 0 circuits" hap-eval --roles --name a --name b -m "$root/models/demo" ioi.task
}

@test "a prompt whose attention is not kept because it is long is refused by name" {
        long() {
                jq -nc --argjson n "$1" '[range($n) | . % 50] as $t
                        | {clean: $t, corrupted: ([9] + $t[1:]), answer: 3, wrong: 4}' |
                        hap-task -q --from - -o "$tmp/long.task"
        }
        model=$root/tests/golden/families/bloom # no limit of positions
        long 257
        assert_refused 3 "example '1': it has 257 tokens, and patterns of attention are kept up to 256" \
                hap-eval --roles -m "$model" "$tmp/long.task"
}
