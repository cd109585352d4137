load helper

# Stages that only write to $tmp/log how they were called, so that the commands of make
# can be checked quickly. Circuits of one method share edge a; each seed and sample has
# a second edge of its own.
setup() {
        mkdir "$tmp/bin"
        cat >"$tmp/bin/stage" <<'END'
#!/bin/bash
log=${0%/bin/*}/log
echo "${0##*/} $*" >>"$log"
[[ " $* " != *" ${FAIL_AT:-none} "* ]] || exit 1
for last in "$@"; do :; done
while [[ $# -gt 0 ]]; do
        [[ $1 == -o ]] && out=$2
        [[ $1 == --threshold-circuit ]] && own=$2
        [[ $1 == --seed ]] && seed=$2
        [[ $1 == --metric ]] && metrics=$2
        shift
done
circuit() {
        sample=$(sed -n 's,.*/\(sample-[0-9]*\)/.*,\1,p' <<<"$1")
        printf '%s\n' '{"kind":"circuit","circuit":{"edges":48,"of":479},"pruning":{"masked_runs":96}}' \
                '{"edge":"a"}' "{\"edge\":\"$sample-${seed-0}\"}" >"$1"
}
case $0 in
*/hap-convert) cat "$last" ;;
*/hap-eval)
        seed=$(sed -n 's/.*-[0-9]*-\([0-9]*\)[.]circuit/\1/p' <<<"$last")
        printf '{"kind":"report"}\n' >"$out"
        for metric in ${metrics//,/ }; do
                case $metric in
                kl) value=0.$((4 - ${seed:-0})) ;;
                logit-diff) value=-0.25 ;;
                accuracy) value=1 ;;
                *) value=0.5 ;;
                esac
                printf '{"metric":"%s","value":%s}\n' "$metric" "$value"
        done >>"$out"
        ;;
*/hap-select | */hap-prune)
        circuit "$out"
        [[ -z ${own-} ]] || circuit "$own"
        ;;
*) echo stream >"$out" ;;
esac
END
        chmod +x "$tmp/bin/stage"
        for stage in task forward attrib select prune eval show convert; do
                ln -s stage "$tmp/bin/hap-$stage"
        done
}

pipeline() {
        : >"$tmp/log"
        env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" -f "pipelines/$1" BIN="$tmp/bin" \
                RESULTS="$tmp/results" "${@:2}" >"$tmp/said" 2>&1 || {
                cat "$tmp/said"
                return 1
        }
}

# How often a stage ran since.
ran() {
        grep -c "^hap-$1 " "$tmp/log" || true
}

@test "table1.mk runs every stage once for each of its uses" {
        pipeline table1.mk SPARSITY='90% 94%' SEEDS=2
        assert_equal "$(ran task)" 3
        assert_equal "$(ran forward)" 1
        assert_equal "$(ran attrib)" 1
        assert_equal "$(ran select)" 3 # two circuits of EAP and the subgraph
        assert_equal "$(ran prune)" 16 # four methods, two sparsities, two seeds
        # those, the own threshold's of two methods, EAP, full and empty, on two splits
        assert_equal "$(ran eval)" 56
        assert_equal "$(ran show)" 2
}

@test "demo.mk prints the table of EAP and HAP, and their picture, before it starts edge pruning" {
        FAIL_AT=edge-pruning run pipeline demo.mk
        assert_failure
        assert_equal "$(ran prune)" 2 # HAP's, and edge pruning's, which fails
        for line in 'EAP +90 %' 'HAP +90 %' 'written: .*/demo/hap-90.svg'; do
                assert_regex "$(cat "$tmp/said")" "$line"
        done
        refute_regex "$(cat "$tmp/said")" 'EP, batches of 2 +90 %'
        pipeline demo.mk
        assert_equal "$(grep -c -- '--batch 2 ' "$tmp/log")" 1
        assert_equal "$(ran prune)" 1
        assert_regex "$(cat "$tmp/said")" 'EP, batches of 2 +90 %'
        assert_regex "$(cat "$tmp/said")" "KL of HAP is 0.75 of EAP's and 1.00 of that of EP with batches of 2;"
        pipeline demo.mk
        assert_equal "$(ran prune)$(ran eval)" 00
}

@test "a second run makes nothing again and prints the table" {
        pipeline table1.mk SPARSITY=90% SEEDS=1
        pipeline table1.mk SPARSITY=90% SEEDS=1
        assert_equal "$(cat "$tmp/log")" ""
        assert_regex "$(cat "$tmp/said")" "HAP +90 % +1.000 +-0.25 +0.300 +0.500 +48 +0.900"
}

@test "another seed or sparsity adds circuits and makes no old one again" {
        pipeline table1.mk SPARSITY=90% SEEDS=1
        pipeline table1.mk SPARSITY='90% 94%' SEEDS=1
        assert_equal "$(ran prune)" 4
        assert_equal "$(ran attrib)" 0
        pipeline table1.mk SPARSITY='90% 94%' SEEDS=2
        assert_equal "$(ran prune)" 8
}

@test "a sparsity or a method that is named twice is made once" {
        pipeline hap.mk SPARSITY='94% 94 94.0% 97.50' METHODS='hap eap hap'
        assert_equal "$(ran prune)" 2
        assert_exists "$tmp/results/demo-ioi/hap-94-1.circuit"
        assert_exists "$tmp/results/demo-ioi/hap-97.5-1.circuit"
        run jq -c '.[2:][] | [.method, .sparsity, (.runs | length)]' "$tmp/results/demo-ioi/table.json"
        assert_output '["HAP",94,1]
["EAP",94,1]
["HAP",97.5,1]
["EAP",97.5,1]'
        refute_regex "$(cat "$tmp/said")" 'overriding|±|IoU'
        pipeline hap.mk SPARSITY='.50% 0.5% 05% 90 00% .0% 10.05 94.' NAME=forms
        run bash -c "cd '$tmp/results/forms' && echo hap-*-1.circuit"
        assert_output "$(printf 'hap-%s-1.circuit ' 0 0.5 10.05 5 90)hap-94-1.circuit"
}

@test "a changed option makes only the files that depend on it again" {
        pipeline table1.mk SPARSITY=90% SEEDS=1 KEEP=50%
        pipeline table1.mk SPARSITY=90% SEEDS=1 KEEP=20%
        assert_equal "$(ran forward)" 0
        assert_equal "$(ran select)" 1
        assert_equal "$(ran prune)" 3
        assert_equal "$(ran eval)" 8 # one of these leaves two circuits
}

