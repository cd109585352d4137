load helper

# Scores of a 3-layer, 4-head model (262 edges), from the fixtures.

setup_file() {
        export EAP=$BATS_FILE_TMPDIR/eap IG=$BATS_FILE_TMPDIR/ig
        golden_scores scores-eap.json >"$EAP"
        golden_scores scores-eap-ig-inputs-5.json >"$IG"
}

# Lines of JSON, a header and scores, to a stream.
stream() {
        { cat && echo '{"end": "scores"}'; } | hap-convert -q --from json
}

header='{"hap":1,"kind":"scores","method":"eap","model":{"path":"gpt2-a","fingerprint":"00000000000000aa"},
        "graph":{"layers":3,"heads":4},"history":[{"name":"hap-attrib","version":"0","arguments":[]}]}'

golden_scores() {
        jq -c --argjson h "$header" \
                '$h, (.scores | to_entries[] | {edge: .key, score: .value})' \
                "$root/tests/golden/gpt2-a/$1" | stream
}

# The names of a circuit's edges, sorted.
edges() {
        json -q "$1" | jq -r 'select(has("edge")).edge' | sort
}

# The names of the edges that a jq filter selects from [{edge, score}, ...].
expected() {
        json -q "$1" | jq -rs "[.[] | select(has(\"edge\"))] | $2 | .[].edge" | sort
}

@test "the N edges of largest magnitude are selected, each with z = 1" {
        hap-select -q --keep 40 --keep-dead "$EAP" >"$tmp/c"
        edges "$tmp/c" >"$tmp/is"
        expected "$EAP" 'sort_by(-(.score | fabs)) | .[:40]' >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        assert_equal "$(circuit_map -q "$tmp/c" | jq -c '[.[]] | unique')" '[1]'
}

@test "with --signed the score itself counts" {
        hap-select -q --keep 40 --signed --keep-dead "$EAP" >"$tmp/c"
        edges "$tmp/c" >"$tmp/is"
        expected "$EAP" 'sort_by(-.score) | .[:40]' >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
}

@test "a circuit carries the scores of its edges, with their sign, as its ranking" {
        hap-select -q --keep 40 "$EAP" >"$tmp/c"
        assert_equal "$(json -q "$tmp/c" | jq -c "select(.hap).ranking")" '{"by":"magnitude"}'
        json -q "$tmp/c" | jq -r 'select(has("edge")) | "\(.edge) \(.score)"' | sort >"$tmp/is"
        json -q "$EAP" | jq -r 'select(has("edge")) | "\(.edge) \(.score)"' | sort >"$tmp/all"
        grep -q -- ' -' "$tmp/is"
        assert_equal "$(comm -23 "$tmp/is" "$tmp/all")" ""
        # so that pictures are those of the scores and the circuit together
        hap-show -q --top 15 "$tmp/c" | grep '^  .*->' >"$tmp/is"
        hap-show -q --top 15 "$EAP" "$tmp/c" | grep '^  .*->' | tail -n 15 >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        hap-show -q --svg "$tmp/c" | grep -c stroke-dasharray >"$tmp/dashed"
        hap-show -q --svg "$EAP" "$tmp/c" | grep -c stroke-dasharray | cmp - "$tmp/dashed"
        # a union of several sections has no common scale
        hap-select -q --keep 40 --signed "$EAP" >"$tmp/signed"
        assert_equal "$(json -q "$tmp/signed" | jq -c "select(.hap).ranking.by")" '"sign"'
        hap-select -q --keep 40 --union "$EAP" "$IG" >"$tmp/union"
        hap-select -q --union "$tmp/c" "$tmp/signed" >"$tmp/circuits"
        for circuit in union circuits; do
                assert_equal "$(json -q "$tmp/$circuit" | jq -c "select(.hap).ranking")" null
                assert_equal "$(json -q "$tmp/$circuit" | jq -s 'map(select(has("score"))) | length')" 0
        done
}

