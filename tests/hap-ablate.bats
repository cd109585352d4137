load helper

# Constants for two small random models, whose full logits are in the reference.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        for model in gpt2-a llama-a; do
                golden=$root/tests/golden/$model
                hap-task -q --from "$golden/prompts.jsonl" -m "$golden/model" -o $model.task
                hap-forward -q -m "$golden/model" -o $model.cache $model.task
                jq -c ".circuits[2].edges[] | {edge: ., z: 1}" "$golden/circuits.json" |
                        circuit_of $model.cache >$model.circuit
                hap-ablate -q --steps 0 -o $model.means $model.cache $model.circuit
                hap-ablate -q --steps 60 -o $model.learned $model.cache $model.circuit
        done
}

setup() {
        cd "$BATS_FILE_TMPDIR"
}

records() {
        json -q "$@" | jq -c 'select((has("hap") or has("end")) | not)'
}

# kl_of ABLATION FILE ...: that of the one circuit in them.
kl_of() {
        local ablation=$1
        shift
        hap-eval -q --metric kl --ablation "$ablation" "$@" >"$tmp/report"
        json -q "$tmp/report" | jq 'select(.metric == "kl").value'
}

constants() {
        json -q "$1" | jq "select(.kind == \"constants\").constants.$2"
}

@test "constants equal to the means give the same bits as mean ablation" {
        for model in gpt2-a llama-a; do
                for input in $model.cache "$model.task -m $root/tests/golden/$model/model"; do
                        # shellcheck disable=SC2086 # the option belongs to the task
                        for stage in "hap-eval $model.circuit" "hap-attrib" \
                                "hap-attrib --method mask-gradient $model.circuit" \
                                "hap-prune --steps 3 --edges 30"; do
                                $stage -q --ablation mean $input >"$tmp/mean"
                                $stage -q --ablation optimal $input $model.means >"$tmp/optimal"
                                $stage -q --ablation optimal $model.means $input >"$tmp/before"
                                records "$tmp/mean" >"$tmp/should"
                                for is in optimal before; do
                                        records "$tmp/$is" >"$tmp/is"
                                        assert_same "$tmp/is" "$tmp/should"
                                done
                        done
                done
        done
}

@test "learning lowers the circuit's KL, and the header has the KL that hap-eval measures" {
        for model in gpt2-a llama-a; do
                mean=$(kl_of mean $model.cache $model.circuit)
                learned=$(kl_of optimal $model.cache $model.circuit $model.learned)
                assert_near "$(constants $model.learned kl_mean)" "$mean" 1e-6
                assert_near "$(constants $model.learned kl)" "$learned" 1e-6
                jq -en "$learned < .8 * $mean" >/dev/null || fail "$learned is not less than $mean"
        done
}

