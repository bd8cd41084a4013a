# SPDX-License-Identifier: Apache-2.0
"""docs/HARDENING.md speaks of what is there: each limit that it names can be set, each test that it
names exists and holds the sentence."""
import os
import re

from shape import ROOT, Tap, code, read

PAGE = "docs/HARDENING.md"
# Where limits are defined, and how they stand there.
LIMITS = [
    ("include/arcentra/grpc.h", r"ROW\((\w+),"),
    ("include/arcentra/server.h", r"\b(\w+_max|\w+_ns);"),
    ("lib/codec/limits.def", r"LIMIT\((\w+),"),
    ("lib/spec/limits.def", r"LIMIT\((\w+),"),
    ("lib/core/limits.def", r"LIMIT\((\w+),"),
]
TEST = re.compile(r'`(\w+/\w+_test)`(?:: "([^"]*)")?')


def exists(root, name):
    return os.path.exists(os.path.join(root, name))


def rows(root):
    """The cells of each row of a table, but for heads and rules."""
    found = []
    for line in read(root, PAGE).split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("threat", "---"):
            found.append(cells)
    return found


def check_limits(root):
    known = set()
    for name, pattern in LIMITS:
        if exists(root, name):
            known |= set(re.findall(pattern, read(root, name)))
    return [f"{PAGE}: there is no limit {limit}"
            for cells in rows(root) for limit in re.findall(r"`(\w+)`", cells[1])
            if limit not in known]


def check_tests(root):
    found = []
    for cells in rows(root):
        tests = TEST.findall(cells[2])
        if not tests:
            found.append(f"{PAGE}: no test shows: {cells[0]}")
        for test, sentence in tests:
            if test.startswith("fuzz/"):
                if not exists(root, "tests/fuzz/fuzz_" + test[5:-5] + ".c"):
                    found.append(f"{PAGE}: there is no {test}")
                continue
            name = f"tests/{test}.c" if test.startswith("soak/") else f"tests/unit/{test}.c"
            if not exists(root, name):
                found.append(f"{PAGE}: there is no {name}")
            elif f'"{sentence}"' not in code(read(root, name), strings=True):
                found.append(f"{PAGE}: {name} does not say: {sentence}")
    return found


CLEAN = {
    PAGE: "| threat | promise | test |\n| --- | --- | --- |\n"
          '| bombs | `depth` 64 | `codec/pb_test`: "it holds"; `fuzz/pb_test` |\n',
    "lib/codec/limits.def": "LIMIT(depth, 64)\n",
    "tests/unit/codec/pb_test.c": '{"it holds", f},\n',
    "tests/fuzz/fuzz_pb.c": "int x;\n",
}


def plant(old, new):
    return {PAGE: CLEAN[PAGE].replace(old, new)}


def main():
    tap = Tap()
    tap.case("every limit of the page on hardening exists", check_limits(ROOT))
    tap.case("every test of the page on hardening exists", check_tests(ROOT))
    tap.finds("a limit that is not there is found", check_limits, CLEAN, plant("depth", "width"),
              "no limit width")
    tap.finds("a sentence that nobody tests is found", check_tests, CLEAN,
              plant("it holds", "it does"), "does not say: it does")
    tap.finds("a test that is not there is found", check_tests, CLEAN, plant("codec/pb", "codec/x"),
              "there is no tests/unit/codec/x_test.c")
    tap.finds("a fuzz target that is not there is found", check_tests, CLEAN,
              plant("fuzz/pb", "fuzz/x"), "there is no fuzz/x_test")
    tap.finds("a threat without a test is found", check_tests, CLEAN,
              plant('`codec/pb_test`: "it holds"; `fuzz/pb_test`', "none"), "no test shows: bombs")
    tap.end()


main()
