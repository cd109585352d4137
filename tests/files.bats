load helper

model=$root/tests/golden/gpt2-a/model

# scores: a small stream.
scores() {
        cd "$tmp"
        hap-task -q --from "$root/tests/golden/gpt2-a/prompts.jsonl" -o task
        hap-forward -q -m "$model" task | hap-attrib -q -o scores
}

# The leak sanitizer cannot run under strace.
no_leaks=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

@test "what a killed process has left is removed when the same file is written again" {
        scores
        mkfifo pipe
        hap-select -q --keep 50% -o out pipe &
        pid=$!
        exec 7>pipe
        for _ in {1..100}; do [[ -e .out.tmp-$pid ]] && break; sleep 0.1; done
        [[ -e .out.tmp-$pid ]]
        # while it is being written it stays, whatever else is written there
        hap-select -q --keep 50% -o out scores
        [[ -e .out.tmp-$pid ]]
        kill -KILL $pid
        wait $pid || true
        exec 7>&-
        [[ -e .out.tmp-$pid ]]
        touch .out.tmp-x .other.tmp-$pid .out.tmp-
        hap-select -q --keep 50% -o out scores
        [[ ! -e .out.tmp-$pid && -e .out.tmp-x && -e .other.tmp-$pid && -e .out.tmp- ]]
}

@test "a temporary file that another host writes is locked, and stays" {
        scores
        dead=$(bash -c 'echo $$')
        : >".out.tmp-$dead"
        flock ".out.tmp-$dead" hap-select -q --keep 50% -o out scores
        [[ -e .out.tmp-$dead ]]
        hap-select -q --keep 50% -o out scores
        [[ ! -e .out.tmp-$dead ]]
}

@test "a file and its folder are synchronised, the file before it is renamed" {
        scores
        need_tool strace
        ASAN_OPTIONS=$no_leaks strace -qq -f -e trace=fsync,rename,renameat,renameat2 -o calls hap-select -q --keep 50% -o out scores
        assert_equal "$(grep -oE '(fsync|rename)' calls | tr '\n' ' ')" "fsync rename fsync "
}

@test "a file that is replaced keeps its permissions, but not setuid, setgid and sticky bits" {
        scores
        : >out
        chmod 7640 out
        hap-select -q --keep 50% -o out scores
        assert_equal "$(stat -c %a out)" 640
}

@test "an input is not replaced by the output, under any name" {
        scores
        cp scores before
        ln scores hard
        ln -s scores soft
        for name in scores hard soft ./scores; do
                assert_refused 2 "the output '$name' is also an input (scores); give -o another name" \
                        hap-select -q --keep 50% scores -o $name
        done
        assert_refused 2 "is also an input (standard input)" \
                bash -c 'hap-select -q --keep 50% -o scores <scores'
        hap-select -q --keep 50% -o circuit scores
        assert_refused 2 "is also an input (circuit)" hap-eval -q -m "$model" task circuit -o circuit
        assert_refused 2 "is also an input (circuit)" hap-show -q circuit -o circuit
        assert_refused 2 "is also an input (scores)" hap-convert -q --to json -o scores scores
        cp "$root/tests/golden/gpt2-a/prompts.jsonl" lines
        assert_refused 2 "is also an input (lines)" hap-task -q --from lines -o lines
        assert_same scores before
        assert_same lines "$root/tests/golden/gpt2-a/prompts.jsonl"
        # the name of a task is not a file
        hap-task -q ioi -n 2 -o ioi
        hap-task -q ioi -n 2 -o ioi
}

# named PATH: a cache whose header names this model.
named() {
        hap-forward -q -m "$model" task | json | jq -c --arg path "$1" \
                'if .hap then .model.path = $path else . end' | hap-convert -q --from json >cache
}

@test "the model that a header names is opened only without -m and HAP_MODEL, and only as a file" {
        scores
        mkfifo pipe
        named "$tmp/pipe"
        assert_refused 3 "cannot use 'cache': it names '$tmp/pipe' as its model, which is neither a folder nor a file; use -m MODEL for another" \
                timeout 10 hap-attrib -q cache -o out
        named /dev/zero
        assert_refused 3 "it names '/dev/zero' as its model" timeout 10 hap-attrib -q cache -o out
        hap-attrib -q -m "$model" cache >a
        HAP_MODEL=$model hap-attrib -q cache >b
        grep -q . a
        assert_equal "$(scores_map a)" "$(scores_map b)"
        named "$model"
        hap-attrib -q cache >/dev/null
        assert_refused 2 "HAP_MODEL is empty: '$model', which 'cache' names, is not opened; use -m MODEL" \
                env HAP_MODEL= hap-attrib -q cache -o out
        HAP_MODEL='' hap-attrib -q -m "$model" cache >/dev/null
        # a header's path is never touched if another model is given
        need_tool strace
        named /secret/place
        ASAN_OPTIONS=$no_leaks strace -qq -f -e trace=%file -o calls hap-attrib -q -m "$model" cache -o out
        run -1 grep secret calls
}

@test "experts in MXFP4 without their exponents, and other quantisations, are refused by name" {
        need_tool python3
        cp -r "$root/tests/golden/families/gpt-oss-mxfp4" "$tmp/broken"
        chmod -R u+w "$tmp/broken"
        sed -i 's/gate_up_proj_scales/gate_up_proj_scalex/' "$tmp/broken/model.safetensors"
        assert_refused 3 "it has no tensor 'model.layers.0.mlp.experts.gate_up_proj_scales', which MXFP4 experts need" \
                hap-model "$tmp/broken"
        cp "$root/tests/golden/families/gpt-oss-mxfp4/"* "$tmp/broken"
        sed -i 's/"mxfp4"/"fp8"/' "$tmp/broken/config.json"
        assert_refused 3 "(use the folder that is not quantised, or a GGUF file)" hap-model "$tmp/broken"
}

@test "experts in MXFP4 give the same bytes converted at once and kept as stored" {
        model="$root/tests/golden/families/gpt-oss-mxfp4"
        printf '%s\n' '{"clean": [1, 2, 3, 4, 5], "corrupted": [1, 9, 3, 4, 5], "answers": [7], "wrongs": [3]}' >"$tmp/p"
        for how in f32 stored; do
                hap-task -q --from "$tmp/p" -m "$model" | hap-attrib -q --weights $how -m "$model" | json |
                        jq -c 'select(has("edge"))' >"$tmp/$how"
        done
        [[ -s $tmp/f32 ]]
        cmp "$tmp/f32" "$tmp/stored"
}
