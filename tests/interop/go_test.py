#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""grpc-go: its own interop client against our server, and our client against its interop service;
compression both ways, with the flag looked at on the wire. Prints TAP."""
from lab import Lab, Proxy, case, go_tool, packed, run_cases, same, want_ok

CLIENT = "google.golang.org/grpc/interop/client"
CASES = ("empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
         "empty_stream", "cancel_after_begin", "cancel_after_first_response",
         "timeout_on_sleeping_server", "custom_metadata", "status_code_and_message",
         "special_status_message", "unimplemented_method", "unimplemented_service")


def go_server(lab, tls):
    argv = []
    if tls:
        cert, key = lab.certificate()
        argv = ["-cert", cert, "-key", key]
    return lab.server([go_tool("go", "./server")], argv)


def cases_of(name, tls):
    link = "TLS" if tls else "plaintext"

    @case("grpc-go's client finds %s in order over %s" % (name, link))
    def theirs(lab):
        client = go_tool("go", CLIENT)
        server = lab.ours(tls)
        argv = [client, "-server_host", "localhost", "-server_port", str(server.port),
                "-test_case", name]
        if tls:
            argv += ["-use_tls", "-use_test_ca", "-ca_file", lab.certificate()[0]]
        want_ok(argv)

    @case("our client finds grpc-go's server in order in %s over %s" % (name, link))
    def ours(lab):
        lab.client(name, go_server(lab, tls).target, tls)


for tls in (False, True):
    for name in CASES:
        cases_of(name, tls)


@case("grpc-go's encoding/gzip and our server compress both ways")
def their_gzip(lab):
    proxy = Proxy(lab.ours().port)
    try:
        want_ok([go_tool("go", "./gzip"), "-target", proxy.target])
        up, down = proxy.messages()
        same(packed(up), [1] * 6, "requests: two unary, three of a stream, one for a stream")
        same(packed(down), [1, 0, 0, 1, 0], "answers, as they were asked for")
    finally:
        proxy.close()


@case("our client and grpc-go's encoding/gzip compress both ways")
def our_gzip(lab):
    proxy = Proxy(go_server(lab, False).port)
    try:
        lab.client("gzip_both_ways", proxy.target)
        up, down = proxy.messages()
        same(packed(up), [1, 1], "requests")
        same(packed(down), [1, 1], "answers")
    finally:
        proxy.close()


run_cases(Lab)
