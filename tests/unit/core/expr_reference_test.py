#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Expressions agree with the reference (expr_reference.py) on random terms, most of which fit
together and some of which do not. Prints TAP. With a seed it tries other terms."""
import json
import os
import random
import subprocess
import sys

import expr_reference as ref

BUILD = os.environ.get("top_builddir", os.path.join(os.path.dirname(__file__), "../../.."))
TERMS = os.path.join(BUILD, "tests/unit/core/terms")
COUNT = 100000

CONTEXTS = {
    "variables": {"a": "1", "deploy": "yes", "version": "v1.2.3-rc.1", "list": "a,b,,c"},
    "env": {"PATH": "/bin:/usr/bin", "EMPTY": ""},
    "trigger": {"branch": "release/1.2", "actor": "änne 😀", "payload": {
        "n": 3, "f": 1.5, "t": "x", "l": [1, "a", None, [2]], "m": {"k": {"j": 1}}, "b": True,
        "z": None, "big": 1 << 62, "texts": ["b", "a", "c"], "ints": [3, 1, 2]}},
    "matrix": {"os": "linux", "go": 1.25},
}
WORLD = {"contexts": CONTEXTS, "now": 1767225600123456789}

TEXTS = ["", "a", "b", "ab", "a,b,,c", "äö😀x", " x ", "true", "12", "-7", "1.5", "1h30m",
         "v1.2.3", "1.2.3-rc.2", "1.10.0+b", "{0}-{1}", "{{{0}}}", "x'y\"z\\\n", '{"a":[1,2.5]}',
         "[1", "1.5h", "release/1.2", "ABC", "99999999999999999999", "250ms", "/", ","]
INTS = [0, 1, 2, 3, 7, 10, 100, 255, 1 << 31, ref.INT_MAX, 1 << 53]
FLOATS = [0.0, 1.0, 0.5, 2.5, 0.1, 1e300, 1e-5, 123456.789, 9007199254740993.0, 3.0e15, 1e22]
PATTERNS = ["^a", "b$", "a|b", "[0-9]+", "^\\d+$", "(ab)*c", "^v?1\\.", "x{2,3}",
            "^[a-c]+$", "\\bx\\b", ".", "^(?:a|ab)(?:c|bcd)?$"]
PATHS = {
    "text": ["variables.a", "variables.deploy", "version", "variables.list", "env.PATH",
             "trigger.branch", "trigger.actor", "trigger.payload.t", "matrix.os"],
    "int": ["trigger.payload.n", "trigger.payload.big", "trigger.payload.m.k.j"],
    "float": ["trigger.payload.f", "matrix.go"],
    "bool": ["trigger.payload.b"],
    "list": ["trigger.payload.l", "trigger.payload.texts", "trigger.payload.ints"],
    "map": ["trigger.payload.m", "trigger.payload", "variables", "trigger.payload.m.k"],
    "null": ["trigger.payload.z", "env.NONE", "trigger.payload.no.such"],
}
KINDS = ["null", "bool", "int", "float", "text", "list", "map", "duration", "time"]


class Maker:
    """Makes terms of a kind, and now and then of another one."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def term(self, kind, depth):
        if self.dice.random() < 0.03:
            kind = self.dice.choice(KINDS)
        if depth <= 0:
            return self.leaf(kind)
        return self.dice.choice(MAKERS[kind])(self, depth - 1)

    def any(self, depth):
        return self.term(self.dice.choice(KINDS), depth)

    def path(self, kind):
        names = self.dice.choice(PATHS[kind]).split(".")
        return ("path", ["variables"] + names if names == ["version"] else names)

    def leaf(self, kind, _=0):
        if kind in PATHS and self.dice.random() < 0.3:
            return self.path(kind)
        if kind == "list":
            return ("list", [self.leaf("int") for _ in range(self.dice.randint(0, 3))])
        if kind == "map":
            return ("map", [(key, self.leaf("text"))
                            for key in self.dice.sample(["a", "b", "k"], self.dice.randint(0, 2))])
        if kind == "duration":
            some = self.dice.choice(["0", "1h30m", "250ms", "9s", "2d"])
            return call("duration", ("value", some))
        if kind == "time":
            return ("call", "now", [])
        if kind == "bool" and self.dice.random() < 0.3:
            return ("status", self.dice.choice(["success", "failure", "always", "cancelled"]))
        return ("value", self.dice.choice({"null": [None], "bool": [True, False], "int": INTS,
                                           "float": FLOATS, "text": TEXTS}[kind]))

    def infix(self, signs, left, right, depth):
        return ("infix", self.dice.choice(signs), self.term(left, depth), self.term(right, depth))

    def number(self):
        return self.dice.choice(["int", "int", "float"])

    def listed(self, depth):
        kind = self.dice.choice(["int", "text", "float", "duration"])
        return ("list", [self.term(kind, depth) for _ in range(self.dice.randint(0, 4))])

    def some(self, depth, least=1):
        return [self.any(depth) for _ in range(self.dice.randint(least, 3))]

    def ordered(self, name, kind, depth):
        return call(name, *[self.term(kind, depth) for _ in range(self.dice.randint(1, 3))])


