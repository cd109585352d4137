load helper

# Prompts from files of several kinds, and how hap-task --check reports on them. Token ids are
# those of models/demo/vocab.json.

setup() {
        cd "$root"
}

lines() {
        printf '%s\n' "$@" >"$tmp/lines.jsonl"
}

# The records that a hap-task command writes, without their ids, one a line.
records() {
        hap-task -q "$@" -o "$tmp/stream"
        json "$tmp/stream" | jq -c 'select(has("id")) | del(.id)'
}

vocab() {
        jq --arg t "$1" '.[$t]' models/demo/vocab.json
}

good='{"clean": "So Mary is", "corrupted": "So Tim is", "answer": " she", "wrong": " he"}'

# --- kinds of files ---

@test "an array, a table, and lines of the same prompts give the same records" {
        head -n 20 models/demo/tasks/ioi-test.jsonl | jq -c '{clean, corrupted, answer, wrong}' >"$tmp/a.jsonl"
        jq -s . "$tmp/a.jsonl" >"$tmp/a.json"
        jq -rs '(["clean", "corrupted", "answer", "wrong"], (.[] | [.clean, .corrupted, .answer, .wrong])) | @csv' \
                "$tmp/a.jsonl" >"$tmp/a.csv"
        jq -rs '(["clean", "corrupted", "answer", "wrong"], (.[] | [.clean, .corrupted, .answer, .wrong])) | @tsv' \
                "$tmp/a.jsonl" | sed 's/$/\r/' >"$tmp/a.tsv"
        jq -s '{prompts: map({clean, corrupt: .corrupted, answers: [.answer], wrong_answers: [.wrong]})}' \
                "$tmp/a.jsonl" >"$tmp/auto-circuit.json"
        records -m models/demo --from "$tmp/a.jsonl" >"$tmp/want"
        assert_equal "$(wc -l <"$tmp/want")" 20
        # as spreadsheets write where the comma is the decimal sign, with a byte order mark
        { printf '\xef\xbb\xbf'; sed 's/","/";"/g' "$tmp/a.csv"; } >"$tmp/semicolons.csv"
        for kind in a.json a.csv semicolons.csv a.tsv auto-circuit.json; do
                records -m models/demo --from "$tmp/$kind" >"$tmp/got"
                assert_same "$tmp/got" "$tmp/want"
        done
}

@test "prompts that are compressed are refused with the remedy, and --check reads standard input" {
        echo "$good" | gzip >"$tmp/a.jsonl.gz"
        assert_refused 3 "it is compressed by gzip; use gunzip -c FILE | hap-task --from -" \
                hap-task --from "$tmp/a.jsonl.gz" -o "$tmp/x"
        run -0 hap-task -q --check - -m models/demo <<<"$good"
        assert_line --partial "differ at 1"
}

@test "cells of a table: quotes, line ends, empty cells, JSON, token ids" {
        printf 'note,clean,corrupted,answers,wrong,positions,\n' >"$tmp/t.csv"
        printf '"a ""b"", c","So Mary, is","So Tim, is","["" she"", "" it""]",,"{""S"": ""Mary""}",7\n' >>"$tmp/t.csv"
        printf '\n"two\nlines","So Mary\nis","So Tim\nis", she, he,,\n' >>"$tmp/t.csv"
        records --from "$tmp/t.csv" >"$tmp/got"
        cat >"$tmp/want" <<'END'
{"clean":"So Mary, is","corrupted":"So Tim, is","answers":[" she"," it"],"positions":{"S":"Mary"}}
{"clean":"So Mary\nis","corrupted":"So Tim\nis","answers":[" she"],"wrongs":[" he"]}
END
        assert_same "$tmp/got" "$tmp/want"
        assert_equal "$(json "$tmp/stream" | jq -r 'select(has("id")) | .id' | tr '\n' ' ')" '2 4 '
        printf ',clean,corrupted,correct_idx,incorrect_idx\n470,So Mary,So Tim,5,6\n' >"$tmp/ids.csv"
        assert_equal "$(records --from "$tmp/ids.csv")" \
                '{"clean":"So Mary","corrupted":"So Tim","answers":[5],"wrongs":[6]}'
}

