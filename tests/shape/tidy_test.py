# SPDX-License-Identifier: Apache-2.0
"""The rules of CONTRIBUTING.md that a script can check. Every exception stands here with its
reason; a new one wants a better reason than the last."""
import os
import re

from shape import ROOT, Tap, blank, code, files, line_of, read

LINE_MAX = 100
TABLE_LINE_MAX = 240  # between "clang-format off" and "on": a table reads best with a line a row
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 1200
SENTENCE_MAX = 66

# (function, where it may stand as a path pattern or None, why it may stand nowhere else)
LIBRARY_BANNED = [
    ("strcpy|strcat|sprintf|vsprintf|gets|stpcpy", None, "no bound: use arc_buf or snprintf"),
    ("atoi|atol|atoll|atof", None, "no error: use arc__slice_to_i64"),
    ("strtok|strtok_r", None, "writes into its input: use arc__slice_cut"),
    ("alloca", None, "no failure: use an arena"),
    ("malloc|calloc|realloc|free|reallocarray", r"lib/base/mem\.c$", "memory is the host's"),
    ("strdup|strndup|asprintf|vasprintf", None, "memory is the host's: use arc__strdup"),
    ("system|popen|fork|vfork|exec[lv]p?e?|posix_spawnp?", None, "a guest starts no process"),
    ("exit|_exit|_Exit|abort|atexit|quick_exit", None, "a guest never ends its host"),
    ("signal|sigaction|sigprocmask|raise", None, "signals are the host's"),
    ("setlocale|uselocale", None, "the locale is the host's"),
    ("getenv|secure_getenv", r"lib/face/", "the environment is read in one place"),
    ("localtime|gmtime|localtime_r|gmtime_r|strftime|mktime", None, "time is UTC and given"),
    ("rand|srand|random|srandom|drand48", None, "randomness is given by arc_env"),
    ("getrandom|getentropy", r"lib/face/", "randomness is given by arc_env"),
    ("time|clock_gettime|gettimeofday|clock", r"lib/face/", "time is given by arc_env"),
    ("read|write|readv|writev", r"lib/(net|face)/", "descriptors live in net; files use pread"),
    ("send|recv|sendto|recvfrom|sendmsg|recvmsg|accept4?|connect", r"lib/net/",
     "sockets live in net"),
    ("printf|puts|putchar|perror|fprintf", None, "a library has no terminal"),
    ("pthread_create|thrd_create", None, "no hidden threads"),
]
PROGRAM_BANNED = [
    ("strcpy|strcat|sprintf|vsprintf|gets|stpcpy", None, "no bound: use snprintf"),
    ("atoi|atol|atoll|atof", None, "no error: use strtol and look at the end"),
    ("strtok", None, "not re-entrant"),
    ("alloca", None, "no failure"),
    ("system|popen", None, "a shell between us and the program"),
    ("rand|srand", None, "no randomness to rely on"),
]
TEST_BANNED = PROGRAM_BANNED + [
    ("sleep|usleep|nanosleep", None, "a sleep is no condition: wait for what is meant"),
]

# Files that may be longer than FILE_LINES_MAX, and why.
LONG_FILES = {}

# What must never be committed: paths of one machine, tickets by number, notes without a reason.
# The patterns are written so that this file does not hold what it looks for.
UNWANTED = [
    (r"(?:^|[^\w.$}])/(?:work|farm|root|Users)/", "a path of one machine"),
    (r"\b(?i:issue|ticket|pull request) ?#?[0-9]+\b", "a ticket by its number"),
    (r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\([^)]+\)|XX)",
     "a note without a reason: TO" "DO(why)"),
]
# Third-party or golden text that is checked for none of the rules of form.
FOREIGN = re.compile(r"^tests/(golden|fuzz/corpus|data)/|/testdata/|^tests/.*\.(tsv|txt|bin)$")

