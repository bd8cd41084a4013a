#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent: what it runs and how, what it leaves, and what it does when things go away."""
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import time

from harness import (PATIENCE, Skip, World, case, check, program, run_cases, same, wait_until)

SHORT = {"lease_ttl": "4s", "heartbeat": "1s"}


def make_world():
    world = World(**SHORT)
    world.start_server()
    return world


def one(script, **more):
    return {"namespace": "test.agent", "jobs": [
        dict({"name": "only", "steps": [{"name": "step", "run": script}]}, **more)]}


def begin(world, definition):
    return world.trigger(world.create(definition))


def log_of(world, run, step="step"):
    """The entries of a step's log, as far as there are any."""
    row = [row for row in world.steps(run) if row["stepName"] == step][-1]
    ws = world.ws()
    ws.subscribe("channel_log", row["pipelineId"], row["jobId"], row["stepRunId"])
    entries = []
    while True:
        message = ws.message()
        if message["type"] == "log_chunk":
            entries += message["data"]
        elif message["type"] == "history_done":
            ws.close()
            return entries
        else:
            check(message["type"] == "subscribed", message)


def lines_of(world, run, step="step"):
    return [entry["content"] for entry in log_of(world, run, step)]


def only(world, **more):
    """The one agent that runs now."""
    for agent in world.agents.values():
        if agent.alive():
            agent.signal(signal.SIGKILL)
            agent.wait()
    agent = world.start_agent(**more)
    wait_until(lambda: "Registered" in agent.text(), "the agent to register")
    return agent


def data_of(world, agent):
    return os.path.join(world.directory, agent.name, "data")


def again(world, agent, *extra):
    """The same agent once more, on the same data and without its registration token."""
    before = agent.text().count("Registered")
    argv = [word for word in agent.argv]
    if "--token-file" in argv:
        at = argv.index("--token-file")
        del argv[at:at + 2]
    fresh = world.start(agent.name, argv + list(extra))
    world.agents[agent.name] = fresh
    wait_until(lambda: fresh.text().count("Registered") > before, "the agent to register again")
    return fresh


def of_agent(world, agent):
    """Processes of steps that work below an agent's directory."""
    place = b"ARCENTRA_WORKSPACE=" + data_of(world, agent).encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                if place in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


@case("a step gets an allow-list, its facts, and nothing of its agent's secrets")
def environment(world):
    agent = only(world)
    script = ("env; cat /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'; ls -l /proc/$$/fd;"
              " cat /proc/$PPID/cmdline | tr '\\0' ' '")
    run = begin(world, one(script, env={"DECLARED": "a b"}))
    same(world.wait_run(run), "success", "the run")
    text = "\n".join(lines_of(world, run))
    with open(os.path.join(data_of(world, agent), "agent.json")) as file:
        saved = json.load(file)
    with open(os.path.join(world.directory, agent.name, "registration.token")) as file:
        registration = file.read().strip()
    for secret in (saved["token"], registration):
        check(secret not in text, "a secret is seen:\n" + text)
    for part in ("DECLARED=a b", "CI=true", "TERM=dumb", "ARCENTRA_STEP_NAME=step",
                 "ARCENTRA_JOB_NAME=only", "ARCENTRA_RUN_ID=" + run,
                 "ARCENTRA_AGENT_ID=" + saved["agentId"], "0 -> /dev/null"):
        check(part in text, "%s is not in\n%s" % (part, text))
    check("socket:" not in text and "anon_inode" not in text, "descriptors:\n" + text)


@case("its data directory is private, and its token in it")
def private(world):
    agent = only(world)
    data = data_of(world, agent)
    same(stat.S_IMODE(os.stat(data).st_mode), 0o700, "the directory")
    same(stat.S_IMODE(os.stat(os.path.join(data, "agent.json")).st_mode), 0o600, "the file")


