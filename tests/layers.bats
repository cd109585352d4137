load helper
load mpi/helper

# --layers-over-ranks (docs/cluster.md): each rank holds the weights of some layers. Whatever the
# ranks and threads, the bytes are those that one process of the plain build writes.

setup_file() {
        local d=$BATS_FILE_TMPDIR
        build_mpi "$d"
        [[ -e $d/made ]] && command -v python3 >/dev/null || return 0
        python3 "$root/tests/mpi/make_model.py" "$root/models/demo" "$d/deep" 12 4 64
        hap-task ioi -q -n 20 -m "$d/deep" -o "$d/task"
        hap-attrib -q -m "$d/deep" -o "$d/scores" "$d/task"
        hap-select -q --keep 30% -o "$d/subgraph" "$d/scores"
        touch "$d/ready"
}

setup() {
        dir=$BATS_FILE_TMPDIR model=$BATS_FILE_TMPDIR/deep
        [[ -e $dir/ready ]] || skip "needs mpirun, mpicc, python3, and the plain build in bin/"
}

# same N PROGRAM ARGUMENT ...: N ranks that hold layers write the bytes of one process.
same() {
        local n=$1 program=$2
        shift 2
        "$program" -q "$@" -o "$tmp/one"
        ranks "$n" "$program" -q --layers-over-ranks -j 1 "$@" -o "$tmp/ranks"
        assert_same "$tmp/ranks" "$tmp/one"
}

@test "caches of 12 layers on 2 and 3 ranks, of 1 and 2 threads, are those of one process" {
        local n threads
        hap-forward -q -m "$model" -o "$tmp/one" "$dir/task"
        for n in 1 2 3 12; do
                ranks $n hap-forward -q --layers-over-ranks -j 1 -m "$model" -o "$tmp/ranks" \
                        "$dir/task"
                assert_same "$tmp/ranks" "$tmp/one"
        done
        ranks 2 hap-forward -q --layers-over-ranks -j 2 -m "$model" -o "$tmp/ranks" <"$dir/task"
        assert_same "$tmp/ranks" "$tmp/one"
        hap-forward -q --layers-over-ranks -m "$model" -o "$tmp/ranks" "$dir/task"
        assert_same "$tmp/ranks" "$tmp/one"
}

@test "scores by all methods that runs allow are those of one process" {
        local method
        for method in eap relp eap-ig-inputs clean-corrupted conductance mask-gradient mask-ig; do
                same 3 hap-attrib --method $method -m "$model" "$dir/task"
        done
        same 2 hap-attrib --method eap-ig-activations --steps 2 -m "$model" "$dir/task"
        same 2 hap-attrib --method ugs --steps 3 -m "$model" "$dir/task"
        hap-task ioi -q -n 5 -m "$model" -o "$tmp/few"
        same 3 hap-attrib --method exact --nodes -m "$model" "$tmp/few"
        same 2 hap-attrib --nodes --per-example -m "$model" "$tmp/few"
        same 3 hap-attrib --split-input -m "$model" "$tmp/few"
        same 3 hap-attrib --positions S2,END --metric prob-diff -m "$model" "$tmp/few"
        same 2 hap-attrib --ablation mean -m "$model" "$tmp/few"
}

@test "reports on circuits are those of one process, for every ablation" {
        local ablation
        for ablation in interchange mean-position; do
                same 3 hap-eval --ablation $ablation --full --empty --per-example -m "$model" \
                        "$dir/task" "$dir/subgraph"
        done
        same 2 hap-eval --curve -m "$model" "$dir/task" "$dir/scores"
        same 2 hap-eval --test equivalence -m "$model" "$dir/task" "$dir/subgraph"
}

@test "circuits of 2 and 3 ranks are those of one process" {
        local n few=(--sparsity 90% --steps 3 --set rounds=1 --set choose-on=4 -m "$model")
        hap-task ioi -q -n 10 -m "$model" -o "$tmp/few"
        hap-forward -q -m "$model" -o "$tmp/cache" "$tmp/few"
        for n in 2 3; do
                same $n hap-prune "${few[@]}" "$tmp/cache" "$dir/subgraph" "$dir/scores"
        done
        same 2 hap-prune "${few[@]}" --cache-dtype none "$tmp/few" "$dir/subgraph" "$dir/scores"
        same 2 hap-prune --sparsity 90% --steps 3 --recipe edge-pruning -m "$model" "$tmp/few"
}

@test "models with other norms, positions, experts and stored weights are those of one process" {
        local i name path
        for i in 1 2 3; do
                echo "{\"clean\":[3,1,4,1$i,5,9,2],\"corrupted\":[3,1,7,1$i,8,2$i,2],\"answer\":5,\"wrong\":7}"
        done | hap-task -q --from - -o "$tmp/task"
        for name in bloom gemma2 gpt-oss-mxfp4 llama-q4-gguf mixtral neox olmo2; do
                path=$root/tests/golden/families/$name
                [[ ! -e $path/model.gguf ]] || path=$path/model.gguf
                same 2 hap-attrib -m "$path" "$tmp/task"
                same 2 hap-attrib --method mask-gradient --weights stored -m "$path" "$tmp/task"
        done
}

