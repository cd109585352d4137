load helper

# The page of hap-show --html in a headless Chromium; tests/page/check.py drives it.

setup_file() {
        export DIR=$BATS_FILE_TMPDIR
        golden=$root/tests/golden/gpt2-a
        jq -c '{hap: 1, kind: "circuit", graph: {layers: 3, heads: 4}},
                (.circuits[1].edges[] | {edge: ., z: 1}), {end: "circuit"}' \
                "$golden/circuits.json" | hap-convert -q --from json >"$DIR/plain"
        jq -r '.circuits[1].pruned_edges[]' "$golden/circuits.json" >"$DIR/live"
        # a ranking without ties
        json -q "$DIR/plain" | jq -c 'del(.records, .crc32) |
                if .edge then .score = (.edge | explode | to_entries | map(.key * .value) | add) % 997 + (.edge | length) / 100 else . end' |
                jq -sc 'to_entries[] | if .value.score then .value.score += .key / 10000 else . end | .value' |
                hap-convert -q --from json >"$DIR/ranked"
        python3 "$root/tests/page/many.py" | hap-convert -q --from json >"$DIR/many"
        for name in plain ranked many; do
                json -q "$DIR/$name" >"$DIR/$name.json"
                hap-show -q --html "$DIR/$name" >"$DIR/$name.html"
        done
}

check() {
        need_tool python3
        python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import browser; sys.exit(not browser.find())' \
                "$root/tests/page" || skip "no Chromium"
        PYTHONDONTWRITEBYTECODE=1 timeout 180 python3 "$root/tests/page/check.py" "$@"
}

@test "the picture has the live edges of the stream and the table all of them, without network" {
        check edges "$DIR/plain.html" "$DIR/plain.json" "$DIR/live"
}

@test "the slider shows the strongest edges by the circuit's ranking" {
        check slider "$DIR/ranked.html" "$DIR/ranked.json"
}

@test "search acts on the picture and on the table" {
        check search "$DIR/ranked.html" "$DIR/ranked.json"
}

@test "clicks pin nodes and edges, and only what lies on paths through pins is shown" {
        check pins "$DIR/plain.html" "$DIR/live"
}

@test "everything can be done with the keyboard" {
        check keyboard "$DIR/ranked.html"
}

@test "the picture is zoomed by the wheel and moved by dragging" {
        check zoom "$DIR/ranked.html"
}

@test "pages of 66 and of 7,000 edges fit windows of 1280 and 1366 pixels" {
        check fits "$DIR/ranked.html" "$DIR/many.html"
}

@test "pointing at a node of 7,000 edges draws its edges, and nothing else again" {
        check hover "$DIR/many.html" "$DIR/many.json"
}

@test "of too many edges the strongest are drawn, and the others shade their nodes" {
        check folded "$DIR/many.html" "$DIR/many.json"
}

@test "in a circuit without a ranking no edges are singled out" {
        check unranked "$DIR/plain.html"
}

@test "nodes without an edge that is drawn are outlines" {
        check hollow "$DIR/ranked.html"
}

@test "texts are legible in light and dark" {
        hap-task ioi -q -m "$root/models/demo" -n 3 >"$tmp/task"
        hap-show -q --html -m "$root/models/demo" "$DIR/ranked" "$tmp/task" >"$tmp/page.html"
        check legible "$tmp/page.html" "$DIR/many.html"
}

@test "colours differ for every kind of colour vision" {
        check colours "$DIR/ranked.html"
}

@test "the fragment of the address contains the view" {
        check fragment "$DIR/ranked.html"
}

@test "what is seen is exported as SVG" {
        check export "$DIR/ranked.html"
}

@test "two circuits are compared: in both, in one only" {
        json -q "$DIR/ranked" | jq -c 'del(.records, .crc32)' | awk 'NR != 3 && NR != 9' >"$tmp/a.json"
        json -q "$DIR/ranked" | jq -c 'del(.records, .crc32)' | awk 'NR != 5 && NR != 20' >"$tmp/b.json"
        for circuit in a b; do
                hap-convert -q --from json "$tmp/$circuit.json" >"$tmp/$circuit"
        done
        hap-show -q --html "$tmp/a" "$tmp/b" >"$tmp/page.html"
        check difference "$tmp/page.html" "$tmp/a.json" "$tmp/b.json"
}