@test "a threshold keeps edges that score at least that much, and --keep limits their number" {
        hap-select -q --threshold 0.05 --keep-dead "$EAP" >"$tmp/c"
        edges "$tmp/c" >"$tmp/is"
        expected "$EAP" '[.[] | select(.score >= 0.05 or .score <= -0.05)]' >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        hap-select -q --threshold -0.05 --signed --keep-dead "$EAP" >"$tmp/c"
        edges "$tmp/c" >"$tmp/is"
        expected "$EAP" '[.[] | select(.score >= -0.05)]' >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        hap-select -q --threshold 0.05 --keep 7 --keep-dead "$EAP" >"$tmp/c"
        assert_equal "$(edges "$tmp/c" | wc -l)" 7
}

@test "a percentage is of the graph's edges, whatever has a score" {
        hap-select -q --keep 20% --keep-dead "$EAP" >"$tmp/c"
        assert_equal "$(edges "$tmp/c" | wc -l)" 52
        json -q "$EAP" | jq -c 'select(has("edge") | not), select(.score > 0.1)' |
                jq -c 'select(has("end") | not)' | stream >"$tmp/few"
        some=$(json -q "$tmp/few" | jq -r '.edge // empty' | wc -l)
        ((some > 1 && some < 52))
        hap-select -q --keep 20% --keep-dead "$tmp/few" >"$tmp/c"
        assert_equal "$(edges "$tmp/c" | wc -l)" "$some"
}

@test "among equal scores the edges with lower numbers come first" {
        for edge in 'm2->logits' 'm0->logits' 'input->m0' 'input->a0.h1<k>' 'input->a0.h1<q>'; do
                jq -nc --arg e "$edge" '{edge: $e, score: 1}'
        done | { jq -nc "$header" && cat; } | stream >"$tmp/s"
        hap-select -q --keep 3 --keep-dead "$tmp/s" >"$tmp/c"
        assert_equal "$(json -q "$tmp/c" | jq -r '.edge // empty' | tr '\n' ' ')" \
                'input->a0.h1<q> input->a0.h1<k> input->m0 '
}

@test "dead edges are dropped exactly as the peers drop them" {
        for i in 0 1 2; do
                jq -c --argjson h "$header" --argjson i $i '$h, (.circuits[$i].edges[] | {edge: ., score: 1})' \
                        "$root/tests/golden/gpt2-a/circuits.json" | stream >"$tmp/s"
                jq -r --argjson i $i '.circuits[$i].pruned_edges[]' \
                        "$root/tests/golden/gpt2-a/circuits.json" | sort >"$tmp/should"
                hap-select -q --threshold 1 "$tmp/s" >"$tmp/c"
                edges "$tmp/c" >"$tmp/is"
                assert_same "$tmp/is" "$tmp/should"
        done
}

@test "greedy grows from the logits: each choice is the one before and the best edge into it" {
        rm -f "$tmp/before"
        touch "$tmp/before"
        for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
                hap-select -q --greedy --keep $n --keep-dead "$EAP" >"$tmp/c"
                edges "$tmp/c" >"$tmp/is"
                # of all edges not there whose reader is there, the largest
                json -q "$EAP" | jq -rs --rawfile have "$tmp/before" '
                        ($have | split("\n") | map(select(. != ""))) as $have
                        | ($have | map(split("->")[0]) + ["logits"]) as $nodes
                        | [.[] | select(has("edge")) | select(.edge as $e | $have | index($e) | not)
                           | select((.edge | split("->")[1] | sub("<.>"; "")) as $r | $nodes | index($r))]
                        | ($have + [max_by(.score | fabs).edge])[]' | sort >"$tmp/should"
                assert_same "$tmp/is" "$tmp/should"
                cp "$tmp/is" "$tmp/before"
        done
}

@test "a quota per layer shares the edges out equally" {
        hap-select -q --layer-quota --keep 40 --keep-dead "$EAP" >"$tmp/c"
        for layer in 0 1 2; do
                assert_equal "$(edges "$tmp/c" | grep -cE -- "->(a$layer|m$layer)")" 10
        done
        assert_equal "$(edges "$tmp/c" | grep -c -- '->logits')" 10
}

@test "the union contains the edges selected from each section" {
        hap-select -q --keep 20 --keep-dead "$EAP" >"$tmp/a"
        hap-select -q --keep 20 --keep-dead "$IG" >"$tmp/b"
        hap-select -q --keep 20 --keep-dead --union "$EAP" "$IG" >"$tmp/c"
        sort -u <(edges "$tmp/a") <(edges "$tmp/b") >"$tmp/should"
        edges "$tmp/c" >"$tmp/is"
        (($(wc -l <"$tmp/is") > 20))
        assert_same "$tmp/is" "$tmp/should"
        assert_equal "$(json -q "$tmp/c" | jq -r '.kind // empty' | wc -l)" 1
}