@test "a broken table is refused with the line" {
        printf 'clean,corrupted,answer\na,b, c\na,b\n' >"$tmp/t.csv"
        assert_refused 3 "cannot use line 3 of '$tmp/t.csv': it has 2 cells, the header line has 3" \
                hap-task --from "$tmp/t.csv" -o "$tmp/x"
        printf 'clean,corrupted,answer\n"a,b, c\n' >"$tmp/t.csv"
        assert_refused 3 "cannot read line 2 of '$tmp/t.csv': a quote is not closed" hap-task --from "$tmp/t.csv" -o "$tmp/x"
        printf 'clean,corrupted,answer\n"a"b,b, c\n' >"$tmp/t.csv"
        assert_refused 3 "a character follows a closing quote" hap-task --from "$tmp/t.csv" -o "$tmp/x"
        printf 'clean,corrupted,correct_idx\na,b, c\n' >"$tmp/t.csv"
        assert_refused 3 "cannot use line 2 of '$tmp/t.csv': correct_idx" hap-task --from "$tmp/t.csv" -o "$tmp/x"
        printf 'clean,corrupted,answers\na,b,[3\n' >"$tmp/t.csv"
        assert_refused 3 "column 'answers' is not JSON" hap-task --from "$tmp/t.csv" -o "$tmp/x"
        printf '[{"clean": "a"},\n 3' >"$tmp/t.json"
        assert_refused 3 "it begins as a JSON array: line 2" hap-task --from "$tmp/t.json" -o "$tmp/x"
        printf '[3]' >"$tmp/t.json"
        assert_refused 3 "cannot read prompt 1 of '$tmp/t.json': not a JSON object" hap-task --from "$tmp/t.json" -o "$tmp/x"
        printf '[]' >"$tmp/t.json"
        assert_refused 3 "it has no examples" hap-task --from "$tmp/t.json" -o "$tmp/x"
        assert_not_exists "$tmp/x"
}

@test "greater-than prompts with a label: later years are right, the others wrong" {
        printf 'clean,corrupted,label\nThe war lasted from the year 1397 to the year 13,The war lasted from the year 1301 to the year 13,97\n' >"$tmp/t.csv"
        records greater-than --from "$tmp/t.csv" | jq -c '[.answers, (.wrongs | length, first, last)]' >"$tmp/got"
        assert_equal "$(cat "$tmp/got")" '[["98","99"],98,"00","97"]'
        assert_refused 3 "it has none of 'answers'" hap-task --from "$tmp/t.csv" -o "$tmp/x"
}

@test "MIB's prompts: the counterfactual is chosen, and the answers are found" {
        lines '{"prompt": "So Mary is", "metadata": {"subject": "Tim", "indirect_object": "Mary"}, "s2_io_flip_counterfactual": {"prompt": "So Tim is"}, "abc_counterfactual": {"prompt": "So Tom is"}}'
        assert_equal "$(records ioi --from "$tmp/lines.jsonl" --corruption s2-io-flip)" \
                '{"clean":"So Mary is","corrupted":"So Tim is","answers":[" Mary"],"wrongs":[" Tim"]}'
        assert_refused 3 "there is no 'corrupted'; --corruption may be one of s2-io-flip, abc" \
                hap-task --from "$tmp/lines.jsonl" -o "$tmp/x"
        lines '{"prompt": "2+3=", "label": 5, "operator": "+", "random_counterfactual": {"prompt": "2+4=", "label": 6}}'
        assert_equal "$(records --from "$tmp/lines.jsonl" --corruption random)" \
                '{"clean":"2+3=","corrupted":"2+4=","answers":["5"],"wrongs":["6"]}'
        lines '{"prompt": "q A", "choices": {"label": ["A", "B"], "text": ["x", "y"]}, "answerKey": 1, "symbol_counterfactual": {"prompt": "q B", "choices": {"label": ["R", "S"]}, "answerKey": 0}}'
        assert_equal "$(records --from "$tmp/lines.jsonl" --corruption symbol)" \
                '{"clean":"q A","corrupted":"q B","answers":["B"],"wrongs":["R"]}'
}

