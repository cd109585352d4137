load helper

# Attribution methods against other implementations: tests/golden/make_methods.py (float64, with
# autograd), the EAP-IG library, brute force, and toys whose scores are known.

setup() {
        golden=$root/tests/golden
        scores=$tmp/scores
}

# input_of MODEL: sets $model and $prompts.
input_of() {
        case $1 in
        *-a) model=$golden/$1/model prompts=$golden/$1/prompts.jsonl ;;
        *) model=$golden/families/$1 prompts=$golden/scores/$1/prompts.jsonl ;;
        esac
}

attrib() { # FILE OPTION ...
        local out=$1
        shift
        hap-task -q --from "$prompts" | hap-attrib -q -m "$model" "$@" -o "$out"
}

# assert_golden METHOD OPTION ...: for all models the scores are within 1e-5 of the largest. The path
# of eap-gp amplifies rounding, most of all on two models: a change of its gradients by 3e-7 of themselves changes
# the float64 scores by up to 3.4e-4 of the largest.
assert_golden() {
        local name
        for name in gpt2-a llama-a qwen2 neox gemma2; do
                input_of $name
                attrib "$scores" "${@:2}"
                json -q "$scores" | jq -s '[.[] | select(has("score")) | {(.edge // .node): .score}] | add' >"$tmp/is"
                jq --arg m "$1" '.[$m]' "$golden/methods/$name.json" >"$tmp/should"
                case $1-$name in
                eap-gp-llama-a | eap-gp-qwen2) assert_near_maps "$tmp/is" "$tmp/should" 0 1e-3 ;;
                eap-gp-*) assert_near_maps "$tmp/is" "$tmp/should" 0 1e-4 ;;
                *) assert_near_maps "$tmp/is" "$tmp/should" 0 1e-5 ;;
                esac
        done
}

@test "relp is the independent implementation's" { assert_golden relp --method relp; }
@test "conductance is the independent implementation's" { assert_golden conductance --method conductance; }
@test "eap-gp is the independent implementation's" { assert_golden eap-gp --method eap-gp; }
@test "eap-qk is the independent implementation's" { assert_golden eap-qk --method eap-qk; }
@test "grad-drop is the independent implementation's" { assert_golden grad-drop --method grad-drop; }
@test "atp-star is the independent implementation's" { assert_golden atp-star --method atp-star; }
@test "ifr is the independent implementation's" { assert_golden ifr --method ifr; }
@test "mask-ig is the independent implementation's" { assert_golden mask-ig --method mask-ig; }
@test "scores of nodes by eap are the independent implementation's" { assert_golden nodes-eap --nodes --method eap; }
@test "scores of nodes by grad-drop are the independent implementation's" { assert_golden nodes-grad-drop --nodes --method grad-drop; }
@test "scores of nodes by exact are the independent implementation's" { assert_golden nodes-exact --nodes --method exact; }

@test "eap and its relatives are the EAP-IG library's on five families" {
        for name in gemma2 gpt2-f16 mistral neox qwen2; do
                input_of $name
                # gpt2-f16 does not scale its attention scores: rounding in f32 alone gives 1.1e-5
                [[ $name == gpt2-f16 ]] && tolerance=2e-5 || tolerance=1e-5
                for method in eap clean-corrupted eap-ig-inputs eap-ig-activations; do
                        attrib "$scores" --method $method
                        scores_map -q "$scores" >"$tmp/is"
                        jq .scores "$golden/scores/$name/$method-logit-diff.json" >"$tmp/should"
                        assert_near_maps "$tmp/is" "$tmp/should" 0 $tolerance
                done
        done
}

@test "on a linear model relp, conductance, eap-gp, eap-qk and EAP-IG are the exact scores" {
        toy=$golden/toys/micro
        hap-task -q --from "$toy/p.jsonl" -m "$toy" -o "$tmp/task"
        hap-attrib -q -m "$toy" --method exact "$tmp/task" | scores_map -q >"$tmp/should"
        assert_equal "$(jq -c '[.["input->a0.h1<v>"], .["a0.h1->a1.h1<v>"], ([.[] | select(. != 0)] | length)]' "$tmp/should")" '[26,14,12]'
        for method in eap relp conductance eap-gp eap-qk eap-ig-inputs clean-corrupted; do
                hap-attrib -q -m "$toy" --method $method "$tmp/task" | scores_map -q >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 1e-5
        done
}

