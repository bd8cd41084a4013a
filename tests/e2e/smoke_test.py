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


INCLUDING = """namespace: demo
include:
  - {template: ./sub/words, params: {word: %s}}
jobs:
  - name: own
    dependsOn: [say]
    steps: [{name: s, run: echo own}]
"""
WORDS = """params: [{name: word, type: enum, options: [hello, bye], required: true}]
jobs:
  - name: say
    steps: [{name: s, run: "echo said ${{ params.word }}"}]
"""


def including(command, word, *flags, where="sub"):
    """(exit code, output) of a command on a definition that includes sub/words.yaml"""
    with tempfile.TemporaryDirectory(prefix="arc-smoke-") as folder:
        os.makedirs(os.path.join(folder, where))
        for path, text in (("main.yaml", INCLUDING % word), (where + "/words.yaml", WORDS)):
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(text)
        return arcentra(command, *flags, os.path.join(folder, "main.yaml"))


def embedded(*arguments):
    """(exit code, output) of the example that checks a definition"""
    done = subprocess.run([os.path.join(BUILD, "embed_check"), *arguments], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=False)
    return done.returncode, done.stdout


def main():
    tap = Tap()
    tap.case("a template beside the definition is merged in",
             expect(including("validate", "hello"), 0, "valid, 2 jobs"))
    tap.case("what is wrong about an include names both places",
             expect(including("validate", "helo"), 1, r"main\.yaml:3:\d+: error ARC0710",
                    r"sub/words\.yaml:1:\d+: note: it is declared here", "hello"))
    tap.case("a template that is not there is said with the places",
             expect(including("validate", "hello", where="other"), 1, "ARC0701", "no such file"))
    tap.case("a run holds the jobs of its templates",
             expect(including("run", "bye"), 0, "said bye", "own", "success"))
    tap.case("the example that checks merges a template from memory",
             expect(embedded(), 0, "go1.24 test"))
    tap.case("the example that checks shows what is wrong",
             expect(embedded("namespace: a\ninclude: [{template: og}]\n"), 1,
                    "definition:2:", "There is only a template `go`"))
    tap.case("a good definition is valid",
             expect(arcentra("validate", pipeline("hello.yaml")), 0, "valid, 1 job"))
    tap.case("an unknown key is named with its place",
             expect(arcentra("validate", given=BROKEN), 1, r"given\.yaml:5:\d+", "rum", "run"))
    tap.case("a run here shows its output and ends well",
             expect(arcentra("run", pipeline("hello.yaml")), 0, r"\| Hello, world!", "success"))
    tap.case("a failing step fails the run and says why",
             expect(arcentra("run", pipeline("fail.yaml")), 1, r"Exit code 3", r"skipped"))
    tap.case("an expression is computed",
             expect(arcentra("eval", "'v' + join(['1', '2'], '.')"), 0, "^v1\\.2$"))
    tap.case("without a server a remote command says what it lacks",
             expect(arcentra("runs"), 2, "ARCENTRA_TOKEN"))
    tap.end()


main()
