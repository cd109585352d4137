load helper

# Models found by the names that people use. The layout of Hugging Face's cache is that of
# huggingface_hub 0.36: models--OWNER--NAME/{refs/main,snapshots/COMMIT/FILE -> ../../blobs/HASH}.

commit=607a30d783dfa663caf39e06633721c8d4cfcd7e

# A cache with the demo model as OWNER/NAME, its files links to blobs.
fill_hub() {
        local folder=$1/models--me--tiny file
        mkdir -p "$folder/blobs" "$folder/refs" "$folder/snapshots/$commit"
        printf %s "$commit" >"$folder/refs/main"
        for file in config.json model.safetensors tokenizer.json vocab.json merges.txt; do
                cp "$root/models/demo/$file" "$folder/blobs/$file"
                ln -s "../../blobs/$file" "$folder/snapshots/$commit/$file"
        done
}

setup() {
        unset HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HOME XDG_CACHE_HOME HAP_MODEL HAP_DATA
        export HOME=$tmp/home
        mkdir "$HOME"
        cd "$tmp"
}

fingerprint() {
        hap-model -q --json "$@" | jq -r .fingerprint
}

@test "a model is found in each place that Hugging Face's cache may have" {
        want=$(fingerprint "$root/models/demo")
        for place in HF_HUB_CACHE=a HUGGINGFACE_HUB_CACHE=a HF_HOME=b/.. XDG_CACHE_HOME=x HOME=h; do
                variable=${place%%=*}
                case $variable in
                HF_HUB_CACHE | HUGGINGFACE_HUB_CACHE) value=$tmp/$variable hub=$value ;;
                HF_HOME) value=$tmp/$variable hub=$value/hub ;;
                XDG_CACHE_HOME) value=$tmp/$variable hub=$value/huggingface/hub ;;
                HOME) value=$tmp/$variable hub=$value/.cache/huggingface/hub ;;
                esac
                fill_hub "$hub"
                run -0 env "$variable=$value" hap-model -q --json me/tiny
                assert_equal "$(jq -r '.fingerprint + " " + .path' <<<"$output")" "$want me/tiny"
                rm -r "$hub"
        done
}

@test "a revision, a file and a tag are found; what is not there is told with the remedy" {
        fill_hub "$HOME/.cache/huggingface/hub"
        want=$(fingerprint "$root/models/demo")
        printf %s "$commit" >"$HOME/.cache/huggingface/hub/models--me--tiny/refs/v1"
        for name in "me/tiny@$commit" me/tiny@v1; do
                assert_equal "$(fingerprint "$name")" "$want"
        done
        assert_refused 3 "name the folder" hap-model me/tiny/model.safetensors
        assert_refused 1 "cannot read model 'me/tiny@v2': No such file or directory" hap-model me/tiny@v2
        assert_refused 1 "nor is it in Hugging Face's cache '$HOME/.cache/huggingface/hub': hf download you/tiny" \
                hap-model you/tiny
        assert_refused 1 "cannot read model '../tiny'" hap-model ../tiny
        run ! grep -F 'hf download' <(hap-model ./none 2>&1)
}

