load helper

# The prompts that ship are in models/demo/tasks; token ids are compared with
# models/demo/vocab.json and golden.jsonl, which other programs made.

tasks='ioi greater_than gendered_pronoun docstring induction'

setup_file() {
        # The demo model's vocabulary without its prompts, and one of bytes only.
        export PLAIN=$BATS_FILE_TMPDIR/plain BYTES=$BATS_FILE_TMPDIR/bytes
        mkdir "$PLAIN" "$BYTES"
        cp "$root"/models/demo/{config.json,vocab.json,merges.txt} "$PLAIN"
        jq '.n_positions = 200' "$root/models/demo/config.json" >"$BYTES/config.json"
        jq 'with_entries(select(.key | length == 1))' "$root/models/demo/vocab.json" \
                >"$BYTES/vocab.json"
        echo '#version: 0.2' >"$BYTES/merges.txt"
}

setup() {
        cd "$root"
}

# The records of the stream that a hap-task command writes, one a line.
records() {
        hap-task -q "$@" -o "$tmp/stream"
        json "$tmp/stream" | jq -c 'select(has("id"))'
}

header() {
        hap-task -q "$@" -o "$tmp/stream"
        json "$tmp/stream" | jq -c 'select(has("hap"))'
}

# Adds "spelt", the tokens of clean as the vocabulary writes them, to records.
spell() {
        jq -c --slurpfile v models/demo/vocab.json '
                ($v[0] | to_entries | map({(.value | tostring): .key}) | add) as $of
                | .spelt = [.clean[] | $of[tostring]]
                | .answer = ((.answers // [])[0] | $of[tostring])
                | .wrong = ((.wrongs // [])[0] | $of[tostring])'
}

lines() {
        printf '%s\n' "$@" >"$tmp/lines.jsonl"
}

# --- the prompts that ship ---

@test "merges.txt without the line that transformers skips, or with an open last line, is refused" {
        mkdir "$tmp/model"
        cp "$PLAIN"/{config.json,vocab.json} "$tmp/model/"
        echo '{"clean": "So Mary is", "corrupted": "So Tim is", "answer": " she", "wrong": " he"}' >"$tmp/lines"
        tail -n +2 "$PLAIN/merges.txt" >"$tmp/model/merges.txt"
        assert_refused 3 "merges.txt does not begin with a line '#version'" hap-task --from "$tmp/lines" -m "$tmp/model" -o "$tmp/x"
        printf %s "$(<"$PLAIN/merges.txt")" >"$tmp/model/merges.txt"
        assert_refused 3 "the last line of merges.txt has no line break" hap-task --from "$tmp/lines" -m "$tmp/model" -o "$tmp/x"
}

@test "every task gives all prompts of its files unchanged" {
        for task in $tasks; do
                for split in train validation test; do
                        file=models/demo/tasks/$task-$split.jsonl
                        records "$task" --split $split -n "$(wc -l <"$file")" |
                                jq -c '[.clean, .corrupted, .answers, .wrongs]' >"$tmp/ours"
                        jq -c '[.clean, .corrupted, .answers // [.answer], .wrongs // [.wrong]]' \
                                "$file" >"$tmp/theirs"
                        assert_same "$tmp/ours" "$tmp/theirs"
                done
        done
}

@test "the default is 200 prompts, and fewer available ones are an error" {
        assert_equal "$(records ioi | wc -l)" 200
        assert_equal "$(records ioi -n 7 | wc -l)" 7
        assert_refused 2 "301 examples from" hap-task ioi -n 301 -o "$tmp/x"
        assert_refused 2 "there are 300" hap-task ioi -n 301 -o "$tmp/x"
        assert_not_exists "$tmp/x"
        assert_refused 2 "0 is not between 1 and 40000" hap-task ioi -n 0
}

@test "a corruption is its field, with dashes or underscores" {
        records ioi --corruption s2-io-flip | jq -c .corrupted >"$tmp/dashes"
        records ioi --corruption s2_io_flip | jq -c .corrupted >"$tmp/underscores"
        head -n 200 models/demo/tasks/ioi-train.jsonl | jq -c .s2_io_flip >"$tmp/file"
        assert_same "$tmp/dashes" "$tmp/file"
        assert_same "$tmp/underscores" "$tmp/file"
}

@test "the first corruption of a task is the field \"corrupted\" of its files" {
        for task in $tasks; do
                usual=$(hap-task --list | awk -v t="${task/_/-}" '$1 == t { print $4; exit }')
                records "$task" --corruption "${usual%,}" >"$tmp/named"
                records "$task" >"$tmp/unnamed"
                records "$task" --corruption corrupted >"$tmp/corrupted"
                assert_same "$tmp/named" "$tmp/unnamed"
                assert_same "$tmp/corrupted" "$tmp/unnamed"
        done
}

@test "an unknown corruption is an error that lists the known ones" {
        assert_refused 2 "has abc, s2-io-flip, s1-io-flip, s1-flip, random-names" \
                hap-task ioi --corruption sideways -o "$tmp/x"
        assert_refused 2 "has abc, s2-io-flip, s1-io-flip, s1-flip, random-names" \
                hap-task ioi -m "$PLAIN" --corruption sideways -o "$tmp/x"
}

@test "a seed draws other prompts of the file, none twice, always the same ones" {
        records ioi --seed 1 -n 300 | jq -c .id >"$tmp/one"
        records ioi --seed 1 -n 300 | jq -c .id >"$tmp/again"
        records ioi --seed 2 -n 300 | jq -c .id >"$tmp/two"
        records ioi --seed 1 -n 20 | jq -c .id >"$tmp/few"
        records ioi -n 300 | jq -c .id >"$tmp/file"
        assert_same "$tmp/one" "$tmp/again"
        head -n 20 "$tmp/one" | cmp - "$tmp/few"
        run ! cmp -s "$tmp/one" "$tmp/two"
        run ! cmp -s "$tmp/one" "$tmp/file"
        sort "$tmp/one" | cmp - <(sort "$tmp/file")
}

@test "the header names task, split, corruption, seed, number and source" {
        run header greater_than --split test --corruption random_year --seed 5 -n 9
        assert_equal "$(jq -Sc '.task | .digest |= test("^[0-9a-f]{16}$")' <<<"$output")" \
                '{"corruption":"random-year","digest":true,"examples":9,"name":"greater-than","seed":5,"source":"demo","split":"test"}'
        assert_equal "$(jq -c '.kind, .history[0].name' <<<"$output" | tr '\n' ' ')" '"task" "hap-task" '
}

# --- bootstrap samples ---

@test "a bootstrap sample has as many prompts, each one of the original, about 63 % of them" {
        for source in "ioi -n 300" "ioi -m $PLAIN -n 1000"; do
                # shellcheck disable=SC2086 # words
                records $source >"$tmp/all"
                n=$(wc -l <"$tmp/all")
                for k in 1 2 3; do
                        # shellcheck disable=SC2086
                        records $source --bootstrap $k >"$tmp/sample"
                        assert_equal "$(wc -l <"$tmp/sample")" "$n"
                        sort -u "$tmp/sample" >"$tmp/drawn"
                        assert_equal "$(comm -23 "$tmp/drawn" <(sort "$tmp/all") | wc -l)" 0
                        # 1 - 1/e; the deviation of the share is about .3 / sqrt(n)
                        assert_near "$(jq -n "$(wc -l <"$tmp/drawn") / $n")" 0.632 0.09
                done
        done
}

@test "another bootstrap number draws other prompts, the same one the same bytes" {
        for k in 1 2 9007199254740992; do
                hap-task -q ioi -n 100 --bootstrap $k -o "$tmp/$k"
                hap-task -q ioi -n 100 --bootstrap $k -o "$tmp/again"
                assert_same "$tmp/$k" "$tmp/again"
        done
        for k in 1 9007199254740992; do
                run ! diff -q <(json "$tmp/$k" | jq -c .id) <(json "$tmp/2" | jq -c .id)
        done
        # drawn from the prompts that seed and number select, not from the whole file
        records ioi -n 40 --seed 5 | sort >"$tmp/few"
        records ioi -n 40 --seed 5 --bootstrap 2 | sort -u | comm -23 - "$tmp/few" >"$tmp/others"
        assert_equal "$(cat "$tmp/others")" ""
}

@test "every prompt occurs equally often over many bootstrap samples" {
        for ((i = 0; i < 10; i++)); do echo '{"clean": [1], "corrupted": [2], "answer": 3}'; done >"$tmp/ten"
        for ((k = 1; k <= 100; k++)); do
                hap-task -q --from "$tmp/ten" --bootstrap $k
        done >"$tmp/all"
        # 1000 draws of 10 prompts: 100 each, standard deviation 9.5
        json "$tmp/all" | jq -s '[.[] | select(has("id")) | .id] | group_by(.) | map(length)' >"$tmp/counts"
        assert_equal "$(jq -c '[length, add, min > 55, max < 145]' "$tmp/counts")" '[10,1000,true,true]'
}

@test "the header has the number of a bootstrap sample, and none without one" {
        assert_equal "$(header ioi -n 9 --bootstrap 7 | jq -c '[.task.bootstrap, .task.examples]')" '[7,9]'
        assert_equal "$(header ioi -n 9 --bootstrap 7 | jq -c '.history[0].arguments')" \
                '["--number=9","--bootstrap=7","ioi"]'
        assert_equal "$(header ioi -n 9 | jq -c '.task | has("bootstrap")')" false
}

@test "a bootstrap sample of unfit prompts is refused with file and line" {
        # every line lacks an answer, so any sample has such a line
        lines '' '{"clean": [1, 2], "corrupted": [1, 3]}' '' '{"clean": [1, 2], "corrupted": [1, 4]}'
        for k in 1 2 3 4 5 6; do
                rc=0
                hap-task --from "$tmp/lines.jsonl" --bootstrap $k -o "$tmp/x" 2>"$tmp/said" || rc=$?
                assert_equal "$rc" 3
                cat "$tmp/said" >>"$tmp/all"
        done
        assert_equal "$(sort -u "$tmp/all")" \
"hap-task: cannot use line 2 of '$tmp/lines.jsonl': it has none of 'answers', 'answer' and 'at'
hap-task: cannot use line 4 of '$tmp/lines.jsonl': it has none of 'answers', 'answer' and 'at'"
        lines '{"clean": [1, 2], "corrupted": [1, 3], "answer": 1}' '{"clean": '
        assert_refused 3 "line 2 of '$tmp/lines.jsonl': not JSON" \
                hap-task --from "$tmp/lines.jsonl" --bootstrap 1 -o "$tmp/x"
        for wrong in 0 -1 1.5 x; do
                assert_refused 2 "option '--bootstrap': " hap-task ioi --bootstrap=$wrong -o "$tmp/x"
        done
        assert_not_exists "$tmp/x"
}

# --- what ships ---

@test "the splits that ship share no prompt" {
        for task in $tasks; do
                for split in train validation test; do
                        jq -c .clean "models/demo/tasks/$task-$split.jsonl" | sort -u
                done | sort | uniq -d >"$tmp/shared"
                [[ ! -s $tmp/shared ]] || fail "$task: $(cat "$tmp/shared")"
        done
}

@test "the list shows every task of the demo model with its numbers" {
        run -0 hap-task --list
        for task in $tasks; do
                for split in train validation test; do
                        n=$(wc -l <"models/demo/tasks/$task-$split.jsonl")
                        assert_line --regexp "^${task/_/-} +$split +$n  "
                done
        done
        run -0 hap-task --list -m "$PLAIN"
        assert_line --regexp '^ioi +test +40000  abc, s2-io-flip'
        refute_output --partial docstring
        for more in ioi "--split test" "-n 3" "--seed 1" "--corruption abc" "--generate"; do
                # shellcheck disable=SC2086 # words
                assert_refused 2 "only -m can be combined with it" hap-task --list $more
        done
}

# --- token ids ---

@test "with a model, prompts are the token ids of the tokenizers library" {
        records ioi -m models/demo --split test | jq -c '[.text.clean, .clean]' >"$tmp/ours"
        jq -c '[.text, .ids]' models/demo/golden.jsonl | grep -Ff <(jq -c '.[0]' "$tmp/ours") \
                >"$tmp/golden"
        [[ $(wc -l <"$tmp/golden") -ge 3 ]] || fail "too few prompts in common"
        while read -r line; do
                grep -qxF "$line" "$tmp/ours" || fail "not among ours: $line"
        done <"$tmp/golden"
}

@test "answers are the ids of their words, and the texts are kept to be read" {
        records ioi -m models/demo | spell | jq -c '[.answer, .wrong, .text]' >"$tmp/ours"
        head -n 200 models/demo/tasks/ioi-train.jsonl |
                jq -c '["Ġ" + .answer[1:], "Ġ" + .wrong[1:], {clean, corrupted}]' >"$tmp/theirs"
        assert_same "$tmp/ours" "$tmp/theirs"
}

@test "IO, S1, S1+1, S2 and END are at their tokens, for shipped and for generated prompts" {
        for more in '' --generate; do
                records ioi -m models/demo -n 100 $more | spell >"$tmp/spelt"
                assert_equal "$(wc -l <"$tmp/spelt")" 100
                run jq -e 'select((
                        .spelt[.positions.IO] == .answer
                        and .spelt[.positions.S1] == .wrong
                        and .spelt[.positions.S2] == .wrong
                        and .positions.S1 < .positions.S2 and .positions.IO < .positions.S2
                        and .positions["S1+1"] == .positions.S1 + 1
                        and .positions.END == (.clean | length) - 1) | not)' "$tmp/spelt"
                assert_output ""
        done
}

@test "the other tasks' positions point at year, name, arguments and repeated word" {
        records greater-than -m models/demo | spell | jq -c '
                [.spelt[.positions.XX][1:] + .spelt[.positions.YY],
                 (.text.clean | match("[0-9]{4}").string)]
                | select(.[0] != .[1])' >"$tmp/wrong"
        records gendered-pronoun -m models/demo | jq -c '
                select(([.clean, .corrupted] | transpose | map(.[0] != .[1]) | index(true))
                        != .positions.NAME)' >>"$tmp/wrong"
        records induction -m models/demo | spell | jq -c '
                select((.clean[.positions.FIRST] == .clean[.positions.END]
                        and .positions.FIRST < .positions.END
                        and .spelt[.positions["FIRST+1"]] == .answer) | not)' >>"$tmp/wrong"
        records docstring -m models/demo | spell | jq -c '
                select((.spelt[.positions.ANSWER] == .answer
                        and .spelt[.positions.WRONG] == .wrong) | not)' >>"$tmp/wrong"
        [[ ! -s $tmp/wrong ]] || fail "$(head -n 3 "$tmp/wrong")"
}

@test "ids of one tokenizer are refused by a model with another" {
        hap-task -q greater-than -m "$BYTES" -n 5 -o "$tmp/bytes.task"
        assert_refused 3 "its token ids belong to tokenizer" \
                hap-forward -m models/demo -o "$tmp/x" "$tmp/bytes.task"
        assert_not_exists "$tmp/x"
}

# --- prompts that are made ---

@test "made prompts: both orders alike often, equal lengths, all names one token" {
        records ioi -m "$PLAIN" -n 400 >"$tmp/made"
        assert_equal "$(jq -s 'map(select(.positions.IO < .positions.S1)) | length' "$tmp/made")" 200
        assert_equal "$(jq -s 'map(.text.clean) | unique | length' "$tmp/made")" 400
        assert_equal "$(jq -s 'map(select((.clean | length) != (.corrupted | length))) | length' "$tmp/made")" 0
        assert_equal "$(jq -s 'map(select((.answers | length) != 1 or (.wrongs | length) != 1)) | length' "$tmp/made")" 0
}

@test "made splits share no prompt, clean or corrupted, whatever the seeds" {
        for task in ioi greater-than gendered-pronoun; do
                for split in train validation test; do
                        for seed in 1 2; do
                                for kind in $(hap-task --list -m "$PLAIN" | awk -v t=$task \
                                        '$1 == t { $1 = $2 = $3 = ""; gsub(",", ""); print; exit }'); do
                                        records $task -m "$PLAIN" --split $split --seed $seed \
                                                --corruption "$kind" -n 300 |
                                                jq -r '.clean, .corrupted | @csv'
                                done
                        done | sort -u >"$tmp/$task-$split"
                        [[ $(wc -l <"$tmp/$task-$split") -ge 600 ]] || fail "too few prompts"
                done
                sort "$tmp/$task"-* | uniq -d >"$tmp/shared"
                [[ ! -s $tmp/shared ]] || fail "$task: $(wc -l <"$tmp/shared") shared"
        done
}

@test "a number or a corruption does not change which prompts are made, a seed does" {
        records ioi -m "$PLAIN" -n 50 --seed 3 | jq -c .clean >"$tmp/fifty"
        records ioi -m "$PLAIN" -n 10 --seed 3 --corruption random-names | jq -c .clean >"$tmp/ten"
        records ioi -m "$PLAIN" -n 10 --seed 4 | jq -c .clean >"$tmp/other"
        head -n 10 "$tmp/fifty" | cmp - "$tmp/ten"
        run ! cmp -s "$tmp/ten" "$tmp/other"
        hap-task -q ioi -m "$PLAIN" -n 50 -o "$tmp/a"
        hap-task -q ioi -m "$PLAIN" -n 50 -o "$tmp/b"
        assert_same "$tmp/a" "$tmp/b"
}

@test "generated corruptions change the names that they are named for" {
        # the names in the places where the clean prompt has IO, S1 and S2: IO (i), S
        # (s), others (o)
        for wanted in abc=ooo s2-io-flip=isi,sii s1-io-flip=iss,sis s1-flip=ios,ois random-names=ooo; do
                records ioi -m "$PLAIN" -n 40 --corruption "${wanted%=*}" | jq -r '
                        .answers[0] as $io | .wrongs[0] as $s | .corrupted as $t
                        | [.positions | .IO, .S1, .S2] | sort | map($t[.])
                        | map(if . == $io then "i" elif . == $s then "s" else "o" end)
                        | join("")' | sort -u | paste -sd, >"$tmp/shape"
                assert_equal "$(cat "$tmp/shape")" "${wanted#*=}"
        done
        records ioi -m "$PLAIN" -n 40 --corruption random-names |
                jq -r '.positions as $p | .corrupted
                        | [.[$p.S1] == .[$p.S2], .[$p.S1] != .[$p.IO]] | all' | sort -u >"$tmp/repeats"
        assert_equal "$(cat "$tmp/repeats")" true
        records ioi -m "$PLAIN" -n 40 --corruption abc |
                jq -r '.positions as $p | [.corrupted[$p.IO, $p.S1, $p.S2]] | unique | length' |
                sort -u >"$tmp/three"
        assert_equal "$(cat "$tmp/three")" 3
}

@test "later years are all of them where two digits are a token, greater tens where one is" {
        records greater-than -m "$PLAIN" -n 50 --generate | spell | jq -c '
                (.spelt[.positions.YY] | tonumber) as $year
                | select((.answers | length) != 99 - $year or (.wrongs | length) != $year + 1)' \
                >"$tmp/wrong"
        records greater-than -m "$BYTES" -n 50 | spell >"$tmp/digits"
        jq -c '(.spelt[.positions.YY] | tonumber) as $tens
                | select((.answers | length) != 9 - $tens or (.wrongs | length) != $tens
                         or (.answer | tonumber) != $tens + 1 or .wrong != "0")' \
                "$tmp/digits" >>"$tmp/wrong"
        assert_equal "$(wc -l <"$tmp/digits")" 50
        [[ ! -s $tmp/wrong ]] || fail "$(head -n 3 "$tmp/wrong")"
}

@test "pronouns: as many of each, and the corrupted name is of the other gender" {
        records gendered-pronoun -m "$PLAIN" -n 60 | spell >"$tmp/made"
        assert_equal "$(jq -s 'map(select(.answer == "Ġhe" and .wrong == "Ġshe")) | length' "$tmp/made")" 30
        assert_equal "$(jq -s 'map(select(.answer == "Ġshe" and .wrong == "Ġhe")) | length' "$tmp/made")" 30
        # a name that is a woman's in one clean prompt is never a man's in another
        run jq -s '[.[] | {(.clean[.positions.NAME] | tostring): .answer}] as $seen
                | ($seen | unique | length) == ($seen | map(keys[0]) | unique | length)
                  and all(.[]; .corrupted[.positions.NAME] as $o
                        | .answer as $a | $seen | map(.[$o | tostring] // empty) | all(. != $a))' "$tmp/made"
        assert_output true
}

@test "a vocabulary without names is refused with the number that it has" {
        assert_refused 3 "0 of 94 men's names are one token" hap-task ioi -m "$BYTES" -o "$tmp/x"
}

@test "a task that only the demo model has is refused for another" {
        assert_refused 2 "no task 'docstring' for model" hap-task docstring -m "$PLAIN" -o "$tmp/x"
}

# --- a real model ---

@test "40,000 prompts of each split can be made for a real model, none twice, none shared" {
        skip_unless_model "$root/models/smollm2/model.gguf"
        for split in train validation test; do
                hap-task -q -m models/smollm2/model.gguf ioi --split $split -n 40000 -o "$tmp/$split"
                json "$tmp/$split" | jq -r 'select(has("id")) | .text.clean' >>"$tmp/all"
        done
        assert_equal "$(sort -u "$tmp/all" | wc -l)" 120000
}

@test "a real model prefers the right answers of made prompts" {
        skip_unless_model "$root/models/smollm2/model.gguf"
        for task in ioi greater-than gendered-pronoun; do
                hap-task -q -m models/smollm2/model.gguf $task --split test -n 40 -o "$tmp/task"
                hap-eval -q --full -m models/smollm2/model.gguf --metric right-over-wrong \
                        -o "$tmp/report" "$tmp/task"
                json "$tmp/report" | jq -r 'select(.metric == "right-over-wrong").value' >"$tmp/share"
                assert_equal "$(jq '. >= 0.98' "$tmp/share")" true
        done
}

# --- the user's own prompts ---

@test "own lines: single and plural answers, ids and texts, at, positions, no wrongs" {
        lines '{"id": "a", "clean": [1, 2, 3], "corrupted": [1, 4, 3], "answer": 5, "wrong": 6}' '' \
                '{"clean": [1, 2], "corrupted": [2, 2], "answers": [7, 8], "at": [0, 1]}' \
                '{"id": 9, "clean": "Mary", "corrupted": "John", "answers": " x", "positions": {"P": 0}}' \
                '{"clean": [1], "corrupted": [2], "at": [0]}'
        records --from "$tmp/lines.jsonl" >"$tmp/records"
        cat >"$tmp/wanted" <<'END'
{"id":"a","clean":[1,2,3],"corrupted":[1,4,3],"answers":[5],"wrongs":[6]}
{"id":"3","clean":[1,2],"corrupted":[2,2],"answers":[7,8],"at":[0,1]}
{"id":"9","clean":"Mary","corrupted":"John","answers":[" x"],"positions":{"P":0}}
{"id":"5","clean":[1],"corrupted":[2],"at":[0]}
END
        diff <(jq -Sc . "$tmp/records") <(jq -Sc . "$tmp/wanted")
        hap-task -q --from - <"$tmp/lines.jsonl" -o "$tmp/piped"
        json "$tmp/piped" | jq -c 'select(has("id"))' | cmp - "$tmp/records"
        assert_equal "$(header --from "$tmp/lines.jsonl" | jq -r '.task.name')" lines
        assert_equal "$(header copying --from "$tmp/lines.jsonl" | jq -r '.task.name')" copying
}

@test "answers may mix ids and texts, with a model and without" {
        lines '{"clean": "So Mary", "corrupted": "So John", "answers": [848, " Tina"], "wrongs": [849]}' \
                '{"clean": [1, 2], "corrupted": [1, 3], "answers": [848, " Tina"], "wrong": " Mary"}'
        records --from "$tmp/lines.jsonl" >"$tmp/text"
        jq -es '.[0].answers == [848, " Tina"] and .[1].wrongs == [" Mary"]' "$tmp/text"
        records -m models/demo --from "$tmp/lines.jsonl" >"$tmp/ids"
        tina=$(hap-model models/demo >/dev/null; jq '.model.vocab["ĠTina"]' models/demo/tokenizer.json)
        jq -es --argjson tina "$tina" 'all(.answers == [848, $tina])' "$tmp/ids"
        assert_refused 3 "line 1 of '$tmp/lines.jsonl', which is text" \
                hap-task -m tests/golden/gpt2-a/model --from "$tmp/lines.jsonl" -o "$tmp/x"
        lines '{"clean": [1, 2], "corrupted": [1, 3], "answers": [1, " x"]}'
        assert_refused 3 "line 1 of '$tmp/lines.jsonl', which is text" \
                hap-task -m tests/golden/gpt2-a/model --from "$tmp/lines.jsonl" -o "$tmp/x"
}

@test "a mixed list names the same positions as texts" {
        prompt='"clean": "When Mary and John went out, John gave a book to", "corrupted": "When Mary and Anna went out, John gave a book to"'
        mary=$(jq '.model.vocab["ĠMary"]' models/demo/tokenizer.json)
        lines "{$prompt, \"answer\": \" Mary\", \"wrong\": \" John\"}" \
                "{$prompt, \"answers\": [$mary], \"wrong\": \" John\"}"
        records ioi -m models/demo --from "$tmp/lines.jsonl" | jq -es \
                '.[0].positions == .[1].positions and (.[0].positions | has("IO"))'
}

@test "a prompt of more than 4,096 tokens keeps its named positions" {
        cp -r models/demo "$tmp/long"
        jq '.n_positions = 8192' models/demo/config.json >"$tmp/long/config.json"
        filler=$(printf ' and%.0s' {1..4200})
        lines "{\"clean\": \"When Mary$filler John went out, John gave a book to\",
                \"corrupted\": \"When Anna$filler John went out, John gave a book to\",
                \"answer\": \" Mary\", \"wrong\": \" John\"}"
        tr -d '\n' <"$tmp/lines.jsonl" >"$tmp/line.jsonl"
        records ioi -m "$tmp/long" --from "$tmp/line.jsonl" | jq -es \
                '.[0] | (.clean | length) > 4096 and .positions.END == (.clean | length) - 1 and .positions.S1 > 4096'
}

@test "a message counts prompts whose clean and corrupted are the same" {
        lines '{"clean": [1, 2], "corrupted": [1, 2], "answer": 5}' '{"clean": [1], "corrupted": [2], "answer": 5}'
        hap-task --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        grep -q "in 1 of 2 prompts clean and corrupted are the same" "$tmp/said"
        hap-task ioi -n 20 -o "$tmp/t" 2>"$tmp/said"
        run -1 grep "are the same" "$tmp/said"
}

@test "a message counts prompts that differ only after the answers of a causal model" {
        lines '{"clean": [1, 2, 0], "corrupted": [1, 2, 1], "at": [0, 1]}' \
                '{"clean": [1, 2, 0], "corrupted": [1, 0, 1], "at": [0, 1]}' \
                '{"clean": [1, 2, 0], "corrupted": [1, 0, 0], "at": [0]}' \
                '{"clean": [1, 2, 0], "corrupted": [1, 2, 1], "answer": 0}' \
                '{"clean": [1, 2, 0], "corrupted": [1, 2, 0], "at": [1]}'
        hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        grep -qF "in 2 of 5 prompts clean and corrupted differ only after the last answer position: --ablation interchange has no effect on them" "$tmp/said"
        grep -qF "in 1 of 5 prompts clean and corrupted are the same" "$tmp/said"
        # and with that, nothing changes
        head -n 1 "$tmp/lines.jsonl" >"$tmp/one.jsonl"
        hap-task -q -m models/demo --from "$tmp/one.jsonl" | hap-eval -q --empty --metric kl -m models/demo -o "$tmp/r"
        assert_near "$(json "$tmp/r" | jq 'select(.metric == "kl").value')" 0 1e-6
        # a bidirectional model, an unknown model, and prompts that differ elsewhere
        hap-task -m tests/golden/tracr-reverse --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        hap-task --from "$tmp/lines.jsonl" -o "$tmp/t" 2>>"$tmp/said"
        hap-task -m models/demo ioi -n 20 -o "$tmp/t" 2>>"$tmp/said"
        assert_equal "$(grep -c "are the same" "$tmp/said")" 2
        run -1 grep "differ only" "$tmp/said"
}

@test "a message counts prompts that end in a space, unless their answers are elsewhere" {
        lines '{"clean": "When Mary gave it to ", "corrupted": "When John gave it to ", "answer": ",", "wrong": "."}' \
                '{"clean": "When Mary gave it to", "corrupted": "When John gave it to", "answer": " Mary", "wrong": " John"}' \
                '{"clean": "When Mary gave it to ", "corrupted": "When John gave it to ", "answer": " gave", "at": [0]}'
        hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        grep -qF "hap-task: in 1 of 3 prompts the last character is a space" "$tmp/said"
        head -n 2 "$tmp/lines.jsonl" | sed 1d >"$tmp/one.jsonl"
        hap-task -m models/demo --from "$tmp/one.jsonl" -o "$tmp/t" 2>"$tmp/said"
        run -1 grep space "$tmp/said"
}

@test "an id that occurs twice is refused with both lines: text, number, and a line's own number" {
        example() { echo "{$1\"clean\": [1, 2], \"corrupted\": [1, 3], \"answer\": 1}"; }
        lines "$(example '"id": "a", ')" '' "$(example '"id": "b", ')" "$(example '"id": "a", ')"
        for more in '' '--bootstrap 1' '-m models/demo'; do
                # shellcheck disable=SC2086 # words
                assert_refused 3 "cannot use '$tmp/lines.jsonl': lines 1 and 4 have the same id 'a'" \
                        hap-task $more --from "$tmp/lines.jsonl" -o "$tmp/x"
        done
        for seed in 1 2 3 4; do
                assert_refused 3 "lines 1 and 4 have the same id 'a'" \
                        hap-task --seed $seed --from "$tmp/lines.jsonl" -o "$tmp/x"
        done
        assert_not_exists "$tmp/x"
        # of those that are taken
        assert_equal "$(records -n 2 --from "$tmp/lines.jsonl" | wc -l)" 2
        lines "$(example '"id": 9, ')" "$(example '"id": "9", ')"
        assert_refused 3 "lines 1 and 2 have the same id '9'" hap-task --from "$tmp/lines.jsonl"
        lines "$(example '"id": 2, ')" "$(example)"
        assert_refused 3 "lines 1 and 2 have the same id '2'" hap-task --from "$tmp/lines.jsonl"
        # an empty id counts as absent
        lines "$(example)" "$(example)" "$(example '"id": "", ')" "$(example '"id": "", ')"
        assert_equal "$(records --from "$tmp/lines.jsonl" | wc -l)" 4
}

@test "ids are compared in time for many prompts" {
        seq 150000 | sed 's/.*/{"id": "prompt &", "clean": [1, 2], "corrupted": [1, 3], "answer": 1}/' >"$tmp/many"
        timeout 60 hap-task -q --from "$tmp/many" -o "$tmp/t"
        head -n 1 "$tmp/many" >>"$tmp/many"
        assert_refused 3 "lines 1 and 150001 have the same id 'prompt 1'" \
                timeout 60 hap-task -q --from "$tmp/many" -o "$tmp/t"
}

@test "a position name that no graph could have is refused with the line, ids or texts" {
        long=$(printf '%024d' 0)
        for prompt in '[1, 2]' '"So Mary"'; do
                for more in '' '-m models/demo'; do
                        while IFS='|' read -r name reason; do
                                lines "{\"clean\": $prompt, \"corrupted\": [3, 2], \"answer\": 1, \"positions\": {\"S1+1\": 0}}" '' \
                                        "{\"clean\": $prompt, \"corrupted\": [3, 2], \"answer\": 1, \"positions\": {\"A\": 0, \"$name\": 1}}"
                                # shellcheck disable=SC2086 # words
                                assert_refused 3 "cannot use line 3 of '$tmp/lines.jsonl': cannot name a position '$name': $reason" \
                                        hap-task $more --from "$tmp/lines.jsonl" -o "$tmp/x"
                        done <<END
X@|a name has no '@', comma
A,B|a name has no '@', comma
A B|a name has no '@', comma
rest|it means all positions without a name
|a name has 1 to 23 bytes
$long|a name has 1 to 23 bytes
END
                done
        done
}

@test "another field may be the corrupted prompt" {
        lines '{"clean": [1, 2], "corrupted": [3, 2], "turned_round": [2, 1], "answer": 5}'
        run records --from "$tmp/lines.jsonl" --corruption turned-round
        assert_equal "$(jq -c .corrupted <<<"$output")" '[2,1]'
        assert_refused 2 "has corrupted, turned-round" \
                hap-task --from "$tmp/lines.jsonl" --corruption none -o "$tmp/x"
}

@test "unequal lengths are refused with the line number: ids always, texts with a model" {
        lines '{"clean": [1, 2], "corrupted": [1, 3], "answer": 1}' \
                '{"clean": [1, 2], "corrupted": [1], "answer": 1}'
        assert_refused 3 "line 2 of '$tmp/lines.jsonl': clean has 2 tokens but corrupted has 1" \
                hap-task --from "$tmp/lines.jsonl" -o "$tmp/x"
        lines '{"clean": "So Mary", "corrupted": "So John", "answer": " she"}' '' \
                '{"clean": "So Mary", "corrupted": "So Mary went", "answer": " she"}'
        assert_refused 3 "line 3 of '$tmp/lines.jsonl': clean has 2 tokens but corrupted has 3" \
                hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/x"
        assert_not_exists "$tmp/x"
}

@test "a line that is not an example is refused with its number and the reason" {
        good='{"clean": [1, 2], "corrupted": [1, 3], "answer": 1}'
        while IFS='|' read -r line reason; do
                lines "$good" "$line"
                assert_refused 3 "line 2 of '$tmp/lines.jsonl': $reason" \
                        hap-task --from "$tmp/lines.jsonl" -o "$tmp/x"
        done <<'END'
{"clean": [1, 2]|not JSON
[1, 2]|not a JSON object
{"clean": [1], "clean": [2], "corrupted": [1], "answer": 1}|not JSON
{"corrupted": [1, 2], "answer": 1}|there is no 'clean'
{"clean": [1, 2], "answer": 1}|there is no 'corrupted'
{"prompt": "Mary", "counterfactual": "John", "answer": 1}|there is no 'clean'
{"clean": [1, 2], "corrupted": [1, 3], "anwser": 1}|it has none of 'answers', 'answer' and 'at'
{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "positions": {"S": "1"}}|position 'S' is not a whole number
{"clean": [1, 2], "corrupted": [1, 3]}|it has none of 'answers'
{"clean": [], "corrupted": [], "answer": 1}|clean has no tokens
{"clean": [1, -2], "corrupted": [1, 3], "answer": 1}|clean has token id -2
{"clean": [1, 2.5], "corrupted": [1, 3], "answer": 1}|clean contains a value that is not a token id
{"clean": [1, 2], "corrupted": [1, 3], "answers": []}|answers is empty
{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "wrongs": []}|wrongs is empty
{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "answers": [1]}|there are both 'answer' and 'answers'
{"clean": [1, 2], "corrupted": [1, 3], "answers": [1, 2], "wrongs": [2]}|token 2 occurs twice in answers and wrongs
{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "at": [2]}|at contains a position outside 0 to 1
{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "at": [1, 0]}|at is not one ascending range
{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "positions": {"IO": 2}}|position 'IO' is outside 0 to 1
{"clean": "So Mary", "corrupted": "So John", "answers": [true]}|answers contains a value that is neither text nor a token id
END
}

@test "a byte order mark is skipped before the first line only" {
        good='{"clean": [1, 2], "corrupted": [1, 3], "answer": 1}'
        lines "$good" "$good"
        hap-task -q --from "$tmp/lines.jsonl" -o "$tmp/plain"
        printf '\xEF\xBB\xBF%s\n' "$good" "$good" >"$tmp/lines.jsonl"
        assert_refused 3 "line 2 of '$tmp/lines.jsonl': not JSON" hap-task --from "$tmp/lines.jsonl"
        sed -i '2s/^\xEF\xBB\xBF//' "$tmp/lines.jsonl"
        hap-task -q --from "$tmp/lines.jsonl" -o "$tmp/marked"
        assert_same "$tmp/marked" "$tmp/plain"
}

@test "a NUL character anywhere is refused with the line number" {
        good='{"clean": [1, 2], "corrupted": [1, 3], "answer": 1}'
        for bad in '{"clean": "So\u0000Mary", "corrupted": "So John", "answer": " she"}' \
                '{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "positions": {"S\u0000": 1}}' \
                '{"clean": "So@Mary", "corrupted": "So John", "answer": " she"}' \
                '{"clean": [1, 2], "corrupted": [1, 3], "answer": 1}@'; do
                lines "$good" '' "$bad" "$good"
                tr @ '\0' <"$tmp/lines.jsonl" >"$tmp/nul.jsonl"
                assert_refused 3 "cannot read line 3 of '$tmp/nul.jsonl': a NUL character (\u0000) is not allowed" \
                        hap-task --from "$tmp/nul.jsonl" -o "$tmp/x"
        done
}

@test "a prompt that does not fit the model is refused with the line number" {
        while IFS='|' read -r line reason; do
                lines "$line"
                assert_refused 3 "line 1 of '$tmp/lines.jsonl': $reason" \
                        hap-task -m tests/golden/gpt2-a/model --from "$tmp/lines.jsonl" -o "$tmp/x"
        done <<END
{"clean": [1, 97], "corrupted": [1, 3], "answer": 1}|clean has token id 97, the ids end at 96
{"clean": [1, 2], "corrupted": [1, 3], "answer": 97}|answer
{"clean": [$(seq -s, 65)], "corrupted": [$(seq -s, 65)], "answer": 1}|clean has 65 tokens, the model has 64 positions
END
        lines '{"clean": "So Mary", "corrupted": "So John", "answer": "Mary"}'
        assert_refused 3 "'Mary' is not one token, ' Mary' is" \
                hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/x"
}

@test "an answer of several tokens becomes the list of their ids, and is told" {
        while IFS='|' read -r answer ids parts; do
                lines "{\"clean\": \"So Mary\", \"corrupted\": \"So John\", \"answer\": \"$answer\"}"
                hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/task" 2>"$tmp/said"
                grep -q 'in 1 of 1 prompts an answer has several tokens' "$tmp/said"
                [[ $(json "$tmp/task" | sed -n 2p | jq -c .answers) == "[[$ids]]" ]]
                hap-task --check -m models/demo "$tmp/lines.jsonl" 2>/dev/null >"$tmp/text"
                grep -qF "  answers   $parts" "$tmp/text"
                # the ids give the same, and so does the text that hap-forward reads
                hap-task -q --from "$tmp/lines.jsonl" | hap-forward -q -m models/demo -o "$tmp/cache"
                [[ $(json "$tmp/cache" | sed -n 2p | jq -c .answers) == "[[$ids]]" ]]
        done <<'END'
 Mary went|796,385|796 ' Mary' + 385 ' went'
 Mary and John|796,289,776|796 ' Mary' + 289 ' and' + 776 ' John'
 unheardof|220,84,77,257,259,67,78,69|220 ' ' + 84 'u' + 77 'n' + 257 'he' + 259 'ar' + 67 'd'
 €|220,158,224,105|220 ' ' + 158 '\xe2' + 224 '\x82' + 105 '\xac'
END
        lines '{"clean": "So Mary", "corrupted": "So John", "answer": " Mary", "wrongs": [" John", " the store", [1, 2], [3]]}'
        hap-task -q -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/task"
        [[ $(json "$tmp/task" | sed -n 2p | jq -c '[.answers, .wrongs]') == \
                '[[796],[776,[260,617],[1,2],3]]' ]]
}

@test "answers of several tokens are refused where they cannot be scored, with the reason" {
        while IFS='|' read -r answers reason; do
                lines "{\"clean\": [1, 2], \"corrupted\": [1, 3], $answers}"
                assert_refused 3 "line 1 of '$tmp/lines.jsonl': $reason" \
                        hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/x"
        done <<'END'
"answers": [[5, 6], 5]|one answer begins another: tokens 5 and 5 6; append what ends the shorter one, such as '.'
"answers": [[5, 6]], "wrongs": [[5, 6, 7]]|one answer begins another: tokens 5 6 and 5 6 7
"answers": [[5, 6], [7, 8], [5, 6]]|tokens 5 6 occur twice in answers and wrongs
"answers": [[5, 6]], "at": [0]|an answer has several tokens, and 'at' is not the last position alone
"answers": [[5, 6]], "at": [0, 1]|an answer has several tokens, and 'at' is not the last position alone
"at": [1], "wrongs": [[5, 6]]|wrongs have several tokens, but there are no answers
"answers": [[]]|answers contains an empty list
"answers": [[5, 1004]]|answers has token id 1004
"answers": [[5, -1]]|answers has token id -1
"answers": [[5, " Mary"]]|answers contains a value that is not a token id
END
        lines "{\"clean\": [1, 2], \"corrupted\": [1, 3], \"answers\": [[$(seq -s, 64)]]}"
        assert_refused 3 "clean has 2 tokens and an answer 64, the model has 64 positions" \
                hap-task -m tests/golden/gpt2-a/model --from "$tmp/lines.jsonl" -o "$tmp/x"
        lines "{\"clean\": [1, 2], \"corrupted\": [1, 3], \"answers\": [[$(seq -s, 63)]]}"
        hap-task -q -m tests/golden/gpt2-a/model --from "$tmp/lines.jsonl" |
                hap-forward -q -m tests/golden/gpt2-a/model -o "$tmp/x"
        lines '{"clean": [1, 2], "corrupted": [1, 3], "answers": [[2, 1]]}'
        assert_refused 3 "an answer has several tokens, which needs a model with" \
                hap-task -m tests/golden/tracr-reverse --from "$tmp/lines.jsonl" -o "$tmp/x"
}

@test "an empty answer is refused as such, with a model and without" {
        good='{"clean": "So Mary", "corrupted": "So John", "answer": " Mary", "wrong": " John"}'
        for field in answer wrong; do
                lines "$good" "$(jq -c ".$field = \"\"" <<<"$good")"
                for more in '' '-m models/demo'; do
                        # shellcheck disable=SC2086 # words
                        assert_refused 3 "line 2 of '$tmp/lines.jsonl': ${field}s contains an empty text" \
                                hap-task $more --from "$tmp/lines.jsonl" -o "$tmp/x"
                done
        done
}

@test "ids need no tokenizer, texts are refused without one" {
        records -m tests/golden/gpt2-a/model --from tests/golden/gpt2-a/prompts.jsonl |
                jq -c '[.clean, .corrupted, .answers[0], .wrongs[0]]' >"$tmp/ours"
        jq -c '[.clean, .corrupted, .answer, .wrong]' tests/golden/gpt2-a/prompts.jsonl >"$tmp/theirs"
        assert_same "$tmp/ours" "$tmp/theirs"
        lines '{"clean": "So", "corrupted": "At", "answer": " x"}'
        assert_refused 3 "line 1 of '$tmp/lines.jsonl', which is text" \
                hap-task -m tests/golden/gpt2-a/model --from "$tmp/lines.jsonl" -o "$tmp/x"
}

@test "no lines, and no file, are errors" {
        printf '\n \n' >"$tmp/empty.jsonl"
        assert_refused 3 "it has no examples" hap-task --from "$tmp/empty.jsonl" -o "$tmp/x"
        assert_refused 1 "cannot open '$tmp/none.jsonl'" hap-task --from "$tmp/none.jsonl" -o "$tmp/x"
}

# --- usage ---

@test "misuse is refused with status 2" {
        assert_refused 2 "there is no task 'nonsense'; the tasks are ioi, greater-than" hap-task nonsense -o "$tmp/x"
        assert_refused 2 "there is no task '../ioi'" hap-task ../ioi -o "$tmp/x"
        assert_refused 2 "no task is given" hap-task -o "$tmp/x"
        assert_refused 2 "unexpected operand 'induction': give one task" hap-task ioi induction -o "$tmp/x"
        assert_refused 2 "--split cannot be used" hap-task --from - --split test -o "$tmp/x"
        assert_refused 2 "--generate needs -m" hap-task ioi --generate -o "$tmp/x"
        assert_refused 2 "is not one of" hap-task ioi --split holdout -o "$tmp/x"
        assert_not_exists "$tmp/x"
}

@test "HAP_DATA names the folder of the demo model" {
        mkdir -p "$tmp/data/models/demo/tasks"
        head -n 3 models/demo/tasks/ioi-train.jsonl >"$tmp/data/models/demo/tasks/ioi-train.jsonl"
        assert_equal "$(HAP_DATA=$tmp/data records ioi | wc -l)" 3
        HAP_DATA=$tmp/none assert_refused 1 "set HAP_DATA" hap-task ioi -o "$tmp/x"
}

@test "a model's own folder of tasks is used before prompts are made" {
        cp -R "$PLAIN" "$tmp/model"
        mkdir "$tmp/model/tasks"
        head -n 4 models/demo/tasks/induction-test.jsonl >"$tmp/model/tasks/my_own-test.jsonl"
        head -n 4 models/demo/tasks/ioi-test.jsonl >"$tmp/model/tasks/ioi-test.jsonl"
        assert_equal "$(records my-own -m "$tmp/model" --split test | wc -l)" 4
        assert_equal "$(header ioi -m "$tmp/model" --split test | jq -r .task.source)" model
        assert_equal "$(header ioi -m "$tmp/model" --split train | jq -r .task.source)" made
        assert_equal "$(header ioi -m "$tmp/model" --split test --generate | jq -r .task.source)" made
}

@test "a full disk is an error" {
        run -1 bash -c "hap-task -q ioi -n 300 >/dev/full"
}
