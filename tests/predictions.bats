load helper

# hap-eval --predict, --per-example, and hap-show of them.

setup() {
        need_python msgpack numpy
        export PYTHONPATH=$root/python
        cd "$tmp"
        hap-task -q ioi -n 12 -m demo -o t
        hap-forward -q -m demo -o c t
        hap-attrib -q c | hap-select -q --keep 30% -o k
}

@test "predictions of the full model and the empty circuit are the likeliest tokens of the cache's logits" {
        hap-eval -q -m demo --full --empty --predict 4 --name k -o r t k
        hap-eval -q -j 1 --full --empty --predict 4 --name k -o r1 c k
        hap-eval -q -j 2 --full --empty --predict 4 --name k -o r2 c k
        assert_same r1 r2
        python3 - <<'END'
import numpy as np, hap
cache = hap.read("c")
for report in (hap.read("r"), hap.read("r1")):
    predictions = [r for r in report if "predictions" in r]
    assert len(predictions) == 3 * len(cache)
    for r in predictions:
        assert set(r) == {"circuit", "id", "predictions"} and len(r["predictions"]) == 4
    for circuit, logits in (("full", "clean_logits"), ("empty", "corrupted_logits")):
        for record, r in zip(cache, [r for r in predictions if r["circuit"] == circuit]):
            assert r["id"] == record["id"]
            row = record[logits][-1].astype(float)
            p = np.exp(row - row.max())
            p /= p.sum()
            order = np.argsort(-p, kind="stable")[:4]
            assert [token for token, _ in r["predictions"]] == order.tolist()
            assert np.allclose([x for _, x in r["predictions"]], p[order], atol=1e-5)
# the accuracy is that of the first prediction
answers = {r["id"]: r["answers"] for r in cache}
report = hap.read("r")
hits = [r["predictions"][0][0] in answers[r["id"]] for r in report if "predictions" in r and r["circuit"] == "k"]
accuracy = next(r["value"] for r in report if r.get("metric") == "accuracy" and r["circuit"] == "k" and "id" not in r)
assert abs(np.mean(hits) - accuracy) < 1e-12
END
}

@test "nothing else in the report changes, and a vocabulary smaller than N gives all its tokens" {
        hap-eval -q -m demo --per-example -o plain t k
        hap-eval -q -m demo --per-example --predict 2 -o more t k
        assert_same <(json plain | jq -c 'select(.circuit)') \
                <(json more | jq -c 'select(.circuit and (.predictions | not))')
        small=$root/tests/golden/gpt2-a
        printf '{"clean":[1,5,2,3],"corrupted":[1,6,2,3],"answers":[7],"wrongs":[8]}\n' |
                hap-task -q --from - -o s
        hap-eval -q -m "$small/model" --full --predict 100 -o r s
        vocabulary=$(json r | jq -r 'select(.model).model.vocabulary')
        [[ $vocabulary -lt 100 ]] || skip "the vocabulary is large"
        json r | jq -se --argjson n "$vocabulary" '[.[] | select(.predictions)] | length == 1 and
                (.[0].predictions | length == $n and (map(.[1]) | add | . > 0.999 and . < 1.001) and
                (map(.[0]) | sort) == [range($n)])' >/dev/null
}

@test "predictions are refused where there are none" {
        assert_refused 2 "--predict" hap-eval --predict 0 -m demo -o x t k
        assert_refused 2 "it cannot be combined with --predict" \
                hap-eval --roles --predict 2 -m demo -o x t
        assert_not_exists x
}

@test "hap-show lists the values and predictions of single examples" {
        hap-eval -q -m demo --full --per-example --predict 5 --metric kl,accuracy --name k -o r t k
        run -0 hap-show -q -m demo r
        assert_line --regexp '^  example +circuit +kl +accuracy +predictions$'
        assert_line --partial 'the first 10 of 12 examples; --top N shows more'
        json r >r.json
        for circuit in full k; do
                # the line of the third example
                id=$(jq -rs '[.[] | select(.predictions)][2].id' r.json)
                kl=$(jq -r --arg id "$id" --arg c "$circuit" 'select(.id == $id and .circuit == $c and .metric == "kl").value' r.json |
                        awk '{ printf "%.4g", $1 }')
                line=$(printf '%s\n' "${lines[@]}" | awk -v id="$id" -v c="$circuit" '$1 == id && $2 == c')
                [[ $line == *" $kl "* ]] || fail "no $kl in '$line'"
                token=$(jq -r --arg id "$id" --arg c "$circuit" 'select(.id == $id and .circuit == $c and .predictions).predictions[0][0]' r.json)
                text=$(python3 - "$root" "$token" <<'END'
import json, sys
vocabulary = json.load(open(sys.argv[1] + "/models/demo/tokenizer.json"))["model"]["vocab"]
print(next(text for text, token in vocabulary.items() if token == int(sys.argv[2])).replace("Ġ", " "))
END
                )
                [[ $line == *"'$text' 0."* || $line == *"'$text' 1.000"* ]] || fail "no '$text' in '$line'"
        done
        run -0 hap-show -q --top 3 r
        assert_line --partial 'the first 3 of 12 examples'
        assert_equal "$(printf '%s\n' "${lines[@]}" | grep -c 'ioi-train-')" 6
        run -0 hap-show -q --top 30 r
        assert_equal "$(printf '%s\n' "${lines[@]}" | grep -c 'ioi-train-')" 24
        refute_output --partial 'shows more'
}
