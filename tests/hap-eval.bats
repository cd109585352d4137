load helper

# Circuits of two small random models: the reference has their logits, from EAP-IG and
# Edge-Pruning, and jq computes the metrics from them.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        for model in gpt2-a llama-a; do
                golden=$root/tests/golden/$model
                hap-task -q --from "$golden/prompts.jsonl" -o $model.task
                hap-forward -q -m "$golden/model" -o $model.cache $model.task
                for i in 0 1 2; do
                        jq -c ".circuits[$i].edges[] | {edge: ., z: 1}" "$golden/circuits.json" |
                                circuit_of $model.cache >$model.circuit.$i
                done
                jq -c '.z | to_entries[] | {edge: .key, z: .value}' "$golden/edge-masks.json" |
                        circuit_of $model.cache >$model.masks
        done
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden
}

# all_edges CACHE Z: a circuit of every edge.
all_edges() {
        hap-attrib -q "$1" | json -q | jq -c --argjson z "$2" 'select(has("edge")) | {edge, z: $z}' |
                circuit_of "$1"
}

# expected MODEL FILE JQ: every example's metrics from its logits, which the jq filter
# selects from the file, and the full model's.
expected() {
        jq -n --slurpfile given "$golden/$1/$2" --slurpfile full "$golden/$1/logits.json" \
                --slurpfile prompts "$golden/$1/prompts.jsonl" '
                def log_p: (map(exp) | add | log) as $all | map(. - $all);
                def likeliest: . as $l | ($l | max) as $m | $l | index($m);
                [$given[0] | '"$3"'] as [$logits]
                | [range(8) as $i
                   | $logits[$i] as $l | $full[0].examples[$i].clean as $f | $prompts[$i] as $e
                   | ($l | log_p) as $q | ($f | log_p) as $p
                   | {kl: ([range($p | length) | ($p[.] | exp) * ($p[.] - $q[.])] | add),
                      "logit-diff": ($l[$e.answer] - $l[$e.wrong]),
                      "prob-diff": (($q[$e.answer] | exp) - ($q[$e.wrong] | exp)),
                      accuracy: (if ($l | likeliest) == $e.answer then 1 else 0 end),
                      "exact-match": (if ($l | likeliest) == ($f | likeliest) then 1 else 0 end),
                      "right-over-wrong": (if $l[$e.answer] > $l[$e.wrong] then 1 else 0 end)}
                   | to_entries[] | {key: "\(.key) \($i + 1)", value: .value}]
                | from_entries'
}

# each REPORT: {"METRIC ID": value} of the examples.
each() {
        json -q "$1" | jq -s '[.[] | select(has("id")) | {"\(.metric) \(.id)": .value}] | add'
}

means() {
        json -q "$1" | jq -sc '[.[] | select(has("sd")) | {"\(.circuit) \(.metric)": .value}] | add'
}

# check MODEL CIRCUIT FILE JQ OPTION ...: from the cache and from the task.
check() {
        local model=$1 circuit=$2 file=$3 filter=$4
        shift 4
        expected "$model" "$file" "$filter" >"$tmp/should"
        for input in $model.task $model.cache; do
                hap-eval -q --per-example -m "$golden/$model/model" "$@" -o "$tmp/report" "$input" "$circuit"
                each "$tmp/report" >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 4e-4
        done
}

every_circuit() { # KEY OPTION ...
        local key=$1
        shift
        for model in gpt2-a llama-a; do
                for i in 0 1 2; do
                        check $model $model.circuit.$i circuits.json ".circuits[$i].$key" "$@"
                done
        done
}

@test "circuits under interchange have the library's outputs" {
        every_circuit logits_interchange
}

@test "dead edges change nothing under interchange" {
        every_circuit logits_interchange --keep-dead
}

@test "circuits under zero ablation have the library's outputs, dead edges removed" {
        every_circuit logits_zero_pruned --ablation zero
}

@test "circuits under zero ablation with their dead edges have the reference's outputs" {
        every_circuit logits_zero_unpruned --ablation zero --keep-dead
}

