# SPDX-License-Identifier: Apache-2.0
"""The two small gRPC programs of examples/, with each other and with a client that others wrote."""
import os
import subprocess

from harness import BUILD, PATIENCE, Skip, case, run_cases, same

try:
    import grpc
except ImportError:
    grpc = None


class Server:
    """examples/grpc_server on a port of the system's, until its standard input ends."""

    def __enter__(self):
        self.popen = subprocess.Popen([os.path.join(BUILD, "grpc_server"), "127.0.0.1:0"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.target = "127.0.0.1:" + self.popen.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.popen.stdin.close()
        code = self.popen.wait(timeout=PATIENCE)
        self.popen.stdout.close()
        same(code, 0, "the server's exit")


def client(*words):
    return subprocess.run([os.path.join(BUILD, "grpc_client"), *words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)


def method(channel, path, kind="unary_unary"):
    """A method whose messages are bytes."""
    return getattr(channel, kind)(path, request_serializer=bytes, response_deserializer=bytes)


def need_grpcio():
    if grpc is None:
        raise Skip("python3-grpcio is not here")


@case("the example client gets its words back from the example server")
def words():
    with Server() as server:
        done = client(server.target, "one", "two", "three")
    same(done.stderr, "", "stderr")
    same(sorted(line.split()[-1] for line in done.stdout.splitlines()), ["one", "three", "two"],
         "the words")
    same(done.returncode, 0, "exit")


@case("the example client says why where nobody listens")
def nobody():
    with Server() as server:
        target = server.target
    done = client(target, "one")
    same(done.returncode, 1, "exit")
    same("UNAVAILABLE" in done.stderr, True, "the code in " + repr(done.stderr))


@case("the example server speaks with a client of another make")
def others():
    need_grpcio()
    with Server() as server, grpc.insecure_channel(server.target) as channel:
        same(method(channel, "/echo.v1.Echo/Say")(b"hello", timeout=PATIENCE), b"hello", "Say")
        chat = method(channel, "/echo.v1.Echo/Chat", "stream_stream")
        big = [bytes([i]) * 100000 for i in range(100)]
        same(list(chat(iter(big), timeout=PATIENCE)) == big, True, "Chat, ten megabytes")
        health = method(channel, "/grpc.health.v1.Health/Check")
        same(health(b"", timeout=PATIENCE), b"\x08\x01", "SERVING")
        try:
            method(channel, "/echo.v1.Echo/Sing")(b"", timeout=PATIENCE)
        except grpc.RpcError as error:
            same(error.code(), grpc.StatusCode.UNIMPLEMENTED, "an unknown method")
        else:
            same("an answer", "an error", "an unknown method")


run_cases()
