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
