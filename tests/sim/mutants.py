#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the net catch fish? Each row of mutants.tsv is a fault: a piece of text in a file and what
stands there instead. Each is compiled alone, linked in place of the original, and the simulator has
1,000 seeds to catch it; a sixth column says in which way they are lived. One that survives shows
a hole in the invariants and fails, and so does one whose text no longer stands exactly once.

    mutants.py BUILD [--seeds N] [--jobs N] [--only WORD...]
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# So that a fault that shows early costs little.
PARTS = (30, 100, 300, 600, 1000)
PART_SECONDS = 300
# Those that take several servers: so many lives of several hold without a fault, and one that fails
# by itself catches nothing.
SHARED_SEEDS = 400


def rows():
    with open(os.path.join(HERE, "mutants.tsv"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                fields = line.rstrip("\n").split("\t")
                name, path, old, new, sentence = fields[:5]
                mode = fields[5].split() if len(fields) > 5 else []
                yield name, path, unescape(old), unescape(new), sentence, mode


def unescape(text):
    return text.replace("\\n", "\n")


def mutated(path, old, new):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        text = file.read()
    if text.count(old) != 1:
        return None
    return text.replace(old, new)


class Build:
    """What make would compile and link with, read off the build tree once."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        flags = self.make("-s", "print-compile-flags")
        names = ("CC", "CFLAGS", "tests_sim_sim_OBJECTS", "LIBPQ_LIBS")
        variables = self.make("-s", "-f", "-", stdin="include Makefile\nsim-variables:\n\t@echo '"
                              + "|".join(f"$({name})" for name in names) + "'\n",
                              target="sim-variables").split("|")
        self.compiler = shlex.split(variables[0])
        if any(flag.startswith("-fsanitize") for flag in self.compiler + flags.split()):
            sys.exit("mutants: use a build without sanitizers")
        self.flags = shlex.split(flags) + shlex.split(variables[1])
        self.flags += ["-I" + os.path.join(TOP, "tests", "sim"),
                       "-I" + os.path.join(TOP, "tests", "unit"), "-w"]
        with open(os.path.join(self.path, "libarc.la"), encoding="utf-8") as file:
            libraries = re.search(r"dependency_libs='(.*)'", file.read()).group(1)
        self.libraries = shlex.split(libraries) + shlex.split(variables[3])
        self.objects = {os.path.basename(name)[:-2].removeprefix("sim-"):
                        os.path.join(self.path, name) for name in variables[2].split()}

    def make(self, *arguments, stdin=None, target=None):
        command = ["make", *arguments] + ([target] if target else [])
        result = subprocess.run(command, cwd=self.path, input=stdin, text=True,
                                stdout=subprocess.PIPE, check=True)
        return result.stdout.strip()

    def program(self, path, text, place):
        """The simulator with this file instead of its own; None with what the compiler said."""
        source = os.path.join(place, os.path.basename(path))
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        made = os.path.join(place, "mutant.o")
        near = "-I" + os.path.dirname(os.path.join(TOP, path))
        objects = dict(self.objects)
        if path.startswith("tests/sim/"):
            objects.pop(os.path.basename(path)[:-2])
        program = os.path.join(place, "sim")
        for command in (
                [*self.compiler, *self.flags, near, "-c", source, "-o", made],
                [*self.compiler, "-o", program, made, *objects.values(),
                 os.path.join(self.path, ".libs", "libarc.a"), *self.libraries]):
            result = subprocess.run(command, cwd=self.path, text=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, check=False)
            if result.returncode != 0:
                return None, result.stdout
        return program, ""


def seeds_of(seeds, mode):
    return min(seeds, SHARED_SEEDS) if "--replicas" in mode else seeds


def hunt(program, seeds, jobs, mode):
    """(the seed that caught it or None, how)"""
    first = 1
    seeds = seeds_of(seeds, mode)
    for last in [part for part in PARTS if part < seeds] + [seeds]:
        command = [program, *mode, "--quick", "--jobs", str(jobs), "--seeds", f"{first}..{last}"]
        try:
            result = subprocess.run(command, text=True, stdout=subprocess.PIPE, errors="replace",
                                    stderr=subprocess.STDOUT, timeout=PART_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return last, f"no end within {PART_SECONDS} s"
        if result.returncode != 0:
            seed = re.search(r"first seed that fails: (\d+)", result.stdout)
            how = re.search(r"seed \d+: (\w+) does not hold", result.stdout)
            return (int(seed.group(1)) if seed else last,
                    how.group(1) if how else "crash")
        first = last + 1
    return None, ""


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    build = Build(options.build)
    failed = caught = 0
    for name, path, old, new, sentence, mode in rows():
        if options.only and not any(word in name for word in options.only):
            continue
        text = mutated(path, old, new)
        with tempfile.TemporaryDirectory(prefix="mutant-") as place:
            program, said = build.program(path, text, place) if text else (None, "")
            seed, how = hunt(program, options.seeds, options.jobs, mode) if program else (None, "")
        if text is None:
            verdict = f"STALE: its text does not stand exactly once in {path}"
        elif program is None:
            verdict = "BROKEN: it does not compile\n" + said
        elif seed is None:
            verdict = f"SURVIVES {seeds_of(options.seeds, mode)} seeds"
        else:
            verdict = f"caught by {how} at seed {seed}"
            caught += 1
        failed += seed is None
        print(f"{name:28} {verdict}: {sentence}" if seed else f"{name:28} {verdict} ({sentence})",
              flush=True)
    print(f"{caught} mutants caught, {failed} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
