#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server whose store is PostgreSQL: real runs, and a database that is killed under them."""
import glob
import os
import shlex
import shutil
import signal
import subprocess
import sys

from harness import (SOURCE, Postgres, World, arcentra, bin_of, case, check, environment, program,
                     run_cases, same, wait_until)
from stores import earlier_stores

SECRET = "hush-hush"


class PostgresWorld(World):
    def __init__(self):
        self.postgres = Postgres()
        super().__init__(store="postgres:///ci?host=%s&user=ann&password=%s" %
                         (self.postgres.directory, SECRET))

    def close(self):
        super().close()
        self.postgres.close()


def make_world():
    world = PostgresWorld()
    world.start_server()
    world.start_agent(slots=4)
    return world


def spec(*commands):
    return {"namespace": "test.postgres", "jobs": [
        {"name": "build", "steps": [{"name": "s%d" % i, "run": command}
                                    for i, command in enumerate(commands)]}]}


def gate(world, name):
    """A file, and a step that waits for it."""
    path = os.path.join(world.directory, name)
    return path, "while ! test -e %s; do sleep 0.05; done" % path


def start(world, *commands):
    pipeline = world.create(spec(*commands))
    return world.trigger(pipeline)


@case("runs end, and their state is in PostgreSQL")
def ends(world):
    run = start(world, "echo one", "echo two")
    world.wait_run(run, "success")
    check(not glob.glob(os.path.join(world.settings["data"], "*.db")), "there is a file of SQLite")


@case("a server that is killed goes on where it was")
def killed(world):
    path, waits = gate(world, "killed")
    run = start(world, waits, "echo after")
    world.wait_step(run, "s0", "running")
    world.server.kill()
    world.restart_server()
    open(path, "w").close()
    world.wait_run(run, "success")
    same([step["status"] for step in world.steps(run)], ["success", "success"], "the steps")


@case("a run goes on when PostgreSQL was killed under it")
def database_killed(world):
    path, waits = gate(world, "database")
    run = start(world, waits, "echo after")
    world.wait_step(run, "s0", "running")
    world.postgres.kill()
    open(path, "w").close()
    world.postgres.start()
    world.wait_run(run, "success")
    check(world.server.alive(), "the server ended")


@case("a second server waits for its turn, and takes over")
def stands_by(world):
    path, waits = gate(world, "second")
    run = start(world, waits)
    world.wait_step(run, "s0", "running")
    first, ports = world.server, (world.http_port, world.grpc_port)
    data = os.path.join(world.directory, "second-data")
    shutil.copytree(world.settings["data"], data)  # its token; logs are each server's own
    second = world.start("second", [
        program("arcentrad"), "--data", data, "--store", world.settings["store"],
        "--http-listen", "127.0.0.1:%d" % ports[0], "--grpc-listen", "127.0.0.1:%d" % ports[1]])
    wait_until(lambda: "Waiting for the store" in second.text(), "the second to wait")
    first.kill()
    world.server = second
    wait_until(lambda: "listens" in second.text(), "the second to listen")
    open(path, "w").close()
    world.wait_run(run, "success")


def by_tools(world, database, *words):
    """Does what the tool says is to be done in its place; the manual says the same."""
    _, err = arcentra(world, "store", *words, code=2)
    check("PGPASSFILE" in err and SECRET not in err, err)
    lines = [line for line in err.splitlines() if line.startswith("  ")]
    check(lines, err)
    with open(os.path.join(SOURCE, "docs", "OPERATING.md"), encoding="utf-8") as file:
        manual = file.read()
    given = {"HOST": world.postgres.directory, "USER": "ann", "DATABASE": database,
             "FILE": os.path.join(world.postgres.directory, "dump")}
    for line in lines:
        check("\n    %s\n" % line.strip() in manual, "the manual does not say " + line)
        world.postgres.run(*[given.get(word, word) for word in shlex.split(line)])


