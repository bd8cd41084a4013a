# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared, as processes: started on one core, asked for what they used."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CPU_CLOCK = 2  # CPUCLOCK_SCHED of Linux
OURS, CPP, GO, NGHTTPD = "libarcentra", "grpc++ callback", "grpc-go", "nghttpd"
START_S = 20


def tool(name):
    """nghttpd lies where not every user looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def commands(build, folder):
    """{name: the command without its port} of every server that is here."""
    here = os.path.join(build, "tests/bench/grpc")
    found = {OURS: [os.path.join(here, "bench_server")], CPP: [os.path.join(here, "peer_cpp")],
             GO: [os.path.join(here, "peer_go")]}
    found = {name: command for name, command in found.items() if os.access(command[0], os.X_OK)}
    if tool("nghttpd"):
        found[NGHTTPD] = [tool("nghttpd"), "-n1", "-d", folder, "-a",
                         "127.0.0.1"]
    return found


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


class Server:
    """A running server; tls is (certificate, key) or None."""

    def __init__(self, name, command, core, tls=None, more=()):
        self.name, self.tls, self.version = name, tls, ""
        self.scheme = "https" if tls else "http"
        if name == NGHTTPD:
            self.port = free_port()
            more = [*(() if tls else ("--no-tls",)), str(self.port), *(tls or ())[::-1]]
        else:
            more = [*more, *(tls or ())]
        command = [*command, *more]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=pinned(core),
                                        env={**os.environ, "GOMAXPROCS": "1"})
        if name == NGHTTPD:
            self.wait_for_port()
            said = subprocess.run([command[0], "--version"], text=True, capture_output=True,
                                  check=False).stdout
            self.version = " ".join(said.split()[:2])
        else:
            self.port = int(self.answer("port "))
            self.version = self.answer("version ")

    def answer(self, word):
        line = self.process.stdout.readline()
        if not line.startswith(word):
            self.stop()
            sys.exit(f"{self.name}: did not start: {line!r}")
        return line[len(word):].strip()

    def wait_for_port(self):
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.stop()
                    sys.exit(f"{self.name}: did not start")
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.stdin.close()
        if self.name == NGHTTPD:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def pin(self, core):
        """All of its threads; what they start later goes with them."""
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            os.sched_setaffinity(int(thread), {core})

    def cpu_s(self):
        """User and system, all threads: what utime and stime of /proc/PID/stat tell in ticks, here
        from the process's CPU clock (clock_getcpuclockid), which counts nanoseconds."""
        return time.clock_gettime(~self.process.pid << 3 | CPU_CLOCK)

    def pss_bytes(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"(?m)^Pss:\s+(\d+) kB", file.read()).group(1)) * 1024

    def counted(self):
        """What --count says: bytes alive and {size: blocks}."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        words = self.answer("live ").split()
        return int(words[0]), {int(size): int(count) for size, _, count in
                               (word.partition(":") for word in words[1:])}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def verify(server):
    """Ends the run where a server does not do what it is measured for."""
    if server.name == NGHTTPD:
        return
    command = [sys.executable, os.path.join(HERE, "verify.py"), str(server.port)]
    done = subprocess.run(command + ([server.tls[0]] if server.tls else []), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          check=False)
    if done.returncode:
        server.stop()
        sys.exit(f"{server.name} does not answer as it should:\n{done.stdout}")
