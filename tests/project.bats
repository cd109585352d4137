load helper

# Tests of the whole tree: programs, pages, tests and files agree.

programs() {
        basename -a -s .c "$root"/src/*/hap-*.c
}

# The files in git, or all files if there is no repository.
files() {
        cd "$root"
        git ls-files 2>/dev/null | grep . ||
                find . -type f -not -path './build*' -not -path './bin/*' -not -path './results/*'
}

# The options a program's -h names, one a line: `  -o, --output FILE`.
options_of_help() {
        "$1" -h | sed -nE 's/^  (-[[:alnum:]]), (--[[:alnum:]-]+).*/\1\n\2/p
                s/^      (--[[:alnum:]-]+).*/\1/p' | sort -u
}

# The options that the lists of its page explain: `.It Fl o , Fl -output Ar file`.
options_of_page() {
        sed -nE 's/^\.It Fl //p' "$root/man/$1.1" | sed -E 's/ (Ar|Ns|Cm) .*//; s/ , (Fl )?/\n/g' |
                sed -E 's/^/-/; s/ .*//' | sort -u
}

@test "every program has a page and a test file" {
        for program in $(programs); do
                assert_exists "$root/man/$program.1"
                assert_exists "$root/tests/$program.bats"
        done
}

@test "every page and test file named for a program has its program" {
        for name in $(basename -a -s .1 "$root"/man/hap-*.1) \
                $(basename -a -s .bats "$root"/tests/hap-*.bats); do
                [[ " $(programs | tr '\n' ' ')" == *" $name "* ]] || fail "no program $name"
        done
}

@test "the page of every program explains the options that -h names, and no others" {
        for program in $(programs); do
                options_of_help "$program" >"$tmp/help"
                options_of_page "$program" >"$tmp/page"
                [[ -s $tmp/help ]] || fail "$program -h names no option"
                diff -u "$tmp/help" "$tmp/page" || fail "$program: -h (-) and page (+) differ"
        done
}

# The names that -h lists for an option, one per line, with their help.
choices_of_help() {
        "$1" -h | sed -nE "/^      --$2 /,/^ {0,6}-/{ s/^ {30}([a-z0-9-]+) .*/\\1/p; }"
}

# Those that the page explains in a list: `.It Cm NAME`, between two headings.
choices_of_page() {
        sed -n "/^\\.S[hs] $2\$/,/^\\.S[hs] /s/^\\.It Cm //p" "$root/man/$1.1"
}

@test "the lists of methods, metrics and ablations in the pages are those of the tables" {
        while read -r program option heading; do
                choices_of_help "$program" "$option" | sort >"$tmp/help"
                choices_of_page "$program" "$heading" | sort >"$tmp/page"
                [[ -s $tmp/help ]] || fail "$program -h lists nothing for --$option"
                diff -u "$tmp/help" "$tmp/page" ||
                        fail "$program: --$option in -h (-) and under $heading in the page (+) differ"
        done < <(printf '%s\n' 'hap-attrib method Methods' 'hap-attrib metric Losses' \
                'hap-attrib ablation Ablations' 'hap-eval metric Metrics' 'hap-eval ablation Ablations')
}

@test "pages are without complaints" {
        need_tool mandoc
        run mandoc -Tlint -W warning "$root"/man/hap*.[157]
        assert_success
        assert_output ""
}

@test "every program answers -h and --version on standard output, and refuses unknown options" {
        for program in $(programs); do
                "$program" -h >"$tmp/out" 2>"$tmp/err" || fail "$program -h exits $?"
                assert_file_contains "$tmp/out" "$program"
                [[ ! -s $tmp/err ]] || fail "$program -h writes on standard error"
                run -0 --separate-stderr "$program" --version
                assert_output --regexp "^$program [0-9]+[.][0-9]+[.][0-9]+"
                assert_refused 2 "$program: " "$program" --no-such-option
        done
}

@test "help that cannot be written is an error" {
        for program in $(programs); do
                run -1 bash -c "$program -h >/dev/full"
        done
}

@test "no file names the machine that it was written on" {
        files | grep -vE '^(models/demo/.*json|tests/golden/)' |
                (cd "$root" && xargs grep -nIE '(^|[^[:alnum:]_.$}/-])/(work|root|home|tmp)/') |
                grep -v '/tmp/hap-.*XXXXXX' >"$tmp/found" || true
        [[ ! -s $tmp/found ]] || fail "$(cat "$tmp/found")"
}

@test "source files stay under 500 lines and programs under 200" {
        cd "$root"
        for file in src/*/*.[ch] tests/unit/*.[ch]; do
                limit=500
                [[ $file != src/*/hap-*.c ]] || limit=200
                [[ $(wc -l <"$file") -lt $limit ]] || wc -l "$file" >>"$tmp/long"
        done
        [[ ! -e $tmp/long ]] || fail "$(cat "$tmp/long")"
}

@test "no file contains a note about unfinished work" {
        files | grep -E '\.(c|h|sh|bash|bats|mk|py|1|5|7|md)$' | grep -v '^tests/project.bats$' |
                (cd "$root" && xargs grep -nE 'TODO|FIXME') >"$tmp/found" || true
        [[ ! -s $tmp/found ]] || fail "$(cat "$tmp/found")"
}

@test "scripts are without complaints" {
        need_tool shellcheck
        cd "$root"
        run shellcheck setup.sh .ci/run tests/run tests/helper.bash pipelines/plan pipelines/timed pipelines/table pipelines/drop-stale \
                pipelines/cluster/submit pipelines/cluster/stage tests/slurm
        assert_success
}

@test "setup.sh without a known command lists the commands" {
        assert_refused 2 "setup.sh demo|test" "$root/setup.sh"
        assert_refused 2 "setup.sh demo|test" "$root/setup.sh" install
}

@test "the programs are position independent, bound at start and check their stack" {
        command -v readelf >/dev/null || skip "no readelf"
        for program in "$root"/bin/hap-*; do
                readelf -hW "$program" | grep 'Type: *DYN' >/dev/null || fail "$program is not a PIE"
                readelf -dW "$program" | grep 'Flags: NOW' >/dev/null || fail "$program binds lazily"
                readelf -lW "$program" | grep GNU_RELRO >/dev/null || fail "$program has no RELRO"
                nm -D "$program" | grep __stack_chk_fail >/dev/null || fail "$program does not check its stack"
        done
}
