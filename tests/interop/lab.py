# SPDX-License-Identifier: Apache-2.0
"""What the interop tests share: our server and client, tools that are made of pinned modules, a
certificate, and a proxy that remembers what was said.

What must stay true: everything is on loopback at ports that the system gives and is gone
afterwards; every wait has an end; what cannot be had is skipped by its name, and what can be had
and fails is a failure.
"""
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))

from harness import BUILD, PATIENCE, Failure, Skip, case, check, run_cases, same  # noqa

__all__ = ["AWAY", "BUILD", "BUILD_PATIENCE", "DESCRIPTORS", "Failure", "HERE", "Lab", "MADE",
           "PATIENCE", "PROTO", "Proxy", "Skip", "case", "check", "go_tool", "have", "made", "packed", "run",
           "run_cases", "same", "want_ok"]

PROTO = os.path.join(HERE, "testservice.proto")
DESCRIPTORS = os.path.abspath(os.path.join(BUILD, "gen/interop/testservice.pb"))
MADE = os.path.abspath(os.path.join(BUILD, "tests/interop/made"))
# To fetch and compile somebody else's program for the first time.
BUILD_PATIENCE = 600
# How tools say that there is no network, or that they are too old; all else is a fault of ours.
AWAY = re.compile(r"proxy|registry|dial |lookup |no such host|timed? ?out|requires go|GOTOOLCHAIN|"
                  r"connection (refused|reset)|network|ENOTFOUND|ECONN|EAI_AGAIN|certificate|"
                  r"\b(403|404|410|429|5\d\d)\b", re.I)


def made(name):
    """A program of this directory."""
    return os.path.abspath(os.path.join(BUILD, "tests/interop", name))


def have(name):
    path = shutil.which(name)
    if path is None:
        raise Skip(name + " is not installed")
    return path


