# SPDX-License-Identifier: Apache-2.0
"""What libarcentra.so shows: exactly the functions that the public headers mark ARC_API, and no
data that anybody could write."""
import os
import re
import shutil
import subprocess
import tempfile

from shape import BUILD, ROOT, Tap, code, files, read

LIBRARY = os.path.join(BUILD, ".libs", "libarcentra.so")

# Writable data that may stand in the library, and why. Ours: none.
WRITABLE = {
    "completed.0": "start-up code of the compiler",
    "__cpu_model": "the compiler's: what the processor can do, asked once at start",
    "__cpu_features2": "the same",
    "__dso_handle": "start-up code of the compiler",
    "__TMC_END__": "start-up code of the compiler",
    "_DYNAMIC": "the dynamic linker's",
    "_GLOBAL_OFFSET_TABLE_": "the dynamic linker's",
}
# What the sanitizers add to every object.
SANITIZER = re.compile(r"^(__|\.L)?(asan|ubsan|lsan|odr_asan|__odr_asan|__asan|__ubsan)")

EXPORT = re.compile(r"\bARC_API\b[^;{(]*?\b(arc_\w+)\s*\(")


def declared(root):
    """Every function that a public header marks for export."""
    names = set()
    for name in files(root, ".h"):
        if name.startswith("include/"):
            text = re.sub(r"^[ \t]*#.*$", "", code(read(root, name)), flags=re.M)
            names |= set(EXPORT.findall(text))
    return names


def run(*command):
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout


def exported(library):
    """(name, kind) of every dynamic symbol that the library defines, but for the version node."""
    rows = [line.split() for line in run("nm", "-D", "--defined-only", library).splitlines()]
    return {(row[2].split("@")[0], row[1]) for row in rows if len(row) == 3 and row[1] != "A"}


def compare(want, shown):
    """Findings about the declared names and the (name, kind) pairs of a library."""
    names = {name for name, _ in shown}
    found = [f"{name} is declared and not exported" for name in sorted(want - names)]
    found += [f"{name} is exported and in no public header" for name in sorted(names - want)]
    found += [f"{name} is data ({kind}), not a function" for name, kind in sorted(shown)
              if name in want and kind not in "TW"]
    return found


def writable(library):
    """The objects in sections that stay writable after start."""
    found = []
    for line in run("objdump", "-t", library).splitlines():
        row = re.match(r"^[0-9a-f]+ .{7} (\S+)\s+([0-9a-f]+)\s+(?:\.hidden )?(\S+)$", line)
        if not row or int(row.group(2), 16) == 0:
            continue
        section, _, name = row.groups()
        if section not in (".data", ".bss", ".tdata", ".tbss", "*COM*") or name == section:
            continue
        if name not in WRITABLE and not SANITIZER.match(name):
            found.append(f"{name} is writable data in {section}")
    return found


def build(root, source):
    """A library from one C text, to plant faults in."""
    path = os.path.join(root, "planted.so")
    subprocess.run(["cc" if shutil.which("cc") else "gcc", "-shared", "-fPIC", "-x", "c", "-",
                    "-o", path], input=source, text=True, check=True)
    return path


def plants(tap):
    with tempfile.TemporaryDirectory(prefix="arc-shape-") as root:
        one = build(root, "int arc_a(void); int arc_a(void) { return 0; }")
        tap.case("a library that shows what it declares is clean",
                 compare({"arc_a"}, exported(one)) + writable(one))
        for sentence, want, text in (
                ("a function that is missing is found", {"arc_a", "arc_b"},
                 "arc_b is declared and not exported"),
                ("a function that is shown too much is found", set(),
                 "arc_a is exported and in no public header")):
            tap.case(sentence, [] if compare(want, exported(one)) == [text] else ["not found"])
        two = build(root, "int arc_a; static int count = 1; int *arc_b(void);"
                          "int *arc_b(void) { return &count; }")
        said = compare({"arc_a", "arc_b"}, exported(two))
        tap.case("data that is shown is found", [] if len(said) == 1 else said or ["not found"])
        said = writable(two)
        tap.case("a variable of the whole process is found",
                 [] if any("count" in line for line in said) else ["not found"])


def main():
    tap = Tap()
    if os.path.exists(LIBRARY):
        want = declared(ROOT)
        shown = exported(LIBRARY)
        tap.case("the library shows the functions of its headers alone",
                 compare(want, shown) or ([] if want else ["the headers declare nothing"]))
        tap.case("the library holds no writable data", writable(LIBRARY))
    else:
        tap.case("the library is built", [f"{LIBRARY} is not there"])
    plants(tap)
    tap.end()


main()
