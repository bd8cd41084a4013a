# SPDX-License-Identifier: Apache-2.0
"""A definition of 1,000 jobs and 1,000,000 bytes: definition.py FOLDER writes it in both formats.

Always the same bytes: nothing is random. `full` uses what the language has; `plain` leaves out
matrices and conditions with operators, for a library that does not run them."""
import json
import os
import sys

JOBS = 1000
SIZE = 1000000
STAGES = 10
WHEN = ("branch == 'main' && success()", "trigger.event == 'push' || trigger.actor == 'cron'",
        "variables.REGION in ['eu', 'us'] && !cancelled()", "always()")


def step(job, number, full):
    if number == 1:
        return {
            "name": f"publish-{number}",
            "uses": "actions/upload@v1.4.2",
            "args": {
                "path": f"out/service-{job:04d}/bundle.tar.gz",
                "retries": 3,
                "verbose": job % 2 == 0,
                "labels": ["nightly", f"team-{job % 17}", "${{ variables.REGION }}"],
                "limits": {"bytes": 1048576 + job, "ratio": 0.75},
            },
            "continueOnError": job % 5 == 0,
        }
    made = {
        "name": f"build-{number}",
        "run": "set -eu\n"
               f"make -C services/service-{job:04d} REGION=\"$REGION\" TARGET=part-{number} all\n"
               "test -s out/report.txt\n",
        "env": {"CI": "true", "PART": str(number), "SERVICE": f"service-{job:04d}"},
        "timeout": "15m",
    }
    if full and number == 0 and job % 2 == 0:
        made["when"] = WHEN[job % len(WHEN)]
    return made


def job(number, full):
    made = {
        "name": f"job-{number:04d}",
        "description": f"Builds, checks and publishes the service with the number {number}.",
        "env": {"LEVEL": "debug" if number % 7 == 0 else "info",
                "CACHE_KEY": "${{ variables.REGION }}-cache-" + str(number % 31)},
        "timeout": "1h30m",
    }
    if number % 3 == 0:
        made["retry"] = {"maxAttempts": 3, "delay": "10s", "backoff": "exponential",
                         "maxDelay": "2m", "on": ["failed", "lost"]}
    if number % 4 == 0:
        made["agentSelector"] = {
            "matchLabels": {"os": "linux", "arch": "amd64" if number % 3 else "arm64"},
            "matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["3"]}]}
    before = [number - back for back in (1, 7, 40) if number - back >= 0 and number % back % 2 == 0]
    if before:
        made["dependsOn"] = [f"job-{at:04d}" for at in before]
    if full and number % 10 == 0:
        made["matrix"] = {"os": ["linux", "alpine"], "go": ["1.21", "1.22"], "maxParallel": 2}
    if full and number % 4 == 1:
        made["when"] = WHEN[number // 4 % len(WHEN)]
    made["steps"] = [step(number, at, full) for at in range(1 + number % 2 + (number % 8 == 0))]
    return made


def definition(full):
    jobs = [job(number, full) for number in range(JOBS)]
    share = JOBS // STAGES
    return {
        "namespace": "bench.pipeline",
        "version": "v1",
        "variables": {"REGION": "eu", "branch": "${{ trigger.branch }}", "BASE": "1.2"},
        "env": {"TZ": "UTC", "BASE": "${{ variables.BASE }}", "BRANCH": "${{ variables.branch }}"},
        "stages": [{"name": f"stage-{at}", "jobs": jobs[at * share:(at + 1) * share]}
                   for at in range(STAGES)],
    }


PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./ ,")


def scalar(value):
    if not isinstance(value, str):
        return json.dumps(value)
    plain = (set(value) <= PLAIN and value[0].isalpha() and value != "true" and
             ", " not in value)
    return value if plain else json.dumps(value)


def lines(value, indent, out):
    """A list or a map, as people write it: block style, short lists in one line."""
    blanks = "  " * indent
    for key, item in value.items() if isinstance(value, dict) else ((None, v) for v in value):
        head = blanks + ("- " if key is None else key + ": ")
        if isinstance(item, str) and "\n" in item:
            out.append(head + "|")
            out.extend(blanks + "  " + line for line in item.splitlines())
        elif isinstance(item, list) and all(not isinstance(v, (dict, list)) for v in item):
            out.append(head + "[" + ", ".join(scalar(v) for v in item) + "]")
        elif isinstance(item, dict) and key is None:
            at = len(out)
            lines(item, indent + 1, out)
            out[at] = head + out[at][len(head):]
        elif isinstance(item, (dict, list)):
            out.append(head.rstrip())
            lines(item, indent + 1, out)
        else:
            out.append(head + scalar(item))


def padded(text, pad):
    """Of exactly SIZE bytes, by the description of each job in turn."""
    missing = SIZE - len(text.encode())
    assert missing >= 0, f"{-missing} bytes too many"
    each, rest = divmod(missing, JOBS)
    return pad(each, rest)


def write(folder, name, full):
    whole = definition(full)
    jobs = [one for stage in whole["stages"] for one in stage["jobs"]]
    words = "It waits for those before it and says what it made. "
    texts = [one["description"] for one in jobs]

    def render(form, each, rest):
        for at, one in enumerate(jobs):
            size = each + (at < rest)
            more = (words * (size // len(words) + 1))[:size]
            one["description"] = texts[at] + (" " + more[1:-1] + "x" if size > 1 else more)
        return form()

    def yaml_text():
        out = ["# Written by definition.py."]
        lines(whole, 0, out)
        return "\n".join(out) + "\n"

    def json_text():
        return json.dumps(whole, separators=(",", ":")) + "\n"

    for form, end in ((yaml_text, "yaml"), (json_text, "json")):
        text = padded(render(form, 0, 0), lambda each, rest, form=form: render(form, each, rest))
        with open(os.path.join(folder, f"{name}.{end}"), "w", encoding="utf-8") as file:
            file.write(text)
        if len(text.encode()) != SIZE:
            sys.exit(f"definition.py: {name}.{end} has {len(text.encode())} bytes")


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    write(sys.argv[1], "full", True)
    write(sys.argv[1], "plain", False)