@test "circuits under mean ablation have the reference's outputs, dead edges removed or not" {
        every_circuit logits_mean_pruned --ablation mean
        every_circuit logits_mean_unpruned --ablation mean --keep-dead
}

@test "fractional masks have Edge-Pruning's outputs" {
        for model in gpt2-a llama-a; do
                check $model $model.masks edge-masks.json .logits --keep-dead
                hap-eval -q --metric kl --keep-dead -o "$tmp/report" $model.cache $model.masks
                assert_near "$(json -q "$tmp/report" | jq 'select(has("sd")).value')" \
                        "$(jq .mean_kl "$golden/$model/edge-masks.json")" 5e-5
        done
}

@test "the edges reported dead are those that the library prunes" {
        for model in gpt2-a llama-a; do
                for i in 0 1 2; do
                        hap-eval --metric kl -o "$tmp/report" $model.cache $model.circuit.$i 2>"$tmp/said"
                        read -r edges dropped < <(jq -r ".circuits[$i] | [(.pruned_edges | length),
                                ((.edges | length) - (.pruned_edges | length))] | @tsv" "$golden/$model/circuits.json")
                        assert_equal "$(json -q "$tmp/report" | sed -n 1p | jq -c '.circuits[0] | [.edges, .dropped]')" \
                                "[$edges,$dropped]"
                        assert_equal "$(json -q "$tmp/report" | sed -n 2p | jq .edges)" "$edges"
                        [[ $dropped -eq 0 ]] || grep -q "$dropped of its .* edges are dead" "$tmp/said" ||
                                fail "$dropped are dead: $(cat "$tmp/said")"
                done
        done
}

@test "the full model agrees with itself, and its answers are those of the reference" {
        for model in gpt2-a llama-a; do
                all_edges $model.cache 1 >"$tmp/all"
                hap-eval -q --full --per-example -o "$tmp/report" $model.cache "$tmp/all"
                means "$tmp/report" >"$tmp/means"
                for name in full all; do
                        assert_near "$(jq ".[\"$name kl\"]" "$tmp/means")" 0 2e-6
                        assert_equal "$(jq ".[\"$name exact-match\"]" "$tmp/means")" 1
                        assert_equal "$(jq ".[\"$name accuracy\"]" "$tmp/means")" 1
                done
                expected $model logits.json '[.examples[].clean]' >"$tmp/should"
                json -q "$tmp/report" | jq -s '[.[] | select(has("id") and .circuit == "all")
                        | {"\(.metric) \(.id)": .value}] | add' >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 4e-4
        done
}

@test "the full model, which is not run again, has every metric's value of a circuit of all edges" {
        local all=kl,logit-diff,prob-diff,accuracy,exact-match,right-over-wrong,answer-logit
        all+=,answer-log-probability,answer-rank,kendall-tau,js
        for model in gpt2-a llama-a; do
                all_edges $model.cache 1 >"$tmp/all"
                hap-eval -q --full --metric $all --per-example --predict 3 -o "$tmp/report" $model.cache "$tmp/all"
                for circuit in full all; do
                        json -q "$tmp/report" | jq -s "[.[] | select(.circuit == \"$circuit\")
                                | if has(\"id\") and .metric then {(\"\(.metric) \(.id)\"): .value}
                                  elif .predictions then {(.id): .predictions[0][1]} else empty end] | add" \
                                >"$tmp/$circuit.json"
                done
                assert_equal "$(jq 'keys | map(select(contains(" ")) | split(" ")[0]) | unique | length' "$tmp/full.json")" 11
                assert_near_maps "$tmp/full.json" "$tmp/all.json" 2e-5
        done
}

@test "the empty circuit is the corrupted run" {
        for model in gpt2-a llama-a; do
                expected $model logits.json '[.examples[].corrupted]' >"$tmp/should"
                hap-eval -q --empty --per-example -o "$tmp/report" $model.cache
                each "$tmp/report" >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 4e-4
        done
}

