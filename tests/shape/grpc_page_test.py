# SPDX-License-Identifier: Apache-2.0
"""The table of limits in docs/GRPC.md is the one of <arcentra/grpc.h>, row by row."""
import re

from shape import ROOT, Tap, read

ROW = re.compile(r'ROW\((\w+),\s*([\w <]+?),\s*([\w <]+?),\s*"([^"]*)"\)')


def value(text):
    """How the page writes a default."""
    if text == "ARC_GRPC_NEVER":
        return "never"
    number = eval(text, {"__builtins__": {}})  # "4 << 20" of our own header
    return f"{number:,}".replace(",", " ")


def rows(header):
    limits = header.split("#define ARC_GRPC_LIMITS(ROW)")[1].split("clang-format on")[0]
    return [f"| `{name}` | {value(server)} | {value(client)} | {text} |"
            for name, server, client, text in ROW.findall(limits)]


def main():
    tap = Tap()
    want = rows(read(ROOT, "include/arcentra/grpc.h"))
    have = [line for line in read(ROOT, "docs/GRPC.md").splitlines() if line.startswith("| `") and
            "](" not in line]
    found = [f"missing: {line}" for line in want if line not in have]
    found += [f"not a limit: {line}" for line in have if line not in want]
    tap.case("the page of gRPC lists the limits as they are", found if want else ["no limits"])
    tap.case("a limit that differs is found",
             [] if rows('#define ARC_GRPC_LIMITS(ROW) ROW(a_max, 2 << 3, ARC_GRPC_NEVER, "x") '
                        "clang-format on") == ["| `a_max` | 16 | never | x |"] else ["not found"])
    tap.end()


main()
