load helper

# Circuit tests on a compiled program, whose circuit is known (tests/golden/tracr-reverse).

setup_file() {
        tracr=$root/tests/golden/tracr-reverse
        cd "$BATS_FILE_TMPDIR"
        jq -sc '[.[].ids | select(length == 6)] as $i | range(0; 240; 7)
                | {clean: $i[.], corrupted: $i[(. * 31 + 5) % 243], at: [1, 2, 3, 4, 5]}' "$tracr/io.jsonl" |
                hap-task -q --from - -o interchange
        jq -c '{clean: .ids, corrupted: .ids, at: [range(1; .ids | length)]}' "$tracr/io.jsonl" |
                hap-task -q --from - -o zero
}

setup() {
        cd "$BATS_FILE_TMPDIR"
}

# circuit PATH KEEP: the edges at jq's PATH, changed by the filter KEEP.
circuit() {
        { echo '{"hap":1,"kind":"circuit","graph":{"layers":4,"heads":1,"input":"split"}}' &&
                tracr_edges "$root/tests/golden/tracr-reverse" "$1" |
                jq -Rnc '[inputs | {edge: sub("^input"; "tok"), z: 1}] | '"$2"' | .[]' &&
                echo '{"end":"circuit"}'; } | hap-convert -q --from json
}

# tested ABLATION TEST PATH KEEP: the records of the test.
tested() {
        circuit "$3" "$4" >"$tmp/circuit"
        hap-eval -q -m "$root/tests/golden/tracr-reverse" --ablation "$1" --metric kl --test "$2" \
                --keep-dead -o "$tmp/report" "$1" "$tmp/circuit"
        json -q "$tmp/report" | jq -c 'select(.test)'
}

passed() {
        tested "$@" | jq -s 'map(select(has("passed")))[0].passed'
}

unneeded() {
        tested "$@" | jq -r 'select(.needed == false).edge'
}

@test "every edge of the known circuits is needed" {
        assert_equal "$(passed interchange minimality .interchange_ablation.edges .)" true
        assert_equal "$(passed zero minimality .zero_ablation.edges .)" true
        assert_equal "$(tested zero minimality .zero_ablation.edges . | jq -s 'map(select(.needed)) | length')" 11
}

@test "a useless edge that is added is named, and only that one" {
        for edge in 'pos->a1.h0<q>' 'm1->logits'; do
                extra=". + [{edge: \"$edge\", z: 1}]"
                assert_equal "$(unneeded interchange minimality .interchange_ablation.edges "$extra")" "$edge"
                assert_equal "$(unneeded zero minimality .zero_ablation.edges "$extra")" "$edge"
                run -0 hap-show -q "$tmp/report"
                assert_line "  circuit does not need: $edge"
        done
}

@test "the known circuit is complete, and not without any of its edges" {
        assert_equal "$(passed interchange completeness .interchange_ablation.edges .)" true
        for i in 0 1; do
                assert_equal "$(passed interchange completeness .interchange_ablation.edges "del(.[$i])")" false
        done
}

@test "all edges that carry anything are complete under zero ablation; without a needed one they are not" {
        assert_equal "$(passed zero completeness .live_edges .)" true
        i=$(tracr_edges "$root/tests/golden/tracr-reverse" .live_edges | grep -n '^m1->m2$' | cut -d : -f 1)
        assert_equal "$(passed zero completeness .live_edges "del(.[$((i - 1))])")" false
}

@test "the known circuit is sufficient, which random circuits are not" {
        assert_equal "$(passed zero sufficiency .zero_ablation.edges .)" true
        assert_equal "$(passed zero sufficiency .zero_ablation.edges 'del(.[0])')" false
}

@test "independence is not tested where the model's score is constant" {
        tested interchange independence .interchange_ablation.edges . >"$tmp/record"
        assert_equal "$(jq -r .note "$tmp/record")" "the scores are the same on every example"
        assert_equal "$(jq 'has("passed")' "$tmp/record")" false
}

@test "all tests run on the demo model, do not depend on threads, and are shown" {
        cd "$tmp"
        hap-task -q ioi -n 12 | hap-forward -q -m "$root/models/demo" -o cache
        hap-attrib -q cache | hap-select -q --greedy --keep 30 -o circuit
        for j in 1 2; do
                hap-eval -q -j $j --metric logit-diff --test all -o $j cache circuit
        done
        assert_same 1 2
        run -0 hap-show -q 1
        for test in equivalence completeness minimality independence sufficiency partial-necessity; do
                assert_line --regexp "^  circuit +$test +logit-diff +[0-9.e-]+ +[0-9.e-]+ +(yes|no)$"
        done
        # equivalence is of the shares of examples on which the circuit is better
        hap-eval -q --metric logit-diff --full --per-example --test equivalence -o r cache circuit
        json -q r | jq -se '(map(select(.id and .circuit == "full").value)) as $full
                | (map(select(.id and .circuit == "circuit").value)) as $own
                | ([range(12) | if $own[.] > $full[.] then 1 else 0 end] | add / 12) as $share
                | map(select(.test))[0].share == $share' >/dev/null
        # the full model is equivalent to itself
        hap-attrib -q cache | hap-select -q --keep 100% -o all
        hap-eval -q --test equivalence,completeness cache all | json -q |
                jq -se 'map(select(has("passed"))) | length == 2 and all(.[]; .passed and .p == 1 and .statistic < 1e-4)' >/dev/null
}

@test "unknown tests, and minimality of the full graph, are refused" {
        cd "$tmp"
        hap-task -q ioi -n 2 | hap-forward -q -m "$root/models/demo" -o cache
        hap-attrib -q cache | hap-select -q --keep 100% -o all
        assert_refused 2 "there is no test 'x'; the tests are all, equivalence" hap-eval --test x cache all
        assert_refused 2 "test 'equivalence' is given twice" hap-eval --test equivalence,equivalence cache all
        assert_refused 3 "no path of the graph has an edge that it lacks" hap-eval --test minimality cache all
}
