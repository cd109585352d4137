load helper

# A circuit of a 3-layer, 4-head model with dead edges (listed in the fixture), and
# scores over the same graph.

setup_file() {
        export CIRCUIT=$BATS_FILE_TMPDIR/circuit SCORES=$BATS_FILE_TMPDIR/scores
        golden=$root/tests/golden/gpt2-a
        jq -c '{hap: 1, kind: "circuit", model: {path: "models/gpt2-a", family: "gpt2", layers: 3,
                        heads: 4, fingerprint: "00000000000000aa"}, task: {name: "ioi", corruption: "abc"},
                method: "eap", graph: {layers: 3, heads: 4},
                history: [{name: "hap-select", version: "0.1.0", arguments: ["--keep=66"]}]},
                (.circuits[1].edges[] | {edge: ., z: 1}), {end: "circuit"}' \
                "$golden/circuits.json" | hap-convert -q --from json >"$CIRCUIT"
        jq -c '{hap: 1, kind: "scores", graph: {layers: 3, heads: 4}},
                (.scores | to_entries[] | {edge: .key, score: .value}), {end: "scores"}' \
                "$golden/scores-eap.json" | hap-convert -q --from json >"$SCORES"
        jq -r '.circuits[1].pruned_edges[]' "$golden/circuits.json" | sort >"$BATS_FILE_TMPDIR/live"
        export LIVE=$BATS_FILE_TMPDIR/live
        for step in 0 1 2 3 4 5; do
                echo "{\"step\": $step, \"kl\": $((9 - step)).5, \"sparsity\": 0.$step, \"target\": 0.$((step + 1))}"
        done >"$BATS_FILE_TMPDIR/log"
        export LOG=$BATS_FILE_TMPDIR/log
}

# A circuit over a graph of $1 layers and $2 heads with every edge.
whole_graph() {
        jq -nc --argjson l "$1" --argjson h "$2" '
                [range($l) as $k | (range($h) | "a\($k).h\(.)"), "m\($k)"] as $nodes
                | {hap: 1, kind: "circuit", graph: {layers: $l, heads: $h}},
                  ({edge: "input->\($nodes[] | if startswith("a") then . + "<v>" else . end)", z: 1}),
                  ({edge: "\($nodes[])->logits", z: 1}), {end: "circuit"}' | hap-convert -q --from json
}

@test "the summary counts live and dead edges" {
        live=$(wc -l <"$LIVE")
        all=$(json -q "$CIRCUIT" | grep -c '"edge"')
        ((live < all))
        run -0 hap-show -q "$CIRCUIT"
        assert_line --partial "circuit: circuit, $all edges"
        assert_line --partial "$all of 262 edges, sparsity $(jq -n "10000 * (1 - $all / 262) | round / 100") %; $live live, $((all - live)) dead"
        assert_line --partial "models/gpt2-a (gpt2, 3 layers, 4 heads), 00000000000000aa"
        assert_line --partial "ioi, corruption abc"
        assert_line --partial "hap-select --keep=66 (0.1.0)"
}

@test "every live node is listed in its layer with its degrees" {
        hap-show -q "$CIRCUIT" | grep -oE '[0-9]+\.[0-9]+:[0-9]+>[0-9]+' | sort >"$tmp/is"
        jq -Rrs 'split("\n") | map(select(. != "") | split("->") | {from: .[0], to: (.[1] | sub("<.>"; ""))}) as $e
                | [$e[].from] | unique[] | select(test("^a")) as $n
                | "\($n | sub("a"; "") | sub("h"; "")):\([$e[] | select(.to == $n)] | length)>\([$e[] | select(.from == $n)] | length)"' \
                "$LIVE" | sort >"$tmp/should"
        [[ -s $tmp/should ]]
        assert_same "$tmp/is" "$tmp/should"
}

@test "the edges of largest magnitude are listed first, as many as asked for" {
        hap-show -q --top 15 "$SCORES" | grep -E '^  [^ ]+->' | awk '{ print $1 }' >"$tmp/is"
        json -q "$SCORES" | jq -rs '[.[] | select(has("edge"))] | sort_by(-(.score | fabs)) | .[:15][].edge' >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        hap-show -q "$SCORES" >"$tmp/out"
        assert_equal "$(grep -cE '^  [^ ]+->' "$tmp/out")" 20
}

@test "a circuit of equal z is listed by reader, and by z when these differ" {
        hap-show -q --top 1000 "$CIRCUIT" | awk '$2 == "<-" { r = $1; $1 = $2 = "" }
                r && NF && !/by reader/ { n = split($0, w, " "); for (i = 1; i <= n; i++) print w[i] "->" r }' |
                sort >"$tmp/is"
        json -q "$CIRCUIT" | jq -r '.edge // empty' | sort >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        json -q "$CIRCUIT" | jq -c 'if .edge == "m2->logits" then .z = 0.5 else . end' |
                hap-convert -q --from json >"$tmp/c"
        grep -qx 'm2->logits' "$LIVE"
        run -0 hap-show -q --top 1000 "$tmp/c"
        assert_line --regexp '^  m2->logits +0.5000  ###############$'
}