@test "MIB's answerKey is the number of a choice or its label, and nothing else" {
        for key in 1 '"B"'; do
                lines '{"prompt": "q A", "choices": {"label": ["A", "B"]}, "answerKey": '"$key"', "symbol_counterfactual": {"prompt": "q B", "choices": {"label": ["R", "S"]}, "answerKey": "S"}}'
                assert_equal "$(records --from "$tmp/lines.jsonl" --corruption symbol)" \
                        '{"clean":"q A","corrupted":"q B","answers":["B"],"wrongs":["S"]}'
        done
        for key in 2 -1 '"C"' 1.0 null; do
                lines '{"prompt": "q A", "choices": {"label": ["A", "B"]}, "answerKey": '"$key"', "symbol_counterfactual": {"prompt": "q B", "choices": {"label": ["R", "S"]}, "answerKey": 0}}'
                assert_refused 3 "line 1 of '$tmp/lines.jsonl': 'answerKey' is neither the number" \
                        hap-task --from "$tmp/lines.jsonl" --corruption symbol -o "$tmp/x"
        done
        lines '{"prompt": "q A", "choices": {"label": ["A", "B"]}, "answerKey": 0, "symbol_counterfactual": {"prompt": "q B", "choices": {"label": ["R", "S"]}, "answerKey": 2}}'
        assert_refused 3 "'answerKey' of 'symbol_counterfactual' is neither" \
                hap-task --from "$tmp/lines.jsonl" --corruption symbol -o "$tmp/x"
}

@test "a table whose header names a column twice, or is missing, is refused" {
        printf 'clean,clean,corrupted,answer\na,b,c,d\n' >"$tmp/t.csv"
        assert_refused 3 "line 1 of '$tmp/t.csv': two columns are named 'clean'" hap-task --from "$tmp/t.csv" -o "$tmp/x"
        printf '"So Mary is","So Tim is"," she"\n' >"$tmp/t.csv"
        assert_refused 3 "the first line of a table names its columns, one of them 'clean'" \
                hap-task --from "$tmp/t.csv" -o "$tmp/x"
}

@test "auto-circuit's positions are those of all prompts, after BOS if there is one" {
        cat >"$tmp/t.json" <<'END'
{"seq_labels": ["a", "b", "c"], "word_idxs": {"S": 1, ",_B": 2},
 "prompts": [{"clean": "So Mary is", "corrupt": "So Tim is", "answers": [" she"], "wrong_answers": [" he"]}]}
END
        assert_equal "$(records -m models/demo --from "$tmp/t.json" | jq -c .positions)" '{"S":1}'
        assert_equal "$(records -m models/demo --bos on --from "$tmp/t.json" | jq -c .positions)" '{"S":2}'
        assert_equal "$(records --from "$tmp/t.json" | jq -c .positions)" null
}

# --- positions as text ---

