load helper

# The examples of every page run unchanged, in a folder with models/ and the files of
# earlier stages: ioi.task, ioi.cache, ioi.scores, ioi.subgraph and ioi.circuit.

setup_file() {
        export READY=$BATS_FILE_TMPDIR/ready
        mkdir "$READY"
        cd "$READY"
        ln -s "$root/models" models
        ln -s "$root/circuits" circuits
        hap-task ioi -m models/demo -n 20 -q -o ioi.task
        hap-forward -m models/demo -q -o ioi.cache ioi.task
        hap-attrib -q -o ioi.scores ioi.cache
        hap-select --keep 50% -q -o ioi.subgraph ioi.scores
        hap-select --keep 10% -q -o ioi.circuit ioi.scores
        jq -c '{hap: 1, kind: "circuit", graph}, (.edges[] | {edge: ., z: 1}), {end: "circuit"}' \
                circuits/ioi-gpt2.json | hap-convert -q --from json -o gpt2.circuit
}

# The commands of a page's EXAMPLES: the lines that are set off from the text.
examples_of() {
        awk '/^\.Sh / { inside = ($0 == ".Sh EXAMPLES"); next }
                !inside { next }
                /^\.Dl / { print substr($0, 5); next }
                /^\.Bd -literal/ { block = 1; next }
                /^\.Ed/ { block = 0; next }
                block' "$1" | sed -e 's/^\$ //' -e 's/\\e/\\/g' -e 's/\\(aq/'"'"'/g' -e 's/\\&//g'
}

run_examples() {
        cp -R "$READY/." "$tmp/"
        examples_of "$root/man/$1.${2:-1}" >"$tmp/examples"
        [[ -s $tmp/examples ]] || fail "the page of $1 has no examples"
        cd "$tmp"
        { echo 'set -e -o pipefail' && cat examples; } >script
        bash script >out 2>err </dev/null || fail "exit status $? of"$'\n'"$(cat examples err)"
}

@test "the examples of hap-model's page run" { run_examples hap-model; }
@test "the examples of hap-task's page run" { run_examples hap-task; }
@test "the examples of hap-forward's page run" { run_examples hap-forward; }
@test "the examples of hap-attrib's page run" { run_examples hap-attrib; }
@test "the examples of hap-select's page run" { run_examples hap-select; }
@test "the examples of hap-cluster's page run" { run_examples hap-cluster; }
@test "the examples of hap-prune's page run" { run_examples hap-prune; }
@test "the examples of hap-ablate's page run" { run_examples hap-ablate; }
@test "the examples of hap-eval's page run" { run_examples hap-eval; }
@test "the examples of hap-merge's page run" { run_examples hap-merge; }
@test "the examples of hap-show's page run" { run_examples hap-show; }
@test "the examples of hap-convert's page run" { run_examples hap-convert; }

@test "the first session of the overview page runs" { run_examples hap 7; }

@test "the README's pipeline runs and prints the output that it shows" {
        cd "$tmp"
        ln -s "$root/models" models
        ln -s "$root/circuits" circuits
        sed -nE 's/^    [$>] //p' "$root/README.md" >commands
        [[ -s commands ]] || fail "no commands"
        { echo 'set -e -o pipefail' && cat commands; } >script
        bash script >out 2>err </dev/null || fail "exit status $? of"$'\n'"$(cat script err)"
        # The figures in the README are of one machine, so only texts and names are
        # compared.
        grep -q "^Last night Thomas met Tim" out
        grep -q "^  a3.h2->logits  +3.43" out
        grep -q "^  circuit     48 of 479 edges, sparsity 89.98 %" out
        grep -q "^  empty .* 11.71" out
        grep -q "^  input->a0.h2<v>@S1  -1.19" out
}

@test "every program's page is among these" {
        for program in $(basename -a -s .c "$root"/src/*/hap-*.c); do
                grep -q "run_examples $program;" "${BATS_TEST_FILENAME}" ||
                        fail "the examples of $program are not run"
        done
}