@test "two circuits with different rankings are compared by shares of their largest" {
        hap-task ioi -q -m "$root/models/demo" -n 8 | hap-forward -q -m "$root/models/demo" >"$tmp/cache"
        hap-attrib -q "$tmp/cache" | hap-select -q --keep 10% >"$tmp/selected"
        hap-prune -q --edges 48 --set rounds=2 "$tmp/cache" >"$tmp/pruned"
        hap-show -q --html "$tmp/selected" "$tmp/pruned" >"$tmp/page.html"
        for circuit in selected pruned; do
                json -q "$tmp/$circuit" >"$tmp/$circuit.json"
        done
        check shares "$tmp/page.html" "$tmp/selected.json" "$tmp/pruned.json"
        hap-show -q --html "$tmp/selected" >"$tmp/page.html"
        check signs "$tmp/page.html" "$tmp/selected.json"
}

@test "a report is a table beside the picture, or alone" {
        hap-task ioi -q -m "$root/models/demo" -n 8 >"$tmp/task"
        jq -nc '{hap: 1, kind: "circuit", graph: {layers: 4, heads: 4}}, {edge: "input->m0", z: 1},
                {edge: "m0->logits", z: 1}, {end: "circuit"}' | hap-convert -q --from json >"$tmp/c"
        hap-eval -q -m "$root/models/demo" --full "$tmp/task" "$tmp/c" >"$tmp/report"
        json -q "$tmp/report" >"$tmp/report.json"
        hap-show -q --html "$tmp/report" "$tmp/c" >"$tmp/both.html"
        check report "$tmp/both.html" "$tmp/report.json"
        hap-show -q --html "$tmp/report" >"$tmp/alone.html"
        check report "$tmp/alone.html" "$tmp/report.json"
}

@test "prompts are shown as tokens with their positions and answers" {
        hap-task ioi -q -m "$root/models/demo" -n 5 >"$tmp/task"
        json -q "$tmp/task" >"$tmp/task.json"
        hap-show -q --html -m "$root/models/demo" "$tmp/task" >"$tmp/page.html"
        check prompts "$tmp/page.html" "$tmp/task.json"
}

@test "below a prompt there is what the full model and the circuit predict" {
        hap-task ioi -q -m "$root/models/demo" -n 5 >"$tmp/task"
        hap-attrib -q -m "$root/models/demo" "$tmp/task" | hap-select -q --keep 8% >"$tmp/c"
        hap-eval -q -m "$root/models/demo" --full --predict 3 --per-example --metric logit-diff \
                "$tmp/task" "$tmp/c" >"$tmp/report"
        json -q "$tmp/report" >"$tmp/report.json"
        hap-show -q --html -m "$root/models/demo" "$tmp/task" "$tmp/report" "$tmp/c" >"$tmp/page.html"
        check predictions "$tmp/page.html" "$root/models/demo/tokenizer.json" "$tmp/report.json"
}

@test "named positions are columns" {
        hap-task ioi -q -m "$root/models/demo" -n 6 |
                hap-forward -q --positions S1,S2,IO,END -m "$root/models/demo" |
                hap-prune -q --steps 4 --edges 40 >"$tmp/c"
        json -q "$tmp/c" >"$tmp/c.json"
        hap-show -q --html "$tmp/c" >"$tmp/page.html"
        check positions "$tmp/page.html" "$tmp/c.json"
}

@test "layers without nodes are collapsed" {
        jq -nc '{hap: 1, kind: "circuit", graph: {layers: 12, heads: 4}},
                ({edge: ("input->m0", "m0->a1.h2<v>", "a1.h2->a9.h1<q>", "a9.h1->m10", "m10->m11", "m11->logits"), z: 1}),
                {end: "circuit"}' | hap-convert -q --from json | hap-show -q --html >"$tmp/page.html"
        check collapsed "$tmp/page.html"
}

@test "pinned nodes can be grouped under a name" {
        check groups "$DIR/ranked.html"
}
