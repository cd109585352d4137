load helper
load mpi/helper

# pipelines/cluster: the stages of an experiment as jobs, here and on a Slurm of one node that the
# tests start themselves.

setup() {
        cd "$BATS_FILE_TMPDIR"
}

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        ln -s "$root/models" models
        mkdir slurm
        if timeout 90 "$root/tests/slurm" start slurm 2>slurm/why </dev/null 3>&-; then
                export SLURM_CONF=$BATS_FILE_TMPDIR/slurm/slurm.conf
        else
                export NO_SLURM
                NO_SLURM=$(tail -n 1 slurm/why)
        fi
        submit --local 2 NAME=local >local.out 2>&1 || { cat local.out >&2; return 1; }
        [[ ${NO_SLURM-} ]] || build_mpi "$BATS_FILE_TMPDIR"
}

teardown_file() {
        timeout 60 "$root/tests/slurm" stop "$BATS_FILE_TMPDIR/slurm"
}

# The experiment of all tests; two seeds, two shards.
submit() {
        "$root/pipelines/cluster/submit" BIN="${HAP_BIN:-$root/bin}" TRAIN=24 TEST=20 SHARDS=2 SEEDS=2 SPARSITY=90% \
                METRICS=kl,accuracy "$@"
}

need_slurm() {
        [[ -z ${NO_SLURM-} ]] || skip "$NO_SLURM"
}

# The arguments of submit for prunings of two ranks that this command starts.
over_ranks() {
        [[ -e $BATS_FILE_TMPDIR/made ]] || skip "needs mpirun, mpicc, and the plain build in bin/"
        two=(BIN="$root/build-mpi/bin" HAP_MPIRUN="$1" SBATCH_prune='--ntasks=2 --overcommit')
}

need_pmix() {
        srun --mpi=list 2>&1 | grep -qw pmix || skip "this Slurm was built without PMIx"
}

# Waits until no job is left, at most three minutes.
wait_for_jobs() {
        local i
        for ((i = 0; i < 360; i++)); do
                [[ -n $(squeue -h) ]] || return 0
                sleep 0.5
        done
        fail "$(squeue; tail -n 3 results/*/cluster/log/*)"
}

# assert_same_results A B: all files of the two experiments
assert_same_results() {
        local file
        for file in train.task eap.scores eap.subgraph hap-90-1.circuit hap-90-2.circuit test.report report.txt; do
                assert_same "results/$1/$file" "results/$2/$file"
        done
}

records() {
        json "$1" | jq -c 'select(has("hap") | not) | del(.crc32)'
}

@test "the experiment in shards gives the subgraph, circuits and report of the whole" {
        demo=models/demo
        hap-task -q ioi -n 24 -m $demo -o "$tmp/train"
        hap-forward -q -m $demo -o "$tmp/cache" "$tmp/train"
        hap-attrib -q -o "$tmp/scores" "$tmp/cache"
        hap-select -q --keep 70% -o "$tmp/subgraph" "$tmp/scores"
        hap-prune -q --recipe rank --sparsity 90% --seed 2 -o "$tmp/circuit" "$tmp/train" "$tmp/subgraph" "$tmp/scores"
        hap-task -q ioi --split test -n 20 -m $demo | hap-eval -q -m $demo --full --empty --metric kl,accuracy \
                --per-example --name hap-90-1 --name hap-90-2 -o "$tmp/report" - results/local/hap-90-[12].circuit
        for pair in scores:eap.scores subgraph:eap.subgraph circuit:hap-90-2.circuit; do
                assert_same <(records "$tmp/${pair%:*}") <(records "results/local/${pair#*:}")
        done
        # the records over seeds, at the end, need the circuits
        assert_same <(json "$tmp/report" | jq -c 'select(.metric and (has("seeds") | not))') \
                <(json results/local/test.report | jq -c 'select(.metric)')
}

@test "jobs of Slurm give the same bytes as the local run" {
        need_slurm
        submit NAME=jobs >"$tmp/out"
        assert_equal "$(sed 's/, job.*//' "$tmp/out")" "$(printf '%s\n' 'attrib: 1,2' 'merge: 1' 'prune: 1,2' 'eval: 1,2' 'report: 1')"
        assert_refused 2 "are not finished" submit NAME=jobs
        wait_for_jobs
        assert_same_results local jobs
        run -0 submit NAME=jobs
        assert_output "nothing is missing in results/jobs"
}

