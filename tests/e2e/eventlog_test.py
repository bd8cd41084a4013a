#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The event log by its tools: a store is checked, damaged, rebuilt, carried elsewhere and looked at
as of any event, between the lives of a real server."""
import json
import os
import sqlite3

from harness import (World, arcentra, case, check, objects, remote, run_cases, same, wait_until)



def step(name, script, **more):
    return dict({"name": name, "run": script}, **more)


def spec(*jobs):
    return {"namespace": "test.log", "jobs": list(jobs)}


def waits_for(place):
    """A job that no agent of the beginning takes."""
    return spec({"name": "far", "agentSelector": {"matchLabels": {"place": place}},
                 "steps": [step("say", "echo " + place)]})


def make_world():
    world = World()
    world.start_server()
    world.start_agent(slots=4)
    return world


def store_of(world):
    return "sqlite:" + os.path.join(world.settings["data"], "arcentra.db")


def stop(world):
    world.server.signal(15)
    same(world.server.wait(), 0, "the server's exit code")


def fsck(world, *flags, code=0):
    """The findings and the report."""
    out, _ = arcentra(world, "fsck", "--store", store_of(world), "--format", "json", *flags,
                      code=code)
    lines = objects(out)
    return lines[:-1], lines[-1]


def sql(world, *statements):
    """Somebody who should not have writes into the file; answers what the last one found."""
    db = sqlite3.connect(store_of(world)[len("sqlite:"):])
    rows = []
    for statement in statements:
        cursor = db.execute(*statement) if isinstance(statement, tuple) else db.execute(statement)
        rows = cursor.fetchall()
        check(rows or cursor.rowcount != 0, "nothing was hit by %r" % (statement,))
    db.commit()
    db.execute("VACUUM")  # pages that were only changed would not have their checksums
    db.close()
    return rows


def run_twice(world):
    """A run with a retry, ended well, and its id."""
    mark = os.path.join(world.directory, "mark")
    if os.path.exists(mark):
        os.unlink(mark)
    flaky = step("flaky", "test -e %s || { touch %s; exit 3; }" % (mark, mark),
                 retry={"maxAttempts": 2})
    run = world.trigger(world.create(spec(
        {"name": "build", "steps": [flaky, step("after", "echo done")]},
        {"name": "last", "dependsOn": ["build"], "steps": [step("say", "echo last")]})))
    same(world.wait_run(run), "success", "the run")
    return run


@case("a run is shown as of each of its events, by a server and from its store")
def show_at(world):
    run = run_twice(world)
    pages, _ = remote(world, "show", run, "--events", "--json")
    events = [event for page in objects(pages) for event in page["events"]]
    same([int(event["seq"]) for event in events], list(range(1, len(events) + 1)), "the numbers")
    same(events[0]["type"], "arcentra.pipeline.triggered", "the first event")
    same(events[-1]["type"], "arcentra.pipeline.completed", "the last event")
    then = []
    for n in range(1, len(events) + 1):
        out, _ = remote(world, "show", run, "--at", str(n), "--json")
        then.append(json.loads(out))
        same(then[-1]["event"], events[n - 1], "the event that it is shown as of")
        same(int(then[-1]["seq"]), n, "its number")
    same(then[0]["run"]["status"], "pending", "how it began")
    same(then[-1]["run"]["status"], "success", "how it ended")
    done = [int(state["run"]["completedJobs"]) for state in then]
    same(done, sorted(done), "jobs only end")
    check(any(state["stepRuns"][0]["status"] == "pending" and
              int(state["stepRuns"][0]["attempt"]) == 1 for state in then), "it was tried again")
    detail = world.api("GET", "/pipelines/runs/%s/show?at=1" % run)
    same(detail["run"]["status"], "pending", "the same over HTTP")
    listed = world.api("GET", "/pipelines/runs/%s/events?after=1&limit=2" % run)
    same([int(event["seq"]) for event in listed["list"]], [2, 3], "a part of the events")
    out, _ = remote(world, "show", run, "--at", "1")
    check(out.startswith("As of event 1 of %d, " % len(events)), out)
    check("pipeline.triggered" in out and "flaky" in out and "pending" in out, out)
    out, _ = remote(world, "show", run, "--events")
    check("step.retrying" in out and "build/flaky" in out, out)
    _, err = remote(world, "show", run, "--at", str(len(events) + 1), code=1)
    check("The last event of the run is number %d." % len(events) in err, err)
    stop(world)
    for n in (1, len(events) // 2, len(events)):
        out, _ = arcentra(world, "show", run, "--store", store_of(world), "--at", str(n), "--json")
        same(json.loads(out), then[n - 1], "what the store says of event %d" % n)
    out, _ = arcentra(world, "show", run, "--store", store_of(world))
    check("success" in out, out)
    out, _ = arcentra(world, "show", run, "--store", store_of(world), "--events", "--json")
    same([event for page in objects(out) for event in page["events"]], events, "the events")
    _, err = arcentra(world, "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--store", store_of(world),
                      code=1)
    check("no run with this id" in err, err)
    world.restart_server()


@case("a store in use is refused by name, and one that is not there is not made")
def refused(world):
    _, err = arcentra(world, "fsck", "--store", store_of(world), code=2)
    check("is in use by process %d." % world.server.pid in err and "Stop the server" in err, err)
    _, err = arcentra(world, "fsck", "--store", "sqlite:nowhere.db", code=2)
    check("There is no store nowhere.db." in err, err)
    check(not os.path.exists(os.path.join(world.directory, "nowhere.db")), "nothing was made")
    arcentra(world, "fsck", "--store", "mem:", code=2)
    arcentra(world, "fsck", "--store", "sqlite:x", "--format", "xml", code=2)


@case("what is wrong with rows is found, named and put right")
def rebuild(world):
    run = run_twice(world)
    stop(world)
    findings, report = fsck(world)
    same((findings, report["findings"]), ([], 0), "a store that nobody touched")
    check(report["runs"] >= 1 and report["events"] > 10, report)
    job, = sql(world, ("SELECT id FROM t_job_run WHERE run_id = ? AND name = 'last'", (run,)))
    sql(world,
        ("UPDATE t_job_run SET status = 5 WHERE id = ?", job),
        ("DELETE FROM t_step_run WHERE run_id = ? AND name = 'say'", (run,)),
        ("UPDATE t_pipeline_run SET failed_jobs = 9 WHERE id = ?", (run,)),
        ("UPDATE t_pipeline SET success_runs = 77 WHERE id = "
         "(SELECT pipeline_id FROM t_pipeline_run WHERE id = ?)", (run,)),
        "INSERT INTO t_job_run (id, run_id) VALUES ('GHOST', 'NORUN')",
        "UPDATE t_counter SET value = 0 WHERE name = 'fence'")
    findings, report = fsck(world, code=1)
    by_kind = {}
    for finding in findings:
        by_kind.setdefault(finding["kind"], []).append(finding)
    same(sorted(by_kind), ["missing", "orphan", "value"], "the kinds of what is wrong")
    same(sorted((f["table"], f["column"], f["stored"]) for f in by_kind["value"]),
         [("t_counter", "value", "0"), ("t_job_run", "status", "5"),
          ("t_pipeline", "success_runs", "77"), ("t_pipeline_run", "failed_jobs", "9")],
         "the values")
    same([(f["row"], f["expected"]) for f in by_kind["value"] if f["table"] == "t_job_run"],
         [(job[0], "4")], "the job that has another status")
    same(by_kind["orphan"][0]["row"], "GHOST", "the row of no run")
    same(by_kind["missing"][0]["table"], "t_step_run", "the row that is not there")
    check(not any(f["fixed"] for f in findings), "nothing was changed")
    findings, report = fsck(world, "--rebuild")
    same((report["findings"], report["fixed"]), (6, 6), "what was put right")
    same(fsck(world)[1]["findings"], 0, "what is left")
    out, _ = arcentra(world, "fsck", "--store", store_of(world))
    check(out.endswith("clean.\n"), out)
    world.restart_server()
    same(world.run(run)["failedJobs"], 0, "what the server says of it")
    same([s["status"] for s in world.steps(run) if s["stepName"] == "say"], ["success"], "its step")


@case("a damaged run is quarantined, and the others go on")
def quarantine(world):
    pipeline = world.create(waits_for("moon"))
    body, gap, sound = [world.trigger(pipeline) for _ in range(3)]
    stop(world)
    before, = sql(world, ("SELECT body FROM t_event WHERE stream = ? AND seq = 2", (body,)))
    lost, = sql(world, ("SELECT position, type, time_ns, body FROM t_event "
                        "WHERE stream = ? AND seq = 1", (gap,)))
    sql(world, ("UPDATE t_event SET body = '{\"job\":' || x'ff' || '}' "
                "WHERE stream = ? AND seq = 2", (body,)),
        ("DELETE FROM t_event WHERE stream = ? AND seq = 1", (gap,)))
    findings, report = fsck(world, code=1)
    same(report["damaged"], 2, "damaged runs")
    named = {f["stream"]: (f["kind"], f["seq"]) for f in findings}
    same((named[body], named[gap]), (("event", 2), ("gap", 1)), "which event")
    fsck(world, "--rebuild", code=1)  # nothing can be made of what does not fold
    world.restart_server()
    check("Run %s is quarantined: " % body in world.server.text(), "the log names it")
    check("Run %s is quarantined: Its first event is missing." % gap in world.server.text(),
          "and the other one")
    wait_until(lambda: world.run(body)["reason"].startswith("Quarantined: "), "its row to say so")
    runs = world.api("GET", "/pipelines/%s/runs" % pipeline)["list"]
    same(sorted(r["runId"] for r in runs if r["reason"].startswith("Quarantined: ")),
         sorted([body, gap]), "lists show them")
    status, envelope = world.call("POST", "/pipelines/%s/runs/%s/stop" % (pipeline, body), {})
    same(status, 409, "what a stop is answered")
    check("quarantined" in json.dumps(envelope), envelope)
    out, _ = remote(world, "explain", gap)
    check("It is set aside: Its first event is missing." in out, out)
    status, envelope = world.call("GET", "/pipelines/runs/%s/show" % body)
    same(status, 409, "what is made of its events")
    world.start_agent(labels=["place=moon"])
    same(world.wait_run(sound), "success", "the run beside them")
    same(world.run(body)["status"], "pending", "the damaged one")
    stop(world)
    world.restart_server()  # it is not tried again
    check(world.run(body)["reason"].startswith("Quarantined: "), "still")
    stop(world)
    sql(world, ("UPDATE t_event SET body = ? WHERE stream = ? AND seq = 2", (before[0], body)),
        ("INSERT INTO t_event (stream, seq, position, type, time_ns, body) "
         "VALUES (?, 1, ?, ?, ?, ?)", (gap,) + lost))
    findings, _ = fsck(world, code=1)
    same(sorted((f["kind"], f["stream"]) for f in findings),
         sorted([("quarantine", body), ("quarantine", gap)]), "only the quarantine is left")
    fsck(world, "--rebuild")
    same(fsck(world)[0], [], "what is left")
    world.restart_server()
    same(world.wait_run(body), "success", "the run that was set free")
    same(world.wait_run(gap), "success", "and the other one")


@case("a run goes to another store as one file, and comes back the same")
def carried(world):
    ended = run_twice(world)
    waiting = world.trigger(world.create(waits_for("mars")))
    stop(world)
    files = {}
    for run in (ended, waiting):
        files[run] = os.path.join(world.directory, run)
        arcentra(world, "export", run, "--store", store_of(world), "-o", files[run])
    lines = objects(open(files[ended]).read())
    same((lines[0]["arcentra"], lines[0]["version"], lines[0]["runId"]), ("run", 1, ended), "head")
    check("definition" in lines[1] and lines[-1]["end"]["lines"] == len(lines) - 1, lines[-1])
    out, _ = arcentra(world, "export", ended, "--store", store_of(world))
    same(out, open(files[ended]).read(), "the same on the standard output")
    _, err = arcentra(world, "export", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--store", store_of(world),
                      code=1)
    check("No run has this id." in err, err)
    other = World()
    try:
        other.start_server()
        other.start_agent(labels=["place=mars"])
        stop(other)
        for run in (ended, waiting):
            out, _ = arcentra(other, "import", files[run], "--store", store_of(other))
            check(run in out and "was taken in" in out, out)
            out, _ = arcentra(other, "import", files[run], "--store", store_of(other))
            check("was here already" in out, out)
            out, _ = arcentra(other, "export", run, "--store", store_of(other))
            same(out, open(files[run]).read(), "what comes out again")
        same(fsck(other)[0], [], "the other store")
        other.restart_server()
        same(other.run(ended)["status"], "success", "the run that was over")
        same(len(other.steps(ended)), len(lines) and 3, "its steps")
        found = other.run(waiting)
        same((found["status"], found["reason"]),
             ("pending", "It was imported: a record of a run of another control plane."),
             "the run that was not over")
        status, _ = other.call("POST", "/pipelines/%s/runs/%s/stop"
                               % (found["pipelineId"], waiting), {})
        same(status, 409, "what a stop of it is answered")
        new = other.trigger(other.create(waits_for("mars")))
        same(other.wait_run(new), "success", "a run of its own")
        same(other.run(waiting)["status"], "pending", "and the record stays one")
    finally:
        other.close()
    world.restart_server()


@case("a file that is not whole, not right or not text is not taken")
def bad_files(world):
    run = run_twice(world)
    stop(world)
    out, _ = arcentra(world, "export", run, "--store", store_of(world))
    good = out.encode()
    lines = good.splitlines(keepends=True)
    other = World()
    try:
        other.start_server()
        stop(other)
        bad = {
            "cut off": b"".join(lines[:-1]),
            "cut off in the middle": good[:-10],
            "empty": b"",
            "changed": good.replace(b"flaky", b"Flaky"),
            "a line less": b"".join(lines[:4] + lines[5:]),
            "not UTF-8": good.replace(b"flaky", b"fl\xffky"),
            "not JSON": b"run\n" + good,
            "another version": good.replace(b'"version":1', b'"version":2', 1),
            "an unknown key": good.replace(b'"version":1', b'"version":1,"more":1', 1),
            "something behind the end": good + b"{}\n",
        }
        for what, data in bad.items():
            path = os.path.join(other.directory, "bad")
            with open(path, "wb") as file:
                file.write(data)
            _, err = arcentra(other, "import", path, "--store", store_of(other), code=2)
            check("bad" in err, "%s: %s" % (what, err))
        same(fsck(other)[1]["events"], 0 if not fsck(other)[1]["runs"] else -1, "nothing came in")
        with open(path, "wb") as file:
            file.write(good)
        arcentra(other, "import", path, "--store", store_of(other))
        sql(other, ("UPDATE t_event SET time_ns = time_ns + 1 WHERE stream = ? AND seq = 3",
                    (run,)))
        _, err = arcentra(other, "import", path, "--store", store_of(other), code=1)
        check("Another run of this id is here: its events are others." in err, err)
    finally:
        other.close()
    world.restart_server()


if __name__ == "__main__":
    run_cases(make_world)
