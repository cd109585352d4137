load helper

# Promises about all stages together, on a few prompts.

setup_file() {
        export DIR=$BATS_FILE_TMPDIR
        cd "$root"
        hap-task ioi -m models/demo -n 6 -q -o "$DIR/task"
        hap-forward -m models/demo -q -o "$DIR/cache" "$DIR/task"
        hap-attrib -q -o "$DIR/scores" "$DIR/cache"
        hap-select --keep 40% -q -o "$DIR/subgraph" "$DIR/scores"
        hap-prune --sparsity 80% --steps 4 -q -o "$DIR/circuit" \
                "$DIR/cache" "$DIR/subgraph" "$DIR/scores"
        hap-eval -m models/demo -q -o "$DIR/report" "$DIR/task" "$DIR/circuit"
}

setup() {
        cd "$root"
        for python in python3 /usr/bin/python3; do
                "$python" -c 'import msgpack' 2>/dev/null && PYTHON=$python
        done
        task=$DIR/task cache=$DIR/cache scores=$DIR/scores
        subgraph=$DIR/subgraph circuit=$DIR/circuit report=$DIR/report
}

prune() {
        hap-prune --sparsity 80% --steps 4 -q "$@"
}

@test "one pipe with -p and no file gives the same circuit as a file for each stage" {
        hap-task ioi -m models/demo -n 6 -q | hap-forward -m models/demo -q | hap-attrib -p -q |
                hap-select -p --keep 40% -q | prune >"$tmp/circuit"
        assert_same "$tmp/circuit" "$circuit"
}

@test "-p copies the input byte for byte before the stage's own section" {
        hap-select -p --keep 40% -q "$cache" "$scores" >"$tmp/passed"
        cat "$cache" "$scores" "$subgraph" | cmp - "$tmp/passed"
}

@test "streams put together by cat, named one by one, or piped are the same" {
        cat "$cache" "$subgraph" "$scores" >"$tmp/all"
        prune "$tmp/all" >"$tmp/a"
        prune - <"$tmp/all" >"$tmp/b"
        cat "$tmp/all" | prune >"$tmp/c"
        for other in a b c; do
                assert_same "$tmp/$other" "$circuit"
        done
}

@test "-o and standard output get the same bytes" {
        hap-attrib -q "$cache" >"$tmp/scores"
        assert_same "$tmp/scores" "$scores"
}

@test "every stage gives the same bytes with one thread and with two" {
        for j in 1 2; do
                hap-forward -j $j -m models/demo -q "$task" >"$tmp/cache.$j"
                hap-attrib -j $j -q "$cache" >"$tmp/scores.$j"
                prune -j $j "$cache" "$subgraph" "$scores" >"$tmp/circuit.$j"
                hap-eval -j $j -m models/demo -q "$task" "$circuit" >"$tmp/report.$j"
        done
        for stream in cache scores circuit report; do
                assert_same "$tmp/$stream.1" "$tmp/$stream.2"
        done
}

@test "compressed streams are read like plain ones" {
        gzip -c "$cache" | hap-attrib -q >"$tmp/scores"
        assert_same "$tmp/scores" "$scores"
        hap-attrib -z -q "$cache" | gzip -dc | cmp - "$scores"
}

@test "every stream converted to JSON and back has the same bytes" {
        for stream in task cache scores subgraph circuit report; do
                json "$DIR/$stream" >"$tmp/json"
                hap-convert --from json -q "$tmp/json" >"$tmp/back"
                assert_same "$tmp/back" "$DIR/$stream"
        done
}

@test "a full disk makes every stage exit 1 and say so" {
        full() { "$@" >/dev/full; }
        for stage in "hap-task ioi -m models/demo -n 6" "hap-forward -m models/demo $task" \
                "hap-attrib $cache" "hap-select --keep 40% $scores" \
                "prune $cache $subgraph $scores" "hap-eval -m models/demo $task $circuit" \
                "hap-show $circuit" "hap-convert --to json $circuit"; do
                # shellcheck disable=SC2086 # words of a command
                run -1 full $stage
                assert_output --partial "No space left on device"
        done
}