@test "conductance is complete: edges into the logits add up to the change of the loss" {
        for name in gpt2-a neox; do
                input_of $name
                attrib "$scores" --method conductance --steps 300
                sum=$(scores_map -q "$scores" | jq '[to_entries[] | select(.key | endswith("->logits")).value] | add')
                hap-task -q --from "$prompts" | hap-eval -q -m "$model" --full --empty --metric logit-diff -o "$tmp/report"
                assert_near "$sum" "$(json -q "$tmp/report" | jq -s 'map(select(.metric).value) | .[0] - .[1]')" 0.02
        done
}

@test "mask-ig is complete: all edges add up to the change of the loss, also by KL" {
        input_of gpt2-a
        hap-task -q --from "$prompts" | hap-eval -q -m "$model" --full --empty --metric logit-diff,kl -o "$tmp/report"
        attrib "$scores" --method mask-ig --steps 60
        assert_near "$(scores_map -q "$scores" | jq '[.[]] | add')" \
                "$(json -q "$tmp/report" | jq -s 'map(select(.metric == "logit-diff").value) | .[0] - .[1]')" 0.01
        attrib "$scores" --method mask-ig --metric kl --steps 60
        assert_near "$(scores_map -q "$scores" | jq '[.[]] | add')" \
                "$(json -q "$tmp/report" | jq -s 'map(select(.metric == "kl").value) | .[1] - .[0]')" 0.01
}

@test "ugs estimates the mean effect of an edge among random edges" {
        # micro is multilinear in its masks: the mean effect of an edge on a path of two edges is
        # half of its effect alone when the other edge is open with probability one half.
        toy=$golden/toys/micro
        hap-task -q --from "$toy/p.jsonl" -m "$toy" -o "$tmp/task"
        for open in 50 80; do
                hap-attrib -q -m "$toy" --method ugs --steps 10000 --open $open% "$tmp/task" | scores_map -q >"$tmp/is"
                hap-attrib -q -m "$toy" --method mask-gradient "$tmp/task" \
                        <(scores_map -q <(hap-attrib -q -m "$toy" "$tmp/task") |
                                jq -c --argjson z "0.$open" 'keys_unsorted[] | {edge: ., z: $z}' |
                                circuit_of <(hap-forward -q -m "$toy" "$tmp/task")) |
                        scores_map -q >"$tmp/should"
                assert_near_maps "$tmp/is" "$tmp/should" 0.3
        done
}

@test "ugs depends on the seed alone" {
        input_of gpt2-a
        attrib "$tmp/a" --method ugs -j 1
        attrib "$tmp/b" --method ugs --seed 0 -j 2
        attrib "$tmp/c" --method ugs --seed 1
        scores_map -q "$tmp/a" >"$tmp/one"
        scores_map -q "$tmp/b" >"$tmp/two"
        assert_same "$tmp/one" "$tmp/two"
        ! scores_map -q "$tmp/c" | cmp -s - "$tmp/one" || fail "another seed gives the same scores"
}

@test "eap-qk is the loss's change to first order after the pattern: brute force by hap-eval" {
        # For a one-layer change: the last layer's pattern acts on the logits through one head, so
        # the exact change of that path is what the score approximates; for small changes all agree.
        input_of gpt2-a
        attrib "$tmp/qk" --method eap-qk
        attrib "$tmp/exact" --method exact
        attrib "$tmp/eap" --method eap
        jq -n --argjson q "$(scores_map -q "$tmp/qk")" --argjson x "$(scores_map -q "$tmp/exact")" \
                --argjson e "$(scores_map -q "$tmp/eap")" '
                [$q | keys[] | select(test("a2.h.<[qk]>"))] as $k
                | ([$k[] | $q[.] - $x[.] | . * .] | add) as $new
                | ([$k[] | $e[.] - $x[.] | . * .] | add) as $old | $new < 0.8 * $old' | grep -qx true
}

@test "the new methods: threads change no byte, a cache gives the scores of its task" {
        input_of llama-a
        hap-task -q --from "$prompts" -o "$tmp/task"
        hap-forward -q -m "$model" -o "$tmp/cache" "$tmp/task"
        for method in relp conductance eap-gp eap-qk grad-drop atp-star ifr mask-ig ugs; do
                hap-attrib -q -j 1 --method $method "$tmp/cache" >"$tmp/one"
                hap-attrib -q -j 2 --method $method <"$tmp/cache" >"$tmp/two"
                assert_same "$tmp/one" "$tmp/two"
                hap-attrib -q --method $method -m "$model" "$tmp/task" | scores_map -q >"$tmp/is"
                scores_map -q "$tmp/one" >"$tmp/should"
                assert_near_maps "$tmp/is" "$tmp/should" 2e-5
        done
}

