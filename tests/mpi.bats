load helper
load mpi/helper

# Several ranks (docs/cluster.md): `make MPI=1` and mpirun. Whatever the ranks and threads, the bytes
# are those that one process of the plain build writes.

setup_file() {
        mpi=$BATS_FILE_TMPDIR cache=$BATS_FILE_TMPDIR/ioi.cache model=$root/models/demo
        export mpi cache
        build_mpi "$mpi"
        [[ -e $mpi/made ]] || return 0
        hap-task ioi -q -n 40 -m "$model" -o "$mpi/ioi.task"
        hap-forward -q -m "$model" -o "$cache" "$mpi/ioi.task"
        hap-attrib -q -m "$model" -o "$mpi/ioi.scores" "$cache"
        hap-select -q --keep 30% -o "$mpi/ioi.subgraph" "$mpi/ioi.scores"
        hap-prune -q -m "$model" --sparsity 90% --steps 12 -o "$mpi/ioi.circuit" "$cache" \
                "$mpi/ioi.subgraph" "$mpi/ioi.scores"
        touch "$mpi/ready"
}

setup() {
        [[ -e $mpi/ready ]] || skip "needs mpirun, mpicc, and the plain build in bin/"
        model=$root/models/demo
        prune=(hap-prune -q -m "$model" --sparsity 90% "$cache" "$mpi/ioi.subgraph"
                "$mpi/ioi.scores")
}

@test "caches, scores and reports of 1, 2 and 4 ranks are those of one process" {
        local n
        hap-eval -q -m "$model" --full --per-example -o "$tmp/report" "$mpi/ioi.task" \
                "$mpi/ioi.circuit"
        hap-eval -q -m "$model" --roles --loadings 3 -o "$tmp/roles" "$mpi/ioi.task" \
                "$mpi/ioi.circuit"
        hap-attrib -q -m "$model" --method exact --nodes -o "$tmp/exact" "$mpi/ioi.task"
        for n in 1 2 4; do
                ranks $n hap-forward -q -j 1 -m "$model" -o "$tmp/cache" <"$mpi/ioi.task"
                assert_same "$tmp/cache" "$cache"
                ranks $n hap-attrib -q -j 2 -m "$model" -o "$tmp/out" "$mpi/ioi.task"
                hap-attrib -q -m "$model" -o "$tmp/scores" "$mpi/ioi.task"
                assert_same "$tmp/out" "$tmp/scores"
                ranks $n hap-eval -q -j 1 -m "$model" --full --per-example -o "$tmp/out" \
                        "$mpi/ioi.task" "$mpi/ioi.circuit"
                assert_same "$tmp/out" "$tmp/report"
        done
        ranks 2 hap-eval -q -j 2 -m "$model" --roles --loadings 3 -o "$tmp/out" "$mpi/ioi.task" \
                "$mpi/ioi.circuit"
        assert_same "$tmp/out" "$tmp/roles"
        ranks 3 hap-attrib -q -j 1 -m "$model" --method exact --nodes -o "$tmp/out" "$mpi/ioi.task"
        assert_same "$tmp/out" "$tmp/exact"
}

@test "scores by every method of full runs, whose ranks keep what they prepare, are those of one process" {
        local method
        for method in eap relp eap-ig-inputs clean-corrupted eap-ig-activations conductance eap-gp \
                eap-qk grad-drop atp-star ifr; do
                hap-attrib -q -m "$model" --method $method -o "$tmp/scores" "$mpi/ioi.task"
                ranks 3 hap-attrib -q -j 1 -m "$model" --method $method -o "$tmp/out" \
                        "$mpi/ioi.task"
                assert_same "$tmp/out" "$tmp/scores"
        done
        hap-attrib -q -m "$model" -o "$tmp/scores" "$cache"
        ranks 3 hap-attrib -q -j 1 -m "$model" -o "$tmp/out" "$cache"
        assert_same "$tmp/out" "$tmp/scores"
}

