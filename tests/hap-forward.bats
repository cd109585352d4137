load helper

# Two small random models with logits from transformers, and the model that ships.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        for model in gpt2-a llama-a; do
                hap-task -q --from "$root/tests/golden/$model/prompts.jsonl" -o $model.task
                hap-forward -q -m "$root/tests/golden/$model/model" -o $model.cache $model.task
        done
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        golden=$root/tests/golden
}

# tensor CACHE RECORD KEY: its values in f32, one a line.
tensor() {
        json -q "$1" | sed -n "$(($2 + 1))p" | jq -r ".$3.data[\"\$bin\"]" | base64 -d |
                od -An -v -w4 -tf4 | tr -d ' '
}

# assert_near_lines A B TOLERANCE: two files with the same number of lines, all of them
# numbers that differ by at most the tolerance; the second file may have fewer digits.
assert_near_lines() {
        paste "$1" "$2" | awk -v tolerance="$3" '
                NF != 2 || $1 !~ /^[-+0-9.e]+$/ || $2 !~ /^[-+0-9.e]+$/ { bad++; next }
                { d = $1 - $2; if (!(d <= tolerance + 0 && -d <= tolerance + 0)) bad++ }
                END { if (NR == 0 || bad) { print bad + 0 " of " NR " differ"; exit 1 } }' ||
                fail "$1 and $2 differ by more than $3"
}

@test "the logits of both runs are those of transformers" {
        for model in gpt2-a llama-a; do
                for i in 1 2 3 4 5 6 7 8; do
                        for side in clean corrupted; do
                                tensor $model.cache $i ${side}_logits >"$tmp/is"
                                jq ".examples[$i - 1].$side[]" "$golden/$model/logits.json" >"$tmp/should"
                                assert_near_lines "$tmp/is" "$tmp/should" 2e-4
                        done
                done
        done
}

@test "with 'at' the logits of every position are those of transformers" {
        for model in gpt2-a llama-a; do
                head -1 "$golden/$model/prompts.jsonl" | jq -c '. + {at: [range(.clean | length)]}' |
                        hap-task -q --from - |
                        hap-forward -q -m "$golden/$model/model" -o "$tmp/cache"
                for side in clean corrupted; do
                        tensor "$tmp/cache" 1 ${side}_logits >"$tmp/is"
                        jq ".examples[0].${side}_all_positions[][]" "$golden/$model/logits.json" >"$tmp/should"
                        assert_near_lines "$tmp/is" "$tmp/should" 2e-4
                done
        done
}

@test "on the model that ships, texts have transformers' tokens and ten largest logits" {
        demo=$root/models/demo
        jq -c '{clean: .text, corrupted: .text, answer: .top[0].id, wrong: .top[1].id}' \
                "$demo/golden.jsonl" | hap-task -q -m "$demo" --from - |
                hap-forward -q -m "$demo" -o "$tmp/cache"
        json -q "$tmp/cache" | jq -c 'select(has("id")).clean' >"$tmp/is"
        jq -c .ids "$demo/golden.jsonl" >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        i=0
        while read -r line; do
                tensor "$tmp/cache" $((++i)) clean_logits >"$tmp/logits"
                jq -r '.top[] | "\(.id) \(.logit)"' <<<"$line" | sort -k2,2gr >"$tmp/top"
                sort -gr "$tmp/logits" | sed -n 1,10p >"$tmp/is"
                cut -d' ' -f2 "$tmp/top" >"$tmp/should"
                assert_near_lines "$tmp/is" "$tmp/should" 2e-4
                cut -d' ' -f1 "$tmp/top" | while read -r id; do
                        sed -n "$((id + 1))p" "$tmp/logits"
                done >"$tmp/is"
                assert_near_lines "$tmp/is" "$tmp/should" 2e-4
        done <"$demo/golden.jsonl"
        assert_equal $i 20
}

@test "outputs of both runs are the same bytes before the prompts differ, and differ after that" {
        # the first prompt of gpt2-a: 5 tokens, the third one differs; 16 writers of 32
        paste <(tensor gpt2-a.cache 1 clean_outputs) <(tensor gpt2-a.cache 1 corrupted_outputs) |
                awk '{ t = int((NR - 1) / 32) % 5; if ($1 != $2) differ[t]++ }
                        END { print NR, differ[0] + 0, differ[1] + 0, (differ[2] > 400), (differ[4] > 400) }' >"$tmp/is"
        assert_equal "$(cat "$tmp/is")" "2560 0 0 1 1"
}

@test "--split-input stores token and position embeddings apart" {
        hap-forward -q --split-input -m "$golden/gpt2-a/model" -o "$tmp/split" gpt2-a.task
        tensor "$tmp/split" 1 clean_outputs >"$tmp/clean"
        tensor "$tmp/split" 1 corrupted_outputs >"$tmp/corrupted"
        tensor gpt2-a.cache 1 clean_outputs >"$tmp/joined"
        cmp <(head -160 "$tmp/clean") <(head -160 "$tmp/joined") || fail "tok is not the input"
        cmp <(sed -n 161,320p "$tmp/clean") <(sed -n 161,320p "$tmp/corrupted") || fail "pos differs"
        tail -n +321 "$tmp/clean" >"$tmp/is"
        tail -n +161 "$tmp/joined" >"$tmp/should"
        assert_near_lines "$tmp/is" "$tmp/should" 1e-5
        assert_equal "$(json -q "$tmp/split" | sed -n 1p | jq -c '.graph | [.input, .writers, .edges]')" \
                '["split",17,302]'
}

@test "a model without learned positions has no input to split" {
        assert_refused 2 "no learned positions" \
                hap-forward --split-input -m "$golden/llama-a/model" llama-a.task
}

