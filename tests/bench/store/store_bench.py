# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, and the engine on it, beside others: store_bench.py BUILD [--quick] [NAME...].

Everybody uses one server of the bench's own, each time in a new database. Pairs follow each other
at once, ours first, and the median of their ratios is the score. docs/BENCHMARKS.md says what the
rows are. It judges nothing: it prints what was aimed at beside what was reached, and ends with 1
only where something does not work."""
import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile

from server import Server, is_installed

PAIRS = 5
STEPS = 40
AWAY_US = 2500  # each way
EMPTY = ("DO $$ DECLARE t text; BEGIN FOR t IN SELECT relname FROM pg_class WHERE relkind = 'r' AND"
         " relname LIKE 't\\_%' AND relname NOT IN ('t_store', 't_commit', 't_log') LOOP EXECUTE"
         " 'TRUNCATE ' || t; END LOOP; END $$")


class Failed(Exception):
    """A program did not do its work."""


def numbers(command, limit=300):
    """What the program printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return [float(word) for word in done.stdout.split()]


class Bench:
    """The server, our program, and how long it may take."""

    def __init__(self, server, out, quick):
        self.server = server
        self.out = out
        self.pairs = 3 if quick else PAIRS
        self.part = 0.25 if quick else 1

    def ours(self, mode, *arguments):
        self.server.fresh("ours")
        return numbers([os.path.join(self.out, "store_bench"), mode, self.server.url("ours"),
                        *(str(one) for one in arguments)])

    def bare(self, *arguments):
        """The tables and indices are those that our store makes, and empty."""
        self.server.fresh("bare")
        program = os.path.join(self.out, "store_bench")
        subprocess.run([program, "schema", self.server.url("bare")], check=True)
        self.server.sql("bare", EMPTY)
        return numbers([program, "bare", self.server.conninfo("bare"),
                        *(str(one) for one in arguments)])

    def peer(self, name):
        """The program of a peer; None: it is not here."""
        path = os.path.join(self.out, "node", name)
        return path if os.path.exists(path) else None

    def theirs(self, path, *arguments):
        self.server.fresh("theirs")
        return numbers(["node", "--no-deprecation", path, self.server.node_url("theirs"),
                        *(str(one) for one in arguments)])


def show(ratios, aim):
    print("    " + " ".join(f"{ratio:5.2f}" for ratio in ratios)
          + f"   score {statistics.median(ratios):5.2f}   aim {aim}", flush=True)


def loop(bench):
    """The store by its port beside libpq alone: the same batches."""
    for in_flight, steps in ((1, 2000), (100, 24000), (1000, 24000)):
        steps = max(int(steps * bench.part), 2 * in_flight)
        ratios = []
        for _ in range(bench.pairs):
            ours = bench.ours("store", in_flight, steps)
            bare = bench.bare(in_flight, steps)
            ratios.append(ours[0] / bare[0])
        print(f"store, {in_flight:4} runs: {ours[1]:6.1f} rows a commit, {ours[0]:7.0f} rows/s,"
              f" bare pipeline {bare[0]:7.0f}; CPU us a row: {ours[2]:.2f}, {bare[2]:.2f}")
        show(ratios, ">= 0.4")


def sharing(bench):
    """What positions from the commit and the notices of it cost the store."""
    for in_flight, steps in ((1, 2000), (100, 24000)):
        steps = max(int(steps * bench.part), 2 * in_flight)
        ratios = []
        for _ in range(3):
            shared = bench.ours("store", in_flight, steps, "shared")
            alone = bench.ours("store", in_flight, steps)
            ratios.append(shared[0] / alone[0])
        print(f"store, {in_flight:4} runs: shared {shared[0]:7.0f} rows/s, alone {alone[0]:7.0f}")
        show(ratios, "-")


def engine(bench):
    """Steps a second of the whole engine, by themselves."""
    for in_flight in (1, 100, 1000):
        took = bench.ours("engine", in_flight, 2 * bench.part)
        print(f"engine, {in_flight:4} runs: {took[0]:7.0f} steps/s, {took[1]:.0f} CPU us a step,"
              f" {took[2]:.1f} events a commit", flush=True)


def queue(bench):
    """Jobs that do nothing beside graphile-worker."""
    peer = bench.peer("graphile.mjs")
    seconds = 2 * bench.part
    for jobs, name in ((1, "a trigger for each"), (100, "100 a trigger")):
        together, executed = [], []
        for _ in range(bench.pairs if peer else 1):
            ours = bench.ours("queue", jobs, 1000, seconds)
            print(f"queue, {name}: {ours[0]:7.0f} jobs/s, {ours[1]:.1f} CPU us a job,"
                  f" {ours[2]:.1f} events a commit", flush=True)
            if peer:
                other = bench.theirs(peer, seconds, 20000, 5000)
                print(f"    graphile-worker: {other[0]:7.0f} jobs/s in all, {other[1]:.1f} CPU"
                      f" us; added beforehand {other[2]:7.0f}, {other[3]:.1f}", flush=True)
                together.append(ours[0] / other[0])
                executed.append(ours[0] / other[2])
        if peer:
            show(together, ">= 1.5")
            print("    beside jobs that were added beforehand:")
            show(executed, "-")
    if not peer:
        print("graphile-worker is skipped: node and npm were not there when this was built")


