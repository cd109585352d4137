load helper

# What every program promises of streams, shown on the whole pipeline over the
# demo model.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        hap-task -q -m "$root/models/demo" -n 3 ioi >task
        hap-forward -q -m "$root/models/demo" task >cache
        hap-attrib -q cache >scores
        hap-select -q --keep 20 scores >circuit
        hap-eval -q -m "$root/models/demo" task circuit >report
}

# The stage that reads a kind, and what else it needs.
next_stage() {
        case $1 in
        task) hap-forward -q -m "$root/models/demo" "$2" ;;
        cache) hap-attrib -q "$2" ;;
        scores) hap-select -q --keep 20 "$2" ;;
        circuit) hap-eval -q -m "$root/models/demo" "$BATS_FILE_TMPDIR/task" "$2" ;;
        report) hap-show -q "$2" ;;
        esac
}

# The stage refuses the first $2 bytes of the stream of kind $1.
refuses_cut() {
        local rc=0
        head -c "$2" "$BATS_FILE_TMPDIR/$1" >"$tmp/cut"
        next_stage "$1" "$tmp/cut" >"$tmp/out" 2>"$tmp/said" || rc=$?
        [[ $rc -eq 3 && $(cat "$tmp/said") == *"cannot read '$tmp/cut': truncated"* ]] ||
                fail "$1 cut to $2 bytes: status $rc, $(cat "$tmp/said")"
}

