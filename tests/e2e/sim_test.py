#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""arcentra sim: lives of a definition under made-up time, as its user meets them."""
import json
import os
import re
import shutil
import subprocess
import tempfile

from harness import PATIENCE, SOURCE, case, check, program, run_cases, same

PIPELINES = os.path.join(os.path.abspath(SOURCE), "examples", "pipelines")
FLAKY = """namespace: test.sim
jobs:
- name: build
  steps:
  - {name: compile, run: make, timeout: 90s}
  retry: {maxAttempts: 2}
  outputs: {kind: "${{ steps.compile.outputs.kind }}"}
- name: probe
  dependsOn: [build]
  when: "needs.build.outputs.kind == 'full'"
  steps:
  - {name: check, run: make check}
"""
WAITS = """namespace: test.sim
jobs:
- name: release
  approval: {required: true, approvers: [ops], timeout: 1000h}
  steps:
  - {name: go, run: make release}
"""


class Place:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="arcentra-sim-")
        self.reports = []

    def sim(self, *words, code=0):
        env = {key: value for key, value in os.environ.items() if not key.startswith("ARCENTRA_")}
        done = subprocess.run([program("arcentra"), "sim"] + list(words), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=env, timeout=PATIENCE)
        out, err = done.stdout.decode(), done.stderr.decode()
        check("Sanitizer" not in err and "runtime error" not in err, err)
        same(done.returncode, code, "exit code of %r\n%s\n%s" % (words, out, err))
        return out, err

    def report(self, *words):
        return json.loads(self.sim("--json", *words)[0])

    def write(self, text):
        path = os.path.join(self.directory, "pipeline.yaml")
        with open(path, "w") as file:
            file.write(text)
        return path

    def close(self):
        shutil.rmtree(self.directory)

    def show(self):
        """Nothing but what a command has said, which is in the failure."""

    def left_behind(self):
        return []


def jobs_of(report):
    return {job["job"]: job for job in report["jobs"]}


@case("the same seeds are the same lives, other seeds are others")
def same_seeds(place):
    path = place.write(FLAKY)
    first = place.report("--seeds", "20", path)
    same(place.report("--seeds", "20", path), first, "the second report")
    other = place.report("--seeds", "20", "--seed", "21", path)
    check(other["digest"] != first["digest"], "two ranges of seeds gave one digest")


@case("each of the example pipelines ends in every life")
def examples(place):
    for name in sorted(os.listdir(PIPELINES)):
        if not name.endswith(".yaml"):
            continue
        report = place.report("--seeds", "5", "--fail", "10", "--lost", "5", "--branch", "main",
                              "--ref", "refs/heads/main", os.path.join(PIPELINES, name))
        same((report["broken"], report["results"]["neverEnded"]), (0, 0), name)
        same(sum(report["results"].values()), 5, "the lives of " + name)


@case("without failures and lost agents every life succeeds")
def no_faults(place):
    report = place.report("--seeds", "20", "--fail", "0", "--lost", "0", "--step-max", "80s",
                          place.write(FLAKY))
    same(report["results"]["success"], 20, "lives that succeeded")
    same(jobs_of(report)["build"]["retries"], 0, "retries")


@case("when every step fails, a job fails after as many attempts as it has")
def all_fail(place):
    report = place.report("--seeds", "10", "--fail", "100", "--lost", "0", place.write(FLAKY))
    build = jobs_of(report)["build"]
    same(report["results"]["failed"], 10, "lives that failed")
    same((build["failed"], build["retries"]), (10, 10), "ends and retries of build")


@case("a lost agent is found out, and the run ends all the same")
def lost_agents(place):
    report = place.report("--seeds", "20", "--fail", "0", "--lost", "100", place.write(FLAKY))
    check(report["agentsLost"] >= 20, "agents were lost %d times" % report["agentsLost"])
    same(report["results"]["neverEnded"], 0, "lives without an end")


@case("a step that takes longer than its timeout times out")
def too_slow(place):
    report = place.report("--seeds", "5", "--fail", "0", "--lost", "0", "--time",
                          "build/compile=5m", place.write(FLAKY))
    same(jobs_of(report)["build"]["timeout"] + jobs_of(report)["build"]["failed"], 5,
         "lives in which build did not succeed")


@case("a job that never ran is named with the reason, and an output opens it")
def never_ran(place):
    path = place.write(FLAKY)
    out, _ = place.sim("--seeds", "10", "--fail", "0", "--lost", "0", path)
    check(re.search(r"^probe +0 .* never ran: .*kind", out, re.M), out)
    out, _ = place.sim("--seeds", "10", "--fail", "0", "--lost", "0", "--output",
                       "compile.kind=full", path)
    check("never ran" not in out, out)


@case("gates are decided by chance, as often as is asked for")
def gates(place):
    path = place.write(WAITS)
    common = ["--seeds", "10", "--fail", "0", "--lost", "0"]
    same(place.report(*common, "--reject", "0", path)["results"]["success"], 10, "approved")
    same(place.report(*common, "--reject", "100", path)["results"]["failed"], 10, "rejected")


@case("a run that does not end in time is told with its seed")
def never_ends(place):
    path = place.write(FLAKY)
    out, _ = place.sim("--seeds", "3", "--give-up", "1s", path, code=1)
    check("3 lives were not as promised. Seed 1: The run does not end." in out, out)
    report = json.loads(place.sim("--json", "--seeds", "3", "--give-up", "1s", path, code=1)[0])
    same((report["results"]["neverEnded"], report["brokenSeed"]), (3, 1), "the report")


@case("--trace tells one life event by event, with its time")
def trace(place):
    out, _ = place.sim("--seeds", "1", "--seed", "7", "--trace", "--fail", "0", "--lost", "0",
                       place.write(FLAKY))
    check(out.startswith("seed 7\n"), out)
    check(re.search(r"^ *\S+  step\.started  build/compile$", out, re.M), out)
    check(re.search(r"^ *\S+  pipeline\.completed$", out, re.M), out)


@case("agents have the labels that jobs ask for, or those that are given")
def labels(place):
    path = place.write(FLAKY.replace("- name: build\n", "- name: build\n  agentSelector: "
                                     "{matchLabels: {os: linux}, matchExpressions: [{key: cores, "
                                     "operator: Gt, values: ['7']}]}\n"))
    out, _ = place.sim("--seeds", "2", path)
    check('{"os":"linux","cores":"8"}' in out, out)
    _, err = place.sim("--seeds", "2", "--agent", "os=linux", path, code=2)
    check("No agent can take job build: " in err and "cores" in err, err)
    place.sim("--seeds", "2", "--agent", "os=linux,cores=16", path)


@case("a wrong word is refused with what is meant")
def wrong_words(place):
    path = place.write(FLAKY)
    for words, said in ((["--time", "compile"], "write STEP=30s or JOB/STEP=30s"),
                        (["--output", "kind"], "write STEP.NAME=VALUE"),
                        (["--agent", "linux"], "`linux` is not NAME=VALUE"),
                        (["--step-min", "5m"], "--step-min is longer than --step-max"),
                        (["--trace", "--json"], "give one of them"),
                        (["--seeds", "0"], "--seeds"), (["--fail", "101"], "--fail")):
        _, err = place.sim(*words, path, code=2)
        check(said in err, "%r said %r" % (words, err))


run_cases(Place)