def steps40(bench):
    """The median of a run of 40 steps, one after the other, beside DBOS."""
    peer = bench.peer("dbos.mjs")
    runs = max(int(40 * bench.part), 10)
    ratios, cpus = [], []
    for _ in range(bench.pairs if peer else 1):
        ours = bench.ours("run", runs)
        if peer:
            other = bench.theirs(peer, runs, STEPS)
            ratios.append(ours[0] / other[0])
            cpus.append(ours[1] / other[1])
    print(f"{STEPS} steps in one run: {ours[0]:6.1f} ms (p50 of {runs}), {ours[2]:.2f} commits a"
          f" step, {ours[1]:.0f} CPU us a step")
    if not peer:
        print("DBOS is skipped: node and npm were not there when this was built")
        return
    print(f"    DBOS: {other[0]:6.1f} ms")
    show(ratios, "<= 0.5")
    print(f"    by processor time of the process: {other[1]:.0f} us a step")
    show(cpus, "-")


def measure_replicas(bench, databases, folder, seconds):
    """Steps a second, and steps a second of processor time, of a process on each of the databases
    together. One that is named twice is shared."""
    program = os.path.join(bench.out, "store_bench")
    for name in set(databases):
        bench.server.fresh(name)
        subprocess.run([program, "schema", bench.server.url(name)], check=True)
    group = [subprocess.Popen([program, "replica", bench.server.url(name, folder), "100",
                               str(seconds)], text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
             for name in databases]
    try:
        for one in group:
            if one.stdout.readline() != "ready\n":
                raise Failed("a replica does not begin")
        for one in group:
            one.stdin.write("go\n")
            one.stdin.flush()
        said = [one.stdout.readline().split() for one in group]
        if any(one.wait(60) != 0 for one in group):
            raise Failed("a replica has failed")
    finally:
        for one in group:
            one.kill()
            one.wait()
    ended = sum(float(words[0]) for words in said)
    return ended / seconds, ended / sum(float(words[1]) for words in said)


def replicas(bench):
    """Two processes on one database that is further away, beside one."""
    program = os.path.join(bench.out, "store_bench")
    known = subprocess.run([program, "replica"], check=False, capture_output=True)
    if known.returncode == 2:
        print("replicas: skipped: this library opens no store for several processes")
        return
    seconds = 3 * bench.part
    with tempfile.TemporaryDirectory(prefix="arc-away-") as folder:
        with subprocess.Popen([os.path.join(bench.out, "delay"), folder, bench.server.folder,
                               str(AWAY_US)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as away:
            away.stdout.readline()
            rates, cpus, sharing_costs = [], [], []
            for _ in range(bench.pairs):
                two = measure_replicas(bench, ["ours", "ours"], folder, seconds)
                one = measure_replicas(bench, ["ours"], folder, seconds)
                apart = measure_replicas(bench, ["ours", "bare"], folder, seconds)
                rates.append(two[0] / one[0])
                cpus.append(two[1] / one[1])
                sharing_costs.append(two[1] / apart[1])
            away.stdin.close()
    print(f"5 ms away: one {one[0]:6.0f} steps/s, two together {two[0]:6.0f}")
    show(rates, ">= 1.5")
    print(f"    steps a second of processor time: one {one[1]:6.0f}, two {two[1]:6.0f}")
    show(cpus, ">= 1")
    print(f"    beside two that share nothing, on a database each: {apart[1]:6.0f}")
    show(sharing_costs, "-")


ROWS = {"loop": loop, "sharing": sharing, "engine": engine, "queue": queue, "steps": steps40,
        "replicas": replicas}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ROWS))
    options = parser.parse_intermixed_args()
    for name in options.names:
        if name not in ROWS:
            parser.error(f"no measurement {name}")
    if not is_installed():
        print("skipped: PostgreSQL 15 is not installed (Debian: postgresql-15)")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server goes with us
    load = os.getloadavg()[0]
    print(f"load {load:.1f}" + (" (busy: repeat it later)" if load > os.cpu_count() / 2 else ""))
    with Server() as server:
        bench = Bench(server, os.path.join(options.build, "tests", "bench", "store"), options.quick)
        for name, row in ROWS.items():
            if name in (options.names or ROWS):
                row(bench)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(1)
    except (Failed, RuntimeError, subprocess.SubprocessError) as failed:
        sys.exit(f"store_bench.py: {failed}")
