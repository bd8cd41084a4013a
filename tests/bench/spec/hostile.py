# SPDX-License-Identifier: Apache-2.0
"""Texts that are made to cost their reader: each must be refused, and fast."""
MIB = 1 << 20


def filled(part, size=MIB):
    return (part * (size // len(part) + 1))[:size]


def laughs():
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    for level in range(1, 10):
        rows.append(f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 9) + "]")
    return "\n".join(rows) + "\n"


def quadratic(row):
    keys = ", ".join(f"k{at}: 1" for at in range(10000))
    return "- &a {" + keys + "}\n" + row * 10000


def texts():
    """name, ending, text, whether it has to be refused within 10 ms"""
    yield "billion laughs", "yaml", laughs(), True
    yield "quadratic aliases", "yaml", quadratic("- *a\n"), True
    yield "quadratic merges", "yaml", quadratic("- {<<: *a}\n"), True
    yield "an alias of itself", "yaml", "a: &a [*a]\n", True
    yield "1 MiB of [", "yaml", filled("["), True
    yield "1 MiB of {", "yaml", filled("{"), True
    yield "1 MiB of - ", "yaml", filled("- "), True
    yield "1 MiB of ? ", "yaml", filled("? "), True
    yield "flow as deep", "yaml", filled("{a: ["), True
    yield "1 MiB of [", "json", filled("["), True
    yield "a million levels", "json", filled('[{"a":'), True
    directives = "".join(f"%TAG !a{at}! tag:x:\n" for at in range(20000))
    yield "20,000 directives", "yaml", directives, True
    yield "one key of 1 MB", "yaml", '? "' + "k" * 1000000 + '"\n: 1\n', False
    yield "one key of 1 MB", "json", '{"' + "k" * 1000000 + '":1}', False
    yield "100,000 times one key", "yaml", "a: 1\n" * 100000, False
    yield "100,000 times one key", "json", "{" + '"a":1,' * 100000 + '"a":1}', False
    yield "90,000 keys", "yaml", "".join(f"k{at}: 1\n" for at in range(90000)), False
    yield "90,000 keys", "json", "{" + ",".join(f'"k{at}":1' for at in range(90000)) + "}", False
    yield "100,000 digits", "yaml", "a: " + "9" * 100000 + "\n", False
    yield "100,000 digits", "json", '{"a":' + "9" * 100000 + "}", False
    yield "250,000 values", "yaml", "[" + "1," * 250000 + "1]", False
    yield "250,000 values", "json", "[" + "1," * 250000 + "1]", False
    yield "1 MB of escapes", "json", '["' + "\\n" * 500000 + '"]', False
    yield "templates", "yaml", "namespace: a\nx: y\njobs: [" + '"${{ a }}",' * 80000 + "]\n", False


def raw():
    """The same of what is no text."""
    yield "overlong UTF-8", "yaml", b"a: " + b"\xc0\xaf" * 500000
    yield "NULs", "json", b'{"a":"' + b"\0" * 1000000 + b'"}'
