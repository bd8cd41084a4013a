# SPDX-License-Identifier: Apache-2.0
"""Everything together: the server, two agents, HTTP and WebSocket, with real steps, and the same
when one of them is killed in the middle."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (SOURCE, Closed, Failure, World, case, check, in_background,  # noqa: E402
                     job_name, program, run_cases, same, step_name, wait_until)

UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ENDED = ("completed", "failed", "cancelled", "timeout", "skipped")


def make_world():
    world = World()
    world.start_server()
    world.start_agent()
    world.start_agent()
    return world


@contextlib.contextmanager
def world_of(**settings):
    world = World(**settings)
    try:
        world.start_server()
        yield world
    except Exception:
        world.show()
        raise
    finally:
        world.close()
    same(world.reports, [], "sanitizers")
    same(world.left_behind(), [], "what was left behind")


def step(name, script, **more):
    return dict({"name": name, "run": script}, **more)


def job(name, *steps, **more):
    return dict({"name": name, "steps": list(steps)}, **more)


def spec(*jobs, **more):
    return dict({"namespace": "e2e.test", "version": "v1", "jobs": list(jobs)}, **more)


def one(script, **more):
    return spec(job("only", step("step", script), **more))


def steps_of(world, run):
    return {step_name(row): row for row in world.steps(run)}


def log_of(world, row, until_ended=True):
    """The entries of a step's log over WebSocket, and the events of its status, in order."""
    ws = world.ws()
    entries, events = [], []
    try:
        ws.subscribe("channel_log", row["pipelineId"], row["jobId"], row["stepRunId"])
        ws.subscribe("channel_status", row["pipelineId"], row["jobId"], row["stepRunId"])
        history = ended = False
        while not (history and ended):
            message = ws.message()
            same(message.get("params", {}).get("stepRunId"), row["stepRunId"], "params")
            kind = message["type"]
            if kind == "log_chunk":
                check(len(message["data"]) <= 200, "at most 200 entries")
                entries += message["data"]
            elif kind == "log":
                check(history, "a live line before the history was done")
                entries.append(message["data"])
            elif kind == "history_done":
                history = True
                if not until_ended:
                    ended = True
            elif kind == "status_snapshot":
                events.append(message["data"]["status"])
                ended = ended or message["data"]["status"] > 3
            elif kind == "status":
                events.append(message["data"]["status"])
                ended = message["data"]["status"] in ENDED
            else:
                same(kind, "subscribed", "type of %r" % message)
    finally:
        ws.close()
    return entries, events


def check_numbers(entries):
    same([entry["line_number"] for entry in entries], list(range(1, len(entries) + 1)),
         "line numbers")


def contents(entries):
    return [entry["content"] for entry in entries]


def gate(world, name):
    """A file that a step waits for, and the words for its script."""
    path = os.path.join(world.directory, name)
    return path, "while [ ! -e %s ]; do sleep 0.05; done" % path


def open_gate(path):
    with open(path, "w"):
        pass


# --- what needs no token -------------------------------------------------------------------------

@case("health, readiness and version need no token, everything else does")
def exempt(world):
    for path in ("/health", "/ready", "/api/v1/version"):
        status, headers, text = world.request("GET", path, token=False)
        same(status, 200, path)
    version = subprocess.run([program("arcentrad"), "--version"], stdout=subprocess.PIPE,
                             check=True).stdout.decode().split()[1]
    check(version in world.request("GET", "/api/v1/version", token=False)[2],
          "the version is one: " + version)
    for method, path in (("GET", "/pipelines"), ("POST", "/pipelines"), ("GET", "/nowhere"),
                         ("GET", "/pipelines/runs/" + UNKNOWN), ("POST", "/registration-tokens"),
                         ("POST", "/validate")):
        for token in (False, "arct_0000", "x"):
            status, headers, text = world.request(method, "/api/v1" + path, token=token)
            same(status, 401, "%s %s with token %r" % (method, path, token))
            same(headers.get("www-authenticate"), "Bearer", "www-authenticate")


# --- the fourteen --------------------------------------------------------------------------------

@case("a pipeline is made, shown, listed, changed and deleted")
def pipelines(world):
    made = world.api("POST", "/pipelines", {
        "projectId": "any text / at all", "name": "first", "description": "d",
        "metadata": {"owner": "somebody"}, "createdBy": "user_1", "spec": one("true")})
    pipeline = made["pipelineId"]
    check(re.match("^[0-9A-HJKMNP-TV-Z]{26}$", pipeline), "a ULID: " + pipeline)
    got = world.api("GET", "/pipelines/" + pipeline)
    same((got["name"], got["projectId"], got["description"], got["metadata"], got["createdBy"]),
         ("first", "any text / at all", "d", {"owner": "somebody"}, "user_1"), "the pipeline")
    same(got["status"], "pending", "the status before the first run")
    listed = world.api("GET", "/pipelines?projectId=any%20text%20/%20at+all")
    same([row["pipelineId"] for row in listed["list"]], [pipeline], "the list")
    same((listed["total"], listed["page"], listed["pageSize"]), (1, 1, 20), "the page")
    same(world.api("GET", "/pipelines?name=nobody")["list"], [], "an empty list")
    changed = world.api("PUT", "/pipelines/" + pipeline, {"name": "second"})
    same(changed["name"], "second", "the answer")
    got = world.api("GET", "/pipelines/" + pipeline)
    same((got["name"], got["description"]), ("second", "d"), "only what was given has changed")
    status, envelope = world.call("DELETE", "/pipelines/" + pipeline)
    same((status, "detail" in envelope), (200, False), "deleted")
    same(world.call("GET", "/pipelines/" + pipeline)[0], 404, "afterwards")