@test "faithfulness is 1 for the full model, 0 for the empty circuit, and linear between" {
        hap-eval -q --full --empty --metric logit-diff,faithfulness -o "$tmp/report" \
                gpt2-a.cache gpt2-a.circuit.0
        json -q "$tmp/report" | jq -s '[.[] | select(.metric) | {"\(.circuit) \(.metric)": .value}] | add' >"$tmp/m"
        assert_equal "$(jq '."full faithfulness"' "$tmp/m")" 1
        assert_equal "$(jq '."empty faithfulness"' "$tmp/m" | sed 's/-//')" 0
        assert_near "$(jq '."gpt2-a.circuit.0 faithfulness"' "$tmp/m")" \
                "$(jq '(."gpt2-a.circuit.0 logit-diff" - ."empty logit-diff") / (."full logit-diff" - ."empty logit-diff")' "$tmp/m")" 1e-12
        # the same without reporting the full model and the empty circuit
        hap-eval -q --metric faithfulness -o "$tmp/alone" gpt2-a.cache gpt2-a.circuit.0
        assert_equal "$(json -q "$tmp/alone" | jq 'select(.metric).value')" \
                "$(jq '."gpt2-a.circuit.0 faithfulness"' "$tmp/m")"
        assert_equal "$(json -q "$tmp/alone" | sed -n 1p | jq -c '[.circuits[].name]')" '["gpt2-a.circuit.0"]'
}

