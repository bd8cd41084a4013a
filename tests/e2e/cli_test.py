#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line, as its user meets it: without a server, and with one."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from harness import (PATIENCE, SOURCE, Failure, World, arcentra, case, check, environment,
                     objects, program, remote, run_cases, same, wait_until)

PIPELINES = os.path.join(os.path.abspath(SOURCE), "examples", "pipelines")


def make_world():
    world = World()
    world.start_server()
    world.start_agent(slots=4)
    return world


def write(world, name, text):
    path = os.path.join(world.directory, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def definition(script, more=""):
    lines = "\n".join("      " + line for line in script.splitlines())
    return ("namespace: test.cli\njobs:\n- name: only\n%s  steps:\n  - name: step\n"
            "    run: |\n%s\n" % (more, lines))


def leftovers(world):
    """Processes that carry a path of this test's directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                text = file.read()
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                words = file.read()
        except OSError:
            continue
        if b"ARCENTRA_WORKSPACE=" + world.directory.encode() in text:
            found.append((pid, words))
    return found


# --- validate ------------------------------------------------------------------------------------

@case("every pipeline among the examples is valid")
def examples(world):
    files = [os.path.join(PIPELINES, name) for name in sorted(os.listdir(PIPELINES))
             if name.endswith(".yaml")]
    check(len(files) >= 25, "there are some")
    out, _ = arcentra(world, "validate", *files)
    valid = [line for line in out.splitlines() if ": valid, " in line]
    same([line.split(": valid, ")[0] for line in valid], files, "the valid ones")
    # What runs do not act on yet is told, and nothing else.
    check(": error " not in out, out)
    for line in out.splitlines():
        check(" warning " not in line or " warning ARC0601: " in line, line)


@case("a wrong definition is shown with its line and a caret, and is exit code 1")
def invalid(world):
    path = write(world, "bad.yaml", "namespace: a.b\njobs:\n- name: x\n  stepz: []\n")
    out, _ = arcentra(world, "validate", path, code=1)
    check("bad.yaml:4:3: error" in out, out)
    check("steps" in out and "^" in out, out)
    out, _ = arcentra(world, "validate", "--json", path, code=1)
    (report,) = json.loads(out)
    same((report["file"], report["valid"]), (path, False), "the report")
    check(any(finding["line"] == 4 for finding in report["diagnostics"]), out)


@case("a template by itself is told from a pipeline, and is not found fault with")
def template_alone(world):
    path = os.path.join(PIPELINES, "templates", "service.yaml")
    out, _ = arcentra(world, "validate", path)
    check(": warning ARC0717: This is a template" in out, out)
    check(out.endswith("\n0 errors, 1 warning.\n"), out)
    (report,) = json.loads(arcentra(world, "validate", "--json", path)[0])
    same((report["valid"], report["jobsCount"]), (True, 0), "the report")
    wrong = write(world, "wrong.yaml", "params: [{name: a, tipe: string}]\njobz: []\n")
    out, _ = arcentra(world, "validate", wrong, code=1)
    check("`tipe`" in out and "`jobz`" in out and "namespace" not in out, out)
    _, err = arcentra(world, "run", path, code=2)
    check("This is a template, and no pipeline of its own." in err, err)


@case("findings come as SARIF and as annotations, for all files at once")
def report_forms(world):
    bad = write(world, "bad one.yaml", "namespace: a.b\njobs:\n- name: x\n  stepz: []\n")
    good = write(world, "good.yaml", definition("true"))
    out, _ = arcentra(world, "validate", "--format", "sarif", bad, good, bad, code=1)
    log = json.loads(out)
    (run,) = log["runs"]
    same((log["version"], run["tool"]["driver"]["name"]), ("2.1.0", "arcentra"), "the log")
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    same({result["ruleId"] for result in run["results"]}, rules, "rules that found something")
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    check(all("bad%20one.yaml" in place["artifactLocation"]["uri"] for place in places), out)
    check(4 in [place["region"]["startLine"] for place in places], out)
    out, _ = arcentra(world, "validate", "--format", "github", good, bad, code=1)
    check(out.startswith("::error file=" + bad + ",line="), out)
    check(all(line.startswith("::") for line in out.splitlines()), out)
    _, err = arcentra(world, "validate", "--format", "xml", good, code=2)
    check("human|json|sarif|github" in err and "`xml`" in err, err)


ROUGH = ("# a definition\njobs: # all of them\n- steps: [{run: make, name: s}]\n  name: a\n"
         "namespace: test.fmt\n")
SMOOTH = ("# a definition\nnamespace: test.fmt\njobs: # all of them\n  - name: a\n    steps:\n"
          "      - {name: s, run: make}\n")


@case("fmt lays a file out, names those that would change, and writes with -w")
def fmt(world):
    path = write(world, "rough.yaml", ROUGH)
    os.chmod(path, 0o640)
    same(arcentra(world, "fmt", path)[0], SMOOTH, "the text")
    same(arcentra(world, "fmt", "-", stdin=ROUGH.encode())[0], SMOOTH, "from the standard input")
    same(arcentra(world, "fmt", "--check", path, code=1)[0], path + "\n", "what would change")
    with open(path) as file:
        same(file.read(), ROUGH, "the file before -w")
    same(arcentra(world, "fmt", "-w", path)[0], path + "\n", "what has changed")
    with open(path) as file:
        same(file.read(), SMOOTH, "the file after -w")
    same(os.stat(path).st_mode & 0o777, 0o640, "its permissions")
    same(arcentra(world, "fmt", "--check", path)[0], "", "what would still change")
    same(arcentra(world, "fmt", "-w", path)[0], "", "what changes a second time")


@case("fmt --diff shows what would change, and writes nothing")
def fmt_diff(world):
    rough, smooth = write(world, "a.yaml", ROUGH), write(world, "b.yaml", SMOOTH)
    out, _ = arcentra(world, "fmt", "--diff", rough, smooth, code=1)
    same(out, ("--- %s\n+++ %s\n@@ -1,5 +1,6 @@\n # a definition\n-jobs: # all of them\n"
               "-- steps: [{run: make, name: s}]\n-  name: a\n namespace: test.fmt\n"
               "+jobs: # all of them\n+  - name: a\n+    steps:\n+      - {name: s, run: make}\n"
               % (rough, rough)), "the diff")
    same(arcentra(world, "fmt", "-d", "-w", rough, code=1)[0], out, "with -w")
    with open(rough) as file:
        same(file.read(), ROUGH, "the file")
    same(arcentra(world, "fmt", "--diff", "--check", smooth)[0], "", "of what is laid out")


@case("fmt leaves a file alone that it cannot read or lay out")
def fmt_refused(world):
    path = write(world, "broken.yaml", "a: [b\n")
    _, err = arcentra(world, "fmt", "-w", path, code=2)
    check("broken.yaml:" in err and "ARC0004" in err, err)
    with open(path) as file:
        same(file.read(), "a: [b\n", "the file")
    arcentra(world, "fmt", "-w", "-", code=2, stdin=ROUGH.encode())
    arcentra(world, "fmt", "/nowhere/x.yaml", code=2)


@case("convert prints either form, and says that comments are lost")
def convert(world):
    path = write(world, "rough.yaml", ROUGH)
    out, err = arcentra(world, "convert", path)
    same(json.loads(out), {"namespace": "test.fmt", "jobs": [
        {"name": "a", "steps": [{"name": "s", "run": "make"}]}]}, "the JSON")
    check("2 comments" in err and "ARC0750" in err, err)
    as_json = write(world, "smooth.json", out)
    out, err = arcentra(world, "convert", "--to", "yaml", as_json)
    same(err, "", "nothing is lost of JSON")
    same(arcentra(world, "convert", write(world, "again.yaml", out))[0],
         arcentra(world, "convert", as_json)[0], "there and back")
    arcentra(world, "convert", "--to", "xml", path, code=2)
    arcentra(world, "convert", write(world, "bad.yaml", "a: b\n"), code=1)
    arcentra(world, "convert", "/nowhere/x.yaml", code=2)


@case("schema prints the one that docs has")
def schema(world):
    with open(os.path.join(SOURCE, "docs", "pipeline.schema.json")) as file:
        same(arcentra(world, "schema")[0], file.read(), "the schema")


@case("a file that cannot be read, or no file, is exit code 2")
def unreadable(world):
    good = write(world, "good.yaml", definition("true"))
    out, err = arcentra(world, "validate", good, "/nowhere/x.yaml", code=2)
    check("valid, 1 job" in out and "/nowhere/x.yaml" in err, out + err)
    arcentra(world, "validate", code=2)
    _, err = arcentra(world, "frobnicate", code=2)
    check("`frobnicate`" in err, err)


@case("a definition may come from the standard input")
def stdin(world):
    out, _ = arcentra(world, "validate", "-", stdin=definition("true").encode())
    check(out.startswith("(stdin): valid"), out)
    out, _ = arcentra(world, "run", "-", stdin=definition("echo from stdin").encode())
    check("only/step | from stdin" in out, out)


@case("every command has a help that names its flags")
def helps(world):
    out, _ = arcentra(world, "--help")
    names = [line.split()[0] for line in out.split("Commands:")[1].split("\n\n")[0].split("\n")[1:]]
    check(len(names) >= 10, out)
    for name in names:
        text, _ = arcentra(world, name, "--help")
        check(text.startswith("Usage: arcentra " + name) and "--help" in text, text)
        same("--json" in text, name not in ("fmt", "convert", "schema", "plan", "eval", "lsp",
                                            "export", "import", "store"),
             "--json of " + name)


@case("every verb of a store has a help that names its flags")
def store_helps(world):
    out, _ = arcentra(world, "store", "--help")
    lines = out.split("Verbs:")[1].split("\n\n")[0].split("\n")[1:]
    check(len(lines) >= 7, out)
    for line in lines:
        verb, what = line.split(None, 1)
        text, _ = arcentra(world, "store", verb, "--help")
        check(text.startswith("Usage: arcentra store %s " % verb), text)
        check(what in text and "Exit code 0: " in text and "--help" in text, text)
        check("--json" in text, text)
        for flag in re.findall(r"--[a-z-]+", text.split("Flags [")[0]):  # what the text speaks of
            check("  " + flag in text.split("Flags [")[1], "%s: %s" % (verb, flag))
        arcentra(world, "store", verb, "--frobnicate", code=2)


# --- run -----------------------------------------------------------------------------------------

@case("a run here shows its lines and its table, and ends with its result")
def run(world):
    out, _ = arcentra(world, "run", os.path.join(PIPELINES, "hello.yaml"), "--var", "who=you")
    check("greet/hello | Hello, you!" in out, out)
    check("greet/same-workspace | written by the first step" in out, out)
    check("example.hello: success" in out.splitlines()[-1], out)
    same([name for name in os.listdir(world.directory) if name.startswith("arcentra-")], [],
         "workspaces left")


@case("a failure skips what depends on it, says why, and is exit code 1")
def failing(world):
    out, _ = arcentra(world, "run", "--json", os.path.join(PIPELINES, "fail.yaml"), code=1)
    lines = objects(out)
    end = lines[-1]
    same((end["type"], end["status"]), ("end", "failed"), "the end")
    jobs = {job["job"]: job for job in end["jobs"]}
    same({name: job["status"] for name, job in jobs.items()},
         {"build": "success", "tests": "failed", "deploy": "skipped", "report": "success"}, "jobs")
    check("tests" in jobs["deploy"]["reason"], jobs["deploy"])
    steps = {step["step"]: step for step in jobs["tests"]["steps"]}
    same((steps["second"]["status"], steps["second"]["exitCode"]), ("failed", 3), "the step")
    logs = [line for line in lines if line["type"] == "log"]
    check({"one test is fine", "and one is not"} <= {line["text"] for line in logs}, logs)
    same([line["stream"] for line in logs if line["text"] == "and one is not"], ["stderr"],
         "the stream")


@case("a broken definition, a foreign step or one for an agent is refused by name")
def refusals(world):
    _, err = arcentra(world, "run", write(world, "broken.yaml", "a: [\n"), code=2)
    check("broken.yaml:" in err, err)
    foreign = write(world, "foreign.yaml", "namespace: a.b\njobs:\n- name: x\n  steps:\n"
                                           "  - {name: y, uses: docker-build@1.2.0}\n")
    out, _ = arcentra(world, "run", foreign, code=1)
    check("docker-build@1.2.0" in out and "offers: shell" in out, out)
    agent = write(world, "agent.yaml", definition("true", "  runOnAgent: true\n"))
    _, err = arcentra(world, "run", agent, code=2)
    check("runOnAgent" in err and "`only`" in err, err)


@case("a step sees an allow-list, what is declared, and nothing of its caller")
def environ(world):
    text = definition("env; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0",
                      "  env: {DECLARED: 'a b'}\n")
    out, _ = arcentra(world, "run", write(world, "env.yaml", text), ARCENTRA_TOKEN="canary-token",
                      SOMETHING="canary-other")
    check("canary" not in out, out)
    for part in ("| DECLARED=a b", "| CI=true", "| TERM=dumb", "| ARCENTRA_JOB_NAME=only",
                 "| /dev/null"):
        check(part in out, "%s is not in\n%s" % (part, out))


@case("all jobs can work in one given directory, and --keep leaves the workspaces")
def workdir(world):
    path = os.path.join(world.directory, "here")
    os.mkdir(path)
    text = definition("pwd >where; echo x")
    arcentra(world, "run", "--workdir", path, write(world, "where.yaml", text))
    with open(os.path.join(path, "where")) as file:
        same(file.read().strip(), os.path.realpath(path), "the place")
    _, err = arcentra(world, "run", "--keep", write(world, "where.yaml", text))
    kept = err.strip().split(" in ")[-1].rstrip(".")
    same(sum("where" in files for _, _, files in os.walk(kept)), 1, "files under " + kept)
    arcentra(world, "run", "--workdir", "/nowhere/at/all", write(world, "where.yaml", text), code=2)


@case("a run whose reader goes away is stopped")
def unread(world):
    text = definition("while :; do echo more; sleep 0.05; done")
    process = start(world, "run", write(world, "unread.yaml", text))
    await_line(process, "| more")
    process.stdout.close()
    same(process.wait(timeout=PATIENCE), 130, "exit code")
    same(leftovers(world), [], "processes")


@case("--fail-fast stops what still runs")
def fail_fast(world):
    text = ("namespace: a.b\njobs:\n- name: bad\n  steps: [{name: s, run: exit 1}]\n"
            "- name: long\n  steps: [{name: s, run: sleep 600}]\n")
    begun = time.monotonic()
    out, _ = arcentra(world, "run", "--fail-fast", write(world, "ff.yaml", text), code=1)
    check(time.monotonic() - begun < 30, out)
    same(leftovers(world), [], "processes")


GATED = ("namespace: a.b\nstages:\n- name: build\n"
         "  jobs: [{name: b, steps: [{name: s, run: 'true'}]}]\n"
         "- name: ship\n  approval: {required: true, approvers: [ann]}\n"
         "  jobs: [{name: c, steps: [{name: s, run: echo shipped}]}]\n")


@case("a gate is opened by --approve, and without anybody to ask it fails the run")
def approve(world):
    path = write(world, "gated.yaml", GATED)
    out, _ = arcentra(world, "run", "--approve", "ship", path)
    check("shipped" in out, out)
    out, _ = arcentra(world, "run", "--approve", "all", path)
    check("shipped" in out, out)
    out, _ = arcentra(world, "run", "--approve", "build", path, code=1)
    check("shipped" not in out and "--approve stage:ship" in out, out)


@case("on a terminal a gate is asked for")
def asked(world):
    path = write(world, "gated.yaml", GATED)
    for typed, code in ((b"yes\n", 0), (b"what\nno\n", 1)):
        out, got = on_terminal(world, "run", path, typed=typed)
        same(got, code, out)
        check("Approve stage:ship?" in out, out)


def start(world, *argv, **env):
    """A command that goes on; without a buffer, so that await_line takes no more than it says."""
    return subprocess.Popen([program("arcentra")] + list(argv), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=environment(world, **env),
                            cwd=world.directory, bufsize=0)


def start_remote(world, *argv):
    return start(world, *argv, ARCENTRA_TOKEN=world.token,
                 ARCENTRA_SERVER="127.0.0.1:%d" % world.grpc_port)


def await_line(process, part):
    for line in process.stdout:
        if part in line.decode():
            return
    raise Failure("no line with " + part)


@case("Ctrl-C stops a run gracefully, a second one at once; the exit code is 130")
def interrupt(world):
    polite = definition("trap 'echo got it; exit 0' TERM\necho up\nwhile :; do sleep 0.05; done")
    process = start(world, "run", write(world, "polite.yaml", polite))
    await_line(process, "| up")
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=PATIENCE)[0].decode()
    check("| got it" in out and "cancelled" in out, out)
    same(process.returncode, 130, "exit code")
    stubborn = definition("trap '' TERM\nsetsid sh -c 'trap \"\" TERM; echo up; sleep 600' &\n"
                          "while :; do sleep 1; done")
    process = start(world, "run", write(world, "stubborn.yaml", stubborn))
    await_line(process, "| up")
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    await_line(process, "Stopping the run")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    same(process.returncode, 130, "exit code")
    check(time.monotonic() - begun < 9, "the grace was not waited for")
    same(leftovers(world), [], "processes")


@case("kill -9 of a run leaves none of its steps running")
def killed(world):
    text = definition("setsid sh -c 'echo up; exec sleep 600' &\nsleep 600")
    process = start(world, "run", write(world, "killed.yaml", text))
    await_line(process, "| up")
    check(leftovers(world), "the steps are seen")
    process.kill()
    process.communicate()
    wait_until(lambda: not leftovers(world), "the steps to be gone")


def on_terminal(world, *argv, typed=b"", **env):
    """What a command writes to a terminal of 12 lines, and its exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        whole = environment(world, TERM="xterm", **env)
        os.execve(program("arcentra"), [program("arcentra")] + list(argv), whole)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
    os.write(fd, typed)
    out, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        out += data
    os.close(fd)
    return out.decode("utf-8", "replace"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@case("on a terminal a live tree is redrawn, in colour unless NO_COLOR says no")
def tree(world):
    text = definition("printf 'a\\033[2Jb\\n'; sleep 0.6")
    out, code = on_terminal(world, "run", write(world, "tree.yaml", text))
    same(code, 0, "exit code")
    check("\x1b[J" in out and "\u25cf" in out and "\u2713" in out, repr(out))
    check("\x1b[32m" in out and "\x1b[2J" not in out and "ab" in out, repr(out))
    out, _ = on_terminal(world, "run", write(world, "tree.yaml", text), NO_COLOR="1")
    check("\x1b[J" in out and "\x1b[32m" not in out, repr(out))
    out, _ = on_terminal(world, "run", write(world, "tree.yaml", text), LANG="C")
    check("\u25cf" not in out, repr(out))


@case("the embedding examples end well")
def embedding(world):
    done = subprocess.run([program("embed_min")], stdout=subprocess.PIPE, timeout=PATIENCE)
    same((done.returncode, done.stdout.decode().split("\n")[:2]), (0, ["a says hello", "success"]),
         "embed_min")
    begun = time.monotonic()
    done = subprocess.run([program("embed_poll")], stdout=subprocess.PIPE, timeout=PATIENCE)
    out = done.stdout.decode()
    same(done.returncode, 0, "embed_poll")
    same(out.count("arcentra.job.completed"), 20, "jobs")
    check(out.splitlines()[-1].startswith("success, at most "), out.splitlines()[-1])
    check(time.monotonic() - begun < 10, "no wait is missed")


# --- with a server -------------------------------------------------------------------------------

@case("a pipeline is created, listed, triggered and followed, and ends with its run's code")
def follow(world):
    path = os.path.join(PIPELINES, "dag.yaml")
    pipeline = remote(world, "create", "--project", "proj", "--name", "dag", path)[0].strip()
    out, _ = remote(world, "list", "--project", "proj")
    check(pipeline in out and "dag" in out, out)
    out, _ = remote(world, "trigger", pipeline, "--follow", "--json")
    lines = objects(out)
    end = lines[-1]
    same((end["type"], end["status"]), ("end", "success"), "the end")
    same(len(end["jobs"]), 5, "jobs")
    for name, texts in (("fetch", ["part 1", "part 2", "part 3"]),
                        ("compile", ["compiling unit %d" % n for n in range(1, 5)])):
        same([line["text"] for line in lines if line["type"] == "log" and line["job"] == name],
             texts, "the log of " + name)
    out, _ = remote(world, "runs", pipeline)
    check(end["runId"] in out and "success" in out and "5/5" in out, out)
    out, _ = remote(world, "show", end["runId"])
    check("compile" in out and "success" in out, out)
    failing_id = remote(world, "create", os.path.join(PIPELINES, "fail.yaml"))[0].strip()
    out, _ = remote(world, "trigger", failing_id, "--follow", code=1)
    check("deploy: skipped" in out and "tests/second | and one is not" in out, out)


@case("the same request is one run, and says so")
def duplicate(world):
    path = write(world, "dup.yaml", definition("true"))
    pipeline = remote(world, "create", path)[0].strip()
    first, _ = remote(world, "trigger", pipeline, "--request-id", "one")
    again, err = remote(world, "trigger", pipeline, "--request-id", "one")
    same(again, first, "the run")
    check("made before" in err, err)
    world.wait_run(first.strip())


@case("logs of a step and of a run are read, from the tail too, and followed")
def logs(world):
    gate = os.path.join(world.directory, "gate")
    script = ("i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo line $i; done\n"
              "while [ ! -e %s ]; do sleep 0.05; done; echo last" % gate)
    pipeline = remote(world, "create", write(world, "logs.yaml", definition(script)))[0].strip()
    run_id = remote(world, "trigger", pipeline)[0].strip()
    row = world.wait_step(run_id, "step", "running")
    wait_until(lambda: remote(world, "logs", row["stepRunId"])[0].count("line") == 5, "the lines")
    out, _ = remote(world, "logs", "--tail", "2", row["stepRunId"])
    same(out, "line 4\nline 5\n", "the tail")
    process = start_remote(world, "logs", "-f", "--run", run_id)
    await_line(process, "line 5")
    open(gate, "w").close()
    out = process.communicate(timeout=PATIENCE)[0].decode()
    same(out, "only/step | last\n", "what was followed")
    same(process.returncode, 0, "exit code")


@case("a run is stopped with a reason, and its follower ends with 130")
def stop(world):
    path = write(world, "stop.yaml", definition("echo up; sleep 600"))
    pipeline = remote(world, "create", path)[0].strip()
    process = start_remote(world, "trigger", "-f", pipeline)
    run_id = process.stdout.readline().decode().strip()
    await_line(process, "| up")
    remote(world, "stop", pipeline, run_id, "--reason", "enough of it")
    out = process.communicate(timeout=PATIENCE)[0].decode()
    same(process.returncode, 130, "exit code")
    check("enough of it" in out, out)
    _, err = remote(world, "stop", pipeline, run_id, code=1)
    check(err.startswith("arcentra: "), err)


@case("what failed is run again, and what went well is kept")
def rerun(world):
    marker = os.path.join(world.directory, "mended")
    path = write(world, "rerun.yaml",
                 "namespace: test.cli\njobs:\n"
                 "- name: build\n  steps: [{name: s, run: 'echo built'}]\n"
                 "- name: test\n  dependsOn: [build]\n  steps: [{name: s, run: 'test -e %s'}]\n"
                 % marker)
    pipeline = remote(world, "create", path)[0].strip()
    out, _ = remote(world, "trigger", "-f", pipeline, code=1)
    run_id = out.split()[0]
    check("| built" in out, out)
    open(marker, "w").close()
    out, _ = remote(world, "rerun", "--failed", "-f", run_id)
    again = out.split()[0]
    check(again != run_id and "| built" not in out, out)
    out, _ = remote(world, "show", again)
    check("Kept from run %s." % run_id in out, out)
    _, err = remote(world, "rerun", "--failed", again, code=1)
    check("Nothing of the run failed." in err, err)


@case("a run waits for approval, is paused, and one job of it is cancelled")
def control(world):
    path = write(world, "control.yaml",
                 "namespace: test.cli\njobs:\n"
                 "- name: wait\n  steps: [{name: s, run: 'echo up; sleep 600'}]\n"
                 "- name: ship\n  approval: {required: true}\n"
                 "  steps: [{name: s, run: 'echo shipped'}]\n")
    pipeline = remote(world, "create", path)[0].strip()
    process = start_remote(world, "trigger", "-f", pipeline)
    run_id = process.stdout.readline().decode().strip()
    await_line(process, "| up")
    out, _ = remote(world, "approvals", run_id)
    approval = out.splitlines()[1].split()[0]
    check("job:ship" in out and "0 of 1" in out and "anybody" in out, out)
    remote(world, "pause", pipeline, run_id)
    remote(world, "approve", approval, "-m", "fine")
    check("paused" in remote(world, "show", run_id)[0], "the run is not paused")
    remote(world, "resume", pipeline, run_id)
    await_line(process, "| shipped")
    remote(world, "cancel", run_id, code=2)
    _, err = remote(world, "cancel", run_id, "wait", "t", code=1)
    check("Job wait has no step t." in err, err)
    out, _ = remote(world, "cancel", run_id, "wait")
    same(out, "wait is being cancelled.\n", "answer")
    process.communicate(timeout=PATIENCE)
    same(process.returncode, 130, "exit code")


@case("a run explains itself, and says what would be, until the agent comes")
def explain(world):
    path = write(world, "explain.yaml",
                 "namespace: test.cli\njobs:\n"
                 "- name: first\n  agentSelector: {matchLabels: {zone: far}}\n"
                 "  steps: [{name: s, run: 'true'}]\n"
                 "- name: second\n  dependsOn: [first]\n  steps: [{name: s, run: 'true'}]\n")
    pipeline = remote(world, "create", path)[0].strip()
    run_id = remote(world, "trigger", pipeline)[0].strip()
    out, _ = remote(world, "explain", run_id)
    for part in ("run: pending\n", "job first: queued\n", "No agent has the label zone=far.\n",
                 "job second: pending\n  It waits for job first.\n"):
        check(part in out, out)
    out, _ = remote(world, "explain", "--json", run_id)
    kinds = [reason["kind"] for job in json.loads(out)["jobs"] for reason in job["reasons"]]
    same(kinds, ["place", "no-label", "dependency"], "kinds")
    out, _ = remote(world, "explain", "--end", run_id)
    check("It would not end by itself.\n" in out, out)
    out, _ = remote(world, "explain", "--agent", "zone=far", "--end", "--step", "30s", run_id)
    check("1. first of %s\n" % run_id in out and "It would end: success, in " in out, out)
    check("The longest way there: first, second.\n" in out, out)
    out, _ = remote(world, "explain", "--agent", "zone=near,big=1")
    check("not first of %s\n   No agent has the label zone=far.\n" % run_id in out, out)
    arcentra(world, "explain", code=2)
    _, err = remote(world, "explain", "nobody", code=1)
    check("No run has this id." in err, err)


# --- plan ----------------------------------------------------------------------------------------

MATRIX = """namespace: test.plan
variables: {dir: src}
jobs:
- name: test
  when: trigger.branch == 'main'
  matrix: {os: [linux, mac]}
  agentSelector: {matchLabels: {kind: big}}
  steps: [{name: s, run: ls, workingDirectory: "${{ dir }}"}]
"""


@case("a plan is printed as a tree, as JSON and as graphs, without a server")
def plan_forms(world):
    path = write(world, "plan.yaml", MATRIX)
    agents = write(world, "agents.json", json.dumps(
        [{"id": "a", "name": "box", "labels": {"kind": "big"}}]))
    out, _ = arcentra(world, "plan", path, "--branch", "main", "--agents", agents)
    for part in ("job test[os=linux]", "job test[os=mac]", "agents: box",
                 "trigger.branch is 'main'"):
        check(part in out, out)
    out, _ = arcentra(world, "plan", "--format", "json", "--branch", "main", path)
    plan = json.loads(out)
    same([job["key"] for job in plan["stages"][0]["jobs"]], ["test[os=linux]", "test[os=mac]"],
         "jobs")
    inputs = write(world, "inputs.json", json.dumps({"trigger": {"branch": "main"}}))
    out, _ = arcentra(world, "plan", "--format", "json", "--inputs", inputs, path)
    same(json.loads(out)["hash"], plan["hash"], "the hash of the same inputs")
    out, _ = arcentra(world, "plan", path)
    check("never runs" in out, out)
    out, _ = arcentra(world, "plan", "-f", "dot", path)
    check(out.startswith("digraph plan {") and "test[os=mac]" in out, out)
    out, _ = arcentra(world, "plan", "-f", "mermaid", "-", stdin=MATRIX.encode())
    check(out.startswith("flowchart LR"), out)


@case("a plan that cannot be is exit code 1, a wrong word is 2")
def plan_wrong(world):
    path = write(world, "plan.yaml", MATRIX)
    _, err = arcentra(world, "plan", "--var", "dir=../..", path, code=1)
    check("plan.yaml:8:" in err and "ARC0210" in err, err)
    arcentra(world, "plan", write(world, "bad.yaml", "namespace: a\n"), code=1)
    inputs = write(world, "inputs.json", '{"varables": {}}')
    _, err = arcentra(world, "plan", "--inputs", inputs, path, code=2)
    check("did you mean `variables`?" in err, err)
    _, err = arcentra(world, "plan", "--inputs", inputs, "--ref", "x", path, code=2)
    check("--inputs" in err, err)
    arcentra(world, "plan", "--format", "xml", path, code=2)
    arcentra(world, "plan", "/nowhere/x.yaml", code=2)


STARTED = """namespace: test.starts
jobs:
- name: told
  when: trigger.payload.forced
  steps:
  - name: s
    env:
      TOLD: ${{ join([trigger.ref, trigger.branch, trigger.tag, trigger.sha, trigger.event,
        trigger.actor, git.commit, git.branch], " ") }}
    run: echo "$TOLD"
- {name: never, when: trigger.payload.forced == false, steps: [{name: s, run: "true"}]}
"""
STARTS = ["--ref", "refs/tags/v1", "--branch", "main", "--tag", "v1", "--sha", "5eed",
          "--event", "push", "--actor", "somebody"]
TOLD = "refs/tags/v1 main v1 5eed push somebody 5eed main"


@case("a plan and a run are told in the same words what starts them")
def starts(world):
    path = write(world, "starts.yaml", STARTED)
    words = STARTS + ["--payload", write(world, "payload.json", '{"forced": true}'), path]
    out, _ = arcentra(world, "plan", "--format", "json", *words)
    told, never = json.loads(out)["stages"][0]["jobs"]
    same(told["steps"][0]["env"]["TOLD"], TOLD, "the environment of the plan")
    same(never["when"], "never", "the condition of the other job")
    out, _ = arcentra(world, "run", "--json", *words)
    lines = [row["text"] for row in objects(out) if row["type"] == "log"]
    same(lines, [TOLD], "what the run says")
    jobs = {row["job"]: row["status"] for row in objects(out) if row["type"] == "job"}
    same(jobs, {"told": "success", "never": "skipped"}, "the jobs")


@case("a payload that is no JSON is a wrong word of plan and run")
def bad_payload(world):
    path = write(world, "starts.yaml", STARTED)
    bad = write(world, "payload.json", '{"forced": tru}')
    for command in ("plan", "run"):
        _, err = arcentra(world, command, "--payload", bad, path, code=2)
        check("payload.json is not JSON" in err and len(err.splitlines()) == 1, err)
        _, err = arcentra(world, command, "--payload", "/nowhere/x.json", path, code=2)
        check("/nowhere/x.json" in err, err)
    _, err = arcentra(world, "plan", "--inputs", bad, "--event", "push", path, code=2)
    check("--inputs" in err, err)


@case("an empty output is handed on like any other")
def empty_output(world):
    path = write(world, "empty.yaml", """namespace: test.empty
jobs:
- name: only
  steps:
  - {name: set, run: 'echo "nothing=" >> "$ARCENTRA_OUTPUT"'}
  - name: get
    env: {NOTHING: "<${{ steps.set.outputs.nothing }}>"}
    run: echo "got $NOTHING"
""")
    out, _ = arcentra(world, "run", path)
    check("only/get | got <>" in out, out)


# --- eval ----------------------------------------------------------------------------------------

@case("eval prints a value as a template shows it, or as JSON")
def eval_values(world):
    for text, shown, as_json in (
            ("1 + 2", "3", "3"), ("7.0 / 2", "3.5", "3.5"), ("100.0 * 3", "300.0", "300.0"),
            ("0.1 + 0.2", "0.30000000000000004", "0.30000000000000004"),
            ('"a" + "\\n"', "a\n", '"a\\n"'), ("null", "", "null"), ("!false", "true", "true"),
            ('[1, {a: "x"}]', '[1,{"a":"x"}]', '[1,{"a":"x"}]'),
            ('duration("90m")', "1h30m", '"1h30m"')):
        same(arcentra(world, "eval", text)[0], shown + "\n", text)
        same(arcentra(world, "eval", text, "--format", "json")[0], as_json + "\n", text)
    same(arcentra(world, "eval", "--", "-1")[0], "-1\n", "an expression with a minus")


@case("eval sees the contexts of a file or of the standard input")
def eval_context(world):
    given = json.dumps({"trigger": {"branch": "main"}, "status": "failed"})
    path = write(world, "context.json", given)
    text = 'failure() && trigger.branch == "main"'
    same(arcentra(world, "eval", "--when", "--context", path, text)[0], "true\n", "a when")
    same(arcentra(world, "eval", "-w", "-c", "-", "true", stdin=given.encode())[0], "false\n",
         "one that means success() && true")
    same(arcentra(world, "eval", "-c", path, "trigger.tag ?? 'none'")[0], "none\n", "no tag")
    for more in ([], ["-c", path]):
        text, _ = arcentra(world, "eval", "now()", *more)
        check(abs(time.time() - time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
                  + time.timezone) < 3600, text)
    path = write(world, "context.json", '{"now": "2026-01-31T08:00:00Z"}')
    same(arcentra(world, "eval", "-c", path, "now()")[0][:19], "2026-01-31T08:00:00", "its time")


@case("eval shows what is wrong with a caret, and tells faults from wrong words")
def eval_wrong(world):
    for text, told, caret in (("trigger.brnch == 'a'", "ARC0403", "        ^^^^^"),
                              ("1 +", "nothing on its right side", "  ^"),
                              ("1 / int('0')", "divides by 0", "  ^")):
        out, err = arcentra(world, "eval", text, code=1)
        lines = err.splitlines()
        same(out, "", "what is printed")
        check(told in lines[0], err)
        same(lines[1:], ["     1 | " + text, "       | " + caret], "the excerpt")
    arcentra(world, "eval", "--when", "1", code=1)
    arcentra(world, "eval", "success()", code=1)
    bad = write(world, "context.json", '{"tigger": {}}')
    _, err = arcentra(world, "eval", "-c", bad, "1", code=2)
    check("context.json: tigger: " in err, err)
    for words in (["-c", "/nowhere/x.json", "1"], ["-c", write(world, "x.json", "["), "1"],
                  ["--format", "yaml", "1"], [], ["1", "2"]):
        arcentra(world, "eval", *words, code=2)


@case("a follower outlives kill -9 of the server and misses no line")
def outlive(world):
    script = "i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; sleep 0.05; done"
    pipeline = remote(world, "create", write(world, "outlive.yaml", definition(script)))[0].strip()
    process = start_remote(world, "trigger", "-f", pipeline)
    await_line(process, "| line 3")
    world.server.signal(signal.SIGKILL)
    world.server.wait()
    world.restart_server()
    out = process.communicate(timeout=PATIENCE)[0].decode()
    same(process.returncode, 0, "exit code\n" + out)
    same([line.split("| ")[1] for line in out.splitlines() if "| line " in line],
         ["line %d" % n for n in range(4, 61)], "the lines")


@case("what is wrong is said in one sentence, with a code that scripts can tell")
def wrong(world):
    for argv, env, code, part in (
            (["list"], {"ARCENTRA_SERVER": "127.0.0.1:1"}, 1, "cannot be reached"),
            (["list"], {"ARCENTRA_TOKEN": ""}, 2, "ARCENTRA_TOKEN"),
            (["list"], {"ARCENTRA_TOKEN": "arct_none"}, 1, "token"),
            (["list", "--token-file", "/nowhere"], {}, 2, "/nowhere"),
            (["show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], {}, 1, "no run"),
            (["stop", "a"], {}, 2, "Usage"),
            (["logs"], {}, 2, "--run"),
            (["trigger", "x", "--var", "novalue"], {}, 2, "KEY=VALUE")):
        _, err = remote(world, *argv, code=code, **env)
        check(part in err and len(err.splitlines()) == 1, "%r: %s" % (argv, err))


@case("nothing has tripped a sanitizer")
def sanitizers(world):
    same(world.sanitizer_reports(), [], "reports")


if __name__ == "__main__":
    sys.exit(run_cases(make_world))