@case("a database is backed up by pg_dump, and a server goes on with it")
def dumped(world):
    done = start(world, "echo done")
    world.wait_run(done, "success")
    far = spec("echo far")
    far["jobs"][0]["agentSelector"] = {"matchLabels": {"place": "moon"}}
    waiting = world.trigger(world.create(far, name="far"))
    store = world.settings["store"]
    by_tools(world, "ci", "backup", "--from", store, "--to", "x.db")  # while the server runs
    world.postgres.run("createdb", "-h", world.postgres.directory, "-U", "ann", "again")
    by_tools(world, "again", "restore", "--from", "x.db", "--to", store)
    later = start(world, "echo later")
    world.wait_run(later, "success")
    world.server.signal(signal.SIGTERM)
    same(world.server.wait(), 0, "the server's exit code")
    world.settings["store"] = store.replace("postgres:///ci?", "postgres:///again?")
    world.restart_server()
    same(world.run(done)["status"], "success", "the run that was over")
    same(world.call("GET", "/pipelines/runs/" + later)[0], 404, "a run behind the backup")
    world.start_agent(labels=["place=moon"])
    world.wait_run(waiting, "success")
    world.wait_run(start(world, "echo new"), "success")
    world.server.signal(signal.SIGTERM)
    same(world.server.wait(), 0, "the server's exit code")
    out, _ = arcentra(world, "store", "check", "--store", world.settings["store"])
    check("clean" in out, out)
    world.settings["store"] = store
    world.restart_server()


@case("a database that a server has is not counted, and it says who has it")
def not_counted(world):
    _, err = arcentra(world, "store", "stats", "--store", world.settings["store"], code=2)
    check("has the database: process" in err and "Stop the server first." in err, err)
    check(SECRET not in err, err)


