load helper

# hap-convert --to csv and tsv, against hap-convert --to json.

setup() {
        cd "$tmp"
        hap-task -q ioi -n 3 -m "$root/models/demo" -o t
}

@test "a table of scores has every edge with its parts and its exact number" {
        hap-forward -q -m "$root/models/demo" --positions S2,END t | hap-attrib -q -o s
        hap-convert -q --to csv s >s.csv
        assert_equal "$(head -n 1 s.csv)" edge,score,writer,reader,position
        json s | jq -r 'select(has("edge")) | [.edge, (.edge | capture("^(?<w>.*)->(?<r>.*)@(?<p>.*)$") | .w, .r, .p)] | join(",")' >want
        sed 1d s.csv | cut -d, -f 1,3-5 >got
        assert_same got want
        json s | jq -c 'select(has("edge")) | {(.edge): .score}' | jq -s add >want.json
        sed 1d s.csv | jq -Rc 'split(",") | {(.[0]): (.[1] | tonumber)}' | jq -s add >got.json
        assert_near_maps got.json want.json 0
        hap-convert -q --to tsv s | tr '\t' , | cmp - s.csv
}

@test "fields that only some records have, lists, quotes and several sections" {
        cat >a.json <<'END'
{"hap":1,"kind":"report"}
{"circuit":"a \"b\", c","metric":"kl","value":0.1,"list":[1,"x"]}
{"circuit":"line\nend\ttab","metric":"kl","value":null,"more":true}
{"end":"report"}
END
        hap-convert -q --from json a.json >a
        hap-convert -q --to csv a >csv
        cat >want <<'END'
circuit,metric,value,list,more
"a ""b"", c",kl,0.1,"[1,""x""]",
"line
END
        printf 'end\ttab",kl,,,true\n' >>want
        assert_same csv want
        hap-convert -q --to tsv a | sed -n 3p >got
        printf 'line\\nend\\ttab\tkl\t\t\ttrue\n' | cmp - got
        assert_equal "$(hap-convert -q --to csv a a | cut -d, -f 1-2 | grep -c '^[12],a$')" 4
}

@test "tensors, two kinds and tables as input are refused" {
        hap-forward -q -m "$root/models/demo" -o c t
        assert_refused 3 "it has a tensor" hap-convert --to csv -o x c
        hap-attrib -q -o s c
        assert_refused 3 "cannot make one table of a task and a scores" hap-convert --to csv -o x t s
        assert_refused 2 "hap writes the form csv but does not read it" hap-convert --from csv -o x
        assert_not_exists x
}

@test "a text or a field's name with a NUL, or that is not UTF-8, is refused" {
        for record in '{"edge":"input\u0000->m0","z":1}' '{"edge":"\u0000","z":1}' '{"a\u0000b":1}' \
                '{"edge":{"$str":"YWL/"}}' '{"$map":[[{"$str":"YWL/"},1]]}'; do
                printf '%s\n' '{"hap":1,"kind":"circuit"}' "$record" '{"end":"circuit"}' |
                        hap-convert -q --from json -o nul
                for form in csv tsv; do
                        assert_refused 3 "a text with a NUL, or that is not UTF-8" \
                                hap-convert --to "$form" -o x nul
                done
        done
        assert_not_exists x
}