# short CACHE KEY DTYPE: the first record's tensor of 16-bit numbers, one a line.
short() {
        local bits=10 bias=15 range=32
        [[ $3 == f16 ]] || bits=7 bias=127 range=256
        json -q "$1" | sed -n 2p | jq -r ".$2.data[\"\$bin\"]" | base64 -d | od -An -v -w2 -tu2 |
                awk -v fraction=$((1 << bits)) -v bias=$bias -v range=$range '{
                        m = $1 % fraction / fraction
                        e = int($1 / fraction) % range
                        x = e > 0 ? (1 + m) * 2 ^ (e - bias) : m * 2 ^ (1 - bias)
                        printf "%.9g\n", ($1 >= 32768 ? -x : x)
                }'
}

@test "f16 and bf16 outputs are half as long and the nearest to f32; logits stay f32" {
        for dtype in f16 bf16; do
                hap-forward -q --dtype $dtype -m "$golden/gpt2-a/model" -o "$tmp/cache" gpt2-a.task
                for key in clean_outputs corrupted_outputs; do
                        short "$tmp/cache" $key $dtype >"$tmp/short"
                        tensor gpt2-a.cache 1 $key | paste - "$tmp/short" | awk -v bits=$([[ $dtype == f16 ]] && echo 11 || echo 8) '
                                { d = $1 - $2; d = d < 0 ? -d : d; a = $1 < 0 ? -$1 : $1
                                  if (!(d <= a / 2^bits + 3e-8)) bad++ }
                                END { exit bad || NR != 2560 }' || fail "$dtype: $key is not rounded to nearest"
                done
                tensor "$tmp/cache" 1 clean_logits >"$tmp/is"
                tensor gpt2-a.cache 1 clean_logits >"$tmp/should"
                assert_same "$tmp/is" "$tmp/should"
                assert_equal "$(json -q "$tmp/cache" | sed -n 1p | jq -r .dtype)" $dtype
        done
}

@test "header and records repeat the task's description of the examples" {
        json -q gpt2-a.cache | jq -c 'select(has("id")) | [.clean, .corrupted, .answers[0], .wrongs[0]]' >"$tmp/is"
        jq -c '[.clean, .corrupted, .answer, .wrong]' "$golden/gpt2-a/prompts.jsonl" >"$tmp/should"
        assert_same "$tmp/is" "$tmp/should"
        json -q gpt2-a.cache | sed -n 1p | jq -c '[.kind, .examples, .graph.edges, .model.layers, .dtype]' >"$tmp/is"
        assert_equal "$(cat "$tmp/is")" '["cache",8,262,3,"f32"]'
}

@test "files, pipes, -o and any number of threads give the same bytes" {
        model=$golden/gpt2-a/model
        hap-forward -q -j 1 -m "$model" gpt2-a.task >"$tmp/one"
        # shellcheck disable=SC2002 # a pipe is wanted
        cat gpt2-a.task | hap-forward -q -j 2 -m "$model" >"$tmp/two"
        assert_same "$tmp/one" gpt2-a.cache
        assert_same "$tmp/two" gpt2-a.cache
}

@test "-p writes the task before the cache" {
        hap-forward -q -p -m "$golden/gpt2-a/model" gpt2-a.task >"$tmp/both"
        cat gpt2-a.task gpt2-a.cache | cmp - "$tmp/both"
}

@test "two tasks make two caches" {
        hap-forward -q -m "$golden/gpt2-a/model" gpt2-a.task gpt2-a.task >"$tmp/both"
        cat gpt2-a.cache gpt2-a.cache | cmp - "$tmp/both"
}

@test "a task that is cut gives exit status 3 and no cache" {
        head -c 400 gpt2-a.task >"$tmp/cut"
        assert_refused 3 "truncated" hap-forward -q -m "$golden/gpt2-a/model" -o "$tmp/cache" "$tmp/cut"
        assert_file_not_exist "$tmp/cache"
}

@test "input without a task, and a prompt that is too long, are refused" {
        assert_refused 3 "the input contains no task" hap-forward -m "$golden/gpt2-a/model" gpt2-a.cache
        jq -nc '{clean: [range(65) | 1], corrupted: [range(65) | 2], answer: 3, wrong: 4}' |
                hap-task -q --from - -o "$tmp/long"
        assert_refused 3 "64 positions" hap-forward -m "$golden/gpt2-a/model" "$tmp/long"
}

@test "a task that names no model needs -m" {
        assert_refused 2 "-m MODEL" hap-forward gpt2-a.task
}

@test "a task that needs more than --max-memory is refused at once, and the message names what would fit" {
        assert_refused 2 "hap-forward: --max-memory allows 3 MB, prompts of" \
                hap-forward -j 2 --max-memory 3M -m "$golden/gpt2-a/model" gpt2-a.task
        assert_refused 2 "; -j 1: " \
                hap-forward -j 2 --max-memory 3M -m "$golden/gpt2-a/model" gpt2-a.task
        hap-forward -q -j 2 --max-memory 1G -m "$golden/gpt2-a/model" -o "$tmp/cache" gpt2-a.task
        assert_same "$tmp/cache" gpt2-a.cache
}

@test "the cache's header has the number of prompts and their lengths" {
        hap-task ioi -q -m "$root/models/demo" -n 20 -o "$tmp/task"
        hap-forward -q -m "$root/models/demo" -o "$tmp/cache" "$tmp/task"
        lengths=$(json -q "$tmp/task" | jq -s 'map(select(.id).clean | length) | [length, max, min]')
        json -q "$tmp/cache" | jq -n --argjson lengths "$lengths" -e \
                '[inputs][0] | [.examples, .tokens, .shortest] == $lengths and .tokens > .shortest'
}