NEEDS_SPDX = (".c", ".h", ".def", ".sh", ".mk", ".py", ".proto", ".am", ".ac", ".map", ".go")
NEEDS_WIDTH = (".c", ".h", ".def", ".sh", ".py", ".proto", ".mk", ".am", ".ac", ".go")
NEEDS_BLANKS = (".c", ".h", ".def", ".sh", ".py", ".proto")
TEXT = (".c", ".h", ".def", ".sh", ".py", ".proto", ".mk", ".am", ".ac", ".map", ".md", ".in",
        ".yaml", ".yml", ".json", ".sql", ".service", ".supp", ".go", "dev", "run")


def written(root, *suffixes):
    return [name for name in files(root, *suffixes) if not FOREIGN.search(name)]


def check_spdx(root):
    names = written(root, *NEEDS_SPDX) + [n for n in ("dev", ".ci/run")
                                          if os.path.exists(os.path.join(root, n))]
    return [f"{name}: no SPDX-License-Identifier: Apache-2.0 in its first three lines"
            for name in names
            if not any("SPDX-License-Identifier: Apache-2.0" in line
                       for line in read(root, name).split("\n")[:3])]


def check_lines(root):
    found = []
    for name in written(root, *TEXT):
        text = read(root, name)
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            found.append(f"{name}: ends with exactly one line break")
        width = LINE_MAX
        for number, line in enumerate(text.split("\n"), 1):
            if "clang-format o" in line:
                width = TABLE_LINE_MAX if "clang-format off" in line else LINE_MAX
            if line != line.rstrip():
                found.append(f"{name}:{number}: blanks at the end of the line")
            if "\t" in line and name.endswith(NEEDS_BLANKS):
                found.append(f"{name}:{number}: a tab")
            columns = len(line.expandtabs(8))
            if columns > width and (name.endswith(NEEDS_WIDTH) or name == "dev"):
                found.append(f"{name}:{number}: {columns} columns, more than {width}")
    return found


def check_banned(root):
    found = []
    for name in written(root, ".c", ".h", ".def"):
        table = (LIBRARY_BANNED if name.startswith(("lib/", "include/")) else
                 PROGRAM_BANNED if name.startswith("examples/") else TEST_BANNED)
        text = code(read(root, name))
        for words, place, why in table:
            if place and re.match(place, name):
                continue
            for match in re.finditer(rf"(?<![\w.>])({words})\s*\(", text):
                if is_call(text, match):
                    found.append(f"{name}:{line_of(text, match.start())}: {match.group(1)}: {why}")
    return found


def is_call(text, match):
    """Of the function that is meant: not the printf of a format attribute, not the file's own
    static function or function pointer of that name."""
    before = text[max(0, match.start() - 40):match.start()]
    return not re.search(r"format\w*\s*\(\s*$", before) and \
        not re.search(rf"(?m)^static\b[^;={{(]*\b{match.group(1)}\s*\(|"
                      rf"\(\*{match.group(1)}\)\s*\(", text)