@test "circuits of 1, 2 and 4 ranks of 1 and 2 threads are those of one process" {
        local n threads
        for n in 1 2 4; do
                for threads in 1 2; do
                        ranks $n "${prune[@]}" --steps 12 -j $threads -o "$tmp/circuit"
                        assert_same "$tmp/circuit" "$mpi/ioi.circuit"
                done
        done
}

@test "edge pruning and learned constants of ranks are those of one process" {
        local ep=(hap-prune -q -m "$model" --sparsity 90% --recipe edge-pruning --steps 4 "$cache")
        "${ep[@]}" -o "$tmp/circuit"
        ranks 3 "${ep[@]}" -j 1 -o "$tmp/out"
        assert_same "$tmp/out" "$tmp/circuit"
        hap-ablate -q -m "$model" --steps 2 -o "$tmp/constants" "$mpi/ioi.task"
        ranks 3 hap-ablate -q -j 1 -m "$model" --steps 2 -o "$tmp/out" "$mpi/ioi.task"
        assert_same "$tmp/out" "$tmp/constants"
}

@test "compressed files, pipes and sections that are passed on reach all ranks" {
        hap-attrib -q -m "$model" -p -o "$tmp/passed" "$mpi/ioi.task"
        gzip -c "$mpi/ioi.task" >"$tmp/task.gz"
        ranks 2 hap-attrib -q -j 1 -m "$model" -p -o "$tmp/out" "$tmp/task.gz"
        assert_same "$tmp/out" "$tmp/passed"
        gzip -c "$mpi/ioi.task" | ranks 2 hap-attrib -q -j 1 -m "$model" -p -o "$tmp/out"
        assert_same "$tmp/out" "$tmp/passed"
        mkfifo "$tmp/fifo"
        cat "$mpi/ioi.task" >"$tmp/fifo" &
        ranks 2 hap-attrib -q -j 1 -m "$model" -p -o "$tmp/out" "$tmp/fifo"
        assert_same "$tmp/out" "$tmp/passed"
}

# The process numbers of the ranks that a background job started: it runs timeout, which runs mpirun.
ranks_of_job() {
        pgrep -P "$(pgrep -P "$(pgrep -P "$1")")"
}

# start_pruning N FILE: N ranks in the background; returns when they have taken some more steps.
start_pruning() {
        local lines=0 i
        [[ ! -e $tmp/log ]] || lines=$(wc -l <"$tmp/log")
        ranks "$1" "${long[@]}" -j 1 --log "$tmp/log" --checkpoint "$tmp/state" --every 3 \
                -o "$tmp/circuit" 2>"$tmp/message" 3>&- &
        job=$!
        for ((i = 0; i < 400; i++)); do
                [[ ! -e $tmp/log || $(wc -l <"$tmp/log") -lt $((lines + 5)) ]] || return 0
                sleep 0.05
        done
        return 1
}

@test "when any rank is killed all end, and other numbers of ranks resume to the same circuit" {
        local n victim rc before
        long=("${prune[@]}" --steps 120)
        "${long[@]}" --log "$tmp/whole.log" -o "$tmp/whole"
        for n in 2 4 3; do
                start_pruning $n
                victim=$(ranks_of_job $job | shuf -n 1)
                before=$SECONDS rc=0
                kill -KILL "$victim"
                wait $job || rc=$?
                [[ $rc -eq 137 && $((SECONDS - before)) -lt 30 ]]
                assert_not_exists "$tmp/circuit"
        done
        ranks 2 "${long[@]}" -j 1 --log "$tmp/log" --checkpoint "$tmp/state" -o "$tmp/circuit"
        assert_same "$tmp/circuit" "$tmp/whole"
        assert_same "$tmp/log" "$tmp/whole.log"
        assert_not_exists "$tmp/state"
}

@test "SIGTERM to one rank stops all after a step, with a checkpoint" {
        local rc=0
        long=("${prune[@]}" --steps 100000)
        start_pruning 2
        kill -TERM "$(ranks_of_job $job | tail -n 1)"
        wait $job || rc=$?
        [[ $rc -eq 143 ]]
        assert_exists "$tmp/state"
        assert_not_exists "$tmp/circuit"
}

