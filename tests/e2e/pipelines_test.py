#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pipelines among the examples: each is checked, planned and run to its end by the local
runner.

Their steps are real processes; the tools that they name (go, npm, docker, terraform, ...) are small
programs in a directory of the test that note how they were called and succeed, so that what is
tried is the pipeline and not what happens to be installed.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from harness import PATIENCE, SOURCE, case, check, program, run_cases, same

PIPELINES = os.path.join(os.path.abspath(SOURCE), "examples", "pipelines")

# What is not success with no inputs at all: arguments, the run's own result, and the jobs that do
# not run, as regular expressions of their instance keys; and how many of some run at once.
EXPECTED = {
    "fail": {"code": 1, "failed": "tests", "skipped": "deploy"},
    "python-package": {"skipped": "publish"},
    "node-app": {"skipped": "budget"},
    "container-image": {"skipped": "push"},
    "docs-site": {"skipped": "publish"},
    "release-approval": {"args": ["--approve", "all"]},
    "kubernetes-rollout": {"args": ["--approve", "all"], "skipped": "roll-back"},
    "terraform": {"args": ["--approve", "all"]},
    "database-migration": {"args": ["--approve", "all"]},
    "restore-drill": {"skipped": "alarm"},
    "shared-staging": {"at_once": ("suite", 2)},
}
# Run elsewhere: the demo builds the repository with one, the other waits for a lost agent.
ELSEWHERE = {"self-build", "retry-lost"}
# Runs that something else has started: the words of the command line, and what differs from the run
# without them. `called` is a command line of a tool that only such a run has.
VARIANTS = {
    "a tag that agrees with the version publishes python-package":
        ("python-package", {"starts": ["--tag", "v1.4.0"],
                            "called": "twine upload --non-interactive dist/*"}),
    "a tag that does not agree with the version publishes nothing":
        ("python-package", {"starts": ["--tag", "v1.4.1"], "skipped": "publish"}),
    "main pushes container-image with the digest that was built":
        ("container-image", {"starts": ["--branch", "main"],
                             "called": "cosign sign --yes registry.example.com/shop/orders@sha256:"
                                       + 32 * "5e"}),
    "a release branch publishes docs-site under its number":
        ("docs-site", {"starts": ["--branch", "release/1.2"],
                       "called": "rclone sync site docs:1.2"}),
    "main publishes docs-site as the latest":
        ("docs-site", {"starts": ["--branch", "main"],
                       "called": "rclone sync site docs:latest"}),
}
# What tools say, where a pipeline goes on with it.
ANSWERS = {
    ("container-image", "jq"): "echo sha256:%s" % ("5e" * 32),
    ("data-quality", "jq"): """echo '[{"table":"orders","rows":0},{"table":"web","rows":0}]'""",
    ("firmware", "arm-none-eabi-size"): "echo text data bss; echo 200000 1000 500",
    ("load-test", "jq"): "echo 181.4",
    ("ml-training", "python3"):
        'case "$*" in *count*) echo 1200345 ;; *evaluate) echo 0.91 ;; esac',
    ("python-package", "python3"): 'case "$*" in *--version) echo 1.4.0 ;; esac',
    ("restore-drill", "psql"): "echo 48211",
    ("terraform", "jq"): "echo 3",
}
# A checkout is an empty directory of the name that was asked for; configure asks its compiler.
CLONE = 'for last; do :; done; [ "$1" != clone ] || mkdir -p "$last"'
CONFIGURE = """echo '[ -z "$CC" ] || "$CC" --version' > configure; chmod +x configure"""
# The only programs of this machine that a step can find.
SYSTEM = ["awk", "cat", "chmod", "cut", "du", "ls", "mkdir", "printf", "rm", "sh", "sha256sum",
          "sleep", "tail"]
# What a definition that is fine may be warned of: triggers that this version does not act on.
FINE = {"ARC0601"}
AT_ONCE = 4


def names():
    found = [name[:-5] for name in os.listdir(PIPELINES) if name.endswith(".yaml")]
    return sorted(set(found) - ELSEWHERE)


def text_of(name):
    with open(os.path.join(PIPELINES, name + ".yaml")) as file:
        return file.read()


def tools_of(name):
    found = re.search(r"^# Tools: (.*?)\.$", text_of(name), re.M)
    return [tool.strip() for tool in found.group(1).split(",")] if found else []


