load helper

# Merged scores, scores of single examples, and selection with them.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden/gpt2-a
        hap-task -q --from "$golden/prompts.jsonl" | hap-forward -q -m "$golden/model" -o cache
        for method in eap relp eap-ig-inputs; do
                hap-attrib -q --method $method -o $method cache
                scores_map -q $method >$method.map
        done
        hap-attrib -q --per-example -o examples cache
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden/gpt2-a
}

# example_values STREAM: {"id": [numbers]} of the scores of single examples.
example_values() {
        json -q "$1" | python3 -c '
import base64, json, struct, sys
out = {}
for line in sys.stdin:
    d = json.loads(line)
    if "scores" in d and "id" in d:
        t = d["scores"]
        data = base64.b64decode(t["data"]["$bin"])
        n = t["shape"][0]
        v = struct.unpack(f"<{n}" + ("e" if t["dtype"] == "f16" else "f"), data)
        out[d["id"]] = [x * d.get("scale", 1) for x in v]
print(json.dumps(out))'
}

merged() { # HOW JQ-EXPRESSION OF [a, b, c]
        hap-attrib -q --merge "$1" eap relp eap-ig-inputs | scores_map -q >"$tmp/is"
        jq -n --slurpfile a eap.map --slurpfile b relp.map --slurpfile c eap-ig-inputs.map \
                '$a[0] | keys_unsorted | map({key: ., value: ([$a[0][.], $b[0][.], $c[0][.]] | '"$2"')}) | from_entries' >"$tmp/should"
        assert_near_maps "$tmp/is" "$tmp/should" 1e-12
}

@test "--merge mean, min and max are those of the scores" {
        merged mean 'add / 3'
        merged min min
        merged max max
        assert_equal "$(hap-attrib -q --merge mean eap relp | json -q | sed -n 1p | jq -c '[.kind, .method.name, (.method.merged | map(.name))]')" \
                '["scores","mean of eap, relp",["eap","relp"]]'
        hap-attrib -q --merge max eap | scores_map -q >"$tmp/is"
        assert_same "$tmp/is" eap.map
}

@test "--merge rank is the mean rank by magnitude from 0 to 1, equal scores share theirs" {
        ranks() {
                jq '[to_entries[] | .value |= fabs] as $e | ($e | length) as $n | ($e | map(.value) | sort) as $s
                        | $e | map(.value as $v | .value = ((($s | index($v)) + ($n - 1 - ($s | reverse | index($v)))) / 2 / ($n - 1))) | from_entries' "$1"
        }
        ranks eap.map >"$tmp/a"
        ranks relp.map >"$tmp/b"
        jq -n --slurpfile a "$tmp/a" --slurpfile b "$tmp/b" '$a[0] | with_entries(.value = (.value + $b[0][.key]) / 2)' >"$tmp/should"
        hap-attrib -q --merge rank eap relp | scores_map -q >"$tmp/is"
        assert_near_maps "$tmp/is" "$tmp/should" 1e-12
        # relp gives 0 to all edges into q and k: they share one rank
        [[ $(jq '[.[] | select(. == 0)] | length' relp.map) -gt 50 ]]
}

@test "--merge refuses other models, options of attribution, and inputs without scores" {
        hap-task -q --from "$golden/../llama-a/prompts.jsonl" | hap-attrib -q -m "$golden/../llama-a/model" -o "$tmp/llama"
        assert_refused 3 "its graph is not that of" hap-attrib --merge mean eap "$tmp/llama"
        assert_refused 2 "--method cannot be combined with --merge" hap-attrib --merge mean --method eap eap
        assert_refused 2 "--nodes cannot be combined with --merge" hap-attrib --merge mean --nodes eap
        assert_refused 3 "the input contains no scores" hap-attrib --merge mean cache
        # an edge that one section does not have is left out
        json -q eap | jq -c 'select(.edge != "m0->m1")' | jq -c 'if has("end") then {end: "scores"} else . end' |
                hap-convert -q --from json >"$tmp/fewer"
        hap-attrib -q --merge mean eap "$tmp/fewer" | scores_map -q >"$tmp/is"
        jq 'del(.["m0->m1"])' eap.map >"$tmp/should"
        assert_near_maps "$tmp/is" "$tmp/should" 1e-15
}

