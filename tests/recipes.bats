load helper

# Recipes of other authors against tests/golden/make_recipes.py (float64, with autograd), and ACDC
# against what its threshold says.

setup() {
        golden=$root/tests/golden
}

# prune_golden NAME OPTION ...: hap-prune on the prompts that make_recipes.py used.
prune_golden() {
        local name=$1
        shift
        case $name in
        *-a) model=$golden/$name/model prompts=$golden/$name/prompts.jsonl ;;
        *) model=$golden/families/$name prompts=$golden/scores/$name/prompts.jsonl ;;
        esac
        hap-task -q -m "$model" --from "$prompts" | hap-prune -q -m "$model" "$@"
}

header() {
        json -q "$1" | sed -n 1p | jq -c "$2"
}

scores_of() { # CIRCUIT
        json -q "$1" | jq -s '[.[] | select(has("edge")) | {(.edge): .score}] | add'
}

@test "acdc leaves the edges, with the effects, of the independent implementation" {
        for name in gpt2-a qwen2; do
                for i in 0 1; do
                        jq ".acdc[$i]" "$golden/recipes/$name.json" >"$tmp/should"
                        prune_golden $name --recipe acdc -o "$tmp/c" \
                                --set "metric=$(jq -r .metric "$tmp/should")" \
                                --set "absolute=$(jq -r .absolute "$tmp/should")" \
                                --set "threshold=$(jq .threshold "$tmp/should")"
                        json -q "$tmp/c" | jq -r 'select(has("edge")).edge' | sort >"$tmp/edges"
                        diff -u <(jq -r '.edges[]' "$tmp/should" | sort) "$tmp/edges"
                        scores_of "$tmp/c" >"$tmp/is"
                        jq .effect "$tmp/should" >"$tmp/effect"
                        assert_near_maps "$tmp/is" "$tmp/effect" 1e-5
                        assert_near "$(header "$tmp/c" .pruning.training_kl)" "$(jq .kl "$tmp/should")" 1e-5
                done
        done
}

@test "the odds that subnetwork-probing and ugs learn are the independent implementation's" {
        for name in gpt2-a qwen2; do
                n=$([[ $name == gpt2-a ]] && echo 200 || echo 150)
                for recipe in subnetwork-probing ugs; do
                        jq --arg r $recipe '.learned[$r]' "$golden/recipes/$name.json" >"$tmp/golden"
                        mapfile -t given < <(jq -r '.options | to_entries[]
                                | if .key == "steps" or .key == "batch" then "--\(.key)=\(.value)"
                                  else "--set=\(.key)=\(.value)" end' "$tmp/golden")
                        prune_golden $name --recipe $recipe "${given[@]}" --edges $n -o "$tmp/c"
                        scores_of "$tmp/c" >"$tmp/is"
                        assert_equal "$(jq length "$tmp/is")" $n
                        jq --slurpfile is "$tmp/is" '.open | with_entries(select($is[0][.key]))' \
                                "$tmp/golden" >"$tmp/should"
                        assert_near_maps "$tmp/is" "$tmp/should" 1e-5
                        # the edges kept are those with the highest odds, but for dead ones
                        jq -en --slurpfile a "$tmp/golden" --slurpfile is "$tmp/is" --argjson n $n '
                                ([$a[0].open | to_entries[]] | sort_by(-.value) | .[:$n - 20]
                                 | map(select($is[0][.key])) | length) >= $n - 30' >/dev/null
                done
        done
}

# Linear model: an edge's effect on the logit difference does not depend on the others that are on
# no common path, so the circuit is known.
@test "acdc on a linear toy keeps the edges of its circuit" {
        toy=$golden/toys/micro
        hap-task -q --from "$toy/p.jsonl" -m "$toy" -o "$tmp/task"
        hap-attrib -q -m "$toy" --method exact "$tmp/task" | scores_map -q >"$tmp/exact"
        hap-prune -q -m "$toy" --recipe acdc --set metric=logit-diff --set threshold=.5 \
                --set absolute=yes -o "$tmp/c" "$tmp/task"
        circuit_map -q "$tmp/c" | jq -c keys >"$tmp/is"
        # an edge whose removal alone changes the difference is in, one that never does is out
        jq -c 'to_entries | map(select(.value != 0).key) | sort' "$tmp/exact" >"$tmp/should"
        assert_equal "$(cat "$tmp/is")" "$(cat "$tmp/should")"
}

@test "a size asks acdc for the largest circuit found that is not larger" {
        prune_golden gpt2-a --recipe acdc --edges 100 --set tries=4 --set measure-on=2 -o "$tmp/c"
        threshold=$(header "$tmp/c" .pruning.threshold)
        (($(header "$tmp/c" .pruning.edges) <= 100 && $(header "$tmp/c" .pruning.edges) > 0))
        assert_equal "$(header "$tmp/c" .pruning.target_edges)" 100
        prune_golden gpt2-a --recipe acdc --set "threshold=$threshold" --set measure-on=2 -o "$tmp/d"
        circuit_map -q "$tmp/c" >"$tmp/one"
        circuit_map -q "$tmp/d" >"$tmp/two"
        assert_same "$tmp/one" "$tmp/two"
        header "$tmp/d" .pruning | jq -e 'has("target") | not'
}

@test "without a size the penalty decides how many edges subnetwork-probing and ugs keep" {
        for recipe in subnetwork-probing ugs; do
                case $recipe in
                ugs) weak=.0001 strong=.3 more=(--set rate=.2 --set samples=2) ;;
                *) weak=.1 strong=60 more=(--set rate=.2) ;;
                esac
                for penalty in $weak $strong; do
                        prune_golden gpt2-a --recipe $recipe --steps 25 "${more[@]}" \
                                --set penalty=$penalty -o "$tmp/$penalty" || true
                done
                few=$([[ -s $tmp/$strong ]] && header "$tmp/$strong" .pruning.edges || echo 0)
                many=$(header "$tmp/$weak" .pruning.edges)
                ((few < many && many > 130)) || fail "$recipe: $few, $many"
        done
}