# resident N: the largest resident memory of each of N ranks, in kB.
resident() {
        counted memory "$1" hap-attrib -q --layers-over-ranks -j 1 --weights f32 -m "$tmp/wide" \
                -o "$tmp/out" "$tmp/few" || return
        awk '$1 == "resident" {print $2}' "$tmp"/memory.*
        rm "$tmp"/memory.*
}

@test "each rank holds its own layers only" {
        local one each
        python3 "$root/tests/mpi/make_model.py" "$root/models/demo" "$tmp/wide" 12 4 512
        hap-task ioi -q -n 3 -m "$tmp/wide" -o "$tmp/few"
        # 12 layers of 12.6 MB: 151 MB. Reading them takes 8 MB for each thread besides.
        hap-attrib -q -j 1 --weights f32 -m "$tmp/wide" -o "$tmp/one" "$tmp/few"
        # rank 0 has the only batch
        one=$(counted memory 2 hap-attrib -q -j 1 --weights f32 -m "$tmp/wide" -o "$tmp/out" \
                "$tmp/few" && awk '$1 == "resident" {print $2}' "$tmp"/memory.0)
        for each in $(resident 2); do
                echo "whole model $one kB, of 2 ranks $each kB"
                ((each < one - 40000))
        done
        assert_same "$tmp/out" "$tmp/one"
        for each in $(resident 3); do
                echo "whole model $one kB, of 3 ranks $each kB"
                ((each < one - 60000))
        done
        assert_same "$tmp/out" "$tmp/one"
}

@test "ranks that hold layers send exactly the messages of docs/scaling.md" {
        local n stage
        hap-convert -q --to json "$dir/task" >"$tmp/task.json"
        for n in 3 4 8; do
                counted layers-forward $n hap-forward -q --layers-over-ranks -j 1 -m "$model" \
                        -o "$tmp/out" "$dir/task"
                counted layers-attrib $n hap-attrib -q --layers-over-ranks -j 1 -m "$model" \
                        -o "$tmp/out" "$dir/task"
                counted layers-masks $n hap-attrib -q --layers-over-ranks -j 1 -m "$model" \
                        --method mask-gradient -o "$tmp/out" "$dir/task"
                for stage in layers-forward layers-attrib layers-masks; do
                        python3 "$root/bench/messages.py" check $stage "$model" "$tmp/task.json" \
                                $n 1 "$tmp/$stage"
                done
        done
}

@test "what needs the whole model in one process, and more ranks than layers, are refused by name" {
        refused_by_ranks 2 "hap-attrib: --method ifr does not run with --layers-over-ranks" \
                2 hap-attrib -q --layers-over-ranks --method ifr -m "$model" -o "$tmp/out" "$dir/task"
        refused_by_ranks 2 "hap-eval: --roles does not run with --layers-over-ranks" \
                2 hap-eval -q --layers-over-ranks --roles -m "$model" -o "$tmp/out" "$dir/task"
        refused_by_ranks 2 "--layers-over-ranks: 13 ranks for 12 layers of" \
                13 hap-forward -q --layers-over-ranks -m "$model" -o "$tmp/out" "$dir/task"
        refused_by_ranks 2 "hap-ablate: unknown option '--layers-over-ranks'" \
                2 hap-ablate --layers-over-ranks
        assert_not_exists "$tmp/out"
}

# The process numbers of the ranks of the background job: it runs timeout, which runs mpirun.
ranks_of_job() {
        pgrep -P "$(pgrep -P "$(pgrep -P "$job")")"
}

@test "an error of a job, and a rank that is killed, end all ranks" {
        local rc=0 before i
        cp -R "$model" "$tmp/huge"
        python3 - "$tmp/huge/model.safetensors" <<'END'
import json, struct, sys
with open(sys.argv[1], "r+b") as file:
    n = struct.unpack("<Q", file.read(8))[0]
    header = json.loads(file.read(n))
    at = header["transformer.h.7.mlp.c_proj.bias"]["data_offsets"][0]
    file.seek(8 + n + at)
    file.write(struct.pack("<2f", 3e38, 3e38))
END
        refused_by_ranks 3 "its logits are not finite" 3 hap-attrib -q --layers-over-ranks -j 1 \
                -m "$tmp/huge" -o "$tmp/out" "$dir/task"
        ranks 3 hap-prune -q --layers-over-ranks -j 1 --sparsity 90% --steps 100000 -m "$model" \
                -o "$tmp/out" "$dir/task" "$dir/subgraph" "$dir/scores" 2>"$tmp/message" 3>&- &
        job=$!
        for ((i = 0; i < 200; i++)); do
                [[ $(ranks_of_job | wc -l) -lt 3 ]] || break
                sleep .05
        done
        sleep 1
        before=$SECONDS
        kill -KILL "$(ranks_of_job | tail -n 1)"
        wait $job || rc=$?
        [[ $rc -eq 137 && $((SECONDS - before)) -lt 30 ]]
        assert_not_exists "$tmp/out"
}
