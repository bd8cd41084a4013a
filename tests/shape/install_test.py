# SPDX-License-Identifier: Apache-2.0
"""An installed copy is enough: make install into an empty DESTDIR, then programs are built with
nothing but what pkg-config answers, and run. The program of the README is one of them."""
import os
import re
import shlex
import subprocess
import tempfile

from shape import BUILD, ROOT, Tap, files, read

CC = shlex.split(os.environ.get("CC") or "cc")
C99 = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
# Examples of one file, for a host of their own; the programs with directories have their own tests.
EXAMPLE = re.compile(r"^examples/[a-z0-9_]+\.c$")
# Examples that need more than the library and the C library, and what: none.
NEEDS_MORE = {}
RUN_SECONDS_MAX = 60

ASK_VERSION = """#include <arcentra/base.h>
#include <stdio.h>
int main(void) { return puts(arc_version()) == EOF; }
"""


def plain_environment(**more):
    """Without what the make around this test hands down to the make inside."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    return {**kept, **more}


def run(*command, **more):
    """(exit code, output) of a command."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=300, check=False, **more)
    return done.returncode, done.stdout


def tail(output):
    return output.splitlines()[-15:] or ["it failed without a word"]


def variable(name):
    """A directory variable of the Makefile, expanded."""
    text = read(BUILD, "Makefile")

    def expand(match):
        value = re.search(rf"(?m)^{match.group(1)} = (.*)$", text)
        return re.sub(r"\$[{(](\w+)[)}]", expand, value.group(1)) if value else ""
    return re.sub(r"\$\((\w+)\)", expand, f"$({name})")


class Installed:
    """A copy in a DESTDIR, and how to build against it."""

    def __init__(self, destdir):
        self.destdir = destdir
        self.libdir = destdir + variable("libdir")
        self.env = plain_environment(PKG_CONFIG_SYSROOT_DIR=destdir,
                                     PKG_CONFIG_PATH=self.libdir + "/pkgconfig",
                                     LD_LIBRARY_PATH=self.libdir)

    def make(self, target):
        code, output = run("make", "-C", BUILD, target, f"DESTDIR={self.destdir}",
                           env=plain_environment())
        return tail(output) if code else []

    def pkg_config(self, *what, package="arcentra"):
        code, output = run("pkg-config", *what, package, env=self.env)
        if code:
            raise RuntimeError(output)
        return shlex.split(output)

    def build(self, sources, program, *flags, package="arcentra"):
        """What went wrong."""
        code, output = run(*CC, *flags, *sources, "-o", program,
                           *self.pkg_config("--cflags", "--libs", package=package), env=self.env)
        return tail(output) if code else []

    def build_and_run(self, *sources, flags=(), package="arcentra"):
        program = os.path.join(self.destdir, "program")
        wrong = self.build(sources, program, *flags, package=package)
        if not wrong:
            with tempfile.TemporaryDirectory(prefix="arc-shape-") as folder:
                code, output = run("timeout", str(RUN_SECONDS_MAX), program, env=self.env,
                                   cwd=folder)
            if code:
                wrong = [f"exit code {code}", *tail(output)]
        return wrong


def readme_program(root):
    """The first C program of the README."""
    match = re.search(r"(?ms)^```c\n(.*?)^```$", read(root, "README.md"))
    return match.group(1) if match else None


def check_installed_headers(copy):
    base = copy.destdir + variable("includedir")
    here = {os.path.relpath(os.path.join(folder, name), base)
            for folder, _, names in os.walk(base) for name in names}
    want = {name[len("include/"):] for name in files(ROOT, ".h") if name.startswith("include/")}
    want.add("arcentra/version.h")
    return [f"{name} is not installed" for name in sorted(want - here)] + \
        [f"{name} is installed and should not be" for name in sorted(here - want)]


def check_version(copy):
    version = re.search(r"(?m)^PACKAGE_VERSION = (.*)$", read(BUILD, "Makefile")).group(1)
    source = os.path.join(copy.destdir, "ask.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(ASK_VERSION)
    program = os.path.join(copy.destdir, "ask")
    wrong = copy.build([source], program, *C99)
    if wrong:
        return wrong
    _, said = run(program, env=copy.env)
    by_package = copy.pkg_config("--modversion")
    return [] if said.strip() == version and by_package == [version] else \
        [f"configure says {version}, the library {said.strip()}, pkg-config {by_package}"]


def check_readme(copy):
    text = readme_program(ROOT)
    if text is None:
        return ["the README shows no C program"]
    source = os.path.join(copy.destdir, "readme.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    return copy.build_and_run(source, flags=C99)


STORE = ["journal_store.c", "journal_file.c"]


def store_sources(*names):
    return [os.path.join(ROOT, "examples/store", name) for name in names]


def check_suite(copy):
    return copy.build_and_run(*store_sources("suite.c", *STORE), flags=["-D_GNU_SOURCE"],
                              package="arcentra-store-suite")


def check_store(copy):
    return copy.build_and_run(*store_sources("main.c", *STORE), flags=["-D_GNU_SOURCE"])


def check_programs(copy):
    """Each installed program starts and knows its name."""
    bindir = copy.destdir + variable("bindir")
    found = []
    for name in sorted(os.listdir(bindir)) if os.path.isdir(bindir) else []:
        code, output = run(os.path.join(bindir, name), "--help", env=copy.env)
        if code or name not in output:
            found.append(f"{name} --help: exit code {code}: {output[:200]}")
    return found


def left_over(destdir):
    return [f"{os.path.join(folder, name)} was left behind"
            for folder, _, names in os.walk(destdir) for name in names]


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="arc-shape-") as destdir:
        copy = Installed(destdir)
        wrong = copy.make("install")
        tap.case("make install fills an empty DESTDIR", wrong)
        if not wrong:
            tap.case("the public headers are installed and no others",
                     check_installed_headers(copy))
            tap.case("library, headers and pkg-config agree on the version", check_version(copy))
            tap.case("the program of the README builds and runs", check_readme(copy))
            for name in filter(EXAMPLE.match, files(ROOT, ".c")):
                if name in NEEDS_MORE:
                    tap.skip(f"{name} builds and runs", NEEDS_MORE[name])
                else:
                    tap.case(f"{name} builds and runs",
                             copy.build_and_run(os.path.join(ROOT, name)))
            tap.case("a store of one's own passes the installed suite", check_suite(copy))
            tap.case("a program runs on a store of its own", check_store(copy))
            tap.case("installed programs start", check_programs(copy))
            for name in ("ask", "ask.c", "readme.c", "program"):
                if os.path.exists(os.path.join(destdir, name)):
                    os.remove(os.path.join(destdir, name))
            tap.case("make uninstall leaves nothing behind",
                     copy.make("uninstall") + left_over(destdir))
            tap.case("a program that lacks the library does not build",
                     [] if not_built(copy) else ["it did"])
    tap.end()


def not_built(copy):
    """After the uninstall the same steps fail: it was the installed copy that they used."""
    source = os.path.join(copy.destdir, "ask.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(ASK_VERSION)
    try:
        return copy.build([source], os.path.join(copy.destdir, "ask"), *C99) != []
    except RuntimeError:
        return True


main()