# Where the header of a stream of kind $1 ends, and each of its records: the stream without its
# trailer, whose size its fields give, and without the records that follow. Their sizes are
# differences of streams that are equally edited.
boundaries() {
        local records n whole
        hap-convert -q --to json "$BATS_FILE_TMPDIR/$1" >"$tmp/lines"
        records=$(($(wc -l <"$tmp/lines") - 2))
        whole=$(($(wc -c <"$BATS_FILE_TMPDIR/$1") - 50 - ${#1}))
        for ((n = records; n >= 0; n--)); do
                { head -n $((n + 1)) "$tmp/lines" && echo "{\"end\":\"$1\"}"; } |
                        hap-convert -q --from json | wc -c
        done >"$tmp/sizes"
        awk -v whole=$whole 'NR == 1 { all = $1 } { print whole - (all - $1) }' "$tmp/sizes" | sort -n
}

cut_everywhere() {
        local at size cuts
        size=$(wc -c <"$BATS_FILE_TMPDIR/$1")
        boundaries "$1" >"$tmp/boundaries"
        cuts=$(cat "$tmp/boundaries")
        RANDOM=1
        for _ in {1..50}; do
                cuts+=" $(((RANDOM << 15 | RANDOM) % (size - 1) + 1))"
        done
        for at in $cuts; do
                refuses_cut "$1" "$at"
        done
}

@test "a task cut at any record or at random makes hap-forward exit 3" { cut_everywhere task; }
@test "a cache cut at any record or at random makes hap-attrib exit 3" { cut_everywhere cache; }
@test "a circuit cut at any record or at random makes hap-eval exit 3" { cut_everywhere circuit; }
@test "a report cut at any record or at random makes hap-show exit 3" { cut_everywhere report; }

@test "scores cut at any of their first records or at random make hap-select exit 3" {
        # a section of 20 of the 479 records: cutting at each takes long
        { json -q "$BATS_FILE_TMPDIR/scores" | head -n 21 && echo '{"end":"scores"}'; } |
                hap-convert -q --from json >"$tmp/short"
        mkdir "$tmp/other"
        cp "$tmp/short" "$tmp/other/scores"
        BATS_FILE_TMPDIR=$tmp/other cut_everywhere scores
}

@test "the message names the last whole record" {
        boundaries task >"$tmp/boundaries"
        at=$(sed -n 3p "$tmp/boundaries") # after the header and two records
        head -c "$at" "$BATS_FILE_TMPDIR/task" >"$tmp/cut"
        assert_refused 3 "hap-forward: cannot read '$tmp/cut': truncated after record 2" \
                hap-forward -m "$root/models/demo" "$tmp/cut"
        head -c "$at" "$BATS_FILE_TMPDIR/task" >"$tmp/cut"
        run -3 bash -c "hap-forward -m '$root/models/demo' <'$tmp/cut' 2>&1 >/dev/null"
        assert_output "hap-forward: cannot read 'standard input': truncated after record 2"
}

@test "the output of a failed stage has no trailer, so the next stage fails too" {
        size=$(wc -c <"$BATS_FILE_TMPDIR/task")
        head -c $((size - 40)) "$BATS_FILE_TMPDIR/task" >"$tmp/cut"
        run bash -c "hap-forward -q -m '$root/models/demo' '$tmp/cut' 2>/dev/null | hap-attrib -q >'$tmp/out'; echo \${PIPESTATUS[@]}"
        assert_output --regexp '3 [13]$'
        run ! hap-select -q --keep 5 -o "$tmp/circuit" "$tmp/out"
        assert_not_exist "$tmp/circuit"
}

@test "a damaged byte is found at any position" {
        size=$(wc -c <"$BATS_FILE_TMPDIR/circuit")
        RANDOM=2
        for _ in {1..30}; do
                at=$(((RANDOM << 15 | RANDOM) % size))
                { head -c "$at" "$BATS_FILE_TMPDIR/circuit" &&
                        tail -c +$((at + 1)) "$BATS_FILE_TMPDIR/circuit" | head -c 1 | tr '\000-\377' '\001-\377\000' &&
                        tail -c +$((at + 2)) "$BATS_FILE_TMPDIR/circuit"; } >"$tmp/damaged"
                [[ $(wc -c <"$tmp/damaged") -eq $size ]]
                rc=0
                hap-convert -q --to json "$tmp/damaged" >"$tmp/out" 2>"$tmp/said" || rc=$?
                [[ $rc -eq 3 ]] || fail "byte $at: status $rc"
        done
}

@test "concatenated streams form a stream: as files, by cat, or in a pipe" {
        cd "$BATS_FILE_TMPDIR"
        hap-convert -q --to json scores circuit >"$tmp/files"
        cat scores circuit >"$tmp/cat"
        hap-convert -q --to json "$tmp/cat" >"$tmp/cat.json"
        assert_same "$tmp/files" "$tmp/cat.json"
        # shellcheck disable=SC2002 # a pipe is what is tested
        cat "$tmp/cat" | hap-convert -q --to json >"$tmp/pipe.json"
        assert_same "$tmp/files" "$tmp/pipe.json"
        hap-convert -q --to json scores - <circuit >"$tmp/mixed.json"
        assert_same "$tmp/files" "$tmp/mixed.json"
        hap-convert -q --to json <(cat scores) <(cat circuit) >"$tmp/fifo.json"
        assert_same "$tmp/files" "$tmp/fifo.json"
}

@test "a section does not continue in the next file" {
        head -c 300 "$BATS_FILE_TMPDIR/circuit" >"$tmp/a"
        tail -c +301 "$BATS_FILE_TMPDIR/circuit" >"$tmp/b"
        assert_refused 3 "cannot read '$tmp/a': truncated" hap-convert --to json "$tmp/a" "$tmp/b"
}

@test "gzip is read wherever a section begins, and -z writes it, always the same" {
        cd "$BATS_FILE_TMPDIR"
        hap-select -q -z --keep 20 scores >"$tmp/circuit.gz"
        hap-select -q -z --keep 20 scores >"$tmp/again.gz"
        assert_same "$tmp/circuit.gz" "$tmp/again.gz"
        gzip -dc "$tmp/circuit.gz" | cmp - circuit
        gzip -c scores >"$tmp/scores.gz"
        hap-select -q --keep 20 "$tmp/scores.gz" | cmp - circuit
        cat circuit "$tmp/circuit.gz" circuit "$tmp/circuit.gz" "$tmp/circuit.gz" >"$tmp/mixed"
        hap-convert -q --to json circuit circuit circuit circuit circuit >"$tmp/should"
        hap-convert -q --to json "$tmp/mixed" >"$tmp/is"
        assert_same "$tmp/should" "$tmp/is"
        # shellcheck disable=SC2002
        cat "$tmp/mixed" | hap-convert -q --to json >"$tmp/is"
        assert_same "$tmp/should" "$tmp/is"
}

@test "cut or damaged gzip is refused" {
        gzip -c "$BATS_FILE_TMPDIR/circuit" >"$tmp/gz"
        size=$(wc -c <"$tmp/gz")
        for n in 2 5 10 50 $((size / 2)) $((size - 9)) $((size - 1)); do
                head -c "$n" "$tmp/gz" >"$tmp/cut.gz"
                assert_refused 3 "cannot read '$tmp/cut.gz': truncated" hap-convert --to json "$tmp/cut.gz"
        done
        { head -c $((size - 8)) "$tmp/gz" && printf '\1\2\3\4\5\6\7\10'; } >"$tmp/bad.gz"
        assert_refused 3 "cannot read '$tmp/bad.gz': damaged gzip data" hap-convert --to json "$tmp/bad.gz"
}

@test "-p writes the input sections unchanged, before the program's own" {
        cd "$BATS_FILE_TMPDIR"
        cat scores circuit >"$tmp/should"
        hap-select -q -p --keep 20 scores | cmp - "$tmp/should"
        # shellcheck disable=SC2002
        cat scores | hap-select -q -p --keep 20 | cmp - "$tmp/should"
        cat cache scores circuit >"$tmp/should"
        hap-attrib -q -p cache | hap-select -q -p --keep 20 | cmp - "$tmp/should"
}

@test "every limit is refused with a message that names it" {
        # field ESCAPES: a record with one field of these bytes
        field() { printf '%b' '\x82\xa3hap\x01\xa4kind\xa6scores\x81\xa1x'"$1"; }
        field '\xc6\x40\x00\x00\x00' >"$tmp/a"
        assert_refused 3 "cannot read '$tmp/a': record 1: a record of 1073741832 bytes exceeds the limit of 1073741824" hap-convert --to json "$tmp/a"
        field '\xdd\x01\x00\x00\x01' >"$tmp/a"
        assert_refused 3 "record 1: an array of 16777217 elements exceeds the limit of 16777216" hap-convert --to json "$tmp/a"
        field '\xdf\xff\xff\xff\xff' >"$tmp/a"
        assert_refused 3 "record 1: a map of 4294967295 elements exceeds the limit of 16777216" hap-convert --to json "$tmp/a"
        field '\xdb\x00\x10\x00\x01' >"$tmp/a"
        assert_refused 3 "record 1: text of 1048577 bytes exceeds the limit of 1048576" hap-convert --to json "$tmp/a"
        field "$(printf '\\x91%.0s' {1..40})" >"$tmp/a"
        assert_refused 3 "record 1: nesting of 33 levels exceeds the limit of 32" hap-convert --to json "$tmp/a"
}

@test "another version, kind or requirement exits 3 with a message that names it" {
        printf '%s\n' '{"hap":2,"kind":"task"}' '{"end":"task"}' | hap-convert -q --from json >"$tmp/a"
        assert_refused 3 "cannot read '$tmp/a': section 1 has version 2; this program reads version 1" hap-select --keep 5 "$tmp/a"
        printf '%s\n' '{"hap":1,"kind":"music"}' '{"end":"music"}' | hap-convert -q --from json >"$tmp/a"
        assert_refused 3 "section 1 has unknown kind 'music'" hap-select --keep 5 "$tmp/a"
        for feature in wings place; do
                printf '%s\n' '{"hap":1,"kind":"task","requires":["'$feature'"]}' '{"end":"task"}' |
                        hap-convert -q --from json >"$tmp/a"
                assert_refused 3 "section 1 requires '$feature', which this version does not support" \
                        hap-select --keep 5 "$tmp/a"
        done
}

@test "sections count from 1 in every file" {
        hap-task -q ioi -m "$root/models/demo" -n 2 -o "$tmp/a"
        head -c -1 "$tmp/a" >"$tmp/cut"
        assert_refused 3 "cannot read '$tmp/cut': truncated" hap-show "$tmp/a" "$tmp/a" "$tmp/cut"
        python3 - "$tmp/a" "$tmp/b" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1  # within a record
open(sys.argv[2], "wb").write(data)
END
        cat "$tmp/a" "$tmp/b" >"$tmp/both"
        assert_refused 3 "cannot read '$tmp/b': damaged: section 1 has" hap-show "$tmp/a" "$tmp/b"
        assert_refused 3 "cannot read '$tmp/both': damaged: section 2 has" hap-show "$tmp/both"
        echo hello >"$tmp/text"
        assert_refused 3 "cannot read '$tmp/text': not a hap stream" hap-show "$tmp/a" "$tmp/text"
}

@test "a full disk exits 1 with a message and leaves no file" {
        cd "$BATS_FILE_TMPDIR"
        for stage in task cache scores; do
                rc=0
                next_stage $stage $stage >/dev/full 2>"$tmp/said" || rc=$?
                [[ $rc -eq 1 && $(cat "$tmp/said") == *"cannot write 'standard output': No space left on device" ]] ||
                        fail "$stage: status $rc, $(cat "$tmp/said")"
        done
        # no file may grow beyond 4 KiB
        mkdir "$tmp/folder"
        run -1 bash -c "ulimit -f 4; hap-forward -q -m '$root/models/demo' -o '$tmp/folder/out' task"
        assert_output "hap-forward: cannot write '$tmp/folder/out': File too large"
        run -0 ls -A "$tmp/folder"
        assert_output ''
}

@test "a file is replaced only by a whole one" {
        echo old >"$tmp/out"
        head -c 200 "$BATS_FILE_TMPDIR/scores" >"$tmp/cut"
        assert_refused 3 'truncated' hap-select --keep 5 -o "$tmp/out" "$tmp/cut"
        [[ $(cat "$tmp/out") == old ]]
        ln -s out "$tmp/link"
        hap-select -q --keep 20 -o "$tmp/link" "$BATS_FILE_TMPDIR/scores"
        assert_same "$tmp/out" "$BATS_FILE_TMPDIR/circuit"
        rm "$tmp/out" # the target of a link need not exist
        hap-select -q --keep 20 -o "$tmp/link" "$BATS_FILE_TMPDIR/scores"
        assert_same "$tmp/out" "$BATS_FILE_TMPDIR/circuit"
        [[ -L $tmp/link ]]
        run -0 ls -A "$tmp"
        assert_output $'cut\nlink\nout'
        assert_refused 2 "the name of the output is empty" hap-select --keep 5 -o "" "$BATS_FILE_TMPDIR/scores"
        assert_refused 1 "cannot write '$tmp/no/out': No such file or directory" hap-select --keep 5 -o "$tmp/no/out" "$BATS_FILE_TMPDIR/scores"
}

@test "a killed program leaves no temporary file" {
        mkdir "$tmp/folder"
        mkfifo "$tmp/fifo"
        for signal in TERM HUP; do
                hap-select -q --keep 5 -o "$tmp/folder/out" "$tmp/fifo" &
                pid=$!
                exec 7>"$tmp/fifo"
                head -c 100 "$BATS_FILE_TMPDIR/scores" >&7
                for _ in {1..200}; do
                        [[ -n $(ls -A "$tmp/folder") ]] && break
                        sleep 0.05
                done
                [[ -n $(ls -A "$tmp/folder") ]]
                kill -"$signal" "$pid"
                rc=0
                wait "$pid" || rc=$?
                exec 7>&-
                [[ $rc -eq $((128 + $(kill -l "$signal"))) ]]
                [[ -z $(ls -A "$tmp/folder") ]]
        done
}

@test "a pipe that loses its reader ends quietly" {
        run bash -c "hap-forward -q -m '$root/models/demo' '$BATS_FILE_TMPDIR/task' 2>'$tmp/said' | head -c 1 >/dev/null; echo \${PIPESTATUS[0]}"
        assert_output 141
        [[ ! -s $tmp/said ]]
}

@test "binary data are not written to a terminal" {
        need_tool script
        script -qec true /dev/null >/dev/null 2>&1 </dev/null || skip "there are no pseudo-terminals here"
        run script -qec "hap-select --keep 5 '$BATS_FILE_TMPDIR/scores'" /dev/null
        assert_output --partial 'hap-select: cannot write binary data to a terminal; use -o FILE or a pipe'
        [[ $status -eq 2 ]]
}

# The programs that a stream's history names.
history_of() {
        json -q "$1" | sed -n 1p | jq -r '[.history[].name | ltrimstr("hap-")] | join(" ")'
}

@test "history has an entry for each program that had a part, from whichever input, once" {
        cd "$tmp"
        hap-task -q ioi -m "$root/models/demo" -n 8 -o train
        hap-forward -q -m "$root/models/demo" -o cache train
        hap-attrib -q -o scores cache
        hap-attrib -q --metric prob-diff -o other.scores cache
        hap-select -q --keep 70% -o subgraph scores
        assert_equal "$(history_of subgraph)" "task forward attrib select"
        hap-prune -q --edges 48 --steps 2 -o circuit cache subgraph scores
        assert_equal "$(history_of circuit)" "task forward attrib select prune"
        hap-task -q ioi -m "$root/models/demo" --split test -n 3 -o test
        hap-eval -q --metric kl -m "$root/models/demo" -o report test circuit subgraph
        assert_equal "$(history_of report)" "task task forward attrib select prune eval"
        # two calls of one program with other options are two entries
        hap-select -q --keep 20 --union -o union scores other.scores
        assert_equal "$(history_of union)" "task forward attrib attrib select"
        hap-select -q --auto --tolerance 5 -o chosen cache scores
        assert_equal "$(history_of chosen)" "task forward attrib select"
        hap-attrib -q --method mask-gradient -o gradient cache subgraph
        assert_equal "$(history_of gradient)" "task forward attrib select attrib"
        # input that was not used is not in the history
        hap-attrib -q -o plain cache subgraph
        assert_equal "$(history_of plain)" "task forward attrib"
}

@test "every program takes -j" {
        cd "$tmp"
        hap-task -j 2 -q ioi -n 2 -o task
        hap-show -j 2 -q task >text
        hap-convert -j 2 -q --to json task >json
        [[ -s text && -s json ]]
        assert_refused 2 "option '--threads': 0 is not between" hap-task -j 0 ioi
}

@test "the message for a missing section lists the sections of the input" {
        hap-task -q ioi -m "$root/models/demo" -n 2 -o "$tmp/t"
        assert_refused 3 "hap-attrib: the input contains no task or cache; it contains nothing" \
                hap-attrib /dev/null
        assert_refused 3 "hap-select: the input contains no scores; it contains task in '$tmp/t'" \
                hap-select --keep 1 "$tmp/t"
        cd "$tmp"
        many=(t)
        for _ in {1..40}; do many+=(t); done
        run -3 hap-select --keep 1 "${many[@]}"
        assert_output --regexp "it contains (task in 't', ){10,}…$"
        cp t "a… b"
        assert_refused 3 "it contains task in 'a… b', task in 't'" hap-select --keep 1 "a… b" t
}

@test "a section without records can be shown and converted, but contains no examples" {
        cd "$tmp"
        echo '{"hap": 1, "kind": "task", "task": {"name": "none"}, "history": []}
                {"end": "task"}' | tr -d '\n' | sed 's/}  */}\n/g' >lines
        hap-convert -q --from json lines >task
        run -0 hap-show -q task
        assert_line --partial "task, 0 examples"
        run -0 hap-convert -q --to json task
        assert_line --index 1 --partial '"records":0'
        assert_refused 3 "no examples" hap-forward -m "$root/models/demo" task
        assert_refused 3 "no examples" hap-attrib -m "$root/models/demo" task
        assert_refused 3 "no examples" hap-eval -m "$root/models/demo" --full task
}

@test "an empty stream is refused by every stage" {
        : >"$tmp/empty"
        for stage in task cache scores; do
                rc=0
                next_stage $stage "$tmp/empty" >"$tmp/out" 2>"$tmp/said" || rc=$?
                [[ $rc -eq 3 && -s $tmp/said ]] || fail "$stage: status $rc, $(cat "$tmp/said")"
        done
        run -0 hap-convert -q --to json "$tmp/empty"
        assert_output ''
}

@test "messages name files as the user did" {
        cd "$tmp"
        assert_refused 1 "hap-select: cannot read 'no such': No such file or directory" hap-select --keep 5 'no such'
        assert_refused 1 "hap-select: cannot read '.': Is a directory" hap-select --keep 5 .
}

@test "the examples of hap-stream's page run unchanged" {
        cd "$tmp"
        cp "$BATS_FILE_TMPDIR/scores" ioi.scores
        cp "$BATS_FILE_TMPDIR/circuit" ioi.circuit
        awk '/^\.Sh / { inside = ($0 == ".Sh EXAMPLES"); next }
                /^\.Bd -literal/ { block = inside; next }
                /^\.Ed/ { block = 0; next }
                block' "$root/man/hap-stream.5" | sed -e 's/^\$ //' -e 's/\\e/\\/g' >examples
        [[ $(grep -c hap- examples) -ge 3 ]]
        { echo 'set -e -o pipefail' && cat examples; } >script
        bash script >out 2>err </dev/null || fail "exit status $? of"$'\n'"$(cat examples err)"
        [[ $(hap-convert -q --to json hand.circuit | wc -l) -eq 4 ]]
        # the pipe of the second example: two sections, 479 scores, 20 edges
        run -0 grep -A 3 '^scores$' out
        assert_output --partial $'scores\n479\ncircuit'
}

@test "a stage that ranks at random, in jq, is read like any other" {
        hap-convert -q --to json "$BATS_FILE_TMPDIR/scores" |
                jq -c 'if .edge then .score = (.edge | explode | add % 97) else . end' |
                hap-convert -q --from json >"$tmp/random"
        hap-select -q --greedy --keep 20 "$tmp/random" >"$tmp/out"
        run -0 hap-show -q "$tmp/out"
        assert_output --partial 'circuit'
}

@test "closed descriptors: no message reaches the output file, and what is read or written fails" {
        printf '%s\n' '{"clean":[1,2,3],"corrupted":[1,2,4],"answer":4,"wrong":5}' >"$tmp/lines"
        hap-task -q --from "$tmp/lines" -o "$tmp/wanted"
        for closed in '2>&-' '<&- 2>&-' '<&- >&- 2>&-'; do
                bash -c "hap-task --from '$tmp/lines' -o '$tmp/task' $closed"
                json -q "$tmp/task" | grep -v '"hap"' >"$tmp/is"
                json -q "$tmp/wanted" | grep -v '"hap"' >"$tmp/should"
                assert_same "$tmp/is" "$tmp/should"
                rm "$tmp/task"
        done
        run -1 bash -c "hap-task --from '$tmp/lines' >&-"
        assert_output --partial "cannot write 'standard output': Bad file descriptor"
        run -1 bash -c "hap-show <&-"
        assert_output --partial "cannot read 'standard input': Bad file descriptor"
}

@test "nothing in a stream or a name controls the terminal through a message" {
        esc=$'\e]0;title\a\e[31mX'
        printf '%s\n' '{"hap": 1, "kind": "scores", "graph": {"layers": 2, "heads": 1}}' \
                '{"edge": "\u001b]0;title\u0007\u001b[31mX\r\n->m0", "score": 1}' \
                '{"end": "scores"}' >"$tmp/edge.json"
        printf '%s\n' '{"hap": 1, "kind": "scores", "requires": ["\u001b[31mX\r\n"]}' \
                '{"end": "scores"}' >"$tmp/requires.json"
        for input in edge requires; do
                run -3 --separate-stderr bash -c 'set -o pipefail
                        hap-convert -q --from json "$1" | hap-select -q --keep 1' _ "$tmp/$input.json"
                assert_one_printable_line
        done
        for stage in hap-select hap-show hap-eval hap-prune hap-forward; do
                run --separate-stderr "$stage" "$tmp/$esc"
                assert_one_printable_line
                assert_regex "$stderr" 'x1b\[31mX'
                run -2 --separate-stderr "$stage" "--$esc"
                assert_one_printable_line
        done
}

assert_one_printable_line() {
        assert_regex "$stderr" '^hap-'
        [[ ! $stderr =~ [[:cntrl:]] ]]
}
