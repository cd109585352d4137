load helper

# bytes ESCAPES: a file of these bytes, printf's \x escapes.
bytes() {
        printf '%b' "$1" >"$tmp/record"
}

# A stream of kind "scores" whose one record is the bytes of $tmp/record. gzip computes
# the crc32 of its trailer.
section() {
        local head='\x82\xa3hap\x01\xa4kind\xa6scores' crc
        { printf '%b' "$head" && cat "$tmp/record"; } >"$tmp/body"
        crc=$(gzip -c "$tmp/body" | tail -c 8 | head -c 4 | od -An -tx1 -v | awk '{
                printf "\\x%s\\x%s\\x%s\\x%s", $4, $3, $2, $1 }')
        cat "$tmp/body"
        printf '%b' '\x83\xa3end\xa6scores\xa7records\x01\xa5crc32\xce'"$crc"
}

# says ESCAPES JSON: the record of these bytes is this JSON, there and back.
says() {
        bytes "$1"
        section >"$tmp/stream"
        json -q "$tmp/stream" >"$tmp/lines"
        [[ $(sed -n 2p "$tmp/lines") == "$2" ]] || fail "$1 is $(sed -n 2p "$tmp/lines"), not $2"
        hap-convert -q --from json "$tmp/lines" >"$tmp/back"
        assert_same "$tmp/stream" "$tmp/back"
}

# refused JSON MESSAGE: this JSON as a second line is refused with the message.
refused() {
        printf '%s\n' '{"hap":1,"kind":"scores"}' "$1" '{"end":"scores"}' >"$tmp/bad.json"
        assert_refused 3 "$2" hap-convert --from json "$tmp/bad.json"
}

