"""One run of a program, and whether its end is right."""
import os
import random
import resource
import shlex
import shutil
import subprocess

from changes import NUMBERS, TEXTS, sections
from inputs import MODEL, ROOT
from kinds import KINDS, READERS, STATES

LIMIT = 10  # seconds


def options_of(program):
    text = subprocess.run([program, "-h"], capture_output=True, text=True).stdout
    return [word.strip(",") for line in text.splitlines() if line.startswith("  ")
            for word in line.split()[:2] if word.startswith("-")]


def random_command(rng, options):
    program = rng.choice(sorted(options))
    words = [program]
    for _ in range(rng.randrange(1, 5)):
        words.append(rng.choice(options[program]))
        if rng.random() < 0.6:
            words.append(str(rng.choice(NUMBERS + TEXTS + ["{cache}", "{scores}", "50%", "1,2"])))
    return words + [rng.choice(["{task}", "{cache}", "{scores}", "{circuit}"])]


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))


def verdict(done, folder, before, accepts_text):
    if done is None:
        return "no end after %d s" % LIMIT
    message = done.stderr
    if done.returncode not in (0, 1, 2, 3):
        return "exit status %d: %s" % (done.returncode, message[-600:].decode(errors="replace"))
    if any(c < 32 and c not in (9, 10) or c == 127 for c in message):
        return "a control character in a message: %r" % message
    if done.returncode and not message.strip():
        return "exit status %d without a message" % done.returncode
    left = set(os.listdir(folder)) - before - ({"out"} if done.returncode == 0 else set())
    if left and not accepts_text:
        return "left behind: %s" % ", ".join(sorted(left))
    return None


def run(words, folder, accepts_text=False):
    before = set(os.listdir(folder))
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1",
                       HAP_MODEL=os.environ.get("HAP_MODEL", MODEL))
    try:
        done = subprocess.run(words, cwd=folder, env=environment, timeout=LIMIT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, preexec_fn=limits)
    except subprocess.TimeoutExpired:
        done = None
    except ValueError:  # a NUL in an argument
        return 2, None
    return done.returncode if done else None, verdict(done, folder, before, accepts_text)


def place(kind, data, folder, names):
    """Writes the input; returns what a command's braces stand for."""
    path = os.path.join(folder, "in")
    if kind == "config" or kind == "tokenizer":
        source = MODEL if kind == "config" else os.path.join(ROOT, "models/demo")
        model = os.path.join(folder, "folder")
        os.makedirs(model)
        for name in os.listdir(source):
            os.symlink(os.path.join(source, name), os.path.join(model, name))
        path = os.path.join(model, kind + ".json")
        os.unlink(path)
    elif kind == "gguf":
        path += ".gguf"
    with open(path, "wb") as file:
        file.write(data)
    return {**names, "in": path, "folder": os.path.join(folder, "folder")}


def commands_of(kind, data):
    if kind != "stream":
        return KINDS[kind][2]
    try:
        return READERS[sections(data)[0][0]["kind"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return ["hap-show {in}"]


def try_one(kind, seed, data, base, names, options, command=None):
    rng = random.Random("%s %s" % (kind, seed))
    folder = os.path.join(base, "%s-%s" % (kind, seed))
    os.mkdir(folder)
    try:
        if kind == "options":
            words = [word.format(**names) if word in ("{task}", "{cache}", "{scores}", "{circuit}")
                     else word for word in random_command(rng, options)]
            if words[1:2] == ["fetch"]:
                return 2, None, words, b""
            status, why = run(words, folder, accepts_text=True)
            return status, why, words, shlex.join(words).encode()
        form = command or rng.choice(commands_of(kind, data))
        words = (form.format(**place(kind, data, folder, names)) + " -q -o out").split()
        status, why = run(words, folder, accepts_text=kind in STATES)
        return status, why, words, data
    finally:
        shutil.rmtree(folder, ignore_errors=True)
