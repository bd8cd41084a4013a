# SPDX-License-Identifier: Apache-2.0
"""What the tests of a server's store share: where it is, what is in it."""
import os
import sqlite3
import subprocess

from harness import SOURCE, World, environment, program, same


def spec(*commands):
    return {"namespace": "test.store", "jobs": [
        {"name": "build", "steps": [{"name": "s%d" % i, "run": command}
                                    for i, command in enumerate(commands)]}]}


def make_world():
    world = World()
    world.start_server()
    world.start_agent(slots=4)
    return world


def file_of(world, name="arcentra.db"):
    return os.path.join(world.settings["data"], name)


def store_of(world, name="arcentra.db"):
    return "sqlite:" + file_of(world, name)


def stop(world):
    world.server.signal(15)
    same(world.server.wait(), 0, "the server's exit code")


def rows_of(path):
    """Every row of every table, in the order of the keys."""
    db = sqlite3.connect(path)
    tables = [name for (name,) in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 't\\_%' ESCAPE '\\'")]
    rows = {table: sorted(db.execute("SELECT * FROM " + table)) for table in tables}
    db.close()
    return rows


def close(db):
    """Behind what somebody who should not has written: a store that is sound."""
    db.commit()
    db.execute("VACUUM")  # pages that were only changed would not have their checksums
    db.close()


def move(world, old, new):
    """A store under another name: what is beside the file goes with it."""
    for end in ("", "-wal", "-shm", ".mark", ".reserve"):
        if os.path.exists(file_of(world, old) + end):
            os.rename(file_of(world, old) + end, file_of(world, new) + end)
        elif os.path.exists(file_of(world, new) + end):
            os.unlink(file_of(world, new) + end)


def killed_after(world, words, seconds):
    """Kills `arcentra WORDS` in so many seconds; true: it was over before."""
    work = subprocess.Popen([program("arcentra")] + words, env=environment(world),
                            cwd=world.directory, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        same(work.wait(seconds), 0, "the exit code")
        return True
    except subprocess.TimeoutExpired:
        work.kill()
        work.wait()
        return False


def earlier_stores(kind):
    """The files of stores that earlier versions have written."""
    directory = os.path.join(SOURCE, "tests", "data", "stores")
    return sorted(os.path.join(directory, name) for name in os.listdir(directory)
                  if name.startswith(kind))
