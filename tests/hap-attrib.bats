load helper

# Scores of two small random models, against those of the EAP-IG library.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        for model in gpt2-a llama-a; do
                golden=$root/tests/golden/$model
                hap-task -q --from "$golden/prompts.jsonl" -o $model.task
                hap-forward -q -m "$golden/model" -o $model.cache $model.task
                masks "$golden" $model.cache >$model.circuit
                hap-attrib -q -m "$golden/model" -o $model.eap $model.cache
        done
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden
}

# masks GOLDEN CACHE: the fractional masks of edge-masks.json as a circuit.
masks() {
        jq -c '.z | to_entries[] | {edge: .key, z: .value}' "$1/edge-masks.json" | circuit_of "$2"
}

# assert_scores STREAM FILE KEY TOLERANCE: equal to a map in a golden file.
assert_scores() {
        scores_map -q "$1" >"$tmp/is"
        jq ".$3" "$2" >"$tmp/should"
        assert_near_maps "$tmp/is" "$tmp/should" "$4"
}

assert_alike() { # A B TOLERANCE
        scores_map -q "$1" >"$tmp/left"
        scores_map -q "$2" >"$tmp/right"
        assert_near_maps "$tmp/left" "$tmp/right" "$3"
}

# assert_differ A B: the largest difference of two scores streams is not small.
assert_differ() {
        jq -en --argjson a "$(scores_map -q "$1")" --argjson b "$(scores_map -q "$2")" \
                '[$a | keys[] as $k | $a[$k] - $b[$k] | fabs] | max > 0.01' >/dev/null ||
                fail "$1 and $2 are the same"
}

# both METHOD FILE [KEY]: the method's scores for both models from their caches.
both() {
        for model in gpt2-a llama-a; do
                hap-attrib -q --method "$1" -o "$tmp/scores" $model.cache
                assert_scores "$tmp/scores" "$golden/$model/$2" "${3:-scores}" "${4:-2e-4}"
        done
}

both_by_kl() {
        for model in gpt2-a llama-a; do
                hap-attrib -q --method "$1" --metric kl -o "$tmp/scores" $model.cache
                assert_scores "$tmp/scores" "$golden/$model/$2" scores 2e-4
        done
}

@test "eap is the library's EAP" { both eap scores-eap.json; }
@test "clean-corrupted is the library's" { both clean-corrupted scores-clean-corrupted.json; }
@test "clean-corrupted by KL is the library's" { both_by_kl clean-corrupted scores-clean-corrupted-kl.json; }
@test "eap-ig-inputs is the library's" { both eap-ig-inputs scores-eap-ig-inputs-5.json; }
@test "eap-ig-inputs by KL is the library's" { both_by_kl eap-ig-inputs scores-eap-ig-inputs-5-kl.json; }
@test "exact is the library's edge by edge" { both exact scores-exact.json scores 1e-4; }

@test "eap-ig-activations is the reference with the gradients of all runs" {
        both eap-ig-activations scores-eap-ig-activations-5.json scores_all_gradients
}

@test "mask-gradient by KL is minus Edge-Pruning's gradient at fractional masks" {
        for model in gpt2-a llama-a; do
                jq '{scores: .dmeankl_dz | map_values(-.)}' "$golden/$model/edge-masks.json" >"$tmp/minus"
                hap-attrib -q --method mask-gradient --metric kl -o "$tmp/scores" \
                        $model.cache $model.circuit
                assert_scores "$tmp/scores" "$tmp/minus" scores 5e-5
        done
}

@test "mask-gradient takes the circuit before or after the examples, from a task or a cache" {
        mask() { hap-attrib -q --method mask-gradient --metric kl -m "$golden/gpt2-a/model" "$@"; }
        mask gpt2-a.cache gpt2-a.circuit >"$tmp/scores"
        mask gpt2-a.circuit gpt2-a.cache | tail -c 2000 >"$tmp/behind"
        tail -c 2000 "$tmp/scores" | cmp - "$tmp/behind"
        for order in "gpt2-a.task gpt2-a.circuit" "gpt2-a.circuit gpt2-a.task"; do
                # shellcheck disable=SC2086 # two files
                mask $order >"$tmp/task"
                assert_alike "$tmp/task" "$tmp/scores" 1e-6
        done
}