@test "a stage that fails stops the run, and the next run continues from there" {
        FAIL_AT=edge-pruning run pipeline table1.mk SPARSITY=90% SEEDS=1
        assert_failure
        assert_equal "$(ran eval)" 2 # the full model alone
        pipeline table1.mk SPARSITY=90% SEEDS=1
        assert_equal "$(ran forward)" 0
        assert_equal "$(ran prune)" 4
}

@test "one training leaves the exact circuit and its own threshold's, each a row" {
        pipeline table1.mk SPARSITY=90% SEEDS=2 METHODS='ep hap-ep'
        run grep -h '^hap-prune' "$tmp/log"
        assert_line --partial "--threshold-circuit $tmp/results/table1/ep-own-90-1.circuit -o $tmp/results/table1/ep-90-1.circuit "
        assert_line --partial "--threshold-circuit $tmp/results/table1/hap-ep-own-90-2.circuit "
        assert_equal "$(ran prune)" 4
        run cat "$tmp/said"
        for title in "EP" "EP, own threshold" "HAP by EP" "HAP by EP, own threshold"; do
                assert_line --regexp "^$title +90 % +1.000"
        done
        # if one of the two is lost, one training makes both again
        rm "$tmp/results/table1/ep-own-90-2.circuit"
        pipeline table1.mk SPARSITY=90% SEEDS=2 METHODS='ep hap-ep'
        assert_equal "$(ran prune)" 1
}

@test "EP's further options reach both ways of edge pruning, and make them anew" {
        pipeline table1.mk SPARSITY=90% SEEDS=1
        pipeline table1.mk SPARSITY=90% SEEDS=1 EP="--steps 300"
        assert_equal "$(ran prune)" 2
        assert_equal "$(grep -c -- '--steps 300' "$tmp/log")" 2
}

@test "BOOTSTRAP draws the training prompts, and only these" {
        pipeline hap.mk SPARSITY=90% BOOTSTRAP=4
        run grep '^hap-task' "$tmp/log"
        assert_line --regexp "--split train -n 200 --bootstrap 4 -o"
        assert_line --regexp "--split test -n 1000 +-o"
        assert_line --regexp "--split validation -n 200 +-o"
        pipeline hap.mk SPARSITY=90% BOOTSTRAP=5
        assert_equal "$(ran forward)" 1
        assert_equal "$(ran task)" 1
}

@test "SAMPLES runs every method on that number of bootstrap samples and reports how similar the circuits are" {
        # the settings of table1.mk must apply to the samples too
        pipeline table1.mk SPARSITY='80% 90%' SEEDS=2 SAMPLES=3 METHODS='eap ep hap' TRAIN=50
        run grep -c -- '-n 50 --bootstrap [123] ' "$tmp/log"
        assert_output 3
        assert_equal "$(ran forward)" 4
        # two sparsities and seeds of two methods; one of each for a sample
        assert_equal "$(ran prune)" 14
        table=$tmp/results/table1/table.json
        # two circuits {a, x}, {a, y}: 1 edge of 3
        assert_near "$(jq '.[] | select(.method == "HAP" and .sparsity == 90).overlap.seeds' "$table")" \
                0.333333 1e-5
        assert_near "$(jq '.[] | select(.method == "HAP" and .sparsity == 80).overlap.seeds' "$table")" \
                0.333333 1e-5
        for method in EAP EP "EP, own threshold" HAP; do
                overlap=$(jq --arg m "$method" \
                        '.[] | select(.method == $m and .sparsity == 90).overlap.samples' "$table")
                assert_near "$overlap" 0.333333 1e-5
        done
        # a ranking has no seeds; samples are drawn at the last sparsity only
        assert_equal "$(jq -c '[.[] | select(.method == "EAP").overlap]' "$table")" \
                "$(jq -c '[null, {samples: (1 / 3)}]' <<<null)"
        assert_regex "$(cat "$tmp/said")" "IoU over samples +IoU over seeds"
        assert_regex "$(cat "$tmp/results/table1/table.md")" 'HAP \| 90 % .* \| 0.33 \| 0.33 \|'
        pipeline table1.mk SPARSITY='80% 90%' SEEDS=2 SAMPLES=3 METHODS='eap ep hap' TRAIN=50
        assert_equal "$(cat "$tmp/log")" ""
}

@test "samples are made again if a file that they depend on changes" {
        options=(SPARSITY=90% SEEDS=1 SAMPLES=2)
        pipeline hap.mk "${options[@]}" KEEP=50%
        pipeline hap.mk "${options[@]}" KEEP=20%
        assert_equal "$(ran forward)" 0
        assert_equal "$(ran select)" 3
        assert_equal "$(ran prune)" 3
        rm "$tmp/results/demo-ioi/sample-2/train.cache"
        touch -d '1 minute ago' "$tmp/results/demo-ioi/hap-90.samples.overlap"
        pipeline hap.mk "${options[@]}" KEEP=20%
        assert_equal "$(ran prune)" 1
        assert [ "$tmp/results/demo-ioi/table.json" -nt "$tmp/results/demo-ioi/sample-2/hap-90-1.circuit" ]
        assert [ "$tmp/results/demo-ioi/hap-90.samples.overlap" -nt "$tmp/results/demo-ioi/sample-2/hap-90-1.circuit" ]
        pipeline hap.mk "${options[@]}" KEEP=20%
        assert_equal "$(cat "$tmp/log")" ""
}

@test "changed positions make the caches, those of samples too, and all later files again" {
        options=(SPARSITY=90% SEEDS=1 SAMPLES=2)
        pipeline hap.mk "${options[@]}"
        assert_equal "$(grep -c -e --positions "$tmp/log")" 0
        pipeline hap.mk "${options[@]}" POSITIONS=S2,END
        assert_equal "$(grep -c '^hap-forward .*--positions S2,END' "$tmp/log")" 3
        assert_equal "$(ran task)" 0
        assert_equal "$(ran prune)" 3
        pipeline hap.mk "${options[@]}" POSITIONS=S2,END
        assert_equal "$(cat "$tmp/log")" ""
}

# table overlap of circuits given as sets of letters
overlap() {
        local i=0 names=()
        for set in "$@"; do
                names+=("$tmp/set-$((++i))")
                echo '{"kind":"circuit"}' >"${names[-1]}"
                grep -o . <<<"$set" | sed 's/.*/{"edge":"&"}/' >>"${names[-1]}" || true
        done
        PATH=$tmp/bin:$PATH "$root/pipelines/table" overlap "${names[@]}"
}

@test "overlap is the mean intersection over union of each two circuits" {
        assert_near "$(overlap abc abc)" 1 1e-9
        assert_near "$(overlap abc def)" 0 1e-9
        assert_near "$(overlap abc bcd)" 0.5 1e-9
        assert_near "$(overlap abcd ab)" 0.5 1e-9
        # pairs: 2/4, 1/5, 2/4
        assert_near "$(overlap abc bcd cde)" 0.4 1e-9
        # an empty circuit shares nothing with others and equals another empty one
        assert_near "$(overlap abc '')" 0 1e-9
        assert_near "$(overlap '' '')" 1 1e-9
        assert_near "$(overlap ab ab '')" 0.333333333 1e-8
        assert_equal "$(overlap abc)" null
}