@case("it comes back as itself with what the first start has left")
def identity(world):
    agent = only(world)
    path = os.path.join(data_of(world, agent), "agent.json")
    with open(path) as file:
        before = json.load(file)["agentId"]
    agent.signal(signal.SIGTERM)
    same(agent.wait(), 0, "exit code")
    again(world, agent)
    with open(path) as file:
        same(json.load(file)["agentId"], before, "the id")
    same(world.wait_run(begin(world, one("true"))), "success", "a run")


@case("a second agent on the same data is refused, and so is a wrong token")
def refused(world):
    agent = only(world)
    second = world.start("second", agent.argv)
    same(second.wait(), 1, "exit code")
    check("Another agent uses" in second.text(), second.text())
    argv = list(agent.argv)
    argv[argv.index("--data") + 1] = os.path.join(world.directory, "stranger")
    bad = os.path.join(world.directory, "bad.token")
    with open(bad, "w") as file:
        file.write("art_" + "0" * 40)
    argv[argv.index("--token-file") + 1] = bad
    stranger = world.start("stranger", argv)
    same(stranger.wait(), 1, "exit code")
    check("refuses this agent" in stranger.text(), stranger.text())
    wrong = world.start("wrong", [program("arcentra-agent"), "--slots", "none"])
    same(wrong.wait(), 2, "exit code")
    check("--slots" in wrong.text(), wrong.text())


@case("a step that it does not offer fails and names what it offers")
def foreign(world):
    only(world)
    definition = {"namespace": "test.agent", "jobs": [
        {"name": "only", "steps": [{"name": "step", "uses": "actions/go-build@v1"}]}]}
    run = begin(world, definition)
    same(world.wait_run(run), "failed", "the run")
    (row,) = world.steps(run)
    check("actions/go-build@v1" in row["errorMessage"] + row["reason"] and
          "shell" in row["errorMessage"] + row["reason"], row)


@case("results say how a step ended: code, signal, timeout")
def results(world):
    only(world)
    for script, more, status, code, part in (
            ("exit 7", {}, "failed", 7, "7"),
            ("kill -SEGV $$", {}, "failed", 139, "SIGSEGV"),
            ("false; echo not here", {}, "failed", 1, "1"),
            ("sleep 600", {"timeout": "300ms"}, "timeout", None, "timeout")):
        definition = one(script)
        definition["jobs"][0]["steps"][0].update(more)
        run = begin(world, definition)
        same(world.wait_run(run), "failed", "the run of " + script)
        (row,) = world.steps(run)
        same(row["status"], status, script)
        if code is not None:
            same(row["exitCode"], code, script)
        check(part in row["errorMessage"] + row["reason"], row)
        same(lines_of(world, run), [], "lines")


@case("a cancel ends a step that ignores TERM, and every process of it")
def stubborn(world):
    agent = only(world)
    script = ("trap '' TERM; (trap '' TERM; setsid sleep 600) & (sleep 600 &) ;"
              " sh -c 'trap \"\" TERM; sleep 600' & echo up; while :; do sleep 0.1; done")
    pipeline = world.create(one(script))
    run = world.trigger(pipeline)
    world.wait_step(run, "step", "running")
    wait_until(lambda: lines_of(world, run) == ["up"], "the step to be up")
    check(len(of_agent(world, agent)) >= 4, "its processes are seen")
    world.api("POST", "/pipelines/%s/runs/%s/stop" % (pipeline, run),
              {"reason": "test", "force": True})
    same(world.wait_run(run), "cancelled", "the run")
    wait_until(lambda: not of_agent(world, agent), "its processes to be gone")


@case("processes that a step leaves behind do not outlive it, nor hold it")
def orphans(world):
    agent = only(world)
    run = begin(world, one("setsid sleep 601 & (setsid sh -c 'sleep 602' &); sleep 603 & echo x"))
    begun = time.monotonic()
    same(world.wait_run(run), "success", "the run")
    check(time.monotonic() - begun < 30, "it was held")
    wait_until(lambda: not of_agent(world, agent), "its processes to be gone")


