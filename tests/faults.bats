load helper

# `make faults` tries every call; these are some of them.

faults() {
        # with a sanitizer the allocator is the sanitizer's
        [[ ${HAP_BIN:-$root/bin} == "$root/bin" ]] || skip "for the default build only"
        [[ -e $root/build/faults.so ]] || make -s -C "$root" build/faults.so
        run "$root/tests/faults/run" --library "$root/build/faults.so" "$@"
        assert_success
        assert_regex "${lines[-1]}" '^[0-9]+ right, [0-9]+ refused, 0 wrong$'
}

@test "a program that runs out of memory says so and leaves no file" {
        faults --kinds memory --every 331 --first 7
}

@test "a program whose file cannot be read, written, renamed or synchronised says so" {
        faults --kinds write,read,open,rename,sync,close,map,thread --every 2
}

@test "short writes are continued" {
        faults --kinds short
        assert_regex "${lines[-1]}" ' 0 refused,'
}
