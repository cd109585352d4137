load helper

# Stages that only say in $tmp/log how they were called, so that what make does
# can be seen without waiting for it.
setup() {
        mkdir "$tmp/bin"
        cat >"$tmp/bin/stage" <<'END'
#!/bin/bash
log=${0%/bin/*}/log
echo "${0##*/} $*" >>"$log"
[[ " $* " != *" ${FAIL_AT:-none} "* ]] || exit 1
for last in "$@"; do :; done
while [[ $# -gt 0 ]]; do [[ $1 == -o ]] && out=$2; shift; done
case $0 in
*/hap-convert) cat "$last" ;;
*/hap-eval)
        seed=$(sed -n 's/.*-[0-9]*-\([0-9]*\)[.]circuit/\1/p' <<<"$last")
        printf '{"kind":"report"}\n' >"$out"
        for metric in "kl 0.$((4 - ${seed:-0}))" "logit-diff -0.25" "accuracy 1" "exact-match 0.5"; do
                printf '{"metric":"%s","value":%s}\n' ${metric% *} ${metric#* }
        done >>"$out"
        ;;
*/hap-select | */hap-prune)
        printf '{"kind":"circuit","circuit":{"edges":48,"of":479}}\n' >"$out"
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

@test "table1.mk runs every stage once for what it is needed for" {
        pipeline table1.mk SPARSITY='90% 94%' SEEDS=2
        assert_equal "$(ran task)" 3
        assert_equal "$(ran forward)" 1
        assert_equal "$(ran attrib)" 1
        assert_equal "$(ran select)" 3 # two circuits of EAP and the subgraph
        assert_equal "$(ran prune)" 16 # four methods, two sparsities, two seeds
        assert_equal "$(ran eval)" 40  # those, EAP, full and empty, on two splits
        assert_equal "$(ran show)" 2
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

@test "a changed option makes again what depends on it and nothing else" {
        pipeline table1.mk SPARSITY=90% SEEDS=1 KEEP=50%
        pipeline table1.mk SPARSITY=90% SEEDS=1 KEEP=20%
        assert_equal "$(ran forward)" 0
        assert_equal "$(ran select)" 1
        assert_equal "$(ran prune)" 3
        assert_equal "$(ran eval)" 6
}

@test "a stage that fails stops the run, and the next run goes on from there" {
        FAIL_AT=edge-pruning run pipeline table1.mk SPARSITY=90% SEEDS=1
        assert_failure
        assert_equal "$(ran eval)" 0
        pipeline table1.mk SPARSITY=90% SEEDS=1
        assert_equal "$(ran forward)" 0
        assert_equal "$(ran prune)" 4
}

@test "the table holds mean and standard deviation over the seeds" {
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
        assert_line --partial "--from $tmp/mine/train.jsonl"
        touch -d '1 second' "$tmp/mine/train.jsonl"
        pipeline hap.mk TASK=mine PROMPTS="$tmp/mine" SPARSITY=90%
        assert_equal "$(ran forward)" 1
        assert_equal "$(ran task)" 1
}

@test "a method that does not exist is refused with those that do" {
        run pipeline hap.mk METHODS=magic
        assert_failure
        assert_regex "$(cat "$tmp/said")" "no method 'magic': there are .*hap"
}

@test "with the real stages, the table and a picture come out" {
        rm "$tmp/bin"/hap-*
        pipeline hap.mk BIN="${HAP_BIN:-bin}" METHODS='eap hap' SPARSITY=80% TRAIN=10 \
                VALIDATION=5 TEST=10 hap.prune='--recipe rank --steps 3'
        table=$tmp/results/demo-ioi/table.json
        # The full model differs in nothing from itself, any circuit in something.
        assert_near "$(jq '.[] | select(.method == "full model").runs[0].test.kl' "$table")" 0 1e-6
        run jq -e '[.[] | select(.sparsity == 80).runs[0]
                | .test.kl > 0 and .edges == 96 and .of == 479 and .seconds > 0] == [true, true]' "$table"
        assert_success
        run head -c 200 "$tmp/results/demo-ioi/hap-80.svg"
        assert_output --partial "<svg"
}