@test "a picture of a circuit's strongest edges counts the nodes of all of it" {
        all=$(hap-show -q --svg "$CIRCUIT" | grep -o '[0-9]* of [0-9]* heads, [0-9]* of [0-9]* MLPs' | head -n 1)
        assert_regex "$all" "^[1-9].*, [1-9]"
        hap-show -q --svg --top 1 "$SCORES" "$CIRCUIT" >"$tmp/svg"
        grep -qF "(1 drawn)" "$tmp/svg"
        grep -qF "$all" "$tmp/svg"
        out=$(hap-show -q --svg "$CIRCUIT" | grep -o "<title>[^<]*not in the circuit" | sort)
        assert_equal "$(grep -o "<title>[^<]*not in the circuit" "$tmp/svg" | sort)" "$out"
}

@test "a report is a table: a line per circuit, a column per metric" {
        jq -nc '{hap: 1, kind: "report"},
                ({circuit: ("a", "b"), metric: ("kl", "accuracy"), examples: 7} |
                 .value = (if .metric == "kl" then 0.25 else 1 end)), {end: "report"}' |
                hap-convert -q --from json >"$tmp/r"
        run -0 hap-show -q "$tmp/r"
        assert_line --regexp '^  circuit +'
        assert_equal "$(printf '%s\n' "${lines[@]}" | grep -cE '^  [ab] ')" 2
        kl=$(printf '%s\n' "${lines[@]}" | awk '$1 == "circuit" { for (i = 1; i <= NF; i++) if ($i == "kl") print i }')
        assert_equal "$(printf '%s\n' "${lines[@]}" | awk -v c="$kl" '$1 == "b" { print $c }')" 0.25
        jq -nc '{hap: 1, kind: "report"}, {circuit: "a", metric: "kl", value: 0.25, sd: 0.5},
                ({circuit: "a", metric: "kl", id: ("x", "y"), value: 1}), {end: "report"}' |
                hap-convert -q --from json >"$tmp/r"
        run -0 hap-show -q "$tmp/r"
        assert_line --regexp '^  a +0.25 ± 0.5$'
        assert_line --regexp '^  example +circuit +kl$'
        assert_line --regexp '^  x +a +1$'
        assert_line --regexp '^  y +a +1$'
        # another tool's circuits of one name
        jq -nc '{hap: 1, kind: "report"}, {circuit: "a", metric: ("kl", "accuracy"), value: 1, edges: 9},
                {circuit: "a", metric: ("kl", "accuracy"), value: 2, edges: 8}, {end: "report"}' |
                hap-convert -q --from json >"$tmp/r"
        run -0 hap-show -q "$tmp/r"
        assert_line --regexp '^  a +9 +1 +1$'
        assert_line --regexp '^  a +8 +2 +2$'
}

@test "tasks, caches and logs are shown too, a tensor by its shape" {
        jq -nc '{hap: 1, kind: "task", task: "ioi"},
                ({id: ("x1", "x2", "x3", "x4", "x5"), clean: "Ann gave Bob", answers: [1]}), {end: "task"}' |
                hap-convert -q --from json >"$tmp/t"
        run -0 hap-show -q "$tmp/t"
        assert_line --partial ": task, 5 examples"
        assert_line --partial "Ann gave Bob"
        assert_line --partial "and 2 more"
        refute_output --partial x4
        hap-task ioi -m "$root/models/demo" -n 5 -q | hap-forward -m "$root/models/demo" -q >"$tmp/cache"
        run -0 hap-show -q "$tmp/cache"
        assert_line --partial ": cache, 5 examples"
        assert_equal "$(printf '%s\n' "${lines[@]}" | grep -cE '^  clean_outputs +f32 21 x [0-9]+ x 128$')" 3
        run -0 hap-show -q "$LOG"
        assert_line --partial "log: log, 6 records"
        assert_line --regexp 'kl +9.5 ... 4.5'
}

@test "a log's line ends at its newline, not at a NUL" {
        printf '{"step": 0, "kl": 1}\0{"step": 1}\n' >"$tmp/log"
        assert_refused 3 "line 1 is not a JSON object" hap-show "$tmp/log"
}

@test "a stream cannot control the terminal" {
        jq -nc '{hap: 1, kind: "task", task: "a\u001b[31mb\u0007"}, {id: "\u001b]0;x\u0007"}, {end: "task"}' |
                hap-convert -q --from json >"$tmp/t"
        hap-show -q "$tmp/t" >"$tmp/out"
        assert_file_contains "$tmp/out" 'a \[31mb'
        assert_equal "$(tr -d '\n -~' <"$tmp/out" | wc -c)" 0
}

@test "the dot graph contains the live edges and no others" {
        hap-show -q --dot "$CIRCUIT" >"$tmp/dot"
        sed -n 's/.*tooltip="\(.*\)".*/\1/p' "$tmp/dot" | sort >"$tmp/is"
        assert_same "$tmp/is" "$LIVE"
        if command -v dot >/dev/null; then
                dot -Tplain "$tmp/dot" >/dev/null
        fi
}

@test "the picture has a curve per live edge, coloured by its reader" {
        hap-show -q --svg "$CIRCUIT" >"$tmp/svg"
        for class in 'q:<q>' 'k:<k>' 'v:<v>' 'm:->m[0-9]' 'l:->logits'; do
                assert_equal "$(sed '/class="e"/,/<\/g>/!d' "$tmp/svg" | grep -c "class=\"${class%%:*}\"")" \
                        "$(grep -c -- "${class#*:}" "$LIVE")"
        done
        if command -v xmllint >/dev/null; then
                xmllint --noout "$tmp/svg"
        fi
        if command -v rsvg-convert >/dev/null; then
                rsvg-convert "$tmp/svg" >"$tmp/png"
        fi
}

