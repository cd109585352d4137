#!/usr/bin/env bats
# The choice of the BLAS's kernels. A preloaded library plays an OpenBLAS that does not know the
# processor, and chooses its oldest kernels unless it is told otherwise.

load helper

setup_file() {
        cat >"$BATS_FILE_TMPDIR/old.c" <<-'C'
                #include <dlfcn.h>
                #include <stdlib.h>
                char *openblas_get_corename(void)
                {
                        char *(*chosen)(void) = (char *(*)(void))dlsym(RTLD_NEXT, "openblas_get_corename");
                        return getenv("OPENBLAS_CORETYPE") ? chosen() : "Prescott";
                }
C
        unset OPENBLAS_CORETYPE
}

setup() {
        [[ -z ${ASAN_OPTIONS-}${TSAN_OPTIONS-} ]] || skip "a sanitizer must be loaded first"
        grep -qw avx /proc/cpuinfo || skip "the processor has no wider vectors"
        [[ $(hap-model -q --system) == *OpenBLAS* ]] || skip "the BLAS is not OpenBLAS"
        old=$BATS_FILE_TMPDIR/old.so
        cc -shared -fPIC -D_GNU_SOURCE -o "$old" "$BATS_FILE_TMPDIR/old.c"
        if grep -qw avx512vl /proc/cpuinfo; then
                best=SkylakeX
        elif grep -qw avx2 /proc/cpuinfo; then
                best=Haswell
        else
                best=Sandybridge
        fi
}

@test "a library that chose old kernels gets those of the processor" {
        LD_PRELOAD=$old run -0 --separate-stderr hap-model --system
        assert_output --regexp "kernels +$best, with .*; the library chose Prescott"
        refute_output --partial "warning"
        [[ $stderr != *warning* ]]
}

@test "a program that starts again keeps its number, arguments, input and exit status" {
        hap-task ioi -q -n 8 -m "$root/models/demo" -o "$tmp/task"
        OPENBLAS_CORETYPE=$best hap-forward -q -m "$root/models/demo" -o "$tmp/wanted" "$tmp/task"
        LD_PRELOAD=$old hap-forward -q -m "$root/models/demo" -o "$tmp/cache" <"$tmp/task"
        assert_same "$tmp/cache" "$tmp/wanted"
        mkfifo "$tmp/input"
        LD_PRELOAD=$old hap-forward -m "$root/models/demo" -o "$tmp/none" <"$tmp/input" 2>"$tmp/err" &
        pid=$!
        exec {open}>"$tmp/input"
        for _ in {1..100}; do
                [[ $(tr '\0' ' ' <"/proc/$pid/environ") == *"OPENBLAS_CORETYPE=$best "* ]] && break
                sleep .1
        done
        assert_equal "$(<"/proc/$pid/comm")" hap-forward
        assert_equal "$(tr '\0' ' ' <"/proc/$pid/cmdline")" \
                "hap-forward -m $root/models/demo -o $tmp/none "
        kill -TERM $pid
        exec {open}>&-
        status=0
        wait $pid || status=$?
        assert_equal $status 143
        LD_PRELOAD=$old assert_refused 2 "unknown option" hap-forward --nonsense
}

@test "a user's own kernels are kept, and --system warns of narrow ones" {
        OPENBLAS_CORETYPE=Prescott LD_PRELOAD=$old run -0 --separate-stderr hap-model --system
        assert_output --partial "Prescott, with SSE; OPENBLAS_CORETYPE is set"
        assert_output --partial "the kernels have narrower vectors than the processor"
}

@test "the closing line warns of kernels that are slow for the processor, and of no others" {
        hap-task ioi -q -n 2 -m "$root/models/demo" -o "$tmp/task"
        run hap-forward -m "$root/models/demo" -o "$tmp/cache" "$tmp/task"
        refute_output --partial warning
        grep -qw avx512vl /proc/cpuinfo || skip "only AVX-512 is surely 2.5 times as fast as SSE"
        export OPENBLAS_CORETYPE=Prescott
        for _ in {1..5}; do # other programs may share the processor's caches
                run hap-forward -m "$root/models/demo" -o "$tmp/cache" "$tmp/task"
                [[ $output != *warning* ]] || break
        done
        assert_output --regexp "hap-forward: warning: a thread multiplies matrices at [0-9]+ GFLOP/s of [0-9]+, with OpenBLAS's Prescott kernels: see hap-model --system"
        run hap-forward -q -m "$root/models/demo" -o "$tmp/cache" "$tmp/task"
        assert_output ""
        run hap-task ioi -n 2 -m "$root/models/demo" -o "$tmp/task" # computes no products
        refute_output --partial warning
}

@test "make refuses an unknown BLAS and names those that it knows" {
        run make -C "$root" -n BLAS=atlas
        assert_failure
        assert_output --partial "BLAS is 'atlas'; give openblas, onednn, blis or mkl"
}

@test "--system takes no model" {
        assert_refused 2 "--system takes no model" hap-model --system "$root/models/demo"
}

@test "with too little address space a program says so or runs, but never waits" {
        local demo=$root/models/demo task=$BATS_TEST_TMPDIR/task cache=$BATS_TEST_TMPDIR/cache
        hap-task ioi -q -m "$demo" -n 2 -o "$task"
        hap-forward -q -m "$demo" -o "$cache" "$task"
        for kib in 40000 50000 60000 100000 120000 150000 190000 240000 300000 700000; do
                for command in "hap-forward -m $demo $task" "hap-attrib $cache" \
                        "hap-prune --edges 20 --recipe edge-pruning --steps 2 $cache" \
                        "hap-model --system"; do
                        rc=0
                        # shellcheck disable=SC2086
                        (ulimit -v "$kib" && exec timeout 20 $command -q -j 1 \
                                >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err") || rc=$?
                        # 127: the loader finds no room for the libraries
                        [[ $rc == 0 || ($rc == 1 || $rc == 127) && -s $BATS_TEST_TMPDIR/err ]] ||
                                fail "$command with $kib KiB: exit status $rc"
                done
        done
        assert_equal "$rc" 0
        rc=0
        (ulimit -v 150000 && exec timeout 20 hap-attrib -j 4 "$cache" >"$BATS_TEST_TMPDIR/out" \
                2>"$BATS_TEST_TMPDIR/err") || rc=$?
        assert_equal "$rc" 1
        grep -q "out of memory for the BLAS" "$BATS_TEST_TMPDIR/err"
}