@test "scores at named positions add up to those without, unless magnitudes or keys are not sums" {
        task() { hap-task -q ioi -n 4 -m "$root/models/demo"; }
        for method in relp conductance eap-gp ifr mask-ig; do
                task | hap-attrib -q -m "$root/models/demo" --method $method | scores_map -q >"$tmp/should"
                task | hap-attrib -q -m "$root/models/demo" --positions all --method $method | scores_map -q |
                        jq 'to_entries | group_by(.key | sub("@.*"; "")) | map({key: (.[0].key | sub("@.*"; "")), value: (map(.value) | add)}) | from_entries' >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 2e-5
        done
}

@test "scores of nodes are the sums over the edges from them, at named positions too" {
        task() { hap-task -q ioi -n 4 -m "$root/models/demo"; }
        for options in "" "--positions S2"; do
                # shellcheck disable=SC2086 # several options
                task | hap-attrib -q -m "$root/models/demo" $options | scores_map -q |
                        jq 'to_entries | group_by(.key | sub("->[^@]*"; "")) | map({key: (.[0].key | sub("->[^@]*"; "")), value: (map(.value) | add)}) | from_entries' >"$tmp/should"
                # shellcheck disable=SC2086
                task | hap-attrib -q -m "$root/models/demo" $options --nodes -o "$tmp/nodes"
                json -q "$tmp/nodes" | jq -s '[.[] | select(has("node")) | {(.node): .score}] | add' >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 1e-5
        done
        assert_equal "$(json -q "$tmp/nodes" | sed -n 1p | jq -r .kind)" node-scores
        assert_refused 3 "the input contains no scores; it contains node-scores" \
                hap-select --keep 3 "$tmp/nodes"
}

@test "ifr is a share: over the edges into a reader at most 1, and it needs no loss" {
        input_of qwen2
        attrib "$scores" --method ifr
        json -q "$scores" | sed -n 1p | jq -e '.method | has("metric") or has("ablation") | not' >/dev/null
        scores_map -q "$scores" | jq -e 'to_entries | group_by(.key | sub(".*->"; "")) | map(map(.value) | add)
                | all(. >= 0 and . <= 1.000001) and (max > 0.99)' >/dev/null
        assert_refused 2 "--metric has no effect with method 'ifr'" attrib /dev/null --method ifr --metric kl
        assert_refused 2 "--ablation has no effect with method 'ifr'" attrib /dev/null --method ifr --ablation zero
        # neither answers nor a difference between the prompts are needed
        echo '{"clean":[1,2,3],"corrupted":[1,2,3],"at":[2]}' | hap-task -q --from - | hap-attrib -q -m "$model" --method ifr >"$tmp/same"
        # the circuit can be selected and evaluated like any other
        hap-select -q --keep 50% --greedy "$scores" -o "$tmp/circuit"
        hap-task -q --from "$prompts" | hap-eval -q -m "$model" - "$tmp/circuit" >"$tmp/report"
}

@test "magnitudes are not negative, and grad-drop is eap's magnitude where no layer follows" {
        input_of gpt2-a
        attrib "$tmp/drop" --method grad-drop
        scores_map -q "$tmp/drop" | jq -e 'all(.[]; . >= 0)' >/dev/null
        # edges into the logits: the gradient there does not depend on the dropped layer, so the
        # sum over L layers divided by L - 1 is the mean magnitude times L / (L - 1)
        for i in 1 2 3 4 5 6 7 8; do
                sed -n ${i}p "$prompts" | hap-task -q --from - | hap-attrib -q -m "$model" | scores_map -q
        done | jq -s 'map(with_entries(select(.key | endswith("->logits")) | .value |= fabs)) as $all
                | $all[0] | keys | map(. as $k | {key: $k, value: ([$all[][$k]] | add / 8 * 3 / 2)}) | from_entries' >"$tmp/should"
        scores_map -q "$tmp/drop" | jq 'with_entries(select(.key | endswith("->logits")))' >"$tmp/is"
        assert_near_maps "$tmp/is" "$tmp/should" 1e-5
}

@test "a KL that is always zero, and options without an effect, are refused" {
        input_of gpt2-a
        for method in relp eap-qk grad-drop atp-star; do
                assert_refused 2 "is zero for every edge" attrib /dev/null --method $method --metric kl
        done
        assert_refused 2 "--seed has no effect with method 'eap'" attrib /dev/null --seed 1
        assert_refused 2 "--open has no effect with method 'mask-ig'" attrib /dev/null --method mask-ig --open 20%
        assert_refused 2 "--open must be above 0% and below 100%" attrib /dev/null --method ugs --open 100%
        assert_refused 2 "--steps has no effect with method 'relp'" attrib /dev/null --method relp --steps 3
}
