load helper

# Compiled programs, whose circuits are known (tests/golden/tracr-*/README.md):
# pruning must find exactly these edges, with every seed. All valid inputs.

SEEDS=${HAP_TEST_SEEDS:-1 2 3 4 5}
# Edge pruning at its usual rates finds few of them. SLOW are Edge Pruning's own
# constants, for the model that reverses; the other model uses faster masks.
SLOW=(--steps 6000 --set warmup=1500 --set ramp=5900 --batch 16 --set rate=.03 --set node-rate=.03
        --set lambda-rate=.001)
QUICK=(--batch 64 --set rate=.3 --set lambda-rate=.0003 --set node-masks=none)

# inputs BEGIN FIRST LAST AT: prompts of BEGIN and one to five tokens FIRST .. LAST,
# measured from position AT on, each corrupted by the input a third of the list further
# on.
inputs() {
        jq -nc --argjson begin "$1" --argjson first "$2" --argjson last "$3" --argjson at "$4" '
                range(1; 6) as $n
                | [range($first; $last + 1)] as $t
                | (reduce range($n) as $_ ([[]]; [.[] + ($t[] | [.])])) as $all
                | ($all | length) as $of | range($of)
                | {clean: ([$begin] + $all[.]),
                   corrupted: ([$begin] + $all[(. + ($of / 3 | floor)) % $of]),
                   at: [range($at; $n + 1)]}'
}

model_of() {
        case $1 in
        reverse*) echo "$root/tests/golden/tracr-reverse" ;;
        *) echo "$root/tests/golden/tracr-xproportion" ;;
        esac
}

# cache NAME FILE [OPTION ...]
cache() {
        hap-task -q --from "$2" -o "$DIR/$1.task"
        hap-forward -q -m "$(model_of "$1")" "${@:3}" -o "$DIR/$1.cache" "$DIR/$1.task"
}

# known NAME PATH
known() {
        tracr_edges "$(model_of "$1")" "$2" | sort >"$DIR/$1.known"
}

setup_file() {
        export DIR=$BATS_FILE_TMPDIR
        inputs 3 0 2 1 >"$DIR/reverse"
        inputs 0 2 5 1 >"$DIR/share"
        inputs 0 2 5 0 >"$DIR/whole"
        cache reverse "$DIR/reverse"
        cache reverse-split "$DIR/reverse" --split-input
        cache share "$DIR/share"
        cache share-split "$DIR/share" --split-input
        cache whole-split "$DIR/whole" --split-input
        known reverse .interchange_ablation.edges
        known reverse-split .zero_ablation.edges
        known share .interchange_ablation.edges
        known share-split .zero_ablation.edges_by_data.valid_inputs
        known whole-split .zero_ablation.edges_by_data.valid_inputs_position_0_counted
}

# assert_found NAME ABLATION [OPTION ...]: with every seed exactly the known edges
assert_found() {
        local name=$1 ablation=$2 seed
        shift 2
        for seed in $SEEDS; do
                hap-prune -q -m "$(model_of "$name")" --ablation "$ablation" --seed "$seed" "$@" \
                        --edges "$(wc -l <"$DIR/$name.known")" -o "$tmp/c" "$DIR/$name.cache"
                json -q "$tmp/c" | jq -r 'select(has("edge")).edge' | sort >"$tmp/edges"
                diff "$DIR/$name.known" "$tmp/edges" || fail "$name with seed $seed"
        done
}

@test "the inputs are all that are valid, and the known circuits have the sizes of the fixtures" {
        assert_equal "$(wc -l <"$DIR/reverse")" 363
        assert_equal "$(wc -l <"$DIR/share")" 1364
        assert_equal "$(cat "$DIR"/{reverse,reverse-split,share,share-split,whole-split}.known | wc -l)" \
                $((2 + 11 + 3 + 5 + 7))
}

@test "the default recipe finds the known circuits of interchange ablation" {
        assert_found reverse interchange
        assert_found share interchange
}

@test "the default recipe finds the known circuits of zero ablation, of steps from exact scores" {
        assert_found share-split zero
        assert_found whole-split zero
        # Its first MLP is a steep step function, whose gradients carry no information
        hap-attrib -q -m "$(model_of reverse)" --method exact --metric kl --ablation zero \
                -o "$tmp/scores" "$DIR/reverse-split.cache"
        assert_found reverse-split zero "$tmp/scores"
}

@test "edge pruning finds the known circuits of interchange ablation" {
        assert_found reverse interchange --recipe edge-pruning --exact-sparsity "${SLOW[@]}"
        assert_found share interchange --recipe edge-pruning --exact-sparsity "${QUICK[@]}"
}

@test "edge pruning finds the known circuits of zero ablation" {
        assert_found reverse-split zero --recipe edge-pruning --exact-sparsity "${SLOW[@]}"
        assert_found share-split zero --recipe edge-pruning --exact-sparsity "${QUICK[@]}"
        assert_found whole-split zero --recipe edge-pruning --exact-sparsity "${QUICK[@]}"
}