@test "a mask's gradient is the slope of hap-eval's KL" {
        hap-attrib -q --method mask-gradient --metric kl -o "$tmp/scores" gpt2-a.cache gpt2-a.circuit
        kl() { # EDGE SHIFT
                json -q gpt2-a.circuit | jq -c --arg e "$1" --argjson d "$2" \
                        'if .edge == $e then .z += $d elif has("end") then {"end": "circuit"} else . end' |
                        hap-convert -q --from json | hap-eval -q --keep-dead --metric kl gpt2-a.cache - |
                        json -q | jq 'select(.metric).value'
        }
        for edge in 'input->a0.h1<v>' 'a0.h0->m0' 'a1.h2->a2.h3<k>' 'm2->logits'; do
                score=$(scores_map -q "$tmp/scores" | jq --arg e "$edge" '.[$e]')
                slope=$(jq -n "($(kl "$edge" 0.01) - $(kl "$edge" -0.01)) / 0.02")
                assert_near "$score" "$(jq -n "-($slope)")" 5e-4
        done
}

@test "at a sparse circuit, too, the gradient of open and of closed edges is the slope" {
        # 8 % of the edges: many readers have none. f(0), f(h), f(2h) give the
        # slope at z = 0, where z cannot fall, and f(1), f(1-h), f(1-2h) at 1.
        jq -c '.circuits[2].edges[] | {edge: ., z: 1}' "$golden/gpt2-a/circuits.json" >"$tmp/edges"
        circuit_of gpt2-a.cache <"$tmp/edges" >"$tmp/circuit"
        kl() { # EDGE Z
                jq -c --arg e "$1" --argjson z "$2" -s \
                        'map(select(.edge != $e)) + [{edge: $e, z: $z} | select(.z > 0)] | .[]' "$tmp/edges" |
                        circuit_of gpt2-a.cache |
                        hap-eval -q --keep-dead --ablation $ablation --metric kl gpt2-a.cache - |
                        json -q | jq 'select(.metric).value'
        }
        for ablation in interchange zero; do
                hap-attrib -q --method mask-gradient --metric kl --ablation $ablation \
                        -o "$tmp/scores" gpt2-a.cache "$tmp/circuit"
                scores_map -q "$tmp/scores" >"$tmp/map"
                for edge in $(jq -r '.edge' "$tmp/edges" | sed -n '2p;9p;17p') \
                        'input->m0' 'a0.h1->m0' 'a1.h2->m2' 'm0->a2.h1<q>' 'a0.h3->logits'; do
                        if grep -qF "\"$edge\"" "$tmp/edges"; then z=1 h=-0.01; else z=0 h=0.01; fi
                        slope=$(jq -n "(-3 * $(kl "$edge" $z) + 4 * $(kl "$edge" "$(jq -n "$z + $h")") -
                                $(kl "$edge" "$(jq -n "$z + 2 * $h")")) / (2 * $h)")
                        assert_near "$(jq --arg e "$edge" '.[$e]' "$tmp/map")" "$(jq -n "-($slope)")" 2e-3
                done
        done
}

@test "mask-gradient where every mask is 1 is eap, under every ablation and both metrics" {
        for model in gpt2-a llama-a; do
                for ablation in interchange zero mean mean-position; do
                        for metric in logit-diff prob-diff; do
                                set -- -q --ablation $ablation --metric $metric
                                hap-attrib "$@" -o "$tmp/eap" $model.cache
                                hap-attrib "$@" --method mask-gradient -o "$tmp/mask" $model.cache
                                assert_alike "$tmp/eap" "$tmp/mask" 2e-4
                        done
                done
        done
        hap-attrib -q --ablation zero -o "$tmp/zero" gpt2-a.cache
        hap-attrib -q --ablation mean -o "$tmp/mean" gpt2-a.cache
        assert_differ "$tmp/zero" "$tmp/mean"
        assert_differ "$tmp/zero" gpt2-a.eap
}

@test "the exact score of an edge is the loss that hap-eval reports without it" {
        hap-attrib -q --method exact --ablation zero -o "$tmp/exact" gpt2-a.cache
        lose() { # JQ-CONDITION OF THE EDGES THAT STAY
                scores_map -q gpt2-a.eap | jq -c "keys_unsorted[] | select($1) | {edge: ., z: 1}" |
                        circuit_of gpt2-a.cache |
                        hap-eval -q --keep-dead --ablation zero --metric logit-diff gpt2-a.cache - |
                        json -q | jq 'select(.metric).value'
        }
        all=$(lose true)
        for edge in 'input->a0.h1<v>' 'a0.h0->m0' 'a1.h2->a2.h3<k>' 'm2->logits'; do
                left=$(lose ". != \"$edge\"")
                score=$(scores_map -q "$tmp/exact" | jq --arg e "$edge" '.[$e]')
                assert_near "$score" "$(jq -n "$all - $left")" 2e-5
        done
}