@test "a union names the methods of all its sections, each once" {
        method() {
                json -q "$1" | sed -n 1p | jq -c .method
        }
        named='{"name":"mine","metric":"kl"}'
        json -q "$IG" | jq -c --argjson m "$named" 'if .kind then .method = $m else . end' |
                hap-convert -q --from json >"$tmp/mine"
        hap-select -q --keep 20 --union "$EAP" "$tmp/mine" "$tmp/mine" "$EAP" >"$tmp/c"
        a=$(method "$EAP")
        assert_equal "$(method "$tmp/c")" "{\"name\":\"${a//\"/} + mine\",\"united\":[$a,$named]}"
        hap-show "$tmp/c" | grep -F "${a//\"/} + mine"
        hap-select -q --keep 20 --union "$tmp/mine" "$tmp/mine" >"$tmp/c"
        assert_equal "$(method "$tmp/c")" "$named"
}

@test "without --union every section of scores gives its own circuit" {
        hap-select -q --keep 20 "$EAP" >"$tmp/a"
        hap-select -q --keep 20 "$IG" >"$tmp/b"
        cat "$EAP" "$IG" | hap-select -q --keep 20 >"$tmp/both"
        cat "$tmp/a" "$tmp/b" >"$tmp/should"
        assert_same "$tmp/both" "$tmp/should"
}

@test "edges and nodes of --always are kept in addition" {
        hap-select -q --keep 30 "$EAP" >"$tmp/a"
        hap-select -q --keep 30 --always a1.h2 --always 'm0->a2.h3<v>' "$EAP" >"$tmp/c"
        expected "$EAP" 'map(select(.edge | test("^a1.h2->|->a1.h2<") or . == "m0->a2.h3<v>"))' >"$tmp/named"
        assert_equal "$(wc -l <"$tmp/named")" $((3 * 6 + 15 + 1))
        edges "$tmp/c" >"$tmp/is"
        assert_equal "$(comm -13 "$tmp/is" "$tmp/named")" ""
        assert_equal "$(comm -13 "$tmp/is" <(edges "$tmp/a"))" ""
}

@test "--keep 0 selects only the named edges, --keep 100% the whole graph" {
        hap-select -q --keep 0 --keep-dead --always a0.h0 "$EAP" >"$tmp/named"
        (($(edges "$tmp/named" | wc -l) > 1))
        assert_equal "$(edges "$tmp/named" | grep -v a0.h0)" ""
        hap-select -q --keep 100% "$EAP" >"$tmp/all"
        assert_equal "$(edges "$tmp/all" | wc -l)" 262
}

@test "an amount that keeps no edge is refused" {
        for amount in 0 0% .1% "0 --threshold 1e9" "0 --union"; do
                # shellcheck disable=SC2086 # an option and its values
                assert_refused 2 "cannot select from '$EAP': that keeps none of its graph's 262 edges" \
                        hap-select -q --keep $amount -o "$tmp/none" "$EAP"
                [[ ! -e $tmp/none ]]
        done
        best=$(json -q "$EAP" | jq -s '[.[].score // 0 | fabs] | max')
        assert_refused 3 "no edge of '$EAP' reaches the threshold 1e+09: the best has $(printf %g "$best")" \
                hap-select --threshold 1e9 "$EAP"
        hap-select -q --keep-dead --threshold "$best" -o "$tmp/c" "$EAP"
        assert_equal "$(edges "$tmp/c" | wc -l)" 1
}

@test "the history has numbers as they were given" {
        hap-select -q --keep 12.3% --threshold 0.0001 -o "$tmp/c" "$EAP"
        assert_equal "$(json -q "$tmp/c" | head -n 1 | jq -c '.history[-1].arguments')" \
                '["--keep=12.3%","--threshold=0.0001"]'
}

