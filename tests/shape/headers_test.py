# SPDX-License-Identifier: Apache-2.0
"""Public headers stand alone: each compiles by itself, twice over, as pedantic C99 and as C++11,
and says nothing that a binding or an older caller could not live with."""
import os
import re
import shlex
import shutil
import subprocess

from shape import BUILD, ROOT, Tap, code, files, line_of, read

# Words that no public signature or struct may hold, and why.
WORDS = {
    "bool": "its size is the compiler's business: use int or uint8_t",
    "_Bool": "its size is the compiler's business: use int or uint8_t",
    "enum": "its size is the compiler's business: use a fixed width and #define",
    "long": "differs between machines: use a fixed width",
    "short": "use a fixed width",
    "unsigned": "use a fixed width",
    "ssize_t": "POSIX only: use size_t or a status",
    "off_t": "changes with _FILE_OFFSET_BITS: use int64_t",
    "time_t": "differs between machines: use nanoseconds in int64_t",
    "FILE": "belongs to the C library of one side",
}
BIT_FIELD = re.compile(r"\b\w+\s*:\s*\d+\s*[;,]")

C99 = ["-x", "c", "-std=c99"]
CXX = ["-x", "c++", "-std=c++11"]
FLAGS = ["-pedantic", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"]


def public_headers(root):
    return [name[len("include/"):] for name in files(root, ".h") if name.startswith("include/")]


def compiles(compiler, language, include_dirs, header):
    """None, or what the compiler said to a file that includes the header twice."""
    source = f"#include <{header}>\n#include <{header}>\nextern int arc_nothing;\n"
    flags = [f"-I{path}" for path in include_dirs]
    run = subprocess.run([*compiler, *language, *FLAGS, *flags, "-"], input=source, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if run.returncode == 0:
        return None
    lines = [line for line in run.stdout.splitlines() if "error" in line]
    return (lines or run.stdout.splitlines() or ["it failed without a word"])[0]


def c_compiler():
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        words = shlex.split(name or "")
        if words and shutil.which(words[0]):
            return words
    return None


def cxx_compiler():
    """A compiler that takes C++; gcc takes it only where g++ is installed, clang always does."""
    for words in (c_compiler(), ["g++"], ["clang++"], ["clang"]):
        if words and shutil.which(words[0]):
            run = subprocess.run([*words, *CXX, "-fsyntax-only", "-"], input="int arc_x;\n",
                                 text=True, capture_output=True, check=False)
            if run.returncode == 0:
                return words
    return None


def check_alone(compiler, language, root, *more_dirs):
    found = []
    for header in public_headers(root):
        said = compiles(compiler, language, [os.path.join(root, "include"), *more_dirs], header)
        if said:
            found.append(f"{header}: {said}")
    return found


def check_words(root):
    found = []
    for header in public_headers(root):
        text = code(read(root, "include/" + header))
        # A list of constants is no type that anybody passes.
        text = re.sub(r"\benum(?=\s*\{[^}]*\}\s*;)", "    ", text)
        text = re.sub(r"^[ \t]*#.*(?:\\\n.*)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text,
                      flags=re.M)
        found += [f"{header}:{line_of(text, m.start())}: {m.group(0)}: {WORDS[m.group(0)]}"
                  for m in re.finditer(r"\b(" + "|".join(WORDS) + r")\b", text)]
        found += [f"{header}:{line_of(text, m.start())}: a bit-field has no layout to rely on"
                  for m in BIT_FIELD.finditer(text)]
    return found


def check_frame(root):
    """Guard, C++ linkage, no configuration of the build."""
    found = []
    for header in public_headers(root):
        text = code(read(root, "include/" + header), strings=True)
        guard = re.search(r"#ifndef (ARCENTRA_[A-Z0-9_]+_H)\n#define \1\n", text)
        if not guard:
            found.append(f"{header}: no guard ARCENTRA_..._H")
        if "ARC_API" in text and not re.search(r"^ARC_BEGIN_DECLS$.*^ARC_END_DECLS$", text,
                                               re.M | re.S):
            found.append(f"{header}: functions outside ARC_BEGIN_DECLS and ARC_END_DECLS")
        if re.search(r"\bHAVE_\w+|\bARC_WITH_\w+|config\.h", text):
            found.append(f"{header}: depends on how the library was configured")
    return found


CLEAN = {"include/arcentra/a.h": """#ifndef ARCENTRA_A_H
#define ARCENTRA_A_H
#include <stdint.h>
#define ARC_API
#define ARC_BEGIN_DECLS
#define ARC_END_DECLS
ARC_BEGIN_DECLS
/* a long word in a comment */
ARC_API int32_t arc_a(const char *text);
ARC_END_DECLS
#endif
"""}


def plant(text):
    return {"include/arcentra/b.h": "#ifndef ARCENTRA_B_H\n#define ARCENTRA_B_H\n" + text +
                                    "\n#endif\n"}


def plants(tap, compiler, cxx):
    tap.finds("a header that lacks an include is found",
              lambda root: check_alone(compiler, C99, root), CLEAN,
              plant("uint32_t arc_b(void);"), "b.h: ")
    if cxx:
        tap.finds("a header that is no C++ is found",
                  lambda root: check_alone(cxx, CXX, root), CLEAN,
                  plant("int arc_b(int class);"), "b.h: ")
    else:
        tap.skip("a header that is no C++ is found", "no C++ compiler")
    tap.finds("a type without a fixed width is found", check_words, CLEAN,
              plant("long arc_b(void);"), "b.h:3: long")
    tap.finds("an enumeration as a type is found", check_words, CLEAN,
              plant("enum { ARC_B };\nenum arc_b { ARC_C };"), "b.h:4: enum")
    tap.finds("a bit-field is found", check_words, CLEAN,
              plant("struct arc_b { int one : 1; };"), "bit-field")
    tap.finds("a header that asks for config.h is found", check_frame, CLEAN,
              plant("#ifdef HAVE_EPOLL\n#endif"), "configured")
    tap.finds("a header without a guard is found", check_frame, CLEAN,
              {"include/arcentra/b.h": "\n"}, "no guard")
    tap.finds("functions without C++ linkage are found", check_frame, CLEAN,
              plant("ARC_API int arc_b(void);"), "outside ARC_BEGIN_DECLS")


def main():
    tap = Tap()
    compiler, cxx = c_compiler(), cxx_compiler()
    built = os.path.join(BUILD, "include")
    tap.case("each public header compiles alone as C99",
             check_alone(compiler, C99, ROOT, built))
    if cxx:
        tap.case("each public header compiles alone as C++11", check_alone(cxx, CXX, ROOT, built))
    else:
        tap.skip("each public header compiles alone as C++11", "no C++ compiler")
    said = compiles(compiler, C99, [built, os.path.join(ROOT, "include")], "arcentra/version.h")
    tap.case("the header with the version compiles alone", [said] if said else [])
    tap.case("public types have a fixed width", check_words(ROOT))
    tap.case("public headers have a guard and C++ linkage", check_frame(ROOT))
    plants(tap, compiler, cxx)
    tap.end()


main()