@test "an edge is thicker the greater its z, up to 1; equal ones are equally thick" {
        local path='input->m0 m0->m1 m1->m2 m2->logits' zs='0.25 1 0.5 0.75'
        paste <(tr ' ' '\n' <<<"$path") <(tr ' ' '\n' <<<"$zs") | jq -Rc 'split("\t") | {edge: .[0], z: .[1] | tonumber}' |
                jq -c -n '{hap: 1, kind: "circuit", graph: {layers: 3, heads: 4}}, inputs, {end: "circuit"}' |
                hap-convert -q --from json >"$tmp/c"
        hap-show -q --svg "$tmp/c" | sed -n 's/.*stroke-width="\([0-9.]*\)".*, z \([0-9.]*\)<.*/\1 \2/p' >"$tmp/is"
        assert_equal "$(sort -n "$tmp/is" | cut -d' ' -f2 | xargs)" "0.25 0.5 0.75 1"
        assert_equal "$(cut -d' ' -f1 "$tmp/is" | sort -u | wc -l)" 4
        hap-show -q --svg "$CIRCUIT" >"$tmp/svg"
        assert_equal "$(grep -o 'd="M.*C.*stroke-width="[0-9.]*"' "$tmp/svg" | sed 's/.*stroke/stroke/' | sort -u | wc -l)" 1
}

@test "the strongest edges of a circuit without a ranking are refused, with the remedy" {
        all=$(json -q "$CIRCUIT" | grep -c '"edge"')
        for form in --svg --dot -q; do
                assert_refused 3 "carries no ranking" hap-show -q $form --top 5 "$CIRCUIT"
                run bash -c "hap-show -q $form --top 5 '$CIRCUIT' 2>/dev/null"
                assert_output ""
                hap-show -q $form --top "$all" "$CIRCUIT" >"$tmp/out"
                hap-show -q $form --top 5 "$SCORES" "$CIRCUIT" >"$tmp/out"
        done
}

# The circuit with the scores as its own ranking, or under another key.
ranked() {
        { json -q "$SCORES" && json -q "$CIRCUIT"; } | jq -c --arg key "$1" -s '
                (map(select(.edge and (has("z") | not))) | map({(.edge): .score}) | add) as $score
                | map(select(has("hap")))[-1], (.[] | select(has("z")) | .[$key] = $score[.edge]), {end: "circuit"}' |
                hap-convert -q --from json
}

@test "the strongest edges of a circuit are those of its ranking, the highest first" {
        for key in score cost; do
                ranked $key >"$tmp/c"
                hap-show -q --top 9 "$tmp/c" | sed -n '/ by /,$p' | grep -- '->' | awk '{ print $1 }' >"$tmp/is"
                json -q "$tmp/c" | jq -rs --arg key $key '[.[] | select(has("edge"))] | sort_by(-.[$key]) | .[:9][].edge' >"$tmp/should"
                assert_same "$tmp/is" "$tmp/should"
                hap-show -q --svg --top 9 "$tmp/c" >"$tmp/svg"
                sed -n 's/.* data-e=.*<title>\([^,]*\),.*/\1/p' "$tmp/svg" | sed 's/&lt;/</; s/&gt;/>/g' | sort >"$tmp/drawn"
                sort "$tmp/should" | comm -12 - "$LIVE" >"$tmp/live"
                assert_same "$tmp/drawn" "$tmp/live"
                # of a ranking, negative values are weak, not dashed
                run grep stroke-dasharray "$tmp/svg"
                assert_failure
        done
        # scores in the input come first, by magnitude
        hap-show -q --top 9 "$SCORES" "$tmp/c" | sed -n '/ by |score|/h; //!H; ${x;p}' | grep -- '->' | awk '{ print $1 }' >"$tmp/is"
        json -q "$tmp/c" | jq -rs '[.[] | select(has("edge"))] | sort_by(-(.cost | fabs)) | .[:9][].edge' >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
}

@test "a node of the circuit without an edge that is drawn is an outline" {
        ranked score >"$tmp/c"
        hap-show -q --svg --top 4 "$tmp/c" >"$tmp/svg"
        grep -oE '<g data-n="[0-9]+"( class="h")?><title>[^:]*' "$tmp/svg" | grep -v '<title>input' |
                sed -E 's/.*class.*<title>(.*)/outline \1/; s/^<g.*<title>/solid /' | sort >"$tmp/is"
        sed -n 's/.* data-e=.*<title>\([^,]*\),.*/\1/p' "$tmp/svg" | sed 's/&lt;.&gt;//; s/-&gt;/\n/' |
                grep -E '^[am]' | sort -u >"$tmp/ends"
        [[ -s $tmp/ends ]]
        assert_equal "$(sed -n 's/^solid //p' "$tmp/is")" "$(cat "$tmp/ends")"
        sed 's/->/\n/; s/<.>//' "$LIVE" | sed 's/<.>//' | grep -E '^[am]' | sort -u | comm -23 - "$tmp/ends" >"$tmp/others"
        assert_equal "$(sed -n 's/^outline //p' "$tmp/is")" "$(cat "$tmp/others")"
}