@test "a position is a piece of text that occurs once, or one of its occurrences" {
        lines '{"clean": "When Mary and John went out, John gave a book to", "corrupted": "When Mary and John went out, Mary gave a book to", "answer": " Mary", "wrong": " John", "positions": {"IO": "Mary", "S1": [" John", 1], "S2": ["John", 2], "END": 10}}'
        records -m models/demo --from "$tmp/lines.jsonl" >"$tmp/got"
        assert_equal "$(jq -c .positions "$tmp/got")" '{"IO":1,"S1":3,"S2":9,"END":10}'
        for i in 1:ĠMary 3:ĠJohn 9:ĠJohn; do
                assert_equal "$(jq ".clean[${i%%:*}]" "$tmp/got")" "$(vocab "${i#*:}")"
        done
        # without a model the text stays, and the next program finds the tokens
        cp "$tmp/stream" "$tmp/ids.task"
        hap-task -q --from "$tmp/lines.jsonl" -o "$tmp/text.task"
        for run in text ids; do
                hap-forward -q -m models/demo --positions S1,S2 -o "$tmp/cache" "$tmp/$run.task"
                json "$tmp/cache" | jq -c 'select(has("id")) | [.positions, .clean]' >"$tmp/$run"
                [[ -s $tmp/$run ]]
        done
        assert_same "$tmp/text" "$tmp/ids"
}

@test "a piece of text that is not one place is refused" {
        while IFS='|' read -r positions reason; do
                lines "$(jq -c ".positions = $positions" <<<'{"clean": "So Mary is Mary, isn'"'"'t she", "corrupted": "So Tim is Tim, isn'"'"'t she", "answer": ","}')"
                assert_refused 3 "cannot use line 1 of '$tmp/lines.jsonl': $reason" \
                        hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/x"
        done <<'END'
{"S": "Mary"}|position 'S': 'Mary' occurs 2 times in clean; write ["Mary", 2] for the second
{"S": "Tim"}|position 'S': 'Tim' does not occur in clean
{"S": ["Mary", 3]}|position 'S': 'Mary' occurs only 2 times in clean
{"S": ["Mary", 0]}|position 'S' is not a whole number, a piece of clean's text, or [piece, N]
{"S": "isn't"}|position 'S': 'isn't' is 2 tokens, from 5 to 6; give the text of one or its number
{"S": ""}|position 'S' is not a whole number
END
        lines '{"clean": [1, 2], "corrupted": [1, 3], "answer": 1, "positions": {"S": "Mary"}}'
        assert_refused 3 "clean is token ids, in which text cannot be found" hap-task --from "$tmp/lines.jsonl" -o "$tmp/x"
        lines "$(jq -c '.positions = {"S": "Tim"}' <<<"$good")"
        assert_refused 3 "'Tim' does not occur in clean" hap-task --from "$tmp/lines.jsonl" -o "$tmp/x"
}

# --- bad prompts ---

@test "all bad prompts are reported in one run, and none is written" {
        lines "$good" '{"clean": "So Mary", "corrupted": "So Tim is", "answer": " she"}' '{"clean": ' \
                '{"clean": "So Mary", "corrupted": "So Tim", "anwser": " she"}' \
                '{"clean": "So Mary", "corrupted": "So Tim", "answer": "she"}'
        run -3 hap-task -q -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/x"
        assert_equal "${#lines[@]}" 5
        assert_line --index 0 "hap-task: cannot use line 2 of '$tmp/lines.jsonl': clean has 2 tokens but corrupted has 3; they must be equally long: replace words by words of as many tokens"
        assert_line --index 1 --partial "cannot read line 3 of '$tmp/lines.jsonl': not JSON"
        assert_line --index 2 "hap-task: cannot use line 4 of '$tmp/lines.jsonl': it has none of 'answers', 'answer' and 'at'; field 'anwser' is not known; did you mean 'answer'?"
        assert_line --index 3 "hap-task: cannot use line 5 of '$tmp/lines.jsonl': answers 'she' is not one token, ' she' is; if the answer has no space, give its token ids: [[id, ...]]"
        assert_line --index 4 "hap-task: cannot use 4 of the 5 prompts of '$tmp/lines.jsonl'; --skip-bad leaves them out"
        assert_not_exists "$tmp/x"
}

@test "no more than 20 bad prompts are reported, and all are counted" {
        for ((i = 0; i < 50; i++)); do echo '{"clean": [1], "corrupted": [2]}'; done >"$tmp/many.jsonl"
        run -3 hap-task -q --from "$tmp/many.jsonl" -o "$tmp/x"
        assert_equal "${#lines[@]}" 21
        assert_line --index 20 --partial "cannot use 50 of the 50 prompts"
}

@test "--skip-bad writes the others, counts, and fails when none is left" {
        lines "$good" '{"clean": "So", "corrupted": "So Tim is", "answer": " she"}' "$good"
        hap-task -m models/demo --skip-bad --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        assert_file_contains "$tmp/said" 'left out 1 of 3 prompts that cannot be used'
        assert_equal "$(json "$tmp/t" | jq -c 'select(has("id")) | .id' | tr '\n' ' ')" '"1" "3" '
        assert_equal "$(json "$tmp/t" | jq -c 'select(has("hap")) | [.task.examples, .task.left_out]')" '[2,1]'
        lines '{"clean": [1], "corrupted": [2]}'
        assert_refused 3 "cannot use 1 of the 1 prompts" hap-task --skip-bad --from "$tmp/lines.jsonl" -o "$tmp/x"
        assert_refused 2 "--skip-bad needs --from" hap-task ioi --skip-bad -o "$tmp/x"
        assert_not_exists "$tmp/x"
}

@test "a field that looks mistyped is reported, a corrupted prompt of its own is not" {
        lines "$(jq -c '.wrnog = .wrong | del(.wrong)' <<<"$good")" "$good"
        hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        assert_file_contains "$tmp/said" "in 1 of 2 prompts a field 'wrnog' is not known; did you mean 'wrong'?"
        lines "$(jq -c '.turned = "So Tom is" | .wrongly = "So Jim is"' <<<"$good")"
        hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        run ! grep 'not known' "$tmp/said"
}

@test "an answer without the space that the model would write is warned of" {
        both=$(jq -r 'keys_unsorted as $k | [$k[] | select(startswith("Ġ")) | .[1:]] as $spaced
                | [$k[] | select(test("^[A-Za-z]+$")) | select(. as $w | $spaced | index($w))] | first' models/demo/vocab.json)
        [[ -n $both && $both != null ]] || skip "no token exists with and without a space"
        lines "{\"clean\": \"So Mary is\", \"corrupted\": \"So Tim is\", \"answer\": \"$both\"}" \
                "{\"clean\": \"So Mary is\", \"corrupted\": \"So Tim is\", \"answer\": \" $both\"}"
        hap-task -m models/demo --from "$tmp/lines.jsonl" -o "$tmp/t" 2>"$tmp/said"
        assert_file_contains "$tmp/said" 'in 1 of 2 prompts an answer has no space before it'
}

# --- BOS ---

@test "--bos on puts BOS before texts, off never does, ids stay" {
        lines "$good" '{"clean": [1, 2], "corrupted": [1, 3], "answer": 4}'
        bos=$(jq .bos_token_id models/demo/config.json)
        records -m models/demo --from "$tmp/lines.jsonl" | jq -c '[.clean, .corrupted]' >"$tmp/plain"
        records -m models/demo --bos off --from "$tmp/lines.jsonl" | jq -c '[.clean, .corrupted]' >"$tmp/off"
        records -m models/demo --bos on --from "$tmp/lines.jsonl" | jq -c '[.clean, .corrupted]' >"$tmp/on"
        assert_same "$tmp/off" "$tmp/plain"
        jq -c --argjson bos "$bos" 'if .[0][0] == 1 then . else map([$bos] + .) end' "$tmp/plain" >"$tmp/want"
        assert_same "$tmp/on" "$tmp/want"
        assert_equal "$(json "$tmp/stream" | jq -c 'select(has("hap")) | .task.bos')" '"on"'
        assert_refused 2 "--bos needs -m" hap-task ioi --bos on -o "$tmp/x"
        cp -R models/demo "$tmp/model"
        jq 'del(.bos_token_id)' models/demo/config.json >"$tmp/model/config.json"
        assert_refused 3 "the tokenizer's settings name no bos_token" hap-task ioi -m "$tmp/model" --bos on -o "$tmp/x"
}

@test "--bos off leaves out the BOS that a model's settings ask for" {
        cp -R models/demo "$tmp/model"
        jq '.post_processor = {type: "TemplateProcessing", pair: [],
                single: [{SpecialToken: {id: "B", type_id: 0}}, {Sequence: {id: "A", type_id: 0}}],
                special_tokens: {B: {id: "B", ids: [1003], tokens: ["<|endoftext|>"]}}}' \
                models/demo/tokenizer.json >"$tmp/model/tokenizer.json"
        lines "$good"
        records -m models/demo --from "$tmp/lines.jsonl" >"$tmp/plain"
        records -m "$tmp/model" --bos off --from "$tmp/lines.jsonl" >"$tmp/off"
        records -m "$tmp/model" --from "$tmp/lines.jsonl" | jq -c .clean[0] >"$tmp/first"
        assert_same "$tmp/off" "$tmp/plain"
        assert_equal "$(cat "$tmp/first")" 1003
}

# --- --check ---

@test "--check prints tokens with numbers, positions, answers, and every bad line" {
        lines "$(jq -c '.positions = {"N": "Mary"}' <<<"$good")" '{"clean": [1], "corrupted": [1, 2], "answer": 3}'
        run -3 --separate-stderr hap-task -q -m models/demo --check "$tmp/lines.jsonl"
        assert_equal "$output" "1 (line 1 of '$tmp/lines.jsonl')
  clean     0 'So'  1 ' Mary'  2 ' is'
  corrupted 0 'So'  1 ' Tim'  2 ' is'
  differ at 1
  positions N 1 ' Mary'
  answers   $(vocab Ġshe) ' she'
  wrongs    $(vocab Ġhe) ' he'"
        [[ $stderr == *"cannot use line 2 of"*"clean has 1 tokens but corrupted has 2"* ]]
        run -0 hap-task -q --check --from "$tmp/lines.jsonl" -n 1 -o "$tmp/text"
        assert_file_contains "$tmp/text" "clean     'So Mary is'"
}

@test "--predict prints the full model's most likely tokens, as the cache's logits have them" {
        need_tool python3
        head -n 3 models/demo/tasks/ioi-test.jsonl | jq -c '{clean, corrupted, answer, wrong}' >"$tmp/a.jsonl"
        hap-task -q -m models/demo --check "$tmp/a.jsonl" --predict >"$tmp/text"
        hap-task -q -m models/demo --from "$tmp/a.jsonl" | hap-forward -q -m models/demo -o "$tmp/cache"
        json "$tmp/cache" | jq -c 'select(has("id")) | .clean_logits, .corrupted_logits' >"$tmp/logits"
        python3 - "$tmp/logits" "$tmp/text" <<'END' || fail "$(cat "$tmp/text")"
import base64, json, math, re, struct, sys
want = []
for line in open(sys.argv[1]):
    data = json.loads(line)["data"]
    raw = base64.b64decode(list(data.values())[0] if isinstance(data, dict) else data)
    logits = struct.unpack("<%df" % (len(raw) // 4), raw)
    total = sum(math.exp(x - max(logits)) for x in logits)
    want.append(sorted((math.exp(x - max(logits)) / total for x in logits), reverse=True)[:5])
got = [[float(x) for x in re.findall(r"' ([01][.]\d{3})", line)]
       for line in open(sys.argv[2]) if line.startswith("  after")]
assert len(got) == len(want) == 6, (len(got), len(want))
for a, b in zip(got, want):
    assert len(a) == 5 and all(abs(x - y) <= 0.00051 for x, y in zip(a, b)), (a, b)
END
        assert_refused 2 "--predict needs --check and -m" hap-task ioi --predict -o "$tmp/x"
        assert_refused 2 "--predict needs --check and -m" hap-task ioi --check --predict
}
