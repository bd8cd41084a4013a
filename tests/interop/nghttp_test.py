#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""nghttp and h2load, which know HTTP/2 and no gRPC, talk to our server. Prints TAP."""
import os
import re

from lab import Lab, case, check, have, run_cases, same, want_ok

# A SimpleRequest that wants three bytes, as one gRPC message.
ASKED = b"\x00\x00\x00\x00\x02\x10\x03"
HEADERS = ("content-type: application/grpc", "te: trailers")
PATH = "/grpc.testing.TestService/UnaryCall"


def argv_for(lab, tls, tool, *flags):
    path = os.path.join(lab.directory, "asked")
    with open(path, "wb") as file:
        file.write(ASKED)
    argv = [have(tool), *flags, "-d", path]
    for header in HEADERS:
        argv += ["-H", header]
    scheme = "https" if tls else "http"
    return argv + ["%s://127.0.0.1:%d%s" % (scheme, lab.ours(tls).port, PATH)]


def tools(tls):
    link = "TLS" if tls else "plaintext"

    @case("h2load makes thousands of calls over %s, all of which succeed" % link)
    def load(lab):
        text = want_ok(argv_for(lab, tls, "h2load", "-n", "4000", "-c", "4", "-m", "25"), 120)
        requests = re.search(r"^requests: (.*)$", text, re.M)
        codes = re.search(r"^status codes: (.*)$", text, re.M)
        check(requests and codes, text)
        same(requests.group(1), "4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, "
             "0 errored, 0 timeout", "requests")
        same(codes.group(1), "4000 2xx, 0 3xx, 0 4xx, 0 5xx", "status codes")

    @case("nghttp makes a call over %s and reads its status" % link)
    def single(lab):
        text = want_ok(argv_for(lab, tls, "nghttp", "-v", "-y", "-t", "30"))
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        for wanted in (":status: 200", "content-type: application/grpc", "grpc-status: 0"):
            check(wanted in text, "no \"%s\" in\n%s" % (wanted, text))
        check(re.search(r"recv DATA frame <length=12,", text), text)

    @case("h2load uses many connections at once over %s" % link)
    def many(lab):
        text = want_ok(argv_for(lab, tls, "h2load", "-n", "600", "-c", "60", "-m", "2"), 120)
        check("600 succeeded, 0 failed" in text, text)


for tls in (False, True):
    tools(tls)

run_cases(Lab)