def check_functions(root):
    """From the brace in the first column to its end; what clang-format's Linux style gives."""
    found = []
    for name in written(root, ".c"):
        start = None
        for number, line in enumerate(code(read(root, name)).split("\n"), 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                if number - start - 1 > FUNCTION_LINES_MAX:
                    found.append(f"{name}:{start}: a function of {number - start - 1} lines, "
                                 f"more than {FUNCTION_LINES_MAX}")
                start = None
    return found


def check_length(root):
    found = []
    for name in written(root, ".c", ".h", ".py", ".sh", ".proto"):
        count = read(root, name).count("\n")
        if count > FILE_LINES_MAX and name not in LONG_FILES:
            found.append(f"{name}: {count} lines, more than {FILE_LINES_MAX}")
    return found


def check_unwanted(root):
    found = []
    for name in files(root):
        try:
            text = read(root, name)
        except UnicodeDecodeError:
            continue
        for pattern, what in UNWANTED:
            found += [f"{name}:{line_of(text, m.start())}: {what}"
                      for m in re.finditer(pattern, text, re.M)]
    return found


def check_listed(root):
    """Every source is named in a local.mk, and what a local.mk names is there."""
    fragments = {name: re.sub(r"(?m)#.*$", "", read(root, name)).replace("\\\n", " ")
                 for name in files(root, ".mk", ".am")}
    words = set(re.findall(r"[^\s=+;'\"]+", " ".join(fragments.values())))
    folders = {word for word in words if os.path.isdir(os.path.join(root, word))}
    found = []
    for name in written(root, ".c", ".h", ".def", ".proto", ".py", ".sh"):
        if name in words or name.endswith(".c") and name[:-2] in words:
            continue
        if not any(name.startswith(folder.rstrip("/") + "/") for folder in folders):
            found.append(f"{name}: in no local.mk")
    path = re.compile(r"^(lib|include|api|bindings|examples|suite|tests|docs|pkgconfig)/[\w./-]+$")
    for fragment, text in sorted(fragments.items()):
        for word in re.findall(r"[^\s=+;'\"]+", text):
            if not path.match(word):
                continue
            here = [word, word + ".c", word + ".in"]
            if not any(os.path.exists(os.path.join(root, name)) for name in here) and \
                    not built(word, text):
                found.append(f"{fragment}: {word} is not on disk")
    return found


def built(word, text):
    """A target of the fragment, a program with sources of its own or an object of the build."""
    canonical = re.sub(r"[^A-Za-z0-9@]", "_", word)
    return bool(re.search(rf"(?m)^{re.escape(word)}\b[^=\n]*:|^{canonical}_SOURCES\b|"
                          rf"{canonical}\$\(EXEEXT\)", text)) or \
        word.endswith((".la", ".lo", ".o")) or "version.h" in word


EXPORT = re.compile(r"(?:/\*\*((?:[^*]|\*(?!/))*)\*/\s*)?"
                    r"\b(ARC_API\b[^;{]*?\b(arc_\w+)\s*\([^;]*;)")


def check_documented(root):
    """Each exported function has a comment of its own that says Owner, Thread, Errors, Since."""
    found = []
    for name in files(root, ".h"):
        if not name.startswith("include/"):
            continue
        text = re.sub(r"(?m)^[ \t]*#(?:.*\\\n)*.*$", lambda m: blank(m.group(0)), read(root, name))
        for match in EXPORT.finditer(text):
            comment, declaration, function = match.groups()
            at = f"{name}:{line_of(text, match.start(2))}: {function}"
            if comment is None:
                found.append(f"{at} has no comment")
                continue
            clauses = ["Owner", "Thread", "Since"]
            if re.search(r"\barc_status\b[^(]*\b" + function, declaration):
                clauses.append("Errors")
            missing = [clause for clause in clauses if not re.search(rf"\b{clause}:", comment)]
            if missing:
                found.append(f"{at} does not say {', '.join(missing)}")
    return found


TABLE = re.compile(r"static const struct test \w+\[\] = \{(.*?)\};", re.S)
# A suite that several programs run: rows X(function, "sentence") in a macro NAME(X) of a header,
# which the table of each program holds as NAME_CASES.
SUITE = re.compile(r"(?m)^#define (\w+)\(X\)((?:.*\\\n)*.*)$")
SUITE_ROW = re.compile(r'X\(\s*(\w+),\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)')
# The cases of another program once more, in other surroundings.
AGAIN = re.compile(r'(?m)^#include "\w+_test\.c"$')
ROW = re.compile(r'\{\s*((?:"(?:\\.|[^"\\])*"\s*)+),\s*\w+\s*\}')


def check_sentences(root):
    found = []
    suites = {}
    for name in files(root, ".h"):
        if name.startswith(("tests/", "suite/")):
            for suite, rows in SUITE.findall(code(read(root, name), strings=True)):
                suites[suite + "_CASES"] = SUITE_ROW.sub(r"{\2, \1}", rows)
    for name in files(root, "_test.c"):
        text = code(read(root, name), strings=True)
        tables = TABLE.findall(text)
        if not tables and not AGAIN.search(text):
            found.append(f"{name}: no table \"static const struct test ...[] = {{\"")
        rows = re.sub(r"\b\w+_CASES\b", lambda m: suites.get(m.group(0), ""), "\n".join(tables))
        seen = set()
        for row in ROW.findall(rows.replace("\\\n", "\n")):
            sentence = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', row))
            if len(sentence) > SENTENCE_MAX:
                found.append(f"{name}: longer than {SENTENCE_MAX}: {sentence}")
            if sentence in seen:
                found.append(f"{name}: twice: {sentence}")
            seen.add(sentence)
        if tables and not seen:
            found.append(f"{name}: a table without a case")
    return found


def check_names(root):
    """A struct, an enum or an internal function of a header means one thing in the whole library."""
    meaning = re.compile(r"(?m)^(?:struct|enum) (arc_\w+)(?= \{)|"
                         r"^(?!static)\w[\w ]*[ *](arc__\w+)(?=\()")
    places = {}
    for name in files(root, ".h"):
        if name.startswith("lib/"):
            for match in meaning.finditer(code(read(root, name))):
                places.setdefault(match.group(1) or match.group(2), set()).add(name)
    return [f"{what} stands in {' and '.join(sorted(names))}"
            for what, names in sorted(places.items()) if len(names) > 1]


def check_tried(root):
    """Every limit of a room is named in a test of that room, every error status in some test."""
    tests = {name: read(root, name) for name in files(root, ".c", ".h") if
             name.startswith("tests/")}
    found = []
    for name in files(root, "limits.def"):
        room = name.split("/")[1]
        text = "".join(test for where, test in tests.items() if f"/{room}/" in where)
        found += [f"{name}: no test of {room} names {limit}"
                  for limit in re.findall(r"(?m)^LIMIT\((\w+)", read(root, name))
                  if not re.search(rf"\b{limit}(_max)?\b", text)]
    everything = "".join(tests.values())
    for name in files(root, "status.def"):
        found += [f"{name}: no test knows ARC_{status}"
                  for status in re.findall(r"(?m)^ROW\((\w+)", read(root, name))
                  if not re.search(rf"\bARC_{status}\b", everything)]
    return found


def check_readmes(root):
    """Each room says on one page what lives there."""
    found = []
    for room in sorted(os.listdir(os.path.join(root, "lib"))):
        if os.path.isdir(os.path.join(root, "lib", room)):
            path = os.path.join("lib", room, "README.md")
            if not os.path.exists(os.path.join(root, path)):
                found.append(f"{path} is not there")
            elif read(root, path).count("\n") > 70:
                found.append(f"{path} is longer than a page")
    return found


SPDX = "SPDX-License-Identifier: Apache-2.0"
CLEAN = {
    "lib/base/local.mk": f"# {SPDX}\nlibarc_la_SOURCES += lib/base/err.c\n",
    "lib/base/err.c": f"/* {SPDX} */\nint arc__x(void)\n{{\n    return 0;\n}}\n",
    "lib/base/README.md": "# base\n",
    "include/local.mk": f"# {SPDX}\npkginclude_HEADERS += include/arcentra/a.h\n",
    "include/arcentra/a.h": f"/* {SPDX} */\n/** Sets it.\n * Owner: nobody. Thread: any. Errors: "
                            "none. Since: 0.1. */\nARC_API arc_status arc_a(int x);\n",
    "tests/unit/base/local.mk": f"# {SPDX}\nunit_tests += tests/unit/base/err_test\n",
    "tests/unit/base/err_test.c": f"/* {SPDX} */\nstatic const struct test tests[] = {{\n"
                                  '    {"it holds", it_holds},\n};\n',
}


def planted_c(body):
    return {"lib/base/err.c": f"/* {SPDX} */\n{body}\n"}


def planted_table(*sentences):
    rows = "".join(f'    {{"{sentence}", f}},\n' for sentence in sentences)
    return {"tests/unit/base/err_test.c":
            f"/* {SPDX} */\nstatic const struct test tests[] = {{\n{rows}}};\n"}


def plants(tap):
    rows = [
        ("a file without a licence line is found", check_spdx,
         {"lib/base/err.c": "int arc__x;\n"}, "no SPDX"),
        ("a line that is too long is found", check_lines, planted_c("/*" + "-" * 100 + "*/"),
         "err.c:2: 104 columns"),
        ("a tab is found", check_lines, planted_c("\tint x;"), "err.c:2: a tab"),
        ("blanks at the end of a line are found", check_lines, planted_c("int x; "), "err.c:2:"),
        ("a missing last line break is found", check_lines, {"lib/base/err.c": "int x;"},
         "exactly one line break"),
        ("a banned function is found", check_banned,
         planted_c("/* free(x) */ const char *t = \"free(x)\"; void f(void) { free(x); }"),
         "err.c:2: free"),
        ("a clock outside face is found", check_banned, planted_c("int f(void) { time (0); }"),
         "time is given"),
        ("a long function is found", check_functions,
         planted_c("int f(void)\n{\n" + "    x();\n" * 71 + "}"), "a function of 71 lines"),
        ("a long file is found", check_length, planted_c("int x;\n" * 1200), "more than 1200"),
        ("a path of one machine is found", check_unwanted, planted_c("/* in /wo" "rk/tree */"),
         "a path of one machine"),
        ("a note without a reason is found", check_unwanted, planted_c("/* TO" "DO */"),
         "a note without a reason"),
        ("a source that is built by nobody is found", check_listed,
         {"lib/base/lost.c": f"/* {SPDX} */\n"}, "lib/base/lost.c: in no local.mk"),
        ("a source that is listed and gone is found", check_listed,
         {"lib/base/err.c": None}, "lib/base/err.c is not on disk"),
        ("a function without a comment is found", check_documented,
         {"include/arcentra/a.h": f"/* {SPDX} */\nARC_API int arc_a(void);\n"}, "has no comment"),
        ("a comment without its clauses is found", check_documented,
         {"include/arcentra/a.h": "/** Owner: x. Thread: any. Since: 0.1. */\n"
                                  "ARC_API ARC_MUST_USE arc_status arc_a(void);\n"},
         "does not say Errors"),
        ("a test sentence that stands twice is found", check_sentences,
         planted_table("one", "two", "one"), "twice: one"),
        ("a test sentence that is too long is found", check_sentences, planted_table("x" * 67),
         "longer than 66"),
        ("a test file without a case is found", check_sentences, planted_table(),
         "a table without a case"),
        ("a name with two meanings is found", check_names,
         {"lib/base/a.h": f"/* {SPDX} */\nint *arc__a(void);\nstruct arc_b *arc__b(void);\n",
          "lib/core/b.h": f"/* {SPDX} */\nstruct arc_b {{\n    int x;\n}};\nint arc__a(void);\n"},
         "arc__a stands in lib/base/a.h and lib/core/b.h"),
        ("a limit that no test tries is found", check_tried,
         {"lib/base/limits.def": f"/* {SPDX} */\nLIMIT(it, 1)\nLIMIT(depth, 64)\n"},
         "no test of base names depth"),
        ("a status that no test knows is found", check_tried,
         {"lib/base/status.def": f"/* {SPDX} */\nROW(ENEW, -99)\n"}, "no test knows ARC_ENEW"),
        ("a room without a page is found", check_readmes, {"lib/base/README.md": None},
         "README.md is not there"),
    ]
    for row in rows:
        tap.finds(row[0], row[1], CLEAN, row[2], row[3])


def main():
    tap = Tap()
    tap.case("every source says its licence", check_spdx(ROOT))
    tap.case("lines are short, clean and end as they should", check_lines(ROOT))
    tap.case("no banned function is called", check_banned(ROOT))
    tap.case("functions are short", check_functions(ROOT))
    tap.case("files are short", check_length(ROOT))
    tap.case("nothing is said that belongs elsewhere", check_unwanted(ROOT))
    tap.case("every source is listed and every listed file is there", check_listed(ROOT))
    tap.case("every exported function says Owner, Thread, Errors, Since", check_documented(ROOT))
    tap.case("test sentences are unique and short", check_sentences(ROOT))
    tap.case("a name means one thing", check_names(ROOT))
    tap.case("every limit and every status is tried", check_tried(ROOT))
    tap.case("each room has its page", check_readmes(ROOT))
    plants(tap)
    tap.end()


main()
