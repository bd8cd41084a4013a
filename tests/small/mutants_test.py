#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the net catch fish? The faults of tests/sim/mutants.tsv that stand in lib/core: each is
compiled alone and linked in place of the original, and tiny worlds are searched for it, from few
states to many. Without an argument a handful of them must be found (TAP); with --all each of them
is tried and said; with names, those.

    mutants_test.py [--all | NAME...] [--limit N]
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
sys.path.insert(0, os.path.join(TOP, "tests", "sim"))
sys.dont_write_bytecode = True
from mutants import mutated, rows  # noqa: E402

# name, world: found there within seconds, under sanitizers too
HANDFUL = (
    ("retry-budget", "step-retry"),
    ("lost-without-end", "job-retry"),
    ("no-fence-check", "steps"),
    ("no-terminal-guard", "steps"),
    ("pause-grants", "people"),
    ("stop-skips-finally", "finally"),
    ("gate-twice", "gate"),
)
LIMITS = (3000, 60000, 1000000)
SECONDS = 900


class Build:
    """What make would compile and link with."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        flags = self.make("-s", "print-compile-flags")
        rule = "include Makefile\nsmall-variables:\n\t@echo '$(CC)|$(CFLAGS) $(ARC_LDFLAGS)'\n"
        compiler, own = self.make("-s", "-f", "-", "small-variables", stdin=rule).split("|")
        self.compiler = shlex.split(compiler) + shlex.split(own)
        self.flags = shlex.split(flags) + ["-w"]
        with open(os.path.join(self.path, "libarc.la"), encoding="utf-8") as file:
            self.libraries = shlex.split(
                re.search(r"dependency_libs='(.*)'", file.read()).group(1))
        names = [name[:-2] for name in sorted(os.listdir(HERE))
                 if name.endswith(".c") and not name.endswith("_test.c")]
        self.objects = [os.path.join(self.path, "tests", "small", f"small-{name}.o")
                        for name in names]

    def make(self, *arguments, stdin=None):
        # Not as a part of the make that may have begun us.
        own = {key: value for key, value in os.environ.items()
               if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        return subprocess.run(["make", *arguments], cwd=self.path, input=stdin, text=True, env=own,
                              stdout=subprocess.PIPE, check=True).stdout.strip()

    def program(self, path, text, place):
        """The search with this file instead of its own; None with what the compiler said."""
        source = os.path.join(place, os.path.basename(path))
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        made, program = os.path.join(place, "mutant.o"), os.path.join(place, "small")
        near = "-I" + os.path.dirname(os.path.join(TOP, path))
        for command in (
                [*self.compiler, *self.flags, near, "-c", source, "-o", made],
                [*self.compiler, "-o", program, made, *self.objects,
                 os.path.join(self.path, ".libs", "libarc.a"), *self.libraries]):
            result = subprocess.run(command, cwd=self.path, text=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, check=False)
            if result.returncode != 0:
                return None, result.stdout
        return program, ""


def search(program, limit, worlds):
    """What was found and where, or None."""
    command = [program, "--quiet", "--limit", str(limit)]
    for world in worlds:
        command += ["--world", world]
    try:
        result = subprocess.run(command, text=True, stdout=subprocess.PIPE, errors="replace",
                                stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS} s"
    if result.returncode == 0:
        return None
    where = re.search(r"(?m)^(\S+) +FAILED after (\d+) states: a shortest way of (\d+)",
                      result.stdout)
    what = re.findall(r"(?m)^(\w+): (.*)$", result.stdout)
    if where is None or not what:
        return "a crash"
    return f"{what[-1][0]} in {where.group(1)}, {where.group(3)} moves, {where.group(2)} states"


def try_one(build, row, limits, worlds):
    """(found or None, what to say of it)"""
    name, path, old, new, sentence = row[:5]  # what follows is for the simulator
    text = mutated(path, old, new)
    if text is None:
        return None, f"{name}: its text does not stand exactly once in {path}"
    with tempfile.TemporaryDirectory(prefix="mutant-") as place:
        program, said = build.program(path, text, place)
        if program is None:
            return None, f"{name}: it does not compile\n{said}"
        for limit in limits:
            found = search(program, limit, worlds)
            if found:
                return found, f"{name:24} {found}: {sentence}"
    return None, f"{name:24} NOT FOUND: {sentence}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--limit", type=int, default=LIMITS[-1])
    options = parser.parse_args()
    build = Build(os.environ.get("top_builddir", "."))
    table = {row[0]: row for row in rows() if row[1].startswith("lib/core/")}
    if not options.all and not options.names:
        print(f"1..{len(HANDFUL)}")
        failed = 0
        for number, (name, world) in enumerate(HANDFUL, 1):
            found, said = try_one(build, table[name], (40000,), (world,))
            failed += found is None
            print(f"{'ok' if found else 'not ok'} {number} - {name} is found in {world}")
            if found is None:
                print("# " + said.replace("\n", "\n# "))
        return 1 if failed else 0
    limits = [limit for limit in LIMITS if limit < options.limit] + [options.limit]
    count = found_count = 0
    for name, row in table.items():
        if options.all or any(word in name for word in options.names):
            found, said = try_one(build, row, limits, ())
            count += 1
            found_count += found is not None
            print(said, flush=True)
    print(f"{found_count} of {count} are found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
