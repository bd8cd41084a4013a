# SPDX-License-Identifier: Apache-2.0
"""docs/pipeline.schema.json against a validator that others wrote: it is a schema, it takes every
definition that the reader takes, and refuses what the reader refuses for its form alone.
"""
import json
import os
import re

from shape import ROOT, Tap, read

ROW = re.compile(r"^DIAG\((\d+), (\w+), (ERROR|WARNING), (STRUCTURAL|SEMANTIC),", re.M)
FINDING = re.compile(r"^\S+?:\d+:\d+: (error|warning) ARC(\d{4}):", re.M)
FENCE = re.compile(r"^```ya?ml\n(.*?)^```", re.M | re.S)
SCHEMA = "docs/pipeline.schema.json"


def core_loader(yaml):
    """YAML as the language reads it: the core schema, where `yes` and dates are texts."""
    class Loader(yaml.SafeLoader):
        pass
    Loader.yaml_implicit_resolvers = {}
    for tag, form, first in (
            ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
            ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
            ("merge", r"^<<$", ["<"]),
            ("int", r"^(?:[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+)$", list("-+0123456789")),
            ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
             list("-+.0123456789"))):
        Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(form), first)
    Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: whole(node.value))
    Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))
    return Loader


def whole(text):
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)


def load(yaml, text):
    return json.loads(text) if text.lstrip("\ufeff \n").startswith("{") else \
        yaml.load(text.lstrip("\ufeff"), core_loader(yaml))


def cases(group):
    """Name, text and what is said of it."""
    top = os.path.join(ROOT, "tests/golden/spec", group)
    for name in sorted(os.listdir(top)):
        for form in ("input.yaml", "input.json"):
            path = os.path.join(top, name, form)
            if os.path.isfile(path):
                said = os.path.join(top, name, "expect.txt")
                with open(path, "rb") as file:
                    yield name, file.read(), open(said, encoding="utf-8").read() \
                        if os.path.isfile(said) else ""


def accepted():
    """Every definition that the reader takes."""
    for name, text, _ in cases("valid"):
        yield name, text.decode()
    for name, text, said in cases("invalid"):
        if not any(kind == "error" for kind, _ in FINDING.findall(said)):
            yield name, text.decode()
    pipelines = os.path.join(ROOT, "examples/pipelines")
    for name in sorted(name for name in os.listdir(pipelines) if name.endswith(".yaml")):
        yield name, read(ROOT, "examples/pipelines/" + name)
    for page in ("README.md", "docs/LANGUAGE.md"):
        for number, text in enumerate(FENCE.findall(read(ROOT, page)), 1):
            if text.startswith("namespace:"):
                yield f"{page} {number}", text


def refused(structural):
    """Every definition that the reader can read, and refuses for its form."""
    for name, text, said in cases("invalid"):
        codes = {int(code) for kind, code in FINDING.findall(said) if kind == "error"}
        if codes & structural and min(codes) >= 100:
            yield name, text.decode(), sorted(codes & structural)


def why(validator, value):
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:100]}"
            for error in validator.iter_errors(value)]


def main():
    tap = Tap()
    try:
        import jsonschema
        import yaml
        make = jsonschema.Draft202012Validator
    except (ImportError, AttributeError):
        tap.skip("the schema is tried", "python3-jsonschema and python3-yaml are not here")
        tap.end()
        return
    schema = json.loads(read(ROOT, SCHEMA))
    make.check_schema(schema)
    validator = make(schema)
    rows = ROW.findall(read(ROOT, "lib/spec/diags.def"))
    structural = {int(number) for number, _, _, kind in rows if kind == "STRUCTURAL"}
    tap.case("the table says which findings are structural", [] if len(structural) > 15 else
             [f"only {len(structural)}"])
    found, tried = [], 0
    for name, text in accepted():
        tried += 1
        found += [f"{name}: {line}" for line in why(validator, load(yaml, text))]
    tap.case("the schema accepts what the reader accepts",
             found if tried > 30 else [f"only {tried} definitions"])
    found, seen, unread = [], set(), []
    for name, text, codes in refused(structural):
        try:
            value = load(yaml, text)
        except yaml.YAMLError:
            unread.append(name)
            continue
        seen.update(codes)
        if not why(validator, value):
            found.append(f"{name}: {codes}")
    tap.case("the schema refuses what the form alone makes wrong", found)
    tap.case("other readers of YAML read nearly all of them", unread if len(unread) > 2 else [])
    tap.case("every structural finding is tried",
             [f"ARC{code:04}" for code in sorted(structural - seen)])
    tap.end()


main()
