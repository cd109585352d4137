load helper

# --experts: each expert of a mixture is a node. The truth is tests/golden/make_masked_experts.py:
# transformers' modules in float64, with edge masks and the clean run's weights of experts.

mixtures=(mixtral mixtral-ties qwen3-moe olmoe gpt-oss)

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        for name in "${mixtures[@]}"; do
                jq -c '[.clean, .corrupted] | transpose[] | {clean: .[0], corrupted: .[1], answers: [3], wrongs: [7]}' \
                        "$root/tests/golden/masked-experts/$name.json" >$name.jsonl
                hap-task -q --from $name.jsonl -o $name.task
                hap-forward -q --experts -m "$root/tests/golden/families/$name" -o $name.cache $name.task
        done
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        families=$root/tests/golden/families
}

# golden NAME FILTER: of the file of this model.
golden() {
        jq -r "$2" "$root/tests/golden/masked-experts/$1.json"
}

# scores FILE: the scores, one a line, in the order of edges.
scores() {
        json -q "$1" | jq 'select(has("score")).score'
}

# assert_near_lists IS SHOULD TOLERANCE: as many numbers, each within the tolerance times the largest.
assert_near_lists() {
        paste "$1" "$2" | awk -v tolerance="$3" '
                NF != 2 { bad++; next }
                { is[NR] = $1; should[NR] = $2; size = $2 < 0 ? -$2 : $2; if (size > most) most = size }
                END { for (i in is) { d = is[i] - should[i]; if (!(d <= tolerance * most && -d <= tolerance * most)) bad++ }
                      if (NR == 0 || most == 0 || bad) { print bad + 0 " of " NR " differ"; exit 1 } }' ||
                fail "$1 and $2 differ"
}

# golden_circuit NAME: the circuit with the golden masks.
golden_circuit() {
        paste <(json -q $1.scores | jq -r 'select(has("score")).edge') <(golden $1 '.z[]') |
                jq -Rc 'split("\t") | {edge: .[0], z: .[1] | tonumber} | select(.z > 0)' | circuit_of $1.cache
}

@test "eap and eap-ig-inputs give the scores of the independent implementation, from task and cache" {
        for name in "${mixtures[@]}"; do
                hap-attrib -q -o $name.scores $name.cache
                scores $name.scores >"$tmp/is"
                golden $name '.eap[] / 3' >"$tmp/should"
                assert_near_lists "$tmp/is" "$tmp/should" 1e-5
                hap-attrib -q --experts -m "$families/$name" -o "$tmp/task" $name.task
                scores "$tmp/task" >"$tmp/is"
                assert_near_lists "$tmp/is" "$tmp/should" 1e-5
                hap-attrib -q --method eap-ig-inputs --steps 3 -o "$tmp/ig" $name.cache
                scores "$tmp/ig" >"$tmp/is"
                golden $name '.eap_ig[] / 3' >"$tmp/should"
                assert_near_lists "$tmp/is" "$tmp/should" 1e-5
        done
}

@test "mask-gradient at all edges is eap, and exact is the change of the loss for each edge" {
        hap-attrib -q --method mask-gradient -o "$tmp/mask" mixtral.cache
        scores "$tmp/mask" >"$tmp/is"
        golden mixtral '.eap[] / 3' >"$tmp/should"
        assert_near_lists "$tmp/is" "$tmp/should" 1e-5
        hap-attrib -q --method exact -o "$tmp/exact" mixtral.cache
        edge=$(json -q "$tmp/exact" | jq -sr '[.[] | select(has("score") and (.edge | startswith("m0.e")))] | max_by(.score) | .edge')
        json -q mixtral.scores | jq -c --arg e "$edge" 'select(has("score") and .edge != $e) | {edge, z: 1}' |
                circuit_of mixtral.cache >"$tmp/c"
        hap-eval -q --keep-dead --full --metric logit-diff -o "$tmp/r" mixtral.cache "$tmp/c"
        json -q "$tmp/r" | jq -s '[.[] | select(.metric == "logit-diff" and (has("id") | not)).value] | .[0] - .[1] | fabs' >"$tmp/is"
        json -q "$tmp/exact" | jq --arg e "$edge" 'select(.edge == $e).score' >"$tmp/should"
        assert_near_lists "$tmp/is" "$tmp/should" 1e-3
}

