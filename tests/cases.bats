# Models and prompts as people bring them: each folder of tests/golden/cases is such a case.
load helper

cases=$root/tests/golden/cases

# The clean prompts' ids, one list a line.
ids() {
        hap-task --from "$1" -m "$2" 2>"$tmp/said" | json | jq -c 'select(.clean).clean'
}

@test "the space before a prompt follows the tokenizer's class, not tokenizer.json alone" {
        run -0 ids "$cases/tokenizer-prefix-space/prompt.jsonl" "$cases/tokenizer-prefix-space"
        assert_output '[41,266,77,80,273,80,83,77,69]'
        run -1 grep -c transformers "$tmp/said"
}

@test "where transformers 4 and 5 disagree on that space, hap follows 4 and says so" {
        cp -r "$cases/tokenizer-prefix-space" "$tmp/model"
        echo '{"tokenizer_class": "PreTrainedTokenizerFast"}' >"$tmp/model/tokenizer_config.json"
        run -0 ids "$cases/tokenizer-prefix-space/prompt.jsonl" "$tmp/model"
        assert_output '[41,266,77,80,273,80,83,77,69]'
        grep -q 'as in transformers 4; transformers 5 puts one' "$tmp/said"
}

@test "prompts that begin with BOS get the tokenizer's BOS, too, and a note" {
        run -0 ids "$cases/double-bos/prompt.jsonl" "$cases/double-bos"
        assert_output '[2,2,721,541,635,318,613,611]'
        grep -q 'in 1 of 1 prompts BOS comes twice' "$tmp/said"
        echo '{"clean": "The red car", "corrupted": "The new car", "at": [0]}' >"$tmp/plain"
        ids "$tmp/plain" "$cases/double-bos"
        run -1 grep BOS "$tmp/said"
}

# A llama with the tokenizer NAME of tests/golden/tokenizers in $tmp/model.
model_with_tokenizer() {
        mkdir "$tmp/model"
        cp "$root/tests/golden/tokenizers/$1/"* "$tmp/model/"
        jq '.vocab_size = 100000' "$cases/double-bos/config.json" >"$tmp/model/config.json"
}

@test "a number that the tokenizer groups with the prompt's digits is noted" {
        model_with_tokenizer llama3
        jq -c . >"$tmp/prompts" <<'EOF'
{"clean": "from the year 1732 to 17", "corrupted": "from the year 1732 in 17", "answer": "3"}
{"clean": "from the year 1732 to", "corrupted": "from the year 1732 in", "answer": "3"}
EOF
        ids "$tmp/prompts" "$tmp/model" >/dev/null
        grep -q 'in 1 of 2 prompts the tokenizer divides prompt and answer together otherwise' \
                "$tmp/said"
}

@test "greater-than is not made for a tokenizer that groups three digits, and the message says why" {
        model_with_tokenizer llama3
        jq '.model.vocab as $v | (([range(0; 100) | tostring | if length < 2 then "0" + . else . end]
                + [range(100; 1000) | tostring]) - ($v | keys)) as $new
                | .model.vocab += ([$new, [range(0; $new | length)]] | transpose
                | map({(.[0]): (.[1] + 5000)}) | add)' \
                "$root/tests/golden/tokenizers/llama3/tokenizer.json" >"$tmp/model/tokenizer.json"
        assert_refused 3 "groups the digits of 1732 as '173' '2'" \
                hap-task greater-than -m "$tmp/model" -n 5
}
