#!/usr/bin/env bats
# Answers of several tokens, through every program. The numbers are those of separate runs, one for
# each answer, in float64 (tests/golden/make_answers.py).

load helper

setup_file() {
        cd "$BATS_FILE_TMPDIR" || return
        for name in gpt2-a llama-linear olmo3 gpt-oss; do
                model=$(model_of $name)
                hap-task -q -m "$model" --from "$golden/$name.prompts.jsonl" -o $name.task
                hap-forward -q -m "$model" $name.task -o $name.cache
                for z in 1 .value; do
                        jq -c ".z | to_entries[] | {edge: .key, z: $z} | select(.z > 0)" \
                                "$golden/$name.json" | circuit_of $name.cache >$name.$z
                done
                mv $name.1 $name.whole
                mv $name..value $name.circuit
        done
}

golden=$root/tests/golden/answers

model_of() {
        [[ $1 == gpt2-a ]] && echo "$root/tests/golden/gpt2-a/model" ||
                echo "$root/tests/golden/families/$1"
}

setup() {
        cd "$BATS_FILE_TMPDIR" || return
}

# values REPORT: {metric: mean}
values() {
        json "$1" | jq -s '[.[] | select(has("metric")) | {(.metric): .value}] | add'
}

metrics=kl,js,logit-diff,prob-diff,answer-log-probability,right-over-wrong,exact-match,accuracy,kendall-tau

@test "every metric is that of separate runs, of the full model and of a masked one" {
        for name in gpt2-a llama-linear olmo3 gpt-oss; do
                for how in full:whole masked:circuit; do
                        hap-eval -q --metric $metrics -m "$(model_of $name)" -o "$tmp/report" \
                                $name.task "$name.${how#*:}"
                        jq ".${how%:*}" "$golden/$name.json" >"$tmp/wanted"
                        values "$tmp/report" >"$tmp/ours"
                        assert_near_maps "$tmp/ours" "$tmp/wanted" 2e-5
                done
        done
}

@test "mask-gradient at fractional masks is the gradient of separate runs, by every loss" {
        for name in gpt2-a llama-linear olmo3 gpt-oss; do
                for metric in kl js logit-diff prob-diff answer-log-probability; do
                        hap-attrib -q --method mask-gradient --metric $metric -o "$tmp/scores" \
                                $name.cache $name.circuit
                        scores_map "$tmp/scores" >"$tmp/ours"
                        jq ".mask_gradient[\"$metric\"]" "$golden/$name.json" >"$tmp/wanted"
                        assert_near_maps "$tmp/ours" "$tmp/wanted" 1e-7 1e-4
                done
        done
}

@test "eap is that of separate runs, from a task and from a cache" {
        for name in gpt2-a llama-linear olmo3 gpt-oss; do
                for metric in logit-diff prob-diff answer-log-probability; do
                        jq ".eap[\"$metric\"]" "$golden/$name.json" >"$tmp/wanted"
                        hap-attrib -q --metric $metric -o "$tmp/scores" $name.cache
                        scores_map "$tmp/scores" >"$tmp/ours"
                        assert_near_maps "$tmp/ours" "$tmp/wanted" 1e-7 1e-4
                done
                hap-attrib -q --metric $metric -m "$(model_of $name)" -o "$tmp/scores" $name.task
                scores_map "$tmp/scores" >"$tmp/ours"
                assert_near_maps "$tmp/ours" "$tmp/wanted" 1e-7 1e-4
        done
}

# two_tasks MODEL CLEAN CORRUPTED RIGHT WRONG ...: both.task has one example with all answers;
# apart.task has one example for each of them, in this order, and that as its only answer.
two_tasks() {
        local model=$1 clean=$2 corrupted=$3 right=$4
        shift 4
        jq -nc --argjson c "$clean" --argjson d "$corrupted" --argjson r "$right" --args \
                '{id: "all", clean: $c, corrupted: $d, answers: [$r],
                  wrongs: ($ARGS.positional | map(fromjson))}' "$@" >"$tmp/both.jsonl"
        jq -c '. as $e | .answers + .wrongs | .[] | {clean: $e.clean, corrupted: $e.corrupted,
                answers: [.]}' "$tmp/both.jsonl" >"$tmp/apart.jsonl"
        hap-task -q -m "$model" --from "$tmp/both.jsonl" -o "$tmp/both.task"
        hap-task -q -m "$model" --from "$tmp/apart.jsonl" -o "$tmp/apart.task"
}

