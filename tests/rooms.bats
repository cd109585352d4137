load helper

# The rooms of src/ and their order: docs/architecture.md.

# The folder of the objects that the programs under test were linked from.
objects() {
        if [[ -e $HAP_BIN/../libhap.a ]]; then
                echo "$HAP_BIN/.."
        else
                echo "$root/build"
        fi
}

@test "a file includes only files of its own room and of the rooms before it" {
        need_tool python3
        run -0 python3 "$root/tests/rooms.py" includes
        assert_output ""
}

@test "a file uses only symbols of its own room and of the rooms before it" {
        need_tool python3
        need_tool nm
        run -0 python3 "$root/tests/rooms.py" calls "$(objects)"
        assert_output ""
}

@test "the engine's headers reach neither JSON, nor streams, nor the tokenizer, nor prompts, and its state is its own" {
        need_tool python3
        run -0 python3 "$root/tests/rooms.py" engine
        assert_output ""
}

@test "no files use each other's symbols in a circle" {
        need_tool python3
        need_tool nm
        run -0 python3 "$root/tests/rooms.py" circles "$(objects)"
        assert_output ""
}