@case("a definition is shown, validated and saved against the head that was seen")
def definitions(world):
    pipeline = world.create(one("echo one"))
    shown = world.api("GET", "/pipelines/%s/spec" % pipeline)
    same(shown["spec"]["jobs"][0]["name"], "only", "the definition")
    head = shown["headCommitSha"]
    check(re.match("^[0-9a-f]{64}$", head), "a SHA-256: " + head)
    valid = world.api("POST", "/pipelines/%s/spec/validate" % pipeline,
                      {"spec": spec(job("a", step("s", "true")), job("b", step("s", "true")))})
    same(valid["jobsCount"], 2, "jobs")
    saved = world.api("POST", "/pipelines/%s/spec/save" % pipeline, {
        "spec": one("echo two"), "expectedHeadCommitSha": head, "commitMessage": "two",
        "requestId": "save-1", "editor": "user_1"})
    check(saved["commitSha"] != head, "another head")
    status, envelope = world.call("POST", "/pipelines/%s/spec/save" % pipeline, {
        "spec": one("echo three"), "expectedHeadCommitSha": head})
    same(status, 409, "a stale head")
    check(saved["commitSha"] in json.dumps(envelope), "the present head: %r" % envelope)
    same(world.api("GET", "/pipelines/%s/spec" % pipeline)["headCommitSha"], saved["commitSha"],
         "what is stored")
    status, envelope = world.call("POST", "/pipelines/%s/spec/save" % pipeline,
                                  {"content": "a: b"})
    same(status, 400, "a content text")
    check("removed" in envelope["errMsg"], envelope["errMsg"])


@case("a trigger with a request id that was used starts nothing new")
def idempotent(world):
    pipeline = world.create(one("true"))
    path = "/pipelines/%s/trigger" % pipeline
    body = {"requestId": "r-1", "triggeredBy": "user_1"}
    first, again = world.api("POST", path, body), world.api("POST", path, body)
    same((again["runId"], first["duplicate"], again["duplicate"]), (first["runId"], False, True),
         "the second answer")
    same(world.call("POST", path, dict(body, triggeredBy="user_2"))[0], 409, "another body")
    same(world.wait_run(first["runId"]), "success", "the run")
    runs = world.api("GET", "/pipelines/%s/runs" % pipeline)
    same(runs["total"], 1, "runs")


@case("a run is paused, resumed and stopped; what the state refuses is a 409")
def control(world):
    path, wait = gate(world, "control")
    pipeline = world.create(spec(job("a", step("wait", wait), step("after", "true"))))
    run = world.trigger(pipeline)
    world.wait_step(run, "wait", "running")
    at = "/pipelines/%s/runs/%s" % (pipeline, run)
    same(world.call("POST", at + "/resume", {})[0], 409, "resume of what runs")
    world.api("POST", at + "/pause", {"reason": "manual", "operator": "user_1"})
    same(world.run(run)["status"], "paused", "paused")
    open_gate(path)
    world.wait_step(run, "wait", "success")
    same(steps_of(world, run)["after"]["status"], "pending", "a step behind a pause")
    world.api("POST", at + "/resume", {})
    same(world.wait_run(run), "success", "the end")
    same(world.call("POST", at + "/stop", {})[0], 409, "stop of what is over")
    status, envelope = world.call("POST", at + "/pause", {})
    same(status, 409, "pause of what is over")
    check("success" in json.dumps(envelope), "the present status: %r" % envelope)


@case("stopping a run ends its processes, and nothing new starts")
def stop(world):
    marker = os.path.join(world.directory, "stop.pid")
    pipeline = world.create(spec(
        job("a", step("long", "sleep 600 & echo $! > %s; wait" % marker), step("next", "true")),
        job("b", step("later", "true"), dependsOn=["a"], when="always()")))
    run = world.trigger(pipeline)
    wait_until(lambda: os.path.exists(marker) and os.path.getsize(marker), "the step's child")
    pid = int(open(marker).read())
    world.api("POST", "/pipelines/%s/runs/%s/stop" % (pipeline, run), {"reason": "enough"})
    same(world.wait_run(run), "cancelled", "the run")
    rows = steps_of(world, run)
    same(rows["long"]["status"], "cancelled", "the step")
    check(rows["next"]["status"] in ("cancelled", "skipped"), rows["next"]["status"])
    check(rows["later"]["status"] in ("cancelled", "skipped"), rows["later"]["status"])
    wait_until(lambda: not os.path.exists("/proc/%d" % pid), "the child of the step to be gone")


@case("a pipeline that runs is deleted only by force")
def delete_running(world):
    path, wait = gate(world, "delete")
    pipeline = world.create(one(wait))
    run = world.trigger(pipeline)
    world.wait_step(run, "step", "running")
    same(world.call("DELETE", "/pipelines/" + pipeline)[0], 409, "while it runs")
    same(world.call("DELETE", "/pipelines/%s?force=true" % pipeline)[0], 200, "by force")
    open_gate(path)
    wait_until(lambda: world.run(run)["status"] in ("success", "cancelled"), "its run to end")


@case("lists come in pages")
def pages(world):
    for number in range(5):
        world.create(one("true"), name="p%d" % number, project="pages")
    names = []
    for page in (1, 2, 3):
        got = world.api("GET", "/pipelines?projectId=pages&page=%d&pageSize=2" % page)
        same((got["total"], got["page"], got["pageSize"]), (5, page, 2), "the page")
        names += [row["name"] for row in got["list"]]
    same(sorted(names), ["p0", "p1", "p2", "p3", "p4"], "all of them, once")
    same(world.call("GET", "/pipelines?pageSize=101")[0], 400, "a page too long")