@test "hap-eval's KL of a circuit with fractional masks is the independent implementation's" {
        for name in "${mixtures[@]}"; do
                hap-attrib -q -o $name.scores $name.cache
                golden_circuit $name >"$tmp/c"
                hap-eval -q --keep-dead --metric kl -o "$tmp/r" $name.cache "$tmp/c"
                json -q "$tmp/r" | jq 'select(.metric == "kl").value' >"$tmp/is"
                golden $name '.kl / 3' >"$tmp/should"
                assert_near_lists "$tmp/is" "$tmp/should" 2e-5
                hap-eval -q --keep-dead --metric kl -m "$families/$name" -o "$tmp/r" $name.task "$tmp/c"
                json -q "$tmp/r" | jq 'select(.metric == "kl").value' >"$tmp/is"
                assert_near_lists "$tmp/is" "$tmp/should" 2e-5
        done
}

@test "the header names the experts, and asks readers to know them" {
        hap-attrib -q -o "$tmp/s" mixtral.cache
        hap-select -q --keep 40 --greedy -o "$tmp/c" "$tmp/s"
        for f in mixtral.cache "$tmp/s" "$tmp/c"; do
                assert_equal "$(json -q "$f" | sed -n 1p | jq -c '[.graph.experts, .graph.writers, .requires]')" \
                        '[4,21,["experts"]]'
        done
        hap-forward -q -m "$families/mixtral" -o "$tmp/plain" mixtral.task
        assert_equal "$(json -q "$tmp/plain" | sed -n 1p | jq -c '[.graph.experts, .graph.writers, .requires]')" \
                '[null,15,null]'
}

@test "the outputs of a layer's experts add up to the output of its MLP" {
        hap-forward -q -m "$families/mixtral" -o "$tmp/plain" mixtral.task
        for f in mixtral.cache "$tmp/plain"; do
                json -q "$f" | sed -n 2p | jq -r '.corrupted_outputs.data["$bin"]' | base64 -d |
                        od -An -v -w4 -tf4 >"$tmp/${f##*/}.all"
        done
        # 5 tokens of 24 numbers; writers: input, a0.h0 to a0.h5, then 4 experts or the MLP
        awk '{ w = int((NR - 1) / 120); at = (NR - 1) % 120; if (w >= 7 && w < 11) sum[at] += $1 }
                END { for (i = 0; i < 120; i++) print sum[i] }' "$tmp/mixtral.cache.all" >"$tmp/is"
        sed -n '841,960p' "$tmp/plain.all" >"$tmp/should"
        assert_near_lists "$tmp/is" "$tmp/should" 1e-5
}

@test "hap-prune keeps experts apart, and its KL is the one that hap-eval measures" {
        hap-attrib -q -o "$tmp/s" mixtral.cache
        for recipe in rank edge-pruning acdc; do
                [[ $recipe == acdc ]] && size="--set threshold=0.0001" || size="--sparsity 60%"
                [[ $recipe == edge-pruning ]] && steps="--steps 20" || steps=""
                # shellcheck disable=SC2086 # options
                hap-prune -q --recipe $recipe $size $steps -o "$tmp/$recipe" mixtral.cache "$tmp/s"
                json -q "$tmp/$recipe" | jq -r 'select(has("z")).edge' >"$tmp/edges"
                run grep -c '^m[01]\.e[0-3]->' "$tmp/edges"
                assert_success
                assert_equal "$(json -q "$tmp/$recipe" | sed -n 1p | jq .graph.experts)" 4
        done
        hap-prune -q --edges 120 -o "$tmp/c" mixtral.cache "$tmp/s"
        hap-eval -q --metric kl -o "$tmp/r" mixtral.cache "$tmp/c"
        json -q "$tmp/r" | jq 'select(.metric == "kl").value' >"$tmp/is"
        json -q "$tmp/c" | sed -n 1p | jq .pruning.training_kl >"$tmp/should"
        assert_near_lists "$tmp/is" "$tmp/should" 1e-4
}

