#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""grpcio: the four kinds of calls with our server, and compression both ways with our server and
with our client, the flag looked at on the wire. Prints TAP."""
import concurrent.futures
import os
import sys

PYTHON = "/usr/bin/python3"

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    # PATH may lead to another python than the one that the distribution's packages are for.
    if sys.executable != PYTHON and os.access(PYTHON, os.X_OK) and "ARC_AGAIN" not in os.environ:
        os.environ["ARC_AGAIN"] = "1"
        os.execv(PYTHON, [PYTHON] + sys.argv)
    print("1..0 # SKIP python3-grpcio or python3-protobuf is not installed")
    sys.exit(0)

from lab import DESCRIPTORS, PATIENCE, Lab, Proxy, case, check, packed, run_cases, same

SERVICE = "grpc.testing.TestService"


def messages():
    """The classes of testservice.proto by their names, and the methods of its service."""
    with open(DESCRIPTORS, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for each in files.file:
        pool.Add(each)
    made = message_factory.MessageFactory(pool)
    found = {}
    for each in files.file:
        for message in each.message_type:
            whole = pool.FindMessageTypeByName(each.package + "." + message.name)
            found[message.name] = made.GetPrototype(whole)
    return found


M = messages()


def zeros(size):
    return M["Payload"](body=bytes(size))


def is_true(value):
    return M["BoolValue"](value=value)


class Stub:
    """The methods of the service on a channel."""

    def __init__(self, target, cert=None, **more):
        if cert is None:
            self.channel = grpc.insecure_channel(target, **more)
        else:
            with open(cert, "rb") as file:
                secret = grpc.ssl_channel_credentials(file.read())
            self.channel = grpc.secure_channel(target, secret, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def method(self, kind, name, reply):
        return getattr(self.channel, kind)(
            "/%s/%s" % (SERVICE, name), request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=M[reply].FromString)

    def unary(self, request, **more):
        call = self.method("unary_unary", "UnaryCall", "SimpleResponse")
        return call(request, timeout=PATIENCE, **more)

    def upload(self, requests):
        call = self.method("stream_unary", "StreamingInputCall", "StreamingInputCallResponse")
        return call(requests, timeout=PATIENCE)

    def download(self, request):
        call = self.method("unary_stream", "StreamingOutputCall", "StreamingOutputCallResponse")
        return call(request, timeout=PATIENCE)

    def duplex(self, requests):
        call = self.method("stream_stream", "FullDuplexCall", "StreamingOutputCallResponse")
        return call(requests, timeout=PATIENCE)


def stub(lab, tls):
    return Stub(lab.ours(tls).target, lab.certificate()[0] if tls else None)


def output(*sizes, compressed=()):
    request = M["StreamingOutputCallRequest"]()
    for at, size in enumerate(sizes):
        parameters = request.response_parameters.add(size=size)
        if at < len(compressed):
            parameters.compressed.value = compressed[at]
    return request


def kinds(tls):
    link = "TLS" if tls else "plaintext"

    @case("grpcio makes a unary call over %s" % link)
    def unary(lab):
        with stub(lab, tls) as calls:
            request = M["SimpleRequest"](response_size=314159, payload=zeros(271828))
            same(calls.unary(request).payload.body == bytes(314159), True, "the answer is zeros")

    @case("grpcio streams to the server over %s" % link)
    def upload(lab):
        with stub(lab, tls) as calls:
            requests = [M["StreamingInputCallRequest"](payload=zeros(size))
                        for size in (27182, 8, 1828, 45904)]
            same(calls.upload(iter(requests)).aggregated_payload_size, 74922, "the sum")

    @case("grpcio reads a stream over %s" % link)
    def download(lab):
        with stub(lab, tls) as calls:
            sizes = [31415, 9, 2653, 58979] * 50
            got = [len(each.payload.body) for each in calls.download(output(*sizes))]
            same(got, sizes, "the sizes")

    @case("grpcio talks both ways over %s" % link)
    def duplex(lab):
        with stub(lab, tls) as calls:
            got = calls.duplex(output(size) for size in range(100))
            same([len(each.payload.body) for each in got], list(range(100)), "the sizes")


for secure in (False, True):
    kinds(secure)


@case("grpcio and our server compress both ways")
def server_gzip(lab):
    proxy = Proxy(lab.ours().port)
    try:
        with Stub(proxy.target, compression=grpc.Compression.Gzip) as calls:
            request = M["SimpleRequest"](response_size=314159, payload=zeros(271828),
                                         expect_compressed=is_true(True),
                                         response_compressed=is_true(True))
            check(calls.unary(request).payload.body == bytes(314159), "the answer is not zeros")
            requests = [M["StreamingInputCallRequest"](payload=zeros(9999),
                                                       expect_compressed=is_true(True))] * 3
            same(calls.upload(iter(requests)).aggregated_payload_size, 3 * 9999, "the sum")
            got = calls.download(output(31415, 92653, compressed=(True, False)))
            same([len(each.payload.body) for each in got], [31415, 92653], "the sizes")
        up, down = proxy.messages()
        # What does not become shorter may go as it is: the request for a stream is a few bytes.
        same(packed(up)[:4], [1, 1, 1, 1], "requests")
        same(packed(down), [1, 0, 1, 0], "answers, as they were asked for")
    finally:
        proxy.close()


@case("grpcio without compression is answered without it")
def server_plain(lab):
    proxy = Proxy(lab.ours().port)
    try:
        with Stub(proxy.target) as calls:
            request = M["SimpleRequest"](response_size=314159, payload=zeros(271828),
                                         expect_compressed=is_true(False))
            check(calls.unary(request).payload.body == bytes(314159), "the answer is not zeros")
        up, down = proxy.messages()
        same((packed(up), packed(down)), ([0], [0]), "requests and answers")
    finally:
        proxy.close()


class Service(grpc.GenericRpcHandler):
    """What the client's case of compression asks for."""

    def service(self, details):
        def read(name):
            return {"request_deserializer": M[name].FromString,
                    "response_serializer": lambda m: m.SerializeToString()}

        def unary(request, _):
            return M["SimpleResponse"](payload=zeros(request.response_size))

        def duplex(requests, _):
            for request in requests:
                for asked in request.response_parameters:
                    yield M["StreamingOutputCallResponse"](payload=zeros(asked.size))

        if details.method.endswith("/UnaryCall"):
            return grpc.unary_unary_rpc_method_handler(unary, **read("SimpleRequest"))
        if details.method.endswith("/FullDuplexCall"):
            return grpc.stream_stream_rpc_method_handler(duplex,
                                                         **read("StreamingOutputCallRequest"))
        return None


@case("our client and a grpcio server compress both ways")
def client_gzip(lab):
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, handlers=(Service(),), compression=grpc.Compression.Gzip)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        proxy = Proxy(port)
        try:
            lab.client("gzip_both_ways", proxy.target)
            up, down = proxy.messages()
            same((packed(up), packed(down)), ([1, 1], [1, 1]), "requests and answers")
        finally:
            proxy.close()
            server.stop(None).wait(PATIENCE)


run_cases(Lab)