# --- what is wrong -------------------------------------------------------------------------------

@case("bad definitions are refused with their place, and nothing is stored")
def bad_definitions(world):
    before = world.api("GET", "/pipelines")["total"]
    broken = (
        (dict(one("true"), jbos=[]), "jbos"),
        (spec(job("a", step("s", "true"), dependsOn=["b"]),
              job("b", step("s", "true"), dependsOn=["a"])), "dependsOn"),
        (dict(one("true"), jobs="many"), "jobs"),
        (spec(job("a", step("s", "true"), timeout=30)), "timeout"),
        (spec(job("a", step("s", "true"), dependsOn=["nobody"])), "nobody"),
        (spec(job("a"),), "steps"),
        ({"version": "v1"}, "namespace"),
        ([], ""), ("text", ""), (7, ""),
    )
    for bad, part in broken:
        status, envelope = world.call("POST", "/pipelines",
                                      {"projectId": "x", "name": "bad", "spec": bad})
        same(status, 400, "status for %r" % (bad,))
        check(part in json.dumps(envelope), "%r is not named in %r" % (part, envelope))
    pipeline = world.create(one("true"))
    head = world.api("GET", "/pipelines/%s/spec" % pipeline)["headCommitSha"]
    for bad, part in broken[:4]:
        status, envelope = world.call("POST", "/pipelines/%s/spec/validate" % pipeline,
                                      {"spec": bad})
        same((status, envelope.get("type")), (400, "validation"), "validate %r" % (bad,))
        found = envelope["details"]["diagnostics"]
        check(found and found[0]["code"].startswith("ARC") and found[0]["message"] and
              "path" in found[0], "diagnostics: %r" % envelope)
        check(part in json.dumps(found), "%r is not named in %r" % (part, found))
        same(world.call("POST", "/pipelines/%s/spec/save" % pipeline, {"spec": bad})[0], 400,
             "save %r" % (bad,))
    same(world.api("GET", "/pipelines/%s/spec" % pipeline)["headCommitSha"], head, "the head")
    same(world.api("GET", "/pipelines")["total"], before + 1, "pipelines")


@case("broken YAML is refused with line and column")
def broken_yaml(world):
    for text, line in (("namespace: a\njobs: [\n", 2), ("namespace: a\njobs:\n\t- x\n", 3),
                       ("namespace: a\nversoin: v1\njobs:\n- name: j\n  steps:\n  - name: s\n"
                        "    run: 'true'\n", 2),
                       ("namespace: a\nnamespace: b\n", 2)):
        status, envelope = world.call("POST", "/validate", {"text": text, "format": "yaml"})
        same(status, 400, "status of %r" % text)
        found = envelope["details"]["diagnostics"]
        check(any(row["line"] == line and row["column"] >= 1 for row in found),
              "no finding in line %d: %r" % (line, found))
    status, envelope = world.call("POST", "/validate", {
        "text": "namespace: a\njobs:\n- name: j\n  steps:\n  - name: s\n    run: 'true'\n"})
    same(status, 200, "a good one: %r" % envelope)