class Place:
    """A directory with the tools of one pipeline; what they were called with is in `calls`."""

    def __init__(self, name):
        self.directory = tempfile.mkdtemp(prefix="arcentra-pipelines-")
        self.bin = os.path.join(self.directory, "bin")
        self.calls = os.path.join(self.directory, "calls")
        self.path = os.path.join(PIPELINES, name + ".yaml")
        os.mkdir(self.bin)
        open(self.calls, "w").close()
        for tool in SYSTEM:
            os.symlink(shutil.which(tool), os.path.join(self.bin, tool))
        for tool in tools_of(name) + ["gofmt"]:
            self.tool(tool, {"git": CLONE, "autoreconf": CONFIGURE}.get(
                tool, ANSWERS.get((name, tool), ":")))

    def tool(self, name, more=":"):
        path = os.path.join(self.bin, name)
        with open(path, "w") as file:
            file.write('#!/bin/sh\necho "${0##*/} $*" >> "%s"\n%s\n' % (self.calls, more))
        os.chmod(path, 0o755)

    def arcentra(self, *argv, code=0):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith(("ARCENTRA_", "LC_"))}
        env.update(PATH=self.bin, TMPDIR=self.directory, LANG="C.UTF-8")
        done = subprocess.run([program("arcentra")] + list(argv), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env,
                              cwd=self.directory, timeout=PATIENCE * 4)
        out, err = done.stdout.decode(), done.stderr.decode()
        check("Sanitizer" not in err and "runtime error" not in err, err)
        same(done.returncode, code, "exit code of %r\n%s\n%s" % (argv, out[-3000:], err))
        return out

    def called(self):
        with open(self.calls) as file:
            return file.read().splitlines()

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def ends_of(out):
    """The last status of each job, by instance key, and of the run."""
    jobs, run = {}, None
    for line in out.splitlines():
        event = json.loads(line)
        if event["type"] == "job":
            jobs[event["job"]] = event["status"]
        elif event["type"] == "run" and "status" in event:
            run = event["status"]
    return jobs, run


def most_at_once(out, name):
    """How many jobs of this name were running at one time."""
    running, most = set(), 0
    for line in out.splitlines():
        event = json.loads(line)
        if event["type"] == "job" and event["job"].split("[")[0] == name:
            (running.add if event["status"] == "running" else running.discard)(event["job"])
            most = max(most, len(running))
    return most


def keys_of(plan):
    """A job without a matrix goes by its name."""
    return [job.get("key", job["name"]) for stage in plan["stages"] for job in stage["jobs"]]


def check_definition(place):
    found = json.loads(place.arcentra("validate", "--json", place.path))[0]["diagnostics"]
    odd = [row for row in found if row["code"] not in FINE]
    check(not odd, "findings: %r" % odd)


def try_pipeline(name, expected):
    place = Place(name)
    try:
        check_definition(place)
        words = expected.get("args", [])
        starts = expected.get("starts", [])
        keys = keys_of(json.loads(place.arcentra("plan", "--format", "json", *starts, place.path)))
        same(len(set(keys)), len(keys), "different instance keys")
        out = place.arcentra("run", "--json", "--slots", "8", *words, *starts, place.path,
                             code=expected.get("code", 0))
        jobs, _ = ends_of(out)
        same(sorted(jobs), sorted(keys), "the jobs that ended are those that were planned")
        for key, status in sorted(jobs.items()):
            want = "success"
            for other in ("skipped", "failed"):
                if re.match("(?:%s)$" % expected.get(other, r"(?!)"), key):
                    want = other
            same(status, want, "the end of " + key)
        if "at_once" in expected:
            name_of, limit = expected["at_once"]
            most = most_at_once(out, name_of)
            check(0 < most <= limit, "%d of %s ran at once" % (most, name_of))
        called = place.called()
        if "skipped" not in expected:
            missing = set(tools_of(name)) - {line.split(" ", 1)[0] for line in called}
            check(not missing, "never called: %s" % ", ".join(sorted(missing)))
        if "called" in expected:
            check(expected["called"] in called, "%r not in %r" % (expected["called"], called))
    finally:
        place.close()


# Each is a few processes that mostly wait: several at once, and each case waits for its own.
pool = ThreadPoolExecutor(AT_ONCE)


def add(sentence, name, expected):
    if len(sys.argv) > 1 and sys.argv[1] not in sentence:
        return
    done = pool.submit(try_pipeline, name, expected)

    @case(sentence)
    def _():
        done.result()


@case("there are at least 25 real pipelines, one of 200 jobs")
def _():
    check(len([name for name in names() if tools_of(name)]) >= 25, "too few: %r" % names())
    place = Place("etl-200")
    try:
        plan = json.loads(place.arcentra("plan", "--format", "json", place.path))
        same(len(keys_of(plan)), 200, "jobs of etl-200")
    finally:
        place.close()


for each in names():
    add("%s is valid, planned, and run to its end" % each, each, EXPECTED.get(each, {}))
for what, (each, differs) in VARIANTS.items():
    add(what, each, differs)
run_cases()
