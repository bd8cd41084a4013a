#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds api/ against the published wire contract and the agreed additions (tests/shape/wire/).

Prints TAP. Needs protoc and its descriptor.proto, nothing else: protoc compiles the files and
prints its own description of them as text, which is read here.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("top_srcdir") or os.path.join(HERE, "../..")
API = os.path.join(TOP, "api")
TABLES = os.path.join(TOP, "tests/shape/wire")
ADDITIONS_FROM = 100
# The one addition below 100, given by the contract itself.
LOW_ADDITIONS = {("pipeline.v1.PipelineStatus", 7)}

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}:]|[^\s{}:"]+')


def parse_text(text):
    """protobuf text format to a list of (name, value); a message's value is such a list."""
    stack, current, name = [], [], None
    for token in TOKEN.findall(text):
        if token == "{":
            inner = []
            current.append((name, inner))
            stack.append(current)
            current, name = inner, None
        elif token == "}":
            current = stack.pop()
        elif token == ":":
            continue
        elif name is None:
            name = token
        else:
            current.append((name, token.strip('"')))
            name = None
    return current


def every(message, name):
    return [value for key, value in message if key == name]


def one(message, name, default=""):
    found = every(message, name)
    return found[0] if found else default


def describe(directory):
    """The parsed descriptions of all files below directory."""
    files = []
    for folder, _, names in os.walk(directory):
        files += [os.path.relpath(os.path.join(folder, n), directory)
                  for n in names if n.endswith(".proto")]
    with tempfile.TemporaryDirectory() as scratch:
        packed = os.path.join(scratch, "set")
        subprocess.run(["protoc", "-I", directory, "--descriptor_set_out", packed] + sorted(files),
                       check=True)
        with open(packed, "rb") as handle:
            text = subprocess.run(
                ["protoc", "--decode=google.protobuf.FileDescriptorSet",
                 "google/protobuf/descriptor.proto"], stdin=handle, check=True,
                capture_output=True).stdout.decode()
    return every(parse_text(text), "file")


def scalar(field):
    return one(field, "type").replace("TYPE_", "").lower()


def target(field):
    """A type's name: scalar word, or the full name of a message or enum."""
    return one(field, "type_name").lstrip(".") or scalar(field)


class Table:
    """Contract rows by what identifies them."""

    def __init__(self):
        self.messages = set()
        self.fields = {}   # (message, number) -> (name, type, label)
        self.values = {}   # (enum, number) -> name
        self.methods = {}  # (service, method) -> (request, reply, streaming)

    def count(self):
        return len(self.messages) + len(self.fields) + len(self.values) + len(self.methods)

    def read(self, path):
        with open(path, encoding="utf-8") as handle:
            for line in handle:
                if line.strip() and not line.startswith("#"):
                    self.add_row((line.rstrip("\n").split("\t") + [""] * 5)[:6])
        return self

    def add_row(self, row):
        kind = row[0]
        if kind == "message":
            self.messages.add(row[1])
        elif kind == "field":
            self.fields[row[1], int(row[2])] = (row[3], row[4], row[5])
        elif kind == "enum":
            self.values[row[1], int(row[2])] = row[3]
        elif kind == "rpc":
            self.methods[row[1], row[2]] = (row[3], row[4], row[5])
        else:
            raise ValueError("not a row: " + "\t".join(row))

    def add_file(self, file):
        package = one(file, "package")
        for message in every(file, "message_type"):
            self.add_message(package, message)
        for enum in every(file, "enum_type"):
            self.add_enum(package, enum)
        for service in every(file, "service"):
            for method in every(service, "method"):
                kinds = [word for word, key in (("client-stream", "client_streaming"),
                                                ("server-stream", "server_streaming"))
                         if one(method, key) == "true"]
                self.methods[f"{package}.{one(service, 'name')}", one(method, "name")] = (
                    one(method, "input_type").lstrip("."),
                    one(method, "output_type").lstrip("."), " ".join(kinds))

    def add_message(self, scope, message):
        name = f"{scope}.{one(message, 'name')}"
        self.messages.add(name)
        maps = {}
        for nested in every(message, "nested_type"):
            if one(one(nested, "options", []), "map_entry") == "true":
                key, value = every(nested, "field")
                maps[f"{name}.{one(nested, 'name')}"] = f"map<{target(key)},{target(value)}>"
            else:
                self.add_message(name, nested)
        groups = [one(group, "name") for group in every(message, "oneof_decl")]
        for field in every(message, "field"):
            kind = target(field)
            label = "repeated" if one(field, "label") == "LABEL_REPEATED" else ""
            if kind in maps:
                kind, label = maps[kind], ""
            elif one(field, "oneof_index"):
                label = "oneof " + groups[int(one(field, "oneof_index"))]
            self.fields[name, int(one(field, "number"))] = (one(field, "name"), kind, label)
        for enum in every(message, "enum_type"):
            self.add_enum(name, enum)

    def add_enum(self, scope, enum):
        name = f"{scope}.{one(enum, 'name')}"
        for value in every(enum, "value"):
            self.values[name, int(one(value, "number"))] = one(value, "name")


def broken_rows(want, have):
    """What of want is missing from have, or stands there otherwise."""
    faults = [f"message {m} is missing" for m in sorted(want.messages - have.messages)]
    for part in ("fields", "values", "methods"):
        there = getattr(have, part)
        for key, value in getattr(want, part).items():
            if there.get(key) != value:
                faults.append(f"{key[0]} {key[1]}: {value} expected, {there.get(key)} found")
    return faults


def clashes(agreed, have):
    """Numbers of an agreed addition that serve another purpose."""
    return [f"{key[0]} {key[1]}: agreed {value}, is {getattr(have, part)[key]}"
            for part in ("fields", "values") for key, value in getattr(agreed, part).items()
            if getattr(have, part).get(key, value) != value]


def moved_names(want, have):
    """Names of the contract that stand at another number of the same message or enum."""
    faults = []
    for part, name_of in (("fields", lambda v: v[0]), ("values", lambda v: v)):
        numbers = {(key[0], name_of(value)): key[1] for key, value in getattr(want, part).items()}
        for key, value in getattr(have, part).items():
            number = numbers.get((key[0], name_of(value)), key[1])
            if number != key[1]:
                faults.append(f"{key[0]}.{name_of(value)} moved from {number} to {key[1]}")
    return faults


def wild_additions(want, agreed, have):
    """What the contract's modules hold beyond contract and agreement, or at a number too low."""
    modules = {name.rsplit(".", 1)[0] for name in want.messages if name.count(".") == 2}
    ours = set(want.messages)
    faults = []
    for part in ("fields", "values", "methods"):
        for key, value in getattr(have, part).items():
            if ".".join(key[0].split(".")[:2]) not in modules or key in getattr(want, part):
                continue
            if key not in getattr(agreed, part):
                faults.append(f"{key[0]} {key[1]} ({value}) is in neither table")
            low = part != "methods" and key[1] < ADDITIONS_FROM and key not in LOW_ADDITIONS
            if low and (part == "values" or key[0] in ours):
                faults.append(f"{key[0]} {key[1]} ({value}) is below {ADDITIONS_FROM}")
    return faults


def method_rows(path):
    """gen/rpc_table.def as {(service, method): streaming}; a method listed twice is a fault."""
    rows = {}
    with open(path, encoding="utf-8") as handle:
        for line in handle:
            found = re.match(r'RPC\("([^"]+)", "([^"]+)", \w+, \w+, ([01]), ([01])\)$', line)
            if found:
                key = found.group(1), found.group(2)
                kinds = [w for w, bit in (("client-stream", 3), ("server-stream", 4))
                         if found.group(bit) == "1"]
                rows[key] = " ".join(kinds) if key not in rows else "twice"
    return rows


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def case(self, sentence, faults, skip=None):
        self.number += 1
        self.failed += bool(faults)
        tail = f" # SKIP {skip}" if skip else ""
        print(f"{'not ok' if faults else 'ok'} {self.number} - {sentence}{tail}")
        for fault in faults[:20]:
            print("# " + fault)


def main():
    want = Table().read(os.path.join(TABLES, "wire.tsv"))
    agreed = Table().read(os.path.join(TABLES, "wire-added.tsv"))
    have = Table()
    for file in describe(API):
        have.add_file(file)
    tap = Tap()

    faults = broken_rows(want, have)
    print(f"# {want.count() - len(faults)} of {want.count()} rows of the contract hold")
    tap.case("every row of the contract holds", faults)
    tap.case("no name of the contract has moved to another number", moved_names(want, have))
    faults = broken_rows(agreed, have)
    print(f"# {agreed.count() - len(faults)} of {agreed.count()} agreed additions are there")
    tap.case("no number of an agreed addition serves another purpose", clashes(agreed, have))
    tap.case("whatever is added is written down and numbered from 100 up",
             wild_additions(want, agreed, have))

    # The checks see what they look for.
    key = ("agent.v1.RegisterRequest", 9)
    damaged = Table()
    damaged.__dict__.update({name: part.copy() for name, part in have.__dict__.items()})
    damaged.fields[key[0], 50] = damaged.fields.pop(key)
    damaged.fields["agent.v1.Lease", 3] = ("fence", "int64", "")
    seen = [broken_rows(want, damaged), moved_names(want, damaged), clashes(agreed, damaged),
            wild_additions(want, agreed, damaged)]
    tap.case("a renumbered and a retyped field are noticed",
             [] if all(seen) else [f"check {i} saw nothing" for i, s in enumerate(seen) if not s])

    path = os.path.join(os.environ.get("top_builddir", "."), "gen/rpc_table.def")
    if os.path.exists(path):
        listed = method_rows(path)
        faults = [f"{key}: {listed.get(key)}, not {value[2]}" for key, value in have.methods.items()
                  if listed.get(key) != value[2]]
        faults += [f"{key} is no rpc" for key in listed if key not in have.methods]
        tap.case("the generated method table lists each rpc once, with its kind", faults)
    else:
        tap.case("the generated method table lists each rpc once, with its kind", [],
                 skip="no build tree")
    print(f"1..{tap.number}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