@case("kill -9 of an agent leaves none of its steps running")
def killed(world):
    agent = only(world)
    run = begin(world, one("setsid sh -c 'echo up; exec sleep 600' & sleep 600"))
    wait_until(lambda: world.steps(run)[0]["status"] == "running" and
               lines_of(world, run) == ["up"], "the step to be up")
    check(of_agent(world, agent), "its processes are seen")
    agent.signal(signal.SIGKILL)
    agent.wait()
    wait_until(lambda: not of_agent(world, agent), "its processes to be gone")
    same(world.wait_run(run), "failed", "the run")


@case("an agent that was asleep for longer than its lease stops its step when it wakes")
def asleep(world):
    agent = only(world)
    run = begin(world, one("echo up; sleep 600"))
    wait_until(lambda: lines_of(world, run) == ["up"]
               if world.steps(run)[0]["status"] == "running" else None, "the step to be up")
    agent.signal(signal.SIGSTOP)
    same(world.wait_run(run), "failed", "the run")
    check(of_agent(world, agent), "the step runs on while its agent sleeps")
    agent.signal(signal.SIGCONT)
    wait_until(lambda: not of_agent(world, agent), "the step to be stopped", 5)
    check("lease" in agent.text(), agent.text())
    same(world.wait_run(begin(world, one("true"))), "success", "a run after it")


@case("a server that is away for longer than a lease loses the step and not the agent")
def away(world):
    agent = only(world)
    run = begin(world, one("echo up; sleep 600"))
    world.wait_step(run, "step", "running")
    world.server.signal(signal.SIGKILL)
    world.server.wait()
    wait_until(lambda: "its lease was not renewed in time" in agent.text(), "the agent to give up")
    wait_until(lambda: not of_agent(world, agent), "the step to be stopped")
    world.restart_server()
    same(world.wait_run(run), "failed", "the run")
    same(world.wait_run(begin(world, one("true"))), "success", "a run after it")


@case("a result that could not be told is told when the server is back")
def untold(world):
    only(world)
    count = os.path.join(world.directory, "untold")
    gate = count + ".gate"
    run = begin(world, one("echo begun >>%s; while [ ! -e %s ]; do sleep 0.05; done; echo done; "
                           "echo ended >>%s; exit 5" % (count, gate, count)))
    wait_until(lambda: os.path.exists(count), "the step to begin")
    world.server.signal(signal.SIGKILL)
    world.server.wait()
    open(gate, "w").close()
    wait_until(lambda: open(count).read() == "begun\nended\n", "the step to end")
    world.restart_server()
    same(world.wait_run(run), "failed", "the run")
    (row,) = world.steps(run)
    same((row["exitCode"], row["attempt"]), (5, 1), "the result")
    same(lines_of(world, run), ["done"], "the log")
    same(open(count).read(), "begun\nended\n", "executions")


@case("of several servers the next one is taken, and a running step goes on")
def several(world):
    with socket.socket() as free, socket.socket() as other:
        for one_of_two in (free, other):
            one_of_two.bind(("127.0.0.1", 0))
        ports = free.getsockname()[1], other.getsockname()[1]
    agent = only(world, extra=["--server", "127.0.0.1:%d" % ports[1]])
    path = os.path.join(world.directory, "several")
    run = begin(world, one("echo begun >>%s; while [ ! -e %s.gate ]; do sleep 0.05; done; "
                           "echo ended >>%s" % (path, path, path)))
    wait_until(lambda: os.path.exists(path), "the step to begin")
    before = (world.http_port, world.grpc_port)
    world.server.signal(signal.SIGKILL)
    world.server.wait()
    world.start_server(ports)
    wait_until(lambda: "is there again" in agent.text(), "the agent to find the other")
    open(path + ".gate", "w").close()
    same(world.wait_run(run), "success", "the run")
    with open(path) as file:
        same(file.read(), "begun\nended\n", "executions")
    same(agent.text().count("Registered"), 1, "registrations")
    world.server.signal(signal.SIGTERM)
    world.server.wait()
    world.start_server(before)


