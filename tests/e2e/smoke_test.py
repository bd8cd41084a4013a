# SPDX-License-Identifier: Apache-2.0
"""What remains of the programs in every build, also the smallest: arcentra checks a definition and
runs it in this process."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "shape"))
from shape import BUILD, ROOT, Tap  # noqa: E402

PROGRAM = os.path.join(BUILD, "arcentra")
BROKEN = "namespace: a\njobs:\n  - name: one\n    steps:\n      - {name: x, rum: 'true'}\n"


def arcentra(*arguments, given=None):
    """(exit code, everything that was said)"""
    with tempfile.TemporaryDirectory(prefix="arc-smoke-") as folder:
        if given is not None:
            path = os.path.join(folder, "given.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(given)
            arguments = (*arguments, path)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ARCENTRA_")}
        done = subprocess.run([PROGRAM, *arguments], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                              check=False, cwd=folder, env={**environment, "HOME": folder})
    return done.returncode, done.stdout


def expect(got, code, *patterns):
    """Findings about an (exit code, output)."""
    found = [] if got[0] == code else [f"exit code {got[0]}, not {code}"]
    found += [f"nothing like {pattern}" for pattern in patterns if not re.search(pattern, got[1])]
    return found + got[1].splitlines()[-10:] if found else []


def pipeline(name):
    return os.path.join(ROOT, "examples", "pipelines", name)


def main():
    tap = Tap()
    tap.case("a good definition is valid",
             expect(arcentra("validate", pipeline("hello.yaml")), 0, "valid, 1 job"))
    tap.case("an unknown key is named with its place",
             expect(arcentra("validate", given=BROKEN), 1, r"given\.yaml:5:\d+", "rum", "run"))
    tap.case("a run here shows its output and ends well",
             expect(arcentra("run", pipeline("hello.yaml")), 0, r"\| Hello, world!", "success"))
    tap.case("a failing step fails the run and says why",
             expect(arcentra("run", pipeline("fail.yaml")), 1, r"Exit code 3", r"skipped"))
    tap.case("without a server a remote command says what it lacks",
             expect(arcentra("runs"), 2, "ARCENTRA_TOKEN"))
    tap.end()


main()
