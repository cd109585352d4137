load helper

# make install into an empty folder, from the programs under test.

setup_file() {
        export TREE=$BATS_FILE_TMPDIR/tree BUILT=$BATS_FILE_TMPDIR/built
        mkdir "$BUILT"
        installing "$BUILT" PREFIX=/opt/hap DESTDIR="$TREE" install >"$BUILT/log"
}

@test "installing compiles nothing, for any PREFIX" {
        run ! grep -E '(^| )-c ' "$BUILT/log"
        run ! grep -rF share/hap "$root"/src --include='*.c' --include='*.h' -l --exclude=data_path.c
}

@test "the installed programs find their demo model, and every page is there" {
        cd "$tmp"
        export PATH=$TREE/opt/hap/bin:/usr/bin:/bin
        unset HAP_DATA
        hap-task -q ioi -n 4 -o t
        hap-forward -q -m demo -o c t
        hap-attrib -q -o s c
        hap-select -q --keep 20% -o k s
        run -0 hap-show -q k
        assert_output --partial "of 479 edges"
        for program in "$HAP_BIN"/hap-*; do
                assert_exists "$TREE/opt/hap/share/man/man1/$(basename "$program").1"
        done
        for file in share/man/man5/hap-stream.5 share/man/man7/hap.7 share/doc/hap/LICENSE share/doc/hap/docs/notebook.md \
                share/hap/pipelines/hap.mk share/hap/circuits/ioi-gpt2.json share/hap/python/hap.py; do
                assert_exists "$TREE/opt/hap/$file"
        done
}

@test "bash completes options, their choices, and files" {
        cd "$tmp"
        touch some.task
        # shellcheck disable=SC1091
        source "$TREE/opt/hap/share/bash-completion/completions/hap-task"
        complete_words() {
                COMP_WORDS=("$@")
                COMP_CWORD=$(($# - 1))
                COMPREPLY=()
                _hap_task
                echo "${COMPREPLY[*]}"
        }
        assert_equal "$(complete_words hap-task --sp)" "--split"
        assert_equal "$(complete_words hap-task --split t)" "train test"
        assert_equal "$(complete_words hap-task --from so)" "some.task"
        assert_equal "$(complete_words hap-task -n '')" ""
        # shellcheck disable=SC1091
        source "$TREE/opt/hap/share/bash-completion/completions/hap-attrib"
        COMP_WORDS=(hap-attrib --method eap) COMP_CWORD=2
        _hap_attrib
        [[ " ${COMPREPLY[*]} " == *" eap-ig-inputs "* ]]
}

@test "the completions of every shell have every option of every program" {
        for program in "$HAP_BIN"/hap-*; do
                name=$(basename "$program")
                for option in $("$program" -h | sed -nE 's/^  (-[[:alnum:]], |    )--([a-z0-9-]+).*/\2/p'); do
                        grep -qE -- "--$option[ ']" "$TREE/opt/hap/share/bash-completion/completions/$name" || fail "bash: $name --$option"
                        grep -qE -- "--$option(\[|}')" "$TREE/opt/hap/share/zsh/site-functions/_$name" || fail "zsh: $name --$option"
                        grep -qE -- "-l $option " "$TREE/opt/hap/share/fish/vendor_completions.d/$name.fish" || fail "fish: $name --$option"
                done
                bash -n "$TREE/opt/hap/share/bash-completion/completions/$name"
                ! command -v zsh >/dev/null || zsh -n "$TREE/opt/hap/share/zsh/site-functions/_$name"
                ! command -v fish >/dev/null || fish -n "$TREE/opt/hap/share/fish/vendor_completions.d/$name.fish"
        done
}

@test "uninstall removes every file that install installed" {
        cp -R "$TREE" "$tmp/tree"
        installing "$BUILT" PREFIX=/opt/hap DESTDIR="$tmp/tree" uninstall
        run -0 find "$tmp/tree" -type f
        assert_output ""
}

@test "make help names every target that people use" {
        run -0 make -C "$root" -s help
        for target in all check lint install uninstall dist clean; do
                assert_line --regexp "^$target  +"
        done
}
