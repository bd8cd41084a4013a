#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers on one PostgreSQL database are killed at any moment, under clients and agents that go on:
whatever was acknowledged is there once and comes to its end, no step is run twice, nobody who
watches misses anything. One server that comes back; one whose database is killed; two that share
the store.

    replicas_test.py [--kills N] [--seed N] [part of a sentence]
"""
import collections
import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
import time

SYSTEM_PYTHON = "/usr/bin/python3"
NEEDED = ("grpc", "google.protobuf")


def has_grpc():
    try:
        return all(importlib.util.find_spec(name) for name in NEEDED)
    except ImportError:
        return False


if not has_grpc() and os.path.exists(SYSTEM_PYTHON) and \
        os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import Cluster, Unknown  # noqa: E402
from harness import (PATIENCE, SOURCE, Closed, Failure, Refused, Skip, bin_of, case,  # noqa: E402
                     check, make_directory, program, run_cases, same, wait_until)

ENDS = {"success": 3, "failed": 4, "cancelled": 5, "partial": 7}
SUCCESS, FAILED, CANCELLED, TIMEOUT, SKIPPED = 4, 5, 6, 7, 8  # of steps
LINES = 40


def option(name, default):
    """Takes --name N out of the arguments."""
    if name in sys.argv:
        at = sys.argv.index(name)
        value = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]
        return value
    return default


# --- what is run ---------------------------------------------------------------------------------

def said(world):
    """A step that is run says so, with a line for each time."""
    return "echo ran >>%s/said/$ARCENTRA_STEP_RUN_ID.$ARCENTRA_ATTEMPT; " % world.directory


def job(name, *steps, **more):
    return dict({"name": name, "steps": [
        step if isinstance(step, dict) else {"name": "s%d" % i, "run": step}
        for i, step in enumerate(steps)]}, **more)


def specs(world):
    ran = said(world)
    twice = {"name": "twice", "run": ran + "[ $ARCENTRA_ATTEMPT -ge 2 ]",
             "retry": {"maxAttempts": 3, "delay": "100ms"}}
    plain = {
        "quick": [job("a", ran, ran), job("b", ran, dependsOn=["a"])],
        "many": [job("cell", ran, ran, matrix={"n": [1, 2, 3, 4]})],
        "gated": [job("a", ran), job("b", ran, dependsOn=["a"],
                                     approval={"required": True})],
        "stopped": [job("a", ran + "sleep 30", ran)],
        "failing": [job("a", ran), job("b", ran + "exit 3", dependsOn=["a"]),
                    job("c", ran, dependsOn=["b"])],
        "again": [job("a", twice, ran)],
        "alone": [job("a", ran + "sleep 0.2", concurrency="alone")],
        "talking": [job("a", ran + "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; "
                        "sleep 0.1; done" % LINES)],
        "slow": [job("a", ran + "sleep 3", ran)],
    }
    return {name: {"namespace": "test.replicas", "jobs": jobs} for name, jobs in plain.items()}


# --- clients -------------------------------------------------------------------------------------

class Client:
    """Triggers runs and does what they need, three at a time, until the servers live in peace."""

    def __init__(self, trial, number):
        self.trial, self.world, self.number = trial, trial.world, number
        self.rng = random.Random(trial.seed * 1000 + number)
        self.count = 0

    def live(self):
        while not self.world.stopping.is_set() and (self.trial.loud() or self.count < 6):
            started = [self.begin(kind) for kind in self.rng.sample(self.trial.kinds, 3)]
            for kind, run in started:
                self.attend(kind, run)
            for kind, run in started:
                self.trial.ends[run] = self.wait(run)
                if kind == "failing":
                    again = self.request("/pipelines/runs/%s/rerun" % run, {"failedOnly": True},
                                         "pipelineRunId")
                    self.trial.ends[again] = self.wait(again)

    def begin(self, kind):
        path = "/pipelines/%s/trigger" % self.trial.pipelines[kind]
        run = self.request(path, {"triggeredBy": "client-%d" % self.number}, "runId")
        self.trial.kind_of[run] = kind
        return kind, run

    def request(self, path, body, answer):
        """A call that starts something: the same once more is answered with the same."""
        self.count += 1
        body = dict(body, requestId="c%d-%d" % (self.number, self.count))
        status, envelope = self.world.insist(self.rng, "POST", path, body)
        same(status, 200, "%s: %r" % (path, envelope))
        run = envelope["detail"][answer]
        self.trial.acked.append(run)
        if self.rng.random() < 0.4:
            status, envelope = self.world.insist(self.rng, "POST", path, body)
            same((status, envelope["detail"][answer], envelope["detail"].get("duplicate")),
                 (200, run, True), "the same request again")
        return run

    def attend(self, kind, run):
        if kind == "gated":
            self.approve(run)
        elif kind == "stopped":
            self.wait_some()
            pipeline = self.trial.pipelines[kind]
            status, envelope = self.world.insist(
                self.rng, "POST", "/pipelines/%s/runs/%s/stop" % (pipeline, run), {"reason": "t"})
            check(status == 200 or (status == 409 and envelope["again"]), "a stop: %r" % envelope)

    def wait_some(self):
        time.sleep(self.rng.uniform(0, 1))  # whatever it has come to by then

    def approve(self, run):
        def gate():
            listed = self.world.get(self.rng, "/approvals?pipelineRunId=" + run)["list"]
            return listed[0]["approvalId"] if listed else None
        approval = wait_until(gate, "the gate of " + run)
        status, envelope = self.world.insist(self.rng, "POST",
                                             "/approvals/%s/approve" % approval, {})
        check(status == 200 or envelope["again"], "an approval: %d %r" % (status, envelope))

    def wait(self, run):
        def over():
            status = self.world.get(self.rng, "/pipelines/runs/" + run)["status"]
            self.world.raise_errors()
            return status if status in ENDS else None
        return wait_until(over, "the end of %s (%s)" % (run, self.trial.kind_of.get(run)),
                          PATIENCE * 2)


# --- who watches ---------------------------------------------------------------------------------

class LogWatch:
    """Reads the lines of one run after the other live, at one server and then at the next."""

    def __init__(self, trial):
        self.trial, self.world = trial, trial.world
        self.rng = random.Random(trial.seed + 77)
        self.breaks = self.lines = 0

    def live(self):
        while not self.world.stopping.is_set() and self.trial.loud():
            client = Client(self.trial, 100 + self.lines // LINES)
            _, run = client.begin("talking")
            step = self.world.get(self.rng, "/pipelines/runs/%s/steps" % run)["list"][0]
            got = self.follow(run, step)
            self.trial.ends[run] = client.wait(run)
            same(got, ["line %d" % (i + 1) for i in range(LINES)], "the lines of " + run)
            self.lines += len(got)

    def follow(self, run, step):
        got, end = [], time.monotonic() + PATIENCE
        while len(got) < LINES:
            check(time.monotonic() < end, "%s has %d lines: %r" % (run, len(got), got[-3:]))
            try:
                self.read_some(step, got)
            except (Unknown, Closed, Refused, OSError):
                self.breaks += 1
                time.sleep(0.05)  # of a client's own patience
        return got

    def read_some(self, step, got):
        ws = self.world.ws_somewhere(self.rng)
        try:
            ws.subscribe("channel_log", step["pipelineId"], step["jobId"], step["stepRunId"],
                         **{"from": len(got) + 1})
            until = time.monotonic() + self.rng.uniform(1, 3)  # then it goes elsewhere
            while len(got) < LINES and time.monotonic() < until:
                try:
                    message = ws.message(max(0.05, until - time.monotonic()))
                except Failure:
                    return  # nothing is said here
                rows = {"log": [message.get("data")], "log_chunk": message.get("data")}
                for entry in rows.get(message["type"], []):
                    same(entry["line_number"], len(got) + 1, "the number of a line")
                    got.append(entry["content"])
        finally:
            ws.close()


class StatusWatch:
    """Follows every run by StreamPipelineStatus, and goes on behind the last cursor."""

    def __init__(self, trial):
        self.trial, self.world = trial, trial.world
        self.rng = random.Random(trial.seed + 78)
        self.cursor, self.breaks = "0", 0
        self.states = collections.defaultdict(list)

    def live(self):
        import grpc
        from stream.v1 import stream_pb2 as stream
        metadata = [("authorization", "Bearer " + self.world.token)]
        while not self.world.stopping.is_set() and not self.trial.watched():
            replica = self.rng.choice(self.world.replicas)
            channel = grpc.insecure_channel("127.0.0.1:%d" % replica.grpc_port)
            follow = channel.unary_stream(
                "/stream.v1.StreamService/StreamPipelineStatus",
                request_serializer=stream.StreamPipelineStatusRequest.SerializeToString,
                response_deserializer=stream.StreamPipelineStatusResponse.FromString)
            request = stream.StreamPipelineStatusRequest(
                pipeline_ids=list(self.trial.pipelines.values()), cursor=self.cursor)
            try:
                for message in follow(request, timeout=self.rng.uniform(1, 4), metadata=metadata):
                    check(not message.snapshot, "a snapshot behind a cursor: %s" % message)
                    self.states[message.run_id].append((message.previous_status, message.status))
                    self.cursor = message.cursor
            except grpc.RpcError as error:
                known = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
                check(error.code() in known, "the watch: %s" % error)
                self.breaks += error.code() == grpc.StatusCode.UNAVAILABLE
                time.sleep(0.05)  # of a client's own patience
            finally:
                channel.close()


# --- a trial -------------------------------------------------------------------------------------

class Trial:
    """One set of servers, its load, and what has become of it."""

    def __init__(self, servers, database, kills, seed):
        self.servers, self.database, self.kills, self.seed = servers, database, kills, seed
        self.world = self.skipped = None
        self.quiet = False
        self.pipelines, self.kind_of, self.ends, self.acked = {}, {}, {}, []
        self.kinds = ["quick", "many", "gated", "stopped", "failing", "again", "alone", "slow"]
        self.status_watch = self.log_watch = None

    def loud(self):
        return not self.quiet and not self.world.stopping.is_set()

    def watched(self):
        """The watch has seen the end of every run, or there is nobody to wait for."""
        seen = self.status_watch.states
        return self.quiet and all(
            seen[run] and seen[run][-1][1] in ENDS.values() for run in self.acked)

    def run(self):
        self.world = world = Cluster(self.servers)
        os.mkdir(os.path.join(world.directory, "said"))
        rng = random.Random(self.seed)
        for name, spec in specs(world).items():
            status, envelope = world.insist(rng, "POST", "/pipelines", {
                "projectId": "test", "name": name, "spec": spec})
            same(status, 200, "a pipeline: %r" % envelope)
            self.pipelines[name] = envelope["detail"]["pipelineId"]
        self.log_watch = LogWatch(self)
        people = [Client(self, number).live for number in range(3)] + [self.log_watch.live]
        if has_grpc() and shutil.which("protoc") is not None:
            self.status_watch = StatusWatch(self)
            watch = world.in_threads([self.status_watch.live])
        threads = world.in_threads(people)
        try:
            (world.kill_database if self.database else world.kill_some)(self.kills, self.seed)
            self.quiet = True
            for thread in threads + (watch if self.status_watch is not None else []):
                thread.join(PATIENCE * 4)
                world.raise_errors()
                check(not thread.is_alive(), "somebody waits for ever")
        finally:
            world.stopping.set()
        print("# seed %d: %d kills, %d of them inside of a call, %d naps; %d runs; the watches "
              "broke %d and %d times" % (self.seed, world.kills, world.chosen, world.naps,
                                   len(self.acked), self.log_watch.breaks,
                                   self.status_watch.breaks if self.status_watch else 0),
              flush=True)

    def done(self):
        """The world of a trial that went through; its cases need it."""
        if self.skipped is not None:
            raise Skip(self.skipped)
        if self.world is None or not self.quiet or self.world.errors:
            raise Failure("there is nothing to look at")
        return self.world


class Trials:
    """What run_cases wants of a world, of the trials that there are."""

    def __init__(self, kills, seed):
        self.trials = {who: Trial(count, database, kills, seed)
                       for who, (count, database) in TRIALS.items()}
        self.reports = []

    def worlds(self):
        return [trial.world for trial in self.trials.values() if trial.world is not None]

    def show(self):
        for world in self.worlds():
            world.show()

    def close(self):
        for world in self.worlds():
            try:
                world.close()
            except Exception as error:  # the others are closed all the same
                self.reports.append("closing: %r" % error)
            self.reports += world.reports

    def left_behind(self):
        return [line for world in self.worlds() for line in world.left_behind()]


# --- what is looked at ---------------------------------------------------------------------------

def goes_through(trial):
    if trial.servers > 1:
        told = subprocess.run([program("arcentrad"), "--help"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        if "--store-shared" not in told:
            trial.skipped = "this server shares its store with nobody"
            raise Skip(trial.skipped)
    trial.run()
    check(trial.world.kills >= trial.kills, "kills")
    if trial.kills >= 6 and not trial.database:
        check(trial.world.chosen > 0, "none of them was inside of a call")


def is_there_once(trial):
    ask = trial.done().postgres.ask
    same(len(set(trial.acked)), len(trial.acked), "runs that were started by different requests")
    rows = dict(ask("SELECT id, status FROM t_pipeline_run"))
    same(sorted(rows), sorted(trial.acked), "the runs")
    wanted = collections.defaultdict(lambda: ("success",), stopped=("cancelled",),
                                     failing=("failed",))
    for run, end in trial.ends.items():
        same(int(rows[run]), ENDS[end], "the end of %s, as it was answered and as it is" % run)
        kind = trial.kind_of.get(run, "failing")  # reruns
        if end not in wanted[kind]:
            raise Failure("%s run %s ended as %s: %r" % (kind, run, end, ask(
                "SELECT job_name, name, status, attempt, exit_code, reason, error_message, agent_id"
                " FROM t_step_run WHERE run_id = '%s'" % run)))
    same(len(trial.ends), len(trial.acked), "runs whose end was seen")
    counted = ask("SELECT name, total_runs FROM t_pipeline")
    same(sum(int(row[1]) for row in counted), len(trial.acked), "runs that pipelines count")


def runs_as_often(trial):
    world = trial.done()
    ran = collections.Counter()
    for name in os.listdir(os.path.join(world.directory, "said")):
        with open(os.path.join(world.directory, "said", name)) as file:
            ran[name] = len(file.readlines())
    twice = {name: times for name, times in ran.items() if times != 1}
    same(twice, {}, "attempts that ran more than once")
    attempts = set()
    for step, status, attempt, reason in world.postgres.ask(
            "SELECT id, status, attempt, reason FROM t_step_run"):
        status, attempt = int(status), int(attempt)
        names = {"%s.%d" % (step, number) for number in range(1, attempt + 1)}
        attempts |= names
        check("lost" not in reason, "step %s: %s" % (step, reason))
        check(status in (SUCCESS, FAILED, CANCELLED, SKIPPED), "step %s is %d" % (step, status))
        if status in (SUCCESS, FAILED) and "Kept from" not in reason:
            check(names <= set(ran), "of step %s, attempts %r did not run" %
                  (step, sorted(names - set(ran))))
    same(set(ran) - attempts, set(), "attempts that ran and nobody knows of")


def counts_without_gaps(trial):
    ask = trial.done().postgres.ask
    same(ask("SELECT stream, count(*), min(seq), max(seq) FROM t_event GROUP BY stream "
             "HAVING count(*) <> max(seq) OR min(seq) <> 1"), [], "streams with gaps")
    (count, distinct, first, last), = ask(
        "SELECT count(*), count(DISTINCT position), min(position), max(position) FROM t_event")
    same((distinct, first, last), (count, "1", count), "positions of %s events" % count)
    check(int(count) > 100, "there are few events: " + count)


def watch_is_whole(trial):
    world = trial.done()
    check(trial.log_watch.lines > 0, "no line was watched")
    if trial.status_watch is None:
        raise Skip("python3-grpcio, python3-protobuf or protoc is not installed")
    rows = dict(world.postgres.ask("SELECT id, status FROM t_pipeline_run"))
    states = trial.status_watch.states
    same(sorted(states), sorted(rows), "runs that were seen")
    for run, seen in states.items():
        same(seen[-1][1], int(rows[run]), "the last that was seen of %s in %r" % (run, seen))
        for (_, before), (previous, status) in zip(seen, seen[1:]):
            check(previous == before or status == before, "a change is missing in %r" % seen)


def keeps_its_leases(trial):
    """Where the answer to a result was lost, the agent may hear of the end of its lease first."""
    world = trial.done()
    steps = {row[0]: (row[1], int(row[2])) for row in world.postgres.ask(
        "SELECT id, attempt, status FROM t_step_run")}
    for agent in world.agents.values():
        text = agent.text()
        same(text.count("Registered"), 1, "registrations of " + agent.name)
        for step, attempt, why in re.findall(
                r"\((\w+), attempt (\d+)\) is given up: (.*)", text):
            ended = "has ended its lease" in why and steps[step][0] == attempt and \
                steps[step][1] in (SUCCESS, FAILED, CANCELLED)
            # Its failure was stored, so the step was tried again, or waited for that, before the
            # agent knew.
            told = "SELECT 1 FROM t_event WHERE type = 'arcentra.step.retrying'"
            for part in (step, '"exitCode":', '"attempt":%s' % attempt):
                told += " AND position('%s' in body) > 0" % part
            again = ("newer execution" in why or "has ended its lease" in why) and \
                int(steps[step][0]) > int(attempt) and world.postgres.ask(told)
            check(ended or again,
                  "%s gave up %s: %s; it is %r" % (agent.name, step, why, steps[step]))
    same(world.postgres.ask("SELECT id FROM t_job_run WHERE attempt > 1"), [], "jobs run again")


# How many servers, and whether the database is killed in their place.
TRIALS = {"one server": (1, False), "its database": (1, True), "two servers": (2, False)}
CASES = (
    ("runs begin and end under kills at any moment", goes_through),
    ("what was acknowledged is there once and over", is_there_once),
    ("each attempt of a step was run once", runs_as_often),
    ("events and positions count without gaps", counts_without_gaps),
    ("a watch that reconnects misses nothing", watch_is_whole),
    ("agents keep themselves and their leases", keeps_its_leases),
)


def make_stubs():
    """The messages of the streams, for the watch."""
    directory = make_directory("arcentra-stubs-")
    api = os.path.join(os.path.abspath(SOURCE), "api")
    names = ["%s/v1/%s.proto" % (name, name) for name in ("pipeline", "steprun", "stream", "agent")]
    subprocess.run(["protoc", "-I", api, "--python_out", directory] + names, check=True, cwd=api)
    sys.path.insert(0, directory)
    return directory


def main():
    kills, seed = option("--kills", 6), option("--seed", 1)
    if bin_of("initdb") is None:
        print("1..0 # SKIP PostgreSQL's server is not installed")
        return
    for who in TRIALS:
        for sentence, look in CASES:
            case("%s: %s" % (who, sentence))(
                lambda trials, who=who, look=look: look(trials.trials[who]))
    stubs = make_stubs() if has_grpc() and shutil.which("protoc") is not None else None
    try:
        run_cases(lambda: Trials(kills, seed))
    finally:
        if stubs is not None:
            shutil.rmtree(stubs, ignore_errors=True)


if __name__ == "__main__":
    main()
