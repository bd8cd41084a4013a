# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: the one rule of docs/ARCHITECTURE.md.

A room may include itself, base, and the rooms of its row; third-party headers only where its row
of THIRD_PARTY says; a room that does no I/O sees only the part of the C library that does none.
"""
import os
import re

from shape import ROOT, Tap, code, files, line_of, read

# room: the rooms that it may include beside itself and base.
ROOMS = {
    "base": "",
    "core": "",
    "spec": "core",
    "port": "",
    "engine": "core spec port",
    "store": "port",
    "logs": "port",
    "bus": "port",
    "notify": "port",
    "codec": "",
    "command": "core spec engine codec",
    "wire": "command",
    "net": "wire",
    # The composition: the only room that chooses adapters, reads clocks and the environment.
    "face": "core spec port engine store logs bus notify codec command wire net",
}

# Rooms of adapters, and the adapters. lib/store/sqlite.c and lib/store/sqlite_sql.c are one, named
# by what stands before the first "_", "." or "/". An adapter sees no other; the other files of such
# a room are shared by its adapters and see none of them.
ADAPTERS = {
    "store": ("mem", "sqlite", "pg"),
    "logs": ("mem", "file"),
    "bus": ("local", "kafka"),
    "notify": ("webhook",),
}

# Rooms that touch no descriptor, no file and no clock see these headers of the C library alone.
PURE = ("base", "core", "spec", "port", "engine", "codec", "command", "wire")
PURE_HEADERS = set("""assert.h ctype.h errno.h float.h inttypes.h limits.h math.h stdalign.h
    stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h
    sys/types.h""".split())
SYSTEM_HEADERS = PURE_HEADERS | set("""dirent.h endian.h fcntl.h getopt.h grp.h ifaddrs.h locale.h
    net/if.h netdb.h netinet/in.h netinet/tcp.h arpa/inet.h poll.h pthread.h pwd.h sched.h
    signal.h spawn.h sys/epoll.h sys/eventfd.h sys/file.h sys/ioctl.h sys/mman.h sys/random.h
    sys/resource.h sys/signalfd.h sys/socket.h sys/stat.h sys/statvfs.h sys/time.h sys/timerfd.h
    sys/uio.h sys/un.h sys/utsname.h sys/wait.h syslog.h termios.h time.h unistd.h""".split())

# (what an include begins with, the files that may hold it, how many of them may, why)
THIRD_PARTY = [
    ("yaml.h", r"lib/spec/", 1, "one file knows libyaml"),
    ("immintrin.h", r"lib/base/sha256\.c", 1, "instructions for SHA-256"),
    ("sys/platform/x86.h", r"lib/base/sha256\.c", 1, "whether they are there"),
    ("emmintrin.h", r"lib/spec/json\.c", 1, "sixteen bytes at once"),
    ("yajl/", r"lib/codec/", 1, "one file in codec knows yajl"),
    ("nghttp2/", r"lib/wire/", 1, "one file knows nghttp2, its session is wire's secret"),
    ("zlib.h", r"lib/wire/", 1, "one file inflates messages"),
    ("zlib.h", r"lib/codec/", 1, "one file unpacks log batches"),
    ("openssl/", r"lib/net/", 1, "one file knows OpenSSL"),
    ("sqlite3.h", r"lib/store/sqlite", 9, "the SQLite adapter"),
    ("libpq-fe.h", r"lib/store/pg", 2, "one file of the PostgreSQL adapter, and its URL"),
    ("librdkafka/", r"lib/bus/kafka", 1, "the Kafka adapter"),
    ("curl/", r"lib/notify/webhook", 1, "the webhook adapter"),
    ("protobuf-c/", r"lib/(codec|command)/", 99, "messages by their descriptors"),
]
# What the build makes from api/: messages ("pipeline/v1/pipeline.pb-c.h") and tables of methods.
GENERATED = re.compile(r"[a-z0-9_/]+\.pb-c\.h$|(messages\.h|(message|rpc)_table\.def)$")
GENERATED_ROOMS = ("codec", "command", "face")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', re.M)


def includes(root, name):
    """(line, quote or angle, what) for each include of a file."""
    text = code(read(root, name), strings=True)
    return [(line_of(text, m.start()), m.group(1), m.group(2)) for m in INCLUDE.finditer(text)]


def adapter(room, path):
    """The adapter that a file of the room belongs to, or None for what they share."""
    stem = re.split(r"[_./]", path, maxsplit=1)[0]
    return stem if stem in ADAPTERS[room] else None


def allowed_rooms(room):
    return {room, "base", *ROOMS[room].split()}


def check_quoted(name, room, what):
    """Why the file of this room may not include "what", or None."""
    if GENERATED.match(what):
        return None if room in GENERATED_ROOMS else "messages are for codec, command and face"
    other, slash, rest = what.partition("/")
    if not slash or other not in ROOMS:
        return 'an internal include is "room/file.h"'
    if other not in allowed_rooms(room):
        return f"{room} may not see {other}"
    if room in ADAPTERS and other == room:
        own, seen = adapter(room, name.split("/", 2)[2]), adapter(room, rest)
        if seen and seen != own:
            return f"{own or 'what adapters share'} may not see the adapter {seen}"
    return None


def check_angled(name, room, what):
    if what.startswith("arcentra/") or what == "config.h" and name.endswith(".c"):
        return None
    if any(what.startswith(prefix) and re.match(place, name)
           for prefix, place, _, _ in THIRD_PARTY):
        return None
    if what not in SYSTEM_HEADERS:
        return "not a header of the C library, and no row of THIRD_PARTY allows it here"
    if room in PURE and what not in PURE_HEADERS:
        return f"{room} does no I/O and asks no clock"
    return None


def check_library(root):
    found = []
    for name in files(root, ".c", ".h", ".def"):
        if not name.startswith("lib/"):
            continue
        room = name.split("/")[1]
        if room not in ROOMS:
            found.append(f"{name}: lib/{room} is no room of the table")
            continue
        for line, quote, what in includes(root, name):
            why = (check_quoted if quote == '"' else check_angled)(name, room, what)
            if why:
                found.append(f"{name}:{line}: {what}: {why}")
    return found


def check_single_files(root):
    """The number of files that share a row of THIRD_PARTY."""
    found = []
    for prefix, place, most, why in THIRD_PARTY:
        holders = [name for name in files(root, ".c", ".h") if re.match(place, name) and
                   any(what.startswith(prefix) for _, _, what in includes(root, name))]
        if len(holders) > most:
            found.append(f"{prefix} is included by {', '.join(holders)}: {why}")
    return found


def check_public(root):
    """Public headers see public headers and the freestanding part of the C library."""
    plain = {"limits.h", "stdarg.h", "stddef.h", "stdint.h"}
    found = []
    for name in files(root, ".h"):
        if name.startswith("include/"):
            found += [f"{name}:{line}: {what}: not for a public header"
                      for line, quote, what in includes(root, name)
                      if quote == '"' or not what.startswith("arcentra/") and what not in plain]
    return found


def check_examples(root):
    """Programs see the public headers, their own files and what else they link with."""
    own = [name for name in files(root, ".h", ".c", ".def") if name.startswith("examples/")]
    found = []
    for name in own:
        for line, quote, what in includes(root, name):
            if quote == '"':
                near = {os.path.normpath(os.path.join(os.path.dirname(name), what)),
                        f"examples/{what}"}
                if not near & set(own):
                    found.append(f'{name}:{line}: "{what}" is not a file of the examples')
            elif what.split("/")[0] in ROOMS and "/" in what:
                found.append(f"{name}:{line}: <{what}> is not a public header")
    return found


def check_suite(root):
    """What is installed to be built against a host's store sees what the host's compiler sees."""
    found = []
    for name in files(root, ".h", ".c"):
        if not name.startswith("suite/"):
            continue
        for line, quote, what in includes(root, name):
            if quote == '"' and not os.path.exists(os.path.join(root, "suite", what)):
                found.append(f'{name}:{line}: "{what}" is not a file of the suite')
            elif quote == "<" and not what.startswith("arcentra/") and what not in SYSTEM_HEADERS:
                found.append(f"{name}:{line}: <{what}> is not for the suite")
    return found


def check_order(root):
    """In a .c: the own header, or one of the own room for a file without; then <arcentra/...>, then
    <system>, then "room/...", each sorted."""
    found = []
    for name in files(root, ".c"):
        if not name.startswith("lib/"):
            continue
        own = name[len("lib/"):-2] + ".h"
        room = own.split("/")[0] + "/"
        rows = [row for row in includes(root, name)
                if not row[2].endswith(".def") and row[2] != "config.h"]
        if os.path.exists(os.path.join(root, "lib", own)) and (not rows or rows[0][2] != own):
            found.append(f'{name}: the first include is the own header "{own}"')
            continue
        if rows and rows[0][1] == '"' and rows[0][2].startswith(room):
            rows = rows[1:]
        for before, row in zip(rows, rows[1:]):
            rank = [2 if quote == '"' else 0 if what.startswith("arcentra/") else 1
                    for _, quote, what in (before, row)]
            if rank[0] > rank[1] or rank[0] == rank[1] and before[2] > row[2]:
                found.append(f"{name}:{row[0]}: {row[2]} stands before {before[2]}")
                break
    return found


CLEAN = {
    "include/arcentra/base.h": "#include <stdint.h>\n",
    "lib/base/err.h": "#include <arcentra/base.h>\n",
    "lib/base/err.c": '#include "base/err.h"\n\n#include <stdarg.h>\n#include <stdio.h>\n',
    "lib/core/step.h": '#include "base/err.h"\n',
    "lib/engine/turn.c": '#include <string.h>\n\n#include "base/err.h"\n#include "core/step.h"\n',
    "lib/store/mem.h": '#include "base/err.h"\n',
    "lib/store/sqlite.c": '#include <sqlite3.h>\n\n#include "base/err.h"\n',
    "lib/spec/yaml.c": "#include <yaml.h>\n",
    "examples/embed_poll.c": "#include <arcentra/base.h>\n#include <poll.h>\n",
    "suite/suite.h": "#include <arcentra/base.h>\n",
    "suite/cases.c": '#include "suite.h"\n\n#include <string.h>\n',
}


def plants(tap):
    tap.finds("a room that looks up is found", check_library, CLEAN,
              {"lib/core/dag.c": '#include "engine/turn.h"\n'}, "core may not see engine")
    tap.finds("an include without its room is found", check_library, CLEAN,
              {"lib/core/dag.c": '#include "step.h"\n'}, '"room/file.h"')
    tap.finds("an adapter that sees another is found", check_library, CLEAN,
              {"lib/store/sqlite_sql.c": '#include "store/mem.h"\n'},
              "sqlite may not see the adapter mem")
    tap.finds("a shared part that sees an adapter is found", check_library, CLEAN,
              {"lib/store/rows.c": '#include "store/mem.h"\n'}, "what adapters share")
    tap.finds("a foreign header in the wrong room is found", check_library, CLEAN,
              {"lib/core/dag.c": "#include <openssl/evp.h>\n"}, "no row of THIRD_PARTY")
    tap.finds("a clock in core is found", check_library, CLEAN,
              {"lib/core/dag.c": "#include <time.h>\n"}, "asks no clock")
    tap.finds("messages in a room that knows none are found", check_library, CLEAN,
              {"lib/engine/run.c": '#include "agent/v1/agent.pb-c.h"\n'}, "messages are for")
    tap.finds("a directory that is no room is found", check_library, CLEAN,
              {"lib/util/all.c": "\n"}, "no room")
    tap.finds("an include in a comment is not taken for one", check_library, CLEAN,
              {"lib/core/dag.c": '/*\n#include "engine/turn.h"\n*/\n#include "util.h"\n'},
              "dag.c:4:")
    tap.finds("a second file that knows libyaml is found", check_single_files, CLEAN,
              {"lib/spec/print.c": "#include <yaml.h>\n"}, "one file knows libyaml")
    tap.finds("a public header with an internal include is found", check_public, CLEAN,
              {"include/arcentra/run.h": '#include "base/err.h"\n'}, "not for a public header")
    tap.finds("a program that sees a room is found", check_examples, CLEAN,
              {"examples/agent/main.c": '#include "base/err.h"\n'}, "not a file of the examples")
    tap.finds("a suite that sees a room is found", check_suite, CLEAN,
              {"suite/lives.c": '#include "base/err.h"\n'}, "not a file of the suite")
    tap.finds("includes out of order are found", check_order, CLEAN,
              {"lib/core/dag.c": '#include "base/err.h"\n#include <string.h>\n'},
              "string.h stands before base/err.h")
    tap.finds("an own header that is not first is found", check_order, CLEAN,
              {"lib/core/step.c": '#include "base/err.h"\n#include "core/step.h"\n'},
              "the first include")


def main():
    tap = Tap()
    tap.case("every room includes only what its row allows", check_library(ROOT))
    tap.case("foreign headers stay in the one file that knows them", check_single_files(ROOT))
    tap.case("public headers include public and standard headers alone", check_public(ROOT))
    tap.case("programs include public headers and their own alone", check_examples(ROOT))
    tap.case("the suite includes public headers and its own alone", check_suite(ROOT))
    tap.case("includes stand in their order", check_order(ROOT))
    plants(tap)
    tap.end()


main()
