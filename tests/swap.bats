load helper

# A stage in another language: pipelines/examples/random-scores.py.

setup_file() {
        bats_load_library bats-support
        for python in python3 /usr/bin/python3; do
                "$python" -c 'import msgpack' 2>/dev/null && export PYTHON=$python
        done
        export TASK=$BATS_FILE_TMPDIR/ioi.task CACHE=$BATS_FILE_TMPDIR/ioi.cache
        cd "$root"
        hap-task ioi -m models/demo --split train -n 20 -q -o "$TASK"
        hap-forward -m models/demo -q -o "$CACHE" "$TASK"
}

setup() {
        [[ -n ${PYTHON-} ]] || skip "Python has no msgpack"
        cd "$root"
        random_scores() { "$PYTHON" pipelines/examples/random-scores.py "$@"; }
}

@test "a stage in Python scores every edge of the cache's graph" {
        random_scores <"$CACHE" >"$tmp/random.scores"
        hap-attrib -q -o "$tmp/eap.scores" "$CACHE"
        scores_map "$tmp/random.scores" | jq -S keys >"$tmp/random"
        scores_map "$tmp/eap.scores" | jq -S keys >"$tmp/eap"
        assert_same "$tmp/random" "$tmp/eap"
        assert_equal "$(jq length "$tmp/random")" 479
}

@test "later stages accept its scores, and its ranking is worse than attribution's" {
        random_scores 7 <"$CACHE" | hap-select --keep 40% -q -o "$tmp/random.circuit"
        hap-attrib "$CACHE" -q | hap-select --keep 40% -q -o "$tmp/eap.circuit"
        for name in random eap; do
                hap-eval -q -m models/demo --metric kl -o "$tmp/$name.report" "$TASK" "$tmp/$name.circuit"
                json "$tmp/$name.report" | jq 'select(.metric == "kl").value' >"$tmp/$name.kl"
        done
        run jq -n "$(cat "$tmp/random.kl") > 2 * $(cat "$tmp/eap.kl")"
        assert_output true
}

@test "it is a proper filter: same seed, same bytes; a cut stream is refused" {
        random_scores 3 <"$CACHE" >"$tmp/a"
        random_scores 3 <"$CACHE" >"$tmp/b"
        random_scores 4 <"$CACHE" >"$tmp/c"
        assert_same "$tmp/a" "$tmp/b"
        run cmp -s "$tmp/a" "$tmp/c"
        assert_failure
        head -c 5000 "$CACHE" >"$tmp/cut"
        assert_refused 1 "truncated" random_scores <"$tmp/cut"
}

@test "its stream is checked like any other: one byte changed, and the next stage exits 3" {
        random_scores <"$CACHE" >"$tmp/scores"
        size=$(stat -c %s "$tmp/scores")
        printf '\377' | dd of="$tmp/scores" bs=1 seek=$((size / 2)) conv=notrunc status=none
        assert_refused 3 "hap-select: " hap-select --keep 10 -q -o "$tmp/x" "$tmp/scores"
}
