# SPDX-License-Identifier: Apache-2.0
"""Whether a server does what bench.proto says, seen by a client that others wrote:
verify.py PORT [CERT]. What counts afterwards is only how fast the same bytes are."""
import sys

import grpc

import bodies

TIMEOUT_S = 20


def same(what, got, want):
    if got != want:
        sys.exit(f"verify: {what}: {got!r}, not {want!r}")


def code(call, *arguments):
    try:
        call(*arguments, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def verify(channel):
    request = bodies.sum_request(40, 2)
    reply = channel.unary_unary(bodies.GET_SUM)(request, timeout=TIMEOUT_S)
    same("GetSum", bodies.numbers(reply), {1: 42})
    replies = channel.unary_stream(bodies.STREAM_SUM)(bodies.sum_request(1, 2, 2000),
                                                      timeout=TIMEOUT_S)
    same("StreamSum", [bodies.numbers(reply) for reply in replies], [{1: 3}] * 2000)
    ingest = channel.stream_unary(bodies.INGEST)
    for size in bodies.LINE_BYTES:
        summary = ingest(iter(bodies.lines(size)), timeout=TIMEOUT_S)
        same(f"Ingest of {size} bytes", summary, bodies.summary(size))
    refused = grpc.StatusCode.INVALID_ARGUMENT
    same("a line too few", code(ingest, iter(bodies.lines(172, first=2))), refused)
    replies = channel.stream_stream(bodies.OPEN)(iter([request, request]), timeout=TIMEOUT_S)
    same("Open", [bodies.numbers(reply) for reply in replies], [{1: 42}] * 2)
    same("no such method", code(channel.unary_unary("/bench.SumService/No"), request),
         grpc.StatusCode.UNIMPLEMENTED)


def main():
    target = f"localhost:{sys.argv[1]}"
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as file:
            channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(file.read()))
    else:
        channel = grpc.insecure_channel(target)
    with channel:
        verify(channel)


main()
