#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our gRPC server called by the Python client that others wrote, in bytes alone. Prints TAP."""
import os
import subprocess
import sys
import time

PYTHON = "/usr/bin/python3"

try:
    import grpc
except ImportError:
    # PATH may lead to another python than the one that the distribution's packages are for.
    if sys.executable != PYTHON and os.access(PYTHON, os.X_OK) and "ARC_AGAIN" not in os.environ:
        os.environ["ARC_AGAIN"] = "1"
        os.execv(PYTHON, [PYTHON] + sys.argv)
    print("1..0 # SKIP python3-grpcio is not installed")
    sys.exit(0)

BUILD = os.environ.get("top_builddir", os.path.join(os.path.dirname(__file__), "../../.."))
SERVE = os.path.join(BUILD, "tests/unit/net/serve")
WAIT = 20


class Server:
    """The test server for as long as its standard input is open."""

    def __init__(self, *tls):
        self.process = subprocess.Popen(
            [SERVE, "localhost:0", *tls],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline())

    def stop(self):
        """Ends it and returns what it counted."""
        out, _ = self.process.communicate(timeout=WAIT)
        words = out.split()
        assert self.process.returncode == 0, self.process.returncode
        return {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}


def unary(channel):
    call = channel.unary_unary("/t/Echo")
    for message in (b"hello", b"", b"\x00\xff" * 1000, b"x" * (3 << 20)):
        assert call(message, timeout=WAIT) == message


def client_stream(channel):
    call = channel.stream_unary("/t/Collect")
    assert call((b"l" * 100 for _ in range(5000)), timeout=WAIT) == b"5000 500000"


def server_stream(channel):
    call = channel.unary_stream("/t/Feed")
    sizes = [len(message) for message in call(b"1000 20000", timeout=WAIT)]
    assert sizes == [20000] * 1000


def bidi_stream(channel):
    call = channel.stream_stream("/t/Chat")
    messages = [b"%d" % i * 50 for i in range(200)]
    assert list(call(iter(messages), timeout=WAIT)) == messages


def status_and_trailers(channel):
    try:
        channel.unary_unary("/t/Fail")(b"x", timeout=WAIT)
        raise AssertionError("no error")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        assert error.details() == "no such thing: 100%\n", error.details()
        trailers = dict(error.trailing_metadata())
        assert trailers["x-reason"] == "gone", trailers
        assert trailers["x-raw-bin"] == b"\x00\xff\x10", trailers


def unknown_method(channel):
    try:
        channel.unary_unary("/t/Nothing")(b"x", timeout=WAIT)
        raise AssertionError("no error")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def deadline(channel):
    began = time.monotonic()
    try:
        channel.unary_unary("/t/Hang")(b"x", timeout=0.3)
        raise AssertionError("no error")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    assert 0.2 < time.monotonic() - began < WAIT


def cancel(channel):
    # So often that some are cancelled before they have left: grpcio then resets a stream that it
    # never opened, and the connection is to go on.
    for _ in range(50):
        call = channel.stream_stream("/t/Hang")(iter([b"x"]), timeout=WAIT)
        call.cancel()
        assert call.code() == grpc.StatusCode.CANCELLED, call.code()


def early_answer(channel):
    def endless():
        while True:
            yield b"m" * 1000

    assert channel.stream_unary("/t/Early")(endless(), timeout=WAIT) == b"early"


def compressed(channel):
    call = channel.unary_unary("/t/Echo")
    message = b"x" * 100000
    assert call(message, timeout=WAIT, compression=grpc.Compression.Gzip) == message


def metadata(channel):
    call = channel.unary_unary("/t/Echo")
    lines = (("authorization", "bearer x"), ("x-raw-bin", b"\x00\x01"))
    assert call(b"m", timeout=WAIT, metadata=lines) == b"m"


def too_much_metadata(channel):
    lines = [("x-%d" % i, "v") for i in range(150)]
    try:
        channel.unary_unary("/t/Echo")(b"m", timeout=WAIT, metadata=lines)
        raise AssertionError("no error")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error


def many_at_once(channel):
    call = channel.unary_unary("/t/Echo")
    futures = [call.future(b"%d" % i, timeout=WAIT) for i in range(500)]
    assert [f.result() for f in futures] == [b"%d" % i for i in range(500)]


CASES = [
    ("grpcio makes a unary call", unary),
    ("grpcio streams to the server", client_stream),
    ("grpcio reads a stream", server_stream),
    ("grpcio talks both ways", bidi_stream),
    ("grpcio reads status, message and trailers", status_and_trailers),
    ("grpcio is told of an unknown method", unknown_method),
    ("grpcio's deadline ends a call", deadline),
    ("grpcio cancels", cancel),
    ("grpcio takes an early answer while it sends", early_answer),
    ("grpcio compresses what it sends", compressed),
    ("grpcio sends metadata", metadata),
    ("grpcio is told of too much metadata", too_much_metadata),
    ("grpcio makes five hundred calls at once", many_at_once),
]


def run(number, sentence, function, *args):
    try:
        function(*args)
        print(f"ok {number} - {sentence}", flush=True)
        return 0
    except BaseException as error:  # a test reports whatever went wrong
        print(f"# {type(error).__name__}: {error}".replace("\n", "\n# "))
        print(f"not ok {number} - {sentence}", flush=True)
        return 1


def counted(counters):
    assert counters["connections"] == 1, counters
    assert counters["faults"] == 1, counters  # the header block that was too long


def main():
    failed = 0
    server = Server()
    with grpc.insecure_channel(f"localhost:{server.port}") as channel:
        for number, (sentence, function) in enumerate(CASES, 1):
            failed += run(number, sentence, function, channel)
    number = len(CASES) + 1
    sentence = "grpcio used one connection and broke no other rule"
    failed += run(number, sentence, lambda: counted(server.stop()))
    print(f"1..{number}")
    return 1 if failed else 0


sys.exit(main())