@test "many steps of eap-ig-inputs sum up to the change of the loss over the input's edges" {
        # integrated gradients are complete: on the path from the corrupted to the clean
        # input the loss changes by the sum over the edges of `input`
        for model in gpt2-a llama-a; do
                hap-attrib -q --method eap-ig-inputs --steps 400 -o "$tmp/scores" $model.cache
                sum=$(scores_map -q "$tmp/scores" | jq '[to_entries[] | select(.key | startswith("input->")).value] | add')
                hap-eval -q --full --empty --metric logit-diff -o "$tmp/report" $model.cache
                change=$(json -q "$tmp/report" | jq -s 'map(select(.metric).value) | .[0] - .[1]')
                assert_near "$sum" "$change" 0.05
        done
}

@test "a task gives the scores of its cache" {
        for method in eap eap-ig-inputs clean-corrupted; do
                for model in gpt2-a llama-a; do
                        hap-attrib -q --method $method -m "$golden/$model/model" -o "$tmp/a" $model.task
                        hap-attrib -q --method $method -o "$tmp/b" $model.cache
                        assert_alike "$tmp/a" "$tmp/b" 2e-6
                done
        done
}

@test "a cache takes the place of the task it came with" {
        hap-forward -q -p -m "$golden/gpt2-a/model" gpt2-a.task | hap-attrib -q >"$tmp/scores"
        assert_same "$tmp/scores" <(hap-attrib -q gpt2-a.cache)
}

@test "the order of the examples does not matter" {
        tac "$golden/gpt2-a/prompts.jsonl" | hap-task -q --from - |
                hap-attrib -q -m "$golden/gpt2-a/model" -o "$tmp/scores"
        assert_alike "$tmp/scores" gpt2-a.eap 2e-6
}

@test "an example counts once: scores of a set are the mean of its halves" {
        for half in '1,4p' '5,8p'; do
                sed -n $half "$golden/gpt2-a/prompts.jsonl" | hap-task -q --from - |
                        hap-attrib -q -m "$golden/gpt2-a/model" >"$tmp/half.$half"
        done
        jq -n --argjson a "$(scores_map -q "$tmp/half.1,4p")" --argjson b "$(scores_map -q "$tmp/half.5,8p")" \
                '$a | with_entries(.value = (.value + $b[.key]) / 2)' >"$tmp/mean"
        scores_map -q gpt2-a.eap >"$tmp/all"
        assert_near_maps "$tmp/all" "$tmp/mean" 2e-6
}

@test "threads, files and pipes change no byte" {
        for method in eap eap-ig-inputs eap-ig-activations exact mask-gradient; do
                hap-attrib -q -j 1 --method $method gpt2-a.cache >"$tmp/one"
                hap-attrib -q -j 2 --method $method <gpt2-a.cache >"$tmp/two"
                # shellcheck disable=SC2002 # a pipe is wanted
                cat gpt2-a.cache | hap-attrib -q -j 2 --method $method >"$tmp/three"
                assert_same "$tmp/one" "$tmp/two"
                assert_same "$tmp/one" "$tmp/three"
        done
}

@test "a cache in half precision gives nearly the same scores" {
        hap-forward -q --dtype f16 -m "$golden/gpt2-a/model" gpt2-a.task | hap-attrib -q -o "$tmp/scores"
        assert_alike "$tmp/scores" gpt2-a.eap 3e-3
}

@test "when the input is split, tok has the scores of input and pos has none" {
        hap-attrib -q --split-input -m "$golden/gpt2-a/model" -o "$tmp/task" gpt2-a.task
        hap-forward -q --split-input -m "$golden/gpt2-a/model" gpt2-a.task |
                hap-attrib -q -o "$tmp/scores"
        assert_alike "$tmp/task" "$tmp/scores" 2e-6
        scores_map -q "$tmp/scores" >"$tmp/split"
        jq 'with_entries(select(.key | startswith("pos->") | not) | .key |= sub("^tok->"; "input->"))' \
                "$tmp/split" >"$tmp/joined"
        scores_map -q gpt2-a.eap >"$tmp/eap"
        assert_near_maps "$tmp/joined" "$tmp/eap" 2e-6
        assert_equal "$(jq -c '[to_entries[] | select(.key | startswith("pos->")).value] | [length, min, max]' "$tmp/split")" \
                '[40,0,0]'
}