def call(name, *terms):
    return ("call", name, list(terms))


def of(name, *kinds):
    return lambda m, d: call(name, *[m.any(d) if one == "any" else m.term(one, d)
                                     for one in kinds])


def sign(signs, left, right):
    return lambda m, d: m.infix(signs, left, right, d)


def choose(kind):
    return lambda m, d: ("if", m.term("bool", d), m.term(kind, d), m.term(kind, d))


def fallback(kind):
    return lambda m, d: ("infix", "??", m.term(m.dice.choice(["null", kind]), d), m.term(kind, d))


def leaf(kind):
    return lambda m, d: m.leaf(kind)


def numbers(signs):
    return lambda m, d: ("infix", m.dice.choice(signs), m.term(m.number(), d),
                         m.term(m.number(), d))


ORDER = ["<", "<=", ">", ">="]
MAKERS = {
    "null": [leaf("null"), lambda m, d: ("member", m.term("map", d), "none"),
             lambda m, d: ("index", m.term("list", d), ("value", 99)), choose("null"),
             of("first", "list"), of("last", "list"), of("fromJson", "text"),
             lambda m, d: call("coalesce", *m.some(d)), of("fromJson", "text")],
    "bool": [leaf("bool"), sign(["&&", "and"], "bool", "bool"), sign(["||", "or"], "bool", "bool"),
             lambda m, d: ("not", m.term("bool", d)), numbers(ORDER), numbers(["==", "!="]),
             sign(ORDER, "text", "text"), sign(ORDER, "duration", "duration"),
             sign(ORDER, "time", "time"), choose("bool"), fallback("bool"),
             lambda m, d: ("infix", m.dice.choice(["==", "!="]), m.any(d), m.any(d)),
             lambda m, d: ("infix", m.dice.choice(["in", "not in"]), m.any(d), m.term("list", d)),
             sign(["in", "not in"], "text", "map"),
             sign(["contains", "not contains", "startsWith", "not startsWith", "endsWith",
                   "not endsWith"], "text", "text"),
             lambda m, d: ("infix", m.dice.choice(["matches", "not matches"]), m.term("text", d),
                           ("value", m.dice.choice(PATTERNS))),
             lambda m, d: call("matches", m.term("text", d), ("value", m.dice.choice(PATTERNS))),
             of("contains", "list", "any"), of("contains", "map", "text"),
             of("startsWith", "text", "text"), of("endsWith", "text", "text"), of("bool", "bool"),
             of("bool", "text")],
    "int": [leaf("int"), sign(["+", "-", "*", "/", "%"], "int", "int"), of("len", "text"),
            of("len", "list"), of("len", "map"), of("int", "text"), of("int", "float"),
            of("int", "bool"), of("abs", "int"), of("round", "float"), choose("int"),
            lambda m, d: ("negate", m.term("int", d)), fallback("int"),
            lambda m, d: call("semver", ("value", m.dice.choice(["v1.2.3", "1.2.3-rc.2"])),
                              m.term("text", d)),
            lambda m, d: m.ordered(m.dice.choice(["min", "max"]), "int", d)],
    "float": [leaf("float"), numbers(["+", "-", "*", "/"]), of("float", "int"), of("float", "text"),
              lambda m, d: ("negate", m.term("float", d)), of("abs", "float"), choose("float"),
              lambda m, d: m.ordered(m.dice.choice(["min", "max"]), "float", d)],
    "text": [leaf("text"), sign(["+"], "text", "text"), of("lower", "text"), of("upper", "text"),
             of("trim", "text"), of("replace", "text", "text", "text"), of("join", "list", "text"),
             of("string", "any"), of("toJson", "any"), of("hash", "text"), choose("text"),
             of("slice", "text", "int"), of("slice", "text", "int", "int"), fallback("text"),
             lambda m, d: call("format", m.term("text", d), *m.some(d, 0)),
             lambda m, d: call("format", ("value", "{1}{0}!"), m.any(d), m.any(d)),
             lambda m, d: call("slice", m.term("text", d), ("negate", ("value", 2)))],
    "list": [leaf("list"), Maker.listed, lambda m, d: ("list", m.some(d, 0)), of("keys", "map"),
             of("values", "map"), of("split", "text", "text"), of("unique", "list"),
             lambda m, d: call("sort", m.listed(d)), of("slice", "list", "int"), choose("list"),
             of("slice", "list", "int", "int")],
    "map": [leaf("map"), lambda m, d: ("map", [(key, m.any(d)) for key in
                                               m.dice.sample(["a", "b", "c-d", "k"], 2)]),
            choose("map"), lambda m, d: ("index", m.term("map", d), ("value", "k")),
            lambda m, d: call("fromJson", call("toJson", m.term("map", d)))],
    "duration": [leaf("duration"), sign(["+", "-"], "duration", "duration"), choose("duration"),
                 sign(["*", "/"], "duration", "int"), sign(["*"], "int", "duration"),
                 sign(["-"], "time", "time"), of("abs", "duration"), of("duration", "text"),
                 lambda m, d: ("negate", m.term("duration", d))],
    "time": [leaf("time"), sign(["+", "-"], "time", "duration"), sign(["+"], "duration", "time"),
             choose("time")],
}


