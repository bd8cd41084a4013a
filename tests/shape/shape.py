# SPDX-License-Identifier: Apache-2.0
"""What the shape tests share: the tree, C without its comments, planted trees, and TAP.

A shape test is a function from the root of a tree to a list of findings. Each program runs it on
this repository, where it must find nothing, and on small trees with one planted fault each, where
it must find exactly that: a check that cannot fail is worth nothing.
"""
import os
import re
import shutil
import sys
import tempfile

ROOT = os.path.abspath(os.environ.get("top_srcdir") or
                       os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("top_builddir") or ROOT)

# The directories that hold what people write; generated files lie elsewhere, but for those below.
PLACES = ("lib", "include", "api", "bindings", "examples", "suite", "tests", "docs", "pkgconfig",
          ".ci")
TOP_FILES = ("dev", "Makefile.am", "configure.ac", "README.md", "CONTRIBUTING.md")
GENERATED = ("include/arcentra/version.h", "pkgconfig/arcentra.pc",
             "pkgconfig/arcentra-store-suite.pc")
# Left by a build in the source tree, by editors and by the interpreter.
NOT_OURS = re.compile(r"(^|/)(\.(libs|deps)|__pycache__|node_modules)(/|$)|"
                      r"\.(o|lo|la|log|trs|pyc|orig|rej)$|~$")


def files(root, *suffixes):
    """Every written file below root with one of the suffixes (all without), relative and sorted."""
    found = [name for name in TOP_FILES if os.path.isfile(os.path.join(root, name))]
    for place in PLACES:
        for folder, folders, names in os.walk(os.path.join(root, place)):
            here = os.path.relpath(folder, root)
            folders[:] = sorted(f for f in folders if not NOT_OURS.search(f"{here}/{f}/"))
            found += [f"{here}/{name}" for name in names]
    found = [name for name in found if name not in GENERATED and not NOT_OURS.search(name)]
    return sorted(name for name in found if not suffixes or name.endswith(suffixes))


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        return file.read()


def blank(text):
    """The text with every character but the line breaks made a blank."""
    return re.sub(r"[^\n]", " ", text)


C_TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def code(text, strings=False):
    """C source with comments (and, unless asked for, strings) blanked; lines and columns stay."""
    def cut(match):
        token = match.group(0)
        return token if strings and token[0] in "\"'" else blank(token)
    return C_TOKEN.sub(cut, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Planted:
    """A tree in a temporary directory: {name: text}; a text of None removes the file."""

    def __init__(self, *layers):
        self.contents = {}
        for layer in layers:
            self.contents.update(layer)

    def __enter__(self):
        self.root = tempfile.mkdtemp(prefix="arc-shape-")
        for name, text in self.contents.items():
            if text is None:
                continue
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return self.root

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = 0

    def case(self, sentence, findings):
        """Holds when there are no findings; prints them otherwise."""
        self.number += 1
        if findings:
            self.failed += 1
        for finding in findings[:200]:
            print("#", finding)
        print("not ok" if findings else "ok", self.number, "-", sentence, flush=True)

    def skip(self, sentence, why):
        self.number += 1
        print("ok", self.number, "-", sentence, "# SKIP", why, flush=True)

    def finds(self, sentence, check, clean, plant, want):
        """The check is silent on the clean tree and, with the plant, answers one finding that
        holds the wanted text."""
        with Planted(clean) as root:
            before = check(root)
        with Planted(clean, plant) as root:
            after = check(root)
        wrong = [f"in the clean tree: {finding}" for finding in before]
        if len(after) != 1 or want not in after[0]:
            wrong.append(f"wanted one finding with {want!r}, not {after!r}")
        self.case(sentence, wrong)

    def end(self):
        print(f"1..{self.number}", flush=True)
        sys.exit(1 if self.failed else 0)