@test "of more than 300 edges the strongest are drawn and the others counted and folded" {
        whole_graph 24 12 | json -q - | jq -c 'if .edge then .score = (.edge | explode | add * 7919 % 1009) + input_line_number / 1e4 else del(.records, .crc32) end' |
                hap-convert -q --from json >"$tmp/c"
        n=$(json -q "$tmp/c" | grep -c '"edge"')
        ((n > 500))
        hap-show -q --svg "$tmp/c" >"$tmp/svg"
        assert_equal "$(grep -c ' data-e=' "$tmp/svg")" 150
        grep -qF "150 drawn singly, $((n - 150)) folded into the shade of their nodes" "$tmp/svg"
        least=$(sed -n 's/.* data-e=.*, ranking \([-0-9.e+]*\)<.*/\1/p' "$tmp/svg" | sort -g | head -n 1)
        assert_near "$least" "$(json -q "$tmp/c" | jq -s '[.[] | select(has("edge")).score] | sort | .[-150]')" 1
        # up to 300 are not; without a ranking, up to 500
        whole_graph 12 14 | json -q - | jq -c 'if .edge then .score = 1 + input_line_number else del(.records, .crc32) end' >"$tmp/json"
        n=$(grep -c '"edge"' "$tmp/json")
        ((n > 300 && n <= 500))
        hap-convert -q --from json "$tmp/json" | hap-show -q --svg >"$tmp/svg"
        grep -qF "$((n - 150)) folded" "$tmp/svg"
        hap-convert -q --from json "$tmp/json" | hap-show -q --svg --top 300 >"$tmp/svg"
        assert_equal "$(grep -c ' data-e=' "$tmp/svg")" 300
        jq -c 'del(.score)' "$tmp/json" | hap-convert -q --from json | hap-show -q --svg >"$tmp/svg"
        assert_equal "$(grep -c ' data-e=' "$tmp/svg")" "$n"
        # without a ranking none is singled out
        whole_graph 24 12 | hap-show -q --svg >"$tmp/svg"
        assert_equal "$(grep -c ' data-e=' "$tmp/svg")" 0
}

@test "layers without nodes are one line, which names them" {
        jq -nc '{hap: 1, kind: "circuit", graph: {layers: 12, heads: 4}},
                ({edge: ("input->m0", "m0->a1.h2<v>", "a1.h2->a9.h1<q>", "a9.h1->m11", "m11->logits"), z: 1}),
                {end: "circuit"}' | hap-convert -q --from json | hap-show -q --svg >"$tmp/svg"
        assert_equal "$(grep -o '>layers\? [^<]*: no node' "$tmp/svg" | tr -d '>' | sort | xargs -d '\n')" \
                "layer 10: no node layers 2 to 8: no node"
        assert_equal "$(grep -o '>layer [0-9]*<' "$tmp/svg" | tr -dc '0-9\n' | xargs)" "11 9 1 0"
}

@test "with --positions each node is in the column of its position" {
        for edge in 'input->a0.h1<k>@S1' 'input->a0.h1<v>@S2' 'input->a0.h1<q>@END' 'a0.h1->m1@END' 'm1->logits@END'; do
                echo "{\"edge\": \"$edge\", \"z\": 1}"
        done | jq -c -n '{hap: 1, kind: "circuit", graph: {layers: 2, heads: 2, positions: ["S1", "S2", "END", "rest"],
                answers: ["END"]}, requires: ["positions"]}, inputs, {end: "circuit"}' | hap-convert -q --from json >"$tmp/c"
        hap-show -q --svg --positions "$tmp/c" >"$tmp/svg"
        sed -nE 's/.*class="c" x="([0-9.]+)".* width="([0-9.]+)".*<text.*>([A-Za-z0-9]+)<\/text>/column \3 \1 \2/p
                s/.*<title>([^@]*)@([A-Za-z0-9]*): .*<(circle cx|rect x)="([0-9.]+)".*/node \2 \4/p' "$tmp/svg" >"$tmp/places"
        assert_equal "$(grep -c ^column "$tmp/places") $(grep -c ^node "$tmp/places")" "4 5"
        run awk '$1 == "column" { left[$2] = $3; right[$2] = $3 + $4; if ($3 < last) print "overlap", $2; last = $3 + $4 }
                $1 == "node" && !($3 > left[$2] && $3 < right[$2]) { print }' "$tmp/places"
        assert_output ""
        # keys and values lead to the head where it writes
        assert_equal "$(grep -c ' data-e=' "$tmp/svg")" 5
        assert_equal "$(sed -n 's/.* data-t="\([0-9]*\)" data-e=.*<title>input.*/\1/p' "$tmp/svg" | sort -u | wc -l)" 1
        grep -qF 'a0.h1@END: 3 in, 1 out' "$tmp/svg"
}

@test "--white draws on white, in dark colours whatever the viewer's theme" {
        hap-show -q --svg "$CIRCUIT" >"$tmp/any"
        hap-show -q --svg --white "$CIRCUIT" >"$tmp/white"
        assert_equal "$(grep -c 'prefers-color-scheme' "$tmp/any")$(grep -c 'prefers-color-scheme' "$tmp/white")" 10
        assert_equal "$(grep -c '^<rect width="100%" height="100%" fill="#fff"/>' "$tmp/white")" 1
}