@test "scores of single examples are those of runs of each alone, and their mean is the scores" {
        example_values examples >"$tmp/values"
        i=0
        while read -r line; do
                id=$(json -q cache | jq -r "select(.id) | .id" | sed -n $((i + 1))p)
                echo "$line" | hap-task -q --from - | hap-attrib -q -m "$golden/model" | scores_map -q >"$tmp/should"
                jq --arg id "$id" --slurpfile names eap.map '[($names[0] | keys_unsorted), .[$id]] | transpose | map({key: .[0], value: .[1]}) | from_entries' "$tmp/values" >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 1e-5
                i=$((i + 1))
        done <"$golden/prompts.jsonl"
        scores_map -q examples >"$tmp/mean"
        assert_near_maps "$tmp/mean" eap.map 2e-6
        assert_equal "$(json -q examples | jq -c 'select(.kind) | [.kind, .of, .examples]' | tr -d '\n')" \
                '["scores",null,8]["example-scores","edges",8]'
}

@test "f16 halves the scores of examples and rounds them to 2^-11, or 2^-24 of the largest" {
        hap-attrib -q --per-example --dtype f16 -o "$tmp/half" cache
        jq -n --argjson a "$(example_values examples)" --argjson b "$(example_values "$tmp/half")" '
                [$a | keys[] as $k | ([$a[$k][] | fabs] | max) as $max
                 | [$a[$k], $b[$k]] | transpose[] | ((.[0] - .[1]) | fabs) <= ([(.[0] | fabs) * 0.00049, $max * 6e-8] | max)] | all' | grep -qx true
        assert_refused 2 "--dtype can only be used with --per-example" hap-attrib --dtype f16 cache
}

@test "every method gives scores of single examples whose mean is its scores, in any number of threads" {
        for method in relp grad-drop ifr exact mask-ig ugs; do
                hap-attrib -q --method $method -o "$tmp/scores" cache
                hap-attrib -q -j 1 --method $method --per-example -o "$tmp/one" cache
                hap-attrib -q -j 2 --method $method --per-example cache >"$tmp/two"
                cmp <(json -q "$tmp/one" | tail -n +2) <(json -q "$tmp/two" | tail -n +2)
                scores_map -q "$tmp/scores" >"$tmp/should"
                example_values "$tmp/one" | jq --slurpfile names "$tmp/should" '
                        [.[]] as $v | ($v | length) as $n | [($names[0] | keys_unsorted), ($v | transpose | map(add / $n))]
                        | transpose | map({key: .[0], value: .[1]}) | from_entries' >"$tmp/is"
                assert_near_maps "$tmp/is" "$tmp/should" 5e-6
        done
}

@test "--pnr takes its share of the best positive scores first, the rest by magnitude" {
        for share in 0.25 0.5 1; do
                hap-select -q --keep-dead --keep 40 --pnr $share eap | circuit_map -q | jq 'keys' >"$tmp/is"
                jq --argjson x $share '(40 * $x | round) as $n | to_entries as $e
                        | ($e | map(select(.value > 0)) | sort_by(-.value)[:$n] | map(.key)) as $first
                        | $first + ($e | map(select(.key | IN($first[]) | not)) | sort_by(-(.value | fabs))[:40 - ($first | length)] | map(.key)) | sort' eap.map >"$tmp/should"
                assert_same "$tmp/is" "$tmp/should"
        done
        hap-select -q --keep 40 --pnr 0 eap | circuit_map -q >"$tmp/none"
        hap-select -q --keep 40 eap | circuit_map -q >"$tmp/plain"
        assert_same "$tmp/none" "$tmp/plain"
        assert_refused 2 "cannot be combined with greedy selection" hap-select --keep 40 --pnr 0.5 --greedy eap
        assert_refused 2 "cannot be combined with a quota per layer" hap-select --keep 40 --pnr 0.5 --layer-quota eap
        assert_refused 2 "needs an amount" hap-select --threshold 0.1 --pnr 0.5 eap
}

