load helper

# Tests bench/peers/run with a Python that only prints how it was called and a model
# that exists already, so that no peer needs to be installed.

setup() {
        mkdir -p "$tmp/pruning/src/prune" "$tmp/eap/src/eap" "$tmp/build/bench"
        touch "$tmp/pruning/src/prune/fpt2_ioi.py" "$tmp/eap/src/eap/attribute.py"
        cat >"$tmp/build/bench/make-model" <<END
#!/bin/bash
cp -R "$root/tests/golden/gpt2-a/model" "\$1"
END
        cat >"$tmp/python" <<END
#!/bin/bash
echo "\$*" >>"$tmp/log"
echo '{"s_per_example": 1000, "batch": 4, "difference": 0.25}'
END
        chmod +x "$tmp/build/bench/make-model" "$tmp/python"
        peers=("$root/bench/peers/run" --bin "${HAP_BIN:-$root/bin}" --build "$tmp/build"
                --shape 3,4,32,97 --threads 1)
}

@test "every peer given gets its rows: seconds, ratio to hap, difference" {
        run -0 "${peers[@]}" --edge-pruning "$tmp/pruning" --eap-ig "$tmp/eap" --python "$tmp/python" \
                --json "$tmp/json"
        assert_line --regexp '^\| eap \| 1000 \| .* \| 0.25 \|$'
        run -0 jq -c '[.rows[].what]' "$tmp/json"
        assert_output '["pruning step, theirs padded to 64","pruning step, theirs padded to 17","eap","eap-ig-inputs"]'
        # a figure below the noise is null, not a ratio
        run -0 jq -e 'all(.rows[]; .theirs_s_per_example == 1000 and (.ours_s_per_example as $ours
                | if $ours then $ours > 0 and (.ratio * $ours - 1000 | fabs) < 1e-6 else .ratio == null end))' "$tmp/json"
        run -0 cat "$tmp/log"
        assert_line --regexp "edge-pruning $tmp/pruning .* --length 64 --steps 2 --threads 1"
        assert_line --regexp "eap-ig $tmp/eap .* --method eap-ig-inputs .* --scores "
}

@test "a comparison without a checkout, a Python or its modules names the missing part" {
        assert_refused 2 "give --edge-pruning DIR or --eap-ig DIR" "${peers[@]}" --python "$tmp/python"
        assert_refused 2 "give --python" "${peers[@]}" --eap-ig "$tmp/eap"
        assert_refused 1 "'$tmp' has no src/eap/attribute.py" "${peers[@]}" --eap-ig "$tmp" --python "$tmp/python"
        assert_refused 1 "'$tmp' has no src/prune/fpt2_ioi.py" \
                "${peers[@]}" --edge-pruning "$tmp" --python "$tmp/python"
        assert_refused 1 "cannot run '$tmp/none'" "${peers[@]}" --eap-ig "$tmp/eap" --python "$tmp/none"
        assert_refused 2 "four numbers" "${peers[@]}" --shape 3,4 --eap-ig "$tmp/eap" --python "$tmp/python"
        assert_refused 2 "at least the 17 tokens" "${peers[@]}" --pad 3 --eap-ig "$tmp/eap" --python "$tmp/python"
        assert_refused 2 "needs a value" "${peers[@]}" --json
        need_tool python3
        # isolated, so that the user's modules are not found
        printf '#!/bin/bash\nexec python3 -I -S "$@"\n' >"$tmp/python"
        assert_refused 1 "lacks the module 'torch'" "${peers[@]}" --eap-ig "$tmp/eap" --python "$tmp/python"
}