@test "constants of hap-ablate, circuits with positions and nodes name the experts" {
        hap-ablate -q --experts --steps 2 -m "$families/mixtral" -o "$tmp/k" mixtral.task
        assert_equal "$(json -q "$tmp/k" | jq -r 'select(has("node")).node' | grep -c '^m[01].e[0-3]$')" 8
        hap-attrib -q --nodes -o "$tmp/n" mixtral.cache
        assert_equal "$(json -q "$tmp/n" | jq -r 'select(has("node")).node' | grep -c '^m[01].e[0-3]$')" 8
        hap-select -q --keep 50% -o "$tmp/c" mixtral.scores
        hap-eval -q --ablation optimal --metric kl -m "$families/mixtral" mixtral.task "$tmp/k" "$tmp/c" -o "$tmp/r"
        for ablation in zero mean mean-position; do
                hap-eval -q --full --ablation $ablation --metric kl mixtral.cache -o "$tmp/r"
                assert_equal "$(json -q "$tmp/r" | jq 'select(.metric == "kl").value < 1e-6')" true
        done
}

@test "hap-show names experts in text, tables, Graphviz, pictures and pages" {
        hap-attrib -q -o "$tmp/s" mixtral.cache
        hap-select -q --keep 120 -o "$tmp/c" "$tmp/s"
        hap-show "$tmp/c" >"$tmp/text"
        grep -Eq '^ *[0-9]+ of 12 heads, [0-9] of 8 experts$' "$tmp/text"
        grep -Eq ' m1\.e[0-3]:[0-9]+>[0-9]+' "$tmp/text"
        hap-show --dot "$tmp/c" | grep -Eq '"m1\.e[0-3]" \[shape=box\]'
        hap-show --svg "$tmp/c" >"$tmp/svg"
        grep -Eq '<title>m1\.e[0-3]: [0-9]+ in, [0-9]+ out</title>' "$tmp/svg"
        hap-show --html "$tmp/c" >"$tmp/html"
        grep -q '"experts": *4' "$tmp/html"
        grep -q 'm1\.e[0-3]' "$tmp/html"
}

@test "--experts needs a mixture, a task, and the same graph everywhere" {
        assert_refused 2 "it has none" hap-forward --experts -m "$families/mistral" \
                <(hap-task -q --from mixtral.jsonl)
        hap-forward -q -m "$families/mixtral" -o "$tmp/plain" mixtral.task
        hap-attrib -q -o "$tmp/s" "$tmp/plain"
        hap-select -q --keep 40 -o "$tmp/c" "$tmp/s"
        assert_refused 2 "--experts is for a task: hap-forward wrote '$tmp/plain' without it" \
                hap-attrib --experts "$tmp/plain"
        assert_refused 3 "it was made without --experts, but here the graph has experts as nodes" \
                hap-eval mixtral.cache "$tmp/c"
        hap-select -q --keep 40 -o "$tmp/e" mixtral.scores
        assert_refused 3 "it was made with --experts, but here the graph has MLPs as nodes" \
                hap-eval "$tmp/plain" "$tmp/e"
        assert_refused 3 "experts as nodes" hap-convert --to mib "$tmp/e"
        for form in acdc auto-circuit edge-pruning; do
                assert_refused 3 "experts as nodes" hap-convert --to $form "$tmp/e"
        done
        json -q "$tmp/e" | sed 's/m\([01]\)\.e[0-3]/m\1/' | sed -n 1,3p >"$tmp/lines"
        run -3 hap-convert --from json -o "$tmp/x" "$tmp/lines"
}

@test "there and back through JSON gives the same bytes, and -j none other" {
        hap-attrib -q -o "$tmp/s" mixtral.cache
        json -q "$tmp/s" | hap-convert -q --from json -o "$tmp/back"
        assert_same "$tmp/s" "$tmp/back"
        hap-attrib -q -j 1 --experts -m "$families/mixtral" -o "$tmp/one" mixtral.task
        hap-attrib -q -j 3 --experts -m "$families/mixtral" -o "$tmp/three" mixtral.task
        cmp <(scores "$tmp/one") <(scores "$tmp/three")
}