@test "circuits are compared by the edges they share" {
        circuit() {
                jq -nc --args '{hap: 1, kind: "circuit", graph: {layers: 3, heads: 4}},
                        ($ARGS.positional[] | {edge: ., z: 1}), {end: "circuit"}' "$@" |
                        hap-convert -q --from json
        }
        cd "$tmp"
        circuit 'input->m0' 'm0->m1' 'm1->logits' >one
        circuit 'input->m0' 'm0->m1' 'm1->m2' 'm2->logits' >second
        circuit >none
        whole_graph 2 2 >other
        run -0 hap-show -q one second none other one
        assert_equal "$(tail -n 5 <<<"$output")" "$(printf '%s\n' '  one           3' \
                '  second        4  0.400' '  none          0  0.000  0.000' \
                "  other    $(printf %6d "$(json -q other | grep -c '"edge"')")      -      -      -" \
                '  one           3  1.000  0.400  0.000      -')"
        run -0 hap-show -q one
        refute_output --partial "intersection"
}

@test "names and fields are aligned by characters, not by bytes" {
        cd "$tmp"
        cp "$CIRCUIT" größe
        cp "$CIRCUIT" plain-name
        run -0 hap-show -q größe plain-name
        assert_line "  größe            66"
        assert_line --regexp '^  plain-name       66  1.000$'
        jq -nc '{hap: 1, kind: "task"}, {"größe": 1, plain: 2}, {end: "task"}' |
                hap-convert -q --from json >fields
        run -0 hap-show -q fields
        assert_line "  größe  1"
        assert_line "  plain  2"
}

@test "a log's KL below rounding, and below 0, stretches no axis" {
        printf '{"step": %d, "kl": %s, "sparsity": 0.5, "target": 0.5}\n' 0 -3e-10 1 2e-11 2 0.02 3 5 >"$tmp/log"
        hap-show -q --svg "$tmp/log" >"$tmp/svg"
        assert_equal "$(grep -o 'text-anchor="end">[0-9.e-]*<' "$tmp/svg" | head -n 2 | tr -dc '0-9.\n')" "$(printf '0.1\n1')"
        assert_equal "$(grep '<path fill="none"' "$tmp/svg" | head -n 1 | sed 's/.* d="M//; s/".*//' |
                tr L '\n' | cut -d' ' -f2 | head -n 2 | sort -u | wc -l)" 1
}

@test "every edge runs upwards" {
        hap-show -q --svg "$SCORES" >"$tmp/svg"
        assert_equal "$(grep -c 'd="M[-0-9. ]*C' "$tmp/svg")" 200
        sed -n 's/.*d="M[-0-9.]* \([-0-9.]*\)C.* \([-0-9.]*\)".*stroke-width.*/\1 \2/p' "$tmp/svg" >"$tmp/ends"
        assert_equal "$(wc -l <"$tmp/ends")" 200
        run awk '!($1 > $2) { print }' "$tmp/ends"
        assert_output ""
}

@test "if there is space, no curve runs through a node other than its ends" {
        {
                echo '{"hap": 1, "kind": "circuit", "graph": {"layers": 6, "heads": 2}}'
                for edge in 'input->a0.h1<v>' 'a0.h1->a1.h1<v>' 'a1.h1->a2.h1<v>' 'a2.h1->a3.h1<v>' \
                        'a3.h1->a4.h1<v>' 'a4.h1->a5.h1<v>' 'a5.h1->logits' 'a0.h1->a3.h1<k>' \
                        'a0.h1->a5.h1<q>' 'a1.h1->a4.h1<k>' 'input->a3.h1<q>' 'a0.h1->logits'; do
                        echo "{\"edge\": \"$edge\", \"z\": 1}"
                done
                echo '{"end": "circuit"}'
        } | hap-convert -q --from json | hap-show -q --svg >"$tmp/html"
        sed -n 's/.*data-n="\([0-9]*\)".*<circle cx="\([0-9.]*\)" cy="\([0-9.]*\)" r="\([0-9.]*\)".*/node \1 \2 \3 \4/p' \
                "$tmp/html" >"$tmp/shapes"
        sed -n 's/.* d="M\([-0-9. ]*\)C\([-0-9. ]*\)".* data-f="\([0-9]*\)" data-t="\([-0-9]*\)".*/curve \3 \4 \1 \2/p' \
                "$tmp/html" >>"$tmp/shapes"
        assert_equal "$(grep -c ^node "$tmp/shapes") $(grep -c ^curve "$tmp/shapes")" "6 12"
        run awk '$1 == "node" { x[$2] = $3; y[$2] = $4; r[$2] = $5 }
                $1 == "curve" { for (t = 0; t <= 1; t += .01) { u = 1 - t
                        px = u^3 * $4 + 3 * t * u^2 * $6 + 3 * t^2 * u * $8 + t^3 * $10
                        py = u^3 * $5 + 3 * t * u^2 * $7 + 3 * t^2 * u * $9 + t^3 * $11
                        for (n in x) if (n != $2 && n != $3 && (px - x[n])^2 + (py - y[n])^2 < r[n]^2) {
                                print $0, "through", n; next } } }' "$tmp/shapes"
        assert_output ""
}

