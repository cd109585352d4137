load helper

# The examples of every page run unchanged in an empty folder, with the programs and pages of an
# installed tree.

setup_file() {
        export TREE=$BATS_FILE_TMPDIR/tree
        mkdir "$BATS_FILE_TMPDIR/built"
        installing "$BATS_FILE_TMPDIR/built" PREFIX="$TREE" install >"$BATS_FILE_TMPDIR/log"
}

run_examples() {
        local page=$TREE/share/man/man${2:-1}/$1.${2:-1}
        "$root/tests/page-examples" "$page" >"$tmp/examples"
        [[ -s $tmp/examples ]] || fail "the page of $1 has no examples"
        mkdir "$tmp/empty" "$tmp/home"
        cd "$tmp/empty"
        { echo 'set -e -o pipefail' && cat ../examples; } >../script
        env -u HAP_DATA -u HAP_MODEL HOME="$tmp/home" PATH="$TREE/bin:/usr/bin:/bin" \
                bash ../script >../out 2>../err </dev/null ||
                fail "exit status $? of"$'\n'"$(cat ../examples ../err)"
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

@test "the examples of hap-stream's page run" { run_examples hap-stream 5; }

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
