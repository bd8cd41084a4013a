# SPDX-License-Identifier: Apache-2.0
"""The code is formatted by clang-format 14 and the .clang-format of this repository."""
import re
import shutil
import subprocess

from shape import ROOT, Tap, files, read

# Version 14 and no other: each version formats some things differently.
TOOL = "clang-format-14"


def check_format(root):
    names = [name for name in files(root, ".c", ".h")]
    found = []
    for at in range(0, len(names), 40):
        run = subprocess.run([TOOL, "--dry-run", "-Werror", *names[at:at + 40]], cwd=root,
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False)
        places = re.findall(r"^([^\s:]+:\d+):\d+: error", run.stdout, re.M)
        found += [f"{place}: {TOOL} -i would change this" for place in places]
        if run.returncode and not places:
            found.append(run.stdout)
    return found


def main():
    tap = Tap()
    real, plant = "the code is formatted", "code out of format is found"
    if shutil.which(TOOL):
        tap.case(real, check_format(ROOT))
        style = read(ROOT, ".clang-format")
        tap.finds(plant, check_format, {".clang-format": style, "lib/a.c": "int arc_a;\n"},
                  {"lib/b.c": "int  arc_b;\n"}, "lib/b.c:1")
    else:
        tap.skip(real, f"{TOOL} is not installed")
        tap.skip(plant, f"{TOOL} is not installed")
    tap.end()


main()
