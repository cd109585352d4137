load helper

# Reports as tables for papers and programs: hap-show --tsv, --markdown, --latex, against the
# report's records.

setup_file() {
        cd "$BATS_FILE_TMPDIR"
        hap-task -q ioi -n 12 -m "$root/models/demo" -o t
        hap-forward -q -m "$root/models/demo" t | hap-attrib -q -o s
        hap-select -q --keep 20% -o a_b.circuit s
        hap-eval -q -m "$root/models/demo" --full --empty --metric kl,logit-diff --name 'a_b & c|d' -o r t a_b.circuit
        hap-eval -q -m "$root/models/demo" --per-example --metric accuracy -o r2 t a_b.circuit
        json r | jq -c 'select(has("metric"))' >records
}

setup() {
        cd "$BATS_FILE_TMPDIR"
}

@test "tab-separated lines have every number of the report, exactly" {
        hap-show -q --tsv r >tsv
        assert_equal "$(head -n 1 tsv | tr '\t' ' ')" \
                "circuit examples edges sparsity kl kl_se kl_low kl_high logit-diff logit-diff_se logit-diff_low logit-diff_high"
        assert_equal "$(wc -l <tsv)" 4
        jq -R 'split("\t")' tsv | jq -s '.[0] as $names | .[1:] | map([$names, .] | transpose | map({(.[0]): .[1]}) | add)' >table
        jq -s --slurpfile t table '
                [.[] | . as $r | $t[0][] | select(.circuit == $r.circuit)
                 | . as $row | [["value", ""], ["se", "_se"], ["low", "_low"], ["high", "_high"]][]
                 | ($row[$r.metric + .[1]] | tonumber) - $r[.[0]]] | {n: length, worst: (map(fabs) | max)}' records >got
        assert_equal "$(jq -c . got)" '{"n":24,"worst":0}'
}

@test "Markdown has a row for each circuit, with intervals, and escapes names" {
        hap-show -q --markdown r >md
        assert_equal "$(sed -n 1,2p md)" "| circuit | examples | edges | sparsity | kl | logit-diff |
| --- | --- | --- | --- | --- | --- |"
        assert_equal "$(wc -l <md)" 5
        assert_file_contains md '^| a.*_b & c.*|d | 12 | '
        grep -qF 'a\_b & c\|d' md
        want=$(jq -rs '.[] | select(.circuit == "full" and .metric == "logit-diff") | [.value, .low, .high] | @tsv' records |
                awk '{ printf "%.4g [%.4g, %.4g]", $1, $2, $3 }')
        grep -F "| full |" md | grep -qF "| $want |"
}

@test "LaTeX is a tabular with as many columns as its rows" {
        hap-show -q --latex r >tex
        assert_equal "$(sed -n 1p tex)" '\begin{tabular}{lrrrrr}'
        grep -F ' \\' tex | sed 's/\\&//g' | awk -F' & ' 'NF != 6 { bad = 1 } END { exit bad || NR != 4 }'
        grep -qF 'a\_b \& c|d & 12' tex
        run ! grep -E '[0-9]e[-+][0-9]' tex
        hap-eval -q -m "$root/models/demo" --metric kl --name 'x\y~z^2' -o r3 t a_b.circuit
        hap-show -q --latex r3 | grep -qF 'x\textbackslash{}y\textasciitilde{}z\textasciicircum{}2 & 12'
}

@test "several reports have a column of files, single examples are left out" {
        hap-show -q --tsv r r2 | cut -f 1,2 >got
        assert_equal "$(sed -n 1p got)" "report	circuit"
        assert_equal "$(cut -f 1 got | sort | uniq -c | awk '{ print $1, $2 }' | tr '\n' ',')" "3 r,1 r2,1 report,"
        assert_refused 3 "the input has no report" hap-show --tsv a_b.circuit
        assert_refused 2 "only one form of output" hap-show --tsv --markdown r
        assert_refused 2 "--positions needs --svg" hap-show --dot --positions a_b.circuit
        assert_refused 2 "--white needs --svg" hap-show --html --white a_b.circuit
}
