#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Patterns against Python's re, over random ones of what both know. Prints TAP."""
import json
import os
import random
import re
import subprocess

BUILD = os.environ.get("top_builddir", os.path.join(os.path.dirname(__file__), "../../.."))
TERMS = os.path.join(BUILD, "tests/unit/core/terms")
PATTERNS = 12000
TEXTS = 12
SEED = 7

ATOMS = ["a", "b", "c", "ä", "\\.", "-", "0", " ", "\\n", ".", "\\d", "\\D", "\\w", "\\W", "\\s",
         "\\S", "[ab]", "[^ab]", "[a-c0-9]", "[^\\d ]", "[\\w-]", "[ä-ü]", "[]a]", "\\x41", "aa",
         "ab", "(?i:aB)", "(?s:.)", "[^-c]", "\\^", "\\$"]
PLACES = ["^", "$", "\\b", "\\B", "\\A", "\\z"]
COUNTS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}", "{2,}", "{0}", "{1,3}?"]


def pattern(dice, depth):
    """One random pattern, in the words of RE2."""
    kind = dice.random()
    if depth == 0 or kind < 0.3:
        return dice.choice(ATOMS)
    if kind < 0.4:
        return dice.choice(PLACES)
    if kind < 0.65:
        return "".join(pattern(dice, depth - 1) for _ in range(dice.randint(2, 3)))
    if kind < 0.75:
        return group(dice, "|".join(pattern(dice, depth - 1) for _ in range(dice.randint(2, 3))))
    if kind < 0.78:
        return group(dice, pattern(dice, depth - 1) + "|")
    return group(dice, pattern(dice, depth - 1)) + dice.choice(COUNTS)


def group(dice, inner):
    return dice.choice(["(", "(?:", "(?i:", "(?m:", "(?s:"]) + inner + ")"


def text(dice):
    return "".join(dice.choice("aabbc0 -\nä.A^$") for _ in range(dice.randint(0, 9)))


def python(words):
    """The same in Python's words: `$` there also stands before a last line break, except with m,
    and `\\B` does not stand in an empty text."""
    out, at, modes = "", 0, [False]
    while at < len(words):
        two = words[at:at + 2]
        if two == "\\z":
            out, at = out + "\\Z", at + 2
        elif two == "\\B":
            out, at = out + "(?!\\b)", at + 2
        elif words[at] == "\\":
            out, at = out + two, at + 2
        elif words[at] == "[":
            end = words.index("]", at + 2)
            out, at = out + words[at:end + 1].replace("[]", "[\\]"), end + 1
        elif words[at] == "$" and not modes[-1]:
            out, at = out + "\\Z", at + 1
        else:
            if words[at] == "(":
                modes.append(modes[-1] or words.startswith("(?m:", at))
            elif words[at] == ")":
                modes.pop()
            out, at = out + words[at], at + 1
    return out


def main():
    dice = random.Random(SEED)
    asked, wanted = [], []
    while len(asked) < PATTERNS:
        words = pattern(dice, 3)
        texts = [text(dice) for _ in range(TEXTS)]
        compiled = re.compile(python(words), re.ASCII)
        asked.append("p " + json.dumps([words] + texts))
        wanted.append("".join("1" if compiled.search(one) else "0" for one in texts))
    done = subprocess.run([TERMS], input="\n".join(asked) + "\n", capture_output=True, text=True,
                          check=False)
    got = done.stdout.split("\n")[:-1]
    wrong = [f"# {a}: {g}, and not {w}" for a, g, w in zip(asked, got, wanted) if g != w]
    ok = done.returncode == 0 and len(got) == len(asked) and not wrong
    hits = sum(one.count("1") for one in wanted)
    print("1..2")
    print("\n".join(wrong[:20] + done.stderr.split("\n")[:5]).strip() or "#")
    print(f"{'ok' if ok else 'not ok'} 1 - {PATTERNS} random patterns match as Python's re says")
    even = 0.2 < hits / (PATTERNS * TEXTS) < 0.95
    print(f"{'ok' if even else 'not ok'} 2 - of {PATTERNS * TEXTS} texts {hits} match, others not")
    return 0 if ok and even else 1


if __name__ == "__main__":
    raise SystemExit(main())