@test "memory does not grow with the number of examples" {
        # The address sanitizer keeps freed memory.
        export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=0:thread_local_quarantine_size_kb=0
        peak() { # EXAMPLES
                hap-task greater-than -n "$1" -m "$root/models/demo" -q |
                        hap-attrib -j 1 -m "$root/models/demo" 2>&1 >/dev/null |
                        sed -n 's/.*, \([0-9]*\) MB peak$/\1/p'
        }
        few=$(peak 30) many=$(peak 300)
        [[ -n $few && -n $many && $many -le $((few + 8)) ]] || fail "$few MB for 30, $many MB for 300"
}

@test "the header records how the scores were computed" {
        hap-attrib -q --method eap-ig-inputs --metric kl --steps 3 --ablation zero gpt2-a.cache >"$tmp/s"
        assert_equal "$(json -q "$tmp/s" | sed -n 1p | jq -c '[.kind, .examples, (.method | .name, .metric, .steps, .ablation, .sign), .task.examples, .graph.edges, has("dtype")]')" \
                '["scores",8,"eap-ig-inputs","kl",3,"zero","positive: corrupting the edge hurts",8,262,false]'
}

@test "KL at the full model is refused, where its gradient is zero" {
        assert_refused 2 "is zero for every edge" hap-attrib --method eap --metric kl gpt2-a.cache
        assert_refused 2 "is zero for every edge" \
                hap-attrib --method mask-gradient --metric kl gpt2-a.cache
}

@test "--prompts N gives the scores of the first N examples" {
        hap-task ioi -q -n 20 -m "$root/models/demo" -o "$tmp/all"
        { json "$tmp/all" | head -n 8 | jq -c 'del(.records, .crc32)' && echo '{"end": "task"}'; } |
                hap-convert -q --from json -o "$tmp/seven"
        hap-forward -q -m "$root/models/demo" -o "$tmp/cache" "$tmp/all"
        for method in eap atp-star; do
                hap-attrib -q -m "$root/models/demo" --method $method -o "$tmp/want" "$tmp/seven"
                for input in all cache; do
                        hap-attrib -q -m "$root/models/demo" --method $method --prompts 7 -o "$tmp/got" "$tmp/$input"
                        assert_equal "$(json "$tmp/got" | head -n 1 | jq .examples)" 7
                        jq -en --argjson a "$(scores_map "$tmp/want")" --argjson b "$(scores_map "$tmp/got")" '
                                ([$a[] | fabs] | max) as $most
                                | all($a | keys[]; ($a[.] - $b[.] | fabs) < 1e-5 * $most)' >/dev/null ||
                                fail "$method, $input"
                done
        done
        assert_refused 2 "--prompts cannot be combined with --merge" hap-attrib --merge mean --prompts 7 "$tmp/want"
}

@test "finite weights whose logits are not finite are refused by name, not scored" {
        # the embedding of one token overflows on its way through the model
        cp -r "$root/tests/golden/families/neox" "$tmp/model"
        python3 - "$tmp/model/model.safetensors" <<'END'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
n, = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + n])
entry = next(v for k, v in header.items() if k.endswith("embed_out.weight"))
assert entry["dtype"] == "F32"
begin, end = (8 + n + x for x in entry["data_offsets"])
data[begin:end] = struct.pack("<f", 3e38) * ((end - begin) // 4)
open(sys.argv[1], "wb").write(data)
END
        echo '{"clean": [1, 5, 9, 2], "corrupted": [1, 6, 9, 2], "answer": 3, "wrong": 4}' >"$tmp/lines"
        hap-task -q --from "$tmp/lines" -m "$tmp/model" -o "$tmp/task"
        for command in 'hap-attrib --method exact --metric kl' 'hap-attrib --method ifr' hap-forward \
                'hap-ablate --steps 2' 'hap-prune --recipe edge-pruning --edges 3 --steps 5' \
                'hap-prune --edges 5' 'hap-prune --recipe acdc --set threshold=0.1' 'hap-eval --full'; do
                # shellcheck disable=SC2086 # options
                assert_refused 3 "not finite" $command -m "$tmp/model" "$tmp/task"
        done
        assert_refused 3 "not finite" hap-task --check --predict --from "$tmp/lines" -m "$tmp/model"
}

