# SPDX-License-Identifier: Apache-2.0
"""Definitions beside bare parsers and the decoders of others: spec_bench.py BUILD [--quick].

Every program measures its own processor time of a round; pairs follow each other at once, ours
first, five times, and the median of the five ratios is the score. docs/BENCHMARKS.md says how to
read it. It judges nothing: it prints what was aimed at beside what was reached, and ends with 1
only where something does not work."""
import argparse
import os
import shutil
import statistics
import subprocess
import sys

import definition
import hostile

PAIRS = 5
SLOW_S = 5
HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(Exception):
    """A program did not do its work."""


def run(command, limit=120):
    """Microseconds of a round, and what came out."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return None, 0
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    time, result = done.stdout.split()
    return float(time), int(result)


def has_pyyaml():
    code = "import yaml; yaml.CSafeLoader"
    return subprocess.run([sys.executable, "-c", code], capture_output=True,
                          check=False).returncode == 0


def peers(out, seconds):
    """name, the command for a file, the kind of file, what is aimed at, how it is counted"""
    ours = os.path.join(out, "spec_bench")
    yield "libyaml, events alone", [ours, "libyaml"], "yaml", "<= 1.6", seconds
    yield "yajl, callbacks alone", [ours, "yajl"], "json", "<= 3.5", seconds
    go = os.path.join(out, "peer_go")
    if os.path.exists(go):
        yield "go.yaml.in/yaml/v3", [go], "yaml", ">= 1.5", seconds
    else:
        print("skipped: go.yaml.in/yaml/v3 (no go)")
    node = os.path.join(out, "node", "peer.js")
    if os.path.exists(node):
        yield "js-yaml", ["node", node, "js-yaml"], "yaml", "", seconds
        yield "yaml (npm)", ["node", node, "yaml"], "yaml", ">= 10", seconds
    else:
        print("skipped: js-yaml, yaml (no node and npm)")
    if has_pyyaml():
        yield ("PyYAML CSafeLoader", [sys.executable, os.path.join(HERE, "peer_py.py")], "yaml",
               ">= 10", seconds)
    else:
        print("skipped: PyYAML (not installed with libyaml)")


def show(name, ours, theirs, ratios, aim):
    print(f"{name:24} ours {min(ours) / 1e3:9.2f} ms  theirs {min(theirs) / 1e3:9.2f} ms   "
          + " ".join(f"{ratio:5.2f}" for ratio in ratios)
          + f"   score {statistics.median(ratios):6.2f}   aim {aim or '-'}", flush=True)


def compare(out, folder, which, seconds):
    whole = [os.path.join(out, "spec_bench"), "whole"]
    for name, command, ending, aim, time in peers(out, seconds):
        path = os.path.join(folder, f"{which}.{ending}")
        ours, theirs, ratios = [], [], []
        for _ in range(PAIRS):
            mine, jobs = run(whole + [path, str(seconds)])
            other, _ = run(command + [path, str(time)])
            if jobs < definition.JOBS:
                raise Failed(f"the plan has {jobs} jobs")
            ours.append(mine)
            theirs.append(other)
            ratios.append(other / mine if aim.startswith(">") or not aim else mine / other)
        show(name, ours, theirs, ratios, aim)


def refuse(out, folder, seconds):
    """Ours until it is refused, beside all that the bare parser makes of the same bytes."""
    ours = os.path.join(out, "spec_bench")
    print(f"\n{'refused':30} {'ours':>12} {'bare parser':>14} {'ratio':>8}")
    rows = [(name, ending, text.encode(), fast) for name, ending, text, fast in hostile.texts()]
    rows += [(name, ending, text, False) for name, ending, text in hostile.raw()]
    for name, ending, text, fast in rows:
        path = os.path.join(folder, "hostile." + ending)
        with open(path, "wb") as file:
            file.write(text)
        mine, _ = run([ours, "refuse", path, str(seconds)])
        other, _ = run([ours, "tokens", path, str(seconds)], SLOW_S)
        told = f"{other / 1e3:11.3f} ms" if other is not None else f"> {SLOW_S} s"
        ratio = f"{mine / other:8.2f}" if other is not None else "    0.00"
        aim = "   aim <= 10 ms" if fast else "   aim <= 2"
        print(f"{name + ', ' + ending:30} {mine / 1e3:9.3f} ms {told:>14} {ratio}{aim}", flush=True)


def expressions(out):
    """Written elsewhere; run where they are."""
    for program in ("expr_bench", "expr_go"):
        path = os.path.join(out, program)
        if os.path.exists(path):
            print(f"\n{program}:", flush=True)
            if subprocess.run([path], check=False).returncode != 0:
                raise Failed(program)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    out = os.path.join(options.build, "tests", "bench", "spec")
    folder = os.path.join(out, "data")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    definition.write(folder, "full", True)
    definition.write(folder, "plain", False)
    seconds = 0.2 if options.quick else 1
    which = "full"
    try:
        run([os.path.join(out, "spec_bench"), "whole", os.path.join(folder, "full.yaml"), "0.01"])
    except Failed as failed:
        which = "plain"
        print(f"without matrices and conditions with operators: {failed}")
    load = os.getloadavg()[0]
    print(f"{which} definition: {definition.JOBS} jobs, {definition.SIZE} bytes; load {load:.1f}"
          + (" (busy: repeat it later)" if load > os.cpu_count() / 2 else ""))
    compare(out, folder, which, seconds)
    refuse(out, folder, seconds / 4)
    expressions(out)


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"spec_bench.py: {failed}")
