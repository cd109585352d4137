#!/usr/bin/env bats
# --weights: matrices that stay as their file stores them give the same bytes as F32.

load helper

# task MODEL: pairs of prompts of token ids, which every golden model has.
task() {
        printf '{"id": "%s", "clean": [%s], "corrupted": [%s], "answers": [%s], "wrongs": [%s]}\n' \
                a "3, 7, 11, 2, 9" "3, 7, 12, 2, 9" 5 6 \
                b "4, 1, 8, 20, 13, 6, 2" "4, 1, 9, 21, 13, 6, 2" 17 3 \
                c "15, 14" "10, 14" 1 2 >"$tmp/pairs"
        hap-task -q --from "$tmp/pairs" -m "$1" -o "$tmp/task"
}

# assert_same_weights MODEL: every stage, with stored and with F32 weights.
assert_same_weights() {
        local model=$1 how
        task "$model"
        for how in f32 stored; do
                hap-forward -q --weights $how -m "$model" -o "$tmp/$how.cache" "$tmp/task"
                hap-attrib -q --weights $how -m "$model" -o "$tmp/$how.scores" "$tmp/task"
                hap-prune -q --weights $how --recipe edge-pruning --steps 2 --sparsity 60% \
                        --seed 3 -m "$model" -o "$tmp/$how.circuit" "$tmp/task"
                hap-eval -q --weights $how --empty -m "$model" -o "$tmp/$how.report" \
                        "$tmp/task" "$tmp/f32.circuit"
        done
        for kind in cache scores circuit report; do
                assert_same "$tmp/f32.$kind" "$tmp/stored.$kind"
        done
}

@test "weights kept as stored give the same bytes as F32: BF16, F16 and transposed F32" {
        for model in families/llama-bf16 families/gpt2-f16 families/neox families/gemma2 gpt2-a/model; do
                assert_same_weights "$root/tests/golden/$model"
        done
}

@test "weights kept as stored give the same bytes as F32: mixtures of experts" {
        for model in mixtral qwen3-moe gpt-oss; do
                assert_same_weights "$root/tests/golden/families/$model"
        done
}

@test "weights kept as stored give the same bytes as F32: GGUF, quantised too" {
        for model in llama-gguf llama-q4-gguf qwen3-gguf gemma3-gguf gpt2-gguf neox-gguf; do
                assert_same_weights "$root/tests/golden/families/$model/model.gguf"
        done
}

# in_doubles FOLDER: a copy of a model with F32 weights, each as a double, in $tmp/doubles
in_doubles() {
        mkdir "$tmp/doubles"
        cp "$1"/* "$tmp/doubles"
        python3 - "$tmp/doubles/model.safetensors" <<'END'
import array, json, struct, sys

data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + size])
values = array.array("d", array.array("f", data[8 + size:]))
for name, entry in header.items():
    if name != "__metadata__":
        assert entry["dtype"] == "F32"
        entry["dtype"] = "F64"
        entry["data_offsets"] = [2 * at for at in entry["data_offsets"]]
header = json.dumps(header).encode()
with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<Q", len(header)) + header + values.tobytes())
END
}

@test "weights stored as doubles are those of the same floats" {
        cp -r "$root/tests/golden/gpt2-a/model" "$tmp/floats"
        task "$tmp/floats"
        in_doubles "$tmp/floats"
        hap-attrib -q -m "$tmp/floats" -o "$tmp/f32.scores" "$tmp/task"
        for how in f32 stored; do
                hap-attrib -q --weights $how -m "$tmp/doubles" -o "$tmp/$how.f64" "$tmp/task"
                hap-convert -q --to json "$tmp/$how.f64" | grep '"edge"' >"$tmp/f64"
                hap-convert -q --to json "$tmp/f32.scores" | grep '"edge"' >"$tmp/f32"
                [[ -s $tmp/f32 ]]
                assert_same "$tmp/f32" "$tmp/f64"
        done
        # one weight beyond float's range
        printf '\0\0\0\0\0\0\360\177' | dd of="$tmp/doubles/model.safetensors" bs=1 conv=notrunc \
                seek=$(($(stat -c %s "$tmp/doubles/model.safetensors") - 8)) status=none
        assert_refused 3 "" hap-attrib -m "$tmp/doubles" "$tmp/task"
}

@test "weights stay as stored by default only if F32 does not fit --max-memory" {
        model=$root/tests/golden/families/gpt2-f16
        task "$model"
        refused=$(hap-forward --weights f32 --max-memory 1K -m "$model" "$tmp/task" 2>&1 >/dev/null) && fail
        [[ $refused =~ 'the weights alone: '([0-9.]+) ]]
        f32=${BASH_REMATCH[1]}
        refused=$(hap-forward --max-memory 1K -m "$model" "$tmp/task" 2>&1 >/dev/null) && fail
        [[ $refused =~ 'the weights alone: '([0-9.]+) ]]
        awk -v f32="$f32" -v stored="${BASH_REMATCH[1]}" 'BEGIN { exit !(stored < .7 * f32) }' ||
                fail "stored ${BASH_REMATCH[1]}, F32 $f32"
        assert_refused 2 "auto, stored, f32" hap-forward --weights f16 -m "$model" "$tmp/task"
}