@case("TERM lets a job end that has begun, and takes no other")
def drain(world):
    agent = only(world)
    gate = os.path.join(world.directory, "drain.gate")
    steps = [{"name": "first", "run": "while [ ! -e %s ]; do sleep 0.05; done" % gate},
             {"name": "second", "run": "echo second"}]
    run = begin(world, {"namespace": "test.agent", "jobs": [{"name": "a", "steps": steps}]})
    world.wait_step(run, "first", "running")
    agent.signal(signal.SIGTERM)
    wait_until(lambda: "Stopping" in agent.text(), "the agent to drain")
    other = begin(world, one("true"))
    open(gate, "w").close()
    same(world.wait_run(run), "success", "the run")
    same(agent.wait(), 0, "exit code")
    check(world.run(other)["status"] in ("pending", "running"), world.run(other))
    again(world, agent)
    same(world.wait_run(other), "success", "the other run")


@case("TERM stops what is still running after the drain's time, and says so")
def drain_timeout(world):
    agent = only(world, extra=["--drain-timeout", "200ms"])
    run = begin(world, one("echo up; sleep 600"))
    world.wait_step(run, "step", "running")
    agent.signal(signal.SIGTERM)
    same(agent.wait(), 0, "exit code")
    same(world.wait_run(run), "failed", "the run")
    check("agent was stopped" in json.dumps(world.steps(run)), world.steps(run))


@case("a flood beyond the buffer is dropped and counted, line for line")
def flood(world):
    only(world, extra=["--log-buffer", "64K"])
    run = begin(world, one("seq 1 150000; echo end >&2"))
    same(world.wait_run(run), "success", "the run")
    (row,) = world.steps(run)
    done = subprocess.run(
        [program("arcentra"), "logs", "--json", row["stepRunId"]], stdout=subprocess.PIPE,
        env=dict(os.environ, ARCENTRA_TOKEN=world.token,
                 ARCENTRA_SERVER="127.0.0.1:%d" % world.grpc_port))
    entries = [json.loads(line) for line in done.stdout.decode().splitlines()]
    same([entry["line"] for entry in entries], list(range(1, len(entries) + 1)), "numbers")
    gaps = sum(entry["lines"] for entry in entries if entry["type"] == "gap")
    texts = [entry["text"] for entry in entries if entry["type"] == "log"]
    check(gaps > 0, "the buffer was never full")
    same(len(texts) + gaps, 150001, "lines and lost lines")
    numbers = [int(text) for text in texts if text.isdigit()]
    same(numbers, sorted(set(numbers)), "none twice, none out of order")


@case("lines without an end, too long or not text come as they can")
def odd(world):
    only(world)
    script = ("printf 'no newline'; printf '\\377\\n' >&2; "
              "head -c 150000 /dev/zero | tr '\\0' x >&2; printf '\\001\\n' >&2")
    run = begin(world, one(script))
    same(world.wait_run(run), "success", "the run")
    lines = lines_of(world, run)
    check("no newline" in lines and "\ufffd" in lines, [line[:20] for line in lines])
    same([len(line) for line in lines if line.startswith("x")], [65536, 65536, 18929], "parts")


@case("a workspace is removed when its job is over, and at the next start")
def workspaces(world):
    agent = only(world, extra=["--workspace-grace", "100ms"])
    work = os.path.join(data_of(world, agent), "work")

    def trees():
        return [path for path, _, files in os.walk(work) if "made" in files]
    run = begin(world, one("echo x >made; mkdir -m 500 closed"))
    same(world.wait_run(run), "success", "the run")
    wait_until(lambda: not trees(), "the workspace to go")
    agent.signal(signal.SIGTERM)
    agent.wait()
    agent = again(world, agent, "--workspace-grace", "1h")
    same(world.wait_run(begin(world, one("echo x >made"))), "success", "the run")
    same(len(trees()), 1, "kept")
    agent.signal(signal.SIGKILL)
    agent.wait()
    again(world, agent)
    same(trees(), [], "removed at the start")


@case("its directories may be named from where it starts")
def relative(world):
    only(world, extra=["--data", "here"])  # a later flag wins
    same(world.wait_run(begin(world, one("cat >made </dev/null && pwd"))), "success", "the run")


