# SPDX-License-Identifier: Apache-2.0
"""Our gRPC server beside those of others: grpc_bench.py BUILD [--quick] [--only WHAT,...].

One load generator (h2load, the same bytes) for all. The server runs on one core, the load on
another; for latency both share one. What is compared is requests for each second of CPU that the
server used, in pairs that follow each other at once, ours first; the median of the five ratios is
the score. docs/BENCHMARKS.md says how to read it. It judges nothing: it prints what was aimed at
beside what was reached, and ends with 1 only where something does not work."""
import argparse
import os
import platform
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import bodies
from idle import Crowd
from servers import CPP, GO, NGHTTPD, OURS, Server, commands, tool, verify

PAIRS = 5
WARM_UP_S = 1.0
NOISE_MAX = 1.3
QUIET_S = 5
CROWD, CROWD_QUICK, CROWD_COUNTED = 4000, 1000, 200
STREAM_REPLIES = 5000
WHAT = ("unary", "latency", "ingest", "stream", "tls", "memory")
KIB = 1024


class Load:
    """A workload of h2load. Each request's answer must carry exactly reply_bytes."""

    def __init__(self, name, path, message, reply_bytes, requests, *options, unit=1):
        self.name, self.path, self.reply_bytes, self.unit = name, path, reply_bytes, unit
        self.requests, self.options = requests, options
        self.body = None if message is None else b"".join(map(bodies.frame, message))

    def command(self, server, folder, requests, more=()):
        command = [tool("h2load"), "-t1", f"-n{requests}", *self.options, *more]
        if self.body is not None and server.name != NGHTTPD:
            path = os.path.join(folder, f"{self.name}.bin")
            if not os.path.exists(path):
                with open(path, "wb") as file:
                    file.write(self.body)
            command += ["-d", path, "-H", "te: trailers", "-H", "content-type: application/grpc"]
        path = "/three" if server.name == NGHTTPD else self.path
        return command + [f"{server.scheme}://127.0.0.1:{server.port}{path}"]