@test "means and standard deviations are those of the examples" {
        hap-eval -q --per-example -o "$tmp/report" gpt2-a.cache gpt2-a.circuit.0
        json -q "$tmp/report" | jq -s '
                [.[] | select(has("id"))] | group_by(.metric)
                | map((map(.value) | add / length) as $m | {key: .[0].metric, value: {
                        value: $m, sd: (map((.value - $m) | . * .) | add / 7 | sqrt)}})
                | from_entries' >"$tmp/should"
        for metric in kl logit-diff prob-diff accuracy exact-match right-over-wrong; do
                for field in value sd; do
                        assert_near "$(json -q "$tmp/report" | jq "select(has(\"sd\") and .metric == \"$metric\").$field")" \
                                "$(jq ".[\"$metric\"].$field" "$tmp/should")" 1e-9
                done
        done
}

@test "one example's mean by position is itself, so that no circuit changes anything" {
        for model in gpt2-a llama-a; do
                sed -n 2p "$golden/$model/prompts.jsonl" | hap-task -q --from - -o "$tmp/one"
                hap-eval -q --ablation mean-position --empty --metric kl,exact-match \
                        -m "$golden/$model/model" -o "$tmp/report" "$tmp/one" $model.circuit.2
                json -q "$tmp/report" | jq -s '[.[] | select(.metric == "kl").value | fabs] | max' >"$tmp/kl"
                assert_near "$(cat "$tmp/kl")" 0 1e-5
                hap-eval -q --ablation mean --empty --metric kl -m "$golden/$model/model" "$tmp/one" |
                        json -q | jq -es 'any(.[]; .value > 0.01)' >/dev/null ||
                        fail "the mean over positions changes nothing"
        done
}

@test "several answers count together" {
        # the expected values come from the logits of the first prompt
        jq -c '.answers = [.answer, 5, 6] | .wrongs = [.wrong, 7] | del(.answer, .wrong)' \
                "$golden/gpt2-a/prompts.jsonl" | sed -n 1p | hap-task -q --from - -o "$tmp/task"
        hap-eval -q --full --per-example -m "$golden/gpt2-a/model" -o "$tmp/report" "$tmp/task"
        each "$tmp/report" >"$tmp/is"
        sed -n 1p "$golden/gpt2-a/prompts.jsonl" | jq --slurpfile full "$golden/gpt2-a/logits.json" '
                [.answer, 5, 6] as $a | [.wrong, 7] as $w | $full[0].examples[0].clean as $l
                | ($l | map(exp) | add) as $z
                | ([$a[] | $l[.] | exp] | add / $z) as $pa | ([$w[] | $l[.] | exp] | add / $z) as $pw
                | {"logit-diff 1": (([$a[] | $l[.]] | add / 3) - ([$w[] | $l[.]] | add / 2)),
                   "prob-diff 1": ($pa - $pw), "right-over-wrong 1": (if $pa > $pw then 1 else 0 end),
                   "accuracy 1": 1, "exact-match 1": 1, "kl 1": 0}' >"$tmp/should"
        assert_near_maps "$tmp/is" "$tmp/should" 2e-4
}

@test "metrics that need wrong answers are left out without them, or refused when asked for" {
        echo '{"clean":[1,2,3],"corrupted":[1,4,3],"answer":5}' | hap-task -q --from - -o "$tmp/task"
        hap-eval -q --full -m "$golden/gpt2-a/model" -o "$tmp/report" "$tmp/task"
        assert_equal "$(json -q "$tmp/report" | jq -r 'select(.metric).metric' | tr '\n' ' ')" \
                "kl prob-diff accuracy exact-match "
        assert_refused 3 "1 of 1 examples lack wrong answers, the first is '1'" \
                hap-eval --full --metric logit-diff -m "$golden/gpt2-a/model" "$tmp/task"
}

@test "one example without wrong answers is named, since it takes a metric from all" {
        printf '%s\n' '{"id":"a","clean":[1,2,3],"corrupted":[1,4,3],"answer":5,"wrong":6}' \
                '{"id":"b","clean":[1,2,3],"corrupted":[1,4,3],"answer":5}' |
                hap-task -q --from - -o "$tmp/task"
        run -0 --separate-stderr bash -c "hap-eval --full -m '$golden/gpt2-a/model' '$tmp/task' >'$tmp/report'"
        [[ $stderr == *"some metrics are left out: 1 of 2 examples lack wrong answers, the first is 'b'"* ]]
        run -0 --separate-stderr bash -c "hap-eval --full --metric kl -m '$golden/gpt2-a/model' '$tmp/task' >'$tmp/report'"
        [[ $stderr != *"left out"* ]]
}

@test "circuits are reported in their order, by the names of their files or those given" {
        hap-eval -q --metric kl gpt2-a.cache gpt2-a.circuit.0 gpt2-a.circuit.1 >"$tmp/report"
        assert_equal "$(json -q "$tmp/report" | jq -r 'select(.metric).circuit' | tr '\n' ',')" "gpt2-a.circuit.0,gpt2-a.circuit.1,"
        hap-eval -q --metric kl --name big --name small gpt2-a.circuit.0 gpt2-a.cache gpt2-a.circuit.1 >"$tmp/named"
        assert_equal "$(json -q "$tmp/named" | jq -r 'select(.metric).circuit' | tr '\n' ',')" "big,small,"
        assert_equal "$(json -q "$tmp/report" | jq -c 'select(.metric).value')" \
                "$(json -q "$tmp/named" | jq -c 'select(.metric).value')"
        assert_refused 2 "3 names for 2 circuits" \
                hap-eval --name a --name b --name c gpt2-a.cache gpt2-a.circuit.0 gpt2-a.circuit.1
        assert_refused 2 "called 'a'" \
                hap-eval --name a --name a gpt2-a.cache gpt2-a.circuit.0 gpt2-a.circuit.1
        assert_refused 2 "called 'full'" hap-eval --full --name full gpt2-a.cache gpt2-a.circuit.0
        hap-eval -q --metric faithfulness --name full -o "$tmp/full" gpt2-a.cache gpt2-a.circuit.0
        assert_equal "$(json -q "$tmp/full" | jq -r 'select(.metric).circuit')" full
}

@test "a circuit is named by its file, without folders if that is enough; others by their number" {
        named() { hap-eval -q --metric kl --resamples 0 "$@" | json | jq -rs '[.[] | select(.metric).circuit] | join(",")'; }
        cp gpt2-a.circuit.0 "$tmp/x"
        mkdir "$tmp/a" "$tmp/b"
        cp gpt2-a.circuit.0 "$tmp/a/x"
        cp gpt2-a.circuit.0 "$tmp/b/y"
        cat gpt2-a.circuit.0 gpt2-a.circuit.1 >"$tmp/two"
        cp gpt2-a.circuit.0 "$tmp/full"
        cp gpt2-a.circuit.0 "$tmp/new"$'\n'line
        cache=$PWD/gpt2-a.cache
        cd "$tmp"
        assert_equal "$(named "$cache" x b/y)" x,y
        assert_equal "$(named "$cache" x a/x b/y)" x,a/x,y
        assert_equal "$(named "$cache" x two)" "x,circuit 2,circuit 3"
        assert_equal "$(named "$cache" - <x)" "circuit 1"
        assert_equal "$(named "$cache" <(cat x))" "circuit 1"
        assert_equal "$(named "$cache" full new*)" "circuit 1,circuit 2"
        # a name that is given, or in the header, comes first, and files do not take it
        assert_equal "$(named --name y "$cache" x b/y)" y,b/y
        json x | jq -c 'if .hap then .name = "mine" else . end | del(.crc32)' | hap-convert -q --from json -o header
        assert_equal "$(named "$cache" header x)" mine,x
}

@test "faithfulness is a default where the full model and the empty circuit are reported" {
        metrics() { json "$1" | jq -rs '[.[] | select(.metric).metric] | unique | join(",")'; }
        six=accuracy,exact-match,kl,logit-diff,prob-diff,right-over-wrong
        hap-eval -q --full -o "$tmp/full" gpt2-a.cache gpt2-a.circuit.0
        assert_equal "$(metrics "$tmp/full")" "$six"
        hap-eval -q --full --empty -o "$tmp/both" gpt2-a.cache gpt2-a.circuit.0
        assert_equal "$(metrics "$tmp/both")" "${six/,kl/,faithfulness,kl}"
        hap-eval -q --metric faithfulness -o "$tmp/asked" gpt2-a.cache gpt2-a.circuit.0
        assert_equal "$(json "$tmp/both" | jq 'select(.metric == "faithfulness" and .circuit == "gpt2-a.circuit.0").value')" \
                "$(json "$tmp/asked" | jq 'select(.metric).value')"
        # it is left out where it is not defined
        head -1 "$golden/gpt2-a/prompts.jsonl" | jq -c '.corrupted = .clean' | hap-task -q --from - -o "$tmp/same"
        run -0 hap-eval -m "$golden/gpt2-a/model" --full --empty -o "$tmp/none" "$tmp/same" gpt2-a.circuit.0
        assert_line --partial "faithfulness is left out: cannot normalise"
        assert_equal "$(metrics "$tmp/none")" "$six"
}

# complement_is_rest CACHE CIRCUIT OPTION ...: under zero ablation, where dead edges count.
complement_is_rest() {
        local cache=$1 circuit=$2
        shift 2
        json -q "$circuit" | jq -c 'select(has("edge"))' >"$tmp/given"
        all_edges "$cache" 1 | json -q | jq -c --slurpfile given "$tmp/given" '
                ($given | map({key: .edge, value: .z}) | from_entries) as $z
                | select(has("edge")) | .z = 1 - ($z[.edge] // 0) | select(.z > 0)' |
                circuit_of "$cache" >"$tmp/rest"
        hap-eval -q --ablation zero "$@" -o "$tmp/should" "$cache" "$tmp/rest"
        hap-eval -q --ablation zero "$@" --complement -o "$tmp/report" "$cache" "$circuit"
        jq -ne --arg name "${circuit##*/}" --argjson a "$(means "$tmp/should")" --argjson b "$(means "$tmp/report")" '
                [$a | to_entries[] | .value - $b[.key | sub("^rest"; ($name + ", cut out"))]]
                | length == 6 and all(fabs | . >= 0 and . < 1e-5)'
}

@test "a complement is the circuit of 1 - z, fractions too" {
        for model in gpt2-a llama-a; do
                complement_is_rest $model.cache $model.circuit.1 --keep-dead
                complement_is_rest $model.cache $model.masks --keep-dead
                # has no dead edges, but leaves some
                hap-attrib -q $model.cache | hap-select -q --keep 30% -o "$tmp/c"
                complement_is_rest $model.cache "$tmp/c"
        done
}

@test "a circuit made under another ablation is named, and only where it is" {
        hap-attrib -q --ablation zero gpt2-a.cache | hap-select -q --keep 50% -o "$tmp/zero"
        hap-prune -q --steps 2 --edges 20 --ablation mean -o "$tmp/mean" gpt2-a.cache
        run -0 hap-eval --name a --name b -o "$tmp/report" gpt2-a.cache "$tmp/zero" "$tmp/mean"
        assert_line "hap-eval: a: made under zero ablation, measured under interchange"
        assert_line "hap-eval: b: made under mean ablation, measured under interchange"
        run -0 hap-eval --ablation mean -o "$tmp/report" gpt2-a.cache "$tmp/mean" gpt2-a.circuit.0
        refute_output --partial "made under"
        # selected by several scores: whichever of them it is
        hap-attrib -q -o "$tmp/scores" gpt2-a.cache
        hap-attrib -q --ablation zero --method eap-ig-inputs gpt2-a.cache |
                hap-select -q --union --keep 50% -o "$tmp/both" "$tmp/scores" -
        run -0 hap-eval -o "$tmp/report" gpt2-a.cache "$tmp/both"
        assert_line "hap-eval: both: made under zero ablation, measured under interchange"
        run -0 hap-eval --ablation zero -o "$tmp/report" gpt2-a.cache "$tmp/both"
        assert_line "hap-eval: both: made under interchange ablation, measured under zero"
}

@test "threads, files, pipes and cat change no byte" {
        local names=(--name a --name b) # without them, circuits have the names of their files
        hap-eval -q -j 1 "${names[@]}" gpt2-a.cache gpt2-a.circuit.0 gpt2-a.circuit.1 >"$tmp/one"
        hap-eval -q -j 2 "${names[@]}" gpt2-a.cache gpt2-a.circuit.0 gpt2-a.circuit.1 >"$tmp/two"
        cat gpt2-a.cache gpt2-a.circuit.0 gpt2-a.circuit.1 | hap-eval -q "${names[@]}" >"$tmp/three"
        hap-eval -q "${names[@]}" - gpt2-a.circuit.0 gpt2-a.circuit.1 <gpt2-a.cache >"$tmp/four"
        for i in two three four; do
                assert_same "$tmp/one" "$tmp/$i"
        done
}

@test "a circuit without edges is evaluated and reported as empty" {
        circuit_of gpt2-a.cache </dev/null >"$tmp/none"
        hap-eval --metric kl --empty -o "$tmp/report" gpt2-a.cache "$tmp/none" 2>"$tmp/said"
        grep -q "none: no edge is left" "$tmp/said" || fail "$(cat "$tmp/said")"
        assert_equal "$(json -q "$tmp/report" | jq 'select(.metric).value' | uniq | wc -l)" 1
}

@test "nothing to evaluate, or on, and unknown metrics are refused" {
        assert_refused 3 "the input contains no circuit" hap-eval gpt2-a.cache
        assert_refused 3 "the input contains no task or cache" hap-eval gpt2-a.circuit.0
        assert_refused 3 "'gpt2-a.cache' already contains examples" hap-eval --full gpt2-a.cache gpt2-a.cache
        assert_refused 2 "there is no metric 'klx'" hap-eval --metric kl,klx gpt2-a.cache gpt2-a.circuit.0
        assert_refused 2 "given twice" hap-eval --metric kl,kl gpt2-a.cache gpt2-a.circuit.0
        assert_refused 2 "there is no metric ''" hap-eval --metric kl, gpt2-a.cache gpt2-a.circuit.0
}

@test "another model's circuit is refused" {
        assert_refused 3 "made for model" hap-eval gpt2-a.cache llama-a.circuit.0
}

@test "a cut cache, task or circuit gives exit status 3 and no report" {
        for stream in gpt2-a.cache gpt2-a.circuit.0; do
                head -c $(($(stat -c %s $stream) - 3)) $stream >"$tmp/cut"
                other=gpt2-a.cache
                [[ $stream == *.circuit.0 ]] || other=gpt2-a.circuit.0
                assert_refused 3 "$tmp/cut" hap-eval -o "$tmp/report" "$tmp/cut" $other
                assert_file_not_exist "$tmp/report"
        done
}

# tracr_eval KEEP OPTION ...: mean share of positions at which the compiled model that
# reverses its input gives the same output with the edges that jq keeps of the known
# circuit: under zero ablation all valid inputs, else pairs of 5 tokens each.
tracr_eval() {
        local tracr=$golden/tracr-reverse keep=$1 kind=$2
        shift 2
        jq -sc '[.[].ids | select(length == 6)] as $i | range(0; 240; 7)
                | {clean: $i[.], corrupted: $i[(. * 31 + 5) % 243], at: [1, 2, 3, 4, 5]}' "$tracr/io.jsonl" >"$tmp/pairs"
        if [[ $kind == zero ]]; then
                jq -c '{clean: .ids, corrupted: .ids, at: [range(1; .ids | length)]}' "$tracr/io.jsonl" >"$tmp/pairs"
        fi
        hap-task -q --from "$tmp/pairs" -o "$tmp/task"
        { echo '{"hap":1,"kind":"circuit","graph":{"layers":4,"heads":1,"input":"split"}}' &&
                tracr_edges "$tracr" ".${kind}_ablation | (.edges_split // .edges)" |
                jq -Rnc '[inputs | {edge: sub("^input"; "tok"), z: 1}] | '"$keep"' | .[]' &&
                echo '{"end":"circuit"}'; } >"$tmp/json"
        hap-convert -q --from json -o "$tmp/circuit" "$tmp/json"
        hap-eval -q -m "$tracr" --metric exact-match --ablation "$kind" "$tmp/task" "$tmp/circuit" |
                json -q | jq 'select(.metric).value'
}

@test "the known circuits of a compiled model do all that it does, and not without any edge" {
        assert_equal "$(tracr_eval . zero)" 1
        assert_equal "$(tracr_eval . interchange)" 1
        for i in 0 1 2 3 4 5 6 7 8 9 10; do
                value=$(tracr_eval "del(.[$i])" zero)
                jq -ne "$value < 1" >/dev/null || fail "the circuit needs no edge $i"
        done
        for i in 0 1; do
                value=$(tracr_eval "del(.[$i])" interchange)
                jq -ne "$value < 1" >/dev/null || fail "the circuit needs no edge $i"
        done
}

@test "input that needs more than --max-memory is refused at once" {
        for input in gpt2-a.task gpt2-a.cache; do
                assert_refused 2 "hap-eval: --max-memory allows 3 MB, " \
                        hap-eval -j 2 --full --max-memory 3M -m "$golden/gpt2-a/model" "$input"
                hap-eval -q --full --max-memory 1G -m "$golden/gpt2-a/model" -o "$tmp/limited" "$input"
                hap-eval -q --full -m "$golden/gpt2-a/model" -o "$tmp/report" "$input"
                assert_same "$tmp/limited" "$tmp/report"
        done
}

# swapped MODEL: the prompts with clean and corrupted exchanged.
swapped() {
        jq -c '. + {clean: .corrupted, corrupted: .clean}' "$golden/$1/prompts.jsonl"
}

# ablated MODEL TASK ABLATION OPTION ...: the examples' values.
ablated() {
        local model=$1 task=$2 ablation=$3
        shift 3
        hap-eval -q --per-example -m "$golden/$model/model" --ablation "$ablation" --metric kl,logit-diff \
                "$@" -o "$tmp/ablated" "$task"
        json "$tmp/ablated" | jq -s '[.[] | select(has("id")) | {"\(.metric) \(.id)": .value}] | add'
}

@test "means over the corrupted prompts and over both are means over clean prompts of other tasks" {
        for model in gpt2-a llama-a; do
                swapped $model | hap-task -q --from - -o "$tmp/swapped"
                { cat "$golden/$model/prompts.jsonl"; swapped $model; } | jq -c 'del(.id)' |
                        hap-task -q --from - -o "$tmp/both"
                for position in "" -position; do
                        # without edges nothing but the means is left, and the clean run does not matter
                        ablated $model $model.task mean-corrupted$position --empty >"$tmp/is"
                        ablated $model "$tmp/swapped" mean$position --empty >"$tmp/should"
                        for map in is should; do
                                jq 'with_entries(select(.key | startswith("logit-diff")))' "$tmp/$map" >"$tmp/$map.diff"
                        done
                        assert_near_maps "$tmp/is.diff" "$tmp/should.diff" 1e-5
                        # the mean over both is the mean over the clean prompts of a task of both
                        ablated $model $model.task mean-both$position $model.circuit.1 >"$tmp/is"
                        ablated $model "$tmp/both" mean$position $model.circuit.1 |
                                jq --slurpfile is "$tmp/is" 'with_entries(select($is[0][.key]))' >"$tmp/should"
                        assert_near_maps "$tmp/is" "$tmp/should" 1e-5
                        # and all three agree where clean and corrupted are the same
                        jq -c '.corrupted = .clean' "$golden/$model/prompts.jsonl" | hap-task -q --from - -o "$tmp/same"
                        ablated $model "$tmp/same" mean$position $model.circuit.1 >"$tmp/should"
                        for kind in corrupted both; do
                                ablated $model "$tmp/same" mean-$kind$position $model.circuit.1 >"$tmp/is"
                                assert_near_maps "$tmp/is" "$tmp/should" 1e-5
                        done
                done
        done
}

@test "faithfulness of each example is scaled between its own full model and empty circuit" {
        hap-eval -q --per-example --full --empty --metric logit-diff,example-faithfulness -o "$tmp/report" \
                gpt2-a.cache gpt2-a.circuit.0
        json "$tmp/report" | jq -es '[.[] | select(has("id"))] as $r
                | [$r[] | select(.metric == "example-faithfulness")] | length == 24 and all(. as $f
                | ([$r[] | select(.metric == "logit-diff" and .id == $f.id)]
                   | map({key: .circuit, value}) | from_entries) as $d
                | ($f.value - ($d[$f.circuit] - $d.empty) / ($d.full - $d.empty) | fabs) < 1e-9)' >/dev/null
        json "$tmp/report" | jq -es '[.[] | select(.metric == "example-faithfulness" and .circuit == "gpt2-a.circuit.0")]
                | (map(select(has("id")).value) | add / length) - (.[] | select(has("sd")).value) | fabs < 1e-9' >/dev/null
        head -1 "$golden/gpt2-a/prompts.jsonl" | jq -c '.corrupted = .clean' | hap-task -q --from - -o "$tmp/same"
        assert_refused 3 "example '1': cannot normalise" \
                hap-eval --full --metric example-faithfulness -m "$golden/gpt2-a/model" "$tmp/same"
}

@test "metrics on request are reported by name only" {
        hap-eval -q --metric answer-logit,answer-log-probability,answer-rank,kendall-tau,js \
                -o "$tmp/report" gpt2-a.cache gpt2-a.circuit.0
        assert_equal "$(json "$tmp/report" | jq -r 'select(.metric).metric' | tr '\n' ' ')" \
                "answer-logit answer-log-probability answer-rank kendall-tau js "
}

@test "the interval of example faithfulness is that of the mean of its examples" {
        hap-eval -q --per-example --metric example-faithfulness -o "$tmp/report" gpt2-a.cache gpt2-a.circuit.0
        json "$tmp/report" | jq -es '(map(select(has("id")).value) | (add / length) as $mean
                | (map(. - $mean | . * .) | add / length / (length - 1) | sqrt)) as $se
                | .[] | select(has("low")) | (.se - $se | fabs) < 1e-9 * $se and .low < .value
                and .value < .high and .high - .low > 2 * $se and .high - .low < 8 * $se' >/dev/null
}
