#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our client against our server, both on the public headers. Prints TAP."""
from lab import Lab, Proxy, case, packed, run_cases, same

PUBLISHED = ("empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
             "empty_stream", "cancel_after_begin", "cancel_after_first_response",
             "timeout_on_sleeping_server", "custom_metadata", "status_code_and_message",
             "special_status_message", "unimplemented_method", "unimplemented_service",
             "client_compressed_unary", "server_compressed_unary", "client_compressed_streaming",
             "server_compressed_streaming")


def agree(name, tls):
    @case("client and server agree on %s over %s" % (name, "TLS" if tls else "plaintext"))
    def both(lab):
        lab.client(name, lab.ours(tls).target, tls)


for tls in (False, True):
    for name in PUBLISHED:
        agree(name, tls)


@case("the flag on the wire is set where a message was asked to be compressed")
def flags(lab):
    proxy = Proxy(lab.ours().port)
    try:
        lab.client("client_compressed_unary", proxy.target)
        up, down = proxy.messages()
        same(packed(up), [0, 1, 0], "requests")
        same(packed(down), [0, 0], "answers")
    finally:
        proxy.close()


run_cases(Lab)
