# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: TAP, real processes in a directory of their own, and small
clients for HTTP and WebSocket that depend on nothing but the standard library.

What must stay true: ports are given by the system, nothing is left behind, and a test waits on a
condition with a deadline, never for a time that is hoped to be enough.
"""
import base64
import collections
import glob
import hashlib
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import reaper

BUILD = os.environ.get("top_builddir", ".")
SOURCE = os.environ.get("top_srcdir", ".")
# Everything under sanitizers on a busy machine is slow; a deadline only says when to give up.
PATIENCE = float(os.environ.get("ARCENTRA_TEST_PATIENCE", "60"))


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def same(got, want, what):
    check(got == want, "%s: got %r, want %r" % (what, got, want))


def wait_until(question, what, seconds=None):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + (seconds or PATIENCE)
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure("waited in vain for " + what)
        time.sleep(0.02)


# --- TAP -----------------------------------------------------------------------------------------

_cases = []


def case(sentence):
    def keep(function):
        _cases.append((sentence, function))
        return function
    return keep


def run_cases(world_maker=None):
    """Runs the cases in order, each with the world if there is one, and ends the program."""
    end_in_order()
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [row for row in _cases if wanted in row[0]]
    print("1..%d" % len(chosen), flush=True)
    failed = 0
    world = None
    try:
        if world_maker is not None:
            world = world_maker()
        for number, (sentence, function) in enumerate(chosen, 1):
            try:
                function(*([world] if world is not None else []))
                print("ok %d - %s" % (number, sentence), flush=True)
            except Skip as why:
                print("ok %d - %s # SKIP %s" % (number, sentence, why), flush=True)
            except Exception as error:  # a test that breaks is a test that failed
                failed += 1
                print("not ok %d - %s" % (number, sentence))
                text = str(error) if isinstance(error, Failure) else traceback.format_exc()
                for line in text.splitlines():
                    print("# " + line)
                if world is not None:
                    world.show()
                sys.stdout.flush()
    except Exception:
        print("Bail out! " + traceback.format_exc().replace("\n", " | "), flush=True)
        failed += 1
        if world is not None:
            world.show()
    finally:
        if world is not None:
            world.close()
            left = world.left_behind()
            if left or world.reports:
                failed += 1
                print("Bail out! left behind: %r, sanitizers: %r" % (left, world.reports),
                      flush=True)
    sys.exit(1 if failed else 0)


# --- the end, whatever it is ---------------------------------------------------------------------

def end_in_order():
    """Who ends the test means all of it: what it has started is ended as after the last case."""
    def stop(number, _):
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)


_reaper = None


def make_directory(prefix):
    """A directory that no process outlives the test in, even where the test is killed."""
    global _reaper
    if _reaper is None:
        _reaper = subprocess.Popen([sys.executable, "-ES", os.path.abspath(reaper.__file__)],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True, text=True)
    directory = tempfile.mkdtemp(prefix=prefix)
    _reaper.stdin.write(directory + "\n")
    _reaper.stdin.flush()
    return directory


def left_in(directories, seconds=10):
    """The command lines of processes that still know them, after a moment to go."""
    end = time.monotonic() + seconds
    while True:
        found = [line[:200] for line in reaper.those_of(directories).values()]
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.05)


# --- processes -----------------------------------------------------------------------------------

class Process:
    """A program, its output in a file, and its end."""

    def __init__(self, name, argv, directory, env=None):
        self.name = name
        self.argv = argv
        self.log_path = os.path.join(directory, name + ".log")
        self.log = open(self.log_path, "ab")
        whole = dict(os.environ)
        for key in list(whole):
            if key.startswith("ARCENTRA_"):
                del whole[key]
        whole.update(env or {})
        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=subprocess.STDOUT, env=whole, cwd=directory)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.alive():
            self.popen.send_signal(number)

    def wait(self, seconds=None):
        try:
            return self.popen.wait(seconds or PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure("%s (pid %d) did not end" % (self.name, self.pid))

    def kill(self):
        self.signal(signal.SIGKILL)
        self.popen.wait()
        self.log.close()

    def text(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")


class World:
    """A directory, one server at a time, agents, and all of it gone in the end."""

    def __init__(self, **settings):
        self.directory = make_directory("arcentra-e2e-")
        self.settings = {"http_listen": "127.0.0.1:0", "grpc_listen": "127.0.0.1:0",
                         "data": os.path.join(self.directory, "data"), "log_level": "debug"}
        self.settings.update(settings)
        self.server = None
        self.http_port = self.grpc_port = None
        self.processes = []
        self.agents = {}
        self.agent_count = 0
        self.reports = []  # of sanitizers, once it is closed: leaks too

    # -- the server

    def start_server(self, ports=None):
        ports_file = os.path.join(self.directory, "ports")
        if os.path.exists(ports_file):
            os.unlink(ports_file)
        settings = dict(self.settings, ports_file=ports_file)
        if ports is not None:
            settings["http_listen"] = "127.0.0.1:%d" % ports[0]
            settings["grpc_listen"] = "127.0.0.1:%d" % ports[1]
        path = os.path.join(self.directory, "arcentrad.yaml")
        with open(path, "w") as file:
            for key, value in settings.items():
                file.write("%s: %s\n" % (key, json.dumps(value)))
        self.server = self.start("arcentrad", [program("arcentrad"), "--config", path])

        def listening():
            check(self.server.alive(), "the server ended:\n" + self.server.text()[-3000:])
            return os.path.exists(ports_file)
        wait_until(listening, "the server to listen")
        with open(ports_file) as file:
            at = dict(line.strip().split("=") for line in file)
        self.http_port, self.grpc_port = int(at["http"]), int(at["grpc"])
        return self.server

    def restart_server(self):
        """At the same ports, as a service manager would."""
        return self.start_server((self.http_port, self.grpc_port))

    @property
    def token(self):
        with open(os.path.join(self.settings["data"], "admin.token")) as file:
            return file.read().strip()

    # -- agents

    def start_agent(self, name=None, labels=(), slots=2, extra=()):
        self.agent_count += 1
        name = name or "agent-%d" % self.agent_count
        directory = os.path.join(self.directory, name)
        os.makedirs(directory, exist_ok=True)
        token_path = os.path.join(directory, "registration.token")
        if not os.path.exists(token_path):
            detail = self.api("POST", "/registration-tokens", {"description": name})
            with open(os.open(token_path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(detail["token"] + "\n")
        argv = [program("arcentra-agent"), "--server", "127.0.0.1:%d" % self.grpc_port,
                "--token-file", token_path, "--name", name, "--slots", str(slots),
                "--data", os.path.join(directory, "data"), "--verbose"]
        for label in labels:
            argv += ["--label", label]
        process = self.start(name, argv + list(extra))
        self.agents[name] = process
        return process

    def start(self, name, argv, env=None):
        process = Process(name, argv, self.directory, env)
        self.processes.append(process)
        return process

    # -- HTTP

    def request(self, method, path, body=None, headers=None, token=True, raw=None):
        """status, headers, body as text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=PATIENCE)
        all_headers = {}
        if token:
            all_headers["Authorization"] = "Bearer " + (token if token is not True else self.token)
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        try:
            connection.request(method, path, data, all_headers)
            response = connection.getresponse()
            text = response.read().decode()
            return response.status, dict((k.lower(), v) for k, v in response.getheaders()), text
        finally:
            connection.close()

    def call(self, method, path, body=None, **more):
        """status and the envelope of a call below /api/v1."""
        status, headers, text = self.request(method, "/api/v1" + path, body, **more)
        envelope = check_envelope(status, headers, text, "/api/v1" + path.split("?")[0])
        return status, envelope

    def api(self, method, path, body=None):
        """The detail of a call that must succeed."""
        status, envelope = self.call(method, path, body)
        check(status == 200, "%s %s: %d %s" % (method, path, status, json.dumps(envelope)))
        return envelope.get("detail")

    # -- pipelines

    def create(self, spec, name="p", project="test"):
        body = {"projectId": project, "name": name, "spec": spec}
        return self.api("POST", "/pipelines", body)["pipelineId"]

    def trigger(self, pipeline, **body):
        return self.api("POST", "/pipelines/%s/trigger" % pipeline, body)["runId"]

    def run(self, run):
        return self.api("GET", "/pipelines/runs/" + run)

    def jobs(self, run):
        return self.api("GET", "/pipelines/runs/%s/jobs" % run)["list"]

    def steps(self, run):
        return self.api("GET", "/pipelines/runs/%s/steps" % run)["list"]

    def wait_run(self, run, *statuses, seconds=None):
        """Waits for one of the statuses; without any, for the end."""
        ends = statuses or ("success", "failed", "cancelled", "partial")

        def reached():
            status = self.run(run)["status"]
            return status if status in ends else None
        try:
            return wait_until(reached, "run %s to be %s" % (run, " or ".join(ends)), seconds)
        except Failure as error:
            raise Failure("%s\nrun: %s\njobs: %s\nsteps: %s" % (
                error, self.run(run), self.jobs(run), self.steps(run)))

    def wait_step(self, run, name, *statuses, seconds=None):
        def reached():
            for step in self.steps(run):
                if step_name(step) == name and step["status"] in statuses:
                    return step
            return None
        return wait_until(reached, "step %s to be %s" % (name, " or ".join(statuses)), seconds)

    def ws(self, **more):
        return WebSocket(self.http_port, token=more.pop("token", self.token), **more)

    # -- the end

    def show(self):
        for process in self.processes:
            lines = process.text().splitlines()[-25:]
            print("# --- %s (pid %d, %s)" % (process.name, process.pid,
                                             "alive" if process.alive() else
                                             "ended with %s" % process.popen.returncode))
            for line in lines:
                print("#   " + line)

    def close(self):
        for process in self.processes:
            process.signal(signal.SIGTERM)
        end = time.monotonic() + 15
        for process in self.processes:
            try:
                process.popen.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            process.kill()
        self.reports = self.sanitizer_reports()
        shutil.rmtree(self.directory, ignore_errors=True)

    def left_behind(self, seconds=10):
        return left_in([self.directory], seconds)

    def sanitizer_reports(self):
        found = []
        for process in self.processes:
            text = process.text()
            for mark in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer"):
                if mark in text:
                    at = text.index(mark)
                    found.append("%s: %s" % (process.name, text[at:at + 1500]))
        return found