@test "a stream is a line for the header, one for each record, one for the trailer" {
        printf '%s\n' '{"hap":1,"kind":"report","note":"ä"}' '{"value":0.5}' '{"end":"report"}' |
                hap-convert -q --from json >"$tmp/stream"
        json -q "$tmp/stream" >"$tmp/lines"
        run -0 cat "$tmp/lines"
        assert_line -n 0 '{"hap":1,"kind":"report","note":"ä"}'
        assert_line -n 1 '{"value":0.5}'
        assert_line -n 2 --regexp '^\{"end":"report","records":1,"crc32":[0-9]+,"digest":"[0-9a-f]{16}"\}$'
        [[ ${#lines[@]} -eq 3 ]]
}

@test "numbers, texts and lists read as in JSON" {
        says '\x81\xa1a\x98\x00\x7f\xcc\x80\xe0\xd0\xdf\xcd\x01\x00\xd1\xff\x7f\xce\x00\x01\x00\x00' \
                '{"a":[0,127,128,-32,-33,256,-129,65536]}'
        says '\x81\xa1a\x94\xc0\xc3\xc2\xcf\x7f\xff\xff\xff\xff\xff\xff\xff' '{"a":[null,true,false,9223372036854775807]}'
        says '\x82\xa1z\x80\xa1a\x90' '{"z":{},"a":[]}'
        says '\x81\xa1t\xa6\x22\x5c\x0a\x01\xc3\xa9' '{"t":"\"\\\n\u0001é"}'
        says '\x81\xa1t\xa3a\x00b' '{"t":"a\u0000b"}'
}

@test "a double is written as short as reads back the same" {
        says '\x81\xa1x\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a' '{"x":0.1}'
        says '\x81\xa1x\xcb\x3f\xd3\x33\x33\x33\x33\x33\x34' '{"x":0.30000000000000004}'
        says '\x81\xa1x\xcb\x40\x00\x00\x00\x00\x00\x00\x00' '{"x":2.0}'
        says '\x81\xa1x\xcb\x80\x00\x00\x00\x00\x00\x00\x00' '{"x":-0.0}'
        says '\x81\xa1x\xcb\x00\x00\x00\x00\x00\x00\x00\x01' '{"x":4.94065645841247e-324}'
        says '\x81\xa1x\xcb\x7f\xef\xff\xff\xff\xff\xff\xff' '{"x":1.7976931348623157e+308}'
}

@test "a value that JSON cannot represent is an object with a special key" {
        says '\x81\xa1x\xca\x3d\xcc\xcc\xcd' '{"x":{"$f32":0.1}}'
        says '\x81\xa1x\xca\x7f\xc0\x00\x01' '{"x":{"$f32":"7fc00001"}}'
        says '\x81\xa1x\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00' '{"x":{"$f64":"7ff8000000000000"}}'
        says '\x81\xa1x\xcb\xff\xf0\x00\x00\x00\x00\x00\x00' '{"x":{"$f64":"fff0000000000000"}}'
        says '\x81\xa1x\xcf\xff\xff\xff\xff\xff\xff\xff\xff' '{"x":{"$uint":"18446744073709551615"}}'
        says '\x81\xa1x\xc4\x06foobar' '{"x":{"$bin":"Zm9vYmFy"}}'
        says '\x81\xa1x\xc4\x00' '{"x":{"$bin":""}}'
        says '\x81\xa1x\xa2\xff\xfe' '{"x":{"$str":"//4="}}'
        says '\x81\xa1x\xd4\x05\x01' '{"x":{"$ext":[5,"AQ=="]}}'
        says '\x81\xa1x\xc7\x03\xffabc' '{"x":{"$ext":[-1,"YWJj"]}}'
}

@test "maps that JSON cannot represent keep their order, their doubles and their keys" {
        says '\x82\xa1a\x01\xa1a\x02' '{"$map":[["a",1],["a",2]]}'
        says '\x81\x05\xa1b' '{"$map":[[5,"b"]]}'
        says '\x81\xa4$bin\x01' '{"$map":[["$bin",1]]}'
        says '\x82\xa4$bin\x01\xa1b\x02' '{"$bin":1,"b":2}'
        says '\x81\xa2\xff\xfe\x01' '{"$map":[[{"$str":"//4="},1]]}'
        says '\x81\xa2a\x00\x01' '{"$map":[["a\u0000",1]]}'
}

@test "encodings longer than necessary keep their length" {
        says '\x81\xa1x\xcc\x05' '{"x":{"$as":["cc",5]}}'
        says '\x81\xa1x\xd3\x00\x00\x00\x00\x00\x00\x00\x05' '{"x":{"$as":["d3",5]}}'
        says '\x81\xa1x\xd3\xff\xff\xff\xff\xff\xff\xff\xfb' '{"x":{"$as":["d3",-5]}}'
        says '\x81\xa1x\xce\x00\x00\xff\xff' '{"x":{"$as":["ce",65535]}}'
        says '\x81\xa1x\xda\x00\x01y' '{"x":{"$as":["da","y"]}}'
        says '\x81\xa1x\xc6\x00\x00\x00\x01a' '{"x":{"$as":["c6",{"$bin":"YQ=="}]}}'
        says '\x81\xa1x\xc7\x01\x05a' '{"x":{"$as":["c7",{"$ext":[5,"YQ=="]}]}}'
        says '\x81\xa1x\xdd\x00\x00\x00\x01\x01' '{"x":{"$as":["dd",[1]]}}'
        says '\xde\x00\x01\xa1a\x01' '{"$as":["de",{"a":1}]}'
        says '\x81\xd9\x01a\x01' '{"$map":[[{"$as":["d9","a"]},1]]}'
}

@test "every stream of the pipeline comes back byte for byte" {
        cd "$tmp"
        hap-task -q -m "$root/models/demo" -n 3 ioi >1
        hap-forward -q -m "$root/models/demo" 1 >2
        hap-forward -q -m "$root/models/demo" --dtype bf16 1 >3
        hap-attrib -q 2 >4
        hap-select -q --keep 20% 4 >5
        hap-eval -q -m "$root/models/demo" 1 5 >6
        cat 1 2 3 4 5 6 >7
        for stream in 1 2 3 4 5 6 7; do
                json -q $stream >lines
                hap-convert -q --from json lines >back
                assert_same $stream back
                json -q <$stream | hap-convert -q --from json | cmp - $stream
        done
        # jq finds an edge in every record of the circuit
        json -q 5 | jq -se 'map(select(has("edge"))) | length > 10 and all(.z == 1)'
}

@test "the values of a tensor are its little-endian bytes in base64" {
        printf '%s\n' '{"hap":1,"kind":"cache"}' \
                '{"t":{"dtype":"f32","shape":[2],"data":{"$bin":"AACAPwAAAMA="}}}' '{"end":"cache"}' |
                hap-convert -q --from json | json -q >"$tmp/lines"
        run -0 jq -r 'select(has("t")) | .t.data["$bin"]' "$tmp/lines"
        assert_output "$(printf '\0\0\200\77\0\0\0\300' | base64)" # 1 and -2
}

@test "JSON may be compressed, in blank lines, from several files" {
        printf '%s\n' '{"hap":1,"kind":"scores"}' '' '  ' '{"edge":"input->m0","score":1.5}' '{"end":"scores"}' >"$tmp/a"
        gzip -c "$tmp/a" >"$tmp/a.gz"
        hap-convert -q --from json "$tmp/a" >"$tmp/one"
        cat "$tmp/one" "$tmp/one" >"$tmp/two"
        hap-convert -q --from json "$tmp/a" "$tmp/a.gz" >"$tmp/both"
        assert_same "$tmp/two" "$tmp/both"
        cat "$tmp/a.gz" "$tmp/a" | hap-convert -q --from json >"$tmp/both"
        assert_same "$tmp/two" "$tmp/both"
        printf '%s' "$(cat "$tmp/a")" | hap-convert -q --from json >"$tmp/unended"
        assert_same "$tmp/one" "$tmp/unended"
}

@test "the trailer is computed again and the line's values are ignored" {
        printf '%s\n' '{"hap":1,"kind":"scores"}' '{"edge":"input->m0","score":1.5}' \
                '{"end":"scores","records":77,"crc32":5}' | hap-convert -q --from json >"$tmp/stream"
        json -q "$tmp/stream" >"$tmp/lines"
        run -0 tail -n 1 "$tmp/lines"
        assert_output --partial '"records":1,'
}

@test "bad JSON is refused by file and line" {
        refused '{"edge":' "cannot read '$tmp/bad.json': line 2: not valid JSON: "
        refused '[1]' "line 2: not a map"
        refused '{"a":1,"a":2}' 'line 2: not valid JSON: duplicate object key'
        refused '{"hap":1,"kind":"scores"}' 'line 2: unexpected header: the section has no trailer yet'
        refused '{"x":{"$bin":"Zg="}}' 'line 2: "$bin" needs base64 text'
        refused '{"x":{"$ext":[500,"Zg=="]}}' 'line 2: "$ext" needs a type from -128 to 127'
        refused '{"x":{"$f64":"xyz"}}' 'line 2: "$f64" needs digits'
        refused '{"x":{"$as":["a1",5]}}' 'line 2: "$as" needs a lead byte that fits its value'
        refused '{"x":{"$as":["cc","a"]}}' 'line 2: "$as" needs a lead byte that fits its value'
        refused '{"x":{"$map":[[1]]}}' 'line 2: "$map" needs a list of pairs'
        refused '{"x":{"$new":1}}' 'line 2: "$new" is not one of the forms of hap-convert(1)'
        refused "{\"x\":$(printf '[%.0s' {1..40})$(printf ']%.0s' {1..40})}" 'nesting of 33 levels exceeds the limit of 32'
        printf '%s\n' '{"a":1}' >"$tmp/bad.json"
        assert_refused 3 'line 1: expected a header with "hap" and "kind"' hap-convert --from json "$tmp/bad.json"
        printf '%s\n' '{"hap":1,"kind":"scores"}' '{"a":1}' >"$tmp/bad.json"
        assert_refused 3 'truncated after line 2: no trailer' hap-convert --from json "$tmp/bad.json"
}

@test "a wrong use is refused" {
        assert_refused 2 'give either --to or --from' hap-convert "$root/README.md"
        assert_refused 2 'give either --to or --from' hap-convert --to json --from json
        assert_refused 2 "'yaml' is not one of json, mib" hap-convert --to yaml
        assert_refused 2 '-m needs --from mib' hap-convert -m "$root/models/demo" --to json
        assert_refused 1 "cannot read '$tmp/none': No such file or directory" hap-convert --to json "$tmp/none"
        assert_refused 3 'not a hap stream' hap-convert --to json "$root/README.md"
}

@test "JSON is written to the file of -o, which appears completely or not at all" {
        printf '%s\n' '{"hap":1,"kind":"scores"}' '{"end":"scores"}' >"$tmp/a"
        hap-convert -q --from json -o "$tmp/stream" "$tmp/a"
        hap-convert -q --to json -o "$tmp/b" "$tmp/stream"
        run -0 jq -r 'keys[0]' "$tmp/b"
        assert_output $'hap\ncrc32'
        head -c 20 "$tmp/stream" >"$tmp/cut"
        assert_refused 3 'truncated' hap-convert --to json -o "$tmp/c" "$tmp/cut"
        assert_not_exist "$tmp/c"
        run -1 bash -c "hap-convert --to json '$tmp/stream' 2>&1 >/dev/full"
        assert_output "hap-convert: cannot write 'standard output': No space left on device"
}

# --- MIB ---

# A MIB file of a 1-layer, 2-head model: $1, a jq expression of the edge's index, scores
# every edge.
mib() {
        jq -nc --argjson kept "$1" '
                ["input->a0.h0<q>", "input->a0.h0<k>", "input->a0.h0<v>", "input->a0.h1<q>",
                 "input->a0.h1<k>", "input->a0.h1<v>", "input->m0", "a0.h0->m0", "a0.h1->m0",
                 "input->logits", "a0.h0->logits", "a0.h1->logits", "m0->logits"] as $names
                | {cfg: {n_layers: 1, n_heads: 2, parallel_attn_mlp: false, d_model: 16},
                   nodes: {},
                   edges: ([range($names | length) as $i
                            | {($names[$i]): {score: ($i - 5.5), in_graph: ($kept | index($names[$i]) != null)}}] | add)}'
}

@test "scores and the circuit of a MIB file become sections and are converted back" {
        mib '["input->m0","m0->logits"]' >"$tmp/a.json"
        hap-convert -q --from mib "$tmp/a.json" >"$tmp/stream"
        run -0 bash -c "hap-convert -q --to json '$tmp/stream' | jq -r 'select(has(\"hap\")).kind'"
        assert_output $'scores\ncircuit'
        json -q "$tmp/stream" | jq -s '[.[] | select(has("score")) | {(.edge): .score}] | add' >"$tmp/scores"
        jq '.edges | map_values(.score)' "$tmp/a.json" >"$tmp/wanted"
        assert_near_maps "$tmp/scores" "$tmp/wanted" 0
        run -0 bash -c "hap-convert -q --to json '$tmp/stream' | jq -rs '.[] | select(has(\"z\")).edge'"
        assert_output $'input->m0\nm0->logits'
        hap-convert -q --to mib "$tmp/stream" >"$tmp/b.json"
        run -0 jq -S '{cfg, edges}' "$tmp/b.json"
        assert_output "$(jq -S '{cfg, edges}' "$tmp/a.json")"
        run -0 jq -c '.nodes | map_values(.in_graph)' "$tmp/b.json"
        assert_output '{"input":true,"a0.h0":false,"a0.h1":false,"m0":true,"logits":true}'
}

@test "a MIB file that keeps the whole graph gives scores only, and they are converted back completely" {
        mib '[]' | jq '.edges |= map_values(.in_graph = true)' >"$tmp/a.json"
        gzip -c "$tmp/a.json" | hap-convert -q --from mib >"$tmp/stream"
        run -0 bash -c "hap-convert -q --to json '$tmp/stream' | jq -r 'select(has(\"hap\")).kind'"
        assert_output scores
        run -0 bash -c "hap-convert -q --to mib '$tmp/stream' | jq -S .edges"
        assert_output "$(jq -S .edges "$tmp/a.json")"
}

@test "a MIB file with 1 and 0 for true and false gives the same sections" {
        mib '["input->m0","m0->logits"]' >"$tmp/a.json"
        jq '(.. | select(type == "boolean")) |= (if . then 1 else 0 end)' "$tmp/a.json" >"$tmp/b.json"
        run -0 jq '.edges["input->m0"].in_graph' "$tmp/b.json"
        assert_output 1
        hap-convert -q --from mib "$tmp/a.json" | hap-convert -q --to json | grep -v '"hap"\|"end"' >"$tmp/a"
        hap-convert -q --from mib "$tmp/b.json" | hap-convert -q --to json | grep -v '"hap"\|"end"' >"$tmp/b"
        assert_same "$tmp/a" "$tmp/b"
}

@test "a circuit without scores is written with its z as scores" {
        printf '%s\n' '{"hap":1,"kind":"circuit","graph":{"layers":1,"heads":2},"model":{"d_model":16}}' \
                '{"edge":"input->m0","z":0.25}' '{"end":"circuit"}' | hap-convert -q --from json >"$tmp/stream"
        run -0 bash -c "hap-convert -q --to mib '$tmp/stream' | jq -c '[.cfg.d_model, (.edges[\"input->m0\", \"m0->logits\"] | .score, .in_graph)]'"
        assert_output --regexp '^\[16,0\.25,true,(0|0\.0),false\]$'
}

@test "with -m the header records the model of the MIB file" {
        hap-task -q -m "$root/models/demo" -n 2 ioi | hap-forward -q -m "$root/models/demo" |
                hap-attrib -q -o "$tmp/scores"
        hap-convert -q --to mib "$tmp/scores" >"$tmp/a.json"
        hap-convert -q --from mib -m "$root/models/demo" "$tmp/a.json" >"$tmp/stream"
        run -0 bash -c "hap-convert -q --to json '$tmp/stream' | head -n 1 | jq -c .model"
        assert_output "$(json -q "$tmp/scores" | head -n 1 | jq -c .model)"
        scores_map -q "$tmp/stream" >"$tmp/is"
        scores_map -q "$tmp/scores" >"$tmp/should"
        assert_near_maps "$tmp/is" "$tmp/should" 0
        mib '[]' | assert_refused 3 'the model has another size' hap-convert --from mib -m "$root/models/demo"
}

@test "a file that is not a MIB file, and a stream that does not fit one, are refused" {
        mib '[]' >"$tmp/a.json"
        jq '.edges["m0->m0"] = {score: 1}' "$tmp/a.json" >"$tmp/bad.json"
        assert_refused 3 "cannot use '$tmp/bad.json': 'm0->m0' is not an edge of a model with 1 layers and 2 heads" hap-convert --from mib "$tmp/bad.json"
        jq 'del(.cfg)' "$tmp/a.json" >"$tmp/bad.json"
        assert_refused 3 '"cfg" needs "n_layers" and "n_heads"' hap-convert --from mib "$tmp/bad.json"
        jq '.edges["input->m0"].score = "x"' "$tmp/a.json" >"$tmp/bad.json"
        assert_refused 3 "the score of 'input->m0' is not a number" hap-convert --from mib "$tmp/bad.json"
        jq '.edges |= map_values({})' "$tmp/a.json" >"$tmp/bad.json"
        assert_refused 3 "the edge 'input->a0.h0<q>' is no object with \"score\" or \"in_graph\"" \
                hap-convert --from mib "$tmp/bad.json"
        for edge in null 1 '"x"' '[]'; do
                jq ".edges[\"input->m0\"] = $edge" "$tmp/a.json" >"$tmp/bad.json"
                assert_refused 3 "the edge 'input->m0' is no object" hap-convert --from mib "$tmp/bad.json"
        done
        jq '.edges |= map_values(del(.score))' "$tmp/a.json" >"$tmp/bad.json"
        assert_refused 3 'no edge has a score, and none is in the graph' hap-convert --from mib "$tmp/bad.json"
        for truth in 2 0.5 '"true"' '[true]'; do
                jq ".edges[\"input->m0\"].in_graph = $truth" "$tmp/a.json" >"$tmp/bad.json"
                assert_refused 3 "the edge 'input->m0': \"in_graph\" is neither true, false, 1 nor 0" \
                        hap-convert --from mib "$tmp/bad.json"
        done
        for path in '.nodes.m0.neurons' '.edges["input->m0"].neurons_in_graph'; do
                jq "$path = [true, false]" "$tmp/a.json" >"$tmp/bad.json"
                assert_refused 3 "hap's graph has no neurons" hap-convert --from mib "$tmp/bad.json"
        done
        sed 's/-5.5/NaN/' "$tmp/a.json" >"$tmp/bad.json"
        assert_refused 3 "cannot use '$tmp/bad.json': the score of 'input->a0.h0<q>' is not a number" hap-convert --from mib "$tmp/bad.json"
        printf '%s\n' '{"hap":1,"kind":"task"}' '{"end":"task"}' | hap-convert -q --from json >"$tmp/task"
        assert_refused 3 'it contains neither scores nor a circuit' hap-convert --to mib "$tmp/task"
        hap-convert -q --from mib "$tmp/a.json" >"$tmp/stream"
        assert_refused 3 "a second section of kind 'scores'" hap-convert --to mib "$tmp/stream" "$tmp/stream"
}

@test "NaN and Infinity are accepted where nothing is read, and refused as an edge's score" {
        printf '%s' '{"cfg": {"n_layers": 1, "n_heads": 1, "x": -Infinity}, "note": "NaN \" Infinity",
                "nodes": {"m0": {"score": NaN, "in_graph": true}},
                "edges": {"input->m0": {"score": 1.5, "in_graph": true},
                          "m0->logits": {"score": 2, "in_graph": 1, "other": NaN}}}' >"$tmp/g.json"
        hap-convert -q --from mib -o "$tmp/s" "$tmp/g.json"
        assert_equal "$(json "$tmp/s" | jq -sc '[.[] | select(.score) | {(.edge): .score}] | add')" \
                '{"input->m0":1.5,"m0->logits":2}'
        for bad in NaN Infinity -Infinity; do
                sed "s/1\.5/$bad/" "$tmp/g.json" >"$tmp/bad.json"
                assert_refused 3 "the score of 'input->m0' is not a number" hap-convert --from mib "$tmp/bad.json"
        done
        echo '{"cfg": NaNa}' >"$tmp/bad.json"
        assert_refused 3 "not valid JSON" hap-convert --from mib "$tmp/bad.json"
}

@test "a file of PyTorch is refused with the command that converts it" {
        printf 'PK\003\004abcdef' >"$tmp/g.pt"
        assert_refused 3 "Graph.from_pt('$tmp/g.pt').to_json('graph.json')" hap-convert --from mib "$tmp/g.pt"
        printf '\200\002}q\000.' >"$tmp/old.pt"
        assert_refused 3 "pickle of PyTorch" hap-convert --from mib "$tmp/old.pt"
}

@test "Edge-Pruning's list and back is the same circuit, with the names of its model" {
        model=$root/models/demo
        hap-task -q ioi -m "$model" -n 4 -o "$tmp/task"
        hap-forward -q --split-input -m "$model" -o "$tmp/cache" "$tmp/task"
        hap-attrib -q "$tmp/cache" | hap-select -q --keep 25% -o "$tmp/c"
        hap-convert -q --to edge-pruning -o "$tmp/edges.json" "$tmp/c"
        # the names by a rule of their own
        circuit_map "$tmp/c" | jq -c 'keys[] | split("->")
                | [.[0], (.[1] | gsub("<(?<x>.)>"; ".\(.x)"))]
                | map(if . == "tok" then "tok_embeds" elif . == "pos" then "pos_embeds"
                      elif . == "logits" then "resid_post" else . end)' | sort >"$tmp/should"
        jq -c '.[]' "$tmp/edges.json" | sort | assert_same - "$tmp/should"
        hap-convert -q --from edge-pruning -m "$model" -o "$tmp/back" "$tmp/edges.json"
        circuit_map "$tmp/c" | jq -S . >"$tmp/a"
        circuit_map "$tmp/back" | jq -S . >"$tmp/b"
        assert_same "$tmp/a" "$tmp/b"
        for circuit in c back; do
                hap-eval -q --metric kl,logit-diff "$tmp/cache" "$tmp/$circuit" | json |
                        jq -c 'select(.metric) | [.metric, .value]' >"$tmp/$circuit.values"
        done
        assert_same "$tmp/c.values" "$tmp/back.values"
}

@test "lists that are not of this model, and circuits that a list cannot hold, are refused" {
        model=$root/models/demo
        assert_refused 2 "needs -m" hap-convert --from edge-pruning <(echo '[["tok_embeds","m0"]]')
        for bad in '[["tok_embeds","a9.h0.q"]]:is not an edge' '[["tok_embeds","m0"],["tok_embeds","m0"]]:occurs twice' \
                '[["m0","m1"]]:without embedding nodes' '[["m0"]]:not a pair' '{"a":1}:not a list of edges' \
                '[["m1","m0"]]:is not an edge' '[["tok_embeds","a0.h0"]]:is not an edge'; do
                printf '%s' "${bad%:*}" >"$tmp/l.json"
                assert_refused 3 "${bad##*:}" hap-convert --from edge-pruning -m "$model" "$tmp/l.json"
        done
        hap-task -q ioi -m "$model" -n 4 -o "$tmp/task"
        hap-attrib -q -m "$model" "$tmp/task" | hap-select -q --keep 25% -o "$tmp/joined"
        assert_refused 3 "--split-input" hap-convert --to edge-pruning "$tmp/joined"
}
