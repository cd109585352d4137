# For tests of several ranks: `load helper` and `load mpi/helper`. The programs of the MPI build are
# in build-mpi/bin, those of the plain build in bin/.
#
#   build_mpi DIR    DIR/made exists then if there are mpirun, mpicc, and the plain build in bin/
#   ranks N PROGRAM ARGUMENT ...      N ranks, for a minute at most
#   refused_by_ranks STATUS TEXT N PROGRAM ARGUMENT ...
#   one_rank_adds RANK WORD ...       $tmp/start, which the ranks start instead of the program
#   counted NAME N PROGRAM ARGUMENT ...   with what they exchange in $tmp/NAME.RANK (count.c)

# mpirun looks for ssh, also where all ranks are here
export OMPI_MCA_plm_rsh_agent=false OMPI_MCA_btl_base_warn_component_unused=0
export OMPI_MCA_rmaps_base_oversubscribe=1

build_mpi() {
        command -v mpirun mpicc >/dev/null && [[ ${HAP_BIN:-$root/bin} -ef $root/bin ]] || return 0
        grep -q march=native "$root/build/flags" || return 0 # other builds round otherwise
        mkdir -p "$root/build-mpi"
        flock "$root/build-mpi" make -s -C "$root" MPI=1 all >"$1/make" 2>&1 || return 0
        touch "$1/made"
}

ranks() {
        local n=$1 program=$2
        shift 2
        timeout -k 5 60 mpirun --allow-run-as-root --oversubscribe -n "$n" \
                "$root/build-mpi/bin/$program" "$@"
}

# Ends soon with this status and, once, this text.
refused_by_ranks() {
        local status=$1 text=$2 before=$SECONDS rc=0
        shift 2
        ranks "$@" 2>"$tmp/message" || rc=$?
        cat "$tmp/message"
        [[ $rc -eq $status && $((SECONDS - before)) -lt 30 ]]
        [[ $(grep -cF -- "$text" "$tmp/message") -eq 1 ]]
}

# A program that the ranks start instead of the real one; one of them adds words to its command
# line.
one_rank_adds() {
        local rank=$1
        shift
        printf '#!/bin/sh\n[ $OMPI_COMM_WORLD_RANK -ne %s ] || set -- "$@" %s\nexec "$@"\n' \
                "$rank" "$*" >"$tmp/start"
        chmod +x "$tmp/start"
}

counted() {
        local name=$1 n=$2 program=$3
        shift 3
        [[ -e $BATS_FILE_TMPDIR/count.so ]] ||
                mpicc -shared -fPIC -O1 -o "$BATS_FILE_TMPDIR/count.so" "$root/tests/mpi/count.c"
        HAP_MPI_COUNTS=$tmp/$name timeout -k 5 120 mpirun --allow-run-as-root --oversubscribe \
                -x HAP_MPI_COUNTS -n "$n" env LD_PRELOAD="$BATS_FILE_TMPDIR/count.so" \
                "$root/build-mpi/bin/$program" "$@"
}