@test "what one process refuses, ranks refuse with the same message, once, and the same status" {
        head -c 4000 "$mpi/ioi.task" >"$tmp/cut"
        refused_by_ranks 3 "hap-forward: cannot read 'standard input': truncated after record" \
                2 hap-forward -q -m "$model" -o "$tmp/out" <"$tmp/cut"
        refused_by_ranks 1 "hap-eval: cannot write '/dev/full': No space left on device" \
                2 hap-eval -q -m "$model" -o /dev/full "$mpi/ioi.task" "$mpi/ioi.circuit"
        refused_by_ranks 1 "cannot write log '/dev/full': No space left on device" \
                3 "${prune[@]}" --steps 100000 --log /dev/full -o "$tmp/out"
        refused_by_ranks 1 "hap-eval: cannot read 'missing': No such file" \
                2 hap-eval -q -m "$model" -o "$tmp/out" missing
        refused_by_ranks 2 "hap-eval: unknown option '--nonsense'" \
                2 hap-eval --nonsense
        assert_not_exists "$tmp/out"
}

@test "a rank with another model, another input or another command line is refused by its number" {
        local weights
        cp -R "$model" "$tmp/other"
        weights=$(ls "$tmp/other"/*.safetensors)
        printf '\1' | dd of="$weights" bs=1 seek=$(($(stat -c %s "$weights") - 5)) conv=notrunc \
                status=none
        # each rank has a folder `model` and a file `task` of its own
        mkdir "$tmp/0" "$tmp/1"
        ln -s "$model" "$tmp/0/model"
        ln -s "$tmp/other" "$tmp/1/model"
        cp "$mpi/ioi.task" "$tmp/0/task"
        cp "$mpi/ioi.task" "$tmp/1/task"
        printf '#!/bin/sh\ncd "%s/$OMPI_COMM_WORLD_RANK" && exec "%s/build-mpi/bin/hap-attrib" "$@"\n' \
                "$tmp" "$root" >"$tmp/start"
        chmod +x "$tmp/start"
        own() {
                mpirun --allow-run-as-root --oversubscribe -n 2 "$tmp/start" "$@"
        }
        run -3 --separate-stderr own -q -m model -o "$tmp/out" task
        [[ $stderr == *"hap-attrib: rank 1 has another model than rank 0: "* ]]
        ln -sfn "$model" "$tmp/1/model"
        hap-task ioi -q -n 40 --seed 5 -m "$model" -o "$tmp/1/task"
        run -3 --separate-stderr own -q -m model -o "$tmp/out" task
        [[ $stderr == *"task"* && $stderr == *"ank "* ]]
        rm "$tmp/1/task"
        run -1 --separate-stderr own -q -m model -o "$tmp/out" task
        [[ $stderr == *"hap-attrib: rank 1: cannot read 'task': No such file"* ]]
        cp "$mpi/ioi.task" "$tmp/1/task"
        own -q -m model -o "$tmp/out" task
        one_rank_adds 1 --method eap-ig-inputs
        run -3 --separate-stderr own "$root/build-mpi/bin/hap-attrib" -q -m "$model" \
                -o "$tmp/more" "$tmp/0/task"
        [[ $stderr == *"rank 1 has another command line than rank 0: '$tmp/0/task --method eap-ig-inputs' in place of '$tmp/0/task'"* ]]
        assert_not_exists "$tmp/more"
        printf '#!/bin/sh\n[ $OMPI_COMM_WORLD_RANK -ne 1 ] || export OPENBLAS_CORETYPE=Prescott\n%s\n' \
                'exec "$@"' >"$tmp/start"
        run -3 --separate-stderr own "$root/build-mpi/bin/hap-attrib" -q -m "$model" \
                -o "$tmp/more" "$tmp/0/task"
        [[ $stderr == *"rank 1 has another processor than rank 0: "*"rescott' in place of"* ]]
}

@test "binary data are not written through mpirun, and programs without shared work are refused" {
        refused_by_ranks 2 "use -o FILE" 2 hap-forward -q -m "$model" "$mpi/ioi.task"
        refused_by_ranks 2 "hap-task: it has nothing to share among 2 processes" \
                2 hap-task ioi -n 2 -o "$tmp/out"
        ranks 2 hap-prune --version | grep -x "hap-prune [0-9.]*"
}

@test "only rank 0 needs the folders of the output, the log and the checkpoint" {
        local few=("${prune[@]}" --steps 12 -o out/circuit --log out/log --checkpoint out/state)
        mkdir -p "$tmp/0/out" "$tmp/1"
        # shellcheck disable=SC2016 # each rank expands it
        ranks_in() {
                timeout 60 mpirun --allow-run-as-root --oversubscribe -n 2 \
                        sh -c 'cd "$0/$OMPI_COMM_WORLD_RANK" && exec "$@"' "$tmp" \
                        "$root/build-mpi/bin/$1" "${@:2}"
        }
        ranks_in "${few[@]}" -j 1
        assert_same "$tmp/0/out/circuit" "$mpi/ioi.circuit"
        rm -r "$tmp/0/out"
        mkdir "$tmp/1/out"
        run -1 ranks_in "${few[@]}" -j 1
        assert_output --partial "hap-prune: cannot write"
        assert_not_exists "$tmp/1/out/circuit"
}

@test "more ranks than prompts, and prompts that ranks do not divide, give the bytes of one process" {
        local n=3 prompts
        for prompts in 1 7; do
                hap-task ioi -q -n $prompts -m "$model" -o "$tmp/task"
                hap-attrib -q -m "$model" -o "$tmp/scores" "$tmp/task"
                hap-prune -q -m "$model" --sparsity 90% --steps 3 -o "$tmp/circuit" "$tmp/task" \
                        "$mpi/ioi.subgraph" "$tmp/scores"
                hap-eval -q -m "$model" --test all --resamples 20 -o "$tmp/tests" "$tmp/task" \
                        "$tmp/circuit"
                ranks $n hap-attrib -q -j 1 -m "$model" -o "$tmp/out" "$tmp/task"
                assert_same "$tmp/out" "$tmp/scores"
                ranks $n hap-prune -q -j 1 -m "$model" --sparsity 90% --steps 3 -o "$tmp/out" \
                        "$tmp/task" "$mpi/ioi.subgraph" "$tmp/scores"
                assert_same "$tmp/out" "$tmp/circuit"
                ranks $n hap-eval -q -j 1 -m "$model" --test all --resamples 20 -o "$tmp/out" \
                        "$tmp/task" "$tmp/circuit"
                assert_same "$tmp/out" "$tmp/tests"
                n=8
        done
}

@test "ranks whose OMP_NUM_THREADS differ use the least" {
        printf '#!/bin/sh\nexport OMP_NUM_THREADS=$((2 - OMPI_COMM_WORLD_RANK))\nexec "$@"\n' >"$tmp/start"
        chmod +x "$tmp/start"
        hap-attrib -q -m "$model" -o "$tmp/scores" "$mpi/ioi.task"
        timeout 60 mpirun --allow-run-as-root --oversubscribe -n 2 "$tmp/start" \
                "$root/build-mpi/bin/hap-attrib" -q -m "$model" -o "$tmp/out" "$mpi/ioi.task"
        assert_same "$tmp/out" "$tmp/scores"
}

# The task of the file as the JSON that bench/messages.py reads.
check_messages() {
        python3 "$root/bench/messages.py" check "$1" "$model" "$tmp/task.json" "${@:2}"
}

@test "4 and 8 ranks exchange exactly what the model of docs/scaling.md says" {
        need_tool python3
        # both prunings end with as many candidates
        local n steps=("${prune[@]}" --precision f32 --batch 32 --set anneal=1 -j 1)
        hap-convert -q --to json "$mpi/ioi.task" >"$tmp/task.json"
        for n in 4 8; do
                counted attrib $n hap-attrib -q -j 1 -m "$model" -o "$tmp/out" "$mpi/ioi.task"
                check_messages attrib $n 1 "$tmp/attrib"
                counted few $n "${steps[@]}" --steps 10 -o "$tmp/out"
                counted more $n "${steps[@]}" --steps 13 -o "$tmp/out"
                check_messages prune $n 1 "$tmp/more" "$tmp/few" 3
        done
}
