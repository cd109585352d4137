load helper

# What hap-eval reports besides means: intervals, differences, seeds.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        hap-task -q ioi -n 60 | hap-forward -q -m "$root/models/demo" -o cache
        for seed in 1 2 3; do
                hap-prune -q --steps 2 --edges 100 --seed $seed -o seed.$seed cache
        done
        hap-attrib -q cache | hap-select -q --keep 100 -o selected
}

setup() {
        cd "$BATS_FILE_TMPDIR"
}

# values REPORT CIRCUIT METRIC: the values of the examples, one a line.
values() {
        json -q "$1" | jq -r --arg c "$2" --arg m "$3" 'select(.id and .circuit == $c and .metric == $m).value'
}

@test "standard errors and intervals of means are those of the textbook's normal interval, nearly" {
        hap-eval -q --per-example -o "$tmp/report" cache selected
        json -q "$tmp/report" | jq -s '[.[] | select(.sd)]' >"$tmp/means"
        assert_equal "$(jq length "$tmp/means")" 6
        # s / sqrt n exactly; BCa differs from mean ± 1.96 se by skewness, which differences have little of
        jq -e 'all(.[]; .examples == 60 and .level == 0.95
                   and (.se - .sd / (60 | sqrt) | fabs) < 1e-12
                   and .low < .value and .value < .high
                   and ((.metric | test("-diff") | not)
                        or (.value - 1.96 * .se - .low | fabs) < 0.4 * .se
                           and (.value + 1.96 * .se - .high | fabs) < 0.4 * .se))' "$tmp/means" >/dev/null ||
                fail "$(cat "$tmp/means")"
}

@test "without resamples there is no interval, and what was there before is the same" {
        hap-eval -q -o "$tmp/with" cache selected
        hap-eval -q --resamples 0 -o "$tmp/without" cache selected
        json -q "$tmp/without" | jq -se 'all(.[]; has("low") or has("high") or has("level") | not)' >/dev/null
        diff <(json -q "$tmp/with" | jq -c 'select(.metric) | del(.low, .high, .level)') \
                <(json -q "$tmp/without" | jq -c 'select(.metric)')
}

@test "the level and the seed are options; the seed changes an interval a little" {
        bounds() {
                hap-eval -q --metric kl "$@" cache selected | json -q | jq -c 'select(.sd) | [.low, .high, .level]'
        }
        bounds >"$tmp/a"
        bounds --seed 1 >"$tmp/b"
        bounds --level 80% >"$tmp/c"
        assert_equal "$(bounds)" "$(cat "$tmp/a")"
        jq -ne '[inputs] as [$a, $b, $c] | $a != $b and ($a[0] - $b[0] | fabs) < 0.1 * ($a[1] - $a[0])
                and $a[0] < $c[0] and $c[1] < $a[1] and $c[2] == 0.8' "$tmp/a" "$tmp/b" "$tmp/c" >/dev/null
        assert_refused 2 "--level must be" hap-eval --level 100% cache selected
        assert_refused 2 "--compare needs resamples" hap-eval --compare --resamples 0 cache selected
}

@test "an interval of faithfulness is that of the ratio: full and empty are resampled too" {
        hap-eval -q --full --metric faithfulness -o "$tmp/report" cache selected
        json -q "$tmp/report" | jq -se '[.[] | select(.metric)] as [$full, $c]
                | $full.low == 1 and $full.high == 1 and $c.low < $c.value and $c.value < $c.high and $c.se > 0' >/dev/null
}