@test "an example whose scores are not finite is named" {
        json -q gpt2-a.cache | jq -c 'if .id == "3" then
                .corrupted_outputs.data["$bin"] |= ("AADAfwAAwH8AAMB/" * (length / 16 | floor)) + .[(length / 16 | floor) * 16:]
                elif has("end") then {"end": "cache"} else . end' >"$tmp/json"
        hap-convert -q --from json "$tmp/json" >"$tmp/nan"
        assert_refused 3 "example '3'" hap-attrib "$tmp/nan"
        assert_refused 3 "example '3'" hap-attrib --method exact "$tmp/nan"
}

@test "examples without the answers that a metric needs are named" {
        echo '{"id":"odd","clean":[1,2,3],"corrupted":[1,4,3],"answer":5}' | hap-task -q --from - -o "$tmp/task"
        assert_refused 3 "'odd': it has no wrong answers, which logit-diff needs; use --metric prob-diff, or kl with an eap-ig method" \
                hap-attrib -m "$golden/gpt2-a/model" "$tmp/task"
        hap-attrib -q --metric prob-diff -m "$golden/gpt2-a/model" "$tmp/task" >"$tmp/scores"
        echo '{"id":"odd","clean":[1,2,3],"corrupted":[1,4,3],"at":[2]}' | hap-task -q --from - -o "$tmp/task"
        assert_refused 3 "it has no answers, which prob-diff needs; use --metric kl with an eap-ig method" \
                hap-attrib --metric prob-diff -m "$golden/gpt2-a/model" "$tmp/task"
        hap-attrib -q --method eap-ig-inputs --metric kl -m "$golden/gpt2-a/model" "$tmp/task" >"$tmp/scores"
}

@test "no examples, two sets of them, and another graph's circuit are refused" {
        assert_refused 3 "the input contains no task or cache" hap-attrib gpt2-a.eap
        assert_refused 3 "'gpt2-a.cache' already contains examples" hap-attrib gpt2-a.cache gpt2-a.cache
        hap-task -q -n 3 ioi -m "$root/models/demo" -o "$tmp/three"
        hap-task -q -n 3 ioi --split test -m "$root/models/demo" -o "$tmp/tested"
        hap-forward -q -m "$root/models/demo" "$tmp/three" -o "$tmp/three.cache"
        hap-attrib -q "$tmp/three" "$tmp/three.cache" >"$tmp/scores"
        assert_refused 3 "'$tmp/three.cache': it is not the cache of the task in '$tmp/tested'" \
                hap-attrib -m "$root/models/demo" "$tmp/tested" "$tmp/three.cache"
        assert_refused 2 "--split-input is for a task: hap-forward wrote 'gpt2-a.cache' without it" \
                hap-attrib --split-input gpt2-a.cache
        assert_refused 3 "made for" hap-attrib --method mask-gradient gpt2-a.cache llama-a.circuit
        assert_refused 3 "made for model" hap-attrib -m "$golden/llama-a/model" gpt2-a.cache
        assert_refused 2 "steps" hap-attrib --method eap-ig-inputs --steps 0 gpt2-a.cache
        for method in eap clean-corrupted exact mask-gradient; do
                assert_refused 2 "--steps has no effect with method '$method'" \
                        hap-attrib --method $method --steps 5 gpt2-a.cache
        done
}

@test "a cache whose tensors do not fit its tokens is refused by record" {
        json -q gpt2-a.cache | jq -c 'if .id == "2" then .corrupted_outputs.shape[1] = 4
                | .corrupted_outputs.data["$bin"] |= .[:10924] elif has("end") then {"end": "cache"} else . end' |
                hap-convert -q --from json >"$tmp/short"
        assert_refused 3 "record 2: its 'corrupted_outputs'" hap-attrib "$tmp/short"
}

@test "a cache cut anywhere gives exit status 3 and no scores" {
        for bytes in 1000 50000 $(($(stat -c %s gpt2-a.cache) - 1)); do
                head -c $bytes gpt2-a.cache >"$tmp/cut"
                assert_refused 3 "$tmp/cut" hap-attrib -o "$tmp/scores" "$tmp/cut"
                assert_file_not_exist "$tmp/scores"
        done
}

