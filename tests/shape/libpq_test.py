# SPDX-License-Identifier: Apache-2.0
"""The PostgreSQL store asks of libpq what libpq 13 has. What is newer stands behind the macro that
says it is there, and without that macro the store compiles as well."""
import os
import re
import shlex
import subprocess

from shape import BUILD, ROOT, Planted, Tap, code, files, read

# Of libpq 13. PQconnectdb and others that wait for the server are left out on purpose.
PLAIN = set("""PQbackendPID PQclear PQconninfoFree PQconninfoParse PQconnectPoll PQconnectStart
    PQconsumeInput PQerrorMessage PQfinish PQflush PQfreemem PQgetlength PQgetResult PQgetvalue
    PQisBusy PQnotifies PQntuples PQresultErrorField PQresultErrorMessage PQresultStatus
    PQsendPrepare PQsendQuery PQsendQueryParams PQsendQueryPrepared PQsetnonblocking
    PQsetNoticeReceiver PQsocket PQstatus""".split())
# Of libpq 14: LIBPQ_HAS_PIPELINING.
PIPELINE = set("""PQenterPipelineMode PQpipelineSync PQsendFlushRequest PGRES_PIPELINE_SYNC
    PGRES_PIPELINE_ABORTED""".split())
USE = re.compile(r"\b(PQ[a-z]\w*(?=\()|PGRES_PIPELINE_\w+)")


def lines_of(text):
    """(number, line, whether it stands behind the macro)."""
    behind = []
    for number, line in enumerate(text.split("\n"), 1):
        word = line.split() or [""]
        if word[0] in ("#if", "#ifdef", "#ifndef"):
            behind.append(line.split() == ["#ifdef", "LIBPQ_HAS_PIPELINING"])
        elif word[0] in ("#else", "#elif") and behind:
            behind[-1] = False
        elif word[0] == "#endif" and behind:
            behind.pop()
        yield number, line, any(behind)


def check_functions(root):
    found = []
    for name in files(root, ".c", ".h"):
        if not name.startswith("lib/"):
            continue
        for number, line, behind in lines_of(code(read(root, name))):
            for use in USE.findall(line):
                if use in PLAIN or use in PIPELINE and behind:
                    continue
                why = ("stands before libpq 14 as well" if use in PIPELINE else
                       "is newer than libpq 13, or waits, or is not on the list")
                found.append(f"{name}:{number}: {use} {why}")
    return found


def check_unused(root):
    text = "\n".join(code(read(root, name)) for name in files(root, ".c")
                     if name.startswith("lib/store/pg"))
    return [f"{name} is on the list and nowhere used" for name in sorted(PLAIN | PIPELINE)
            if not re.search(rf"\b{name}\b", text)]


def check_without_pipeline(header):
    """The file that knows libpq, compiled before a header that has no pipeline."""
    old = f"#include_next <libpq-fe.h>\n#undef {header}\n"
    with Planted({"libpq-fe.h": old}) as root:
        flags = subprocess.run(["pkg-config", "--cflags", "libpq"], capture_output=True, text=True,
                               check=False).stdout
        done = subprocess.run(
            [*shlex.split(os.environ.get("CC") or "cc"), "-std=c17", "-D_GNU_SOURCE", "-Wall",
             "-Wextra", "-Werror", "-fsyntax-only", f"-I{root}", f"-I{ROOT}/lib",
             f"-I{ROOT}/include", f"-I{BUILD}/include", *shlex.split(flags),
             f"{ROOT}/lib/store/pg_wire.c"], capture_output=True, text=True, check=False)
    return done.stderr.split("\n") if done.returncode else []


CLEAN = {"lib/store/pg_x.c": "int f(void)\n{\n#ifdef LIBPQ_HAS_PIPELINING\n"
                             "    return PQpipelineSync(c);\n#else\n    return PQflush(c);\n"
                             "#endif\n}\n"}


def main():
    tap = Tap()
    tap.case("every function of libpq is one of libpq 13, or behind its macro",
             check_functions(ROOT))
    tap.case("the list holds what is used and no more", check_unused(ROOT))
    if os.path.exists(f"{BUILD}/include/arcentra/version.h"):
        tap.case("the store compiles before a libpq without a pipeline",
                 check_without_pipeline("LIBPQ_HAS_PIPELINING"))
    else:
        tap.skip("the store compiles before a libpq without a pipeline", "no build directory")
    tap.finds("a function of a newer libpq is found", check_functions, CLEAN,
              {"lib/store/pg_y.c": "int g(void) { return PQsocketPoll(1); }\n"}, "PQsocketPoll")
    tap.finds("a function that waits is found", check_functions, CLEAN,
              {"lib/store/pg_y.c": "int g(void) { return PQexec(c); }\n"}, "PQexec")
    tap.finds("a pipeline without its macro is found", check_functions, CLEAN,
              {"lib/store/pg_y.c": "int g(void) { return PQpipelineSync(c); }\n"},
              "PQpipelineSync")
    tap.end()


main()