@test "recipes of other authors: stopped and resumed, any number of threads, the same bytes" {
        for recipe in acdc subnetwork-probing ugs; do
                case $recipe in
                acdc) how=(--set threshold=.01 --set measure-on=2) ;;
                ugs) how=(--steps 9 --edges 50 --set samples=3) ;;
                *) how=(--steps 30 --edges 50) ;;
                esac
                prune_golden gpt2-a -j 1 --recipe $recipe "${how[@]}" --log "$tmp/log" -o "$tmp/whole"
                prune_golden gpt2-a -j 3 --recipe $recipe "${how[@]}" -o "$tmp/three"
                assert_same "$tmp/whole" "$tmp/three"
                jq -se 'length > 5 and all(.[]; .sparsity >= 0 and .target >= 0)' "$tmp/log"
                hap-task -q -m "$model" --from "$prompts" -o "$tmp/task"
                mkfifo "$tmp/pipe"
                hap-prune -q -m "$model" --recipe $recipe "${how[@]}" --log "$tmp/pipe" --checkpoint "$tmp/state" \
                        -o "$tmp/resumed" "$tmp/task" &
                pid=$!
                { head -n 4 >/dev/null && kill "$pid" && cat >/dev/null; } <"$tmp/pipe"
                wait "$pid" || true
                rm "$tmp/pipe"
                [[ ! -e $tmp/resumed ]] || fail "$recipe was not stopped"
                hap-prune -q -m "$model" --recipe $recipe "${how[@]}" --checkpoint "$tmp/state" \
                        -o "$tmp/resumed" "$tmp/task"
                assert_same "$tmp/whole" "$tmp/resumed"
                rm -f "$tmp/resumed"
        done
}

