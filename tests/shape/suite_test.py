# SPDX-License-Identifier: Apache-2.0
"""Does the suite find a store that is wrong? Faults are put into the example, one at a time, and
the case that is meant for each must fail; without a fault it must hold."""
import os
import shlex
import subprocess
import tempfile

from shape import BUILD, ROOT, Tap, read

CC = shlex.split(os.environ.get("CC") or "cc")
STORE = ["examples/store/journal_store.c", "examples/store/journal_file.c"]
FLAGS = ["-D_GNU_SOURCE", "-w", f"-I{ROOT}/include", f"-I{BUILD}/include",
         f"-I{ROOT}/examples/store"]
LIBRARIES = [f"-L{BUILD}/.libs", "-larcentra-store-suite", "-larcentra"]
SECONDS_MAX = 120

# What is wrong, what stands there once, what is put there, and the case that must see it.
FAULTS = [
    ("a second insert replaces", "op->verb == ARC_STORE_INSERT && there",
     "op->verb > ARC_STORE_DELETE && there", "a second insert"),
    ("an update ignores the version", "!= op->expect_version", "!= op->expect_version && 0",
     "at the expected version"),
    ("a unique value repeats", "if (clashes(table, def, op->row))", "if (0)",
     "a unique value never"),
    ("empty unique values clash", "continue; /* empty values may repeat */", ";",
     "empty unique values"),
    ("a conflict keeps what came before it", "end_changes(self, changes, count, status != ARC_OK);",
     "end_changes(self, changes, count, 0);", "leaves nothing of it"),
    ("changes are taken back in the wrong order",
     "struct change *change = &changes[i - 1];", "struct change *change = &changes[count - i];",
     "random lives"),
    ("a text ends at its first odd byte", "text->ptr = end;\n        end += text->len;",
     "text->ptr = end;\n        end += text->len;\n"
     "        text->len = strnlen(text->ptr, text->len / 2);",
     "byte for byte"),
    ("texts are ordered by their length",
     "int side = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;",
     "int side = (a.len > b.len) - (a.len < b.len);", "byte by byte"),
    ("a filter of many is forgotten", "pass && f < query->filter_count", "pass && f < 1",
     "pass all filters"),
    ("a greater number is not one", "return side > 0;", "return side >= 0;", "works on a number"),
    ("descending forgets the key", "return query->descending ? -side : side;", "return side;",
     "order, direction"),
    ("the total is that of the page", "query->want_total ? count : some", "some",
     "order, direction"),
    ("rows grow beyond the arena",
     "arc_status status = arc_arena_take(arena, count * def->row_size, &rows, err);",
     "arc_status status = ARC_OK;\n    rows = calloc(count + 1, def->row_size);",
     "beyond the arena"),
    ("done may dispatch", "return self->in_done ? fail(", "return 0 ? fail(", "inside done"),
    ("memory that runs out leaves half a batch",
     'return fail(err, ARC_ENOMEM, "Out of memory.");\n    }\n    set_row',
     'return fail(err, ARC_OK, "");\n    }\n    set_row', "failed allocation"),
    ("a commit is not written", "if (status == ARC_OK && count > 0)\n",
     "if (status == ARC_OK && count > 2)\n", "acknowledged lasts"),
    ("a torn end is taken for a record",
     "if (size < 0 || size > head.end - head.at)\n            break;",
     "if (size > head.end - head.at)\n"
     "            size = head.end - head.at,\n"
     "            sum = sum_more(sum_begin(size), head.at, size);", "acknowledged lasts"),
    ("what is written anew cannot be read", "int64_t head[2] = {self->live,",
     "int64_t head[2] = {self->live - 1,", "acknowledged lasts"),
    ("the old journal is gone on with", "    self->fd = fd;\n", "    self->fd = dup(self->fd);\n",
     "acknowledged lasts"),
    ("the rest of a kill is left", "    (void)unlinkat(self->dir, self->next, 0); /* of who",
     "    /* of who", "acknowledged lasts"),
]


def suite_of(folder, texts, part):
    """(exit code, output) of the cases with this part of their sentence, upon that store."""
    program, sources = os.path.join(folder, "suite"), []
    for number, text in enumerate(texts):
        sources.append(os.path.join(folder, f"store{number}.c"))
        with open(sources[-1], "w", encoding="utf-8") as file:
            file.write(text)
    for command in ([*CC, *FLAGS, *sources, os.path.join(ROOT, "examples/store/suite.c"),
                     *LIBRARIES, "-o", program], [program, part]):
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS_MAX, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "LD_LIBRARY_PATH": f"{BUILD}/.libs"})
        if command[0] != program and done.returncode != 0:
            raise RuntimeError(done.stdout)
    return done.returncode, done.stdout


def held(folder, texts, part):
    """What did not hold, where all of it should and there is something."""
    code, output = suite_of(folder, texts, part)
    lines = output.splitlines()
    return [] if code == 0 and any(line.startswith("ok ") for line in lines) else lines


def caught(folder, texts, part):
    """A crash is caught as well."""
    code, output = suite_of(folder, texts, part)
    return [] if code != 0 else ["it was not found", *output.splitlines()]


def main():
    tap, clean = Tap(), [read(ROOT, name) for name in STORE]
    with tempfile.TemporaryDirectory(prefix="arc-suite-") as folder:
        for part in sorted({part for _, _, _, part in FAULTS}):
            tap.case(f"without a fault it holds: {part}", held(folder, clean, part))
        for what, old, new, part in FAULTS:
            times = sum(text.count(old) for text in clean)
            found = [f"the text stands {times} times"] if times != 1 else \
                caught(folder, [text.replace(old, new) for text in clean], part)
            tap.case(f"it is found that {what}", found)
    tap.end()


main()