# --- PostgreSQL ----------------------------------------------------------------------------------

def bin_of(name):
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name)) or [shutil.which(name)]
    return found[-1]


class Postgres:
    """A cluster of its own behind a socket, as a user that it accepts."""

    def __init__(self):
        self.directory = make_directory("arcentra-pg-")
        self.who = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
            self.who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.data = os.path.join(self.directory, "data")
        self.run("initdb", "-D", self.data, "-U", "ann", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.start()
        self.run("createdb", "-h", self.directory, "-U", "ann", "ci")

    def run(self, name, *argv):
        done = subprocess.run([bin_of(name), *argv], stdout=subprocess.PIPE, cwd=self.directory,
                              stderr=subprocess.STDOUT, text=True, check=False, **self.who)
        log = os.path.join(self.directory, "log")
        if done.returncode != 0 and os.path.exists(log):
            with open(log) as file:
                raise Failure("%s: %s\n%s" % (name, done.stdout, file.read()[-2000:]))
        check(done.returncode == 0, "%s: %s" % (name, done.stdout))

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-l", os.path.join(self.directory, "log"), "-w", "-o",
                 "-k %s -c listen_addresses=''" % self.directory, "start")

    def kill(self):
        """As a machine that fails: nothing is written any more, nobody is told."""
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def kill_all(self):
        """kill -9 of the postmaster and of everybody who works for it."""
        with open(os.path.join(self.data, "postmaster.pid")) as file:
            master = int(file.readline())
        os.kill(master, signal.SIGSTOP)  # it has no more children
        path = "/proc/%d/task/%d/children" % (master, master)
        with open(path) as file:
            family = [master] + [int(pid) for pid in file.read().split()]
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # Its memory is held as long as one of them is there, and it does not start until then.
        wait_until(lambda: not any(os.path.exists("/proc/%d/fd/0" % pid) for pid in family),
                   "the processes of PostgreSQL to be gone")
        # Where nobody buries it, its number is taken for a postmaster that is alive.
        os.unlink(os.path.join(self.data, "postmaster.pid"))
        os.unlink(os.path.join(self.directory, ".s.PGSQL.5432.lock"))

    def ask(self, sql):
        """The rows of a query, each a list of texts."""
        done = subprocess.run(
            [bin_of("psql"), "-X", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h",
             self.directory, "-U", "ann", "-d", "ci", "-c", sql], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, cwd="/")
        check(done.returncode == 0, "psql: " + done.stdout)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def close(self):
        subprocess.run([bin_of("pg_ctl"), "-D", self.data, "-w", "-t", "15", "-m", "fast", "stop"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                       check=False, **self.who)
        reaper.reap([self.directory])  # where it is stopped, or does not know itself any more
        shutil.rmtree(self.directory, ignore_errors=True)


def program(name):
    path = os.path.join(os.path.abspath(BUILD), name)
    if not os.path.exists(path):
        raise Failure("there is no %s; build first" % path)
    return path


# --- the command line ----------------------------------------------------------------------------

def environment(world, **more):
    whole = {key: value for key, value in os.environ.items()
             if not key.startswith(("ARCENTRA_", "LC_")) and key != "NO_COLOR"}
    whole["LANG"] = "C.UTF-8"
    whole["TMPDIR"] = world.directory
    whole.update(more)
    return whole


def arcentra(world, *argv, code=0, stdin=None, **env):
    """stdout and stderr of a command that must end with `code`."""
    done = subprocess.run([program("arcentra")] + list(argv), input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment(world, **env),
                          cwd=world.directory, timeout=PATIENCE)
    out, err = done.stdout.decode(), done.stderr.decode()
    check("Sanitizer" not in err and "runtime error" not in err, err)
    same(done.returncode, code, "exit code of %r\n%s\n%s" % (argv, out, err))
    return out, err


def remote(world, *argv, code=0, **env):
    env.setdefault("ARCENTRA_TOKEN", world.token)
    env.setdefault("ARCENTRA_SERVER", "127.0.0.1:%d" % world.grpc_port)
    return arcentra(world, *argv, code=code, **env)


def objects(out):
    return [json.loads(line) for line in out.splitlines()]


def step_name(step):
    return step.get("stepName") or step.get("name")


def job_name(job):
    return job.get("jobName") or job.get("name")


def check_envelope(status, headers, text, path):
    """Every answer is the envelope of the contract; returns it."""
    same(headers.get("content-type", "").split(";")[0], "application/json", "content type")
    envelope = json.loads(text)
    check(isinstance(envelope, dict), "the answer is no object")
    now = time.time()
    check(abs(envelope.get("timestamp", 0) - now) < 120, "timestamp: %r" % envelope)
    if status == 200:
        same((envelope.get("code"), envelope.get("msg")), (0, "success"), "envelope of " + path)
        extra = set(envelope) - {"code", "msg", "detail", "timestamp"}
    else:
        same((envelope.get("code"), envelope.get("path")), (status, path), "envelope of " + path)
        check(isinstance(envelope.get("errMsg"), str) and envelope["errMsg"],
              "an error says what: %r" % envelope)
        check("<html" not in text.lower(), "no page: " + text)
        extra = set(envelope) - {"code", "errMsg", "path", "timestamp", "type", "details"}
    check(not extra, "unknown members of the envelope: %r" % extra)
    return envelope


# --- raw HTTP ------------------------------------------------------------------------------------

class Wire:
    """A connection on which exact bytes are sent."""

    def __init__(self, port, tls=None, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), PATIENCE)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def response(self, head_only=False):
        """status, headers, body of the next response; None when the connection was closed."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                check(not self.buffer, "a part of a response: %r" % self.buffer)
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = dict((line.split(":", 1)[0].lower(), line.split(":", 1)[1].strip())
                       for line in lines[1:])
        length = 0 if head_only or status in (100, 204, 304) else int(
            headers.get("content-length", "0"))
        while len(self.buffer) < length:
            check(self._more(), "the body ends too early")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return status, headers, body.decode()

    def is_closed(self):
        """Waits for the end of the connection."""
        while True:
            if not self._more():
                return not self.buffer

    def close(self):
        self.socket.close()


# --- WebSocket -----------------------------------------------------------------------------------

class Closed(Exception):
    def __init__(self, code, reason):
        Exception.__init__(self, "closed with %s %s" % (code, reason))
        self.code, self.reason = code, reason


class Refused(Exception):
    def __init__(self, status, headers, body):
        Exception.__init__(self, "refused with %d: %s" % (status, body))
        self.status, self.headers, self.body = status, headers, body


class WebSocket:
    """A client of RFC 6455: texts in and out, and frames by hand for what is wrong on purpose."""

    def __init__(self, port, token=None, path="/api/v1/ws", headers=(), in_protocol=False,
                 origin=None, tls=None):
        self.wire = Wire(port, tls)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET %s HTTP/1.1" % path, "Host: 127.0.0.1:%d" % port, "Upgrade: websocket",
                 "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + key]
        if token is not None and in_protocol:
            lines.append("Sec-WebSocket-Protocol: arcentra.v1, " + token)
        elif token is not None:
            lines.append("Authorization: Bearer " + token)
        if origin is not None:
            lines.append("Origin: " + origin)
        self.wire.send("\r\n".join(lines + list(headers)) + "\r\n\r\n")
        response = self.wire.response()
        check(response is not None, "the handshake was not answered")
        status, answer, body = response
        if status != 101:
            self.wire.close()
            raise Refused(status, answer, body)
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        same(answer.get("sec-websocket-accept"), base64.b64encode(digest).decode(), "accept")
        self.protocol = answer.get("sec-websocket-protocol")
        self.texts = collections.deque()

    def frame(self, opcode, payload=b"", final=True, mask=True, times=1):
        """times: so often, all in one write."""
        head = bytes([(0x80 if final else 0) | opcode])
        length = len(payload)
        bit = 0x80 if mask else 0
        if length < 126:
            head += bytes([bit | length])
        elif length < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", length)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", length)
        if mask:
            key = os.urandom(4)
            head += key
            payload = bytes(b ^ key[i & 3] for i, b in enumerate(payload))
        self.wire.send((head + payload) * times)

    def send(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        self.frame(1, text.encode())

    def _take(self, count):
        while len(self.wire.buffer) < count:
            if not self.wire._more():
                raise Closed(None, "the connection ended")
        data, self.wire.buffer = self.wire.buffer[:count], self.wire.buffer[count:]
        return data

    def _frame(self):
        first, second = self._take(2)
        length = second & 0x7f
        check(not second & 0x80, "a server does not mask")
        if length == 126:
            length = struct.unpack(">H", self._take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8))[0]
        return first >> 7, first & 15, self._take(length)

    def text(self, seconds=None):
        """The next text message; Closed at the end."""
        self.wire.socket.settimeout(seconds or PATIENCE)
        parts = b""
        while True:
            try:
                final, opcode, payload = self._frame()
            except socket.timeout:
                raise Failure("waited in vain for a message")
            if opcode == 9:
                self.frame(10, payload)
            elif opcode == 8:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
                try:
                    self.frame(8, payload[:2])
                except OSError:
                    pass
                raise Closed(code, payload[2:].decode())
            elif opcode == 10:
                self.texts.append(("pong", payload))
            else:
                parts += payload
                if final:
                    return parts.decode()

    def message(self, seconds=None):
        return json.loads(self.text(seconds))

    def subscribe(self, channel, pipeline, job, step, **more):
        params = {"pipelineId": pipeline, "jobId": job, "stepRunId": step}
        params.update(more)
        self.send({"channel": channel, "action": "subscribe", "params": params})

    def close(self):
        self.wire.close()


def follow_log(world, pipeline, job, step, until=None, ws=None):
    """All lines of a step's log, from history and live, until the step has ended."""
    own = ws is None
    ws = ws or world.ws()
    ws.subscribe("channel_log", pipeline, job, step)
    ws.subscribe("channel_status", pipeline, job, step)
    entries = []
    try:
        while True:
            message = ws.message()
            if message["type"] == "log_chunk":
                entries += message["data"]
            elif message["type"] == "log":
                entries.append(message["data"])
            elif message["type"] == "status_snapshot" and message["data"]["status"] > 3:
                until = "history"
            elif message["type"] == "status" and message["data"]["status"] in (
                    "completed", "failed", "cancelled", "timeout", "skipped"):
                return entries
            if until == "history" and message["type"] in ("history_done", "status_snapshot"):
                if message["type"] == "history_done" or any(True for _ in entries):
                    return entries
    finally:
        if own:
            ws.close()


def in_background(function):
    """Runs function in a thread; answers a function that waits for its result."""
    box = {}

    def work():
        try:
            box["result"] = function()
        except BaseException as error:
            box["error"] = error
    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def result():
        thread.join(PATIENCE)
        check(not thread.is_alive(), "it did not end")
        if "error" in box:
            raise box["error"]
        return box["result"]
    return result