@test "the header records the origin of the circuit and the number of edges kept" {
        hap-select -q --keep 40 "$EAP" >"$tmp/c"
        n=$(edges "$tmp/c" | wc -l)
        ((n < 40))
        run jq -c "[.kind, .method, .model.fingerprint, .selection.selected, .circuit.edges,
                .circuit.of, (.circuit.sparsity - (1 - $n / 262) | fabs < 1e-12),
                [.history[].name], .history[-1].arguments]" <(json -q "$tmp/c" | head -n 1)
        assert_output "[\"circuit\",\"eap\",\"00000000000000aa\",40,$n,262,true,[\"hap-attrib\",\"hap-convert\",\"hap-select\"],[\"--keep=40\"]]"
}

@test "the header records how edges were selected" {
        says() {
                assert_equal "$(hap-select -q "${@:2}" "$EAP" | json -q - | sed -n 1p |
                        jq -c '.selection | del(.selected)')" "$1"
        }
        says '{"order":"magnitude","sections":1,"keep":40}' --keep 40
        says '{"order":"signed","sections":1,"keep":52,"greedy":true}' --keep 20% --greedy --signed
        says '{"order":"magnitude","sections":1,"keep":40,"layer_quota":true}' --keep 40 --layer-quota
        says '{"order":"magnitude","sections":2,"threshold":0.05}' --threshold 0.05 --union "$IG"
}

@test "-p passes the input through, before the circuit" {
        hap-select -q --keep 40 "$EAP" >"$tmp/c"
        hap-select -q -p --keep 40 "$EAP" >"$tmp/p"
        cat "$EAP" "$tmp/c" >"$tmp/should"
        assert_same "$tmp/p" "$tmp/should"
        hap-select -q -p --union --keep 40 <"$EAP" >"$tmp/u"
        assert_equal "$(head -c "$(stat -c %s "$EAP")" "$tmp/u" | cmp - "$EAP" && echo same)" same
}

@test "missing, contradictory and unknown choices are wrong usage" {
        assert_refused 2 "one of --keep, --threshold, --auto and --bootstrap is needed" hap-select -q "$EAP"
        assert_refused 2 "cannot keep 263 edges" hap-select -q --keep 263 "$EAP"
        assert_refused 2 "--keep" hap-select -q --keep 101% "$EAP"
        assert_refused 2 "--keep" hap-select -q --keep 12x "$EAP"
        assert_refused 2 "--threshold" hap-select -q --threshold nan "$EAP"
        assert_refused 2 "'a3.h0' is neither an edge nor a node" hap-select -q --keep 9 --always a3.h0 "$EAP"
        assert_refused 2 "cannot be combined with greedy selection" hap-select -q --keep 9 --greedy --layer-quota "$EAP"
        assert_refused 2 "needs an amount" hap-select -q --threshold 0.1 --layer-quota "$EAP"
}

@test "a score that is not a number, and an infinite one, are refused" {
        for bits in '\177\370' '\177\360' '\377\360'; do
                {
                        printf '\203\243hap\001\244kind\246scores\245graph\202\246layers\003\245heads\004'
                        printf '\202\244edge\251input->m0\245score\313%b\0\0\0\0\0\0' "$bits"
                } >"$tmp/s"
                assert_refused 3 "record 1: its 'score' is not finite" hap-select -q --keep 1 "$tmp/s"
        done
}

@test "an edge that is unknown, occurs twice or has no score is refused by record" {
        try() {
                { jq -nc "$header" && jq -nc '{edge: "input->m0", score: 1}' && jq -nc "$1"; } | stream >"$tmp/s"
                assert_refused 3 "$2" hap-select -q --keep 1 "$tmp/s"
        }
        try '{edge: "input->m3", score: 1}' "record 2: 'input->m3' is not an edge of a graph of 3 layers and 4 heads"
        try '{edge: "input->m0", score: 1}' "record 2: edge 'input->m0' occurs twice"
        try '{edge: "input->m1"}' "record 2: its 'score' is missing or not a number"
        try '{edge: "input->m1", score: "1"}' "record 2: its 'score' is missing or not a number"
        try '{score: 1}' "record 2: it has no edge"
}

@test "an empty circuit is an error that names a remedy" {
        { jq -nc "$header" && jq -nc '{edge: "a0.h0->m1", score: 1}'; } | stream >"$tmp/s"
        assert_refused 3 "all 1 edges selected are dead" hap-select -q --keep 1 "$tmp/s"
        hap-select -q --keep 1 --keep-dead "$tmp/s" >"$tmp/c"
        assert_equal "$(edges "$tmp/c")" "a0.h0->m1"
}

