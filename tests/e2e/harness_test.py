#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A test that ends in whatever way leaves no process and no directory behind: here it is a program
that starts some, and is ended."""
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (PATIENCE, Skip, bin_of, case, check, left_in, run_cases,  # noqa: E402
                     same, wait_until)

WAIT = "import sys, time; time.sleep(600)"
# A world whose last process does nothing, and is found by where it works alone; then how it goes.
WORLD = """
import os, signal, subprocess, sys, time
sys.path.insert(0, %(here)r)
from harness import Postgres, World, case, run_cases
databases = []
def make():
    world = World()
    if %(database)r:
        databases.append(Postgres())
    world.start("idle", [sys.executable, "-c", %(wait)r, world.directory])
    subprocess.Popen([sys.executable, "-c", %(wait)r], cwd=world.directory)
    print(" ".join([world.directory] + [one.directory for one in databases]), flush=True)
    %(then)s
    return world
@case("it goes on for ever")
def forever(world):
    print("begun", flush=True)
    time.sleep(600)
run_cases(make)
"""


def begin(then="pass", database=False):
    """The program, which has started all of it, and its directories."""
    text = WORLD % {"here": os.path.dirname(os.path.abspath(__file__)), "wait": WAIT, "then": then,
                    "database": database}
    popen = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    check(popen.stdout.readline().startswith("1.."), "it did not begin")
    directories = popen.stdout.readline().split()
    check(directories and all(os.path.isdir(path) for path in directories), "no directory")
    return popen, directories


def ends(popen, directories):
    code = popen.wait(PATIENCE)
    popen.stdout.close()
    same(left_in(directories, PATIENCE), [], "what is left behind")
    wait_until(lambda: not any(os.path.exists(path) for path in directories),
               "the directories to be gone")
    return code


def ended_by(number, **more):
    popen, directories = begin(**more)
    same(popen.stdout.readline(), "begun\n", "what it says")
    check(len(left_in(directories, 0)) >= 2, "its processes are not seen")
    popen.send_signal(number)
    return ends(popen, directories)


@case("a test that is killed leaves nothing behind")
def killed():
    same(ended_by(signal.SIGKILL), -signal.SIGKILL, "its end")


@case("a test that is asked to end ends what it has started")
def asked():
    for number in (signal.SIGTERM, signal.SIGHUP):
        same(ended_by(number), 128 + number, "its end")


@case("a test that is interrupted ends what it has started")
def interrupted():
    check(ended_by(signal.SIGINT) != 0, "it ended well")


@case("a world that fails while it is made is ended")
def unmade():
    same(ends(*begin("raise ValueError('no')")), 1, "its end")


@case("a database goes with the test that was killed")
def database():
    if bin_of("initdb") is None:
        raise Skip("PostgreSQL's server is not installed")
    ended_by(signal.SIGKILL, database=True)


@case("a database goes though its server is stopped")
def stopped_database():
    if bin_of("initdb") is None:
        raise Skip("PostgreSQL's server is not installed")
    stop = ("os.kill(int(open(databases[0].data + '/postmaster.pid').readline()), "
            "signal.SIGSTOP); databases[0].close(); sys.exit(7)")
    same(ends(*begin(stop, database=True)), 7, "its end")


if __name__ == "__main__":
    run_cases()