@test "options that these recipes do not have are refused" {
        model=$golden/gpt2-a/model prompts=$golden/gpt2-a/prompts.jsonl
        hap-task -q -m "$model" --from "$prompts" -o "$tmp/task"
        assert_refused 2 "give either --set threshold=X" hap-prune -m "$model" --recipe acdc "$tmp/task"
        assert_refused 2 "give either --set threshold=X" hap-prune -m "$model" --recipe acdc \
                --edges 9 --set threshold=1 "$tmp/task"
        assert_refused 2 "recipe 'acdc' does not use --steps" hap-prune -m "$model" --recipe acdc \
                --set threshold=.1 --steps 0 "$tmp/task"
        assert_refused 2 "recipe 'acdc' does not use --steps" hap-prune -m "$model" --recipe acdc \
                --edges 9 --steps 5 "$tmp/task"
        assert_refused 2 "recipe 'ugs' does not use --patience" hap-prune -m "$model" --recipe ugs \
                --edges 9 --patience 5 "$tmp/task"
        assert_refused 2 "does not use --exact-sparsity" hap-prune -m "$model" --recipe ugs \
                --edges 9 --exact-sparsity "$tmp/task"
        assert_refused 3 "lower --set threshold=X" hap-prune -m "$model" --recipe acdc \
                --set threshold=1000 "$tmp/task"
        jq -c '{clean, corrupted, at: [(.clean | length) - 1]}' "$prompts" >"$tmp/p"
        hap-task -q -m "$model" --from "$tmp/p" -o "$tmp/bare"
        assert_refused 3 "which metric logit-diff needs" hap-prune -m "$model" --recipe acdc \
                --set metric=logit-diff --set threshold=1 "$tmp/bare"
        jq -c '{clean, corrupted, answers: [[1, 2], [3]]}' "$prompts" >"$tmp/p"
        hap-task -q -m "$model" --from "$tmp/p" -o "$tmp/several"
        assert_refused 3 "not defined for answers of several tokens; use answer-log-probability" \
                hap-prune -m "$model" --recipe acdc --set metric=answer-logit --set threshold=1 \
                "$tmp/several"
}

@test "the page lists the constants of these recipes" {
        for recipe in acdc subnetwork-probing ugs; do
                hap-prune --help-recipe $recipe | sed -nE 's/^  ([a-z][a-z0-9-]*)=.*/\1/p' >"$tmp/printed"
                sed -n "/^\.Ss Constants of $recipe/,/^\.El/s/^\.It Cm \([a-z0-9-]*\).*/\1/p" \
                        "$root/man/hap-prune.1" >"$tmp/page"
                diff -u "$tmp/printed" "$tmp/page"
        done
}

# The OR toy under zero ablation: either head alone has KL 0, and every recipe finds one of them.
@test "--avoid finds the other of two circuits that are equally good" {
        toy=$golden/toys/or
        hap-task -q --from "$toy/p.jsonl" -m "$toy" -o "$tmp/task"
        for recipe in rank rank-thorough; do
                or() { hap-prune -q -m "$toy" --ablation zero --recipe $recipe --edges 3 "$@" "$tmp/task"; }
                or -o "$tmp/one"
                or --avoid "$tmp/one" -o "$tmp/two"
                # m0->logits is the only edge that both need
                assert_equal "$(header "$tmp/two" '.pruning.avoided | [.edges, .shared]')" "[3,1]"
                assert_near "$(header "$tmp/two" .pruning.avoided.iou)" 0.2 1e-12
                for circuit in one two; do
                        hap-eval -q -m "$toy" --ablation zero --metric kl "$tmp/task" "$tmp/$circuit" >"$tmp/report"
                        assert_near "$(json -q "$tmp/report" | jq -s '[.[] | select(.metric == "kl").value][0]')" 0 1e-9
                done
        done
}