# difference OPTIONS ...: logit-diff of both.task, and from apart.task the log-probability of the
# right answer minus the mean of those of the wrong ones.
assert_difference() {
        hap-eval -q --metric logit-diff "$@" -o "$tmp/both" "$tmp/both.task" "$tmp/circuit"
        hap-eval -q --metric answer-log-probability --per-example "$@" -o "$tmp/apart" \
                "$tmp/apart.task" "$tmp/circuit"
        assert_near "$(values "$tmp/both" | jq '.["logit-diff"]')" \
                "$(json "$tmp/apart" | jq -s '[.[] | select(has("id")) | .value] as $p
                        | $p[0] - ($p[1:] | add / length)')" 5e-5
}

@test "an answer's log-probability does not depend on the others: positions, windows, ALiBi, sinks" {
        for name in bloom falcon-alibi mpt gemma2 gemma3 gpt-neo gptj neox phi3 mistral olmo2 \
                cohere gpt-oss mixtral opt bigcode starcoder2; do
                model=$root/tests/golden/families/$name
                two_tasks "$model" '[3, 44, 12, 9, 31, 5]' '[3, 41, 12, 9, 36, 5]' \
                        '[7, 8, 7, 9, 30, 2, 11]' '[21, 8, 7, 9]' '[7, 8, 22]' '[7, 13, 50, 1]' 40
                hap-attrib -q -m "$model" "$tmp/both.task" -o "$tmp/scores"
                hap-select -q --keep 50% -o "$tmp/circuit" "$tmp/scores"
                assert_difference -m "$model"
                assert_difference -m "$model" --ablation zero
                # every token occurs once in each, so that the means by position are the same
                two_tasks "$model" '[3, 44, 12, 9, 31, 5]' '[3, 41, 12, 9, 36, 5]' \
                        '[7, 8, 7]' '[21, 8, 7]' '[40, 13, 50]'
                for ablation in mean-position mean-corrupted-position; do
                        assert_difference -m "$model" --ablation $ablation
                done
        done
}

@test "the same for answers whose beginnings are more than 256 tokens" {
        for name in gpt2-f16 gemma3 bloom gpt-oss; do
                model=$root/tests/golden/families/$name
                mapfile -t wrongs < <(jq -nc 'range(60) | [50 - . % 50, (. * 7) % 53, . % 11, 3, 4, 5, 6]')
                two_tasks "$model" '[3, 44, 12, 9, 31, 5]' '[3, 41, 12, 9, 36, 5]' \
                        '[51, 8, 7, 9, 30, 2, 11]' "${wrongs[@]}"
                hap-attrib -q -m "$model" "$tmp/both.task" -o "$tmp/scores"
                hap-select -q --keep 50% -o "$tmp/circuit" "$tmp/scores"
                assert_difference -m "$model"
        done
}

# Of edges or of nodes.
all_scores() {
        json "$@" | jq -s '[.[] | select(has("score")) | {(.edge // .node): .score}] | add // {}'
}

# assert_linear SCORES MODEL OPTIONS ...: the scores by logit-diff of both.task are those by the
# right answer's log-probability minus the mean of those by the wrong ones, all from apart.task.
assert_linear() {
        local scores=$1 model=$2 n
        shift 2
        n=$(json "$tmp/apart.task" | jq -s 'length - 2')
        all_scores "$scores" >"$tmp/ours"
        for ((i = 0; i < n; i++)); do
                sed -n "$((i + 1))p" "$tmp/apart.jsonl" >"$tmp/one.jsonl"
                hap-task -q -m "$model" --from "$tmp/one.jsonl" |
                        hap-attrib -q --metric answer-log-probability -m "$model" "$@" -o "$tmp/one"
                all_scores "$tmp/one"
        done | jq -s '.[0] as $right | .[1:] as $wrong | $right
                | with_entries(.key as $k | .value -= ($wrong | map(.[$k]) | add / length))' \
                >"$tmp/wanted"
        assert_near_maps "$tmp/ours" "$tmp/wanted" 1e-6 2e-4
}

@test "scores by methods that are linear in the gradient are sums over separate runs" {
        model=$root/tests/golden/gpt2-a/model
        two_tasks "$model" '[3, 44, 12, 9, 31, 5]' '[3, 41, 12, 9, 36, 5]' \
                '[7, 8, 70]' '[21, 8, 7, 9]' '[7, 13, 50, 1]'
        for method in eap relp eap-ig-inputs clean-corrupted eap-ig-activations conductance eap-qk \
                exact mask-ig; do
                for more in '' --nodes; do
                        [[ $method$more == eap-qk--nodes ]] && continue
                        # shellcheck disable=SC2086 # no option or one
                        hap-attrib -q --method $method $more -m "$model" "$tmp/both.task" \
                                -o "$tmp/scores"
                        # shellcheck disable=SC2086
                        assert_linear "$tmp/scores" "$model" --method $method $more
                done
        done
}
