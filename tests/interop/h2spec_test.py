#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""h2spec, strict, against our server: all of it passes but what docs/HTTP2.md names. Prints TAP."""
import os
import re
import xml.etree.ElementTree

from lab import HERE, Lab, case, check, go_tool, run, run_cases, same

H2SPEC = "github.com/summerwind/h2spec/cmd/h2spec"
# As the report calls them: section and sentence. Each has its reason in docs/HTTP2.md.
EXCEPTIONS = {
    ("http2/5.3.1", "Sends PRIORITY frame that depend on itself"),
}
TESTS_MIN = 147


def report(lab, tls):
    """{(section, sentence): "passed", "skipped" or what went wrong}"""
    path = os.path.join(lab.directory, "h2spec-%s.xml" % ("tls" if tls else "plain"))
    argv = [go_tool("h2spec", H2SPEC), "-h", "127.0.0.1", "-p", str(lab.ours(tls).port), "-S",
            "-j", path]
    code, text = run(argv + (["-t", "-k"] if tls else []), 300)
    check(os.path.exists(path), "h2spec ended with %d and no report\n%s" % (code, text[-3000:]))
    found = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        # It writes frames as they came, and XML knows no control characters.
        text = re.sub(r"[^\n\t\x20-\ufffd]", "?", file.read())
    suites = xml.etree.ElementTree.fromstring(text)
    for suite in suites.iter("testsuite"):
        for test in suite.iter("testcase"):
            bad = [part.text or part.tag for part in test if part.tag in ("failure", "error")]
            skipped = test.find("skipped") is not None
            found[(test.get("package"), test.get("classname"))] = \
                bad[0] if bad else "skipped" if skipped else "passed"
    return found


def conform(lab, tls):
    found = report(lab, tls)
    check(len(found) >= TESTS_MIN, "h2spec ran %d tests" % len(found))
    wrong = {name: why for name, why in found.items() if why != "passed"}
    print("# %d of %d passed" % (len(found) - len(wrong), len(found)))
    same({name: why for name, why in wrong.items() if name not in EXCEPTIONS}, {}, "did not pass")
    # An exception that holds by now is none.
    same(EXCEPTIONS - set(wrong), set(), "passed, although it is excepted")
    check(len(found) - len(wrong) >= TESTS_MIN - 1, "too few passed")


@case("h2spec finds the rules of HTTP/2 kept over plaintext")
def plain(lab):
    conform(lab, False)


@case("h2spec finds the rules of HTTP/2 kept over TLS")
def tls(lab):
    conform(lab, True)


@case("what h2spec may find wrong has its reason on a page")
def reasons(_):
    with open(os.path.join(HERE, "../../docs/HTTP2.md"), encoding="utf-8") as file:
        page = file.read()
    for section, sentence in EXCEPTIONS:
        check(section in page and sentence in page, "docs/HTTP2.md is silent on %s" % section)


run_cases(Lab)
