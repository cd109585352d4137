"""What is run on which kind of input, and how an input is changed."""
from changes import (changed_bytes, changed_cells, changed_checkpoint, changed_json, changed_lines,
                     changed_stream)

READERS = {
    "task": ["hap-forward -m {model} {in}", "hap-attrib --ablation mean -m {model} {in}",
             "hap-eval -m {model} {in} {circuit}", "hap-show {in}", "hap-attrib {in}",
             "hap-prune --cache-dtype none -m {model} --edges 40 --steps 1 {in} {scores}"],
    "cache": ["hap-attrib {in}", "hap-prune --edges 40 --steps 1 {in} {subgraph} {scores}",
              "hap-eval {in} {circuit}", "hap-show {in}", "hap-ablate --steps 1 {in}",
              "hap-prune --recipe acdc --edges 40 --set tries=1 {in}", "hap-attrib --method growth {in} {circuit}",
              "hap-prune --recipe subnetwork-probing --edges 40 --steps 2 {in}",
              "hap-prune --recipe ugs --edges 40 --steps 2 --set samples=2 {in}",
              "hap-prune --edges 40 --steps 1 --seeds 2 --avoid {circuit} {in} {scores}"],
    "scores": ["hap-select --keep 30% {in}", "hap-convert --to mib {in}", "hap-show {in}",
               "hap-eval --curve {cache} {in}", "hap-prune --recipe acdc --edges 40 --set tries=1 {cache} {in}", "hap-select --greedy --keep 20 {in}"],
    "circuit": ["hap-eval {cache} {in}", "hap-show --svg {in}", "hap-show --html {in}",
                "hap-convert --to edge-pruning {in}", "hap-prune --edges 10 --steps 1 {cache} {in} {scores}",
                "hap-attrib --method mask-gradient {cache} {in}", "hap-show --dot {in}",
                "hap-attrib --method growth {cache} {in}",
                "hap-prune --edges 40 --steps 1 --avoid {in} {cache} {scores}"],
    "constants": ["hap-eval --ablation optimal {cache} {circuit} {in}", "hap-show {in}"],
    "report": ["hap-show {in}", "hap-show --html {in}", "hap-convert --to json {in}"],
}

# kind: (the file of the input, how it is changed, commands)
KINDS = {
    "task": ("lines", changed_lines, ["hap-task --from {in}", "hap-task --from {in} -m {model}",
                                      "hap-task --from {in} --seed 3 --bootstrap 2"]),
    "answers": ("answers", changed_lines,
                ["hap-task --from {in} -m {demo}", "hap-task --from {in} --shard 2/2",
                 "hap-task --from {in} --skip-bad -m {demo} --shard 1/2"]),
    "delimited": ("delimited", changed_cells,
                  ["hap-task --from {in}", "hap-task --from {in} -m {demo}",
                   "hap-task --from {in} --skip-bad --shard 1/2"]),
    "answered": ("answered", changed_stream,
                 ["hap-forward -m {demo} {in}", "hap-attrib -m {demo} {in}", "hap-show {in}",
                  "hap-eval -m {demo} --resamples 10 {in} {answering}"]),
    "shards": ("shards", changed_stream, ["hap-merge {in}"]),
    "reports": ("reports", changed_stream, ["hap-merge --resamples 10 {in}",
                                            "hap-merge --resamples 10 --compare {in}"]),
    "each": ("each", changed_stream, ["hap-cluster {in}", "hap-cluster -k 3 --vectors 2 {in}",
                                      "hap-show {in}", "hap-select --keep 20 {in}"]),
    "json": ("json", changed_lines, ["hap-convert --from json {in}"]),
    "mib": ("mib", changed_json, ["hap-convert --from mib {in}",
                                  "hap-convert --from mib -m {model} {in}"]),
    "list": ("list", changed_json, ["hap-convert --from edge-pruning -m {model} {in}"]),
    "acdc": ("acdc", changed_json, ["hap-convert --from acdc -m {model} {in}"]),
    "auto": ("auto", changed_json, ["hap-convert --from auto-circuit -m {model} {in}"]),
    "config": ("config", changed_json, ["hap-model {folder}", "hap-model --plan {folder}",
                                        "hap-model --plan --ranks 1000 --json {folder}", "hap-forward -m {folder} {task}"]),
    "gguf": ("gguf", changed_bytes, ["hap-model {in}", "hap-task induction -n 2 -m {in}"]),
    "tokenizer": ("tokenizer", changed_json, ["hap-task ioi -n 2 -m {folder}"]),
    "log": ("log", changed_lines, ["hap-show {in}", "hap-show --svg {in}", "hap-show --html {in}"]),
    "classes": ("classes", changed_json, ["hap-eval --classes {in} {circuit}"]),
}

# The options of each recipe that can resume, but for the steps.
STATES = {"checkpoint": "--recipe edge-pruning --edges 40", "probing": "--recipe subnetwork-probing --edges 40",
          "ugs": "--recipe ugs --edges 40 --set samples=2",
          "rank": "--edges 40 --avoid {circuit}", "thresholds": "--recipe acdc --edges 40 --set tries=2 --set measure-on=1"}
for kind, recipe in STATES.items():
    KINDS[kind] = (kind, changed_checkpoint,
                   ["hap-prune %s%s --every 2 --checkpoint {in} {cache} {subgraph} {scores}"
                    % (recipe, "" if kind == "thresholds" else " --steps 40")])