# assert_scores_of SCORES EDGES SHOULD: there are EDGES scores, and those of the edges in the map SHOULD
# are within 1e-4 of its largest and correlate.
assert_scores_of() {
        json -q "$1" | jq -sc --argjson edges "$2" --slurpfile s "$3" '
                [.[] | select(has("edge"))] as $all
                | if ($all | length) != $edges then error("not every edge has a score") else . end
                | [$all[] | select(.edge | in($s[0])) | {key: .edge, value: .score}] | from_entries' >"$tmp/is"
        assert_near_maps "$tmp/is" "$3" "$(jq '[.[] | fabs] | max * 1e-4' "$3")"
        jq -ne --slurpfile a "$tmp/is" --slurpfile b "$3" '
                [$b[0] | keys[] | [$a[0][.], $b[0][.]]] as $p | ($p | length) as $n
                | ([$p[][0]] | add / $n) as $x | ([$p[][1]] | add / $n) as $y
                | ([$p[] | (.[0] - $x) * (.[1] - $y)] | add)
                  / (([$p[] | (.[0] - $x) | . * .] | add | sqrt) * ([$p[] | (.[1] - $y) | . * .] | add | sqrt))
                | . >= 0.9999' >/dev/null || fail "the scores do not correlate"
}

@test "on SmolLM2 the scores are the library's: 2,000 of the largest edges and every 60th" {
        model=$root/models/smollm2/model.gguf
        skip_unless_model "$model"
        given=$golden/smollm2-eap.json
        jq -c '.examples[]' "$given" | hap-task -q --from - -m "$model" -o "$tmp/task"
        for name in EAP:eap EAP-IG-inputs:eap-ig-inputs; do
                hap-attrib -q -m "$model" --method "${name#*:}" -o "$tmp/scores" "$tmp/task"
                jq --arg m "${name%:*}" '.scores[$m]' "$given" >"$tmp/should"
                assert_scores_of "$tmp/scores" 123211 "$tmp/should"
        done
}

@test "on Gemma 3 EAP's scores are those of an edge graph of transformers' modules" {
        model=$root/models/gemma3/model.gguf
        skip_unless_model "$model"
        given=$golden/gemma3-eap.json
        jq -c '.examples[]' "$given" | hap-task -q --from - -m "$model" -o "$tmp/task"
        hap-attrib -q -m "$model" -o "$tmp/scores" "$tmp/task"
        jq .scores "$given" >"$tmp/should"
        assert_scores_of "$tmp/scores" 10342 "$tmp/should"
}

@test "for every family of models the two ways to eap's scores agree" {
        for i in 1 2 3; do
                echo "{\"clean\":[3,1,4,1$i,5,9,2],\"corrupted\":[3,1,7,1$i,8,2$i,2],\"answer\":5,\"wrong\":7}"
        done | hap-task -q --from - -o "$tmp/task"
        n=0
        for model in "$golden"/families/*; do
                [[ -d $model ]] || continue
                [[ ! -e $model/model.gguf ]] || model=$model/model.gguf
                hap-attrib -q -m "$model" -o "$tmp/eap" "$tmp/task"
                hap-attrib -q -m "$model" --method mask-gradient -o "$tmp/mask" "$tmp/task"
                assert_alike "$tmp/eap" "$tmp/mask" 1e-4
                n=$((n + 1))
        done
        [[ $n -ge 10 ]] || fail "only $n models"
}

@test "a task and a cache that need more than --max-memory are refused at once" {
        for input in gpt2-a.task gpt2-a.cache; do
                assert_refused 2 "hap-attrib: --max-memory allows 3 MB, prompts of" \
                        hap-attrib -j 2 --max-memory 3M -m "$golden/gpt2-a/model" "$input"
                hap-attrib -q --max-memory 1G -m "$golden/gpt2-a/model" -o "$tmp/limited" "$input"
                hap-attrib -q -m "$golden/gpt2-a/model" -o "$tmp/scores" "$input"
                assert_same "$tmp/limited" "$tmp/scores"
        done
        assert_refused 2 "--max-memory allows 3 MB" \
                bash -c "cat gpt2-a.cache | hap-attrib --max-memory 3M -m '$golden/gpt2-a/model'"
}

@test "a limit of memory does not hide that the examples are another model's" {
        assert_refused 3 "made for model" \
                hap-attrib --max-memory 1G -m "$golden/llama-a/model" gpt2-a.cache
}
