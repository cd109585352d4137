"""What tests/faults runs: the commands, their inputs, and when an end is right."""
import os
import subprocess

LIMIT = 20  # seconds

# Every program, with the options that write something else. {m}: a model; {task} and so on: the
# streams before. All of them write `out` in an empty folder.
COMMANDS = [
    ("task", "hap-task --from {prompts} -m {m} -o out"),
    ("task", "hap-task ioi -n 3 -m {demo} -o out"),
    ("forward", "hap-forward -m {m} -o out {task}"),
    ("attrib", "hap-attrib -o out {cache}"),
    ("attrib", "hap-attrib --method eap-ig-inputs -m {m} -o out {task}"),
    ("select", "hap-select --keep 30% -o out {scores}"),
    ("select", "hap-select --keep 30% --greedy -p -o out {scores}"),
    ("attrib", "hap-attrib --method atp-star --nodes --per-example -o out {cache}"),
    ("attrib", "hap-attrib --merge rank -o out {scores} {scores}"),
    ("select", "hap-select --bootstrap 20 -o out {examples}"),
    ("cluster", "hap-cluster -o out {examples}"),
    ("task", "hap-task --from {prompts} -m {m} --shard 1/2 -o out"),
    ("merge", "hap-merge -o out {shard1} {shard2}"),
    ("prune", "hap-prune --recipe edge-pruning --edges 40 --steps 2 --checkpoint state --every 1"
              " --log log -o out {cache} {subgraph}"),
    ("prune", "hap-prune --edges 40 --steps 2 --set rounds=1 --set swaps=1 -o out {cache} {scores}"),
    ("ablate", "hap-ablate --steps 1 -o out {cache}"),
    ("eval", "hap-eval --complement --per-example -o out {cache} {circuit}"),
    ("show", "hap-show -o out {circuit}"),
    ("show", "hap-show --svg -o out {circuit}"),
    ("show", "hap-show --html -o out {circuit}"),
    ("show", "hap-show -o out {report}"),
    ("convert", "hap-convert --to json -o out {cache}"),
    ("convert", "hap-convert --to mib -o out {scores}"),
    ("convert", "hap-convert --from json -o out {json}"),
    ("model", "hap-model -o out {m}"),
]


def prepare(folder, root):
    """The inputs, made by the undisturbed programs."""
    golden = os.path.join(root, "tests/golden/gpt2-a")
    names = {name: os.path.join(folder, name)
             for name in "task cache scores examples subgraph circuit report json "
             "shard1 shard2".split()}
    names.update(m=os.path.join(golden, "model"), demo=os.path.join(root, "models/demo"),
                 prompts=os.path.join(golden, "prompts.jsonl"))
    for command in (
            "hap-task --from {prompts} -m {m} -o {task}",
            "hap-forward -m {m} -o {cache} {task}",
            "hap-attrib -o {scores} {cache}",
            "hap-attrib --per-example -o {examples} {cache}",
            "hap-task --from {prompts} -m {m} --shard 1/2 -o {shard1}.task",
            "hap-task --from {prompts} -m {m} --shard 2/2 -o {shard2}.task",
            "hap-attrib -m {m} --per-example -o {shard1} {shard1}.task",
            "hap-attrib -m {m} --per-example -o {shard2} {shard2}.task",
            "hap-select --keep 50% -o {subgraph} {scores}",
            "hap-select --keep 20% -o {circuit} {scores}",
            "hap-eval -o {report} {cache} {circuit}",
            "hap-convert --to json -o {json} {scores}"):
        subprocess.run((command + " -q").format(**names).split(), check=True)
    return names


def contents(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found


def verdict(status, message, files, right):
    if status is None:
        return "no end after %d s" % LIMIT
    if status == 0:
        return None if files == right else "exit status 0 with other files: %s" % ", ".join(
            sorted(name for name in {*files, *right} if files.get(name) != right.get(name)))
    if status != 1:
        return "exit status %d: %s" % (status, message.strip())
    if not message.strip() or "\n" in message.strip():
        return "not one message: %r" % message
    left = [name for name in files if name not in ("state", "log")]
    return "left behind: %s" % ", ".join(left) if left else None