@test "overlap of a file that is not a circuit is an error that names it" {
        echo '{"kind":"scores"}' >"$tmp/scores"
        echo '{"kind":"circuit"}' >"$tmp/c"
        PATH=$tmp/bin:$PATH run "$root/pipelines/table" overlap "$tmp/c" "$tmp/scores"
        assert_failure
        assert_output --partial "table: cannot use '$tmp/scores'"
        PATH=$tmp/bin:$PATH run "$root/pipelines/table" overlap "$tmp/none" "$tmp/c"
        assert_failure
        assert_output --partial "table: cannot use '$tmp/none'"
}

# A row of a table: METHOD SPARSITY KL MASKED-RUNS SECONDS
row() {
        jq -nc --arg m "$1" --argjson s "$2" --argjson kl "$3" --argjson runs "$4" --argjson t "$5" '
                {method: $m, sparsity: $s, runs: [{test: {kl: $kl}, edges: 48, of: 479,
                 reached: 0.9, masked_runs: $runs, seconds: $t}]}'
}

@test "the page compares the default recipe with edge pruning, then shows every table" {
        { row EP 90 0.4 96000 120 && row HAP 90 0.3 1200 3; } | jq -s . >"$tmp/one.json"
        row HAP 94 0.5 1200 3 | jq -s '.[0].overlap = {seeds: 0.75} | .' >"$tmp/two.json"
        run -0 "$root/pipelines/table" page 'First task' "$tmp/one.json" 'Second task' "$tmp/two.json"
        # .3/.4, 1200/96000, 3/120
        assert_line '| First task | 90 % | 0.4000 | 0.3000 | 0.75 | 1/80.00 | 1/40.00 |'
        refute_line --partial '| Second task |'
        assert_line '## First task'
        assert_line '## Second task'
        assert_line --regexp '^\| EP \| 90 % \|.* 0.400 .* 96000 \| 120.0 \|$'
        assert_line --regexp '^\| HAP \| 94 % \|.* 0.500 .* 1200 \| 3.0 \| 0.75 \|$'
        refute_output --partial "EP's KL, own threshold"
        run "$root/pipelines/table" page 'First task' "$tmp/none.json"
        assert_failure
}

@test "the page sets the default recipe against edge pruning's own threshold at equal size" {
        { row 'EP, own threshold' 90 0.2 null null && row "HAP at the size of EP, own" 90 0.1 1200 3; } |
                jq -s . >"$tmp/one.json"
        { row EP 90 0.4 96000 null && row HAP 90 0.3 1200 3; } | jq -s . >"$tmp/two.json"
        run -0 "$root/pipelines/table" page One "$tmp/one.json" Two "$tmp/two.json"
        assert_line '| One | 90 % | 48.0 | 0.2000 | 0.1000 | 0.50 |'
        # a method that was not timed has no ratio
        assert_line '| Two | 90 % | 0.4000 | 0.3000 | 0.75 | 1/80.00 | - |'
}

@test "the page reports what small batches alone save edge pruning" {
        { row EP 90 0.4 96000 120 && row 'EP, batches of 2' 90 0.5 6000 12 && row HAP 90 0.3 1200 3; } |
                jq -s . >"$tmp/one.json"
        row 'EP, batches of 2' 90 0.5 6000 12 | jq -s . >"$tmp/two.json"
        run -0 "$root/pipelines/table" page One "$tmp/one.json" Two "$tmp/two.json"
        # .5/.4, 6000/96000; .3/.5, 1200/6000, 3/12
        assert_line '| One | 90 % | 0.5000 | 1.25 | 1/16.00 | 0.60 | 1/5.00 | 1/4.00 |'
        refute_line --partial '| Two |'
}

@test "results.mk makes the page of all tasks in parallel, and later only the files that changed" {
        touch "$tmp/real.gguf"
        every=(-j2 DEMO_TASKS='ioi induction' SEEDS=2 SAMPLES=2 SPARSITY=90% METHODS='eap ep hap'
                REAL="$tmp/real.gguf" REAL_NAME=Tiny REAL_TASKS=ioi REAL_SEEDS=1 REAL_EP_SEEDS=1 REAL_EP='--steps 7'
                REAL_SPARSITY=94% REAL_METHODS='ep hap' REAL_TRAIN=20 REAL_TEST=30 PAGE="$tmp/docs/page.md")
        pipeline results.mk "${every[@]}"
        run cat "$tmp/docs/page.md"
        # KL is .3 and .2 for the two seeds on the demo model, .3 on the other
        assert_line --partial '| The demo model, ioi | 90 % | 0.2500 ± 0.0707 | 0.2500 ± 0.0707 | 1.00 | 1/1.00 |'
        assert_line --partial '| The demo model, induction | 90 % |'
        assert_line --partial '| Tiny, ioi (EP: --steps 7) | 94 % | 0.3000 | 0.3000 | 1.00 |'
        assert_line --regexp '^\| EP, own threshold \| 90 % \|.* 0.33 \| 0.33 \|$'
        run grep -h ' --steps 7 ' "$tmp/log"
        assert_output --regexp "^hap-prune --checkpoint [^ ]* -m $tmp/real.gguf .*results-real-ioi/ep-94-1.circuit [^ ]*train.cache\$"
        assert_equal "$(grep -c "hap-task -m $tmp/real.gguf ioi --split train -n 20 " "$tmp/log")" 1
        refute_regex "$(cat "$tmp/said")" 'jobserver|warning'
        pipeline results.mk "${every[@]}"
        assert_equal "$(cat "$tmp/log")" ""
        pipeline results.mk "${every[@]}" REAL_EP='--steps 8'
        assert_equal "$(ran prune)" 1
        assert_equal "$(ls "$tmp/docs")" page.md
        # without the real model the page is of the demo model
        pipeline results.mk "${every[@]}" REAL="$tmp/none.gguf"
        assert_regex "$(cat "$tmp/said")" "none.gguf is not there: its tasks are left out"
        refute_regex "$(cat "$tmp/docs/page.md")" Tiny
}