@test "input without scores is refused, and so is a scores section without records" {
        hap-select -q --keep 40 "$EAP" >"$tmp/c"
        assert_refused 3 "the input contains no scores" hap-select -q --keep 1 "$tmp/c"
        jq -nc "$header" | stream >"$tmp/s"
        assert_refused 3 "it contains no scores" hap-select -q --keep 1 "$tmp/s"
}

@test "scores of another graph or another model are not united" {
        jq -nc "$header | .graph.heads = 2, {edge: \"input->m0\", score: 1}" | stream >"$tmp/graph"
        assert_refused 3 "its graph is not that of" hap-select -q --keep 1 --union "$EAP" "$tmp/graph"
        jq -nc "$header | .model.fingerprint = \"bb\", {edge: \"input->m0\", score: 1}" |
                jq -c . | stream >"$tmp/model"
        assert_refused 3 "made for model bb" hap-select -q --keep 1 --union "$EAP" "$tmp/model"
}

@test "a stream cut anywhere exits 3" {
        size=$(stat -c %s "$EAP")
        for cut in 1 30 500 $((size / 2)) $((size - 1)); do
                head -c "$cut" "$EAP" >"$tmp/cut"
                assert_refused 3 "$tmp/cut" hap-select -q --keep 9 "$tmp/cut"
        done
}

@test "a full disk exits 1 and a refused run leaves no file" {
        run -1 bash -c 'hap-select -q --keep 9 "$EAP" >/dev/full'
        assert_refused 2 "cannot keep" hap-select -q --keep 999 -o "$tmp/out" "$EAP"
        assert_not_exists "$tmp/out"
}

# The KL of a circuit on the first 32 examples, by hap-eval.
kl_of() {
        hap-task -q ioi -n 32 | hap-eval -q -m "$root/models/demo" --metric kl - "$1" | json -q - |
                jq 'select(.metric == "kl").value'
}

@test "--auto keeps a circuit within the tolerance, and a slightly smaller one exceeds it" {
        hap-task -q ioi -n 40 | hap-forward -q -m "$root/models/demo" >"$tmp/cache"
        hap-attrib -q "$tmp/cache" >"$tmp/s"
        for tolerance in 0.05 0.5; do
                hap-select --auto --tolerance $tolerance "$tmp/cache" "$tmp/s" >"$tmp/c" 2>"$tmp/said"
                within=$(kl_of "$tmp/c")
                less=$(grep -o '; [0-9]* edges have' "$tmp/said" | tr -dc 0-9)
                hap-select -q --keep "$less" "$tmp/s" >"$tmp/less"
                jq -ne --argjson a "$within" --argjson b "$(kl_of "$tmp/less")" --argjson t $tolerance \
                        '$a >= 0 and $a <= $t and $b > $t'
                json -q "$tmp/c" | jq -se --argjson a "$within" \
                        '(.[0].selection.auto.kl - $a | fabs) < 1e-6 and .[0].selection.auto.examples == 32'
                json -q "$tmp/c" | jq -se --argjson n "$less" --argjson b "$(kl_of "$tmp/less")" \
                        '.[0].selection | has("keep") == false and .auto.ablation == "interchange"
                         and (.auto.less | .selected == $n and (.kl - $b | fabs) < 1e-6)'
        done
        hap-select -q --auto --tolerance 0.5 --ablation zero "$tmp/cache" "$tmp/s" >"$tmp/zero"
        json -q "$tmp/zero" | jq -se '.[0].selection.auto.ablation == "zero"'
        cat "$tmp/s" "$tmp/cache" | hap-select -q --auto --tolerance 0.5 | cmp - "$tmp/c"
}

@test "--auto without examples, with --keep or with nothing to select from is refused" {
        hap-task -q ioi -n 4 | hap-attrib -q -m "$root/models/demo" >"$tmp/s"
        assert_refused 3 "the input contains no task or cache" hap-select -q --auto "$tmp/s"
        assert_refused 2 "--keep cannot be combined with --auto" hap-select -q --auto --keep 9 "$tmp/s"
        hap-task -q ioi -n 4 -m "$root/models/demo" -o "$tmp/task"
        n=$(json -q "$tmp/s" | jq -s '[.[] | select(.edge and (.score | fabs) >= 0.3)] | length')
        assert_refused 2 "all $n edges that may be selected" \
                hap-select -q --auto --threshold 0.3 --tolerance 0 -m "$root/models/demo" \
                "$tmp/s" "$tmp/task"
        assert_refused 3 "no edge of '$tmp/s' reaches the threshold 1e+09" \
                hap-select -q --auto --threshold 1e9 -m "$root/models/demo" "$tmp/s" "$tmp/task"
}

