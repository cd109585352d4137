load helper

# Compiled programs and models with two paths, whose circuits are known by construction
# (tests/golden/zoo/README.md). pipelines/zoo.mk runs every method on all of them.

zoo=$root/tests/golden/zoo
PROGRAMS="share-a hist reverse sort most-frequent"

setup() {
        need_tool python3
}

# unpack NAME: the model, a task and a cache in $d
unpack() {
        d=$BATS_FILE_TMPDIR/$(basename "$1")
        [[ ! -e $d/cache ]] || return 0
        python3 "$zoo/unpack.py" "$zoo/$1.json" "$d"
        hap-task -q -m "$d" --from "$d/prompts.jsonl" -o "$d/task"
        hap-forward -q -m "$d" --split-input -o "$d/cache" "$d/task"
}

# circuit FILE: lines of edges to a circuit
circuit() {
        jq -cR '{edge: ., z: 1}' | circuit_of "$d/cache" >"$1"
}

# kl ABLATION CIRCUIT ...: the KL of each circuit
kl() {
        hap-eval -q -m "$d" --ablation "$1" --metric kl --resamples 0 "$d/cache" "${@:2}" | json |
                jq -r 'select(.metric == "kl").value'
}

@test "the models compute what the programs compute" {
        for name in $PROGRAMS; do
                unpack "$name"
                # The right answers are those of RASP; numbers have no wrong ones.
                if [[ $(jq .config.n_out "$zoo/$name.json") -gt 1 ]]; then
                        value=$(hap-eval -q -m "$d" --full --metric accuracy "$d/cache" | json |
                                jq 'select(.metric == "accuracy").value')
                        assert_equal "$value" 1
                fi
        done
}

@test "the known circuits are faithful, and without any one of their edges they are not" {
        for name in $PROGRAMS; do
                unpack "$name"
                for ablation in zero interchange; do
                        jq -r '.edges[]' "$d/$ablation.json" >"$tmp/edges"
                        circuit "$tmp/whole" <"$tmp/edges"
                        cut=()
                        while read -r edge; do
                                cut+=("$tmp/cut-${#cut[@]}")
                                grep -vxF -e "$edge" "$tmp/edges" | circuit "${cut[-1]}"
                        done <"$tmp/edges"
                        kl $ablation "$tmp/whole" "${cut[@]}" >"$tmp/kl"
                        assert_equal "$(wc -l <"$tmp/kl")" $((${#cut[@]} + 1))
                        assert_near "$(head -n 1 "$tmp/kl")" 0 1e-6
                        awk -v name="$name, $ablation" 'NR > 1 && !($1 > 1e-4) {
                                print name ": " NR - 1 ": " $1; bad = 1 } END { exit bad }' "$tmp/kl"
                done
        done
}

@test "the model needs each edge of the known circuits" {
        for name in $PROGRAMS; do
                unpack "$name"
                for ablation in zero interchange; do
                        hap-attrib -q -m "$d" --method exact --metric kl --ablation $ablation \
                                -o "$tmp/scores" "$d/cache"
                        scores_map "$tmp/scores" | jq -e --slurpfile known "$d/$ablation.json" '
                                . as $score | all($known[0].edges[]; $score[.] > 1e-4)' >/dev/null ||
                                fail "$name, $ablation"
                done
        done
}

# finds NAME ABLATION [OPTION ...]: whether the default recipe finds the known circuit
finds() {
        unpack "$1"
        jq -r '.edges[]' "$d/$2.json" | sort >"$tmp/known"
        hap-prune -q -m "$d" --ablation "$2" --edges "$(wc -l <"$tmp/known")" "${@:3}" -o "$tmp/c" "$d/cache"
        circuit_map "$tmp/c" | jq -r 'keys[]' | sort | diff "$tmp/known" - >"$tmp/difference"
}

@test "the default recipe finds the circuits of programs, from the removal of each edge" {
        for name in share-a hist share-difference reverse sort unbalanced; do
                for ablation in zero interchange; do
                        finds $name $ablation || fail "$name, $ablation: $(cat "$tmp/difference")"
                done
        done
        # masks alone, as for larger graphs, do not see a step that is saturated
        for name in hist unbalanced; do
                run ! finds $name zero --set exact-edges=0
        done
}

@test "pipelines/zoo.mk makes the table" {
        make -s -C "$root" -f pipelines/zoo.mk BIN="${HAP_BIN:-bin}" RESULTS="$tmp/results" \
                PROGRAMS='is-a is-not-b' METHODS='eap exact' RECIPES='rank hap-rank' >"$tmp/said"
        assert_equal "$(grep -c '^### ' "$tmp/said")" 3
        assert_equal "$(grep -cxF '| `exact` | kl | 1.000 | 1.000 | 100 | 0 | 1.000 | 1.000 | 100 | 0 |' \
                "$tmp/said")" 2
        assert_equal "$(grep -c '^| `rank` | 2 | 100 | 1.000 | [0-9]* | 100 | 1.000 |' "$tmp/said")" 2
        grep -q '^| `eap` | slope | 1, 2 | none | 1 |$' "$tmp/said"
}

# --- two paths for one behaviour ---

# path MODEL N: the edges of a path
path() {
        jq -r ".paths[$2][]" "$zoo/backups/$1.json"
}

# smallest METHOD MODEL N [OPTION ...]: the least magnitude of the scores of a path's edges
smallest() {
        hap-attrib -q -m "$d" --method "$1" "${@:4}" "$d/cache" >"$tmp/scores"
        scores_map "$tmp/scores" | jq --slurpfile model "$zoo/backups/$2.json" \
                ". as \$s | [\$model[0].paths[$3][] | \$s[.] | fabs] | min"
}

@test "each path alone does what the model does, half of it where both are needed" {
        for name in halves saturated repair; do
                unpack "backups/$name"
                path $name 0 | circuit "$tmp/one"
                path $name 1 | circuit "$tmp/two"
                mapfile -t got < <(kl interchange "$tmp/one" "$tmp/two")
                # (y − 1)² / 2, where y is 1/2 in halves and 1 in the others
                wanted=0
                [[ $name != halves ]] || wanted=.125
                assert_near "${got[0]}" $wanted 1e-6
                assert_near "${got[1]}" $wanted 1e-6
        done
}

@test "a gradient at the clean run sees neither of two saturated paths; integrated, it sees both" {
        unpack backups/saturated
        for n in 0 1; do
                assert_near "$(smallest eap saturated $n --metric answer-logit)" 0 1e-6
                # only m0->logits, which both paths need
                assert_near "$(smallest exact saturated $n --metric answer-logit)" 0 1e-6
                for method in eap-ig-inputs mask-ig ugs; do
                        jq -en "$(smallest $method saturated $n --metric answer-logit) > .01"
                done
        done
}

@test "a backup that is silent while the first path works is seen only at masks that cut that path" {
        unpack backups/repair
        for method in eap eap-ig-inputs eap-ig-activations conductance mask-ig; do
                jq -en "$(smallest $method repair 0 --metric answer-logit) > .1"
                assert_near "$(smallest $method repair 1 --metric answer-logit)" 0 1e-6
        done
        for n in 0 1; do
                assert_near "$(smallest exact repair $n --metric answer-logit)" 0 1e-6
                jq -en "$(smallest ugs repair $n --metric answer-logit) > .01"
        done
}