def certify(directory):
    """A certificate of localhost that is its own authority; None where openssl is not there."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Skip("openssl is not installed")
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return cert, key


@case("agents and the command line speak TLS with the authority that is named, or not at all")
def tls(_):
    directory = tempfile.mkdtemp(prefix="arcentra-tls-")
    world = None
    try:
        cert, key = certify(directory)
        world = World(grpc_tls_cert=cert, grpc_tls_key=key, **SHORT)
        world.start_server()
        only(world, extra=["--tls-ca", cert])
        pipeline = world.create(one("true"))
        run = world.trigger(pipeline)
        same(world.wait_run(run), "success", "the run")
        asked = [program("arcentra"), "runs", pipeline, "--token-file",
                 os.path.join(world.settings["data"], "admin.token"), "--server",
                 "localhost:%d" % world.grpc_port]
        done = subprocess.run(asked + ["--tls-ca", cert], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE)
        check(done.returncode == 0 and run in done.stdout.decode(), done.stdout)
        done = subprocess.run(asked, stderr=subprocess.PIPE, timeout=PATIENCE)
        same(done.returncode, 1, "without TLS")
        check("--tls" in done.stderr.decode(), done.stderr)
        done = subprocess.run(asked + ["--tls-ca", key], stderr=subprocess.PIPE, timeout=PATIENCE)
        check(done.returncode > 0 and "authority" in done.stderr.decode(), done.stderr)
        check("Sanitizer" not in done.stderr.decode(), done.stderr)
    finally:
        if world is not None:
            world.close()
            same(world.reports, [], "reports")
        shutil.rmtree(directory)


def shown(port):
    """The certificate that gRPC shows now, and the connection that it was shown to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    wire = context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE))
    same(wire.selected_alpn_protocol(), "h2", "ALPN")
    return wire.getpeercert(True), wire


@case("HUP takes new certificates for new connections, and says why it cannot")
def hang_up(_):
    directory = tempfile.mkdtemp(prefix="arcentra-tls-")
    world, wire = None, None
    try:
        cert, key = certify(directory)
        world = World(grpc_tls_cert=cert, grpc_tls_key=key, **SHORT)
        world.start_server()
        server = world.processes[0]
        first, wire = shown(world.grpc_port)

        os.unlink(cert)
        server.signal(signal.SIGHUP)
        wait_until(lambda: "keeps the certificates it has" in server.text(), "a refusal")
        check("%s): No such file or directory" % cert in server.text(), "the file and the reason")
        same(shown(world.grpc_port)[0], first, "the certificate after a refusal")

        certify(directory)
        server.signal(signal.SIGHUP)
        wait_until(lambda: "new gRPC connections are shown" in server.text(), "a reload")
        check(shown(world.grpc_port)[0] != first, "the certificate is another one")
        wire.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
        check(len(wire.recv(9)) > 0, "the connection that was open goes on")
        check(server.alive(), "the server lives")
    finally:
        if wire is not None:
            wire.close()
        if world is not None:
            world.close()
            same(world.reports, [], "reports")
        shutil.rmtree(directory)


@case("a server that comes and goes does not cost a step its lease")
def flapping(_):
    world = World(lease_ttl="10s", heartbeat="1s")
    try:
        world.start_server()
        agent = only(world)
        path = os.path.join(world.directory, "flapping")
        run = begin(world, one("while [ ! -e %s ]; do sleep 0.05; done" % path))
        world.wait_step(run, "step", "running")

        def connected():
            return [row for row in world.api("GET", "/agents")["list"]
                    if row["status"] not in ("offline", 2)]
        for _ in range(7):
            wait_until(connected, "the agent to be connected")
            world.server.signal(signal.SIGKILL)
            world.server.wait()
            world.restart_server()
        open(path, "w").close()
        same(world.wait_run(run), "success", "the run")
        check("lease" not in agent.text(), agent.text()[-3000:])
    finally:
        world.close()
        same(world.reports, [], "reports")


@case("nothing has tripped a sanitizer")
def sanitizers(world):
    same(world.sanitizer_reports(), [], "reports")


if __name__ == "__main__":
    sys.exit(run_cases(make_world))