@test "only nodes of the circuit are drawn as such, and at any size none covers another" {
        for size in '4 4' '12 12' '30 9' '2 32' '40 1'; do
                whole_graph "${size% *}" "${size#* }" >"$tmp/c"
                hap-show -q --svg "$tmp/c" >"$tmp/svg"
                sed -nE 's/.*<circle cx="([0-9.]+)" cy="([0-9.]+)" r="([0-9.]+)".*/\1 \2 \3/p
                        s/.*data-n.*<rect x="([0-9.]+)" y="([0-9.]+)" width="([0-9.]+)" height="([0-9.]+)".*/\1 \2 \3 \4/p' \
                        "$tmp/svg" >"$tmp/nodes"
                layers=${size% *} heads=${size#* }
                assert_equal "$(wc -l <"$tmp/nodes")" $((layers * (heads + 1) + 2))
                run awk 'NF == 3 { l[NR] = $1 - $3; r[NR] = $1 + $3; t[NR] = $2 - $3; b[NR] = $2 + $3 }
                        NF == 4 { l[NR] = $1; r[NR] = $1 + $3; t[NR] = $2; b[NR] = $2 + $4 }
                        END { for (i = 1; i <= NR; i++) for (j = 1; j < i; j++)
                                if (l[i] < r[j] && l[j] < r[i] && t[i] < b[j] && t[j] < b[i]) print i, j }' "$tmp/nodes"
                assert_output ""
        done
        hap-show -q --svg "$CIRCUIT" >"$tmp/svg"
        heads=$(sed 's/->/\n/' "$LIVE" | grep -oE '^a[0-9]\.h[0-9]' | sort -u | wc -l)
        assert_equal "$(grep -c '<g data-n="[0-9]*"><title>a' "$tmp/svg")" "$heads"
        ((heads < 12))
}

@test "with scores in the stream edges are as thick as these, dashed when negative" {
        cat "$SCORES" "$CIRCUIT" | hap-show -q --svg >"$tmp/html"
        sed -n 's/.*stroke-width="\([0-9.]*\)".*, score \([-+0-9.e]*\)<.*/\1 \2/p' "$tmp/html" >"$tmp/pairs"
        assert_equal "$(wc -l <"$tmp/pairs")" "$(wc -l <"$LIVE")"
        run awk '{ s = $2 < 0 ? -$2 : $2; if (NR > 1 && (s < last || $1 < width)) print; last = s; width = $1 }' "$tmp/pairs"
        assert_output ""
        negative=$(json -q "$SCORES" | jq -r --rawfile l "$LIVE" 'select(has("edge")) |
                select(.score < 0 and (.edge as $e | $l | split("\n") | index($e))) | .edge' | wc -l)
        ((negative > 0))
        assert_equal "$(grep -c stroke-dasharray "$tmp/html")" "$negative"
}

@test "a picture names both ends of a curve" {
        hap-show -q --svg "$CIRCUIT" >"$tmp/html"
        sed -n 's/.*<g data-n="\([-0-9]*\)"><title>\([^:]*\):.*/node \1 \2/p' "$tmp/html" >"$tmp/joined"
        sed -n 's/.*data-f="\([0-9]*\)" data-t="\([-0-9]*\)".*<title>\([^,]*\)-&gt;\([^,]*\),.*/edge \1 \2 \3 \4/p' \
                "$tmp/html" | sed 's/&lt;.&gt;$//' >>"$tmp/joined"
        assert_equal "$(grep -c ^edge "$tmp/joined")" "$(wc -l <"$LIVE")"
        run awk '$1 == "node" { name[$2] = $3 }
                $1 == "edge" && (name[$2] != $4 || name[$3] != $5) { print }' "$tmp/joined"
        assert_output ""
}

@test "the page has a line per edge, with its numbers, and needs no network" {
        hap-show -q --html "$SCORES" "$CIRCUIT" >"$tmp/html"
        sed -n '/id="hap-data"/,/<\/script>/p' "$tmp/html" | sed '/script>/d; /^<script/d' >"$tmp/data"
        jq -c '.edges[]' "$tmp/data" | sort >"$tmp/is"
        { json -q "$SCORES" && json -q "$CIRCUIT"; } | jq -c -s '
                (map(select(.edge and (has("z") | not))) | map({(.edge): .score}) | add) as $score
                | .[] | select(has("z")) | [.edge, ($score[.edge] | tostring | tonumber), .z]' | sort >"$tmp/should"
        jq -c '.[0], .[2]' "$tmp/is" >"$tmp/a" && jq -c '.[0], .[2]' "$tmp/should" >"$tmp/b"
        assert_same "$tmp/a" "$tmp/b"
        jq -s 'map({(.[0]): .[1]}) | add' "$tmp/is" >"$tmp/a" && jq -s 'map({(.[0]): .[1]}) | add' "$tmp/should" >"$tmp/b"
        assert_near_maps "$tmp/a" "$tmp/b" 0 1e-8
        assert_equal "$(grep -c '^\["' "$tmp/html")" "$(json -q "$CIRCUIT" | grep -c '"edge"')"
        assert_equal "$(grep -oE '(https?:)?//[a-z][^"]*' "$tmp/html" | sort -u)" 'http://www.w3.org/2000/svg'
        if command -v node >/dev/null; then
                sed -n '/<script>/,/<\/script>/p' "$tmp/html" | sed '/script>/d' >"$tmp/script.js"
                node --check "$tmp/script.js"
        fi
}

@test "a page of scores has the strongest edges and begins with as many as asked for" {
        hap-show -q --html --top 7 "$SCORES" | sed -n '/id="hap-data"/,/<\/script>/p' | sed '/script>/d; /^<script/d' >"$tmp/data"
        assert_equal "$(jq .top "$tmp/data")" 7
        assert_equal "$(jq '.edges | length' "$tmp/data")" "$(json -q "$SCORES" | grep -c '"edge"')"
        whole_graph 40 30 | json -q - | jq -c 'if .edge then {edge, score: ((.edge | explode | add * 7919 % 100003) - 50000)} elif .hap then .kind = "scores" | del(.circuit) else {end: "scores"} end' |
                hap-convert -q --from json >"$tmp/s"
        hap-show -q --html "$tmp/s" | sed -n '/id="hap-data"/,/<\/script>/p' | sed '/script>/d; /^<script/d' >"$tmp/data"
        assert_equal "$(jq .top "$tmp/data")" 200
        least=$(jq '[.edges[][1] | fabs] | min' "$tmp/data")
        assert_equal "$least" "$(json -q "$tmp/s" | jq -s '[.[] | select(has("edge")).score | fabs] | sort | .[-2000]')"
}

@test "names from a header are text in pictures and pages, never markup" {
        json -q "$CIRCUIT" | jq -c 'if has("hap") then .task = "<script>x&\"" else . end' |
                hap-convert -q --from json >"$tmp/c"
        for form in svg html; do
                hap-show -q --$form "$tmp/c" >"$tmp/out"
                assert_file_contains "$tmp/out" '&lt;script&gt;x&amp;&quot;'
                run grep '<script>x' "$tmp/out"
                assert_failure
        done
}

@test "a log becomes curves of KL, sparsity and target, each with all its steps" {
        hap-show -q --svg "$LOG" >"$tmp/svg"
        assert_equal "$(grep -c '<path fill="none"' "$tmp/svg")" 3
        assert_equal "$(grep -c '^<path fill="none".*M[0-9. ]*\(L[0-9. ]*\)\{5\}"' "$tmp/svg")" 3
        # KL falls, so its curve runs down the page; sparsity runs up
        grep '<path fill="none"' "$tmp/svg" | sed 's/.* d="M\(.*\)".*/\1/' | tr L '\n' |
                awk '{ print $2 }' >"$tmp/y"
        run awk 'NR > 1 && NR <= 6 && !($1 > y) || NR > 7 && NR <= 12 && !($1 < y) { print NR } { y = $1 }' "$tmp/y"
        assert_output ""
        { echo '{"hap": 1, "kind": "log"}' && cat "$LOG" && echo '{"end": "log"}'; } |
                hap-convert -q --from json >"$tmp/log"
        hap-show -q --svg "$tmp/log" >"$tmp/stream.svg"
        assert_same "$tmp/stream.svg" "$tmp/svg"
        hap-show -q --html "$LOG" "$LOG" >"$tmp/html"
        assert_equal "$(grep -c '<path fill="none"' "$tmp/html")" 6
}

@test "a log of the largest numbers is drawn, on a logarithmic scale of a few lines" {
        printf '{"step":%s,"kl":%s}\n' 1 1.7e308 2 1e-3 3 1e-300 >"$tmp/log"
        timeout 10 hap-show -q --svg -o "$tmp/svg" "$tmp/log"
        [[ $(grep -c 'class="a"' "$tmp/svg") -le 25 ]]
        run -1 grep -E 'nan|inf' "$tmp/svg"
}

@test "a log line without numbers for step and KL is refused in every form of output" {
        while IFS='|' read -r line lacks; do
                { head -n 2 "$LOG" && echo "$line"; } >"$tmp/log"
                for form in --svg --html --top=3; do
                        assert_refused 3 "cannot use '$tmp/log': line 3 is not a step of a training log: it has no number '$lacks'" \
                                hap-show -q "$form" "$tmp/log"
                done
        done <<'END'
{"step": 6, "kl": "x"}|kl
{"step": 6, "kl": null}|kl
{"step": 6}|kl
{"step": "6", "kl": 1}|step
{"clean": "So Mary", "corrupted": "So John", "answer": " she"}|step
END
        head -n 1 "$root/models/demo/tasks/ioi-test.jsonl" >"$tmp/own.jsonl"
        assert_refused 3 "cannot use '$tmp/own.jsonl': line 1" hap-show -q "$tmp/own.jsonl"
        # a line needs only these two
        printf '{"step": %d, "kl": %d}\n' 1 5 2 4 >"$tmp/log"
        hap-show -q --svg "$tmp/log" >"$tmp/svg"
        assert_equal "$(grep -c '^<path fill="none".*M[0-9. ]*L[0-9. ]*"' "$tmp/svg")" 1
}

@test "a report becomes bars, as long as its values, with their intervals" {
        jq -nc '{hap: 1, kind: "report"},
                ({circuit: ("full", "a", "b"), metric: ("kl", "accuracy")} |
                 .value = ({full: {kl: 0, accuracy: 1}, a: {kl: 2, accuracy: 0.5}, b: {kl: 4, accuracy: 0.25}}[.circuit][.metric])
                 | .low = .value * 0.75 | .high = .value * 1.25),
                {circuit: "a", metric: "kl", id: "x", value: 99}, {end: "report"}' |
                hap-convert -q --from json >"$tmp/r"
        hap-show -q --svg "$tmp/r" >"$tmp/svg"
        assert_equal "$(grep -c 'class="v"' "$tmp/svg")" 6
        assert_equal "$(grep -o 'class="h"[^<]*' "$tmp/svg" | cut -d'>' -f2 | xargs)" "kl accuracy"
        sed -nE 's/.*text-anchor="end">([a-z]+)<.*class="v" x="([0-9.]+)".* width="([0-9.]+)" height.*class="i".* d="M([0-9.]+) [0-9.]+H([0-9.]+)M.*/\1 \2 \3 \4 \5/p' \
                "$tmp/svg" >"$tmp/bars"
        assert_equal "$(wc -l <"$tmp/bars")" 6
        # kl: b is twice as long as a, and intervals are a quarter of the length on both sides
        run awk 'function near(x, y) { return x - y < .3 && y - x < .3 }
                { if (!near($4, $2 + .75 * $3) || !near($5, $2 + 1.25 * $3)) print }
                NR == 2 { a = $3 } NR == 3 && !near($3, 2 * a) { print } NR == 5 { a = $3 } NR == 6 && !near($3, a / 2) { print }' "$tmp/bars"
        assert_output ""
        if command -v xmllint >/dev/null; then
                xmllint --noout "$tmp/svg"
        fi
}

@test "reports of circuits of several sizes become lines, one for each method" {
        sweep() {
                jq -nc '{hap: 1, kind: "report"}, {circuit: "full", metric: "kl", value: 0.1, sparsity: 0},
                        ({m: ("eap", "rank"), p: (80, 90, 95), s: (1, 2)} | {circuit: "\(.m)-\(.p)%-s\(.s)", metric: "kl",
                          value: ((.p - 70) / (if .m == "eap" then 10 else 20 end) + .s / 10), sparsity: (.p / 100)}), {end: "report"}' |
                        hap-convert -q --from json
        }
        sweep >"$tmp/r"
        hap-show -q --svg "$tmp/r" >"$tmp/svg"
        assert_equal "$(grep -c 'class="l"' "$tmp/svg") $(grep -c '<circle' "$tmp/svg") $(grep -c 'class="r"' "$tmp/svg")" "2 12 1"
        assert_equal "$(grep -o '>eap<\|>rank<' "$tmp/svg" | xargs)" ">eap< >rank<"
        # three points each, the mean of both seeds, from few edges to many: KL falls to the right
        sed -n 's/.*class="l".* d="M\([^"]*\)".*/\1/p' "$tmp/svg" | tr L '\n' >"$tmp/points"
        assert_equal "$(wc -l <"$tmp/points")" 6
        run awk 'NR % 3 != 1 && !($1 > x && $2 > y) { print } { x = $1; y = $2 }' "$tmp/points"
        assert_output ""
        # two circuits of different sizes are no sweep
        jq -nc '{hap: 1, kind: "report"}, ({circuit: "a", sparsity: 0.9, value: 1}, {circuit: "b", sparsity: 0.8, value: 2} |
                .metric = "kl"), {end: "report"}' | hap-convert -q --from json | hap-show -q --svg >"$tmp/svg"
        assert_equal "$(grep -c 'class="v"' "$tmp/svg")" 2
}

