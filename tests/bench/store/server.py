# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL 15 of the measurements' own, as it is installed: its durability is the default. On a
socket in a temporary directory on the disk, as an unprivileged user where we are root."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

BIN = "/usr/lib/postgresql/15/bin"
START_S = 60


def is_installed():
    return os.access(os.path.join(BIN, "postgres"), os.X_OK)


class Server:
    """`with Server() as server`: it is gone afterwards."""

    def __init__(self):
        # Not below /tmp, which may be memory; a socket's path must be short.
        self.folder = tempfile.mkdtemp(prefix="arc-bench-", dir="/var/tmp")
        self.process = None
        self.user = None
        if os.geteuid() == 0:
            names = {user.pw_name: user for user in pwd.getpwall()}
            self.user = names.get("postgres", names["nobody"])
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def start(self, *command):
        as_user = {}
        if self.user is not None:
            as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        with open(os.path.join(self.folder, "log"), "a", encoding="utf-8") as log:
            return subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, **as_user)

    def __enter__(self):
        data = os.path.join(self.folder, "data")
        made = self.start(os.path.join(BIN, "initdb"), "-D", data, "-U", "arc", "-A", "trust",
                          "-E", "UTF8", "--locale=C.UTF-8")
        if made.wait() != 0:
            raise RuntimeError(f"initdb failed; its log: {self.folder}/log")
        self.process = self.start(os.path.join(BIN, "postgres"), "-D", data, "-k", self.folder,
                                  "-c", "listen_addresses=")
        end = time.monotonic() + START_S
        while self.tool("pg_isready", "-q", check=False) != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server does not start; its log: {self.folder}/log")
            time.sleep(0.05)
        return self

    def __exit__(self, *what):
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # without waiting for who is connected
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tool(self, name, *arguments, check=True):
        done = subprocess.run([os.path.join(BIN, name), "-h", self.folder, "-U", "arc", *arguments],
                              capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()}")
        return done.returncode

    def sql(self, database, text):
        self.tool("psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-c", text, database)

    def fresh(self, name):
        """An empty database, with what came before on the disk."""
        self.tool("dropdb", "--if-exists", "--force", name)
        self.tool("createdb", name)
        self.sql("postgres", "CHECKPOINT")

    def url(self, name, folder=None):
        return f"postgres://arc@/{name}?host={folder or self.folder}"

    def node_url(self, name):
        return f"postgresql://arc@localhost/{name}?host={self.folder}"

    def conninfo(self, name):
        return f"host={self.folder} user=arc dbname={name}"