@test "differences are paired, have the sign of first minus second, and p-values" {
        hap-eval -q --compare --per-example --full -o "$tmp/report" cache seed.1 selected
        json -q "$tmp/report" | jq -s '[.[] | select(.against)]' >"$tmp/pairs"
        assert_equal "$(jq length "$tmp/pairs")" 18
        values "$tmp/report" seed.1 kl >"$tmp/a"
        values "$tmp/report" selected kl >"$tmp/b"
        paste "$tmp/a" "$tmp/b" | awk '{ d = $1 - $2; s += d; q += d * d } END { m = s / NR
                printf "{\"difference\":%.17g,\"se\":%.17g}\n", m, sqrt((q / NR - m * m) / NR) }' >"$tmp/should"
        jq '.[] | select(.circuit == "seed.1" and .metric == "kl") | {difference, se}' "$tmp/pairs" >"$tmp/is"
        assert_near "$(jq .difference "$tmp/is")" "$(jq .difference "$tmp/should")" 1e-9
        # the standard deviation of the resampled difference, of 10,000 resamples
        assert_near "$(jq .se "$tmp/is")" "$(jq .se "$tmp/should")" "$(jq '.se * 0.04' "$tmp/should")"
        jq -e 'all(.[]; .p > 0 and .p <= .p_holm and .p_holm <= 1)' "$tmp/pairs" >/dev/null
        # a circuit against itself is noise, the full model against a bad circuit is not
        hap-eval -q --compare --metric kl --name a --name b -o "$tmp/same" cache selected selected
        json -q "$tmp/same" | jq -se 'map(select(.against)) | length == 1 and .[0].difference == 0 and .[0].p == 1' >/dev/null
        run -0 hap-show -q "$tmp/report"
        assert_line --regexp '^  difference of +and +kl '
        assert_line --regexp '^  full +seed.1 +-[0-9.]+ \[-[0-9.]+, -[0-9.]+\]\*'
        run -0 hap-show -q "$tmp/same"
        assert_line --regexp '^  a +b +0 \[0, 0\] $'
}

@test "circuits that differ in the seed only get a row of their mean and spread" {
        hap-eval -q --metric kl,accuracy -o "$tmp/report" cache seed.1 selected seed.2 seed.3
        json -q "$tmp/report" | jq -s '[.[] | select(.seeds)]' >"$tmp/seeds"
        assert_equal "$(jq -c 'map([.circuit, .metric, .circuits, .seeds])' "$tmp/seeds")" \
                '[["seed.1 and 2 other seeds","kl",3,[1,2,3]],["seed.1 and 2 other seeds","accuracy",3,[1,2,3]]]'
        json -q "$tmp/report" | jq -s '[.[] | select(.metric == "kl" and has("edges") and .circuit != "selected").value]
                | (add / 3) as $m | {value: $m, sd: (map((. - $m) | . * .) | add / 2 | sqrt)}' >"$tmp/should"
        jq '.[0] | {value, sd}' "$tmp/seeds" >"$tmp/is"
        assert_near_maps "$tmp/is" "$tmp/should" 1e-12
        # two times the same circuit, or another size, is no spread over seeds
        hap-prune -q --steps 2 --edges 90 --seed 2 -o "$tmp/smaller" cache
        hap-eval -q --metric kl -o "$tmp/none" cache seed.1 seed.1 "$tmp/smaller"
        assert_equal "$(json -q "$tmp/none" | jq -c 'select(.seeds)')" ""
}

@test "threads change no byte of the statistics" {
        for j in 1 2; do
                hap-eval -q -j $j --compare -o "$tmp/$j" cache seed.1 seed.2
        done
        assert_same "$tmp/1" "$tmp/2"
}

@test "random circuits have the circuit's size; bad ones are counted as worse" {
        hap-eval -q --random 20 --metric kl,accuracy -o "$tmp/report" cache selected
        json -q "$tmp/report" | jq -s '[.[] | select(.as_good)]' >"$tmp/random"
        assert_equal "$(jq -r 'map(.circuit) | unique | join(",")' "$tmp/random")" \
                "selected, random edges,selected, random layers,selected, random paths"
        edges=$(json -q "$tmp/report" | jq -s 'map(select(.metric))[0].edges')
        jq -e --argjson edges "$edges" 'length == 6
                and all(.[]; .circuits == 20 and .edges == $edges and .as_good >= 0 and .as_good <= 1)
                and all(.[] | select(.circuit | test("paths")); .live >= $edges and .live < $edges + 9)
                and all(.[] | select(.circuit | test("random edges")); .as_good == 0 and .value != 0)' \
                "$tmp/random" >/dev/null || fail "$(cat "$tmp/random")"
        hap-eval -q --random 20 --metric kl,accuracy -j 1 -o "$tmp/again" cache selected
        assert_same "$tmp/report" "$tmp/again"
        hap-eval -q --random 20 --seed 1 --metric kl,accuracy -o "$tmp/other" cache selected
        ! cmp -s "$tmp/report" "$tmp/other" || fail "the seed changes nothing"
        # among random circuits that are all as good, the share is 1: the full graph
        hap-attrib -q cache | hap-select -q --keep 100% -o "$tmp/all"
        hap-eval -q --random 3 --metric accuracy -o "$tmp/full" cache "$tmp/all"
        json -q "$tmp/full" | jq -se 'map(select(.as_good)) | length == 3 and all(.[]; .as_good == 1)' >/dev/null
}