@test "a stage whose reader exits ends without a message" {
        hap-convert --to json -q "$cache" 2>"$tmp/said" | head -c 10 >/dev/null || true
        hap-forward -m models/demo -q "$task" 2>>"$tmp/said" | head -c 10 >/dev/null || true
        [[ ! -s $tmp/said ]] || fail "$(cat "$tmp/said")"
}

@test "a stage that fails leaves neither its file nor a temporary one" {
        head -c 9999 "$cache" >"$tmp/cut"
        mkdir "$tmp/there"
        run -3 hap-attrib -q -o "$tmp/there/scores" "$tmp/cut"
        assert_equal "$(ls -A "$tmp/there")" ""
}

# The stage that reads a stream first, as its user would call it.
next_stage() {
        case $1 in
        task) hap-forward -m models/demo -q "$2" ;;
        cache) hap-attrib -q "$2" ;;
        scores) hap-select --keep 40% -q "$2" ;;
        subgraph) prune "$cache" "$2" ;;
        circuit) hap-eval -m models/demo -q "$task" "$2" ;;
        report) hap-show -q "$2" ;;
        esac
}

# cuts FILE N: N places drawn at random within the file, the same ones each time.
cuts() {
        awk -v size="$(stat -c %s "$1")" -v n="$2" 'BEGIN {
                srand(7)
                while (n-- > 0) print 1 + int(rand() * (size - 1))
        }'
}

# refused_at STREAM OFFSET ...: the next stage must exit 3 for every cut.
refused_at() {
        local stream=$1 offset rc
        shift
        for offset in "$@"; do
                head -c "$offset" "$DIR/$stream" >"$tmp/cut"
                rc=0
                next_stage "$stream" "$tmp/cut" >"$tmp/out" 2>"$tmp/said" || rc=$?
                [[ $rc -eq 3 ]] || fail "$stream cut at byte $offset: exit status $rc: $(cat "$tmp/said")"
                grep -q "$tmp/cut" "$tmp/said" || fail "no file is named: $(cat "$tmp/said")"
        done
}

@test "a stream cut at any of 50 places makes the next stage exit 3 and name the file" {
        for stream in task cache scores subgraph circuit report; do
                # shellcheck disable=SC2046 # numbers
                refused_at $stream $(cuts "$DIR/$stream" 50)
        done
}

@test "a stream cut between any two records makes the next stage exit 3" {
        [[ -n ${PYTHON-} ]] || skip "Python has no msgpack"
        for stream in task cache scores circuit report; do
                "$PYTHON" -c 'import msgpack, sys
unpacker = msgpack.Unpacker(open(sys.argv[1], "rb"), max_buffer_size=0)
offsets = [unpacker.tell() for _ in unpacker][:-1]
print(*offsets[:: max(1, len(offsets) // 60)], offsets[-1])' "$DIR/$stream" >"$tmp/offsets"
                # shellcheck disable=SC2046 # numbers
                refused_at $stream $(cat "$tmp/offsets")
        done
}

@test "a stream of another model is refused with both fingerprints" {
        ids='{"clean":[1,2,3],"corrupted":[1,4,3],"answer":5,"wrong":6}'
        echo "$ids" | hap-task --from - -q |
                hap-forward -m tests/golden/gpt2-a/model -q -o "$tmp/other"
        assert_refused 3 "hap-attrib: " hap-attrib -m models/demo -q "$tmp/other"
        there=$(json "$tmp/other" | jq -r 'select(.kind).model.fingerprint')
        here=$(json "$cache" | jq -r 'select(.kind).model.fingerprint')
        assert_refused 3 "$there" hap-attrib -m models/demo -q "$tmp/other"
        assert_refused 3 "$here" hap-attrib -m models/demo -q "$tmp/other"
        run -3 hap-prune --sparsity 80% --steps 4 -q -o "$tmp/x" "$tmp/other" "$subgraph"
}

