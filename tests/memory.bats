#!/usr/bin/env bats
# What --max-memory says that a stage needs, against the peak that the stage reports.

load helper

setup() {
        [[ -z ${ASAN_OPTIONS-}${TSAN_OPTIONS-} ]] || skip "a sanitizer takes memory of its own"
}

# megabytes TEXT: "1.14 GB" and "87 MB" as a number.
megabytes() {
        awk -v text="$1" 'BEGIN { split(text, a, " "); print a[1] * (a[2] == "GB" ? 1000 : 1) }'
}

# said COMMAND ...: what it needs, in MB. As long as it knows a part of its input only, it says
# what it needs at least.
said() {
        local limit=1 message
        while message=$("$@" --max-memory "${limit}M" -o "$tmp/said" 2>&1 >/dev/null) ||
                [[ $message =~ 'need at least '([0-9.]+ [MG]B) ]]; do
                limit=$(megabytes "${BASH_REMATCH[1]}" | awk '{ print int($1 * 1.01) + 1 }')
        done
        [[ $message =~ 'need '([0-9.]+ [MG]B) ]] || fail "$message"
        megabytes "${BASH_REMATCH[1]}"
}

# assert_said SLACK COMMAND ...: within 10 % and SLACK MB.
assert_said() {
        local slack=$1 need peak
        shift
        [[ " $* " = *" --weights "* ]] || set -- "$@" --weights f32 # else less is said than is used
        need=$(said "$@")
        # with little more, so that it does what needs this much
        [[ " $* " != *" $tmp/task "* ]] ||
                set -- "$@" --max-memory "$(awk -v need="$need" 'BEGIN { print int(need * 1.01) + 1 }')M"
        peak=$("$@" -o "$tmp/out" 2>&1 >/dev/null | grep -oE '[0-9.]+ MB peak' | tail -1)
        awk -v need="$need" -v peak="${peak%% *}" -v slack="$slack" 'BEGIN {
                difference = need - peak
                if (difference < 0)
                        difference = -difference
                exit !(peak > 0 && difference <= .1 * peak + slack)
        }' || fail "'${*##*/}' said $need MB and took $peak"
}

# assert_stages MODEL PROMPTS SLACK
assert_stages() {
        local model=$1 slack=$3
        hap-task ioi -q -n "$2" -m "$model" -o "$tmp/task"
        hap-forward -q -m "$model" -o "$tmp/cache" "$tmp/task"
        hap-attrib -q -m "$model" -o "$tmp/scores" "$tmp/cache"
        hap-select -q --keep 10% -o "$tmp/subgraph" "$tmp/scores"
        assert_said "$slack" hap-forward -j 2 -m "$model" "$tmp/task"
        for examples in "$tmp/task" "$tmp/cache"; do
                assert_said "$slack" hap-attrib -j 2 -m "$model" "$examples"
                assert_said "$slack" hap-eval -j 2 -m "$model" "$examples" "$tmp/subgraph"
                assert_said "$slack" hap-prune -j 2 --sparsity 94% -m "$model" "$examples" \
                        "$tmp/scores"
        done
        assert_said "$slack" hap-prune -j 2 --sparsity 94% --cache-dtype f32 -m "$model" "$tmp/task" \
                "$tmp/scores"
        assert_said "$slack" hap-attrib -j 2 --method eap-ig-inputs -m "$model" "$tmp/cache"
        assert_said "$slack" hap-select -j 2 --auto -m "$model" "$tmp/task" "$tmp/scores"
        for recipe in edge-pruning hap; do
                assert_said "$slack" hap-prune -j 2 --recipe $recipe --steps 3 --exact-sparsity \
                        --sparsity 94% -m "$model" "$tmp/task" "$tmp/subgraph"
        done
        assert_said "$slack" hap-ablate -j 2 --steps 2 -m "$model" "$tmp/task" "$tmp/subgraph"
}

@test "--max-memory says what is used: the embedded model, within 10 % and 8 MB" {
        assert_stages "$root/models/demo" 200 8
        assert_said 8 hap-ablate -j 2 --steps 2 -m "$root/models/demo" "$tmp/task"
}

@test "--max-memory says what is used: SmolLM2, within 10 %" {
        skip_unless_model "$root/models/smollm2/model.gguf"
        assert_stages "$root/models/smollm2/model.gguf" 24 0
}
