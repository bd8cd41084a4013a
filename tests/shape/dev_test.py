# SPDX-License-Identifier: Apache-2.0
"""./dev as people meet it: its help, its mistakes, and what it says where things are missing."""
import os
import re
import shutil
import subprocess
import tempfile

from shape import ROOT, Tap, read

DEV = os.path.join(ROOT, "dev")
COMMANDS = ("demo", "test", "build", "bench", "fuzz", "lint", "help")
# What a system without any development tool has; no apt-get, so that nothing is installed.
BARE = ("sh", "cat", "awk", "grep", "sed", "id", "dirname", "head", "stat", "nproc")


def run(*arguments, **more):
    done = subprocess.run([DEV, *arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=60,
                          check=False, **more)
    return done.returncode, done.stdout


def needs(text):
    """The rows of the table of packages."""
    table = re.search(r"(?ms)^needs\(\) \{\n    cat <<'EOF'\n(.*?)^EOF$", text).group(1)
    return [line.split("|") for line in table.splitlines()]


def check_rows(rows):
    found = []
    for row in rows:
        line = "|".join(row)
        if len(row) != 4 or not all(row):
            found.append(f"{line}: not four columns")
        elif not re.match(r"(build|demo|test|bench|fuzz|lint)\+?$", row[0]):
            found.append(f"{line}: for nothing that dev does")
        elif not re.match(r"(tool|lib|file|header|clang|python):.", row[2]):
            found.append(f"{line}: no way to tell that it is there")
    return found


def check_configure(rows, configure):
    """What configure looks for, dev can install for a build."""
    proofs = {row[2] for row in rows if row[0] == "build"}
    wanted = {"lib:" + re.split(r"[ >]", spec)[0]
              for spec in re.findall(r"PKG_CHECK_MODULES\(\[\w+\], \[([^\]]+)\]", configure)}
    wanted |= {"tool:" + name for name in re.findall(r"AC_PATH_PROG\(\[\w+\], \[([\w-]+)\]",
                                                     configure)}
    return [f"configure wants {proof} and dev does not know it"
            for proof in sorted(wanted - proofs)]


def check_bare(command, rows):
    """On a system where nothing is there, every package of the command's rows is named."""
    with tempfile.TemporaryDirectory(prefix="arc-shape-") as folder:
        for name in BARE:
            os.symlink(shutil.which(name), os.path.join(folder, name))
        code, output = run(command, env={"PATH": folder, "HOME": folder})
    found = [] if code == 1 else [f"exit code {code}: {output[:300]}"]
    kinds = ("build",) if command == "build" else ("build", "test")
    return found + [f"{row[1]} is not named" for row in rows
                    if row[0] in kinds and row[2].startswith(("tool:", "lib:")) and
                    f"Debian package {row[1]})" not in output]


def check_installs(command, kinds, rows):
    """With an apt-get that only writes down what it is asked, as root: all that is missing, nice to
    have or not, is asked for once, and what is still missing after that is named."""
    with tempfile.TemporaryDirectory(prefix="arc-shape-") as folder:
        asked = os.path.join(folder, "asked")
        fakes = {"id": "echo 0", "apt-cache": "exit 0",
                 "apt-get": f'for word; do echo "$word"; done >>{asked}'}
        for name in (*BARE, "env", "mktemp", "rm", "tail", "find"):
            if name not in fakes:
                os.symlink(shutil.which(name), os.path.join(folder, name))
        for name, text in fakes.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(f"#!{shutil.which('sh')}\n{text}\n")
            os.chmod(os.path.join(folder, name), 0o755)
        code, output = run(command, env={"PATH": folder, "HOME": folder, "TMPDIR": folder})
        words = read(folder, "asked").splitlines() if os.path.exists(asked) else []
    want = {row[1] for row in rows if row[0].rstrip("+") in kinds and row[2].startswith("tool:")}
    return [f"{name} was asked for {words.count(name)} times" for name in sorted(want)
            if words.count(name) != 1] + \
        ([] if code == 1 and "missing on this system" in output else [f"{code}: {output[:300]}"])


def main():
    tap = Tap()
    text = read(ROOT, "dev")
    rows = needs(text)
    code, output = run("help")
    tap.case("help says what each command does",
             [f"{name} is not there" for name in COMMANDS
              if not re.search(rf"(?m)^  {name}\b", output)] + ([f"exit code {code}"] * code))
    code, output = run("frobnicate")
    tap.case("an unknown command ends with 2 and the help",
             [] if code == 2 and "usage: ./dev" in output else [f"exit code {code}: {output}"])
    code, output = run("build", "frobnicate")
    tap.case("an unknown kind of build is refused",
             [] if code == 1 and "one of:" in output else [f"exit code {code}: {output}"])
    tap.case("each package has a proof and a reason", check_rows(rows))
    tap.case("everything that configure wants can be installed",
             check_configure(rows, read(ROOT, "configure.ac")))
    tap.case("a bare system is told what to install for a build", check_bare("build", rows))
    tap.case("a bare system is told what to install for the tests", check_bare("test", rows))
    tap.case("what a build lacks is installed in one go",
             check_installs("build", ("build",), rows))
    tap.case("what the tests lack is installed, what is nice to have too",
             check_installs("test", ("build", "demo", "test"), rows))
    said = check_rows([["build", "gcc", "gcc", "compiles"]]) + check_configure(
        [["build", "a", "lib:a", "x"]], "PKG_CHECK_MODULES([A], [a >= 1])\n"
                                        "PKG_CHECK_MODULES([B], [b >= 1])\n")
    tap.case("a row without a proof and a missing row are found",
             [] if len(said) == 2 and "lib:b" in said[1] else said or ["nothing found"])
    tap.end()


main()