@test "the loss with --avoid is KL plus the cost of shared edges, and the KL reported is without it" {
        model=$golden/gpt2-a/model prompts=$golden/gpt2-a/prompts.jsonl
        hap-task -q -m "$model" --from "$prompts" -o "$tmp/task"
        hap-prune -q -m "$model" --edges 60 -o "$tmp/one" "$tmp/task"
        hap-prune -q -m "$model" --edges 60 --avoid "$tmp/one" --weight 2 -o "$tmp/two" "$tmp/task"
        hap-eval -q -m "$model" --metric kl "$tmp/task" "$tmp/two" >"$tmp/report"
        assert_near "$(header "$tmp/two" .pruning.training_kl)" \
                "$(json -q "$tmp/report" | jq -s '[.[] | select(.metric == "kl").value][0]')" 1e-5
        shared=$(comm -12 <(circuit_map -q "$tmp/one" | jq -r 'keys[]') <(circuit_map -q "$tmp/two" | jq -r 'keys[]') | wc -l)
        assert_equal "$(header "$tmp/two" .pruning.avoided.shared)" "$shared"
        ((shared < 45)) || fail "$shared edges are shared"
        # ACDC's effects of removals from the full graph: an edge to avoid costs 2 / 60 less
        acdc() { hap-prune -q -m "$model" --recipe acdc --set threshold=0 --log "$1" "${@:2}" "$tmp/task"; }
        acdc "$tmp/a" -o "$tmp/x"
        acdc "$tmp/b" -o "$tmp/x" --avoid "$tmp/one" --weight 2
        # the loss of the full graph, before the first edge that either cuts
        assert_near "$(jq -s '.[0].kl' "$tmp/b")" "$(jq -n --argjson a "$(jq -s '.[0].kl' "$tmp/a")" '$a + 2')" 1
        # recipes that learn masks have it in their gradients
        for recipe in edge-pruning subnetwork-probing ugs; do
                case $recipe in
                edge-pruning) how=(--steps 400 --exact-sparsity) ;;
                ugs) how=(--steps 60 --set samples=2 --set rate=.1 --set penalty=0) ;;
                *) how=(--steps 60 --set rate=.1 --set penalty=0) ;;
                esac
                for weight in 0 10; do
                        hap-prune -q -m "$model" --recipe $recipe "${how[@]}" --edges 60 \
                                --avoid "$tmp/one" --weight $weight -o "$tmp/$weight" "$tmp/task"
                done
                (($(header "$tmp/10" .pruning.avoided.shared) + 5 < $(header "$tmp/0" .pruning.avoided.shared)))
        done
        # no weight, no change
        hap-prune -q -m "$model" --edges 60 --avoid "$tmp/one" --weight 0 -o "$tmp/three" "$tmp/task"
        circuit_map -q "$tmp/one" >"$tmp/p"
        circuit_map -q "$tmp/three" >"$tmp/q"
        assert_same "$tmp/p" "$tmp/q"
}

@test "--avoid takes several files, and refuses what is no circuit of this graph" {
        model=$golden/gpt2-a/model prompts=$golden/gpt2-a/prompts.jsonl
        hap-task -q -m "$model" --from "$prompts" -o "$tmp/task"
        rank=(hap-prune -q -m "$model" --steps 6)
        "${rank[@]}" --edges 30 -o "$tmp/one" "$tmp/task"
        "${rank[@]}" --edges 30 --avoid "$tmp/one" -o "$tmp/two" "$tmp/task"
        "${rank[@]}" --edges 30 --avoid "$tmp/one" --avoid "$tmp/two" -o "$tmp/three" "$tmp/task"
        all=$(cat <(circuit_map -q "$tmp/one" | jq -r 'keys[]') <(circuit_map -q "$tmp/two" | jq -r 'keys[]') | sort -u | wc -l)
        assert_equal "$(header "$tmp/three" .pruning.avoided.edges)" "$all"
        assert_refused 3 "contains no circuit" "${rank[@]}" --edges 30 --avoid "$tmp/task" "$tmp/task"
        assert_refused 1 "nowhere" "${rank[@]}" --edges 30 --avoid "$tmp/nowhere" "$tmp/task"
        assert_refused 2 "--weight needs --avoid" "${rank[@]}" --edges 30 --weight 1 "$tmp/task"
        hap-task ioi -q -m "$root/models/demo" -n 20 | hap-prune -q -m "$root/models/demo" --steps 2 --edges 48 -o "$tmp/other"
        assert_refused 3 "cannot use '$tmp/other'" "${rank[@]}" --edges 30 --avoid "$tmp/other" "$tmp/task"
}

# Under zero ablation either head of the OR toy is enough: each is the other's backup.
@test "growth finds the backup of a circuit that is cut" {
        toy=$golden/toys/or
        hap-task -q --from "$toy/p.jsonl" -m "$toy" -o "$tmp/task"
        hap-attrib -q -m "$toy" --ablation zero --metric kl --method exact -o "$tmp/exact" "$tmp/task"
        json -q "$tmp/exact" | sed -n 1p | jq -c '{hap, kind: "circuit", model, graph}' >"$tmp/json"
        echo '{"edge": "a0.h0->m0", "z": 1}' >>"$tmp/json"
        echo '{"end": "circuit"}' >>"$tmp/json"
        hap-convert -q --from json -o "$tmp/cut" "$tmp/json"
        hap-attrib -q -m "$toy" --ablation zero --metric kl --method growth "$tmp/task" "$tmp/cut" |
                scores_map -q >"$tmp/growth"
        assert_near "$(scores_map -q "$tmp/exact" | jq '.["a0.h1->m0"]')" 0 1e-9
        assert_near "$(jq '.["a0.h1->m0"]' "$tmp/growth")" 0.5 1e-6
        assert_equal "$(jq '.["a0.h0->m0"]' "$tmp/growth")" 0
        assert_refused 3 "contains no circuit" hap-attrib -m "$toy" --ablation zero --method growth "$tmp/task"
}

