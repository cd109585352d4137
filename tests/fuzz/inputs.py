"""The inputs that hap accepts, made with hap's own programs."""
import json
import os
import subprocess
import time

from kinds import KINDS, STATES

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
GOLDEN = os.path.join(ROOT, "tests/golden/gpt2-a")
MODEL = os.path.join(GOLDEN, "model")

ANSWERS = '''\
{"clean": "When Mary and John left, John gave it to", "corrupted": "When Mary and John left, Mary gave it to", \
"answers": [" Mary and John", " Mary."], "wrongs": [" John and Mary", " John.", " the store"]}
{"clean": "When Mary and Carl left, Carl gave it to", "corrupted": "When Mary and Carl left, Mary gave it to", \
"answers": [" Mary and"], "wrongs": [" Carl and"], "positions": {"S": ["Carl", 2]}}
'''
DELIMITED = '''\
note,clean,corrupted,answers,wrong,positions
"a ""b"", c","So Mary, is","So Tim, is","["" she"", "" it""]",,"{""S"": ""Mary""}"
"two
lines","So Mary
is","So Tim
is", she, he,
'''


def prepare(folder):
    names = {name: os.path.join(folder, name) for name in
             "task cache scores subgraph circuit constants report json mib list log classes shards"
             " reports each answers answered answering delimited acdc auto".split() + [*STATES]}
    names.update(model=MODEL, lines=os.path.join(GOLDEN, "prompts.jsonl"),
                 config=os.path.join(MODEL, "config.json"),
                 gguf=os.path.join(ROOT, "tests/golden/families/gpt2-gguf/model.gguf"),
                 demo=os.path.join(ROOT, "models/demo"), tokenizer=os.path.join(ROOT, "models/demo/tokenizer.json"))
    with open(names["answers"], "w") as file:
        file.write(ANSWERS)
    with open(names["delimited"], "w") as file:
        file.write(DELIMITED)
    for command in (
            "hap-task --from {lines} -m {model} -o {task}",
            "hap-forward -m {model} -o {cache} {task}",
            "hap-attrib -o {scores} {cache}",
            "hap-select --keep 50% -o {subgraph} {scores}",
            "hap-select --keep 20% -o {circuit} {scores}",
            "hap-ablate --steps 1 -o {constants} {cache}",
            "hap-eval --per-example -o {report} {cache} {circuit}",
            "hap-convert --to json -o {json} {scores}",
            "hap-convert --to mib -o {mib} {scores} {circuit}",
            "hap-attrib --per-example -o {each} {cache}",
            "hap-convert --to auto-circuit -o {auto} {scores}",
            "hap-convert --to acdc -o {acdc} {circuit}",
            "hap-task --from {answers} -m {demo} -o {answered}",
            "hap-attrib -m {demo} -o {answering}.scores {answered}",
            "hap-select --keep 10% -o {answering} {answering}.scores",
            "hap-prune --recipe edge-pruning --edges 40 --steps 4 --log {log} -o /dev/null"
            " {cache} {subgraph}"):
        subprocess.run((command + " -q").format(**names).split(), check=True)
    make_shards(names)
    for kind in STATES:
        make_checkpoint(names, kind)
    with open(names["list"], "w") as file:
        json.dump([["tok_embeds", "m0"], ["pos_embeds", "a0.h0.q"], ["a0.h0", "a1.h1.v"],
                   ["m0", "resid_post"], ["m0", "a1.h2.k"]], file)
    with open(names["classes"], "w") as file:
        json.dump({"name": "x", "source": "y", "classes": {"a class": ["a0.h0", "a1.h1"], "b": ["m0"]},
                   "edges": ["a0.h0->logits", "input->m0"]}, file)
    return names


def make_shards(names):
    """The results of both shards of a task, one after the other."""
    for command, joined in (("hap-attrib -m {model} {shard}", "shards"),
                            ("hap-eval --per-example --resamples 10 -m {model} {shard} {circuit}",
                             "reports")):
        with open(names[joined], "wb") as file:
            for i in "12":
                shard = names["task"] + i
                subprocess.run(("hap-task -q --from {lines} -m {model} --shard %s/2 -o %s"
                                % (i, shard)).format(**names).split(), check=True)
                file.write(subprocess.run((command + " -q").format(shard=shard, **names).split(),
                                          check=True, capture_output=True).stdout)


def make_checkpoint(names, kind):
    """A state that is not the last: the program is ended when it has written one."""
    command = KINDS[kind][2][0].replace("{in}", "{%s}" % kind) + " -q -o /dev/null"
    process = subprocess.Popen(command.format(**names).split())
    while not os.path.exists(names[kind]) and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()