@test "--auto with any tolerance ends with edges that live" {
        hap-task -q ioi -n 4 -m "$root/models/demo" | hap-forward -q -m "$root/models/demo" -o "$tmp/cache"
        hap-attrib -q -o "$tmp/s" "$tmp/cache"
        hap-select --auto --tolerance 1000 -o "$tmp/c" "$tmp/cache" "$tmp/s" 2>"$tmp/said"
        ((0 < $(edges "$tmp/c" | wc -l)))
        less=$(json -q "$tmp/c" | jq -n '[inputs][0].selection.auto.less | select(.dead).selected')
        grep -q "with $less edges all are dead" "$tmp/said"
        # and it is
        assert_refused 3 "are dead" hap-select -q --keep "$less" "$tmp/s"
        assert_refused 2 "neither an edge nor a node" hap-select -q --auto --always nothing "$tmp/cache" "$tmp/s"
}

# If clean and corrupted differ only after the answers, every KL is a rounding error, of
# either sign.
@test "--auto finds edges that live where no edge matters" {
        prompt='{clean: "Mary and John went to the store", at: [2, 3], answer: " Mary",
                 corrupted: "Mary and John went to the park", wrong: " Tim"}'
        for prompts in 1 2 3; do
                jq -nc "range($prompts) | $prompt" | hap-task -q --from - -m "$root/models/demo" |
                        hap-forward -q -m "$root/models/demo" -o "$tmp/cache"
                hap-attrib -q -o "$tmp/s" "$tmp/cache"
                hap-select -q --auto -o "$tmp/c" "$tmp/cache" "$tmp/s"
                less=$(json -q "$tmp/c" | jq -n '[inputs][0].selection.auto.less | select(.dead).selected')
                assert_refused 3 "all $less edges selected are dead" hap-select -q --keep "$less" "$tmp/s"
        done
        jq -nc "$header | del(.model) | .graph.layers = 4" | stream >"$tmp/none"
        assert_refused 3 "it contains no scores" hap-select -q --auto "$tmp/cache" "$tmp/none"
}

@test "options that only --auto uses are refused without it" {
        hap-task -q ioi -n 4 | hap-attrib -q -m "$root/models/demo" >"$tmp/s"
        for more in "--tolerance 3" "--prompts 4" "--ablation zero" "-m $root/models/demo"; do
                # shellcheck disable=SC2086 # two words
                assert_refused 2 "${more% *} can only be used with --auto" hap-select -q --keep 9 $more "$tmp/s"
        done
}

# Scores of the real GPT-2 small that the MIB benchmark's authors publish. hap may not
# ship them: HAP_PEER_DATA names their folder.
@test "the published scores of GPT-2 small give the published circuit, and the peers' greedy counts" {
        file=${HAP_PEER_DATA:-$root/../shared/data}/mib_ioi_gpt2_eap-ig.json.gz
        [[ -e $file ]] || skip "mib_ioi_gpt2_eap-ig.json.gz is not there, see HAP_PEER_DATA"
        gzip -dc "$file" >"$tmp/mib.json"
        jq -c '{hap: 1, kind: "scores", graph: {layers: 12, heads: 12}},
                (.edges | to_entries[] | {edge: .key, score: .value.score})' "$tmp/mib.json" |
                stream >"$tmp/s"
        hap-select -q --keep 800 "$tmp/s" >"$tmp/c"
        edges "$tmp/c" >"$tmp/is"
        jq -r '.edges | to_entries[] | select(.value.in_graph).key' "$tmp/mib.json" | sort >"$tmp/should"
        assert_equal "$(wc -l <"$tmp/is")" 756
        assert_same "$tmp/is" "$tmp/should"
        for counts in '750 725' '800 777' '1000 967' '2000 1990'; do
                hap-select -q --greedy --keep "${counts% *}" "$tmp/s" >"$tmp/c"
                assert_equal "$(edges "$tmp/c" | wc -l)" "${counts#* }"
        done
}