@test "growth is the difference of four losses" {
        model=$golden/gpt2-a/model prompts=$golden/gpt2-a/prompts.jsonl
        hap-task -q -m "$model" --from "$prompts" -o "$tmp/task"
        hap-forward -q -m "$model" -o "$tmp/cache" "$tmp/task"
        edge="m0->logits" cut='["a1.h2->logits", "input->a0.h1<v>", "m1->logits"]'
        hap-attrib -q --method exact -o "$tmp/exact" "$tmp/cache"
        # without LIST OUT: the circuit of all edges but these
        scores_map -q "$tmp/exact" | jq -c keys >"$tmp/all"
        circuit() { jq -c --argjson list "$1" '.[] | select(IN($list[]) | not) | {edge: ., z: 1}' "$tmp/all" |
                circuit_of "$tmp/cache" >"$2"; }
        circuit '[]' "$tmp/0"
        circuit "[\"$edge\"]" "$tmp/e"
        circuit "$cut" "$tmp/s"
        circuit "$(jq -c --arg e "$edge" '. + [$e]' <<<"$cut")" "$tmp/se"
        loss() { hap-eval -q --keep-dead --metric logit-diff "$tmp/cache" "$1" >"$tmp/report"
                json -q "$tmp/report" | jq -s '[.[] | select(.metric == "logit-diff").value][0] * -1'; }
        should=$(jq -n "($(loss "$tmp/se") - $(loss "$tmp/s")) - ($(loss "$tmp/e") - $(loss "$tmp/0"))")
        jq -c '.[] | {edge: ., z: 1}' <<<"$cut" | circuit_of "$tmp/cache" >"$tmp/circuit"
        hap-attrib -q --method growth "$tmp/cache" "$tmp/circuit" | scores_map -q >"$tmp/growth"
        assert_near "$(jq --arg e "$edge" '.[$e]' "$tmp/growth")" "$should" 2e-5
}

@test "--seeds writes the circuits of the seeds, and says how similar they are" {
        model=$golden/gpt2-a/model prompts=$golden/gpt2-a/prompts.jsonl
        hap-task -q -m "$model" --from "$prompts" -o "$tmp/task"
        rank=(hap-prune -m "$model" --steps 8 --edges 40)
        run -0 --separate-stderr "${rank[@]}" --seed 5 --seeds 3 -o "$tmp/all" "$tmp/task"
        [[ $stderr =~ "IoU "([0-9.]+)" between 3 seeds: all keep "([0-9]+)" edges, at least half keep "([0-9]+)", any keeps "([0-9]+) ]]
        said=("${BASH_REMATCH[@]:1}")
        for seed in 5 6 7; do
                "${rank[@]}" -q --seed $seed -o "$tmp/$seed" "$tmp/task"
                circuit_map -q "$tmp/$seed" | jq -r 'keys[]' | sort >"$tmp/$seed.edges"
        done
        assert_equal "$(json -q "$tmp/all" | jq -r 'select(has("edge")).edge' | sort)" \
                "$(sort "$tmp"/[567].edges)"
        sort "$tmp"/[567].edges | uniq -c | awk '{ n[$1]++ } END { print n[3] + 0, n[3] + n[2], n[3] + n[2] + n[1] }' >"$tmp/counts"
        assert_equal "${said[*]:1}" "$(cat "$tmp/counts")"
        pairs=0
        for pair in "5 6" "5 7" "6 7"; do
                read -r a b <<<"$pair"
                both=$(comm -12 "$tmp/$a.edges" "$tmp/$b.edges" | wc -l)
                pairs=$(jq -n "$pairs + $both / (80 - $both) / 3")
        done
        assert_near "${said[0]}" "$pairs" 6e-4
        hap-select -q --at-least 2 -o "$tmp/consensus" "$tmp/all"
        assert_equal "$(json -q "$tmp/consensus" | jq -s '[.[] | select(has("edge"))] | length <= '"${said[2]}")" true
        assert_refused 2 "--seeds cannot be combined" "${rank[@]}" --seeds 2 --log "$tmp/log" "$tmp/task"
}