@test "a path that exists comes before every other meaning of a name" {
        fill_hub "$HOME/.cache/huggingface/hub"
        mkdir -p me/tiny
        cp "$root"/tests/golden/gpt2-a/model/* me/tiny
        assert_equal "$(fingerprint me/tiny)" "$(fingerprint "$root/tests/golden/gpt2-a/model")"
}

@test "every stage takes the name, streams record it, and later stages find it again" {
        fill_hub "$HOME/.cache/huggingface/hub"
        hap-task -q greater-than -n 4 -m me/tiny -o t.task
        hap-forward -q -m me/tiny -o t.cache t.task
        hap-attrib -q -o t.scores t.cache
        hap-forward -q -m "$root/models/demo" t.task | hap-attrib -q -o d.scores
        assert_equal "$(json t.scores | jq -r 'select(has("hap")) | .model.path')" me/tiny
        scores_map t.scores >a
        scores_map d.scores >b
        assert_same a b
}

@test "demo is the model that comes with hap, and a fetched model is found by its name" {
        assert_equal "$(fingerprint demo)" "$(fingerprint "$root/models/demo")"
        mkdir -p models/mine
        assert_refused 1 "cannot read model 'mine'" hap-model mine
        gguf=$(find "$root/tests/golden" -name '*.gguf' | sort | head -n 1)
        [[ -n $gguf ]] || skip "no GGUF file"
        cp "$gguf" models/mine/model.gguf
        assert_equal "$(fingerprint mine)" "$(fingerprint "$gguf")"
}

@test "HAP_MODEL names the model where -m does not; if it is empty, no stream does" {
        export HAP_MODEL=demo
        hap-task -q ioi -n 4 -o t.task
        hap-forward -q -o t.cache t.task
        assert_equal "$(json t.cache | jq -r 'select(has("hap")) | .model.path')" demo
        assert_equal "$(hap-model -q --json | jq -r .path)" demo
        # -m comes first, a stream's own model last
        env -u HAP_MODEL hap-attrib -q -o t.scores t.cache
        assert_refused 1 "cannot read model 'none'" env HAP_MODEL=none hap-attrib -o x t.cache
        HAP_MODEL=none hap-forward -q -m demo -o u.cache t.task
        assert_refused 1 "cannot read model 'none'" env HAP_MODEL=none hap-forward -o x t.task
        HAP_MODEL='' assert_refused 2 "no model is given, and 't.task' names none" hap-forward -o x t.task
        assert_not_exists x
}

@test "a circuit's model is enough to evaluate it on a task, in any order" {
        hap-task -q ioi -n 4 -o t.task
        hap-forward -q -m demo t.task | hap-attrib -q | hap-select -q --keep 20% -o t.circuit
        hap-eval -q -m demo -o a t.task t.circuit
        hap-eval -q -o b t.task t.circuit
        hap-eval -q -o c t.circuit t.task
        for file in a b c; do
                json "$file" | jq -c 'select(has("metric"))' >"$file.json"
                [[ -s $file.json ]]
                assert_same "$file.json" a.json
        done
        # another model under that name is refused
        mkdir -p models
        cp -R "$root/models/demo" models/demo
        jq '.layer_norm_epsilon = 1e-4' "$root/models/demo/config.json" >models/demo/config.json
        json t.circuit | jq -c 'if has("model") then .model.path = "models/demo" else . end | del(.crc32)' |
                hap-convert -q --from json -o moved.circuit
        assert_refused 3 "made for model" hap-eval -o x moved.circuit t.task
}

@test "several names are fetched one after another, and nothing if one is not known" {
        mkdir -p models/smollm2
        echo mine >models/smollm2/model.gguf
        run -0 --separate-stderr hap-model fetch smollm2 smollm2
        assert_output "models/smollm2/model.gguf
models/smollm2/model.gguf"
        rm -r models
        assert_refused 2 "cannot fetch 'gpt5': known models" hap-model fetch smollm2 gpt5
        assert_not_exists models
        assert_refused 2 "are for one model" hap-model fetch smollm2 smollm2 --into "$tmp/x"
}

@test "hap-model --json has the numbers of the text" {
        hap-model -q "$root/models/demo" >text
        hap-model -q --json "$root/models/demo" >json
        read -r writers readers edges < <(sed -nE 's/^graph +([0-9]+) writers, ([0-9]+) readers, ([0-9]+) edges$/\1 \2 \3/p' text)
        assert_equal "$(jq -c '[.graph.writers, .graph.readers, .graph.edges]' json)" "[$writers,$readers,$edges]"
        mb=$(sed -nE 's/^hap-attrib +([0-9]+) MB$/\1/p' text)
        assert_equal "$(jq '.memory["hap-attrib"] / 1e6 | round' json)" "$mb"
        assert_refused 2 "cannot be used with fetch" hap-model --json fetch smollm2
}

@test "a mistyped option, choice, task or metric is answered with the nearest name" {
        assert_refused 2 "unknown option '--sparsty'; did you mean '--sparsity'? see hap-prune -h" hap-prune --sparsty 90%
        assert_refused 2 "unknown option '--outptu'; did you mean '--output'?" hap-task --outptu x ioi
        assert_refused 2 "unknown option '--zzzzzzz'; see hap-task -h" hap-task --zzzzzzz
        assert_refused 2 "did you mean 'eap'?" hap-attrib --method epa
        assert_refused 2 "did you mean 'interchange'?" hap-attrib --ablation interchnage
        assert_refused 2 "did you mean 'test'?" hap-task ioi --split tets
        assert_refused 2 "there is no task 'greter-than'" hap-task greter-than
        assert_refused 2 "did you mean 'greater-than'?" hap-task greter-than
        assert_refused 2 "did you mean 'kl'?" hap-eval --metric lk
        assert_refused 2 "did you mean 'accuracy'?" hap-eval --metric kl,acuracy
        assert_refused 2 "did you mean 'kl'?" hap-eval --metric KL
        assert_refused 2 "did you mean 'ioi'?" hap-task IOI
        # _ for -, and the beginning of a name
        assert_refused 2 "did you mean 'eap-ig-inputs'?" hap-attrib --method eap_ig_inputs
        assert_refused 2 "did you mean 'eap-ig-inputs'?" hap-attrib --method eap-ig
        assert_refused 2 "did you mean '--markdown'?" hap-show --mark
        run -2 hap-attrib --method eax-
        refute_output --partial "did you mean 'eap-ig"
        hap-task -q ioi -n 2 -m demo | hap-forward -q -m demo -o cache
        assert_refused 2 "has no constant 'rouds'; did you mean 'rounds'?" hap-prune --set rouds=2 cache -o x
        assert_refused 2 "did you mean 'smollm2'?" hap-model fetch smolm2
        assert_refused 1 "did you mean 'smollm2'?" hap-task ioi -m smolm2
        hap-task -q ioi -n 2 -m demo -o task
        positions=$(json -q task | jq -r 'select(.id).positions | keys_unsorted | join(", ")' | sed -n 1p)
        assert_refused 3 "it has no position 'S3'; it has $positions" hap-forward --positions S1,S3 -m demo task -o x
}

@test "a model that a later file names, and that is not there, is told with the remedy" {
        hap-task -q ioi -n 4 -m demo -o task
        cp -r "$root/models/demo" moved
        hap-forward -q -m moved task | hap-attrib -q | hap-select -q --keep 20% -o c
        rm -r moved
        json -q task | jq -c 'del(.model, .records, .crc32)' | hap-convert -q --from json -o plain
        assert_refused 1 "a file of the input names this model; use -m MODEL for another" hap-eval plain c -o x
}

@test "a mistyped edge or node is answered with the nearest name" {
        hap-task -q ioi -n 4 -m demo | hap-forward -q -m demo | hap-attrib -q -o s
        hap-select -q --keep 20% -o c s
        json s | sed 's/"m0->a1.h2<q>"/"m0->a1.h2<w>"/; s/,"crc32":[0-9]*//' | hap-convert -q --from json -o bad
        assert_refused 3 "'m0->a1.h2<w>' is not an edge of a graph of 4 layers and 4 heads; did you mean 'm0->a1.h2<" \
                hap-show bad
        assert_refused 2 "did you mean 'a0.h1->a1.h2<k>'?" hap-select --keep 20% --always 'a0.h1->a1.h2<k' s -o x
        assert_refused 2 "did you mean 'a2.h1'?" hap-select --keep 20% --always 'a2h1' s -o x
        hap-convert -q --to mib s | sed 's/"a3.h0->logits"/"a3.h0->logit"/' >mib.json
        assert_refused 3 "did you mean 'a3.h0->logits'?" hap-convert --from mib -m demo mib.json -o x
        run -2 hap-select --keep 20% --always nothing s -o x
        refute_output --partial "did you mean"
}