@test "--auto refuses input that needs more than --max-memory" {
        hap-task ioi -q -n 40 -m "$root/models/demo" -o "$tmp/task"
        hap-attrib -q -m "$root/models/demo" -o "$tmp/scores" "$tmp/task"
        assert_refused 2 "hap-select: --max-memory allows 9 MB, 32 prompts of 18 tokens need" \
                hap-select --auto --max-memory 9M -m "$root/models/demo" "$tmp/scores" "$tmp/task"
        hap-select -q --auto --tolerance 5 --max-memory 1G -m "$root/models/demo" -o "$tmp/c" \
                "$tmp/scores" "$tmp/task"
}

@test "--nodes keeps the heads and MLPs whose edges score most in sum, with all edges between them" {
        hap-select -q --nodes --keep 6 --keep-dead "$EAP" >"$tmp/c"
        json -q "$EAP" | jq -rs '[.[] | select(.edge) | {node: (.edge | split("->")[0]), score}]
                | group_by(.node) | map({node: .[0].node, score: (map(.score) | add)})
                | map(select(.node != "input")) | sort_by(-(.score | fabs)) | .[:6][].node' | sort >"$tmp/nodes"
        edges "$tmp/c" | sed 's/->.*//' | grep -vx input | sort -u >"$tmp/writers"
        assert_same "$tmp/writers" "$tmp/nodes"
        json -q "$EAP" | jq -r 'select(.edge).edge' | while read -r edge; do
                from=${edge%->*} to=${edge#*->}
                { [[ $from == input ]] || grep -qx "$from" "$tmp/nodes"; } &&
                        { [[ $to == logits ]] || grep -qx "${to%<*}" "$tmp/nodes"; } && echo "$edge" || true
        done | sort >"$tmp/should"
        edges "$tmp/c" >"$tmp/is"
        assert_same "$tmp/is" "$tmp/should"
        assert_equal "$(json "$tmp/c" | head -1 | jq -c '.selection | [.nodes, .keep]')" '[true,6]'
        assert_refused 2 "its graph has 15 heads and MLPs" hap-select --nodes --keep 16 "$EAP"
        assert_refused 2 "cannot be selected greedily" hap-select --nodes --greedy --keep 3 "$EAP"
}

@test "a circuit of whole nodes is the model with the other nodes cut, and is drawn" {
        hap-task -q docstring --split test -n 10 -m "$root/models/demo" >"$tmp/task"
        hap-forward -q -m "$root/models/demo" "$tmp/task" | hap-attrib -q >"$tmp/scores"
        hap-select -q --nodes --keep 8 "$tmp/scores" >"$tmp/c"
        json -q "$tmp/c" | jq -r 'select(.edge) | .edge | split("->")[0]' | sort -u >"$tmp/kept"
        # all edges but those out of the nodes that are cut
        { json -q "$tmp/c" | head -1 | jq -c 'del(.circuit, .selection)'
          json -q "$tmp/scores" | jq -r 'select(.edge).edge' | awk -F '->' 'NR == FNR { kept[$0]; next }
                $1 in kept' "$tmp/kept" - | jq -Rc '{edge: ., z: 1}'
          echo '{"end": "circuit"}'; } | hap-convert -q --from json >"$tmp/cut"
        hap-eval -q --keep-dead --metric kl,logit-diff -m "$root/models/demo" "$tmp/task" "$tmp/c" "$tmp/cut" |
                json - | jq -s 'map(select(.metric)) | group_by(.circuit) | map(map(.value))' >"$tmp/values"
        jq -e '(.[0] | length) == 2 and (.[0][0] - .[1][0] | fabs) < 1e-5
                and (.[0][1] - .[1][1] | fabs) < 1e-4 and .[0][0] > 0.01' "$tmp/values" >/dev/null ||
                fail "$(cat "$tmp/values")"
        hap-show -q --svg "$tmp/c" "$tmp/scores" >"$tmp/svg"
        grep -q '8 of 16 heads\|[0-9] of 16 heads, [0-9] of 4 MLPs' "$tmp/svg" || fail "not drawn"
}