def wanted(term, world):
    try:
        return ref.to_json(ref.evaluate(term, world))
    except ref.Fault as fault:
        return "! " + fault.args[0]


def agree(got, want, hidden):
    """With a context hidden, what is known all the same is what it is with that context."""
    if hidden and (got == "unknown" or got.startswith("! ") or want.startswith("! ")):
        return True
    return got.split(" ")[:2] == want.split(" ") if want.startswith("! ") else got == want


def run(seed, count):
    maker = Maker(seed)
    lines, wants, hides, hidden = [], [], [], False
    for i in range(count):
        if i % 1000 == 0:
            hidden = i % 5000 == 0
            WORLD["status"] = maker.dice.choice(["success", "failed", "cancelled"])
            given = {**CONTEXTS, "now": WORLD["now"], "status": WORLD["status"]}
            if hidden:
                given[maker.dice.choice(["status", "trigger", "variables"])] = "unknown"
            lines.append("w " + json.dumps(given))
            wants.append("ok")
            hides.append(False)
        term = maker.any(maker.dice.choice([1, 2, 2, 3, 4]))
        lines.append("e " + json.dumps(ref.show(term)))
        wants.append(wanted(term, WORLD))
        hides.append(hidden)
    done = subprocess.run([TERMS], input="\n".join(lines) + "\n", capture_output=True, text=True,
                          check=False)
    return lines, wants, hides, done


def main():
    lines, wants, hides, done = run(int(sys.argv[1]) if len(sys.argv) > 1 else 1, COUNT)
    got = done.stdout.split("\n")[:-1]
    wrong = [f"# {line}\n#   {is_} and not {want}"
             for line, is_, want, hidden in zip(lines, got, wants, hides)
             if not agree(is_, want, hidden)]
    ok = done.returncode == 0 and len(got) == len(lines) and not wrong
    faults = sum(one.startswith("! ") for one in wants)
    known = [is_ != "unknown" for is_, hidden in zip(got, hides) if hidden]
    print("1..3")
    print("\n".join(wrong[:20] + [f"# {line}" for line in done.stderr.split("\n")[:3]]))
    print(f"# {len(wrong)} disagree")
    print(f"{'ok' if ok else 'not ok'} 1 - expressions agree with the reference on {COUNT} terms")
    mixed = 0.1 < faults / COUNT < 0.6
    print(f"{'ok' if mixed else 'not ok'} 2 - {faults} of them are faults, the others are values")
    some = 0.1 < sum(known) / max(len(known), 1) < 0.95
    print(f"{'ok' if some else 'not ok'} 3 - with a context hidden {sum(known)} of {len(known)} "
          "are known all the same")
    return 0 if ok and mixed and some else 1


if __name__ == "__main__":
    raise SystemExit(main())
