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
{"clean": "from the year 1732 to 17", "corrupted": "from the year 1732 to 17", "answer": "3"}
{"clean": "from the year 1732 to", "corrupted": "from the year 1732 to", "answer": "3"}
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

@test "a GGUF file whose pre is falcon3 has Llama 3's words" {
        run -0 ids "$cases/gguf-pre-falcon3/prompts.jsonl" "$cases/gguf-pre-falcon3/model.gguf"
        assert_line --index 0 '[0,553,590,272,80,83,77,69]'
        assert_line --index 1 '[0,42,8,78,222,496,20,21,22,503,494]'
        assert_line --index 2 '[0,66,200,200,313]'
}

@test "keys of config.json that nothing reads are listed, not refused" {
        hap-model -q "$cases/gpt2-medium-keys" >"$tmp/shown"
        grep -qx 'ignored keys  n_special, predict_special_tokens' "$tmp/shown"
        hap-model -q "$cases/neox-custom-pipelines" | grep -qx 'ignored keys  custom_pipelines'
        run -1 grep ignored <(hap-model -q "$root/models/demo")
}

@test "keys of an object of config.json that nothing reads are listed, too" {
        families=$root/tests/golden/families
        for of in gemma3-vision:text_config mpt:attn_config; do
                rm -rf "$tmp/model"
                cp -r "$families/${of%:*}" "$tmp/model"
                jq --arg name "${of#*:}" '.[$name].own_key = 7' "$families/${of%:*}/config.json" \
                        >"$tmp/model/config.json"
                hap-model -q "$tmp/model" | grep -qx "ignored keys  of ${of#*:}: own_key"
        done
}

@test "a flag of gemma3's config.json that is no flag is refused" {
        cp -r "$root/tests/golden/families/gemma3-vision" "$tmp/model"
        jq '.tie_word_embeddings = "yes"' "$root/tests/golden/families/gemma3-vision/config.json" \
                >"$tmp/model/config.json"
        assert_refused 3 "'tie_word_embeddings' is neither true nor false" hap-model "$tmp/model"
}

@test "inverse layer scaling is shown" {
        hap-model -q "$cases/gpt2-inverse-layer-idx" | grep -q "over the layer's number from 1"
}

@test "a Git LFS pointer is named as such" {
        assert_refused 3 "it is a Git LFS pointer" hap-model "$cases/git-lfs-pointer"
}

@test "a JSON array of prompts is read as its lines are" {
        jq -c '.[]' "$cases/json-array-prompts/prompts.json" | hap-task -q --from - >"$tmp/lines"
        hap-task -q --from "$cases/json-array-prompts/prompts.json" >"$tmp/array"
        cmp <(json -q "$tmp/lines" | grep '"clean"') <(json -q "$tmp/array" | grep '"clean"')
        assert_equal "$(json -q "$tmp/array" | grep -c '"clean"')" 2
}

@test "a big-endian GGUF file is named as such" {
        printf 'GGUF\0\0\0\3rest' >"$tmp/big.gguf"
        assert_refused 3 "big-endian" hap-model "$tmp/big.gguf"
}

@test "pickles, one or sharded, are refused with the command that converts them" {
        assert_refused 3 "pytorch_model.bin.index.json; python3 -c 'from transformers" \
                hap-model "$cases/sharded-pickle"
        mkdir "$tmp/one"
        cp "$cases/sharded-pickle/config.json" "$tmp/one/"
        echo x >"$tmp/one/pytorch_model.bin"
        assert_refused 3 "its weights are a pickle, pytorch_model.bin;" hap-model "$tmp/one"
}

@test "a weights file named itself and a folder without an index are told what to do" {
        assert_refused 3 "name the folder that it is in" \
                hap-model "$cases/double-bos/model.safetensors"
        mkdir "$tmp/shards"
        cp "$cases/double-bos/config.json" "$tmp/shards/"
        cp "$cases/double-bos/model.safetensors" "$tmp/shards/model-00001-of-00001.safetensors"
        assert_refused 3 "no model.safetensors.index.json that lists its shards" \
                hap-model "$tmp/shards"
}

split=$root/tests/golden/families/starcoder2-plain-split

