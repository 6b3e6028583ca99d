#!/usr/bin/env python3
"""Instructions of the hot paths, at another commit and now, as a Markdown table.

    scripts/instructions.py [--base REV] [--only WORD]

Callgrind counts them: they are the same whatever else the machine does, and know nothing of kernels, caches and clocks.
Each case of benches/stack/cases.rs runs so many rounds and twice as many; the difference is free of all that happens
once. The other commit is built in a work tree of its own, with today's cases where they compile there, else with its
own. Without --base it is the last commit, if something has changed since, or else the one before.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target" / "instructions"
PROGRAM = ["benches/instructions.rs", "benches/stack"]
BENCH = '[[bench]]\nname = "instructions"\nharness = false\n'
# Less is noise: hash tables are seeded by chance.
NOISE = 0.005


def say(text):
    print(f"instructions: {text}", file=sys.stderr, flush=True)


def die(text):
    say(text)
    sys.exit(1)


def git(*arguments, **options):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, text=True, capture_output=True, **options).stdout.strip()


def base_of(wanted):
    if wanted:
        return wanted
    return "HEAD" if git("status", "--porcelain", "--untracked-files=no") else "HEAD^"


def build(folder):
    """The program, or what the compiler says."""
    command = ["cargo", "bench", "--quiet", "--bench", "instructions", "--no-run", "--message-format=json"]
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TARGET / "build"))
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode == 0:
        for message in messages:
            if message.get("executable") and message["target"]["name"] == "instructions":
                return message["executable"], None
    errors = [message["message"]["rendered"] for message in messages if message.get("message", {}).get("level") == "error"]
    return None, "".join(errors[:3]) or done.stderr[-2000:]


def check_out(revision):
    """A work tree of that commit, which stays for the next time."""
    folder = TARGET / "old"
    git("worktree", "prune")
    if (folder / ".git").exists():
        subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=folder, check=True)
        subprocess.run(["git", "clean", "--quiet", "-fd"], cwd=folder, check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", revision], cwd=folder, check=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        git("worktree", "add", "--quiet", "--detach", str(folder), revision)
    return folder


def build_old(revision):
    folder = check_out(revision)
    has_own = (folder / PROGRAM[0]).exists()
    for path in PROGRAM:
        old, new = folder / path, ROOT / path
        if new.is_dir():
            shutil.rmtree(old, ignore_errors=True)
            shutil.copytree(new, old)
        else:
            shutil.copy(new, old)
    manifest = folder / "Cargo.toml"
    if 'name = "instructions"' not in manifest.read_text():
        manifest.write_text(f"{manifest.read_text()}\n{BENCH}")
    program, errors = build(folder)
    if not program and has_own:
        say("today's cases do not compile there: its own are counted")
        subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=folder, check=True)
        subprocess.run(["git", "clean", "--quiet", "-fd"], cwd=folder, check=True)
        program, errors = build(folder)
    if not program:
        say(f"{revision} has no cases, and today's do not compile there:\n{errors}")
    return program


def cases(program):
    """Name to units in a round."""
    if not program:
        return {}
    listed = subprocess.run([program], check=True, text=True, capture_output=True).stdout
    return {name: int(units) for units, name in (line.split("\t") for line in listed.splitlines())}


def collected(program, case, rounds):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, case, str(rounds)]
    done = subprocess.run(command, text=True, capture_output=True)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode or not found:
        die(f"`{case}` has failed:\n{done.stderr[-2000:]}")
    return int(found[1])


def count(program, case, units):
    rounds = max(4, 1000 // units)
    return (collected(program, case, 2 * rounds) - collected(program, case, rounds)) / (rounds * units)


def shown(number):
    return "not there" if number is None else f"{number:,.0f}".replace(",", " ")


def difference(old, new):
    if old is None or new is None:
        return ""
    if abs(new - old) <= NOISE * max(old, 1):
        return "="
    return f"{(new - old) / old:+.1%}" if old else "new"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="the commit to compare with")
    parser.add_argument("--only", default="", help="only cases that have this in their name")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        die("`valgrind` is missing (Debian: apt-get install valgrind)")
    revision = git("rev-parse", "--short", base_of(arguments.base))
    say("building what is here")
    new, errors = build(ROOT)
    if not new:
        die(f"it does not compile:\n{errors}")
    say(f"building {revision}")
    programs = {"old": build_old(revision), "new": new}
    known = {side: cases(program) for side, program in programs.items()}
    names = [name for name in {**known["new"], **known["old"]} if arguments.only in name]
    say(f"counting {len(names)} cases")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = {
            (name, side): pool.submit(count, programs[side], name, known[side][name])
            for name in names
            for side in programs
            if name in known[side]
        }
        counts = {key: future.result() for key, future in counts.items()}
    print(f"| instructions | {revision} | now | |\n| --- | ---: | ---: | ---: |")
    for name in names:
        before, after = counts.get((name, "old")), counts.get((name, "new"))
        print(f"| {name} | {shown(before)} | {shown(after)} | {difference(before, after)} |")


if __name__ == "__main__":
    main()
