load helper

# Results of shards joined: what one process computes from the whole task is the reference.

setup() {
        cd "$BATS_FILE_TMPDIR"
        demo=$root/models/demo
}

# for_shards N COMMAND...: the command with {} for every number.
for_shards() {
        local n=$1 i
        shift
        for i in $(seq "$n"); do
                bash -c "set -e -o pipefail; ${*//\{\}/$i}" || return
        done
}

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        export demo=$root/models/demo
        hap-task -q ioi -n 43 -m "$demo" -o whole.task
        hap-attrib -q -m "$demo" --per-example -o whole.each whole.task
        hap-attrib -q -m "$demo" -o whole.scores whole.task
        hap-select -q --keep 10% -o a.circuit whole.scores
        hap-select -q --keep 40% -o b.circuit whole.scores
        for_shards 3 'hap-task -q ioi -n 43 -m $demo --shard {}/3 -o {}.task
                hap-attrib -q -m $demo -o {}.scores {}.task
                hap-attrib -q -m $demo --per-example -o {}.each {}.task'
}

# The records and the headers, without their histories.
without_histories() {
        json "$1" | jq -c 'del(.history, .crc32)'
}

# assert_whole WHOLE MERGED
assert_whole() {
        without_histories "$1" >"$tmp/whole"
        without_histories "$2" >"$tmp/merged"
        assert_same "$tmp/whole" "$tmp/merged"
}

