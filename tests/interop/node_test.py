#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""@grpc/grpc-js: the four kinds of calls, status and metadata, with our server. Prints TAP."""
import os
import shutil

from lab import (AWAY, BUILD_PATIENCE, HERE, MADE, PROTO, Failure, Lab, Skip, case, check, have, run,
                 run_cases, want_ok)

FILES = ("package.json", "package-lock.json", "client.js")
PACKAGES = os.path.join(MADE, "node")
_packages = []


def packages():
    """Installs the pinned packages in the build directory, once a run."""
    if not _packages:
        _packages.append(install())
    if _packages[0] is not None:
        raise Skip(_packages[0])
    return PACKAGES


def install():
    """None, or why they cannot be had."""
    npm = have("npm")
    os.makedirs(PACKAGES, exist_ok=True)
    for name in FILES:
        shutil.copyfile(os.path.join(HERE, "node", name), os.path.join(PACKAGES, name))
    try:
        code, text = run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                         BUILD_PATIENCE, cwd=PACKAGES)
    except Failure as late:
        return "@grpc/grpc-js does not come (%s)" % str(late).splitlines()[0]
    errors = [line for line in text.splitlines() if line.startswith("npm ERR!") or
              line.startswith("npm error")]
    if code != 0 and AWAY.search(text):
        return "@grpc/grpc-js cannot be had (%s)" % (errors or [text])[0]
    check(code == 0, "npm ci ended with %d\n%s" % (code, text[-3000:]))
    return None


def call(sentence, name, tls):
    @case("@grpc/grpc-js %s over %s" % (sentence, "TLS" if tls else "plaintext"))
    def calls(lab):
        node = have("node")
        directory = packages()
        argv = [node, os.path.join(directory, "client.js"), PROTO, lab.ours(tls).target, name]
        want_ok(argv + ([lab.certificate()[0]] if tls else []))


for tls in (False, True):
    call("makes a unary call", "unary", tls)
    call("streams to the server", "client_stream", tls)
    call("reads a stream", "server_stream", tls)
    call("talks both ways", "both_streams", tls)
    call("reads a status and its message", "status", tls)
    call("gets its metadata back", "metadata", tls)

run_cases(Lab)
