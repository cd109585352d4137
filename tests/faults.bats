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

@test "with too little memory, stack, disk or descriptors, and after a signal, nothing is wrong" {
        [[ ${HAP_BIN:-$root/bin} == "$root/bin" ]] || skip "for the default build only"
        run "$root/tests/faults/limits" --fewer 12
        assert_success
        assert_regex "${lines[-1]}" '^[0-9]+ right, [0-9]+ refused, 0 wrong$'
}

@test "a stack that is too small is refused, and a graph takes no more of it than it has nodes" {
        local hap_show=("$(type -P hap-show)" "$tmp/circuit")
        [[ -z ${ASAN_OPTIONS-}${TSAN_OPTIONS-} ]] || skip "a sanitizer takes more of the stack"
        printf '%s\n' '{"hap":1,"kind":"circuit","graph":{"layers":2,"heads":1}}' \
                '{"edge":"input->m0","z":1}' '{"edge":"m0->logits","z":1}' '{"end":"circuit"}' |
                hap-convert -q --from json -o "$tmp/circuit"
        run -0 bash -c 'ulimit -s 128 && exec "$@"' - "${hap_show[@]}"
        run -1 bash -c 'ulimit -s 96 && exec "$@"' - "${hap_show[@]}"
        assert_output "hap-show: the stack may have 96 KiB, 128 are needed; raise ulimit -s"
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
