#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A store by its tools, between the lives of a real server: copied, killed in the middle of a copy,
counted, checked."""
import json
import os
import shutil
import sqlite3
import subprocess
import time

from harness import (World, arcentra, case, check, environment, program, run_cases, same,
                     wait_until)
from stores import (close, earlier_stores, file_of, killed_after, make_world, move, rows_of, spec,
                    stop, store_of)


@case("a copy has every row, and a server goes on with it")
def copied(world):
    run = world.trigger(world.create(spec("echo one", "echo two")))
    same(world.wait_run(run), "success", "the run")
    far = spec("echo far")
    far["jobs"][0]["agentSelector"] = {"matchLabels": {"place": "moon"}}
    waiting = world.trigger(world.create(far, name="far"))
    _, err = arcentra(world, "store", "migrate", "--store", store_of(world), code=2)
    check("is in use by process" in err and "Stop the server first." in err, err)
    stop(world)
    out, _ = arcentra(world, "store", "copy", "--from", store_of(world), "--to",
                      store_of(world, "copy.db"))
    check("t_event" in out and "and the same" in out, out)
    same(rows_of(file_of(world, "copy.db")), rows_of(file_of(world)), "the rows")
    _, err = arcentra(world, "store", "copy", "--from", store_of(world), "--to",
                      store_of(world, "copy.db"), code=1)
    check("name an empty one" in err, err)
    arcentra(world, "store", "check", "--store", store_of(world, "copy.db"))
    move(world, "copy.db", "arcentra.db")
    world.restart_server()
    same(world.run(run)["status"], "success", "the run that was over")
    world.start_agent(labels=["place=moon"])
    same(world.wait_run(waiting), "success", "the run that was not")


@case("a copy that is killed is no store, until it is gone on with")
def killed(world):
    stop(world)
    db = sqlite3.connect(file_of(world))
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000) "
               "INSERT INTO t_agent_event (agent_id, epoch, seq, payload) "
               "SELECT 'a', i / 1000, i, hex(zeroblob(50)) FROM n")
    close(db)
    words = ["store", "copy", "--from", store_of(world), "--to", store_of(world, "killed.db")]
    copy = subprocess.Popen([program("arcentra")] + words, env=environment(world),
                            cwd=world.directory, stdout=subprocess.DEVNULL)

    def half():
        path = file_of(world, "killed.db")
        return sum(os.path.getsize(path + end) for end in ("", "-wal")
                   if os.path.exists(path + end)) > 4 << 20
    wait_until(half, "the copy to be at work")
    copy.kill()
    same(copy.wait(), -9, "the copy's end")
    out, _ = arcentra(world, "store", "stats", "--json", "--store", store_of(world, "killed.db"))
    check(json.loads(out)["unfinished"], out)
    move(world, "arcentra.db", "first.db")
    move(world, "killed.db", "arcentra.db")
    config = os.path.join(world.directory, "arcentrad.yaml")
    done = subprocess.run([program("arcentrad"), "--config", config], env=environment(world),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    check(done.returncode != 0 and b"copy" in done.stdout and b"--resume" in done.stdout,
          "%d %r" % (done.returncode, done.stdout))
    words = ["store", "copy", "--from", store_of(world, "first.db"), "--to", store_of(world)]
    _, err = arcentra(world, *words, code=1)
    check("--resume" in err, err)
    out, _ = arcentra(world, *words, "--resume")
    same(rows_of(file_of(world)), rows_of(file_of(world, "first.db")), "the rows")
    db = sqlite3.connect(file_of(world))
    db.execute("DELETE FROM t_agent_event")
    close(db)
    world.restart_server()


@case("what is in a store is counted, as text and as JSON")
def counted(world):
    pipeline = world.create(spec("exit 3"), name="fails")
    for _ in range(2):
        same(world.wait_run(world.trigger(pipeline)), "failed", "the run")
    stop(world)
    out, _ = arcentra(world, "store", "stats", "--json", "--store", store_of(world))
    stats = json.loads(out)
    rows = rows_of(file_of(world))
    for table, found in rows.items():
        same(stats["tables"][table]["rows"], len(found), table)
    check(stats["runs"]["failed"] >= 2, out)
    same(sum(stats["runs"].values()), len(rows["t_pipeline_run"]), "the runs")
    check(stats["fileBytes"] >= os.path.getsize(file_of(world)), out)
    out, _ = arcentra(world, "store", "stats", "--store", store_of(world))
    check("failed" in out and "t_event" in out and "WAL" in out, out)
    world.restart_server()


@case("old runs are deleted, and the server goes on counting")
def pruned(world):
    pipeline = world.create(spec("echo here"), name="often")
    runs = []
    for _ in range(5):  # one by one: the one that ends last has the newest event, and is kept
        runs.append(world.trigger(pipeline))
        same(world.wait_run(runs[-1]), "success", "the run")
    stop(world)
    logs = os.path.join(world.settings["data"], "logs")
    check(all(os.path.exists(os.path.join(logs, run)) for run in runs), "there are logs")
    words = ["store", "prune", "--store", store_of(world)]
    out, _ = arcentra(world, *words, "--per-pipeline", "2", "--dry-run")
    check("3 runs would be deleted." in out, out)
    out, _ = arcentra(world, *words, "--per-pipeline", "2")
    check("3 runs were deleted" in out, out)
    left = [run for (run,) in sqlite3.connect(file_of(world)).execute(
        "SELECT id FROM t_pipeline_run WHERE pipeline_id = ? ORDER BY id", (pipeline,))]
    same(left, sorted(runs)[3:], "the newest ones")
    same([os.path.exists(os.path.join(logs, run)) for run in sorted(runs)],
         [False, False, False, True, True], "their logs")
    arcentra(world, "store", "check", "--store", store_of(world))
    _, err = arcentra(world, *words, "--held", code=2)
    check("--older-than" in err, err)
    world.restart_server()
    status, _ = world.call("GET", "/pipelines/runs/" + sorted(runs)[0])
    same(status, 404, "a run that is gone")
    new = world.trigger(pipeline)
    same(world.wait_run(new), "success", "a new run")
    same(world.api("GET", "/pipelines/" + pipeline)["totalRuns"], 6, "all that it ever ran")
    listed = world.api("GET", "/pipelines/%s/runs" % pipeline)
    same(listed["total"], 3, "the runs that are listed")


def make_earlier(path):
    """A world whose store was written by an earlier version."""
    world = World()
    os.makedirs(world.settings["data"])
    db = sqlite3.connect(file_of(world))
    with open(path) as file:
        db.executescript(file.read())
    db.close()
    return world


def live_on(world):
    """What was open ends, what was over is there, and new runs run."""
    db = sqlite3.connect(file_of(world))
    runs = dict(db.execute("SELECT id, ended_at_ns > 0 FROM t_pipeline_run"))
    pipeline = db.execute("SELECT id FROM t_pipeline WHERE name = 'good'").fetchone()[0]
    db.close()
    world.start_server()
    check("arcentra store migrate" in world.server.text(), "the server says what is to be done")
    world.start_agent(labels=["place=moon"])
    ended = [world.run(run)["status"] for run, over in runs.items() if over]
    same(sorted(ended), ["failed", "success"], "what was over")
    for run, over in runs.items():
        if not over:
            same(world.wait_run(run), "success", "what was open")
    same(world.wait_run(world.trigger(pipeline)), "success", "a new run")
    same(world.api("GET", "/pipelines/%s/runs" % pipeline)["total"], 2, "its runs")
    stop(world)


@case("a store of every earlier schema opens, lives on and is migrated")
def earlier(_):
    paths = earlier_stores("columns-")
    check(len(paths) >= 10, "there are some")
    for path in paths:
        world = make_earlier(path)
        try:
            live_on(world)
            words = ["store", "migrate", "--store", store_of(world)]
            out, _ = arcentra(world, *words, "--dry-run")
            check("to do" in out, out)
            out, _ = arcentra(world, *words)
            check("All is done." in out, out)
            out, _ = arcentra(world, *words)
            check("to do" not in out, out)
            out, _ = arcentra(world, "store", "check", "--store", store_of(world))
            check("clean" in out, "%s: %s" % (path, out))
            world.start_server()
            same(world.server.text().count("arcentra store migrate"), 1, "it was said once")
        finally:
            world.close()


def age(path):
    """A store as an early version would have left it: what came later is empty in its rows."""
    db = sqlite3.connect(path)
    for table, first in (("t_pipeline_run", 23), ("t_step_run", 29)):
        late = [(name, kind) for _, name, kind, *_ in db.execute(
            "PRAGMA table_info(%s)" % table)][first:]
        db.execute("UPDATE %s SET %s" % (table, ", ".join(
            "%s = %s" % (name, "0" if kind == "INTEGER" else "''") for name, kind in late)))
    db.execute("DELETE FROM t_counter WHERE name = 'schema'")
    close(db)


@case("a migration that is killed anywhere goes on")
def migration_killed(world):
    pipeline = world.create(spec("true"), name="many")
    runs = [world.trigger(pipeline) for _ in range(120)]
    for run in runs:
        same(world.wait_run(run), "success", "the run")
    stop(world)
    shutil.copy(file_of(world), file_of(world, "whole.db"))
    age(file_of(world, "whole.db"))
    aged, whole = rows_of(file_of(world, "whole.db")), rows_of(file_of(world))
    check(aged["t_pipeline_run"] != whole["t_pipeline_run"], "there is something to do")

    def words(name):
        return ["store", "migrate", "--store", store_of(world, name)]

    shutil.copy(file_of(world, "whole.db"), file_of(world, "timed.db"))
    begun = time.monotonic()
    arcentra(world, *words("timed.db"))
    took = time.monotonic() - begun
    cut = 0
    for i in range(16):
        for end in ("-wal", "-shm", ".mark", ".reserve"):
            if os.path.exists(file_of(world, "victim.db") + end):
                os.unlink(file_of(world, "victim.db") + end)
        shutil.copy(file_of(world, "whole.db"), file_of(world, "victim.db"))
        over = killed_after(world, words("victim.db"), took * (i + 1) / 16)
        out, _ = arcentra(world, *words("victim.db"), "--dry-run", "--json")
        done = json.loads(out)["migrations"][0]["done"]
        check(done or not over, "it said that it was done")
        cut += not done
        arcentra(world, *words("victim.db"))
        rows = rows_of(file_of(world, "victim.db"))
        for table in whole:
            same(rows[table] == whole[table], True, "rows of " + table)
    check(cut > 2, "the kills came in time: %d" % cut)
    world.restart_server()


@case("a new store needs no migration, and a newer one is refused")
def newest(world):
    stop(world)
    words = ["store", "migrate", "--store", store_of(world)]
    out, _ = arcentra(world, *words, "--dry-run")
    check("done" in out and "to do" not in out, out)
    db = sqlite3.connect(file_of(world))
    db.execute("UPDATE t_counter SET value = value + 1 WHERE name = 'schema'")
    close(db)
    _, err = arcentra(world, *words, code=1)
    check("written by a newer version" in err, err)
    config = os.path.join(world.directory, "arcentrad.yaml")
    done = subprocess.run([program("arcentrad"), "--config", config], env=environment(world),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    check(done.returncode != 0 and b"newer version" in done.stdout, repr(done.stdout))
    db = sqlite3.connect(file_of(world))
    db.execute("UPDATE t_counter SET value = value - 1 WHERE name = 'schema'")
    close(db)
    world.restart_server()


def serve_with(world, **retention):
    """The server anew, with these settings alone of how long runs are kept."""
    stop(world)
    for name in [name for name in world.settings if name.startswith("retention_")]:
        del world.settings[name]
    world.settings.update(retention)
    world.restart_server()


def kept(world, runs):
    """Of these runs, in order: those that are there, by what the server says and by their logs."""
    logs = os.path.join(world.settings["data"], "logs")
    there = [run for run in runs if world.call("GET", "/pipelines/runs/" + run)[0] == 200]
    same([run for run in runs if os.path.exists(os.path.join(logs, run))], there, "the logs")
    return there


@case("a server deletes what is old by its settings, with all of it")
def retained(world):
    pipelines = [world.create(spec("echo here"), name="old-%d" % i) for i in range(2)]
    runs = [[world.trigger(pipeline) for _ in range(4)] for pipeline in pipelines]
    for run in runs[0] + runs[1]:
        same(world.wait_run(run), "success", "the run")
    far = spec("echo far")
    far["jobs"][0]["agentSelector"] = {"matchLabels": {"place": "mars"}}
    waiting = world.trigger(world.create(far, name="far-away"))
    first, second = sorted(runs[0]), sorted(runs[1])
    for setting, value, left in (
            ("retention_runs_per_pipeline", 3, [first[1:], second[1:]]),
            ("retention_runs_max", 3, [[], second[2:]]),
            ("retention_max_age", "1s", [[], []])):
        serve_with(world, **{setting: value})
        gone = [run for run in first + second if run not in left[0] + left[1]]
        wait_until(lambda: all(world.call("GET", "/pipelines/runs/" + run)[0] == 404
                               for run in gone), "the old ones to go")
        same([kept(world, first), kept(world, second)], left, setting)
        same([world.api("GET", "/pipelines/" + pipeline)["totalRuns"] for pipeline in pipelines],
             [4, 4], "all that they ever ran")
        same(world.run(waiting)["status"] in ("pending", "running"), True, "what is not over")
    serve_with(world)
    world.start_agent(labels=["place=mars"])
    same(world.wait_run(waiting), "success", "the run that waited")
    same(world.wait_run(world.trigger(pipelines[0])), "success", "a new run")
    stop(world)
    db = sqlite3.connect(file_of(world))
    for run in first + second:
        for table, column in (("event", "stream"), ("job_run", "run_id"), ("step_run", "run_id")):
            (count,) = db.execute("SELECT count(*) FROM t_%s WHERE %s = ?" % (table, column),
                                  (run,)).fetchone()
            same(count, 0, "rows of t_" + table)
    db.close()
    out, _ = arcentra(world, "store", "check", "--store", store_of(world))
    check("clean" in out, out)
    world.restart_server()


# What each verb says with --json, and of which kind each value is. A list holds what each of its
# items is, "*" stands for any key.
TABLE = {"rows": int, "bytes": int}
SHAPES = {
    "backup": {"file": str, "pages": int, "bytes": int, "beside": bool},
    "restore": {"file": str, "pages": int, "bytes": int, "beside": bool, "runs": int,
                "events": int, "findings": int, "lost": int},
    "check": {"runs": int, "events": int, "rows": int, "damaged": int, "findings": int,
              "fixed": int},
    "copy": {"tables": {"*": dict(TABLE, sha256=str)}, "rows": int, "written": int},
    "migrate": {"migrations": [{"number": int, "what": str, "done": bool}]},
    "prune": {"dryRun": bool, "runs": int, "jobs": int, "steps": int, "events": int,
              "artifacts": int, "requestKeys": int, "keptForNotices": int, "keptAsNewest": int},
    "stats": {"tables": {"*": TABLE}, "rows": int, "bytes": int, "runs": {"*": int},
              "runsDamaged": int, "runsImported": int, "oldestRunNs": int, "newestRunNs": int,
              "oldestEventNs": int, "newestEventNs": int, "position": int, "fileBytes": int,
              "walBytes": int, "unfinished": bool},
}


def has_shape(value, shape, where):
    if isinstance(shape, dict):
        check(isinstance(value, dict) and value, "%s: %r" % (where, value))
        if list(shape) != ["*"]:
            same(sorted(value), sorted(shape), where)
        for key, part in value.items():
            has_shape(part, shape.get(key, shape.get("*")), where + "." + key)
    elif isinstance(shape, list):
        check(isinstance(value, list) and value, "%s: %r" % (where, value))
        for part in value:
            has_shape(part, shape[0], where + "[]")
    else:
        same(type(value), shape, where)


@case("every verb of a store says the same as one JSON object")
def as_json(world):
    same(world.wait_run(world.trigger(world.create(spec("echo here"), name="json"))), "success",
         "the run")
    out, _ = arcentra(world, "store", "--help")
    verbs = [line.split()[0] for line in out.split("Verbs:")[1].split("\n\n")[0].split("\n")[1:]]
    same(sorted(SHAPES), sorted(verbs), "the verbs")
    stop(world)
    here, file = ["--store", store_of(world)], file_of(world, "saved")
    flags = {"backup": ["--from", store_of(world), "--to", file],
             "restore": ["--from", file, "--to", store_of(world, "json.db")],
             "copy": ["--from", store_of(world), "--to", store_of(world, "json-copy.db")],
             "prune": here + ["--dry-run", "--runs", "1"]}
    for verb in verbs:
        out, err = arcentra(world, "store", verb, "--json", *flags.get(verb, here))
        same((len(out.splitlines()), err), (1, ""), verb)
        has_shape(json.loads(out), SHAPES[verb], verb)
    world.restart_server()


@case("a wrong word is answered with the right ones")
def words(world):
    out, _ = arcentra(world, "store", "--help")
    check("copy" in out and "stats" in out, out)
    _, err = arcentra(world, "store", code=2)
    check("Usage: arcentra store VERB" in err, err)
    _, err = arcentra(world, "store", "cpoy", code=2)
    check("`cpoy`" in err and "--help" in err, err)
    _, err = arcentra(world, "store", "copy", "--from", "sqlite:a.db", code=2)
    check("--to" in err, err)
    _, err = arcentra(world, "store", "stats", "--store", "sqlite:nowhere.db", code=2)
    check("There is no store nowhere.db." in err, err)
    _, err = arcentra(world, "store", "copy", "--from", "sqlite:nowhere.db", "--to", "sqlite:b.db",
                      code=2)
    check("There is no store nowhere.db." in err, err)
    check(not os.path.exists(os.path.join(world.directory, "b.db")), "nothing was made")


if __name__ == "__main__":
    run_cases(make_world)