@test "--bootstrap keeps edges whose mean is far from 0 in standard errors, and none that is near" {
        task() { hap-task -q ioi -n 40 -m "$root/models/demo"; }
        task | hap-attrib -q -m "$root/models/demo" --per-example -o "$tmp/examples"
        hap-select -q --bootstrap 1000 --keep-dead "$tmp/examples" | circuit_map -q | jq keys >"$tmp/kept"
        example_values "$tmp/examples" | jq --slurpfile names <(scores_map -q "$tmp/examples") '
                [($names[0] | keys_unsorted), ([.[]] | transpose | map(length as $n | (add / $n) as $m
                        | ((map((. - $m) * (. - $m)) | add) / ($n - 1) / $n | sqrt) as $se | if $se > 0 then ($m / $se | fabs) else 0 end))]
                | transpose | map({key: .[0], value: .[1]}) | from_entries' >"$tmp/t"
        jq -ne --slurpfile t "$tmp/t" --slurpfile kept "$tmp/kept" '$t[0] as $t | $kept[0] as $k
                | ([$t | to_entries[] | select(.value > 3.5) | .key] - $k | length == 0)
                and ([$k[] | select($t[.] < 1)] | length == 0) and ($k | length > 50)' >/dev/null ||
                fail "$(jq -nc --slurpfile t "$tmp/t" --slurpfile kept "$tmp/kept" '[$kept[0][] | {(.): $t[0][.]}] | add | to_entries | sort_by(.value) | .[:5]')"
        # a higher level keeps fewer, and --keep the best of them
        hap-select -q --bootstrap 1000 --confidence 99.9% --keep-dead "$tmp/examples" | circuit_map -q | jq keys >"$tmp/fewer"
        jq -ne --slurpfile a "$tmp/fewer" --slurpfile b "$tmp/kept" '($a[0] - $b[0] == []) and ($a[0] | length) < ($b[0] | length)' >/dev/null
        hap-select -q --bootstrap 1000 --keep 20 --keep-dead "$tmp/examples" | circuit_map -q >"$tmp/best"
        assert_equal "$(jq length "$tmp/best")" 20
        assert_same <(hap-select -q -j 1 --bootstrap 100 "$tmp/examples" | circuit_map -q) \
                <(hap-select -q -j 2 --bootstrap 100 "$tmp/examples" | circuit_map -q)
}

@test "--bootstrap needs scores of examples, of edges, and of two of them" {
        assert_refused 3 "the input contains no example-scores; it contains scores" hap-select --bootstrap 100 eap
        assert_refused 2 "--confidence can only be used with --bootstrap" hap-select --keep 3 --confidence 90% eap
        assert_refused 2 "--auto cannot be combined with --bootstrap" hap-select --auto --bootstrap 10 examples
        hap-attrib -q --nodes --per-example -o "$tmp/nodes" cache
        assert_refused 3 "its scores are of nodes" hap-select --bootstrap 100 "$tmp/nodes"
        head -n 1 "$golden/prompts.jsonl" | hap-task -q --from - | hap-attrib -q -m "$golden/model" --per-example -o "$tmp/one"
        assert_refused 3 "intervals need at least two examples" hap-select --bootstrap 100 "$tmp/one"
}

@test "hap-show prints scores of nodes, the largest first, and of examples" {
        hap-attrib -q --nodes -o "$tmp/nodes" cache
        best=$(json -q "$tmp/nodes" | jq -s '[.[] | select(.node)] | max_by(.score | fabs).node' -r)
        hap-show --top 3 "$tmp/nodes" >"$tmp/text"
        grep -qE "node-scores, 16 nodes" "$tmp/text"
        assert_equal "$(sed -n '/^$/,$p' "$tmp/text" | awk 'NF == 2 { print $1; exit }')" "$best"
        hap-show examples | grep -q "example-scores, 8 examples"
}