@test "recipes.mk sets edge pruning of several lengths against the recipes, and draws them" {
        pipeline recipes.mk SPARSITY='80% 94%' SEEDS=2 SAMPLES=2
        assert_equal "$(grep -c -- '--steps 300 .*--seed' "$tmp/log")" 6 # sizes times seeds, a sample each
        run cat "$tmp/results/recipes-ioi/curve.svg"
        assert_equal "$(grep -c '^| ' "$tmp/results/recipes-ioi/pivot.md")" 13 # titles, a rule, methods, own
        # four lengths of edge pruning, two of its batches, two of rank sampling, two of HAP
        assert_equal "$(grep -c '<circle r="2.5"' <<<"$output")" 40
        assert_equal "$(grep -c '<polyline' <<<"$output")" 10
        if command -v xmllint >/dev/null; then
                xmllint --noout "$tmp/results/recipes-ioi/curve.svg"
        fi
}

@test "the pivot has a line for each method, means over seeds and sparsities" {
        { row EP 90 0.04 1000 2 && row EP 94 2 3000 4 && row 'EP, own threshold' 90 0.5 1000 null &&
                row HAP 94 12.34 10 1; } | jq -s '.[0].runs += [.[0].runs[0] | .test.kl = 0.02] | .' >"$tmp/one.json"
        run -0 "$root/pipelines/table" pivot "$tmp/one.json"
        assert_line '| method | 90 % | 94 % | masked runs | CPU s |'
        # (.04 + .02) / 2; runs and seconds: two of 1000 and 2, one of 3000 and 4
        assert_line '| EP | 0.0300 | 2.000 | 1667 | 2.7 |'
        assert_line '| EP, own threshold | 0.500 (48) | - | 1000 | - |'
        assert_line '| HAP | - | 12.3 | 10 | 1.0 |'
}

@test "the curve puts a dot where its masked runs and KL are, and knows equal values" {
        { row EP 90 0.01 1000 120 && row 'EP, own threshold' 90 0.5 50 1 &&
                row 'HAP by EP' 90 0.5 50 1; } | jq -s . >"$tmp/one.json"
        run -0 "$root/pipelines/table" curve "$tmp/one.json"
        # the corner of the panel: both are at the lower ends of their axes
        assert_equal "$(grep -c '<circle r="2.5" cx="46" cy="216"' <<<"$output")" 1
        assert_equal "$(grep -c '<circle r="2.5"' <<<"$output")" 1
}

@test "a stage that fails in a sample or in one task leaves no table and no page" {
        FAIL_AT=--bootstrap run pipeline hap.mk SPARSITY=90% SAMPLES=2
        assert_failure
        assert_not_exists "$tmp/results/demo-ioi/table.json"
        FAIL_AT=induction run pipeline results.mk DEMO_TASKS='ioi induction' SEEDS=1 SAMPLES=0 \
                METHODS=hap REAL=none PAGE="$tmp/page.md"
        assert_failure
        assert_not_exists "$tmp/page.md"
}