@case("of two that migrate a database at once one does, and one says who")
def migrated_once(world):
    world.server.signal(signal.SIGTERM)
    same(world.server.wait(), 0, "the server's exit code")
    where = ("-h", world.postgres.directory, "-U", "ann", "-d", "ci", "-At")
    words = ["store", "migrate", "--store", world.settings["store"]]

    def ask(sql):
        return subprocess.run([bin_of("psql"), *where, "-c", sql], stdout=subprocess.PIPE,
                              check=True, text=True, cwd="/", **world.postgres.who).stdout.strip()
    ask("DELETE FROM t_counter WHERE name = 'schema'")
    # The number is the last that a migration writes: it waits there for whoever holds this row.
    holder = subprocess.Popen([bin_of("psql"), *where], stdin=subprocess.PIPE, cwd="/", text=True,
                              stdout=subprocess.DEVNULL, **world.postgres.who)
    try:
        holder.stdin.write("BEGIN; INSERT INTO t_counter (name, value) VALUES ('schema', 0);\n")
        holder.stdin.flush()
        wait_until(lambda: ask("SELECT count(*) FROM pg_stat_activity WHERE state = "
                               "'idle in transaction'") == "1", "the row to be held")
        first = subprocess.Popen([program("arcentra")] + words, env=environment(world),
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_until(lambda: ask("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1",
                   "the first to be at its end")
        first.send_signal(signal.SIGSTOP)  # longer than another one waits
    finally:
        holder.communicate("ROLLBACK;\n")
    _, err = arcentra(world, *words, code=2)
    check("has the database: process" in err and SECRET not in err, err)
    first.send_signal(signal.SIGCONT)
    out, _ = first.communicate()
    same(first.returncode, 0, out.decode())
    check(b"All is done." in out, repr(out))
    out, _ = arcentra(world, *words)
    check("to do" not in out, out)
    world.restart_server()


@case("a database of every earlier schema opens, lives on and is migrated")
def earlier(world):
    where = ("-h", world.postgres.directory, "-U", "ann")
    paths = earlier_stores("postgres-columns-")
    check(len(paths) >= 1, "there are some")
    for i, path in enumerate(paths):
        name = "early%d" % i
        here = shutil.copy(path, world.postgres.directory)
        world.postgres.run("createdb", *where, name)
        world.postgres.run("psql", *where, "-d", name, "-v", "ON_ERROR_STOP=1", "-q", "-f", here)
        store = world.settings["store"].replace("postgres:///ci?", "postgres:///%s?" % name)
        early = World(store=store)
        try:
            early.start_server()
            early.start_agent(labels=["place=moon"])
            found = {pipeline["name"]: pipeline["pipelineId"]
                     for pipeline in early.api("GET", "/pipelines")["list"]}
            ended = {}
            for pipeline, id_ in found.items():
                runs = early.api("GET", "/pipelines/%s/runs" % id_)["list"]
                ended[pipeline] = sorted(early.wait_run(run["runId"]) for run in runs)
            same(ended, {"good": ["success"], "bad": ["failed"], "far": ["success"] * 2},
                 "what was over, and what was open")
            same(early.wait_run(early.trigger(found["good"])), "success", "a new run")
            early.server.signal(signal.SIGTERM)
            same(early.server.wait(), 0, "the server's exit code")
            arcentra(early, "store", "migrate", "--store", store)
            out, _ = arcentra(early, "store", "check", "--store", store)
            check("clean" in out, "%s: %s" % (path, out))
        finally:
            early.close()


@case("a server goes on while a newer version adds its columns")
def older_goes_on(world):
    path, waits = gate(world, "older")
    run = start(world, waits, "echo after")
    world.wait_step(run, "s0", "running")
    where = ("-h", world.postgres.directory, "-U", "ann", "-d", "ci")
    tables = ("pipeline", "pipeline_run", "job_run", "step_run", "event", "agent", "counter")
    world.postgres.run("psql", *where, "-v", "ON_ERROR_STOP=1", "-c", "BEGIN; " + "".join(
        "ALTER TABLE t_%s ADD COLUMN later TEXT NOT NULL DEFAULT ''; " % table
        for table in tables) + "CREATE INDEX later ON t_event (later); "
        "CREATE TABLE t_later (id TEXT); COMMIT")
    open(path, "w").close()
    world.wait_run(run, "success")
    world.wait_run(start(world, "echo on a prepared statement"), "success")
    world.postgres.kill()
    world.postgres.start()
    world.wait_run(start(world, "echo on new connections"), "success")
    world.server.signal(signal.SIGTERM)
    same(world.server.wait(), 0, "the server's exit code")
    _, err = arcentra(world, "store", "stats", "--store", world.settings["store"], code=2)
    check("has more columns than this version knows" in err, err)
    world.postgres.run("psql", *where, "-v", "ON_ERROR_STOP=1", "-c", "BEGIN; " + "".join(
        "ALTER TABLE t_%s DROP COLUMN later; " % table for table in tables)
        + "DROP TABLE t_later; COMMIT")
    world.restart_server()


@case("a store is copied into a file and back, and a server goes on")
def copied(world):
    done = start(world, "echo done")
    world.wait_run(done, "success")
    world.server.signal(signal.SIGTERM)
    same(world.server.wait(), 0, "the server's exit code")
    url, path = world.settings["store"], os.path.join(world.directory, "copy.db")
    back = url.replace("postgres:///ci?", "postgres:///back?")
    out, _ = arcentra(world, "store", "copy", "--from", url, "--to", "sqlite:" + path)
    check("and the same" in out and os.path.exists(path), out)
    world.postgres.run("createdb", "-h", world.postgres.directory, "-U", "ann", "back")
    out, _ = arcentra(world, "store", "copy", "--from", "sqlite:" + path, "--to", back)
    check("and the same" in out and SECRET not in out, out)
    for store in (url, "sqlite:" + path, back):
        out, _ = arcentra(world, "store", "check", "--store", store)
        check("clean" in out and SECRET not in out, out)
    world.settings["store"] = back
    world.restart_server()
    same(world.run(done)["status"], "success", "the run that was over")
    world.wait_run(start(world, "echo new"), "success")
    world.server.signal(signal.SIGTERM)
    same(world.server.wait(), 0, "the server's exit code")
    world.settings["store"] = url


@case("no log holds the password of the store")
def no_password(world):
    for process in world.processes:
        check(SECRET not in process.text(), "%s shows it" % process.name)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if bin_of("initdb") is None:
        print("1..0 # SKIP PostgreSQL's server is not installed")
        sys.exit(0)
    run_cases(make_world)