@test "prunings of two ranks that srun or mpirun starts give the same bytes" {
        need_slurm
        over_ranks 'mpirun --allow-run-as-root'
        submit NAME=mpirun "${two[@]}"
        need_pmix
        over_ranks 'srun --mpi=pmix'
        submit NAME=srun "${two[@]}"
        wait_for_jobs
        assert_same_results local mpirun
        assert_same_results local srun
}

slow="--steps 150 --every 2"

undisturbed() {
        [[ -e results/undisturbed/report.txt ]] ||
                submit --local 2 NAME=undisturbed SEEDS=1 "PRUNE=$slow" 2>"$tmp/err"
}

# slowly NAME ARGUMENT ...: submits; returns when the pruning, $job, has written a checkpoint.
slowly() {
        local name=$1 i
        shift
        submit "NAME=$name" SEEDS=1 "PRUNE=$slow" "$@" >"$tmp/out"
        job=$(sed -n 's/^prune.*job //p' "$tmp/out")
        for ((i = 0; i < 900; i++)); do
                [[ ! -s results/$name/hap-90-1.circuit.checkpoint ]] || return 0
                sleep 0.1
        done
        fail "$(tail -n 5 "results/$name"/cluster/log/*)"
}

# The experiment ended as if nothing had happened.
assert_undisturbed() {
        local file
        wait_for_jobs
        grep -F 'contains the state' "results/$1/cluster/log/prune-1.txt" ||
                fail "$(cat "results/$1/cluster/log/prune-1.txt")"
        for file in hap-90-1.circuit test.report; do
                assert_same "results/undisturbed/$file" "results/$1/$file"
        done
        assert_not_exists "results/$1/hap-90-1.circuit.checkpoint"
}

@test "a pruning that is requeued in the middle goes on from its checkpoint to the same bytes" {
        need_slurm
        undisturbed
        slowly requeued
        scontrol requeue "${job}_1"
        assert_undisturbed requeued
}

@test "two ranks that are requeued in the middle go on from their checkpoint to the same bytes" {
        need_slurm
        need_pmix
        over_ranks 'srun --mpi=pmix'
        undisturbed
        slowly ranks "${two[@]}"
        scontrol requeue "${job}_1"
        assert_undisturbed ranks
}

@test "a pruning that is cancelled goes on from its checkpoint after submit" {
        need_slurm
        undisturbed
        slowly cancelled
        scancel "$job"
        wait_for_jobs
        assert_not_exists results/cancelled/hap-90-1.circuit
        slowly cancelled
        assert_undisturbed cancelled
}

@test "after a failure the later stages do not run, and submit again runs only what is missing" {
        need_slurm
        # shellcheck disable=SC2016 # the script expands them
        printf '%s\n' '#!/bin/sh' 'case "$*" in *"--seed 2"*) echo no luck >&2; exit 1 ;; esac' 'exec "$@"' >"$tmp/unlucky"
        chmod +x "$tmp/unlucky"
        submit NAME=failed HAP_MPIRUN="$tmp/unlucky" >"$tmp/out"
        wait_for_jobs
        grep -F 'no luck' results/failed/cluster/log/prune-2.txt
        assert_exists results/failed/hap-90-1.circuit
        assert_not_exists results/failed/hap-90-2.circuit
        assert_not_exists results/failed/test.report
        submit NAME=failed >"$tmp/out"
        assert_equal "$(sed 's/, job.*//' "$tmp/out")" "$(printf '%s\n' 'prune: 2' 'eval: 1,2' 'report: 1')"
        wait_for_jobs
        assert_same_results local failed
}

@test "without Slurm a failed stage ends the local run, and the next run goes on" {
        printf '%s\n' '#!/bin/sh' 'exit 1' >"$tmp/never"
        chmod +x "$tmp/never"
        assert_refused 2 "prune failed" submit --local 1 NAME=here HAP_MPIRUN="$tmp/never"
        run -0 submit --local 2 --dry-run NAME=here
        assert_output "$(printf '%s\n' 'prune: 1 2' 'eval: 1 2' 'report: 1')"
        submit --local 2 NAME=here
        assert_same_results local here
}

@test "wrong variables are refused, and other ones for the same folder" {
        assert_refused 2 "unknown variable SPARSTY" submit SPARSTY=90%
        assert_refused 2 "SPARSITY '0.9' is not a percentage" submit SPARSITY=0.9
        assert_refused 2 "SEEDS is '0'" submit SEEDS=0
        assert_refused 2 "there is no MODEL nowhere" submit MODEL=nowhere
        assert_refused 2 "was made with other variables" submit --local 1 NAME=local KEEP=50%
        assert_refused 2 "submit --help" submit now
}
