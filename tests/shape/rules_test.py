# SPDX-License-Identifier: Apache-2.0
"""docs/RULES.md speaks of what is there: each test that it names exists and holds the sentence, no
rule has a name twice, and each key of the language that a run acts on has a row."""
import os
import re

from shape import ROOT, Tap, code, read

PAGE = "docs/RULES.md"
FIELDS = "lib/spec/fields.def"
TEST = re.compile(r'`(\w+/\w+_test)`: "([^"]*)"')
# For people, the shape of the document, and what is gone before there is a run.
NOT_OF_RUNS = ("pipeline.description", "stage.description", "job.description", "pipeline.meta",
               "pipeline.name", "pipeline.namespace", "pipeline.version", "pipeline.stages",
               "pipeline.jobs", "stage.jobs", "pipeline.include", "pipeline.triggers")


def rows(root):
    """(rule, sentence, tests) of each row."""
    found = []
    for line in read(root, PAGE).split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("rule", "---"):
            found.append(cells)
    return found


def check_tests(root):
    found = []
    for rule, _, tests in rows(root):
        named = TEST.findall(tests)
        if not named:
            found.append(f"{PAGE}: no test shows: {rule}")
        for test, sentence in named:
            name = f"tests/unit/{test}.c"
            if not os.path.exists(os.path.join(root, name)):
                found.append(f"{PAGE}: there is no {name}")
            elif f'"{sentence}"' not in code(read(root, name), strings=True):
                found.append(f"{PAGE}: {name} does not say: {sentence}")
    return found


def check_names(root):
    names = [rule for rule, _, _ in rows(root)]
    return [f"{PAGE}: the rule {name} stands there twice"
            for name in sorted(set(names)) if names.count(name) > 1]


def keys(root):
    """object.key of everything that a run acts on, from the pipeline down."""
    fields = re.findall(r'FIELD\((\w+), \w+, "(\w+)", \w+, (\w+), [^"]*?RUNS, "',
                        read(root, FIELDS))
    reached, found = ["PIPELINE"], []
    for owner in reached:
        for of, key, holds in fields:
            name = f"{owner.lower()}.{key}"
            if of != owner or name in NOT_OF_RUNS:
                continue
            found.append(name)
            if holds != "NONE" and holds not in reached:
                reached.append(holds)
        if owner == "PIPELINE":
            reached += ["STAGE", "JOB"]
    return found


def check_keys(root):
    named = {rule for rule, _, _ in rows(root)}
    return [f"{PAGE}: no row is of the key {key}" for key in keys(root) if key not in named]


CLEAN = {
    PAGE: "| rule | what holds | test |\n| --- | --- | --- |\n"
          '| job.timeout | It ends. | `core/x_test`: "it ends" |\n',
    FIELDS: 'FIELD(JOB, TIMEOUT, "timeout", DURATION, NONE, 0, RUNS, "0.1", "0", "",\n'
            'FIELD(JOB, LATE, "late", OBJECT, LATER, 0, LATER, "0.1", "", "",\n'
            'FIELD(LATER, KEY, "key", TEXT, NONE, 0, RUNS, "0.1", "", "",\n'
            'FIELD(JOB, DESCRIPTION, "description", TEXT, NONE, 0, RUNS, "0.1", "0", "",\n',
    "tests/unit/core/x_test.c": '{"it ends", f},\n',
}


def plant(old, new):
    return {PAGE: CLEAN[PAGE].replace(old, new)}


def main():
    tap = Tap()
    tap.case("every test of the page on rules exists", check_tests(ROOT))
    tap.case("every rule of the page has a name of its own", check_names(ROOT))
    tap.case("every key that a run acts on has a rule", check_keys(ROOT))
    tap.finds("a sentence that nobody tests is found", check_tests, CLEAN,
              plant("it ends", "it stays"), "does not say: it stays")
    tap.finds("a test that is not there is found", check_tests, CLEAN, plant("core/x", "core/y"),
              "there is no tests/unit/core/y_test.c")
    tap.finds("a rule without a test is found", check_tests, CLEAN,
              plant('`core/x_test`: "it ends"', "none"), "no test shows: job.timeout")
    tap.finds("a rule that stands there twice is found", check_names, CLEAN,
              {PAGE: CLEAN[PAGE] + CLEAN[PAGE]}, "the rule job.timeout stands there twice")
    tap.finds("a key without a rule is found", check_keys, CLEAN, plant("job.timeout", "job.time"),
              "no row is of the key job.timeout")
    tap.end()


main()
