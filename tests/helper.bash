# Shared by the bats tests: `load helper` at the top of a file.
#
#   $root            the repository; $root/models/demo, $root/tests/golden
#   $tmp             the test's own folder, empty when it starts
#   json FILE        the stream as JSON lines (header, records, trailer)
#   scores_map FILE  {"EDGE": score, ...} of a scores stream
#   circuit_map FILE {"EDGE": z, ...} of a circuit stream
#   tracr_edges FOLDER PATH   the edges at jq's PATH of its circuit.json, with hap's names
#   assert_near A B TOLERANCE
#   assert_near_maps FILE FILE TOLERANCE [TOLERANCE-OF-THE-LARGEST]
#   assert_same FILE FILE             the same bytes
#   assert_refused STATUS TEXT COMMAND ...
#   installing BUILD TARGET ...       make install of the programs under test
#   need_tool NAME, need_python MODULE ..., skip_unless_model PATH
#
# The programs come from $HAP_BIN (tests/run --bin), or from bin/ if it is not set.

bats_require_minimum_version 1.5.0
set -o pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
# shellcheck disable=SC2034 # for the tests
tmp=${BATS_TEST_TMPDIR-}
PATH=${HAP_BIN:-$root/bin}:$PATH
LC_ALL=C
export PATH LC_ALL

export BATS_LIB_PATH=${BATS_LIB_PATH:+$BATS_LIB_PATH:}/usr/lib/bats:/usr/local/lib/bats:/usr/local/lib:/opt/homebrew/lib
bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file

# installing BUILD TARGET ...: make without building the programs again, whatever flags they were
# built with.
installing() {
        local old=() program built=$1
        shift
        for program in "$HAP_BIN"/hap-*; do
                old+=(-o "$program")
        done
        make -C "$root" "${old[@]}" BUILD="$built" BIN="$HAP_BIN" "$@"
}

json() {
        hap-convert -q --to json "$@"
}

scores_map() {
        json "$@" | jq -s '[.[] | select(has("edge")) | {(.edge): .score}] | add // {}'
}

circuit_map() {
        json "$@" | jq -s '[.[] | select(has("edge")) | {(.edge): .z}] | add // {}'
}

# circuit_of CACHE: lines {"edge", "z"} to a circuit of the cache's graph.
circuit_of() {
        { json -q "$1" | sed -n 1p | jq -c '{hap, kind: "circuit", model, graph}' &&
                cat && echo '{"end": "circuit"}'; } | hap-convert -q --from json
}

tracr_edges() {
        jq -r "$2"'[] | sub("a(?<l>[0-9]).0"; "a\(.l).h0"; "g")
                   | sub("[.](?<r>[qkv])$"; "<\(.r)>") | sub("->out"; "->logits")' "$1/circuit.json"
}

# Fails for anything that is not a plain number, such as NaN and infinities.
assert_near() {
        awk -v a="$1" -v b="$2" -v tolerance="$3" 'BEGIN {
                number = "^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$"
                if (a !~ number || b !~ number || tolerance !~ number)
                        exit 1
                d = a - b
                exit !(d <= tolerance + 0 && -d <= tolerance + 0)
        }' || {
                fail "$1 is not within $3 of $2"
                return 1
        }
}

# Two JSON files, each a map of numbers: the same keys, and every difference at most the
# tolerance, or at most the second tolerance times the largest value. jq orders NaN
# before every number, so both bounds are checked.
assert_near_maps() {
        local worst
        worst=$(jq -rn --slurpfile a "$1" --slurpfile b "$2" \
                --argjson absolute "$3" --argjson relative "${4:-0}" '
                $a[0] as $a | $b[0] as $b
                | if ($a | length) == 0 then "\($a) is empty"
                  elif ($a | keys) != ($b | keys) then
                        "keys differ: only here \(($a | keys) - ($b | keys) | .[:5]), " +
                        "only there \(($b | keys) - ($a | keys) | .[:5])"
                  else
                        ([$b[] | numbers | fabs] | max // 0) as $largest
                        | [$absolute, $relative * $largest] | max as $tolerance
                        | [$a | keys[] as $k
                           | select(($a[$k] | type) != "number"
                                    or ($b[$k] | type) != "number"
                                    or ((($a[$k] - $b[$k]) | fabs) as $d
                                        | ($d >= 0 and $d <= $tolerance) | not))
                           | "\($k): \($a[$k]) against \($b[$k])"]
                        | if length == 0 then empty
                          else "\(length) differ by more than \($tolerance): \(.[:5])" end
                  end') || {
                fail "cannot compare $1 with $2"
                return 1
        }
        [[ -z $worst ]] || fail "$1 is not $2: $worst"
}

assert_same() {
        cmp -- "$1" "$2" || fail "$1 and $2 differ"
}

# Checks that the command exits with the status and prints the text on standard error.
# Its standard output is ignored.
assert_refused() {
        local status_wanted=$1 text=$2 rc=0 said
        shift 2
        said=$("$@" 2>&1 >/dev/null) || rc=$?
        [[ $rc -eq $status_wanted ]] || {
                fail "exit status $rc, not $status_wanted, of: $*"$'\n'"$said"
                return 1
        }
        [[ $said == *"$text"* ]] ||
                fail "'$text' is not in the message: $said"
}

need_tool() {
        command -v "$1" >/dev/null || skip "$1 is not installed"
}

# From here on python3 is one that has the modules: setup.sh installs them for the system's
# Python, which need not be the first in PATH.
need_python() {
        local modules="$*"
        for python in "$(type -P python3)" /usr/bin/python3; do
                if "$python" -c "import ${modules// /, }" 2>/dev/null; then
                        # shellcheck disable=SC2317 # tests call it
                        python3() {
                                "$python" "$@"
                        }
                        return
                fi
        done
        skip "python3 has not all of: $*"
}

skip_unless_model() {
        [[ -e $1 ]] || skip "no model at ${1#"$root/"}"
}
