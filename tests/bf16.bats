#!/usr/bin/env bats
# --precision: products with weights in BF16, of the demo model. tests/unit/bf16.c has the products.

load helper

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        hap-task ioi -q -n 24 -m "$root/models/demo" -o task
        hap-attrib -q -m "$root/models/demo" -o scores task
}

setup() {
        cd "$BATS_FILE_TMPDIR"
        model=$root/models/demo
        hap-attrib -q --precision bf16 -m "$model" -o "$tmp/any" task 2>"$tmp/why" ||
                skip "$(<"$tmp/why")"
}

scores() { # STREAM: a line "EDGE SCORE" for each edge
        hap-convert -q --to json "$1" | jq -r 'select(.edge) | "\(.edge) \(.score)"' | sort
}

@test "EAP scores in BF16 have a correlation of .9999 with those in F32, and the same best 6 %" {
        scores scores >"$tmp/f32"
        scores "$tmp/any" >"$tmp/bf16"
        [ "$(wc -l <"$tmp/f32")" -gt 400 ]
        # Edges whose scores in F32 are within .001 of the largest from the last of the best are ties.
        join "$tmp/f32" "$tmp/bf16" | python3 -c '
import math, sys
rows = [line.split() for line in sys.stdin]
a, b = ([float(row[k]) for row in rows] for k in (1, 2))
n, mean = len(a), lambda x: sum(x) / len(x)
cross = lambda x, y: sum((p - mean(x)) * (q - mean(y)) for p, q in zip(x, y))
r = cross(a, b) / math.sqrt(cross(a, a) * cross(b, b))
best = lambda x: set(sorted(range(n), key=lambda i: -abs(x[i]))[:int(.06 * n)])
last = min(abs(a[i]) for i in best(a))
wrong = [rows[i] for i in best(a) ^ best(b)
         if abs(abs(a[i]) - last) > 1e-3 * max(map(abs, a))]
print(r, wrong)
sys.exit(not (n > 400 and r >= .9999 and not wrong))' >"$tmp/result" || fail "$(<"$tmp/result")"
        cat "$tmp/result"
}

@test "scores and circuits in BF16 have the same bytes for any number of threads" {
        for n in 1 3; do
                hap-attrib -q -j $n --precision bf16 -m "$model" -o "$tmp/s$n" task
                hap-prune -q -j $n --precision bf16 --edges 40 --batch 16 --steps 2 -m "$model" \
                        -o "$tmp/p$n" task scores
                hap-convert -q --to json "$tmp/s$n" | grep '"edge"' >"$tmp/s$n.json"
                hap-convert -q --to json "$tmp/p$n" | grep '"edge"' >"$tmp/p$n.json"
        done
        [ -s "$tmp/s1.json" ] && [ -s "$tmp/p1.json" ]
        cmp "$tmp/s1.json" "$tmp/s3.json"
        cmp "$tmp/p1.json" "$tmp/p3.json"
}

@test "headers record bf16, and only where it was used" {
        hap-convert -q --to json "$tmp/any" | grep -q '"precision":"bf16"'
        run ! grep -q '"precision":"bf16"' <(hap-convert -q --to json scores)
        hap-prune -q --precision bf16 --edges 40 --batch 4 --steps 1 -m "$model" -o "$tmp/p" task
        hap-convert -q --to json "$tmp/p" | grep -q '"precision":"bf16"'
        hap-prune -q --edges 40 --batch 4 --steps 1 -m "$model" -o "$tmp/p" task
        run ! grep -q '"precision":"bf16"' <(hap-convert -q --to json "$tmp/p")
}

@test "without instructions for BF16 auto is f32, and bf16 is refused where oneDNN has no products" {
        hap-prune -q --edges 40 --batch 4 --steps 1 -m "$model" -o "$tmp/p" task
        ONEDNN_MAX_CPU_ISA=AVX2 hap-prune -q --precision auto --edges 40 --batch 4 --steps 1 \
                -m "$model" -o "$tmp/a" task
        run ! grep -q '"precision":"bf16"' <(hap-convert -q --to json "$tmp/a")
        cmp <(hap-convert -q --to json "$tmp/a" | grep '"edge"') \
                <(hap-convert -q --to json "$tmp/p" | grep '"edge"')
        ONEDNN_MAX_CPU_ISA=AVX2 run -2 hap-attrib -q --precision bf16 -m "$model" -o "$tmp/x" task
        [[ $output == *"--precision f32"* ]]
        [ ! -e "$tmp/x" ]
}