def run(argv, seconds=None, **more):
    """Exit code and output, both streams together."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds or PATIENCE, check=False,
                              text=True, errors="replace", **more)
    except subprocess.TimeoutExpired as late:
        text = late.stdout.decode("utf-8", "replace") if late.stdout else ""
        raise Failure("%s did not end within %d s\n%s" % (argv[0], late.timeout, text[-3000:]))
    return done.returncode, done.stdout


def want_ok(argv, seconds=None, **more):
    code, text = run(argv, seconds, **more)
    check(code == 0, "%s ended with %d\n%s" % (" ".join(argv), code, text[-3000:]))
    return text


# --- tools ---------------------------------------------------------------------------------------

_tools = {}


def _go_make(folder, package, path):
    go = have("go")
    environment = dict(os.environ, GOFLAGS="-mod=readonly", GOTOOLCHAIN="local", GOWORK="off")
    if "HOME" not in environment and "GOCACHE" not in environment:
        environment["GOCACHE"] = os.path.join(MADE, "gocache")
    if "HOME" not in environment and "GOPATH" not in environment:
        environment["GOPATH"] = os.path.join(MADE, "gopath")
    at = {"cwd": os.path.join(HERE, folder), "env": environment}
    # Fetches the modules that the package is made of, and nothing else.
    try:
        code, text = run([go, "list", "-deps", "-f", "{{with .Error}}{{.}}{{end}}", package],
                         BUILD_PATIENCE, **at)
    except Failure as late:
        raise Skip("%s: its modules do not come (%s)" % (package, str(late).splitlines()[0]))
    if code != 0 and AWAY.search(text):
        raise Skip("%s: its modules cannot be had (%s)" % (package, text.strip().splitlines()[-1]))
    check(code == 0, "go list %s ended with %d\n%s" % (package, code, text[-3000:]))
    want_ok([go, "build", "-o", path, package], BUILD_PATIENCE, **at)


def go_tool(folder, package, name=None):
    """A Go program of tests/interop/FOLDER/go.mod, made once a run."""
    name = name or package.rsplit("/", 1)[-1]
    path = os.path.join(MADE, folder, name)
    if path not in _tools:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _go_make(folder, package, path)
            _tools[path] = None
        except (Skip, Failure) as why:
            _tools[path] = why
    if _tools[path] is not None:
        raise _tools[path]
    return path


# --- servers -------------------------------------------------------------------------------------

class Server:
    """A program that prints its port and serves until its standard input ends."""

    def __init__(self, argv, directory):
        self.name = os.path.basename(argv[0])
        handle, self.errors = tempfile.mkstemp(".err", self.name, directory)
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=handle)
        os.close(handle)
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if not line.strip().isdigit():
            self.process.kill()
            self.process.communicate()
            raise Failure("%s does not tell its port: %r\n%s" % (self.name, line, self.text()))
        self.port = int(line)
        self.target = "localhost:%d" % self.port

    def text(self):
        with open(self.errors, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def stop(self):
        """Ends it; what it did wrong while it lived, or None."""
        try:
            out, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return "%s did not end" % self.name
        print("# %s: %s" % (self.name, out.decode().strip()))
        if self.process.returncode != 0 or "Sanitizer" in self.text() or \
                "runtime error" in self.text():
            return "%s ended with %d: %s" % (self.name, self.process.returncode,
                                             self.text()[-3000:])
        return None


class Lab:
    """A directory, servers that are started when they are asked for, and their end."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="arcentra-interop-")
        self.servers = {}
        self.secrets = None
        self.reports = []

    def certificate(self):
        """Of localhost, its own authority: certificate and key."""
        if self.secrets is None:
            cert = os.path.join(self.directory, "cert.pem")
            key = os.path.join(self.directory, "key.pem")
            want_ok([have("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                     "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                     "-keyout", key, "-out", cert])
            self.secrets = cert, key
        return self.secrets

    def server(self, argv, tls_argv=()):
        name = tuple(argv) + tuple(tls_argv)
        if name not in self.servers:
            self.servers[name] = Server(list(argv) + list(tls_argv), self.directory)
        return self.servers[name]

    def ours(self, tls=False, *more):
        return self.server([made("interop_server"), *more],
                           ["--tls", *self.certificate()] if tls else [])

    def client(self, name, target, tls=False):
        """A case by our client."""
        argv = [made("interop_client"), "--target", target, "--case", name]
        if tls:
            argv += ["--tls", self.certificate()[0], "localhost"]
        want_ok(argv)

    def show(self):
        for server in self.servers.values():
            for line in server.text().splitlines()[-25:]:
                print("# %s: %s" % (server.name, line))

    def close(self):
        self.reports = [why for why in (server.stop() for server in self.servers.values()) if why]
        shutil.rmtree(self.directory, ignore_errors=True)

    def left_behind(self):
        return [server.name for server in self.servers.values() if server.process.poll() is None]


# --- bytes ---------------------------------------------------------------------------------------

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA = 0
PADDED = 8


def data_of(stream):
    """The bytes of the DATA frames of each HTTP/2 stream, in one direction."""
    at = len(PREFACE) if stream.startswith(PREFACE) else 0
    found = {}
    while at + 9 <= len(stream):
        length = int.from_bytes(stream[at:at + 3], "big")
        kind, flags = stream[at + 3], stream[at + 4]
        number = int.from_bytes(stream[at + 5:at + 9], "big") & 0x7fffffff
        body = stream[at + 9:at + 9 + length]
        if kind == DATA:
            if flags & PADDED:
                body = body[1:len(body) - body[0]]
            found[number] = found.get(number, b"") + body
        at += 9 + length
    return found


def messages_of(stream):
    """(flag, message) for each gRPC message, stream by stream."""
    found = []
    for _, data in sorted(data_of(stream).items()):
        at = 0
        while at + 5 <= len(data):
            flag, length = struct.unpack(">BI", data[at:at + 5])
            found.append((flag, data[at + 5:at + 5 + length]))
            at += 5 + length
        check(at == len(data), "a stream ends inside a message")
    return found


class Proxy:
    """Stands before a port, for one connection after the other, and remembers every byte."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = "localhost:%d" % self.port
        self.upstream = port
        self.up, self.down = [], []  # a bytearray for each connection
        self.sockets = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.upstream), timeout=PATIENCE)
            server.settimeout(None)
            self.sockets += [client, server]
            for source, sink, record in ((client, server, self.up), (server, client, self.down)):
                record.append(bytearray())
                thread = threading.Thread(target=self._copy, args=(source, sink, record[-1]),
                                          daemon=True)
                self.threads.append(thread)
                thread.start()

    @staticmethod
    def _copy(source, sink, record):
        try:
            while True:
                got = source.recv(65536)
                if not got:
                    break
                record += got
                sink.sendall(got)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def messages(self):
        """What went up, and what came down, as (flag, message); after the connections ended."""
        self.close()
        return ([row for stream in self.up for row in messages_of(bytes(stream))],
                [row for stream in self.down for row in messages_of(bytes(stream))])

    def close(self):
        for each in [self.listener] + self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        for thread in self.threads:
            thread.join(PATIENCE)


def packed(rows):
    """The flags in their order; a flagged message must be gzip, an unflagged one must not."""
    for flag, message in rows:
        check(flag in (0, 1), "a flag of %d" % flag)
        check((flag == 1) == message.startswith(b"\x1f\x8b"),
              "flag %d before %r" % (flag, message[:8]))
    return [flag for flag, _ in rows]
