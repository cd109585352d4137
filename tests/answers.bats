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

@test "from task to report and page: circuits of prompts with answers of several tokens" {
        cat >"$tmp/lines.jsonl" <<'END'
{"clean": "When Mary and John went to the store, John gave a drink to", "corrupted": "When Mary and John went to the store, Mary gave a drink to", "answers": [" Mary and John", " Mary."], "wrongs": [" John and Mary", " John.", " the store"]}
{"clean": "When Mary and John went to the store, John gave a drink to", "corrupted": "When Mary and John went to the store, Mary gave a drink to", "answers": [" Mary"], "wrongs": [" John"]}
{"clean": "When Mary and Carl went to the store, Carl gave a drink to", "corrupted": "When Mary and Carl went to the store, Mary gave a drink to", "answers": [" Mary and"], "wrongs": [" Carl and"]}
END
        cd "$tmp"
        model=$root/models/demo
        hap-task -q -m "$model" --from lines.jsonl -o task
        hap-forward -q -m "$model" task -o cache
        hap-attrib -q cache -o scores
        hap-attrib -q -m "$model" task -o again
        all_scores scores >a && all_scores again >b
        assert_near_maps a b 1e-6 1e-5
        hap-select -q --keep 30% scores -o subgraph
        hap-prune -q --sparsity 90% cache subgraph -o circuit
        hap-prune -q -j 1 --sparsity 90% cache subgraph -o circuit1
        assert_same circuit circuit1
        hap-eval -q cache circuit -o from-cache
        hap-eval -q -m "$model" task circuit -o from-task
        values from-cache >a && values from-task >b
        assert_near_maps a b 1e-5
        jq -e 'has("kl") and has("accuracy") and has("exact-match") and has("logit-diff") and
                has("prob-diff") and has("right-over-wrong")' a
        # the circuit is nearer to the full model than the empty one
        hap-eval -q --empty --metric kl cache circuit -o kl
        json kl | jq -se '[.[] | select(.metric == "kl") | .value] | min < 0.5 * max'
        hap-show -q --html task circuit -o page
        grep -q '"answers":\[\[796,289,776\],\[796,13\]\]' page
        hap-show task >text
        hap-convert -q --to json task | hap-convert -q --from json -o back
        assert_same back task
        hap-task --check --predict -m "$model" lines.jsonl 2>/dev/null >text
        grep -q "  answers   796 ' Mary' + 289 ' and' + 776 ' John'  796 ' Mary' + 13 '.'" text
        # the probabilities are those of hap-eval's full model
        hap-eval -q --full --per-example --metric prob-diff -m "$model" task circuit -o report
        assert_near "$(awk '/^  p clean/ {print $4 + $5 - $7 - $8 - $9; exit}' text)" \
                "$(json report | jq -s '[.[] | select(.id == "1" and (.circuit | test("full")))
                        | .value][0]')" 1e-7
        for refused in answer-logit answer-rank prob-diff-10; do
                assert_refused 3 "cannot measure $refused: it is not defined for answers of several tokens, which 2 of 3 examples have, the first is '1'" \
                        hap-eval --metric $refused cache circuit -o x
        done
        assert_refused 3 "answer-logit is not defined for answers of several tokens; use answer-log-probability" \
                hap-attrib --metric answer-logit cache -o x
        assert_refused 3 "its answers have several tokens, for which roles are not defined" \
                hap-eval --roles -m "$model" task circuit -o x
}