@test "two pipelines of other names run side by side" {
        : >"$tmp/log"
        for name in one two; do
                env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" -f pipelines/hap.mk BIN="$tmp/bin" \
                        RESULTS="$tmp/results" SPARSITY=90% NAME=$name >"$tmp/$name.said" 2>&1 &
                pids[${#pids[@]}]=$!
        done
        for pid in "${pids[@]}"; do wait "$pid"; done
        for name in one two; do
                for stage in task:3 forward:1 prune:1 eval:6 show:1; do
                        assert_equal "$(grep -c "^hap-${stage%:*} .*results/$name/" "$tmp/log")" "${stage#*:}"
                done
                assert_exists "$tmp/results/$name/table.json"
        done
}

@test "roles are those of the test prompts, listed for all circuits, and made again for another circuit" {
        roles() {
                pipeline hap.mk SPARSITY=90% METHODS='eap hap' LOADINGS=4 "$@" roles
                grep '^hap-eval' "$tmp/log" >"$tmp/evals" || true
        }
        roles
        assert_equal "$(sed 's/.* -m [^ ]* //; s,[^ ]*/,,g' "$tmp/evals")" \
                '--roles --loadings 4 -o roles.report test.task eap-90.circuit hap-90-1.circuit'
        assert_exists "$tmp/results/demo-ioi/roles.txt"
        roles
        assert_equal "$(cat "$tmp/log")" ""
        roles SEEDS=2
        assert_equal "$(sed 's,[^ ]*/,,g; s/.*task //' "$tmp/evals")" 'eap-90.circuit hap-90-1.circuit hap-90-2.circuit'
}

@test "names that make cannot represent are refused before anything runs" {
        mkdir "$tmp/mine"
        touch "$tmp/mine/train.jsonl" "$tmp/mine/validation.jsonl"
        while IFS='|' read -r setting said; do
                run pipeline hap.mk "$setting"
                assert_failure
                assert_regex "$(cat "$tmp/said")" "$said"
                assert_equal "$(cat "$tmp/log")" ""
        done <<END
MODEL=my models/demo|MODEL is 'my models/demo', but make cannot handle names with spaces
NAME=a b|NAME is 'a b'
SPARSITY=0.94|SPARSITY contains '0.94', which
SPARSITY=100%|SPARSITY contains '100%', which is not a percentage below 100
SPARSITY=nine|SPARSITY contains 'nine'
SPARSITY=|SPARSITY is empty
SEEDS=0|SEEDS is '0'; give a whole number from 1
ep.seeds=two|ep.seeds is 'two'; give a whole number
EP=\$\$x|EP is '.x'; make would expand
SAMPLES=1|SAMPLES is '1'; give 2 or more
SAMPLES=some|SAMPLES is 'some'
LOADINGS=0|LOADINGS is '0'; give a whole number from 1
METRICS=accuracy|METRICS is 'accuracy'; it must contain kl
PROMPTS=$tmp/mine|PROMPTS is '$tmp/mine', but '$tmp/mine/test.jsonl' does not exist
END
}

@test "quotes in an option are in its file as given" {
        pipeline hap.mk SPARSITY=90% hap.prune="--recipe 'rank'"
        assert_equal "$(cat "$tmp/results/demo-ioi/.options/hap")" "--recipe 'rank'"
        pipeline hap.mk SPARSITY=90% hap.prune="--recipe 'rank'"
        assert_equal "$(cat "$tmp/log")" ""
}

@test "fewer seeds or samples are compared anew" {
        table=$tmp/results/demo-ioi/table.json
        overlaps='.[] | select(.method == "HAP").overlap | [.seeds, .samples]'
        pipeline hap.mk SPARSITY=90% SEEDS=3 SAMPLES=3
        # the second seed, and the second sample, now have the first one's edges
        cp "$tmp/results/demo-ioi"/{hap-90-1,hap-90-2}.circuit
        cp "$tmp/results/demo-ioi"/sample-{1,2}/hap-90-1.circuit
        pipeline hap.mk SPARSITY=90% SEEDS=2 SAMPLES=2
        assert_equal "$(jq -c "$overlaps" "$table")" '[1,1]'
}

@test "fewer seeds of one method are compared anew too" {
        table=$tmp/results/demo-ioi/table.json
        pipeline hap.mk SPARSITY=90% METHODS=ep ep.seeds=3
        cp "$tmp/results/demo-ioi"/{ep-90-1,ep-90-2}.circuit
        pipeline hap.mk SPARSITY=90% METHODS=ep ep.seeds=2
        assert_equal "$(jq '.[] | select(.method == "EP").overlap.seeds' "$table")" 1
}

@test "other prompts in the model's folder make the task anew" {
        mkdir -p "$tmp/model/tasks"
        touch "$tmp/model/config.json" "$tmp/model/tasks/ioi-train.jsonl"
        pipeline hap.mk MODEL="$tmp/model" SPARSITY=90%
        pipeline hap.mk MODEL="$tmp/model" SPARSITY=90%
        assert_equal "$(ran task)" 0
        touch -d '1 second' "$tmp/model/tasks/ioi-train.jsonl"
        pipeline hap.mk MODEL="$tmp/model" SPARSITY=90%
        assert_equal "$(ran task)" 3
}

@test "unusable prompts and metrics are found before any training" {
        FAIL_AT=kl,bogus run pipeline hap.mk SPARSITY=90% METRICS=kl,bogus
        assert_failure
        assert_equal "$(ran prune)" 0
        assert_equal "$(ran eval)" 1
}

@test "the table has mean and standard deviation over the seeds" {
        pipeline table1.mk SPARSITY=90% SEEDS=3
        # KL is .3, .2 and .1: mean .2, and .1 is the square root of .02 / 2.
        assert_regex "$(cat "$tmp/said")" "HAP +90 % +1.000 ± 0.000 .* 0.200 ± 0.100 "
        assert_regex "$(cat "$tmp/said")" "full model .* 479 +0.000 +-"
        assert_regex "$(cat "$tmp/said")" "empty circuit .* 0 +1.000 +-"
        # EAP's KL is .4.
        assert_regex "$(cat "$tmp/said")" "At 90 %, the KL of HAP is 0.50 of EAP's and 1.00 of EP's; its time is"
}

@test "the picture is of the circuit that is best on the validation prompts" {
        pipeline table1.mk SPARSITY=90% SEEDS=3
        run grep -h '^hap-show' "$tmp/log"
        assert_output --partial "hap-90-3.circuit"
}

@test "seconds are those of all the stages a circuit came from" {
        pipeline table1.mk SPARSITY=90% SEEDS=1
        cd "$tmp/results/table1"
        for part in train.cache eap.scores eap.subgraph hap-90-1.circuit; do
                echo 1.5 >"$part.seconds"
        done
        touch hap-90-1.validation.report
        pipeline table1.mk SPARSITY=90% SEEDS=1
        assert_equal "$(jq '.[] | select(.method == "HAP").runs[0].seconds' table.json)" 6
}

@test "the time of a stage is processor time, with its children and threads and without waiting" {
        local spin='for ((i = 0; i < 300000; i++)); do :; done'
        run -0 "$root/pipelines/timed" "$tmp/idle" sleep 0.7
        run -0 "$root/pipelines/timed" "$tmp/busy" bash -c "$spin; bash -c '$spin'; wait"
        awk -v idle="$(<"$tmp/idle")" -v busy="$(<"$tmp/busy")" 'BEGIN { exit !(idle < .3 && busy > idle) }' ||
                fail "idle $(<"$tmp/idle"), busy $(<"$tmp/busy")"
        run "$root/pipelines/timed" "$tmp/failed" bash -c 'echo lost >&2; exit 5'
        assert_failure 5
        assert_line lost
        assert_not_exists "$tmp/failed"
}

@test "hap-as-ep asks for as many edges as edge pruning's own threshold left with that seed" {
        pipeline hap.mk METHODS='ep hap-as-ep' SPARSITY=90% SEEDS=2
        run grep '^hap-prune .*hap-as-ep-90-2.circuit' "$tmp/log"
        assert_output --regexp '--recipe rank --edges 48 --seed 2 .*hap-as-ep-90-2.circuit [^ ]*/train.cache [^ ]*/eap.subgraph [^ ]*/eap.scores$'
        sed -i 's/"edges":48/"edges":51/' "$tmp/results/demo-ioi/ep-own-90-1.circuit"
        pipeline hap.mk METHODS='ep hap-as-ep' SPARSITY=90% SEEDS=2
        assert_equal "$(ran prune)" 1
        run grep '^hap-prune' "$tmp/log"
        assert_output --partial ' --edges 51 --seed 1 '
        run pipeline hap.mk METHODS=hap-as-ep
        assert_failure
        assert_output --partial 'METHODS contains hap-as-ep, which takes its size from ep: add ep'
        run pipeline hap.mk METHODS='ep hap-as-ep' SPARSITY=90% SEEDS=2 ep.seeds=1
        assert_failure
        assert_output --partial 'hap-as-ep takes the size of ep seed by seed, but ep has fewer seeds: set hap-as-ep.seeds too'
        pipeline hap.mk METHODS='ep hap-as-ep' SPARSITY=90% SEEDS=2 ep.seeds=1 hap-as-ep.seeds=1
        assert_equal "$(ran prune)" 0
        pipeline hap.mk METHODS='ep hap-as-ep hap' SPARSITY=90% SEEDS=1 SAMPLES=2 ep.seeds=1
        assert_equal "$(ran prune)" 3 # hap, and its two samples
}

@test "a size is not taken from a circuit without edges, or from a file that is not a circuit" {
        local own=$tmp/results/demo-ioi/ep-own-90-2.circuit
        pipeline hap.mk METHODS='ep hap-as-ep hap' SPARSITY=90% SEEDS=2
        sed -i 's/"edges":48/"edges":0/' "$own"
        run pipeline hap.mk METHODS='ep hap-as-ep hap' SPARSITY=90% SEEDS=2
        assert_failure
        assert_output --partial "table: cannot take a size from '$own': it has no edges; give EP more steps (EP) or take the method out of METHODS"
        assert_equal "$(ran prune)" 0
        pipeline hap.mk METHODS='ep hap' SPARSITY=90% SEEDS=2
        assert_equal "$(ran prune)" 0
        echo '{"kind":"scores"}' >"$own"
        run pipeline hap.mk METHODS='ep hap-as-ep hap' SPARSITY=90% SEEDS=2
        assert_failure
        assert_equal "$(ran prune)" 0
}

@test "hap starts circuits of 128 edges and more from AtP*'s scores, smaller ones from EAP's and its subgraph" {
        ln -s "$(command -v hap-model)" "$tmp/bin/hap-model"
        atp='[^ ]*/train.cache [^ ]*/atp.scores'
        eap='[^ ]*/train.cache [^ ]*/eap.subgraph [^ ]*/eap.scores'
        # of the demo model's 479 edges 26.7 % are 127.9, 26.6 % are 127.4
        for method in hap hap-thorough; do
                pipeline hap.mk METHODS=$method SPARSITY='60% 73.3% 73.4% 90%' circuits
                run grep '^hap-prune' "$tmp/log"
                assert_line --regexp "--sparsity 60% .* $atp$"
                assert_line --regexp "--sparsity 73.3% .* $atp$"
                assert_line --regexp "--sparsity 73.4% .* $eap$"
                assert_line --regexp "--sparsity 90% .* $eap$"
        done
        assert_equal "$(ran attrib)" 0
        grep -q -- '--method atp-star --prompts 16 -o .*/atp.scores' "$tmp/log" && fail "made again"
        # the edges of all positions count
        pipeline hap.mk NAME=positions POSITIONS=IO,S2 SPARSITY=90% METHODS=hap circuits
        assert_regex "$(cat "$tmp/log")" "--sparsity 90% .* $atp"
        assert_equal "$(ran select)" 0
        # either form can be asked for, and scores that the user chose are used for all
        pipeline hap.mk NAME=forms SPARSITY='60% 90%' METHODS='hap-eap hap-atp' circuits
        assert_equal "$(grep -c "^hap-prune .* $atp$" "$tmp/log")$(grep -c "^hap-prune .* $eap$" "$tmp/log")" 22
        pipeline hap.mk NAME=own SPARSITY='60% 90%' METHODS=hap ATTRIB='--method ifr' circuits
        assert_equal "$(grep -c "^hap-prune .* $eap$" "$tmp/log")$(ran attrib)" 21
}

@test "a model's edges are counted again when its files change" {
        ln -s "$(command -v hap-model)" "$tmp/bin/hap-model"
        mkdir "$tmp/mine"
        cp "$root/tests/golden/families/gpt2-f16"/*.* "$tmp/mine" # 75 edges
        pipeline hap.mk MODEL="$tmp/mine" SPARSITY=40% METHODS=hap circuits
        assert_regex "$(cat "$tmp/log")" 'eap.subgraph [^ ]*/eap.scores'
        rm "$tmp/mine"/*
        cp "$root/models/demo"/*.* "$tmp/mine" # 479
        pipeline hap.mk MODEL="$tmp/mine" SPARSITY=40% METHODS=hap circuits
        assert_regex "$(cat "$tmp/log")" 'train.cache [^ ]*/atp.scores'
        # counted once only
        rm "$tmp/bin/hap-model"
        ln -s "$(command -v false)" "$tmp/bin/hap-model"
        pipeline hap.mk MODEL="$tmp/mine" SPARSITY=40% METHODS=hap circuits
        assert_equal "$(ran prune)" 0
}

@test "hap-atp starts from AtP*'s scores of 16 prompts, in the whole graph" {
        make -s -C "$root" -f pipelines/hap.mk MODEL=models/demo TASK=ioi TRAIN=20 VALIDATION=5 TEST=5 \
                SPARSITY=90% METHODS='atp hap-atp' RESULTS="$tmp" table >"$tmp/said" 2>&1
        d=$tmp/demo-ioi
        assert_equal "$(json "$d/atp.scores" | head -n 1 | jq .examples)" 16
        assert_equal "$(json "$d/atp.scores" | head -n 1 | jq -r .method.name)" atp-star
        [[ ! -e $d/atp.subgraph ]]
        # the scores, and no subgraph, are among what the circuit was made of
        hap-show -q "$d/hap-atp-90-1.circuit" | grep -F 'hap-attrib --method=atp-star --prompts=16'
        run ! grep -F hap-select <(hap-show -q "$d/hap-atp-90-1.circuit")
        assert_equal "$(jq -c '[.[] | .method] | unique' "$d/table.json")" \
                '["AtP*, 16 prompts","HAP from AtP*","empty circuit","full model"]'
}

@test "hap.mk runs one method on another task and another number of prompts" {
        pipeline hap.mk TASK=greater-than SPARSITY=97.5% TRAIN=50
        run cat "$tmp/log"
        assert_line --partial "hap-task -m models/demo greater-than --split train -n 50 "
        assert_line --partial "--sparsity 97.5% --seed 1"
        assert_equal "$(ran prune)" 1
        [[ -e $tmp/results/demo-greater-than/hap-97.5.svg ]]
}

@test "PROMPTS takes the user's own prompts, and a change in them makes all again" {
        mkdir "$tmp/mine"
        touch "$tmp"/mine/{train,validation,test}.jsonl
        pipeline hap.mk TASK=mine PROMPTS="$tmp/mine" SPARSITY=90%
        run cat "$tmp/log"
        assert_line --partial "--from $tmp/mine/train.jsonl -o" # all of them
        touch -d '1 second' "$tmp/mine/train.jsonl"
        pipeline hap.mk TASK=mine PROMPTS="$tmp/mine" SPARSITY=90%
        assert_equal "$(ran forward)" 1
        assert_equal "$(ran task)" 1
        pipeline hap.mk TASK=mine PROMPTS="$tmp/mine" SPARSITY=90% TEST=7
        assert_regex "$(cat "$tmp/log")" "mine/test.jsonl -n 7 "
}

@test "ATTRIB computes eap and the subgraph by another attribution, in samples too, and the table names it" {
        options=(METHODS='eap hap' SPARSITY=90% SAMPLES=2)
        pipeline hap.mk "${options[@]}"
        assert_equal "$(grep -c '^hap-attrib .* --method eap -o' "$tmp/log")" 3
        assert_regex "$(cat "$tmp/said")" "EAP +90 %"
        pipeline hap.mk "${options[@]}" ATTRIB='--method eap-ig-inputs --metric kl'
        assert_equal "$(grep -c '^hap-attrib .* --method eap-ig-inputs --metric kl -o' "$tmp/log")" 3
        assert_equal "$(ran prune)" 3
        assert_regex "$(cat "$tmp/said")" "attribution +90 %"
        refute_regex "$(cat "$tmp/said")" "EAP"
}

@test "with the real stages, prompts without wrong answers need ATTRIB and METRICS alone" {
        rm "$tmp/bin"/hap-*
        mkdir "$tmp/mine"
        for split in train validation test; do
                "${HAP_BIN:-bin}/hap-task" -q ioi -m "$root/models/demo" -n 5 --split $split |
                        "${HAP_BIN:-bin}/hap-convert" -q --to json |
                        jq -c 'select(.clean) | {clean, corrupted, answers}' >"$tmp/mine/$split.jsonl"
        done
        pipeline hap.mk BIN="${HAP_BIN:-bin}" PROMPTS="$tmp/mine" SPARSITY=80% hap.prune='--recipe rank --steps 3' \
                METHODS='eap hap' ATTRIB='--method eap-ig-inputs --metric kl' METRICS=kl,accuracy,exact-match
        assert_regex "$(cat "$tmp/said")" "HAP +80 %"
}

@test "the table has a column for each of METRICS" {
        pipeline hap.mk SPARSITY=90% METRICS=kl,faithfulness,accuracy
        assert_regex "$(cat "$tmp/said")" "method +asked +accuracy +KL +faithfulness +edges "
        assert_regex "$(cat "$tmp/said")" "HAP +90 % +1.000 +0.300 +0.500 +48 "
}

@test "a method that does not exist is refused with those that do" {
        run pipeline hap.mk METHODS=magic
        assert_failure
        assert_regex "$(cat "$tmp/said")" "METHODS contains 'magic'; the methods are .*hap"
}

@test "the real stages produce the table and a picture" {
        rm "$tmp/bin"/hap-*
        pipeline hap.mk BIN="${HAP_BIN:-bin}" METHODS='eap hap' SPARSITY=80% TRAIN=10 \
                VALIDATION=5 TEST=10 hap.prune='--recipe rank --steps 3'
        table=$tmp/results/demo-ioi/table.json
        # The full model does not differ from itself, any circuit does.
        assert_near "$(jq '.[] | select(.method == "full model").runs[0].test.kl' "$table")" 0 1e-6
        run jq -e '[.[] | select(.sparsity == 80).runs[0]
                | .test.kl > 0 and .edges == 96 and .of == 479 and .seconds > 0] == [true, true]' "$table"
        assert_success
        run head -c 200 "$tmp/results/demo-ioi/hap-80.svg"
        assert_output --partial "<svg"
}

@test "make -j2 runs two prunings side by side" {
        # Each pruning waits until both have begun.
        rm "$tmp/bin/hap-prune"
        cat >"$tmp/bin/hap-prune" <<'END'
#!/bin/bash
folder=${0%/bin/*}
touch "$folder/begun.$$"
for ((i = 0; i < 300; i++)); do
        [[ $(find "$folder" -name 'begun.*' | wc -l) -ge 2 ]] && break
        sleep 0.1
done
[[ $i -lt 300 ]] || exit 1
exec -a "$0" bash "$folder/bin/stage" "$@"
END
        chmod +x "$tmp/bin/hap-prune"
        pipeline hap.mk -j2 METHODS=rank SEEDS=2 circuits
        assert_exists "$tmp/results/demo-ioi/rank-94-1.circuit"
        assert_exists "$tmp/results/demo-ioi/rank-94-2.circuit"
}

@test "a pruning is given a checkpoint, which is removed when its inputs are newer" {
        pipeline hap.mk METHODS=rank circuits
        d=$tmp/results/demo-ioi checkpoint=$tmp/results/demo-ioi/rank-94-1.circuit.checkpoint
        run -0 cat "$tmp/log"
        assert_line --partial "hap-prune --checkpoint $checkpoint "

        rm "$d/rank-94-1.circuit"
        touch "$checkpoint"
        pipeline hap.mk METHODS=rank circuits
        assert_exists "$checkpoint"

        touch -d '1 hour ago' "$checkpoint"
        touch "$d/train.cache"
        pipeline hap.mk METHODS=rank circuits
        assert_not_exists "$checkpoint"
}

@test "make help prints the variables and the targets of every pipeline" {
        for file in hap demo table1 recipes results; do
                run -0 make -s -C "$root" -f "pipelines/$file.mk" BIN="$tmp/none" help
                assert_line --regexp '^Variables'
                assert_line --regexp '^Targets:'
                assert_line --regexp '^  SPARSITY'
                assert_line --regexp '^  help '
        done
}

@test "an interrupted make resumes its pruning, and adds up its time" {
        rm "$tmp/bin"/hap-*
        options=(BIN="${HAP_BIN:-bin}" METHODS=rank TRAIN=10 circuits
                rank.prune="--recipe edge-pruning --steps 3000 --batch 2 --log $tmp/steps")
        d=$tmp/results/demo-ioi
        env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" -f pipelines/hap.mk RESULTS="$tmp/results" \
                "${options[@]}" >"$tmp/said" 2>&1 3>&- &
        for ((i = 0; i < 600; i++)); do
                [[ ! -s $tmp/steps ]] || break
                sleep 0.1
        done
        kill -TERM $!
        wait $! || true
        assert_exists "$d/rank-94-1.circuit.checkpoint"
        assert_not_exists "$d/rank-94-1.circuit"
        # as if the part before had taken 1000 seconds
        assert_regex "$(cat "$d/rank-94-1.circuit.checkpoint.seconds")" '^[0-9]+[.][0-9]+$'
        echo 1000 >"$d/rank-94-1.circuit.checkpoint.seconds"

        pipeline hap.mk "${options[@]}"
        assert_equal "$(wc -l <"$tmp/steps")" 3000 # a second start would have written them anew
        assert_exists "$d/rank-94-1.circuit"
        assert_regex "$(cat "$d/rank-94-1.circuit.seconds")" '^10[0-9][0-9][.]'
        run bash -c "ls '$d' | grep checkpoint"
        assert_output ''
}

@test "make -n prints the commands and changes nothing" {
        pipeline hap.mk METHODS=hap
        pipeline hap.mk METHODS=hap KEEP=20% -n
        assert_equal "$(cat "$tmp/log")" ""
        assert_equal "$(grep -c 'hap-select --keep 20%' "$tmp/said")" 1
        assert_equal "$(grep -c 'hap-forward' "$tmp/said")" 0
        pipeline hap.mk METHODS=hap
        assert_equal "$(cat "$tmp/log")" ""
}

@test "the rules are written to the pipeline's folder, each with its command" {
        pipeline hap.mk METHODS='ep hap' SEEDS=2 SAMPLES=2
        makefile=$tmp/results/demo-ioi/Makefile
        run -0 grep -A2 '^$D/hap-94-2.circuit:' "$makefile"
        assert_line '$D/hap-94-2.circuit: $D/train.cache $D/eap.subgraph $D/eap.scores $D/.options/hap'
        assert_line --partial 'hap-prune --checkpoint $D/hap-94-2.circuit.checkpoint -m models/demo --recipe rank --sparsity 94% --seed 2'
        run -0 grep -c '^$D/sample-[12]/ep-94-1.circuit $D/sample-[12]/ep-own-94-1.circuit &:' "$makefile"
        assert_output 2
}

@test "sweep.mk runs every task, method, sparsity and seed, and makes nothing again" {
        sweep=(sweep.mk TASKS='ioi docstring' METHODS='eap hap' SPARSITY='80% 90% 94%' SEEDS=2)
        pipeline "${sweep[@]}"
        assert_equal "$(ran forward)" 2
        assert_equal "$(ran prune)" 12 # 2 tasks, 3 sparsities, 2 seeds
        assert_equal "$(ran show)" 2
        run -0 grep -c "HAP  *94 %" "$tmp/results/sweep/table.txt"
        assert_output 2
        assert_equal "$(grep -c '^## ' "$tmp/results/sweep/table.md")" 2
        pipeline "${sweep[@]}"
        assert_equal "$(ran '[a-z]*' | grep -v convert)" "$(ran convert)"
        # another seed and another sparsity only add to it
        pipeline sweep.mk TASKS='ioi docstring' METHODS='eap hap' SPARSITY='80% 90% 94% 97%' SEEDS=3
        assert_equal "$(ran prune)" 12
}

@test "a sweep that was interrupted goes on where it stopped; with -k and -j the other tasks are done" {
        sweep=(sweep.mk TASKS='ioi docstring' METHODS=hap SPARSITY='80% 90% 94%' SEEDS=1)
        fail=$tmp/results/sweep/ioi/hap-90-1.circuit
        FAIL_AT=$fail run ! pipeline "${sweep[@]}" -k -j2
        assert_not_exists "$fail"
        assert_not_exists "$tmp/results/sweep/table.txt"
        assert_exists "$tmp/results/sweep/docstring/curve.svg"
        assert_equal "$(ran prune)" 6
        pipeline "${sweep[@]}" -k -j2
        assert_equal "$(ran prune)" 1
        assert_exists "$tmp/results/sweep/table.txt"
}

@test "a sweep on the demo model draws a line of faithfulness for each method" {
        env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" -f pipelines/sweep.mk BIN="${HAP_BIN:-$root/bin}" \
                RESULTS="$tmp/results" TASKS=ioi METHODS='eap eap-ig' SPARSITY='70% 80% 90%' \
                TRAIN=8 VALIDATION=4 TEST=16 >"$tmp/said" 2>&1 || fail "$(cat "$tmp/said")"
        curve=$tmp/results/sweep/ioi/curve.svg
        for text in faithfulness kl accuracy eap eap-ig; do
                grep -q ">$text<" "$curve" || fail "no $text in the curve"
        done
        # the table has the reports' figures
        report=$(json "$tmp/results/sweep/ioi/eap-80.test.report" |
                jq 'select(.metric == "faithfulness").value')
        table=$(jq '.[] | select(.method == "EAP" and .sparsity == 80).runs[0].test.faithfulness' \
                "$tmp/results/sweep/ioi/table.json")
        assert_near "$report" "$table" 1e-12
}

@test "table1.mk prints the figures of the paper on its model and task only" {
        mkdir "$tmp/gpt2"
        pipeline table1.mk MODEL="$tmp/gpt2" SPARSITY=94% SEEDS=1 METHODS='eap hap'
        grep -qE '^HAP +0.759 +3.42 +0.188 +1579$' "$tmp/said"
        [[ $(grep -n '^EP  *0.772' "$tmp/said" | cut -d : -f 1) -lt $(grep -n '^full model' "$tmp/said" | cut -d : -f 1) ]]
        pipeline table1.mk MODEL="$tmp/gpt2" TASK=docstring SPARSITY=94% SEEDS=1 METHODS='eap hap'
        run ! grep -q 1579 "$tmp/said"
        pipeline table1.mk SPARSITY=94% SEEDS=1 METHODS='eap hap' NAME=other
        run ! grep -q 1579 "$tmp/said"
}

@test "methods.mk has a row for every method of hap-attrib, with a curve of its scores" {
        pipeline methods.mk SPARSITY=94% TASK=ioi
        assert_equal "$(sed -n 's/^hap-attrib.*--method \([a-z-]*\) .*/\1/p' "$tmp/log" | sort)" \
                "$("$HAP_BIN/hap-attrib" --help | sed -n '/--method NAME/,/--metric/s/^ \{30\}\([a-z-]*\) .*/\1/p' |
                        grep -v '^growth$' | sort)" # growth is of a circuit, not of the model
        assert_equal "$(grep -c -- '--curve' "$tmp/log")" "$(ran attrib)"
        assert_equal "$(grep -c '^| ' "$tmp/results/methods-ioi/methods.md")" $((2 + $(ran attrib) + 3))
}

@test "comparison.mk puts the tables of all tasks and models on one page" {
        mkdir -p "$tmp/models/one"
        touch "$tmp/models/one/model.gguf"
        pipeline comparison.mk DEMO_TASKS='ioi docstring' REAL="$tmp/models/one/model.gguf $tmp/none/model.gguf" \
                REAL_TASKS=greater-than REAL_ATTRIBUTIONS='eap relp' PAGE="$tmp/page.md"
        assert_file_contains "$tmp/said" 'none/model.gguf is not there: its tasks are left out'
        assert_equal "$(sed -n 's/^## //p' "$tmp/page.md" | tr '\n' ' ')" \
                'The demo model, ioi The demo model, docstring one, greater-than '
        assert_equal "$(sed '1,/^## one/d' "$tmp/page.md" | grep -c '^| ')" 5 # 2 of the head, eap, relp, HAP
        assert_equal "$(grep -c -- '--split test -n 24' "$tmp/log")" 1
}

@test "the table of methods joins circuits and curves, both orders told apart" {
        { row eap 90 0.04 null 2 && row HAP 90 0.02 1000 3; } | jq -s '.[0].runs[0].test["logit-diff"] = 1.5 | .' >"$tmp/one.json"
        "$HAP_BIN/hap-task" -q -n 5 -m "$root/models/demo" ioi -o "$tmp/task"
        "$HAP_BIN/hap-attrib" -q -m "$root/models/demo" "$tmp/task" -o "$tmp/scores"
        "$HAP_BIN/hap-eval" -q -m "$root/models/demo" --curve --metric logit-diff "$tmp/task" "$tmp/scores" -o "$tmp/eap.curve"
        PATH=$HAP_BIN:$PATH run -0 "$root/pipelines/table" methods "$tmp/one.json" "$tmp/eap.curve"
        local cpr
        cpr=$("$HAP_BIN/hap-convert" -q --to json "$tmp/eap.curve" | jq -s '
                [.[] | select(.metric == "cpr" and .order == "signed").value][0] * 1000 | round / 1000')
        assert_line --partial "| eap | 0.0400 | 1.50 | ${cpr} |"
        assert_line '| HAP | 0.0200 | - | - | - | 1000 | 3.0 |'
}