@test "a split GGUF model is read from its first file, and another file says which that is" {
        hap-model -q "$split/model-00001-of-00003.gguf" >"$tmp/shown"
        grep -qE '^family +starcoder2$' "$tmp/shown"
        assert_refused 3 "file 2 of the 3 of a model; name the first, …-00001-of-00003.gguf" \
                hap-model "$split/model-00002-of-00003.gguf"
}

@test "a split GGUF model whose file is missing, renamed or another's is refused by name" {
        cp "$split"/*.gguf "$tmp/"
        rm "$tmp/model-00003-of-00003.gguf"
        assert_refused 1 "model-00003-of-00003.gguf" hap-model "$tmp/model-00001-of-00003.gguf"
        cp "$split/model-00002-of-00003.gguf" "$tmp/model-00003-of-00003.gguf"
        assert_refused 3 "its metadata say file 2 of 3, its name file 3 of 3" \
                hap-model "$tmp/model-00001-of-00003.gguf"
        mv "$tmp/model-00001-of-00003.gguf" "$tmp/first.gguf"
        assert_refused 3 "has to be called …-00001-of-00003.gguf" hap-model "$tmp/first.gguf"
}

@test "a folder that has one GGUF file is that model, also beside a projector; two are refused" {
        mkdir "$tmp/folder"
        cp "$root/tests/golden/families/llama-gguf/model.gguf" "$tmp/folder/llama.gguf"
        echo '{}' >"$tmp/folder/config.json"
        cp "$tmp/folder/llama.gguf" "$tmp/folder/mmproj-model.gguf"
        hap-model -q "$tmp/folder" | grep -E '^f' >"$tmp/of-folder"
        hap-model -q "$tmp/folder/llama.gguf" | grep -E '^f' | diff - "$tmp/of-folder"
        cp "$tmp/folder/llama.gguf" "$tmp/folder/other.gguf"
        assert_refused 3 "has 2 GGUF files; name one of them, such as '$tmp/folder/llama.gguf'" \
                hap-model "$tmp/folder"
}

@test "tokens come from the GGUF file of a folder" {
        mkdir "$tmp/folder"
        cp "$cases/gguf-pre-falcon3/model.gguf" "$tmp/folder/"
        run -0 ids "$cases/gguf-pre-falcon3/prompts.jsonl" "$tmp/folder"
        assert_line --index 0 '[0,553,590,272,80,83,77,69]'
}

@test "parts of a model that are named themselves are told to name the folder" {
        printf 'PK\3\4' >"$tmp/pytorch_model.bin"
        printf '\200\2rest' >"$tmp/model.pt"
        for file in pytorch_model.bin model.pt; do
                assert_refused 3 "weights only; name the folder" hap-model "$tmp/$file"
        done
        assert_refused 3 "name the folder that the file is in" \
                hap-model "$cases/double-bos/config.json"
}

@test "an adapter is told to be merged" {
        mkdir "$tmp/adapter"
        cp "$cases/double-bos/config.json" "$tmp/adapter/"
        echo '{}' >"$tmp/adapter/adapter_config.json"
        assert_refused 3 "an adapter for another model; merge it" hap-model "$tmp/adapter"
        rm "$tmp/adapter/config.json"
        assert_refused 3 "an adapter for another model; merge it" hap-model "$tmp/adapter"
}

@test "a pickled graph and a Git LFS pointer in place of a GGUF file are named as such" {
        printf 'PK\3\4' >"$tmp/graph.pt"
        assert_refused 3 "pickle" hap-convert --from mib "$tmp/graph.pt"
        printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >"$tmp/m.gguf"
        assert_refused 3 "it is a Git LFS pointer" hap-model "$tmp/m.gguf"
        mkdir "$tmp/pointer"
        cp "$tmp/m.gguf" "$tmp/pointer/m.gguf"
        assert_refused 3 "it is a Git LFS pointer" hap-model "$tmp/pointer"
}

@test "published keys that no class reads stop neither Gemma 2 nor StarCoder 2" {
        for pair in gemma2:sliding_window_size=4096 starcoder2:scale_attn_weights=true; do
                family=${pair%%:*} key=${pair#*:}
                cp -r "$root/tests/golden/families/$family" "$tmp/$family"
                jq ".${key%%=*} = ${key#*=}" "$root/tests/golden/families/$family/config.json" \
                        >"$tmp/$family/config.json"
                hap-model -q "$tmp/$family" >"$tmp/shown"
        done
}
