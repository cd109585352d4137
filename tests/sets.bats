load helper

# Sets of circuits, against the same sets made with jq from the circuits' edges.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        hap-task -q ioi -n 8 -m "$root/models/demo" -o t
        for i in 1 2 3; do
                hap-task -q ioi -n 4 --seed $i -m "$root/models/demo" | hap-forward -q -m "$root/models/demo" |
                        hap-attrib -q | hap-select -q --keep 15% -o $i.circuit
                json $i.circuit | jq -c 'select(has("edge")) | .edge' | sort >$i.edges
        done
}

setup() {
        cd "$BATS_FILE_TMPDIR"
}

# The edges that a hap-select command keeps, sorted.
kept() {
        hap-select -q --keep-dead "$@" | hap-convert -q --to json | jq -c 'select(has("edge")) | .edge' | sort
}

@test "intersection, union, difference and at least K are those of sets of edges" {
        cat {1,2,3}.edges | sort | uniq -c | sed 's/^ *//' >counts
        for k in 1 2 3; do
                awk -v k=$k '$1 >= k { print $2 }' counts >want
                [[ -s want ]]
                kept --at-least $k {1,2,3}.circuit | cmp - want
        done
        kept --union {1,2,3}.circuit | cmp - <(awk '{ print $2 }' counts)
        kept --intersect {1,2,3}.circuit | cmp - <(awk '$1 == 3 { print $2 }' counts)
        comm -23 2.edges <(sort -u 1.edges 3.edges) >want
        [[ -s want ]]
        kept --difference {2,1,3}.circuit | cmp - want
}

@test "z is the K-th largest" {
        for z in 0.25 0.5 1; do
                json 1.circuit | jq -c --argjson z $z 'if has("edge") then .z = $z else . end' |
                        hap-convert -q --from json -o z$z
        done
        for want in "--union 1" "--intersect 0.25" "--at-least=2 0.5" "--at-least=1 1"; do
                run jq -cs 'map(.z) | unique' <(hap-select -q "${want% *}" z0.25 z1 z0.5 | hap-convert -q --to json | jq -c 'select(has("z"))')
                assert_equal "$output" "[${want#* }]"
        done
}

@test "sets of nodes are those of the circuits' heads and MLPs" {
        nodes_of() {
                sed -E 's/"//g; s/->/\n/; s/<.>//g' "$1" | sort -u | grep -v -e input -e logits
        }
        for i in 1 2 3; do nodes_of $i.edges >$i.nodes; done
        sort {1,2,3}.nodes | uniq -c | awk '$1 == 3 { print $2 } END { print "input"; print "logits" }' | sort >both
        sort -u {1,2,3}.edges | jq -r . | while read -r edge; do
                from=${edge%%->*} to=${edge##*->}
                grep -qx "$from" both && grep -qx "${to%<*}" both && jq -nc --arg e "$edge" '$e' || true
        done | sort >want
        [[ -s want ]]
        kept --intersect --nodes {1,2,3}.circuit | cmp - want
}

@test "the result is a circuit for every program, without dead edges, and says what it is" {
        hap-select -q --at-least 2 {1,2,3}.circuit -o c
        json c | sed -n 1p | jq -c '.selection' | grep -x '{"set":"at-least","circuits":3,"at_least":2}'
        hap-eval -q -m "$root/models/demo" --metric kl t c | hap-convert -q --to json | jq -es '[.[] | select(.metric == "kl")] | length == 1 and .[0].value > 0' >/dev/null
}

@test "what cannot be combined, and too few circuits, are refused" {
        assert_refused 2 "only one of --intersect" hap-select --intersect --union 1.circuit 2.circuit -o x
        assert_refused 2 "--intersect is of circuits" hap-select --intersect --keep 3 1.circuit 2.circuit -o x
        assert_refused 2 "is needed" hap-select --nodes 1.circuit -o x
        assert_refused 3 "there is only one circuit" hap-select --intersect 1.circuit -o x
        assert_refused 2 "there are only 2 circuits" hap-select --at-least 3 1.circuit 2.circuit -o x
        assert_refused 3 "the input contains no circuit" hap-select --intersect t -o x
        assert_refused 2 "that keeps none" hap-select --difference 1.circuit 1.circuit -o x
        assert_not_exists x
}

@test "hap-show compares any number of circuits by layer and by node" {
        hap-show -q {1,2,3}.circuit >text
        # edges into layer 3 and logits, and of one head, counted by jq
        for i in 1 2 3; do
                jq -r . $i.edges | grep -cE -- '->(a3[.]|m3)' >>layer3
                jq -r . $i.edges | grep -cE -- '->logits' >>logits
                jq -r . $i.edges | grep -oE '^a3[.]h1->|->a3[.]h1<' | wc -l >>head
        done
        assert_equal "$(sed -nE '/edges into layer/,/^$/s/^  3 +//p' text | tr -s ' ')" "$(paste -sd ' ' layer3)"
        assert_equal "$(sed -nE '/edges into layer/,/^$/s/^  logits +//p' text | tr -s ' ')" "$(paste -sd ' ' logits)"
        assert_equal "$(sed -nE '/edges of/,/^$/s/^  a3.h1 +//p' text | tr -s ' ')" "$(paste -sd ' ' head)"
        run ! grep -q 'edges into layer' <(hap-show -q 1.circuit)
}

@test "a set whose edges are all dead is refused, and --keep-dead keeps it" {
        jq -nc '{hap: 1, kind: "circuit", graph: {layers: 4, heads: 4}}, {edge: ("input->m0", "m0->logits"), z: 1},
                {end: "circuit"}' | hap-convert -q --from json -o both
        jq -nc '{hap: 1, kind: "circuit", graph: {layers: 4, heads: 4}}, {edge: "m0->logits", z: 1},
                {end: "circuit"}' | hap-convert -q --from json -o one
        assert_refused 3 "use --greedy; --keep-dead keeps them" hap-select --difference both one
        assert_equal "$(kept --difference both one)" '"input->m0"'
}
