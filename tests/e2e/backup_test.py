#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups of a store whose server runs, what is put back and what is refused, and a server that
goes on with it; a store that is counted beside its server."""
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time

from harness import (arcentra, case, check, environment, in_background, program, run_cases, same,
                     wait_until)
from stores import (close, earlier_stores, file_of, killed_after, make_world, move, rows_of, spec,
                    stop, store_of)


def backup(world, name, *more, code=0, store="arcentra.db"):
    return arcentra(world, "store", "backup", "--from", store_of(world, store), "--to",
                    os.path.join(world.directory, name), *more, code=code)


def restore(world, name, *more, code=0, store="arcentra.db"):
    return arcentra(world, "store", "restore", "--from", os.path.join(world.directory, name),
                    "--to", store_of(world, store), *more, code=code)


def parts(directory):
    return sorted(name for name in os.listdir(directory) if ".part-" in name)


def remove(world, name):
    for end in ("", "-wal", "-shm", ".mark", ".reserve", ".lock"):
        if os.path.exists(file_of(world, name) + end):
            os.unlink(file_of(world, name) + end)


class Load:
    """Runs that are triggered one after the other, until it is ended."""

    def __init__(self, world):
        self.over = threading.Event()
        self.runs = []
        pipeline = world.create(spec("echo one", "echo two"), name="load")

        def go_on():
            while not self.over.is_set():
                self.runs.append(world.trigger(pipeline))
                self.over.wait(0.02)  # or the agent has to work for minutes
        self.result = in_background(go_on)

    def end(self):
        self.over.set()
        self.result()
        return self.runs


def waiting_run(world):
    far = spec("echo far")
    far["jobs"][0]["agentSelector"] = {"matchLabels": {"place": "moon"}}
    return world.trigger(world.create(far, name="far"))


@case("a backup is made under load, and a server goes on with it")
def under_load(world):
    done = world.trigger(world.create(spec("echo before"), name="before"))
    same(world.wait_run(done), "success", "the run")
    waiting = waiting_run(world)
    load = Load(world)
    try:
        wait_until(lambda: load.runs, "the first run")
        same(world.wait_run(load.runs[0]), "success", "the first run")
        for round_ in range(4):
            wait_until(lambda: len(load.runs) > 4 * (round_ + 1), "more runs")
            known = list(load.runs)
            out, _ = backup(world, "round%d.db" % round_, "--json")
            said = json.loads(out)
            check(said["beside"] and said["bytes"] == said["pages"] * 4096, out)
            same(said["bytes"], os.path.getsize(os.path.join(world.directory,
                                                             "round%d.db" % round_)), "its size")
    finally:
        runs = load.end()
    check(len(known) > 3 and len(runs) > len(known), "%d, %d" % (len(known), len(runs)))
    same(parts(world.directory), [], "what is left")
    for run in runs:
        same(world.wait_run(run), "success", "a run of the first life")
    stop(world)
    move(world, "arcentra.db", "first.db")
    db = sqlite3.connect(os.path.join(world.directory, "round3.db"))
    ended = {run for (run,) in db.execute("SELECT id FROM t_pipeline_run WHERE ended_at_ns > 0")}
    (before,) = db.execute("SELECT value FROM t_counter WHERE name = 'fence'").fetchone()
    db.close()
    out, _ = restore(world, "round3.db", "--json")
    said = json.loads(out)
    check(said["runs"] >= len(known) + 2 and said["findings"] == 0, out)
    world.restart_server()
    same(world.run(done)["status"], "success", "the run that was over")
    for run in known:  # what ran at that moment may be lost: its agent has gone on since
        check(world.wait_run(run) in ("success", "failed"), "a run that was acknowledged before")
    over = [run for run in known if run in ended]
    same([world.run(run)["status"] for run in over], ["success"] * len(over), "what was over")
    check(len(over) > 0, "some were over")
    world.start_agent(labels=["place=moon"])
    same(world.wait_run(waiting), "success", "the run that waited")
    new = world.trigger(world.create(spec("echo new"), name="new"))
    same(world.wait_run(new), "success", "a new run")
    stop(world)
    db = sqlite3.connect(file_of(world))
    (after,) = db.execute("SELECT min(fence) FROM t_step_run WHERE run_id = ?",
                          (new,)).fetchone()
    db.close()
    check(after > before + 2 * len(runs), "no fence is handed out twice: %d" % after)
    out, _ = arcentra(world, "store", "check", "--store", store_of(world))
    check("clean" in out, out)
    remove(world, "arcentra.db")
    move(world, "first.db", "arcentra.db")
    world.restart_server()


@case("what is there is not overwritten, and no server's store")
def refused(world):
    backup(world, "once.db")
    _, err = backup(world, "once.db", code=1)
    check("File exists" in err and "--force" in err, err)
    out, _ = backup(world, "once.db", "--force")
    check("every page checked" in out and "logs are not in it" in out, out)
    _, err = restore(world, "once.db", "--force", code=2)
    check("is in use by process %d" % world.server.pid in err and "Stop the server" in err, err)
    _, err = backup(world, os.path.join("data", "arcentra.db"), "--force", code=2)
    check("may not take its place" in err, err)
    _, err = backup(world, "x.db", store="nowhere.db", code=2)
    check("There is no" in err and "nowhere.db" in err, err)
    _, err = arcentra(world, "store", "backup", "--from", store_of(world), code=2)
    check("--to" in err, err)
    for verb, flags in (("backup", ("--from", "postgres://ann@host/ci", "--to", "x.db")),
                        ("restore", ("--from", "once.db", "--to", "postgres://ann@host/ci"))):
        _, err = arcentra(world, "store", verb, *flags, code=2)
        check("pg_dump" in err and not os.path.exists(os.path.join(world.directory, "x.db")), err)
    stop(world)
    _, err = restore(world, "once.db", code=1)
    check("File exists" in err and "--force" in err, err)
    _, err = restore(world, "never.db", code=2)
    check("There is no" in err and "never.db" in err, err)
    out, _ = restore(world, "once.db", "--force")
    check("again" in out, out)
    same(parts(world.settings["data"]) + parts(world.directory), [], "what is left")
    world.restart_server()


@case("a backup that is damaged says where, and is not put back")
def damaged(world):
    run = world.trigger(world.create(spec("echo here"), name="hurt"))
    same(world.wait_run(run), "success", "the run")
    backup(world, "whole.db")
    stop(world)
    hurt = os.path.join(world.directory, "hurt.db")
    shutil.copy(os.path.join(world.directory, "whole.db"), hurt)
    with open(hurt, "r+b") as file:
        file.seek(4 * 4096 + 1000)
        byte = file.read(1)[0]
        file.seek(4 * 4096 + 1000)
        file.write(bytes([byte ^ 4]))
    _, err = restore(world, "hurt.db", store="back.db", code=1)
    check("page 5 does not have its checksum" in err, err)
    shutil.copy(os.path.join(world.directory, "whole.db"), hurt)
    with open(hurt, "r+b") as file:
        file.truncate(os.path.getsize(hurt) - 3 * 4096)
    _, err = restore(world, "hurt.db", store="back.db", code=1)
    check("damaged" in err, err)
    shutil.copy(os.path.join(world.directory, "whole.db"), hurt)
    db = sqlite3.connect(hurt)
    db.execute("DELETE FROM t_event WHERE stream = ? AND seq = 2", (run,))
    close(db)
    _, err = restore(world, "hurt.db", store="back.db", code=1)
    check("gap " + run in err and "--with-findings" in err, err)
    check(not os.path.exists(file_of(world, "back.db")), "nothing was made")
    same(parts(world.settings["data"]), [], "what is left")
    out, _ = restore(world, "hurt.db", "--with-findings", "--json", store="back.db")
    said = json.loads(out)
    check(said["lost"] >= 1 and said["findings"] >= said["lost"], out)
    remove(world, "back.db")
    out, _ = restore(world, "whole.db", store="back.db")
    rows, want = rows_of(file_of(world, "back.db")), rows_of(
        os.path.join(world.directory, "whole.db"))
    same([rows.pop("t_counter") != want.pop("t_counter"), rows == want], [True, True],
         "the rows, but for the fence")
    remove(world, "back.db")
    world.restart_server()


def how_it_stands(world, name, former, new):
    """What has the name of the store: nothing, the former one, the backup, or none that opens."""
    if not os.path.exists(file_of(world, name)):
        return "nothing"
    done = subprocess.run([program("arcentra"), "store", "stats", "--json", "--store",
                           store_of(world, name)], env=environment(world), timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        return "refused"
    rows = json.loads(done.stdout)["rows"]
    return {former: "former", new: "new"}.get(rows, "%d rows" % rows)


@case("putting back is killed anywhere, and what there is is one or the other")
def killed(world):
    stop(world)
    db = sqlite3.connect(file_of(world))
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
               "INSERT INTO t_agent_event (agent_id, epoch, seq, payload) "
               "SELECT 'a', i / 1000, i, hex(zeroblob(50)) FROM n")
    close(db)
    backup(world, "large.db")
    out, _ = arcentra(world, "store", "stats", "--json", "--store", store_of(world))
    new = json.loads(out)["rows"]
    db = sqlite3.connect(file_of(world))
    db.execute("DELETE FROM t_agent_event")
    close(db)
    out, _ = arcentra(world, "store", "stats", "--json", "--store", store_of(world))
    former = json.loads(out)["rows"]
    begun = time.monotonic()
    restore(world, "large.db", store="timed.db")
    whole = time.monotonic() - begun
    remove(world, "timed.db")
    seen = set()
    for i in range(24):
        fresh = i % 2 == 0
        remove(world, "victim.db")
        if not fresh:
            for end in ("", ".mark"):
                shutil.copy(file_of(world) + end, file_of(world, "victim.db") + end)
        words = ["store", "restore", "--from", os.path.join(world.directory, "large.db"), "--to",
                 store_of(world, "victim.db")] + ([] if fresh else ["--force"])
        over = killed_after(world, words, whole * (i + 1) / 24)
        found = how_it_stands(world, "victim.db", former, new)
        seen.add(found)
        check(found in (("nothing" if fresh else "former"), "refused", "new"), found)
        check(found == "new" or not over, "it said that it was done: " + found)
        restore(world, "large.db", "--force", store="victim.db")
        same(how_it_stands(world, "victim.db", former, new), "new", "after it was done again")
    check("nothing" in seen and "former" in seen, "the kills came in time: %r" % seen)
    for name in os.listdir(world.settings["data"]):
        if ".part-" in name or name.startswith("victim.db"):
            os.unlink(file_of(world, name))
    world.restart_server()


@case("a backup of a store of any earlier schema is put back")
def earlier(world):
    for path in earlier_stores("columns-"):
        db = sqlite3.connect(file_of(world, "early.db"))
        with open(path) as file:
            db.executescript(file.read())
        db.close()
        backup(world, "early.db", store="early.db")
        out, _ = restore(world, "early.db", "--json", store="again.db")
        said = json.loads(out)
        same((said["runs"], said["lost"]), (4, 0), path)
        old, new = (sorted(run for (run, *_) in rows_of(file_of(world, name))["t_pipeline_run"])
                    for name in ("early.db", "again.db"))
        same(new, old, "the runs")
        _, err = arcentra(world, "store", "migrate", "--dry-run", "--store",
                          store_of(world, "again.db"))
        same(err, "", "what is said")
        for name in ("early.db", "again.db"):
            remove(world, name)
        os.unlink(os.path.join(world.directory, "early.db"))


@case("a store is counted beside its server, which goes on")
def counted_beside(world):
    pipeline = world.create(spec("echo here"), name="counted")
    same(world.wait_run(world.trigger(pipeline)), "success", "the run")
    before = json.loads(arcentra(world, "store", "stats", "--json", "--store",
                                 store_of(world))[0])
    load = Load(world)
    try:
        for _ in range(5):
            out, _ = arcentra(world, "store", "stats", "--json", "--store", store_of(world))
            said = json.loads(out)
            same(sum(said["runs"].values()), said["tables"]["t_pipeline_run"]["rows"],
                 "of one moment")
            check(said["tables"]["t_pipeline_run"]["rows"] >= sum(before["runs"].values()), out)
            before = said
    finally:
        runs = load.end()
    for run in runs:
        same(world.wait_run(run), "success", "a run")
    same(world.wait_run(world.trigger(pipeline)), "success", "a run behind it")


if __name__ == "__main__":
    run_cases(make_world)