def loads(quick):
    few = 4 if quick else 1
    sums = [bodies.sum_request(1, 2)]
    window = ("-c4", "-m4", "-w20", "-W24")

    def lines(name, size):
        return Load(name, bodies.INGEST, bodies.lines(size), 5 + len(bodies.summary(size)),
                    2000 // few, *window, unit=bodies.LINES_A_CALL)

    return {
        "unary": Load("unary", bodies.GET_SUM, sums, 7, 400000 // few, "-c10", "-m100"),
        "latency": Load("latency", bodies.GET_SUM, sums, 7, 60000 // few, "-c1", "-m1"),
        "172": lines("172", bodies.LINE_BYTES[0]),
        "1k": lines("1k", bodies.LINE_BYTES[1]),
        "stream": Load("stream", bodies.STREAM_SUM, [bodies.sum_request(1, 2, STREAM_REPLIES)],
                       7 * STREAM_REPLIES, 100 // few, *window, unit=STREAM_REPLIES),
    }


class Figure:
    """What one run of h2load showed: processor seconds of the server, units done for each of them,
    and, where h2load kept a log, how long requests took."""

    def __init__(self, cpu_s, units, log=None):
        self.cpu_s = cpu_s
        self.a_cpu_second = units / cpu_s if cpu_s > 0 else float("nan")
        self.mean_us = self.p99_us = 0
        if log:
            with open(log, encoding="ascii") as file:
                times = sorted(int(line.split("\t")[2]) for line in file)
            # The log has whole microseconds, cut off.
            self.mean_us = statistics.mean(times) + 0.5
            self.p99_us = times[len(times) * 99 // 100]


class Bench:
    def __init__(self, build, folder, quick):
        self.folder = folder
        self.commands = commands(build, folder)
        if OURS not in self.commands:
            sys.exit(f"grpc_bench: {build} has no bench_server: ./dev bench grpc builds it")
        self.quick, self.loads = quick, loads(quick)
        cores = sorted(os.sched_getaffinity(0))
        self.server_core, self.load_core = cores[0], cores[-1]
        os.sched_setaffinity(0, {self.load_core})
        self.rows, self.notes, self.versions, self.running = [], [], {}, {}
        self.tls = certificate(folder)
        with open(os.path.join(folder, "three"), "w", encoding="ascii") as file:
            file.write("sum")

    def server(self, name, tls=False):
        """A running server of that name, checked, started when it is first asked for."""
        key = (name, tls)
        if name in self.commands and key not in self.running:
            server = Server(name, self.commands[name], self.server_core, self.tls if tls else None)
            self.running[key] = server
            self.versions[name] = server.version
            verify(server)
        return self.running.get(key)

    def stop(self):
        for server in self.running.values():
            server.stop()
        self.running = {}

    def run(self, load, server, core, requests=0):
        """One run, which ends the whole where a request went wrong."""
        log = os.path.join(self.folder, "log")
        if os.path.exists(log):
            os.remove(log)
        requests = requests or load.requests
        more = ("--log-file", log) if load.name == "latency" else ()
        before = server.cpu_s()
        done = subprocess.run(load.command(server, self.folder, requests, more), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        cpu = server.cpu_s() - before
        said = done.stdout
        right = 3 if server.name == NGHTTPD else load.reply_bytes
        data = re.search(r"\((\d+)\) data", said)
        if not re.search(rf"{requests} succeeded, 0 failed, 0 errored", said) or \
                not re.search(rf"status codes: {requests} 2xx", said) or \
                int(data.group(1)) != right * requests or \
                server.tls and "TLSv1.3" not in said:
            sys.exit(f"{server.name}, {load.name}: not every request was answered well:\n{said}")
        return Figure(cpu, requests * load.unit, log if more else None)

    def warm(self, load, server, core):
        start = time.monotonic()
        while time.monotonic() - start < WARM_UP_S:
            self.run(load, server, core, max(load.requests // 20, 20))

    def compare(self, title, load, ours, peers, score, unit):
        """peers: (server, target or None, what it is called). Five rounds, in each of them ours
        before each of the others."""
        core = self.server_core if load.name == "latency" else self.load_core
        peers = [peer for peer in peers if peer[0]]
        for server in [ours] + [peer[0] for peer in peers]:
            self.warm(load, server, core)
        rows = [Row(title, called, target, unit) for _, target, called in peers]
        print(f"\n{title}")
        for turn in range(PAIRS):
            for row, (peer, _, called) in zip(rows, peers):
                a, b = self.run(load, ours, core), self.run(load, peer, core)
                row.add(score(a), score(b), a, b)
                print(f"  {turn + 1}  ours {score(a):12,.1f} {unit} ({a.cpu_s:.2f} CPU s)   "
                      f"{called} {score(b):12,.1f} ({b.cpu_s:.2f} CPU s)   "
                      f"ratio {row.ratios[-1]:.2f}", flush=True)
        for row, (peer, _, _) in zip(rows, peers):
            print(f"  {row.line()}")
            if peer.name == NGHTTPD and max(row.theirs) > NOISE_MAX * min(row.theirs):
                self.notes.append(f"{title}: nghttpd varied by more than 30 % inside the run, so "
                                  "the machine was not quiet; repeat it.")
        self.rows += rows

    def unary(self):
        self.compare("unary, 10 connections, 100 calls each", self.loads["unary"],
                     self.server(OURS), [(self.server(CPP), 5, CPP), (self.server(GO), 4, GO),
                                         (self.server(NGHTTPD), 0.75, NGHTTPD)],
                     lambda figure: figure.a_cpu_second, "calls/CPU s")

    def latency(self):
        self.compare("latency, one call at a time, one core", self.loads["latency"],
                     self.server(OURS), [(self.server(CPP), -0.4, CPP),
                                         (self.server(GO), None, GO),
                                         (self.server(NGHTTPD), None, NGHTTPD)],
                     lambda figure: figure.mean_us, "us mean")
        self.notes += [f"Latency: p99 {row.p99[0]} us, {row.called} {row.p99[1]} us."
                       for row in self.rows if row.p99]

    def ingest(self):
        for key, size, target in (("172", bodies.LINE_BYTES[0], 5), ("1k", bodies.LINE_BYTES[1],
                                                                      4)):
            self.compare(f"client streaming, 1,000 lines of {size:,} B a call", self.loads[key],
                         self.server(OURS), [(self.server(CPP), target, CPP),
                                             (self.server(GO), None, GO)],
                         lambda figure: figure.a_cpu_second, "lines/CPU s")

    def stream(self):
        self.compare(f"server streaming, {STREAM_REPLIES:,} replies a call", self.loads["stream"],
                     self.server(OURS), [(self.server(CPP), None, CPP),
                                         (self.server(GO), None, GO)],
                     lambda figure: figure.a_cpu_second, "replies/CPU s")

    def over_tls(self):
        self.compare("unary over TLS 1.3", self.loads["unary"], self.server(OURS, True),
                     [(self.server(OURS), 0.8, "ours in plaintext"),
                      (self.server(CPP, True), None, f"{CPP} over TLS")],
                     lambda figure: figure.a_cpu_second, "calls/CPU s")

    def memory(self):
        self.stop()
        count = room_for(CROWD_QUICK if self.quick else CROWD, self.notes)
        for tls in (False, True):
            grown, before = {}, len(self.rows)
            print(f"\nmemory, {count:,} connections{' over TLS 1.3' if tls else ''}")
            for name in (OURS, CPP, GO):
                if name in self.commands:
                    grown[name] = self.grow(name, tls, count)
                    print(f"  {name:16} {grown[name][0]:10,.0f} B idle, {grown[name][1]:10,.0f} B "
                          "with a stream", flush=True)
            if not tls:
                row = Row(f"a connection with an open stream, of {count:,}", "16 KiB", -1, "KiB")
                row.add(grown[OURS][1] / KIB, 16)
                self.rows.append(row)
            for at, what in enumerate(("an idle connection", "a connection with an open stream")):
                for name in list(grown)[1:]:
                    target = -0.5 if at and not tls and name == CPP else None
                    title = f"{what}{' over TLS' if tls else ''}, of {count:,}"
                    row = Row(title, name, target, "KiB")
                    row.add(grown[OURS][at] / KIB, grown[name][at] / KIB)
                    self.rows.append(row)
            for row in self.rows[before:]:
                print(f"  {row.title}: {row.line()}")
            self.count(tls)

    def grow(self, name, tls, count):
        """Bytes of the server for each connection: idle, and with a stream."""
        keys = self.tls if tls else None
        with Server(name, self.commands[name], self.server_core, keys) as server:
            verify(server)
            warm = Crowd(server.port, keys and keys[0])
            warm.grow(10)
            warm.open_streams()
            warm.close()
            crowd = Crowd(server.port, keys and keys[0])
            crowd.quiet(1)
            base = server.pss_bytes()
            crowd.grow(count)
            crowd.quiet(QUIET_S)
            idle = server.pss_bytes()
            crowd.open_streams()
            crowd.quiet(QUIET_S)
            open_ = server.pss_bytes()
            crowd.close()
        return (idle - base) / count, (open_ - base) / count

    def count(self, tls):
        """What of it goes through the allocator that a host may give."""
        keys = self.tls if tls else None
        with Server(OURS, self.commands[OURS], self.server_core, keys, ["--count"]) as server:
            crowd = Crowd(server.port, keys and keys[0])
            crowd.grow(1)
            crowd.open_streams()
            states = [server.counted()]
            crowd.grow(CROWD_COUNTED)
            crowd.quiet(0.2)
            states.append(server.counted())
            crowd.open_streams()
            crowd.quiet(0.2)
            states.append(server.counted())
            crowd.close()
        for what, before, after in (("idle connection", *states[:2]), ("stream", *states[1:])):
            print(f"  through arc_env, for an {what}: "
                  f"{(after[0] - before[0]) / CROWD_COUNTED:,.0f} B{classes(before[1], after[1])}")


def classes(before, after):
    """The sizes of block that came, most bytes first."""
    more = {size: (after.get(size, 0) - before.get(size, 0)) / CROWD_COUNTED
            for size in set(before) | set(after)}
    rows = sorted(((size * count, size, count) for size, count in more.items()
                   if abs(count) >= 0.1), reverse=True)
    return "".join(f"\n    {count:6.2f} blocks of {size:6} B" for _, size, count in rows)


class Row:
    """A score: the ratio of ours to theirs, pair by pair. A negative target is an upper bound."""

    def __init__(self, title, called, target, unit):
        self.title, self.called, self.target, self.unit = title, called, target, unit
        self.ours, self.theirs, self.ratios, self.p99 = [], [], [], None

    def add(self, ours, theirs, a=None, b=None):
        self.ours.append(ours)
        self.theirs.append(theirs)
        self.ratios.append(ours / theirs if theirs else float("nan"))
        if a and a.p99_us:
            self.p99 = (a.p99_us, b.p99_us)

    def score(self):
        return statistics.median(self.ratios)

    def reached(self):
        if self.target is None:
            return ""
        return "yes" if (self.score() >= self.target if self.target > 0 else
                         self.score() <= -self.target) else "NO"

    def aim(self):
        if self.target is None:
            return ""
        return f">= {self.target:g}" if self.target > 0 else f"<= {-self.target:g}"

    def line(self):
        aim = f", aim {self.aim()}: {self.reached()}" if self.target else ""
        return f"{self.score():.2f} x {self.called}{aim}"

    def markdown(self):
        def middle(values):
            value = statistics.median(values)
            return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"

        each = " ".join(f"{ratio:.2f}" for ratio in self.ratios)
        return (f"| {self.title} | {self.called} | {middle(self.ours)} | {middle(self.theirs)} | "
                f"{self.unit} | {each} | **{self.score():.2f}** | {self.aim()} | "
                f"{self.reached()} |")


def room_for(count, notes):
    """As many connections as descriptors allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = count + 200
    if hard != resource.RLIM_INFINITY and hard < want:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (want, want))
            return count
        except (ValueError, OSError):
            notes.append(f"Only {hard - 200} connections: this process may not have more "
                         "descriptors.")
            count, want = hard - 200, hard
    if soft != resource.RLIM_INFINITY and soft < want:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))
    return count


def certificate(folder):
    """A key on P-256 and a certificate for localhost that signs itself."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


def machine():
    """What it ran on, in a line."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"(?m)^model name\s*: (.*)$", file.read())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    h2load = subprocess.run([tool("h2load"), "--version"], text=True, capture_output=True,
                            check=False).stdout.strip()
    return (f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, "
            f"{system}, Linux {platform.release()}; {h2load}")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench grpc")
    parser.add_argument("build", help="a build of this repository for speed")
    parser.add_argument("--quick", action="store_true", help="a quarter of the requests")
    parser.add_argument("--only", default=",".join(WHAT), help=",".join(WHAT))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of every clean-up
    wanted = options.only.split(",")
    if not set(wanted) <= set(WHAT):
        parser.error(f"--only takes {','.join(WHAT)}")
    with tempfile.TemporaryDirectory(prefix="arc-bench-") as folder:
        bench = Bench(options.build, folder, options.quick)
        print(machine(), flush=True)
        if bench.server_core == bench.load_core:
            bench.notes.append("Server and load shared one core: there was no other.")
        bench.notes += [f"{name} is not here and was left out." for name in (CPP, GO, NGHTTPD)
                        if name not in bench.commands]
        steps = dict(zip(WHAT, (bench.unary, bench.latency, bench.ingest, bench.stream,
                                bench.over_tls, bench.memory)))
        try:
            for what in WHAT:
                if what in wanted:
                    steps[what]()
        finally:
            bench.stop()
        print("\n| measurement | beside | ours | theirs | unit | ratios | score | aim | reached |\n"
              "| --- | --- | ---: | ---: | --- | --- | ---: | --- | --- |")
        for row in bench.rows:
            print(row.markdown())
        print(f"\n{machine()}.\n" + "; ".join(bench.versions.values()) + ".")
        for note in bench.notes:
            print(note)


main()
