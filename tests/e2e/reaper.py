# SPDX-License-Identifier: Apache-2.0
"""Ends what a test has left behind, however the test itself has ended: harness.py starts it, and
writes a line for each directory that is the test's. When there are no more lines the test is gone,
and what is still there knows one of those directories in its command line, or works in it.
"""
import os
import shutil
import signal
import sys
import time

SECONDS = 10


def read(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def works_in(pid):
    try:
        return os.readlink("/proc/%d/cwd" % pid).replace(" (deleted)", "")
    except OSError:
        return ""


def those_of(directories):
    """The processes by number, with their command lines; not this one."""
    found = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        line, cwd = read(pid, "cmdline"), works_in(pid)
        if pid != os.getpid() and any(directory in line or (cwd + "/").startswith(directory + "/")
                                      for directory in directories):
            found[pid] = line
    return found


def send(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass  # it has gone by itself


def reap(directories):
    """A postmaster is asked to quit, as its memory would outlive it; everybody else is not asked.
    """
    end = time.monotonic() + SECONDS
    while True:
        found = those_of(directories)
        late = time.monotonic() > end
        for pid in found:
            is_server = read(pid, "comm").strip() in ("postgres", "postmaster")
            send(pid, signal.SIGQUIT if is_server and not late else signal.SIGKILL)
            send(pid, signal.SIGCONT)
        if not found or late:
            break
        time.sleep(0.05)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    reap(sys.stdin.read().splitlines())