@case("bad bodies, ids, paths and methods are answered with the envelope")
def bad_requests(world):
    for raw in (b"{", b"[]", b"nul", b'{"name":1,"name":2}', b'{"name":"\xff"}', b'"text"',
                b"{}{}", b"[" * 100000, b'{"name": 1e999}'):
        status, envelope = world.call("POST", "/pipelines", raw=raw)
        check(status in ((400, 413) if len(raw) > 1000 else (400,)),
              "status of %r: %d" % (raw[:40], status))
    status, envelope = world.call("POST", "/pipelines", {"projectId": "x", "nmae": "y"})
    same(status, 400, "an unknown field")
    check("nmae" in json.dumps(envelope), "it is named: %r" % envelope)
    status, envelope = world.call("POST", "/pipelines", raw=b"a=b", headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    same(status, 415, "a form")
    for method, path in (("GET", "/pipelines/" + UNKNOWN), ("PUT", "/pipelines/" + UNKNOWN),
                         ("DELETE", "/pipelines/" + UNKNOWN), ("GET", "/pipelines/runs/" + UNKNOWN),
                         ("POST", "/pipelines/%s/trigger" % UNKNOWN), ("GET", "/pipelines/%00"),
                         ("GET", "/pipelines/..%2f.."), ("GET", "/nowhere"),
                         ("GET", "/pipelines/a:b"), ("GET", "/pipelines/" + "x" * 4000),
                         ("GET", "/pipelines/%s/spec" % UNKNOWN),
                         ("GET", "/pipelines/runs/%s/jobs" % UNKNOWN)):
        body = {} if method in ("PUT", "POST") else None
        status, headers, text = world.request(method, "/api/v1" + path, body)
        check(status in (400, 404), "%s %s: %d %s" % (method, path[:60], status, text))
        check("<html" not in text, text)
        json.loads(text)
    for method, path in (("PATCH", "/pipelines"), ("DELETE", "/pipelines"), ("PUT", "/validate"),
                         ("GET", "/pipelines/%s/trigger" % UNKNOWN)):
        status, headers, text = world.request(method, "/api/v1" + path, {})
        same(status, 405, "%s %s" % (method, path))
        check(headers.get("allow"), "Allow is told")
    same(world.call("POST", "/pipelines", raw=b" " * (4 << 20) + b"{}")[0], 413, "a long body")
    same(world.request("GET", "/health")[0], 200, "the server is up")


@case("what needs a repository is answered with 501")
def repository(world):
    status, envelope = world.call("POST", "/pipelines", {
        "projectId": "x", "name": "y", "repoUrl": "https://git.example.org/x.git",
        "pipelineFilePath": ".arcentra/pipeline.yaml", "saveMode": "pr"})
    check(status in (200, 501), "%d %r" % (status, envelope))
    if status == 200:
        pipeline = envelope["detail"]["pipelineId"]
        same(world.call("POST", "/pipelines/%s/trigger" % pipeline, {})[0], 501, "its trigger")


# --- runs ----------------------------------------------------------------------------------------

@case("steps share a workspace, get their environment and variables, and end in order")
def workspace(world):
    pipeline = world.create(spec(
        job("a", step("write", "echo kept > file; echo \"$GREETING, $WHO\"; echo wrong >&2",
                      env={"GREETING": "Hello"}),
            step("read", "cat file; env | sort")),
        variables={"who": "nobody"}, env={"WHO": "${{ variables.who }}"}))
    run = world.trigger(pipeline, variables={"who": "you"})
    same(world.wait_run(run), "success", "the run")
    rows = steps_of(world, run)
    entries, events = log_of(world, rows["write"])
    check_numbers(entries)
    same(sorted((entry["stream"], entry["content"]) for entry in entries),
         [("stderr", "wrong"), ("stdout", "Hello, you")], "the log")
    for entry in entries:
        same(entry["step_run_id"], rows["write"]["stepRunId"], "step_run_id")
        check(abs(entry["timestamp"] - time.time()) < 600, "timestamp %r" % entry)
        check(entry.get("agent_id"), "agent_id of %r" % entry)
    same(events, [4], "a step that had ended has its snapshot and nothing else")
    lines = contents(log_of(world, rows["read"])[0])
    same(lines[0], "kept", "the workspace is shared")
    check(not any(line.startswith("GREETING=") for line in lines), "env belongs to its step")
    token = world.token
    check(not any(token in line for line in lines), "no token of ours")


@case("a failed step fails the run, and what depends on it is skipped, with the reason")
def failing(world):
    pipeline = world.create(spec(
        job("broken", step("bad", "echo no >&2; exit 3"), step("rest", "true")),
        job("fine", step("good", "true")),
        job("after", step("never", "true"), dependsOn=["broken"]),
        job("notice", step("always", "true"), dependsOn=["broken"], when="failure()")))
    run = world.trigger(pipeline)
    same(world.wait_run(run), "failed", "the run")
    jobs = {job_name(row): row for row in world.jobs(run)}
    same({name: row["status"] for name, row in jobs.items()},
         {"broken": "failed", "fine": "success", "after": "skipped", "notice": "success"}, "jobs")
    check("broken" in json.dumps(jobs["after"]), "the reason names the job: %r" % jobs["after"])
    rows = steps_of(world, run)
    same((rows["bad"]["status"], rows["bad"]["exitCode"]), ("failed", 3), "the step")
    same((rows["rest"]["status"], rows["never"]["status"]), ("skipped", "skipped"), "the others")
    shown = world.run(run)
    same((shown["completedJobs"], shown["failedJobs"], shown["runningJobs"]), (4, 1, 0), "counters")
    same(world.api("GET", "/pipelines/" + pipeline)["status"], "failed", "the pipeline")


@case("a step is retried, and its lines go on in one log")
def retry(world):
    count = os.path.join(world.directory, "retry.count")
    pipeline = world.create(spec(job("a", step(
        "twice", "echo attempt >> %s; n=$(wc -l < %s); echo \"this is $n\"; [ $n -ge 2 ]"
        % (count, count), retry={"maxAttempts": 3, "delay": "10ms"}))))
    run = world.trigger(pipeline)
    same(world.wait_run(run), "success", "the run")
    row = steps_of(world, run)["twice"]
    same(row["attempt"], 2, "attempts")
    entries, _ = log_of(world, row)
    check_numbers(entries)
    same(contents(entries), ["this is 1", "this is 2"], "the log")


@case("jobs that do not depend on each other run at the same time")
def parallel(world):
    first, wait_first = gate(world, "parallel-1")
    second, wait_second = gate(world, "parallel-2")
    pipeline = world.create(spec(
        job("a", step("a", ": > %s; %s" % (first, wait_second))),
        job("b", step("b", ": > %s; %s" % (second, wait_first)))))
    same(world.wait_run(world.trigger(pipeline)), "success", "each waits for the other")


# --- live ----------------------------------------------------------------------------------------

@case("lines and statuses come live over the WebSocket, lines before the end")
def live(world):
    first, wait_first = gate(world, "live-first")
    path, wait = gate(world, "live")
    pipeline = world.create(spec(job("only", step("gate", wait_first),
                                     step("step", "echo before; %s; echo after" % wait))))
    run = world.trigger(pipeline)
    row = steps_of(world, run)["step"]
    ws = world.ws()
    ws.subscribe("channel_status", pipeline, row["jobId"], row["stepRunId"])
    ws.subscribe("channel_log", pipeline, row["jobId"], row["stepRunId"])
    seen, states, lines = [], [], []

    def take():
        message = ws.message()
        seen.append(message)
        if message["type"] == "log_chunk":
            lines.extend(contents(message["data"]))
        elif message["type"] == "log":
            lines.append(message["data"]["content"])
        elif message["type"] == "status":
            states.append(message["data"]["status"])
        return message
    while take()["type"] != "history_done":
        pass
    same((lines, states), ([], []), "nothing has happened yet")
    open_gate(first)
    while "before" not in lines:
        take()
    check("after" not in lines, "the line before the gate comes before it opens")
    open_gate(path)
    while not states or states[-1] not in ENDED:
        take()
    same(lines, ["before", "after"], "all lines stand before the ending status")
    same(states[-2:], ["started", "completed"], "statuses")
    types = [message["type"] for message in seen]
    check(types.index("subscribed") < types.index("history_done"), "order of %r" % types)
    check("subscribed" not in [m["type"] for m in seen if m["channel"] == "channel_status"],
          "a status subscription is answered with its snapshot")
    for message in seen:
        if message["type"] == "status":
            data = message["data"]
            same(data["eventType"], "arcentra.step." + data["status"], "eventType")
            same(data["subject"], "pipeline:%s:job:%s:step:%s" % (
                pipeline, row["jobId"], row["stepRunId"]), "subject")
            same((data["raw"]["type"], data["raw"]["subject"], data["raw"]["specversion"]),
                 (data["eventType"], data["subject"], "1.0"), "the CloudEvent")
        if message["type"] == "status_snapshot":
            data = message["data"]
            same(sorted(data), ["duration", "endTime", "jobId", "pipelineId", "status",
                                "stepRunId"], "members of the snapshot of what has not started")
            same(data["endTime"], None, "endTime while it runs")
    ws.close()


@case("a long history comes in chunks of at most 200, without a gap, then goes on live")
def history(world):
    path, wait = gate(world, "history")
    pipeline = world.create(one("seq 1 1000 | sed 's/^/line /'; "
                                "%s; seq 1001 1500 | sed 's/^/line /'" % wait))
    run = world.trigger(pipeline)
    row = world.wait_step(run, "step", "running")
    watching = in_background(lambda: log_of(world, row))
    other = in_background(lambda: log_of(world, row))
    open_gate(path)
    same(world.wait_run(run), "success", "the run")
    for entries, events in (watching(), other(), log_of(world, row)):
        check_numbers(entries)
        same(contents(entries), ["line %d" % n for n in range(1, 1501)], "the lines")


@case("a log is read from a line, or from its tail, but not both")
def history_range(world):
    pipeline = world.create(one("seq 1 50"))
    run = world.trigger(pipeline)
    world.wait_run(run)
    row = world.steps(run)[0]

    def read(**params):
        ws = world.ws()
        ws.subscribe("channel_log", pipeline, row["jobId"], row["stepRunId"], **params)
        entries = []
        while True:
            message = ws.message()
            if message["type"] == "log_chunk":
                entries += message["data"]
            elif message["type"] in ("history_done", "error"):
                ws.close()
                return message["type"], [entry["line_number"] for entry in entries]
    same(read(**{"from": 41}), ("history_done", list(range(41, 51))), "from")
    same(read(tail=3), ("history_done", [48, 49, 50]), "tail")
    same(read(**{"from": 1, "tail": 3})[0], "error", "both")


@case("what is wrong on a WebSocket is answered, and the connection stays")
def ws_errors(world):
    pipeline = world.create(one("true"))
    run = world.trigger(pipeline)
    world.wait_run(run)
    row = world.steps(run)[0]
    good = {"pipelineId": pipeline, "jobId": row["jobId"], "stepRunId": row["stepRunId"]}
    missing = "pipelineId, jobId and stepRunId are required"
    ws = world.ws()
    for text, channel, error in (
            ("{", None, "message must be a JSON object"),
            ("[]", None, "message must be a JSON object"),
            ('"x"', None, "message must be a JSON object"),
            ({"action": "subscribe"}, "", "channel is required"),
            ({"channel": "x"}, "x", "unknown channel: x"),
            ({"channel": "channel_log", "action": "dance", "params": good}, "channel_log",
             "unknown action: dance"),
            ({"channel": "channel_log"}, "channel_log", missing),
            ({"channel": "channel_log", "params": dict(good, jobId="")}, "channel_log", missing),
            ({"channel": "channel_status", "params": {"stepRunId": "x"}}, "channel_status",
             missing),
            ({"channel": "channel_log", "params": dict(good, stepRunId=UNKNOWN)}, "channel_log",
             "step run not found"),
            ({"channel": "channel_log", "params": dict(good, pipelineId=UNKNOWN)}, "channel_log",
             "step run not found"),
            ({"channel": "channel_status", "params": dict(good, jobId=UNKNOWN)}, "channel_status",
             "step run not found")):
        ws.send(text)
        message = ws.message()
        same((message["type"], message["error"]), ("error", error), "the answer to %r" % (text,))
        if channel is not None:
            same(message["channel"], channel, "the channel of the answer to %r" % (text,))
    ws.send({"channel": "channel_log", "action": "unsubscribe", "params": good})
    message = ws.message()
    same((message["type"], message["data"]), ("unsubscribed", None), "what was not subscribed")
    ws.send({"channel": "channel_status", "params": good})
    same(ws.message()["type"], "status_snapshot", "subscribe is the default")
    ws.send({"channel": "channel_status", "params": good})
    same(ws.message()["type"], "status_snapshot", "again")
    ws.close()


@case("more than 100 subscriptions on a connection are refused")
def ws_subscriptions(world):
    count = 51
    path, wait = gate(world, "subscriptions")
    pipeline = world.create(spec(job("gate", step("gate", wait)), *[
        job("j%d" % n, step("s%d" % n, "true"), dependsOn=["gate"]) for n in range(1, count)]))
    run = world.trigger(pipeline)
    rows = []
    for page in range(1, 5):
        got = world.api("GET", "/pipelines/runs/%s/steps?page=%d&pageSize=20" % (run, page))
        rows += got["list"]
    same(len(rows), count, "steps")
    ws = world.ws()
    refused = 0
    for row in rows:
        for channel in ("channel_status", "channel_log"):
            ws.subscribe(channel, pipeline, row["jobId"], row["stepRunId"])
            time.sleep(0.021)  # not a wait: a client may say 50 things a second
    try:
        while True:
            message = ws.message(3)
            if message["type"] == "error":
                refused += 1
    except (Failure, Closed):
        pass
    same(refused, 2, "subscriptions that were refused")
    ws.close()
    world.api("POST", "/pipelines/%s/runs/%s/stop" % (pipeline, run), {"force": True})
    same(world.wait_run(run), "cancelled", "the run")


# --- losses --------------------------------------------------------------------------------------

def counted(world, name, lines, pause):
    """A script that counts its own executions and prints numbered lines slowly."""
    path = os.path.join(world.directory, name)
    return path, ("echo started >> %s; i=0; while [ $i -lt %d ]; do i=$((i+1)); "
                  "echo \"line $i\"; sleep %s; done" % (path, lines, pause))


def executions(path):
    return len(open(path).read().splitlines()) if os.path.exists(path) else 0


@case("kill -9 of the server: steps in flight go on, none runs twice, the log has no gap")
def kill_server(world):
    first, script = counted(world, "kill-1", 60, "0.05")
    other, script_other = counted(world, "kill-2", 60, "0.05")
    after, script_after = counted(world, "kill-3", 5, "0.01")
    pipeline = world.create(spec(
        job("a", step("one", script), step("two", "echo second >> %s.two" % first)),
        job("b", step("three", script_other)),
        job("c", step("four", script_after), dependsOn=["a", "b"])))
    run = world.trigger(pipeline)
    wait_until(lambda: executions(first) and executions(other), "both steps to start")
    row = steps_of(world, run)["one"]
    pids = [agent.pid for agent in world.agents.values()]
    for _ in range(2):
        world.server.signal(signal.SIGKILL)
        world.server.wait()
        world.restart_server()
        same(world.run(run)["status"], "running", "the run after the restart")
    same(world.wait_run(run), "success", "the run")
    same([executions(path) for path in (first, first + ".two", other, after)], [1, 1, 1, 1],
         "executions")
    same([agent.pid for agent in world.agents.values() if agent.alive()], pids, "the agents")
    for name in ("one", "three"):
        entries, _ = log_of(world, steps_of(world, run)[name])
        check_numbers(entries)
        same(contents(entries), ["line %d" % n for n in range(1, 61)], "the log of " + name)
    same([row["attempt"] for row in world.steps(run)], [1] * 4, "attempts")


@case("an agent with a step renews so often that 15 s without a server cost nothing")
def renewals(_):
    with world_of(lease_ttl="30s", heartbeat="10s") as world:
        world.start_agent()
        path, script = gate(world, "renewals")
        run = world.trigger(world.create(one(script)))
        wait_until(lambda: world.run(run)["status"] == "running", "the step to start")
        agent = steps_of(world, run)["step"]["agentId"]
        ends, oldest = time.monotonic() + 9, 0
        while time.monotonic() < ends:
            row = [row for row in world.api("GET", "/agents")["list"] if row["agentId"] == agent][0]
            oldest = max(oldest, time.time() - row["lastHeartbeat"])
            time.sleep(0.2)
        # Steps are stopped 24 s after the last renewal: 15, and the time to connect, must be left.
        check(oldest < 6, "the last renewal was %.1f s ago" % oldest)
        open_gate(path)
        same(world.wait_run(run), "success", "the run")


@case("the server can be killed again and again while a pipeline runs")
def kill_server_often(world):
    paths, jobs = [], []
    for number in range(4):
        path, script = counted(world, "often-%d" % number, 20, "0.05")
        paths.append(path)
        jobs.append(job("j%d" % number, step("s%d" % number, script),
                        **({"dependsOn": ["j%d" % (number - 1)]} if number % 2 else {})))
    run = world.trigger(world.create(spec(*jobs)))
    for kill in range(5):
        wait_until(lambda: sum(executions(path) for path in paths) > min(kill, 2), "progress")
        world.server.signal(signal.SIGKILL)
        world.server.wait()
        world.restart_server()
    same(world.wait_run(run), "success", "the run")
    same([executions(path) for path in paths], [1] * 4, "executions")
    for row in world.steps(run):
        entries, _ = log_of(world, row)
        check_numbers(entries)
        same(contents(entries), ["line %d" % n for n in range(1, 21)], "the log")


def lose_agent(world, retry):
    """Kills the agent that runs a step. The run, and how often the step was begun."""
    world.start_agent(slots=1)
    world.start_agent(slots=1)
    begun, script = counted(world, "lost", 2000, "0.1")
    done = os.path.join(world.directory, "lost.done")
    script = "if [ -e %s ]; then echo again >> %s; exit 0; fi; %s" % (done, begun, script)
    more = {"retry": {"maxAttempts": 3, "on": ["lost"]}} if retry else {}
    pipeline = world.create(spec(job("a", step("work", script), **more),
                                 job("b", step("after", "true"), dependsOn=["a"])))
    run = world.trigger(pipeline)
    row = world.wait_step(run, "work", "running")
    wait_until(lambda: executions(begun) == 1, "the step to start")
    victim = row["agentId"]
    open_gate(done)
    killed = None
    for name, agent in world.agents.items():
        if is_parent_of_step(agent.pid):
            killed = agent
    check(killed is not None, "no agent has the step as a child")
    killed.signal(signal.SIGKILL)
    return run, begun, victim


def is_parent_of_step(pid):
    """Whether a process has a child that runs a shell."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return False
    for child in children:
        try:
            with open("/proc/%d/cmdline" % child, "rb") as file:
                if b"lost" in file.read() or is_shell(child):
                    return True
        except OSError:
            pass
    return False


def is_shell(pid):
    with open("/proc/%d/comm" % pid) as file:
        return file.read().strip() in ("sh", "dash", "bash")


SHORT = {"lease_ttl": "4s", "heartbeat": "1s"}


@case("kill -9 of an agent: with retry on lost the job runs anew on the other agent")
def lost_with_retry(_):
    with world_of(**SHORT) as world:
        run, begun, victim = lose_agent(world, retry=True)
        same(world.wait_run(run), "success", "the run")
        same(executions(begun), 2, "executions")
        rows = [row for row in world.steps(run) if step_name(row) == "work"]
        newest = rows[-1]
        for row in rows:
            newest = row if row["createdAt"] > newest["createdAt"] or \
                row["status"] == "success" else newest
        same(newest["status"], "success", "the second attempt")
        check(newest["agentId"] != victim, "it runs on the other agent")


@case("kill -9 of an agent: without a retry the run fails and says why")
def lost_without_retry(_):
    with world_of(**SHORT) as world:
        run, begun, victim = lose_agent(world, retry=False)
        same(world.wait_run(run), "failed", "the run")
        same(executions(begun), 1, "executions")
        jobs = {job_name(row): row for row in world.jobs(run)}
        same((jobs["a"]["status"], jobs["b"]["status"]), ("failed", "skipped"), "jobs")
        check("lost" in json.dumps([jobs["a"], world.run(run)]).lower(),
              "it says why: %r %r" % (jobs["a"], world.run(run)))


@case("an agent that was away while the server was killed takes up its work again")
def agents_reconnect(world):
    world.server.signal(signal.SIGKILL)
    world.server.wait()
    world.restart_server()
    same(world.wait_run(world.trigger(world.create(one("echo back")))), "success", "a new run")


def hidden(world, name):
    """A file with the number of a process that leaves the group and the session of its step and has
    an empty environment, and the words that start it: only its adoption tells whose it is."""
    path = os.path.join(world.directory, name)
    return path, ("env -i setsid sh -c 'echo $$ > %s; exec sleep 600' > /dev/null 2>&1 & "
                  "while [ ! -s %s ]; do sleep 0.05; done" % (path, path))


def wait_gone(path):
    with open(path) as file:
        pid = int(file.read())

    def is_gone():
        try:
            with open("/proc/%d/stat" % pid) as file:
                return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            return True
    wait_until(is_gone, "the process to end")


@case("a process that hides from its step is gone when the step ends")
def strangers(world):
    path, script = hidden(world, "stranger")
    same(world.wait_run(world.trigger(world.create(one(script)))), "success", "the run")
    wait_gone(path)


@case("a process that hides from a local run is gone when the run ends")
def local_strangers(world):
    pid_file, script = hidden(world, "local-stranger")
    path = os.path.join(world.directory, "stranger.yaml")
    with open(path, "w") as file:
        json.dump(one(script), file)
    subprocess.run([program("arcentra"), "run", path], stdout=subprocess.DEVNULL, check=True,
                   timeout=60)
    wait_gone(pid_file)


# --- the program ---------------------------------------------------------------------------------

def run_program(world, *argv, env=None, code=0):
    whole = {key: value for key, value in os.environ.items() if not key.startswith("ARCENTRA_")}
    whole.update(env or {})
    done = subprocess.run([program("arcentrad")] + list(argv), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=whole, cwd=world.directory, timeout=60)
    same(done.returncode, code, "exit code of %r: %s" % (argv, done.stderr.decode()))
    return done.stdout.decode(), done.stderr.decode()


@case("a second server on the same store is refused, and told who has it")
def second(world):
    out, err = run_program(world, "--http-listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0",
                           "--data", world.settings["data"], code=1)
    check(str(world.server.pid) in err, "the holder is named: " + err)
    same(world.request("GET", "/health")[0], 200, "the first is well")


@case("a port that is taken is named")
def taken(world):
    for flag in ("--http-listen", "--grpc-listen"):
        other = "--grpc-listen" if flag == "--http-listen" else "--http-listen"
        out, err = run_program(world, flag, "127.0.0.1:%d" % world.http_port, other, "127.0.0.1:0",
                               "--store", "mem:", "--data", world.directory + "/other", code=1)
        check(str(world.http_port) in err and "in use" in err, err)


@case("an address that is none is refused")
def addresses(world):
    for setting in ("http", "grpc"):
        other = "grpc" if setting == "http" else "http"
        for address in ("127.0.0.1:99999", "127.0.0.1", "127.0.0.1:", ":http", "::1:0", "[::1:0",
                        "127.0.0.1:-1", "no such host:1"):
            out, err = run_program(world, "--%s-listen=%s" % (setting, address),
                                   "--%s-listen=127.0.0.1:0" % other, "--store", "mem:", "--data",
                                   world.directory + "/other", code=1)
            check(address in err, "%r is not named: %s" % (address, err))


@case("wrong settings are refused with their place and the nearest name")
def settings(world):
    path = os.path.join(world.directory, "wrong.yaml")

    def refused(text, part):
        with open(path, "w") as file:
            file.write(text)
        out, err = run_program(world, "--config", path, "--print-config", code=2)
        check(part in err, "%r is not in %r" % (part, err))
    refused("data: /x\nhttp_lisen: ':1'\n", "wrong.yaml:2:1: there is no setting \"http_lisen\"; "
                                            "did you mean http_listen?")
    refused("lease_ttl: 30\n", "wrong.yaml:1:1: lease_ttl is a time")
    refused("data: [\n", "wrong.yaml:2:1: ")
    example = os.path.join(SOURCE, "examples", "server", "arcentrad.yaml")
    run_program(world, "--config", os.path.abspath(example), "--print-config")
    out, err = run_program(world, "--config", world.directory + "/absent.yaml", code=2)
    check("absent.yaml" in err, err)
    out, err = run_program(world, "--print-config", env={"ARCENTRA_RUNS_MAX": "x"}, code=2)
    check("ARCENTRA_RUNS_MAX" in err, err)
    out, err = run_program(world, "--tea", code=2)
    check("--tea" in err, err)
    out, err = run_program(world, "token", "king", code=2)
    check("king" in err, err)
    out, err = run_program(world, "token", "--help")
    check("token admin|agent" in out, out)
    for flag in ("--http-listen", "--grpc-listen"):
        out, err = run_program(world, "--http-listen", "127.0.0.1:0", "--grpc-listen",
                               "127.0.0.1:0", flag, "127.0.0.1:65536", "--store", "mem:",
                               "--data", world.directory + "/other", code=1)
        check("127.0.0.1:65536" in err, err)


@case("flags win over the environment, the environment over the file")
def layers(world):
    path = os.path.join(world.directory, "layers.yaml")
    with open(path, "w") as file:
        file.write("runs_max: 1\nlog_level: warn\nlease_ttl: 40s\n")
    out, err = run_program(world, "--config", path, "--print-config", "--log-level", "debug",
                           env={"ARCENTRA_LEASE_TTL": "50s", "ARCENTRA_LOG_LEVEL": "error"})
    check("runs_max: 1  # %s:1:1" % path in out, out)
    check("lease_ttl: 50s  # ARCENTRA_LEASE_TTL" in out, out)
    check('log_level: "debug"  # --log-level' in out, out)
    with open(path, "w") as file:
        file.write(out)
    again, err = run_program(world, "--config", path, "--print-config")
    same([line.split("  #")[0] for line in again.splitlines()],
         [line.split("  #")[0] for line in out.splitlines()], "it prints a file that says the same")


@case("the admin token is private, made once, and never in a log")
def admin_token(world):
    path = os.path.join(world.settings["data"], "admin.token")
    mode = os.stat(path).st_mode & 0o777
    same(mode, 0o600, "its mode")
    check(world.token.startswith("arct_"), "its form")
    for process in world.processes:
        check(world.token not in process.text(), "it stands in the log of " + process.name)
    check(path in world.processes[0].text(), "its place was told")


@case("arcentrad token makes more, and says what to do while a server runs")
def token_command(world):
    data = world.settings["data"]
    out, err = run_program(world, "token", "agent", "--data", data, code=1)
    check("registration-tokens" in err and out == "", "the way over HTTP: " + err)
    out, err = run_program(world, "token", "admin", "--data", data, code=1)
    check("admin.token" in err and out == "", err)
    with world_of() as away:
        away.server.popen.terminate()
        same(away.server.wait(), 0, "exit code")
        out, err = run_program(away, "token", "admin", "--name", "more", "--data",
                               away.settings["data"])
        more = out.strip()
        check(re.match("^arct_[0-9A-Za-z_-]+$", more), "the token alone: %r" % out)
        out, err = run_program(away, "token", "agent", "--data", away.settings["data"])
        registration = out.strip()
        check(re.match("^art_[0-9a-f]{40}$", registration), "the token alone: %r" % out)
        away.start_server()
        same(away.call("GET", "/pipelines", token=more)[0], 200, "the new token")
        same(away.call("GET", "/pipelines", token=registration)[0], 401, "an agent's token")
        directory = os.path.join(away.directory, "byhand")
        os.makedirs(directory)
        with open(os.path.join(directory, "registration.token"), "w") as file:
            file.write(registration + "\n")
        away.start_agent(name="byhand")
        same(away.wait_run(away.trigger(away.create(one("true")))), "success", "its run")


@case("the log is JSON lines when asked")
def json_log(_):
    with world_of(log_format="json", log_level="info") as world:
        world.server.popen.terminate()
        same(world.server.wait(), 0, "exit code")
        lines = world.server.text().splitlines()
        check(lines, "no lines")
        for line in lines:
            row = json.loads(line)
            check(row["level"] in ("info", "warn", "error"), line)
            check(row["time"].endswith("Z"), "UTC: " + line)


@case("TERM with agents and a WebSocket open ends with 0; the run goes on at the next start")
def drain(world):
    path, wait = gate(world, "drain")
    count = os.path.join(world.directory, "drain.count")
    run = world.trigger(world.create(one("echo x >> %s; %s; echo done" % (count, wait))))
    row = world.wait_step(run, "step", "running")
    ws = world.ws()
    ws.subscribe("channel_log", row["pipelineId"], row["jobId"], row["stepRunId"])
    begun = time.monotonic()
    world.server.popen.terminate()
    try:
        while True:
            ws.message()
    except Closed as end:
        same(end.code, 1001, "close code")
    same(world.server.wait(), 0, "exit code")
    check(time.monotonic() - begun < 20, "it took %.1f s" % (time.monotonic() - begun))
    world.restart_server()
    open_gate(path)
    same(world.wait_run(run), "success", "the run")
    same(executions(count), 1, "executions")


@case("nothing has tripped a sanitizer")
def sanitizers(world):
    same(world.sanitizer_reports(), [], "reports")


if __name__ == "__main__":
    run_cases(make_world)