@test "shards are consecutive prompts of the task, each one once" {
        for n in 1 2 5 43; do
                for_shards $n "hap-task -q ioi -n 43 --shard {}/$n -o $tmp/{}.shard"
                for i in $(seq $n); do
                        json "$tmp/$i.shard" | jq -r 'select(.id).id'
                done | diff - <(json whole.task | jq -r 'select(.id).id')
                rm "$tmp"/*.shard
        done
}

@test "shards of token ids are cut where batches of 128 tokens or 16 prompts end" {
        json whole.task | jq -n 'reduce (inputs | select(.id).clean | length) as $n
                ({prompts: 0, rows: 0, of: 0, cuts: [0]};
                .prompts += 1 | .rows += $n | .of += 1
                | if .rows >= 128 or .of == 16 then .cuts += [.prompts] | .rows = 0 | .of = 0 else . end)
                | .cuts' >"$tmp/cuts"
        for i in 2 3; do
                json $i.task | sed -n 1p | jq -e --slurpfile cuts "$tmp/cuts" \
                        '.task.shard.first as $f | $cuts[0] | index($f)' >/dev/null ||
                        fail "shard $i begins at $(json $i.task | jq 'select(.task).task.shard.first'), not at one of $(jq -c . "$tmp/cuts")"
        done
}

@test "the user's file is cut too, and merged tasks are the whole" {
        json whole.task | jq -c 'select(.id)' | sed -n 1,20p >"$tmp/p.jsonl"
        hap-task -q --from "$tmp/p.jsonl" -m "$demo" -o "$tmp/all"
        for_shards 2 "hap-task -q --from $tmp/p.jsonl -m $demo --shard {}/2 -o $tmp/{}.shard"
        cat "$tmp/2.shard" "$tmp/1.shard" | hap-merge -q -o "$tmp/out"
        assert_whole "$tmp/all" "$tmp/out"
}

@test "merged scores, of edges, nodes and random masks, are those of the whole" {
        hap-merge -q -o "$tmp/out" ?.scores
        assert_whole whole.scores "$tmp/out"
        for options in --nodes "--method eap-ig-inputs --steps 3"; do
                for_shards 3 "hap-attrib -q -m $demo $options -o $tmp/{}.part {}.task"
                # shellcheck disable=SC2086 # several options
                hap-attrib -q -m "$demo" $options -o "$tmp/all" whole.task
                hap-merge -q -o "$tmp/out" "$tmp"/?.part
                assert_whole "$tmp/all" "$tmp/out"
        done
}

@test "random masks do not depend on the shard; inexact sums differ by units in the last place" {
        need_python msgpack numpy
        for_shards 3 "hap-attrib -q -m $demo --method ugs --steps 2 --per-example -o $tmp/{}.part {}.task"
        hap-attrib -q -m "$demo" --method ugs --steps 2 --per-example -o "$tmp/all" whole.task
        hap-merge -q -o "$tmp/out" "$tmp"/?.part
        # the bound of the page: (n + 2) 2^-53 times the mean magnitude of the examples' scores
        python3 - "$tmp/all" "$tmp/out" <<'END'
import sys
import msgpack
import numpy as np

def read(path):
    scores, each = [], []
    for m in msgpack.Unpacker(open(path, "rb"), max_buffer_size=0):
        if "edge" in m:
            scores.append(m["score"])
        elif "scores" in m:
            each.append(np.frombuffer(m["scores"]["data"], "<f4").astype(float))
    return np.array(scores), np.array(each)

whole, each = read(sys.argv[1])
merged, merged_each = read(sys.argv[2])
assert whole.shape == merged.shape and len(whole) > 100 and len(each) == 43
assert (each == merged_each).all()
bound = (len(each) + 2) * 2.0**-53 * np.abs(each).mean(axis=0)
assert (np.abs(whole - merged) <= bound).all(), np.abs(whole - merged).max()
END
}

@test "scores and scores of single examples in one file are merged to one file each" {
        hap-merge -q -o "$tmp/out" 3.each 1.each 2.each
        assert_whole whole.each "$tmp/out"
}

@test "merged caches are the whole cache, from files, compressed files and pipes in any order" {
        hap-forward -q -m "$demo" -o "$tmp/all" whole.task
        for_shards 3 "hap-forward -q -m $demo -o $tmp/{}.cache {}.task"
        hap-merge -q -o "$tmp/out" "$tmp"/?.cache
        assert_whole "$tmp/all" "$tmp/out"
        gzip -c "$tmp/2.cache" >"$tmp/2.gz"
        cat "$tmp/3.cache" "$tmp/1.cache" | hap-merge -q -o "$tmp/piped" - "$tmp/2.gz"
        assert_whole "$tmp/all" "$tmp/piped"
}

@test "a merged report has the means, intervals and differences of all examples" {
        options="--per-example --full --empty --metric kl,logit-diff,faithfulness --name a --name b"
        # shellcheck disable=SC2086 # several options
        hap-eval -q -m "$demo" $options --compare --resamples 200 -o "$tmp/all" whole.task a.circuit b.circuit
        for_shards 3 "hap-eval -q -m $demo $options --resamples 0 -o $tmp/{}.report {}.task a.circuit b.circuit"
        hap-merge -q --compare --resamples 200 -o "$tmp/out" "$tmp"/?.report
        assert_whole "$tmp/all" "$tmp/out"
}

@test "merged curves have the points and areas of all examples, for every metric and order" {
        options="--curve --sizes 1%,5%,20%,100% --full --empty --per-example --metric logit-diff,kl --name x --name y"
        hap-attrib -q -m "$demo" --method eap-ig-inputs -o "$tmp/ig" whole.task
        # shellcheck disable=SC2086 # several options
        hap-eval -q -m "$demo" $options --resamples 50 -o "$tmp/all" whole.task whole.scores "$tmp/ig"
        for_shards 3 "hap-eval -q -m $demo $options --resamples 0 -o $tmp/{}.report {}.task whole.scores $tmp/ig"
        hap-merge -q --resamples 50 -o "$tmp/out" "$tmp"/?.report
        assert_whole "$tmp/all" "$tmp/out"
        # the mean of a point is that of its examples
        json "$tmp/out" | jq -s '[.[] | select(.circuit == "y" and .metric == "kl")] as $all
                | ($all | map(select(.size))[1].value) as $mean
                | ($all | map(select(.id))[43:86] | map(.value) | add / length) - $mean | fabs < 1e-12' |
                grep -x true
}

@test "curves without values of single examples, or without full and empty, are refused" {
        for_shards 2 "hap-task -q ioi -n 43 -m $demo --shard {}/2 -o $tmp/{}.task
                hap-eval -q -m $demo --curve --full --empty --resamples 0 -o $tmp/{}.all $tmp/{}.task whole.scores
                hap-eval -q -m $demo --curve --full --per-example --resamples 0 -o $tmp/{}.one $tmp/{}.task whole.scores"
        assert_refused 3 "hap-eval --per-example writes them" hap-merge -q "$tmp/1.all" "$tmp/2.all"
        assert_refused 3 "hap-eval --full --empty measures" hap-merge -q "$tmp/1.one" "$tmp/2.one"
}

@test "the history names every shard, and the merged scores select the whole's circuit" {
        hap-merge -q -o "$tmp/out" ?.scores
        json "$tmp/out" | sed -n 1p | jq -e '.history
                | map(.arguments[] | select(startswith("--shard"))) == ["--shard=1/3", "--shard=2/3", "--shard=3/3"]
                  and (.[-1] | .name == "hap-merge" and (.inputs | length) == 3)' >/dev/null
        hap-select -q --keep 10% -o "$tmp/circuit" "$tmp/out"
        assert_whole a.circuit "$tmp/circuit"
}

@test "the same bytes come out whatever the order of the files" {
        hap-merge -q -o "$tmp/a" 1.scores 2.scores 3.scores
        hap-merge -q -o "$tmp/b" 2.scores 3.scores 1.scores
        assert_same "$tmp/a" "$tmp/b"
}

@test "missing, repeated and foreign shards are refused by name" {
        assert_refused 3 "shard 2 of 3 is missing" hap-merge 1.scores 3.scores
        assert_refused 3 "cannot merge '1.scores': its scores is of shard 1 of 3, as that of '1.scores'" \
                hap-merge 1.scores 2.scores 1.scores
        assert_refused 3 "'whole.scores': its scores is not of a shard" hap-merge whole.scores
        assert_refused 3 "a section of kind 'circuit' has no sum over shards" hap-merge a.circuit
        hap-task -q ioi -n 43 -m "$demo" --shard 1/2 | hap-attrib -q -m "$demo" -o "$tmp/half"
        assert_refused 3 "cannot merge '$tmp/half' with '1.scores': their tasks are cut into 2 and 3 shards" \
                hap-merge 1.scores 2.scores 3.scores "$tmp/half"
        hap-attrib -q -m "$demo" --metric prob-diff -o "$tmp/other" 2.task
        assert_refused 3 "their headers differ in 'method'" hap-merge 1.scores "$tmp/other" 3.scores
        hap-task -q ioi --split test -n 43 -m "$demo" --shard 2/3 | hap-attrib -q -m "$demo" -o "$tmp/test"
        assert_refused 3 "their headers differ in 'task'" hap-merge 1.scores "$tmp/test" 3.scores
        assert_refused 3 "the input contains no results of shards" hap-merge /dev/null
        head -c 3000 2.scores >"$tmp/cut"
        assert_refused 3 "truncated" hap-merge 1.scores "$tmp/cut" 3.scores
}

@test "reports without examples, or with what is no mean over examples, are refused with the remedy" {
        hap-eval -q -m "$demo" -o "$tmp/means" 1.task a.circuit
        assert_refused 3 "hap-eval --per-example writes them" hap-merge "$tmp/means"
        # the option of hap-eval, and what the message says
        while IFS=: read -r option remedy; do
                # shellcheck disable=SC2086 # several options
                hap-eval -q -m "$demo" --resamples 20 $option -o "$tmp/part" 1.task a.circuit \
                        b.circuit
                assert_refused 3 "cannot be merged: $remedy" hap-merge "$tmp/part"
        done <<'END'
--per-example --test=equivalence:run hap-eval --test on the whole task, with mpirun on several machines
--per-example --test=minimality:run hap-eval --test on the whole task, with mpirun on several machines
--random=2:run hap-eval --random on the whole task, with mpirun on several machines
--compare:leave out --compare in hap-eval, and call hap-merge --compare
--predict=2:leave out --predict, or read the report of each shard by itself
--roles:run hap-eval --roles on the whole task
END
        for_shards 3 "hap-eval -q -m $demo --per-example --metric faithfulness -o $tmp/{}.part {}.task a.circuit"
        assert_refused 3 "hap-eval --per-example" hap-merge "$tmp"/?.part
}

@test "a scores section whose number of examples is not the shard's is refused" {
        json 2.scores | jq -c 'if .examples then .examples -= 1 else . end' |
                hap-convert -q --from json -o "$tmp/fewer"
        assert_refused 3 "the shard is another" hap-merge 1.scores "$tmp/fewer" 3.scores
        json 2.scores | jq -c 'if .task then .task.shard.number = 0 else . end' |
                hap-convert -q --from json -o "$tmp/zero"
        assert_refused 3 "'shard' of its task" hap-merge 1.scores "$tmp/zero" 3.scores
        json 2.scores | jq -c 'select(.edge != "input->m0")' | jq -c 'del(.records, .crc32, .digest)' |
                hap-convert -q --from json -o "$tmp/shorter"
        assert_refused 3 "names in one order" hap-merge 1.scores "$tmp/shorter" 3.scores
}

@test "a name that is not UTF-8 is refused as what it is" {
        need_tool python3
        python3 - 1.scores "$tmp/bad" <<'END'
import sys, zlib
data = open(sys.argv[1], "rb").read()
at = data.rindex(b"\x84\xa3end")
body = data[:at].replace(b"input->m0", b"input->\xff0")
end = data[at:data.rindex(b"\xa5crc32")].replace(b"\x84", b"\x83", 1)
open(sys.argv[2], "wb").write(body + end + b"\xa5crc32\xce" + zlib.crc32(body).to_bytes(4, "big"))
END
        assert_refused 3 "its edge or node is not UTF-8" hap-merge "$tmp/bad" 2.scores 3.scores
}

@test "--shard takes I/N with 1 <= I <= N, and no more shards than prompts" {
        for wrong in 0/3 4/3 3 1/ /3 1/3x a/b -1/3 1/100001 1//3; do
                assert_refused 2 "--shard" hap-task ioi -n 5 "--shard=$wrong"
        done
        assert_refused 2 "5 prompts cannot be cut into 6 shards" hap-task ioi -n 5 --shard 1/6
        assert_refused 2 "--shard cannot be combined with --check" hap-task ioi --check --shard 1/2
}

@test "reports whose header does not say a circuit's edges as a whole number are refused" {
        export tmp
        for_shards 2 'hap-task -q ioi -n 6 -m $demo --shard {}/2 -o $tmp/{}.task
                hap-eval -q --per-example --resamples 0 -m $demo -o $tmp/{}.report $tmp/{}.task a.circuit'
        hap-merge -q --resamples 0 "$tmp/1.report" "$tmp/2.report" >"$tmp/merged"
        for edges in null '"51"' 51.5 1e300; do
                for i in 1 2; do
                        json "$tmp/$i.report" | jq -c "if .circuits then .circuits[0].edges = $edges else . end" |
                                hap-convert -q --from json >"$tmp/$i.other"
                done
                assert_refused 3 "'circuits' of their header is not a list of circuits" \
                        hap-merge -q --resamples 0 "$tmp/1.other" "$tmp/2.other"
        done
}