@test "the same input gives the same bytes" {
        for form in --svg --html --dot ''; do
                # shellcheck disable=SC2086
                hap-show -q $form "$SCORES" "$CIRCUIT" >"$tmp/a"
                # shellcheck disable=SC2086
                hap-show -q $form "$SCORES" "$CIRCUIT" >"$tmp/b"
                assert_same "$tmp/a" "$tmp/b"
        done
}

@test "input that cannot be shown is refused" {
        assert_refused 2 "cannot be combined" hap-show -q --svg --dot "$CIRCUIT"
        assert_refused 2 "--top" hap-show -q --top 0 "$CIRCUIT"
        assert_refused 3 "the input is empty" hap-show -q </dev/null
        jq -nc '{hap: 1, kind: "task"}, {id: "x"}, {end: "task"}' | hap-convert -q --from json >"$tmp/t"
        assert_refused 3 "nothing to draw" hap-show -q --svg "$tmp/t"
        echo '{"step": 1' >"$tmp/log"
        assert_refused 3 "line 1 is not a JSON object" hap-show -q "$tmp/log"
        assert_refused 1 "cannot read" hap-show -q "$tmp/none"
        head -c 1000 "$CIRCUIT" >"$tmp/cut"
        for form in --svg --html --dot --top=3; do
                assert_refused 3 "truncated" hap-show -q "$form" "$tmp/cut"
        done
        run -1 bash -c 'hap-show -q --html "$SCORES" >/dev/full'
        assert_refused 3 "truncated" hap-show -q -o "$tmp/out" "$tmp/cut"
        assert_not_exists "$tmp/out"
}