# Without an edge the output is one distribution q for all prompts (there are no learned
# positions): the mean of KL(p_i || q) is lowest if q is the mean of the p_i, which
# vectors of 32 numbers only approach in a vocabulary of 97.
@test "for the empty circuit no constants do better than the mean distribution, and the learned ones do nearly as well" {
        circuit_of llama-a.cache </dev/null >"$tmp/none"
        hap-ablate -q --steps 600 --batch 8 -o "$tmp/constants" llama-a.cache "$tmp/none"
        least=$(jq '[.examples[].clean | (map(exp) | add) as $z | map(exp / $z)] as $p
                | ($p | transpose | map(add / length)) as $q
                | [$p[] | [., $q] | transpose | map(.[0] * ((.[0] / .[1]) | log)) | add]
                | add / length' "$root/tests/golden/llama-a/logits.json")
        is=$(constants "$tmp/constants" kl)
        jq -en "$is > $least - 1e-4 and $is < 1.2 * $least" >/dev/null ||
                fail "$is, at best $least; the means $(constants "$tmp/constants" kl_mean)"
}

@test "without a circuit each node's KL is the KL of the graph without the node's edges" {
        hap-ablate -q --steps 20 -o "$tmp/nodes" gpt2-a.cache
        assert_equal "$(records "$tmp/nodes" | jq -r .node | tr '\n' ' ')" \
                "input $(printf "a%d.h0 a%d.h1 a%d.h2 a%d.h3 m%d " 0 0 0 0 0 1 1 1 1 1 2 2 2 2 2)"
        for node in input a1.h2 m2; do
                hap-attrib -q gpt2-a.cache | json -q |
                        jq -c --arg node "$node->" 'select(has("edge") and (.edge | startswith($node) | not)) | {edge, z: 1}' |
                        circuit_of gpt2-a.cache >"$tmp/circuit"
                hap-eval -q --keep-dead --metric kl --ablation optimal -o "$tmp/report" \
                        gpt2-a.cache "$tmp/circuit" "$tmp/nodes"
                assert_near "$(json -q "$tmp/report" | jq 'select(.metric).value')" \
                        "$(records "$tmp/nodes" | jq "select(.node == \"$node\").kl")" 1e-6
        done
        jq -en "$(constants "$tmp/nodes" kl) < $(constants "$tmp/nodes" kl_mean)" >/dev/null
}

@test "the means stay if the learned constants are worse" {
        hap-ablate -q --steps 2 --rate 100 -o "$tmp/wild" gpt2-a.cache gpt2-a.circuit
        records "$tmp/wild" >"$tmp/is"
        records gpt2-a.means >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        assert_equal "$(constants "$tmp/wild" kl)" "$(constants "$tmp/wild" kl_mean)"
}

@test "threads, pipes and JSON and back do not change a byte; another seed does" {
        for threads in 1 3; do
                cat gpt2-a.circuit gpt2-a.cache |
                        hap-ablate -q -j $threads --steps 60 >"$tmp/is"
                records "$tmp/is" >"$tmp/records"
                records gpt2-a.learned | diff - "$tmp/records" >/dev/null || fail "$threads threads"
        done
        json -q gpt2-a.learned | hap-convert -q --from json >"$tmp/again"
        assert_same "$tmp/again" gpt2-a.learned
        hap-ablate -q --steps 60 --batch 3 --seed 1 -o "$tmp/one" gpt2-a.cache gpt2-a.circuit
        hap-ablate -q --steps 60 --batch 3 --seed 2 -o "$tmp/two" gpt2-a.cache gpt2-a.circuit
        run ! cmp -s "$tmp/one" "$tmp/two"
}

@test "other ablations ignore constants" {
        for ablation in interchange zero mean; do
                hap-eval -q --ablation $ablation -o "$tmp/with" gpt2-a.learned gpt2-a.cache gpt2-a.circuit
                hap-eval -q --ablation $ablation -o "$tmp/without" gpt2-a.cache gpt2-a.circuit
                assert_same "$tmp/with" "$tmp/without"
        done
}

@test "a split input has its own constants" {
        hap-ablate -q --steps 5 --split-input -m "$root/tests/golden/gpt2-a/model" -o "$tmp/split" gpt2-a.task
        assert_equal "$(records "$tmp/split" | jq -r .node | sed -n 1,2p | tr '\n' ' ')" "tok pos "
        hap-eval -q --ablation optimal --empty -m "$root/tests/golden/gpt2-a/model" -o "$tmp/report" \
                gpt2-a.task "$tmp/split"
        assert_refused 3 "split': it was made with --split-input, but here the graph has a joined input" \
                hap-eval --ablation optimal gpt2-a.cache "$tmp/split" gpt2-a.circuit
        assert_refused 3 "circuit': it was made without --split-input, but here the graph has a split input" \
                hap-eval --ablation optimal -m "$root/tests/golden/gpt2-a/model" gpt2-a.task "$tmp/split" gpt2-a.circuit
}

@test "optimal ablation without constants, or with another model's or two, is refused" {
        for stage in "hap-eval gpt2-a.circuit" hap-attrib "hap-prune --edges 30"; do
                assert_refused 3 "the input contains no constants of hap-ablate, which optimal ablation needs; it contains " \
                        $stage --ablation optimal gpt2-a.cache
                assert_refused 3 "cannot use 'llama-a.learned'" \
                        $stage --ablation optimal gpt2-a.cache llama-a.learned
                assert_refused 3 "cannot use 'gpt2-a.means': 'gpt2-a.learned' already contains constants" \
                        $stage --ablation optimal gpt2-a.cache gpt2-a.learned gpt2-a.means
        done
        assert_refused 3 "'gpt2-a.cache' already contains examples" \
                hap-eval --ablation zero gpt2-a.cache gpt2-a.cache gpt2-a.circuit
        assert_refused 3 "'gpt2-a.circuit' already contains a circuit" \
                hap-ablate gpt2-a.cache gpt2-a.circuit gpt2-a.circuit
        assert_refused 3 "the input contains no task or cache" hap-ablate gpt2-a.circuit
        assert_refused 3 "cannot use 'llama-a.circuit'" hap-ablate gpt2-a.cache llama-a.circuit
}

# refused TEXT JQ: the learned constants, changed line by line with $i the number.
refused() {
        json -q gpt2-a.learned | jq -c 'select(has("end") | not)' |
                jq -nc "[inputs] | $2 | .[], {end: \"constants\"}" | hap-convert -q --from json >"$tmp/bad"
        assert_refused 3 "$1" hap-eval --ablation optimal gpt2-a.cache gpt2-a.circuit "$tmp/bad"
}

@test "constants that are missing, out of order, twice, of another size or not finite are refused" {
        refused "record 2: its 'node' is not 'a0.h0', the next writer" '[.[0, 1, 3, 2]]'
        refused "record 2: its 'node' is not 'a0.h0'" '[.[0, 1, 1]]'
        refused "it has constants for 15 of 16 writers" '.[:-1]'
        refused "the graph has only 16 writers" '. + [.[1]]'
        refused "record 2: its 'value' has 1 numbers; those before have 32" \
                '.[2].value = {dtype: "f32", shape: [1], data: {"$bin": "AACAPw=="}}'
        refused "record 1: its 'value' is not finite" \
                '.[1].value = {dtype: "f32", shape: [1], data: {"$bin": "AADAfw=="}}'
        refused "its vectors have 1 number" \
                '[.[0], (.[1:][] | .value = {dtype: "f32", shape: [1], data: {"$bin": "AACAPw=="}})]'
        refused "record 1: it has no 'value'" '[.[0], (.[1] | del(.value))]'
        refused "record 1: its 'value' is not a vector" \
                '.[1].value = {dtype: "f32", shape: [1, 1], data: {"$bin": "AACAPw=="}}'
}

@test "hap-show describes constants: their target, examples and steps" {
        hap-show -q gpt2-a.learned >"$tmp/out"
        assert_file_contains "$tmp/out" "constants, 16 records"
        assert_file_contains "$tmp/out" "for circuit, examples 8, steps 60"
}

@test "--max-memory refuses at once if more is needed, and accepts the amount that the message names" {
        hap-task ioi -q -m "$root/models/demo" -n 20 -o "$tmp/task"
        hap-forward -q -m "$root/models/demo" -o "$tmp/cache" "$tmp/task"
        ablate=(hap-ablate -j 2 --steps 2 -m "$root/models/demo" -o "$tmp/c")
        for input in "$tmp/task" "$tmp/cache"; do
                assert_refused 2 "hap-ablate: --max-memory allows 9 MB, 20 prompts of 1" \
                        "${ablate[@]}" --max-memory 9M "$input"
                assert_not_exists "$tmp/c"
                said=$("${ablate[@]}" --max-memory 24700K "$input" 2>&1 || true)
                [[ $said =~ 'need '([0-9]+)' MB'.*'; -j 1: '[0-9]+' MB' ]]
                "${ablate[@]}" -q --max-memory $((BASH_REMATCH[1] + 1))M "$input"
                mv "$tmp/c" "$tmp/limited"
                "${ablate[@]}" -q "$input"
                assert_same "$tmp/c" "$tmp/limited"
                rm "$tmp/c"
        done
}
