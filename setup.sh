#!/bin/sh
# Installs what hap needs, builds it, and then:
#
#   ./setup.sh demo   finds a circuit of the embedded model, in less than a minute
#   ./setup.sh test   runs all tests
#
# On Debian and Ubuntu, missing packages are installed with apt-get (through sudo
# unless run as root). On other systems the requirements are listed. Exit status 2:
# something is missing that this script cannot install.
set -eu

build_packages="gcc make libc6-dev libmsgpack-dev libopenblas-dev libjansson-dev
libpcre2-dev libutf8proc-dev libxxhash-dev libdnnl-dev zlib1g-dev jq librsvg2-bin"
test_packages="bats bats-assert bats-support bats-file mandoc shellcheck git
python3 python3-msgpack python3-numpy strace cppcheck"
# the tests of the page of hap-show; skipped without a Chromium
browser_package=chromium-headless-shell
# make MPI=1 and its tests; skipped without an MPI
mpi_packages="openmpi-bin libopenmpi-dev procps"

usage() {
        echo "usage: ./setup.sh demo|test" >&2
        exit 2
}

list_needs() {
        cat >&2 <<'END'
Install these, then run this script again with HAP_SETUP=skip:
  to build:  a C11 compiler with OpenMP (gcc 10 or later), GNU make 4.3 or later,
             msgpack-c (the C library), OpenBLAS with its cblas header, jansson,
             PCRE2 (8 bit), utf8proc, xxHash 0.8 or later, zlib,
             all with headers; optionally oneDNN 2, for products in BF16
  for the pipelines: bash, jq, awk; rsvg-convert of librsvg for pictures as PNG
  to test:   bash 5, bats 1.8 or later with bats-support, bats-assert, bats-file,
             mandoc, shellcheck, git, Python 3 with msgpack and numpy; optionally a Chromium,
             Open MPI with its headers, cppcheck, and clang with clang-tidy
END
}

missing_of() {
        for package in "$@"; do
                case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
                installed) ;;
                *) printf '%s ' "$package" ;;
                esac
        done
}

install_missing() {
        # shellcheck disable=SC2086 # a list
        missing=$(missing_of $1)
        [ -n "$missing" ] || return 0
        as_root=
        if [ "$(id -u)" -ne 0 ]; then
                if ! command -v sudo >/dev/null; then
                        echo "setup.sh: sudo is not installed; run as root:" >&2
                        echo "  apt-get install $missing" >&2
                        exit 2
                fi
                as_root=sudo
        fi
        echo "setup.sh: installing $missing"
        # another installation may be under way on a machine that has just started
        $as_root apt-get update -q
        # shellcheck disable=SC2086 # a list
        $as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends $missing
}

prepare() {
        [ "${HAP_SETUP:-}" != skip ] || return 0
        if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
                install_missing "$1"
        else
                echo "setup.sh: not a Debian or Ubuntu system" >&2
                list_needs
                exit 2
        fi
}

# Debian has a Chromium without a desktop; elsewhere any Chromium in PATH is used.
prepare_browser() {
        [ "${HAP_SETUP:-}" != skip ] || return 0
        for name in chromium-headless-shell chromium chromium-browser google-chrome; do
                ! command -v $name >/dev/null || return 0
        done
        if command -v apt-cache >/dev/null &&
                apt-cache show $browser_package >/dev/null 2>&1; then
                install_missing $browser_package
        fi
}

prepare_mpi() {
        [ "${HAP_SETUP:-}" != skip ] || return 0
        if ! command -v mpicc >/dev/null && command -v apt-cache >/dev/null &&
                apt-cache show libopenmpi-dev >/dev/null 2>&1; then
                install_missing "$mpi_packages"
        fi
}

[ $# -eq 1 ] || usage
cd "$(dirname "$0")"
jobs=$(nproc 2>/dev/null || echo 2)
started=$(date +%s)
case $1 in
demo)
        prepare "$build_packages"
        make -s -j"$jobs"
        make -f pipelines/demo.mk RESULTS=results NAME=demo
        echo
        echo "Table, picture and every stream of the run are in $PWD/results/demo;" \
                "installing, building and running took $(($(date +%s) - started)) s."
        echo "The table with edge pruning as published, 32 prompts a step, takes some minutes:"
        echo "  make -f pipelines/table1.mk SPARSITY=90% SEEDS=1"
        ;;
test)
        prepare "$build_packages $test_packages"
        prepare_browser
        prepare_mpi
        make -s -j"$jobs" all units
        make -s check
        ;;
*) usage ;;
esac
